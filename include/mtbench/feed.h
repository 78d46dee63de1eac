/* feed.h - questions to answers on one rank: keeps the engine full, carries each conversation through its turns (room: answer).
 * Local; knows nothing of ranks or files. Pull: add conversations, step, collect finished turns. */
#ifndef MTB_FEED_H
#define MTB_FEED_H

#include "mtbench/engine.h"
#include "mtbench/journal.h"
#include "mtbench/prompt.h"
#include "mtbench/question.h"

struct feed;

struct feed_opts {
    struct engine *engine;
    const struct tokenizer *tokenizer;
    const struct chat *chat;
    const int32_t *stop_id;               /* (n_stop) tokens that end an answer */
    int n_stop;
    const struct question *question;      /* what conversations index into; outlives the feed */
    bool one_turn;                        /* a conversation ends with the first turn that it is asked here */
    struct sampling sampling;             /* sampler_common() */
    int max_new_token;
    int max_batch;                        /* conversations at a time */
    uint64_t seed;
    /* Joules that fall to this engine since the last call, asked after each step; NAN: not measured. The turns that made tokens in a step
     * share them by these tokens; a step that makes none, of prompts alone, leaves them to the next. NULL: nobody measures. */
    double (*joules)(void *joules_ctx);
    void *joules_ctx;
    const char *stream;                   /* names the random stream beside the seed: hash of the model, name of the bench */
};

struct feed *feed_create(const struct feed_opts *o);
void feed_destroy(struct feed *f);

/* How many more conversations fit now. */
int feed_room(const struct feed *f);
/* Begin conversation 'choice' of question[q]. 'answer' holds the texts of the 'n_done' turns that an earlier run finished. */
void feed_add(struct feed *f, int q, int choice, const char *const *answer, int n_done);
/* Submit what waits, run one engine step, watch for stop strings. Returns the number of live conversations; -1: err (device), and
 * only what had ended before may be collected. */
int feed_step(struct feed *f, struct err *err);
/* The next finished turn, or NULL; valid until the next call. A turn that failed has a status and a reason, and ends its conversation. */
const struct turn_record *feed_collect(struct feed *f);
/* The tokens of the turn that feed_collect() gave last, *n of them, as long as that; a turn that failed has none. */
const int32_t *feed_tokens(const struct feed *f, int *n);
/* Drop everything that is not finished. */
void feed_cancel(struct feed *f);

#endif
