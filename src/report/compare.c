/* compare.c - what scores tell beyond means: paired differences, the judge's own spread, the pull of long answers. */
#include "mtbench/score.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The ok scores of one question and turn, over repeats. */
struct group {
    int64_t question_id;
    int turn, n;                         /* n: scores that count */
    double sum, squares;                 /* of scores; with n all that means and variances need */
};

/* The group at *at, which moves behind it; false at the end. Groups without a score are given too, with n 0. */
static bool next_group(const struct scores *s, size_t *at, size_t end, struct group *g)
{
    if (*at >= end)
        return false;
    *g = (struct group){ s->item[*at].question_id, s->item[*at].turn, 0, 0, 0 };
    for (; *at < end && s->item[*at].question_id == g->question_id && s->item[*at].turn == g->turn; ++*at) {
        if (s->item[*at].status != JUDGMENT_OK) /* law 2: a failure is in no mean */
            continue;
        g->n++;
        g->sum += s->item[*at].score;
        g->squares += s->item[*at].score * s->item[*at].score;
    }
    return true;
}

static bool next_scored(const struct scores *s, size_t *at, size_t end, struct group *g)
{
    while (next_group(s, at, end, g))
        if (g->n)
            return true;
    return false;
}

static int group_order(const struct group *a, const struct group *b)
{
    return a->question_id != b->question_id ? (a->question_id < b->question_id ? -1 : 1) : a->turn - b->turn;
}

static void count_pair(struct comparison *c, struct sample *pairs, const struct group *a, const struct group *b)
{
    double x = a->sum / a->n, y = b->sum / b->n; /* repeats first: a question judged three times is still one pair */
    c->mean_a += x;
    c->mean_b += y;
    *(x > y ? &c->higher : x < y ? &c->lower : &c->equal) += 1;
    sample_add(pairs, a->question_id, 1, x - y);
}

