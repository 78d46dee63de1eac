/* launch.c - how this process was started, as its environment tells, and what MPI must find there.
 * Slurm's srun serves processes of a parallel program by PMI, and offers several; which one an MPI speaks was decided when it was built. */
#include "launch.h"

#include "mtbench/job.h"
#include "mtbench/log.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *environment(const char *name)
{
    return getenv(name);
}

static int number(const char *(*env)(const char *), const char *name)
{
    const char *s = env(name);
    return s && *s ? atoi(s) : 0;
}

/* Tasks in the step of a process that srun itself started, and not a daemon of mpirun that srun started; 0: it is no such process. A shell
 * of sbatch or salloc has SLURM_NTASKS, too, but only tasks of srun are in a step. */
static int tasks_of_srun(const char *(*env)(const char *))
{
    return env("SLURM_STEP_ID") && env("SLURM_PROCID") && !env("OMPI_COMM_WORLD_SIZE") ? number(env, "SLURM_STEP_NUM_TASKS") : 0;
}

int job_check_launch(int size, const char *(*env)(const char *name), struct err *err)
{
    env = env ? env : environment;
    int mpirun = number(env, "OMPI_COMM_WORLD_SIZE"), hydra = number(env, "PMI_SIZE"), slurm = tasks_of_srun(env);
    int wanted = mpirun > hydra ? mpirun : hydra, rank = mpirun > hydra ? number(env, "OMPI_COMM_WORLD_RANK") : number(env, "PMI_RANK");
    /* srun --mpi=pmi2 sets PMI_SIZE as MPICH's mpirun does; daemons of that one, which srun starts, have other numbers than its ranks. */
    bool by_srun = slurm > wanted || (slurm && slurm == wanted && rank == number(env, "SLURM_PROCID"));
    if (by_srun) {
        wanted = slurm;
        rank = number(env, "SLURM_PROCID");
    }
    if (size > 1 || wanted <= 1)         /* started as one of several and alone all the same: that is the fault looked for */
        return 0;
    /* Every process is rank 0 of its own job here; one of them speaks, by the launcher's count, and the others end without a line. */
    if (rank > 0)
        return err_set(err, ERR_USAGE, "%s", "");
    if (by_srun)
        return err_set(err, ERR_USAGE,
                       "srun: started %d tasks, but each is alone, because srun and this program's MPI do not share a PMI; type "
                       "`srun --mpi=pmix ...` (`srun --mpi=list` shows what this cluster has), or use mpirun inside the allocation",
                       slurm);
    return err_set(err, ERR_USAGE,
                   "mpirun: started %d processes, but each is alone, because this mpirun belongs to another MPI than the program "
                   "(`mtbench --version` names it); use the mpirun of that MPI",
                   wanted);
}

int job_launch_rank(const char *(*env)(const char *name))
{
    static const char *const names[] = { "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK" };
    env = env ? env : environment;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (env(names[i]))
            return number(env, names[i]);
    return env("SLURM_STEP_ID") ? number(env, "SLURM_PROCID") : 0;
}

const char *job_launcher(const char *(*env)(const char *name))
{
    env = env ? env : environment;
    return env("SLURM_STEP_ID") && env("SLURM_PROCID") && !env("OMPI_COMM_WORLD_SIZE") ? "srun -n" : "mpirun -n";
}

/* ---- around MPI_Init ---- */

enum launch_pmi launch_pmi(const char *(*env)(const char *name))
{
    env = env ? env : environment;
    int tasks = tasks_of_srun(env);
    if (tasks == 0 || env("PMIX_RANK") || env("PMIX_NAMESPACE"))
        return LAUNCH_AS_IT_IS;
    return tasks == 1 ? LAUNCH_ALONE : LAUNCH_DOUBTFUL;
}

/* Open MPI keeps its files of a session in one folder per user and machine, and the last to end removes it: processes that nobody launched,
 * started side by side, take it from each other. One that is alone gets a folder of its own; the path is in the environment, where a
 * singleton's library looks for it. */
static char own_folder[256];

static bool launched(void)
{
    static const char *const names[] = { "OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_SIZE", "SLURM_STEP_ID" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

static void make_own_folder(bool alone)
{
    const char *base = getenv("TMPDIR");
    /* The ranks of a launch must share its folder; and a user's own word stands. */
    if ((launched() && !alone) || getenv("OMPI_MCA_orte_tmpdir_base"))
        return;
    snprintf(own_folder, sizeof own_folder, "%s/mtbench-%ld-XXXXXX", base && *base ? base : "/tmp", (long)getuid());
    if (!mkdtemp(own_folder))
        own_folder[0] = '\0';            /* then the shared one has to do */
    else
        setenv("OMPI_MCA_orte_tmpdir_base", own_folder, 1);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st, (void)kind, (void)at;
    return remove(path) && 0;            /* never stops: what cannot be removed is left */
}

void launch_end(void)
{
    if (own_folder[0])
        nftw(own_folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    own_folder[0] = '\0';
}


/* Open MPI takes a task of srun for one that srun serves, and without a PMIx server ends the program: with twenty lines from each task
 * about how Open MPI is built, where one about how srun is called is wanted. A step's only task needs nothing: there Slurm is hidden. */
static char step[32];                    /* SLURM_STEP_ID, while it is hidden */
static int said_to = -1;                 /* stderr, while MPI's words go nowhere */
static int witness = -1;                 /* the end of a pipe to a process that speaks for this one if MPI ends it */

/* It ends without running what atexit() was told, so another process has to notice. */
static void call_witness(const struct err *advice)
{
    int ends[2];
    char came_through;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    if (fork() == 0) {
        close(ends[1]);
        if (read(ends[0], &came_through, 1) == 0)
            log_error("%s", advice->text);
        _exit(0);
    }
    close(ends[0]);
    witness = ends[1];
}

static void stop_listening(void)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    said_to = nothing < 0 ? -1 : fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    if (said_to >= 0)
        dup2(nothing, STDERR_FILENO);
    close(nothing);
}

void launch_begin(void)
{
    const enum launch_pmi pmi = launch_pmi(NULL);
    struct err advice = {0};
    if (pmi == LAUNCH_ALONE) {
        snprintf(step, sizeof step, "%s", getenv("SLURM_STEP_ID"));
        unsetenv("SLURM_STEP_ID");
    } else if (pmi == LAUNCH_DOUBTFUL) {
        if (job_check_launch(1, NULL, &advice) < 0 && *advice.text) /* one of all tasks has a text */
            call_witness(&advice);
        stop_listening();
    }
    make_own_folder(pmi == LAUNCH_ALONE);
}

void launch_done(void)
{
    if (*step)
        setenv("SLURM_STEP_ID", step, 1);
    if (said_to >= 0) {
        dup2(said_to, STDERR_FILENO);
        close(said_to);
        said_to = -1;
    }
    if (witness >= 0) {
        if (write(witness, "", 1) == 1)
            wait(NULL);
        close(witness);
        witness = -1;
    }
}
