/* deal.c - items go out, records come back, between the steps of the engines. Who gets what is decided in dealer.c.
 * Every rank says how many items it could have taken in all since the start (a limit, not a difference), so that a message under way
 * never makes rank 0 give twice. */
#include "mtbench/deal.h"

#include "dealer.h"
#include "job_priv.h"
#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_UP = 1, TAG_DOWN };
enum kind { UP_LIMIT, UP_DONE, UP_RECORD, UP_TALLY, UP_LEAVE, UP_END, DOWN_ITEM, DOWN_OVER };
enum { FIRST_NAP = 200000, LONGEST_NAP = 10000000 };  /* ns */
enum { MAX_UNSENT = 64 << 20 };           /* bytes of records on their way; more make deal_send() wait */

struct head { int kind, arg; uint64_t tally; };

struct message {                          /* one on its way out, or in, or (record) waiting for deal_receive() */
    struct message *next;
    MPI_Request request;
    int from;
    size_t n;                             /* bytes, head included */
    struct head head;                     /* the payload lies behind it */
};

struct queue { struct message *first, **end; };

struct deal {
    struct job *job;
    MPI_Comm comm;
    enum deal_state state;
    bool moved;                           /* the last poll did something */
    long nap;                             /* ns that the next idle poll sleeps */
    uint64_t tally, tally_sent;
    double told;                          /* when the last message left for rank 0 */
    uint64_t *tallies;                    /* rank 0: (size) */
    struct queue sending, arriving, records;
    size_t unsent;
    struct message *lent;                 /* the record that deal_receive() gave out */
    /* this rank's own hand */
    int *item, n_item, next_item;         /* given items; [next_item, n_item) are not taken yet */
    int limit_sent;
    bool left;
    struct dealer *dealer;                /* rank 0 */
    int *given, n_given, next_given;      /* rank 0: items in the order they went out; deal_given() has named those before next_given */
};

static void queue_add(struct queue *q, struct message *m)
{
    m->next = NULL;
    /* 'end' is set when the first comes in: zeroed queues and emptied ones need no care elsewhere */
    if (!q->first)
        q->end = &q->first;
    *q->end = m;
    q->end = &m->next;
}

static struct message *message_create(size_t payload)
{
    struct message *m = xcalloc(1, sizeof *m + payload);
    m->n = sizeof m->head + payload;
    return m;
}

static void post(struct deal *d, int to, int tag, struct message *m)
{
    /* never a blocking send: two ranks that wait for each other's receive would stand for ever */
    MPI_Isend(&m->head, (int)m->n, MPI_BYTE, to, tag, d->comm, &m->request);
    d->unsent += m->n;
    queue_add(&d->sending, m);
}

static void post_head(struct deal *d, int to, int tag, enum kind kind, int arg)
{
    struct message *m = message_create(0);
    m->head = (struct head){ kind, arg, 0 };
    post(d, to, tag, m);
}

/* Free what has left. */
static void sweep(struct deal *d)
{
    struct message **at = &d->sending.first, *m;
    while ((m = *at)) {
        int gone;
        MPI_Test(&m->request, &gone, MPI_STATUS_IGNORE);
        if (gone) {
            *at = m->next;
            d->unsent -= m->n;
            d->moved = true;
            free(m);
        } else {
            at = &m->next;
        }
    }
    d->sending.end = at;                 /* the last one may have gone */
}

/* ---- rank 0 ---- */

static void take_in(struct deal *d, int item)
{
    d->item = xrealloc(d->item, (size_t)d->n_item + 1, sizeof *d->item);
    d->item[d->n_item++] = item;
}

static void hand_out(struct deal *d)
{
    for (int to, item; (item = dealer_next(d->dealer, &to)) >= 0;) {
        d->moved = true;
        d->given = xrealloc(d->given, (size_t)d->n_given + 1, sizeof *d->given);
        d->given[d->n_given++] = item;
        /* Rank 0 is a worker too, and sends itself nothing. */
        if (to == 0)
            take_in(d, item);
        else
            post_head(d, to, TAG_DOWN, DOWN_ITEM, item);
    }
}

