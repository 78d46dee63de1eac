/* views.c - what `mtbench show` can show, as sheets. */
#include "mtbench/views.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- pieces of several views ---- */

static void interval_columns(struct sheet *out)
{
    sheet_column(out, "interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(out, "low", NULL, 2, SHEET_DATA);
    sheet_column(out, "high", NULL, 2, SHEET_DATA);
    sheet_column(out, "standard_error", NULL, 2, SHEET_DATA);
}

/* One column for people, three for machines: SHEET_TEXT and SHEET_DATA never show both. */
static void put_interval(struct sheet *out, const struct estimate *e)
{
    if (isnan(e->low))
        sheet_empty(out);
    else
        sheet_printf(out, "%.2f .. %.2f", e->low, e->high); /* two digits: a single pass of a judge moves by 0.1 to 0.2 */
    sheet_number(out, e->low);
    sheet_number(out, e->high);
    sheet_number(out, e->se);
}

/* People see how many failed, programs also why: a judge's filter is another trouble than a lost network. */
static void failed_columns(struct sheet *out)
{
    static const char *const name[JUDGMENT_STATUSES] = { "",
                                                         "failed_unparsable",
                                                         "failed_out_of_range",
                                                         "failed_truncated",
                                                         "failed_filtered",
                                                         "failed_refused",
                                                         "failed_too_long",
                                                         "failed_call",
                                                         "failed_no_answer" };
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "questions", NULL, 0, SHEET_DATA);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
    sheet_column(out, "empty_answers", NULL, 0, SHEET_DATA);
    for (int i = JUDGMENT_OK + 1; i < JUDGMENT_STATUSES; i++)
        sheet_column(out, name[i], NULL, 0, SHEET_DATA);
}

static void put_failed(struct sheet *out, const struct score *s) /* as failed_columns() has them: every row fills every column */
{
    sheet_int(out, s->mean.n);
    sheet_int(out, s->mean.clusters);
    sheet_int(out, s->failed);
    sheet_int(out, s->empty);
    for (int i = JUDGMENT_OK + 1; i < JUDGMENT_STATUSES; i++)
        sheet_int(out, s->failed_by[i]);
}

static void put_others(struct sheet *out, long n, const char *who)
{
    /* Facts without a sentence (NULL) go to JSON only: a reader is told what happened, a program always gets the
     * number. */
    sheet_fact_int(out, "by_other_judges", n, n ? "in the file, and not counted: %ld by %s; --judge-model chooses" : NULL, n, who);
}

/* Facts that belong to every view of single judgments. */
static void about(struct sheet *out, const struct scores *s)
{
    long failed[JUDGMENT_STATUSES] = {0}, all = 0, empty = 0;
    struct buf b = {0};
    for (size_t i = 0; i < s->first[s->n_models]; i++) { /* of the shown models; failures of others are no news here */
        failed[s->item[i].status]++;
        empty += s->item[i].status == JUDGMENT_OK && s->item[i].empty;
    }
    for (int i = JUDGMENT_OK + 1; i < JUDGMENT_STATUSES; i++) {
        if (failed[i])
            buf_printf(&b, "%s%ld %s", b.len ? ", " : "", failed[i], judgment_status_name((enum judgment_status)i));
        all += failed[i];
    }
    sheet_fact_text(out, "mode", "single", NULL);
    sheet_fact_text(out, "judge", s->judge, s->judge ? "judge: %s" : NULL, s->judge);
    put_others(out, s->by_others, s->others);
    sheet_fact_int(out, "repeats", s->n_repeats, NULL);
    sheet_fact_int(out, "failed", all, all ? "failed, and not in any mean: %s" : NULL, b.data);
    sheet_fact_int(out, "empty_answers", empty, empty ? "empty answers, judged and counted like any other: %ld" : NULL, empty);
    sheet_fact_int(out, "replaced", s->replaced, s->replaced ? "%ld judgments are there more than once; the last good one counts" : NULL,
                   s->replaced);
    buf_free(&b);
}

