/* judgment_table.c - judgment files as tables: every form that others write, and what is refused. */
#include "folder.h"
#include "tap.h"

#include "mtbench/judgment.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct judgment_table table;
static struct err err;

static int parse(const char *text)
{
    judgment_table_free(&table);
    err.text[0] = '\0';
    return judgment_table_parse(&table, "f.jsonl", text, strlen(text), &err);
}

#define SINGLE(score, judgment, tail)                                                                                                      \
    "{\"question_id\": 81, \"model\": \"m\", \"judge\": [\"gpt-4\", \"single-v1\"], \"user_prompt\": \"p" tail                             \
    "\", \"judgment\": \"" judgment "\", \"score\": " score ", \"turn\": 1, \"tstamp\": 1.5}\n"

static void test_single(void)
{
    ok(parse(SINGLE("8", "[[8]]", "") SINGLE("7.5", "", "")) == 0 && table.n == 2 && !table.pairs, "two single judgments: %s", err.text);
    const struct judgment_row *r = table.row;
    ok(r->question_id == 81 && r->turn == 1 && r->score == 8 && r->score_is_int && r->status == JUDGMENT_OK, "numbers of the first");
    ok(!strcmp(table.name[r->model_1], "m") && r->model_2 == -1 && !strcmp(table.name[r->judge], "gpt-4") && !strcmp(table.name[r->prompt],
        "single-v1"),
       "its names");
    ok(r[1].score == 7.5 && !r[1].score_is_int && r[1].model_1 == r->model_1 && table.n_names == 3, "equal names are one name");
    ok(judgment_table_name(&table, "gpt-4") == r->judge && judgment_table_name(&table, "gpt-5") == -1, "names are found");
}

static const struct { const char *line, *what; enum judgment_status status;
} states[] = {
    {SINGLE("-1", "no verdict", ""), "-1", JUDGMENT_UNPARSABLE},
    {SINGLE("-1", "$ERROR$", ""), "-1 of a failed call", JUDGMENT_FAILED},
    {SINGLE("-1", "\\u0024ERROR$", ""), "the same, escaped", JUDGMENT_FAILED},
    {SINGLE("-1.0", "", ""), "-1.0", JUDGMENT_UNPARSABLE},
    {SINGLE("0", "", ""), "0", JUDGMENT_OUT_OF_RANGE},
    {SINGLE("85", "", ""), "85", JUDGMENT_OUT_OF_RANGE},
    {SINGLE("10.5", "", ""), "10.5", JUDGMENT_OUT_OF_RANGE},
    {SINGLE("NaN", "", ""), "NaN", JUDGMENT_UNPARSABLE},
    {SINGLE("null", "", ""), "null", JUDGMENT_UNPARSABLE},
    {SINGLE("-Infinity", "", ""), "-Infinity", JUDGMENT_OUT_OF_RANGE},
    {SINGLE("1e1", "", ""), "1e1", JUDGMENT_OK},
    {SINGLE("9", "", "\\n[The Start of Assistant's Answer]\\n$ERROR$\\n[The End of Assistant's Answer]"), "a judged $ERROR$",
     JUDGMENT_NO_ANSWER},
    {SINGLE("9", "", "\\n[The Start of Assistant's Answer]\\nERROR\\n[The End of Assistant's Answer]"), "a judged ERROR",
     JUDGMENT_NO_ANSWER},
    {SINGLE("9", "", "\\n[The Start of Assistant's Answer]\\n\\n[The End of Assistant's Answer]"), "an answer of nothing", JUDGMENT_OK},
    {SINGLE("9", "", "\\n[The Start of Assistant's Answer]\\nAn ERROR\\n[The End of Assistant's Answer]"), "an answer about an ERROR",
     JUDGMENT_OK},
    {SINGLE("9", "", "### Assistant A:\\n\\n\\n<|The End of Assistant A's Conversation with User|>"), "a second turn of nothing",
     JUDGMENT_OK},
    {SINGLE("9", "", "### Assistant A:\\nERROR\\n\\n<|The End of Assistant A's Conversation with User|>"), "a second turn's ERROR",
     JUDGMENT_NO_ANSWER},
};

static void test_states(void)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        int rc = parse(states[i].line);
        bool nothing = strstr(states[i].what, "nothing") != NULL;
        ok(rc == 0 && table.row[0].status == states[i].status && table.row[0].empty == nothing, "%s is %s%s", states[i].what,
           judgment_status_name(states[i].status), err.text);
    }
}

