/* jobname.h - what a process is called by whoever launched it: the batch job, its place in an array, its task (room: base).
 * From the environment alone, which may lie: shells export variables of jobs that have ended, scripts set half of them by hand. What cannot
 * be is not taken over, and said. */
#ifndef MTB_JOBNAME_H
#define MTB_JOBNAME_H

enum jobname_pmi {
    JOBNAME_PMI_NONE,                    /* nobody offers to make this process one of several */
    JOBNAME_PMI_PMIX,                    /* mpirun of Open MPI, srun --mpi=pmix */
    JOBNAME_PMI_PMI                      /* PMI 1 or 2: mpirun of MPICH, srun --mpi=pmi2 */
};

enum { JOBNAME_DOUBTS = 8 };

struct jobname {
    char name[48];                       /* "812_5": array job and task, else "815": job; fit for a file's name; "": no batch job */
    long job;                            /* of every array task its own; 0: none is known */
    long array, task;                    /* of the array; -1: not in one */
    long restart;                        /* how often the job was requeued */
    long step;                           /* of srun; -1: not in one */
    int proc, n_procs, local;            /* among the tasks of that step, and on its node; -1: not in one, or the ranks are mpirun's */
    char node[64];                       /* as the scheduler calls it; "": it does not say */
    enum jobname_pmi pmi;
    double ends;                         /* when the job's time is over, seconds since the epoch; 0: it does not say */
    int n_doubts;
    char doubt[JOBNAME_DOUBTS][160];     /* "SLURM_JOB_ID=abc: is no number, ignored" */
};

/* Pure: 'env' is a getenv, 'now' in seconds since the epoch. Sources: srun(1) and sbatch(1), "OUTPUT ENVIRONMENT VARIABLES". */
void jobname_read(struct jobname *j, const char *(*env)(const char *name), double now);
/* Of this process; the next call fills it anew. For one thread. */
const struct jobname *jobname_own(void);

#endif
