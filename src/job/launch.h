/* launch.h - what a launcher's environment says before MPI is asked (room: job). The rest of it is in job.h. */
#ifndef MTB_LAUNCH_H
#define MTB_LAUNCH_H

enum launch_pmi {
    LAUNCH_AS_IT_IS,                  /* nobody's, mpirun's, or srun's with a PMIx server */
    LAUNCH_ALONE,                     /* srun's only task, without one */
    LAUNCH_DOUBTFUL                   /* one of several tasks of srun, without one: only some builds of MPI find the others */
};

/* Pure; 'env' is a getenv. */
enum launch_pmi launch_pmi(const char *(*env)(const char *name));

/* Around MPI_Init(): what MPI must find in the environment, and last words where it ends the program. */
void launch_begin(void);
void launch_done(void);
/* Behind MPI's end: what launch_begin() made is removed. */
void launch_end(void);

#endif
