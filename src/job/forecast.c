/* forecast.c - how long the rest will take.
 * What makes guesses of this kind wrong: the first turns to end are the short ones, and steps get faster as fewer turns share them. So an
 * open turn counts as one that is longer than it is (censored), and a step's time is a function of how many share it. */
#include "mtbench/forecast.h"

#include "mtbench/mem.h"
#include "mtbench/rng.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BINS = 256, MOST_PLAYS = 16, DRAWS = 4096, WARM = 8 };
static const double prior_turns = 2;      /* weight of the expected length, in turns under observation */
static const double tail = 0.6;          /* turns that outlast all that were seen end less often: what runs on, runs on */
static const double fixed_share = 20;     /* before steps of different width were seen: a step costs as much as that many of its rows */
static const double memory = 0.4;         /* of the run so far: what a step took before that counts little */

enum state { WAITING, OPEN, OVER };

struct conversation {
    enum state state;
    int turns;                            /* to go, the open one included */
    double begun;                         /* f->steps when its open turn began */
};

/* Seconds = fixed * steps + each * turns in them, by least squares over samples of a second or more. */
struct step_time { double ss, sw, ww, ts, tw, weight; };

struct forecast {
    int n, n_open, n_waiting, next;       /* next: no conversation before it waits */
    struct conversation *conversation;    /* (n) */
    int max_tokens, width, n_bins;        /* lengths are counted in bins of 'width' tokens */
    double expected;
    long *ended;                          /* (n_bins) turns that ended in this bin */
    double *alive;                        /* (n_bins + 1) survival curve: share of turns that are longer than the bins before */
    double steps; /* tokens that each open turn has had since the start, on average: the age of turns is told by it */
    uint64_t tokens;
    double at;                            /* time of 'tokens' */
    struct { double seconds, steps, rows; } sample;
    struct step_time time;
    double started, asked, answer;
};

struct forecast *forecast_create(int n, const int *turns, int max_tokens, double expected)
{
    struct forecast *f = xcalloc(1, sizeof *f);
    f->n = n;
    f->max_tokens = max_tokens > 0 ? max_tokens : 1;
    f->width = (f->max_tokens + MOST_BINS - 1) / MOST_BINS;
    f->n_bins = (f->max_tokens + f->width - 1) / f->width;
    f->expected = expected > 1 ? expected : 1;
    f->conversation = xcalloc((size_t)n + 1, sizeof *f->conversation);
    f->ended = xcalloc((size_t)f->n_bins, sizeof *f->ended);
    f->alive = xcalloc((size_t)f->n_bins + 1, sizeof *f->alive);
    f->at = f->started = f->asked = NAN;
    for (int i = 0; i < n; i++) {
        f->conversation[i] = (struct conversation){ turns[i] > 0 ? WAITING : OVER, turns[i], 0 };
        f->n_waiting += turns[i] > 0;
    }
    return f;
}

void forecast_destroy(struct forecast *f)
{
    if (!f)
        return;
    free(f->conversation);
    free(f->ended);
    free(f->alive);
    free(f);
}

/* ---- what happened ---- */

void forecast_begin(struct forecast *f, int i)
{
    struct conversation *c = &f->conversation[i];
    if (c->state != WAITING)
        return;
    *c = (struct conversation){ OPEN, c->turns, f->steps };
    f->n_waiting--;
    f->n_open++;
}

static int bin_of(const struct forecast *f, double tokens)
{
    int bin = tokens > 0 ? (int)(tokens / f->width) : 0;
    return bin < f->n_bins ? bin : f->n_bins - 1;
}

void forecast_turn(struct forecast *f, int i, long n, int failed)
{
    struct conversation *c = &f->conversation[i];
    forecast_begin(f, i);
    if (c->state != OPEN)
        return;
    if (!failed)
        f->ended[bin_of(f, (double)n)]++;
    c->begun = f->steps;
    if (!failed && --c->turns > 0)
        return;
    c->state = OVER;
    f->n_open--;
}

