/* hub.c - a model of the hub into the hub cache: what is missing is named, weighed against the disk's room, brought and checked; the
 * snapshot's names come when all its files are there, the branch's name last. */
#include "mtbench/hub.h"

#include "hub_source.h"
#include "hub_store.h"

#include "mtbench/buf.h"
#include "mtbench/clock.h"
#include "mtbench/fetching.h"
#include "mtbench/forecast.h"
#include "mtbench/hash.h"
#include "mtbench/hubcache.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"
#include "mtbench/rig.h"
#include "mtbench/signal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct run {
    const struct hub_opts *o;
    struct hub_source source;
    struct hub_store store;
    struct hub_repo repo;
    bool *chosen, *there;         /* (repo.n) */
    struct progress *progress;
    const char *doing;            /* "fetch", "check" */
    double started, since;        /* of this model; of what progress shows */
    int64_t total, done, begun;   /* bytes that 'doing' is about; of files that are finished; that earlier starts left */
    int64_t current;              /* bytes of the open file that are there */
    const struct hub_file *index; /* brought before the others; NULL: none */
    long files, brought, were_there;
    int64_t bytes;                /* that came */
};

/* ---- looking on ---- */

static int on_bytes(void *ctx, int64_t have, int64_t total)
{
    struct run *r = ctx;
    (void)total;
    r->current = have;
    const int64_t now = r->done + have;
    const struct call_pace pace = { now - r->begun, clock_now() - r->since };
    const struct progress_now shown = {
        .what = r->doing,
        .unit = "MB",
        .done = now / 1000000,
        .total = r->total / 1000000,
        .left = forecast_calls(&pace, r->total - now, 1),
    };
    progress_update(r->progress, &shown);
    return signal_pending();
}

static void watch_begin(struct run *r, const char *doing, int64_t total, int64_t begun)
{
    r->doing = doing;
    r->total = total;
    r->begun = begun;
    r->done = r->current = 0;
    r->since = clock_now();
}

static void watch_next(struct run *r, int64_t size)
{
    r->done += size > 0 ? size : r->current;
    r->current = 0;
}

/* ---- one file ---- */

static int has(struct run *r, const struct hub_file *f, struct err *wrong, struct err *err)
{
    return hub_store_has(&r->store, r->repo.commit, f, &r->source.watch, wrong, err);
}

static int state(struct run *r, struct hub_file *f, struct err *err)
{
    if (r->source.folder)
        return hub_etag(f) ? 0 : hub_folder_state(&r->source, f, err);
    return hub_etag(f) && f->size >= 0 ? 0 : hub_web_state(&r->source, &r->repo, f, err);
}

/* What no one states the hash of is named by ours, as git would. */
static int name_file(struct run *r, struct hub_file *f, const char *path, struct err *err)
{
    struct stat st;
    char hex[65];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    if (fd < 0 || fstat(fd, &st) < 0)
        err_errno(err, "%s: cannot open", path);
    else if ((rc = filehash(fd, st.st_size, FILEHASH_GIT, &r->source.watch, hex, err)) < 0)
        err_wrap(err, "%s", path);
    else {
        f->git_sha1 = xstrdup(hex);
        f->size = st.st_size;
    }
    if (fd >= 0)
        close(fd);
    return rc;
}

static int name_blob(struct run *r, struct hub_file *f, const char *came, struct err *err)
{
    const bool sized = f->size >= 0;
    if (name_file(r, f, came, err) < 0)
        return -1;
    char *blob = hub_store_blob(&r->store, f->git_sha1, "");
    int rc = rename(came, blob) < 0 ? err_errno(err, "%s: cannot put into place", blob) : 0;
    free(blob);
    log_note("%s: no hash is stated for it, %s", f->path, sized ? "only its size was checked" : "nor its size: nothing could be checked");
    return rc;
}

/* A name for the part of a file whose hash nobody states. */
static void unnamed(const struct run *r, const struct hub_file *f, char hex[65])
{
    char *text = xasprintf("%s/%s", r->repo.commit, f->path);
    sha256_hex(text, strlen(text), hex);
    free(text);
}

static void count(struct run *r, const struct hub_file *f)
{
    r->brought++;
    r->bytes += f->size;
    progress_clear(r->progress);
    log_note("fetched %s", f->path);
}

static int bring_locked(struct run *r, struct hub_file *f, const char *name, struct err *err)
{
    char *part = hub_store_blob(&r->store, name, ".incomplete"), *blob = hub_store_blob(&r->store, name, hub_etag(f) ? "" : ".unnamed");
    /* Whoever held the lock before may have brought it. */
    struct err wrong = { 0 }; /* said in survey() */
    int rc = has(r, f, &wrong, err);
    if (rc == 1) {
        r->were_there++;
    } else if (rc == 0) {
        rc = r->source.folder ? hub_folder_bring(&r->source, f, part, blob, err) : hub_web_bring(&r->source, &r->repo, f, part, blob, err);
        if (rc == 0 && !hub_etag(f))
            rc = name_blob(r, f, blob, err);
        if (rc == 0)
            count(r, f);
    }
    free(part);
    free(blob);
    return rc < 0 ? -1 : 0;
}

