/* ring.c - chunks read ahead by threads for takers that are threads here and ranks in a job: right bytes in any order and at any pace,
 * nothing read twice in order, a bounded ring, errors of the chunk that has them, ends that reach everybody. */
#include "../../src/job/ring.h"

#include "mtbench/hash.h"
#include "mtbench/stage.h"
#include "tap.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { N_FILES = 4, N_CHUNKS = 5, MOST = 8 };
static const uint64_t size[N_FILES] = { 9u << 20, 0, STAGE_CHUNK, 7 };     /* 3, 0, 1, 1 chunks */
static char name[N_FILES][32];
static const char *path[N_FILES];

/* ---- a system that gives less than it was asked for ---- */

static atomic_bool short_reads;
static atomic_int threads_left = INT16_MAX, reads_now, reads_most;

ssize_t pread(int fd, void *dst, size_t n, off_t off)
{
    static atomic_int turn;
    int now = ++reads_now, seen = reads_most;
    while (now > seen && !atomic_compare_exchange_weak(&reads_most, &seen, now))
        ;
    ssize_t got = -1;
    if (short_reads && ++turn % 3 == 0)
        errno = EINTR;
    else
        got = syscall(SYS_pread64, fd, dst, short_reads && n > 100003 ? 100003 : n, off);
    reads_now--;
    return got;
}

ssize_t pread64(int fd, void *dst, size_t n, off_t off)
{
    return pread(fd, dst, n, off);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*work)(void *), void *arg)
{
    static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
    return threads_left-- > 0 ? real(thread, attr, work, arg) : EAGAIN;
}

/* ---- files ---- */

static unsigned char *content[N_FILES], digest[N_CHUNKS][32];

static const unsigned char *bytes_of(const struct grid *g, long chunk)
{
    int f = grid_file(g, chunk);
    return content[f] + (uint64_t)(chunk - g->first[f]) * STAGE_CHUNK;
}

static bool right(const struct grid *g, long chunk, const unsigned char *data)
{
    if (g->path != path)                 /* a file of zeros */
        return data[0] == 0 && !memcmp(data, data + 1, grid_bytes(g, chunk) - 1);
    return !memcmp(data, bytes_of(g, chunk), grid_bytes(g, chunk));
}

static void write_files(void)
{
    struct grid g;
    for (int f = 0; f < N_FILES; f++) {
        strcpy(name[f], "/tmp/mtbench-ring-XXXXXX");
        path[f] = name[f];
        content[f] = malloc(size[f] + 1);
        for (uint64_t i = 0; i < size[f]; i++)
            content[f][i] = (unsigned char)((i * 2654435761u + (uint64_t)f * 97) >> 13);
        int fd = mkstemp(name[f]);
        if (fd < 0 || write(fd, content[f], size[f]) != (ssize_t)size[f])
            ok(0, "files can be written to /tmp");
        close(fd);
    }
    grid_init(&g, path, size, N_FILES);
    for (long c = 0; c < N_CHUNKS; c++)
        sha256(bytes_of(&g, c), grid_bytes(&g, c), digest[c]);
    grid_fini(&g);
}

/* ---- a job of nodes and ranks, each a thread ---- */

struct rig;

struct rank {
    struct rig *rig;
    struct ring_opts o;
    struct ring *ring;
    const long *order;                   /* what it takes; -1 ends the list */
    int fail_at, stop_at;                /* after so many chunks; -1: never */
    useconds_t nap;                      /* before each take */
    int good, rc, end;                   /* chunks right, the last take, ring_end() */
    bool stop;
    struct err err;
};

struct rig {
    struct grid grid[2];                 /* one for each node: each has files, and hashes, of its own */
    void *memory[2];
    unsigned char *skip[64];
    int n_nodes, n_ranks;                /* of each node */
    struct rank rank[MOST];
    pthread_barrier_t leaders;
    enum ring_word word[2];
    long asked[2];
    const unsigned char *sent;
};

static struct rank *rank_of(struct rig *g, int node, int rank)
{
    return &g->rank[node * g->n_ranks + rank];
}

