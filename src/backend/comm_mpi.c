/* comm_mpi.c - a tensor group of ranks. A sum goes by recursive doubling: in round d member r exchanges with r ^ 2^d what both have so far,
 * and after log2 rounds all hold the balanced tree, as fp32 addition commutes. Waiting is looking and then napping: several ranks may share
 * a core. All calls come from one thread. */
#include "comm_priv.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 3 };                      /* of a sum, of the largest group */
enum { PIECE = 1 << 18 };                 /* numbers that are exchanged at a time: 1 MB */
enum { TAG_SUM = 1, TAG_SUM_AND_STOP, TAG_COLUMNS, TAG_MESSAGE, TAG_FAIL };
enum { AHEAD = 8 };                       /* messages that member 0 may be ahead of the others */

struct message {
    struct buf b;
    MPI_Request sent[COMM_MAX];
    int n_sent;
};

struct ranks {
    struct comm c;                        /* first: what the caller holds */
    struct comm_opts o;
    MPI_Comm data, control;               /* control: failures alone, so that they are seen whatever else is on its way */
    float *other;                         /* (PIECE) what a partner has */
    struct message message[AHEAD];        /* member 0: round and round */
    int next;
    bool failed;
    struct err why;
};

static struct ranks *ranks_of(struct comm *c)
{
    return (struct ranks *)c;
}

/* ---- failing ---- */

static void ranks_fail(struct comm *c, const struct err *why)
{
    struct ranks *g = ranks_of(c);
    if (g->failed)
        return;
    g->failed = true;
    g->why = *why;
    for (int r = 0; r < c->size; r++) {
        MPI_Request sent;
        /* few bytes, taken along at once; g->why outlives them, as a group that failed is never freed */
        if (r != c->rank && MPI_Isend(&g->why, sizeof g->why, MPI_BYTE, r, TAG_FAIL, g->control, &sent) == MPI_SUCCESS)
            MPI_Request_free(&sent);
    }
}

/* Has another member failed? */
static bool heard_of_failure(struct ranks *g)
{
    int there = 0;
    MPI_Status s;
    if (!g->failed && MPI_Iprobe(MPI_ANY_SOURCE, TAG_FAIL, g->control, &there, &s) == MPI_SUCCESS && there) {
        MPI_Recv(&g->why, sizeof g->why, MPI_BYTE, s.MPI_SOURCE, TAG_FAIL, g->control, MPI_STATUS_IGNORE);
        g->failed = true;                 /* it has told the others, too */
    }
    return g->failed;
}

static int ranks_check(struct comm *c, struct err *err)
{
    struct ranks *g = ranks_of(c);
    if (!heard_of_failure(g))
        return 0;
    *err = g->why;
    return -1;
}

/* A call of MPI that could not do its work. */
static bool broken(struct ranks *g, int rc, const char *what)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    struct err why;
    int n;
    if (rc == MPI_SUCCESS)
        return false;
    MPI_Error_string(rc, text, &n);
    err_set(&why, ERR_DEVICE, "tensor group: member %d of %d: %s: %.200s", g->c.rank, g->c.size, what, text);
    ranks_fail(&g->c, &why);
    return true;
}

/* ---- waiting ---- */

enum { LOOKS = 1000, LOOKS_CROWDED = 50, LONGEST_NAP = 1000000 };     /* ns */

static void drop(MPI_Request *r, int n)
{
    for (int i = 0; i < n; i++)
        if (r[i] != MPI_REQUEST_NULL)
            MPI_Cancel(&r[i]), MPI_Request_free(&r[i]);
}

/* Until all of them are done, which have to do with that member. False: the group failed, and they are dropped. 'behind': rounds that the
 * member may itself be waiting in for the one that is lost, and by which it is to say so first. */
