/* local.c - the engine of this process as one who answers calls: each call is one turn, many run in one batch. */
#include "mtbench/local.h"

#include "forced.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/thoughts.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PEEK_EVERY = 8 };                 /* decode steps between two looks for a stop string */

struct slot {
    bool live;
    char *key;
    uint64_t content;
    int verdict, max_tokens;
    bool merged;                         /* the system text stands in front of the user's */
    struct prompt prompt;
    double started;
    int looked;                          /* tokens already searched for stop strings */
};

struct outcome {                         /* an ended call, waiting to be collected */
    struct outcome *next;
    struct call_record record;
    char *key, *text, *raw, *reason, *sent;
};

struct local {
    struct transport transport;
    struct local_opts o;
    struct slot *slot;                   /* (max_batch) */
    int n_live;
    struct outcome *first, **end, *lent;
    struct ids ids;                      /* scratch */
    struct buf text;                     /* scratch */
};

static void outcome_free(struct outcome *d)
{
    if (!d)
        return;
    free(d->key);
    free(d->text);
    free(d->raw);
    free(d->reason);
    free(d->sent);
    free(d);
}

static void slot_end(struct local *l, struct slot *s)
{
    free(s->key);
    prompt_free(&s->prompt);
    *s = (struct slot){0};
    l->n_live--;
}

/* Queue what came of a slot's call; 'reply' (NULL: none) is taken over, its thoughts end where 'answer' begins. */
static struct call_record *finish(struct local *l, const struct slot *s, enum call_status status, char *reply, size_t answer, const char *reason)
{
    struct outcome *d = xcalloc(1, sizeof *d);
    d->key = xstrdup(s->key);
    d->text = xstrdup(reply ? reply + answer : "");
    d->raw = answer ? reply : NULL;
    if (!answer)
        free(reply);
    d->reason = reason ? xstrdup(reason) : NULL;
    d->sent = xasprintf("{\"temperature\": 0, \"max_tokens\": %d%s%s}", s->max_tokens, s->merged ? ", \"system\": \"in the user message\"" : "",
                        s->verdict >= 0 ? ", \"verdict\": \"constrained\"" : "");
    d->record = (struct call_record){
        .key = d->key, .content = s->content, .status = status, .reason = d->reason, .text = d->text, .raw = d->raw, .model = l->o.model, .sent = d->sent,
        .tokens_in = (int64_t)s->prompt.ids.n, .tries = 1, .seconds = clock_now() - s->started, .tstamp = clock_unix(), .expected_score = NAN,
    };
    *l->end = d;
    l->end = &d->next;
    return &d->record;
}

/* ---- a call begins ---- */

int local_prompt(struct prompt *p, const struct tokenizer *t, const struct chat *chat, const struct call *c, bool *merged, struct err *err)
{
    struct chat_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
    for (int i = 0; i < c->n_messages; i++)
        m[i] = (struct chat_message){ c->message[i].role, c->message[i].content, strlen(c->message[i].content) };
    int rc = prompt_build_merged(p, t, chat, m, c->n_messages, merged, err);
    free(m);
    return rc;
}

static int room(void *ctx)
{
    const struct local *l = ctx;
    return l->o.max_batch - l->n_live;
}

static void submit(void *ctx, const struct call *c)
{
    struct local *l = ctx;
    struct slot *s = l->slot;
    struct err err = {0};
    assert(room(l) > 0);
    while (s->live)
        s++;
    *s = (struct slot){
        .live = true, .key = xstrdup(c->key), .content = c->content, .verdict = c->verdict, .max_tokens = c->max_tokens, .started = clock_now(),
    };
    l->n_live++;
    if (local_prompt(&s->prompt, l->o.tokenizer, l->o.chat, c, &s->merged, &err) < 0) {
        finish(l, s, CALL_FAILED, NULL, 0, err.text);
        slot_end(l, s);
        return;
    }
    struct request r = {
        .tag = (uint64_t)(s - l->slot), .prompt = s->prompt.ids.id, .n_prompt = (int)s->prompt.ids.n, .max_new = c->max_tokens,
        .how = { .top_p = 1, .repetition_penalty = 1 }, .n_stop = l->o.n_stop,
    };
    memcpy(r.stop_id, l->o.stop_id, (size_t)l->o.n_stop * sizeof *r.stop_id);
    if (engine_submit(l->o.engine, &r, &err) < 0) {
        finish(l, s, err.kind == ERR_MODEL ? CALL_FAILED : CALL_TOO_LONG, NULL, 0, err.text);
        slot_end(l, s);
    }
}

/* ---- a call ends ---- */

