/* dealer.c - the dealing of items, with ranks that are simulated: how much at first, to whom the rest, and nothing twice. */
#include "../../src/job/dealer.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_ITEMS = 400, MAX_RANKS = 100 };

static unsigned mix(unsigned x)
{
    x ^= x >> 16, x *= 0x7feb352du, x ^= x >> 15, x *= 0x846ca68bu;
    return x ^ x >> 16;
}

struct world {
    int n_items, n_ranks, n_batch, keep;
    double speed[MAX_RANKS];              /* cost that a rank works off in a second, shared by what it has in hand */
    int leaver;                           /* a rank that leaves after its first finished item; -1: none */
};

struct seen {
    int first[MAX_RANKS], n[MAX_RANKS];   /* items of a rank before anything was done, and at the end */
    double first_cost[MAX_RANKS], cost[MAX_RANKS], total, seconds;
    int n_done, n_double;
    bool over;
};

static struct { int item; double left; } hand[MAX_RANKS][MAX_ITEMS];
static int n_hand[MAX_RANKS];

static void deal_all(struct dealer *d, const double *cost, struct seen *s)
{
    int to, item;
    while ((item = dealer_next(d, &to)) >= 0) {
        hand[to][n_hand[to]].item = item;
        hand[to][n_hand[to]++].left = cost[item];
        s->n[to]++;
        s->cost[to] += cost[item];
    }
}

/* Seconds until the next item of any rank is finished, each rank working on all it has at the same rate. */
static double next_end(const struct world *w)
{
    double least = 1e300;
    for (int r = 0; r < w->n_ranks; r++)
        for (int i = 0; i < n_hand[r]; i++) {
            double t = hand[r][i].left * n_hand[r] / w->speed[r];
            least = t < least ? t : least;
        }
    return least;
}

static void pass_time(const struct world *w, struct dealer *d, double t, bool *done, struct seen *s)
{
    for (int r = 0; r < w->n_ranks; r++) {
        double work = n_hand[r] ? t * w->speed[r] / n_hand[r] : 0;
        int finished = 0;
        for (int i = 0; i < n_hand[r]; i++) {
            hand[r][i].left -= work;
            if (hand[r][i].left > 1e-9)
                continue;
            s->n_double += done[hand[r][i].item];
            done[hand[r][i].item] = true;
            s->n_done++;
            finished++;
            dealer_done(d, r, hand[r][i].item);
            hand[r][i] = hand[r][--n_hand[r]];
            i--;
        }
        dealer_limit(d, r, s->n[r] - n_hand[r] + w->n_batch);
        if (r == w->leaver && finished) {
            n_hand[r] = 0;
            dealer_leave(d, r);
        }
    }
}

static struct seen simulate(const struct world *w)
{
    struct seen s = {0};
    static double cost[MAX_ITEMS];
    static bool done[MAX_ITEMS];
    memset(done, 0, sizeof done);
    memset(n_hand, 0, sizeof n_hand);
    for (int i = 0; i < w->n_items; i++)
        s.total += cost[i] = 100 + mix((unsigned)i) % 900;
    struct dealer *d = dealer_create(w->n_items, cost, w->n_ranks, w->keep);
    for (int r = 0; r < w->n_ranks; r++)
        dealer_limit(d, r, w->n_batch);
    deal_all(d, cost, &s);
    memcpy(s.first, s.n, sizeof s.first);
    memcpy(s.first_cost, s.cost, sizeof s.first_cost);
    for (double t; !dealer_is_over(d) && (t = next_end(w)) < 1e300; s.seconds += t) {
        pass_time(w, d, t, done, &s);
        deal_all(d, cost, &s);
    }
    s.over = dealer_is_over(d) && dealer_n_done(d) == s.n_done && dealer_n_out(d) == 0;
    dealer_destroy(d);
    return s;
}

static void check_complete(void)
{
    static const int items[] = { 0, 1, 2, 7, 80, 400 }, ranks[] = { 1, 2, 3, 16, 80, 100 }, batch[] = { 1, 4, 80 };
    int n = 0, bad = 0;
    for (int i = 0; i < 6; i++)
        for (int r = 0; r < 6; r++)
            for (int b = 0; b < 3; b++)
                for (int leaver = -1; leaver < 2 && leaver < ranks[r] - 1; leaver++, n++) {
                    struct world w = { .n_items = items[i], .n_ranks = ranks[r], .n_batch = batch[b], .keep = 8, .leaver = leaver };
                    for (int k = 0; k < ranks[r]; k++)
                        w.speed[k] = 100 + 50 * (k % 3);
                    struct seen s = simulate(&w);
                    bad += !(s.over && s.n_done == items[i] && s.n_double == 0);
                }
    ok(bad == 0, "%d worlds: every item is done once, even when a rank leaves (%d bad)", n, bad);
}

int main(void)
{
    struct world w = { .n_items = 80, .n_ranks = 2, .n_batch = 80, .keep = 8, .speed = { 100, 100 }, .leaver = -1 };
    struct seen s = simulate(&w);
    ok(s.first_cost[0] > 0.65 * s.total / 2 && s.first_cost[0] <= 0.75 * s.total / 2,
       "two ranks: the first gets 65 to 75 %% of its share at once");
    ok(s.first_cost[1] > 0.65 * s.total / 2 && s.first_cost[1] <= 0.75 * s.total / 2, "so does the second");
    ok(s.seconds < 1.05 * s.total / 200, "equal speeds: the end is within 5 %% of the best (%.3f)", s.seconds * 200 / s.total);

    w.speed[1] = 300;
    s = simulate(&w);
    ok(s.cost[1] > 1.4 * s.cost[0], "a rank three times as fast gets more (%d and %d items)", s.n[0], s.n[1]);

    w = (struct world){ .n_items = 80, .n_ranks = 16, .n_batch = 80, .keep = 8, .leaver = -1 };
    for (int r = 0; r < 16; r++)
        w.speed[r] = 100;
    s = simulate(&w);
    int least = 80, most = 0, dealt = 0;
    for (int r = 0; r < 16; r++) {
        least = s.first[r] < least ? s.first[r] : least;
        most = s.first[r] > most ? s.first[r] : most;
        dealt += s.first[r];
    }
    ok(dealt == 80 && least >= 3 && most <= 8, "16 ranks: all 80 items at once, since each has few (%d to %d)", least, most);
    ok(s.seconds < 1.1 * s.total / 1600, "16 ranks: the end is within 10 %% of the best (%.3f)", s.seconds * 1600 / s.total);

    w = (struct world){ .n_items = 3, .n_ranks = 5, .n_batch = 80, .keep = 8, .speed = { 1, 1, 1, 1, 1 }, .leaver = -1 };
    s = simulate(&w);
    ok(s.first[0] == 1 && s.first[1] == 1 && s.first[2] == 1 && s.first[3] == 0, "more ranks than items: one each");

    w = (struct world){ .n_items = 80, .n_ranks = 2, .n_batch = 4, .keep = 8, .speed = { 100, 100 }, .leaver = -1 };
    s = simulate(&w);
    ok(s.first[0] == 4 && s.first[1] == 4, "a rank never gets more than it has places for");
    check_complete();

    struct dealer *d = dealer_create(2, (double[]){ 5, 9 }, 1, 8);
    int to = -1;
    ok(dealer_next(d, &to) == -1, "nothing is given to a rank that has not asked");
    dealer_limit(d, 0, 2);
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
    return done_testing();
}
