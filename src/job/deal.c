/* deal.c - items go out, records come back, between the steps of the engines. Who gets what is decided in dealer.c.
 * Every rank says how many items it could have taken in all since the start (a limit, not a difference), so that a message under way
 * never makes rank 0 give twice. */
#include "mtbench/deal.h"

#include "dealer.h"
#include "job_priv.h"
#include "silence.h"
#include "mtbench/clock.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TAG_UP = 1, TAG_DOWN };           /* one a direction; what a message is stands in its head */
enum kind { UP_LIMIT, UP_DONE, UP_RECORD, UP_TALLY, UP_PACE, UP_LEAVE, UP_END, DOWN_ITEM, DOWN_OVER };
enum { FIRST_NAP = 200000, LONGEST_NAP = 10000000 };  /* ns */
enum { MAX_UNSENT = 64 << 20 };           /* bytes of records on their way; more make deal_send() wait */

static const double usual_width = 20;     /* rows that cost as much as a step does by itself, until it is seen */

/* Sent as bytes: all ranks run one program on machines of one kind. */
struct head { int kind, arg; uint64_t tally, steps; };
struct pace { double step, row; };        /* behind the head of UP_PACE */

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
    uint64_t steps;                       /* of this rank's engine */
    double told;                          /* when the last message left for rank 0 */
    uint64_t *tallies;                    /* rank 0: (size) */
    struct silence *silence;              /* rank 0: of ranks on other nodes, which its watchdog does not see */
    char (*host)[64];                     /* rank 0: (size) their names */
    double looked;                        /* when silence was asked for */
    bool silence_kept;                    /* this rank is one of those that rank 0 listens to */
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
    if (!q->first)                       /* after the last was taken 'end' points nowhere */
        q->end = &q->first;
    *q->end = m;
    q->end = &m->next;
}

static struct message *message_create(size_t payload)
{
    struct message *m = xcalloc(1, sizeof *m + payload); /* one block: the head and its payload leave in one message */
    m->n = sizeof m->head + payload;
    return m;
}

static void post(struct deal *d, int to, int tag, struct message *m)
{
    /* Never a blocking send: two ranks that wait for each other's receive would stand for ever. */
    MPI_Isend(&m->head, (int)m->n, MPI_BYTE, to, tag, d->comm, &m->request); /* int: a record is an answer, far below 2 GiB */
    d->unsent += m->n;
    queue_add(&d->sending, m);
}

static void post_head(struct deal *d, int to, int tag, enum kind kind, int arg)
{
    struct message *m = message_create(0);
    m->head = (struct head){ .kind = kind, .arg = arg };
    post(d, to, tag, m);
}

