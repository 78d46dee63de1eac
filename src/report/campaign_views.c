/* campaign_views.c - what only a campaign can show. */
#include "campaign_views.h"

#include "mtbench/mem.h"
#include "mtbench/noise.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void interval_columns(struct sheet *out, const char *text, const char *prefix)
{
    char name[3][40];
    static const char *const part[] = { "low", "high", "standard_error" };
    sheet_column(out, *prefix ? "change_interval" : "interval", text, 0, SHEET_TEXT);
    for (int i = 0; i < 3; i++) {
        snprintf(name[i], sizeof name[i], "%s%s", prefix, part[i]);
        sheet_column(out, name[i], NULL, 2, SHEET_DATA);
    }
}

static void put_interval(struct sheet *out, const struct estimate *e)
{
    if (isnan(e->low))
        sheet_empty(out);
    else
        sheet_printf(out, "%.2f .. %.2f", e->low, e->high);
    sheet_number(out, e->low);
    sheet_number(out, e->high);
    sheet_number(out, e->se);
}

static void about(struct sheet *out, const struct scores *s)
{
    sheet_fact_text(out, "judge", s->judge, s->judge ? "judge: %s" : NULL, s->judge);
}

/* ---- groups ---- */

int group_words(const char *words, unsigned *by, struct err *err)
{
    static const char *const word[] = { "model", "seed", "category", "turn" };
    *by = 0;
    for (const char *at = words; *at;) {
        const size_t n = strcspn(at, ",");
        int i = 0;
        while (i < 4 && (strlen(word[i]) != n || strncmp(at, word[i], n)))
            i++;
        if (i == 4)
            return err_set(err, ERR_USAGE, "--by %s: %.*s is unknown; give model, seed, category and turn, with commas", words, (int)n, at);
        *by |= 1u << i;
        at += n + (at[n] == ',');
    }
    return *by ? 0 : err_set(err, ERR_USAGE, "--by: is empty; give model, seed, category and turn, with commas");
}

struct member {
    int model, category, turn;           /* those that are not asked for are 0 */
    int64_t seed;
    const struct score_item *item;
};

static int by_group(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->model != y->model)
        return x->model - y->model;
    if (x->seed != y->seed)
        return x->seed < y->seed ? -1 : 1;
    if (x->category != y->category)
        return x->category - y->category;
    if (x->turn != y->turn)
        return x->turn - y->turn;
    if (x->item->question_id != y->item->question_id)
        return x->item->question_id < y->item->question_id ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static bool same_group(const struct member *x, const struct member *y)
{
    return x->model == y->model && x->seed == y->seed && x->category == y->category && x->turn == y->turn;
}

static void group_columns(struct sheet *out, unsigned by)
{
    static const char *const name[] = { "model", "seed", "category", "turn" };
    for (int i = 0; i < 4; i++)
        if (by & 1u << i)
            sheet_column(out, name[i], NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_ALL);
    interval_columns(out, "95 % interval", "");
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "questions", NULL, 0, SHEET_DATA);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
}

static void put_group(struct sheet *out, const struct scores *s, unsigned by, const struct member *m, long n)
{
    struct sample sample = {0};
    long failed = 0;
    for (long i = 0; i < n; i++) {
        if (m[i].item->status == JUDGMENT_OK)
            sample_add(&sample, m[i].item->question_id, 1, m[i].item->score);
        failed += m[i].item->status != JUDGMENT_OK;
    }
    const struct estimate e = estimate_within(estimate_mean(&sample), LOWEST_SCORE, HIGHEST_SCORE);
    if (by & GROUP_BY_MODEL)
        sheet_text(out, s->model[m->model]);
    if (by & GROUP_BY_SEED) {
        if (m->seed < 0)
            sheet_empty(out);
        else
            sheet_int(out, (long)m->seed);
    }
    if (by & GROUP_BY_CATEGORY)
        sheet_text(out, m->category < 0 ? NULL : s->category[m->category]);
    if (by & GROUP_BY_TURN)
        sheet_int(out, m->turn);
    sheet_number(out, e.value);
    put_interval(out, &e);
    sheet_int(out, e.n);
    sheet_int(out, e.clusters);
    sheet_int(out, failed);
    sample_free(&sample);
}

void view_groups(struct sheet *out, const struct scores *s, const struct row_runs *runs, unsigned by)
{
    const long all = (long)s->first[s->n_models];
    struct member *m = xcalloc((size_t)all + 1, sizeof *m);
    long n = 0;
    for (int model = 0; model < s->n_models; model++)
        for (size_t i = s->first[model]; i < s->first[model + 1]; i++) {
            const struct score_item *it = &s->item[i];
            m[n++] = (struct member){ by & GROUP_BY_MODEL ? model : 0, by & GROUP_BY_CATEGORY ? it->category : 0,
                                      by & GROUP_BY_TURN ? it->turn : 0, by & GROUP_BY_SEED ? runs->seed[runs->run[it->order]] : 0, it };
        }
    qsort(m, (size_t)n, sizeof *m, by_group);
    group_columns(out, by);
    for (long i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && same_group(&m[i], &m[end]); end++)
            ;
        put_group(out, s, by, m + i, end - i);
    }
    about(out, s);
    free(m);
}

