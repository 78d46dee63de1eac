/* clean.c - FastChat's clean_judgment: the first judgment of each key, in order; what compares equal stays as the file has it. */
#include "mtbench/clean.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

#define PAIR(q, b, turn, prompt, x)                                                                                                     \
    "{\"question_id\": " #q ", \"model_1\": \"m\", \"model_2\": \"" b "\", \"g1_winner\": \"tie\", \"g2_winner\": \"tie\", "               \
    "\"judge\": [\"j\", \"" prompt "\"], \"turn\": " #turn ", \"x\": \"" x "\"}\n"

int main(void)
{
    static const char in[] = PAIR(2, "b", 1, "p", "one") PAIR(1, "b", 2, "p-multi-turn", "two") PAIR(1, "z", 1, "p", "three")
        PAIR(1, "a", 1, "p", "four") PAIR(1, "z", 1, "p", "again") PAIR(1, "b", 1, "p", "five");
    static const char *const want[] = { "three", "four", "five", "two", "one" };
    struct buf out = {0}, said = {0};
    struct err err = {0};
    int rc = clean_judgments("f", in, strlen(in), NULL, 0, &out, &said, &err);
    ok(rc == 0 && strstr(said.data, "#in: 6, #out: 5"), "five of six lines are kept: %s", rc < 0 ? err.text : said.data);
    const char *at = out.data;
    int right = 0;
    for (int i = 0; at && i < 5; i++, right++)
        if (!(at = strstr(at, want[i])))
            break;
    ok(right == 5 && !strstr(out.data, "again"), "by question and turn, then as they stood, the first of each key: %s", out.data);
    buf_free(&out);
    buf_clear(&said);
    static const char *const other[] = { "nobody" };
    rc = clean_judgments("f", in, strlen(in), other, 1, &out, &said, &err);
    ok(rc == 0 && out.len == 0 && strstr(said.data, "missing models: ['nobody']"), "none of a model that is not there: %s", said.data);
    ok(clean_judgments("f", "\n", 1, NULL, 0, &out, &said, &err) < 0 && strstr(err.text, "no judgments"), "refused: %s", err.text);
    buf_free(&out);
    buf_free(&said);
    return done_testing();
}
