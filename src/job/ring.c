/* ring.c - the threads that fill the ring, the ranks that take from it, and how it ends. All state lies in the shared memory under one
 * lock; bytes are read, hashed and sent between nodes without it, since a slot in such a state is touched by nobody else. */
#include "ring.h"

#include "mtbench/mem.h"
#include "mtbench/stage.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE = 4096, SPARE = 2, TAKER_NAP = 20, IDLE_NAP = 100, MS = 1000000 };

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READ, SLOT_COMING, SLOT_ISSUED };

struct slot {
    enum slot_state state;
    int rc;                               /* READ: what came of it, and why */
    long chunk;
    uint64_t turn;                        /* ISSUED: it is the chunk that takers asked for at this turn */
    struct err err;
};

struct member {                           /* a rank of the node */
    enum ring_word said;
    bool takes, ended;
    uint64_t taken, back;                 /* turns taken, and handed back */
};

struct common {
    pthread_mutex_t lock;
    pthread_cond_t work, news, end;       /* for threads that read, for takers (and the leader), for ranks that only wait */
    int n_readers, n_reading;             /* threads of the node; of them, in a read */
    long frontier;                        /* the lowest chunk of this node that no thread has begun to read */
    long wanted;                          /* one below it, that is asked for again; -1 */
    uint64_t turn;                        /* chunks issued so far */
    bool agreed, draining;                /* no leader has anything more to say; nobody takes any more */
    bool closed;
    bool elsewhere;                       /* closed by another rank, which has the message */
    struct err cause;                     /* why it was closed; kind ERR_NONE: all went well */
    struct slot slot[RING_SLOTS];
    struct member member[];               /* (n_ranks) */
};

struct ring {
    struct ring_opts o;
    struct common *common;
    struct member *me;
    unsigned char *data;                  /* (n_slots) chunks, behind the common state */
    bool elsewhere;                       /* this rank was told of another's failure, and that alone is why it failed */
    int n_threads;
    pthread_t thread[];
};

int ring_threads(int rank, int n_ranks, int n_cores)
{
    /* A core hashes 1 to 1.5 GB/s, and a node needs no more than it can read, send and pack. */
    enum { MOST = 8 };
    const int node = n_cores < MOST ? n_cores : MOST, mine = node / n_ranks + (rank < node % n_ranks);
    return mine < 1 && rank == 0 ? 1 : mine;
}

int ring_slots(int n_threads_of_node)
{
    const int n = 2 * n_threads_of_node + SPARE;            /* for each thread one at hand and one that waits to be taken */
    return n < RING_SLOTS ? n : RING_SLOTS;
}

static size_t common_bytes(int n_ranks)
{
    const size_t n = sizeof(struct common) + (size_t)n_ranks * sizeof(struct member);
    return (n + PAGE - 1) / PAGE * PAGE;
}

size_t ring_bytes(int n_slots, int n_ranks)
{
    return common_bytes(n_ranks) + (size_t)n_slots * STAGE_CHUNK;
}

/* The first chunk of this node at or after c. */
static long mine_from(const struct ring_opts *o, long c)
{
    while (c < o->grid->n_chunks && (c % o->n_nodes != o->node || o->skip[c]))
        c++;
    return c;
}

void ring_lay_out(void *memory, const struct ring_opts *o)
{
    struct common *c = memory;
    pthread_mutexattr_t lock;
    pthread_condattr_t cond;
    pthread_mutexattr_init(&lock);
    pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&c->lock, &lock);
    pthread_mutexattr_destroy(&lock);
    pthread_condattr_init(&cond);
    pthread_condattr_setpshared(&cond, PTHREAD_PROCESS_SHARED);
    pthread_condattr_setclock(&cond, CLOCK_MONOTONIC);
    pthread_cond_init(&c->work, &cond);
    pthread_cond_init(&c->news, &cond);
    pthread_cond_init(&c->end, &cond);
    pthread_condattr_destroy(&cond);
    c->frontier = mine_from(o, 0);
    c->wanted = -1;
    c->agreed = o->n_nodes == 1;
    for (int i = 0; i < o->n_ranks; i++)
        c->member[i].takes = o->everyone || i == 0;
}

/* ---- slots ---- */

static unsigned char *data_of(const struct ring *r, const struct slot *s)
{
    return r->data + (size_t)(s - r->common->slot) * STAGE_CHUNK;
}

static struct slot *slot_in(const struct ring *r, enum slot_state state)
{
    for (int i = 0; i < r->o.n_slots; i++)
        if (r->common->slot[i].state == state)
            return &r->common->slot[i];
    return NULL;
}

