/* ring.c - the ranks that take from the ring, and how it ends; who fills it is in reader.c. All state lies in the shared memory under one
 * lock; bytes are read, hashed and sent between nodes without it, since a slot in such a state is touched by nobody else. */
#include "ring_priv.h"

#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <stdlib.h>
#include <time.h>

enum { PAGE = 4096, TAKER_NAP = 20, IDLE_NAP = 100, MS = 1000000 };

static size_t common_bytes(int n_ranks)
{
    const size_t n = sizeof(struct common) + (size_t)n_ranks * sizeof(struct member);
    return (n + PAGE - 1) / PAGE * PAGE;
}

size_t ring_bytes(int n_slots, int n_ranks)
{
    return common_bytes(n_ranks) + (size_t)n_slots * STAGE_CHUNK;
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
    c->frontier = reader_first(o, 0);
    c->wanted = -1;
    c->agreed = o->n_nodes == 1;
    for (int i = 0; i < o->n_ranks; i++)
        c->member[i].takes = o->everyone || i == 0;
}

/* ---- slots ---- */

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

static int cancelled(struct err *err)
{
    return err_set(err, ERR_CANCELLED, "interrupted while weights were loaded; the same command goes on from there");
}

static void close_by(struct ring *r, enum ring_word w)
{
    struct err e = {0};
    if (w == RING_UNLIKE)
        unlike(&e);
    else if (w == RING_STOP)
        cancelled(&e);
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

/* For whoever looks on: a read by a thread of this rank that does not come back is this rank's standstill, whatever it waits for here. */
static void say_reading(struct ring *r, bool still_here)
{
    long chunk = -1;
    for (int i = 0; i < r->o.n_slots && chunk < 0 && still_here; i++) {
        const struct slot *s = &r->common->slot[i];
        if (s->state == SLOT_READING && s->reader == r->o.rank)
            chunk = s->chunk;
    }
    if (chunk == r->said)
        return;
    if (r->said >= 0)
        watch_end();
    if ((r->said = chunk) >= 0)
        watch_begin(WATCH_WORKS, "reading %s", r->o.grid->path[grid_file(r->o.grid, chunk)]);
}

static void listen(struct ring *r)
{
    bool stop = false;
    say_reading(r, true);
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

/* For whoever waits for a chunk: where there are no threads it reads itself. */
static void await_reading(struct ring *r)
{
    if (r->common->n_readers > 0 || !reader_step(r))
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
        r->o.spread(r->o.ctx, owner, ring_data(r, s), grid_bytes(r->o.grid, chunk));
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
    struct slot *s = own ? find(r, chunk) : ring_slot_in(r, SLOT_FREE);
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
    *data = ring_data(r, s);
    return 0;
}

int ring_take(struct ring *r, long chunk, const unsigned char **data, struct err *err)
{
    struct common *c = r->common;
    const bool conducts = r->o.n_nodes == 1 || r->o.rank == 0;      /* between nodes only the leader can */
    pthread_mutex_lock(&c->lock);
    hand_back(r);
    listen(r);
    /* Chunks may lie at hand up to the last one: a rank that is told to stop would take them all, and the end would come later or sooner
     * by how fast the others are. */
    r->cancelled = !c->closed && r->me->said == RING_STOP;
    while (!c->closed && !r->cancelled && r->me->takes && r->me->taken == c->turn && !deserted(r))
        if (conducts)
            advance(r, chunk);
        else
            wait_for(r, &c->news, TAKER_NAP);
    int rc = r->cancelled ? cancelled(err) : take(r, chunk, data, err);
    say_reading(r, false);
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
    return r->common->frontier >= r->o.grid->n_chunks && !ring_slot_in(r, SLOT_READING);
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
    say(r, rc < 0 && !c->closed && !r->cancelled ? RING_FAILED : RING_GOOD);
    while (!c->closed)
        if (r->o.rank == 0)
            conclude(r);
        else
            wait_for(r, &c->end, IDLE_NAP);                 /* ranks that only wait, dozens of them, are woken once */
    say_reading(r, false);
    pthread_mutex_unlock(&c->lock);
    return r->elsewhere ? 0 : rc;
}

struct ring *ring_join(void *memory, const struct ring_opts *o)
{
    struct ring *r = xcalloc(1, sizeof *r + (size_t)o->n_threads * sizeof *r->thread);
    r->o = *o;
    r->said = -1;
    r->common = memory;
    r->me = &r->common->member[o->rank];
    r->data = (unsigned char *)memory + common_bytes(o->n_ranks);
    pthread_mutex_lock(&r->common->lock);
    reader_start(r);
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
