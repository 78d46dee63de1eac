/* session.c - prompts to texts through one engine. A turn is a slot, its number is the request's tag. */
#include "mtbench/session.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/thoughts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { PEEK_EVERY = 8 };                 /* decode steps between two looks for a stop string */

struct slot {
    bool live;                           /* taken, until its turn was collected */
    struct prompt prompt;                /* ids and text: the engine reads them while the turn runs */
    double started;                      /* seconds of clock_now() */
    int looked;                          /* tokens already searched for stop strings */
};

struct session {
    struct session_opts o;               /* engine, tokenizer and template outlive us */
    struct slot *slot;                   /* (max_turns) */
    int n_live;                          /* slots taken */
    struct session_turn given;           /* what session_collect() handed out */
    bool has_given;                      /* its slot is freed by the next call */
    struct buf raw, text, reason;        /* decoded; cleaned; why a turn failed */
    struct ids token;                    /* of the turn that was handed out: the engine's are released with it */
};

struct session *session_create(const struct session_opts *o)
{
    struct session *s = xcalloc(1, sizeof *s);
    s->o = *o;
    s->slot = xcalloc((size_t)o->max_turns, sizeof *s->slot);
    return s;
}

static void slot_end(struct session *s, struct slot *t)
{
    prompt_free(&t->prompt);
    *t = (struct slot){0};
    s->n_live--;
}

/* The turn that was handed out last: its texts have been read by now. */
static void end_given(struct session *s)
{
    if (s->has_given)
        slot_end(s, &s->slot[s->given.slot]);
    s->has_given = false;
}

void session_destroy(struct session *s)
{
    if (!s)
        return;
    session_cancel(s);
    while (session_collect(s))           /* gives the pages of cancelled turns back */
        ;
    free(s->slot);
    buf_free(&s->raw);
    buf_free(&s->text);
    buf_free(&s->reason);
    ids_free(&s->token);
    free(s);
}

int session_room(const struct session *s)
{
    return s->o.max_turns - s->n_live + s->has_given;                               /* session_begin() moves on from that one */
}

int session_begin(struct session *s, struct prompt *p, int max_new, const struct sampling *how, struct err *err)
{
    int i = 0;
    end_given(s);
    while (i < s->o.max_turns && s->slot[i].live)
        i++;
    assert(i < s->o.max_turns);          /* the caller asked session_room() */
    struct request r = {
        .tag = (uint64_t)i,
        .prompt = p->ids.id,
        .n_prompt = (int)p->ids.n,
        .max_new = max_new,
        .how = *how,
        .stop_id = s->o.stop_id,
        .n_stop = s->o.n_stop,
    };
    if (engine_submit(s->o.engine, &r, err) < 0) /* then the prompt stays the caller's */
        return -1;
    s->slot[i] = (struct slot){ .live = true, .prompt = *p, .started = clock_now() };
    *p = (struct prompt){0};             /* moved into the slot: engine and record point into it */
    s->n_live++;
    return i;
}

static void decode(struct session *s, const int32_t *token, int n)
{
    buf_clear(&s->raw);
    tokenizer_decode(s->o.tokenizer, token, (size_t)n, 0, &s->raw);
    buf_reserve(&s->raw, 0)[0] = '\0';   /* behind the text, not of it */
}

/* Where stop strings count from in the text so far; false: nowhere yet. */
static bool may_stop(const struct session *s, const struct slot *t, size_t *from)
{
    *from = 0;
    if (!s->o.past_thoughts)
        return true;
    /* A template may open the thoughts in the prompt: the reply closes them only. */
    const struct thought_mark *opened = thoughts_opened(t->prompt.text.data, t->prompt.text.len);
    return thoughts_split(opened, s->raw.data, s->raw.len, from) != THOUGHTS_OPEN;
}

/* Stop strings are text, so the engine cannot see them: every few tokens the text so far is decoded and searched. */
static void watch_stop_strings(struct session *s)
{
    if (!chat_has_stop_strings(s->o.chat))
        return;
    for (int i = 0; i < s->o.max_turns; i++) {
        int n;
        size_t from;
        const int32_t *token = s->slot[i].live ? engine_peek(s->o.engine, (uint64_t)i, &n) : NULL;
        /* Decoding all of a text at each token would be quadratic; some tokens too many are cut off by chat_clean(). */
        if (!token || n < s->slot[i].looked + PEEK_EVERY)
            continue;
        s->slot[i].looked = n;
        decode(s, token, n);
        if (may_stop(s, &s->slot[i], &from) && chat_stopped(s->o.chat, s->raw.data + from, s->raw.len - from))
            engine_stop(s->o.engine, (uint64_t)i, n); /* only so many tokens count, whatever was computed ahead */
    }
}

int session_step(struct session *s, struct err *err)
{
    end_given(s);
    if (engine_step(s->o.engine, err) < 0)
        return -1;
    watch_stop_strings(s);
    return s->n_live;
}

static void give(struct session *s, const struct completion *got)
{
    const struct slot *t = &s->slot[got->tag];
    /* All tokens at once, not the pieces of watch_stop_strings(): a character may be spread over tokens. */
    decode(s, got->token, got->n_token);
    buf_clear(&s->text);
    chat_clean(s->o.chat, s->raw.data, s->raw.len, &s->text);
    buf_reserve(&s->text, 0)[0] = '\0';  /* behind the text, not of it */
    ids_clear(&s->token);
    for (int i = 0; i < got->n_token; i++)
        ids_add(&s->token, got->token[i]);
    s->given = (struct session_turn){
        .slot = (int)got->tag, .finish = got->finish, .prompt = &t->prompt, .raw = s->raw.data, .text = s->text.data, .n_raw = s->raw.len,
        .n_text = s->text.len, .token = s->token.id, .n_new = got->n_token, .n_reused = got->n_reused, .seconds = clock_now() - t->started,
    };
    if (got->reason) {
        buf_clear(&s->reason);
        buf_str(&s->reason, got->reason);
        s->given.reason = s->reason.data;
    }
    s->has_given = true;
}

const struct session_turn *session_collect(struct session *s)
{
    const struct completion *got;
    end_given(s);
    while (!s->has_given && (got = engine_collect(s->o.engine))) {
        /* Nobody hears of these: a stopped turn was never answered, and the next start answers it from its beginning. */
        if (got->finish == FINISH_CANCELLED)
            slot_end(s, &s->slot[got->tag]);
        else
            give(s, got);
        engine_release(s->o.engine, got); /* its tokens are decoded; the record points into our buffers */
    }
    return s->has_given ? &s->given : NULL;
}

void session_cancel(struct session *s)
{
    end_given(s);
    engine_cancel(s->o.engine);
}
