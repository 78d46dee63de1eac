/* agreement.c - pairs of votes that say the same, and what chance would give. */
#include "mtbench/agreement.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- judges ---- */

/* For a message: what one could have asked for, each once, in the order of the files. */
static void list_classes(const struct votes *votes, struct buf *b)
{
    uint8_t *seen = xcalloc((size_t)votes->n_names + 1, 1); /* by the name's number; + 1: no names is no error */
    for (size_t i = 0; i < votes->n; i++) {
        if (!seen[votes->v[i].judge])
            buf_printf(b, "%s%s", b->len ? ", " : "", votes->name[votes->v[i].judge]);
        seen[votes->v[i].judge] = 1;
    }
    free(seen);
}

int judge_set_parse(struct judge_set *j, const struct votes *votes, const char *name, struct err *err)
{
    int rc = 0;
    *j = (struct judge_set){ name, xcalloc((size_t)votes->n_names + 1, 1) };
    for (const char *at = name; rc == 0; at += strcspn(at, "+") + 1) { /* "expert+author" is one judge set */
        char *one = xstrndup(at, strcspn(at, "+"));
        int32_t k = votes_name(votes, one); /* -1: nobody and nothing is called so */
        bool votes_at_all = false;       /* the name of a model is in the table of names too */
        for (size_t i = 0; k >= 0 && i < votes->n && !votes_at_all; i++)
            votes_at_all = votes->v[i].judge == k;
        if (votes_at_all) {
            j->has[k] = 1;               /* judges are looked up by number, once per vote */
        } else {
            struct buf b = {0};
            list_classes(votes, &b);
            rc = err_set(err, ERR_USAGE, "--judges %s: no votes of %s; there are %s", name, one, b.data ? b.data : "none");
            buf_free(&b);
        }
        free(one);
        if (!at[strcspn(at, "+")])
            break;
    }
    if (rc < 0)
        judge_set_free(j);
    return rc;
}

int judge_sets_apart(const struct judge_set *set, int n, const struct votes *votes, struct err *err)
{
    for (int i = 0; i < n; i++)
        for (int j = i + 1; j < n; j++)
            /* Equal names: one set, compared with itself on purpose. */
            for (int k = 0; k < votes->n_names && strcmp(set[i].name, set[j].name); k++)
                if (set[i].has[k] && set[j].has[k])
                    return err_set(err, ERR_USAGE,
                                   "--judges %s %s: %s is in both, and would agree with itself; leave it out of one, or name one twice",
                                   set[i].name, set[j].name, votes->name[k]);
    return 0;
}

void judge_set_free(struct judge_set *j)
{
    free(j->has);
    *j = (struct judge_set){0};
}

/* ---- items ---- */

/* Votes sorted so that those on one item (question, turn, pair of models) stand together, and items of one
 * question too: the errors are clustered by question. */
struct vote_items {
    struct vote *v;                      /* by question, turn, models */
    size_t n;                            /* votes */
};

/* Names by their numbers: any order will do, as long as equal items meet and questions stay together. */
static int by_item(const void *a, const void *b)
{
    const struct vote *x = a, *y = b;
    if (x->question_id != y->question_id)
        return x->question_id < y->question_id ? -1 : 1;
    if (x->turn != y->turn)
        return x->turn - y->turn;
    if (x->model_a != y->model_a)
        return x->model_a - y->model_a;
    return x->model_b - y->model_b;
}

struct vote_items *vote_items_build(const struct votes *votes)
{
    struct vote_items *items = xcalloc(1, sizeof *items);
    items->v = xcalloc(votes->n + 1, sizeof *items->v); /* a copy: the votes keep the order of their files */
    items->n = votes->n;
    if (votes->n)
        memcpy(items->v, votes->v, votes->n * sizeof *items->v);
    qsort(items->v, items->n, sizeof *items->v, by_item);
    return items;
}

void vote_items_free(struct vote_items *items)
{
    if (items)
        free(items->v);
    free(items);
}

