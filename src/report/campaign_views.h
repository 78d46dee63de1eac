/* campaign_views.h - what only a campaign can show: runs apart, checkpoints in order, noise apart (room: report, its own). */
#ifndef MTB_CAMPAIGN_VIEWS_H
#define MTB_CAMPAIGN_VIEWS_H

#include "mtbench/score.h"
#include "mtbench/sheet.h"

/* Of which run, and so of which seed, a row of the scores' table is. */
struct row_runs {
    const int32_t *run;                  /* by row */
    const int64_t *seed;                 /* by run; -1: not known */
};

enum { GROUP_BY_MODEL = 1, GROUP_BY_SEED = 2, GROUP_BY_CATEGORY = 4, GROUP_BY_TURN = 8 };

/* "model,seed,category" as bits; -1 (err: usage): a word is none of them. */
int group_words(const char *words, unsigned *by, struct err *err);
/* A row per combination that has judgments, with an interval clustered by question. */
void view_groups(struct sheet *out, const struct scores *s, const struct row_runs *runs, unsigned by);
/* Models as checkpoints, in the order of their names with numbers as numbers: each one's score, and the paired difference from the one
 * before. */
void view_history(struct sheet *out, const struct scores *s);
/* Per model the variances of questions, answers and judgments, their shares of the error, and what more runs would shrink. */
void view_noise(struct sheet *out, const struct scores *s, const struct row_runs *runs);

#endif
