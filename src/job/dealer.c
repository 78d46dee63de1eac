/* dealer.c - who gets which item of work. */
#include "dealer.h"

#include "mtbench/mem.h"

#include <stdlib.h>

static const double first_share = 0.75;   /* of the fair share; the rest evens out what the expected costs did not know */

enum { OWNER_NONE = -1, OWNER_DONE = -2 };

struct member {
    int limit, n_given, n_out;            /* items it could have had; was given; has in hand */
    int target;                           /* most items in hand that its first share has brought: one is refilled for one done */
    double given, out;                    /* cost */
    bool left;
};

struct dealer {
    int n_items, n_ranks, keep;
    int n_dealt, n_done, n_left;
    int *order, *owner;                   /* (n_items) longest first; the rank that has the item, or OWNER_ */
    double *cost, share;                  /* (n_items); first_share of a fair share of those that could ever take something */
    double total;
    int n_takers;
    struct member *member;                /* (n_ranks) */
    int *again, n_again;                  /* items that came back from ranks that left, the longest last */
};

struct by_cost { int item; double cost; };

static int longer_first(const void *a, const void *b)
{
    const struct by_cost *i = a, *j = b;
    if (i->cost != j->cost)
        return i->cost > j->cost ? -1 : 1;
    return i->item < j->item ? -1 : 1;   /* qsort() keeps no order among equals, and who gets what should not depend on the C library */
}

struct dealer *dealer_create(int n_items, const double *cost, int n_ranks, int keep)
{
    struct dealer *d = xcalloc(1, sizeof *d);
    size_t n = (size_t)n_items + 1;      /* + 1: a list of none is a list */
    *d = (struct dealer){ .n_items = n_items, .n_ranks = n_ranks, .keep = keep };
    d->order = xcalloc(n, sizeof *d->order);
    d->owner = xcalloc(n, sizeof *d->owner);
    d->again = xcalloc(n, sizeof *d->again);
    d->cost = xcalloc(n, sizeof *d->cost);
    d->member = xcalloc((size_t)n_ranks, sizeof *d->member);
    struct by_cost *sorted = xcalloc(n, sizeof *sorted);
    double total = 0;
    for (int i = 0; i < n_items; i++) {
        d->owner[i] = OWNER_NONE;
        d->cost[i] = cost ? cost[i] : 1;
        sorted[i] = (struct by_cost){ i, d->cost[i] };
        total += d->cost[i];
    }
    d->total = total;
    /* Of equal costs the lower number: who is first must not depend on qsort(). */
    qsort(sorted, (size_t)n_items, sizeof *sorted, longer_first);
    for (int i = 0; i < n_items; i++)
        d->order[i] = sorted[i].item;
    free(sorted);
    return d;
}

void dealer_destroy(struct dealer *d)
{
    if (!d)
        return;
    free(d->order);
    free(d->owner);
    free(d->again);
    free(d->cost);
    free(d->member);
    free(d);
}

void dealer_limit(struct dealer *d, int rank, int limit)
{
    struct member *m = &d->member[rank];
    if (m->limit <= 0 && limit > 0)      /* ranks that follow another never want anything */
        d->share = first_share * d->total / ++d->n_takers;
    m->limit = limit;                    /* a total since the start, see deal.c; replaced, never added */
}

void dealer_done(struct dealer *d, int rank, int item)
{
    /* Who left has lost its items to others: its late word on one changes nothing. */
    if (item < 0 || item >= d->n_items || d->owner[item] != rank)
        return;
    d->owner[item] = OWNER_DONE;
    d->n_done++;
    d->member[rank].n_out--;
    d->member[rank].out -= d->cost[item];
}

void dealer_leave(struct dealer *d, int rank)
{
    /* counted once: dealer_is_over() compares with the number of ranks */
    if (d->member[rank].left)
        return;
    d->member[rank].left = true;
    d->n_left++;
    /* From the shortest: dealer_next() takes from the end, and so the longest first. */
    for (int i = d->n_items - 1; i >= 0; i--) {
        int item = d->order[i];
        if (d->owner[item] == rank) {
            d->owner[item] = OWNER_NONE;
            d->again[d->n_again++] = item;
        }
    }
}

static bool may_have(const struct dealer *d, const struct member *m, double cost)
{
    if (m->left || m->n_given >= m->limit)
        return false;
    /* Thin hands are filled whatever the shares are; then one comes for one that went; else only as far as the first share reaches. */
    return m->n_out < d->keep || m->n_out < m->target || m->given + cost <= d->share;
}

static void give(struct dealer *d, struct member *m, double cost)
{
    m->n_given++;
    m->n_out++;
    if (m->given + cost <= d->share && m->n_out > m->target) /* only the first share raises it: later items replace others */
        m->target = m->n_out;
    m->given += cost;
    m->out += cost;
}

int dealer_next(struct dealer *d, int *rank)
{
    if (d->n_again == 0 && d->n_dealt == d->n_items)
        return -1;
    /* Those that came back first: they have been waiting longest. */
    int item = d->n_again > 0 ? d->again[d->n_again - 1] : d->order[d->n_dealt], best = -1;
    /* To the rank with the least work in hand. */
    for (int r = 0; r < d->n_ranks; r++)
        /* Whoever has the least in hand, by expected cost. */
        if (may_have(d, &d->member[r], d->cost[item]) && (best < 0 || d->member[r].out < d->member[best].out))
            best = r;
    /* If nobody may have the longest, no shorter one is given in its place: it would come last and everybody would wait for it. */
    if (best < 0)
        return -1;
    if (d->n_again > 0)
        d->n_again--;
    else
        d->n_dealt++;
    give(d, &d->member[best], d->cost[item]);
    d->owner[item] = best;
    *rank = best;
    return item;
}

bool dealer_is_over(const struct dealer *d)
{
    /* Done, or nobody left to do it. What is undone then is for the next start. */
    return d->n_done == d->n_items || d->n_left == d->n_ranks;
}

int dealer_n_done(const struct dealer *d)
{
    return d->n_done;
}

int dealer_n_out(const struct dealer *d)
{
    return d->n_dealt - d->n_again - d->n_done;
}