/* The slot that holds the chunk or soon will; not one in which takers have it: each turn has a slot of its own. */
static struct slot *find(const struct ring *r, long chunk)
{
    for (int i = 0; i < r->o.n_slots; i++) {
        struct slot *s = &r->common->slot[i];
        if (s->chunk == chunk && (s->state == SLOT_READ || s->state == SLOT_READING))
            return s;
    }
    return NULL;
}

static struct slot *issued_at(const struct ring *r, uint64_t turn)
{
    struct slot *s = r->common->slot;
    while (s->state != SLOT_ISSUED || s->turn != turn)      /* it is there: freed only when this taker, too, has handed it back */
        s++;
    return s;
}

static int n_ahead(const struct ring *r)
{
    int n = 0;
    for (int i = 0; i < r->o.n_slots; i++)
        n += r->common->slot[i].state == SLOT_READ || r->common->slot[i].state == SLOT_READING;
    return n;
}

/* What was read below this chunk (all of it: LONG_MAX) nobody has asked for: takers have passed it over. */
static void drop_below(struct ring *r, long chunk)
{
    for (int i = 0; i < r->o.n_slots; i++) {
        struct slot *s = &r->common->slot[i];
        if (s->state == SLOT_READ && s->chunk < chunk) {
            s->state = SLOT_FREE;
            pthread_cond_broadcast(&r->common->work);
        }
    }
}

static void hand_back(struct ring *r)
{
    struct common *c = r->common;
    uint64_t least = UINT64_MAX;
    r->me->back = r->me->taken;
    for (int i = 0; i < r->o.n_ranks; i++)
        if (c->member[i].takes && !c->member[i].ended && c->member[i].back < least)
            least = c->member[i].back;
    for (int i = 0; i < r->o.n_slots; i++)
        if (c->slot[i].state == SLOT_ISSUED && c->slot[i].turn < least) {
            c->slot[i].state = SLOT_FREE;
            pthread_cond_broadcast(&c->work);
            if (c->n_readers == 0 || r->o.n_nodes > 1)      /* a taker that reads for itself, or receives, needs a free one, too */
                pthread_cond_broadcast(&c->news);
        }
}

/* ---- words ---- */

/* The first cause stands. NULL: the end of all that went well. */
static void close_ring(struct ring *r, const struct err *cause, bool elsewhere)
{
    struct common *c = r->common;
    if (c->closed)
        return;
    c->closed = true;
    c->elsewhere = elsewhere;
    c->cause = cause ? *cause : (struct err){0};
    pthread_cond_broadcast(&c->work);
    pthread_cond_broadcast(&c->news);
    pthread_cond_broadcast(&c->end);
}

static int unlike(struct err *err)
{
    return err_set(err, ERR_IO, "weights: ranks ask for different pieces of the files; this is a fault of the program");
}

static void close_by(struct ring *r, enum ring_word w)
{
    struct err e = {0};
    if (w == RING_UNLIKE)
        unlike(&e);
    else if (w == RING_STOP)
        err_set(&e, ERR_CANCELLED, "interrupted while weights were loaded; the same command goes on from there");
    else
        err_set(&e, ERR_IO, "weights: another rank failed while they were loaded");
    /* The rank that failed has the message: this text would tell the effect for the cause. */
    close_ring(r, &e, w == RING_FAILED);
}

static void say(struct ring *r, enum ring_word w)
{
    if (w > r->me->said) {
        r->me->said = w;
        pthread_cond_broadcast(&r->common->news);
    }
    if (w != RING_GOOD && r->common->agreed)
        close_by(r, w);                                     /* no other node has to hear of it first */
}

static enum ring_word worst_said(const struct ring *r)
{
    enum ring_word w = RING_GOOD;
    for (int i = 0; i < r->o.n_ranks; i++)
        w = r->common->member[i].said > w ? r->common->member[i].said : w;
    return w;
}

static struct timespec after(int ms)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += (long)ms * MS;
    t.tv_sec += t.tv_nsec / (1000 * MS);
    t.tv_nsec %= 1000 * MS;
    return t;
}

static void listen(struct ring *r)
{
    bool stop = false;
    /* Without the lock: it looks for messages of other ranks, and nobody has to wait for that. */
    pthread_mutex_unlock(&r->common->lock);
    if (r->o.stopped)
        stop = r->o.stopped(r->o.ctx);
    pthread_mutex_lock(&r->common->lock);
    if (stop)
        say(r, RING_STOP);
}

static void wait_for(struct ring *r, pthread_cond_t *what, int ms)
{
    const struct timespec until = after(ms);
    pthread_cond_timedwait(what, &r->common->lock, &until);
    listen(r);                                              /* no condition of this ring tells of a signal */
}

/* ---- reading ---- */

