/* plan_judge.h - what judging would take: calls, tokens, dollars (room: campaign). Local; writes and sends nothing. */
#ifndef MTB_PLAN_JUDGE_H
#define MTB_PLAN_JUDGE_H

#include "mtbench/judge_inputs.h"
#include "mtbench/rig.h"

/* Where no tokenizer of the judge is at hand: bytes of a prompt per token, and tokens of a judgment. cl100k_base, the tokenizer of GPT-4,
 * makes 4.41 to 4.54 bytes a token of the prompts in published GPT-4 judgments of MT-bench; the judgments themselves are 143 to 245 tokens
 * long on average. */
#define PLAN_BYTES_PER_TOKEN 4.4
#define PLAN_JUDGMENT_TOKENS 170.0

struct judge_plan {
    long judgments, done, unanswered;    /* of the matches and repeats; done: in the journal; unanswered: there is nothing to judge */
    long calls;                          /* still to be made */
    int64_t tokens_in;                   /* of their prompts */
    bool counted;                        /* with the judge's tokenizer; else estimated from the bytes */
    long too_long, tight; /* counted: prompts that leave no room for a reply in the context; for none of --judge-max-tokens */
    long longest;                        /* counted: tokens of the longest sequence */
    double tokens_out;                   /* expected of their replies */
    int64_t most_in, most_out; /* if each of them ran into its token limit; a hosted judge is then asked once more with twice of it */
    double price_in, price_out;          /* dollars per million tokens; -1: unknown */
    double spent;                        /* dollars, by earlier starts */
    double seconds;                      /* of a call that was made earlier, on average; 0: none was */
};

/* 'in' has all answers, those that are to come in their expected length. 'judge': a rig of the judge, open, whose tokenizer and template
 * count; NULL: estimate. -1: err. */
int plan_judge(struct judge_plan *p, const struct judge_opts *o, struct judge_inputs *in, const struct rig *judge, struct err *err);
/* Dollars of so many tokens; -1: no price is known. A fallback's calls are not among them. */
double plan_judge_cost(const struct judge_plan *p, double tokens_in, double tokens_out);

#endif
