/* noise.c - variances taken apart: by hand where they can be, on drawn data near what they were drawn from, and told as unknown where they
 * are. */
#include "mtbench/noise.h"

#include "tap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static double uniform(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(double sd)
{
    return sd * sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static bool near(double a, double b, double within)
{
    return fabs(a - b) <= within;
}

/* Two items of two answers of two judgments: mean squares 0.5, 2.5 and 8 are sigma2, sigma2 + 2 answers, sigma2 + 2 answers + 4 items. */
static void test_by_hand(void)
{
    const double score[8] = { 1, 2, 3, 4, 3, 4, 5, 6 };
    struct noise_item item[8];
    for (int i = 0; i < 8; i++)
        item[i] = (struct noise_item){ 81 + i / 4, 1, i / 2 % 2, score[i] };
    const struct noise v = noise_of(item, 8);
    ok(v.items == 2 && v.n_answers == 4 && v.n_judgments == 8, "counts");
    ok(near(v.judgments, 0.5, 1e-12), "judgments: %g", v.judgments);
    ok(near(v.answers, (4 - 0.5) / 2, 1e-12), "answers: %g", v.answers);
    ok(near(v.questions, (8 - 4) / 4.0, 1e-12), "questions: %g", v.questions);
    ok(near(v.se * v.se, 1.0 / 2 + 1.75 / 4 + 0.5 / 8, 1e-12), "error of the mean: %g", v.se);
    ok(near(v.share_questions + v.share_answers + v.share_judgments, 1, 1e-12), "shares add up to all of it");
}

/* Uneven numbers of answers and judgments, as runs that are not all there leave them. */
static void test_drawn(void)
{
    enum { ITEMS = 3000, MOST = ITEMS * 16 };
    struct noise_item *item = calloc(MOST, sizeof *item);
    long n = 0;
    for (int q = 0; q < ITEMS; q++) {
        const double of_item = normal(1.5);
        for (int s = 0; s < 1 + q % 4; s++) {
            const double of_answer = normal(0.8);
            for (int r = 0; r < 1 + (q + s) % 3; r++)
                item[n++] = (struct noise_item){ q, 1, s, 6 + of_item + of_answer + normal(0.5) };
        }
    }
    const struct noise v = noise_of(item, n);
    ok(near(v.questions, 2.25, 0.25) && near(v.answers, 0.64, 0.08) && near(v.judgments, 0.25, 0.03),
       "drawn with 2.25, 0.64, 0.25: %g, %g, %g", v.questions, v.answers, v.judgments);
    free(item);
}

static void test_unknown(void)
{
    const struct noise_item one[] = { { 1, 1, 0, 4 }, { 2, 1, 0, 6 }, { 3, 1, 0, 8 } };
    struct noise v = noise_of(one, 3);
    ok(isnan(v.answers) && isnan(v.judgments) && near(v.questions, 4, 1e-12), "one seed, one repeat: all of it is of the questions: %g",
       v.questions);
    const struct noise_item seeds[] = { { 1, 1, 0, 4 }, { 1, 1, 1, 6 }, { 2, 1, 0, 8 }, { 2, 1, 1, 8 } };
    v = noise_of(seeds, 4);
    ok(isnan(v.judgments) && near(v.answers, 1, 1e-12), "one repeat: the judge's part is in the answers': %g", v.answers);
    const struct noise_item same[] = { { 1, 1, 0, 4 }, { 1, 1, 0, 4 } };
    v = noise_of(same, 2);
    ok(isnan(v.questions) && isnan(v.se) && near(v.judgments, 0, 0), "one question: no error of the mean");
    v = noise_of(same, 0);
    ok(v.items == 0 && isnan(v.questions) && isnan(v.se), "nothing at all");
}

int main(void)
{
    test_by_hand();
    test_drawn();
    test_unknown();
    return done_testing();
}
