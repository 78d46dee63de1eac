/* judgment.c - what a judgment is: its states, its winners. */
#include "mtbench/judgment.h"

const char *judgment_status_name(enum judgment_status s)
{
    static const char *const name[] = { "ok", "unparsable", "out_of_range", "truncated", "filtered", "refused", "too_long", "failed", "no_answer" };
    return (unsigned)s < JUDGMENT_STATUSES ? name[s] : "unknown";
}

enum judgment_status judgment_worse(enum judgment_status a, enum judgment_status b)
{
    return a > b ? a : b;
}

enum judgment_status rating_status(double score)
{
    return score == -1 ? JUDGMENT_UNPARSABLE : score >= 1 && score <= 10 ? JUDGMENT_OK : JUDGMENT_OUT_OF_RANGE;
}

const char *winner_name(enum winner w)
{
    static const char *const name[] = { "model_1", "model_2", "tie", "error" };
    return (unsigned)w < sizeof name / sizeof *name ? name[w] : "error";
}