/* A slot for what is to be read next: what is asked for again, else what nobody has read. NULL: nothing, or not now. */
static struct slot *next_work(struct ring *r)
{
    struct common *c = r->common;
    struct slot *s = slot_in(r, SLOT_FREE);
    const bool again = c->wanted >= 0;
    const long chunk = again ? c->wanted : c->frontier;
    /* SPARE slots stay for what is asked for again and for what comes from other nodes, or reading ahead could stop both. */
    if (!s || c->n_reading == RING_READS || chunk >= r->o.grid->n_chunks || (!again && n_ahead(r) >= r->o.n_slots - SPARE))
        return NULL;
    if (again)
        c->wanted = -1;
    else
        c->frontier = mine_from(&r->o, chunk + 1);
    s->state = SLOT_READING;
    s->chunk = chunk;
    return s;
}

/* Called, and left, with the lock. */
static void read_into(struct ring *r, struct slot *s)
{
    struct common *c = r->common;
    unsigned char *data = data_of(r, s);
    c->n_reading++;
    pthread_mutex_unlock(&c->lock);
    s->rc = grid_read(r->o.grid, s->chunk, data, &s->err);
    pthread_mutex_lock(&c->lock);
    c->n_reading--;
    pthread_cond_broadcast(&c->work);                       /* the file system may be asked for another chunk while this one is hashed */
    if (s->rc == 0) {
        pthread_mutex_unlock(&c->lock);
        grid_hash(r->o.grid, s->chunk, data);
        pthread_mutex_lock(&c->lock);
    } else {
        c->frontier = r->o.grid->n_chunks;                  /* the same file would fail again: only what is asked for is tried */
    }
    s->state = c->draining ? SLOT_FREE : SLOT_READ;
    pthread_cond_broadcast(&c->work);
    pthread_cond_broadcast(&c->news);
}

static void *reader_main(void *arg)
{
    struct ring *r = arg;
    pthread_mutex_lock(&r->common->lock);
    while (!r->common->closed) {
        struct slot *s = next_work(r);
        if (s)
            read_into(r, s);
        else
            pthread_cond_wait(&r->common->work, &r->common->lock);
    }
    pthread_mutex_unlock(&r->common->lock);
    return NULL;
}

/* For whoever waits for a chunk: where there are no threads it reads itself. */
static void await_reading(struct ring *r)
{
    struct slot *s = r->common->n_readers == 0 ? next_work(r) : NULL;
    if (s)
        read_into(r, s);
    else
        wait_for(r, &r->common->news, TAKER_NAP);
}

/* ---- taking ---- */

static void issue(struct ring *r, struct slot *s, long chunk)
{
    s->chunk = chunk;
    s->state = SLOT_ISSUED;
    s->turn = r->common->turn++;
    pthread_cond_broadcast(&r->common->news);
}

/* The leaders hear the worst word of any before each chunk, and once at the end: nobody waits for a chunk that will not come. 's': the
 * slot of the chunk, READ or FREE; NULL: there is none, and this node has bad news or has come to its end. */
static void exchange(struct ring *r, struct slot *s, long chunk)
{
    struct common *c = r->common;
    const int owner = s ? (int)(chunk % r->o.n_nodes) : -1;
    const bool broken = owner == r->o.node && s->rc < 0;
    const enum ring_word mine = broken ? RING_FAILED : worst_said(r);
    if (s && owner != r->o.node)
        s->state = SLOT_COMING;
    pthread_mutex_unlock(&c->lock);
    const enum ring_word all = r->o.hear(r->o.ctx, mine, s ? chunk : -1);
    if (s && all == RING_GOOD)
        r->o.spread(r->o.ctx, owner, data_of(r, s), grid_bytes(r->o.grid, chunk));
    pthread_mutex_lock(&c->lock);
    if (all == RING_GOOD && s)
        issue(r, s, chunk);
    else if (all == RING_GOOD)
        c->agreed = true;
    else if (broken)
        close_ring(r, &s->err, false);
    else
        close_by(r, all);
}

/* One step towards the chunk's turn, which may be a wait. */
static void advance(struct ring *r, long chunk)
{
    struct common *c = r->common;
    const bool own = chunk % r->o.n_nodes == r->o.node;
    drop_below(r, chunk);
    struct slot *s = own ? find(r, chunk) : slot_in(r, SLOT_FREE);
    if (!c->agreed && worst_said(r) != RING_GOOD) {
        exchange(r, NULL, chunk);
    } else if (!s || s->state == SLOT_READING) {
        if (own && !s && chunk < c->frontier)               /* at or above it, it will come */
            c->wanted = chunk, pthread_cond_broadcast(&c->work);
        await_reading(r);
    } else if (!c->agreed) {
        exchange(r, s, chunk);
    } else if (s->rc < 0) {
        close_ring(r, &s->err, false);
    } else {
        issue(r, s, chunk);
    }
}

