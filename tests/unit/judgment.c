/* judgment.c - judgments written: against json.dumps, and back through the reader. */
#include "tap.h"

#include "golden/judgments.h"
#include "mtbench/judgment.h"

#include <string.h>

static const char text[] = "quote \" slash / \\ tab\t newline\n bell\a del\x7f \u00e9 \u65e5 \U0001f600 {x}";

static const struct single_judgment single[] = {
    { 81, "m", "gpt-4", "single-v1", text, "Rating: [[8]]", 8, true, 1, 1686286924.844282 },
    { 160, "a\"b", "judge \u00e9", "single-v1-multi-turn", text, "", 8.5, false, 2, 1 },
    { -1, "", "", "", text, "$ERROR$", -1, true, 1, 1e22 },
    { 9007199254740991, "m", "j", "p", text, "x", 8, false, 255, 0.1 },
    { 1, "m", "j", "p", text, "x", 0.1 + 0.2, false, 1, 1e-7 },
};
static const struct pair_judgment pair[] = {
    { 81, "a", "b", WINNER_MODEL_1, WINNER_MODEL_2, "gpt-4", "pair-v2", "p1", text, "p2", "", 1, 1717231244.6949673 },
    { 82, "a", "b", WINNER_TIE, WINNER_ERROR, "gpt-4", "pair-v2", "p1", text, "p2", "", 2, 5 },
};

static void compare(const struct buf *b, const char *golden, size_t i)
{
    ok(!strcmp(b->data, golden), "record %zu is json.dumps' to the byte", i);
    if (strcmp(b->data, golden))
        printf("# ours:   %s\n# python: %s\n", b->data, golden);
}

int main(void)
{
    struct judgment_table t = {0};
    struct err err = {0};
    struct buf b = {0};
    int same = 0;
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        buf_clear(&b);
        single_judgment_put(&b, &single[i]);
        compare(&b, golden_single[i], i);
        if (judgment_table_parse(&t, "f", b.data, b.len, &err) == 0)
            same += t.row[i].score == single[i].score && t.row[i].score_is_int == single[i].score_is_int &&
                t.row[i].question_id == single[i].question_id &&
                    t.row[i].turn == single[i].turn && !strcmp(t.name[t.row[i].model_1], single[i].model) && !strcmp(t.name[t.row[i].judge],
                        single[i].judge);
    }
    ok(same == sizeof single / sizeof *single, "%d single judgments come back: %s", same, err.text);
    judgment_table_free(&t);
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        buf_clear(&b);
        pair_judgment_put(&b, &pair[i]);
        compare(&b, golden_pair[i], i);
        ok(judgment_table_parse(&t, "f", b.data, b.len, &err) == 0 && t.row[i].g1 == pair[i].g1_winner && t.row[i].g2 == pair[i].g2_winner,
            "it comes back");
    }
    judgment_table_free(&t);
    buf_free(&b);
    ok(!strcmp(judgment_status_name(JUDGMENT_NO_ANSWER), "no_answer") && !strcmp(judgment_status_name((enum judgment_status)99), "unknown"),
        "states have names");
    ok(judgment_worse(JUDGMENT_OK, JUDGMENT_OK) == JUDGMENT_OK && judgment_worse(JUDGMENT_FAILED, JUDGMENT_UNPARSABLE) == JUDGMENT_FAILED,
        "the worse of two");
    return done_testing();
}
