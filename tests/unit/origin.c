/* origin.c - where answers and judgments come from: what journals and manifests tell, and that nothing is made up where there are none. */
#include "../../src/report/origin.h"

#include "mtbench/journal.h"

#include "folder.h"
#include "tap.h"

#include <math.h>

static struct err err;

static char *answers(const char *model)
{
    static char path[2][300];
    static int at;
    at = !at;
    snprintf(path[at], sizeof path[at], "%s/b/model_answer/%s.jsonl", own_dir(), model);
    return path[at];
}

static struct manifest manifest(void)
{
    struct manifest m = {0};
    manifest_add(&m, true, "sampler", "top_k 50, top_p 1");
    manifest_add(&m, true, "seed", "7");
    manifest_add(&m, false, "program", "mtbench 0.1.0");
    return m;
}

static struct turn_record turn(int64_t question, int choice, int number, enum turn_status status)
{
    struct turn_record t = { .question_id = question, .choice = choice, .turn = number, .status = status, .text = status ? "" : "x",
                             .reason = status ? "no room \"here\"" : NULL, .finish = status ? NULL : "stop", .n_prompt = 20, .n_new = 5,
                             .temperature = 0.7, .top_p = 1, .top_k = 50, .repetition_penalty = 1, .seconds = 2, .tstamp = 9, .rank = 3 };
    memset(t.prompt_sha256, 'a', 64);
    return t;
}

static void make_journal(const char *model)
{
    char *path = journal_path(answers(model));
    struct manifest m = manifest();
    const struct turn_record records[] = {
        turn(82, 0, 1, TURN_OK), turn(81, 0, 2, TURN_FAILED), turn(81, 0, 1, TURN_OK), turn(81, 0, 2, TURN_OK),
        turn(81, 1, 1, TURN_TOO_LONG),
        turn(9007199254740991, 0, 1, TURN_FAILED), turn(9007199254740991, 0, 1, TURN_FAILED),
    };
    own_put("b/model_answer/.made", "");
    struct journal *j = journal_open(path, &m, &err);
    ok(j && journal_begin(j, &m, &err) == 0, "a journal%s", err.text);
    for (size_t i = 0; i < sizeof records / sizeof *records; i++)
        journal_append(j, &records[i]);
    struct turn_record cut = turn(82, 0, 2, TURN_OK);
    cut.finish = "length";
    cut.energy_j = 1.5;
    journal_append(j, &cut);
    journal_sync(j, &err);
    journal_close(j);
    manifest_free(&m);
    free(path);
}

static void test_turns(void)
{
    struct origin o;
    make_journal("own");
    origin_read(&o, answers("own"));
    ok(o.kind == ORIGIN_TURNS && !o.trouble && o.n == 6, "a turn each: %d", o.n);
    ok(!strcmp(origin_fact(&o.facts, "sampler"), "top_k 50, top_p 1") && !origin_fact(&o.facts, "weights"),
       "facts, and none that is not there");
    const struct origin_turn *t = origin_find(&o, 81, 0, 2);
    ok(t && t->ok && t->records == 2 && !t->reason && !strcmp(t->status, "ok"), "made at the second try: the first failure is history");
    ok(t && t->prompt_sha256[63] == 'a' && t->n_new == 5 && t->top_k == 50 && fabs(t->temperature - 0.7) < 1e-6 && t->rank == 3 &&
           isnan(t->energy_j) && isnan(t->cost) && !t->cut, "hash, tokens, sampler; energy and price that nobody measured are none");
    t = origin_find(&o, 81, 1, 1);
    ok(t && !t->ok && !strcmp(t->status, "too_long") && !strcmp(t->reason, "no room \"here\"") && !t->finish,
       "one that failed: %s", t->reason);
    t = origin_find(&o, 9007199254740991, 0, 1);
    ok(t && !t->ok && t->records == 2, "one that failed twice is one");
    t = origin_find(&o, 82, 0, 2);
    ok(t && t->cut && t->energy_j == 1.5, "one that ran into the limit");
    ok(!origin_find(&o, 82, 0, 3) && !origin_find(&o, 83, 0, 1) && !origin_find(&o, 1, 0, 1), "others are not recorded");
    origin_free(&o);
}

static void test_without(void)
{
    struct origin o;
    origin_read(&o, answers("foreign"));
    ok(o.kind == ORIGIN_NONE && !o.n && !o.trouble && !origin_fact(&o.facts, "seed") && !origin_find(&o, 81, 0, 1), "no journal, no words");
    origin_free(&o);
    own_put("b/model_answer/copied.manifest", "{\"identity\": {\"seed\": \"3\"}, \"info\": {\"weights\": \"F16\"}}\n");
    origin_read(&o, answers("copied"));
    ok(o.kind == ORIGIN_NONE && origin_fact(&o.facts, "seed") && !strcmp(origin_fact(&o.facts, "weights"), "F16") &&
           o.facts.fact[0].identity && !o.facts.fact[1].identity, "a manifest alone tells what it has");
    origin_free(&o);
    own_put("b/model_answer/odd.journal", "not a journal\n");
    origin_read(&o, answers("odd"));
    ok(o.kind == ORIGIN_NONE && !o.n && o.trouble && strstr(o.trouble, "odd.journal"), "what is none is told: %s", o.trouble);
    origin_free(&o);
    own_put("b/model_answer/empty.journal", "");
    origin_read(&o, answers("empty"));
    ok(!o.n && !origin_fact(&o.facts, "seed"), "an empty one is of nothing%s%s", o.trouble ? ": " : "", o.trouble ? o.trouble : "");
    origin_free(&o);
}

