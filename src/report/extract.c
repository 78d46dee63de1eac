/* extract.c - FastChat's files out of a campaign, byte for byte: each is put together of the rows that came from it, in their order, and
 * written only where the bytes have the hash that the file had. */
#include "mtbench/campaign_file.h"

#include "campaign_open.h"
#include "written.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* A file that is to be written, and the runs that have rows of it. */
struct wanted {
    const struct file_row *row;          /* of the first run that has it */
    char *folder;                        /* that the run was read from */
    size_t *run;                         /* (n_runs) */
    size_t n_runs;
};

struct extracting {
    struct campaign *c;
    const struct aggregating *o;
    struct rows *files;                  /* (c->n) of each run */
    struct wanted *wanted;               /* (n) */
    size_t n;
    struct map known;                    /* folder, path and hash: its place in 'wanted' */
    char *bench_key;                     /* of the questions and references below; NULL: none are read */
    struct questions questions;
    struct model_answers reference;
    char **folder, **below;              /* (n_folders) of the runs; where their files go below the target, "" if no two of them collide */
    int n_folders;
    long written, missing;
};

/* ---- which files ---- */

static bool is_chosen(const struct extracting *x, const struct run_row *run)
{
    bool chosen = x->o->models.n == 0;
    for (int i = 0; i < x->o->models.n; i++)
        chosen |= !strcmp(x->o->models.word[i], run->model);
    return chosen;
}

static void want(struct extracting *x, size_t run, const struct file_row *f)
{
    char *key = xasprintf("%s\n%s\n%s", x->c->run[run].folder, f->path, f->sha256);
    size_t at = map_add_text(&x->known, key, x->n);
    if (at == x->n) {
        if ((x->n & (x->n - 1)) == 0)
            x->wanted = xrealloc(x->wanted, x->n ? 2 * x->n : 1, sizeof *x->wanted);
        x->wanted[x->n++] = (struct wanted){ f, x->c->run[run].folder, NULL, 0 };
    }
    struct wanted *w = &x->wanted[at];
    w->run = xrealloc(w->run, w->n_runs + 1, sizeof *w->run);
    w->run[w->n_runs++] = run;
    free(key);
}

/* A path of a file is a path in the folder, and leads nowhere else. */
static bool path_is_fine(const char *path)
{
    return path && *path && *path != '/' && strncmp(path, "../", 3) && !strstr(path, "/../") && !strstr(path, "//");
}

static int list_files(struct extracting *x, struct err *err)
{
    x->files = xcalloc(x->c->n + 1, sizeof *x->files);
    for (size_t r = 0; r < x->c->n; r++) {
        if (!is_chosen(x, &x->c->run[r]))
            continue;
        char *group = campaign_group(&x->c->run[r]);
        int rc = h5_read(x->c->h, group, &files_table, &x->files[r].row, &x->files[r].n, err);
        free(group);
        const struct file_row *f = x->files[r].row;
        for (size_t i = 0; i < x->files[r].n && rc == 0; i++) {
            if (!path_is_fine(f[i].path))
                rc = err_set(err, ERR_FORMAT, "%s: a file of a run is called %s; it leads out of the folder, aggregate anew", x->c->path,
                             f[i].path ? f[i].path : "nothing");
            else if (f[i].kind <= FILE_PAIRS || f[i].kind == FILE_MANIFEST)
                want(x, r, &f[i]);
        }
        if (rc < 0)
            return -1;
    }
    return x->n ? 0 : err_set(err, ERR_USAGE, "%s: nothing of these models is in it; show lists the models", x->c->path);
}

/* ---- where they go ---- */

static int place_of(struct extracting *x, const char *folder)
{
    for (int i = 0; i < x->n_folders; i++)
        if (!strcmp(x->folder[i], folder))
            return i;
    x->folder = xrealloc(x->folder, (size_t)x->n_folders + 1, sizeof *x->folder);
    x->below = xrealloc(x->below, (size_t)x->n_folders + 1, sizeof *x->below);
    x->folder[x->n_folders] = xstrdup(folder);
    x->below[x->n_folders] = xstrdup("");
    return x->n_folders++;
}

/* Its last part; of several that end alike the later ones get a number. */
static void name_below(struct extracting *x, int i)
{
    const char *slash = strrchr(x->folder[i], '/'), *base = slash ? slash + 1 : x->folder[i];
    if (!*base || !strcmp(base, ".") || !strcmp(base, ".."))     /* a file may say any folder; none leads out of the target */
        base = "data";
    char *name = xasprintf("%s/", base);
    for (int number = 2, k = 0; k < i; k++)
        if (!strcmp(x->below[k], name)) {
            free(name);
            name = xasprintf("%s-%d/", base, number++);
            k = -1;
        }
    free(x->below[i]);
    x->below[i] = name;
}

