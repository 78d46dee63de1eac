/* findings.h - what two executors make of the same numbers, and where they disagree (room: backend). Pure. */
#ifndef MTB_FINDINGS_H
#define MTB_FINDINGS_H

#include "mtbench/buf.h"
#include "mtbench/ops.h"

enum {
#define MTB_FINDING(op) FINDING_##op,
    MTB_EACH_OP(MTB_FINDING)
#undef MTB_FINDING
    FINDING_OPS
};

enum { FINDING_EMBEDDING = -1, FINDING_HEAD = INT32_MAX };       /* in place of a layer */

/* One row of an op on both. */
struct finding {
    int op;
    long step;                           /* from 1 */
    int layer, row, position;            /* the row of the step, and where it stands in its sequence */
    int column;                          /* of the largest difference; -1: the row is one thing, a token */
    float a, b;
    double by;                           /* how far the row differs */
};

struct findings {
    double bound;                        /* most that a row may differ */
    long rows[FINDING_OPS];              /* that were looked at */
    struct finding worst[FINDING_OPS];
    bool found;
    struct finding first;                /* beyond the bound, in the order of computing */
};

/* How far b (n) is from a: the largest difference of an element over its own size or the row's root mean square, whichever is more, so that
 * a number of 16 bits is as near where it is an outlier of its row as elsewhere. Infinite where one of the two is finite and the other is
 * not, or both are infinite apart; two that are NaN are equal. */
double row_difference(const float *a, const float *b, int n, int *column);

void findings_add(struct findings *f, const struct finding *row);
/* A line an op with its largest difference, and one with the first beyond the bound; 'name': of both executors. */
void findings_put(const struct findings *f, const char *const name[2], struct buf *out);

#endif
