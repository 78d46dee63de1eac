/* canary.c - which stored judgments are asked for again, in which words, and what the new verdicts mean. */
#include "tap.h"

#include "mtbench/canary.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct judge_prompts prompts;
static struct call_journal *journal;
static struct err err;

#define P(name, type, format) "{\"name\": \"" name "\", \"type\": \"" type "\", \"system_prompt\": \"system of " name \
    "\", \"prompt_template\": \"{question}\", \"output_format\": \"" format "\"}\n"
#define S(id, model, judge, prompt, user, score)                                                                                           \
    "{\"question_id\": " id ", \"model\": \"" model "\", \"judge\": [\"" judge "\", \"" prompt "\"]" user                                  \
    ", \"judgment\": \"j\", \"score\": " score ", \"turn\": 1, \"tstamp\": 1.0}\n"
#define U(text) ", \"user_prompt\": \"" text "\""
#define G(id, g1, g2) "{\"question_id\": " id ", \"model_1\": \"x\", \"model_2\": \"y\", \"g1_winner\": \"" g1 "\", \"g2_winner\": \"" g2 \
    "\", \"judge\": [\"gpt-4\", \"pair-v2\"], \"g1_user_prompt\": \"one " id "\", \"g1_judgment\": \"j\", \"g2_user_prompt\": \"two " id \
    "\", \"g2_judgment\": \"j\", \"turn\": 1, \"tstamp\": 1.0}\n"

static struct canary *create(const char *data, int n, const char *run)
{
    struct canary_opts o = { "gpt-4", &prompts, n, 2048, run, 1000, journal };
    return canary_create(&o, "judgments", data, strlen(data), &err);
}

/* Ask all, answer with the text of 'replies' whose beginning is in the prompt; what was asked goes to 'asked'. */
static void answer(struct canary *c, const char *const *replies, struct buf *asked)
{
    const struct call *call;
    buf_clear(asked);
    while ((call = canary_next(c))) {
        const char *user = call->message[call->n_messages - 1].content;
        struct call_record r = { .key = call->key, .content = call->content, .status = CALL_OK, .text = "", .cost = -1, .tstamp = 3000 };
        buf_printf(asked, "%s: %s|", call->n_messages == 2 ? call->message[0].content : "", user);
        for (int i = 0; replies[i]; i += 2)
            if (strstr(user, replies[i]))
                r.text = replies[i + 1];
        ok(call_key_ok(call->key) && canary_take(c, &r, &err) == 0, "%s is taken", user);
        ok(canary_take(c, &r, &err) < 0, "once");
    }
}

static const char singles[] =
    S("81", "x", "gpt-4", "single-v1", U("old words"), "3") S("82", "x", "gpt-4", "single-v1", U("p82"), "8") "\n"
    S("83", "x", "gpt-4", "single-v1", U("unread"), "-1") S("84", "x", "other", "single-v1", U("of another judge"), "5")
    S("85", "x", "gpt-4", "unknown-v9", U("of another prompt"), "5") S("86", "x", "gpt-4", "single-v1", "", "5")
    S("87", "x", "gpt-4", "single-v1", U("out of range"), "11") S("81", "x", "gpt-4", "single-v1", U("p81"), "6.5");

/* A run that was cut short is gone on with: its replies are paid for. */
static void test_go_on(void)
{
    const char *const replies[] = { "p81", "[[6.5]]", "p82", "[[5]]", NULL };
    static const double when[] = { 2000, 2000, 999 };
    static const int second[] = { 2, 1, 2 };              /* how many the next run asks for */
    static const int left[] = {
        1, 1, 2}; /* calls that it makes: the one that is left; its one, as it asks for another number; both, of long ago */
    struct buf asked = {0};
    for (int i = 0; i < 3; i++) {
        char run[16];
        snprintf(run, sizeof run, "g%d", i);
        struct canary *c = create(singles, 2, run);
        const struct call *call = canary_next(c);
        struct call_record r = {
            .key = call->key, .content = call->content, .status = CALL_OK, .text = "[[4]]", .cost = 1, .tstamp = when[i]};
        ok(canary_take(c, &r, &err) == 0, "one of two calls came back");
        canary_destroy(c);
        c = create(singles, second[i], "later");
        ok(canary_now(c).calls - canary_now(c).done == left[i], "%d of %d are to be asked", left[i], canary_now(c).calls);
        if (i == 0)
            ok(canary_verdict(c, 0).read && canary_verdict(c, 0).score_is == 4, "with the verdict that came then");
        answer(c, replies, &asked);
        ok(canary_now(c).done == canary_now(c).calls, "all are there");
        canary_destroy(c);
        c = create(singles, second[i], "next");
        ok(canary_now(c).done == 0, "a run that came to its end is not gone on with");
        canary_destroy(c);
    }
    buf_free(&asked);
}

