/* outfile.h - a file that is written piece by piece beside its place, and gets its name when it is whole (room: base).
 * For what is too long to be in memory first; io_replace() is for the rest. */
#ifndef MTB_OUTFILE_H
#define MTB_OUTFILE_H

#include "mtbench/err.h"

#include <stddef.h>
#include <stdint.h>

struct outfile;

/* What is at 'path' stays as it is until outfile_end(). A link stays one, its target is replaced. What is neither file nor folder (a pipe,
 * /dev/stdout) is written as the pieces come. NULL: err (io). */
struct outfile *outfile_begin(const char *path, struct err *err);
/* A failure is kept for outfile_end(), and all further pieces are dropped. */
void outfile_add(struct outfile *f, const void *data, size_t n);
/* Bytes so far. */
uint64_t outfile_size(const struct outfile *f);
/* Flush to disk and give it its name; releases it. -1: err (io); the old file is untouched, and what was beside is gone. */
int outfile_end(struct outfile *f, struct err *err);
/* Give up: the old file stays. NULL is fine. */
void outfile_drop(struct outfile *f);

#endif
