/* score.c - rows of a judgment table, sorted and without repetitions; means per model. */
#include "mtbench/score.h"

#include "choice.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- questions ---- */

struct known_question { int64_t id; int16_t category; };

static int by_question(const void *a, const void *b)
{
    const struct known_question *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* Sorted by id; fills the categories of 's'. */
static struct known_question *known_questions(struct scores *s, const struct questions *qs)
{
    struct known_question *k = xcalloc((size_t)qs->n + 1, sizeof *k);
    s->category = xcalloc((size_t)qs->n + 1, sizeof *s->category);
    for (int i = 0; i < qs->n; i++) {
        int c = 0;
        while (c < s->n_categories && strcmp(s->category[c], qs->q[i].category))
            c++;
        if (c == s->n_categories)        /* in the order of their first question, as the bench has them */
            s->category[s->n_categories++] = qs->q[i].category;
        k[i] = (struct known_question){ qs->q[i].id, (int16_t)c };
    }
    qsort(k, (size_t)qs->n, sizeof *k, by_question);
    return k;
}

/* ---- items ---- */

/* Questions first: the errors are clustered by them. The place in the file last, so that the later of two equals
 * is the later one here. */
static int by_key(const void *a, const void *b)
{
    const struct score_item *x = a, *y = b;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    if (x->repeat != y->repeat)
        return x->repeat < y->repeat ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool same_key(const struct score_item *x, const struct score_item *y)
{
    return x->question_id == y->question_id && x->turn == y->turn && x->repeat == y->repeat;
}

/* Sort the n items of a model, unless they are in order, and keep one per key. Returns how many are left. */
static size_t tidy(struct score_item *item, size_t n)
{
    size_t kept = 0;
    for (size_t i = 1; i < n; i++) {
        if (by_key(&item[i - 1], &item[i]) > 0) { /* FastChat's files are nearly sorted: most are left alone */
            qsort(item, n, sizeof *item, by_key);
            break;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !same_key(&item[kept - 1], &item[i]))
            item[kept++] = item[i];
        else if (item[i].status == JUDGMENT_OK || item[kept - 1].status != JUDGMENT_OK) /* law 2: a failure never takes a verdict's place */
            item[kept - 1] = item[i];
    }
    return kept;
}

/* Questions of other benches, or beyond --question-begin and --question-end, are no part of the scores asked for. */
static bool take_row(struct scores *s, const struct judgment_row *r, const struct known_question *known, int n_known,
                     struct score_item *out)
{
    *out = (struct score_item){ .question_id = r->question_id, .score = r->score, .category = -1, .turn = r->turn, .status = r->status,
                                 .empty = r->empty };
    if (known) {
        const struct known_question key = { r->question_id, 0 }, *k = bsearch(&key, known, (size_t)n_known, sizeof *k, by_question);
        if (!k)                          /* of no question of this bench: not counted */
            return false;
        out->category = k->category;
    }
    if (r->turn > s->n_turns)
        s->n_turns = r->turn;            /* as many columns as there are turns, not always two */
    return true;
}

/* Put the rows of marked models into items, model by model: count, then place. 'number': of a name, its place among the models, or -1. */
static size_t place(struct scores *s, const struct judgment_table *t, const struct score_choice *c, int32_t judge, const int32_t *number)
{
    struct known_question *known = c->questions ? known_questions(s, c->questions) : NULL;
    const int n_known = c->questions ? c->questions->n : 0;
    size_t *next = xcalloc((size_t)s->n_models + 1, sizeof *next), kept = 0, rows = 0; /* where the next item of a model goes */
    int repeat = 0;
    for (size_t i = 0; i < t->n; i++)
        if (t->row[i].judge == judge && number[t->row[i].model_1] >= 0)
            next[number[t->row[i].model_1] + 1]++, rows++; /* counts, one place further on: sums of them are the starts */
    for (int m = 0; m < s->n_models; m++)
        next[m + 1] += next[m];
    memcpy(s->first, next, ((size_t)s->n_models + 1) * sizeof *next); /* where each model's items begin; 'next' goes on from there */
    s->item = xcalloc(rows + 1, sizeof *s->item);
    for (size_t i = 0; i < t->n; i++) {
        struct score_item item;
        const int32_t m = number[t->row[i].model_1]; /* -1: not among the chosen models */
        /* The table is all repeats' files, one behind the other. */
        while (c->repeat_end && repeat < c->n_repeats - 1 && i >= c->repeat_end[repeat])
            repeat++;
        if (t->row[i].judge != judge || m < 0 || !take_row(s, &t->row[i], known, n_known, &item))
            continue;
        item.order = (uint32_t)i;
        item.repeat = (uint8_t)repeat;
        s->item[next[m]++] = item;
    }
    for (int m = 0; m < s->n_models; m++) {
        size_t from = s->first[m], n = tidy(s->item + from, next[m] - from);
        s->replaced += (long)(next[m] - from - n); /* said below the table: FastChat averages doubles */
        memmove(s->item + kept, s->item + from, n * sizeof *s->item); /* what tidy() dropped leaves gaps */
        s->first[m] = kept;
        kept += n;
    }
    s->first[s->n_models] = kept;
    free(known);
    free(next);
    return kept;
}

static void mark_models(const struct judgment_table *t, int32_t judge, uint8_t *which)
{
    for (size_t i = 0; i < t->n; i++)
        if (t->row[i].judge == judge)
            which[t->row[i].model_1] = 1;
}

int scores_build(struct scores *s, const char *name, const struct judgment_table *t, const struct score_choice *choice, struct err *err)
{
    int32_t judge = -1;
    *s = (struct scores){ .n_repeats = choice->repeat_end ? choice->n_repeats : 1 };
    if (t->n == 0)
        return err_set(err, ERR_USAGE, "%s: no judgments in it; judge first, or give another --input-file", name);
    if (t->pairs)
        return err_set(err, ERR_USAGE, "%s: judgments of pairs; show them with --mode pairwise-baseline or pairwise-all", name);
    uint8_t *which = xcalloc((size_t)t->n_names + 1, 1);
    int32_t *number = xcalloc((size_t)t->n_names + 1, sizeof *number);
    int rc = choice_judge(name, t, choice->judge, &judge, err);
    if (rc == 0)
        mark_models(t, judge, which);
    if (rc == 0)
        rc = choice_models(name, t, choice->model, choice->n_models, which, err);
    if (rc == 0) {
        s->model = choice_marked(t, which, &s->n_models); /* in name order, which is also the order of equal scores */
        s->judge = judge >= 0 ? t->name[judge] : NULL;
        s->by_others = choice_others(t, judge, &s->others);
        s->first = xcalloc((size_t)s->n_models + 1, sizeof *s->first);
        for (int i = 0; i < t->n_names; i++)
            number[i] = -1;
        for (int m = 0; m < s->n_models; m++)
            number[judgment_table_name(t, s->model[m])] = m;
        if (place(s, t, choice, judge, number) == 0)
            rc = err_set(err, ERR_USAGE, "%s: no judgment of the chosen questions; is --bench-name right?", name);
    }
    free(which);
    free(number);
    return rc;
}

void scores_free(struct scores *s)
{
    free(s->model);
    free(s->first);
    free(s->item);
    free(s->category);
    free(s->others);
    *s = (struct scores){0};
}

int scores_model(const struct scores *s, const char *name, struct err *err)
{
    for (int m = 0; m < s->n_models; m++)
        if (!strcmp(s->model[m], name))
            return m;
    struct buf b = {0};
    choice_names(&b, s->model, s->n_models);
    err_set(err, ERR_USAGE, "%s: no such model here; there are %s", name, b.data ? b.data : "none");
    buf_free(&b);
    return -1;
}

/* ---- means ---- */

/* Items are sorted by question, so the sample's clusters stand together, which estimate.c counts on. */
struct score score_of(const struct scores *s, int model, struct score_part part)
{
    struct score out = {0};
    struct sample sample = {0};
    for (size_t i = s->first[model]; i < s->first[model + 1]; i++) {
        const struct score_item *it = &s->item[i];
        if ((part.turn && it->turn != part.turn) || (part.category >= 0 && it->category != part.category))
            continue;
        if (part.repeat >= 0 && it->repeat != part.repeat) /* -1: all of them */
            continue;
        out.empty += it->status == JUDGMENT_OK && it->empty;
        if (it->status == JUDGMENT_OK)
            sample_add(&sample, it->question_id, 1, it->score);
        else
            out.failed++, out.failed_by[it->status]++; /* law 2: counted, and in no mean */
    }
    out.mean = estimate_within(estimate_mean(&sample), LOWEST_SCORE, HIGHEST_SCORE);
    sample_free(&sample);
    return out;
}

struct rank { double score; int model; };

static int by_score(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (isnan(x->score) || isnan(y->score))
        return isnan(x->score) != isnan(y->score) ? isnan(x->score) - isnan(y->score) : x->model - y->model;
    return x->score != y->score ? (x->score < y->score ? 1 : -1) : x->model - y->model;
}

void scores_rank(const struct scores *s, const struct score *of_model, int *order)
{
    struct rank *r = xcalloc((size_t)s->n_models + 1, sizeof *r);
    for (int m = 0; m < s->n_models; m++)
        r[m] = (struct rank){ of_model[m].mean.value, m }; /* NaN where nothing counts: last, in name order */
    qsort(r, (size_t)s->n_models, sizeof *r, by_score);
    for (int m = 0; m < s->n_models; m++)
        order[m] = r[m].model;
    free(r);
}