void view_answer_facts(struct sheet *out, const struct answer_facts *f)
{
    sheet_fact_int(out, "outdated", f->outdated,
                   f->outdated ? "judged other answers than those in model_answer, which were made anew: %ld, of %s; judge again" : NULL,
                   f->outdated, f->outdated_models);
    sheet_fact_int(out, "cut_at_limit", f->cut, f->cut ? "answers that ran into the token limit: %s" : NULL, f->cut_models);
}

/* The scores of all models, and their order. Both are xcalloc'ed. */
static struct score *ranked(const struct scores *s, int **order)
{
    struct score *all = xcalloc((size_t)s->n_models + 1, sizeof *all);
    *order = xcalloc((size_t)s->n_models + 1, sizeof **order);
    for (int m = 0; m < s->n_models; m++)
        all[m] = score_of(s, m, SCORE_ALL);
    scores_rank(s, all, *order);
    return all;
}

/* ---- scores ---- */

/* Two sources of noise: the judge, asked again, and the questions, were they others. More repeats help against the
 * first one only. */
static void spread_columns(struct sheet *out)
{
    sheet_column(out, "repeats", NULL, 0, SHEET_ALL);
    sheet_column(out, "repeat_low", "lowest", 2, SHEET_ALL);
    sheet_column(out, "repeat_high", "highest", 2, SHEET_ALL);
    sheet_column(out, "repeat_sd", "sd", 3, SHEET_ALL);
    sheet_column(out, "variance_repeats", "var repeats", 3, SHEET_ALL);
    sheet_column(out, "variance_questions", "var questions", 3, SHEET_ALL);
}

static void put_spread(struct sheet *out, const struct scores *s, int model) /* as spread_columns() has them */
{
    struct spread p = score_spread(s, model);
    sheet_int(out, p.n_repeats);
    sheet_number(out, p.lowest);
    sheet_number(out, p.highest);
    sheet_number(out, p.sd);
    sheet_number(out, p.within);
    sheet_number(out, p.between);
}

static void turn_columns(struct sheet *out, int turns)
{
    for (int t = 1; t <= turns; t++) {
        char name[32], head[32];
        snprintf(name, sizeof name, "turn_%d", t);
        snprintf(head, sizeof head, "turn %d", t);
        sheet_column(out, name, head, 2, SHEET_ALL);
    }
}

void view_scores(struct sheet *out, const struct scores *s)
{
    int *order;
    struct score *all = ranked(s, &order);
    const double smallest = scores_smallest(s, order);
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_ALL);
    interval_columns(out);
    failed_columns(out);
    turn_columns(out, s->n_turns);
    if (s->n_repeats > 1)
        spread_columns(out);
    sheet_column(out, "smallest_difference", NULL, 2, SHEET_DATA);
    for (int i = 0; i < s->n_models; i++) {
        const int m = order[i];          /* the best first; order is of models, rows are of the table */
        sheet_text(out, s->model[m]);
        sheet_number(out, all[m].mean.value);
        put_interval(out, &all[m].mean);
        put_failed(out, &all[m]);
        for (int t = 1; t <= s->n_turns; t++)
            sheet_number(out, score_of(s, m, (struct score_part){ t, -1, -1 }).mean.value);
        if (s->n_repeats > 1)
            put_spread(out, s, m);
        sheet_number(out, smallest);     /* the same in each row: CSV has no place for facts */
    }
    about(out, s);
    sheet_fact_number(out, "smallest_difference", smallest,
                      isnan(smallest) ? NULL : "smallest difference between two %s that this run can show: %.2f (80 %% power)",
                      s->n_models > 1 ? "neighbours" : "such models", smallest);
    free(all);
    free(order);
}

/* ---- by turn, by category ---- */

/* One row of a long table: a model in one turn, or in one category. */
static void put_part(struct sheet *out, const struct scores *s, int model, const char *category, int turn, struct score_part part)
{
    struct score sc = score_of(s, model, part);
    if (sc.mean.n + sc.failed == 0)      /* a model that was not judged there has no row, not an empty one */
        return;
    sheet_text(out, s->model[model]);
    if (category)
        sheet_text(out, category);
    else
        sheet_int(out, turn);
    sheet_number(out, sc.mean.value);
    put_interval(out, &sc.mean);
    put_failed(out, &sc);
}

