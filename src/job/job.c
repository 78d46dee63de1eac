/* job.c - start and end of a job, agreement, and the state that every rank learns of.
 * Orders travel as messages between the steps of the ranks, since a collective would make everybody wait for the slowest step. */
#include "job_priv.h"
#include "launch.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/signal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TAG_STATE = 1 };

enum { TESTS = 100, LONGEST_NAP = 5000000 };  /* ns; naps grow with the wait, so they add little to it */

/* 'polls': signals and raised states are passed on meanwhile. */
static void wait_for(struct job *job, MPI_Request *r, bool polls)
{
    int done = 0;
    long ns = 1000;
    bool said = false;
    /* Most waits are short, and a nap is longer than they are: some tests come first. */
    for (int i = 0; MPI_Test(r, &done, MPI_STATUS_IGNORE), !done; i++) {
        /* most collectives are over after a few looks; only then is sleeping cheaper than looking */
        if (i < TESTS)
            continue;
        if (!said)
            watch_begin(WATCH_WAITS, "waiting for other ranks");
        said = true;
        /* A collective may wait for a rank that is deep in its loop: it learns by this that it should leave. */
        if (polls)
            job_poll(job);
        lost_look(job);
        nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
        ns = ns < LONGEST_NAP ? ns + ns / 4 + 1 : ns;
    }
    if (said)
        watch_end();
}

void job_wait(struct job *job, MPI_Request *r)
{
    wait_for(job, r, false);
}

/* The ranks that share memory, and the leader of each group. */
static void split(struct job *job)
{
    struct job_info *in = &job->info;
    const char *pretend = getenv("MTBENCH_TEST_RANKS_PER_NODE");
    MPI_Comm_split_type(job->world, MPI_COMM_TYPE_SHARED, in->rank, MPI_INFO_NULL, &job->node);
    MPI_Comm_rank(job->node, &in->local_rank);
    if (pretend && atoi(pretend) > 0) {
        /* Keyed by the rank, so that ranks of a node keep their order and the leader is the lowest. */
        MPI_Comm whole = job->node;
        MPI_Comm_split(whole, in->local_rank / atoi(pretend), in->rank, &job->node);
        MPI_Comm_free(&whole);
        MPI_Comm_rank(job->node, &in->local_rank);
    }
    MPI_Comm_size(job->node, &in->local_size);
    /* MPI_COMM_NULL on those that lead nothing. */
    MPI_Comm_split(job->world, in->local_rank == 0 ? 0 : MPI_UNDEFINED, in->rank, &job->leaders);
    /* Among the leaders the order of ranks is kept, so node 0 is that of rank 0. */
    if (in->local_rank == 0) {
        MPI_Comm_rank(job->leaders, &in->node);
        MPI_Comm_size(job->leaders, &in->n_nodes);
    }
    MPI_Bcast(&in->node, 1, MPI_INT, 0, job->node); /* only the leaders know them so far */
    MPI_Bcast(&in->n_nodes, 1, MPI_INT, 0, job->node);
}

/* ---- start and end ---- */

/* FUNNELED: threads of ours read files and compute, and only the first one ever calls MPI. All ranks get less, and one of them says so:
 * before the others go, since a launcher may end it when they have. */
static int check_threads(int got, struct err *err)
{
    int rank;
    if (got >= MPI_THREAD_FUNNELED)
        return 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank == 0)
        log_error("MPI: was built without MPI_THREAD_FUNNELED; use another build of MPI");
    MPI_Barrier(MPI_COMM_WORLD);
    return err_set(err, ERR_USAGE, "%s", "");
}