/* One message of a rank (rank 0 included); records are kept, the rest is used up. */
static void heard(struct deal *d, struct message *m)
{
    d->moved = true;
    d->tallies[m->from] = m->head.tally; /* every message brings it, so progress costs none of its own */
    switch (m->head.kind) {
    case UP_LIMIT: dealer_limit(d->dealer, m->from, m->head.arg); break;
    case UP_DONE: dealer_done(d->dealer, m->from, m->head.arg); break;
    case UP_LEAVE: dealer_leave(d->dealer, m->from); break;
    case UP_RECORD: queue_add(&d->records, m); return;
    default: break;
    }
    free(m);
}

/* Post a receive for every message that is there: long ones arrive over several polls, so that rank 0 never waits for a busy sender. */
static void accept_all(struct deal *d)
{
    for (;;) {
        MPI_Message mpi;
        MPI_Status st;
        int there, n;
        /* Matched probe: the message that was seen is the one that is received, whatever else arrives. */
        MPI_Improbe(MPI_ANY_SOURCE, TAG_UP, d->comm, &there, &mpi, &st);
        if (!there)
            return;
        MPI_Get_count(&st, MPI_BYTE, &n);
        struct message *m = message_create((size_t)n - sizeof m->head);
        m->from = st.MPI_SOURCE;
        MPI_Imrecv(&m->head, n, MPI_BYTE, &mpi, &m->request);
        queue_add(&d->arriving, m);
    }
}

static bool waits_before(const struct message *first, const struct message *m)
{
    for (; first != m; first = first->next)
        if (first->from == m->from)
            return true;
    return false;
}

/* Use the messages that have arrived, those of one rank in order. */
static void use_arrived(struct deal *d)
{
    struct message **at = &d->arriving.first, *m;
    while ((m = *at)) {
        int done = 0;
        /* a later record must not overtake an earlier one of its rank: a turn counts after the one before it */
        if (!waits_before(d->arriving.first, m))
            MPI_Test(&m->request, &done, MPI_STATUS_IGNORE);
        if (done) {
            *at = m->next;
            heard(d, m);
        } else {
            at = &m->next;
        }
    }
    d->arriving.end = at;
}

static void lead(struct deal *d)
{
    accept_all(d);
    use_arrived(d);
    /* nothing is given out once the job stops; what is out comes back when its rank leaves */
    if (d->state == DEAL_RUNNING)
        hand_out(d);
    if (dealer_is_over(d->dealer)) {
        /* once, since the state below ends all polling */
        for (int r = 1; r < d->job->info.size; r++)
            post_head(d, r, TAG_DOWN, DOWN_OVER, 0);
        d->state = DEAL_OVER;
    }
}

/* ---- every rank ---- */

static void follow(struct deal *d)
{
    int there;
    while (MPI_Iprobe(0, TAG_DOWN, d->comm, &there, MPI_STATUS_IGNORE), there) {
        struct head h;
        MPI_Recv(&h, sizeof h, MPI_BYTE, 0, TAG_DOWN, d->comm, MPI_STATUS_IGNORE);
        d->moved = true;
        if (h.kind == DOWN_ITEM)
            take_in(d, h.arg);
        else
            d->state = DEAL_OVER;
    }
}

enum deal_state deal_poll(struct deal *d)
{
    d->moved = false;
    if (d->state == DEAL_OVER)
        return d->state;
    if (job_poll(d->job) != JOB_RUNNING) /* before anything is given or taken */
        d->state = DEAL_STOPPING;
    if (d->job->info.rank == 0)
        lead(d);
    else
        follow(d);
    sweep(d);
    return d->state;
}

enum deal_state deal_idle(struct deal *d)
{
    enum deal_state s = deal_poll(d);
    /* up to the longest within seconds of silence: 88 ranks that wait must not keep a core busy */
    d->nap = d->moved || !d->nap ? FIRST_NAP : d->nap < LONGEST_NAP ? d->nap + d->nap / 8 : d->nap;
    if (s != DEAL_OVER && !d->moved)
        nanosleep(&(struct timespec){ .tv_nsec = d->nap }, NULL);
    return s;
}

/* Say something to rank 0; rank 0 hears itself at once. */
static void say(struct deal *d, struct message *m)
{
    m->head.tally = d->tally_sent = d->tally;
    d->told = clock_now();
    if (d->job->info.rank == 0) {
        m->from = 0;
        heard(d, m);
    } else {
        post(d, 0, TAG_UP, m);
    }
}

static void say_head(struct deal *d, enum kind kind, int arg)
{
    struct message *m = message_create(0);
    m->head = (struct head){ kind, arg, 0 };
    say(d, m);
}

