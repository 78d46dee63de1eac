/* judge_run.h - a whole judging: answers in, judgments out (room: campaign). Collective. */
#ifndef MTB_JUDGE_RUN_H
#define MTB_JUDGE_RUN_H

#include "mtbench/job.h"
#include "mtbench/judge_inputs.h"

/* Rank 0 reads, calls and writes, and prints the closing lines; a local judge runs on all ranks. Returns an exit code; where that is no
 * success, err says why if there is more to say. A canary is recheck.h's. */
int judge_run(struct job *job, const struct judge_opts *o, struct err *err);

#endif
