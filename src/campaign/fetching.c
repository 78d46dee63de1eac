/* fetching.c - the files of a list into their places. What is there and right is left alone, what differs is refused; nothing is put in
 * place before it was checked. */
#include "mtbench/fetching.h"

#include "mtbench/clock.h"
#include "mtbench/download.h"
#include "mtbench/exit_code.h"
#include "mtbench/fetch_list.h"
#include "mtbench/forecast.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/signal.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GIVE_UP = 3 };                    /* failures in a row after which the source is not asked for more */

struct fetch {
    const struct fetch_opts *o;
    struct fetch_list list;
    struct progress *progress;
    double started;
    long done, there, failed;            /* files; done: without what was there */
    int64_t bytes;
};

bool fetch_from_http(const char *from)
{
    return !strncmp(from, "http://", 7) || !strncmp(from, "https://", 8);
}

/* ---- what to fetch ---- */

static void drop(struct fetch_list *l, int i)
{
    struct fetch_list one = { xcalloc(1, sizeof *l->item), 1 };
    one.item[0] = l->item[i];
    memmove(&l->item[i], &l->item[i + 1], (size_t)(l->n - i - 1) * sizeof *l->item);
    l->n--;
    fetch_list_free(&one);
}

static int choose(struct fetch *f, struct err *err)
{
    bool *used = xcalloc((size_t)f->o->only.n + 1, sizeof *used);
    int rc = 0;
    for (int i = f->list.n - 1; f->o->only.n && i >= 0; i--) {
        bool fits = false;
        for (int k = 0; k < f->o->only.n; k++) {
            bool fit = fnmatch(f->o->only.word[k], f->list.item[i].path, 0) == 0;
            used[k] |= fit;
            fits |= fit;
        }
        if (!fits)
            drop(&f->list, i);
    }
    for (int k = 0; k < f->o->only.n && rc == 0; k++)
        if (!used[k])
            rc = err_set(err, ERR_USAGE,
                         "--only %s: no path of the list fits; paths are like mt_bench/model_answer/gpt-4.jsonl, * fits slashes too",
                         f->o->only.word[k]);
    free(used);
    return rc;
}

static int read_list(struct fetch *f, struct err *err)
{
    char *path = f->o->manifest ? xstrdup(f->o->manifest) : xasprintf("%s/pregenerated.txt", f->o->data_dir);
    struct buf b = {0};
    int rc = io_read(path, &b, err);
    if (rc < 0) {
        err_wrap(err, "--manifest");
        err_advise(err, "name the list of files by --manifest; the project has one in data/pregenerated.txt");
    } else if ((rc = fetch_list_parse(path, b.data, b.len, &f->list, err)) == 0) {
        rc = choose(f, err);
    }
    buf_free(&b);
    free(path);
    return rc;
}

static char *place_of(const struct fetch *f, const struct fetch_item *item)
{
    return xasprintf("%s/%s", f->o->data_dir, item->path);
}

/* 1: there and right, 0: not there; -1: err, it is there and differs. */
static int look(const struct fetch *f, const struct fetch_item *item, struct err *err)
{
    char *place = place_of(f, item);
    struct buf b = {0};
    int rc = access(place, F_OK) < 0 ? 0 : 1;
    if (rc == 1 && (io_read(place, &b, err) < 0 || fetch_item_check(item, b.data, b.len, err) < 0)) {
        rc = -1;
        err_wrap(err, "%s: is there, but is not the file of the list", place);
        err_advise(err, "move it away to fetch that one");
    }
    buf_free(&b);
    free(place);
    return rc;
}

/* ---- fetching ---- */

static void show(const struct fetch *f)
{
    const struct call_pace pace = { f->done, clock_now() - f->started };
    const struct progress_now now = {
        .what = "fetch", .unit = "files", .done = f->there + f->done + f->failed, .total = f->list.n, .failed = f->failed,
        .left = forecast_calls(&pace, f->list.n - f->there - f->done - f->failed, 1),
    };
    progress_update(f->progress, &now);
}

static int on_progress(void *ctx, int64_t have, int64_t total)
{
    (void)have, (void)total;
    show(ctx);
    return signal_pending();
}

/* From a folder. */
static int copy(const struct fetch *f, const struct fetch_item *item, const char *place, struct err *err)
{
    char *source = xasprintf("%s/%s", f->o->from, item->path);
    struct buf b = {0};
    int rc = io_read(source, &b, err);
    if (rc == 0 && (rc = fetch_item_check(item, b.data, b.len, err)) < 0)
        err_wrap(err, "%s", source);
    else if (rc == 0 && (rc = io_make_parents(place, err)) == 0)
        rc = io_replace(place, b.data, b.len, err);
    buf_free(&b);
    free(source);
    return rc;
}