static bool stopped(void *ctx)
{
    return ((struct rank *)ctx)->stop;
}

static enum ring_word hear(void *ctx, enum ring_word mine, long chunk)
{
    struct rank *k = ctx;
    k->rig->word[k->o.node] = mine;
    k->rig->asked[k->o.node] = chunk;
    pthread_barrier_wait(&k->rig->leaders);
    enum ring_word all = k->rig->word[0] > k->rig->word[1] ? k->rig->word[0] : k->rig->word[1];
    if (all == RING_GOOD && k->rig->asked[0] != k->rig->asked[1])
        all = RING_UNLIKE;
    pthread_barrier_wait(&k->rig->leaders);
    return all;
}

static void spread(void *ctx, int owner, unsigned char *data, size_t n)
{
    struct rank *k = ctx;
    if (k->o.node == owner)
        k->rig->sent = data;
    pthread_barrier_wait(&k->rig->leaders);
    if (k->o.node != owner)
        memcpy(data, k->rig->sent, n);
    pthread_barrier_wait(&k->rig->leaders);
}

static void *run_rank(void *arg)
{
    struct rank *k = arg;
    int n = 0;
    k->ring = ring_join(k->rig->memory[k->o.node], &k->o);
    for (const long *c = k->order; *c >= 0 && k->rc == 0; c++, n++) {
        const unsigned char *data;
        usleep(k->nap);
        k->stop |= n == k->stop_at;
        if (n == k->fail_at)
            k->rc = err_set(&k->err, ERR_MEMORY, "packing: no room");
        else if ((k->rc = ring_take(k->ring, *c, &data, &k->err)) == 0)
            k->good += right(k->o.grid, *c, data);
    }
    k->end = ring_end(k->ring, k->rc);
    ring_leave(k->ring);
    return NULL;
}

static const long all_chunks[] = { 0, 1, 2, 3, 4, -1 }, none[] = { -1 };

static void rig_open(struct rig *g, int n_nodes, int n_ranks, bool everyone, int n_threads)
{
    *g = (struct rig){ .n_nodes = n_nodes, .n_ranks = n_ranks };
    pthread_barrier_init(&g->leaders, NULL, 2);
    for (int n = 0; n < n_nodes; n++) {
        grid_init(&g->grid[n], path, size, N_FILES);
        g->memory[n] = aligned_alloc(4096, ring_bytes(3, n_ranks));
        memset(g->memory[n], 0, ring_bytes(3, n_ranks));
        for (int i = 0; i < n_ranks; i++) {
            struct rank *k = rank_of(g, n, i);
            *k = (struct rank){ .rig = g, .order = everyone || i == 0 ? all_chunks : none, .fail_at = -1, .stop_at = -1 };
            k->o = (struct ring_opts){
                .grid = &g->grid[n], .skip = g->skip, .node = n, .n_nodes = n_nodes, .rank = i, .n_ranks = n_ranks, .everyone = everyone,
                .n_slots = 3, .n_threads = n_threads, .ctx = k, .stopped = stopped, .hear = hear, .spread = spread,
            };
        }
        ring_lay_out(g->memory[n], &rank_of(g, n, 0)->o);
    }
}

static void rig_run(struct rig *g)
{
    pthread_t thread[MOST];
    const int left = threads_left, n = g->n_nodes * g->n_ranks;
    threads_left = INT16_MAX;            /* these are not the threads that are wanting */
    for (int i = 1; i < n; i++)
        pthread_create(&thread[i], NULL, run_rank, &g->rank[i]);
    threads_left = left;
    run_rank(&g->rank[0]);
    for (int i = 1; i < n; i++)
        pthread_join(thread[i], NULL);
}

static void rig_close(struct rig *g)
{
    for (int n = 0; n < g->n_nodes; n++) {
        grid_fini(&g->grid[n]);
        free(g->memory[n]);
    }
    pthread_barrier_destroy(&g->leaders);
}

static uint64_t bytes_read(const struct rig *g)
{
    return grid_bytes_read(&g->grid[0]) + (g->n_nodes > 1 ? grid_bytes_read(&g->grid[1]) : 0);
}