struct comparison scores_compare(const struct scores *s, int a, int b)
{
    struct comparison c = {0};
    struct sample pairs = {0};
    struct group x, y;
    size_t i = s->first[a], j = s->first[b];
    bool more_a = next_scored(s, &i, s->first[a + 1], &x), more_b = next_scored(s, &j, s->first[b + 1], &y);
    /* Both models' groups are in the order of questions and turns: a merge, as of two sorted files. */
    while (more_a && more_b) {
        int order = group_order(&x, &y);
        if (order == 0)
            count_pair(&c, &pairs, &x, &y);
        else
            c.unpaired++;
        if (order <= 0)                  /* whoever is behind moves; both where they met */
            more_a = next_scored(s, &i, s->first[a + 1], &x);
        if (order >= 0)
            more_b = next_scored(s, &j, s->first[b + 1], &y);
    }
    for (; more_a; more_a = next_scored(s, &i, s->first[a + 1], &x))
        c.unpaired++;
    for (; more_b; more_b = next_scored(s, &j, s->first[b + 1], &y))
        c.unpaired++;
    /* Paired: both models answered the same questions, so what makes a question hard cancels out. */
    c.difference = estimate_mean(&pairs);
    const double most = HIGHEST_SCORE - LOWEST_SCORE;    /* no difference is larger: an end beyond it says no more */
    c.difference.low = c.difference.low < -most ? -most : c.difference.low;
    c.difference.high = c.difference.high > most ? most : c.difference.high;
    c.mean_a = pairs.n ? c.mean_a / (double)pairs.n : NAN; /* of the paired questions only, so that their difference is the difference */
    c.mean_b = pairs.n ? c.mean_b / (double)pairs.n : NAN;
    c.smallest = estimate_smallest(&c.difference); /* before the clipping it would be the same: it is made of the error alone */
    sample_free(&pairs);
    return c;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* One number for a whole table: the median over neighbours, which one odd pair does not move. */
double scores_smallest(const struct scores *s, const int *order)
{
    if (s->n_models == 1) {
        struct score one = score_of(s, 0, SCORE_ALL);
        return sqrt(2) * estimate_smallest(&one.mean); /* of two such models, judged on other questions: variances add */
    }
    double *v = xcalloc((size_t)s->n_models, sizeof *v), median = NAN;
    int n = 0;
    for (int m = 0; m + 1 < s->n_models; m++) { /* neighbours in the ranking: those are the ones in doubt */
        v[n] = scores_compare(s, order[m], order[m + 1]).smallest;
        n += !isnan(v[n]);
    }
    qsort(v, (size_t)n, sizeof *v, by_value);
    if (n)
        median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    free(v);
    return median;
}

/* ---- repeats ---- */

/* One-way random effects with unequal group sizes: within = SSW / (N - k); between = (MSB - within) / n0. */
static void variance_components(const struct scores *s, int model, struct spread *out)
{
    double n = 0, sum = 0, per_group = 0, squares = 0, sizes = 0;
    struct group g;
    long k = 0;
    for (size_t at = s->first[model]; next_scored(s, &at, s->first[model + 1], &g); k++) {
        out->items += g.n > 1;           /* only these tell anything about the judge's own spread */
        n += g.n;
        sum += g.sum;
        squares += g.squares;
        per_group += g.sum * g.sum / g.n;
        sizes += (double)g.n * g.n;
    }
    out->within = n > (double)k ? (squares - per_group) / (n - (double)k) : NAN;
    if (k < 2)
        return;
    /* N0: the size of a group, were all groups alike. */
    double n0 = (n - sizes / n) / ((double)k - 1), msb = (per_group - sum * sum / n) / ((double)k - 1);
    out->between = (msb - out->within) / n0;
    if (out->between < 0)                /* an estimate by subtraction: less than none is none */
        out->between = 0;
    if (out->within < 0)
        out->within = 0;                 /* rounding, where all repeats agree */
}

struct spread score_spread(const struct scores *s, int model)
{
    /* NaN stays where there is nothing to tell. */
    struct spread out = { .lowest = NAN, .highest = NAN, .sd = NAN, .within = NAN, .between = NAN };
    double sum = 0, *mean = xcalloc((size_t)s->n_repeats, sizeof *mean), squares = 0;
    for (int r = 0; r < s->n_repeats; r++) {
        double m = score_of(s, model, (struct score_part){ 0, -1, r }).mean.value;
        if (isnan(m))                    /* a repeat whose judgments all failed */
            continue;
        out.lowest = out.n_repeats && out.lowest < m ? out.lowest : m;
        out.highest = out.n_repeats && out.highest > m ? out.highest : m;
        mean[out.n_repeats++] = m;
        sum += m;
    }
    for (int r = 0; r < out.n_repeats; r++)
        squares += (mean[r] - sum / out.n_repeats) * (mean[r] - sum / out.n_repeats);
    if (out.n_repeats > 1)
        out.sd = sqrt(squares / (out.n_repeats - 1));
    variance_components(s, model, &out);
    free(mean);
    return out;
}

/* ---- length ---- */

/* Code points of an answer's turn; 0: there is none to measure. */
static long answer_length(const struct model_answers *m, const struct score_item *it)
{
    const struct model_answer *a = m ? answer_set_find(m, it->question_id) : NULL;
    long n = 0;
    if (!a || it->turn > a->n_turns || answer_is_failure(a->turn[it->turn - 1]))
        return 0;
    for (const char *c = a->turn[it->turn - 1]; *c; c++)
        n += (*c & 0xc0) != 0x80;
    return n;
}

struct measured { int64_t question_id; int turn; double x, y; };

static int by_item(const void *a, const void *b)
{
    const struct measured *x = a, *y = b;
    return x->question_id != y->question_id ? (x->question_id < y->question_id ? -1 : 1) : x->turn - y->turn;
}

static long measure(const struct scores *s, int model, const struct answer_set *answers, struct measured *out, long *missing)
{
    const struct model_answers *m = answer_set_model(answers, s->model[model]);
    long n = 0;
    for (size_t i = s->first[model]; i < s->first[model + 1]; i++) {
        const struct score_item *it = &s->item[i];
        if (it->status != JUDGMENT_OK)
            continue;
        long length = answer_length(m, it);
        if (length)
            /* So the slope is points per doubling. */
            out[n++] = (struct measured){ it->question_id, it->turn, log2((double)length), it->score };
        else if (missing)
            ++*missing;
    }
    return n;
}

/* Subtract the means of each question and turn; those of one observation tell nothing and go. */
static void add_within(struct sample *sample, struct measured *m, long n)
{
    qsort(m, (size_t)n, sizeof *m, by_item);
    for (long i = 0, j; i < n; i = j) {
        double x = 0, y = 0;
        for (j = i; j < n && by_item(&m[i], &m[j]) == 0; j++)
            x += m[j].x, y += m[j].y;
        for (long k = i; j - i > 1 && k < j; k++)
            sample_add(sample, m[k].question_id, m[k].x - x / (double)(j - i), m[k].y - y / (double)(j - i));
    }
}

struct estimate score_length_slope(const struct scores *s, int model, const struct answer_set *answers, long *missing)
{
    struct sample sample = {0};
    struct measured *m = xcalloc(s->first[s->n_models] + 1, sizeof *m);
    long n = 0;
    for (int k = model < 0 ? 0 : model; k < (model < 0 ? s->n_models : model + 1); k++) /* one model, or all of them */
        n += measure(s, k, answers, m + n, missing);
    /* Over all models: within each question, or good models that write long would make length look good. */
    if (model < 0)
        add_within(&sample, m, n);
    else
        for (long i = 0; i < n; i++)
            sample_add(&sample, m[i].question_id, m[i].x, m[i].y);
    struct estimate e = estimate_slope(&sample, model < 0);
    sample_free(&sample);
    free(m);
    return e;
}

struct length_mean score_length_mean(const struct scores *s, int model, const struct answer_set *answers)
{
    struct measured *m = xcalloc(s->first[s->n_models] + 1, sizeof *m);
    double x = 0, y = 0;
    long n = 0;
    for (int k = model < 0 ? 0 : model; k < (model < 0 ? s->n_models : model + 1); k++)
        n += measure(s, k, answers, m + n, NULL);
    for (long i = 0; i < n; i++)
        x += m[i].x, y += m[i].y;
    free(m);
    return n ? (struct length_mean){ exp2(x / (double)n), y / (double)n } : (struct length_mean){ NAN, NAN };
}
