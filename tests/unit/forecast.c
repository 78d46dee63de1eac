/* forecast.c - time left: runs are played, second by second, with the lengths that turns of a real run came to, and what was said is held
 * against what came. */
#include "mtbench/forecast.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ---- */

struct turn { int who, turn; double begin, end; long n; int failed; };

struct replay { struct turn *turn; int n, n_who, *turns; double end, flat; };   /* flat: a step's time for nobody, in turns */

static int live_at(const struct replay *r, double now)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->turn[i].begin <= now && now < r->turn[i].end;
    return n;
}

/* Steps are slower the more share them, so a turn grows slower while many live: clock[k] is how far turns have come at tick k. */
enum { TICKS_A_SECOND = 2 };

static double *step_clock(const struct replay *r)
{
    size_t n = (size_t)(r->end * TICKS_A_SECOND) + 3;
    double *clock = xcalloc(n, sizeof *clock);
    for (size_t k = 1; k < n; k++)
        clock[k] = clock[k - 1] + 1.0 / (r->flat + live_at(r, ((double)k - 0.5) / TICKS_A_SECOND));
    return clock;
}

static double clock_at(const double *clock, double now)
{
    size_t k = (size_t)(now * TICKS_A_SECOND);
    return clock[k] + (now * TICKS_A_SECOND - (double)k) * (clock[k + 1] - clock[k]);
}

/* What had been made by then. */
static uint64_t made_by(const struct replay *r, const double *clock, double now)
{
    double n = 0;
    for (int i = 0; i < r->n; i++) {
        double begin = clock_at(clock, r->turn[i].begin), end = clock_at(clock, r->turn[i].end);
        if (r->turn[i].begin < now)
            n += (double)r->turn[i].n * fmin(1, (clock_at(clock, now) - begin) / fmax(1e-9, end - begin));
    }
    return (uint64_t)n;
}

/* Where the last turns of all end is luck: so near the end what was told is held to a share of the run, before that to a factor. */
enum { TAIL = 80 };                       /* percent of the run */

/* The worst factor by which the rest was told too long or too short from the share 'from' of the run on. 'missed' gets by how much of the
 * run it was wrong in the tail. */
static double worst_factor(const struct replay *r, double from, double *at, double *missed)
{
    struct forecast *f = forecast_create(r->n_who, r->turns, 1024, 300);
    double worst = 1, *clock = step_clock(r);
    int next = 0;
    *at = *missed = 0;
    for (double now = 0; now < r->end; now += 1.0 / TICKS_A_SECOND) {
        forecast_made(f, made_by(r, clock, now), now);
        for (int i = 0; i < r->n; i++)
            if (r->turn[i].turn == 1 && r->turn[i].begin <= now)
                forecast_begin(f, r->turn[i].who);
        for (; next < r->n && r->turn[next].end <= now; next++)
            forecast_turn(f, r->turn[next].who, r->turn[next].n, r->turn[next].failed);
        double said = forecast_left(f, now), left = r->end - now;
        if (getenv("SHOW_FORECAST") && fmod(now, 10) == 0)
            printf("# %5.0f s: %6.1f s left, said %6.1f\n", now, left, said);
        double factor = fmax(said / left, left / said);
        if (now >= from * r->end && now <= TAIL / 100.0 * r->end && !(factor <= worst))
            worst = factor, *at = now;
        if (now > TAIL / 100.0 * r->end)
            *missed = fmax(*missed, fabs(said - left) / r->end);
    }
    forecast_destroy(f);
    free(clock);
    return worst;
}

/* ---- runs: lengths of turns, and a law of steps ---- */

struct law { double fixed, each; };          /* seconds of a step, and of each turn in it */

struct lengths { int *n; int conversations; };           /* n[2 * conversation + turn - 1] */

/* What a run came to: tests/golden/make_lengths.py. */
static struct lengths read_lengths(const char *path)
{
    struct lengths l = { 0 };
    struct buf b = { 0 };
    int first, second;
    if (io_read(path, &b, NULL) < 0)
        return l;
    for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n"))
        if (sscanf(line, "%d %d", &first, &second) == 2) {
            l.n = xrealloc(l.n, 2 * ((size_t)l.conversations + 1), sizeof *l.n);
            l.n[2 * l.conversations] = first;
            l.n[2 * l.conversations++ + 1] = second;
        }
    buf_free(&b);
    return l;
}

/* Turns that end at any token with the same chance. */
static struct lengths made_up(int conversations, int mean, int most)
{
    struct lengths l = { xcalloc(2 * (size_t)conversations, sizeof *l.n), conversations };
    uint32_t dice = 7;
    for (int i = 0; i < 2 * conversations; i++) {
        dice = dice * 1664525u + 1013904223u;
        l.n[i] = (int)fmin(most, 1 - mean * log((dice >> 8) / 16777216.0 + 1e-9));
    }
    return l;
}

