/* review.c - all that a report tells, read from a data folder once. */
#include "choice.h"
#include "review_answers.h"

#include "mtbench/bench.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/judge_files.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

char *review_words(const struct review *r, const char *text)
{
    struct buf b = {0};
    char *top = xasprintf("%s/", r->data_dir);
    for (const char *at; (at = strstr(text, top)); text = at + strlen(top))
        buf_add(&b, text, (size_t)(at - text));
    buf_str(&b, text);
    free(top);
    return buf_steal(&b);
}

static void add_trouble(struct review *r, const char *text)
{
    r->trouble = xrealloc(r->trouble, (size_t)r->n_troubles + 1, sizeof *r->trouble);
    r->trouble[r->n_troubles++] = review_words(r, text);
}

/* ---- files of the bench ---- */

/* Takes 'path'. */
static int add_file(struct review *r, const char *data_dir, char *path, struct err *err)
{
    struct buf b = {0};
    const size_t n = strlen(data_dir);
    int there = io_exists(path, err), rc = there > 0 ? io_read(path, &b, err) : there;
    if (rc == 0) {
        r->file = xrealloc(r->file, (size_t)r->n_files + 1, sizeof *r->file);
        struct review_file *f = &r->file[r->n_files++];
        /* below the data folder: the same report from wherever it lies */
        *f = (struct review_file){ .name = xstrdup(strncmp(path, data_dir, n) || path[n] != '/' ? path : path + n + 1), .there = there > 0,
                                   .bytes = (long)b.len };
        if (f->there)
            sha256_hex(b.data, b.len, f->sha256);
    }
    buf_free(&b);
    free(path);
    return rc;
}

static bool ends_with(const char *s, const char *end)
{
    const size_t n = strlen(s), k = strlen(end);
    return n > k && !strcmp(s + n - k, end);
}

static int is_jsonl(const struct dirent *e)
{
    return e->d_name[0] != '.' && ends_with(e->d_name, ".jsonl");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* Names of the answer files of a folder without their ending; none if it is not there. */
static int list_jsonl(const char *folder, char ***name)
{
    struct dirent **entry = NULL;
    const int n = scandir(folder, &entry, is_jsonl, by_name);
    *name = xcalloc((size_t)(n > 0 ? n : 0) + 1, sizeof **name);
    for (int i = 0; i < n; i++) {
        (*name)[i] = xstrndup(entry[i]->d_name, strlen(entry[i]->d_name) - strlen(".jsonl"));
        free(entry[i]);
    }
    free(entry);
    return n > 0 ? n : 0;
}

static int read_files(struct review *r, const struct review_opts *o, struct err *err)
{
    char *folder = bench_references_folder(o->data_dir, o->bench), **name;
    const int n = list_jsonl(folder, &name);
    int rc = add_file(r, o->data_dir, bench_questions_path(o->data_dir, o->bench), err) < 0 ||
                     add_file(r, o->data_dir, bench_prompts_path(o->data_dir, o->bench), err) < 0
                 ? -1
                 : 0;
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = add_file(r, o->data_dir, xasprintf("%s/%s.jsonl", folder, name[i]), err);
        free(name[i]);
    }
    free(name);
    free(folder);
    return rc;
}

/* Judgments are told of without the question file, too: then there are no categories, and nobody knows what is missing. */
static int read_questions(struct review *r, const struct review_opts *o, struct err *err)
{
    char *path = bench_questions_path(o->data_dir, o->bench);
    int rc = io_exists(path, err);
    free(path);
    if (rc > 0 || o->sliced) {
        rc = bench_questions(o->data_dir, o->bench, &o->slicing, &r->questions, err);
        r->has_questions = rc == 0;
    }
    return rc;
}

/* ---- judges ---- */

static int count_repeats(const char *path)
{
    for (int n = 1; n < 255; n++) {
        char *next = bench_repeat_path(path, n + 1);
        const bool there = io_exists(next, NULL) > 0;
        free(next);
        if (!there)
            return n;
    }
    return 255;
}

static int read_tables(struct review_judge *j, struct err *err)
{
    int rc = 0;
    j->n_repeats = j->pairs ? 1 : count_repeats(j->path);     /* as show: pairs have no repeats */
    j->repeat_end = xcalloc((size_t)j->n_repeats, sizeof *j->repeat_end);
    for (int i = 0; i < j->n_repeats && rc == 0; i++) {
        char *path = bench_repeat_path(j->path, i + 1);
        rc = judgment_table_read(&j->table, path, err);
        j->repeat_end[i] = j->table.n;
        free(path);
    }
    return rc;
}

/* 'which' (n_names): models that this judge has judged. */
static void mark_judged(const struct review_judge *j, bool *which)
{
    const struct judgment_table *t = &j->table;
    struct err why = {0};                /* whoever counts them tells of it */
    int32_t judge;
    if (choice_judge(j->path, t, j->name, &judge, &why) < 0)
        return;
    for (size_t i = 0; i < t->n; i++)
        if (t->row[i].judge == judge) {
            which[t->row[i].model_1] = true;
            which[t->row[i].model_2 < 0 ? t->row[i].model_1 : t->row[i].model_2] = true;
        }
}

