/* stage.c - who reads which chunk, and how the others get it. Reading and passing on of weights is in ring.c.
 * Chunks lie on a fixed grid of the files, so that who reads what, and the digest, do not depend on what is asked for. */
#include "mtbench/stage.h"

#include "job_priv.h"
#include "mtbench/hash.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/shared.h"
#include "ring.h"
#include "staged.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct stage {
    struct job *job;
    struct source metadata, weights;
    struct grid grid;
    char **path;
    char **copy;                          /* (n_files) where this node reads them, in a scratch folder; NULL: as 'path' says */
    uint64_t *size;
    unsigned char **kept;                 /* (n_chunks) chunks of metadata reads; NULL where not read or forgotten */
    struct shared *memory;                /* of the ring */
    struct ring *ring;                    /* from stage_weights_begin() to _end() */
    const unsigned char *now;             /* the chunk that this rank has at hand, ... */
    long now_chunk;                       /* ... its number; -1: none */
};

/* ---- metadata: rank 0 to all ---- */

static int keep(struct stage *st, long c, struct err *err)
{
    size_t n = grid_bytes(&st->grid, c);
    unsigned char *p = malloc(n);        /* not xcalloc(): the size is the file's, and a failure is told to all */
    int rc = p ? 0 : err_set(err, ERR_MEMORY, "%s: no memory for its header", st->path[grid_file(&st->grid, c)]);
    watch_begin(WATCH_WORKS, "reading %s", st->path[grid_file(&st->grid, c)]);
    if (rc == 0 && st->job->info.rank == 0 && (rc = grid_read(&st->grid, c, p, err)) == 0)
        grid_hash(&st->grid, c, p);      /* the others get it below */
    watch_end();
    /* Agreed before the broadcast: nobody waits for bytes that do not come. */
    if (job_agree(st->job, rc, err) < 0) {
        free(p);
        return -1;
    }
    job_bcast(st->job, p, n);
    /* On all ranks alike: a weight read passes over what is kept, and one leader that has it while another has not would miss a
     * collective. */
    st->kept[c] = p;
    return 0;
}

static int metadata_read(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    struct stage *st = ctx;
    /* Every rank asks for the same metadata in the same order, so this is collective without a word. */
    for (size_t done = 0; done < n;) {
        struct span s;
        /* A span depends on sizes alone, which all ranks have: it fails everywhere or nowhere. */
        if (grid_span(&st->grid, file, off + done, n - done, &s, err) < 0 || (!st->kept[s.chunk] && keep(st, s.chunk, err) < 0))
            return -1;
        memcpy((char *)dst + done, st->kept[s.chunk] + s.from, s.n);
        done += s.n;
    }
    return 0;
}

/* ---- weights: by the threads of all ranks, to the leaders or to everybody ---- */

static bool told_to_stop(void *ctx)
{
    struct stage *st = ctx;
    return job_poll(st->job) != JOB_RUNNING;
}

static enum ring_word hear(void *ctx, enum ring_word mine, long chunk)
{
    struct stage *st = ctx;
    long word[] = { (long)mine, chunk, -chunk }, most[3]; /* the lowest chunk is the highest of the negative ones */
    MPI_Request r;
    MPI_Iallreduce(word, most, 3, MPI_LONG, MPI_MAX, st->job->leaders, &r);
    job_wait(st->job, &r);
    /* Bytes of one chunk would arrive as another's, and the leader that has come to its end would not take part. */
    return most[0] == RING_GOOD && most[1] != -most[2] ? RING_UNLIKE : (enum ring_word)most[0];
}

static void spread(void *ctx, int owner, unsigned char *data, size_t n)
{
    struct stage *st = ctx;
    MPI_Bcast(data, (int)n, MPI_BYTE, owner, st->job->leaders);
}

static int threads_here(const struct job_info *in, const struct layout *l)
{
    const int n = ring_threads(in->local_rank, in->local_size, l->node_cores);
    return n < l->n_threads ? n : l->n_threads;             /* the user may have given it fewer */
}

/* Collective over the node. */
static int slots_of_node(const struct stage *st, int n_threads)
{
    MPI_Allreduce(MPI_IN_PLACE, &n_threads, 1, MPI_INT, MPI_SUM, st->job->node);
    return ring_slots(n_threads);
}

uint64_t stage_weights_bytes(struct stage *st, const struct layout *l)
{
    const struct job_info *in = &st->job->info;
    return ring_bytes(slots_of_node(st, threads_here(in, l)), in->local_size);
}

