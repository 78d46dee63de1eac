/* comm_threads.c - a tensor group of threads of this process: the members see each other's memory, so a sum is two meetings with each
 * member's part of the numbers added between them. */
#include "comm_priv.h"

#include "gate.h"
#include "mtbench/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Members are in step, but an op of one may end late: some looks, then the core is somebody else's. */
static const struct patience usual = {2000, 500}, crowded = {0, 20};

static const double nap = 0.5;            /* seconds between two looks at the clock */

struct group {
    int size;
    struct comm_opts o;
    struct patience patience;
    atomic_int open;                      /* members that were not closed */
    struct gate passed;                   /* meetings so far */
    _Alignas(64) atomic_int arrived;      /* at the next */
    atomic_int came[COMM_MAX];            /* meetings that each came to */
    float *part[COMM_MAX];                /* what each brings to the meeting */
    bool stop[COMM_MAX];
    struct gate told, untaken;            /* messages so far; members that have not taken the last one */
    struct buf message;
    atomic_int failed;
    pthread_mutex_t lock;                 /* of 'why' */
    struct err why;
};

struct member {
    struct comm c;                        /* first: what the caller holds */
    struct group *g;
    int heard;                            /* messages */
};

static struct member *member_of(struct comm *c)
{
    return (struct member *)c;
}

/* ---- failing ---- */

static void threads_fail(struct comm *c, const struct err *why)
{
    struct group *g = member_of(c)->g;
    pthread_mutex_lock(&g->lock);
    if (!atomic_load(&g->failed))
        g->why = *why;
    atomic_store(&g->failed, 1);
    pthread_mutex_unlock(&g->lock);
    /* whatever they wait for changes, and who wakes looks at 'failed' first */
    gate_add(&g->passed, 1);
    gate_add(&g->told, 1);
    gate_add(&g->untaken, 1);
}

static int threads_check(struct comm *c, struct err *err)
{
    struct group *g = member_of(c)->g;
    if (!atomic_load(&g->failed))
        return 0;
    pthread_mutex_lock(&g->lock);
    *err = g->why;
    pthread_mutex_unlock(&g->lock);
    return -1;
}

/* ---- meeting ---- */

/* The one that has come to fewer meetings than this member, or left a message lie. */
static void blame_missing(struct member *m)
{
    struct group *g = m->g;
    struct err why;
    int who = m->c.rank == 0;
    for (int r = 0; r < g->size; r++)
        if (atomic_load(&g->came[r]) - atomic_load(&g->came[m->c.rank]) < 0)
            who = r;
    comm_set_lost(&why, who, g->size, g->o.patience);
    threads_fail(&m->c, &why);
}

/* Until the gate's value is another. False: the group failed. */
static bool await(struct member *m, struct gate *gate, int seen)
{
    struct group *g = m->g;
    struct comm_wait w = { 0 };
    while (gate_await_for(gate, seen, g->patience, nap) == seen && !atomic_load(&g->failed))
        if (comm_out_of_patience(&w, &g->o))
            blame_missing(m);
    return !atomic_load(&g->failed);
}

static bool meet(struct member *m)
{
    struct group *g = m->g;
    /* the value before 'failed' is looked at: a failure that comes later changes it */
    const int now = atomic_load(&g->passed.value);
    if (atomic_load(&g->failed))
        return false;
    atomic_fetch_add(&g->came[m->c.rank], 1);
    if (atomic_fetch_add(&g->arrived, 1) == g->size - 1) {
        atomic_store(&g->arrived, 0);     /* before the gate opens, so the next meeting may begin at once */
        gate_add(&g->passed, 1);
        return !atomic_load(&g->failed);
    }
    return await(m, &g->passed, now);
}

/* ---- sums and columns ---- */