static int bring(struct run *r, struct hub_file *f, struct err *err)
{
    char name[65];
    if (hub_etag(f))
        snprintf(name, sizeof name, "%s", hub_etag(f));
    else
        unnamed(r, f, name);
    int lock = hub_store_lock(&r->store, name, f->path, &r->source.watch, err);
    int rc = lock == -1 ? -1 : bring_locked(r, f, name, err);
    if (lock >= 0)
        close(lock);
    return rc;
}

/* Content of a small file that is there. */
static int content(const struct run *r, const struct hub_file *f, struct buf *out, struct err *err)
{
    char *blob = hub_store_blob(&r->store, hub_etag(f), ""),
         *pointer = xasprintf("%s/snapshots/%s/%s", r->store.folder, r->repo.commit, f->path);
    int rc = io_read(access(blob, F_OK) == 0 ? blob : pointer, out, err);
    free(blob);
    free(pointer);
    return rc;
}

/* ---- which files ---- */

/* The index is brought first: it says which of the others are the weights. */
static int read_index(struct run *r, struct buf *index, struct err *err)
{
    struct hub_file *f = (struct hub_file *)hub_repo_index(&r->repo, &r->o->only);
    if (!f)
        return 0;
    if (state(r, f, err) < 0)
        return -1;
    struct err wrong = { 0 };
    watch_begin(r, "fetch", f->size, 0);
    int there = has(r, f, &wrong, err);
    if (there < 0 || (there == 0 && bring(r, f, err) < 0))
        return -1;
    r->index = r->brought ? f : NULL;
    r->brought = r->were_there = 0; /* counted with the others */
    return content(r, f, index, err);
}

/* Several files of a kind are several models: what there is to choose from. */
static void say_sizes(const struct run *r)
{
    static const char *const suffix[] = { ".safetensors", ".gguf", ".bin" };
    for (int i = 0; i < r->repo.n; i++) {
        const struct hub_file *f = &r->repo.file[i];
        const char *dot = strrchr(f->path, '.');
        for (int k = 0; k < 3; k++)
            if (dot && !strcmp(dot, suffix[k]))
                log_note("%9.2f GB  %s", (double)f->size / 1e9, f->path);
    }
}

static int choose(struct run *r, struct err *err)
{
    struct buf index = { 0 };
    r->chosen = xcalloc((size_t)r->repo.n, sizeof *r->chosen);
    r->there = xcalloc((size_t)r->repo.n, sizeof *r->there);
    int rc = read_index(r, &index, err);
    if (rc == 0) {
        r->source.code = EXIT_INPUT;
        rc = hub_repo_choose(&r->repo, &r->o->only, index.data ? index.data : "", index.len, r->chosen, err);
        if (rc < 0 && err->kind == ERR_USAGE && !r->o->only.n)
            say_sizes(r);
        if (rc < 0)
            err_wrap(err, "--model %s", r->o->model);
    }
    buf_free(&index);
    return rc;
}

/* ---- all of them ---- */

/* One file of the survey. */
static int look(struct run *r, int i, struct err *err)
{
    struct hub_file *f = &r->repo.file[i];
    struct err wrong = { 0 };
    int there = has(r, f, &wrong, err);
    if (there > 0 && !hub_etag(f)) {
        char *pointer = xasprintf("%s/snapshots/%s/%s", r->store.folder, r->repo.commit, f->path);
        there = name_file(r, f, pointer, err) < 0 ? -1 : 1;
        free(pointer);
    }
    if (there < 0)
        return -1;
    if (wrong.kind != ERR_NONE && !there)
        log_note("%s; that is not %s, which is fetched anew", wrong.text, f->path);
    r->there[i] = there;
    r->files++;
    r->brought += there && f == r->index;
    r->were_there += there && f != r->index;
    watch_next(r, f->size);
    return 0;
}

/* What is there is read once and checked: a cache is years old, and somebody else wrote it. */
static int survey(struct run *r, struct err *err)
{
    int64_t size = 0;
    for (int i = 0; i < r->repo.n; i++)
        if (r->chosen[i] && state(r, &r->repo.file[i], err) < 0)
            return -1;
    if (!*r->repo.commit)
        hub_folder_commit(&r->repo, r->chosen);
    for (int i = 0; i < r->repo.n; i++)
        size += r->chosen[i] && r->repo.file[i].size > 0 ? r->repo.file[i].size : 0;
    watch_begin(r, "check", size, 0);
    for (int i = 0; i < r->repo.n; i++)
        if (r->chosen[i] && look(r, i, err) < 0)
            return -1;
    progress_clear(r->progress);
    return 0;
}

