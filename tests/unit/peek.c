/* peek.c - prompts as lines of JSON: of questions and their later turns, of messages and plain texts, with the best next tokens. */
#include "mtbench/peek.h"

#include "mtbench/json.h"

#include "tap.h"
#include "tiny.h"

static struct tiny tiny;
static struct err err;
static cJSON *line;                      /* the last line written */
static int n_lines;

static int run(int (*f)(const struct peek *o, struct err *err), struct peek o)
{
    char *text = NULL;
    size_t n = 0;
    o.rig = &tiny.rig;
    o.out = open_memstream(&text, &n);
    err = (struct err){0};
    const int rc = f(&o, &err);
    fclose(o.out);
    cJSON_Delete(line);
    line = NULL;
    n_lines = 0;
    for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n"), n_lines++) {
        cJSON_Delete(line);
        line = json_parse(at, strlen(at), NULL);
    }
    free(text);
    return rc;
}

static bool prompt_is(const char *want)
{
    const cJSON *p = json_get(line, "prompt");
    return cJSON_IsString(p) && !strcmp(p->valuestring, want);
}

static int count(const char *name)
{
    return cJSON_GetArraySize(json_get(line, name));
}

/* A file of the model's folder, forgotten with it; caller frees the path. */
static char *put(const char *name, const char *text)
{
    tiny_put(&tiny, name, text, strlen(text));
    return xasprintf("%s/%s", tiny.folder, name);
}

static void test_questions(void)
{
    char *questions = put("question.jsonl", "{\"question_id\": 7, \"category\": \"math\", \"turns\": [\"one\", \"two\"]}\n");
    char *answers = put("a.jsonl", "{\"question_id\": 7, \"model_id\": \"m\", "
                                   "\"choices\": [{\"index\": 0, \"turns\": [\"said\", \"x\"]}]}\n");
    char *word = "spoken";
    struct peek o = { .bench_name = ".", .data_dir = tiny.folder, .question = 7, .turn = 1 };
    ok(run(peek_question, o) == 0 && n_lines == 1 && prompt_is("<s>u:one\na:") && count("ids") > 8 && count("stop_ids") == 1 &&
           !json_get(line, "top"),
       "the first turn %s", err.text);
    o.turn = 2;
    o.answer = (struct opt_list){ &word, 1 };
    ok(run(peek_question, o) == 0 && prompt_is("<s>u:one\na:spoken\nu:two\na:"), "the second, behind an answer that was given");
    o.answer.n = 0;
    o.answer_file = answers;
    ok(run(peek_question, o) == 0 && prompt_is("<s>u:one\na:said\nu:two\na:"), "or one that was read");
    o.turn = 3;
    ok(run(peek_question, o) == -1 && strstr(err.text, "--question 7: has no such turn") && n_lines == 0, "no third turn: %s", err.text);
    o.question = 8;
    ok(run(peek_question, o) == -1 && strstr(err.text, "--question 8: is not in"), "no such question: %s", err.text);
    unlink(questions), unlink(answers);
    free(questions), free(answers);
}

static void test_lines(void)
{
    char *messages = put("m.jsonl", "[{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"u\"}]\n"
                                    "[{\"role\": \"user\", \"content\": \"v\"}]\n[{\"role\": \"user\"}]\n");
    char *text = put("t.jsonl", "\"<s>ab\"\n\"c\"\n");
    ok(run(peek_lines, (struct peek){ .messages = messages }) == -1 && n_lines == 2 && prompt_is("<s>u:v\na:") &&
           strstr(err.text, "m.jsonl:3: message 1 lacks"),
       "a prompt for each list, until one is none: %s", err.text);
    ok(run(peek_lines, (struct peek){ .text = messages }) == -1 && strstr(err.text, "m.jsonl:1: no JSON string"), "no text: %s", err.text);
    ok(run(peek_lines, (struct peek){ .text = text }) == 0 && n_lines == 2 && count("ids") == 1 && !json_get(line, "prompt") &&
           !json_get(line, "stop_ids"),
       "texts as they are");
    ok(run(peek_lines, (struct peek){ .text = "/tmp/mtbench-no-such-file" }) == -1, "no file: %s", err.text);
    unlink(messages), unlink(text);
    free(messages), free(text);
}

static void test_top(void)
{
    char *text = put("t.jsonl", "\"abc\"\n");
    bool falling = true, named = true;
    ok(run(peek_lines, (struct peek){ .text = text, .top = 5 }) == 0 && count("top") == 5 && count("top_texts") == 5, "five next tokens %s",
       err.text);
    for (int i = 0; i < 5; i++) {
        const cJSON *top = json_get(line, "top"), *t = cJSON_GetArrayItem(top, i), *before = i ? cJSON_GetArrayItem(top, i - 1) : NULL;
        falling &= !before || cJSON_GetArrayItem(t, 1)->valuedouble <= cJSON_GetArrayItem(before, 1)->valuedouble;
        named &= cJSON_IsString(cJSON_GetArrayItem(json_get(line, "top_texts"), i));
    }
    ok(falling && named, "best first, each with its text");
    ok(run(peek_lines, (struct peek){ .text = text, .top = 1000 }) == 0 && count("top") == tiny.rig.model->config.n_vocab,
       "no more of them than there are");
    unlink(text);
    free(text);
}

int main(void)
{
    if (ok(tiny_open(&tiny, NULL, NULL, (struct rig_opts){ .max_batch = 1 }, &err) == 0, "a tiny model opens %s", err.text)) {
        test_questions();
        test_lines();
        test_top();
        cJSON_Delete(line);
    }
    tiny_close(&tiny);
    return done_testing();
}