#define PAIR(winners, j1, j2) \
    "{\"question_id\": 1, \"model_1\": \"a\", \"model_2\": \"b\", " winners \
        ", \"judge\": [\"j\", \"pair-v2\"], \"g1_user_prompt\": \"\", \"g1_judgment\": \"" j1 \
    "\", \"g2_user_prompt\": \"\", \"g2_judgment\": \"" j2 "\", \"turn\": 2, \"tstamp\": 1}"
#define BOTH(g1, g2) "\"g1_winner\": \"" g1 "\", \"g2_winner\": \"" g2 "\""

static const struct { const char *line; enum winner g1, g2; enum judgment_status status; } pairs[] = {
    { PAIR(BOTH("model_1", "model_2"), "", ""), WINNER_MODEL_1, WINNER_MODEL_2, JUDGMENT_OK },
    { PAIR(BOTH("tie", "error"), "", ""), WINNER_TIE, WINNER_ERROR, JUDGMENT_UNPARSABLE },
    { PAIR(BOTH("error", "tie"), "$ERROR$", ""), WINNER_ERROR, WINNER_TIE, JUDGMENT_FAILED },
    { PAIR(BOTH("error", "error"), "", "$ERROR$"), WINNER_ERROR, WINNER_ERROR, JUDGMENT_FAILED },
    { PAIR("\"winner\": \"model_2\"", "", ""), WINNER_MODEL_2, WINNER_MODEL_2, JUDGMENT_OK },
    { PAIR("\"winner\": \"inconsistent\"", "", ""), WINNER_MODEL_1, WINNER_MODEL_2, JUDGMENT_OK },
    { PAIR("\"winner\": \"error\"", "", ""), WINNER_ERROR, WINNER_ERROR, JUDGMENT_UNPARSABLE },
    { PAIR("\"winner\": \"error\", " BOTH("tie", "tie"), "", ""), WINNER_TIE, WINNER_TIE, JUDGMENT_OK },
};

static void test_pairs(void)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        int rc = parse(pairs[i].line);
        const struct judgment_row *r = table.row;
        ok(rc == 0 && table.pairs && r->g1 == pairs[i].g1 && r->g2 == pairs[i].g2 && r->status == pairs[i].status && r->turn == 2,
           "pair %zu: %s, %s, %s%s", i, winner_name(pairs[i].g1), winner_name(pairs[i].g2), judgment_status_name(pairs[i].status),
           err.text);
    }
}

static const struct { const char *line, *message;
} refused[] = {
    {"[]", "no object"},
    {"7", "no object"},
    {"{\"question_id\": 1", "comma or the closing"},
    {SINGLE("true", "", ""), "no number \"score\""},
    {SINGLE("\"8\"", "", ""), "no number \"score\""},
    {SINGLE("08", "", ""), "no value"},
    {SINGLE("8.", "", ""), "no value"},
    {SINGLE("8 8", "", ""), "comma"},
    {"{\"model\": \"m\", \"score\": 1, \"turn\": 1}", "question_id"},
    {"{\"question_id\": 1.5, \"model\": \"m\", \"score\": 1}", "whole number"},
    {"{\"question_id\": 1, \"model\": \"m\", \"score\": 1, \"turn\": 0}", "turn"},
    {"{\"question_id\": 1, \"model\": 5, \"score\": 1}", "no text \"model\""},
    {"{\"question_id\": 1, \"model\": \"\\ud800\", \"score\": 1}", "surrogate"},
    {"{\"question_id\": 1, \"model\": \"a\\u0000\", \"score\": 1}", "u0000"},
    {"{\"question_id\": 1, \"model\": \"a\tb\", \"score\": 1}", "control"},
    {"{\"question_id\": 1, \"model\": \"a\\x\", \"score\": 1}", "escape"},
    {"{\"question_id\": 1, \"model\": \"a\", \"score\": 1} x", "more text"},
    {"{\"question_id\": 1, \"model\": \"a\", \"judge\": [1, 2], \"score\": 1}", "judge"},
    {"{\"q\": \"\xff\"}", "UTF-8"},
    {"{\"q\": \"\xed\xa0\x80\"}", "UTF-8"},
    {PAIR(BOTH("model_3", "tie"), "", ""), "g1_winner"},
    {PAIR("\"x\": 1", "", ""), "g1_winner"},
    {PAIR(BOTH("tie", "tie"), "", "") "\n" SINGLE("8", "", ""), "single judgment among pair"},
    {"{\"a\": [1,]}", "comma before"},
    {"{,}", "no string"},
    {"{\"a\" 1}", "colon"},
    {"{\"a\": nul}", "no value"},
    {"\xef\xbb{}", "no object"},
};

