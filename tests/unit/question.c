/* question.c - question files: records, refusals with the line, slices as Python's, FastChat's temperatures. */
#include "mtbench/question.h"

#include "mtbench/hash.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

/* The text in a block of its exact size: a read behind it is seen. */
static int parse(const char *text, struct questions *qs)
{
    size_t n = strlen(text);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, text, n);
    err = (struct err){0};
    int rc = questions_parse("q.jsonl", copy, n, qs, &err);
    free(copy);
    return rc;
}

static void test_records(void)
{
    static const char first[] = "{\"question_id\": 81, \"category\": \"writing\", \"turns\": [\"One \\u00e9\", \"Two\"], \"reference\": "
                                "[\"R\", \"\"], \"more\": {}}";
    struct questions qs;
    char text[400], hex[65];
    snprintf(text, sizeof text, "%s\n{\"question_id\": -5, \"category\": \"math\", \"turns\": [\"a\"], \"required_temperature\": 1.25}",
             first);
    ok(parse(text, &qs) == 0 && qs.n == 2, "two questions, the last line without an end");
    ok(qs.q[0].id == 81 && !strcmp(qs.q[0].category, "writing") && qs.q[0].n_turns == 2 && !strcmp(qs.q[0].turn[0], "One \u00e9"),
       "the first one");
    ok(qs.q[0].n_reference == 2 && !strcmp(qs.q[0].reference[0], "R"), "its references");
    ok(qs.q[0].temperature == 0.7 && qs.q[1].temperature == 1.25 && qs.q[1].id == -5, "temperatures: of the category, and required");
    sha256_hex(first, strlen(first), hex);
    ok(!strcmp(qs.q[0].sha256, hex), "the hash is of the line");
    sha256_hex(text, strlen(text), hex);
    ok(!strcmp(qs.sha256, hex), "and of the file");
    questions_free(&qs);
    ok(qs.n == 0 && !qs.q, "freed");
    snprintf(text, sizeof text, "\xef\xbb\xbf%s\r\n\r\n \n", first);
    ok(parse(text, &qs) == 0 && qs.n == 1, "a byte order mark, CR and blank lines are passed over: %s", err.text);
    sha256_hex(first, strlen(first), hex);
    ok(!strcmp(qs.q[0].sha256, hex), "and the question is the same one");
    questions_free(&qs);
}

static void refused(const char *text, const char *words)
{
    struct questions qs;
    ok(parse(text, &qs) == -1 && err.kind == ERR_FORMAT && strstr(err.text, words) && strstr(err.text, "; "), "refused: %s", err.text);
}

static void test_refusals(void)
{
#define ONE "{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\"]}\n"
    refused("", "q.jsonl: no questions");
    refused(ONE "{", "q.jsonl:2: no valid JSON at column");
    refused(ONE "\r\n\xef\xbb\xbf\n" ONE, "q.jsonl:4: question_id 1 was used before");
    refused(ONE "[]", "q.jsonl:2: no JSON object");
    refused(ONE ONE, "q.jsonl:2: question_id 1 was used before");
    refused("{\"category\": \"math\", \"turns\": [\"a\"]}", "question_id");
    refused("{\"question_id\": 1.5, \"category\": \"math\", \"turns\": [\"a\"]}", "question_id");
    refused("{\"question_id\": 1e300, \"category\": \"math\", \"turns\": [\"a\"]}", "question_id");
    refused("{\"question_id\": \"1\", \"category\": \"math\", \"turns\": [\"a\"]}", "question_id");
    refused("{\"question_id\": 1, \"turns\": [\"a\"]}", "category");
    refused("{\"question_id\": 1, \"category\": \"math\"}", "no \"turns\"");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": []}", "\"turns\" is empty");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": \"a\"}", "no list of strings");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\", null]}", "no list of strings");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\"], \"reference\": [1]}", "\"reference\"");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\"], \"required_temperature\": \"hot\"}", "required_temperature");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\"], \"required_temperature\": -1}", "required_temperature");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a\"], \"required_temperature\": 1e999}", "required_temperature");
    refused("{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"\xff\"]}", "q.jsonl:1: byte 51 is no UTF-8");
}