int stage_weights_begin(struct stage *st, enum stage_takers who, const struct layout *l, struct err *err)
{
    const struct job_info *in = &st->job->info;
    /* Chunks go round the nodes: each reads an equal part from the file system. */
    struct ring_opts o = {
        .grid = &st->grid, .skip = st->kept, .node = in->node, .n_nodes = in->n_nodes, .rank = in->local_rank, .n_ranks = in->local_size,
        .everyone = who == STAGE_EVERYONE, .n_threads = threads_here(in, l),
        .cpu = l->cpu, .n_cpus = l->n_threads, .ctx = st, .stopped = told_to_stop, .hear = hear, .spread = spread,
    };
    o.n_slots = slots_of_node(st, o.n_threads);
    if (!(st->memory = shared_create(st->job, ring_bytes(o.n_slots, o.n_ranks), err)))
        return -1;
    if (o.rank == 0)
        ring_lay_out(shared_base(st->memory), &o);
    job_barrier(st->job);                /* nobody joins what is not laid out */
    st->ring = ring_join(shared_base(st->memory), &o);
    return 0;
}

int stage_weights_end(struct stage *st, int rc)
{
    watch_begin(WATCH_WAITS, "waiting until all weights are read");
    rc = ring_end(st->ring, rc);
    watch_end();
    ring_leave(st->ring);
    shared_destroy(st->memory);
    st->ring = NULL;
    st->memory = NULL;
    st->now_chunk = -1;
    return rc;
}

static int fetch(struct stage *st, long c, struct err *err)
{
    st->now_chunk = -1;                  /* until it is there: a failed fetch must not leave the old chunk under its number */
    if (!st->ring)
        return err_set(err, ERR_IO, "weights: are asked for while nobody reads them; this is a fault of the program");
    watch_begin(WATCH_WAITS, "waiting for bytes of %s", st->path[grid_file(&st->grid, c)]);
    const int rc = ring_take(st->ring, c, &st->now, err);
    watch_end();
    st->now_chunk = rc < 0 ? -1 : c;
    return rc;
}

static int weights_read(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    struct stage *st = ctx;
    for (size_t done = 0; done < n;) {
        struct span s;
        if (grid_span(&st->grid, file, off + done, n - done, &s, err) < 0 ||
            (!st->kept[s.chunk] && s.chunk != st->now_chunk && fetch(st, s.chunk, err) < 0))
            return -1;
        if (dst)
            memcpy((char *)dst + done, (st->kept[s.chunk] ? st->kept[s.chunk] : st->now) + s.from, s.n);
        done += s.n;
    }
    return 0;
}

/* ---- copies on the node's own disk ---- */

static int look_for_stop(void *ctx, int64_t have, int64_t total)
{
    (void)have, (void)total;
    return told_to_stop(ctx);
}

/* A node's leader: paths with their NULs, of files that are worth it their copies'. -1: err. */
static int copy_files(struct stage *st, const char *scratch, struct buf *paths, struct err *err)
{
    const struct filehash_watch watch = { look_for_stop, st };
    uint64_t found = 0, made = 0;
    int rc = 0;
    for (int f = 0; f < st->grid.n_files && rc == 0; f++) {
        bool is_new = false;
        char *copy = st->size[f] < STAGE_CHUNK ? xstrdup(st->path[f])
                                               : staged_file(scratch, st->path[f], st->size[f], &watch, &is_new, err);
        if (!copy) {
            rc = -1;
            break;
        }
        *(is_new ? &made : &found) += st->size[f] < STAGE_CHUNK ? 0 : st->size[f];
        buf_add(paths, copy, strlen(copy) + 1);
        free(copy);
    }
    if (rc == 0)
        log_verbose("--scratch %s: %.1f MB of weights are copied there, %.1f MB were", scratch, (double)made / 1e6, (double)found / 1e6);
    return rc;
}

static void read_copies(struct stage *st, const struct buf *paths)
{
    const char *p = paths->data;
    st->copy = xcalloc((size_t)st->grid.n_files + 1, sizeof *st->copy);
    for (int f = 0; f < st->grid.n_files; f++, p += strlen(p) + 1)
        st->copy[f] = xstrdup(p);
    grid_redirect(&st->grid, (const char *const *)st->copy);
}

int stage_to_scratch(struct stage *st, const char *scratch, struct err *err)
{
    const bool leader = st->job->info.local_rank == 0;
    struct buf paths = {0};
    struct err why = {0};
    int rc = leader && copy_files(st, scratch, &paths, &why) < 0 ? -1 : 0;
    /* A node without room reads what it would have read without a scratch folder. */
    if (rc < 0 && why.kind != ERR_CANCELLED) {
        log_error("--scratch %s: %s; this node (%s) reads weights from where they are", scratch, why.text, st->job->info.host);
        buf_clear(&paths);
        rc = 0;
    }
    if (job_agree(st->job, rc, rc < 0 ? &why : err) < 0) {
        if (rc < 0 && err)
            *err = why;
        buf_free(&paths);
        return -1;
    }
    uint64_t n = paths.len;
    MPI_Bcast(&n, 1, MPI_UINT64_T, 0, st->job->node);
    if (!leader)
        buf_reserve(&paths, n);
    MPI_Bcast(paths.data, (int)n, MPI_BYTE, 0, st->job->node);
    if (n)
        read_copies(st, &paths);
    buf_free(&paths);
    return 0;
}

