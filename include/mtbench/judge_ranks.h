/* judge_ranks.h - a local judge on all ranks of the job (room: campaign). */
#ifndef MTB_JUDGE_RANKS_H
#define MTB_JUDGE_RANKS_H

#include "mtbench/judging.h"
#include "mtbench/rig.h"

/* Collective: load the judge's weights on all ranks; every rank's engine answers calls of the judging that rank 0 holds ('j' is NULL
 * elsewhere), dealt longest first. 0, also when a signal stopped it (job_poll() tells); -1 everywhere: err. 'parameters': how many the
 * judge has. */
int judge_on_ranks(struct job *job, const struct judge_opts *o, struct judging *j, double *parameters, struct err *err);

#endif
