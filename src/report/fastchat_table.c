/* fastchat_table.c - what FastChat's show_result.py prints, by its rules. */
#include "mtbench/fastchat_table.h"

#include "pandas.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char empty[] = "no judgments in it; judge first, or give another --input-file";

/* Which names are on the list; an empty list means all. */
static uint8_t *listed(const struct judgment_table *t, const char *const *model, int n_models)
{
    uint8_t *on = xcalloc((size_t)t->n_names + 1, 1);
    memset(on, n_models == 0, (size_t)t->n_names);
    for (int i = 0; i < n_models; i++) {
        int32_t k = judgment_table_name(t, model[i]);
        if (k >= 0)                      /* unknown names are ignored, as FastChat does */
            on[k] = 1;
    }
    return on;
}

/* ---- single ---- */

/* A mean as pandas sums it: Kahan's compensation, in file order; a score that is NaN makes a row, and counts in no mean. */
struct mean { double sum, lost; long n, rows; };

static void mean_add(struct mean *m, double v)
{
    m->rows++;
    if (isnan(v))
        return;
    /* The last digit printed depends on the way of summing: pandas' groupby mean compensates, and so does this. */
    double y = v - m->lost, t = m->sum + y;
    m->lost = t - m->sum - y;
    m->sum = t;
    m->n++;
}

struct line {
    const char *model;                   /* the table's */
    double score;                        /* what the lines are sorted by */
    const void *of;                      /* what the line was made from */
};

static int by_score(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (isnan(x->score) || isnan(y->score)) /* sort_values() puts NaN last */
        return isnan(x->score) != isnan(y->score) ? isnan(x->score) - isnan(y->score) : strcmp(x->model, y->model);
    /* Equal scores by name: pandas' order is that too in small tables, and unspecified in large ones. */
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : strcmp(x->model, y->model);
}

/* A model with rows has a line, even where none of them counts: pandas' groupby has the group, and NaN for its
 * mean. */
static void put_means(struct buf *b, const char *title, const struct judgment_table *t, const struct mean *mean, int turn)
{
    struct line *line = xcalloc((size_t)t->n_names + 1, sizeof *line);
    int n = 0;
    for (int i = 0; i < t->n_names; i++)
        if (mean[i].rows)
            line[n++] = (struct line){ t->name[i], mean[i].n ? mean[i].sum / (double)mean[i].n : NAN, NULL };
    qsort(line, (size_t)n, sizeof *line, by_score);
    const char **model = xcalloc((size_t)n + 1, sizeof *model);
    double *score = xcalloc((size_t)n + 1, sizeof *score);
    for (int i = 0; i < n; i++) {
        model[i] = line[i].model;
        score[i] = line[i].score;
    }
    const struct pandas_column column = { "score", NULL, score };
    buf_printf(b, "\n########## %s ##########\n", title);
    pandas_put(b, &(struct pandas_frame){ model, turn, n, &column, 1 });
    free(line);
    free(model);
    free(score);
}

int fastchat_put_single(struct buf *b, const char *name, const struct judgment_table *t, const char *const *model, int n_models, bool both,
                        struct err *err)
{
    if (t->n == 0 || t->pairs)
        return err_set(err, ERR_USAGE, "%s: %s", name,
                       t->n ? "judgments of pairs; show them with --mode pairwise-baseline or pairwise-all" : empty);
    static const char *const title[] = { "Average", "First turn", "Second turn" };
    struct mean *mean[3];                /* all rows, turn 1, turn 2, by name */
    uint8_t *on = listed(t, model, n_models);
    for (int k = 0; k < 3; k++)
        mean[k] = xcalloc((size_t)t->n_names + 1, sizeof *mean[k]);
    for (size_t i = 0; i < t->n; i++) {
        const struct judgment_row *r = &t->row[i];
        /* By the number, not by our status: FastChat drops -1 alone, counts a 85, doubles and all judges alike. */
        if (r->score == -1 || !on[r->model_1])
            continue;
        mean_add(&mean[0][r->model_1], r->score); /* rows pooled, not the mean of two means */
        if (r->turn == 1 || r->turn == 2) /* later turns are ours: in the average, but FastChat has no table of them */
            mean_add(&mean[r->turn][r->model_1], r->score);
    }
    put_means(b, title[1], t, mean[1], 1);
    if (both) {                          /* only for mt_bench by name, as in FastChat */
        put_means(b, title[2], t, mean[2], 2);
        put_means(b, title[0], t, mean[0], 0); /* 0: its index has no turn */
    }
    for (int k = 0; k < 3; k++)
        free(mean[k]);
    free(on);
    return 0;
}

