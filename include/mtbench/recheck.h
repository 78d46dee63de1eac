/* recheck.h - `judge --canary`: stored judgments are asked for once more (room: campaign). */
#ifndef MTB_RECHECK_H
#define MTB_RECHECK_H

#include "mtbench/judging.h"

/* What came of it. */
struct recheck {
    bool single;                         /* scores; else winners of games */
    int calls, failed, equal;            /* failed: without a verdict; equal: with the verdict they had */
    long n;                              /* with a verdict */
    int64_t *question_id;                /* (n) those of one question lie next to each other */
    double *by;                          /* (n) how much higher the score is now; 1: another winner, 0: the same */
};

/* Rank 0 alone. An exit code: complete; failures, when more calls than --max-error-rate brought no verdict; with these two *r is filled.
 * Else err says why. recheck_free() in any case. */
int judge_canary(struct job *job, const struct judge_opts *o, struct recheck *r, struct err *err);
void recheck_free(struct recheck *r);

#endif
