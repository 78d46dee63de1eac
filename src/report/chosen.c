/* chosen.c - the judgments of a campaign that somebody wants to see. */
#include "chosen.h"

#include "campaign_open.h"
#include "campaign_views.h"
#include "choice.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_REPEATS = 255 };             /* what a score_item's number of a repeat holds */

/* ---- which bench ---- */

/* The bench that is asked for; where there is one only, that one is meant. NULL: err. */
static const char *choose_bench(const struct campaign *c, const struct showing *o, struct err *err)
{
    const char *first = c->n ? c->run[0].bench : NULL;
    bool one = true;
    for (size_t i = 0; i < c->n; i++) {
        if (!strcmp(c->run[i].bench, o->bench_name))
            return o->bench_name;
        one &= !strcmp(c->run[i].bench, first);
    }
    if (!c->n)
        err_set(err, ERR_USAGE, "%s: no run is in it; mtbench aggregate adds some", c->path);
    else if (!one)
        err_set(err, ERR_USAGE, "--bench-name %s: no run of it in %s; there are those of %s and others", o->bench_name, c->path, first);
    else if (o->bench_given)
        err_set(err, ERR_USAGE, "--bench-name %s: no run of it in %s; there are those of %s", o->bench_name, c->path, first);
    else
        return first;
    return NULL;
}

/* The questions of the first run that has some: its file lies in the campaign. */
static int read_questions(struct chosen *out, struct campaign *c, const char *bench, const struct showing *o, struct err *err)
{
    const char *key = "";
    for (size_t i = 0; i < c->n && !*key; i++)
        if (!strcmp(c->run[i].bench, bench) && c->run[i].bench_key)
            key = c->run[i].bench_key;
    char *group = xasprintf("/bench/%s", key);
    void *row = NULL;
    size_t n = 0;
    int rc = *key ? h5_read(c->h, group, &files_table, &row, &n, err) : 0;
    const struct file_row *f = row;
    for (size_t i = 0; i < n && rc == 0 && !out->has_questions; i++)
        if (f[i].kind == FILE_QUESTIONS && f[i].text) {
            rc = questions_parse(f[i].path ? f[i].path : "question.jsonl", f[i].text, strlen(f[i].text), &out->questions, err);
            out->has_questions = rc == 0;
        }
    if (rc == 0 && !out->has_questions)
        rc = err_set(err, ERR_USAGE, "%s: no questions of %s in it; aggregate a data folder that has %s/question.jsonl", c->path, bench,
                     bench);
    if (rc == 0)
        rc = questions_slice(&out->questions, &o->slicing, err);
    h5_free(&files_table, row, n);
    free(group);
    return rc;
}

/* ---- rows ---- */

struct filling {
    struct judgment_row *row;
    int *repeat;                         /* (n) from 0: the how-manieth judgment of the model this is, run by run */
    int32_t *run;                        /* (n) */
    int32_t now;                         /* the run that is being read */
    size_t n, cap;
    int n_repeats;
    struct judgment_table *table;
};

static void add(struct filling *f, const struct judgment_row *row, int repeat)
{
    if (f->n == f->cap) {
        f->cap = f->cap ? 2 * f->cap : 1024;
        f->row = xrealloc(f->row, f->cap, sizeof *f->row);
        f->repeat = xrealloc(f->repeat, f->cap, sizeof *f->repeat);
        f->run = xrealloc(f->run, f->cap, sizeof *f->run);
    }
    f->row[f->n] = *row;
    f->run[f->n] = f->now;
    f->repeat[f->n++] = repeat;
    if (repeat >= f->n_repeats)
        f->n_repeats = repeat + 1;
}

static const char *word(const char *s)
{
    return s ? s : "";
}

/* The run's judgments, 'base' being how many repeats its model had before. Returns how many repeats it has itself. */
static int add_singles(struct filling *f, struct h5 *h, const struct run_row *run, const char *group, int base, struct err *err)
{
    const struct h5_table asked_names = h5_before(&asked_table, "user_prompt"), numbers = h5_before(&judgments_table, "judgment");
    void *asked_rows = NULL, *rows = NULL;
    size_t n_asked = 0, n = 0;
    int most = 0, rc = h5_read(h, group, &asked_names, &asked_rows, &n_asked, err) < 0 || h5_read(h, group, &numbers, &rows, &n, err) < 0;
    const struct asked_row *a = asked_rows;
    const struct judged_row *j = rows;
    const int32_t model = judgment_table_intern(f->table, run->model);
    int32_t *judge = xcalloc(n_asked + 1, sizeof *judge), *prompt = xcalloc(n_asked + 1, sizeof *prompt);
    for (size_t i = 0; i < n_asked; i++) {
        judge[i] = judgment_table_intern(f->table, word(a[i].judge));
        prompt[i] = judgment_table_intern(f->table, word(a[i].prompt));
    }
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (j[i].asked < 0 || (size_t)j[i].asked >= n_asked || j[i].turn < 1 || j[i].turn > 255 || j[i].repeat < 1 ||
            j[i].repeat > MOST_REPEATS) {
            rc = err_set(err, ERR_FORMAT, "%s: row %zu of its judgments is no judgment; the file is damaged, aggregate anew", group, i);
            break;
        }
        const struct judgment_row row = { .question_id = j[i].question_id, .score = j[i].score, .model_1 = model, .model_2 = -1,
                                          .judge = judge[j[i].asked], .prompt = prompt[j[i].asked], .turn = (uint8_t)j[i].turn,
                                          .status = j[i].status, .empty = j[i].empty, .score_is_int = j[i].score_is_int };
        add(f, &row, base + j[i].repeat - 1);
        most = j[i].repeat > most ? j[i].repeat : most;
    }
    free(judge);
    free(prompt);
    h5_free(&asked_names, asked_rows, n_asked);
    h5_free(&numbers, rows, n);
    return rc ? -1 : most;
}