void deal_tally(struct deal *d, uint64_t n)
{
    d->tally = n;
    if (d->job->info.rank == 0)
        d->tallies[0] = n;
    /* by itself only when nothing else went out for a second */
    else if (n != d->tally_sent && clock_now() - d->told > 1 && !d->left)
        say_head(d, UP_TALLY, 0);
}

uint64_t deal_tally_sum(const struct deal *d)
{
    uint64_t sum = 0;
    for (int r = 0; d->tallies && r < d->job->info.size; r++)
        sum += d->tallies[r];
    return sum;
}

void deal_want(struct deal *d, int n)
{
    int limit = d->next_item + n;        /* in all since the start: a number that was true once stays true (see the head of the file) */
    if (limit != d->limit_sent && !d->left)
        say_head(d, UP_LIMIT, limit);
    d->limit_sent = limit;
}

int deal_next(struct deal *d)
{
    return d->state == DEAL_RUNNING && !d->left && d->next_item < d->n_item ? d->item[d->next_item++] : DEAL_NONE;
}

void deal_done(struct deal *d, int item)
{
    say_head(d, UP_DONE, item);
}

void deal_send(struct deal *d, const void *data, size_t n)
{
    struct message *m = message_create(n);
    m->head.kind = UP_RECORD;
    memcpy(&m->head + 1, data, n);
    say(d, m);
    /* Back-pressure: a rank that is faster than rank 0's disk waits here instead of filling its memory. */
    while (d->unsent > MAX_UNSENT)
        deal_idle(d);
}

bool deal_receive(struct deal *d, const void **data, size_t *n, int *from)
{
    struct message *m = d->records.first;
    free(d->lent);
    d->lent = m;                         /* freed by the next call, so that the caller may read it in place */
    if (!m)
        return false;
    d->records.first = m->next;
    *data = &m->head + 1;
    *n = m->n - sizeof m->head;
    *from = m->from;
    return true;
}

void deal_leave(struct deal *d)
{
    /* once: rank 0 counts those that left */
    if (!d->left)
        say_head(d, UP_LEAVE, 0);
    d->left = true;
}

int deal_given(struct deal *d)
{
    return d->next_given < d->n_given ? d->given[d->next_given++] : DEAL_NONE;
}

int deal_n_done(const struct deal *d)
{
    return d->dealer ? dealer_n_done(d->dealer) : 0;
}

/* ---- beginning and end ---- */

struct deal *deal_create(struct job *job, const struct deal_opts *o)
{
    struct deal *d = xcalloc(1, sizeof *d);
    int *want = xcalloc((size_t)job->info.size, sizeof *want);
    d->job = job;
    d->limit_sent = o->want;
    MPI_Comm_dup(job->world, &d->comm);  /* messages of one deal never meet those of the next */
    /* the first limits come with the start, so that rank 0 deals fairly before anybody has spoken */
    job_gather(job, &o->want, sizeof o->want, want);
    if (job->info.rank == 0) {
        d->tallies = xcalloc((size_t)job->info.size, sizeof *d->tallies);
        d->dealer = dealer_create(o->n_items, o->cost, job->info.size, o->keep > 0 ? o->keep : 8);
        for (int r = 0; r < job->info.size; r++)
            dealer_limit(d->dealer, r, want[r]);
    }
    free(want);
    return d;
}

static void queue_free(struct queue *q)
{
    for (struct message *m = q->first, *next; m; m = next) {
        next = m->next;
        free(m);
    }
}

/* A last message from each rank, so that nothing is under way when the communicator goes. */
void deal_destroy(struct deal *d)
{
    if (!d)
        return;
    if (d->job->info.rank > 0) {
        post_head(d, 0, TAG_UP, UP_END, 0);
    } else {
        for (int n_ended = 1; n_ended < d->job->info.size;) {
            accept_all(d);
            for (struct message *m = d->arriving.first, *next; m; m = next) {
                next = m->next;
                job_wait(&m->request);
                n_ended += m->head.kind == UP_END;
                free(m);
            }
            d->arriving.first = NULL;    /* they were freed one by one above */
        }
    }
    for (struct message *m = d->sending.first; m; m = m->next)
        job_wait(&m->request);
    queue_free(&d->sending);
    queue_free(&d->records);
    MPI_Comm_free(&d->comm);
    free(d->lent);
    free(d->item);
    free(d->given);
    free(d->tallies);
    dealer_destroy(d->dealer);
    free(d);
}
