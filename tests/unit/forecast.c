/* forecast.c - time left: runs are played or replayed step by step, and what was said is held against what came. */
#include "mtbench/forecast.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers: a run as it went ---- */

struct step { double at, seconds; long steps, rows, tokens; uint64_t made; };    /* of one engine; 'made' by all */

struct turn { int who, turn; double begin, end; long n; };

struct run {
    struct step *step;
    struct turn *turn;                       /* by their end */
    int n_steps, n_turns, n_who, n_engines, max_tokens;
    double end;
};

static void run_free(struct run *r)
{
    free(r->step);
    free(r->turn);
}

/* Where the last turns of all end is luck: so near the end what was told is held to a share of the run, before that to a factor. */
enum { TAIL = 80 };                       /* percent of the run */

struct errors { double fifth, half, tail, at_fifth, at_half; };

static void judge(struct errors *e, const struct run *r, double now, double said)
{
    double left = r->end - now, factor = fmax(said / left, left / said), share = now / r->end;
    if (getenv("SHOW_FORECAST"))
        printf("# %5.0f s: %6.1f s left, said %6.1f\n", now, left, said);
    if (share >= 0.2 && share <= TAIL / 100.0 && !(factor <= e->fifth))
        e->fifth = factor, e->at_fifth = now;
    if (share >= 0.5 && share <= TAIL / 100.0 && !(factor <= e->half))
        e->half = factor, e->at_half = now;
    if (share > TAIL / 100.0 && !(fabs(said - left) / r->end <= e->tail))
        e->tail = fabs(said - left) / r->end;
}

/* Everything is told in the order in which rank 0 hears of it: what was made, who began, which turns ended. */
static struct errors replay(const struct run *r)
{
    int *turns = xcalloc((size_t)r->n_who, sizeof *turns), next = 0;
    struct errors e = { .fifth = 1, .half = 1 };
    double asked = 0;
    for (int i = 0; i < r->n_turns; i++)
        turns[r->turn[i].who] = 2;
    struct forecast *f = forecast_create(r->n_who, turns, r->max_tokens, 300, r->n_engines);
    for (int k = 0; k < r->n_steps; k++) {
        const struct step *s = &r->step[k];
        forecast_steps(f, s->seconds, s->steps, s->rows, s->tokens);
        forecast_made(f, s->made);
        for (int i = 0; i < r->n_turns; i++)
            if (r->turn[i].turn == 1 && r->turn[i].begin <= s->at)
                forecast_begin(f, r->turn[i].who);
        for (; next < r->n_turns && r->turn[next].end <= s->at; next++)
            forecast_turn(f, r->turn[next].who, r->turn[next].n, 0);
        if (s->at >= asked + 1 && s->at < r->end)
            judge(&e, r, asked = s->at, forecast_left(f, s->at));
    }
    forecast_destroy(f);
    free(turns);
    return e;
}

static void hold(const struct run *r, const char *what)
{
    struct errors e = replay(r);
    ok(r->n_turns > 0 && e.fifth < 1.5, "%s: from a fifth on, the time left is told within a factor %.2f (%.0f s of %.0f)", what, e.fifth,
       e.at_fifth, r->end);
    ok(r->n_turns > 0 && e.half < 1.3, "%s: from half on, within a factor %.2f (%.0f s of %.0f)", what, e.half, e.at_half, r->end);
    ok(e.tail < 0.1, "%s: near its end, wrong by %.0f %% of the run", what, 100 * e.tail);
}

/* ---- runs as they went: tests/golden/make_times.py ---- */

/* Cumulative lines become the work between them. */
static struct run read_run(const char *path)
{
    struct run r = { .n_engines = 1 };
    struct buf b = { 0 };
    struct step last = { 0 };
    if (io_read(path, &b, NULL) < 0)
        return r;
    r.step = xcalloc(b.len / 8 + 1, sizeof *r.step);
    r.turn = xcalloc(b.len / 8 + 1, sizeof *r.turn);
    for (char *line = strtok(b.data, "\n"); line; line = strtok(NULL, "\n")) {
        struct step s = { 0 };
        struct turn t = { 0 };
        unsigned long made;
        if (sscanf(line, "run %d %d", &r.n_engines, &r.max_tokens) == 2)
            continue;
        if (sscanf(line, "work %lf %ld %ld %ld %lu", &s.at, &s.steps, &s.rows, &s.tokens, &made) == 5) {
            r.step[r.n_steps++] =
                (struct step){ s.at, s.at - last.at, s.steps - last.steps, s.rows - last.rows, s.tokens - last.tokens, made };
            last = s;
        } else if (sscanf(line, "turn %d %d %lf %lf %ld", &t.who, &t.turn, &t.begin, &t.end, &t.n) == 5) {
            r.turn[r.n_turns++] = t;
            r.n_who = t.who >= r.n_who ? t.who + 1 : r.n_who;
            r.end = fmax(r.end, t.end);
        }
    }
    buf_free(&b);
    return r;
}