/* Runs of several folders go into one, unless a file of one has the name of another's. */
static void choose_places(struct extracting *x)
{
    struct map path = {0};
    bool collide = false;
    for (size_t i = 0; i < x->n; i++) {
        size_t folder = (size_t)place_of(x, x->wanted[i].folder);
        collide |= map_add_text(&path, x->wanted[i].row->path, folder) != folder;
    }
    for (int i = 0; i < x->n_folders && collide; i++)
        name_below(x, i);
    map_free(&path);
}

/* ---- what is in them ---- */

static int read_bench(struct extracting *x, const char *key, struct err *err)
{
    void *row = NULL;
    size_t n = 0;
    int rc = 0;
    if (x->bench_key && !strcmp(x->bench_key, key))
        return 0;
    questions_free(&x->questions);
    model_answers_free(&x->reference);
    free(x->bench_key);
    x->bench_key = xstrdup(key);
    x->questions = (struct questions){0};
    x->reference = (struct model_answers){0};
    char *group = xasprintf("/bench/%s", key);
    rc = *key ? h5_read(x->c->h, group, &files_table, &row, &n, err) : 0;
    const struct file_row *f = row;
    bool referred = false;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *text = f[i].text ? f[i].text : "";
        if (f[i].kind == FILE_QUESTIONS)
            rc = questions_parse(f[i].path, text, strlen(text), &x->questions, err);
        else if (f[i].kind == FILE_REFERENCE && !referred) {
            rc = model_answers_parse(f[i].path, text, strlen(text), &x->reference, err);
            referred = true;
        }
    }
    h5_free(&files_table, row, n);
    free(group);
    return rc;
}

struct piece {
    int32_t line;
    char *bytes;
};

struct pieces {
    struct piece *piece;
    size_t n;
};

static void add_piece(struct pieces *p, const struct line_place *at, struct buf *made)
{
    if ((p->n & (p->n - 1)) == 0)
        p->piece = xrealloc(p->piece, p->n ? 2 * p->n : 1, sizeof *p->piece);
    buf_char(made, '\n');
    p->piece[p->n++] = (struct piece){ at->line, at->raw && *at->raw ? xstrdup(at->raw) : xstrdup(made->data) };
    buf_clear(made);
}