/* The balanced tree over the members' numbers [begin, end), left there for all of them. */
static void add_up(float *const part[], int size, size_t begin, size_t end)
{
    enum { AT_A_TIME = 1024 };            /* of eight members: 32 kB, what a cache close by holds */
    for (size_t n; begin < end; begin += n) {
        n = end - begin < AT_A_TIME ? end - begin : AT_A_TIME;
        for (int d = 1; d < size; d *= 2)
            for (int r = 0; r < size; r += 2 * d) {
                float *restrict left = part[r] + begin;
                const float *restrict right = part[r + d] + begin;
                for (size_t i = 0; i < n; i++)
                    left[i] += right[i];
            }
        for (int r = 1; r < size; r++)
            memcpy(part[r] + begin, part[0] + begin, n * sizeof(float));
    }
}

static bool threads_sum(struct comm *c, void *sum, int n_rows, int dim, bool *stop)
{
    struct member *m = member_of(c);
    struct group *g = m->g;
    const size_t n = (size_t)n_rows * (size_t)dim, size = (size_t)g->size, r = (size_t)c->rank;
    g->part[r] = sum;
    g->stop[r] = *stop;
    if (!meet(m))
        return false;
    for (int i = 0; i < g->size; i++)
        *stop |= g->stop[i];
    add_up(g->part, g->size, n * r / size, n * (r + 1) / size);
    return meet(m);
}

static bool threads_gather(struct comm *c, float *rows, int n_rows, const int first[])
{
    struct member *m = member_of(c);
    struct group *g = m->g;
    const size_t width = (size_t)(first[c->rank + 1] - first[c->rank]), all = (size_t)first[c->size];
    if (c->rank == 0)
        g->part[0] = rows;
    if (!meet(m))
        return false;
    for (size_t i = 0; c->rank > 0 && i < (size_t)n_rows; i++)
        memcpy(g->part[0] + i * all + first[c->rank], rows + i * width, width * sizeof *rows);
    return meet(m);
}

/* ---- messages ---- */

static bool threads_tell(struct comm *c, const void *data, size_t n)
{
    struct member *m = member_of(c);
    struct group *g = m->g;
    for (int left; (left = atomic_load(&g->untaken.value)) != 0;)
        if (atomic_load(&g->failed) || !await(m, &g->untaken, left))
            return false;
    if (atomic_load(&g->failed))
        return false;
    buf_clear(&g->message);
    buf_add(&g->message, data, n);
    atomic_store(&g->untaken.value, g->size - 1);
    gate_add(&g->told, 1);
    return true;
}

static int threads_hear(struct comm *c, struct buf *b, bool wait)
{
    struct member *m = member_of(c);
    struct group *g = m->g;
    while (atomic_load(&g->told.value) == m->heard && !atomic_load(&g->failed)) {
        if (!wait)
            return 0;
        gate_await(&g->told, m->heard, g->patience);
    }
    if (atomic_load(&g->failed))
        return -1;
    buf_clear(b);
    buf_add(b, g->message.data, g->message.len);
    m->heard++;
    gate_add(&g->untaken, -1);
    return 1;
}

/* ---- making and ending ---- */

static void threads_close(struct comm *c)
{
    struct group *g = member_of(c)->g;
    free(c);
    if (atomic_fetch_sub(&g->open, 1) > 1)
        return;
    buf_free(&g->message);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

static const struct comm_kind threads = {
    .sum = threads_sum, .gather = threads_gather, .tell = threads_tell, .hear = threads_hear, .fail = threads_fail,
    .check = threads_check, .close = threads_close,
};

int comm_threads(struct comm *member[], int size, const struct comm_opts *o, struct err *err)
{
    struct group *g = size > 1 ? aligned_alloc(64, sizeof *g) : NULL;
    if (size == 1) {
        member[0] = &comm_self;
        return 0;
    }
    if (!g)
        return err_set(err, ERR_MEMORY, "tensor group: no memory");
    memset(g, 0, sizeof *g);
    g->size = size;
    g->o = *o;
    g->patience = o->crowded ? crowded : usual;
    atomic_store(&g->open, size);
    pthread_mutex_init(&g->lock, NULL);
    for (int r = 0; r < size; r++) {
        struct member *m = xcalloc(1, sizeof *m);
        *m = (struct member){ .c = { r, size, &threads }, .g = g };
        member[r] = &m->c;
    }
    return 0;
}
