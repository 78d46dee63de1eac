/* grid.h - the files of a model cut into chunks: where a chunk lies, its bytes, its SHA-256 (room: job). */
#ifndef MTB_GRID_H
#define MTB_GRID_H

#include "mtbench/err.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Chunks are numbered through all files; a file's last chunk may be short, an empty file has none. */
struct grid {
    int n_files;
    const char *const *path;
    const uint64_t *size;
    long *first;                          /* (n_files + 1) number of the file's first chunk */
    long n_chunks;
    pthread_mutex_t opening;
    int *fd;                              /* (n_files) opened when first read; -1 */
    bool *hashed;                         /* (n_chunks) this process has read it ... */
    unsigned char (*digest)[32];          /* ... and its SHA-256 is here */
    _Atomic uint64_t bytes_read;
};

struct span { long chunk; size_t from, n; };  /* a part of one chunk */

void grid_init(struct grid *g, const char *const *path, const uint64_t *size, int n_files);
void grid_fini(struct grid *g);
/* Read the same bytes from other files ('path' (n_files) outlives the grid). While nobody reads. */
void grid_redirect(struct grid *g, const char *const *path);
int grid_file(const struct grid *g, long chunk);
size_t grid_bytes(const struct grid *g, long chunk);
uint64_t grid_bytes_read(const struct grid *g);
/* The chunk of byte 'off' and as much of [off, off + n) as lies in it. -1 (err: format) beyond the end of the file. */
int grid_span(const struct grid *g, int file, uint64_t off, size_t n, struct span *s, struct err *err);
/* The chunk's bytes into dst. Any number of threads at a time. -1 (err: io). */
int grid_read(struct grid *g, long chunk, unsigned char *dst, struct err *err);
/* Note the SHA-256 of the chunk's bytes. Any number of threads at a time, one for a chunk. */
void grid_hash(struct grid *g, long chunk, const unsigned char *data);

#endif
