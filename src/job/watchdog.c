/* watchdog.c - which rank stands still. */
#include "watchdog.h"

#include "mtbench/clock.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/procstat.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct watchdog {
    struct watchdog_opts o;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;
    bool stops;
    double looked, back;                  /* seconds of clock_now(): the last look, and the first one since this process stood still */
};

static double seconds(const char *(*env)(const char *), const char *name, double usual, char wrong[200])
{
    const char *s = env(name);
    char *end;
    const double x = s && *s ? strtod(s, &end) : usual;
    if (!s || !*s)
        return usual;
    if (end != s && !*end && x >= 0 && x < 1e9)          /* not of "nan" either */
        return x;
    snprintf(wrong, 200, "%s=%.60s: is no number of seconds, ignored; give one, or 0 for never", name, s);
    return usual;
}

void watchdog_settings(const char *(*env)(const char *), double *after, double *ends, char wrong[200])
{
    wrong[0] = '\0';
    *after = seconds(env, "MTBENCH_WATCHDOG", 120, wrong);
    *ends = seconds(env, "MTBENCH_WATCHDOG_END", -1, wrong);
}

/* Who waits for others is no news where one of them is stuck and will be named itself; rank 0 alone says it, later than that. */
static double patience(const struct watchdog_opts *o, const struct watch_seen *s)
{
    return s->kind == WATCH_WORKS ? o->after : 2 * o->after;
}

enum watchdog_word watchdog_judge(const struct watchdog_opts *o, const struct watch_seen *s, int64_t *told_ms)
{
    const double first = patience(o, s), due = *told_ms ? (double)*told_ms / 1000 : first;
    if (o->after <= 0)
        return WATCHDOG_NOTHING;
    if (*told_ms && s->still < o->after) {
        *told_ms = 0;
        return WATCHDOG_AGAIN;
    }
    if (s->still < due || (s->kind == WATCH_WAITS && (!o->leads || s->rank != 0)))
        return WATCHDOG_NOTHING;
    *told_ms = (int64_t)(2 * s->still * 1000);
    return WATCHDOG_TOLD;
}

/* The state's letter in /proc: T is stopped, D in the system's hands, for which a file system that hangs is the usual reason. */
static const char *system_says(long process)
{
    const char state = procstat_of(process).state;
    return state == 'T' || state == 't' ? " (its process is stopped)" : state == 'D' ? " (the system does not come back from it)" : "";
}

/* This thread was away itself: a job that Slurm suspends is, with all its ranks, and nothing hangs that stood still meanwhile. */
static void look_up(struct watchdog *w)
{
    const double now = clock_now();
    if (now - w->looked > 1 + w->o.ends / 2)
        w->back = now;
    w->looked = now;
}

static void look_at(const struct watchdog *w, struct watch_post *post)
{
    struct watch_seen s;
    int64_t told = atomic_load(&post->told), next = told;
    if (!watch_look(post, &s))
        return;
    const enum watchdog_word word = watchdog_judge(&w->o, &s, &next);
    /* All processes of the node look: the one that moves the mark speaks. */
    if (word != WATCHDOG_NOTHING && atomic_compare_exchange_strong(&post->told, &told, next)) {
        if (word == WATCHDOG_AGAIN)
            log_error("rank %d on %s moves again: %s", s.rank, w->o.host, s.text);
        else
            log_error("rank %d on %s has not moved for %.0f s: %s%s", s.rank, w->o.host, s.still, s.text, system_says(s.process));
    }
    /* once for all that look: each of them would end the job */
    const bool is_due = w->o.ends > 0 && s.still >= w->o.ends && w->looked - w->back >= w->o.ends && s.kind == WATCH_WORKS;
    if (is_due && atomic_exchange(&post->told, INT64_MAX) != INT64_MAX)
        w->o.end(&w->o, &s);
}

static void nap(struct watchdog *w)
{
    const double least = w->o.ends > 0 && w->o.ends < w->o.after ? w->o.ends : w->o.after, s = least / 8 < 5 ? least / 8 : 5;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)s;
    t.tv_nsec += (long)((s - (double)(time_t)s) * 1e9);
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&w->news, &w->lock, &t);
}

static void *watch(void *ctx)
{
    struct watchdog *w = ctx;
    pthread_mutex_lock(&w->lock);
    while (!w->stops) {
        look_up(w);
        for (int i = 0; i < w->o.n; i++)
            look_at(w, &w->o.post[i]);
        nap(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

struct watchdog *watchdog_start(const struct watchdog_opts *o)
{
    if (o->after <= 0 && o->ends <= 0)
        return NULL;
    struct watchdog *w = xcalloc(1, sizeof *w);
    pthread_condattr_t steady;
    sigset_t all, old;
    w->o = *o;
    w->o.after = o->after > 0 ? o->after : o->ends;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&steady);
    pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);     /* a wall clock that is put back would have it sleep as long */
    pthread_cond_init(&w->news, &steady);
    pthread_condattr_destroy(&steady);
    sigfillset(&all);                    /* signals are the first thread's: they break its waits */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    const int rc = pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0)
        return w;
    free(w);
    return NULL;
}

void watchdog_stop(struct watchdog *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stops = true;
    pthread_cond_signal(&w->news);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->news);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