static void put_calls(const char *file, const struct call_record *r, int n)
{
    char path[300];
    struct manifest m = {0};
    manifest_add(&m, false, "judge_prompts_sha256", "beef");
    snprintf(path, sizeof path, "%s/b/%s", own_dir(), file);
    struct call_journal *j = call_journal_open(path, &m, &err);
    ok(j != NULL, "a journal of calls%s", err.text);
    for (int i = 0; j && i < n; i++)
        ok(call_journal_append(j, &r[i], &err) == 0, "a call%s", err.text);
    call_journal_close(j);
    manifest_free(&m);
}

static void test_server(void)
{
    const struct call_record r[] = {
        { .key = "q81-c0-t1-abcdef", .status = CALL_FAILED, .reason = "HTTP 500", .text = "", .cost = -1, .expected_score = NAN },
        { .key = "q81-c0-t1-abcdef", .content = 1, .status = CALL_OK, .text = "x", .model = "m-0613", .finish = "max_tokens",
          .tokens_in = 3, .tokens_out = 4, .sent = "{\"temperature\": 0.25, \"max_tokens\": 9}", .cost = 0.5, .expected_score = NAN },
        { .key = "elsewhere", .status = CALL_OK, .text = "x", .cost = -1, .expected_score = NAN },
    };
    struct origin o;
    put_calls("model_answer/served.journal", r, 3);
    origin_read(&o, answers("served"));
    const struct origin_turn *t = origin_find(&o, 81, 0, 1);
    ok(o.kind == ORIGIN_CALLS && o.n == 1 && t && t->ok && t->records == 2 && t->cut && t->temperature == 0.25 && t->n_new == 4 &&
           t->cost == 0.5 && t->top_k == -1 && isnan(t->top_p) && !*t->prompt_sha256 && !strcmp(t->server_model, "m-0613"),
       "a server's answer: what was sent, what it cost, and that it was cut, in the server's word");
    origin_free(&o);
}

static void test_judges(void)
{
    struct game_name g = { "j", "single-v1", "a/b", NULL, 81, 2, 1, 1 };
    char key[CALL_KEY_MAX + 1], stand_in[CALL_KEY_MAX + 1];
    game_key(&g, key);
    g.question_id = 82;
    game_key(&g, stand_in);
    const struct call_record r[] = {
        { .key = key, .status = CALL_OK, .text = "x", .tokens_in = 7, .tokens_out = 1, .cost = 0.25, .expected_score = NAN },
        { .key = key, .content = 2, .status = CALL_REFUSED, .reason = "it will not", .text = "", .cost = 0.25, .expected_score = NAN },
        { .key = stand_in, .status = CALL_OK, .text = "x", .judge = "other", .cost = -1, .expected_score = NAN },
    };
    struct origin_calls c;
    put_calls("model_judgment/j_single.journal", r, 3);
    put_calls("model_judgment/j_single.canary.journal", r, 3);
    own_put("b/model_judgment/k_single.journal", "rubbish\n");
    origin_calls_read(&c, own_dir(), "b");
    ok(c.n == 2 && c.n_journals == 2 && !strcmp(c.journal[0].name, "j_single.journal"), "two games; a canary's journal is passed over");
    ok(c.journal[1].trouble && !c.journal[0].trouble && !strcmp(origin_fact(&c.journal[0].facts, "judge_prompts_sha256"), "beef"),
       "one that is none is told: %s", c.journal[1].trouble);
    ok(c.journal[0].totals.calls == 3 && c.journal[0].totals.cost == 0.5, "paid calls are counted, superseded ones too");
    g.question_id = 81;
    const struct origin_call *call = origin_calls_find(&c, &g, NULL);
    ok(call && call->ok && call->records == 2 && call->tokens_in == 7, "the reply that came stays the last word");
    g.question_id = 82;
    g.judge = "other";
    call = origin_calls_find(&c, &g, "j");
    ok(call && call->stand_in && !strcmp(call->stand_in, "other") && !origin_calls_find(&c, &g, NULL),
       "a stand-in is found by whose file it is");
    g.repeat = 2;
    ok(!origin_calls_find(&c, &g, "j"), "another repeat is not recorded");
    origin_calls_free(&c);
    origin_calls_read(&c, own_dir(), "nowhere");
    ok(!c.n && !c.n_journals && !origin_calls_find(&c, &g, "j"), "no folder, no calls");
    origin_calls_free(&c);
}

int main(void)
{
    test_turns();
    test_without();
    test_server();
    test_judges();
    return done_testing();
}