static void part_columns(struct sheet *out, const char *what)
{
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    sheet_column(out, what, NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_ALL);
    interval_columns(out);
    failed_columns(out);
}

void view_turns(struct sheet *out, const struct scores *s)
{
    int *order;
    free(ranked(s, &order));             /* the order alone is wanted */
    part_columns(out, "turn");
    for (int t = 1; t <= s->n_turns; t++)
        for (int i = 0; i < s->n_models; i++)
            put_part(out, s, order[i], NULL, t, (struct score_part){ t, -1, -1 });
    about(out, s);
    free(order);
}

/* For people: a column per category, as FastChat's radar figure has its corners. */
static void wide_categories(struct sheet *out, const struct scores *s, const int *order, const struct score *all)
{
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    for (int c = 0; c < s->n_categories; c++)
        sheet_column(out, s->category[c], NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_ALL);
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
    for (int i = 0; i < s->n_models; i++) {
        sheet_text(out, s->model[order[i]]);
        for (int c = 0; c < s->n_categories; c++) {
            struct score sc = score_of(s, order[i], (struct score_part){ 0, c, -1 });
            if (isnan(sc.mean.value))    /* nothing of this category counts */
                sheet_empty(out);
            else if (isnan(sc.mean.low))
                sheet_printf(out, "%.2f", sc.mean.value);
            else
                /* A category has few questions: more digits would say nothing. */
                sheet_printf(out, "%.2f (%.1f-%.1f)", sc.mean.value, sc.mean.low, sc.mean.high);
        }
        sheet_number(out, all[order[i]].mean.value);
        sheet_int(out, all[order[i]].mean.n);
        sheet_int(out, all[order[i]].failed);
    }
}

void view_categories(struct sheet *out, const struct scores *s, bool wide)
{
    int *order;
    struct score *all = ranked(s, &order);
    /* A category per column for people, a row per model and category for programs. */
    if (wide)
        wide_categories(out, s, order, all);
    else
        part_columns(out, "category");
    for (int i = 0; i < s->n_models && !wide; i++)
        for (int c = 0; c < s->n_categories; c++)
            put_part(out, s, order[i], s->category[c], 0, (struct score_part){ 0, c, -1 });
    about(out, s);
    free(all);
    free(order);
}

/* ---- comparisons ---- */

void view_compare(struct sheet *out, const struct scores *s, int a, int b)
{
    struct comparison c = scores_compare(s, a, b);
    sheet_column(out, "a", "A", 0, SHEET_ALL);
    sheet_column(out, "b", "B", 0, SHEET_ALL);
    sheet_column(out, "mean_a", "mean A", 2, SHEET_ALL);
    sheet_column(out, "mean_b", "mean B", 2, SHEET_ALL);
    sheet_column(out, "difference", "A - B", 2, SHEET_ALL);
    interval_columns(out);
    sheet_column(out, "pairs", NULL, 0, SHEET_ALL);
    sheet_column(out, "questions", NULL, 0, SHEET_DATA);
    sheet_column(out, "higher", "A higher", 0, SHEET_ALL);
    sheet_column(out, "lower", "B higher", 0, SHEET_ALL);
    sheet_column(out, "equal", NULL, 0, SHEET_ALL);
    sheet_column(out, "unpaired", NULL, 0, SHEET_ALL); /* scored for one of the two only: in neither mean */
    sheet_column(out, "smallest_difference", NULL, 2, SHEET_DATA);
    sheet_text(out, s->model[a]);
    sheet_text(out, s->model[b]);
    sheet_number(out, c.mean_a);
    sheet_number(out, c.mean_b);
    sheet_number(out, c.difference.value);
    put_interval(out, &c.difference);
    sheet_int(out, c.difference.n);
    sheet_int(out, c.difference.clusters);
    sheet_int(out, c.higher);
    sheet_int(out, c.lower);
    sheet_int(out, c.equal);
    sheet_int(out, c.unpaired);
    sheet_number(out, c.smallest);
    about(out, s);
    /* No interval, no verdict. */
    const bool known = !isnan(c.difference.low), shown = known && (c.difference.low > 0 || c.difference.high < 0);
    const bool higher = c.difference.value > 0;
    sheet_fact_text(out, "verdict", !known ? NULL : !shown ? "undecided" : higher ? "a" : "b", known ? "%s" : NULL,
                    !shown ? "the interval holds 0: this run does not tell them apart" : higher ? "A scores higher" : "B scores higher");
    sheet_fact_number(out, "smallest_difference", c.smallest,
                      isnan(c.smallest) ? NULL : "smallest difference of these two that this run can show: %.2f (80 %% power)", c.smallest);
}

