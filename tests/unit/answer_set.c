/* answer_set.c - answers of many models: files, folders, answers that arrive later. */
#include "folder.h"
#include "tap.h"

#include "mtbench/answer_set.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;
#define LINE(id, \
    turns) "{\"question_id\": " id ", \"answer_id\": \"x\", \"model_id\": \"ignored\", \"choices\": [{\"index\": 0, \"turns\": " turns \
    "}], \"tstamp\": 1.0}\n"

static void test_parse(void)
{
    struct model_answers m = {0};
    const char *text = LINE("90", "[\"late\"]") LINE("81", "[\"old\", \"2\"]") LINE("81", "[\"new \\u00e9\\n\", null]") LINE("85",
        "[\"a\", \"b\", \"c\"]");
    ok(model_answers_parse("f", text, strlen(text), &m, &err) == 0 && m.n == 3, "three questions: %s", err.text);
    ok(m.answer[0].question_id == 81 && m.answer[1].question_id == 85 && m.answer[2].question_id == 90, "sorted by question");
    ok(!strcmp(m.answer[0].turn[0], "new \u00e9\n") && !strcmp(m.answer[0].turn[1], "$ERROR$"), "the last line counts; null is no answer");
    ok(answer_set_find(&m, 85)->n_turns == 3 && !answer_set_find(&m, 86) && !answer_set_find(&m, 1) && !answer_set_find(&m, 99),
        "found by question, or not");
    model_answers_free(&m);
    text = "{\"question_id\": 1, \"choices\": [{\"turns\": [\"x\"], \"turns\": [\"y\"]}, {\"turns\": [\"z\"]}, 5], \"choices\": "
           "[{\"index\": 0, \"turns\": [\"w\"]}, {\"turns\": 7}]}";
    ok(model_answers_parse("f", text, strlen(text), &m, &err) == 0 && !strcmp(m.answer[0].turn[0], "w"),
        "the first choice of the last key counts: %s", err.text);
    model_answers_free(&m);
    text = "\xef\xbb\xbf" LINE("1", "[\"a\"]") "\r\n" LINE("2", "[\"b\"]") "\n \n";
    ok(model_answers_parse("f", text, strlen(text), &m, &err) == 0 && m.n == 2,
       "a byte order mark and blank lines, as editors leave them: %s", err.text);
    model_answers_free(&m);
    text = LINE("1", "[\"O\\u0000K\"]");
    ok(model_answers_parse("f", text, strlen(text), &m, &err) == 0 && !strcmp(m.answer[0].turn[0], "O\xc0\x80K"),
       "an answer with NUL is whole: %s", err.text);
    model_answers_free(&m);
}

static const struct { const char *text, *message;
} refused[] = {
    {"\r\n\n[]", "f:3"},
    {LINE("1", "[\"a\"]") "[]", "f:2"},
    {"{\"question_id\": 1}", "no \"question_id\", or no \"choices\""},
    {LINE("1", "[]"), "no \"question_id\", or"},
    {LINE("1.5", "[\"a\"]"), "no whole number"},
    {LINE("\"1\"", "[\"a\"]"), "no whole number"},
    {LINE("1", "[5]"), "no string"},
    {LINE("1", "[\"\\ud800\"]"), "surrogate"},
    {"{\"question_id\": 1, \"choices\": []}", "f:1"},
    {"{\"question_id\": 1, \"choices\": [{\"turns\": [\"a\"]}", "comma"},
    {"{\"question_id\": 1, \"choices\": [{\"turns\": [\"a\"]}", "f:1"},
    {"{\"question_id\": 1, \"choices\": [{\"turns\": [\"a", "without an end"},
    {LINE("1", "[nul]"), "no value"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct model_answers m = {0};
        int rc = model_answers_parse("f", refused[i].text, strlen(refused[i].text), &m, &err);
        ok(rc < 0 && err.kind == ERR_FORMAT && strstr(err.text, refused[i].message) && m.n == 0, "refused: %s", err.text);
        model_answers_free(&m);
    }
}

static void put(const char *folder, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder, name);
    if (io_make_parents(path, &err) < 0 || io_replace(path, text, strlen(text), &err) < 0)
        printf("Bail out! %s\n", err.text);
    free(path);
}

static void test_folder(void)
{
    char folder[] = "/tmp/mtbench-answers-XXXXXX";
    if (!mkdtemp(folder)) {
        ok(0, "a folder for the test");
        return;
    }
    put(folder, "zeta.jsonl", LINE("1", "[\"z\"]"));
    put(folder, "Alpha-7b.v1.jsonl", LINE("1", "[\"a\"]"));
    put(folder, "notes.txt", "no answers");
    put(folder, ".hidden.jsonl", "no answers");
    put(folder, "org/model.jsonl", LINE("1", "[\"o\"]"));
    struct answer_set s = {0};
    ok(answer_set_read(&s, folder, NULL, 0, &err) == 0 && s.n == 2 && !strcmp(s.model[0].model, "Alpha-7b.v1") &&
           !strcmp(s.model[1].model, "zeta"),
       "all files of the folder in the order of their names: %s", err.text);
    answer_set_free(&s);
    const char *name[] = { "zeta", "org/model", "zeta" };
    ok(answer_set_read(&s, folder, name, 3, &err) == 0 && s.n == 2 && !strcmp(s.model[1].model, "org/model") && answer_set_model(&s,
        "zeta") == &s.model[0] &&
       !answer_set_model(&s, "alpha"), "files by name, each once: %s", err.text);
    answer_set_free(&s);
    const char *gone = "gone";
    ok(answer_set_read(&s, folder, &gone, 1, &err) < 0 && err.kind == ERR_IO && strstr(err.text, "gone.jsonl"), "a missing file: %s",
       err.text);
    ok(answer_set_read(&s, own("none"), NULL, 0, &err) < 0 && err.kind == ERR_IO && strstr(err.text, own("none")),
       "a missing folder: %s", err.text);
    char *rm = xasprintf("rm -r %s", folder);
    ok(system(rm) == 0, "the folder is gone");
    free(rm);
}

static void test_add(void)
{
    struct answer_set s = {0};
    const char *turn[] = { "one", "two" };
    for (int id = 50; id > 0; id--)
        answer_set_add(&s, id % 2 ? "odd" : "even", id, turn, 1);
    answer_set_add(&s, "odd", 7, turn, 2);
    const struct model_answers *odd = answer_set_model(&s, "odd");
    int sorted = odd->n == 25;
    for (int i = 0; i < odd->n; i++)
        sorted &= odd->answer[i].question_id == 2 * i + 1;
    ok(s.n == 2 && sorted, "answers arrive in any order and lie sorted");
    ok(answer_set_find(odd, 7)->n_turns == 2 && answer_set_find(odd, 9)->n_turns == 1, "a second answer replaces the first");
    answer_set_free(&s);
    ok(!answer_is_failure("") && answer_is_failure("ERROR") && answer_is_failure("$ERROR$") && !answer_is_failure("ERROR 5") &&
        !answer_is_failure(" "),
       "traces of failures");
}

int main(void)
{
    test_parse();
    test_refused();
    test_folder();
    test_add();
    return done_testing();
}
