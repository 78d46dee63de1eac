/* judge_inputs.c - what judging reads: whom it judges, and where it would write. */
#include "mtbench/judge_inputs.h"

#include "mtbench/io.h"

#include "folder.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static struct err err;

#define ANSWER(q) "{\"question_id\": " q ", \"answer_id\": \"x\", \"choices\": [{\"index\": 0, \"turns\": [\"one\"]}], \"tstamp\": 1.0}\n"
#define PROMPT(name, type, format, text)                                                                                                   \
    "{\"name\": \"" name "\", \"type\": \"" type "\", \"system_prompt\": \"Judge.\", \"prompt_template\": \"" text                         \
    "\", \"output_format\": \"" format "\"}\n"

static void fill(void)
{
    own_put("b/question.jsonl", "{\"question_id\": 1, \"category\": \"writing\", \"turns\": [\"Say.\"]}\n"
                            "{\"question_id\": 2, \"category\": \"stem\", \"turns\": [\"Why?\"]}\n");
    own_put("b/judge_prompts.jsonl", PROMPT("single-v1", "single", "[[rating]]", "{question} {answer}")
                                     PROMPT("pair-v2", "pairwise", "[[A]]", "{question} {answer_a} {answer_b}"));
    own_put("b/model_answer/anna.jsonl", ANSWER("1") ANSWER("2"));
    own_put("b/model_answer/bert.jsonl", ANSWER("1") ANSWER("2"));
}

static int read_inputs(struct judge_inputs *in, enum judge_mode mode, char **model, int n, const char *output, const char *coming)
{
    struct judge_opts o = { .bench_name = "b", .data_dir = own_dir(), .judge_model = "j", .baseline_model = "bert", .reference = "gpt-4",
                            .output = output, .mode = mode, .model_list = { model, n } };
    err = (struct err){0};
    return judge_inputs_read(in, &o, coming, &err);
}

static void models_are(enum judge_mode mode, char **model, int n, const char *coming, const char *want, int matches)
{
    struct judge_inputs in;
    char got[100] = "";
    int rc = read_inputs(&in, mode, model, n, NULL, coming);
    for (int i = 0; i < in.n_models; i++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", in.model[i]);
    ok(rc == 0 && !strcmp(got, want) && in.matches.n == matches, "%s, %d matches: %s, %d%s", want, matches, got, in.matches.n, err.text);
    judge_inputs_free(&in);
}

static void output_is(const char *output, int rc, const char *says)
{
    struct judge_inputs in;
    int got = read_inputs(&in, MODE_SINGLE, NULL, 0, output, NULL);
    ok(got == rc && (rc < 0 ? err.kind == ERR_USAGE && strstr(err.text, says) != NULL : !strcmp(in.output, says)), "%s: %s",
       output ? output : "no --output", got < 0 ? err.text : in.output);
    judge_inputs_free(&in);
}

int main(void)
{
    char *twice[] = { "anna", "bert", "anna" }, *both[] = { "bert", "anna" };
    fill();
    models_are(MODE_SINGLE, NULL, 0, NULL, "anna bert", 4);
    models_are(MODE_SINGLE, both, 2, NULL, "bert anna", 4);
    models_are(MODE_SINGLE, twice, 3, NULL, "anna bert", 4);
    models_are(MODE_PAIRWISE_ALL, twice, 3, NULL, "anna bert", 2);
    models_are(MODE_PAIRWISE_BASELINE, twice, 3, NULL, "anna bert", 2);
    models_are(MODE_SINGLE, NULL, 0, "cleo", "cleo", 2);
    models_are(MODE_PAIRWISE_ALL, (char *[]){ "cleo", "anna", "cleo" }, 3, "cleo", "cleo anna", 2);
    char *file = own("mine.jsonl"), *folder = own("folder.jsonl"), *usual = own("b/model_judgment/j_single.jsonl");
    mkdir(folder, 0777);
    output_is(NULL, 0, usual);
    output_is(file, 0, file);
    output_is(folder, -1, "--output");
    output_is(folder, -1, "is a folder");
    return done_testing();
}