static int by_line(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

/* The run's lines of the file 'file', a row of its files. */
static void add_lines(struct extracting *x, const struct run_data *d, int file, struct pieces *p)
{
    const struct answer_row *a = d->answers.row;
    const struct judged_row *j = d->judgments.row;
    const struct pair_row *q = d->pairs.row;
    const struct asked_row *asked = d->asked.row;
    struct turn_index turns;
    struct buf b = {0};
    turn_index_build(&turns, d);
    const struct filling fill = { &turns, &x->questions, &x->reference };
    for (size_t i = 0; i < d->answers.n; i++)
        if (a[i].at.file == file) {
            answer_written(&b, &a[i], &turns);
            add_piece(p, &a[i].at, &b);
        }
    for (size_t i = 0; i < d->judgments.n; i++)
        if (j[i].at.file == file) {
            char *prompt = prompt_fill(&fill, j[i].question_id, &asked[j[i].asked]);
            judged_written(&b, &j[i], &asked[j[i].asked], d->run.model, prompt);
            add_piece(p, &j[i].at, &b);
            free(prompt);
        }
    for (size_t i = 0; i < d->pairs.n; i++)
        if (q[i].at.file == file) {
            char *one = prompt_fill(&fill, q[i].question_id, &asked[q[i].asked_1]);
            char *two = prompt_fill(&fill, q[i].question_id, &asked[q[i].asked_2]);
            pair_written(&b, &q[i], &asked[q[i].asked_1], one, two);
            add_piece(p, &q[i].at, &b);
            free(one);
            free(two);
        }
    turn_index_free(&turns);
    buf_free(&b);
}

static int gather(struct extracting *x, const struct wanted *w, struct pieces *p, struct err *err)
{
    int rc = 0;
    for (size_t r = 0; r < w->n_runs && rc == 0; r++) {
        const struct run_row *run = &x->c->run[w->run[r]];
        struct run_data d = {0};
        rc = read_bench(x, run->bench_key ? run->bench_key : "", err) < 0 || campaign_read(x->c, run, &d, err) < 0 ? -1 : 0;
        const struct file_row *f = d.files.row;
        for (size_t i = 0; i < d.files.n && rc == 0; i++)
            if (!strcmp(f[i].path, w->row->path) && !strcmp(f[i].sha256, w->row->sha256))
                add_lines(x, &d, (int)i, p);
        run_data_free(&d);
    }
    return rc;
}

static int write_file(struct extracting *x, const struct wanted *w, const char *bytes, size_t n, struct err *err)
{
    char *path = xasprintf("%s/%s%s", x->o->extract, x->below[place_of(x, w->folder)], w->row->path), hex[65];
    int rc = 0;
    sha256_hex(bytes, n, hex);
    if (strcmp(hex, w->row->sha256)) {
        /* Other runs' lines are in it too, or were when one of its runs was aggregated: half a file would be another file. */
        log_note("%s: not written: lines of it are of runs that %s; aggregate %s anew", w->row->path,
                 x->o->models.n ? "were not asked for, or are not in the campaign" : "are not in the campaign", w->folder);
        x->missing++;
    } else {
        rc = io_make_parents(path, err) < 0 || io_replace(path, bytes, n, err) < 0 ? -1 : 0;
        x->written += rc == 0;
    }
    free(path);
    return rc;
}

static int extract_file(struct extracting *x, const struct wanted *w, struct err *err)
{
    struct pieces p = {0};
    struct buf b = {0};
    const char *rest = w->row->text ? w->row->text : "";
    int rc = w->row->kind == FILE_MANIFEST ? 0 : gather(x, w, &p, err);
    if (p.n)
        qsort(p.piece, p.n, sizeof *p.piece, by_line);
    for (size_t i = 0; i < p.n; i++) {
        buf_str(&b, p.piece[i].bytes);
        free(p.piece[i].bytes);
    }
    buf_str(&b, rest);
    if (rc == 0)
        rc = write_file(x, w, b.data, b.len, err);
    free(p.piece);
    buf_free(&b);
    return rc;
}

/* Questions, references and judge prompts of a folder's benches. */
static int extract_common(struct extracting *x, struct err *err)
{
    struct map done = {0};
    int rc = 0;
    for (size_t r = 0; r < x->c->n && rc == 0; r++) {
        const struct run_row *run = &x->c->run[r];
        if (!is_chosen(x, run) || !run->bench_key || !*run->bench_key)
            continue;
        char *group = xasprintf("/bench/%s", run->bench_key), *key = xasprintf("%s\n%s", run->folder, run->bench_key);
        void *row = NULL;
        size_t n = 0;
        const size_t seen = done.n;
        if (map_add_text(&done, key, seen) == seen)
            rc = h5_read(x->c->h, group, &files_table, &row, &n, err);
        const struct file_row *f = row;
        for (size_t i = 0; i < n && rc == 0; i++) {
            const struct wanted w = { &f[i], run->folder, NULL, 0 };
            if (path_is_fine(f[i].path))
                rc = write_file(x, &w, f[i].text ? f[i].text : "", f[i].text ? strlen(f[i].text) : 0, err);
        }
        h5_free(&files_table, row, n);
        free(key);
        free(group);
    }
    map_free(&done);
    return rc;
}

static void extracting_free(struct extracting *x)
{
    for (size_t i = 0; i < x->n; i++)
        free(x->wanted[i].run);
    for (size_t r = 0; x->files && r < x->c->n; r++)
        h5_free(&files_table, x->files[r].row, x->files[r].n);
    for (int i = 0; i < x->n_folders; i++) {
        free(x->folder[i]);
        free(x->below[i]);
    }
    free(x->folder);
    free(x->below);
    free(x->wanted);
    free(x->files);
    free(x->bench_key);
    map_free(&x->known);
    questions_free(&x->questions);
    model_answers_free(&x->reference);
    campaign_close(x->c, NULL);
}

int campaign_extract(struct buf *out, const struct aggregating *o, struct err *err)
{
    struct extracting x = { .o = o };
    if (!(x.c = campaign_open(o->runs.word[0], err)))
        return -1;
    int rc = list_files(&x, err);
    if (rc == 0)
        choose_places(&x);
    for (size_t i = 0; i < x.n && rc == 0; i++)
        rc = extract_file(&x, &x.wanted[i], err);
    if (rc == 0)
        rc = extract_common(&x, err);
    if (rc == 0 && x.missing)
        rc = err_set(err, ERR_USAGE, "%s: %ld of %ld files could not be put together again; the notes above say which", o->runs.word[0],
                     x.missing, x.missing + x.written);
    if (rc == 0)
        buf_printf(out, "wrote     %ld files to %s\n", x.written, o->extract);
    extracting_free(&x);
    return rc;
}
