/* launch.c - which launches are refused: tasks that should be one job and are not. The environments are those of real launchers. */
#include "mtbench/job.h"
#include "src/job/launch.h"

#include "environment.h"
#include "tap.h"

#include <string.h>

static const struct { const char *what; int size; const char *env[8]; const char *err; } table[] = {
    { "alone", 1, { NULL }, NULL },
    { "mpirun -n 4", 4, { "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=0" }, NULL },
    { "mpirun -n 1", 1, { "OMPI_COMM_WORLD_SIZE=1", "OMPI_COMM_WORLD_RANK=0" }, NULL },
    { "mpirun of another Open MPI", 1, { "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=0" }, "mpirun: started 4 processes" },
    { "mpirun of MPICH", 1, { "PMI_SIZE=3", "PMI_RANK=0" }, "mpirun: started 3 processes" },
    { "mpirun of MPICH, another rank", 1, { "PMI_SIZE=3", "PMI_RANK=2" }, "" },
    { "srun --mpi=pmix -n 4", 4, { "SLURM_NTASKS=4", "SLURM_STEP_ID=0", "SLURM_PROCID=3", "SLURM_STEP_NUM_TASKS=4" }, NULL },
    { "srun -n 1", 1, { "SLURM_NTASKS=1", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=1" }, NULL },
    { "srun -n 4 without PMIx", 1, { "SLURM_NTASKS=4", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=4" },
      "srun: started 4 tasks" },
    { "srun -n 4 without PMIx, another task", 1, { "SLURM_NTASKS=4", "SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=4" }, "" },
    { "srun --mpi=pmi2 -n 4 of an MPI that does not speak it", 1,
      { "PMI_SIZE=4", "PMI_RANK=0", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=4" }, "srun: started 4 tasks" },
    { "mpirun of MPICH by srun's daemons on 2 nodes", 1,
      { "PMI_SIZE=3", "PMI_RANK=0", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=2" }, "mpirun: started 3 processes" },
    { "srun -n 1 inside an allocation of 4", 1, { "SLURM_NTASKS=4", "SLURM_STEP_ID=2", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=1" }, NULL },
    { "the shell of sbatch -n 4", 1, { "SLURM_NTASKS=4", "SLURM_PROCID=0", "SLURM_JOB_ID=7" }, NULL },
    { "the shell of salloc -n 4", 1, { "SLURM_NTASKS=4", "SLURM_JOB_ID=7" }, NULL },
    { "mpirun -n 1 by srun's daemons on 4 nodes", 1,
      { "OMPI_COMM_WORLD_SIZE=1", "SLURM_STEP_ID=0", "SLURM_PROCID=2", "SLURM_STEP_NUM_TASKS=4" }, NULL },
};

static const struct { int rank; const char *env[4]; } ranks[] = {
    { 0, { NULL } },
    { 2, { "OMPI_COMM_WORLD_SIZE=4", "OMPI_COMM_WORLD_RANK=2" } },
    { 1, { "PMI_SIZE=3", "PMI_RANK=1" } },
    { 3, { "SLURM_STEP_ID=0", "SLURM_PROCID=3", "PMIX_RANK=3" } },
    { 5, { "SLURM_STEP_ID=0", "SLURM_PROCID=5" } },
    { 0, { "SLURM_PROCID=0", "SLURM_JOB_ID=7" } },
    { 0, { "OMPI_COMM_WORLD_RANK=0", "SLURM_STEP_ID=0", "SLURM_PROCID=2" } },   /* mpirun by srun's daemons */
};

static const struct { const char *what; enum launch_pmi pmi; const char *env[8]; } served[] = {
    { "alone", LAUNCH_AS_IT_IS, { NULL } },
    { "mpirun", LAUNCH_AS_IT_IS, { "OMPI_COMM_WORLD_SIZE=4" } },
    { "mpirun by srun's daemons", LAUNCH_AS_IT_IS,
      { "OMPI_COMM_WORLD_SIZE=4", "SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=2" } },
    { "the shell of sbatch", LAUNCH_AS_IT_IS, { "SLURM_NTASKS=4", "SLURM_PROCID=0", "SLURM_JOB_ID=7" } },
    { "srun --mpi=pmix", LAUNCH_AS_IT_IS, { "PMIX_RANK=1", "SLURM_STEP_ID=0", "SLURM_PROCID=1", "SLURM_STEP_NUM_TASKS=4" } },
    { "srun --mpi=pmix -n 1", LAUNCH_AS_IT_IS, { "PMIX_RANK=0", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=1" } },
    { "srun -n 1", LAUNCH_ALONE, { "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=1" } },
    { "srun --mpi=pmi2 -n 1", LAUNCH_ALONE, { "PMI_RANK=0", "SLURM_STEP_ID=0", "SLURM_PROCID=0", "SLURM_STEP_NUM_TASKS=1" } },
    { "srun -n 4", LAUNCH_DOUBTFUL, { "SLURM_STEP_ID=0", "SLURM_PROCID=2", "SLURM_STEP_NUM_TASKS=4" } },
    { "srun --mpi=pmi2 -n 4", LAUNCH_DOUBTFUL, { "PMI_RANK=2", "SLURM_STEP_ID=0", "SLURM_PROCID=2", "SLURM_STEP_NUM_TASKS=4" } },
};

static const struct { const char *launcher; const char *env[4]; } launchers[] = {
    { "mpirun -n", { NULL } },
    { "mpirun -n", { "OMPI_COMM_WORLD_SIZE=4" } },
    { "srun -n", { "SLURM_STEP_ID=0", "SLURM_PROCID=3" } },
    { "mpirun -n", { "SLURM_PROCID=0", "SLURM_JOB_ID=7" } },
    { "mpirun -n", { "OMPI_COMM_WORLD_SIZE=4", "SLURM_STEP_ID=0", "SLURM_PROCID=2" } },
};

int main(void)
{
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++) {
        environment = launchers[i].env;
        ok(!strcmp(job_launcher(environment_get), launchers[i].launcher),
           "ranks are started by `%s 4` in launch %zu", launchers[i].launcher, i);
    }
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        environment = served[i].env;
        ok(launch_pmi(environment_get) == served[i].pmi, "what MPI may count on: %s", served[i].what);
    }
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
        environment = ranks[i].env;
        ok(job_launch_rank(environment_get) == ranks[i].rank,
           "task %d of a launch by %s", ranks[i].rank, *environment ? *environment : "nobody");
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err err = {0};
        environment = table[i].env;
        int rc = job_check_launch(table[i].size, environment_get, &err);
        if (!table[i].err)
            ok(rc == 0 && err.kind == ERR_NONE, "%s is accepted", table[i].what);
        else if (!*table[i].err)
            ok(rc == -1 && err.kind == ERR_USAGE && !*err.text, "%s is refused, silently", table[i].what);
        else
            ok(rc == -1 && err.kind == ERR_USAGE && !strncmp(err.text, table[i].err, strlen(table[i].err)), "%s is refused: %s",
               table[i].what, err.text);
    }
    return done_testing();
}
