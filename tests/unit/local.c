/* local.c - the engine of this process as a judge: replies, forced verdicts against logits weighed here, and what cannot be answered. */
#include "mtbench/local.h"

#include "mtbench/judge_prompt.h"
#include "src/judge/forced.h"

#include "tap.h"
#include "tiny.h"

#include <math.h>

static struct err err;
static const struct call_message ask[] = { { "system", "be fair" }, { "user", "judge this" } };

static struct call call_of(const char *key, const struct call_message *m, int n, int max_tokens, int verdict)
{
    struct call c = { .key = key, .message = m, .n_messages = n, .max_tokens = max_tokens, .verdict = verdict };
    c.content = call_content(&c);
    return c;
}

static struct transport *open_local(const struct rig *r, int max_batch)
{
    return local_create(&(struct local_opts){ r->engine, r->tokenizer, r->chat, r->stops.id, (int)r->stops.n, r->model->config.n_vocab,
                                              max_batch, "tiny", "0a" });
}

static const struct call_record *next(struct transport *t)
{
    const struct call_record *r;
    for (int i = 0; !(r = t->collect(t->ctx)) && i < 1000; i++)
        t->step(t->ctx, 0, &err);
    return r;
}

/* Probabilities of the candidates' tokens behind this prompt's text and "[[". */
static void weigh(const struct rig *r, const char *prompt, const char *reply, const char *const *name, int n, double *p)
{
    struct prompt q = {0};
    float *logits = xcalloc((size_t)r->model->config.n_vocab, sizeof *logits);
    double sum = 0;
    buf_str(&q.text, prompt);
    buf_add(&q.text, reply, (size_t)(strstr(reply, "[[") - reply) + 2);
    prompt_encode(&q, r->tokenizer, r->chat, &err);
    engine_logits(r->engine, q.ids.id, (int)q.ids.n, logits, &err);
    for (int i = 0; i < n; i++)
        sum += p[i] = exp((double)logits[tokenizer_id(r->tokenizer, name[i], strlen(name[i]))]);
    for (int i = 0; i < n; i++)
        p[i] /= sum;
    prompt_free(&q);
    free(logits);
}

static void test_replies(const struct rig *r)
{
    struct transport *t = open_local(r, 2);
    struct call a = call_of("a", ask, 2, 6, -1), b = call_of("b", ask + 1, 1, 7, -1);
    char *alone = NULL;
    t->submit(t->ctx, &a);
    const struct call_record *got = next(t);
    ok(got && !strcmp(got->key, "a") && got->content == a.content && got->status == CALL_TRUNCATED && got->tokens_out == 6 &&
           isnan(got->expected_score),
       "a reply that its limit cut is truncated, whatever is in it");
    alone = xstrdup(got ? got->text : "");
    t->submit(t->ctx, &b);
    t->submit(t->ctx, &a);
    ok(t->room(t->ctx) == 0, "two calls take both places");
    int equal = 0, n = 0;
    while ((got = next(t))) {
        n++;
        equal += !strcmp(got->key, "a") && !strcmp(got->text, alone);
    }
    ok(n == 2 && equal == 1 && t->room(t->ctx) == 2, "beside another it says what it says alone: \"%s\"", alone);
    free(alone);
    static char longest[400];
    memset(longest, 'z', sizeof longest - 1);
    struct call too_long = call_of("long", &(struct call_message){ "user", longest }, 1, 6, -1);
    t->submit(t->ctx, &too_long);
    got = next(t);
    ok(got && got->status == CALL_TOO_LONG && *got->reason && got->tokens_in > 256, "a prompt beyond the context: %s",
       got ? got->reason : "");
    t->submit(t->ctx, &a);
    t->destroy(t->ctx);
    ok(engine_stats(r->engine).live == 0, "a judge that ends leaves nothing in the engine");
}

