/* plan_answers.h - what answering would take, from questions, model and what earlier starts left (room: campaign). Rank 0; writes nothing.
 */
#ifndef MTB_PLAN_ANSWERS_H
#define MTB_PLAN_ANSWERS_H

#include "mtbench/answer_set.h"
#include "mtbench/answering.h"
#include "mtbench/journal.h"
#include "mtbench/rig.h"

struct answers_plan {
    long conversations;                  /* with a turn that is still to be asked */
    long turns, done;                    /* of the slice; done: in the journal, of the questions as they are now */
    int64_t prompt_tokens;               /* of the first turns that are still to be asked */
    double expected;                     /* new tokens of all turns to come, as their categories let expect */
    int64_t most;                        /* new tokens if each of them ran into --max-new-token */
    long tight;                          /* questions that could outgrow the model's context if their answers did so */
    double rate;                         /* new tokens per second of the turns that are done; 0: none are */
    struct journal *journal;             /* what is there, for plan_answers_give() */
};

/* -1: err. Release either way. */
int plan_answers(struct answers_plan *p, const struct answer_opts *o, const struct questions *qs, const struct rig *r, struct err *err);
void plan_answers_free(struct answers_plan *p);
/* Put choice 0 of every question into the set: the turns that are there, and for those to come texts of the length that is expected.
 * Returns how many of these. */
long plan_answers_give(const struct answers_plan *p, const struct answer_opts *o, const struct questions *qs, struct answer_set *out);

#endif
