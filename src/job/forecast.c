/* forecast.c - how long the rest will take.
 * What makes guesses of this kind wrong: the first turns to end are the short ones, and steps get faster as fewer turns share them, and
 * slower as those grow. So an open turn counts as one that is longer than it is (censored), and a step's time is a function of its rows and
 * of what they look back at; steps that read prompts tell what a row costs long before the turns become few. */
#include "mtbench/forecast.h"

#include "mtbench/mem.h"
#include "mtbench/rng.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BINS = 256, MOST_PLAYS = 16, DRAWS = 4096, WARM = 8 };
static const double prior_turns = 8;      /* weight of the expected length, in turns under observation */
static const double prior_kind = 8;       /* weight of what is known of all turns in what is known of one kind, likewise */
static const double tail = 0.6;           /* turns that outlast all that were seen end less often: what runs on, runs on */
static const double usual_share = 20;     /* before steps of different width were seen: a step costs as much as that many of its rows */
static const double guess_weight = 0.004; /* how much that counts: widths that vary by the root of this, 6 %, count as much */
static const double context_doubt = 0.1;  /* how much speaks for rows that cost the same however far they look back */
static const double memory = 0.4;         /* of the run so far: what the machine was like before that counts little */

enum state { WAITING, OPEN, OVER };
/* A model that ran into the limit, in a loop mostly, will do so again. First turns count as those after one that ended by itself. */
enum kind { AFTER_END, AFTER_CUT, KINDS };

struct conversation {
    enum state state;
    int turns;                            /* to go, the open one included */
    enum kind kind;                       /* of the open turn, or the first one to open */
    double begun;                         /* f->steps when its open turn began */
    double context;                       /* tokens of its turns before */
};

/* How long turns of a kind are. */
struct curve {
    long *ended;                          /* (n_bins) turns that ended in this bin */
    double *alive;                        /* (n_bins + 1) survival: share of turns that are longer than the bins before */
};

/* What steps cost: each one, each row in it, each token of context that a row looks back at. */
enum { STEP, ROW, CONTEXT, COSTS };

/* Sums over steps for the least squares of seconds = sum of cost * count, of relative errors, so that a step that stalls says little. */
struct shape { double xx[COSTS][COSTS], xy[COSTS]; };

/* Sums over the steps of late. */
struct pace { double seconds, count[COSTS]; };

struct forecast {
    int n, n_open, n_waiting, next;       /* next: no conversation before it waits */
    struct conversation *conversation;    /* (n) */
    int max_tokens, width, n_bins;        /* lengths are counted in bins of 'width' tokens */
    double expected;
    struct curve curve[KINDS];
    double steps; /* tokens that each open turn has had since the start, on average: the age of turns is told by it */
    double base;                          /* over open turns: context before them, less f->steps when they began */
    uint64_t tokens;
    int n_engines;
    struct shape shape;
    struct pace pace;
    double seconds, prompt_rows;          /* of all steps of this rank's engine */
    long counted;                         /* of them those that made tokens */
    long begun;                           /* turns, on all engines */
    double asked, answer;
};

struct forecast *forecast_create(int n, const int *turns, int max_tokens, double expected, int n_engines)
{
    struct forecast *f = xcalloc(1, sizeof *f);
    f->n = n;
    f->max_tokens = max_tokens > 0 ? max_tokens : 1;
    f->width = (f->max_tokens + MOST_BINS - 1) / MOST_BINS;
    f->n_bins = (f->max_tokens + f->width - 1) / f->width;
    f->expected = expected > 1 ? expected : 1;
    f->conversation = xcalloc((size_t)n + 1, sizeof *f->conversation);
    for (int k = 0; k < KINDS; k++) {
        f->curve[k].ended = xcalloc((size_t)f->n_bins, sizeof *f->curve[k].ended);
        f->curve[k].alive = xcalloc((size_t)f->n_bins + 1, sizeof *f->curve[k].alive);
    }
    f->asked = NAN;
    f->n_engines = n_engines > 0 ? n_engines : 1;
    for (int i = 0; i < n; i++) {
        f->conversation[i] = (struct conversation){ turns[i] > 0 ? WAITING : OVER, turns[i], AFTER_END, 0, 0 };
        f->n_waiting += turns[i] > 0;
    }
    return f;
}