/* What has no hash is checked by us, before it gets its name. */
static int check_and_place(const struct fetch_item *item, const char *url, const char *came, const char *place, struct err *err)
{
    struct buf b = {0};
    int rc = io_read(came, &b, err);
    if (rc == 0 && (rc = fetch_item_check(item, b.data, b.len, err)) < 0) {
        char *shown = download_shown(url);
        err_wrap(err, "%s", shown);
        free(shown);
    } else if (rc == 0 && rename(came, place) < 0)
        rc = err_errno(err, "%s: cannot put into place", place);
    if (rc < 0)
        unlink(came);
    else
        io_sync_parent(place);
    buf_free(&b);
    return rc;
}

/* From a web server. */
static int download(struct fetch *f, const struct fetch_item *item, const char *place, struct err *err)
{
    size_t n = f->o->from ? strlen(f->o->from) : 0;
    while (n && f->o->from[n - 1] == '/')
        n--;
    char *url = f->o->from ? xasprintf("%.*s/%s", (int)n, f->o->from, item->path) : xstrdup(item->url);
    char *came = item->sha256 ? xstrdup(place) : xasprintf("%s.unchecked", place);
    const struct download d = { .url = url, .path = came, .size = item->size, .sha256 = item->sha256, .progress = on_progress, .ctx = f };
    int rc = download_file(&d, err);
    if (rc == 0 && !item->sha256)
        rc = check_and_place(item, url, came, place, err);
    free(came);
    free(url);
    return rc;
}

static int bring(struct fetch *f, const struct fetch_item *item, struct err *err)
{
    char *place = place_of(f, item);
    struct stat st;
    int rc = f->o->from && !fetch_from_http(f->o->from) ? copy(f, item, place, err) : download(f, item, place, err);
    if (rc == 0) {
        f->done++;
        f->bytes += stat(place, &st) == 0 ? (int64_t)st.st_size : 0;
        progress_clear(f->progress);
        log_note("fetched %s", place);
    }
    free(place);
    return rc;
}

/* Whatever differs is named before anything is fetched. Marks the items that are there. */
static int survey(struct fetch *f, bool *there, struct err *err)
{
    int wrong = 0;
    for (int i = 0; i < f->list.n; i++) {
        struct err one = {0};
        int rc = look(f, &f->list.item[i], &one);
        there[i] = rc > 0;
        f->there += rc > 0;
        if (rc < 0 && wrong++)
            log_error("%s", err->text);
        if (rc < 0)
            *err = one;
    }
    return wrong ? -1 : 0;
}

/* Returns an exit code. */
static int bring_all(struct fetch *f, const bool *there, struct err *err)
{
    int in_a_row = 0;
    for (int i = 0; i < f->list.n; i++) {
        struct err one = {0};
        if (there[i])
            continue;
        if (signal_pending())
            return EXIT_RESUME;
        if (bring(f, &f->list.item[i], &one) == 0) {
            in_a_row = 0;
        } else if (one.kind == ERR_CANCELLED) {
            return EXIT_RESUME;
        } else {
            progress_clear(f->progress);
            log_error("%s", one.text);
            f->failed++;
            if (++in_a_row == GIVE_UP) {
                f->failed = f->list.n - f->there - f->done;
                err_set(err, ERR_IO, "%d files in a row cannot be had; the others were not tried; start again to go on", GIVE_UP);
                return EXIT_FAILURES;
            }
        }
        show(f);
    }
    return f->failed ? EXIT_FAILURES : EXIT_COMPLETE;
}

int fetching_run(const struct fetch_opts *o, struct err *err)
{
    struct fetch f = { .o = o, .started = clock_now() };
    int code = EXIT_INPUT, rc = read_list(&f, err);
    bool *there = xcalloc((size_t)f.list.n + 1, sizeof *there);
    f.progress = progress_create(o->progress, !o->quiet);
    if (rc == 0 && survey(&f, there, err) == 0) {
        code = bring_all(&f, there, err);
        progress_clear(f.progress);
        printf("fetched   %ld/%d files   %ld were there   %ld failed   %.1f MB   %.1f s\n", f.done, f.list.n, f.there, f.failed,
               (double)f.bytes / 1e6, clock_now() - f.started);
        if (code == EXIT_RESUME)
            log_note("stopped; the same command goes on from there");
    }
    progress_destroy(f.progress);
    free(there);
    fetch_list_free(&f.list);
    return code;
}