/* The reply with its thoughts as they came, which special tokens mark too, and cleaned behind them. Caller frees. */
static char *hear(struct local *l, const struct slot *s, enum thoughts *state, size_t *answer, size_t *behind)
{
    struct buf said = {0}, reply = {0};
    const struct thought_mark *opened = thoughts_opened(s->prompt.text.data, s->prompt.text.len);
    buf_clear(&l->text);
    tokenizer_decode(l->o.tokenizer, l->ids.id, l->ids.n, 0, &l->text);
    const char *text = l->text.data ? l->text.data : "";
    thoughts_split(opened, text, l->text.len, answer);
    *state = thoughts_strike(opened, text, l->text.len, &said, behind);
    buf_add(&reply, text, *behind);
    chat_clean(l->o.chat, text + *behind, l->text.len - *behind, &reply);
    buf_free(&said);
    return buf_steal(&reply);
}

static void end_call(struct local *l, struct slot *s, enum finish how)
{
    struct err err = {0};
    enum thoughts state;
    size_t answer, behind;
    char *reply = hear(l, s, &state, &answer, &behind);
    enum call_status status = how == FINISH_STOP && state != THOUGHTS_OPEN ? CALL_OK : CALL_TRUNCATED;
    const char *reason = state == THOUGHTS_OPEN ? "nothing but thinking came" : status == CALL_TRUNCATED ? "the token limit cut the reply" : NULL;
    double expected = NAN;
    if (s->verdict >= 0 && state != THOUGHTS_OPEN) {     /* thoughts that never ended lead to no verdict, and none is put into them */
        struct forced_opts f = { l->o.engine, l->o.tokenizer, l->o.chat, l->o.n_vocab, (enum verdict_format)s->verdict };
        status = forced_verdict(&f, &s->prompt.text, behind, &reply, &expected, &err) < 0 ? CALL_FAILED : CALL_OK;
        if (err.kind == ERR_CANCELLED) { /* told to stop: as if it had never been asked */
            free(reply);
            slot_end(l, s);
            return;
        }
        reason = status == CALL_FAILED ? err.text : NULL;
    }
    struct call_record *r = finish(l, s, status, reply, answer, reason);
    r->tokens_out = (int64_t)l->ids.n;
    r->expected_score = expected;
    slot_end(l, s);
}

/* Stop strings are text, so the engine cannot see them: every few tokens the reply so far is decoded and searched. */
static void watch_stop_strings(struct local *l)
{
    if (!chat_has_stop_strings(l->o.chat))
        return;
    for (struct slot *s = l->slot; s < l->slot + l->o.max_batch; s++) {
        int n;
        const int32_t *token;
        uint64_t tag = (uint64_t)(s - l->slot);
        if (!s->live || !(token = engine_peek(l->o.engine, tag, &n)) || n < s->looked + PEEK_EVERY)
            continue;
        s->looked = n;
        buf_clear(&l->text);
        tokenizer_decode(l->o.tokenizer, token, (size_t)n, 0, &l->text);
        if (l->text.data && chat_stopped(l->o.chat, l->text.data, l->text.len))
            engine_stop(l->o.engine, tag, n);
    }
}

/* A forced verdict steps the engine itself, for seconds where others fill its steps: one at a time, so that the caller hears of signals and of
 * other ranks between two. */
static int step(void *ctx, double wait, struct err *err)
{
    struct local *l = ctx;
    const struct completion *got = engine_collect(l->o.engine);
    (void)wait;
    (void)err;
    if (!got) {
        engine_step(l->o.engine);
        watch_stop_strings(l);
        got = engine_collect(l->o.engine);
    }
    for (bool more = true; got; got = more ? engine_collect(l->o.engine) : NULL) {
        struct slot *s = &l->slot[got->tag];
        enum finish how = got->finish;
        more = s->verdict < 0;
        ids_clear(&l->ids);
        for (int i = 0; i < got->n_token; i++)
            ids_add(&l->ids, got->token[i]);
        engine_release(l->o.engine, got);
        if (how == FINISH_CANCELLED)
            slot_end(l, s);
        else
            end_call(l, s, how);
    }
    return 0;
}

static const struct call_record *collect(void *ctx)
{
    struct local *l = ctx;
    outcome_free(l->lent);
    if (!(l->lent = l->first))
        return NULL;
    if (!(l->first = l->lent->next))
        l->end = &l->first;
    return &l->lent->record;
}

static void destroy(void *ctx)
{
    struct local *l = ctx;
    engine_cancel(l->o.engine);
    step(l, 0, NULL);
    while (collect(l))
        ;
    free(l->slot);
    ids_free(&l->ids);
    buf_free(&l->text);
    free(l);
}

struct transport *local_create(const struct local_opts *o)
{
    struct local *l = xcalloc(1, sizeof *l);
    l->o = *o;
    l->slot = xcalloc((size_t)o->max_batch, sizeof *l->slot);
    l->end = &l->first;
    l->transport = (struct transport){ .ctx = l, .room = room, .submit = submit, .step = step, .collect = collect, .destroy = destroy };
    return &l->transport;
}