/* ---- runs by a law: lengths of turns, and what a step costs ---- */

struct law { double fixed, each; };          /* seconds of a step, and of each row in it */

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

enum { PROMPT = 110, MOST_ROWS = 512 };      /* a turn's tokens to read; rows that a step has room for */

static void add_step(struct run *r, double at, double seconds, long rows, long tokens)
{
    if ((r->n_steps & (r->n_steps - 1)) == 0)
        r->step = xrealloc(r->step, r->n_steps ? 2 * (size_t)r->n_steps : 1, sizeof *r->step);
    uint64_t made = r->n_steps ? r->step[r->n_steps - 1].made : 0;
    r->step[r->n_steps++] = (struct step){ at, seconds, 1, rows, tokens, made + (uint64_t)tokens };
}

/* At most 'slots' at a time; every third of 20 s the machine is busy with other things, and steps take 15 % longer. A turn's prompt is read
 * before its first token, in the order of beginning. */
static struct run play(const struct lengths *l, int slots, const struct law *law)
{
    struct run r = { .n_who = l->conversations, .n_engines = 1, .max_tokens = 1024 };
    size_t n = (size_t)l->conversations;
    int *left = xcalloc(n, sizeof *left), *unread = xcalloc(n, sizeof *unread), *turn = xcalloc(n, sizeof *turn), next = 0, live = 0;
    double *begin = xcalloc(n, sizeof *begin), now = 0;
    r.turn = xcalloc(2 * n, sizeof *r.turn);
    do {
        for (; live < slots && next < l->conversations; next++, live++)
            turn[next] = 1, begin[next] = now, left[next] = l->n[2 * next], unread[next] = PROMPT;
        long rows = 0, tokens = 0;
        for (int i = 0; i < next; i++)
            tokens += turn[i] && !unread[i];
        for (int i = 0; i < next; i++) {
            int read = unread[i] < MOST_ROWS - tokens - rows ? unread[i] : (int)(MOST_ROWS - tokens - rows);
            rows += read;
            left[i] -= turn[i] && !unread[i];
            unread[i] -= read;
        }
        double seconds = (law->fixed + law->each * (double)(rows + tokens)) * (fmod(now, 60) < 20 ? 1.15 : 1);
        add_step(&r, now += seconds, seconds, rows + tokens, tokens);
        for (int i = 0; i < next; i++) {
            if (turn[i] == 0 || left[i] > 0)
                continue;
            r.turn[r.n_turns++] = (struct turn){ i, turn[i], begin[i], now, l->n[2 * i + turn[i] - 1] };
            turn[i] = turn[i] == 1 ? 2 : 0;
            live -= turn[i] == 0;
            begin[i] = now;
            left[i] = turn[i] ? l->n[2 * i + 1] : 0;
            unread[i] = turn[i] ? PROMPT : 0;
        }
    } while (live > 0 || next < l->conversations);
    r.end = now;
    free(left);
    free(unread);
    free(turn);
    free(begin);
    return r;
}

static void test_law(const struct lengths *l, const char *what, int slots, struct law law)
{
    char name[120];
    struct run r = play(l, slots, &law);
    snprintf(name, sizeof name, "%d conversations of %s, %d at a time, steps of %.0f ms and %.1f ms a row", l->conversations, what, slots,
             1e3 * law.fixed, 1e3 * law.each);
    hold(&r, name);
    run_free(&r);
}

