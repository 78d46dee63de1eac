/* simulate.c - a run on paper. Between two ends of turns nothing changes but how far everybody is, so time jumps from end to end. */
#include "mtbench/simulate.h"
#include "mtbench/deal.h"

#include "dealer.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

struct running {                         /* a conversation on a rank */
    int item, turn;
    double left, context;                /* tokens of the turn; what its next row looks back at */
};

struct worker {
    struct running *hand;                /* (max_batch) */
    int n, given;                        /* in hand; since the start */
    double now, speed;
    double debt;                         /* seconds, at speed 1, that prompts still take */
    double context;                      /* of all in hand */
    double steps;                        /* so far */
    struct simulate_rank did;
};

struct play {
    const struct simulate_opts *o;
    struct dealer *dealer;
    struct worker *worker;               /* (n_ranks) */
    double *cost, *steps;                /* (n_items) as the dealer expects them */
};

/* ---- one rank ---- */

/* Seconds of the next step, and how much longer each one is than the one before. */
static double step_seconds(const struct play *p, const struct worker *w)
{
    return p->o->cost.step + w->n * p->o->cost.row + w->context * p->o->cost.context;
}

static double growth(const struct play *p, const struct worker *w)
{
    return w->n * p->o->cost.context;
}

/* How many steps go into so many seconds: the root of first * m + more * m * m / 2 = seconds. */
static double steps_in(double seconds, double first, double more)
{
    return more > 0 ? 2 * seconds / (first + sqrt(first * first + 2 * more * seconds)) : seconds / first;
}

static void advance(const struct play *p, struct worker *w, double to)
{
    double seconds = fmax(0, to - w->now);
    w->now = to;
    if (w->n == 0)
        return;
    w->did.busy += seconds;
    seconds *= w->speed;
    const double paid = fmin(w->debt, seconds), steps = steps_in(seconds - paid, step_seconds(p, w), growth(p, w));
    w->debt -= paid;
    w->context += w->n * steps;
    w->steps += steps;
    for (int i = 0; i < w->n; i++) {
        w->hand[i].left -= steps;
        w->hand[i].context += steps;
    }
}

/* When the next turn of this rank ends, if nothing is given to it before; INFINITY: it has none. */
static double next_end(const struct play *p, const struct worker *w)
{
    double least = INFINITY;
    for (int i = 0; i < w->n; i++)
        least = fmin(least, w->hand[i].left);
    if (w->n == 0)
        return INFINITY;
    least = fmax(0, least);
    return w->now + (w->debt + least * step_seconds(p, w) + least * least * growth(p, w) / 2) / w->speed;
}

static void begin_turn(const struct play *p, struct worker *w, struct running *r)
{
    const struct simulate_turn *t = &p->o->item[r->item].turn[r->turn];
    r->left = fmax(1, t->tokens);
    r->context += t->prompt;
    w->context += t->prompt;
    w->debt += t->prompt * p->o->cost.row;
    w->did.tokens += r->left;
}

static void begin(const struct play *p, struct worker *w, int item)
{
    w->hand[w->n] = (struct running){ .item = item };
    w->given++;
    w->did.items++;
    begin_turn(p, w, &w->hand[w->n++]);
}

/* What has ended by now makes room; next turns begin. */
static void end_turns(const struct play *p, int rank)
{
    const double nothing = 1e-6;         /* of a token */
    struct worker *w = &p->worker[rank];
    for (int i = w->n - 1; i >= 0; i--) {
        struct running *r = &w->hand[i];
        if (r->left > nothing)
            continue;
        if (++r->turn < p->o->item[r->item].n_turns) {
            begin_turn(p, w, r);
            continue;
        }
        dealer_done(p->dealer, rank, r->item);
        w->context -= r->context;
        *r = w->hand[--w->n];
    }
    dealer_limit(p->dealer, rank, w->given - w->n + p->o->max_batch);
}

/* ---- all of them ---- */

static void hand_out(const struct play *p)
{
    for (int to, item; (item = dealer_next(p->dealer, &to)) >= 0;) {
        begin(p, &p->worker[to], item);
    }
}

/* Ranks begin together, when the last one has its weights; nothing is dealt before the last one has told its pace. */
static double tell_pace(const struct play *p)
{
    const struct simulate_cost *c = &p->o->cost;
    double last = 0;
    for (int r = 0; r < p->o->n_ranks; r++) {
        struct worker *w = &p->worker[r];
        dealer_pace(p->dealer, r, c->step / w->speed, c->row / w->speed);
        last = fmax(last, p->o->n_ranks > 1 ? PACE_TRIES * (2 * c->step + (PACE_ROWS + 1) * c->row) / w->speed : 0);
    }
    for (int r = 0; r < p->o->n_ranks; r++)
        p->worker[r].now = last;
    return last;
}