/* What lines[begin:end][:first] is in Python for 5 lines, worked out by Python. */
static void slice(struct slicing s, const char *want)
{
    struct questions qs;
    char text[500] = "", got[20] = "";
    for (int i = 0; i < 5; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "{\"question_id\": %d, \"category\": \"math\", \"turns\": [\"a\"]}\n", i);
    parse(text, &qs);
    int rc = questions_slice(&qs, &s, &err);
    for (int i = 0; rc == 0 && i < qs.n; i++)
        snprintf(got + i, sizeof got - (size_t)i, "%d", (int)qs.q[i].id);
    ok(rc == (*want ? 0 : -1) && !strcmp(got, want), "[%s%ld:%s%ld][:%ld] is \"%s\"%s%s", s.has_begin ? "" : "none ", s.begin,
       s.has_end ? "" : "none ", s.end, s.first_n, got, rc ? ": " : "", rc ? err.text : "");
    questions_free(&qs);
}

static void test_slices(void)
{
    slice((struct slicing){0}, "01234");
    slice((struct slicing){ .has_begin = true, .begin = 2 }, "234");
    slice((struct slicing){ .has_end = true, .end = 2 }, "01");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = 1, .end = 3, .first_n = 0 }, "12");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = -2, .end = 5, .first_n = 0 }, "34");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = -9, .end = -3, .first_n = 0 }, "01");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = 0, .end = 99, .first_n = 0 }, "01234");
    slice((struct slicing){ .first_n = 2 }, "01");
    slice((struct slicing){ .first_n = 9 }, "01234");
    slice((struct slicing){ .first_n = -2 }, "012");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = 1, .end = 4, .first_n = -1 }, "12");
    slice((struct slicing){ .has_begin = true, .has_end = true, .begin = 3, .end = 1, .first_n = 0 }, "");
    slice((struct slicing){ .has_begin = true, .begin = 5 }, "");
    slice((struct slicing){ .has_end = true, .end = 0 }, "");
    slice((struct slicing){ .first_n = -5 }, "");
}

/* Five questions: 0 and 3 are writing, 1 and 4 math, 2 stem. */
static void choose(const char *category, const char *ids, long first_n, const char *want)
{
    static const char *const name[] = { "writing", "math", "stem", "writing", "math" };
    char category_words[80], id_words[80], *word[2][8], got[8] = "";
    struct slicing s = { .first_n = first_n, .category.word = word[0], .ids.word = word[1] };
    struct buf b = { 0 };
    struct questions qs;
    for (int i = 0; i < 5; i++)
        buf_printf(&b, "{\"question_id\": %d, \"category\": \"%s\", \"turns\": [\"t\"]}\n", i, name[i]);
    snprintf(category_words, sizeof category_words, "%s", category);
    snprintf(id_words, sizeof id_words, "%s", ids);
    for (char *w = strtok(category_words, " "); w; w = strtok(NULL, " "))
        word[0][s.category.n++] = w;
    for (char *w = strtok(id_words, " "); w; w = strtok(NULL, " "))
        word[1][s.ids.n++] = w;
    int rc = questions_parse("q", b.data, b.len, &qs, &err) < 0 ? -1 : questions_slice(&qs, &s, &err);
    for (int i = 0; rc == 0 && i < qs.n; i++)
        snprintf(got + i, sizeof got - (size_t)i, "%d", (int)qs.q[i].id);
    ok(rc == (*want ? 0 : -1) && !strcmp(got, want), "--category %s --question-ids %s --first-n %ld is \"%s\"%s%s", category, ids, first_n,
       got, rc ? ": " : "", rc ? err.text : "");
    questions_free(&qs);
    buf_free(&b);
}

static void test_choices(void)
{
    choose("math", "", 0, "14");
    choose("math stem", "", 2, "12");
    choose("", "3 0", 0, "03");
    choose("", "1-3 2", 0, "123");
    choose("writing", "2-4", 0, "3");
    choose("writing", "1", 0, "");
    choose("cooking", "", 0, "");
    choose("", "9", 0, "");
    choose("", "1x", 0, "");
    choose("", "1-", 0, "");
    choose("", "3-1", 0, "");
}

int main(void)
{
    static const struct { const char *name; double t;
    } table[] = {
        { "writing", 0.7 }, { "roleplay", 0.7 },   { "reasoning", 0.0 },      { "math", 0.0 },    { "coding", 0.0 }, { "extraction", 0.0 },
        { "stem", 0.1 },    { "humanities", 0.1 }, { "arena-hard-200", 0.0 }, { "generic", 0.7 }, { "", 0.7 },       { "Math", 0.7 },
    };
    int wrong = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        wrong += category_temperature(table[i].name) != table[i].t;
    ok(wrong == 0, "FastChat's temperatures of 12 categories");
    test_records();
    test_refusals();
    test_slices();
    test_choices();
    return done_testing();
}
