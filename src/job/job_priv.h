/* job_priv.h - the inside of a job, for the files of this room (room: job). */
#ifndef MTB_JOB_PRIV_H
#define MTB_JOB_PRIV_H

#include "mtbench/job.h"

#include <mpi.h>

struct job {
    struct job_info info;
    char host[256];
    MPI_Comm world, node, leaders;        /* leaders: MPI_COMM_NULL on ranks that lead no node */
    MPI_Comm control;                     /* raised states and stop orders only */
    enum job_state state;                 /* as far as this rank knows */
    int n_heard;                          /* control messages received */
    int n_told;                           /* control messages sent: raises to rank 0, or, on rank 0, orders to each other rank */
    MPI_Request *sent;                    /* of the control messages */
    int n_sent;
};

/* job_bcast() with another root. */
void job_bcast_from(struct job *job, void *data, size_t n, int root);

/* Wait for a request of a collective without burning a core: ranks share cores with the work of others. */
void job_wait(MPI_Request *r);

#endif
