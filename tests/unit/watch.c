/* watch.c - what a process is at, seen from outside, and what a watchdog says of it. */
#include "tap.h"

#include "mtbench/watch.h"
#include "src/job/watchdog.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct watch_post post;

static bool at(const char *text, enum watch_kind kind)
{
    struct watch_seen s;
    return watch_look(&post, &s) && !strcmp(s.text, text) && s.kind == kind;
}

static void *elsewhere(void *unused)
{
    watch_begin(WATCH_WORKS, "what no thread but one says");
    watch_end();
    return unused;
}

static void words(void)
{
    struct watch_seen s;
    pthread_t t;
    watch_begin(WATCH_WORKS, "unseen");
    ok(!watch_look(&post, &s), "before the start there is nothing to see");
    watch_start(&post, 3);
    ok(watch_look(&post, &s) && s.rank == 3 && s.process == (long)getpid() && s.still < 60, "from then on there is: %s", s.text);
    watch_begin(WATCH_WORKS, "loading model %s", "m");
    watch_begin(WATCH_WORKS, "reading %s", "/m/x.safetensors");
    ok(at("reading /m/x.safetensors", WATCH_WORKS), "the innermost counts");
    watch_end();
    watch_begin(WATCH_WAITS, "waiting for other ranks");
    ok(at("waiting for other ranks, while loading model m", WATCH_WAITS), "who waits says in the middle of what");
    watch_end();
    ok(at("loading model m", WATCH_WORKS), "then what is around it again");
    pthread_create(&t, NULL, elsewhere, NULL);
    pthread_join(t, NULL);
    ok(at("loading model m", WATCH_WORKS), "other threads have no say");
    for (int i = 0; i < 20; i++)
        watch_begin(WATCH_WAITS, "%0300d", i);
    ok(watch_look(&post, &s) && strlen(s.text) < WATCH_TEXT, "deep and long: %.20s...", s.text);
    for (int i = 0; i < 20; i++)
        watch_end();
    ok(at("loading model m", WATCH_WORKS), "and back");
    watch_end();
    watch_end();
    watch_end();
    ok(at("starting", WATCH_WORKS), "one end too many is no harm");
    atomic_fetch_sub(&post.moved, 5000);
    ok(watch_look(&post, &s) && s.still >= 5, "a standstill of 5 s");
    watch_moved();
    ok(watch_look(&post, &s) && s.still < 5, "a move ends it");
    atomic_fetch_add(&post.turn, 1);
    ok(!watch_look(&post, &s), "half-written words are not shown");
    atomic_fetch_add(&post.turn, 1);
}

static const struct {
    const char *what;
    enum watch_kind kind;
    int rank;
    bool leads;
    double still;
    int64_t told;
    enum watchdog_word word;
    int64_t next;
} table[] = {
    { "a rank that works and moves", WATCH_WORKS, 3, false, 99, 0, WATCHDOG_NOTHING, 0 },
    { "one that stands still", WATCH_WORKS, 3, false, 101, 0, WATCHDOG_TOLD, 202000 },
    { "and still does", WATCH_WORKS, 3, false, 150, 202000, WATCHDOG_NOTHING, 202000 },
    { "for twice as long", WATCH_WORKS, 3, false, 202, 202000, WATCHDOG_TOLD, 404000 },
    { "and moves again", WATCH_WORKS, 3, false, 1, 404000, WATCHDOG_AGAIN, 0 },
    { "rank 3 waits for others", WATCH_WAITS, 3, false, 999, 0, WATCHDOG_NOTHING, 0 },
    { "rank 3 waits, looked at by rank 0", WATCH_WAITS, 3, true, 999, 0, WATCHDOG_NOTHING, 0 },
    { "rank 0 waits for others", WATCH_WAITS, 0, true, 150, 0, WATCHDOG_NOTHING, 0 },
    { "and for long", WATCH_WAITS, 0, true, 201, 0, WATCHDOG_TOLD, 402000 },
};

static const struct { const char *after, *ends; double a, e; bool wrong; } settings[] = {
    { NULL, NULL, 120, -1, false }, { "", "", 120, -1, false }, { "0", NULL, 0, -1, false }, { "1.5", "600", 1.5, 600, false },
    { NULL, "0", 120, 0, false },
    { "soon", NULL, 120, -1, true }, { "-1", NULL, 120, -1, true }, { NULL, "nan", 120, -1, true }, { "10 s", NULL, 120, -1, true },
};
static size_t now;

static const char *env(const char *name)
{
    return !strcmp(name, "MTBENCH_WATCHDOG") ? settings[now].after : settings[now].ends;
}

static atomic_int ended;

static void end(const struct watchdog_opts *o, const struct watch_seen *s)
{
    (void)o;
    ended += s->rank == 3;
}

int main(void)
{
    words();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct watchdog_opts o = { .after = 100, .leads = table[i].leads };
        const struct watch_seen s = { .kind = table[i].kind, .rank = table[i].rank, .still = table[i].still };
        int64_t told = table[i].told;
        ok(watchdog_judge(&o, &s, &told) == table[i].word && told == table[i].next, "%s: %g s", table[i].what, table[i].still);
    }
    for (now = 0; now < sizeof settings / sizeof *settings; now++) {
        double after, ends;
        char wrong[200];
        watchdog_settings(env, &after, &ends, wrong);
        ok(after == settings[now].a && ends == settings[now].e && (*wrong != 0) == settings[now].wrong, "settings: %g, %g%s%s", after, ends,
           *wrong ? "; " : "", wrong);
    }
    ok(!watchdog_start(&(struct watchdog_opts){ .post = &post, .n = 1 }), "none without a time");
    const struct watchdog_opts quick = { .post = &post, .n = 1, .host = "n2", .after = 0.1, .ends = 0.2, .end = end };
    struct watchdog *w = watchdog_start(&quick);
    for (int i = 0; i < 300 && !ended; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
    watchdog_stop(w);
    ok(ended == 1, "a real one ends a standing rank, once");
    return done_testing();
}
