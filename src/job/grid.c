/* grid.c - where a chunk lies, pread and SHA-256. */
#include "grid.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void grid_init(struct grid *g, const char *const *path, const uint64_t *size, int n_files)
{
    *g = (struct grid){ .n_files = n_files, .path = path, .size = size };
    pthread_mutex_init(&g->opening, NULL);
    g->first = xcalloc((size_t)n_files + 1, sizeof *g->first);
    g->fd = xcalloc((size_t)n_files + 1, sizeof *g->fd);
    for (int f = 0; f < n_files; f++) {
        g->fd[f] = -1;
        g->first[f + 1] = g->first[f] + (long)((size[f] + STAGE_CHUNK - 1) / STAGE_CHUNK); /* rounded up: the last chunk may be short */
    }
    g->n_chunks = g->first[n_files];     /* numbered through all files */
    g->hashed = xcalloc((size_t)g->n_chunks + 1, sizeof *g->hashed);
    g->digest = xcalloc((size_t)g->n_chunks + 1, sizeof *g->digest);
}

void grid_fini(struct grid *g)
{
    for (int f = 0; f < g->n_files; f++)
        if (g->fd[f] >= 0)
            close(g->fd[f]);
    pthread_mutex_destroy(&g->opening);
    free(g->first);
    free(g->fd);
    free(g->hashed);
    free(g->digest);
}

void grid_redirect(struct grid *g, const char *const *path)
{
    for (int f = 0; f < g->n_files; f++) {
        if (g->fd[f] >= 0)
            close(g->fd[f]);
        g->fd[f] = -1;
    }
    g->path = path;
}

int grid_file(const struct grid *g, long chunk)
{
    /* Few files and millions of bytes a chunk: a search would not be seen. */
    int f = 0;
    while (chunk >= g->first[f + 1])
        f++;
    return f;
}

static uint64_t offset(const struct grid *g, int file, long chunk)
{
    return (uint64_t)(chunk - g->first[file]) * STAGE_CHUNK;
}

size_t grid_bytes(const struct grid *g, long chunk)
{
    int f = grid_file(g, chunk);
    uint64_t left = g->size[f] - offset(g, f, chunk);
    return left < STAGE_CHUNK ? (size_t)left : STAGE_CHUNK;
}

uint64_t grid_bytes_read(const struct grid *g)
{
    return g->bytes_read;
}

int grid_span(const struct grid *g, int file, uint64_t off, size_t n, struct span *s, struct err *err)
{
    if (file < 0 || file >= g->n_files)
        return err_set(err, ERR_FORMAT, "weights: file %d of %d is asked for", file, g->n_files);
    /* Not off + n > size, which wraps around for the offsets of a broken header. */
    if (off >= g->size[file] || n > g->size[file] - off)
        return err_set(err, ERR_FORMAT, "%s: has %llu bytes, but bytes up to %llu are needed; copy the file again", g->path[file],
                       (unsigned long long)g->size[file], (unsigned long long)(off + n));
    s->chunk = g->first[file] + (long)(off / STAGE_CHUNK);
    s->from = (size_t)(off % STAGE_CHUNK);
    s->n = n < STAGE_CHUNK - s->from ? n : STAGE_CHUNK - s->from;
    return 0;
}

/* Opened by the first thread that comes to a file, and by no second one. */
static int descriptor(struct grid *g, int f, struct err *err)
{
    pthread_mutex_lock(&g->opening);
    int fd = g->fd[f];
    if (fd < 0 && (fd = g->fd[f] = open(g->path[f], O_RDONLY | O_CLOEXEC)) < 0)
        err_errno(err, "%s: cannot open", g->path[f]);
    pthread_mutex_unlock(&g->opening);
    return fd;
}

int grid_read(struct grid *g, long chunk, unsigned char *dst, struct err *err)
{
    const int f = grid_file(g, chunk), fd = descriptor(g, f, err);
    const size_t n = grid_bytes(g, chunk);
    if (fd < 0)
        return -1;
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(fd, dst + done, n - done, (off_t)(offset(g, f, chunk) + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, "%s: cannot read", g->path[f]);
        if (got == 0)
            /* A file that shrinks would be read for ever. */
            return err_set(err, ERR_IO, "%s: became shorter than its %llu bytes while it was read; copy the file again", g->path[f],
                           (unsigned long long)g->size[f]);
        done += (size_t)got;
        g->bytes_read += (uint64_t)got;
    }
    return 0;
}

void grid_hash(struct grid *g, long chunk, const unsigned char *data)
{
    sha256(data, grid_bytes(g, chunk), g->digest[chunk]);
    g->hashed[chunk] = true;
}