void forecast_destroy(struct forecast *f)
{
    if (!f)
        return;
    free(f->conversation);
    for (int k = 0; k < KINDS; k++) {
        free(f->curve[k].ended);
        free(f->curve[k].alive);
    }
    free(f);
}

/* ---- what happened ---- */

void forecast_begin(struct forecast *f, int i)
{
    struct conversation *c = &f->conversation[i];
    if (c->state != WAITING)
        return;
    *c = (struct conversation){ OPEN, c->turns, AFTER_END, f->steps, 0 };
    f->base -= f->steps;
    f->n_waiting--;
    f->n_open++;
    f->begun++;
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
        f->curve[c->kind].ended[bin_of(f, (double)n)]++;
    c->kind = bin_of(f, (double)n) + 1 < f->n_bins ? AFTER_END : AFTER_CUT;
    f->base -= c->context - c->begun;
    c->context += (double)n;
    c->begun = f->steps;
    if (!failed && --c->turns > 0) {
        f->base += c->context - c->begun;
        f->begun++;
        return;
    }
    c->state = OVER;
    f->n_open--;
}

void forecast_made(struct forecast *f, uint64_t tokens)
{
    if (tokens > f->tokens && f->n_open)
        f->steps += (double)(tokens - f->tokens) / f->n_open;
    f->tokens = tokens > f->tokens ? tokens : f->tokens;
}

/* Tokens that the rows of all open turns look back at, prompts apart. */
static double context(const struct forecast *f)
{
    return f->base + f->n_open * f->steps;
}

void forecast_steps(struct forecast *f, double seconds, long steps, long rows, long tokens)
{
    if (steps <= 0 || rows <= 0 || !(seconds > 0))
        return;
    const double n = (double)steps, keep = exp(-seconds / (memory * f->seconds + 10)), w = n * n * n / (seconds * seconds);
    const double count[COSTS] = { n, (double)rows, f->n_open ? (double)tokens * context(f) / f->n_open : 0 };
    for (int i = 0; i < COSTS; i++) {
        for (int j = 0; j < COSTS; j++)
            f->shape.xx[i][j] += w * count[i] / n * count[j] / n;
        f->shape.xy[i] += w * count[i] / n * seconds / n;
        f->pace.count[i] = f->pace.count[i] * keep + count[i];
    }
    f->pace.seconds = f->pace.seconds * keep + seconds;
    f->seconds += seconds;
    f->prompt_rows += rows > tokens ? (double)(rows - tokens) : 0;
    f->counted += tokens > 0 ? steps : 0;
}

/* ---- what it says ---- */

/* Turns of a kind that are under observation. */
struct watched {
    long *left;                           /* (n_bins) open ones that have come to this bin */
    double risk;                          /* that came to the bin at hand */
};

/* Those that are open in a bin were seen in half of it, on average. Without them, a cohort that began together would seem to die with the
 * first of it that ends. */
static double at_risk(const struct watched *w, int bin)
{
    return w->risk - 0.5 * (double)w->left[bin];
}

/* The share of turns that end in a bin where few or none have been: expected at first, then the usual one. */
static double usual_end(const struct forecast *f, const struct watched *w)
{
    double ended = prior_turns, seen = prior_turns * f->expected / f->width;     /* bins that turns have come through */
    for (int k = 0; k < KINDS; k++)
        for (int b = 0; b < f->n_bins; b++) {
            ended += b + 1 < f->n_bins ? (double)f->curve[k].ended[b] : 0;       /* those in the last bin ran into the limit */
            seen += (b + 0.5) * (double)(w[k].left[b] + f->curve[k].ended[b]);
        }
    return fmin(1, tail * ended / seen);
}

static void begin_watch(const struct forecast *f, struct watched *w)
{
    for (int k = 0; k < KINDS; k++)
        w[k] = (struct watched){ .left = xcalloc((size_t)f->n_bins, sizeof *w[k].left) };
    for (int i = 0; i < f->n; i++) {
        const struct conversation *c = &f->conversation[i];
        if (c->state == OPEN)
            w[c->kind].left[bin_of(f, f->steps - c->begun)]++;
    }
    for (int k = 0; k < KINDS; k++)
        for (int b = 0; b < f->n_bins; b++)
            w[k].risk += (double)(w[k].left[b] + f->curve[k].ended[b]);
}

/* Kaplan and Meier: of those that reached a bin, the share that did not end in it. Open turns are under observation up to their age. Each
 * kind leans on all turns as long as it has few of its own, and all lean on the usual. */
