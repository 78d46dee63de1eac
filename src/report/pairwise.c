/* pairwise.c - wins, losses and ties per model. */
#include "mtbench/pairwise.h"

#include "choice.h"

#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A record, its models in the order of their names' numbers. */
struct game {
    int64_t question_id;
    int32_t model[2];                    /* numbers of names, the lesser first */
    uint32_t order;                      /* the record's place in the file: later ones replace earlier ones */
    uint8_t turn, failed, winner;        /* 0, 1: of model; 2: tie */
    uint8_t flip;                        /* 0 none, 1 to the first shown, 2 to the second */
};

static struct game game_of(const struct judgment_row *r, uint32_t order)
{
    struct game g = { .question_id = r->question_id, .model = { r->model_1, r->model_2 }, .order = order, .turn = r->turn };
    /* One game that failed makes no verdict of the pair: half of it would carry the judge's liking for a place. */
    g.failed = r->status != JUDGMENT_OK || r->g1 == WINNER_ERROR || r->g2 == WINNER_ERROR;
    /* FastChat's rule: games that disagree are a tie. */
    g.winner = r->g1 != r->g2 || r->g1 == WINNER_TIE ? 2 : r->g1 == WINNER_MODEL_1 ? 0 : 1;
    /* Both games named a winner, and not the same: the judge followed the order. model_1 is shown first in game 1,
     * model_2 in game 2. */
    if (r->g1 != r->g2 && r->g1 != WINNER_TIE && r->g2 != WINNER_TIE)
        g.flip = r->g1 == WINNER_MODEL_1 ? 1 : 2;
    /* The same two models may be recorded either way round (baseline and all share a file): one key for both. */
    if (g.model[0] > g.model[1]) {
        g.model[0] = r->model_2;
        g.model[1] = r->model_1;
        g.winner = g.winner == 2 ? 2 : 1 - g.winner; /* 'flip' is about places, not about models: it stays */
    }
    return g;
}

/* Questions first, since the samples of all models are filled in this order and must have their clusters together. */
static int by_key(const void *a, const void *b)
{
    const struct game *x = a, *y = b;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    for (int i = 0; i < 2; i++)
        if (x->model[i] != y->model[i])
            return x->model[i] < y->model[i] ? -1 : 1;
    if (x->turn != y->turn)
        return x->turn < y->turn ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

static bool same_key(const struct game *x, const struct game *y)
{
    return x->question_id == y->question_id && x->model[0] == y->model[0] && x->model[1] == y->model[1] && x->turn == y->turn;
}

/* One record per key: the last without a failure, else the last. */
static size_t tidy(struct game *g, size_t n)
{
    size_t kept = 0;
    qsort(g, n, sizeof *g, by_key);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || !same_key(&g[kept - 1], &g[i]))
            g[kept++] = g[i];
        else if (!g[i].failed || g[kept - 1].failed) /* law 2: a failure never takes a verdict's place */
            g[kept - 1] = g[i];
    }
    return kept;
}

/* ---- which records ---- */

struct pick {
    const struct judgment_table *t;
    const struct map *questions;         /* ids of the bench; NULL: all count */
    const uint8_t *which;                /* models with a row */
    int32_t judge, baseline;             /* baseline -1: none */
};

static bool picked(const struct pick *p, const struct judgment_row *r) /* a model against itself says nothing about anybody */
{
    if (r->judge != p->judge || r->model_1 == r->model_2 || (p->questions && map_find_int(p->questions, r->question_id) == MAP_NONE))
        return false;
    if (p->baseline >= 0)
        return (r->model_1 == p->baseline && p->which[r->model_2]) || (r->model_2 == p->baseline && p->which[r->model_1]);
    return p->which[r->model_1] && p->which[r->model_2]; /* a list of models means the games among them */
}

/* The games that count, once each; what was dropped as a double is told, not hidden. */
static size_t collect(const struct pick *p, struct pairwise *out, struct game *game)
{
    size_t n = 0;
    for (size_t i = 0; i < p->t->n; i++)
        if (picked(p, &p->t->row[i]))
            game[n++] = game_of(&p->t->row[i], (uint32_t)i);
    size_t kept = tidy(game, n);
    out->replaced = (long)(n - kept);
    out->failed_row = xcalloc(kept + 1, sizeof *out->failed_row);
    for (size_t i = 0; i < kept; i++) {
        if (game[i].failed)
            out->failed_row[out->failed++] = game[i].order;
        out->games += !game[i].failed;
        out->flip_first += !game[i].failed && game[i].flip == 1;
        out->flip_second += !game[i].failed && game[i].flip == 2;
    }
    return kept;
}

/* ---- rows ---- */

struct samples { struct sample rate, adjusted; }; /* of one model */

static void count(struct pairwise_row *r, struct samples *s, const struct game *g, int side)
{
    if (g->failed) {
        r->failed++;
        return;
    }
    *(g->winner == 2 ? &r->tie : g->winner == side ? &r->win : &r->loss) += 1;
    r->flip_first += g->flip == 1;
    r->flip_second += g->flip == 2;
    sample_add(&s->rate, g->question_id, 1, g->winner == side);
    /* A tie is half a win, as in win_rate_adjusted. */
    sample_add(&s->adjusted, g->question_id, 1, g->winner == 2 ? 0.5 : g->winner == side);
}

static int by_rate(const void *a, const void *b)
{
    const struct pairwise_row *x = a, *y = b;
    const double p = x->adjusted.value, q = y->adjusted.value;
    if (isnan(p) || isnan(q))
        return isnan(p) != isnan(q) ? isnan(p) - isnan(q) : strcmp(x->model, y->model);
    return p != q ? (p < q ? 1 : -1) : strcmp(x->model, y->model);
}

