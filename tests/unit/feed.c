/* feed.c - conversations through an engine: every turn draws from the stream that its question, choice and turn name, wherever and beside
 * whomever it runs; a turn that fails says so and takes those behind it along. */
#include "mtbench/feed.h"

#include "mtbench/hash.h"
#include "mtbench/session.h"

#include "tap.h"
#include "tiny.h"

#include <math.h>

static struct err err;
static char *two_turns[] = { "first", "second" }, *other[] = { "words", "more", "most" };
static struct question question[] = {
    { .id = 81, .category = "writing", .n_turns = 2, .turn = two_turns, .temperature = 0.7, .sha256 = "81" },
    { .id = 7000000001, .category = "math", .n_turns = 3, .turn = other, .temperature = 0, .sha256 = "82" },
};
static const char stream[] = "a model's hash and a bench";
static const uint64_t seed = 0x600000005;    /* both halves count */
enum { LENGTH = 9 };

static struct feed *open_feed(const struct rig *r, int max_batch)
{
    return feed_create(&(struct feed_opts){
        .engine = r->engine,
        .tokenizer = r->tokenizer,
        .chat = r->chat,
        .stop_id = r->stops.id,
        .n_stop = (int)r->stops.n,
        .question = question,
        .sampling = {.temperature = -1, .top_p = 1, .repetition_penalty = 1},
        .max_new_token = LENGTH,
        .max_batch = max_batch,
        .seed = seed,
        .stream = stream,
    });
}

/* What turn t of a choice says behind these answers, drawn here from the stream that the contract names. Caller frees. */
static char *by_hand(const struct rig *r, const struct question *q, int choice, int t, char *const *answer)
{
    struct chat_message m[5];
    struct prompt p = {0};
    uint8_t digest[32];
    int n = 0;
    for (int i = 0; i <= t; i++) {
        m[n++] = (struct chat_message){ "user", q->turn[i], strlen(q->turn[i]) };
        if (i < t)
            m[n++] = (struct chat_message){ "assistant", answer[i], strlen(answer[i]) };
    }
    struct sampling how = { .temperature = (float)q->temperature, .top_p = 1, .repetition_penalty = 1 };
    sha256(stream, strlen(stream), digest);
    memcpy(how.key, digest, sizeof how.key);
    how.key[0] ^= (uint32_t)seed;
    how.key[1] ^= (uint32_t)(seed >> 32);
    how.counter[0] = (uint32_t)q->id;
    how.counter[1] = (uint32_t)choice;
    how.counter[2] = (uint32_t)t;
    prompt_build(&p, r->tokenizer, r->chat, m, n, &err);
    struct session *s = session_create(&(struct session_opts){
        .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat, .stop_id = r->stops.id, .n_stop = (int)r->stops.n,
        .max_turns = 1 });
    session_begin(s, &p, LENGTH, &how, &err);
    const struct session_turn *got;
    while (!(got = session_collect(s)) && session_step(s, NULL) > 0)
        ;
    char *text = xstrdup(got ? got->text : "nothing came");
    session_destroy(s);
    return text;
}