/* No chunk will come: the leader alone could bring it, and has ended. When it has failed, or another rank has, the ring is closed soon. */
static bool deserted(const struct ring *r)
{
    return r->o.n_nodes > 1 && r->common->member[0].ended && worst_said(r) == RING_GOOD;
}

/* What the ring has at this rank's turn, as far as it has been asked for. */
static int take(struct ring *r, long chunk, const unsigned char **data, struct err *err)
{
    struct common *c = r->common;
    if (c->closed) {
        r->elsewhere = c->elsewhere;
        return err_set(err, c->cause.kind ? c->cause.kind : ERR_IO, "%s",
                       c->cause.kind ? c->cause.text : "weights: are asked for after the end of their reading");
    }
    if (!r->me->takes || r->me->taken == c->turn)
        return unlike(err);
    struct slot *s = issued_at(r, r->me->taken);
    if (s->chunk != chunk)
        return unlike(err);
    r->me->taken++;
    *data = data_of(r, s);
    return 0;
}

int ring_take(struct ring *r, long chunk, const unsigned char **data, struct err *err)
{
    struct common *c = r->common;
    const bool conducts = r->o.n_nodes == 1 || r->o.rank == 0;      /* between nodes only the leader can */
    pthread_mutex_lock(&c->lock);
    hand_back(r);
    listen(r);
    while (!c->closed && r->me->takes && r->me->taken == c->turn && !deserted(r))
        if (conducts)
            advance(r, chunk);
        else
            wait_for(r, &c->news, TAKER_NAP);
    int rc = take(r, chunk, data, err);
    pthread_mutex_unlock(&c->lock);
    return rc;
}

/* ---- beginning and end ---- */

static bool all_ended(const struct ring *r)
{
    for (int i = 0; i < r->o.n_ranks; i++)
        if (r->common->member[i].takes && !r->common->member[i].ended)
            return false;
    return true;
}

/* Nobody takes any more: what is left is read for its digest alone. */
static bool drained(struct ring *r)
{
    r->common->draining = true;
    drop_below(r, r->o.grid->n_chunks);
    return r->common->frontier >= r->o.grid->n_chunks && !slot_in(r, SLOT_READING);
}

/* The leader's part of the end, one step of it. */
static void conclude(struct ring *r)
{
    const bool bad = worst_said(r) != RING_GOOD;
    if (!r->common->agreed && (bad || all_ended(r)))
        exchange(r, NULL, 0);
    else if (!all_ended(r))
        wait_for(r, &r->common->news, TAKER_NAP);
    else if (drained(r))
        close_ring(r, NULL, false);
    else
        await_reading(r);
}

int ring_end(struct ring *r, int rc)
{
    struct common *c = r->common;
    pthread_mutex_lock(&c->lock);
    r->me->ended = true;
    hand_back(r);
    pthread_cond_broadcast(&c->news);
    say(r, rc < 0 && !c->closed ? RING_FAILED : RING_GOOD);
    while (!c->closed)
        if (r->o.rank == 0)
            conclude(r);
        else
            wait_for(r, &c->end, IDLE_NAP);                 /* ranks that only wait, dozens of them, are woken once */
    pthread_mutex_unlock(&c->lock);
    return r->elsewhere ? 0 : rc;
}

static void start_threads(struct ring *r)
{
    pthread_attr_t attr;
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; r->o.cpu && i < r->o.n_cpus; i++)
        CPU_SET((size_t)r->o.cpu[i], &set);
    pthread_attr_init(&attr);
    /* Else they would share the one core of the caller, which the pool has pinned. */
    if (r->o.cpu)
        pthread_attr_setaffinity_np(&attr, sizeof set, &set);
    while (r->n_threads < r->o.n_threads && (pthread_create(&r->thread[r->n_threads], &attr, reader_main, r) == 0 ||
                                             pthread_create(&r->thread[r->n_threads], NULL, reader_main, r) == 0))
        r->n_threads++;
    pthread_attr_destroy(&attr);
}

struct ring *ring_join(void *memory, const struct ring_opts *o)
{
    struct ring *r = xcalloc(1, sizeof *r + (size_t)o->n_threads * sizeof *r->thread);
    r->o = *o;
    r->common = memory;
    r->me = &r->common->member[o->rank];
    r->data = (unsigned char *)memory + common_bytes(o->n_ranks);
    pthread_mutex_lock(&r->common->lock);
    start_threads(r);                                       /* they wait for the lock */
    r->common->n_readers += r->n_threads;
    pthread_mutex_unlock(&r->common->lock);
    return r;
}

void ring_leave(struct ring *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->n_threads; i++)
        pthread_join(r->thread[i], NULL);
    /* The lock and the conditions hold nothing that would have to be released, and another rank may still be about to leave them. */
    free(r);
}
