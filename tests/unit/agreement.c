/* agreement.c - votes of all forms; pairs of votes, kappa and alpha on examples that can be counted by hand. */
#include "mtbench/agreement.h"

#include "tap.h"

#include "mtbench/buf.h"

#include <math.h>
#include <string.h>

static bool near(double a, double b)
{
    return fabs(a - b) < 1e-12;
}

static void put(struct buf *b, int question, const char *winner, const char *judge)
{
    buf_printf(b, "{\"question_id\": %d, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"%s\", \"judge\": %s, \"turn\": 1}\n",
               question, winner, judge);
}

static void check_reading(void)
{
    static const char *const wrong[] = {
        "[{]",
        "{\"question_id\": 1}",
        "[1]",
        "{\"question_id\": 1.5, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie\", \"judge\": \"e\", \"turn\": 1}",
        "{\"question_id\": 1, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie\", \"judge\": [], \"turn\": 1}",
        "{\"question_id\": 1, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"x\", \"judge\": \"e\", \"turn\": 1}",
        "{\"question_id\": 1, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie\", \"judge\": \"e\", \"turn\": 0}"};
    struct votes v = {0};
    struct err err = {0};
    const char *array = " [{\"turn\": 2, \"question_id\": 81, \"model_a\": \"y\", \"model_b\": \"x\", \"winner\": \"model_a\", \"judge\": "
                        "[\"gpt-4\", \"pair-v2\"], \"more\": []},"
                        "{\"turn\": 1, \"question_id\": 81, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie (inconsistent)\", "
                        "\"judge\": \"expert_7\"}] ";
    ok(votes_parse(&v, "v", array, strlen(array), &err) == 0 && v.n == 2 && !strcmp(v.name[v.v[0].judge], "gpt4-pair") &&
           !strcmp(v.name[v.v[0].model_a], "x") && v.v[0].winner == VOTE_B && v.v[1].winner == VOTE_TIE &&
           !strcmp(v.name[v.v[1].judge], "human"),
       "an array; names in order, the winner turned with them");
    const char *pairs = "{\"question_id\": 1, \"model_1\": \"x\", \"model_2\": \"y\", \"g1_winner\": \"model_1\", \"g2_winner\": "
                        "\"model_2\", \"judge\": [\"m\", \"pair-math-v1\"], \"turn\": 1}\n\n"
                        "{\"question_id\": 1, \"model_1\": \"x\", \"model_2\": \"y\", \"g1_winner\": \"error\", \"g2_winner\": "
                        "\"model_2\", \"judge\": [\"m\", \"pair-v2\"], \"turn\": 1}";
    ok(votes_parse(&v, "v", pairs, strlen(pairs), &err) == 0 && v.n == 3 && v.failed == 1 && v.v[2].winner == VOTE_TIE &&
           !strcmp(v.name[v.v[2].judge], "m-pair"),
       "pair judgments: unequal games are a tie, a failed one no vote");
    const char *marked = "\xef\xbb\xbf\r\n [{\"turn\": 1, \"question_id\": 9, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie\", "
                         "\"judge\": \"e\"}]";
    ok(votes_parse(&v, "v", marked, strlen(marked), &err) == 0 && v.n == 4, "an array behind a byte order mark: %s", err.text);
    int refused = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused += votes_parse(&v, "v", wrong[i], strlen(wrong[i]), &err) < 0 && !strncmp(err.text, "v:", 2);
    ok(refused == sizeof wrong / sizeof *wrong && v.n == 4, "%d broken votes are refused by place", refused);
    votes_free(&v);
}

