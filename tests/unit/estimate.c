/* estimate.c - quantiles against scipy, clustered errors against statsmodels (tests/golden/report/estimates.h), and the cases at the edge.
 */
#include "mtbench/estimate.h"

#include "tap.h"

#include "../golden/report/estimates.h"

#include <math.h>
#include <stdbool.h>

static bool near(double a, double b)
{
    return fabs(a - b) <= 1e-9 * (1 + fabs(b));
}

static void check_quantiles(void)
{
    const int n = sizeof quantiles / sizeof *quantiles;
    int good = 0;
    for (int i = 0; i < n; i++)
        good += near(student_quantile(quantiles[i].p, quantiles[i].df), quantiles[i].t);
    ok(good == n, "%d of %d quantiles of Student's t are scipy's", good, n);
    ok(student_quantile(0.5, 7) < 1e-12, "the median is 0");
}

static void check_samples(void)
{
    for (size_t k = 0; k < sizeof estimates / sizeof *estimates; k++) {
        struct sample s = {0};
        for (int i = estimates[k].from; i < estimates[k].to; i++)
            sample_add(&s, observations[i].cluster, observations[i].x, observations[i].y);
        struct estimate m = estimate_mean(&s), b = estimate_slope(&s, 0);
        ok(near(m.value, estimates[k].mean) && near(m.se, estimates[k].se) && near(m.low, estimates[k].low) &&
               near(m.high, estimates[k].high) && m.n == s.n && m.clusters == estimates[k].clusters,
           "%ld values in %d clusters: mean %.3f, %.3f .. %.3f, as statsmodels", s.n, m.clusters, m.value, m.low, m.high);
        ok(near(estimate_smallest(&m), estimates[k].smallest), "smallest difference at 80 %% power: %.3f", estimates[k].smallest);
        if (estimates[k].slope_se > 0)
            ok(near(b.value, estimates[k].slope) && near(b.se, estimates[k].slope_se) && near(b.low, estimates[k].slope_low) &&
                   near(b.high, estimates[k].slope_high),
               "slope %.3f, %.3f .. %.3f, as statsmodels", b.value, b.low, b.high);
        sample_free(&s);
    }
}

static void check_edges(void)
{
    struct sample s = {0};
    struct estimate e = estimate_mean(&s);
    ok(isnan(e.value) && isnan(e.low) && e.n == 0, "nothing has no mean");
    sample_add(&s, 81, 1, 7);
    sample_add(&s, 81, 1, 9);
    e = estimate_mean(&s);
    ok(e.value == 8 && isnan(e.se) && isnan(e.low) && e.clusters == 1, "one question gives no interval, however many answers");
    sample_clear(&s);
    for (int i = 0; i < 50; i++)
        sample_add(&s, i, 1, 7.3);
    e = estimate_mean(&s);
    ok(fabs(e.value - 7.3) < 1e-12 && e.se == 0 && isnan(e.low) && isnan(estimate_smallest(&e)),
       "equal values give no interval, not one of width 0");
    sample_clear(&s);
    for (int i = 0; i < 80; i++)
        sample_add(&s, i, 1, 1);
    e = estimate_share(&s);
    ok(e.value == 1 && fabs(e.low - 80 / (80 + 1.959963984540054 * 1.959963984540054)) < 1e-12 && fabs(e.high - 1) < 1e-12,
       "80 of 80: Wilson's interval from %.4f", e.low);
    sample_clear(&s);
    for (int i = 0; i < 6; i++)
        sample_add(&s, i, 1, i == 0);
    e = estimate_share(&s);
    ok(e.low == 0 && e.high > e.value && e.high < 1, "a share's interval stays within 0 and 1: %.3f .. %.3f", e.low, e.high);
    ok(isnan(estimate_slope(&s, 0).value), "no slope on equal x");
    sample_free(&s);
}

/* Doubling every answer adds no knowledge: the interval must not shrink. */
static void check_clusters(void)
{
    struct sample one = {0}, two = {0};
    for (int i = 0; i < 40; i++) {
        const double y = (i * 7) % 10;
        sample_add(&one, i, 1, y);
        sample_add(&two, i, 1, y);
        sample_add(&two, i, 1, y);
    }
    struct estimate a = estimate_mean(&one), b = estimate_mean(&two);
    ok(near(a.low, b.low) && near(a.high, b.high) && b.n == 2 * a.n, "the same answer twice in a question is no new knowledge");
    sample_free(&one);
    sample_free(&two);
}

/* However few and far apart the values are, the interval stays on the scale and holds the mean; of many it is what it was. */
static void check_within(void)
{
    static const double few[][4] = { { 1, 1, 1, 10 }, { 10, 10, 10, 1 }, { 1, 10, 1, 10 }, { 9, 10, 10, 10 }, { 1, 2, 1, 1 } };
    struct sample s = {0};
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) {
        sample_clear(&s);
        for (int k = 0; k < 4; k++)
            sample_add(&s, k, 1, few[i][k]);
        struct estimate plain = estimate_mean(&s), e = estimate_within(plain, 1, 10);
        ok(e.low >= 1 && e.low < e.value && e.value < e.high && e.high <= 10 && e.se == plain.se,
           "four scores, %.2f: %.2f .. %.2f, not %.2f .. %.2f", e.value, e.low, e.high, plain.low, plain.high);
    }
    sample_clear(&s);
    for (int k = 0; k < 400; k++)
        sample_add(&s, k, 1, 5 + k % 3);
    struct estimate plain = estimate_mean(&s), e = estimate_within(plain, 1, 10);
    ok(fabs(e.low - plain.low) < 0.002 && fabs(e.high - plain.high) < 0.002, "400 scores: %.3f .. %.3f either way", e.low, e.high);
    /* logit(0.5) +- t * se / 9 / 0.25, by hand: two questions of 5 and 6, se 0.5, t 12.706 */
    sample_clear(&s);
    sample_add(&s, 1, 1, 5);
    sample_add(&s, 2, 1, 6);
    e = estimate_within(estimate_mean(&s), 1, 10);
    double half = 12.706204736174698 * 0.5 / 9 / 0.25;
    ok(fabs(e.low - (1 + 9 / (1 + exp(half)))) < 1e-9 && fabs(e.high - (1 + 9 / (1 + exp(-half)))) < 1e-9, "two scores: %.3f .. %.3f",
       e.low, e.high);
    sample_clear(&s);
    sample_add(&s, 1, 1, 10);
    sample_add(&s, 2, 1, 10);
    ok(isnan(estimate_within(estimate_mean(&s), 1, 10).low), "equal scores have no interval");
    sample_free(&s);
}

int main(void)
{
    check_quantiles();
    check_samples();
    check_edges();
    check_clusters();
    check_within();
    return done_testing();
}
