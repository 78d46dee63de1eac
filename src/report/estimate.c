/* estimate.c - means, shares and slopes with errors clustered by question. */
#include "mtbench/estimate.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>

/* ---- Student's t ---- */

/* The continued fraction of the incomplete beta function, by Lentz's method (Numerical Recipes calls it betacf; DLMF 8.17.22). */
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300;          /* Lentz: a denominator that happens to be 0 */
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 10000; m++) {    /* ends by itself after some ten rounds; the bound is for NaN */
        double before = f;
        for (int odd = 0; odd < 2; odd++) {
            double term =
                odd ? -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)) : m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
            d = 1 + term * d;
            c = 1 + term / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(f - before) <= 1e-16 * fabs(f))
            break;
    }
    return f;
}

/* I_x(a, b); y = 1 - x, given apart because it may be tiny. */
static double incomplete_beta(double a, double b, double x, double y)
{
    if (x <= 0 || y <= 0)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(y));
    if (x < (a + 1) / (a + b + 2))       /* where the fraction converges fast; else the other tail */
        return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, y) / b;
}

/* P(|T| > t) for t >= 0. */
static double student_tails(double t, double df)
{
    double square = t * t;               /* 1 - x is given apart: for large t the difference would lose all digits */
    return incomplete_beta(df / 2, 0.5, df / (df + square), square / (df + square));
}

/* The density at t. */
static double student_density(double t, double df)
{
    return exp(lgamma((df + 1) / 2) - lgamma(df / 2) - (df + 1) / 2 * log1p(t * t / df)) / sqrt(df * 3.141592653589793);
}

/* Newton's steps, halving where they would leave what is known to hold the root. */
double student_quantile(double p, double df)
{
    if (p < 0.5)                         /* symmetric */
        return -student_quantile(1 - p, df);
    double tails = 2 * (1 - p), low = 0, high = 2, t = 1;
    while (student_tails(high, df) > tails && high < 1e300) { /* with one degree of freedom the quantile is far out */
        low = high;
        high *= 2;
    }
    t = low + (high - low) / 2;
    for (int i = 0; i < 200 && high - low > 1e-15 * high; i++) {
        /* Both tails' slope is twice the density. */
        double over = student_tails(t, df) - tails, next = t + over / (2 * student_density(t, df));
        if (over > 0)
            low = t;
        else
            high = t;
        if (fabs(next - t) <= 1e-14 * t)
            return next;
        t = next > low && next < high ? next : low + (high - low) / 2;
    }
    return t;
}

/* ---- samples ---- */

void sample_clear(struct sample *s)
{
    s->n = 0;
}

/* Observations of a cluster must come one behind the other: sum_of_squares() takes a change of the cluster for its
 * end. */
void sample_add(struct sample *s, int64_t cluster, double x, double y)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? s->cap * 2 : 256;
        s->x = xrealloc(s->x, (size_t)s->cap, sizeof *s->x);
        s->y = xrealloc(s->y, (size_t)s->cap, sizeof *s->y);
        s->cluster = xrealloc(s->cluster, (size_t)s->cap, sizeof *s->cluster);
    }
    s->x[s->n] = x;
    s->y[s->n] = y;
    s->cluster[s->n++] = cluster;
}

void sample_free(struct sample *s)
{
    free(s->x);
    free(s->y);
    free(s->cluster);
    *s = (struct sample){0};
}

/* ---- estimates ---- */

/* The residual of observation i, given what was estimated. */
typedef double residual(const struct sample *s, long i, const double *parameter);

static double sum_of_squares(const struct sample *s, residual *r, const double *parameter, int *clusters)
{
    double sum = 0;
    *clusters = 0;                       /* of neighbouring observations: whoever fills a sample goes question by question */
    for (long i = 0; i < s->n; ++*clusters) {
        double of_cluster = 0;
        const int64_t cluster = s->cluster[i];
        /* Observations of a cluster stand together. Their residuals are added before they are squared: answers to one
         * question are alike, and counting them as independent would make intervals too narrow. */
        for (; i < s->n && s->cluster[i] == cluster; i++)
            of_cluster += r(s, i, parameter);
        sum += of_cluster * of_cluster;
    }
    return sum;
}