/* Free what has left. */
static void sweep(struct deal *d)
{
    struct message **at = &d->sending.first, *m;
    while ((m = *at)) {
        int gone;
        /* Testing is also what moves a long message on: MPI works only while it is called. */
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
    /* One at a time: each changes who should have the next. */
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

static void take_pace(struct deal *d, const struct message *m)
{
    struct pace p;
    memcpy(&p, &m->head + 1, sizeof p);
    dealer_pace(d->dealer, m->from, p.step, p.row);
}

/* One message of a rank (rank 0 included); records are kept, the rest is used up. */
static void heard(struct deal *d, struct message *m)
{
    d->moved = true;
    watch_moved();
    /* A total of that rank and not an increment: a late or lost one is made good by the next. */
    d->tallies[m->from] = m->head.tally;
    dealer_made(d->dealer, m->from, (double)m->head.steps);
    if (silence_broken(d->silence, m->from, clock_now()))
        log_error("rank %d on %s is heard of again", m->from, d->host[m->from]);
    switch (m->head.kind) {
    case UP_LIMIT: dealer_limit(d->dealer, m->from, m->head.arg); break;
    case UP_DONE: dealer_done(d->dealer, m->from, m->head.arg); break;
    case UP_PACE: take_pace(d, m); break;
    case UP_LEAVE:
        dealer_leave(d->dealer, m->from);
        silence_forget(d->silence, m->from);
        break;
    case UP_RECORD: queue_add(&d->records, m); return;
    default: break;                      /* UP_TALLY: the head said it all */
    }
    free(m);
}

/* Post a receive for every message that is there: long ones arrive over several polls, so that rank 0 never waits for a busy sender. */
static void accept_all(struct deal *d)
{
    for (;;) {
        /* Matched probes: size and sender are known before there is room, and nothing else can receive this message meanwhile. */
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
        /* Order of sending is order of matching, not of completion: a short message arrives whole while a longer one before it is under
         * way. An item's DONE must not overtake its records. */
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

/* Once a second. Whoever was away itself (a job that Slurm suspends is) has not listened: the others come back when they do. */
static void tell_silence(struct deal *d)
{
    const double now = clock_now(), since = d->looked > 0 ? now - d->looked : 0;
    double lasts;
    if (d->looked > 0 && since < 1)
        return;
    d->looked = now;
    if (since > 1.5 + (d->job->still > 0 ? d->job->still : d->job->ends) / 2)
        silence_pass(d->silence, since, now);
    for (int r; (r = silence_next(d->silence, now, &lasts)) >= 0;)
        log_error("rank %d on %s has not been heard of for %.0f s: it hangs, is cut off, or has a very long step", r, d->host[r], lasts);
    const int longest = silence_longest(d->silence, now, &lasts);
    if (longest >= 0 && d->job->ends > 0 && lasts > d->job->ends + 1)      /* the watchdog of its own node comes first, and knows more */
        lost_silent(d->job, longest, d->host[longest], lasts);
}

static void lead(struct deal *d)
{
    accept_all(d);
    use_arrived(d);
    tell_silence(d);
    /* When the job stops nothing more goes out; what ranks have in hand comes back by records and by leaving. */
    if (d->state == DEAL_RUNNING)
        hand_out(d);
    /* Said once: deal_poll() does nothing any more in this state. */
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
        MPI_Recv(&h, sizeof h, MPI_BYTE, 0, TAG_DOWN, d->comm, MPI_STATUS_IGNORE); /* a few bytes that are there: no wait */
        d->moved = true;
        if (h.kind == DOWN_ITEM)
            take_in(d, h.arg);
        else
            d->state = DEAL_OVER;
    }
}

/* Say something to rank 0; rank 0 hears itself at once. */
static void say(struct deal *d, struct message *m)
{
    /* Each message takes it along, so that a busy rank needs none for it alone. */
    m->head.tally = d->tally_sent = d->tally;
    m->head.steps = d->steps;
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
    m->head = (struct head){ .kind = kind, .arg = arg };
    say(d, m);
}

/* Of life, for rank 0, from whoever has had nothing else to say. */
static void give_sign(struct deal *d)
{
    const struct job *j = d->job;
    const double least = j->ends > 0 && (j->ends < j->still || j->still <= 0) ? j->ends : j->still, often = least / 4 < 10 ? least / 4 : 10;
    if (d->silence_kept && least > 0 && !d->left && d->state != DEAL_OVER && clock_now() - d->told > often)
        say_head(d, UP_TALLY, 0);
}

enum deal_state deal_poll(struct deal *d)
{
    d->moved = false;
    /* Nothing is received from here on. What may still come is the UP_END of a rank that is ahead, which deal_destroy() counts. */
    if (d->state == DEAL_OVER)
        return d->state;
    const enum job_state state = job_poll(d->job);
    if (state != JOB_RUNNING)            /* for good: the job's state never goes back */
        d->state = DEAL_STOPPING;
    if (state == JOB_FAILED)
        lost_farewell(d->job);
    if (d->job->info.rank == 0)
        lead(d);
    else
        follow(d);
    sweep(d);
    give_sign(d);                        /* here, where every rank comes by, also those that follow another one and want nothing */
    return d->state;
}

enum deal_state deal_idle(struct deal *d)
{
    enum deal_state s = deal_poll(d);
    /* Short at first, for a reply that is just coming; then longer, since naps of 0.2 ms of many idle ranks fill the cores of the busy
     * ones. */
    d->nap = d->moved || !d->nap ? FIRST_NAP : d->nap < LONGEST_NAP ? d->nap + d->nap / 8 : d->nap;
    if (s != DEAL_OVER && !d->moved)
        nanosleep(&(struct timespec){ .tv_nsec = d->nap }, NULL);
    return s;
}

void deal_pace(struct deal *d, double step, double row)
{
    const struct pace p = { step, row };
    struct message *m = message_create(sizeof p);
    m->head.kind = UP_PACE;
    memcpy(&m->head + 1, &p, sizeof p);
    say(d, m);
}

void deal_tally(struct deal *d, uint64_t n, uint64_t steps)
{
    d->tally = n;
    d->steps = steps;
    /* Silent for a second: nothing else took it along. */
    if (!d->left && n != d->tally_sent && clock_now() - d->told > 1)
        say_head(d, UP_TALLY, 0);
    else if (d->job->info.rank == 0)
        d->tallies[0] = n;
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
    /* Taken so far and free places: a total since the start. Differences would be granted twice while messages are under way. */
    int limit = d->next_item + n;
    if (limit != d->limit_sent && !d->left)
        say_head(d, UP_LIMIT, limit);
    d->limit_sent = limit;
}

int deal_next(struct deal *d)
{
    /* What was given and not begun when the job stops stays undone: leaving gives it back. */
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
    /* Back-pressure: rank 0 may be in a long step, and a fast rank would pile up all that it makes. Ranks send before they leave, so it
     * is not over yet, and polling moves messages. */
    if (d->unsent <= MAX_UNSENT)
        return;
    watch_begin(WATCH_WAITS, "waiting for rank 0 to take records");
    while (d->unsent > MAX_UNSENT)
        deal_idle(d);
    watch_end();
}

bool deal_receive(struct deal *d, const void **data, size_t *n, int *from)
{
    struct message *m = d->records.first;
    free(d->lent);                       /* the one lent before: whoever asks again is done with it */
    d->lent = m;
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

/* Collective: rank 0 gets to know of whom it should hear. Ranks of its own node are seen by its watchdog. */
static void listen_to(struct deal *d)
{
    const struct job_info *in = &d->job->info;
    struct { int node; char host[64]; } mine = { .node = in->node }, *all = NULL;
    snprintf(mine.host, sizeof mine.host, "%s", in->host);
    if (in->rank == 0) {
        all = xcalloc((size_t)in->size, sizeof *all);
        d->host = xcalloc((size_t)in->size, sizeof *d->host);
    }
    d->told = clock_now();
    d->silence_kept = in->node != 0;
    job_gather(d->job, &mine, sizeof mine, all);
    for (int r = 0; all && r < in->size; r++) {
        memcpy(d->host[r], all[r].host, sizeof d->host[r]);
        if (all[r].node == in->node)
            silence_forget(d->silence, r);
    }
    free(all);
}

struct deal *deal_create(struct job *job, const struct deal_opts *o)
{
    struct deal *d = xcalloc(1, sizeof *d);
    const int size = job->info.size, mine[2] = { o->want, job->info.node };
    int (*all)[2] = xcalloc((size_t)size, sizeof *all), *node = xcalloc((size_t)size, sizeof *node);
    d->job = job;
    d->limit_sent = o->want;
    MPI_Comm_dup(job->world, &d->comm);  /* of its own: no tag of anybody else is seen here */
    /* The only time that the wants are asked for: from here on each rank says so itself. */
    job_gather(job, mine, sizeof mine, all);
    if (job->info.rank == 0) {
        for (int r = 0; r < size; r++)
            node[r] = all[r][1];
        d->tallies = xcalloc((size_t)size, sizeof *d->tallies);
        d->silence = silence_create(size, job->still, clock_now());
        d->dealer = dealer_create(&(struct dealer_opts){ .n_items = o->n_items, .n_ranks = size, .cost = o->cost, .steps = o->steps,
                                                         .node = node, .width = usual_width, .paced = o->paced });
        for (int r = 0; r < size; r++)
            dealer_limit(d->dealer, r, all[r][0]);
    }
    free(node);
    free(all);
    listen_to(d);
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
    /* Between two ranks nothing overtakes: behind this there is nothing more. */
    if (d->job->info.rank > 0) {
        post_head(d, 0, TAG_UP, UP_END, 0);
    } else {
        for (int n_ended = 1; n_ended < d->job->info.size;) { /* rank 0 itself has */
            accept_all(d);
            for (struct message *m = d->arriving.first, *next; m; m = next) {
                next = m->next;
                /* Late tallies; records and DONEs came before DEAL_OVER. */
                job_wait(d->job, &m->request);
                n_ended += m->head.kind == UP_END;
                free(m);
            }
            d->arriving.first = NULL;    /* they were freed one by one above */
        }
    }
    /* They end: rank 0 has taken everything by its loop, the others saw DEAL_OVER before they came here. */
    for (struct message *m = d->sending.first; m; m = m->next)
        job_wait(d->job, &m->request);
    queue_free(&d->sending);
    queue_free(&d->records);
    MPI_Comm_free(&d->comm);
    free(d->lent);
    free(d->item);
    free(d->given);
    free(d->tallies);
    silence_destroy(d->silence);
    free(d->host);
    dealer_destroy(d->dealer);
    free(d);
}