static void test_answers(const struct rig *r)
{
    char *want[2][2][3], *said[2][2][3] = {0};
    int equal = 0, total = 0, in_order = 0;
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < 2; c++)
            for (int t = 0; t < question[q].n_turns; t++)
                want[q][c][t] = by_hand(r, &question[q], c, t, want[q][c]);
    struct feed *f = open_feed(r, 3);
    for (int q = 0; q < 2; q++)
        feed_add(f, q, 0, NULL, 0);
    feed_add(f, 0, 1, NULL, 0);
    ok(feed_room(f) == 0, "a feed takes as many conversations as it has places");
    for (int live = 1, added = 0; live > 0;) {
        live = feed_step(f, NULL);
        if (!added && feed_room(f)) {
            feed_add(f, 1, 1, (const char *const *)want[1][1], 1);     /* its first turn was answered by an earlier run */
            said[1][1][0] = xstrdup(want[1][1][0]);
            live = added = 1;
        }
        for (const struct turn_record *t; (t = feed_collect(f));) {
            int q = t->question_id == question[1].id;
            char **at = &said[q][t->choice][t->turn - 1];
            in_order += t->turn == 1 || said[q][t->choice][t->turn - 2];
            total++;
            equal += t->status == TURN_OK && !*at && !strcmp(t->text, want[q][t->choice][t->turn - 1]) &&
                     !strcmp(t->finish, t->n_new == LENGTH ? "length" : "stop") && t->temperature == (q ? 0 : (double)0.7f) &&
                     !strcmp(t->question_sha256, question[q].sha256) && strlen(t->prompt_sha256) == 64;
            *at = xstrdup(t->text);
        }
    }
    ok(equal == 9 && total == 9 && in_order == 9, "nine turns, each what its own stream says behind the answers before it: %d of %d", equal,
       total);
    ok(strcmp(want[0][0][0], want[0][1][0]), "two choices at a temperature are two answers: \"%s\", \"%s\"", want[0][0][0], want[0][1][0]);
    ok(!strcmp(want[1][0][2], want[1][1][2]), "greedy ones are the same");
    for (int q = 0; q < 2; q++)
        for (int c = 0; c < 2; c++)
            for (int t = 0; t < question[q].n_turns; t++) {
                free(want[q][c][t]);
                free(said[q][c][t]);
            }
    feed_destroy(f);
}

static void test_failures(const struct rig *r)
{
    static char longest[400];
    memset(longest, 'y', sizeof longest - 1);
    char *turn[] = { "ok", longest, "never asked" };
    struct question q = { .id = 3, .n_turns = 3, .turn = turn };
    struct feed *f = feed_create(&(struct feed_opts){ .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat, .question = &q,
        .sampling = { .top_p = 1, .repetition_penalty = 1 }, .max_new_token = 4, .max_batch = 1, .stream = "" });
    feed_add(f, 0, 0, NULL, 0);
    while (feed_step(f, NULL) > 0)
        ;
    const struct turn_record *t = feed_collect(f);
    ok(t && t->turn == 1 && t->status == TURN_OK, "the first turn is answered");
    t = feed_collect(f);
    ok(t && t->turn == 2 && t->status == TURN_TOO_LONG && *t->reason && !*t->text && t->n_prompt > 256, "the second does not fit: %s",
       t ? t->reason : "");
    ok(!feed_collect(f) && feed_room(f) == 1, "the third is not asked, and the conversation is over");
    feed_add(f, 0, 0, NULL, 0);
    feed_step(f, NULL);
    feed_cancel(f);
    ok(!feed_collect(f) && feed_room(f) == 1, "what is dropped leaves no record");
    feed_destroy(f);
}

/* The last norm's first weight becomes NaN, as in a broken file. */
static void test_not_finite(const struct rig *r)
{
    float *norm = (float *)(uintptr_t)r->model->final_norm, was = *norm;
    struct feed *f = open_feed(r, 1);
    *norm = NAN;
    feed_add(f, 0, 0, NULL, 0);
    while (feed_step(f, NULL) > 0)
        ;
    const struct turn_record *t = feed_collect(f);
    ok(t && t->status == TURN_FAILED && !*t->text && strstr(t->reason, "NaN or infinite logits") && strstr(t->reason, "last norm"),
       "logits that are NaN: %s", t ? t->reason : "");
    ok(!feed_collect(f) && feed_room(f) == 1, "the conversation is over");
    *norm = was;
    feed_destroy(f);
}

static void test_refused(void)
{
    struct tiny t;
    if (!ok(tiny_open(&t, NULL, "{{ raise_exception('no second turns') if messages|length > 1 else 'u' }}",
                      (struct rig_opts){.max_batch = 1}, &err) == 0,
            "a template that refuses %s", err.text))
        return;
    struct feed *f = open_feed(&t.rig, 1);
    feed_add(f, 0, 0, NULL, 0);
    while (feed_step(f, NULL) > 0)
        ;
    const struct turn_record *r = feed_collect(f);
    ok(r && r->status == TURN_OK, "the turn that it takes is answered");
    r = feed_collect(f);
    ok(r && r->turn == 2 && r->status == TURN_FAILED && strstr(r->reason, "no second turns"),
       "the one that it refuses has failed, in its words: %s", r ? r->reason : "");
    feed_destroy(f);
    tiny_close(&t);
}