/* ---- history ---- */

/* ckpt-9 before ckpt-10: digits are compared as numbers. */
static int natural(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t n = strspn(a, "0123456789"), k = strspn(b, "0123456789");
            const int c = n != k ? (n < k ? -1 : 1) : strncmp(a, b, n);
            if (c)
                return c;
            a += n;
            b += k;
        } else if (*a != *b) {
            return (unsigned char)*a - (unsigned char)*b;
        } else {
            a++, b++;
        }
    }
    return (unsigned char)*a - (unsigned char)*b;
}

struct checkpoint {
    const char *name;
    int model;
};

static int by_step(const void *a, const void *b)
{
    const struct checkpoint *x = a, *y = b;
    const int c = natural(x->name, y->name);
    return c ? c : strcmp(x->name, y->name);
}

void view_history(struct sheet *out, const struct scores *s)
{
    struct checkpoint *c = xcalloc((size_t)s->n_models + 1, sizeof *c);
    for (int m = 0; m < s->n_models; m++)
        c[m] = (struct checkpoint){ s->model[m], m };
    qsort(c, (size_t)s->n_models, sizeof *c, by_step);
    sheet_column(out, "checkpoint", NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_ALL);
    interval_columns(out, "95 % interval", "");
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
    sheet_column(out, "change", NULL, 2, SHEET_ALL);
    interval_columns(out, "95 % interval", "change_");
    for (int i = 0; i < s->n_models; i++) {
        const struct score sc = score_of(s, c[i].model, SCORE_ALL);
        sheet_text(out, c[i].name);
        sheet_number(out, sc.mean.value);
        put_interval(out, &sc.mean);
        sheet_int(out, sc.mean.n);
        sheet_int(out, sc.failed);
        const struct comparison d = i ? scores_compare(s, c[i].model, c[i - 1].model)
                                      : (struct comparison){ .difference = { NAN, NAN, NAN, NAN, 0, 0 } };
        sheet_number(out, d.difference.value);
        put_interval(out, &d.difference);
    }
    about(out, s);
    sheet_fact_text(out, "change", "from the checkpoint before, paired by question and turn",
                    "change: from the checkpoint before, paired by question and turn");
    free(c);
}

/* ---- noise ---- */

/* What a further run helps against; more judgments of one answer help against the judge alone, more answers against both. */
static const char *helps(const struct noise *v)
{
    const double q = v->share_questions, a = isnan(v->share_answers) ? 0 : v->share_answers,
                 j = isnan(v->share_judgments) ? 0 : v->share_judgments;
    if (isnan(v->answers) && isnan(v->judgments))
        return "not known: one answer, one judgment";
    if (v->se == 0)
        return "nothing: there is no scatter";
    if (q >= a + j)
        return "other questions";
    return a >= j ? "more seeds" : isnan(v->answers) ? "more repeats" : "more repeats or seeds";
}

void view_noise(struct sheet *out, const struct scores *s, const struct row_runs *runs)
{
    static const char *const column[][2] = { { "variance_questions", "var questions" }, { "variance_answers", "var answers" },
                                             { "variance_judgments", "var judgments" }, { "standard_error", "error" },
                                             { "share_questions", "questions %" }, { "share_answers", "answers %" },
                                             { "share_judgments", "judgments %" } };
    struct noise_item *item = xcalloc(s->first[s->n_models] + 1, sizeof *item);
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    for (int i = 0; i < 7; i++)
        sheet_column(out, column[i][0], column[i][1], i < 4 ? 3 : 0, SHEET_ALL);
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "shrinks_by", "shrinks most by", 0, SHEET_ALL);
    for (int m = 0; m < s->n_models; m++) {
        long n = 0;
        /* in the order of question, turn, and repeat, which runs through the repeats of a run before the next run's */
        for (size_t i = s->first[m]; i < s->first[m + 1]; i++)
            if (s->item[i].status == JUDGMENT_OK)
                item[n++] = (struct noise_item){ s->item[i].question_id, s->item[i].turn, runs->run[s->item[i].order], s->item[i].score };
        const struct noise v = noise_of(item, n);
        const double number[] = { v.questions, v.answers, v.judgments, v.se, 100 * v.share_questions, 100 * v.share_answers,
                                  100 * v.share_judgments };
        sheet_text(out, s->model[m]);
        for (int i = 0; i < 7; i++)
            sheet_number(out, number[i]);
        sheet_int(out, n);
        sheet_text(out, helps(&v));
    }
    about(out, s);
    sheet_fact_text(
        out, "noise", "variances of one score; shares of the squared error of the mean",
        "variances of one score between questions, answers (seeds) and judgments (repeats); shares are of the mean's squared error");
    free(item);
}