static void test_single(void)
{
    const char *const replies[] = { "p81", "[[6.5]]", "p82", "[[5]]", NULL };
    struct buf asked = {0};
    struct canary *c = create(singles, 9, "a");
    answer(c, replies, &asked);
    ok(!strcmp(asked.data, "system of single-v1: p81|system of single-v1: p82|"),
       "what counts, the last line of the same, with the system text");
    struct canary_now now = canary_now(c);
    ok(now.judgments == 2 && now.calls == 2 && now.done == 2 && now.failed == 0, "all of them are done");
    struct canary_verdict a = canary_verdict(c, 0), b = canary_verdict(c, 1);
    ok(a.read && a.question_id == 81 && a.score_was == 6.5 && a.score_is == 6.5, "the same verdict");
    ok(b.read && b.question_id == 82 && b.score_was == 8 && b.score_is == 5, "another one");
    canary_destroy(c);
    const char *const mute[] = { "p81", "no idea", "p82", "[[12]]", NULL };
    c = create(singles, 9, "b");
    answer(c, mute, &asked);
    ok(canary_now(c).failed == 2 && !canary_verdict(c, 0).read && !canary_verdict(c, 1).read,
       "what cannot be read or is out of range is no verdict; no earlier reply stands in");
    canary_destroy(c);
    char first[200] = "";
    for (int i = 0; i < 3; i++) {
        char run[16];
        snprintf(run, sizeof run, "c%d", i);
        c = create(singles, 1, run);
        answer(c, replies, &asked);
        ok(canary_now(c).calls == 1 && (i == 0 || !strcmp(first, asked.data)), "one of them: the same each time");
        snprintf(first, sizeof first, "%s", asked.data);
        canary_destroy(c);
    }
    buf_free(&asked);
}

static void test_pairs(void)
{
    static const char pairs[] = G("81", "model_1", "tie") G("82", "model_2", "error") G("83", "model_2", "model_2");
    const char *const replies[] = { "one 81", "[[A]]", "two 81", "[[C]]", "one 83", "[[B]]", "two 83", "[[B]]", NULL };
    struct buf asked = {0};
    struct canary *c = create(pairs, 9, "p");
    answer(c, replies, &asked);
    ok(!strcmp(asked.data, "system of pair-v2: one 81|system of pair-v2: two 81|system of pair-v2: one 83|system of pair-v2: two 83|"),
       "both games of those that count");
    struct canary_verdict v[4];
    for (int i = 0; i < 4; i++)
        v[i] = canary_verdict(c, i);
    ok(v[0].winner_was == WINNER_MODEL_1 && v[0].winner_is == WINNER_MODEL_1 && v[1].winner_was == WINNER_TIE &&
           v[1].winner_is == WINNER_TIE,
       "A of game 1 is model_1, C a tie");
    ok(v[2].winner_was == WINNER_MODEL_2 && v[2].winner_is == WINNER_MODEL_2 && v[3].winner_was == WINNER_MODEL_2 &&
           v[3].winner_is == WINNER_MODEL_1,
       "B of game 2 is model_1");
    canary_destroy(c);
    buf_free(&asked);
}

int main(void)
{
    static const char prompt_file[] = P("single-v1", "single", "[[rating]]") P("pair-v2", "pairwise", "[[A]]");
    char path[] = "/tmp/mtbench-canary-XXXXXX";
    struct manifest m = {0};
    if (mkstemp(path) < 0 || judge_prompts_parse("prompts", prompt_file, strlen(prompt_file), &prompts, &err) < 0 ||
        !(journal = call_journal_open(path, &m, &err)))
        return fprintf(stderr, "%s\n", err.text), 1;
    test_single();
    test_go_on();
    test_pairs();
    ok(!create("", 3, "e") && err.kind == ERR_USAGE, "an empty file: %s", err.text);
    ok(!create("{\"question_id\": 1}\n", 3, "f") && err.kind == ERR_FORMAT, "no judgment: %s", err.text);
    call_journal_close(journal);
    judge_prompts_free(&prompts);
    unlink(path);
    return done_testing();
}
