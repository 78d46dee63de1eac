/* collector.c - runs collected ahead.
 * One thread fills a short ring of runs, the caller empties it. A path's folders are released when the caller is past all their runs. */
#include "collector.h"

#include "mtbench/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { AHEAD = 4 };                      /* runs: of some hundred KB each */

/* A run; or the end of a path (folder NULL), whose folders go; or an error, the last thing that comes. */
struct item {
    struct collected run;
    struct bench_folder *done;
    int n_done, rc;
    struct err err;
};

struct collector {
    const struct opt_list *paths;
    const struct map *known;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct item item[AHEAD];             /* a ring: 'taken' to 'put' are there */
    size_t put, taken;
    bool stop, ended;                    /* the caller wants no more; there is no more */
};

char *collect_known(const struct run_row *run)
{
    return xasprintf("%s%s%s", run->content, run->sources, run->folder);
}

/* False: nobody wants it. */
static bool put(struct collector *c, const struct item *it)
{
    pthread_mutex_lock(&c->lock);
    while (c->put - c->taken == AHEAD && !c->stop)
        pthread_cond_wait(&c->moved, &c->lock);
    const bool wanted = !c->stop;
    if (wanted)
        c->item[c->put++ % AHEAD] = *it;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    return wanted;
}

static void collect(const struct collector *c, const struct bench_folder *folder, int model, struct item *it)
{
    struct collected *run = &it->run;
    *it = (struct item){ .run = { .folder = folder, .model = model } };
    it->rc = collect_name(folder, model, &run->d, &it->err);
    if (it->rc < 0)
        return;
    char *key = collect_known(&run->d.run);
    run->has_rows = map_find_text(c->known, key) == MAP_NONE;
    if (run->has_rows)
        it->rc = collect_run(folder, model, &run->d, &it->err);
    free(key);
}

/* True: go on with the next path. */
static bool collect_path(struct collector *c, const char *path)
{
    struct item end = {0}, it;
    bool wanted = true;
    end.rc = bench_folders_open(path, &end.done, &end.n_done, &end.err);
    for (int i = 0; i < end.n_done && wanted && end.rc == 0; i++)
        for (int m = 0; m < end.done[i].n_models && wanted && end.rc == 0; m++) {
            if (!*end.done[i].model[m])
                continue;
            collect(c, &end.done[i], m, &it);
            end.rc = it.rc;
            end.err = it.err;
            wanted = it.rc == 0 && put(c, &it);
            if (!wanted)
                run_data_free(&it.run.d);
        }
    if (put(c, &end))
        return end.rc == 0;
    bench_folders_free(end.done, end.n_done);
    return false;
}

static void *work(void *arg)
{
    struct collector *c = arg;
    for (int i = 0; i < c->paths->n && collect_path(c, c->paths->word[i]); i++)
        ;
    pthread_mutex_lock(&c->lock);
    c->ended = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

struct collector *collector_begin(const struct opt_list *paths, const struct map *known, struct err *err)
{
    struct collector *c = xcalloc(1, sizeof *c);
    *c = (struct collector){ .paths = paths, .known = known, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER };
    if (pthread_create(&c->thread, NULL, work, c) == 0)
        return c;
    free(c);
    err_set(err, ERR_IO, "aggregate: no thread can be started; raise the limit of processes (ulimit -u)");
    return NULL;
}

/* False: there is none. */
static bool take(struct collector *c, struct item *it)
{
    pthread_mutex_lock(&c->lock);
    while (c->put == c->taken && !c->ended)
        pthread_cond_wait(&c->moved, &c->lock);
    const bool there = c->put > c->taken;
    if (there)
        *it = c->item[c->taken++ % AHEAD];
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    return there;
}

int collector_next(struct collector *c, struct collected *out, struct err *err)
{
    struct item it;
    while (take(c, &it)) {
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
    }
    return 0;
}

void collector_end(struct collector *c)
{
    struct item it;
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_broadcast(&c->moved);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    while (take(c, &it)) {
        run_data_free(&it.run.d);
        bench_folders_free(it.done, it.n_done);
    }
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->moved);
    free(c);
}
