/* answer_facts.c - judgments that belong to older answers, whatever way their prompt is spelled, and answers that the token limit cut. */
#include "mtbench/answer_facts.h"

#include "mtbench/io.h"
#include "mtbench/journal.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static char folder[] = "/tmp/mtbench-facts-XXXXXX";
static struct err err;

static void put(const char *name, const char *text)
{
    char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (io_replace(path, text, strlen(text), &err) < 0)
        printf("# %s\n", err.text);
}

#define SINGLE(model, question, turn, prompt)                                                                                              \
    "{\"question_id\": " question ", \"model\": \"" model "\", \"judge\": [\"j\", \"p\"], \"user_prompt\": \"" prompt                      \
    "\", \"judgment\": \"\", \"score\": 5, \"turn\": " turn "}\n"

static struct answer_facts read_facts(const struct answer_set *answers, const char *judgments)
{
    struct answer_facts f;
    char path[200];
    put("j.jsonl", judgments);
    snprintf(path, sizeof path, "%s/j.jsonl", folder);
    ok(answer_facts_read(&f, path, answers, folder, &err) == 0, "read%s", err.text);
    return f;
}

static void test_outdated(const struct answer_set *answers)
{
    struct answer_facts f = read_facts(
        answers,
        SINGLE("anna", "81", "1", "Q [A thing.\\n\\\"two\\\" \\u00e9\\ud83d\\ude00] end") SINGLE("anna", "81", "2", "Because.")
            SINGLE("anna", "81", "1", "[A thing.\\n\\\"two\\\" \xc3\xa9\xf0\x9f\x98\x80]") SINGLE("anna", "82", "1", "no answer here")
                SINGLE("bert", "81", "1", "an empty one shows in any prompt") SINGLE("gone", "81", "1", "?") "no JSON\n");
    ok(f.outdated == 0 && !f.outdated_models, "prompts that show the answers, as ASCII and as UTF-8; others are passed over");
    answer_facts_free(&f);
    f = read_facts(answers,
                   SINGLE("anna", "81", "1", "A thing. two") SINGLE("anna", "81", "2", "Because.") SINGLE("bert", "81", "2", "Always."));
    ok(f.outdated == 2 && !strcmp(f.outdated_models, "anna, bert"), "%ld judgments of other answers, of %s", f.outdated, f.outdated_models);
    answer_facts_free(&f);
    f = read_facts(answers, SINGLE("anna", "81", "NaN", "?") SINGLE("anna", "81", "1.5", "?") SINGLE("anna", "81", "-1", "?")
                   SINGLE("anna", "81", "Infinity", "?") SINGLE("anna", "NaN", "1", "?") SINGLE("anna", "1e300", "1", "?")
                   SINGLE("anna", "81", "1e300", "?"));
    ok(f.outdated == 0, "turns and questions that are no whole numbers name no answer");
    answer_facts_free(&f);
    f = read_facts(
        answers,
        "{\"question_id\": 81, \"model_1\": \"anna\", \"model_2\": \"bert\", \"g1_user_prompt\": \"Because. Ever.\", \"turn\": 2}\n");
    ok(f.outdated == 1 && !strcmp(f.outdated_models, "bert"), "a pair with one answer that is another now");
    answer_facts_free(&f);
}

static void test_cut(const struct answer_set *answers)
{
    char path[200];
    struct manifest m = {0};
    snprintf(path, sizeof path, "%s/anna.journal", folder);
    struct journal *j = journal_open(path, &m, &err);
    for (int t = 1; t <= 2; t++) {
        struct turn_record r = { .question_id = 81, .turn = t, .text = "x", .finish = t == 2 ? "length" : "stop", .tstamp = 1 };
        if (t == 1)
            journal_begin(j, &m, &err);
        journal_append(j, &r);
    }
    ok(journal_sync(j, &err) == 0, "a journal%s", err.text);
    journal_close(j);
    put("bert.journal", "{\"calls\": \"of another kind\"}\n");
    struct answer_facts f = read_facts(answers, "");
    ok(f.cut == 1 && !strcmp(f.cut_models, "1 of anna"), "cut: %s; other journals say nothing", f.cut_models ? f.cut_models : "none");
    answer_facts_free(&f);
    manifest_free(&m);
}

int main(void)
{
    struct answer_set answers = {0};
    char command[100];
    if (!mkdtemp(folder))
        return 1;
    answer_set_add(&answers, "anna", 81, (const char *const[]){ "A thing.\n\"two\" \xc3\xa9\xf0\x9f\x98\x80", "Because." }, 2);
    answer_set_add(&answers, "bert", 81, (const char *const[]){ "", "Never." }, 2);
    test_outdated(&answers);
    test_cut(&answers);
    answer_set_free(&answers);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ok(system(command) == 0, "swept");
    return done_testing();
}