static void test_rating(const struct rig *r)
{
    static const char *const digit[] = { "1", "2", "3", "4", "5", "6", "7", "8", "9" }, *const ten[] = { "0", "]" };
    struct transport *t = open_local(r, 1);
    struct call c = call_of("r", ask, 2, 6, VERDICT_RATING);
    struct prompt p = {0};
    double w[10], two[2], expected = 0;
    bool merged;
    int best = 0;
    local_prompt(&p, r->tokenizer, r->chat, &c, &merged, &err);
    t->submit(t->ctx, &c);
    const struct call_record *got = next(t);
    if (ok(got && got->status == CALL_OK && strstr(got->text, "\nRating: [["), "a rating is forced: %s",
           got ? strstr(got->text, "[[") : "none")) {
        weigh(r, p.text.data, got->text, digit, 9, w);
        char *one = xasprintf("%.*s[[1", (int)(strstr(got->text, "[[") - got->text), got->text);
        struct prompt q = {0};
        float *logits = xcalloc((size_t)r->model->config.n_vocab, sizeof *logits);
        buf_printf(&q.text, "%s%s", p.text.data, one);
        prompt_encode(&q, r->tokenizer, r->chat, &err);
        engine_logits(r->engine, q.ids.id, (int)q.ids.n, logits, &err);
        for (int i = 0; i < 2; i++)
            two[i] = exp((double)logits[tokenizer_id(r->tokenizer, ten[i], 1)]);
        w[9] = w[0] * two[0] / (two[0] + two[1]);
        w[0] -= w[9];
        for (int i = 0; i < 10; i++) {
            expected += (i + 1) * w[i];
            best = w[i] > w[best] ? i : best;
        }
        ok(fabs(expected - got->expected_score) < 1e-5 && atoi(strstr(got->text, "[[") + 2) == best + 1,
           "the likeliest of 1 to 10, ten spelled with two tokens; its mean %.6f", expected);
        prompt_free(&q);
        free(logits);
        free(one);
    }
    prompt_free(&p);
    t->destroy(t->ctx);
}

static void test_letters(const struct rig *r)
{
    static const char *const letter[] = { "A", "B", "C" };
    struct transport *t = open_local(r, 1);
    struct call c = call_of("p", ask, 2, 6, VERDICT_AB), two = call_of("m", ask, 2, 6, VERDICT_TWO_RATINGS);
    struct prompt p = {0};
    double w[3];
    bool merged;
    local_prompt(&p, r->tokenizer, r->chat, &c, &merged, &err);
    t->submit(t->ctx, &c);
    const struct call_record *got = next(t);
    if (ok(got && strstr(got->text, "\nVerdict: [["), "a verdict on a pair is forced: %s", got ? strstr(got->text, "[[") : "none")) {
        weigh(r, p.text.data, got->text, letter, 3, w);
        int best = w[1] > w[0] ? 1 : 0;
        best = w[2] > w[best] ? 2 : best;
        ok(fabs(w[0] + w[2] / 2 - got->expected_score) < 1e-5 && strstr(got->text, "[[")[2] == 'A' + best,
           "A's share, half of a tie with it: %.6f", got->expected_score);
    }
    t->submit(t->ctx, &two);
    got = next(t);
    ok(got && got->status == CALL_FAILED && strstr(got->reason, "two ratings"), "two ratings cannot be forced: %s", got ? got->reason : "");
    prompt_free(&p);
    t->destroy(t->ctx);
}

/* The last norm's first weight becomes NaN, as in a broken file: a failed call, whether its verdict would have been forced or not. */
static void test_not_finite(const struct rig *r)
{
    float *norm = (float *)(uintptr_t)r->model->final_norm, was = *norm;
    struct transport *t = open_local(r, 1);
    struct call call[] = { call_of("n", ask, 2, 6, -1), call_of("f", ask, 2, 6, VERDICT_RATING) };
    *norm = NAN;
    for (int i = 0; i < 2; i++) {
        t->submit(t->ctx, &call[i]);
        const struct call_record *got = next(t);
        ok(got && got->status == CALL_FAILED && !*got->text && strstr(got->reason, "NaN or infinite logits") && isnan(got->expected_score),
           "logits that are NaN: %s", got ? got->reason : "");
    }
    *norm = was;
    t->destroy(t->ctx);
}

static void test_system(void)
{
    static const char strict[] =
        "{% for m in messages %}{{ raise_exception('no system') if m.role == 'system' else m.content }}|{% endfor %}";
    struct tiny t;
    struct prompt p = {0};
    bool merged = false;
    struct call c = call_of("s", ask, 2, 4, -1);
    if (!ok(tiny_open(&t, NULL, strict, (struct rig_opts){ .max_batch = 1 }, &err) == 0, "a template without system messages %s", err.text))
        return;
    int rc = local_prompt(&p, t.rig.tokenizer, t.rig.chat, &c, &merged, &err);
    ok(rc == 0 && merged && !strcmp(p.text.data, "be fair\n\njudge this|"), "its text goes before the user's: %s",
       p.text.data);
    struct transport *l = open_local(&t.rig, 1);
    l->submit(l->ctx, &c);
    const struct call_record *got = next(l);
    ok(got && strstr(got->sent, "\"system\""), "and that is on record: %s", got ? got->sent : "");
    l->destroy(l->ctx);
    prompt_free(&p);
    tiny_close(&t);
}

