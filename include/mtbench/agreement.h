/* agreement.h - how often judges agree (room: report).
 * Counted over pairs of votes on one item (question, turn and two models), as FastChat's compute_agreement does: each vote of one judge
 * with each vote of the other; for a judge with itself, each two of its votes. "Without ties" leaves out all pairs with a tie in them.
 *
 * Cohen's kappa is counted over items: a judge's verdict on an item is what most of its votes say, a tie where no winner has most. Its
 * interval is a jackknife that leaves out one question at a time, with Student's t. Of a judge with itself there is Krippendorff's alpha
 * (nominal) instead, over items with at least two votes. The interval of the agreement is clustered by question, see estimate.h. */
#ifndef MTB_AGREEMENT_H
#define MTB_AGREEMENT_H

#include "mtbench/estimate.h"
#include "mtbench/vote.h"

#include <stdbool.h>

/* A judge is a set of classes (vote.h): "human", "human+author". */
struct judge_set {
    const char *name;
    uint8_t *has;                        /* (votes.n_names) */
};
/* -1: err (usage) names a class that is not there, and those that are. */
int judge_set_parse(struct judge_set *j, const struct votes *votes, const char *name, struct err *err);
/* Sets that are compared share no judge, unless they are one and the same by name, whose votes are compared among themselves: a vote would
 * be counted as agreeing with itself. -1: err (usage). */
int judge_sets_apart(const struct judge_set *set, int n, const struct votes *votes, struct err *err);
void judge_set_free(struct judge_set *j);

struct agreement {
    long total, agree;                   /* pairs of votes */
    struct estimate ratio;
    long items; /* that both judged (with one judge: that have two votes), without ties: where neither verdict is one */
    struct estimate kappa;               /* NAN for a judge with itself */
    double alpha;                        /* NAN for two judges */
    bool several;                        /* two judges, and the first has several votes on an item: FastChat refuses that */
};

/* Votes sorted by item; made once, asked often. */
struct vote_items;
struct vote_items *vote_items_build(const struct votes *votes);
/* 'b' NULL: 'a' with itself. turn 0: all. */
struct agreement vote_items_agreement(const struct vote_items *items, const struct judge_set *a, const struct judge_set *b, int turn,
                                      bool ties);
void vote_items_free(struct vote_items *items);

#endif
