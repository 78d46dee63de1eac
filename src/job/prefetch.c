/* prefetch.c - pread and SHA-256 in a thread of their own, two chunks ahead of the packing of weights. */
#include "prefetch.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the grid ---- */

void grid_init(struct grid *g, const char *const *path, const uint64_t *size, int n_files)
{
    *g = (struct grid){ .n_files = n_files, .path = path, .size = size };
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
    free(g->first);
    free(g->fd);
    free(g->hashed);
    free(g->digest);
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

int grid_read(struct grid *g, long chunk, unsigned char *dst, struct err *err)
{
    int f = grid_file(g, chunk);
    size_t n = grid_bytes(g, chunk);
    if (g->fd[f] < 0 && (g->fd[f] = open(g->path[f], O_RDONLY | O_CLOEXEC)) < 0)
        return err_errno(err, "%s: cannot open", g->path[f]);
    for (size_t done = 0; done < n;) {
        ssize_t got = pread(g->fd[f], dst + done, n - done, (off_t)(offset(g, f, chunk) + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(err, "%s: cannot read", g->path[f]);
        if (got == 0)
            /* A file that shrinks would be read for ever. */
            return err_set(err, ERR_IO, "%s: became shorter than its %llu bytes while it was read; copy the file again", g->path[f],
                           (unsigned long long)g->size[f]);
        done += (size_t)got;
        g->bytes_read += (uint64_t)got;  /* atomic: the caller's thread asks for it while this one reads */
    }
    /* Hashed while it is in the cache: the digest of a model costs no second pass over its file. */
    sha256(dst, n, g->digest[chunk]);
    g->hashed[chunk] = true;
    return 0;
}

/* ---- the thread ---- */

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READY, SLOT_LENT };
enum { N_SLOTS = 3 };                     /* one lent, one ready, one being read */

struct slot {
    enum slot_state state;
    long chunk;
    unsigned char *data;
    int rc;
    struct err err;
};

struct prefetch {
    struct grid *grid;
    int reader, n_readers;
    unsigned char *const *skip;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    long next;                            /* what the thread reads next; n_chunks: nothing */
    bool threaded;                        /* the caller's; the thread looks at 'over' */
    bool over;
    struct slot slot[N_SLOTS];
};

/* The first chunk of this reader at or after c. */
static long mine_from(const struct prefetch *p, long c)
{
    while (c < p->grid->n_chunks && (c % p->n_readers != p->reader || p->skip[c])) /* what was kept as metadata is in memory already */
        c++;
    return c;
}

static struct slot *slot_in(struct prefetch *p, enum slot_state s)
{
    for (int i = 0; i < N_SLOTS; i++)
        if (p->slot[i].state == s)
            return &p->slot[i];
    return NULL;
}

static void *reader_main(void *arg)
{
    struct prefetch *p = arg;
    pthread_mutex_lock(&p->lock);
    while (!p->over) {
        struct slot *s = slot_in(p, SLOT_FREE);
        if (!s || p->next >= p->grid->n_chunks) { /* no room, or nothing to do: wait for the caller to change one of them */
            pthread_cond_wait(&p->changed, &p->lock);
            continue;
        }
        *s = (struct slot){ .state = SLOT_READING, .chunk = p->next, .data = s->data };
        p->next = mine_from(p, p->next + 1);
        /* Without the lock: reading takes long, and the caller may hand a chunk back meanwhile. No one else touches a slot in
         * READING. */
        pthread_mutex_unlock(&p->lock);
        s->rc = grid_read(p->grid, s->chunk, s->data, &s->err);
        pthread_mutex_lock(&p->lock);
        s->state = SLOT_READY;
        /* no more reads after an error; the taker of this chunk hears of it */
        if (s->rc < 0)
            p->next = p->grid->n_chunks; /* the same file would fail again: only what is asked for is tried */
        pthread_cond_broadcast(&p->changed);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct prefetch *prefetch_create(struct grid *g, int reader, int n_readers, unsigned char *const *skip)
{
    struct prefetch *p = xcalloc(1, sizeof *p);
    *p = (struct prefetch){ .grid = g, .reader = reader, .n_readers = n_readers, .skip = skip, .next = g->n_chunks };
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    for (int i = 0; i < N_SLOTS; i++)
        p->slot[i].data = xcalloc(1, STAGE_CHUNK);
    p->threaded = pthread_create(&p->thread, NULL, reader_main, p) == 0; /* without, each chunk is read when it is taken */
    return p;
}

void prefetch_destroy(struct prefetch *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    /* Under the lock, or the thread could look before and wait behind this. */
    p->over = true;
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (p->threaded)
        pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    for (int i = 0; i < N_SLOTS; i++)
        free(p->slot[i].data);
    free(p);
}

static struct slot *find(struct prefetch *p, long chunk)
{
    for (int i = 0; i < N_SLOTS; i++)
        /* A free slot still bears the number of what it held, whose bytes another read may be replacing. */
        if (p->slot[i].chunk == chunk && (p->slot[i].state == SLOT_READY || p->slot[i].state == SLOT_READING))
            return &p->slot[i];
    return NULL;
}

/* Wait until 'chunk' is ready, sending the thread there if it is on another way. */
static struct slot *await(struct prefetch *p, long chunk)
{
    struct slot *s;
    while (!(s = find(p, chunk)) || s->state == SLOT_READING) {
        if (!s) {
            /* All that is ready was read for another way; one in READING comes to its end and is freed in the next round. */
            while ((s = slot_in(p, SLOT_READY)))
                s->state = SLOT_FREE;
            p->next = chunk;
            pthread_cond_broadcast(&p->changed);
        }
        pthread_cond_wait(&p->changed, &p->lock);
    }
    return s;
}

int prefetch_take(struct prefetch *p, long chunk, const unsigned char **data, struct err *err)
{
    struct slot *s;
    pthread_mutex_lock(&p->lock);
    /* The chunk lent before comes back with this call, as prefetch.h says. */
    while ((s = slot_in(p, SLOT_LENT)))
        s->state = SLOT_FREE;
    if (!p->threaded) {
        s = &p->slot[0];                 /* slot 0 alone: nobody reads ahead */
        s->rc = grid_read(p->grid, chunk, s->data, &s->err);
    } else {
        s = await(p, chunk);
    }
    s->state = SLOT_LENT;
    *data = s->data;
    int rc = s->rc < 0 ? err_set(err, s->err.kind, "%s", s->err.text) : 0; /* copied while the slot cannot change */
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    return rc;
}
