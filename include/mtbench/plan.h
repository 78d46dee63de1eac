/* plan.h - what a run would take, before anything is computed or sent (room: campaign). */
#ifndef MTB_PLAN_H
#define MTB_PLAN_H

#include "mtbench/answering.h"
#include "mtbench/buf.h"
#include "mtbench/judge_inputs.h"

struct plan_opts {
    const struct answer_opts *answer;    /* NULL: the answers are there */
    const struct judge_opts *judge;
    double calibrate;                    /* seconds that the model is tried for; 0: it is not */
    int simulate;                        /* ranks that are played on paper; 0: none */
    const char *judge_tokenizer;         /* a model whose tokenizer and template count a hosted judge's tokens; NULL: estimate */
};

/* Collective. Rank 0 gets the text: layout, memory, answers, judgments, price; what was found before an error too. -1 everywhere: err. */
int plan_make(struct job *job, const struct plan_opts *o, struct buf *out, struct err *err);

#endif