static int add_pairs(struct filling *f, struct h5 *h, const char *group, struct err *err)
{
    const struct h5_table asked_names = h5_before(&asked_table, "user_prompt"), numbers = h5_before(&pairs_table, "g1_judgment");
    void *asked_rows = NULL, *rows = NULL;
    size_t n_asked = 0, n = 0;
    int rc = h5_read(h, group, &asked_names, &asked_rows, &n_asked, err) < 0 || h5_read(h, group, &numbers, &rows, &n, err) < 0;
    const struct asked_row *a = asked_rows;
    const struct pair_row *p = rows;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (p[i].asked_1 < 0 || (size_t)p[i].asked_1 >= n_asked || p[i].turn < 1 || p[i].turn > 255) {
            rc = err_set(err, ERR_FORMAT, "%s: row %zu of its pairs is no judgment; the file is damaged, aggregate anew", group, i);
            break;
        }
        const struct judgment_row row = { .question_id = p[i].question_id, .score = -1,
                                          .model_1 = judgment_table_intern(f->table, word(p[i].model_1)),
                                          .model_2 = judgment_table_intern(f->table, word(p[i].model_2)),
                                          .judge = judgment_table_intern(f->table, word(a[p[i].asked_1].judge)),
                                          .prompt = judgment_table_intern(f->table, word(a[p[i].asked_1].prompt)),
                                          .turn = (uint8_t)p[i].turn, .status = p[i].status, .g1 = p[i].g1_winner, .g2 = p[i].g2_winner,
                                          .empty = p[i].empty };
        add(f, &row, 0);
    }
    h5_free(&asked_names, asked_rows, n_asked);
    h5_free(&numbers, rows, n);
    return rc ? -1 : 0;
}

/* Into the table in the order of repeats, which is how scores tell them apart. */
static void sort_in(struct chosen *c, const struct filling *f)
{
    size_t *next = xcalloc((size_t)f->n_repeats + 1, sizeof *next);
    struct judgment_row *sorted = xcalloc(f->n + 1, sizeof *sorted);
    c->n_repeats = f->n_repeats ? f->n_repeats : 1;
    c->repeat_end = xcalloc((size_t)c->n_repeats, sizeof *c->repeat_end);
    for (size_t i = 0; i < f->n; i++)
        next[f->repeat[i] + 1]++;
    for (int r = 0; r < f->n_repeats; r++)
        next[r + 1] += next[r];
    for (int r = 0; r < f->n_repeats; r++)
        c->repeat_end[r] = next[r + 1];
    c->run = xcalloc(f->n + 1, sizeof *c->run);
    for (size_t i = 0; i < f->n; i++) {
        const size_t to = next[f->repeat[i]]++;
        sorted[to] = f->row[i];
        c->run[to] = f->run[i];
    }
    for (size_t i = 0; i < f->n; i++)
        judgment_table_add(&c->table, &sorted[i]);
    free(sorted);
    free(next);
}

static int read_rows(struct chosen *c, struct campaign *from, const char *bench, const struct showing *o, struct err *err)
{
    struct filling f = { .table = &c->table };
    int base = 0, rc = 0;
    const char *before = "";
    c->table.pairs = o->mode != SHOW_SINGLE;
    c->seed = xcalloc(from->n + 1, sizeof *c->seed);
    c->model = xcalloc(from->n + 1, sizeof *c->model);
    c->cut = xcalloc(from->n + 1, sizeof *c->cut);
    c->n_runs = from->n;
    for (size_t i = 0; i < from->n; i++) {
        c->seed[i] = from->run[i].seed;
        c->cut[i] = from->run[i].cut_turns;
        c->model[i] = xstrdup(strcmp(word(from->run[i].bench), bench) ? "" : word(from->run[i].model));
    }
    for (size_t i = 0; i < from->n && rc >= 0; i++) {
        const struct run_row *run = &from->run[i];
        if (strcmp(word(run->bench), bench))
            continue;
        char *group = campaign_group(run);
        f.now = (int32_t)i;
        base = strcmp(before, word(run->model)) ? 0 : base;      /* runs of a model stand together */
        before = word(run->model);
        rc = c->table.pairs ? add_pairs(&f, from->h, group, err) : add_singles(&f, from->h, run, group, base, err);
        base += rc > 0 ? rc : 0;
        if (base > MOST_REPEATS)
            rc = err_set(err, ERR_USAGE, "%s: more than %d judgments of each answer of %s; a table holds no more", from->path, MOST_REPEATS,
                         before);
        free(group);
    }
    if (rc >= 0)
        sort_in(c, &f);
    free(f.row);
    free(f.repeat);
    free(f.run);
    return rc < 0 ? -1 : 0;
}

int chosen_read(struct chosen *c, const struct showing *o, struct err *err)
{
    *c = (struct chosen){0};
    struct campaign *from = campaign_open(o->campaign, err);
    const char *bench = from ? choose_bench(from, o, err) : NULL;
    int rc = !bench || read_rows(c, from, bench, o, err) < 0 ? -1 : 0;
    if (rc == 0 && showing_needs_questions(o))
        rc = read_questions(c, from, bench, o, err);
    campaign_close(from, NULL);
    return rc;
}