/* A sample is fit by the inverse of its time, so that many short ones weigh as one long one. */
static void learn(struct step_time *t, double seconds, double steps, double rows, double keep)
{
    *t = (struct step_time){ t->ss * keep, t->sw * keep, t->ww * keep, t->ts * keep, t->tw * keep, t->weight * keep };
    t->ss += steps * steps / seconds;
    t->sw += steps * rows / seconds;
    t->ww += rows * rows / seconds;
    t->ts += steps;
    t->tw += rows;
    t->weight += seconds;
}

void forecast_made(struct forecast *f, uint64_t tokens, double now)
{
    if (isnan(f->at))
        f->started = f->at = now;
    double rows = tokens > f->tokens ? (double)(tokens - f->tokens) : 0, steps = f->n_open ? rows / f->n_open : 0;
    f->sample.seconds += now - f->at;
    f->sample.steps += steps;
    f->sample.rows += rows;
    f->steps += steps;
    f->tokens = tokens > f->tokens ? tokens : f->tokens;
    f->at = now;
    if (f->steps < WARM) /* the first steps read prompts, and take as long as hundreds of the others */
        f->sample.seconds = f->sample.steps = f->sample.rows = 0;
    if (f->sample.seconds < 1 || f->sample.rows <= 0)
        return;
    learn(&f->time, f->sample.seconds, f->sample.steps, f->sample.rows, exp(-f->sample.seconds / (memory * (now - f->started) + 10)));
    f->sample.seconds = f->sample.steps = f->sample.rows = 0;
}

/* ---- what it says ---- */

/* Kaplan and Meier: of those that reached a bin, the share that did not end in it. Open turns are under observation up to their age. */
static void survival(struct forecast *f)
{
    long *left = xcalloc((size_t)f->n_bins, sizeof *left), risk = 0, ended = 0;
    double watched = 0;                   /* bins that turns have come through */
    for (int i = 0; i < f->n; i++)
        if (f->conversation[i].state == OPEN)
            left[bin_of(f, f->steps - f->conversation[i].begun)]++;
    for (int b = 0; b < f->n_bins; b++) {
        risk += left[b] + f->ended[b];
        ended += b + 1 < f->n_bins ? f->ended[b] : 0;        /* those in the last bin ran into the limit */
        watched += (b + 0.5) * (double)(left[b] + f->ended[b]);
    }
    /* Where few or none have been. */
    const double usual = fmin(1, tail * ((double)ended + prior_turns) / (watched + prior_turns * f->expected / f->width));
    f->alive[0] = 1;
    for (int b = 0; b < f->n_bins; b++) {
        risk -= left[b];                  /* seen in part of the bin only */
        double ends = ((double)f->ended[b] + prior_turns * usual) / ((double)risk + prior_turns);
        f->alive[b + 1] = b + 1 < f->n_bins ? f->alive[b] * (1 - fmin(1, ends)) : 0;
        risk -= f->ended[b];
    }
    free(left);
}

/* The least squares of the samples and of a first guess, which says how fixed and each go together. */
static void step_time(const struct forecast *f, double *fixed, double *each)
{
    const struct step_time *t = &f->time;
    const double guess = 0.005 * t->ww;    /* of (fixed - fixed_share * each) */
    double ss = t->ss + guess / (fixed_share * fixed_share), sw = t->sw - guess / fixed_share, ww = t->ww + guess, det = ss * ww - sw * sw;
    *fixed = det > 0 ? (t->ts * ww - t->tw * sw) / det : 0;
    *each = det > 0 ? (t->tw * ss - t->ts * sw) / det : 0;
    if (*fixed < 0) {
        *fixed = 0;
        *each = t->tw / t->ww;
    } else if (*each < 0) {
        *fixed = t->ts / t->ss;
        *each = 0;
    }
}

struct dice { uint32_t key[2], counter[4], word[4]; int used; };

static double roll(struct dice *d)
{
    if (d->used == 0)
        philox4x32(d->key, d->counter, d->word), d->counter[0]++;
    double u = (double)uniform24(d->word[d->used]);
    d->used = (d->used + 1) % 4;
    return u;
}

/* In how many bins from here a turn ends that has come to 'bin'. At least 1. */
static int draw(const struct forecast *f, int bin, double u)
{
    double until = f->alive[bin] * (1 - u);
    int low = bin + 1, high = f->n_bins;  /* the first whose share is not above 'until' */
    while (low < high) {
        int middle = (low + high) / 2;
        if (f->alive[middle] > until)
            low = middle + 1;
        else
            high = middle;
    }
    return low - bin;
}