/* ---- the digest ---- */

static void holders(struct stage *st, int *holder)
{
    const struct job_info *in = &st->job->info;
    for (long c = 0; c < st->grid.n_chunks; c++)
        /* The larger, the lower the rank: the maximum finds one holder for each chunk; 0 is nobody. */
        holder[c] = st->grid.hashed[c] ? in->size - in->rank : 0;
    MPI_Allreduce(MPI_IN_PLACE, holder, (int)st->grid.n_chunks, MPI_INT, MPI_MAX, st->job->world);
}

static int read_missing(struct stage *st, const int *holder, struct err *err)
{
    unsigned char *buf = xcalloc(1, STAGE_CHUNK);
    int rc = 0;
    for (long c = 0; c < st->grid.n_chunks && rc == 0; c++)
        /* As weight reads would have dealt them. */
        if (!holder[c] && st->job->info.local_rank == 0 && c % st->job->info.n_nodes == st->job->info.node) {
            if (told_to_stop(st))
                rc = err_set(err, ERR_CANCELLED, "interrupted while the model was read; the same command goes on from there");
            else {
                watch_begin(WATCH_WORKS, "reading %s", st->path[grid_file(&st->grid, c)]);
                if ((rc = grid_read(&st->grid, c, buf, err)) == 0)
                    grid_hash(&st->grid, c, buf);
                watch_end();
            }
        }
    free(buf);
    return rc;
}

static void combine(struct stage *st, unsigned char (*all)[32], char hex[65])
{
    struct sha256 *h = sha256_begin();
    unsigned char sum[32];
    char head[64];
    long c = 0;
    /* Counts and sizes are hashed too: no other cut of the same bytes into files has this digest. */
    sha256_add(h, head, (size_t)snprintf(head, sizeof head, "%d files\n", st->grid.n_files));
    for (int f = 0; f < st->grid.n_files; f++) {
        sha256_add(h, head, (size_t)snprintf(head, sizeof head, "%llu bytes\n", (unsigned long long)st->size[f]));
        for (; c < st->grid.first[f + 1]; c++)
            sha256_add(h, all[c], sizeof all[c]);
    }
    sha256_end(h, sum);
    hex_of(sum, sizeof sum, hex);
}

int stage_digest(struct stage *st, char hex[65], struct err *err)
{
    size_t n = (size_t)st->grid.n_chunks;
    int *holder = xcalloc(n + 1, sizeof *holder);
    unsigned char (*all)[32] = xcalloc(n + 1, sizeof *all);
    holders(st, holder);
    int rc = job_agree(st->job, read_missing(st, holder, err), err);
    if (rc == 0) {
        /* Again, since some have read meanwhile. */
        holders(st, holder);
        for (size_t c = 0; c < n; c++)
            if (holder[c] == st->job->info.size - st->job->info.rank) /* one rank fills each chunk, all others add zeros to it */
                memcpy(all[c], st->grid.digest[c], sizeof all[c]);
        /* One rank has each digest, the others zeros: OR is a gather that needs no displacements. */
        MPI_Allreduce(MPI_IN_PLACE, all, (int)n * 32, MPI_BYTE, MPI_BOR, st->job->world);
        combine(st, all, hex);
    }
    free(holder);
    free(all);
    return rc;
}

int stage_header_digest(struct stage *st, int first, char hex[65], struct err *err)
{
    struct sha256 *h = sha256_begin();
    unsigned char sum[32];
    char head[64];
    int rc = 0;
    for (int f = first; f < st->grid.n_files && rc == 0; f++) {
        long c = st->grid.first[f];
        bool empty = c == st->grid.first[f + 1];
        if (!empty && !st->kept[c])
            rc = keep(st, c, err);
        sha256_add(h, head, (size_t)snprintf(head, sizeof head, "%llu bytes\n", (unsigned long long)st->size[f]));
        if (!empty)
            sha256_add(h, st->grid.digest[c], sizeof *st->grid.digest);
    }
    sha256_end(h, sum);
    hex_of(sum, sizeof sum, hex);
    if (rc == 0)
        job_bcast(st->job, hex, 65);     /* rank 0 has read, and so hashed, them all */
    return rc;
}

/* ---- beginning and end ---- */

struct list { uint64_t n, path_bytes; };

