/* aggregate.c - runs into a campaign file, which is whole at any moment: it grows behind its end, or a new one is written beside it. */
#include "mtbench/campaign_file.h"

#include "campaign_open.h"
#include "collector.h"

#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char *campaign_library(void)
{
    return h5_library();
}

static const char about_file[] = "runs of mtbench; data/CAMPAIGN.md says what is where";
enum { WASTE_BEGINS = 32 << 20 };        /* bytes; below that a copy would gain nothing */

struct writing {
    const char *path;                    /* where it shall be */
    char *target, *beside;               /* through links; where it is written */
    int lock;                            /* descriptor of the old file; -1: there is none */
    bool locked, in_place;               /* there are locks here; the old file itself grows */
    struct stat old;                     /* of the file that was there */
    struct h5 *h;                        /* of 'beside'; NULL: nothing has changed yet */
    struct run_row *run;                 /* (n) as they will be */
    size_t n, cap;
    long added, replaced, unchanged;
};

/* ---- the old file ---- */

/* What aggregations that were killed left beside the file. Only who has its lock knows that nobody writes them. */
static void sweep(const struct writing *w)
{
    const char *slash = strrchr(w->target, '/'), *base = slash ? slash + 1 : w->target;
    char *folder = slash ? xstrndup(w->target, (size_t)(slash - w->target) + 1) : xstrdup("./");
    const size_t n = strlen(base);
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, base, n) || e->d_name[n] != '.')
            continue;
        const char *number = e->d_name + n + 1;
        const size_t digits = strspn(number, "0123456789");
        if (!digits || strcmp(number + digits, ".tmp"))
            continue;
        char *path = xasprintf("%s%s", folder, e->d_name);
        unlink(path);
        free(path);
    }
    if (d)
        closedir(d);
    free(folder);
}

/* Two at once would each write their own copy, and one's runs would be lost. Where there are no locks, is_same() tells. */
static int lock_old(struct writing *w, struct err *err)
{
    struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET };        /* of the description: others may open and close the file */
    struct stat there;
    for (;;) {
        w->lock = open(w->target, O_RDWR | O_CLOEXEC);
        if (w->lock < 0)
            return errno == ENOENT ? 0 : err_errno(err, "%s: cannot write", w->path);
        w->locked = fcntl(w->lock, F_OFD_SETLK, &f) == 0;
        if (!w->locked && (errno == EACCES || errno == EAGAIN))
            return err_set(err, ERR_BUSY, "%s: another aggregation is writing it; wait for it, and start again", w->path);
        if (fstat(w->lock, &w->old) < 0 || stat(w->target, &there) < 0)
            return err_errno(err, "%s: cannot read", w->path);
        if (there.st_ino == w->old.st_ino && there.st_dev == w->old.st_dev)
            break;
        close(w->lock);                  /* another one was put in its place before we had the lock: that one, by name */
    }
    if (w->locked)
        sweep(w);
    return 0;
}

static bool is_same(const struct writing *w)
{
    struct stat now;
    if (w->lock < 0)
        return access(w->target, F_OK) < 0;
    if (w->in_place)                     /* we write it ourselves */
        return stat(w->target, &now) == 0 && now.st_ino == w->old.st_ino;
    return stat(w->target, &now) == 0 && now.st_ino == w->old.st_ino && now.st_size == w->old.st_size &&
           now.st_mtim.tv_sec == w->old.st_mtim.tv_sec && now.st_mtim.tv_nsec == w->old.st_mtim.tv_nsec;
}

static int read_old(struct writing *w, struct err *err)
{
    if (w->lock < 0)
        return 0;
    struct campaign *c = campaign_open(w->target, err);
    if (!c)
        return -1;
    w->run = c->run;
    w->n = w->cap = c->n;
    c->run = NULL;
    c->n = 0;
    return campaign_close(c, err);
}

/* ---- the new one ---- */

/* What each field means, once in the file: attributes of /schema/TABLE. */
static int put_schema(struct writing *w, struct err *err)
{
    const struct h5_table *all[] = { &runs_table, &turns_table, &answers_table, &judgments_table, &pairs_table, &asked_table, &calls_table,
                                     &files_table, &phases_table, &questions_table };
    int rc = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && rc == 0; i++) {
        char *group = xasprintf("/schema/%s", all[i]->name);
        rc = h5_group(w->h, group, err) < 0 || h5_put_text(w->h, group, "about", all[i]->about, err) < 0 ? -1 : 0;
        for (int f = 0; f < all[i]->n_fields && rc == 0; f++)
            if (*all[i]->field[f].about)
                rc = h5_put_text(w->h, group, all[i]->field[f].name, all[i]->field[f].about, err);
        free(group);
    }
    return rc;
}

static int start_fresh(struct writing *w, struct err *err)
{
    if (io_make_parents(w->target, err) < 0 || !(w->h = h5_create(w->beside, err)))
        return -1;
    return h5_put_text(w->h, "/", "schema", CAMPAIGN_SCHEMA, err) < 0 ||
                   h5_put_int(w->h, "/", "schema_version", CAMPAIGN_VERSION, err) < 0 ||
                   h5_put_text(w->h, "/", "about", about_file, err) < 0 || put_schema(w, err) < 0
               ? -1
               : 0;
}