/* Every chunk has its digest on the node that it fell to. */
static int n_hashed(const struct rig *g)
{
    int n = 0;
    for (long c = 0; c < N_CHUNKS; c++) {
        const struct grid *grid = &g->grid[c % g->n_nodes];
        n += grid->hashed[c] && !memcmp(grid->digest[c], digest[c], sizeof *digest);
    }
    return n;
}

/* ---- what goes well ---- */

enum { TOTAL = (9u << 20) + STAGE_CHUNK + 7 };

static void check_orders(void)
{
    static const struct { long order[8]; int n; bool ascending; } table[] = {
        { { 0, 1, 2, 3, 4, -1 }, 5, true }, { { 0, 2, 4, -1 }, 3, true }, { { 3, -1 }, 1, true }, { { 4, -1 }, 1, true },
        { { -1 }, 0, true },
        { { 4, 3, 2, 1, 0, -1 }, 5, false }, { { 0, 3, 1, 4, 2, 2, -1 }, 6, false }, { { 4, 1, 4, 1, 1, 0, -1 }, 6, false },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (int threads = 0; threads < 4; threads++)
            for (int ranks = 1; ranks < 4; ranks += 2) {
                struct rig g;
                int good = 0;
                rig_open(&g, 1, ranks, true, threads);
                for (int r = 0; r < ranks; r++)
                    g.rank[r].order = table[i].order;
                short_reads = threads == 3;
                rig_run(&g);
                short_reads = false;
                for (int r = 0; r < ranks; r++)
                    good += g.rank[r].good == table[i].n && g.rank[r].end == 0;
                ok(good == ranks && n_hashed(&g) == N_CHUNKS, "order %zu, %d ranks of %d threads: all chunks right, all hashed%s", i, ranks,
                   threads, threads == 3 ? ", by short reads" : "");
                ok(bytes_read(&g) == TOTAL || (!table[i].ascending && bytes_read(&g) > TOTAL), "order %zu, %d ranks of %d threads: %s", i,
                   ranks, threads, table[i].ascending ? "each byte read once" : "going back reads again");
                rig_close(&g);
            }
}

static void check_layouts(void)
{
    for (int nodes = 1; nodes < 3; nodes++)
        for (int ranks = 1; ranks < 4; ranks++)
            for (int everyone = 0; everyone < 2; everyone++)
                for (int slow = 0; slow < nodes * ranks; slow++) {
                    struct rig g;
                    int good = 0, wanted = 0;
                    rig_open(&g, nodes, ranks, everyone, slow % 2 + (ranks == 1));
                    g.rank[slow].nap = 5000;
                    rig_run(&g);
                    for (int i = 0; i < nodes * ranks; i++) {
                        wanted += everyone || i % ranks == 0 ? N_CHUNKS : 0;
                        good += g.rank[i].end == 0 ? g.rank[i].good : 0;
                    }
                    ok(good == wanted && n_hashed(&g) == N_CHUNKS && bytes_read(&g) == TOTAL,
                       "%d nodes of %d ranks, %s, rank %d slow: all chunks right, hashed, read once", nodes, ranks,
                       everyone ? "everyone takes" : "leaders take", slow);
                    rig_close(&g);
                }
}

static void check_skipped(void)
{
    static const long some[] = { 1, 2, 4, -1 };
    for (int nodes = 1; nodes < 3; nodes++) {
        struct rig g;
        unsigned char kept;
        rig_open(&g, nodes, 2, true, 1);
        g.skip[0] = g.skip[3] = &kept;
        for (int n = 0; n < nodes; n++)
            ring_lay_out(g.memory[n], &rank_of(&g, n, 0)->o);
        for (int i = 0; i < 2 * nodes; i++)
            g.rank[i].order = some;
        rig_run(&g);
        ok(g.rank[0].good == 3 && g.rank[1].good == 3 && bytes_read(&g) == TOTAL - 2 * STAGE_CHUNK,
           "%d nodes: what is kept is not read", nodes);
        rig_close(&g);
    }
}

/* ---- bounds ---- */

/* A file of many chunks without a byte on the disk. */
static void check_bounds(void)
{
    enum { MANY = 40 };
    static long order[MANY + 1];
    static const uint64_t bytes = (uint64_t)MANY * STAGE_CHUNK;
    char file[] = "/tmp/mtbench-ring-XXXXXX";
    const char *const one[] = { file };
    int fd = mkstemp(file);
    ok(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0, "a file of %d chunks", MANY);
    for (int i = 0; i <= MANY; i++)
        order[i] = i < MANY ? i : -1;
    struct rig g = { .n_nodes = 1, .n_ranks = 2 };
    grid_init(&g.grid[0], one, &bytes, 1);
    g.memory[0] = aligned_alloc(4096, ring_bytes(RING_SLOTS, 2));
    memset(g.memory[0], 0, ring_bytes(RING_SLOTS, 2));
    for (int i = 0; i < 2; i++) {
        g.rank[i] = (struct rank){ .rig = &g, .order = order, .fail_at = -1, .stop_at = -1 };
        g.rank[i].o = (struct ring_opts){ .grid = &g.grid[0], .skip = g.skip, .n_nodes = 1, .rank = i, .n_ranks = 2, .everyone = true,
                                          .n_slots = RING_SLOTS, .n_threads = 8, .ctx = &g.rank[i], .stopped = stopped };
    }
    ring_lay_out(g.memory[0], &g.rank[0].o);
    pthread_t thread;
    const unsigned char *data;
    struct err err = {0};
    struct ring *slow = ring_join(g.memory[0], &g.rank[0].o);
    int rc = ring_take(slow, 0, &data, &err);
    pthread_create(&thread, NULL, run_rank, &g.rank[1]);
    uint64_t before, after = 0;
    do {
        before = after;
        usleep(300000);
        after = grid_bytes_read(&g.grid[0]);
    } while (before != after);
    ok(rc == 0 && after <= (uint64_t)RING_SLOTS * STAGE_CHUNK && after >= (uint64_t)(RING_SLOTS - 2) * STAGE_CHUNK,
       "a taker that waits holds up the reading after %d chunks of a ring of %d", (int)(after / STAGE_CHUNK), RING_SLOTS);
    for (int c = 1; c < MANY && rc == 0; c++)
        rc = ring_take(slow, c, &data, &err);
    rc = ring_end(slow, rc);
    ring_leave(slow);
    pthread_join(thread, NULL);
    ok(rc == 0 && g.rank[1].end == 0 && grid_bytes_read(&g.grid[0]) == bytes, "and when it goes on all is read, once: %s", err.text);
    ok(reads_most <= RING_READS, "at most %d reads at a time, of 16 threads: %d", RING_READS, reads_most);
    grid_fini(&g.grid[0]);
    free(g.memory[0]);
    close(fd);
    unlink(file);
}

static void check_numbers(void)
{
    static const struct { int n_ranks, n_cores, each[4], sum; } table[] = {
        { 1, 1, { 1 }, 1 }, { 1, 2, { 2 }, 2 }, { 1, 64, { 8 }, 8 }, { 2, 2, { 1, 1 }, 2 }, { 2, 64, { 4, 4 }, 8 },
        { 3, 64, { 3, 3, 2 }, 8 },
        { 4, 2, { 1, 1, 0, 0 }, 2 }, { 88, 2, { 1, 1, 0, 0 }, 2 }, { 16, 64, { 1, 1, 1, 1 }, 8 }, { 4, 0, { 1, 0, 0, 0 }, 1 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int sum = 0, wrong = 0;
        for (int r = 0; r < table[i].n_ranks; r++) {
            int n = ring_threads(r, table[i].n_ranks, table[i].n_cores);
            sum += n;
            wrong += r < 4 && n != table[i].each[r];
        }
        ok(sum == table[i].sum && wrong == 0, "%d ranks on %d cores: %d threads read", table[i].n_ranks, table[i].n_cores, sum);
    }
    ok(ring_slots(1) == 4 && ring_slots(2) == 6 && ring_slots(5) == 12 && ring_slots(8) == RING_SLOTS,
       "two slots for a thread, and bounded");
}

/* ---- what fails ---- */

static void check_failing_ranks(void)
{
    for (int nodes = 1; nodes < 3; nodes++)
        for (int everyone = 0; everyone < 2; everyone++)
            for (int who = 0; who < 3 * nodes; who++)
                for (int at = 0; at < 4; at += 3)
                    for (int stop = 0; stop < 2; stop++) {
                        struct rig g;
                        int told = 0, cancelled = 0, others = 0;
                        if (!everyone && who % 3)
                            continue;    /* takes nothing */
                        rig_open(&g, nodes, 3, everyone, 1);
                        *(stop ? &g.rank[who].stop_at : &g.rank[who].fail_at) = at;
                        rig_run(&g);
                        for (int i = 0; i < 3 * nodes; i++) {
                            told += g.rank[i].end < 0 && g.rank[i].err.kind == ERR_MEMORY;
                            cancelled += g.rank[i].end < 0 && g.rank[i].err.kind == ERR_CANCELLED;
                            others += g.rank[i].end < 0 && g.rank[i].err.kind != ERR_MEMORY && g.rank[i].err.kind != ERR_CANCELLED;
                        }
                        ok(stop ? cancelled > 0 && told + others == 0 : told == 1 && cancelled + others == 0,
                           "%d nodes, %s, rank %d %s after %d chunks: %s", nodes, everyone ? "everyone" : "leaders", who,
                           stop ? "is told to stop" : "fails", at, stop ? "all end, cancelled" : "all end, it alone has the message");
                        rig_close(&g);
                    }
}

/* A rank that takes nothing is told to stop while it waits in the end. */
static void check_idle_stop(void)
{
    for (int nodes = 1; nodes < 3; nodes++) {
        struct rig g;
        rig_open(&g, nodes, 2, false, 1);
        g.rank[1].stop = true;
        for (int n = 0; n < nodes; n++)
            rank_of(&g, n, 0)->nap = 150000;
        rig_run(&g);
        ok(g.rank[0].end < 0 && g.rank[0].err.kind == ERR_CANCELLED, "%d nodes: a rank that only waits hears of a signal: %s", nodes,
           g.rank[0].err.text);
        rig_close(&g);
    }
}

static void check_unlike(void)
{
    static const long other[] = { 0, 2, -1 };
    for (int nodes = 1; nodes < 3; nodes++)
        for (int shorter = 0; shorter < 2; shorter++) {
            struct rig g;
            int told = 0, sum = 0;
            rig_open(&g, nodes, 2, true, 1);
            for (int n = 0; n < nodes; n++)
                rank_of(&g, n, shorter)->order = other;
            rig_run(&g);
            for (int i = 0; i < 2 * nodes; i++) {
                told += g.rank[i].end < 0 && strstr(g.rank[i].err.text, "different pieces") != NULL;
                sum += g.rank[i].end < 0;
            }
            ok(told > 0 && sum == told, "%d nodes: ranks that ask for different pieces end with a line", nodes);
            rig_close(&g);
        }
    struct rig g;
    const unsigned char *data;
    struct err err = {0};
    static const long *const on_node[] = { other, all_chunks + 1, none };
    for (size_t i = 0; i < sizeof on_node / sizeof *on_node; i++) {
        rig_open(&g, 2, 1, true, 1);
        g.rank[1].order = on_node[i];
        rig_run(&g);
        ok(g.rank[0].end < 0 && strstr(g.rank[0].err.text, "different pieces"), "nodes that ask for different pieces end with a line");
        rig_close(&g);
    }
    rig_open(&g, 1, 2, false, 0);
    struct ring *r = ring_join(g.memory[0], &g.rank[1].o);
    ok(ring_take(r, 0, &data, &err) == -1, "a rank that is no taker takes nothing: %s", err.text);
    ring_leave(r);
    rig_close(&g);
}

static void check_threads_wanting(void)
{
    for (int left = 0; left < 3; left++) {
        struct rig g;
        rig_open(&g, 1, 1, true, 4);
        threads_left = left;
        rig_run(&g);
        ok(g.rank[0].good == N_CHUNKS && g.rank[0].end == 0 && bytes_read(&g) == TOTAL, "%d of 4 threads can be started: all right", left);
        threads_left = INT16_MAX;
        rig_close(&g);
    }
}

/* The first file is cut within its second chunk. */
static void check_damage(void)
{
    static const long over[] = { 0, 3, 4, 2, -1 };
    if (truncate(path[0], STAGE_CHUNK + 5) < 0)
        ok(0, "a file can be cut");
    for (int nodes = 1; nodes < 3; nodes++)
        for (int threads = 0; threads < 4; threads++) {
            struct rig g;
            int told = 0, before = 0, elsewhere = 0;
            rig_open(&g, nodes, 2, true, threads);
            rig_run(&g);
            for (int i = 0; i < 2 * nodes; i++) {
                told += g.rank[i].end < 0 && strstr(g.rank[i].err.text, "became shorter") != NULL;
                elsewhere += g.rank[i].end == 0 && strstr(g.rank[i].err.text, "another rank") != NULL;
                before += g.rank[i].rc < 0 && g.rank[i].good <= 1;
            }
            ok(told == 2 && elsewhere == 2 * nodes - 2 && before == 2 * nodes,
               "%d nodes, %d threads: a cut file fails on all ranks, with its error on one node: %s", nodes, threads,
               g.rank[2 * nodes - 1].err.text);
            rig_close(&g);
        }
    struct rig g;
    rig_open(&g, 1, 1, true, 2);
    g.rank[0].order = over;
    rig_run(&g);
    ok(g.rank[0].good == 3 && g.rank[0].end < 0 && strstr(g.rank[0].err.text, "became shorter"), "chunks beside the damage are right: %s",
       g.rank[0].err.text);
    rig_close(&g);
    unlink(path[2]);
    rig_open(&g, 1, 1, true, 2);
    g.rank[0].order = over + 1;
    rig_run(&g);
    ok(g.rank[0].good == 0 && g.rank[0].end < 0 && strstr(g.rank[0].err.text, "cannot open"), "a file that is gone: %s",
       g.rank[0].err.text);
    rig_close(&g);
}

static void check_spans(void)
{
    static const struct { int file; uint64_t off; size_t n; long chunk; size_t from, got; } table[] = {
        { 0, 0, 10, 0, 0, 10 }, { 0, STAGE_CHUNK - 1, 2, 0, STAGE_CHUNK - 1, 1 }, { 0, STAGE_CHUNK, 2, 1, 0, 2 },
        { 0, (9u << 20) - 1, 1, 2, (1 << 20) - 1, 1 },
        { 2, 0, STAGE_CHUNK, 3, 0, STAGE_CHUNK }, { 3, 6, 1, 4, 6, 1 },
        { 0, 9u << 20, 1, -1, 0, 0 }, { 0, (9u << 20) - 1, 2, -1, 0, 0 }, { 1, 0, 1, -1, 0, 0 }, { 3, UINT64_MAX, 7, -1, 0, 0 },
        { 0, 5, SIZE_MAX, -1, 0, 0 },
        { 4, 0, 1, -1, 0, 0 }, { -1, 0, 1, -1, 0, 0 },
    };
    struct grid g;
    grid_init(&g, path, size, N_FILES);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct span s = {0};
        struct err err = {0};
        int rc = grid_span(&g, table[i].file, table[i].off, table[i].n, &s, &err);
        ok(table[i].chunk < 0 ? rc == -1 && err.kind == ERR_FORMAT
                              : rc == 0 && s.chunk == table[i].chunk && s.from == table[i].from && s.n == table[i].got,
           "span %zu: %s", i, rc ? err.text : "in one chunk");
    }
    grid_fini(&g);
}

int main(void)
{
    write_files();
    check_spans();
    check_numbers();
    check_orders();
    check_layouts();
    check_skipped();
    check_bounds();
    check_failing_ranks();
    check_idle_stop();
    check_unlike();
    check_threads_wanting();
    check_damage();
    for (int f = 0; f < N_FILES; f++) {
        unlink(path[f]);
        free(content[f]);
    }
    return done_testing();
}
