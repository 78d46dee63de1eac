/* fastchat_table.c - the tables of FastChat's show_result.py, to the character, where scores are no ordinary numbers. */
#include "mtbench/fastchat_table.h"

#include "mtbench/buf.h"

#include "tap.h"

#include <string.h>

#define ROW(model, score, turn)                                                                                                            \
    "{\"question_id\": 81, \"model\": \"" model "\", \"judge\": [\"j\", \"p\"], \"judgment\": \"\", \"score\": " score ", \"turn\": " turn \
    "}\n"
#define PAIR(a, b, g1, g2)                                                                                                                 \
    "{\"question_id\": 81, \"model_1\": \"" a "\", \"model_2\": \"" b "\", \"g1_winner\": \"" g1 "\", \"g2_winner\": \"" g2                \
    "\", \"judge\": [\"j\", \"p\"], \"turn\": 1}\n"
#define FIRST "\n########## First turn ##########\n"

static struct judgment_table table;
static struct buf out;

static void parse(const char *rows)
{
    struct err err = {0};
    judgment_table_free(&table);
    buf_clear(&out);
    ok(judgment_table_parse(&table, "rows", rows, strlen(rows), &err) == 0, "read%s", err.text);
}

static void single_is(const char *rows, bool both, const char *want, const char *what)
{
    struct err err = {0};
    parse(rows);
    bool same = fastchat_put_single(&out, "rows", &table, NULL, 0, both, &err) == 0 && !strcmp(out.data, want);
    ok(same, "%s", what);
    if (!same)
        printf("# got:\n%s# want:\n%s", out.data ? out.data : err.text, want);
}

static void test_single(void)
{
    single_is(ROW("a", "null", "1") ROW("b", "8", "1") ROW("b", "null", "1") ROW("c", "-1", "1"), false,
              FIRST "            score\nmodel turn       \nb     1       8.0\na     1       NaN\n",
              "null is NaN: in no mean, a row of its own where it is all there is, last; -1 is no row");
    single_is(ROW("a", "NaN", "1") ROW("b", "8.25", "1") ROW("d", "NaN", "1") ROW("c", "8.5", "1"), false,
              FIRST "            score\nmodel turn       \nc     1      8.50\nb     1      8.25\na     1       NaN\nd     1       NaN\n",
              "NaN as Python writes it; zeros go as far as all numbers allow");
    single_is(ROW("a", "null", "1") ROW("a", "null", "2"), true,
              FIRST "            score\nmodel turn       \na     1       NaN\n"
                    "\n########## Second turn ##########\n            score\nmodel turn       \na     2       NaN\n"
                    "\n########## Average ##########\n       score\nmodel       \na        NaN\n",
              "no score at all");
    single_is(ROW("a", "null", "1") ROW("a", "7", "2") ROW("a", "8", "2"), true,
              FIRST "            score\nmodel turn       \na     1       NaN\n"
                    "\n########## Second turn ##########\n            score\nmodel turn       \na     2       7.5\n"
                    "\n########## Average ##########\n       score\nmodel       \na        7.5\n",
              "the average pools what there is");
    single_is(ROW("a", "Infinity", "1") ROW("b", "8", "1") ROW("c", "-Infinity", "1"), false,
              FIRST "            score\nmodel turn       \na     1       inf\nb     1       8.0\nc     1      -inf\n",
              "infinity has no zeros to take off, and keeps nobody else's");
    single_is(ROW("a", "1234567", "1") ROW("b", "8", "1"), false,
              FIRST "                   score\nmodel turn              \na     1     1.234567e+06\nb     1     8.000000e+00\n",
              "beyond a million: exponents for all");
    single_is(ROW("a", "85", "1") ROW("b", "8", "1"), false,
              FIRST "            score\nmodel turn       \na     1      85.0\nb     1       8.0\n",
              "beyond the scale, but a number: FastChat counts it");
    single_is(ROW("c", "-1", "1"), false, FIRST "Empty DataFrame\nColumns: [score]\nIndex: []\n", "nothing but -1");
}

static void test_pairs(void)
{
    struct err err = {0};
    parse(PAIR("a", "b", "model_1", "model_1") PAIR("a", "b", "error", "model_2") PAIR("a", "b", "tie", "model_1"));
    ok(fastchat_put_pairs(&out, "rows", &table, NULL, 0, NULL, &err) == 0 &&
           strstr(out.data, "\na        1     0    1       0.5        0.0") &&
           strstr(out.data, "\nb        0     1    1       0.0        0.5"),
       "a game that failed counts for nobody, games that disagree are a tie:\n%s", out.data ? out.data : err.text);
    ok(fastchat_put_pairs(&out, "rows", &table, NULL, 0, "z", &err) < 0 && strstr(err.text, "--baseline-model"), "%s", err.text);
    ok(fastchat_put_single(&out, "rows", &table, NULL, 0, true, &err) < 0 && strstr(err.text, "--mode pairwise"), "%s", err.text);
}

int main(void)
{
    test_single();
    test_pairs();
    judgment_table_free(&table);
    buf_free(&out);
    return done_testing();
}
