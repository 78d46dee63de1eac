/* local.c - the engine of this process as one who answers calls: each call is one turn, many run in one batch. */
#include "mtbench/local.h"

#include "forced.h"

#include "mtbench/clock.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/session.h"
#include "mtbench/thoughts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct asked {                           /* a call under way */
    char *key;                           /* owned; NULL: the slot is free */
    uint64_t content;                    /* hash of the call */
    int verdict, max_tokens;             /* enum verdict_format, or -1; of the reply */
    bool merged;                         /* the system text stands in front of the user's */
};

struct outcome {                         /* an ended call, waiting to be collected */
    struct outcome *next;                /* in the queue */
    struct call_record record;           /* its strings are those below */
    char *key, *text, *raw, *reason, *sent; /* owned; NULL: none */
};

struct local {
    struct transport transport;          /* what local_create() hands out; its ctx is this */
    struct local_opts o;                 /* engine, tokenizer and template: the rig owns them */
    struct session *session;             /* owned */
    struct asked *asked;                 /* (max_batch) by slot of the session */
    struct outcome *first, **end, *lent; /* the queue, its last link, what collect() handed out */
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

/* Queue what came of a call. 'reply' (NULL: none) is taken over, its thoughts end where 'answer' begins; so is the call's key. */
static struct call_record *finish(struct local *l, struct asked *s, int n_prompt, enum call_status status, char *reply, size_t answer,
                                  const char *reason)
{
    struct outcome *d = xcalloc(1, sizeof *d);
    d->key = s->key;                     /* moved: 'asked' forgets it */
    s->key = NULL;
    d->text = xstrdup(reply ? reply + answer : "");
    d->raw = answer ? reply : NULL;      /* the whole reply, where it is more than its answer */
    if (!answer)
        free(reply);
    d->reason = reason ? xstrdup(reason) : NULL;
    d->sent = xasprintf("{\"temperature\": 0, \"max_tokens\": %d%s%s, \"weights\": \"%s\"}", s->max_tokens,
                        s->merged ? ", \"system\": \"in the user message\"" : "", s->verdict >= 0 ? ", \"verdict\": \"constrained\"" : "",
                        l->o.weights);
    d->record = (struct call_record){
        .key = d->key, .content = s->content, .status = status, .reason = d->reason, .text = d->text, .raw = d->raw,
        /* No cost: the engine is ours. NaN until a forced verdict says otherwise. */
        .model = l->o.model, .sent = d->sent, .tokens_in = n_prompt, .tries = 1, .tstamp = clock_unix(), .expected_score = NAN,
    };
    *l->end = d;
    l->end = &d->next;
    return &d->record;
}

/* ---- who answered before ---- */

struct weights { const char *now; char *was; };

static int compare_weights(void *ctx, const struct call_record *r, bool counts)
{
    struct weights *w = ctx;
    cJSON *sent = counts && r->sent ? json_parse(r->sent, strlen(r->sent), NULL) : NULL;
    const cJSON *by = json_get(sent, "weights");
    if (cJSON_IsString(by) && strcmp(by->valuestring, w->now))
        w->was = xstrdup(by->valuestring);
    cJSON_Delete(sent);
    return w->was != NULL;
}

int local_check_weights(const struct call_journal *j, const char *weights, struct err *err)
{
    struct weights w = { .now = weights };
    if (call_journal_each(j, compare_weights, &w) == 0)
        return 0;
    err_set(err, ERR_USAGE,
            "holds judgments by other weights: their sha256 was %.*s and is %s; give this judge another name by --judge-model, or move the "
            "journal away",
            utf8_fit(w.was, 64), w.was, weights);
    free(w.was);
    return -1;
}

/* ---- a call begins ---- */

int local_prompt(struct prompt *p, const struct tokenizer *t, const struct chat *chat, const struct call *c, bool *merged, struct err *err)
{
    struct chat_message *m = xcalloc((size_t)c->n_messages, sizeof *m);
    for (int i = 0; i < c->n_messages; i++)
        m[i] = (struct chat_message){ c->message[i].role, c->message[i].content, strlen(c->message[i].content) };
    /* A judge whose template knows no system role would drop the judge's instructions; merged, and recorded in 'sent'. */
    int rc = prompt_build_merged(p, t, chat, m, c->n_messages, merged, err);
    free(m);
    return rc;
}

enum { VERDICT_TOKENS = 64 };            /* of "\nVerdict: [[1", and some more where a boundary falls into other tokens */

/* A forced verdict reads the reply again, as text: bytes that were no UTF-8 have become U+FFFD by then, which is three of them. */
long local_tokens(const struct tokenizer *t, const struct chat *chat, const struct call *c, long *prompt)
{
    struct prompt p = {0};
    bool merged;
    long reply = c->verdict >= 0 ? 3L * c->max_tokens + VERDICT_TOKENS : c->max_tokens;
    /* A prompt that cannot be made fails when it is asked. */
    *prompt = local_prompt(&p, t, chat, c, &merged, NULL) < 0 ? 0 : (long)p.ids.n;
    prompt_free(&p);
    return *prompt ? *prompt + reply : 0;
}

static int room(void *ctx)
{
    const struct local *l = ctx;
    return session_room(l->session);
}

static void submit(void *ctx, const struct call *c)
{
    static const struct sampling greedy = { .top_p = 1, .repetition_penalty = 1 }; /* temperature 0, as FastChat asks its judges */
    struct local *l = ctx;
    struct asked a = { .key = xstrdup(c->key), .content = c->content, .verdict = c->verdict, .max_tokens = c->max_tokens };
    struct prompt p = {0};
    struct err err = {0};
    int slot;
    /* A call that cannot begin is a record all the same: whoever submitted it counts on one. */
    if (local_prompt(&p, l->o.tokenizer, l->o.chat, c, &a.merged, &err) < 0)
        finish(l, &a, (int)p.ids.n, CALL_FAILED, NULL, 0, err.text);
    else if ((slot = session_begin(l->session, &p, c->max_tokens, &greedy, &err)) < 0)
        finish(l, &a, (int)p.ids.n, err.kind == ERR_MODEL ? CALL_FAILED : CALL_TOO_LONG, NULL, 0, err.text);
    else
        l->asked[slot] = a;              /* the slot names the call until its turn ends */
    prompt_free(&p);                     /* empty if session_begin() took it */
}

/* ---- a call ends ---- */

/* Told to stop in the middle of a forced verdict, or left there by the device: as if the call had never been made. */
static void forget(struct asked *a)
{
    free(a->key);
    *a = (struct asked){0};
}

/* The reply with its thoughts as they came, which special tokens mark too, and cleaned behind them. Caller frees. */
static char *hear(const struct local *l, const struct session_turn *got, enum thoughts *state, size_t *answer, size_t *behind)
{
    struct buf said = {0}, reply = {0};
    /* A template may end in "<think>": the reply closes it only. */
    const struct thought_mark *opened = thoughts_opened(got->prompt->text.data, got->prompt->text.len);
    thoughts_split(opened, got->raw, got->n_raw, answer);
    *state = thoughts_strike(opened, got->raw, got->n_raw, &said, behind);
    /* Cut in the middle of thoughts that were never marked open: there is no answer behind them. */
    if (got->finish != FINISH_STOP && thoughts_announced(got->raw, got->n_raw)) {
        *state = THOUGHTS_OPEN;
        *answer = *behind = got->n_raw;
    }
    buf_add(&reply, got->raw, *behind);
    /* As answers are cleaned: stop strings, special tokens, blanks. */
    chat_clean(l->o.chat, got->raw + *behind, got->n_raw - *behind, &reply);
    buf_free(&said);
    return buf_steal(&reply);
}

/* -1: err (device), and the call is forgotten. */
static int end_call(struct local *l, const struct session_turn *got, struct err *broken)
{
    struct asked *a = &l->asked[got->slot];
    struct err err = {0};
    enum thoughts state;
    size_t answer, behind;
    char *reply = hear(l, got, &state, &answer, &behind);
    enum call_status status = got->finish == FINISH_STOP && state != THOUGHTS_OPEN ? CALL_OK : CALL_TRUNCATED;
    const char *reason = state == THOUGHTS_OPEN     ? "nothing but thinking came"
                         : status == CALL_TRUNCATED ? "the token limit cut the reply"
                                                    : NULL;
    double expected = NAN;
    if (a->verdict >= 0 && state != THOUGHTS_OPEN) {     /* thoughts that never ended lead to no verdict, and none is put into them */
        struct forced_opts f = { l->o.engine, l->o.tokenizer, l->o.chat, l->o.n_vocab, (enum verdict_format)a->verdict };
        status = forced_verdict(&f, &got->prompt->text, behind, &reply, &expected, &err) < 0 ? CALL_FAILED : CALL_OK;
        if (err.kind == ERR_CANCELLED || err.kind == ERR_DEVICE) {
            free(reply);
            forget(a);
            if (err.kind == ERR_CANCELLED)
                return 0;
            *broken = err;
            return -1;
        }
        reason = status == CALL_FAILED ? err.text : NULL;
    }
    struct call_record *r = finish(l, a, (int)got->prompt->ids.n, status, reply, answer, reason);
    r->tokens_out = got->n_new;
    r->expected_score = expected;
    r->seconds = got->seconds;
    return 0;
}

/* A forced verdict steps the engine itself, for seconds where others fill its steps: one at a time, so that the caller hears of signals and
 * of other ranks between two. */
static int step(void *ctx, double wait, struct err *err)
{
    struct local *l = ctx;
    /* What an earlier step left is taken before the engine makes another one. */
    const struct session_turn *got = session_collect(l->session);
    (void)wait;
    if (!got) {
        if (session_step(l->session, err) < 0)
            return -1;
        got = session_collect(l->session);
    }
    for (bool more = true; got; got = more ? session_collect(l->session) : NULL) {
        struct asked *a = &l->asked[got->slot];
        more = a->verdict < 0;           /* a forced one is the last of this step */
        if (got->reason)
            finish(l, a, (int)got->prompt->ids.n, CALL_FAILED, NULL, 0, got->reason)->seconds = got->seconds;
        else if (end_call(l, got, err) < 0)
            return -1;
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
    session_destroy(l->session);         /* before the calls: its turns point to none of ours */
    while (collect(l))
        ;
    for (int i = 0; i < l->o.max_batch; i++)
        free(l->asked[i].key);           /* of calls that were under way */
    free(l->asked);
    free(l);
}

struct transport *local_create(const struct local_opts *o)
{
    struct local *l = xcalloc(1, sizeof *l);
    l->o = *o;
    l->session = session_create(&(struct session_opts){
        .engine = o->engine, .tokenizer = o->tokenizer, .chat = o->chat, .stop_id = o->stop_id, .n_stop = o->n_stop,
        .max_turns = o->max_batch, .past_thoughts = true });
    l->asked = xcalloc((size_t)o->max_batch, sizeof *l->asked);
    l->end = &l->first;
    /* No drain: nothing is under way between steps. */
    l->transport = (struct transport){ .ctx = l, .room = room, .submit = submit, .step = step, .collect = collect, .destroy = destroy };
    return &l->transport;
}
