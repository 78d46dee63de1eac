/* drift.h - has a judge moved between two readings of the same judgments? (room: report) */
#ifndef MTB_DRIFT_H
#define MTB_DRIFT_H

#include "mtbench/buf.h"
#include "mtbench/estimate.h"

#include <stdbool.h>

/* Verdicts that were read both times. */
struct moves {
    bool scores;                         /* 'by' is how much higher the score is now; else 1: another winner, 0: the same */
    long n;
    const int64_t *question_id;          /* (n) those of one question lie next to each other */
    const double *by;                    /* (n) */
};

struct drift {
    bool scores;
    struct estimate e;                   /* the mean difference of scores, or the share of other winners; clustered by question */
    bool moved;                          /* its 95 % interval excludes 0, or all of several questions moved alike */
};

struct drift drift_of(const struct moves *m);
/* "drift     +0.250   95 % interval +0.010 .. +0.490", or why there is no interval. */
void drift_put(const struct drift *d, struct buf *out);

#endif