static int weigh(struct run *r, struct err *err)
{
    int64_t size = 0, part = 0, room = hub_store_room(&r->store);
    for (int i = 0; i < r->repo.n; i++)
        if (r->chosen[i] && !r->there[i] && r->repo.file[i].size > 0) {
            size += r->repo.file[i].size;
            part += hub_store_part(&r->store, &r->repo.file[i]);
        }
    watch_begin(r, "fetch", size, part);
    if (r->files == r->were_there + r->brought)
        return 0;
    if (room >= 0 && room < size - part) {
        r->source.code = EXIT_PREFLIGHT;
        return err_set(err, ERR_IO,
                       "--model %s: %.2f GB are to come, and %s has room for %.2f GB; free some, or name another place by HF_HUB_CACHE",
                       r->o->model, (double)(size - part) / 1e9, r->store.cache, (double)room / 1e9);
    }
    log_note("%s, commit %.12s: %ld of %ld files to fetch, %.2f GB%s; %s has room for %.2f GB", r->o->model, r->repo.commit,
             r->files - r->were_there - r->brought, r->files, (double)(size - part) / 1e9, part ? " (the rest of them is there)" : "",
             r->store.cache, (double)room / 1e9);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = (*(struct hub_file *const *)a)->size, y = (*(struct hub_file *const *)b)->size;
    return (x > y) - (x < y);
}

/* Small ones first: what is refused is refused before hours have passed, and texts are there before weights. */
static int bring_all(struct run *r, struct err *err)
{
    struct hub_file **missing = xcalloc((size_t)r->repo.n + 1, sizeof *missing);
    int n = 0, rc = 0;
    for (int i = 0; i < r->repo.n; i++)
        if (r->chosen[i] && !r->there[i])
            missing[n++] = &r->repo.file[i];
    qsort(missing, (size_t)n, sizeof *missing, by_size);
    for (int i = 0; i < n && rc == 0; i++) {
        rc = signal_pending() ? err_set(err, ERR_CANCELLED, "stopped; start again to go on") : bring(r, missing[i], err);
        watch_next(r, missing[i]->size);
    }
    progress_clear(r->progress);
    free(missing);
    return rc;
}

static int place(struct run *r, struct err *err)
{
    struct map first = { 0 };            /* of each content the first file that has it */
    int rc = 0;
    r->source.code = EXIT_FAILURES;
    for (int i = 0; i < r->repo.n && rc == 0; i++) {
        const struct hub_file *f = &r->repo.file[i];
        if (!r->chosen[i])
            continue;
        const size_t twin = map_add_text(&first, hub_etag(f), (size_t)i);
        rc = hub_store_link(&r->store, r->repo.commit, f, twin < (size_t)i ? &r->repo.file[twin] : NULL, err);
    }
    map_free(&first);
    if (rc == 0 && strcmp(r->source.revision, r->repo.commit))
        rc = hub_store_ref(&r->store, r->source.revision, r->repo.commit, err);
    return rc;
}

/* ---- one model, and an adapter's base ---- */

static int run_open(struct run *r, struct err *err)
{
    const char *from = r->o->from;
    hub_store_open(&r->store, r->o->model);
    r->source = (struct hub_source){
        .model = r->o->model, .revision = r->o->revision ? r->o->revision : "main", .code = EXIT_INPUT, .watch = { on_bytes, r }
    };
    if (!hub_id(r->o->model))
        return err_set(err, ERR_USAGE, "--model %.100s: is no name of a repository; give one like lmsys/vicuna-7b-v1.3", r->o->model);
    if (!hub_revision(r->source.revision))
        return err_set(err, ERR_USAGE, "--revision %.100s: is no name of a branch, tag or commit", r->source.revision);
    /* No gigabytes of what a run would refuse; whoever says which files wants them for something else. */
    if (!r->o->only.n && rig_foretell(r->o->model, err) < 0)
        return -1;
    if (from && !fetch_from_http(from))
        return hub_folder_open(&r->source, from, err);
    return hub_web_open(&r->source, from, err);
}

static int list(struct run *r, struct err *err)
{
    return r->source.folder ? hub_folder_list(&r->source, &r->repo, err) : hub_web_list(&r->source, &r->repo, err);
}

static void run_close(struct run *r)
{
    progress_destroy(r->progress);
    hub_repo_free(&r->repo);
    hub_source_close(&r->source);
    hub_store_close(&r->store);
    free(r->chosen);
    free(r->there);
}