static void test_edges(void)
{
    int turns[3] = { 2, 0, 1 };
    struct forecast *f = forecast_create(3, turns, 100, 50, 1);
    ok(isnan(forecast_left(f, 0)), "nothing is said before anything is made");
    forecast_begin(f, 0);
    forecast_begin(f, 2);
    forecast_steps(f, 30, 3, 1500, 0);
    forecast_steps(f, 0, 0, 0, 0);
    ok(isnan(forecast_left(f, 30)), "nor of the half minute in which prompts were read");
    forecast_steps(f, 1, 10, 20, 20);
    forecast_made(f, 20);
    double left = forecast_left(f, 31);
    ok(left > 1 && left < 100, "20 tokens of two turns in a second: %.1f s left", left);
    forecast_turn(f, 2, 30, 1);
    forecast_turn(f, 2, 30, 0);
    forecast_turn(f, 0, 30, 0);
    ok(forecast_left(f, 33) > 0, "a turn is still to come");
    forecast_turn(f, 0, 1, 0);
    ok(forecast_left(f, 34) == 0, "all is over");
    forecast_destroy(f);
    f = forecast_create(0, turns, 0, 0, 0);
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
    struct call_work w = { .calls = 10, .prompts = 10000, .max_reply = 200 };
    ok(isnan(forecast_work(&w)), "work: nothing said before a token is made");
    w.made = 5500, w.seconds = 55;
    ok(fabs(forecast_work(&w) - 55) < 1e-9, "half of the tokens that are likely in 55 s: 55 s more");
    w.back = 9, w.reply_back = 3600, w.made = 13500, w.seconds = 135;
    ok(forecast_work(&w) > 1 && forecast_work(&w) < 10, "longer replies than thought, one of ten left: %.0f s", forecast_work(&w));
    w.back = 10;
    ok(forecast_work(&w) == 0, "all back");
}

/* ---- a local judge's calls, as they went ---- */

static void test_judge(const char *path)
{
    struct buf b = { 0 };
    struct call_work w[4000];
    int n = 0;
    double fifth = 1, half = 1;
    if (io_read(path, &b, NULL) == 0)
        for (char *line = strtok(b.data, "\n"); line && n < 4000; line = strtok(NULL, "\n"), n++)
            if (sscanf(line, "%lf %ld %ld %lf %lf %lf %lf", &w[n].seconds, &w[n].back, &w[n].calls, &w[n].prompts, &w[n].reply_back,
                       &w[n].max_reply, &w[n].made) != 7)
                n--;
    double end = n ? w[n - 1].seconds : 0;
    for (int i = 0; i < n; i++) {
        double left = end - w[i].seconds, said = forecast_work(&w[i]), share = w[i].seconds / end, factor = fmax(said / left, left / said);
        if (getenv("SHOW_FORECAST"))
            printf("# %5.0f s: %6.1f s left, said %6.1f\n", w[i].seconds, left, said);
        if (share >= 0.2 && share <= TAIL / 100.0 && !(factor <= fifth))
            fifth = factor;
        if (share >= 0.5 && share <= TAIL / 100.0 && !(factor <= half))
            half = factor;
    }
    ok(n > 20 && fifth < 1.5 && half < 1.3, "a judge's %ld calls: within a factor %.2f from a fifth on, %.2f from half on (%.0f s)",
       n ? w[n - 1].calls : 0, fifth, half, end);
    buf_free(&b);
}

static void test_recorded(const char *path)
{
    char name[120];
    struct run r = read_run(path);
    snprintf(name, sizeof name, "%s, %d turns on %d ranks", path, r.n_turns, r.n_engines);
    hold(&r, name);
    run_free(&r);
}

int main(void)
{
    static const char lengths[] = "tests/golden/lengths.txt";
    /* The demo model on two cores; a step that costs what 80 rows do; one that costs the same for any; one that costs nothing. */
    static const struct law laws[] = { { 0.020, 0.0023 }, { 0.160, 0.002 }, { 0.025, 0.0001 }, { 0.001, 0.005 } };
    struct lengths demo = read_lengths(lengths), short_ones = made_up(300, 100, 300), long_ones = made_up(80, 3000, 1024);
    test_recorded("tests/golden/times_answers.txt");
    test_judge("tests/golden/times_judge.txt");
    for (size_t i = 0; i < sizeof laws / sizeof *laws; i++) {
        test_law(&demo, "the demo model", 80, laws[i]);
        test_law(&demo, "the demo model", 40, laws[i]);
        test_law(&short_ones, "100 tokens a turn or so", 40, laws[i]);
        test_law(&long_ones, "1024 tokens, mostly", 80, laws[i]);
    }
    test_law(&demo, "the demo model", 16, laws[0]);
    free(demo.n);
    free(short_ones.n);
    free(long_ones.n);
    test_edges();
    test_calls();
    return done_testing();
}
