/* job.h - the processes that were started together: who is who, who failed, who wants to stop (room: job).
 * MPI lives behind this header and is never seen in front of it.
 *
 * Failing and stopping. A phase in which one rank may fail ends with job_agree(). Inside a long loop without collectives a rank
 * that fails alone calls job_fail(), the others see it in job_poll() within one step, all leave the loop and meet in
 * job_agree(), where the message travels. A signal on any rank works alike and ends as JOB_STOPPED.
 *
 * Losing a rank. One that was killed, or hangs, takes part in nothing any more, and MPI would wait for it. A launcher that lets the others
 * go on leaves it to them to end (job_on_lost()): ranks of a node notice each other's death while they wait for anything here or poll, and
 * a job that has failed and whose ranks do not all leave their work (deal.h) is given up. */
#ifndef MTB_JOB_H
#define MTB_JOB_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct job;

struct job_info {
    int rank, size;
    int local_rank, local_size;      /* among the ranks that share this node's memory; local rank 0 is the node's leader */
    int node, n_nodes;
    const char *host;
    const char *launcher;            /* job_launcher(), asked before MPI begins, which may set mpirun's variables in a rank of srun */
    double patience;                 /* seconds that ranks which are in step wait for one of them; MTBENCH_TEST_PATIENCE */
};

enum job_state {                     /* in rising order of urgency */
    JOB_RUNNING = 0,
    JOB_STOPPED,                     /* SIGTERM, SIGUSR1 or SIGINT somewhere: admit nothing more, write, exit 75 */
    JOB_FAILED                       /* a rank cannot go on: leave, job_agree() has the message */
};

/* Start MPI and the signal handlers. Collective; call once, before any thread is made. NULL: err (usage) when this process was
 * meant to be one of many and finds itself alone (a launcher without matching PMI). MTBENCH_TEST_RANKS_PER_NODE=N cuts a node into
 * pretended nodes of N ranks, so that what happens between nodes can be tried on one machine. */
struct job *job_start(int *argc, char ***argv, struct err *err);
/* Collective: ends MPI. NULL is fine. */
void job_end(struct job *job);
/* End all ranks at once, without cleaning up; only main.c may call this. 'job' may be NULL. */
void job_abort(struct job *job, int code) __attribute__((noreturn));

struct job_info job_info(const struct job *job);

/* Collective, over all ranks. Returns 0 everywhere if rc was 0 everywhere, else -1 everywhere; *err is then the error of the lowest
 * failing rank on every rank (its text ends in " (rank R on HOST)" when there is more than one rank), so that rank 0 prints one line. */
int job_agree(struct job *job, int rc, struct err *err);

/* Local, cheap (call it between steps): passes raised states on and returns the job's state. It never goes back.
 * deal_poll() calls it too. */
enum job_state job_poll(struct job *job);
/* Local: tell all ranks that the state is now at least 's'. */
void job_raise(struct job *job, enum job_state s);
/* Local: the same with JOB_FAILED, of which this rank knows the reason. */
void job_fail(struct job *job, const struct err *why);
/* Local: what ends the program when a rank is lost, with a line about it. It does not come back. main.c's. */
void job_on_lost(struct job *job, void (*end)(const struct err *why));

/* Collective: all wait for each other, politely (without burning a core). */
void job_barrier(struct job *job);
/* Collective: the same bytes on all ranks as on rank 0. */
void job_bcast(struct job *job, void *data, size_t n);
/* Collective: the same for a text whose length only rank 0 knows; on the others 'b' is empty before. */
void job_bcast_buf(struct job *job, struct buf *b);
/* Collective: out (size * n bytes, significant on rank 0, else NULL) holds the n bytes of every rank in rank order. */
void job_gather(struct job *job, const void *data, size_t n, void *out);
/* Collective: the sum (or maximum) over all ranks, on all ranks. */
uint64_t job_sum(struct job *job, uint64_t value);
uint64_t job_max(struct job *job, uint64_t value);

/* Collective: the ranks that give the same 'replica' as a group of their own, in the order of 'place', for whoever else speaks MPI
 * (comm.h): a pointer to its MPI_Comm. Release with job_replica_free(), collective over the group, before job_end(). Never NULL. */
const void *job_replica(struct job *job, int replica, int place);
void job_replica_free(const void *group);

/* The MPI library's name and version; callable without a job. */
const char *job_library(void);

/* Which task of its launch this process is, from the environment alone, without MPI; 0 when nobody launched it. For what every task would
 * print alike, such as a help text. 'env' is a getenv; NULL: the process's own. */
int job_launch_rank(const char *(*env)(const char *name));

/* How ranks of such a launch are started, for advice: "srun -n" where Slurm's tasks are the ranks, else "mpirun -n". 'env' as above. */
const char *job_launcher(const char *(*env)(const char *name));

/* Which launch is this? Pure but for 'env', as above. Returns 0, or -1 with advice when one process runs where 'size' should be more. */
int job_check_launch(int size, const char *(*env)(const char *name), struct err *err);

#endif
