/* job_priv.h - the inside of a job, for the files of this room (room: job). */
#ifndef MTB_JOB_PRIV_H
#define MTB_JOB_PRIV_H

#include "mtbench/job.h"
#include "mtbench/shared.h"
#include "vigil.h"
#include "watchdog.h"

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
    void (*end)(const struct err *why);   /* job_on_lost() */
    struct shared *seats;                 /* of the node's processes; NULL: alone, or there is no such memory */
    struct vigil *vigil;
    struct watchdog *watchdog;
    double still, ends;                   /* seconds after which a standstill is told, and one on another node ends the job; 0: never */
    int *rank_of;                         /* (local_size) in the world, of the node's ranks */
    double looked, missed, failed;        /* seconds of clock_now(): when this rank looked for dead ones, first missed one, first heard of a
                                             failure; 0: not yet */
    struct err cause;                     /* of a failure, as far as this rank knows it */
};

/* job_bcast() with another root. */
void job_bcast_from(struct job *job, void *data, size_t n, int root);

/* Wait for a request of a collective without burning a core: ranks share cores with the work of others. */
void job_wait(struct job *job, MPI_Request *r);
/* lost.c. Collective, the last thing of a start and the first of an end, behind a barrier: */
void lost_begin(struct job *job);
void lost_end(struct job *job);
/* Local, in whatever waits for others: has one of this node died? Looks about once a second. */
void lost_look(struct job *job);
/* Local, while a job that has failed comes to its end: it is given up if that takes too long. */
void lost_farewell(struct job *job);
/* Rank 0, which hears nothing of a rank of another node: the job is given up, with that rank's name. */
void lost_silent(const struct job *job, int rank, const char *host, double lasts);

#endif