static int look_up(const char *const *path, int n, uint64_t *size, struct buf *paths, struct err *err)
{
    for (int i = 0; i < n; i++) {
        struct stat s;
        watch_begin(WATCH_WORKS, "looking at %s", path[i]);
        const int rc = stat(path[i], &s);
        watch_end();
        if (rc < 0)
            return err_errno(err, "%s: cannot open", path[i]);
        if (!S_ISREG(s.st_mode))         /* a folder or a pipe has no size to cut into chunks */
            return err_set(err, ERR_IO, "%s: is not a file; name a file with weights", path[i]);
        size[i] = (uint64_t)s.st_size;
        buf_add(paths, path[i], strlen(path[i]) + 1); /* with the NULs between them */
    }
    return 0;
}

static void unpack(struct stage *st, const struct buf *paths, int n)
{
    const char *p = paths->data;
    st->path = xcalloc((size_t)n + 1, sizeof *st->path);
    for (int i = 0; i < n; i++, p += strlen(p) + 1)
        st->path[i] = xstrdup(p);
    grid_init(&st->grid, (const char *const *)st->path, st->size, n);
    st->kept = xcalloc((size_t)st->grid.n_chunks + 1, sizeof *st->kept);
    st->metadata = (struct source){ .n_files = n, .path = (const char *const *)st->path, .size = st->size, .ctx = st };
    st->metadata.read = metadata_read;
    st->weights = st->metadata;
    st->weights.read = weights_read;
    st->now_chunk = -1;
}

/* Rank 0 has seen the files of its own node: each other node must have them under the same paths. That one of them lacks a model, or has a
 * part of it, is known before any work and not when its turn to read comes. */
static int look_here(const struct stage *st, struct err *err)
{
    const struct job_info *in = &st->job->info;
    for (int i = 0; in->rank > 0 && in->local_rank == 0 && i < st->grid.n_files; i++) {
        struct stat s;
        watch_begin(WATCH_WORKS, "opening %s", st->path[i]);
        const int fd = open(st->path[i], O_RDONLY | O_CLOEXEC), rc = fd < 0 ? -1 : fstat(fd, &s);
        watch_end();
        if (rc < 0)
            err_errno(err, "%s: cannot be opened on this node", st->path[i]);
        else if ((uint64_t)s.st_size != st->size[i])
            err_set(err, ERR_IO, "%s: has %lld bytes on this node and %llu on rank 0's", st->path[i], (long long)s.st_size,
                    (unsigned long long)st->size[i]);
        if (fd >= 0)
            close(fd);
        if (rc < 0 || (uint64_t)s.st_size != st->size[i])
            return err_advise(err, "put the model into a folder that all nodes see, or a copy of it on each");
    }
    return 0;
}

struct stage *stage_open(struct job *job, const char *const *path, int n, struct err *err)
{
    struct stage *st = xcalloc(1, sizeof *st);
    struct buf paths = {0};
    struct list list = {0};
    int rc = 0;
    st->job = job;
    if (job->info.rank == 0) {
        st->size = xcalloc((size_t)n + 1, sizeof *st->size);
        rc = look_up(path, n, st->size, &paths, err);
        list = (struct list){ (uint64_t)n, paths.len };
    }
    /* Only rank 0 has looked: paths and sizes are its, so that all ranks see one model. */
    if (job_agree(job, rc, err) < 0) {
        free(st->size);
        free(st);
        buf_free(&paths);
        return NULL;
    }
    job_bcast(job, &list, sizeof list);
    if (job->info.rank > 0) {
        st->size = xcalloc(list.n + 1, sizeof *st->size);
        buf_reserve(&paths, list.path_bytes);
    }
    job_bcast(job, st->size, list.n * sizeof *st->size);
    job_bcast(job, paths.data, list.path_bytes);
    unpack(st, &paths, (int)list.n);
    buf_free(&paths);
    if (job_agree(job, look_here(st, err), err) == 0)
        return st;
    stage_close(st);
    return NULL;
}

void stage_forget(struct stage *st)
{
    st->now_chunk = -1;
    /* weights lie packed in shared memory by now */
    for (long c = 0; c < st->grid.n_chunks; c++) {
        free(st->kept[c]);
        st->kept[c] = NULL;
    }
}

void stage_close(struct stage *st)
{
    if (!st)
        return;
    stage_forget(st);
    for (int i = 0; i < st->grid.n_files; i++)
        free(st->path[i]);
    for (int i = 0; st->copy && i < st->grid.n_files; i++)
        free(st->copy[i]);
    free(st->copy);
    grid_fini(&st->grid);
    free(st->path);
    free(st->size);
    free(st->kept);
    free(st);
}

const struct source *stage_metadata(struct stage *st)
{
    return &st->metadata;
}

const struct source *stage_weights(struct stage *st)
{
    return &st->weights;
}

struct stage_stats stage_stats(struct stage *st)
{
    struct stage_stats s = { .bytes_read = job_sum(st->job, grid_bytes_read(&st->grid)) };
    for (int i = 0; i < st->grid.n_files; i++)
        s.file_bytes += st->size[i];
    return s;
}
