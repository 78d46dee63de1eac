/* feed.c - questions to answers on one rank: keeps the engine full, carries each conversation through its turns.
 * A conversation is a slot; its next turn is submitted the moment the turn before it has ended, so no barrier stands between turns.
 * Every finished or failed turn becomes a record in a queue that the caller drains. */
#include "mtbench/feed.h"

#include "mtbench/clock.h"
#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/sampler.h"
#include "mtbench/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct conversation {
    bool live, submitted;                /* in use; its turn is in the session */
    int q, choice, turn;                  /* turn: 0-based, the one that is being answered */
    char **answer;                        /* (n_turns) texts of finished turns */
    struct sampling how;                 /* with the name of the random stream */
    int slot, counted;                   /* of the session; tokens of this turn that have had their joules */
    double joules;                       /* of this turn; NAN: not measured */
};

struct done {                             /* a ring of finished turns */
    struct turn_record record;           /* strings are those below */
    char *text, *reason;                 /* owned; NULL: none */
    struct ids token;                    /* generated */
};

struct feed {
    struct feed_opts o;                  /* engine and questions outlive us */
    uint32_t key[2];                      /* of the random stream */
    struct session *session;             /* owned; one of its slots per turn */
    struct conversation *slot;            /* (max_batch) */
    struct conversation **asked;          /* (max_batch) by slot of the session */
    int n_live;                          /* conversations under way */
    struct done *done;                    /* (2 * max_batch) */
    int done_first, done_count;          /* the ring: where it begins, how many are in it */
    struct done given;                    /* what feed_collect() handed out */
    struct chat_message *message;         /* scratch for prompts */
    double joules;                       /* of steps that made no token yet; NAN: not measured */
};

struct feed *feed_create(const struct feed_opts *o)
{
    struct feed *f = xcalloc(1, sizeof *f);
    uint8_t digest[32];
    f->o = *o;
    f->session = session_create(&(struct session_opts){
        .engine = o->engine, .tokenizer = o->tokenizer, .chat = o->chat, .stop_id = o->stop_id, .n_stop = o->n_stop,
        .max_turns = o->max_batch });
    f->slot = xcalloc((size_t)o->max_batch, sizeof *f->slot);
    f->asked = xcalloc((size_t)o->max_batch, sizeof *f->asked);
    f->done = xcalloc(2 * (size_t)o->max_batch, sizeof *f->done);
    sha256(o->stream, strlen(o->stream), digest);
    memcpy(f->key, digest, sizeof f->key); /* 64 bits of it name the stream; the seed is mixed in, not added */
    f->key[0] ^= (uint32_t)o->seed;
    f->key[1] ^= (uint32_t)(o->seed >> 32);
    return f;
}

static void conversation_end(struct feed *f, struct conversation *c)
{
    for (int i = 0; c->answer && i < f->o.question[c->q].n_turns; i++)
        free(c->answer[i]);
    free(c->answer);
    *c = (struct conversation){0};
    f->n_live--;
}

static void done_free(struct done *d)
{
    free(d->text);
    free(d->reason);
    ids_free(&d->token);
    *d = (struct done){0};
}

void feed_destroy(struct feed *f)
{
    if (!f)
        return;
    for (int i = 0; i < f->o.max_batch; i++)
        if (f->slot[i].live)
            conversation_end(f, &f->slot[i]);
    for (int i = 0; i < 2 * f->o.max_batch; i++)
        done_free(&f->done[i]);
    done_free(&f->given);
    session_destroy(f->session);
    free(f->slot);
    free(f->asked);
    free(f->done);
    free(f->message);
    free(f);
}

int feed_room(const struct feed *f)
{
    return f->o.max_batch - f->n_live;
}

