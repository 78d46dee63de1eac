/* jobname.c - a process's identity in its batch job, out of an environment that may lie. */
#include "mtbench/jobname.h"

#include "mtbench/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef const char *(*env_f)(const char *name);

static void __attribute__((format(printf, 2, 3))) doubt(struct jobname *j, const char *fmt, ...)
{
    va_list ap;
    if (j->n_doubts == JOBNAME_DOUBTS)   /* more of them tell nobody more */
        return;
    va_start(ap, fmt);
    vsnprintf(j->doubt[j->n_doubts++], sizeof j->doubt[0], fmt, ap);
    va_end(ap);
}

/* A whole number of the variable; 'otherwise' where it is not set (an empty one is not: scripts clear variables so), or is none. */
static long number(struct jobname *j, env_f env, const char *name, long otherwise)
{
    const char *s = env(name);
    char *end;
    if (!s || !*s)
        return otherwise;
    errno = 0;
    const long n = strtol(s, &end, 10);
    if (*end || errno || *s < '0' || *s > '9') { /* strtol() would take blanks and signs */
        doubt(j, "%s=%.40s: is no number, ignored", name, s);
        return otherwise;
    }
    return n;
}

static void read_job(struct jobname *j, env_f env)
{
    j->job = number(j, env, "SLURM_JOB_ID", 0);
    const long old = number(j, env, "SLURM_JOBID", j->job);     /* its name of old, which Slurm still sets to the same */
    if (j->job && old != j->job) {
        doubt(j, "SLURM_JOB_ID=%ld: but SLURM_JOBID=%ld, both ignored", j->job, old);
        j->job = 0;
    } else {
        j->job = old;
    }
    j->restart = number(j, env, "SLURM_RESTART_COUNT", 0);
}

/* A pair that is whole and within the array's bounds, or none: half of it would let all tasks write one name. */
static void read_array(struct jobname *j, env_f env)
{
    const long array = number(j, env, "SLURM_ARRAY_JOB_ID", -1), task = number(j, env, "SLURM_ARRAY_TASK_ID", -1);
    const long least = number(j, env, "SLURM_ARRAY_TASK_MIN", -1), most = number(j, env, "SLURM_ARRAY_TASK_MAX", -1);
    j->array = j->task = -1;
    if (array < 0 && task < 0)
        return;
    if (array < 0 || task < 0)
        doubt(j, "SLURM_ARRAY_%s=%ld: SLURM_ARRAY_%s is missing, so it is ignored", task < 0 ? "JOB_ID" : "TASK_ID",
              task < 0 ? array : task, task < 0 ? "TASK_ID" : "JOB_ID");
    else if ((least >= 0 && task < least) || (most >= 0 && task > most))
        doubt(j, "SLURM_ARRAY_TASK_ID=%ld: lies outside of its array, %ld to %ld, so it is ignored", task, least, most);
    else {
        j->array = array;
        j->task = task;
    }
}

/* A rank of mpirun inherits the variables of the daemon that started it, which is a task of srun on each node; so does one of MPICH's,
 * whose PMI counts other tasks than srun then. */
static void read_step(struct jobname *j, env_f env)
{
    const bool hydra = env("PMI_SIZE") && number(j, env, "PMI_SIZE", -1) != number(j, env, "SLURM_STEP_NUM_TASKS", -1);
    const bool mpirun = hydra || env("OMPI_COMM_WORLD_SIZE");
    j->step = number(j, env, "SLURM_STEP_ID", -1);
    j->proc = j->n_procs = j->local = -1;
    if (j->step < 0 || mpirun)
        return;
    /* In a step over several components of a heterogeneous job tasks are numbered through all of them, and counted in each alone. */
    const bool spans = env("SLURM_HET_SIZE") || env("SLURM_PACK_SIZE");
    const long proc = number(j, env, "SLURM_PROCID", -1), n = spans ? -1 : number(j, env, "SLURM_STEP_NUM_TASKS", -1);
    const long local = number(j, env, "SLURM_LOCALID", -1);
    if (proc < 0 && local < 0)           /* the shell of a step, as salloc starts one */
        return;
    if (proc < 0 || (n >= 0 && proc >= n) || local > proc) {
        doubt(j, "SLURM_PROCID=%ld: cannot be with SLURM_STEP_NUM_TASKS=%ld and SLURM_LOCALID=%ld, ignored", proc, n, local);
        return;
    }
    j->proc = (int)proc;
    j->n_procs = (int)n;
    j->local = (int)local;
}

static void read_end(struct jobname *j, env_f env, double now)
{
    const long end = number(j, env, "SLURM_JOB_END_TIME", 0), start = number(j, env, "SLURM_JOB_START_TIME", 0);
    if (end && start > end)
        doubt(j, "SLURM_JOB_END_TIME=%ld: lies before SLURM_JOB_START_TIME=%ld, ignored", end, start);
    else if (end && (double)end < now)   /* a job that is over cannot run this */
        doubt(j, "SLURM_JOB_END_TIME=%ld: is over for %.0f s, so the variables may be of a job that has ended; ignored", end,
              now - (double)end);
    else
        j->ends = (double)end;
}

/* mpirun's daemon has a PMI of its own job; what the rank itself was offered is Open MPI's, then. */
static enum jobname_pmi pmi(env_f env)
{
    if (env("PMIX_RANK") || env("PMIX_NAMESPACE") || env("OMPI_COMM_WORLD_SIZE"))
        return JOBNAME_PMI_PMIX;
    return env("PMI_RANK") || env("PMI_SIZE") || env("PMI_FD") ? JOBNAME_PMI_PMI : JOBNAME_PMI_NONE;
}

void jobname_read(struct jobname *j, env_f env, double now)
{
    const char *node = env("SLURMD_NODENAME");
    *j = (struct jobname){ .pmi = pmi(env) };
    read_job(j, env);
    read_array(j, env);
    read_step(j, env);
    read_end(j, env, now);
    snprintf(j->node, sizeof j->node, "%s", node ? node : "");
    if (j->array >= 0)
        snprintf(j->name, sizeof j->name, "%ld_%ld", j->array, j->task);
    else if (j->job)
        snprintf(j->name, sizeof j->name, "%ld", j->job);
}

static const char *environment(const char *name)
{
    return getenv(name);
}

const struct jobname *jobname_own(void)
{
    static struct jobname own;
    jobname_read(&own, environment, clock_unix());
    return &own;
}
