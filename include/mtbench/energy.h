/* energy.h - what the machines of a job take while they work, as far as they tell (room: rig).
 * Of a node its processor packages with their memory (rapl.h), counted once by its leader; of each GPU that a rank drives its card
 * (nvml.h). Where GPUs compute, a job whose cards do not tell is not measured, whatever its packages say. What is not measured is NAN,
 * never 0. */
#ifndef MTB_ENERGY_H
#define MTB_ENERGY_H

#include "mtbench/rig.h"

struct energy;

/* Collective. The rig is open. Never NULL. */
struct energy *energy_open(struct job *job, const struct rig *r);
/* Local. NULL is fine. */
void energy_close(struct energy *e);

/* A stretch of time, from energy_begin() to energy_end(). */
struct energy_phase {
    double started, seconds;             /* Unix time; how long */
    double joules;                       /* of all nodes and cards together; NAN: not measured */
    const char *source;                  /* "RAPL", "NVML" (the cards alone), "RAPL+NVML"; NULL: not measured */
    char reason[160];                    /* why it was not; empty: it was */
    int nodes;
    double cpu, gpu, begun;              /* where this rank's counters stood, and seconds of clock_now() */
    int lost;                            /* looks that failed until then */
};
/* Local. */
void energy_begin(struct energy *e, struct energy_phase *p);
/* Collective. */
void energy_end(struct energy *e, struct energy_phase *p);

/* Joules that fall to this rank's engine since the last call: its node's packages divided by the engines of the node, and its own cards,
 * each divided by the ranks that share it. NAN: not measured, also of a replica on several nodes. Local. */
double energy_share(struct energy *e);

#endif
