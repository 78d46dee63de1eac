/* recheck.h - `judge --canary`: has the judge changed since? (room: campaign) */
#ifndef MTB_RECHECK_H
#define MTB_RECHECK_H

#include "mtbench/judging.h"

/* Rank 0 alone. Ask for stored judgments once more and report what differs. An exit code: failures when the 95 % interval of the drift
 * excludes 0 (or all scores moved alike), or when more calls than --max-error-rate brought no verdict. */
int judge_canary(struct job *job, const struct judge_opts *o, struct err *err);
#endif
