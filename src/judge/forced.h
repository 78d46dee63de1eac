/* forced.h - a verdict that the model cannot help but give (room: judge, private). */
#ifndef MTB_FORCED_H
#define MTB_FORCED_H

#include "mtbench/engine.h"
#include "mtbench/judge_prompt.h"
#include "mtbench/prompt.h"

struct forced_opts {
    struct engine *engine;
    const struct tokenizer *tokenizer;
    const struct chat *chat;
    int n_vocab;
    enum verdict_format format;          /* VERDICT_RATING or VERDICT_AB */
};

/* 'prompt' is what the model saw, '*reply' (malloc'd, replaced) what it wrote, its thoughts included; they end before 'behind'. The reply
 * is cut before the first "[[" from there on, or gets "\nRating: " (or "\nVerdict: ") at its end; then "[[", the most probable of 1..10 or
 * A, B, C, and "]]" follow. 'expected': the mean over the probabilities of 1..10, or P(A) + P(C) / 2, over these candidates alone. -1: err
 * (model: no such tokens in the vocabulary, or logits that are no numbers; usage: too long). */
int forced_verdict(const struct forced_opts *o, const struct buf *prompt, size_t behind, char **reply, double *expected, struct err *err);

#endif
