/* browser_text.c - the texts of qa_browser: equal to what FastChat's own functions make, of golden/browser_text.jsonl and of files that
 * are named (tests/peers/fastchat_browser.py makes them). */
#include "src/report/browser_text.h"

#include "tap.h"

#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const cJSON *j, const char *key)
{
    return json_get(j, key)->valuestring;
}

static void put(struct buf *out, const char *what, const cJSON *j)
{
    struct question q = { .n_turns = 1 };
    if (!strcmp(what, "question")) {
        char *turn = json_get(j, "turn")->valuestring;
        q.turn = &turn;
        q.id = (int64_t)json_get(j, "id")->valuedouble;
        browser_put_question(out, &q);
    } else if (!strcmp(what, "answer")) {
        browser_put_answer(out, text_of(j, "text"), strlen(text_of(j, "text")));
    } else if (!strcmp(what, "reference")) {
        char *reference[2] = { cJSON_GetArrayItem(json_get(j, "reference"), 0)->valuestring,
                               cJSON_GetArrayItem(json_get(j, "reference"), 1)->valuestring };
        q.reference = reference;
        q.n_reference = 2;
        browser_put_reference(out, &q);
    } else if (!strcmp(what, "single")) {
        const cJSON *score = json_get(j, "score");
        const double v = cJSON_IsNumber(score) ? score->valuedouble : NAN;
        browser_put_single(out, text_of(j, "model"), v, v == floor(v) && !strstr(text_of(j, "out"), ".0\n"), text_of(j, "judgment"));
    } else {
        browser_put_pair(out, text_of(j, "a"), text_of(j, "b"), text_of(j, "first"), text_of(j, "second"));
    }
}

static void check_file(const char *path)
{
    static const char *const kind[] = { "question", "answer", "reference", "single", "pair" };
    int n[5] = {0}, same[5] = {0};
    struct err err = {0};
    struct slice line;
    struct buf out = {0};
    struct lines_file *in = lines_open(path, &err);
    while (in && lines_read(in, &line, &err) == 1) {
        cJSON *j = json_parse(line.ptr, line.len, &err);
        const char *what = j ? text_of(j, "what") : "", *want = j ? text_of(j, "out") : "";
        for (int k = 0; k < 5; k++) {
            if (strcmp(what, kind[k]))
                continue;
            buf_clear(&out);
            buf_str(&out, "");
            put(&out, what, j);
            n[k]++;
            same[k] += !strcmp(out.data, want);
            if (strcmp(out.data, want))
                printf("# line %ld, ours: %.300s\n# FastChat's: %.300s\n", lines_number(in), out.data, want);
        }
        cJSON_Delete(j);
    }
    for (int k = 0; k < 5; k++)
        ok(n[k] == same[k] && in && !*err.text, "%s: %d of kind %s, %d the same", path, n[k], kind[k], same[k]);
    ok(n[0] >= 20 && n[1] >= 20, "of twenty questions and answers, or more");
    if (in)
        lines_close(in);
    buf_free(&out);
}

/* What FastChat stops at. */
static void check_other_counts(void)
{
    char *one[] = { "x", "y", "z" };
    struct question q = { .n_reference = 1, .reference = one };
    struct buf b = {0};
    browser_put_reference(&b, &q);
    ok(!strcmp(b.data, "Q1. x"), "one reference");
    buf_clear(&b);
    q.n_reference = 3;
    browser_put_reference(&b, &q);
    ok(!strcmp(b.data, "Q1. x\nQ2. y\nQ3. z"), "three");
    buf_clear(&b);
    q.n_reference = 0;
    browser_put_reference(&b, &q);
    browser_put_answer(&b, "\xc3", 1);
    ok(!strcmp(b.data, "\xc3"), "none; bytes that are no UTF-8 stay as they are");
    buf_clear(&b);
    browser_put_question(&b, &q);
    ok(!strcmp(b.data, "0: ..."), "a question without turns");
    buf_free(&b);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        check_file("tests/golden/browser_text.jsonl");
    for (int i = 1; i < argc; i++)
        check_file(argv[i]);
    check_other_counts();
    return done_testing();
}