/* What is in the old file, without what it does not need any more. */
static int copy_old(struct writing *w, struct err *err)
{
    static const char *const group[] = { "/bench", "/run" };
    struct h5 *old = h5_open(w->target, err);
    int rc = old ? 0 : -1;
    for (int i = 0; i < 2 && rc == 0; i++)
        if (h5_there(old, group[i]))
            rc = h5_copy(old, w->h, group[i], err);
    h5_close(old, NULL);
    return rc;
}

static int64_t text_bytes(const struct rows *r, const struct h5_table *t)
{
    int64_t bytes = (int64_t)(r->n * t->size);
    for (int f = 0; f < t->n_fields; f++)
        for (size_t i = 0; i < r->n && t->field[f].type == H5_TEXT; i++) {
            const char *text = *(char *const *)((const char *)r->row + i * t->size + t->field[f].at);
            bytes += text ? (int64_t)strlen(text) : 0;
        }
    return bytes;
}

/* Each time that runs are appended, and each run that replaces itself, leaves something behind that nobody reads. */
static bool has_much_waste(const struct writing *w)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < w->n; i++)
        bytes += w->run[i].bytes;
    return w->old.st_size > WASTE_BEGINS + 2 * bytes;
}

static int start(struct writing *w, struct err *err)
{
    static const char *const group[] = { "/bench", "/run", NULL };
    if (w->h)
        return 0;
    /* In place only under a lock: two at once would write over each other. */
    if (w->locked && !has_much_waste(w)) {
        struct err why = {0};
        w->h = h5_append(w->target, group, &why);
        if (!w->h && why.kind != ERR_NONE) {
            *err = why;
            return -1;
        }
        w->in_place = w->h != NULL;
        if (w->h)
            return h5_put_text(w->h, "/", "schema", CAMPAIGN_SCHEMA, err) < 0 ||
                           h5_put_int(w->h, "/", "schema_version", CAMPAIGN_VERSION, err) < 0 ||
                           h5_put_text(w->h, "/", "about", about_file, err) < 0
                       ? -1
                       : 0;
    }
    return start_fresh(w, err) < 0 || (w->lock >= 0 && copy_old(w, err) < 0) ? -1 : 0;
}

static int put_bench(struct writing *w, const struct bench_folder *s, struct err *err)
{
    char *group = xasprintf("/bench/%s", s->bench_key);
    struct rows rows = {0};
    int rc = 0;
    if (!*s->bench_key || h5_there(w->h, group))
        goto out;
    for (int q = 0; q < s->questions.n; q++)
        for (int t = 0; t < s->questions.q[q].n_turns; t++) {
            const struct question *from = &s->questions.q[q];
            struct question_row *r = rows_add(&rows, &questions_table);
            *r = (struct question_row){ from->id, t + 1, xstrdup(from->category), xstrdup(from->turn[t]),
                                        t < from->n_reference ? xstrdup(from->reference[t]) : NULL };
        }
    rc = h5_write(w->h, group, &questions_table, rows.row, rows.n, err) < 0 ||
                 h5_write(w->h, group, &files_table, s->common, (size_t)s->n_common, err) < 0
             ? -1
             : 0;
out:
    h5_free(&questions_table, rows.row, rows.n);
    free(group);
    return rc;
}

static int put_run(struct writing *w, struct run_data *d, struct err *err)
{
    char *group = campaign_group(&d->run);
    int rc = h5_remove(w->h, group, err);
    d->run.bytes = 0;
    for (const struct run_part *p = run_parts; p->table && rc == 0; p++) {
        const struct rows *r = run_rows(d, p);
        d->run.bytes += text_bytes(r, p->table);
        if (r->n)                        /* what a run does not have it has no table of */
            rc = h5_write(w->h, group, p->table, r->row, r->n, err);
    }
    free(group);
    return rc;
}

static void keep_run(struct writing *w, const struct run_row *run, size_t at)
{
    if (at == w->n) {
        if (w->n == w->cap)
            w->run = xrealloc(w->run, w->cap = w->cap ? 2 * w->cap : 16, sizeof *w->run);
        w->n++;
    } else {
        struct run_data old = { .run = w->run[at] };
        run_data_free(&old);
    }
    run_row_copy(&w->run[at], run);
}

/* Where the run is: that of its key, or one of the same content that lay elsewhere; n: nowhere. */
static size_t find_run(const struct writing *w, const struct run_row *run)
{
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->run[i].key, run->key))
            return i;
    for (size_t i = 0; i < w->n; i++)
        if (!strcmp(w->run[i].content, run->content) && !strcmp(w->run[i].model, run->model) && !strcmp(w->run[i].bench, run->bench))
            return i;
    return w->n;
}