/* ---- counting ---- */

enum { WINNERS = 3 };

/* Verdicts of two judges on the items of one question; what kappa needs. */
struct table { double n[WINNERS][WINNERS]; };

struct tally {
    struct agreement *out;               /* the caller's */
    struct sample pairs;                 /* x: pairs of votes, y: those that agree; per item */
    struct table *question;              /* (n_questions) */
    int n_questions;                     /* tables so far */
    int64_t last_question;               /* the last table's */
    double coincidence[WINNERS][WINNERS]; /* Krippendorff's, of one set of judges against itself */
};

static long sum(const long *c)           /* of votes for A, for B, ties */
{
    return c[0] + c[1] + c[2];
}

/* What most votes say. */
static enum vote_winner verdict(const long *c)
{
    if (c[VOTE_A] > c[VOTE_B] && c[VOTE_A] > c[VOTE_TIE]) /* no majority is a tie: nobody's side is taken */
        return VOTE_A;
    return c[VOTE_B] > c[VOTE_A] && c[VOTE_B] > c[VOTE_TIE] ? VOTE_B : VOTE_TIE;
}

static void add_pairs(struct tally *t, int64_t question, long total, long agree)
{
    if (total)                           /* an item that only one side voted on is no pair, and no cluster either */
        sample_add(&t->pairs, question, (double)total, (double)agree);
    t->out->total += total;
    t->out->agree += agree;
}

static void count_two(struct tally *t, int64_t question, const long *a, const long *b, bool ties)
{
    long total = 0, agree = 0;
    /* FastChat's count: every vote of one side with every vote of the other. Without ties a pair in which either is a
     * tie is no pair. */
    for (int x = 0; x < (ties ? WINNERS : 2); x++) {
        agree += a[x] * b[x];
        for (int y = 0; y < (ties ? WINNERS : 2); y++)
            total += a[x] * b[y];
    }
    add_pairs(t, question, total, agree);
    if (!sum(a) || !sum(b))
        return;
    t->out->several = t->out->several || sum(a) > 1; /* kappa is of majorities then, and the reader is told */
    /* Kappa wants one verdict per judge and item. FastChat's ratio counts every vote, so both are reported, each with
     * its own count. */
    enum vote_winner x = verdict(a), y = verdict(b);
    if (!ties && (x == VOTE_TIE || y == VOTE_TIE))
        return;
    if (!t->n_questions || t->last_question != question) { /* items come question by question */
        t->question = xrealloc(t->question, (size_t)t->n_questions + 1, sizeof *t->question);
        t->question[t->n_questions++] = (struct table){0};
        t->last_question = question;
    }
    t->question[t->n_questions - 1].n[x][y] += 1;
    t->out->items++;
}

static void count_one(struct tally *t, int64_t question, const long *a, bool ties)
{
    const int kinds = ties ? WINNERS : 2; /* VOTE_TIE is the last: without ties it is left out of the loops */
    long agree = 0, votes = 0;
    for (int x = 0; x < kinds; x++) {
        votes += a[x];
        agree += a[x] * (a[x] - 1) / 2;  /* unordered pairs within one set */
    }
    add_pairs(t, question, votes * (votes - 1) / 2, agree);
    if (votes < 2)
        return;
    t->out->items++;
    for (int x = 0; x < kinds; x++)
        for (int y = 0; y < kinds; y++)
            /* Each item weighs as many votes as it has: pairs over (votes - 1), so that items with many votes do not drown the
             * others. */
            t->coincidence[x][y] += (double)a[x] * (double)(x == y ? a[y] - 1 : a[y]) / (double)(votes - 1);
}

/* ---- chance ---- */