/* One item a question: a says 20 x, 15 y, 15 ties; the table of verdicts is {x: 15 3 2, y: 2 10 3, tie: 1 4 10}. */
static void check_two(void)
{
    static const char *const winner[] = { "model_a", "model_b", "tie" };
    static const int count[3][3] = { { 15, 3, 2 }, { 2, 10, 3 }, { 1, 4, 10 } };
    struct votes v = {0};
    struct buf b = {0};
    struct err err = {0};
    int q = 0;
    for (int x = 0; x < 3; x++)
        for (int y = 0; y < 3; y++)
            for (int i = 0; i < count[x][y]; i++, q++) {
                put(&b, q, winner[x], "\"a\"");
                put(&b, q, winner[y], "\"b\"");
            }
    votes_parse(&v, "v", b.data, b.len, &err);
    struct judge_set one, two;
    struct vote_items *items = vote_items_build(&v);
    judge_set_parse(&one, &v, "a", &err);
    judge_set_parse(&two, &v, "b", &err);
    struct agreement g = vote_items_agreement(items, &one, &two, 1, true), s = vote_items_agreement(items, &one, &two, 0, false);
    const double chance = (20 * 18 + 15 * 17 + 15 * 15) / 2500.0;
    ok(g.total == 50 && g.agree == 35 && g.items == 50 && near(g.ratio.value, 0.7) && near(g.kappa.value, (0.7 - chance) / (1 - chance)),
       "kappa by hand: %.4f", g.kappa.value);
    ok(g.kappa.low < g.kappa.value && g.kappa.value < g.kappa.high && g.kappa.clusters == 50 && !g.several, "within %.3f .. %.3f",
       g.kappa.low, g.kappa.high);
    const double chance2 = (18 * 17 + 12 * 13) / 900.0;
    ok(s.total == 30 && s.agree == 25 && s.items == 30 && near(s.kappa.value, (25 / 30.0 - chance2) / (1 - chance2)), "without ties: %.4f",
       s.kappa.value);
    ok(vote_items_agreement(items, &one, &two, 2, true).total == 0, "no votes on turn 2");
    struct agreement self = vote_items_agreement(items, &one, NULL, 0, true);
    ok(self.total == 0 && isnan(self.ratio.value) && isnan(self.alpha), "one vote an item agrees with nothing");
    ok(judge_set_parse(&(struct judge_set){0}, &v, "a+c", &err) < 0 && strstr(err.text, "there are a, b"), "an unknown judge: %s",
       err.text);
    judge_set_free(&one);
    judge_set_free(&two);
    vote_items_free(items);
    votes_free(&v);
    buf_free(&b);
}

/* Krippendorff's own way, by hand: items (x, x), (x, y), (y, y, y): coincidences xx 2, xy 1, yx 1, yy 3; alpha = 1 - 6 * 2 / (42 - 18). */
static void check_one(void)
{
    struct votes v = {0};
    struct buf b = {0};
    struct err err = {0};
    static const char *const vote[] = { "model_a", "model_a", "model_a", "model_b", "model_b", "model_b", "model_b" };
    for (int i = 0; i < 7; i++)
        put(&b, i < 4 ? i / 2 : 2, vote[i], i % 2 ? "\"expert_1\"" : "\"author_2\"");
    put(&b, 9, "tie", "\"expert_1\"");
    votes_parse(&v, "v", b.data, b.len, &err);
    struct judge_set all;
    struct vote_items *items = vote_items_build(&v);
    judge_set_parse(&all, &v, "human+author", &err);
    struct agreement g = vote_items_agreement(items, &all, NULL, 0, true);
    ok(g.total == 5 && g.agree == 4 && g.items == 3, "pairs of votes within items: 4 of 5 agree");
    ok(near(g.alpha, 1 - 6.0 * 2 / (7 * 6 - 3 * 2 - 4 * 3)), "alpha by hand: %.4f", g.alpha);
    judge_set_free(&all);
    vote_items_free(items);
    votes_free(&v);
    buf_free(&b);
}

static void check_apart(void)
{
    static const struct { const char *name[3]; const char *says; } table[] = {
        {{"a", "b", "c"}, NULL}, {{"a", "a", "b"}, NULL}, {{"a+b", "c", "a+b"}, NULL}, {{"a", "b+c", "b+c"}, NULL},
        {{"a", "b", "a+c"}, "--judges a a+c: a is in both"}, {{"a+b", "b+a", "c"}, "--judges a+b b+a: a is in both"},
        {{"c", "a+b", "b"}, "--judges a+b b: b is in both"},
    };
    struct votes v = {0};
    struct err err = {0};
    struct buf text = {0};
    for (int q = 0; q < 3; q++)
        put(&text, q, "tie", (const char *const[]){ "\"a\"", "\"b\"", "\"c\"" }[q]);
    ok(votes_parse(&v, "v", text.data, text.len, &err) == 0 && v.n == 3, "three judges%s", err.text);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct judge_set set[3];
        int good = 0;
        for (int k = 0; k < 3; k++)
            good += judge_set_parse(&set[k], &v, table[i].name[k], &err) == 0;
        int rc = good == 3 ? judge_sets_apart(set, 3, &v, &err) : -2;
        ok(table[i].says ? rc == -1 && strstr(err.text, table[i].says) : rc == 0, "%s %s %s: %s", table[i].name[0], table[i].name[1],
           table[i].name[2], rc ? err.text : "apart");
        for (int k = 0; k < good; k++)
            judge_set_free(&set[k]);
    }
    votes_free(&v);
    buf_free(&text);
}

int main(void)
{
    check_reading();
    check_two();
    check_one();
    check_apart();
    return done_testing();
}