/* In another folder the same content is a copy, which may lie beside other runs; in its own its files must be those it came from. */
static bool is_unchanged(const struct run_row *was, const struct run_row *run)
{
    return !strcmp(was->content, run->content) && (strcmp(was->folder, run->folder) || !strcmp(was->sources, run->sources));
}

/* A run that is there is not written again, and nothing is begun for it. */
static int add_run(struct writing *w, struct collected *c, struct err *err)
{
    struct run_row *run = &c->d.run;
    const size_t at = find_run(w, run);
    if (at < w->n && is_unchanged(&w->run[at], run)) {
        w->unchanged++;
        return 0;
    }
    if (at < w->n && strcmp(w->run[at].folder, run->folder))
        log_note("%s of %s: from %s now, it was from %s", run->model, run->bench, run->folder, w->run[at].folder);
    if (start(w, err) < 0 || (!c->has_rows && collect_run(c->folder, c->model, &c->d, err) < 0) || put_bench(w, c->folder, err) < 0 ||
        put_run(w, &c->d, err) < 0)
        return -1;
    *(at < w->n ? &w->replaced : &w->added) += 1;
    keep_run(w, run, at);
    return 0;
}

static int add_runs(struct writing *w, const struct opt_list *paths, struct err *err)
{
    struct map known = {0};
    struct collected run;
    for (size_t i = 0; i < w->n; i++) {
        char *key = collect_known(&w->run[i]);
        map_add_text(&known, key, i);
        free(key);
    }
    struct collector *c = collector_begin(paths, &known, err);
    int rc = c ? 1 : -1;
    while (rc >= 0 && (rc = collector_next(c, &run, err)) > 0) {
        rc = add_run(w, &run, err);
        run_data_free(&run.d);
    }
    collector_end(c);
    map_free(&known);
    return rc;
}

/* ---- the end ---- */

static int by_name(const void *a, const void *b)
{
    const struct run_row *x = a, *y = b;
    int c = strcmp(x->bench, y->bench);
    c = c ? c : strcmp(x->model, y->model);
    return c ? c : x->seed != y->seed ? (x->seed < y->seed ? -1 : 1) : strcmp(x->key, y->key);
}

/* Questions that no run answers any more: of runs that replaced themselves. */
static int drop_benches(struct writing *w, struct err *err)
{
    char **name;
    const int n = h5_names(w->h, "/bench", &name, err);
    int rc = n < 0 ? -1 : 0;
    for (int i = 0; i < n; i++) {
        bool used = false;
        for (size_t r = 0; r < w->n && !used; r++)
            used = !strcmp(w->run[r].bench_key, name[i]);
        char *path = xasprintf("/bench/%s", name[i]);
        if (!used && rc == 0)
            rc = h5_remove(w->h, path, err);
        free(path);
        free(name[i]);
    }
    free(name);
    return rc;
}

static int finish(struct writing *w, struct err *err)
{
    if (w->n)
        qsort(w->run, w->n, sizeof *w->run, by_name);
    int rc = drop_benches(w, err) < 0 ? -1 : h5_write(w->h, "/", &runs_table, w->run, w->n, err);
    if (w->in_place && rc == 0 && !is_same(w))
        rc = err_set(err, ERR_BUSY, "%s: another program has written it meanwhile; start again", w->path);
    if (w->in_place && rc == 0) {
        struct h5 *h = w->h;
        w->h = NULL;
        return h5_commit(h, err);
    }
    if (h5_close(w->h, rc < 0 ? NULL : err) < 0)
        rc = -1;
    w->h = NULL;
    if (rc < 0)
        return -1;
    if (!is_same(w))
        return err_set(err, ERR_BUSY, "%s: another aggregation has written it meanwhile; start again", w->path);
    if (w->lock < 0)                     /* there was no file whose lock would have kept another start out */
        return io_put_new(w->beside, w->target, err);
    return io_put_in_place(w->beside, w->target, err);
}

int campaign_aggregate(struct buf *out, const struct aggregating *o, struct err *err)
{
    char *real = realpath(o->output, NULL);
    struct writing w = { .path = o->output, .target = real ? real : xstrdup(o->output), .lock = -1 };
    w.beside = xasprintf("%s.%ld.tmp", w.target, (long)getpid());
    int rc = lock_old(&w, err) < 0 || read_old(&w, err) < 0 ? -1 : 0;
    if (rc == 0)
        rc = add_runs(&w, &o->runs, err);
    const bool changed = w.h != NULL;
    if (rc == 0 && changed)
        rc = finish(&w, err);
    if (rc == 0)
        buf_printf(out, "runs      %ld added   %ld replaced   %ld unchanged   %zu in all\n%s     %s\n", w.added, w.replaced, w.unchanged,
                   w.n, changed ? "wrote" : "kept ", o->output);
    h5_close(w.h, NULL);
    if (changed && !w.in_place && rc < 0)
        unlink(w.beside);
    h5_free(&runs_table, w.run, w.n);
    if (w.lock >= 0)
        close(w.lock);
    free(w.beside);
    free(w.target);
    return rc;
}