void feed_add(struct feed *f, int q, int choice, const char *const *answer, int n_done)
{
    const struct question *question = &f->o.question[q];
    struct conversation *c = f->slot;
    while (c->live)
        c++;
    assert(c < f->slot + f->o.max_batch && n_done < question->n_turns);
    *c = (struct conversation){ .live = true, .q = q, .choice = choice, .turn = n_done };
    c->answer = xcalloc((size_t)question->n_turns, sizeof *c->answer);
    for (int i = 0; i < n_done; i++)
        c->answer[i] = xstrdup(answer[i]); /* another rank may have made it */
    c->how = sampler_for(&f->o.sampling, question->temperature); /* by question, unless a flag said one for all */
    f->n_live++;
}

/* ---- a turn begins ---- */

static struct done *queue_record(struct feed *f, const struct conversation *c, enum turn_status status, const struct prompt *prompt,
                                 double seconds)
{
    int ring = 2 * f->o.max_batch;
    /* A conversation can end with a failed turn in the step in which its last turn ended: two records per slot are
     * enough, since the caller drains the queue after every step. */
    struct done *d = &f->done[(f->done_first + f->done_count++) % ring];
    assert(f->done_count <= ring);
    done_free(d);
    d->record = (struct turn_record){
        .question_id = f->o.question[c->q].id,
        .choice = c->choice,
        .turn = c->turn + 1,
        .status = status,
        .n_prompt = (int)prompt->ids.n,
        .temperature = (double)c->how.temperature,
        .top_k = c->how.top_k,
        .top_p = (double)c->how.top_p,
        .min_p = (double)c->how.min_p,
        .repetition_penalty = (double)c->how.repetition_penalty,
        .seconds = seconds,
        .tstamp = clock_unix(),
    };
    /* A resume compares it: an answer to a question that has changed since is no answer to this one. */
    memcpy(d->record.question_sha256, f->o.question[c->q].sha256, sizeof d->record.question_sha256);
    if (prompt->text.data)
        sha256_hex(prompt->text.data, prompt->text.len, d->record.prompt_sha256);
    return d;
}

static void fail_turn(struct feed *f, struct conversation *c, enum turn_status status, const struct prompt *prompt, const char *reason)
{
    struct done *d = queue_record(f, c, status, prompt, 0);
    d->record.reason = d->reason = xstrdup(reason);
    d->record.text = d->text = xstrdup(""); /* law 2: a failed turn has no text, nobody can take it for one */
    conversation_end(f, c);
}

static int render_turn(struct feed *f, const struct conversation *c, struct prompt *prompt, struct err *err)
{
    const struct question *q = &f->o.question[c->q];
    int n = 0;
    f->message = xrealloc(f->message, 2 * (size_t)q->n_turns, sizeof *f->message);
    for (int i = 0; i <= c->turn; i++) {
        f->message[n++] = (struct chat_message){ .role = "user", .content = q->turn[i], .n_content = strlen(q->turn[i]) };
        if (i < c->turn)
            f->message[n++] = (struct chat_message){ .role = "assistant", .content = c->answer[i], .n_content = strlen(c->answer[i]) };
    }
    return prompt_build(prompt, f->o.tokenizer, f->o.chat, f->message, n, err);
}

/* The random stream of a turn is named by what it is, never by where or when it runs. */
static void name_stream(const struct feed *f, struct conversation *c)
{
    memcpy(c->how.key, f->key, sizeof f->key);
    c->how.counter[0] = (uint32_t)f->o.question[c->q].id; /* counter[3] is the position, which the engine counts */
    c->how.counter[1] = (uint32_t)c->choice;
    c->how.counter[2] = (uint32_t)c->turn;
}

static void submit_turn(struct feed *f, struct conversation *c)
{
    struct prompt prompt = {0};
    struct err err;
    int slot;
    name_stream(f, c);
    if (render_turn(f, c, &prompt, &err) < 0) {
        fail_turn(f, c, TURN_FAILED, &prompt, err.text);
    } else if ((slot = session_begin(f->session, &prompt, f->o.max_new_token, &c->how, &err)) < 0) {
        /* A sequence that the engine refuses does not fit; that it cannot compute it at all is another failure. */
        fail_turn(f, c, err.kind == ERR_MODEL ? TURN_FAILED : TURN_TOO_LONG, &prompt, err.text);
    } else {
        f->asked[slot] = c;              /* slots of the session and ours are numbered apart */
        c->slot = slot;
        c->counted = 0;
        c->joules = 0;
        c->submitted = true;
    }
    prompt_free(&prompt);                /* empty if session_begin() took it */
}