static bool await(struct ranks *g, MPI_Request *r, MPI_Status *status, int n, int member, int behind)
{
    struct comm_wait w = { .longer = 0.1 * behind };
    struct err why;
    long ns = 20000;
    for (int i = 0, done = 0;; i++) {
        if (broken(g, MPI_Testall(n, r, &done, status ? status : MPI_STATUSES_IGNORE), "waiting"))
            break;
        if (done)
            return true;
        if (i < (g->o.crowded ? LOOKS_CROWDED : LOOKS)) {
            if (g->o.crowded)
                sched_yield();
            continue;
        }
        if (heard_of_failure(g))
            break;
        if (g->o.waiting)
            g->o.waiting(g->o.ctx);
        if (comm_out_of_patience(&w, &g->o)) {
            comm_set_lost(&why, member, g->c.size, g->o.patience);
            ranks_fail(&g->c, &why);
            break;
        }
        nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
        ns = ns < LONGEST_NAP ? ns + ns / 4 : ns;
    }
    drop(r, n);
    return false;
}

/* ---- sums and columns ---- */

/* sum (n) += the partner's. The lower member's numbers stand on the left on both. */
static bool exchange(struct ranks *g, float *sum, int n, int partner, int round, bool *stop)
{
    MPI_Request r[2] = { MPI_REQUEST_NULL, MPI_REQUEST_NULL };
    MPI_Status s[2];
    /* the tag says whether to stop: no bytes more, no copy to put them beside the numbers */
    if (broken(g, MPI_Irecv(g->other, n, MPI_FLOAT, partner, MPI_ANY_TAG, g->data, &r[0]), "receiving") ||
        broken(g, MPI_Isend(sum, n, MPI_FLOAT, partner, *stop ? TAG_SUM_AND_STOP : TAG_SUM, g->data, &r[1]), "sending")) {
        drop(r, 2);
        return false;
    }
    if (!await(g, r, s, 2, partner, round))
        return false;
    *stop |= s[0].MPI_TAG == TAG_SUM_AND_STOP;
    for (int i = 0; i < n; i++)
        sum[i] = g->c.rank < partner ? sum[i] + g->other[i] : g->other[i] + sum[i];
    return true;
}

static bool ranks_sum(struct comm *c, void *sum, int n_rows, int dim, bool *stop)
{
    struct ranks *g = ranks_of(c);
    const size_t all = (size_t)n_rows * (size_t)dim;
    if (g->failed)
        return false;
    for (size_t at = 0; at < all; at += PIECE) {
        const int n = (int)(all - at < PIECE ? all - at : PIECE);
        for (int round = 0; 1 << round < c->size; round++)
            if (!exchange(g, (float *)sum + at, n, c->rank ^ 1 << round, round, stop))
                return false;
    }
    return true;
}

/* Member 0: each of the others' columns to their place. */
static bool receive_columns(struct ranks *g, float *rows, int n_rows, const int first[])
{
    MPI_Request r[COMM_MAX];
    for (int i = 0; i < g->c.size; i++)
        r[i] = MPI_REQUEST_NULL;
    for (int i = 1; i < g->c.size; i++) {
        MPI_Datatype columns;
        if (first[i] == first[i + 1])
            continue;
        MPI_Type_vector(n_rows, first[i + 1] - first[i], first[g->c.size], MPI_FLOAT, &columns);
        MPI_Type_commit(&columns);
        const int rc = MPI_Irecv(rows + first[i], 1, columns, i, TAG_COLUMNS, g->data, &r[i]);
        MPI_Type_free(&columns);          /* when the receive is done */
        if (broken(g, rc, "receiving")) {
            drop(r, g->c.size);
            return false;
        }
    }
    for (int i = 1; i < g->c.size; i++)   /* one by one: it is known whose are wanting */
        if (!await(g, &r[i], NULL, 1, i, ROUNDS)) {
            drop(r, g->c.size);
            return false;
        }
    return true;
}

static bool ranks_gather(struct comm *c, float *rows, int n_rows, const int first[])
{
    struct ranks *g = ranks_of(c);
    const int width = first[c->rank + 1] - first[c->rank];
    MPI_Request r;
    if (g->failed)
        return false;
    if (c->rank == 0)
        return receive_columns(g, rows, n_rows, first);
    if (width == 0)
        return true;
    return !broken(g, MPI_Isend(rows, n_rows * width, MPI_FLOAT, 0, TAG_COLUMNS, g->data, &r), "sending") &&
           await(g, &r, NULL, 1, 0, ROUNDS);
}