/* Thoughts that the template opens and the reply never ends lead to no verdict, not even a forced one. */
static void test_thoughts(void)
{
    static const char thinks[] = "{% for m in messages %}{{ m.content }}|{% endfor %}{% if add_generation_prompt %}<think>\\n{% endif %}";
    struct tiny t;
    struct call plain = call_of("p", ask, 2, 6, -1), forced = call_of("f", ask, 2, 6, VERDICT_RATING);
    if (!ok(tiny_open(&t, NULL, thinks, (struct rig_opts){ .max_batch = 1 }, &err) == 0, "a template that opens thoughts %s", err.text))
        return;
    struct transport *l = open_local(&t.rig, 1);
    for (int i = 0; i < 2; i++) {
        l->submit(l->ctx, i ? &forced : &plain);
        const struct call_record *got = next(l);
        ok(got && got->status == CALL_TRUNCATED && !*got->text && got->raw && *got->raw && strstr(got->reason, "thinking") &&
               isnan(got->expected_score),
           "%s: nothing but thinking came, and it is kept: \"%s\"", i ? "constrained" : "free", got && got->raw ? got->raw : "");
    }
    l->destroy(l->ctx);
    tiny_close(&t);
}

/* A forced verdict cuts the reply behind its thoughts, whatever they say. */
static void test_behind(const struct rig *r)
{
    static const struct { const char *reply, *kept; } replies[] = {
        { "<think>is it [[3]]</think>fine [[4]]", "<think>is it [[3]]</think>fine [[" },
        { "<think>is it [[3]]</think>fine", "<think>is it [[3]]</think>fine\nRating: [[" },
    };
    struct forced_opts o = { r->engine, r->tokenizer, r->chat, r->model->config.n_vocab, VERDICT_RATING };
    struct buf prompt = {0};
    buf_str(&prompt, "judge|");
    for (int i = 0; i < 2; i++) {
        char *reply = xstrdup(replies[i].reply);
        double expected = NAN;
        int rc = forced_verdict(&o, &prompt, strlen("<think>is it [[3]]</think>"), &reply, &expected, &err);
        ok(rc == 0 && !strncmp(reply, replies[i].kept, strlen(replies[i].kept)) && expected >= 1 && expected <= 10,
           "forced behind the thoughts: %s", reply);
        free(reply);
    }
    buf_free(&prompt);
}

/* What one judge said is not gone on with by another of the same name. */
static void test_weights(const struct rig *r)
{
    char path[] = "/tmp/mtbench-local-XXXXXX";
    struct call c = call_of("w", ask, 2, 4, VERDICT_RATING);
    struct transport *t = open_local(r, 1);
    close(mkstemp(path));
    unlink(path);
    struct call_journal *j = call_journal_open(path, &(struct manifest){0}, &err);
    const struct call_record hosted = { .key = "h", .text = "[[7]]", .sent = "{\"temperature\": 0}" },
                             old = { .key = "o", .text = "[[7]]" },
                             failed = { .key = "f", .status = CALL_FAILED, .reason = "x", .text = "", .sent = "{\"weights\": \"0b\"}" };
    if (!ok(j && call_journal_append(j, &hosted, &err) == 0 && call_journal_append(j, &old, &err) == 0 &&
                call_journal_append(j, &failed, &err) == 0 && local_check_weights(j, "0a", &err) == 0,
            "a hosted judge has no weights, and what failed is asked again"))
        return;
    t->submit(t->ctx, &c);
    const struct call_record *got = next(t);
    ok(got && got->status == CALL_OK && call_journal_append(j, got, &err) == 0 && local_check_weights(j, "0a", &err) == 0,
       "a judge goes on with what it said itself: %s", got ? got->sent : "");
    ok(local_check_weights(j, "0b", &err) < 0 && err.kind == ERR_USAGE && strstr(err.text, "was 0a and is 0b; give"),
       "other weights of its name do not: %s", err.text);
    t->destroy(t->ctx);
    call_journal_close(j);
    unlink(path);
}

int main(void)
{
    struct tiny t;
    if (ok(tiny_open(&t, NULL, NULL, (struct rig_opts){ .max_batch = 2 }, &err) == 0, "a tiny model opens %s", err.text)) {
        test_replies(&t.rig);
        test_rating(&t.rig);
        test_letters(&t.rig);
        test_not_finite(&t.rig);
        test_behind(&t.rig);
        test_weights(&t.rig);
        tiny_close(&t);
    }
    test_system();
    test_thoughts();
    return done_testing();
}