static struct estimate finish(const struct sample *s, double value, double squares, double scale, double correction, int clusters)
{
    struct estimate e = { value, NAN, NAN, NAN, s->n, clusters }; /* value stands, all else is unknown so far */
    if (clusters < 2 || isnan(value + correction)) /* one question says nothing about another */
        return e;
    e.se = sqrt(squares * correction * clusters / (clusters - 1.0)) / scale; /* CR1, the small-sample correction */
    if (!(e.se > 1e-9 * (1 + fabs(value)))) { /* NaN too */
        e.se = 0;                        /* all alike, but for rounding */
        return e;
    }
    double half = student_quantile(0.975, clusters - 1) * e.se; /* few questions: t, not the normal */
    e.low = value - half;
    e.high = value + half;
    return e;
}

static double mean_residual(const struct sample *s, long i, const double *mean)
{
    return s->y[i] - *mean;
}

struct estimate estimate_mean(const struct sample *s)
{
    double sum = 0, mean;
    int clusters;
    for (long i = 0; i < s->n; i++)
        sum += s->y[i];
    mean = s->n ? sum / (double)s->n : NAN; /* never 0 of nothing */
    double squares = sum_of_squares(s, mean_residual, &mean, &clusters);
    return finish(s, mean, squares, (double)s->n, 1, clusters);
}

/* On the logit scale the interval cannot leave the scale of scores, and bends towards its middle near an end. The
 * standard error is the delta method's. */
struct estimate estimate_within(struct estimate e, double low, double high)
{
    const double scale = high - low, p = (e.value - low) / scale;
    if (!(e.se > 0) || !(p > 0 && p < 1))
        return e;
    const double half = student_quantile(0.975, e.clusters - 1) * e.se / scale / (p * (1 - p)), logit = log(p / (1 - p));
    e.low = low + scale / (1 + exp(half - logit));
    e.high = low + scale / (1 + exp(-half - logit));
    return e;
}

static double share_residual(const struct sample *s, long i, const double *share)
{
    return s->y[i] - *share * s->x[i];
}

/* A ratio of sums, so a question with more games weighs more, as in the rate that is printed. */
struct estimate estimate_share(const struct sample *s)
{
    double part = 0, whole = 0, share;
    int clusters;
    for (long i = 0; i < s->n; i++)
        part += s->y[i], whole += s->x[i];
    share = whole > 0 ? part / whole : NAN;
    double squares = sum_of_squares(s, share_residual, &share, &clusters);
    struct estimate e = finish(s, share, squares, whole, 1, clusters);
    if (e.se == 0) {                     /* Wilson, a question being one trial */
        const double z2 = 1.959963984540054 * 1.959963984540054, n = clusters;
        double centre = (share + z2 / (2 * n)) / (1 + z2 / n),
               half = sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n);
        e.low = centre - half;
        e.high = centre + half;
    }
    if (e.low < 0)                       /* a share is none outside of 0 and 1 */
        e.low = 0;
    if (e.high > 1)
        e.high = 1;
    return e;
}

/* parameter: mean of x, mean of y, slope */
static double slope_residual(const struct sample *s, long i, const double *parameter)
{
    double x = s->x[i] - parameter[0];
    return x * (s->y[i] - parameter[1] - parameter[2] * x); /* the observation's part in the slope, not a plain residual */
}

struct estimate estimate_slope(const struct sample *s, int within)
{
    double parameter[3] = {0}, xx = 0, xy = 0;
    int clusters;
    for (long i = 0; i < s->n; i++)
        parameter[0] += s->x[i] / (double)s->n, parameter[1] += s->y[i] / (double)s->n;
    for (long i = 0; i < s->n; i++) {
        double x = s->x[i] - parameter[0];
        xx += x * x;
        xy += x * (s->y[i] - parameter[1]);
    }
    parameter[2] = xx > 1e-12 ? xy / xx : NAN; /* all of one length: no slope */
    double squares = sum_of_squares(s, slope_residual, parameter, &clusters);
    /* A fitted intercept costs one more degree; within, means were taken off. */
    double correction = within ? 1 : s->n > 2 ? ((double)s->n - 1) / ((double)s->n - 2) : NAN;
    return finish(s, parameter[2], squares, xx, correction, clusters);
}

double estimate_smallest(const struct estimate *e)
{
    if (!(e->se > 0))                    /* all alike or one question: nothing can be shown */
        return NAN;
    /* Found at 5 % with a chance of 80 %. */
    return (student_quantile(0.975, e->clusters - 1) + student_quantile(0.80, e->clusters - 1)) * e->se;
}