/* The rest of conversation i, in bins. */
static int draw_rest(const struct forecast *f, int i, struct dice *d)
{
    const struct conversation *c = &f->conversation[i];
    int n = draw(f, c->state == OPEN ? bin_of(f, f->steps - c->begun) : 0, roll(d));
    for (int t = 1; t < c->turns; t++)
        n += draw(f, 0, roll(d));
    return n;
}

/* One way it may go: whoever ends makes room for the next that waits. */
static double play(const struct forecast *f, long *ring, int n_ring, double fixed, double each, struct dice *d)
{
    int live = 0, next = f->next;
    double seconds = 0;
    for (int i = 0; i < f->n; i++)
        if (f->conversation[i].state == OPEN)
            ring[draw_rest(f, i, d) % n_ring]++, live++;
    if (live == 0)
        live = 1, ring[1 % n_ring]++;     /* nobody has begun: one after the other is the worst that can be said */
    for (long bin = 1; live > 0; bin++) {
        seconds += f->width * (fixed + each * live);
        long ends = ring[bin % n_ring];
        ring[bin % n_ring] = 0;
        for (; ends > 0; ends--) {
            while (next < f->n && f->conversation[next].state != WAITING)
                next++;
            if (next < f->n)
                ring[(bin + draw_rest(f, next++, d)) % n_ring]++;
            else
                live--;
        }
    }
    return seconds;
}

static double play_some(struct forecast *f)
{
    int n = f->n_open + f->n_waiting, most = 1;
    double fixed, each, sum = 0;
    struct dice dice = { .key = { 1, 2 } };
    survival(f);
    step_time(f, &fixed, &each);
    while (f->next < f->n && f->conversation[f->next].state != WAITING)
        f->next++;
    for (int i = 0; i < f->n; i++)
        if (f->conversation[i].state != OVER && f->conversation[i].turns > most)
            most = f->conversation[i].turns;
    int n_ring = most * f->n_bins + 1, plays = DRAWS / n < 1 ? 1 : DRAWS / n < MOST_PLAYS ? DRAWS / n : MOST_PLAYS;
    long *ring = xcalloc((size_t)n_ring, sizeof *ring);
    for (int i = 0; i < plays; i++)
        sum += play(f, ring, n_ring, fixed, each, &dice);
    free(ring);
    return sum / plays;
}

double forecast_left(struct forecast *f, double now)
{
    if (f->n_open + f->n_waiting == 0)
        return 0;
    if (f->time.weight <= 0)
        return NAN;
    if (isnan(f->asked) || now - f->asked >= 1) {
        f->answer = play_some(f);
        f->asked = now;
    }
    return fmax(0, f->answer - (now - f->asked));
}

/* ---- calls and work ---- */

void forecast_call(struct call_pace *p, double seconds)
{
    p->back++;
    p->latency += seconds;
}

double forecast_calls(const struct call_pace *p, long left, int parallel)
{
    if (left <= 0)
        return 0;
    if (parallel < 1 || p->back < parallel)
        return NAN;
    double flying = left < parallel ? (double)left : parallel;   /* half way, on average */
    return p->latency / (double)p->back * fmax(0.5, ((double)left - flying / 2) / parallel);
}

double forecast_work(const struct call_work *w)
{
    const double doubt = 2; /* calls: a prompt has a token for 4 bytes, a reply half of what it may have, until some are back */
    if (w->back >= w->calls)
        return 0;
    if (!(w->made > 0 && w->seconds > 0))
        return NAN;
    double usual = w->bytes / (double)w->calls * doubt;
    double per_byte = (w->prompt_back + usual / 4) / (w->bytes_back + usual);
    double reply = (w->reply_back + doubt * w->max_reply / 2) / ((double)w->back + doubt);
    double all = w->bytes * per_byte + (double)w->calls * reply, open = (double)(w->calls - w->back) / (double)w->calls;
    double left = fmax(all - w->made, 0.3 * open * all);   /* what was read for one call may serve another, so less than 'all' is made */
    return left * w->seconds / w->made;
}
