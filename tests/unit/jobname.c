/* jobname.c - who a process is in its batch job, out of environments that tell the truth, half of it, and lies. */
#include "mtbench/jobname.h"

#include "environment.h"
#include "tap.h"

#include <stdbool.h>
#include <string.h>

#define JOB "SLURM_JOB_ID=815", "SLURM_JOBID=815"
#define ARRAY "SLURM_ARRAY_JOB_ID=812", "SLURM_ARRAY_TASK_MIN=0", "SLURM_ARRAY_TASK_MAX=5"

static const struct { const char *what; const char *env[10]; const char *name; long restart; const char *doubt; } names[] = {
    { "no job", { NULL }, "", 0, NULL },
    { "a job", { JOB }, "815", 0, NULL },
    { "a job of an old Slurm", { "SLURM_JOBID=815" }, "815", 0, NULL },
    { "an array task", { JOB, ARRAY, "SLURM_ARRAY_TASK_ID=5" }, "812_5", 0, NULL },
    { "an array task that says no more", { "SLURM_ARRAY_JOB_ID=812", "SLURM_ARRAY_TASK_ID=0" }, "812_0", 0, NULL },
    { "a requeued one", { JOB, ARRAY, "SLURM_ARRAY_TASK_ID=0", "SLURM_RESTART_COUNT=2" }, "812_0", 2, NULL },
    { "cleared variables", { "SLURM_JOB_ID=", "SLURM_ARRAY_JOB_ID=", "SLURM_ARRAY_TASK_ID=" }, "", 0, NULL },
    { "a task without its array", { JOB, "SLURM_ARRAY_TASK_ID=3" }, "815", 0, "SLURM_ARRAY_TASK_ID=3: SLURM_ARRAY_JOB_ID is missing" },
    { "an array without a task", { JOB, "SLURM_ARRAY_JOB_ID=812" }, "815", 0, "SLURM_ARRAY_JOB_ID=812: SLURM_ARRAY_TASK_ID is missing" },
    { "a task above its array", { JOB, ARRAY, "SLURM_ARRAY_TASK_ID=6" }, "815", 0, "SLURM_ARRAY_TASK_ID=6: lies outside" },
    { "a task below its array", { "SLURM_ARRAY_JOB_ID=812", "SLURM_ARRAY_TASK_ID=1", "SLURM_ARRAY_TASK_MIN=2" }, "", 0,
      "SLURM_ARRAY_TASK_ID=1: lies outside" },
    { "a path for a job", { "SLURM_JOB_ID=../../etc" }, "", 0, "SLURM_JOB_ID=../../etc: is no number" },
    { "a negative job", { "SLURM_JOB_ID=-1" }, "", 0, "SLURM_JOB_ID=-1: is no number" },
    { "blanks around it", { "SLURM_JOB_ID= 7" }, "", 0, "SLURM_JOB_ID= 7: is no number" },
    { "more than a number holds", { "SLURM_JOB_ID=99999999999999999999" }, "", 0, "SLURM_JOB_ID=9999" },
    { "two jobs", { "SLURM_JOB_ID=815", "SLURM_JOBID=816" }, "", 0, "SLURM_JOB_ID=815: but SLURM_JOBID=816" },
    { "a restart that is none", { JOB, "SLURM_RESTART_COUNT=x" }, "815", 0, "SLURM_RESTART_COUNT=x: is no number" },
};

#define STEP "SLURM_STEP_ID=1", "SLURM_STEP_NUM_TASKS=4"

