/* source.h - file bytes for those who must not open files (room: base).
 * A job's source reads each piece once per job and broadcasts it; a plain one preads. Where a source is collective, all its ranks
 * make the same calls in the same order, and all see the same result. */
#ifndef MTB_SOURCE_H
#define MTB_SOURCE_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdint.h>

struct source {
    int n_files;
    const char *const *path;    /* (n_files) as the user would recognise them */
    const uint64_t *size;       /* (n_files) bytes */
    void *ctx;
    /* Bytes [off, off + n) of file 'file' into dst. 0/-1 (err: io); n is at most 1 GiB. */
    int (*read)(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err);
};

/* Index of the file whose base name is 'name', or -1. */
int source_find(const struct source *s, const char *name);
/* A whole file appended to 'out'; files above 'limit' bytes are refused (err: format). */
int source_slurp(const struct source *s, int file, size_t limit, struct buf *out, struct err *err);

/* A plain, local source over these paths (copied). Destroy with source_files_close(). NULL: io error. */
struct source *source_files_open(const char *const *path, int n, struct err *err);
void source_files_close(struct source *s);

#endif
