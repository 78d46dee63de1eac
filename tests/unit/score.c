/* score.c - scores of a small study (tests/golden/report/estimates.h) against statsmodels; repetitions, choices, ranks. */
#include "mtbench/score.h"

#include "tap.h"

#include "../golden/report/estimates.h"

#include "mtbench/buf.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const name[] = { "anna", "bert", "cleo" };

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static bool is_estimate(const struct estimate *e, const double *want)
{
    return near(e->value, want[0]) && near(e->se, want[1]) && near(e->low, want[2]) && near(e->high, want[3]);
}

static void put(struct buf *b, const char *model, int question, int turn, double score)
{
    buf_printf(b, "{\"question_id\": %d, \"model\": \"%s\", \"judge\": [\"j\", \"p\"], \"judgment\": \"\", \"score\": %g, \"turn\": %d}\n",
               question, model, score, turn);
}

/* The study as three files, one per repeat, backwards, so that sorting has work. */
static void read_study(struct judgment_table *t, size_t *end)
{
    const int n = sizeof study / sizeof *study;
    for (int r = 0; r < 3; r++) {
        struct buf b = {0};
        struct err err;
        for (int i = n - 1; i >= 0; i--)
            if (study[i].repeat == r)
                put(&b, name[study[i].model], study[i].question, study[i].turn, study[i].score ? study[i].score : -1);
        if (judgment_table_parse(t, "study", b.data, b.len, &err) < 0)
            printf("# %s\n", err.text);
        end[r] = t->n;
        buf_free(&b);
    }
}

static void make_answers(struct answer_set *set)
{
    static char text[2][512];
    const char *turn[2] = { text[0], text[1] };
    for (int m = 0; m < 3; m++) {
        for (int q = 0; q < 12; q++) {
            for (int t = 0; t < 2; t++) {
                memset(text[t], 0, sizeof text[t]);
                for (int i = 0; i < study_length[m][q][t]; i++)
                    strcat(text[t], i % 3 ? "a" : "\xc3\xa4");
            }
            answer_set_add(set, name[m], q, turn, 2);
        }
    }
}

static void check_study(void)
{
    struct judgment_table t = {0};
    struct scores s;
    struct answer_set answers = {0};
    struct err err = {0};
    size_t end[3];
    long missing = 0;
    read_study(&t, end);
    const struct score_choice choice = { .repeat_end = end, .n_repeats = 3 };
    ok(scores_build(&s, "study", &t, &choice, &err) == 0 && s.n_models == 3 && s.n_repeats == 3 && s.n_turns == 2 && s.replaced == 0,
       "three repeats of three models");
    struct comparison c = scores_compare(&s, 0, 1);
    ok(is_estimate(&c.difference, study_difference) && c.difference.n == study_pairs && c.unpaired == study_unpaired &&
           c.higher + c.lower + c.equal == study_pairs,
       "paired difference %.3f, %.3f .. %.3f over %ld pairs, as statsmodels", c.difference.value, c.difference.low, c.difference.high,
       c.difference.n);
    struct comparison back = scores_compare(&s, 1, 0);
    ok(near(back.difference.low, -c.difference.high) && back.lower == c.higher && near(back.smallest, c.smallest),
       "seen from the other side it is the same");
    struct spread p = score_spread(&s, 0);
    ok(near(p.within, study_within) && near(p.between, study_between) && near(p.sd, study_sd) && p.n_repeats == 3 && p.lowest <= p.highest,
       "variance: %.3f between repeats, %.3f between questions, as its analysis by statsmodels", p.within, p.between);
    make_answers(&answers);
    struct estimate one = score_length_slope(&s, 0, &answers, &missing), within = score_length_slope(&s, -1, &answers, &missing);
    ok(is_estimate(&one, study_slope), "length slope of one model %.3f, %.3f .. %.3f, as statsmodels", one.value, one.low, one.high);
    ok(is_estimate(&within, study_within_slope) && missing == 0, "length slope within questions %.3f, %.3f .. %.3f, as statsmodels",
       within.value, within.low, within.high);
    const struct length_mean mean = score_length_mean(&s, 0, &answers), both = score_length_mean(&s, -1, &answers);
    const struct score all = score_of(&s, 0, SCORE_ALL);
    ok(near(mean.score, all.mean.value) && mean.characters > 1 && both.characters > 1 && !near(mean.score, both.score),
       "the slope's line goes through %.1f characters and %.2f", mean.characters, mean.score);
    const struct answer_set none = {0};
    ok(isnan(score_length_mean(&s, 0, &none).characters) && isnan(score_length_mean(&s, -1, &none).score),
       "without answers through nothing");
    answer_set_add(&answers, "anna", 0, (const char *const[]){ "$ERROR$", "" }, 2);
    score_length_slope(&s, 0, &answers, &missing);
    ok(missing > 0, "answers that are none have no length: %ld", missing);
    answer_set_free(&answers);
    scores_free(&s);
    judgment_table_free(&t);
}

static void check_rules(void)
{
    struct judgment_table t = {0};
    struct buf b = {0};
    struct scores s;
    struct err err = {0};
    int order[4];
    put(&b, "a", 81, 1, 4);
    put(&b, "a", 81, 1, 6);              /* again: counts instead */
    put(&b, "a", 81, 1, -1);             /* and failed: does not */
    put(&b, "a", 82, 1, -1);
    put(&b, "a", 82, 1, -1);
    put(&b, "a", 83, 1, 85);             /* no rating */
    put(&b, "b", 81, 1, 6);
    put(&b, "dead", 81, 1, -1);
    put(&b, "c", 81, 2, 9);
    judgment_table_parse(&t, "rules", b.data, b.len, &err);
    const struct score_choice all = {0};
    ok(scores_build(&s, "rules", &t, &all, &err) == 0 && s.replaced == 3, "three rows are replaced");
    struct score a = score_of(&s, 0, SCORE_ALL), of[4];
    ok(a.mean.value == 6 && a.mean.n == 1 && a.failed == 2 && a.failed_by[JUDGMENT_UNPARSABLE] == 1 &&
           a.failed_by[JUDGMENT_OUT_OF_RANGE] == 1,
       "the last good one counts, failures are counted, 85 is no score");
    for (int m = 0; m < 4; m++)
        of[m] = score_of(&s, m, SCORE_ALL);
    scores_rank(&s, of, order);
    ok(!strcmp(s.model[order[0]], "c") && !strcmp(s.model[order[1]], "a") && !strcmp(s.model[order[2]], "b") &&
           !strcmp(s.model[order[3]], "dead"),
       "ranks: score, then name, then those without a score");
    ok(isnan(score_of(&s, 2, (struct score_part){1, -1, -1}).mean.value) && score_of(&s, 2, (struct score_part){2, -1, -1}).mean.value == 9,
       "turns apart");
    ok(scores_model(&s, "nobody", &err) == -1 && strstr(err.text, "a, b, c, dead"), "an unknown name: %s", err.text);
    scores_free(&s);
    const struct score_choice two = { .model = (const char *const[]){ "b", "c" }, .n_models = 2 };
    ok(scores_build(&s, "rules", &t, &two, &err) == 0 && s.n_models == 2 && !strcmp(s.model[0], "b"), "a choice of models");
    scores_free(&s);
    judgment_table_free(&t);
    buf_free(&b);
}

int main(void)
{
    check_study();
    check_rules();
    return done_testing();
}