/* ORG/NAME and ORG_NAME are one model: judgments of others have the one, files the other. */
static bool same_model(const char *a, const char *b)
{
    char *x = bench_name_plain(a), *y = bench_name_plain(b);
    const bool same = !strcmp(x, y);
    free(x);
    free(y);
    return same;
}

/* Models of the list that this judge has judged; all that are not listed are left out. The array is the caller's. */
static const char **judged_models(const struct review_judge *j, const struct opt_list *models, int *n)
{
    const char **name = xcalloc((size_t)j->table.n_names + 1, sizeof *name);
    bool *which = xcalloc((size_t)j->table.n_names + 1, sizeof *which);
    *n = 0;
    mark_judged(j, which);
    for (int k = 0; k < j->table.n_names; k++) {
        bool listed = false;
        for (int i = 0; i < models->n && which[k]; i++)
            listed |= same_model(j->table.name[k], models->word[i]);
        if (listed)
            name[(*n)++] = j->table.name[k];
    }
    free(which);
    return name;
}

static int score_judge(struct review *r, struct review_judge *j, const struct review_opts *o, struct err *err)
{
    int n, rc;
    const char **model = judged_models(j, &o->models, &n);
    const struct questions *slice = o->sliced ? &r->questions : NULL;
    struct score_choice choice = { .model = model, .n_models = n, .judge = j->name, .questions = slice, .repeat_end = j->repeat_end,
                                   .n_repeats = j->n_repeats };
    if (o->models.n && !n)
        rc = err_set(err, ERR_USAGE, "%s: no judgment of these models", j->path);
    else if (j->pairs)
        rc = pairwise_build(&j->pairwise, j->path, &j->table,
                            &(struct pairwise_choice){ .model = model, .n_models = n, .judge = j->name, .questions = slice,
                                                       .by_pair = true }, err);
    else {
        rc = scores_build(&j->scores, j->path, &j->table, &choice, err);
        choice.questions = &r->questions;
        if (rc == 0 && r->has_questions)
            rc = scores_build(&j->by_category, j->path, &j->table, &choice, err);
    }
    free(model);
    return rc;
}

static void judge_free(struct review_judge *j)
{
    if (j->pairs)
        pairwise_free(&j->pairwise);
    else {
        scores_free(&j->scores);
        scores_free(&j->by_category);
    }
    judgment_table_free(&j->table);
    free(j->repeat_end);
    free(j->name);
    free(j->path);
}

static int add_judge(struct review *r, const struct judge_file *f, bool pairs, const struct review_opts *o, struct err *err)
{
    struct review_judge j = { .name = xstrdup(f->judge), .path = xstrdup(f->path), .pairs = pairs };
    struct err why = {0};
    int rc = read_tables(&j, &why) < 0 || score_judge(r, &j, o, &why) < 0 ? -1 : 0;
    if (rc == 0) {
        r->judge = xrealloc(r->judge, (size_t)r->n_judges + 1, sizeof *r->judge);
        r->judge[r->n_judges++] = j;
        return 0;
    }
    judge_free(&j);
    if (o->judges.n) {                   /* who is named is meant: no report without him */
        *err = why;
        return -1;
    }
    add_trouble(r, why.text);
    return 0;
}

/* Those of this name, or "all". '*found' is set where there are some; none is no error yet, there may be some of the other kind: 'why' has
 * the words for it then. */
static int read_judge(struct review *r, bool pairs, const char *judge, const struct review_opts *o, bool *found, struct err *why,
                      struct err *err)
{
    struct judge_files f = {0};
    int rc = judge_files_find(&f, o->data_dir, o->bench, pairs, judge, &judge, 1, why);
    if (rc < 0 && why->kind != ERR_USAGE)
        *err = *why;
    else
        rc = 0;
    for (int i = 0; i < f.n && rc == 0; i++)
        rc = add_judge(r, &f.file[i], pairs, o, err);
    *found |= f.n > 0;
    judge_files_free(&f);
    return rc;
}

/* Nobody named: all there are, and 'none' says what is not there. */
static int read_judges(struct review *r, const struct review_opts *o, struct err *none, struct err *err)
{
    const int n = o->judges.n ? o->judges.n : 1;
    bool *found = xcalloc((size_t)n, sizeof *found);
    int rc = 0;
    for (int pairs = 0; pairs < 2 && rc == 0; pairs++) {
        for (int i = 0; i < n && rc == 0; i++) {
            struct err why = {0};
            rc = read_judge(r, pairs, o->judges.n ? o->judges.word[i] : "all", o, &found[i], &why, err);
            if (!pairs)
                none[i] = why;
        }
        r->n_single = pairs ? r->n_single : r->n_judges;
    }
    for (int i = 0; i < o->judges.n && rc == 0; i++)
        if (!found[i]) {                 /* named, and in neither kind of file */
            *err = none[i];
            rc = -1;
        }
    free(found);
    return rc;
}