struct job *job_start(int *argc, char ***argv, struct err *err)
{
    struct job *job = xcalloc(1, sizeof *job);
    int got, size;
    job->info.launcher = job_launcher(NULL);
    /* A process that nobody launched needs no daemon of Open MPI beside it, which costs half a second. */
    setenv("OMPI_MCA_ess_singleton_isolated", "1", 0); /* 0: a user's own value stands */
    launch_begin();                      /* before MPI_Init, which reads the environment once */
    MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &got);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    launch_done();
    if (job_check_launch(size, NULL, err) < 0 || check_threads(got, err) < 0) {
        /* Whoever has no line ends behind the one that has: launchers end all with the first that fails. */
        if (!*err->text)
            nanosleep(&(struct timespec){ .tv_sec = 1 }, NULL);
        MPI_Finalize();                  /* each of them is alone, or all come here: no collective that others miss */
        launch_end();
        free(job);
        return NULL;
    }
    signal_install(); /* after MPI, which may have handlers of its own */
    job->info.size = size;
    job->info.host = job->host;
    gethostname(job->host, sizeof job->host - 1);
    MPI_Comm_dup(MPI_COMM_WORLD, &job->world);
    MPI_Comm_dup(MPI_COMM_WORLD, &job->control); /* apart, so that job_poll() sees states and nothing else */
    MPI_Comm_rank(job->world, &job->info.rank);
    /* Each state above RUNNING goes out once to each rank at most: requests never run out. */
    job->sent = xcalloc((size_t)size * (JOB_FAILED + 1), sizeof(MPI_Request));
    split(job);
    lost_begin(job);
    return job;
}

/* Each control message that was sent must be received before MPI ends. */
static void drain_control(struct job *job)
{
    int told = job->n_told, expected = 0;
    if (job->info.rank == 0)             /* its own n_told are orders to the others */
        told = 0;
    /* Rank 0 hears what all workers told it, each worker what rank 0 told everybody: nobody told more than that. */
    MPI_Reduce(&told, &expected, 1, MPI_INT, MPI_SUM, 0, job->world);
    told = job->n_told;
    MPI_Bcast(&told, 1, MPI_INT, 0, job->world);
    if (job->info.rank > 0)
        expected = told;
    /* They were all sent, as the counts say, so that none of these waits for long. */
    for (int s; job->n_heard < expected; job->n_heard++)
        MPI_Recv(&s, 1, MPI_INT, MPI_ANY_SOURCE, TAG_STATE, job->control, MPI_STATUS_IGNORE);
    for (int i = 0; i < job->n_sent; i++)
        MPI_Wait(&job->sent[i], MPI_STATUS_IGNORE); /* MPI_STATUSES_IGNORE of MPICH looks to gcc like an array of nothing */
}

void job_end(struct job *job)
{
    if (!job)
        return;
    /* Behind this nobody raises anything: the counts are final. */
    job_barrier(job);
    lost_end(job);
    drain_control(job);
    if (job->leaders != MPI_COMM_NULL)
        MPI_Comm_free(&job->leaders);
    MPI_Comm_free(&job->node);
    MPI_Comm_free(&job->control);
    MPI_Comm_free(&job->world);
    MPI_Finalize();
    /* Signals stay caught: when the first rank has left with 75, srun --kill-on-bad-exit sends the others SIGTERM, and a rank that dies of
     * it would make 143 of the job's exit code. */
    launch_end();
    free(job->sent);
    free(job);
}

void job_abort(struct job *job, int code)
{
    launch_end();                 /* MPI_Abort() does not come back */
    int running = 0, ended = 1;
    MPI_Initialized(&running);
    if (running)
        MPI_Finalized(&ended);
    if (!ended)
        MPI_Abort(job ? job->world : MPI_COMM_WORLD, code);
    _exit(code);
}

struct job_info job_info(const struct job *job)
{
    return job->info;
}

/* ---- agreement and other collectives ---- */

int job_agree(struct job *job, int rc, struct err *err)
{
    struct { struct err e; char host[sizeof job->host]; } first = {0};
    /* The lowest failing rank speaks for all; 'size' is nobody. */
    int mine = rc ? job->info.rank : job->info.size, lowest;
    MPI_Request r;
    if (job->info.size == 1)             /* alone: the message needs no rank */
        return rc ? -1 : 0;
    MPI_Iallreduce(&mine, &lowest, 1, MPI_INT, MPI_MIN, job->world, &r);
    wait_for(job, &r, true);             /* passes signals on: others may be waiting for this very rank */
    if (lowest == job->info.size)
        return 0;
    if (lowest == job->info.rank) {
        if (err)
            first.e = *err;              /* the lowest failing rank's words are everybody's, so that all exit alike */
        memcpy(first.host, job->host, sizeof first.host);
    }
    /* As bytes of one size: the same program runs everywhere, and nobody has to be told a length first. */
    job_bcast_from(job, &first, sizeof first, lowest);
    return err_set(err, first.e.kind, "%s (rank %d on %s)", first.e.text, lowest, first.host);
}

