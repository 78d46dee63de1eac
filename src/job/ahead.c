/* ahead.c - a thread that reads files for the sake of the page cache, or of copies. */
#include "mtbench/ahead.h"

#include "staged.h"

#include "mtbench/mem.h"
#include "mtbench/stage.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };                /* bytes of a read: the answers' threads share disk and memory with it */

struct ahead {
    char **path;                         /* (n) */
    uint64_t *size;                      /* (n) */
    char *scratch;                       /* NULL: none */
    int n, node, n_nodes;
    uint64_t most;
    cpu_set_t cpus;
    bool placed;                         /* on 'cpus' */
    atomic_bool ended, done;
    _Atomic uint64_t bytes;              /* read so far */
    pthread_t thread;
};

/* False: this was the last one. Real reads and not posix_fadvise(), which network file systems take for a hint at most. */
static bool read_piece(struct ahead *a, int fd, uint64_t off, char *piece)
{
    const ssize_t n = pread(fd, piece, PIECE, (off_t)off);
    if (n <= 0)                          /* whoever needs the file will say so */
        return false;
    return atomic_fetch_add(&a->bytes, (uint64_t)n) + (uint64_t)n < a->most && !atomic_load(&a->ended);
}

static int is_over(void *ahead, int64_t have, int64_t total)
{
    (void)have, (void)total;
    return atomic_load(&((struct ahead *)ahead)->ended);
}

/* What cannot be copied is told when the copy is wanted. */
static void copy_all(struct ahead *a)
{
    const struct filehash_watch watch = { is_over, a };
    struct err err;
    bool made;
    for (int i = 0; i < a->n && !atomic_load(&a->ended); i++) {
        char *copy = a->size[i] < STAGE_CHUNK ? NULL : staged_file(a->scratch, a->path[i], a->size[i], &watch, &made, &err);
        if (copy)
            atomic_fetch_add(&a->bytes, a->size[i]);
        free(copy);
    }
}

static void read_files(struct ahead *a)
{
    char *piece = malloc(PIECE);
    bool on = piece != NULL && a->most > 0;
    long chunk = 0;                      /* numbered through all files, as the stage does */
    for (int i = 0; i < a->n; i++) {
        const int fd = on ? open(a->path[i], O_RDONLY | O_CLOEXEC) : -1;
        for (uint64_t off = 0; off < a->size[i]; off += STAGE_CHUNK, chunk++)
            for (uint64_t at = off; chunk % a->n_nodes == a->node && at < off + STAGE_CHUNK && at < a->size[i]; at += PIECE)
                on = on && fd >= 0 && read_piece(a, fd, at, piece);
        if (fd >= 0)
            close(fd);
    }
    free(piece);
}

static void *read_ahead(void *arg)
{
    struct ahead *a = arg;
    if (a->placed)                       /* the caller may be pinned to a core that computes */
        pthread_setaffinity_np(pthread_self(), sizeof a->cpus, &a->cpus);
    if (a->scratch)
        copy_all(a);
    else
        read_files(a);
    atomic_store(&a->done, true);
    return NULL;
}

static void ahead_free(struct ahead *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->path[i]);
    free(a->path);
    free(a->scratch);
    free(a->size);
    free(a);
}

struct ahead *ahead_begin(const struct ahead_opts *o)
{
    struct ahead *a = xcalloc(1, sizeof *a);
    *a = (struct ahead){ .n = o->n, .node = o->node, .n_nodes = o->n_nodes, .most = o->most, .placed = o->cpus != NULL };
    if (o->cpus)
        a->cpus = *o->cpus;
    a->path = xcalloc((size_t)o->n + 1, sizeof *a->path);
    a->size = xcalloc((size_t)o->n + 1, sizeof *a->size);
    for (int i = 0; i < o->n; i++) {
        a->path[i] = xstrdup(o->path[i]);
        a->size[i] = o->size[i];
    }
    a->scratch = o->scratch ? xstrdup(o->scratch) : NULL;
    if (pthread_create(&a->thread, NULL, read_ahead, a) == 0)
        return a;
    ahead_free(a);
    return NULL;
}

bool ahead_busy(const struct ahead *a)
{
    return !atomic_load(&a->done);
}

uint64_t ahead_end(struct ahead *a)
{
    if (!a)
        return 0;
    atomic_store(&a->ended, true);
    pthread_join(a->thread, NULL);
    const uint64_t bytes = atomic_load(&a->bytes);
    ahead_free(a);
    return bytes;
}
