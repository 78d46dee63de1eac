/* noise.c - where the scatter of scores comes from. */
#include "mtbench/noise.h"

#include <math.h>
#include <stdbool.h>

static bool same_item(const struct noise_item *a, const struct noise_item *b)
{
    return a->question_id == b->question_id && a->turn == b->turn;
}

static bool same_answer(const struct noise_item *a, const struct noise_item *b)
{
    return same_item(a, b) && a->seed == b->seed;
}

/* Sums of squares within answers, between the answers of an item, between items; and the sums of group sizes that their expectations hold.
 */
struct sums {
    double within, answers, items;
    double n2_answers;                   /* sum over answers of n^2 */
    double n2_items;                     /* sum over items of n^2 */
    double nested;                       /* sum over items of (sum over its answers of n^2) / n of the item */
};

static double mean_of(const struct noise_item *item, long n)
{
    double sum = 0;
    for (long i = 0; i < n; i++)
        sum += item[i].score;
    return sum / (double)n;
}

/* The judgments of one item, which are n. */
static void add_item(struct sums *s, struct noise *v, const struct noise_item *item, long n, double all)
{
    const double mean = mean_of(item, n);
    double squares = 0;
    for (long i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_answer(&item[i], &item[end]); end++)
            ;
        const double of_answer = mean_of(item + i, end - i), k = (double)(end - i);
        for (long j = i; j < end; j++)
            s->within += (item[j].score - of_answer) * (item[j].score - of_answer);
        s->answers += k * (of_answer - mean) * (of_answer - mean);
        squares += k * k;
        v->n_answers++;
    }
    s->items += (double)n * (mean - all) * (mean - all);
    s->n2_answers += squares;
    s->n2_items += (double)n * (double)n;
    s->nested += squares / (double)n;
    v->items++;
}

static double not_below_0(double x)
{
    return x < 0 ? 0 : x;
}

/* The mean squares are what the variances say they are on average: solved from the innermost outwards. */
static void solve(struct noise *v, const struct sums *s)
{
    const double n = (double)v->n_judgments, a = (double)v->n_answers, items = (double)v->items;
    const double df_within = n - a, df_answers = a - items, df_items = items - 1;
    const double k1 = df_answers > 0 ? (n - s->nested) / df_answers : NAN;
    const double k2 = df_items > 0 ? (s->nested - s->n2_answers / n) / df_items : NAN,
                 k3 = df_items > 0 ? (n - s->n2_items / n) / df_items : NAN;
    v->judgments = df_within > 0 ? s->within / df_within : NAN;
    const double judgments = isnan(v->judgments) ? 0 : v->judgments;
    v->answers = df_answers > 0 ? not_below_0((s->answers / df_answers - judgments) / k1) : NAN;
    const double answers = isnan(v->answers) ? 0 : v->answers;
    v->questions = df_items > 0 ? not_below_0((s->items / df_items - judgments - k2 * answers) / k3) : NAN;
}

struct noise noise_of(const struct noise_item *item, long n)
{
    struct noise v = { .n_judgments = n };
    struct sums s = {0};
    const double all = n ? mean_of(item, n) : NAN;
    for (long i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_item(&item[i], &item[end]); end++)
            ;
        add_item(&s, &v, item + i, end - i, all);
    }
    solve(&v, &s);
    /* the mean weighs each judgment alike, so an answer with many of them weighs more */
    const double nn = (double)n * (double)n, q = v.questions * s.n2_items / nn, a = v.answers * s.n2_answers / nn,
                 j = v.judgments / (double)n;
    const double sum = (isnan(q) ? 0 : q) + (isnan(a) ? 0 : a) + (isnan(j) ? 0 : j);
    v.se = isnan(q) ? NAN : sqrt(sum);
    v.share_questions = q / sum;
    v.share_answers = a / sum;
    v.share_judgments = j / sum;
    return v;
}
