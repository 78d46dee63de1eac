/* lost.c - ranks that do not answer. MPI has no word for them: whoever waits for one waits for ever, unless the launcher ends all ranks
 * when one has died, as most do. */
#include "job_priv.h"

#include "mtbench/clock.h"
#include "mtbench/exit_code.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double usual_patience = 120;
static const double cut_off = 15;         /* times as long as a silence that is told */

static double patience(void)
{
    const char *told = getenv("MTBENCH_TEST_PATIENCE");
    return told && atof(told) > 0 ? atof(told) : usual_patience;
}

/* The ranks of a node come to it one after another: the first ends them all, with one line. */
static double turn(const struct job *job)
{
    return 0.5 * job->info.local_rank;
}

static void __attribute__((noreturn)) give_up(const struct job *job, const struct err *why)
{
    if (job->end)
        job->end(why);
    abort();
}

/* Most launchers end all ranks when one has died, and its own last words stand then; this is for those that let the others wait. */
void lost_look(struct job *job)
{
    const double now = clock_now(), grace = job->info.patience / 12;
    struct err why;
    int dead;
    if (!job->vigil || now - job->looked < grace / 10)
        return;
    job->looked = now;
    if ((dead = vigil_dead(job->vigil)) < 0)
        return;
    job->missed = job->missed > 0 ? job->missed : now;
    if (now - job->missed < grace + turn(job))
        return;
    err_set(&why, ERR_DEVICE, "rank %d on %s: has died, and the launcher lets the others wait for it; look for the reason (killed, out of "
            "memory?), and start again to go on with what is finished", job->rank_of[dead], job->host);
    give_up(job, &why);
}

void lost_farewell(struct job *job)
{
    const double now = clock_now(), longest = job->info.patience / 2;
    job->failed = job->failed > 0 ? job->failed : now;
    /* who knows the reason goes first */
    if (now - job->failed < longest + turn(job) + (*job->cause.text ? 0 : longest / 4))
        return;
    if (!*job->cause.text)
        err_set(&job->cause, ERR_DEVICE, "ranks: one failed %.0f s ago, and another does not answer; start again to go on with what is "
                "finished (rank %d on %s)", longest, job->info.rank, job->host);
    give_up(job, &job->cause);
}

void lost_silent(const struct job *job, int rank, const char *host, double lasts)
{
    struct err why;
    err_set(&why, ERR_DEVICE, "rank %d on %s has not been heard of for %.0f s; MTBENCH_WATCHDOG_END=%g ends the job, start again to go on "
            "with what is finished", rank, host, lasts, job->ends);
    give_up(job, &why);
}

void job_on_lost(struct job *job, void (*end)(const struct err *why))
{
    job->end = end;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

/* Nobody else may: whoever stands still would have to take part. The launcher ends the others. */
static void end_of_watch(const struct watchdog_opts *o, const struct watch_seen *s)
{
    log_error("rank %d on %s has not moved for %.0f s: %s; MTBENCH_WATCHDOG_END=%g ends the job, start again to go on with what is "
              "finished", s->rank, o->host, s->still, s->text, o->ends);
    _exit(EXIT_RESUME);
}

/* 'n' places of the node's ranks, or this process's alone. */
static void begin_watch(struct job *job, struct watch_post *post, int n)
{
    struct watchdog_opts o = { .post = post ? post : watch_own(), .n = n, .host = job->host, .leads = job->info.rank == 0,
        .end = end_of_watch };
    char wrong[200];
    double ends;
    watchdog_settings(environment, &o.after, &ends, wrong);
    o.ends = fmax(0, ends);
    if (*wrong && job->info.rank == 0)
        log_note("%s", wrong);
    job->still = o.after;
    /* A rank that hangs may come back, and its own node tells; one that is cut off never does, and the others would wait for it. */
    job->ends = ends < 0 ? cut_off * o.after : ends;
    watch_start(post ? post + job->info.local_rank : NULL, job->info.rank);
    job->watchdog = watchdog_start(&o);
}

/* Without memory for it nobody is missed, and the run is as good; that there is too little shared_create() says again, for weights. */
void lost_begin(struct job *job)
{
    const struct job_info *in = &job->info;
    const size_t seats = vigil_bytes(in->local_size);
    struct err err;
    job->info.patience = patience();
    job->rank_of = xcalloc((size_t)in->local_size, sizeof *job->rank_of);
    MPI_Allgather(&in->rank, 1, MPI_INT, job->rank_of, 1, MPI_INT, job->node);
    if (in->size > 1)
        job->seats = shared_create(job, seats + (size_t)in->local_size * sizeof(struct watch_post), &err);
    if (!job->seats) {
        begin_watch(job, NULL, 1);
        return;
    }
    char *base = shared_base(job->seats);
    if (in->local_rank == 0) {
        vigil_lay_out(base, in->local_size);
        memset(base + seats, 0, (size_t)in->local_size * sizeof(struct watch_post));
    }
    MPI_Barrier(job->node);
    job->vigil = vigil_join(base, in->local_rank, in->local_size);
    begin_watch(job, (struct watch_post *)(base + seats), in->local_size);
}

void lost_end(struct job *job)
{
    watchdog_stop(job->watchdog);
    watch_start(NULL, job->info.rank);   /* the shared place goes */
    vigil_leave(job->vigil);
    job->vigil = NULL;
    shared_destroy(job->seats);
    free(job->rank_of);
}

void job_fail(struct job *job, const struct err *why)
{
    if (!*job->cause.text)
        err_set(&job->cause, why->kind, "%s (rank %d on %s)", why->text, job->info.rank, job->host);
    job_raise(job, JOB_FAILED);
}