/* ---- length ---- */

/* 'model' -1: all, within each question and turn, so that a hard question with long answers does not look like a judge's taste for
 * length. */
static void put_slope(struct sheet *out, const struct scores *s, int model, const struct answer_set *answers)
{
    long missing = 0;
    const struct estimate e = score_length_slope(s, model, answers, &missing);
    const struct length_mean mean = score_length_mean(s, model, answers);
    sheet_text(out, model < 0 ? VIEW_LENGTH_ALL : s->model[model]);
    sheet_number(out, e.value);
    put_interval(out, &e);
    sheet_int(out, e.n);
    sheet_int(out, missing);
    sheet_number(out, mean.characters);
    sheet_number(out, mean.score);
}

void view_length(struct sheet *out, const struct scores *s, const struct answer_set *answers)
{
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    sheet_column(out, "points_per_doubling", "points per doubling", 2, SHEET_ALL);
    interval_columns(out);
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "no_answer_found", "no answer found", 0, SHEET_ALL);
    sheet_column(out, "characters", NULL, 0, SHEET_ALL);
    sheet_column(out, "score", NULL, 2, SHEET_DATA);
    for (int m = 0; m < s->n_models; m++)
        put_slope(out, s, m, answers);
    if (s->n_models > 1)
        put_slope(out, s, -1, answers);
    about(out, s);
}

/* ---- pairs ---- */

static void about_pairs(struct sheet *out, const struct pairwise *p, const char *mode, const char *baseline)
{
    const long flips = p->flip_first + p->flip_second; /* pairs whose winner changed with the order of the answers */
    sheet_fact_text(out, "mode", mode, NULL);
    sheet_fact_text(out, "judge", p->judge, p->judge ? "judge: %s" : NULL, p->judge);
    put_others(out, p->by_others, p->others);
    sheet_fact_text(out, "baseline", baseline, baseline ? "baseline: %s" : NULL, baseline);
    sheet_fact_int(out, "games", p->games, NULL);
    sheet_fact_int(out, "failed", p->failed, p->failed ? "failed, and not counted: %ld of %ld" : NULL, p->failed, p->games + p->failed);
    sheet_fact_int(out, "replaced", p->replaced, p->replaced ? "%ld judgments are there more than once; the last good one counts" : NULL,
                   p->replaced);
    sheet_fact_int(out, "flips_to_first", p->flip_first, NULL);
    sheet_fact_int(out, "flips_to_second", p->flip_second, NULL);
    sheet_fact_number(
        out, "flip_rate", p->games ? (double)flips / (double)p->games : NAN,
        p->games ? "verdicts that change sides with the order: %ld of %ld (%.1f %%), %ld to the answer shown first, %ld to the second"
                 : NULL,
        flips, p->games, 100.0 * (double)flips / (double)p->games, p->flip_first, p->flip_second);
}

