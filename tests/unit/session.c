/* session.c - texts through an engine: what a turn says does not depend on who runs beside it, stop strings end it, places come back. */
#include "mtbench/session.h"

#include "tap.h"
#include "tiny.h"

static const struct sampling greedy = { .top_p = 1, .repetition_penalty = 1 };
static struct err err;

static int begin(struct session *s, const struct rig *r, const char *text, int max_new, const struct sampling *how)
{
    struct prompt p = {0};
    const struct chat_message m = { "user", text, strlen(text) };
    int slot = prompt_build(&p, r->tokenizer, r->chat, &m, 1, &err);
    if (slot == 0)
        slot = session_begin(s, &p, max_new, how, &err);
    prompt_free(&p);
    return slot;
}

/* The engine's own tokens for the same prompt, decoded here. Caller frees. */
static char *by_hand(const struct rig *r, const char *text, int max_new)
{
    struct prompt p = {0};
    struct buf b = {0};
    const struct completion *c;
    const struct chat_message m = { "user", text, strlen(text) };
    prompt_build(&p, r->tokenizer, r->chat, &m, 1, &err);
    engine_submit(r->engine, &(struct request){ .prompt = p.ids.id, .n_prompt = (int)p.ids.n, .max_new = max_new, .how = greedy }, &err);
    while (engine_step(r->engine, NULL) > 0)
        ;
    if ((c = engine_collect(r->engine))) {
        tokenizer_decode(r->tokenizer, c->token, (size_t)c->n_token, 0, &b);
        engine_release(r->engine, c);
    }
    prompt_free(&p);
    struct buf clean = {0};
    chat_clean(r->chat, b.data ? b.data : "", b.len, &clean);
    buf_free(&b);
    return buf_steal(&clean);
}

static struct session *open_session(const struct rig *r, int turns)
{
    return session_create(&(struct session_opts){
        .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat, .stop_id = r->stops.id, .n_stop = (int)r->stops.n,
        .max_turns = turns });
}

static const struct session_turn *next_turn(struct session *s)
{
    const struct session_turn *t;
    while (!(t = session_collect(s)) && session_step(s, NULL) > 0)
        ;
    return t;
}

static void test_turns(void)
{
    static const char *const asked[] = { "one", "quite another thing", "3" };
    struct tiny t;
    if (!ok(tiny_open(&t, NULL, NULL, (struct rig_opts){ .max_batch = 4 }, &err) == 0, "a tiny model opens %s", err.text))
        return;
    char *want[3];
    for (int i = 0; i < 3; i++)
        want[i] = by_hand(&t.rig, asked[i], 10 + i);
    struct session *s = open_session(&t.rig, 3);
    int slot[3], equal = 0;
    for (int i = 0; i < 3; i++)
        slot[i] = begin(s, &t.rig, asked[i], 10 + i, &greedy);
    ok(slot[0] >= 0 && slot[1] >= 0 && slot[2] >= 0 && slot[0] != slot[1] && session_room(s) == 0, "three turns take three places");
    for (const struct session_turn *got; (got = next_turn(s));) {
        int i = got->slot == slot[0] ? 0 : got->slot == slot[1] ? 1 : 2;
        equal += !strcmp(got->text, want[i]) && got->n_text == strlen(got->text) && got->finish == FINISH_LENGTH && got->n_new == 10 + i &&
                 got->prompt->ids.n > strlen(asked[i]) && got->seconds >= 0;
    }
    ok(equal == 3 && session_room(s) == 3, "side by side they say what each says alone: %d of 3; \"%s\"", equal, want[1]);
    struct prompt empty = {0};
    ok(session_begin(s, &empty, 4, &greedy, &err) < 0 && session_room(s) == 3, "an empty prompt is refused and takes no place: %s",
       err.text);
    char *word = xcalloc(301, 1);
    memset(word, 'x', 300);
    ok(begin(s, &t.rig, word, 4, &greedy) < 0, "so is one beyond the context: %s", err.text);
    free(word);
    begin(s, &t.rig, asked[0], 50, &greedy);
    session_step(s, NULL);
    session_cancel(s);
    ok(!session_collect(s) && session_room(s) == 3, "a turn that was cancelled is gone and its place is free");
    begin(s, &t.rig, asked[0], 50, &greedy);
    session_destroy(s);
    s = open_session(&t.rig, 1);
    begin(s, &t.rig, asked[0], 3, &greedy);
    const struct session_turn *alone = next_turn(s);
    ok(alone && alone->n_new == 3 && session_room(s) == 1, "a turn that was given holds no place");
    ok(begin(s, &t.rig, asked[1], 11, &greedy) >= 0 && session_room(s) == 0 && (alone = next_turn(s)) && !strcmp(alone->text, want[1]),
       "the next one takes it");
    session_destroy(s);
    ok(engine_stats(t.rig.engine).live == 0, "a session that ends leaves nothing in the engine");
    for (int i = 0; i < 3; i++)
        free(want[i]);
    tiny_close(&t);
}