/* ---- pairs ---- */

struct tally { long win, loss, tie; };   /* of one model; each game is in two of them */

static void count_games(const struct judgment_table *t, const uint8_t *on, int32_t baseline, struct tally *tally)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct judgment_row *r = &t->row[i];
        /* --model-list tests model_1 only (show_result.py:59): models on the right-hand side still appear. */
        if (r->g1 == WINNER_ERROR || r->g2 == WINNER_ERROR || !on[r->model_1])
            continue;
        if (baseline != -1 && r->model_1 != baseline && r->model_2 != baseline)
            continue;
        if (r->g1 == WINNER_TIE || r->g1 != r->g2) { /* games that disagree are a tie to both */
            tally[r->model_1].tie++;
            tally[r->model_2].tie++;
        } else {
            tally[r->g1 == WINNER_MODEL_1 ? r->model_1 : r->model_2].win++;
            tally[r->g1 == WINNER_MODEL_1 ? r->model_2 : r->model_1].loss++;
        }
    }
}

static void put_tallies(struct buf *b, const struct line *line, int n)
{
    const char **model = xcalloc((size_t)n, sizeof *model);
    long *whole = xcalloc(3 * (size_t)n, sizeof *whole); /* columns one behind the other: win, loss, tie */
    double *number = xcalloc(3 * (size_t)n, sizeof *number);
    for (int i = 0; i < n; i++) {
        const struct tally *w = line[i].of;
        const double all = (double)(w->win + w->loss + w->tie); /* > 0: models without a game have no line */
        model[i] = line[i].model;
        whole[i] = w->win;
        whole[n + i] = w->loss;
        whole[2 * n + i] = w->tie;
        number[i] = (double)w->win / all;
        number[n + i] = (double)w->loss / all;
        number[2 * n + i] = line[i].score;
    }
    const struct pandas_column column[] = {
        { "win", whole, NULL }, { "loss", whole + n, NULL }, { "tie", whole + 2 * n, NULL },
        { "win_rate", NULL, number }, { "loss_rate", NULL, number + n }, { "win_rate_adjusted", NULL, number + 2 * n },
    };
    pandas_put(b, &(struct pandas_frame){ model, 0, n, column, 6 });
    free(model);
    free(whole);
    free(number);
}

int fastchat_put_pairs(struct buf *b, const char *name, const struct judgment_table *t, const char *const *model, int n_models,
                       const char *baseline, struct err *err)
{
    if (t->n == 0 || !t->pairs)
        return err_set(err, ERR_USAGE, "%s: %s", name, t->n ? "judgments of single answers; show them with --mode single" : empty);
    const int32_t base = baseline ? judgment_table_name(t, baseline) : -1;
    uint8_t *on = listed(t, model, n_models);
    struct tally *tally = xcalloc((size_t)t->n_names, sizeof *tally);
    struct line *line = xcalloc((size_t)t->n_names, sizeof *line);
    int n = 0;
    if (!baseline || base >= 0)          /* a baseline that nobody played: no game at all */
        count_games(t, on, base, tally);
    for (int i = 0; i < t->n_names; i++) {
        const struct tally *w = &tally[i];
        const long all = w->win + w->loss + w->tie;
        if (all && i != base)            /* FastChat drops the baseline's own row */
            /* Win_rate_adjusted: a tie is half a win. */
            line[n++] = (struct line){ t->name[i], ((double)w->win + 0.5 * (double)w->tie) / (double)all, w };
    }
    qsort(line, (size_t)n, sizeof *line, by_score);
    if (n)
        put_tallies(b, line, n);
    free(on);
    free(tally);
    free(line);
    if (n == 0)
        return err_set(err, ERR_USAGE, "%s: no game%s%s of the chosen models; is --baseline-model right?", name, baseline ? " with " : "",
                       baseline ? baseline : "");
    return 0;
}