/* ---- a turn ends ---- */

static void finish_turn(struct feed *f, struct conversation *c, const struct session_turn *got)
{
    struct done *d = queue_record(f, c, TURN_OK, got->prompt, got->seconds);
    d->record.text = d->text = xstrndup(got->text, got->n_text);
    d->record.finish = got->finish == FINISH_STOP ? "stop" : got->finish == FINISH_CONTEXT ? "context" : "length";
    d->record.n_new = got->n_new;
    d->record.n_reused = got->n_reused;
    d->record.energy_j = c->joules > 0 ? c->joules : 0; /* NAN is not more than 0 */
    for (int i = 0; i < got->n_new; i++)
        ids_add(&d->token, got->token[i]);
    c->answer[c->turn++] = xstrdup(d->text); /* the next turn's prompt holds it as it stands in the record */
    c->submitted = false;
    if (f->o.one_turn || c->turn == f->o.question[c->q].n_turns)
        conversation_end(f, c);
}

/* New tokens of a turn since it was counted last. */
static int fresh_tokens(const struct feed *f, const struct conversation *c, int *n)
{
    if (!c->live || !c->submitted || !engine_peek(f->o.engine, (uint64_t)c->slot, n))
        *n = c->counted;                 /* one that was cut at a stop string has fewer */
    return *n > c->counted ? *n - c->counted : 0;
}

/* Behind a step, when all that ended in it can still be looked at. */
static void share_joules(struct feed *f)
{
    int all = 0, n;
    if (!f->o.joules)
        return;
    f->joules += f->o.joules(f->o.joules_ctx);
    for (const struct conversation *c = f->slot; c < f->slot + f->o.max_batch; c++)
        all += fresh_tokens(f, c, &n);
    for (struct conversation *c = f->slot; all && c < f->slot + f->o.max_batch; c++) {
        const int made = fresh_tokens(f, c, &n);
        if (made)
            c->joules += f->joules * made / all;
        c->counted = n;
    }
    if (all)
        f->joules = 0;
}

static void collect_turns(struct feed *f)
{
    const struct session_turn *got;
    while ((got = session_collect(f->session))) {
        if (got->reason)
            fail_turn(f, f->asked[got->slot], TURN_FAILED, got->prompt, got->reason);
        else
            finish_turn(f, f->asked[got->slot], got);
    }
}

int feed_step(struct feed *f, struct err *err)
{
    for (struct conversation *c = f->slot; c < f->slot + f->o.max_batch; c++)
        /* At the next step, not at once: all turns that ended together begin together, and their prompts share a prefill. */
        if (c->live && !c->submitted)
            submit_turn(f, c);
    int rc = session_step(f->session, err);
    share_joules(f);
    collect_turns(f);                    /* also where the step failed: what had ended before it is an answer */
    return rc < 0 ? -1 : f->n_live;
}

const struct turn_record *feed_collect(struct feed *f)
{
    done_free(&f->given);
    if (f->done_count == 0)
        return NULL;
    f->given = f->done[f->done_first];   /* moved: the slot of the ring is free */
    f->done[f->done_first] = (struct done){0};
    f->done_first = (f->done_first + 1) % (2 * f->o.max_batch);
    f->done_count--;
    return &f->given.record;
}

const int32_t *feed_tokens(const struct feed *f, int *n)
{
    *n = (int)f->given.token.n;
    return f->given.token.id;
}

void feed_cancel(struct feed *f)
{
    session_cancel(f->session);
    collect_turns(f);                    /* what had ended before the stop is an answer */
    for (struct conversation *c = f->slot; c < f->slot + f->o.max_batch; c++)
        if (c->live)
            conversation_end(f, c);
}