static const struct { const char *what; const char *env[8]; long step; int proc, n, local; enum jobname_pmi pmi; int doubts; } steps[] = {
    { "nobody's process", { NULL }, -1, -1, -1, -1, JOBNAME_PMI_NONE, 0 },
    { "srun --mpi=pmix", { STEP, "SLURM_PROCID=3", "SLURM_LOCALID=1", "PMIX_RANK=3" }, 1, 3, 4, 1, JOBNAME_PMI_PMIX, 0 },
    { "srun --mpi=pmi2", { STEP, "SLURM_PROCID=0", "SLURM_LOCALID=0", "PMI_RANK=0", "PMI_SIZE=4" }, 1, 0, 4, 0, JOBNAME_PMI_PMI, 0 },
    { "srun without PMI", { STEP, "SLURM_PROCID=2", "SLURM_LOCALID=0" }, 1, 2, 4, 0, JOBNAME_PMI_NONE, 0 },
    { "mpirun by srun's daemon", { STEP, "SLURM_PROCID=1", "SLURM_LOCALID=0", "OMPI_COMM_WORLD_SIZE=8" }, 1, -1, -1, -1,
      JOBNAME_PMI_PMIX, 0 },
    { "MPICH's mpirun by srun's daemon", { STEP, "SLURM_PROCID=1", "SLURM_LOCALID=0", "PMI_RANK=5", "PMI_SIZE=8" }, 1, -1, -1, -1,
      JOBNAME_PMI_PMI, 0 },
    { "the shell of sbatch", { "SLURM_PROCID=0", "SLURM_LOCALID=0" }, -1, -1, -1, -1, JOBNAME_PMI_NONE, 0 },
    { "a task beyond its step", { STEP, "SLURM_PROCID=4", "SLURM_LOCALID=0" }, 1, -1, -1, -1, JOBNAME_PMI_NONE, 1 },
    { "a task of a heterogeneous step", { STEP, "SLURM_HET_SIZE=2", "SLURM_PROCID=5", "SLURM_LOCALID=0", "PMIX_RANK=5" }, 1, 5, -1, 0,
      JOBNAME_PMI_PMIX, 0 },
    { "more on the node than there are", { STEP, "SLURM_PROCID=1", "SLURM_LOCALID=2" }, 1, -1, -1, -1, JOBNAME_PMI_NONE, 1 },
    { "a place on the node alone", { STEP, "SLURM_LOCALID=2" }, 1, -1, -1, -1, JOBNAME_PMI_NONE, 1 },
};

static const struct { const char *what; const char *env[4]; double ends; int doubts; } ends[] = {
    { "no end", { NULL }, 0, 0 },
    { "an end to come", { "SLURM_JOB_START_TIME=900", "SLURM_JOB_END_TIME=2000" }, 2000, 0 },
    { "an end that is over", { "SLURM_JOB_END_TIME=999" }, 0, 1 },
    { "an end before the start", { "SLURM_JOB_START_TIME=3000", "SLURM_JOB_END_TIME=2000" }, 0, 1 },
    { "an end that is none", { "SLURM_JOB_END_TIME=UNLIMITED" }, 0, 1 },
};

int main(void)
{
    struct jobname j;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        environment = names[i].env;
        jobname_read(&j, environment_get, 1000);
        const bool said = names[i].doubt ? j.n_doubts > 0 && !strncmp(j.doubt[0], names[i].doubt, strlen(names[i].doubt)) : !j.n_doubts;
        ok(!strcmp(j.name, names[i].name) && j.restart == names[i].restart && said, "%s is called '%s'%s%s", names[i].what, j.name,
           j.n_doubts ? "; " : "", j.n_doubts ? j.doubt[0] : "");
    }
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        environment = steps[i].env;
        jobname_read(&j, environment_get, 1000);
        ok(j.step == steps[i].step && j.proc == steps[i].proc && j.n_procs == steps[i].n && j.local == steps[i].local &&
           j.pmi == steps[i].pmi && j.n_doubts == steps[i].doubts, "%s: task %d of %d, %d on its node, PMI %d", steps[i].what, j.proc,
           j.n_procs, j.local, j.pmi);
    }
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        environment = ends[i].env;
        jobname_read(&j, environment_get, 1000);
        ok(j.ends == ends[i].ends && j.n_doubts == ends[i].doubts, "%s: %g%s%s", ends[i].what, j.ends, j.n_doubts ? "; " : "",
           j.n_doubts ? j.doubt[0] : "");
    }
    static const char *const all_lies[] = { "SLURM_JOB_ID=a", "SLURM_JOBID=b", "SLURM_RESTART_COUNT=c", "SLURM_ARRAY_JOB_ID=d",
        "SLURM_ARRAY_TASK_ID=e", "SLURM_ARRAY_TASK_MIN=f", "SLURM_ARRAY_TASK_MAX=g", "SLURM_STEP_ID=h", "SLURM_JOB_END_TIME=i", NULL };
    environment = all_lies;
    jobname_read(&j, environment_get, 1000);
    ok(!*j.name && j.n_doubts == JOBNAME_DOUBTS && j.step == -1 && j.array == -1, "nothing but lies: %d of them are said", j.n_doubts);
    return done_testing();
}
