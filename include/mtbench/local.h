/* local.h - the engine of this process as one who answers calls (room: judge). Local; no MPI. */
#ifndef MTB_LOCAL_H
#define MTB_LOCAL_H

#include "mtbench/engine.h"
#include "mtbench/prompt.h"
#include "mtbench/transport.h"

struct local_opts {
    struct engine *engine;               /* all of these outlive the transport */
    const struct tokenizer *tokenizer;
    const struct chat *chat;
    const int32_t *stop_id;              /* (n_stop) */
    int n_stop;
    int n_vocab;
    int max_batch;                       /* calls at a time */
    const char *model;                   /* recorded as the model of the reply */
    const char *weights;                 /* SHA-256 of its files, recorded with each reply */
};

/* A call with a verdict format gets its verdict forced: the text is cut before its first "[[" (or ended by "Rating: "), then "[[" is put
 * and the verdict with the largest probability among 1..10, or A, B, C; the record's expected score is the mean over 1..10, or P(A) + P(C)
 * / 2. Calls are answered greedily, whatever their temperature, without a repetition penalty. A template that refuses a system message
 * gets its text in front of the user's. Never NULL. */
struct transport *local_create(const struct local_opts *o);

/* What such a judge sees of a call, appended to 'p'. *merged: its template refused the system message. -1: err, as prompt_build(). */
int local_prompt(struct prompt *p, const struct tokenizer *t, const struct chat *chat, const struct call *c, bool *merged, struct err *err);
/* The longest sequence that the call can make of prompt, reply and a verdict that is put behind it, in tokens; 0: its template refuses it.
 * '*prompt' gets the prompt's part. */
long local_tokens(const struct tokenizer *t, const struct chat *chat, const struct call *c, long *prompt);
/* Were the calls that count in this journal answered by these weights, as far as a local judge answered them? -1: err (usage). */
int local_check_weights(const struct call_journal *j, const char *weights, struct err *err);

#endif
