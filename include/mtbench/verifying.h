/* verifying.h - turns of a finished or stopped run, computed anew in this layout and compared byte for byte (room: campaign). */
#ifndef MTB_VERIFYING_H
#define MTB_VERIFYING_H

#include "mtbench/past_run.h"

struct verify_opts {
    struct answer_opts answer;           /* which run, where, and today's layout; completed by past_run_open() */
    struct past_given given;
    long sample, sample_seed;            /* how many turns (turn_sample.h) */
    bool all;                            /* every finished turn */
};

/* Collective; 'past' is the run, open. Rank 0 prints what came of it. Nothing is written. An exit code: complete; failures, when a turn
 * came out otherwise, failed, or stands otherwise in the answer file; resume, when it was stopped; with EXIT_INPUT and EXIT_PREFLIGHT err
 * says why. */
int verify_all(struct job *job, const struct verify_opts *o, const struct past_run *past, struct err *err);

#endif
