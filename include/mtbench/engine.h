/* engine.h - tokens to tokens: continuous batching over a paged KV cache (room: engine). Knows nothing of text or MPI. Local.
 * Pull, not call back: submit requests, step, look at what grew, collect what ended. */
#ifndef MTB_ENGINE_H
#define MTB_ENGINE_H

#include "mtbench/model.h"

struct engine;

struct engine_opts {
    int max_batch;            /* sequences that decode together (1 .. 1024) */
    int max_rows;             /* rows of a step, prefill included; 0: 256 */
    int max_tokens;           /* longest sequence, prompt and answer; 0: the model's context */
    uint64_t kv_bytes;        /* budget of the KV cache; 0: enough for max_batch sequences of max_tokens */
    int n_requests;           /* most requests alive (submitted, not collected); 0: 4 * max_batch */
};

enum finish { FINISH_NONE, FINISH_STOP, FINISH_LENGTH, FINISH_CONTEXT, FINISH_CANCELLED };

struct request {
    uint64_t tag;             /* the caller's name for it; unique among live requests */
    const int32_t *prompt;    /* copied */
    int n_prompt;
    int max_new;
    int32_t stop_id[16];      /* tokens that end the answer; the stop token itself is not part of it */
    int n_stop;
    struct sampling how;      /* key and the first three counter words name the stream; counter[3] is set to the position by the engine; 'seen' is the engine's */
};

struct completion {
    uint64_t tag;
    enum finish finish;
    const int32_t *token;     /* the new tokens; valid until engine_release() */
    int n_token, n_prompt;
    int n_reused;             /* prompt tokens whose KV was taken from an earlier sequence */
};

struct engine_stats {
    uint64_t steps, rows, prompt_tokens, reused_tokens, new_tokens, preemptions;
    int live, waiting, pages_total, pages_used;
};

/* Bytes of the plan, for "--verbose" and for refusing before work starts. */
struct engine_plan { uint64_t weights, kv, activations, other; int pages, max_tokens; };
int engine_plan(const struct model *m, const struct engine_opts *o, struct engine_plan *plan, struct err *err);

/* NULL: memory or usage error; one sequence of max_tokens must fit. No allocation after this but the copies of prompts. */
struct engine *engine_create(struct model *m, const struct engine_opts *o, struct err *err);
void engine_destroy(struct engine *e);

/* Queue a request. -1 (err: usage) when the prompt is empty, has an id outside the vocabulary, or leaves no room for one new token. */
int engine_submit(struct engine *e, const struct request *r, struct err *err);
/* Admit what fits, run one forward pass, sample. Returns the number of live requests (queued or running), 0 when idle. */
int engine_step(struct engine *e);
/* The tokens that a live request has produced so far; NULL if there is no such request. For stop strings. */
const int32_t *engine_peek(const struct engine *e, uint64_t tag, int *n);
/* End a live request now as if a stop token had come after its first n_keep new tokens. */
void engine_stop(struct engine *e, uint64_t tag, int n_keep);
/* The next ended request, or NULL. Its KV stays cached for the next prompt that begins alike. */
const struct completion *engine_collect(struct engine *e);
void engine_release(struct engine *e, const struct completion *c);
/* Drop everything queued and running (for signals). */
void engine_cancel(struct engine *e);
struct engine_stats engine_stats(const struct engine *e);

/* One prompt through the model, nothing sampled: the logits of its last position (n_vocab floats). For `mtbench prompt --top-logits` and tests. */
int engine_logits(struct engine *e, const int32_t *prompt, int n_prompt, float *logits, struct err *err);

#endif
