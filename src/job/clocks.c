/* clocks.c - rank 0 asks the leader of each node for its time; what lies between question and reply bounds the error. */
#include "mtbench/clocks.h"

#include "job_priv.h"
#include "mtbench/clock.h"

#include <stdlib.h>

enum { ROUNDS = 4, TAG_ASK = 1, TAG_TIME };

static double own_time(void)
{
    const char *pretended = getenv("MTBENCH_TEST_CLOCK_AHEAD");
    return clock_unix() + (pretended ? atof(pretended) : 0);
}

static void send(struct job *job, double x, int to, int tag)
{
    MPI_Request r;
    MPI_Isend(&x, 1, MPI_DOUBLE, to, tag, job->leaders, &r);
    job_wait(job, &r);
}

static double receive(struct job *job, int from, int tag)
{
    MPI_Request r;
    double x;
    MPI_Irecv(&x, 1, MPI_DOUBLE, from, tag, job->leaders, &r);
    job_wait(job, &r);
    return x;
}

/* The quickest exchange tells best. */
static double ask(struct job *job, int leader)
{
    double ahead = 0, least = -1;
    for (int i = 0; i < ROUNDS; i++) {
        const double begun = own_time();
        send(job, 0, leader, TAG_ASK);
        const double there = receive(job, leader, TAG_TIME), ended = own_time();
        if (least < 0 || ended - begun < least) {
            least = ended - begun;
            ahead = there - (begun + ended) / 2;
        }
    }
    send(job, ahead, leader, TAG_ASK);
    return ahead;
}

static double answer(struct job *job)
{
    for (int i = 0; i < ROUNDS; i++) {
        receive(job, 0, TAG_ASK);
        send(job, own_time(), 0, TAG_TIME);
    }
    return receive(job, 0, TAG_ASK);
}

double clocks_ahead(struct job *job)
{
    double ahead = 0;
    if (job->info.rank == 0)
        for (int i = 1; i < job->info.n_nodes; i++)
            ask(job, i);
    else if (job->info.local_rank == 0)
        ahead = answer(job);
    MPI_Bcast(&ahead, 1, MPI_DOUBLE, 0, job->node);
    return ahead;
}
