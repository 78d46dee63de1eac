/* plan_text.c - a plan in words: what is left out where it is nothing, one and many, durations, prices that are known, given or missing. */
#include "mtbench/plan_text.h"

#include "tap.h"

#include <string.h>

static struct buf out;

static bool says(const char *words)
{
    return out.len && strstr(out.data, words);
}

static void answers(const struct answers_plan *p)
{
    buf_clear(&out);
    plan_put_answers(&out, p, &(struct plan_time){ 0 }, 2048);
}

static void test_answers(void)
{
    struct answers_plan p = { .turns = 160, .done = 160, .prompt_tokens = 7, .rate = 100 };
    answers(&p);
    ok(says("160 turns, 160 done, 0 to come") && !says("time") && !says("context"), "all done: one line");
    p = (struct answers_plan){ .turns = 160, .done = 10, .prompt_tokens = 9000, .expected = 6000, .most = 153600 };
    answers(&p);
    ok(says("150 to come: 9000 tokens in first prompts, about 6000 new tokens, at most 153600\n") && says("time      unknown"),
       "no speed is known yet");
    static const struct { double rate; const char *words; } time[] = {
        { 1000, "about 6 s at 1000 tok/s" }, { 101, "about 59 s at" }, { 100, "about 1 min 0 s at" }, { 2, "about 50 min 0 s at" },
        { 1, "about 1 h 40 min at" },
    };
    for (size_t i = 0; i < sizeof time / sizeof *time; i++) {
        p.rate = time[i].rate;
        answers(&p);
        ok(says(time[i].words), "%s", time[i].words);
    }
    p.tight = 1;
    answers(&p);
    ok(says(" 1 question may outgrow the context of 2048 tokens"), "one question that may outgrow its context");
    p.tight = 2;
    answers(&p);
    ok(says(" 2 questions may outgrow"), "two of them");
}

static void judge(const struct judge_plan *p, const struct judge_opts *o, long to_come)
{
    buf_clear(&out);
    plan_put_judge(&out, p, o, to_come, 8192);
}

static void test_judge(void)
{
    struct judge_opts o = { .judge_model = "j", .data_dir = "data", .mode = MODE_PAIRWISE_BASELINE, .parallel = 4, .max_tokens = 2048 };
    struct judge_plan p = { .judgments = 80, .done = 80, .price_in = 1, .price_out = 2 };
    judge(&p, &o, 0);
    ok(!strcmp(out.data, "judge     j, pairwise-baseline: 80 judgments, 80 done, 0 calls to come\n"), "all done: one line, no price");
    p = (struct judge_plan){ .judgments = 80, .done = 60, .unanswered = 3, .calls = 40, .tokens_in = 1000000, .tokens_out = 500000,
                             .most_in = 1000000, .most_out = 2000000, .price_in = 1, .price_out = 2 };
    judge(&p, &o, 5);
    ok(says("40 calls to come; 3 have no answer to judge\n") && says("estimated from their bytes; answers to come taken"),
       "estimates say that they are some");
    ok(says("price     about $ 2.00, at most $ 5.00 (per million tokens $ 1 in, $ 2 out, data/prices.txt)\n") && !says("time"),
       "the price, and whose");
    o.given_price_out = true;
    judge(&p, &o, 5);
    ok(says("$ 2 out, out as given, in data/prices.txt)\n"), "of two prices, which one is the file's");
    o.given_price_in = true;
    o.max_cost = 2;
    o.fallback = "other";
    p.spent = 0.5;
    p.seconds = 3;
    judge(&p, &o, 0);
    ok(says("as given); spent so far $ 0.50\n") && says("--max-cost 2 would stop it") && says("other is asked in its place"),
       "what was spent counts against the limit; a fallback is on top");
    ok(says("time      about 30 s at 3.0 s a call, as so far, 4 in flight\n"), "ten waves of four calls");
    p.price_in = -1;
    judge(&p, &o, 0);
    ok(says("price     unknown; give --price-in and --price-out, or a line for j in data/prices.txt\n") && !says("$ 0.00"),
       "an unknown price is none");
    o.judge_path = "weights";
    p.counted = true;
    p.too_long = 1;
    p.tight = 2;
    judge(&p, &o, 0);
    ok(says("counted with its tokenizer") && says(" 1 prompt does not fit the judge's context of 8192") && !says("price") && !says("time"),
       "a local judge costs nothing, and its context is known");
    ok(says(" 2 prompts leave less than --judge-max-tokens 2048"), "prompts that leave little room");
}

int main(void)
{
    test_answers();
    test_judge();
    buf_free(&out);
    return done_testing();
}