static void test_refused(void)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        int rc = parse(refused[i].line);
        ok(rc < 0 && err.kind == ERR_FORMAT && strstr(err.text, refused[i].message) && !strncmp(err.text, "f.jsonl:", 8), "refused: %s",
           err.text);
    }
    char *deep = xcalloc(2100, 1);
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    char *line = xasprintf("{\"x\": %s}", deep);
    ok(parse(line) < 0 && strstr(err.text, "too deep"), "a thousand brackets are too deep: %s", err.text);
    free(line);
    free(deep);
}

static void test_forms(void)
{
    ok(parse("\n" SINGLE("8", "", "") " \r\n\n") == 0 && table.n == 1, "empty lines count as none");
    ok(parse("\xef\xbb\xbf" SINGLE("8", "", "") "\r\n\r\n\xef\xbb\xbf" SINGLE("null", "", "") "\r\n") == 0 && table.n == 2 &&
           isnan(table.row[1].score),
       "marks, CR and blank CRLF lines too; a null score is none: %s", err.text);
    ok(parse("") == 0 && table.n == 0 && judgment_table_name(&table, "m") == -1, "an empty file has no rows");
    ok(parse("{\"scor\\u0065\": 3, \"question_id\": 5, \"model\": \"x\", \"model\": \"\\u00e9\\ud83d\\ude00\\n\", \"junk\": {\"score\": "
             "[1, {\"a\": null}]}}") == 0 &&
           table.row[0].score == 3 && !strcmp(table.name[table.row[0].model_1], "\u00e9\U0001F600\n"),
       "escapes in keys and names; the last key counts: %s", err.text);
    ok(table.row[0].judge == -1 && table.row[0].prompt == -1 && table.row[0].turn == 1, "no judge, no turn: -1 and 1");
    ok(parse("{\"question_id\": 5, \"model\": \"x\", \"score\": 3, \"judge\": [\"j\", \"single-v1-multi-turn\"]}") == 0 &&
           table.row[0].turn == 2,
       "a missing turn is told by the prompt");
    ok(judgment_table_parse(&table, "g", SINGLE("8", "", ""), strlen(SINGLE("8", "", "")), &err) == 0 && table.n == 2,
       "a second file is appended");
    ok(judgment_table_read(&table, own("none/x"), &err) < 0 && err.kind == ERR_IO && table.n == 2, "a missing file: %s", err.text);
}

/* More than one block of the reader, lines that cross its edges, many names. */
static void test_long_file(void)
{
    enum { ROWS = 3000 };
    struct buf b = {0};
    char path[] = "/tmp/mtbench-judgments-XXXXXX", filler[1500];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    for (int i = 0; i < ROWS; i++)
        buf_printf(&b, "{\"question_id\": %d, \"model\": \"model-%d\", \"judgment\": \"%.*s\", \"score\": %d, \"turn\": 1}\n", i, i % 1000,
                   i % 1500, filler, i % 10 + 1);
    int fd = mkstemp(path);
    b.len--;                             /* without the last newline */
    int rc = write(fd, b.data, b.len) == (ssize_t)b.len ? 0 : -1;
    close(fd);
    judgment_table_free(&table);
    rc = rc < 0 ? rc : judgment_table_read(&table, path, &err);
    int same = 0;
    char name[32];
    for (size_t i = 0; i < table.n; i++) {
        snprintf(name, sizeof name, "model-%d", (int)i % 1000);
        same +=
            table.row[i].question_id == (int64_t)i && table.row[i].score == i % 10 + 1 && !strcmp(table.name[table.row[i].model_1], name);
    }
    ok(rc == 0 && same == ROWS && table.n_names == 1000, "%d of %d rows of a file of %zu bytes", same, ROWS, b.len);
    unlink(path);
    buf_free(&b);
}

int main(void)
{
    test_single();
    test_states();
    test_pairs();
    test_refused();
    test_forms();
    test_long_file();
    judgment_table_free(&table);
    return done_testing();
}