/* FastChat's template "rwkv" stops at an empty line. Sampled hot, this model writes one sooner or later. */
static void test_stop_string(void)
{
    struct tiny t;
    if (!ok(tiny_open(&t, "rwkv", NULL, (struct rig_opts){.max_batch = 8}, &err) == 0, "with a template that has a stop string %s",
            err.text))
        return;
    struct session *s = open_session(&t.rig, 8);
    int stopped = 0, early = 0, wrong = 0, all = 0;
    for (uint32_t i = 0; i < 400 && stopped < 3; i++) {
        struct sampling how = { .temperature = 3, .top_p = 1, .repetition_penalty = 1, .counter = { i } };
        begin(s, &t.rig, "?", 150, &how);
        for (const struct session_turn *got; session_room(s) == 0 || i == 399;) {
            if (!(got = next_turn(s)))
                break;
            bool by_string = got->finish == FINISH_STOP && got->n_new % 8 == 0;
            stopped += by_string;
            early += by_string && got->n_new < 150;
            wrong += strstr(got->text, "\n\n") != NULL;
            all++;
        }
    }
    ok(stopped >= 3 && early == stopped && wrong == 0, "%d of %d turns ended at the stop string, none shows it", stopped, all);
    session_destroy(s);
    tiny_close(&t);
}

/* One sampled turn whose prompt opened thoughts that this model never closes; tokens that came, and whether an empty line is among them. */
static int think(const struct rig *r, bool past_thoughts, uint32_t i, bool *empty_line)
{
    static const char text[] = "Q <think>";
    struct session *s = session_create(&(struct session_opts){ .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat,
                                                               .max_turns = 1, .past_thoughts = past_thoughts });
    struct prompt p = {0};
    const struct sampling how = { .temperature = 3, .top_p = 1, .repetition_penalty = 1, .counter = { i } };
    buf_str(&p.text, text);
    tokenizer_encode(r->tokenizer, text, sizeof text - 1, 0, &p.ids, &err);
    session_begin(s, &p, 150, &how, &err);
    const struct session_turn *got = next_turn(s);
    const int n = got->n_new;
    *empty_line = strstr(got->raw, "\n\n") > got->raw;
    prompt_free(&p);
    session_destroy(s);
    return n;
}

/* A judge's thoughts may hold what ends its template's answers: asked to, the session looks behind them only. */
static void test_thoughts(void)
{
    struct tiny t;
    if (!ok(tiny_open(&t, "rwkv", NULL, (struct rig_opts){.max_batch = 1}, &err) == 0, "the same template again %s", err.text))
        return;
    int stopped = 0, went_on = 0;
    for (uint32_t i = 0; i < 400 && stopped < 2; i++) {
        bool empty_line;
        const int n = think(&t.rig, false, i, &empty_line);
        if (!empty_line || n == 150)
            continue;
        stopped++;
        went_on += think(&t.rig, true, i, &empty_line) == 150 && empty_line;
    }
    ok(stopped == 2 && went_on == 2, "%d turns end at a stop string inside their thoughts, looked for behind them %d go on", stopped,
       went_on);
    tiny_close(&t);
}

int main(void)
{
    test_turns();
    test_stop_string();
    test_thoughts();
    return done_testing();
}
