/* engine.h - tokens to tokens: continuous batching over a paged KV cache (room: engine). Knows nothing of text or MPI. Local.
 * Pull, not call back: submit requests, step, look at what grew, collect what ended. */
#ifndef MTB_ENGINE_H
#define MTB_ENGINE_H

#include "mtbench/team.h"

struct engine;

struct engine_opts {
    int max_batch;            /* sequences that run together (1 .. 1024); at most max_rows of them do */
    int max_rows;             /* rows of a step, prefill included; 0: 256. The backend must have been made for as many */
    int max_tokens;           /* longest sequence, prompt and answer; 0: the model's context */
    uint64_t kv_bytes;      /* budget of the KV cache; 0: max_batch sequences of max_tokens, or what mem_available leaves if that is less */
    uint64_t mem_available; /* bytes that cache and activations may take: what the machine (or cgroup, or device) has left beside the
                               weights, divided by those who share it; 0: unknown, nothing is refused or cut for it */
    int n_requests;           /* most requests alive (submitted, not released); 0: 4 * max_batch */
    bool no_reuse;            /* compute every prompt whole. The answers are the same; for tests and measurements */
};

enum finish { FINISH_NONE, FINISH_STOP, FINISH_LENGTH, FINISH_CONTEXT, FINISH_CANCELLED, FINISH_NOT_FINITE };

struct request {
    uint64_t tag;             /* the caller's name for it; unique among live requests */
    const int32_t *prompt;    /* copied */
    int n_prompt;
    int max_new;
    const int32_t *stop_id;   /* (n_stop) tokens that end the answer; the stop token itself is not part of it. Outlive the request */
    int n_stop;
    struct sampling how;      /* key and counter[0..2] name the random stream; counter[3] is set to the number of new tokens before the
                                 drawn one, so a preempted request draws the same numbers; 'seen' is the engine's */
};

struct completion {
    uint64_t tag;
    enum finish finish;
    const int32_t *token;     /* the new tokens; valid until engine_release() */
    const char *reason;       /* FINISH_NOT_FINITE: logits were NaN or infinite; says where that began. Else NULL */
    int n_token, n_prompt;
    int n_reused;             /* prompt tokens whose KV was taken from another sequence */
};

struct engine_stats {
    uint64_t steps, rows;                    /* forward passes; rows in them */
    uint64_t prompt_tokens, reused_tokens;   /* of admitted requests, engine_logits() apart; those of them that were not computed */
    uint64_t new_tokens, preemptions;
    int live, waiting;                       /* not yet ended; of them not running now */
    int pages_total, pages_running, pages_cached;
    int pages_touched;                       /* most that were held at a time: what the cache takes of the machine's memory */
};

/* Bytes of the plan, of the members that live here, for "--verbose" and for refusing before work starts. */
struct engine_plan {
    uint64_t weights, kv, activations, rotations, other;   /* rotations: the tables of rope */
    uint64_t kv_sequence;                    /* what one sequence of max_tokens takes */
    int pages, max_tokens, max_batch, max_rows;   /* as they will be */
};

/* -1: usage, or memory when one sequence of max_tokens does not fit or kv_bytes is more than there is. Needs no weights. Less than
 * the default KV budget is fine: sequences then wait, or are preempted and computed again. */
int engine_plan(const struct team *t, const struct engine_opts *o, struct engine_plan *plan, struct err *err);
/* What the team is started with by that plan: by engine_create(), and on ranks that follow. */
struct team_sizes engine_sizes(const struct engine_plan *plan);

/* NULL: as engine_plan(). Starts the team, in which member 0 is, and stops it in the end. Nothing allocates after this. The team must
 * outlive the engine; memory of the KV cache is touched when it is first used. */
struct engine *engine_create(struct team *t, const struct engine_opts *o, struct err *err);
void engine_destroy(struct engine *e);

/* Queue a request. -1 (err: usage) when the prompt is empty or leaves no room for one new token, when the tag is taken or n_requests are
 * alive; (err: model) when it has an id that the embedding has no row for. */
int engine_submit(struct engine *e, const struct request *r, struct err *err);
/* Admit what fits, run one forward pass (or part of one, if interrupted), sample. Returns the number of live requests (queued or
 * running), 0 when idle; -1: err (device): the step has not happened, what ended before it may be collected, and nothing more comes. */
int engine_step(struct engine *e, struct err *err);
/* The tokens that a request has produced so far (n may be 0); NULL if there is no such request or it was collected. For stop strings. */
const int32_t *engine_peek(const struct engine *e, uint64_t tag, int *n);
/* End a request now as if a stop token had come after its first n_keep new tokens; one that ended in the last step is cut likewise, unless
 * it failed. Does nothing if there is no such request or it was collected. */
void engine_stop(struct engine *e, uint64_t tag, int n_keep);
/* The next ended request, in order of their ends, or NULL. Its KV stays cached for the next prompt that begins alike. */
const struct completion *engine_collect(struct engine *e);
void engine_release(struct engine *e, const struct completion *c);
/* End everything queued and running as FINISH_CANCELLED, to be collected with what it has (for signals). */
void engine_cancel(struct engine *e);
struct engine_stats engine_stats(const struct engine *e);

/* One prompt through the model, nothing sampled: the logits of its last position (n_vocab floats). Steps the engine, live requests
 * included, until they are there. -1: err (usage, or model: they are not finite numbers; cancelled; device). For
 * `mtbench prompt --top-logits` and tests. */
int engine_logits(struct engine *e, const int32_t *prompt, int n_prompt, float *logits, struct err *err);

/* Seconds that a step takes by itself, and each of its rows: the shortest of 'tries' steps of one row, and of 'rows' (fewer where a step or
 * the context has no room for them), with made-up tokens that nobody sees again. Both 0 where it could not be measured: interrupted, or a
 * model whose logits are no numbers. Nothing may be under way. -1: err (device), as engine_step(). */
int engine_pace(struct engine *e, int tries, int rows, double *step, double *row, struct err *err);

#endif