/* Games are in the order of questions, so each model's sample is too. */
static void make_rows(struct pairwise *out, const struct pick *p, const struct game *game, size_t n)
{
    struct samples *s = xcalloc((size_t)p->t->n_names, sizeof *s); /* by the name's number; those without games stay empty */
    struct pairwise_row *all = xcalloc((size_t)p->t->n_names, sizeof *all);
    for (size_t i = 0; i < n; i++)
        for (int side = 0; side < 2; side++)
            count(&all[game[i].model[side]], &s[game[i].model[side]], &game[i], side);
    out->row = xcalloc((size_t)p->t->n_names, sizeof *out->row);
    for (int m = 0; m < p->t->n_names; m++) {
        /* A model whose games all failed has a row without a rate: left out, it would look as if it had never been judged. */
        if (p->which[m] && m != p->baseline && (s[m].rate.n || all[m].failed)) {
            all[m].model = p->t->name[m];
            all[m].rate = estimate_share(&s[m].rate);
            all[m].adjusted = estimate_share(&s[m].adjusted);
            out->row[out->n++] = all[m];
        }
        sample_free(&s[m].rate);
        sample_free(&s[m].adjusted);
    }
    qsort(out->row, (size_t)out->n, sizeof *out->row, by_rate);
    free(s);
    free(all);
}

/* The same of each model against each other one. */
static void make_pairs(struct pairwise *out, const struct pick *p, const struct game *game, size_t n)
{
    const size_t cells = (size_t)out->n * (size_t)out->n;
    struct samples *s = xcalloc(cells + 1, sizeof *s);
    int *place = xcalloc((size_t)p->t->n_names + 1, sizeof *place); /* by the name's number: its row. Every game's models have one. */
    out->pair = xcalloc(cells + 1, sizeof *out->pair);
    for (int i = 0; i < out->n; i++)
        place[judgment_table_name(p->t, out->row[i].model)] = i;
    for (size_t g = 0; g < n; g++)
        for (int side = 0; side < 2; side++) {
            const int at = place[game[g].model[side]] * out->n + place[game[g].model[1 - side]];
            count(&out->pair[at], &s[at], &game[g], side);
        }
    for (size_t i = 0; i < cells; i++) {
        out->pair[i].model = out->row[i / (size_t)out->n].model;
        out->pair[i].rate = estimate_share(&s[i].rate);
        out->pair[i].adjusted = estimate_share(&s[i].adjusted);
        sample_free(&s[i].rate);
        sample_free(&s[i].adjusted);
    }
    free(place);
    free(s);
}

static int find_baseline(const char *name, const struct judgment_table *t, const char *baseline, const uint8_t *which, int32_t *out,
                         struct err *err)
{
    *out = baseline ? judgment_table_name(t, baseline) : -1;
    if (!baseline || (*out >= 0 && which[*out])) /* no baseline, or one that this judge has seen */
        return 0;
    struct buf b = {0};
    int n;
    char **model = choice_marked(t, which, &n);
    choice_names(&b, model, n);
    err_set(err, ERR_USAGE, "%s: no judgment with the baseline %s; --baseline-model can be one of %s", name, baseline,
            b.data ? b.data : "none");
    free(model);
    buf_free(&b);
    return -1;
}

int pairwise_build(struct pairwise *p, const char *name, const struct judgment_table *t, const struct pairwise_choice *choice,
                   struct err *err)
{
    *p = (struct pairwise){0};
    if (t->n == 0)
        return err_set(err, ERR_USAGE, "%s: no judgments in it; judge first, or give another --input-file", name);
    if (!t->pairs)
        return err_set(err, ERR_USAGE, "%s: judgments of single answers; show them with --mode single", name);
    uint8_t *which = xcalloc((size_t)t->n_names + 1, 1);
    struct map ids = {0};
    struct pick pick = { .t = t, .questions = choice->questions ? &ids : NULL, .which = which };
    for (int i = 0; choice->questions && i < choice->questions->n; i++)
        map_add_int(&ids, choice->questions->q[i].id, (size_t)i);
    int rc = choice_judge(name, t, choice->judge, &pick.judge, err);
    for (size_t i = 0; i < t->n && rc == 0; i++) /* models that this judge judged, on either side */
        if (t->row[i].judge == pick.judge)
            which[t->row[i].model_1] = which[t->row[i].model_2] = 1;
    if (rc == 0)
        rc = find_baseline(name, t, choice->baseline, which, &pick.baseline, err);
    if (rc == 0)
        rc = choice_models(name, t, choice->model, choice->n_models, which, err);
    if (rc == 0) {
        struct game *game = xcalloc(t->n, sizeof *game);
        size_t n = collect(&pick, p, game);
        make_rows(p, &pick, game, n);
        if (choice->by_pair)
            make_pairs(p, &pick, game, n);
        p->judge = pick.judge >= 0 ? t->name[pick.judge] : NULL;
        p->by_others = choice_others(t, pick.judge, &p->others);
        free(game);
        if (p->n == 0)                   /* an empty table would look like a result */
            rc = err_set(err, ERR_USAGE, "%s: no game among the chosen models and questions; is --bench-name right?", name);
    }
    map_free(&ids);
    free(which);
    return rc;
}

void pairwise_free(struct pairwise *p)
{
    free(p->row);
    free(p->pair);
    free(p->others);
    free(p->failed_row);
    *p = (struct pairwise){0};
}
