/* showing.c - what is shown for what was asked: which files are read, which view is made, in which form, and what is refused. */
#include "mtbench/showing.h"

#include "mtbench/io.h"

#include "folder.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct buf out;
static struct err err;

/* Two models, two questions with two turns each; 'add' makes one judge kinder than another. */
static void put_judgments(const char *file, const char *judge, int add)
{
    struct buf b = {0};
    for (int q = 1; q <= 2; q++)
        for (int m = 0; m < 2; m++)
            for (int turn = 1; turn <= 2; turn++)
                buf_printf(&b,
                           "{\"question_id\": %d, \"model\": \"%s\", \"judge\": [\"%s\", \"single-v1\"], \"user_prompt\": \"p\", "
                           "\"judgment\": \"Rating: [[%d]]\", \"score\": %d, \"turn\": %d, \"tstamp\": 1.0}\n",
                           q, m ? "org_b" : "a", judge, q + m + add, q + m + add, turn);
    char name[200];
    snprintf(name, sizeof name, "b/%s", file);
    own_put(name, b.data);
    buf_free(&b);
}

static struct showing usual(void)
{
    return (struct showing){ .bench_name = "b", .data_dir = own_dir(), .baseline_model = "a", .repeat = 1 };
}

static int show(const struct showing *o)
{
    buf_clear(&out);
    err = (struct err){0};
    return showing_put(&out, o, &err);
}

static bool says(const char *words)
{
    return out.len && strstr(out.data, words);
}

static void test_files(void)
{
    struct showing o = usual();
    ok(show(&o) == -1 && strstr(err.text, "judge first") && !out.len, "no judgments: %s", err.text);
    put_judgments("model_judgment/strict_single.jsonl", "strict", 0);
    ok(show(&o) == 0 && says("judge: strict"), "the only judge there is");
    put_judgments("model_judgment/gpt-4_single.jsonl", "gpt-4", 2);
    ok(show(&o) == 0 && says("judge: gpt-4") && says("4.50"), "the usual one, if it is there");
    o.input_file = "/tmp/mtbench-no-such-file.jsonl";
    ok(show(&o) == -1 && !strncmp(err.text, "--input-file /tmp", 17), "a missing file goes by its flag: %s", err.text);
    o.input_file = NULL;
    o.repeat = 2;
    ok(show(&o) == -1 && strstr(err.text, "repeat2"), "a repeat that is not there: %s", err.text);
}

static void test_models(void)
{
    char name[] = "org/b", *word[] = { name, "a" };
    struct showing o = usual();
    o.model_list = (struct opt_list){ word, 1 };
    ok(show(&o) == 0 && says("org_b") && !says("\na "), "ORG/NAME is the model of the files that say ORG_NAME");
    o.model_list.n = 0;
    o.compare = (struct opt_list){ word, 2 };
    ok(show(&o) == 0 && says("1.00"), "the difference of two");
    word[1] = "nobody";
    ok(show(&o) == -1 && strstr(err.text, "nobody"), "a model without judgments: %s", err.text);
}

static void test_views(void)
{
    char *all = "all", *id = "1", *both[] = { "strict", "gpt-4" };
    struct showing o = usual();
    o.by = BY_TURN;
    ok(show(&o) == 0 && says("turn"), "by turn");
    o.by = BY_CATEGORY;
    ok(show(&o) == -1 && strstr(err.text, "question.jsonl"), "categories need the questions: %s", err.text);
    own_put("b/question.jsonl", "{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"one?\", \"two?\"]}\n"
                                "{\"question_id\": 2, \"category\": \"writing\", \"turns\": [\"three?\", \"four?\"]}\n");
    ok(show(&o) == 0 && says("math") && says("writing"), "by category");
    o = usual();
    o.judges = (struct opt_list){ &all, 1 };
    ok(showing_panel(&o) && show(&o) == 0 && says("strict") && says("gpt-4"), "all judges side by side");
    o.judges = (struct opt_list){ both, 2 };
    o.format = SHOW_CSV;
    ok(showing_panel(&o) && show(&o) == 0 && says("\na,strict,"), "as CSV: a line for each: %s", out.data);
    o = usual();
    ok(!showing_panel(&o), "one judge is no panel");
    o.transcript = (struct opt_list){ &id, 1 };
    ok(show(&o) == 0 && says("one?") && !says("three?") && says("Rating"), "the texts of a question, without any answers");
}

static void test_forms(void)
{
    struct showing o = usual();
    o.format = SHOW_JSON;
    ok(show(&o) == 0 && out.data[0] == '{' && says("\"a\""), "JSON");
    o.format = SHOW_FASTCHAT;
    ok(show(&o) == 0 && says("Mode: single\nInput file: ") && says("First turn"), "FastChat's layout");
    o.mode = SHOW_ALL;
    ok(show(&o) == -1 && !out.len, "pairs, of which there are none: %s", err.text);
}

int main(void)
{
    test_files();
    test_models();
    test_views();
    test_forms();
    buf_free(&out);
    return done_testing();
}