static double play(const struct play *p)
{
    double now = tell_pace(p);
    hand_out(p);
    while (!dealer_is_over(p->dealer)) {
        int first = 0;
        double at = INFINITY;
        for (int r = 0; r < p->o->n_ranks; r++) {
            const double end = next_end(p, &p->worker[r]);
            if (end < at)
                at = end, first = r;
        }
        now = at;
        for (int r = 0; r < p->o->n_ranks; r++) {
            advance(p, &p->worker[r], now);
            dealer_made(p->dealer, r, p->worker[r].steps);
        }
        end_turns(p, first);
        hand_out(p);
    }
    return now;
}

/* ---- what no order of work can beat ---- */

struct size { double steps, work; };     /* of a conversation: tokens to make; seconds of its rows and of what they look back at */

static struct size size_of(const struct simulate_item *item, const struct simulate_cost *c)
{
    struct size s = { 0 };
    double context = 0;
    for (int t = 0; t < item->n_turns; t++) {
        const double prompt = item->turn[t].prompt, n = fmax(1, item->turn[t].tokens);
        context += prompt;
        s.steps += n;
        s.work += c->row * (prompt + n) + c->context * (n * context + n * n / 2);
        context += n;
    }
    return s;
}

static int more_steps(const void *a, const void *b)
{
    const struct size *x = a, *y = b;
    return (x->steps < y->steps) - (x->steps > y->steps);
}

static int faster(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x < *y) - (*x > *y);
}

/* Could it be over after so many seconds? Let the conversations that take most steps fill the fastest rank, as far as the time goes that
 * its steps leave it, the next ones the next rank. Whoever has what lies beyond a rank's fill has at least as many steps as the first of
 * it, however they are dealt, so no dealing gets more work done by then. */
static bool fits(double seconds, const struct size *size, int n, const double *speed, int n_ranks, double step)
{
    double room = 0, filled = 0;
    for (int r = 0, i = 0; i < n; r++) {
        if (r == n_ranks || seconds * speed[r] <= size[i].steps * step)
            return false;
        room += seconds * speed[r] - size[i].steps * step;
        for (; i < n && filled + size[i].work <= room; i++)
            filled += size[i].work;
    }
    return true;
}

static double bound(const struct simulate_opts *o)
{
    struct size *s = xcalloc((size_t)o->n_items + 1, sizeof *s);
    double *speed = xcalloc((size_t)o->n_ranks, sizeof *speed), least = 0, most, work = 0, steps = 0, whole = 0;
    for (int i = 0; i < o->n_items; i++) {
        s[i] = size_of(&o->item[i], &o->cost);
        work += s[i].work;
        steps += s[i].steps;
        least = fmax(least, s[i].steps * o->cost.step + s[i].work);
    }
    for (int r = 0; r < o->n_ranks; r++)
        whole += speed[r] = o->speed ? o->speed[r] : 1;
    qsort(s, (size_t)o->n_items, sizeof *s, more_steps);
    qsort(speed, (size_t)o->n_ranks, sizeof *speed, faster);
    least = fmax(least / speed[0], (work + steps * o->cost.step / o->max_batch) / whole);
    most = (work + steps * o->cost.step) / speed[0];         /* one after the other on the fastest */
    for (int i = 0; i < 50 && !fits(least, s, o->n_items, speed, o->n_ranks, o->cost.step); i++) {
        const double middle = (least + most) / 2;
        if (fits(middle, s, o->n_items, speed, o->n_ranks, o->cost.step))
            most = middle;
        else
            least = middle;
    }
    free(speed);
    free(s);
    return least;
}

struct simulate_result simulate(const struct simulate_opts *o, struct simulate_rank *rank)
{
    struct play p = { .o = o };
    struct simulate_result res = { 0 };
    p.cost = xcalloc((size_t)o->n_items + 1, sizeof *p.cost);
    p.steps = xcalloc((size_t)o->n_items + 1, sizeof *p.steps);
    p.worker = xcalloc((size_t)o->n_ranks, sizeof *p.worker);
    for (int i = 0; i < o->n_items; i++) {
        p.cost[i] = o->item[i].cost;
        p.steps[i] = o->item[i].steps > 0 ? o->item[i].steps : o->item[i].cost;
    }
    p.dealer = dealer_create(&(struct dealer_opts){ .n_items = o->n_items, .n_ranks = o->n_ranks, .cost = p.cost, .steps = p.steps,
                                                   .node = o->node, .paced = true });
    for (int r = 0; r < o->n_ranks; r++) {
        struct worker *w = &p.worker[r];
        w->hand = xcalloc((size_t)o->max_batch, sizeof *w->hand);
        w->speed = o->speed ? o->speed[r] : 1;
        dealer_limit(p.dealer, r, o->max_batch);
    }
    res.makespan = play(&p);
    res.bound = bound(o);
    for (int r = 0; r < o->n_ranks; r++) {
        res.tokens += p.worker[r].did.tokens;
        if (rank)
            rank[r] = p.worker[r].did;
        free(p.worker[r].hand);
    }
    dealer_destroy(p.dealer);
    free(p.worker);
    free(p.steps);
    free(p.cost);
    return res;
}