void job_barrier(struct job *job)
{
    MPI_Request r;
    MPI_Ibarrier(job->world, &r);
    job_wait(job, &r);
}

void job_bcast_from(struct job *job, void *data, size_t n, int root)
{
    enum { PIECE = 1 << 30 };            /* bytes: counts of MPI are int */
    for (size_t at = 0; at < n && job->info.size > 1; at += PIECE) {
        MPI_Request r;
        MPI_Ibcast((char *)data + at, n - at < PIECE ? (int)(n - at) : PIECE, MPI_BYTE, root, job->world, &r);
        job_wait(job, &r);
    }
}

void job_bcast(struct job *job, void *data, size_t n)
{
    job_bcast_from(job, data, n, 0);
}

void job_bcast_buf(struct job *job, struct buf *b)
{
    uint64_t n = b->len;                 /* the others learn the length first, then make room */
    job_bcast(job, &n, sizeof n);
    buf_reserve(b, n - b->len);          /* nothing on rank 0 */
    job_bcast(job, b->data, n);
    b->len = n;
}

void job_gather(struct job *job, const void *data, size_t n, void *out)
{
    MPI_Request r;
    MPI_Igather(data, (int)n, MPI_BYTE, out, (int)n, MPI_BYTE, 0, job->world, &r);
    job_wait(job, &r);
}

static uint64_t reduce(struct job *job, uint64_t value, MPI_Op op)
{
    uint64_t all;
    MPI_Request r;
    MPI_Iallreduce(&value, &all, 1, MPI_UINT64_T, op, job->world, &r);
    job_wait(job, &r);
    return all;
}

uint64_t job_sum(struct job *job, uint64_t value)
{
    return reduce(job, value, MPI_SUM);
}

uint64_t job_max(struct job *job, uint64_t value)
{
    return reduce(job, value, MPI_MAX);
}

const void *job_replica(struct job *job, int replica, int place)
{
    MPI_Comm *group = xcalloc(1, sizeof *group);
    MPI_Comm_split(job->world, replica, place, group);
    return group;
}

void job_replica_free(const void *group)
{
    if (!group)
        return;
    MPI_Comm_free((MPI_Comm *)group);
    free((void *)group);
}

/* ---- the state of the job ---- */

static void tell(struct job *job, int to, enum job_state s)
{
    static const int message[] = { JOB_RUNNING, JOB_STOPPED, JOB_FAILED }; /* static: the buffer of a send lives on until it is received */
    MPI_Isend(&message[s], 1, MPI_INT, to, TAG_STATE, job->control, &job->sent[job->n_sent++]);
}

/* A worker tells rank 0, which tells everybody; each state travels at most once in each direction. */
void job_raise(struct job *job, enum job_state s)
{
    /* Upwards only, so each state is told at most once, which drain_control() counts on. */
    if (s <= job->state)
        return;
    job->state = s;
    if (job->info.rank > 0)
        tell(job, 0, s);
    else
        for (int to = 1; to < job->info.size; to++)
            tell(job, to, s);
    job->n_told++;                       /* for drain_control(): how many messages somebody has to receive */
}

enum job_state job_poll(struct job *job)
{
    lost_look(job);
    if (signal_pending())
        job_raise(job, JOB_STOPPED);
    for (int there = job->info.size > 1; there;) {
        MPI_Status st;
        int s;
        MPI_Iprobe(MPI_ANY_SOURCE, TAG_STATE, job->control, &there, &st);
        if (!there)
            break;
        MPI_Recv(&s, 1, MPI_INT, st.MPI_SOURCE, TAG_STATE, job->control, MPI_STATUS_IGNORE);
        job->n_heard++;
        if (job->info.rank == 0)
            job_raise(job, (enum job_state)s); /* to everybody, the sender included: orders are counted alike on all */
        else if ((enum job_state)s > job->state)
            job->state = (enum job_state)s;
    }
    return job->state;
}

const char *job_library(void)
{
    static char name[MPI_MAX_LIBRARY_VERSION_STRING];
    int n;
    MPI_Get_library_version(name, &n);
    name[strcspn(name, ",\n")] = '\0';   /* "Open MPI v4.1.4", without the build's remarks */
    return name;
}
