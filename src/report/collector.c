/* collector.c - runs collected ahead.
 * Each worker has every n-th path and fills a short ring with its runs; the caller empties the rings in the order of the paths. A path's
 * folders are released when the caller is past all their runs. */
#include "collector.h"

#include "mtbench/mem.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { AHEAD = 4, MOST_WORKERS = 4 };    /* runs, of some hundred KB each; more workers than that HDF5 does not keep up with */

/* A run; or the end of a path (folder NULL), whose folders go, or that an error ended: then nothing more comes. */
struct item {
    struct collected run;
    struct bench_folder *done;
    int n_done, rc;
    struct err err;
};

struct worker {
    const struct opt_list *paths;
    const struct map *known;
    int first, step;                     /* its paths */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct item item[AHEAD];             /* a ring: 'taken' to 'put' are there */
    size_t put, taken;
    bool stop, ended;                    /* the caller wants no more; there is no more */
};

struct collector {
    struct worker worker[MOST_WORKERS];
    int n;
    int path;                            /* that the caller is at */
};

char *collect_known(const struct run_row *run)
{
    return xasprintf("%s%s%s", run->content, run->sources, run->folder);
}

/* False: nobody wants it. */
static bool put(struct worker *w, const struct item *it)
{
    pthread_mutex_lock(&w->lock);
    while (w->put - w->taken == AHEAD && !w->stop)
        pthread_cond_wait(&w->moved, &w->lock);
    const bool wanted = !w->stop;
    if (wanted)
        w->item[w->put++ % AHEAD] = *it;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    return wanted;
}

static void collect(const struct worker *w, const struct bench_folder *folder, int model, struct item *it)
{
    struct collected *run = &it->run;
    *it = (struct item){ .run = { .folder = folder, .model = model } };
    it->rc = collect_name(folder, model, &run->d, &it->err);
    if (it->rc < 0)
        return;
    char *key = collect_known(&run->d.run);
    run->has_rows = map_find_text(w->known, key) == MAP_NONE;
    if (run->has_rows)
        it->rc = collect_run(folder, model, &run->d, &it->err);
    free(key);
}

/* True: go on with the next path. */
static bool collect_path(struct worker *w, const char *path)
{
    struct item end = {0}, it;
    bool wanted = true;
    end.rc = bench_folders_open(path, &end.done, &end.n_done, &end.err);
    for (int i = 0; i < end.n_done && wanted && end.rc == 0; i++)
        for (int m = 0; m < end.done[i].n_models && wanted && end.rc == 0; m++) {
            if (!*end.done[i].model[m])
                continue;
            collect(w, &end.done[i], m, &it);
            end.rc = it.rc;
            end.err = it.err;
            wanted = it.rc == 0 && put(w, &it);
            if (!wanted)
                run_data_free(&it.run.d);
        }
    if (put(w, &end))
        return end.rc == 0;
    bench_folders_free(end.done, end.n_done);
    return false;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = w->first; i < w->paths->n && collect_path(w, w->paths->word[i]); i += w->step)
        ;
    pthread_mutex_lock(&w->lock);
    w->ended = true;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* As many as there are cores for this process, and work for. */
static int workers_for(int n_paths)
{
    cpu_set_t mine;
    int n = sched_getaffinity(0, sizeof mine, &mine) == 0 ? CPU_COUNT(&mine) : MOST_WORKERS;
    n = n < n_paths ? n : n_paths;
    return n < 1 ? 1 : n > MOST_WORKERS ? MOST_WORKERS : n;
}

struct collector *collector_begin(const struct opt_list *paths, const struct map *known, struct err *err)
{
    struct collector *c = xcalloc(1, sizeof *c);
    const int n = workers_for(paths->n);
    for (; c->n < n; c->n++) {
        struct worker *w = &c->worker[c->n];
        *w = (struct worker){ .paths = paths, .known = known, .first = c->n, .step = n, .lock = PTHREAD_MUTEX_INITIALIZER,
                              .moved = PTHREAD_COND_INITIALIZER };
        if (pthread_create(&w->thread, NULL, work, w)) {
            err_set(err, ERR_IO, "aggregate: no thread can be started; raise the limit of processes (ulimit -u)");
            collector_end(c);
            return NULL;
        }
    }
    return c;
}

/* False: there is none. */
static bool take(struct worker *w, struct item *it)
{
    pthread_mutex_lock(&w->lock);
    while (w->put == w->taken && !w->ended)
        pthread_cond_wait(&w->moved, &w->lock);
    const bool there = w->put > w->taken;
    if (there)
        *it = w->item[w->taken++ % AHEAD];
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    return there;
}

int collector_next(struct collector *c, struct collected *out, struct err *err)
{
    struct item it;
    while (take(&c->worker[c->path % c->n], &it)) {
        if (it.run.folder) {
            *out = it.run;
            return 1;
        }
        bench_folders_free(it.done, it.n_done);
        if (it.rc < 0) {
            if (err)
                *err = it.err;
            return -1;
        }
        c->path++;
    }
    return 0;
}

static void end_worker(struct worker *w)
{
    struct item it;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_broadcast(&w->moved);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    while (take(w, &it)) {
        run_data_free(&it.run.d);
        bench_folders_free(it.done, it.n_done);
    }
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->moved);
}

void collector_end(struct collector *c)
{
    for (int i = 0; c && i < c->n; i++)
        end_worker(&c->worker[i]);
    free(c);
}