/* At most 'slots' at a time; every third of 20 s the machine is busy with other things, and steps take 15 % longer. */
static struct replay play(const struct lengths *l, int slots, const struct law *law)
{
    struct replay r = { .n_who = l->conversations, .flat = law->fixed / law->each };
    size_t n = (size_t)l->conversations;
    int *left = xcalloc(n, sizeof *left), *turn = xcalloc(n, sizeof *turn), next = 0, live = 0;
    double *begin = xcalloc(n, sizeof *begin), now = 0;
    r.turn = xcalloc(2 * n, sizeof *r.turn);
    r.turns = xcalloc(n, sizeof *r.turns);
    for (size_t i = 0; i < n; i++)
        r.turns[i] = 2;
    do {
        for (int i = 0; i < next; i++) {
            if (turn[i] == 0 || --left[i] > 0)
                continue;
            r.turn[r.n++] = (struct turn){ i, turn[i], begin[i], now, l->n[2 * i + turn[i] - 1], 0 };
            turn[i] = turn[i] == 1 ? 2 : 0;
            live -= turn[i] == 0;
            begin[i] = now;
            left[i] = turn[i] ? l->n[2 * i + 1] : 0;
        }
        for (; live < slots && next < l->conversations; next++, live++)
            turn[next] = 1, begin[next] = now, left[next] = l->n[2 * next];
        now += (law->fixed + law->each * live) * (fmod(now, 60) < 20 ? 1.15 : 1);
    } while (live > 0);
    r.end = now;
    free(left);
    free(turn);
    free(begin);
    return r;
}

static void hold(const struct replay *r, const char *what)
{
    double at, missed, worst = worst_factor(r, 0.2, &at, &missed);
    ok(r->n > 0 && worst < 1.5, "%s: from a fifth on, the time left is told within a factor %.2f (%.0f s of %.0f)", what, worst, at,
       r->end);
    worst = worst_factor(r, 0.5, &at, &missed);
    ok(r->n > 0 && worst < 1.3, "%s: from half on, within a factor %.2f (%.0f s of %.0f)", what, worst, at, r->end);
    ok(missed < 0.1, "%s: near its end, wrong by %.0f %% of the run", what, 100 * missed);
}

static void test_run(struct lengths l, const char *what, int slots, struct law law)
{
    char name[120];
    struct replay r = play(&l, slots, &law);
    snprintf(name, sizeof name, "%d conversations of %s, %d at a time, steps of %.0f ms and %.1f ms a turn", l.conversations, what, slots,
             1e3 * law.fixed, 1e3 * law.each);
    hold(&r, name);
    free(r.turn);
    free(r.turns);
    free(l.n);
}

static void test_edges(void)
{
    int turns[3] = { 2, 0, 1 };
    struct forecast *f = forecast_create(3, turns, 100, 50);
    ok(isnan(forecast_left(f, 0)), "nothing is said before anything is made");
    forecast_begin(f, 0);
    forecast_begin(f, 2);
    forecast_made(f, 0, -30);
    forecast_made(f, 2, 0);
    ok(isnan(forecast_left(f, 0)), "nor of the half minute in which prompts were read");
    forecast_made(f, 20, 11);
    forecast_made(f, 40, 12);
    double left = forecast_left(f, 12);
    ok(left > 1 && left < 100, "10 tokens of two turns in a second: %.1f s left", left);
    forecast_made(f, 60, 13);
    forecast_turn(f, 2, 30, 1);
    forecast_turn(f, 2, 30, 0);
    forecast_turn(f, 0, 30, 0);
    ok(forecast_left(f, 13) > 0, "a turn is still to come");
    forecast_turn(f, 0, 1, 0);
    ok(forecast_left(f, 14) == 0, "all is over");
    forecast_destroy(f);
    f = forecast_create(0, turns, 0, 0);
    ok(forecast_left(f, 1) == 0, "no conversation, nothing left");
    forecast_destroy(f);
}

static void test_calls(void)
{
    struct call_pace p = { 0 };
    ok(forecast_calls(&p, 0, 8) == 0 && isnan(forecast_calls(&p, 100, 8)), "calls: nothing said before one is back");
    for (int i = 0; i < 7; i++)
        forecast_call(&p, 3);
    ok(isnan(forecast_calls(&p, 93, 8)), "nor before the first wave is");
    forecast_call(&p, 3);
    ok(forecast_calls(&p, 92, 8) == 33, "92 left, 8 of them half way, 3 s each, 8 at a time: 33 s");
    ok(forecast_calls(&p, 1, 8) == 1.5, "the last one is half way");
    ok(isnan(forecast_calls(&p, 5, 0)), "nobody asks");
    struct call_work w = { .calls = 10, .bytes = 40000, .max_reply = 200 };
    ok(isnan(forecast_work(&w)), "work: nothing said before a token is made");
    w.made = 5500, w.seconds = 55;
    ok(fabs(forecast_work(&w) - 55) < 1e-9, "half of the tokens that are likely in 55 s: 55 s more");
    w.back = 9, w.bytes_back = 36000, w.prompt_back = 18000, w.reply_back = 900, w.made = 18900, w.seconds = 189;
    ok(forecast_work(&w) > 5 && forecast_work(&w) < 40, "longer prompts than thought, one of ten left: %.0f s", forecast_work(&w));
    w.back = 10;
    ok(forecast_work(&w) == 0, "all back");
}

int main(void)
{
    static const char demo[] = "tests/golden/lengths.txt";
    static const struct law small = { 0.020, 0.0023 };   /* the demo model on two cores */
    test_run(read_lengths(demo), "the demo model", 80, small);
    test_run(read_lengths(demo), "the demo model", 16, small);
    test_run(made_up(300, 100, 300), "100 tokens a turn or so", 40, small);
    test_run(made_up(80, 3000, 1024), "1024 tokens, mostly", 80, small);
    test_edges();
    test_calls();
    return done_testing();
}