static void pair_columns(struct sheet *out, bool against)
{
    sheet_column(out, "model", NULL, 0, SHEET_ALL);
    if (against)
        sheet_column(out, "against", NULL, 0, SHEET_ALL);
    /* FastChat's names for its columns, so that scripts find them; 'adjusted' first, since it is what the rows are
     * sorted by. */
    sheet_column(out, "win_rate_adjusted", "adjusted", 3, SHEET_ALL);
    interval_columns(out);
    sheet_column(out, "win_rate", "win rate", 3, SHEET_ALL);
    sheet_column(out, "loss_rate", NULL, 3, SHEET_DATA);
    sheet_column(out, "n", NULL, 0, SHEET_ALL);
    sheet_column(out, "questions", NULL, 0, SHEET_DATA);
    sheet_column(out, "failed", NULL, 0, SHEET_ALL);
    sheet_column(out, "win", NULL, 0, SHEET_ALL);
    sheet_column(out, "loss", NULL, 0, SHEET_ALL);
    sheet_column(out, "tie", NULL, 0, SHEET_ALL);
    sheet_column(out, "flips", NULL, 0, SHEET_ALL);
    sheet_column(out, "flips_to_first", NULL, 0, SHEET_DATA);
    sheet_column(out, "flips_to_second", NULL, 0, SHEET_DATA);
    sheet_column(out, "flip_rate", "flip rate", 3, SHEET_ALL);
}

static void put_pair_row(struct sheet *out, const struct pairwise_row *r, const char *against) /* as pair_columns() has them */
{
    const long n = r->win + r->loss + r->tie, flips = r->flip_first + r->flip_second;
    sheet_text(out, r->model);
    if (against)
        sheet_text(out, against);
    sheet_number(out, r->adjusted.value);
    put_interval(out, &r->adjusted);
    sheet_number(out, r->rate.value);
    sheet_number(out, n ? (double)r->loss / (double)n : NAN);
    sheet_int(out, n);
    sheet_int(out, r->adjusted.clusters);
    sheet_int(out, r->failed);
    sheet_int(out, r->win);
    sheet_int(out, r->loss);
    sheet_int(out, r->tie);
    sheet_int(out, flips);
    sheet_int(out, r->flip_first);
    sheet_int(out, r->flip_second);
    sheet_number(out, n ? (double)flips / (double)n : NAN);
}

void view_pairs(struct sheet *out, const struct pairwise *p, const char *baseline)
{
    pair_columns(out, false);
    for (int i = 0; i < p->n; i++)
        put_pair_row(out, &p->row[i], NULL);
    about_pairs(out, p, baseline ? "pairwise-baseline" : "pairwise-all", baseline);
}

void view_pair_matrix(struct sheet *out, const struct pairwise *p)
{
    pair_columns(out, true);
    for (int i = 0; i < p->n; i++) {
        for (int j = 0; j < p->n; j++) {
            const struct pairwise_row *r = &p->pair[i * p->n + j];
            if (r->adjusted.n || r->failed) /* two models that never met have no row, not an empty one */
                put_pair_row(out, r, p->row[j].model);
        }
    }
    about_pairs(out, p, "pairwise-all", NULL);
}

void view_pair_compare(struct sheet *out, const struct pairwise *p, const char *a, const char *b)
{
    pair_columns(out, false);
    for (int i = 0; i < p->n; i++) {
        if (strcmp(p->row[i].model, a))
            continue;
        const struct estimate *e = &p->row[i].adjusted;
        const double smallest = estimate_smallest(e);
        const bool shown = !isnan(e->low) && (e->low > 0.5 || e->high < 0.5); /* 0.5: as many wins as losses, ties being half */
        put_pair_row(out, &p->row[i], NULL);
        sheet_fact_text(out, "against", b, "against %s; 0.5 is even", b);
        const bool more = e->value > 0.5, known = !isnan(e->low);
        sheet_fact_text(out, "verdict",
                        !known   ? NULL
                        : !shown ? "undecided"
                        : more   ? "a"
                                 : "b",
                        known ? "%s" : NULL,
                        !shown ? "the interval holds 0.5: this run does not tell them apart"
                        : more ? "it wins more often"
                               : "it loses more often");
        sheet_fact_number(out, "smallest_difference", smallest,
                          isnan(smallest) ? NULL : "smallest distance from 0.5 that this run can show: %.2f (80 %% power)", smallest);
    }
    about_pairs(out, p, "pairwise-all", NULL); /* against one another, whatever the file was made by */
}