static void survival(struct forecast *f)
{
    struct watched w[KINDS];
    begin_watch(f, w);
    const double usual = usual_end(f, w);
    for (int b = 0; b < f->n_bins; b++) {
        double ended = prior_turns * usual, risk = prior_turns;
        for (int k = 0; k < KINDS; k++) {
            ended += (double)f->curve[k].ended[b];
            risk += at_risk(&w[k], b);
        }
        for (int k = 0; k < KINDS; k++) {
            struct curve *c = &f->curve[k];
            double ends = ((double)c->ended[b] + prior_kind * fmin(1, ended / risk)) / (at_risk(&w[k], b) + prior_kind);
            c->alive[0] = 1;
            c->alive[b + 1] = b + 1 < f->n_bins ? c->alive[b] * (1 - fmin(1, ends)) : 0;
            w[k].risk -= (double)(w[k].left[b] + c->ended[b]);
        }
    }
    for (int k = 0; k < KINDS; k++)
        free(w[k].left);
}

/* Solve for the costs that are 'on'; the others are 0. */
static void solve(const struct shape *s, const bool *on, double *cost)
{
    double m[COSTS][COSTS + 1];
    for (int i = 0; i < COSTS; i++) {
        for (int j = 0; j < COSTS; j++)
            m[i][j] = on[i] && on[j] ? s->xx[i][j] : i == j;
        m[i][COSTS] = on[i] ? s->xy[i] : 0;
    }
    for (int k = 0; k < COSTS; k++)          /* the sums are those of squares: no pivot is 0 where something was seen */
        for (int i = 0; i < COSTS; i++) {
            double share = i == k || m[k][k] == 0 ? 0 : m[i][k] / m[k][k];
            for (int j = k; j <= COSTS; j++)
                m[i][j] -= share * m[k][j];
        }
    for (int i = 0; i < COSTS; i++)
        cost[i] = m[i][i] != 0 ? m[i][COSTS] / m[i][i] : 0;
}