/* ---- messages ---- */

static bool ranks_tell(struct comm *c, const void *data, size_t n)
{
    struct ranks *g = ranks_of(c);
    struct message *m = &g->message[g->next];
    if (heard_of_failure(g) || !await(g, m->sent, NULL, m->n_sent, 1, ROUNDS))
        return false;
    g->next = (g->next + 1) % AHEAD;
    buf_clear(&m->b);
    buf_add(&m->b, data, n);
    m->n_sent = 0;
    for (int r = 1; r < c->size; r++, m->n_sent++)
        if (broken(g, MPI_Isend(m->b.data, (int)n, MPI_BYTE, r, TAG_MESSAGE, g->data, &m->sent[m->n_sent]), "sending"))
            return false;
    return true;
}

static int ranks_hear(struct comm *c, struct buf *b, bool wait)
{
    struct ranks *g = ranks_of(c);
    MPI_Message message;
    MPI_Status s;
    MPI_Request r;
    int there = 0, n = 0;
    for (long ns = 20000; !there; ns = ns < LONGEST_NAP ? ns + ns / 4 : ns) {
        if (heard_of_failure(g) || broken(g, MPI_Improbe(0, TAG_MESSAGE, g->data, &there, &message, &s), "listening"))
            return -1;
        if (!there && !wait)
            return 0;
        if (!there)
            nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
    }
    MPI_Get_count(&s, MPI_BYTE, &n);
    buf_clear(b);
    buf_reserve(b, (size_t)n);
    if (broken(g, MPI_Imrecv(b->data, n, MPI_BYTE, &message, &r), "receiving") || !await(g, &r, NULL, 1, 0, ROUNDS))
        return -1;
    b->len = (size_t)n;
    return 1;
}

/* ---- making and ending ---- */

static void ranks_close(struct comm *c)
{
    struct ranks *g = ranks_of(c);
    if (heard_of_failure(g))              /* what is on its way stays as it is: the program is at its end */
        return;
    for (int i = 0; i < AHEAD; i++)
        if (!await(g, g->message[i].sent, NULL, g->message[i].n_sent, 1, ROUNDS))
            return;
    for (int i = 0; i < AHEAD; i++)
        buf_free(&g->message[i].b);
    MPI_Comm_free(&g->data);
    MPI_Comm_free(&g->control);
    free(g->other);
    free(g);
}

static const struct comm_kind ranks = {
    .sum = ranks_sum, .gather = ranks_gather, .tell = ranks_tell, .hear = ranks_hear, .fail = ranks_fail, .check = ranks_check,
    .close = ranks_close,
};

struct comm *comm_mpi(const void *mpi_comm, const struct comm_opts *o, struct err *err)
{
    const MPI_Comm *of = mpi_comm;
    struct ranks *g = xcalloc(1, sizeof *g);
    MPI_Comm_rank(*of, &g->c.rank);
    MPI_Comm_size(*of, &g->c.size);
    if (g->c.size == 1) {
        free(g);
        return &comm_self;
    }
    if (g->c.size > COMM_MAX || (g->c.size & (g->c.size - 1))) {
        err_set(err, ERR_DEVICE, "tensor group: %d ranks; there may be 1, 2, 4 or 8", g->c.size);
        free(g);
        return NULL;
    }
    g->c.kind = &ranks;
    g->o = *o;
    g->other = xcalloc(PIECE, sizeof *g->other);
    /* ours alone: nobody else's messages can be taken for a sum */
    MPI_Comm_dup(*of, &g->data);
    MPI_Comm_dup(*of, &g->control);
    MPI_Comm_set_errhandler(g->data, MPI_ERRORS_RETURN);
    MPI_Comm_set_errhandler(g->control, MPI_ERRORS_RETURN);
    return &g->c;
}
