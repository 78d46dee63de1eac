/* dealer.c - the dealing of items: the pace, the plan, and nothing twice. How good it is with real lengths: unit/simulate. */
#include "../../src/job/dealer.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 400, MAX_RANKS = 100 };

static unsigned mix(unsigned x)
{
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}

struct world { int n_items, n_ranks, batch; bool paced; int leaver; };       /* leaver: leaves after its first finished item; -1: none */

struct rank { int hand[MAX_ITEMS], age[MAX_ITEMS], n, given, steps; };

static struct rank rank[MAX_RANKS];
static int owner[MAX_ITEMS], n_wrong;

static void deal(struct dealer *d, const struct world *w)
{
    int to, item;
    while ((item = dealer_next(d, &to)) >= 0) {
        n_wrong += owner[item] >= 0 || rank[to].n >= w->batch;               /* somebody has it; there is no place */
        owner[item] = to;
        rank[to].hand[rank[to].n] = item;
        rank[to].age[rank[to].n++] = 0;
        rank[to].given++;
    }
}

/* A step of a rank: an item of cost c takes c steps. */
static void step(struct dealer *d, const struct world *w, int r, const double *cost)
{
    struct rank *k = &rank[r];
    bool finished = false;
    k->steps += k->n > 0;
    for (int i = k->n - 1; i >= 0; i--) {
        if (++k->age[i] < cost[k->hand[i]])
            continue;
        dealer_done(d, r, k->hand[i]);
        k->n--;
        k->hand[i] = k->hand[k->n], k->age[i] = k->age[k->n];
        finished = true;
    }
    dealer_limit(d, r, k->given - k->n + w->batch);
    dealer_made(d, r, k->steps);
    if (r == w->leaver && finished) {
        for (int i = 0; i < k->n; i++)
            owner[k->hand[i]] = -1;
        k->n = 0;
        dealer_leave(d, r);
    }
}

/* True: every item was done once, and the dealer knows. */
static bool complete(const struct world *w)
{
    double cost[MAX_ITEMS];
    memset(rank, 0, sizeof rank);
    memset(owner, 0xff, sizeof owner);
    n_wrong = 0;
    for (int i = 0; i < w->n_items; i++)
        cost[i] = 3 + mix((unsigned)i) % 30;
    struct dealer *d = dealer_create(&(struct dealer_opts){ .n_items = w->n_items, .n_ranks = w->n_ranks, .cost = cost, .width = 5,
                                                             .paced = w->paced });
    for (int r = 0; r < w->n_ranks; r++)
        dealer_limit(d, r, w->batch);
    for (int r = 0; w->paced && r < w->n_ranks; r++) {
        deal(d, w);
        n_wrong += w->n_items > 0 && dealer_n_out(d) > 0;                       /* not before all have told */
        if (r == 0 && w->leaver == 1)
            dealer_leave(d, 0);              /* before it has told, while others are waited for */
        else
            dealer_pace(d, r, mix((unsigned)r) % 5, 1 + mix((unsigned)r) % 3);
    }
    deal(d, w);
    for (int t = 1; !dealer_is_over(d) && t < 100000; t++)
        for (int r = 0; r < w->n_ranks; r++) {
            if (r != w->leaver || rank[r].n > 0)
                step(d, w, r, cost);
            deal(d, w);
        }
    const bool all = dealer_is_over(d) && dealer_n_done(d) == w->n_items && dealer_n_out(d) == 0;
    dealer_destroy(d);
    return all && n_wrong == 0;
}

static void check_complete(void)
{
    static const int items[] = { 0, 1, 2, 7, 80, 200 }, ranks[] = { 1, 2, 3, 16, 80, 100 }, batch[] = { 1, 4, 80 };
    int n = 0, bad = 0;
    for (int i = 0; i < 6; i++)
        for (int r = 0; r < 6; r++)
            for (int b = 0; b < 3; b++)
                for (int paced = 0; paced < 2; paced++)
                    for (int leaver = -1; leaver < 2 && leaver < ranks[r] - 1; leaver++, n++)
                        bad += !complete(&(struct world){ items[i], ranks[r], batch[b], paced, leaver });
    ok(bad == 0, "%d worlds: every item is done once, even when a rank leaves, and none goes where there is no place (%d bad)", n, bad);
}

/* Deal all that goes out now; per rank how many, and their cost. */
static int deal_out(struct dealer *d, const double *cost, int *n, double *sum)
{
    int to, item, all = 0;
    for (; (item = dealer_next(d, &to)) >= 0; all++) {
        n[to]++;
        sum[to] += cost[item];
    }
    return all;
}

/* What two nodes of two ranks get of 80 items, whose ranks take so long for a step by itself and a row. */
static void share(const double pace[4][2], double part[2])
{
    double cost[80], sum[4] = { 0 };
    int n[4] = { 0 }, node[4] = { 0, 0, 1, 1 };
    for (int i = 0; i < 80; i++)
        cost[i] = 100 + i;
    struct dealer *d = dealer_create(&(struct dealer_opts){ .n_items = 80, .n_ranks = 4, .cost = cost, .node = node, .width = 500,
                                                             .paced = true });
    for (int r = 0; r < 4; r++)
        dealer_limit(d, r, 80);
    for (int r = 0; r < 4; r++) {
        ok(deal_out(d, cost, n, sum) == 0, "nothing before all have told: %d", r);
        dealer_pace(d, r, pace[r][0], pace[r][1]);
    }
    ok(deal_out(d, cost, n, sum) == 80, "then all of it");
    part[0] = sum[0] + sum[1];
    part[1] = sum[2] + sum[3];
    dealer_destroy(d);
}

