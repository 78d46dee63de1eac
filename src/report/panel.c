/* panel.c - several judges side by side: a row per model, the scores that each judge gives it. */
#include "mtbench/mem.h"
#include "mtbench/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct member { const char *model; double mean; };   /* mean over the judges that scored it */

static int by_mean(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (isnan(x->mean) || isnan(y->mean)) /* who has no score at all comes last */
        return isnan(x->mean) != isnan(y->mean) ? isnan(x->mean) - isnan(y->mean) : strcmp(x->model, y->model);
    return x->mean != y->mean ? (x->mean < y->mean ? 1 : -1) : strcmp(x->model, y->model);
}

static int find(const struct scores *s, const char *model) /* models are few: a search by name will do */
{
    for (int m = 0; m < s->n_models; m++)
        if (!strcmp(s->model[m], model))
            return m;
    return -1;
}

/* Every model that one of the judges has scored, once. */
static struct member *members(const struct scores *s, int n_judges, int *n)
{
    struct member *all = NULL;
    *n = 0;
    for (int j = 0; j < n_judges; j++) {
        for (int m = 0; m < s[j].n_models; m++) {
            int seen = -1, scored = 0;
            double sum = 0;
            for (int k = 0; k < *n && seen < 0; k++)
                seen = strcmp(all[k].model, s[j].model[m]) ? -1 : k;
            if (seen >= 0)
                continue;
            for (int k = j; k < n_judges; k++) { /* earlier judges have not scored it, or it would have been seen */
                int at = find(&s[k], s[j].model[m]);
                double v = at < 0 ? NAN : score_of(&s[k], at, SCORE_ALL).mean.value;
                sum += isnan(v) ? 0 : v;
                scored += !isnan(v);
            }
            all = xrealloc(all, (size_t)*n + 1, sizeof *all);
            /* A mean of judges' means: a judge with more judgments does not outvote the others. */
            all[(*n)++] = (struct member){ s[j].model[m], scored ? sum / scored : NAN };
        }
    }
    if (*n)
        qsort(all, (size_t)*n, sizeof *all, by_mean);
    return all;
}

static void put_wide(struct sheet *out, const struct scores *s, const char *const *judge, int n_judges, const struct member *row, int n)
{
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    for (int j = 0; j < n_judges; j++)
        sheet_column(out, judge[j], NULL, 2, SHEET_ALL);
    sheet_column(out, "mean", NULL, 2, SHEET_ALL);
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
    for (int i = 0; i < n; i++) {
        long all = 0, failed = 0;        /* of all judges together */
        sheet_text(out, row[i].model);
        for (int j = 0; j < n_judges; j++) {
            int m = find(&s[j], row[i].model);
            /* A judge that never saw the model: an empty cell. */
            struct score sc = m < 0 ? (struct score){ .mean = { .value = NAN, .low = NAN } } : score_of(&s[j], m, SCORE_ALL);
            if (isnan(sc.mean.value))
                sheet_empty(out);
            else if (isnan(sc.mean.low))
                sheet_printf(out, "%.2f", sc.mean.value);
            else
                sheet_printf(out, "%.2f (%.2f-%.2f)", sc.mean.value, sc.mean.low, sc.mean.high);
            all += sc.mean.n;
            failed += sc.failed;
        }
        sheet_number(out, row[i].mean);
        sheet_int(out, all);
        sheet_int(out, failed);
    }
}

static void put_long(struct sheet *out, const struct scores *s, const char *const *judge, int n_judges, const struct member *row, int n)
{
    static const char *const name[] = { "model", "judge", "score", "low", "high", "standard_error", "n", "failed", "empty_answers" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        sheet_column(out, name[i], NULL, 2, SHEET_ALL);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n_judges; j++) {
            int m = find(&s[j], row[i].model);
            if (m < 0)                   /* long form: no row for what was never judged */
                continue;
            struct score sc = score_of(&s[j], m, SCORE_ALL);
            sheet_text(out, row[i].model);
            sheet_text(out, judge[j]);
            sheet_number(out, sc.mean.value);
            sheet_number(out, sc.mean.low);
            sheet_number(out, sc.mean.high);
            sheet_number(out, sc.mean.se);
            sheet_int(out, sc.mean.n);
            sheet_int(out, sc.failed);
            sheet_int(out, sc.empty);
        }
    }
}

void view_panel(struct sheet *out, const struct scores *s, const char *const *judge, int n_judges, bool wide)
{
    int n;
    struct member *row = members(s, n_judges, &n);
    /* Wide for people, long for programs: a column per judge is no table that others can read by name. */
    (wide ? put_wide : put_long)(out, s, judge, n_judges, row, n);
    sheet_fact_text(out, "mode", "single", NULL);
    sheet_fact_int(out, "judges", n_judges,
                   wide ? "%d judges, each with its score and 95 %% interval; mean: of the judges that scored the model" : NULL, n_judges);
    free(row);
}

void view_panel_repeats(struct sheet *out)
{
    sheet_fact_text(out, "repeats", "first", "of judges who were asked more than once the first repeat alone counts here");
}
