/* pairwise.c - wins, losses, ties, flips and which games count. */
#include "mtbench/pairwise.h"

#include "tap.h"

#include "mtbench/buf.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static struct buf text;

static void put(int question, const char *a, const char *b, const char *g1, const char *g2)
{
    buf_printf(&text,
               "{\"question_id\": %d, \"model_1\": \"%s\", \"model_2\": \"%s\", \"g1_winner\": \"%s\", \"g2_winner\": \"%s\", \"judge\": "
               "[\"j\", \"pair\"], \"turn\": 1}\n",
               question, a, b, g1, g2);
}

static int build(struct pairwise *p, struct judgment_table *t, const struct pairwise_choice *c, struct err *err)
{
    *t = (struct judgment_table){0};
    judgment_table_parse(t, "pairs", text.data, text.len, err);
    return pairwise_build(p, "pairs", t, c, err);
}

static bool is_row(const struct pairwise_row *r, const char *model, long win, long loss, long tie, long failed)
{
    return !strcmp(r->model, model) && r->win == win && r->loss == loss && r->tie == tie && r->failed == failed;
}

int main(void)
{
    struct pairwise p;
    struct judgment_table t;
    struct err err = {0};
    put(81, "b", "a", "model_1", "model_1");     /* b beats a */
    put(82, "a", "b", "model_1", "model_1");     /* a beats b */
    put(83, "a", "b", "model_1", "model_2");     /* the answer shown first, twice */
    put(84, "b", "a", "model_2", "model_1");     /* the answer shown second, twice */
    put(85, "a", "b", "tie", "model_1");         /* a tie, and no flip */
    put(86, "a", "b", "error", "model_1");
    put(87, "a", "c", "model_2", "model_2");
    put(87, "c", "a", "tie", "tie");             /* the same game once more: counts instead */
    put(88, "c", "b", "error", "error");
    put(88, "c", "b", "model_1", "model_1");
    put(88, "c", "b", "error", "error");         /* failed: does not count instead */
    const struct pairwise_choice all = {0};
    ok(build(&p, &t, &all, &err) == 0 && p.n == 3 && p.games == 7 && p.failed == 1 && p.replaced == 3, "7 games, 1 failed, 3 replaced");
    ok(is_row(&p.row[0], "c", 1, 0, 1, 0) && is_row(&p.row[1], "a", 1, 1, 4, 1) && is_row(&p.row[2], "b", 1, 2, 3, 1),
       "rows by adjusted rate");
    ok(p.flip_first == 1 && p.flip_second == 1 && p.row[1].flip_first == 1 && p.row[0].flip_first + p.row[0].flip_second == 0,
       "flips to the first and the second answer shown");
    ok(fabs(p.row[1].adjusted.value - 0.5) < 1e-12 && fabs(p.row[1].rate.value - 1.0 / 6) < 1e-12 && p.row[1].adjusted.clusters == 6 &&
           p.row[1].adjusted.low >= 0,
       "a: adjusted 0.5, win rate 1/6");
    pairwise_free(&p);
    judgment_table_free(&t);

    const struct pairwise_choice against_b = { .baseline = "b" };
    ok(build(&p, &t, &against_b, &err) == 0 && p.n == 2 && is_row(&p.row[0], "c", 1, 0, 0, 0) && is_row(&p.row[1], "a", 1, 1, 3, 1),
       "against a baseline, which has no row");
    pairwise_free(&p);
    judgment_table_free(&t);

    const struct pairwise_choice two = { .model = (const char *const[]){ "a", "c" }, .n_models = 2 };
    ok(build(&p, &t, &two, &err) == 0 && p.n == 2 && p.games == 1 && is_row(&p.row[0], "a", 0, 0, 1, 0),
       "a list of models: games among them");
    pairwise_free(&p);
    judgment_table_free(&t);

    const struct pairwise_choice pairs = { .by_pair = true };
    ok(build(&p, &t, &pairs, &err) == 0 && p.pair && is_row(&p.pair[0 * 3 + 1], "c", 0, 0, 1, 0) &&
           is_row(&p.pair[1 * 3 + 0], "a", 0, 0, 1, 0) && is_row(&p.pair[1 * 3 + 2], "a", 1, 1, 3, 1) &&
           is_row(&p.pair[2 * 3 + 1], "b", 1, 1, 3, 1) && is_row(&p.pair[2 * 3 + 2], "b", 0, 0, 0, 0),
       "pairs: each seen from both sides, nobody against itself");
    ok(p.pair[0 * 3 + 2].adjusted.value == 1 && p.pair[2 * 3 + 0].adjusted.value == 0 && isnan(p.pair[0].adjusted.value),
       "rates of pairs: c beats b");
    pairwise_free(&p);
    judgment_table_free(&t);

    const struct pairwise_choice nobody = { .baseline = "d" };
    ok(build(&p, &t, &nobody, &err) < 0 && strstr(err.text, "a, b, c"), "no such baseline: %s", err.text);
    pairwise_free(&p);
    judgment_table_free(&t);

    enum { MANY = 20000 };
    struct question *q = calloc(MANY, sizeof *q);
    buf_clear(&text);
    for (int i = 0; i < MANY; i++) {
        q[i].id = 2 * i;                 /* every other game is of a question of this bench */
        put(i, "a", "b", "model_1", "model_1");
    }
    const struct questions known = { .q = q, .n = MANY };
    const struct pairwise_choice of_bench = { .questions = &known };
    ok(build(&p, &t, &of_bench, &err) == 0 && p.games == MANY / 2 && p.n == 2 && p.row[0].win == MANY / 2,
       "games of the bench's questions only, of %d each", MANY);
    pairwise_free(&p);
    judgment_table_free(&t);
    free(q);
    buf_free(&text);
    return done_testing();
}