/* Costs in seconds: their ratios from all steps and a first guess at them, their size from the steps of late. */
static void costs(const struct forecast *f, double *cost)
{
    struct shape s = f->shape;
    /* Weight of (cost[STEP] - usual_share * cost[ROW])^2. */
    const double guess = guess_weight * s.xx[STEP][ROW] * s.xx[STEP][ROW] / s.xx[STEP][STEP];
    bool on[COSTS] = { true, true, true };
    s.xx[STEP][STEP] += guess / (usual_share * usual_share);
    s.xx[STEP][ROW] -= guess / usual_share;
    s.xx[ROW][STEP] -= guess / usual_share;
    s.xx[ROW][ROW] += guess;
    s.xx[CONTEXT][CONTEXT] *= 1 + context_doubt;
    for (int round = 0; round < COSTS; round++) {            /* nothing costs less than nothing */
        int least = 0;
        solve(&s, on, cost);
        for (int i = 1; i < COSTS; i++)
            least = cost[i] * f->pace.count[i] < cost[least] * f->pace.count[least] ? i : least;
        if (cost[least] >= 0)
            break;
        on[least] = false;
    }
    double sum = 0;
    for (int i = 0; i < COSTS; i++)
        sum += (cost[i] = fmax(0, cost[i])) * f->pace.count[i];
    for (int i = 0; i < COSTS; i++)
        cost[i] = sum > 0 ? cost[i] * f->pace.seconds / sum : i == STEP ? f->pace.seconds / f->pace.count[STEP] : 0;
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
static int draw(const struct forecast *f, enum kind kind, int bin, double u)
{
    const double *alive = f->curve[kind].alive;
    double until = alive[bin] * (1 - u);
    int low = bin + 1, high = f->n_bins;  /* the first whose share is not above 'until' */
    while (low < high) {
        int middle = (low + high) / 2;
        if (alive[middle] > until)
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
    int at = c->state == OPEN ? bin_of(f, f->steps - c->begun) : 0, rest = draw(f, c->kind, at, roll(d)), n = rest;
    for (int t = 1; t < c->turns; t++) {
        rest = draw(f, at + rest < f->n_bins ? AFTER_END : AFTER_CUT, 0, roll(d));
        at = 0;
        n += rest;
    }
    return n;
}

/* Conversations that end in a bin, and what their rows look back at then. */
struct ends { long n; double context; };

static int end_in(struct ends *ring, int n_ring, long bin, int rest, double context)
{
    struct ends *e = &ring[(bin + rest) % n_ring];
    e->n++;
    e->context += context;
    return 1;
}

/* One way it may go: whoever ends makes room for the next that waits. 'count' gets what is to come on one of the engines, which share the
 * turns alike. */
static void play(const struct forecast *f, struct ends *ring, int n_ring, double *count, struct dice *d)
{
    int live = 0, next = f->next;
    double sum = context(f);
    for (int i = 0; i < f->n; i++) {
        const struct conversation *c = &f->conversation[i];
        if (c->state != OPEN)
            continue;
        int rest = draw_rest(f, i, d);
        live += end_in(ring, n_ring, 0, rest, c->context + f->steps - c->begun + rest * (double)f->width);
    }
    if (live == 0)
        live += end_in(ring, n_ring, 0, 1, f->width);        /* nobody has begun: one after the other is the worst that can be said */
    for (long bin = 1; live > 0; bin++) {
        count[STEP] += f->width;
        count[ROW] += (double)f->width * live / f->n_engines;
        count[CONTEXT] += (double)f->width * sum / f->n_engines;
        sum += (double)f->width * live;
        struct ends over = ring[bin % n_ring];
        ring[bin % n_ring] = (struct ends){0};
        live -= (int)over.n;
        sum = fmax(0, sum - over.context);
        for (; over.n > 0; over.n--) {
            while (next < f->n && f->conversation[next].state != WAITING)
                next++;
            if (next < f->n) {
                int rest = draw_rest(f, next++, d);
                live += end_in(ring, n_ring, bin, rest, rest * (double)f->width);
            }
        }
    }
}

/* The mean of a few ways it may go. */
static double play_some(struct forecast *f)
{
    int n = f->n_open + f->n_waiting, most = 1;
    long to_begin = -f->n_open;
    double count[COSTS] = {0}, cost[COSTS], seconds = 0;
    struct dice dice = { .key = { 1, 2 } };
    survival(f);
    costs(f, cost);
    while (f->next < f->n && f->conversation[f->next].state != WAITING)
        f->next++;
    for (int i = 0; i < f->n; i++) {
        const struct conversation *c = &f->conversation[i];
        to_begin += c->state != OVER ? c->turns : 0;
        most = c->state != OVER && c->turns > most ? c->turns : most;
    }
    int n_ring = most * f->n_bins + 1, plays = DRAWS / n < 1 ? 1 : DRAWS / n < MOST_PLAYS ? DRAWS / n : MOST_PLAYS;
    struct ends *ring = xcalloc((size_t)n_ring, sizeof *ring);
    for (int i = 0; i < plays; i++)
        play(f, ring, n_ring, count, &dice);
    free(ring);
    for (int i = 0; i < COSTS; i++)
        seconds += cost[i] * count[i] / plays;
    /* Prompts: this engine has read its share of those so far. */
    return seconds + cost[ROW] * (double)to_begin * f->prompt_rows / fmax(1, (double)f->begun);
}

double forecast_left(struct forecast *f, double now)
{
    if (f->n_open + f->n_waiting == 0)
        return 0;
    if (f->counted < WARM)                /* prompts are read */
        return NAN;
    if (isnan(f->asked) || now - f->asked >= 1) {
        f->answer = play_some(f);
        f->asked = now;
    }
    return fmax(0, f->answer - (now - f->asked));
}

bool forecast_costs(const struct forecast *f, double *step, double *row, double *context)
{
    double cost[COSTS];
    if (f->counted < WARM)
        return false;
    costs(f, cost);
    *step = cost[STEP];
    *row = cost[ROW];
    *context = cost[CONTEXT];
    return true;
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
    const double doubt = 2;              /* calls: a reply has half of what it may have, until some are back */
    if (w->back >= w->calls)
        return 0;
    if (!(w->made > 0 && w->seconds > 0))
        return NAN;
    double reply = (w->reply_back + doubt * w->max_reply / 2) / ((double)w->back + doubt);
    double all = w->prompts + (double)w->calls * reply, open = (double)(w->calls - w->back) / (double)w->calls;
    double left = fmax(all - w->made, 0.1 * open * all);     /* replies may be longer than thought, but not without an end */
    return left * w->seconds / w->made;
}