static void check_pace(void)
{
    double part[2];
    share((const double[4][2]){ { 10, 1 }, { 10, 1 }, { 20, 2 }, { 20, 2 } }, part);
    ok(part[0] > 1.7 * part[1] && part[0] < 2.8 * part[1], "a node that is half as fast has about half: %.0f and %.0f", part[0], part[1]);
    share((const double[4][2]){ { 10, 1 }, { 10, 1 }, { 80, 8 }, { 80, 8 } }, part);
    ok(part[0] > 5 * part[1], "one of an eighth has no more than that: %.0f and %.0f", part[0], part[1]);
    share((const double[4][2]){ { 10, 1 }, { 10, 1 }, { 0, 0 }, { 0, 0 } }, part);
    ok(fabs(part[0] - part[1]) < 0.15 * part[0], "one that could not be measured is as fast as the others: %.0f and %.0f", part[0],
       part[1]);
    share((const double[4][2]){ { 10, 1 }, { 10, 1 }, { 10.2, 1 }, { 10, 1.02 } }, part);
    ok(fabs(part[0] - part[1]) < 0.15 * part[0], "nearly equal ones are equal: %.0f and %.0f", part[0], part[1]);
}

/* One rank of three on a node was held up when it measured. */
static void check_hiccup(void)
{
    double cost[60], sum[6] = { 0 };
    int n[6] = { 0 }, node[6] = { 0, 1, 0, 1, 0, 1 };
    for (int i = 0; i < 60; i++)
        cost[i] = 100;
    struct dealer *d =
        dealer_create(&(struct dealer_opts){ .n_items = 60, .n_ranks = 6, .cost = cost, .node = node, .width = 5, .paced = true });
    for (int r = 0; r < 6; r++) {
        dealer_limit(d, r, 60);
        dealer_pace(d, r, r == 2 ? 200 : 5, 1);
    }
    ok(deal_out(d, cost, n, sum) == 60 && fabs(sum[0] + sum[2] + sum[4] - 3000) < 1, "it does not make a slow node: %.0f of 6000",
       sum[0] + sum[2] + sum[4]);
    dealer_destroy(d);
}

/* Whatever a rank tells of itself, and whatever items are said to cost: it gets all when it is the last one. */
static void strange_paces(void)
{
    static const double pace[] = { 0, 1, NAN, INFINITY, 1e-300, 1e300, -1 };
    static const double cost[][4] = { { 8, 4, 2, 1 }, { 0, 0, 0, 0 }, { 1000, 0, 0, 0 } };
    enum { N_PACES = sizeof pace / sizeof *pace, N_COSTS = sizeof cost / sizeof *cost };
    int n_stuck = 0;
    for (int i = 0; i < N_PACES * N_PACES * N_COSTS; i++) {
        struct dealer *d = dealer_create(&(struct dealer_opts){ .n_items = 4, .n_ranks = 2, .cost = cost[i % N_COSTS], .width = 20,
                                                                .paced = true });
        int given = 0, to, item;
        for (int r = 0; r < 2; r++)
            dealer_limit(d, r, 2);
        dealer_pace(d, 0, pace[i / N_COSTS % N_PACES], pace[i / N_COSTS / N_PACES]);
        dealer_pace(d, 1, 1, 0.1);
        dealer_leave(d, 1);
        while ((item = dealer_next(d, &to)) >= 0) {
            dealer_done(d, to, item);
            dealer_limit(d, to, ++given + 2);
        }
        n_stuck += !dealer_is_over(d);
        dealer_destroy(d);
    }
    ok(n_stuck == 0, "strange paces and costs: %d of %d deals stuck", n_stuck, N_PACES * N_PACES * N_COSTS);
}

int main(void)
{
    double cost[80], sum[16] = { 0 };
    int n[16] = { 0 }, least = 80, most = 0;
    for (int i = 0; i < 80; i++)
        cost[i] = 100 + mix((unsigned)i) % 900;
    struct dealer *d = dealer_create(&(struct dealer_opts){ .n_items = 80, .n_ranks = 16, .cost = cost });
    for (int r = 0; r < 16; r++)
        dealer_limit(d, r, 80);
    ok(deal_out(d, cost, n, sum) == 80, "where no pace is told all goes out at once");
    double largest = 0, all = 0;
    for (int r = 0; r < 16; r++) {
        least = n[r] < least ? n[r] : least;
        most = n[r] > most ? n[r] : most;
        largest = sum[r] > largest ? sum[r] : largest;
        all += sum[r];
    }
    ok(least >= 2 && largest < 1.05 * all / 16, "evenly: %d to %d items, the largest part %.3f of the mean", least, most,
       largest * 16 / all);
    dealer_destroy(d);

    check_pace();
    check_hiccup();
    check_complete();

    d = dealer_create(&(struct dealer_opts){ .n_items = 2, .n_ranks = 1, .cost = (double[]){ 5, 9 }, .paced = true });
    int to = -1;
    ok(dealer_next(d, &to) == -1, "nothing is given to a rank that has not asked");
    dealer_limit(d, 0, 2);
    ok(dealer_next(d, &to) == -1, "nor before it has told its pace");
    dealer_pace(d, 0, 2, 1);
    ok(dealer_next(d, &to) == 1 && to == 0, "the longest goes first");
    dealer_done(d, 0, 0);
    dealer_done(d, 0, 7);
    dealer_done(d, 0, -1);
    ok(dealer_n_done(d) == 0, "items that a rank does not have cannot be done");
    dealer_done(d, 0, 1);
    dealer_done(d, 0, 1);
    ok(dealer_n_done(d) == 1 && !dealer_is_over(d), "nor twice");
    dealer_leave(d, 0);
    ok(dealer_is_over(d) && dealer_next(d, &to) == -1, "it is over when all have left");
    dealer_destroy(d);
    strange_paces();
    return done_testing();
}