/* Cohen's: agreement beyond what the two judges' own habits would give. */
static double kappa_of(const struct table *t)
{
    double n = 0, same = 0, chance = 0;
    for (int x = 0; x < WINNERS; x++) {
        double row = 0, column = 0;      /* how often either judge says x */
        for (int y = 0; y < WINNERS; y++) {
            row += t->n[x][y];
            column += t->n[y][x];
        }
        n += row;
        same += t->n[x][x];
        chance += row * column;
    }
    if (n == 0 || chance == n * n)       /* both always say the same one thing: kappa is not defined */
        return NAN;
    return (same / n - chance / (n * n)) / (1 - chance / (n * n));
}

static void add_table(struct table *to, const struct table *t, double sign)
{
    for (int x = 0; x < WINNERS; x++)
        for (int y = 0; y < WINNERS; y++)
            to->n[x][y] += sign * t->n[x][y];
}

/* Leave out one question at a time. */
static struct estimate jackknife(const struct table *question, int n, long items)
{
    struct table all = {0};
    double mean = 0, squares = 0, *without = xcalloc((size_t)n + 1, sizeof *without);
    for (int i = 0; i < n; i++)
        add_table(&all, &question[i], 1);
    struct estimate e = { kappa_of(&all), NAN, NAN, NAN, items, n };
    for (int i = 0; i < n; i++) {
        struct table rest = all;
        add_table(&rest, &question[i], -1); /* all but this question: no second pass over the votes */
        without[i] = kappa_of(&rest);
        mean += without[i] / n;
    }
    for (int i = 0; i < n; i++)
        squares += (without[i] - mean) * (without[i] - mean);
    free(without);
    if (n < 2 || isnan(squares))         /* without one question kappa may be undefined: no interval then, rather than a wrong one */
        return e;
    e.se = sqrt(squares * (n - 1.0) / n);
    if (e.se > 1e-12) {
        e.low = e.value - student_quantile(0.975, n - 1) * e.se;
        e.high = e.value + student_quantile(0.975, n - 1) * e.se;
        e.high = e.high > 1 ? 1 : e.high; /* kappa cannot be more */
        e.low = e.low < -1 ? -1 : e.low;
    }
    return e;
}

/* Krippendorff's, nominal: one minus observed over expected disagreement. */
static double alpha_of(double c[WINNERS][WINNERS])
{
    double n = 0, same = 0, chance = 0;
    for (int x = 0; x < WINNERS; x++) {
        double row = 0;
        for (int y = 0; y < WINNERS; y++)
            row += c[x][y];
        n += row;
        same += c[x][x];
        chance += row * (row - 1);
    }
    if (n < 2 || chance == n * (n - 1))  /* all votes alike: disagreement was never possible */
        return NAN;
    return 1 - (n - same) * (n - 1) / (n * (n - 1) - chance);
}

struct agreement vote_items_agreement(const struct vote_items *items, const struct judge_set *a, const struct judge_set *b, int turn,
                                      bool ties)
{
    struct agreement out = { .kappa = { NAN, NAN, NAN, NAN, 0, 0 }, .alpha = NAN };
    struct tally t = { .out = &out };
    for (size_t i = 0, j; i < items->n; i = j) {
        long of_a[WINNERS] = {0}, of_b[WINNERS] = {0};
        for (j = i; j < items->n && by_item(&items->v[i], &items->v[j]) == 0; j++) {
            /* A judge in both sets ("gpt4" against "gpt4+human") would agree with itself: judge_sets_apart() refuses it. */
            of_a[items->v[j].winner] += a->has[items->v[j].judge];
            of_b[items->v[j].winner] += b ? b->has[items->v[j].judge] : 0;
        }
        if (turn && items->v[i].turn != turn) /* 0: all turns */
            continue;
        if (b)
            count_two(&t, items->v[i].question_id, of_a, of_b, ties);
        else
            count_one(&t, items->v[i].question_id, of_a, ties);
    }
    out.ratio = estimate_share(&t.pairs);
    if (b)
        out.kappa = jackknife(t.question, t.n_questions, out.items);
    else
        out.alpha = alpha_of(t.coincidence);
    sample_free(&t.pairs);
    free(t.question);
    return out;
}