/* A turn alone, behind given answers: what it says in its conversation, and the tokens it said it with. */
static void test_one_turn(const struct rig *r)
{
    char *want[3] = {0};
    for (int t = 0; t < 3; t++)
        want[t] = by_hand(r, &question[1], 0, t, want);
    struct feed *f = feed_create(&(struct feed_opts){ .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat,
        .stop_id = r->stops.id, .n_stop = (int)r->stops.n, .question = question, .one_turn = true,
        .sampling = { .temperature = -1, .top_p = 1, .repetition_penalty = 1 }, .max_new_token = LENGTH, .max_batch = 2, .seed = seed,
        .stream = stream });
    int equal = 0, total = 0, tokens = 0;
    feed_add(f, 1, 0, (const char *const *)want, 1);
    feed_add(f, 1, 0, (const char *const *)want, 0);
    for (int live = 1; live > 0;) {
        live = feed_step(f, &err);
        for (const struct turn_record *t; (t = feed_collect(f)); total++) {
            int n;
            struct buf text = {0};
            const int32_t *token = feed_tokens(f, &n);
            equal += !strcmp(t->text, want[t->turn - 1]);
            tokenizer_decode(r->tokenizer, token, (size_t)n, 0, &text);
            tokens += n == t->n_new && strstr(text.data ? text.data : "", t->text);
            buf_free(&text);
        }
    }
    ok(total == 2 && equal == 2 && feed_room(f) == 2, "one turn of each conversation, as in the whole: %d of %d", equal, total);
    ok(tokens == 2, "with the tokens that it is made of");
    for (int t = 0; t < 3; t++)
        free(want[t]);
    feed_destroy(f);
}

struct meter { double step[3]; int n; };

static double next_joules(void *meter)
{
    struct meter *m = meter;
    return m->step[m->n++ % 3];
}

/* Two conversations of one turn each; the joules of every step are shared by the tokens that it made. */
static void test_joules(const struct rig *r)
{
    struct meter m = { .step = { 3, 0, 1.5 } };
    struct feed_opts o = { .engine = r->engine, .tokenizer = r->tokenizer, .chat = r->chat, .stop_id = r->stops.id,
                           .n_stop = (int)r->stops.n, .question = question, .one_turn = true,
                           .sampling = { .temperature = -1, .top_p = 1, .repetition_penalty = 1 }, .max_new_token = LENGTH, .max_batch = 2,
                           .seed = seed, .stream = stream, .joules = next_joules, .joules_ctx = &m };
    const struct turn_record *t;
    double sum = 0, all = 0;
    int turns = 0;
    struct feed *f = feed_create(&o);
    feed_add(f, 0, 0, NULL, 0);
    feed_add(f, 1, 0, NULL, 0);
    while (feed_step(f, &err) > 0)
        ;
    for (; (t = feed_collect(f)); turns++)
        sum += t->energy_j;
    for (int i = 0; i < m.n; i++)
        all += m.step[i % 3];
    ok(turns == 2 && fabs(sum - all) < 1e-9, "%g J of %g J in %d steps are of the turns", sum, all, m.n);
    feed_destroy(f);
    m = (struct meter){ .step = { 1, NAN, 1 } };
    f = feed_create(&o);
    feed_add(f, 0, 0, NULL, 0);
    while (feed_step(f, &err) > 0)
        ;
    ok((t = feed_collect(f)) && t->energy_j == 0, "one step that was not measured, and the turn is not");
    feed_destroy(f);
}

int main(void)
{
    struct tiny t;
    if (ok(tiny_open(&t, NULL, NULL, (struct rig_opts){ .max_batch = 3 }, &err) == 0, "a tiny model opens %s", err.text)) {
        test_answers(&t.rig);
        test_failures(&t.rig);
        test_one_turn(&t.rig);
        test_joules(&t.rig);
        test_not_finite(&t.rig);
        tiny_close(&t);
    }
    test_refused();
    return done_testing();
}