/* What is typed next: the id, or the file where the id alone would not say which is meant. */
static void say_use(const struct run *r)
{
    struct modelpath m;
    struct err why = { 0 };
    if (access(r->o->model, F_OK) == 0) {
        log_note("%s lies here too, and would be taken instead of what was fetched", r->o->model);
        printf("use:      --model-path %s/snapshots/%s\n", r->store.folder, r->repo.commit);
        return;
    }
    if (modelpath_resolve(r->o->model, r->o->revision, NULL, &m, &why) == 0) {
        printf("use:      --model-path %s%s%s\n", r->o->model, r->o->revision ? " --revision " : "", r->o->revision ? r->o->revision : "");
        modelpath_free(&m);
        return;
    }
    for (int i = 0; i < r->repo.n; i++) {
        size_t n = strlen(r->repo.file[i].path);
        if (r->chosen[i] && n > 5 && !strcmp(r->repo.file[i].path + n - 5, ".gguf")) {
            printf("use:      --model-path %s/snapshots/%s/%s\n", r->store.folder, r->repo.commit, r->repo.file[i].path);
            return;
        }
    }
    log_note("it is there, but does not run: %s", why.text);
}

static int one_model(struct run *r, struct err *err)
{
    r->started = clock_now();
    r->progress = progress_create(r->o->progress, !r->o->quiet);
    int rc = run_open(r, err) < 0 || list(r, err) < 0 || choose(r, err) < 0 || survey(r, err) < 0 || weigh(r, err) < 0 ||
             bring_all(r, err) < 0 || place(r, err) < 0;
    progress_clear(r->progress);
    if (rc)
        return err->kind == ERR_CANCELLED ? EXIT_RESUME : (int)r->source.code;
    printf("fetched   %ld/%ld files   %ld were there   0 failed   %.1f MB   %.1f s\n", r->brought, r->files, r->were_there,
           (double)r->bytes / 1e6, clock_now() - r->started);
    return EXIT_COMPLETE;
}

/* The base model of an adapter that was chosen; NULL: it is none, or names none. */
static int base_of(const struct run *r, char **base, char **revision, struct err *err)
{
    struct buf b = { 0 };
    int rc = 0;
    *base = *revision = NULL;
    for (int i = 0; i < r->repo.n && rc == 0; i++) {
        if (!r->chosen[i] || strcmp(r->repo.file[i].path, "adapter_config.json"))
            continue;
        if ((rc = content(r, &r->repo.file[i], &b, err)) == 0 && (rc = hub_adapter_base(b.data, b.len, base, revision, err)) < 0)
            err_wrap(err, "--model %s: adapter_config.json", r->o->model);
    }
    buf_free(&b);
    return rc;
}

/* May this source have other models than the one that was asked for? A folder of one model's files does not. */
static bool has_others(const struct run *r, const char *base)
{
    char *inner = xasprintf("%s/hub", r->o->from ? r->o->from : ""), *here = hub_folder(r->o->from ? r->o->from : "", base),
         *there = hub_folder(inner, base);
    bool found = !r->source.folder || access(here, F_OK) == 0 || access(there, F_OK) == 0;
    free(inner);
    free(here);
    free(there);
    return found;
}

static int bring_base(const struct run *r, const char *base, const char *revision, struct err *err)
{
    const struct hub_opts o = { base, revision, r->o->from, { NULL, 0 }, r->o->progress, r->o->quiet };
    char *there = hub_id(base) ? hub_snapshot(r->store.cache, base, revision) : NULL;
    struct run b = { .o = &o };
    char shown[101];
    int code = EXIT_COMPLETE;
    if (access(base, F_OK) == 0) {
        log_note("its base model is %s, a folder that is there", hub_shown(base, shown));
    } else if (!hub_id(base)) {
        log_note("its base model is \"%s\", a folder of the machine where it was made; bring it there", hub_shown(base, shown));
    } else if (!has_others(r, base)) { /* asked for the base, such a folder would give the adapter's own files */
        if (!there)
            log_note("its base model %s is not in the cache; mtbench fetch --model %s brings it", base, base);
    } else {
        log_note("%s is an adapter of %s, which is fetched too", r->o->model, base);
        code = one_model(&b, err);
        run_close(&b);
    }
    free(there);
    return code;
}

int hub_fetch(const struct hub_opts *o, struct err *err)
{
    struct run r = { .o = o };
    char *base = NULL, *revision = NULL;
    int code = one_model(&r, err);
    if (code == EXIT_COMPLETE && base_of(&r, &base, &revision, err) < 0)
        code = EXIT_INPUT;
    if (code == EXIT_COMPLETE && base)
        code = bring_base(&r, base, revision, err);
    if (code == EXIT_COMPLETE)
        say_use(&r);
    else if (code == EXIT_RESUME)
        log_note("stopped; the same command goes on from there");
    run_close(&r);
    free(base);
    free(revision);
    return code;
}