/* ---- models ---- */

static int read_model(struct review *r, struct review_model *m, const struct review_opts *o, struct err *err)
{
    int rc = review_answers(m, o, r->has_questions ? &r->questions : NULL, err);
    if (m->origin.trouble)
        add_trouble(r, m->origin.trouble);
    return rc;
}

const struct review_model *review_model(const struct review *r, const char *name)
{
    for (int i = 0; i < r->n_models; i++)
        if (same_model(r->model[i].name, name))
            return &r->model[i];
    return NULL;
}

static void add_model(struct review *r, const char *name)
{
    if (review_model(r, name))
        return;
    r->model = xrealloc(r->model, (size_t)r->n_models + 1, sizeof *r->model);
    r->model[r->n_models++] = (struct review_model){ .name = xstrdup(name) };
}

static int by_model(const void *a, const void *b)
{
    return strcmp(((const struct review_model *)a)->name, ((const struct review_model *)b)->name);
}

static void find_models(struct review *r, const struct review_opts *o)
{
    char *folder = bench_answers_folder(o->data_dir, o->bench), **name;
    for (int j = 0; j < r->n_judges; j++) {      /* first: tables have the names that judgments have */
        const struct review_judge *g = &r->judge[j];
        for (int i = 0; i < (g->pairs ? g->pairwise.n : g->scores.n_models); i++)
            add_model(r, g->pairs ? g->pairwise.row[i].model : g->scores.model[i]);
    }
    const int n = o->models.n ? 0 : list_jsonl(folder, &name);
    for (int i = 0; i < n; i++) {
        add_model(r, name[i]);
        free(name[i]);
    }
    if (!o->models.n)
        free(name);
    for (int i = 0; i < o->models.n; i++) {      /* answers alone, which nobody has judged */
        char *path = bench_answers_file(folder, o->models.word[i]), *plain = bench_name_plain(o->models.word[i]);
        if (io_exists(path, NULL) > 0)
            add_model(r, plain);
        free(plain);
        free(path);
    }
    if (r->n_models)
        qsort(r->model, (size_t)r->n_models, sizeof *r->model, by_model);
    free(folder);
}

/* One that was named and is nowhere is a misspelt name. */
static int check_models(const struct review *r, const struct review_opts *o, struct err *err)
{
    for (int i = 0; i < o->models.n; i++) {
        if (!review_model(r, o->models.word[i]))
            return err_set(err, ERR_USAGE, "--model-list %s: neither an answer nor a judgment of it in %s/%s; correct the name",
                           o->models.word[i], o->data_dir, o->bench);
    }
    return 0;
}

/* Behind the judges: what they judged counts as there. */
static int read_models(struct review *r, const struct review_opts *o, const struct err *none, struct err *err)
{
    find_models(r, o);
    if (!r->n_models && !o->models.n && !r->n_troubles) {
        if (none->kind) {                /* no answers either: it says what is not there */
            *err = *none;
            return -1;
        }
        return err_set(err, ERR_USAGE, "%s/%s: neither answers nor judgments in it; name another --data-dir or --bench-name", o->data_dir,
                       o->bench);
    }
    int rc = check_models(r, o, err);
    for (int i = 0; i < r->n_models && rc == 0; i++)
        rc = read_model(r, &r->model[i], o, err);
    return rc;
}

int review_read(struct review *r, const struct review_opts *o, struct err *err)
{
    *r = (struct review){ .data_dir = o->data_dir };
    struct err *none = xcalloc((size_t)o->judges.n + 1, sizeof *none);
    int rc = read_questions(r, o, err) < 0 || read_judges(r, o, none, err) < 0 || read_models(r, o, none, err) < 0 ||
                     read_files(r, o, err) < 0
                 ? -1
                 : 0;
    origin_calls_read(&r->calls, o->data_dir, o->bench);
    for (int i = 0; i < r->calls.n_journals; i++)
        if (r->calls.journal[i].trouble)
            add_trouble(r, r->calls.journal[i].trouble);
    free(none);
    return rc;
}

static void model_free(struct review_model *m)
{
    for (int i = 0; i < m->n_gaps; i++)
        free(m->gap[i].reason);
    free(m->gap);
    free(m->name);
    origin_free(&m->origin);
}

void review_free(struct review *r)
{
    for (int i = 0; i < r->n_models; i++)
        model_free(&r->model[i]);
    for (int i = 0; i < r->n_judges; i++)
        judge_free(&r->judge[i]);
    for (int i = 0; i < r->n_files; i++)
        free(r->file[i].name);
    for (int i = 0; i < r->n_troubles; i++)
        free(r->trouble[i]);
    free(r->model);
    free(r->judge);
    free(r->file);
    free(r->trouble);
    questions_free(&r->questions);
    origin_calls_free(&r->calls);
    *r = (struct review){0};
}
