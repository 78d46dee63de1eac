/* dealer.c - who gets which item of work. */
#include "dealer.h"

#include "mtbench/mem.h"
#include "spread.h"

#include <math.h>
#include <stdlib.h>

enum { OWNER_NONE = -1, OWNER_DONE = -2 };
enum { USUAL_ROWS = 20 };                 /* of a step that speeds are compared by */
static const double most_width = 500;    /* more means nothing: steps are all that counts then */
static const double same_speed = 1.05;    /* ranks that differ by less were measured badly */
static const double slowest = 1e-6;       /* of the fastest; less comes of a time that is none, and numbers would get lost beside it */
static const double caution = 1.5; /* power of a node's speed that counts where lengths are guessed: a slow one holds up all with what turns
                                      out long */
static const double rest_of = 0.3;        /* of an item's cost is still to come, at least, if it is not done */
static const double plan_again = 1.0 / 16;    /* of the items were done since the plan */
static const double rounds = 2;           /* fillings of all batches, from which on equal ranks take turns */

struct member {
    int limit, batch;                     /* items it could have had since the start, and at once */
    int n_given, n_out;                   /* items that it was given; has in hand */
    double speed;                         /* that it is taken for */
    double out;                           /* cost of what it has in hand */
    double steps;                         /* so far: how old the items in hand are */
    double step, row;                     /* its pace, in seconds; 0: not measured */
    bool told;
    int node;
    bool left;
};

struct dealer {
    int n_items, n_ranks;
    int n_dealt, n_done, n_left;
    double width;
    int *order, *owner, *home;            /* (n_items) longest first; the rank that has the item, or OWNER_; the rank that is to have it */
    double *cost, *length, *begun;        /* (n_items) rows; steps; 'steps' of its rank when it was given */
    struct member *member;                /* (n_ranks) */
    int planned;                          /* items that were done when the plan was made; -1: it must be made */
    bool known;                           /* speeds were measured, or will not be */
    bool guessed;                         /* items may take more steps than is likely */
    bool in_turn;                         /* no plan: whoever has a free place gets the longest */
};

struct by_cost { int item; double cost; };

static int longer_first(const void *a, const void *b)
{
    const struct by_cost *i = a, *j = b;
    if (i->cost != j->cost)
        return i->cost > j->cost ? -1 : 1;
    return i->item < j->item ? -1 : 1;   /* qsort() keeps no order among equals, and who gets what should not depend on the C library */
}

struct dealer *dealer_create(const struct dealer_opts *o)
{
    struct dealer *d = xcalloc(1, sizeof *d);
    size_t n = (size_t)o->n_items + 1;   /* + 1: a list of none is a list */
    *d = (struct dealer){ .n_items = o->n_items, .n_ranks = o->n_ranks, .width = o->width, .known = !o->paced, .planned = -1 };
    d->order = xcalloc(n, sizeof *d->order);
    d->owner = xcalloc(n, sizeof *d->owner);
    d->home = xcalloc(n, sizeof *d->home);
    d->cost = xcalloc(n, sizeof *d->cost);
    d->length = xcalloc(n, sizeof *d->length);
    d->begun = xcalloc(n, sizeof *d->begun);
    d->member = xcalloc((size_t)o->n_ranks, sizeof *d->member);
    struct by_cost *sorted = xcalloc(n, sizeof *sorted);
    for (int i = 0; i < o->n_items; i++) {
        d->owner[i] = OWNER_NONE;
        d->cost[i] = o->cost ? o->cost[i] : 1;
        d->length[i] = o->steps ? o->steps[i] : d->cost[i];
        d->guessed |= d->length[i] > d->cost[i];
        sorted[i] = (struct by_cost){ i, d->cost[i] };
    }
    qsort(sorted, (size_t)o->n_items, sizeof *sorted, longer_first);
    for (int i = 0; i < o->n_items; i++)
        d->order[i] = sorted[i].item;
    for (int r = 0; r < o->n_ranks; r++)
        d->member[r] = (struct member){ .speed = 1, .node = o->node ? o->node[r] : r };
    free(sorted);
    return d;
}

void dealer_destroy(struct dealer *d)
{
    if (!d)
        return;
    free(d->order);
    free(d->owner);
    free(d->home);
    free(d->cost);
    free(d->length);
    free(d->begun);
    free(d->member);
    free(d);
}

/* ---- what happened ---- */

void dealer_limit(struct dealer *d, int rank, int limit)
{
    struct member *m = &d->member[rank];
    if (m->batch <= 0 && limit > 0) {     /* ranks that follow another never want anything */
        m->batch = limit;
        d->planned = -1;
    }
    m->limit = limit;                    /* a total since the start, see deal.c; replaced, never added */
}

static bool takes(const struct member *m)
{
    return !m->left && m->batch > 0;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* 0: of none. */
static double middle(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n > 0 ? (x[(n - 1) / 2] + x[n / 2]) / 2 : 0;
}

/* The middle one of what the ranks have told. */
static void take_width(struct dealer *d)
{
    double *width = xcalloc((size_t)d->n_ranks, sizeof *width);
    int n = 0;
    for (int r = 0; r < d->n_ranks; r++) {
        const struct member *m = &d->member[r];
        if (m->step > 0 || m->row > 0)
            width[n++] = m->row > 0 ? fmin(m->step / m->row, most_width) : most_width;
    }
    if (n > 0)
        d->width = middle(width, n);
    free(width);
}

/* Seconds of a usual step on this node, the middle one of its ranks: what held one of them up says nothing about the others, and all work
 * is dealt by this. 0: not measured. 'room' is for n_ranks. */
static double seconds_on(const struct dealer *d, int node, double *room)
{
    int n = 0;
    for (int r = 0; r < d->n_ranks; r++) {
        const struct member *m = &d->member[r];
        if (m->node == node && (m->step > 0 || m->row > 0))
            room[n++] = m->step + USUAL_ROWS * m->row;
    }
    return middle(room, n);
}

/* Once everybody who takes items has told. Nearly equal ones are equal. */
static void take_speeds(struct dealer *d)
{
    for (int r = 0; r < d->n_ranks; r++)
        if (takes(&d->member[r]) && !d->member[r].told)
            return;
    double *seconds = xcalloc((size_t)d->n_ranks, sizeof *seconds), *room = xcalloc((size_t)d->n_ranks, sizeof *room), least = INFINITY;
    take_width(d);
    for (int r = 0; r < d->n_ranks; r++) {
        const struct member *m = &d->member[r], *before = r > 0 ? m - 1 : m;
        seconds[r] = r > 0 && m->node == before->node ? seconds[r - 1] : seconds_on(d, m->node, room);
        least = seconds[r] > 0 ? fmin(least, seconds[r]) : least;
    }
    for (int r = 0; r < d->n_ranks; r++)
        d->member[r].speed = seconds[r] > same_speed * least ? fmax(slowest, pow(least / seconds[r], d->guessed ? caution : 1)) : 1;
    free(room);
    free(seconds);
    d->known = true;
    d->planned = -1;
}

void dealer_pace(struct dealer *d, int rank, double step, double row)
{
    struct member *m = &d->member[rank];
    m->step = step;
    m->row = row;
    m->told = true;
    if (!d->known)
        take_speeds(d);
}

void dealer_made(struct dealer *d, int rank, double steps)
{
    d->member[rank].steps = fmax(d->member[rank].steps, steps);
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
    if (d->n_done - d->planned >= plan_again * d->n_items)
        d->planned = -1;
}

void dealer_leave(struct dealer *d, int rank)
{
    /* counted once: dealer_is_over() compares with the number of ranks */
    if (d->member[rank].left)
        return;
    d->member[rank].left = true;
    d->n_left++;
    d->planned = -1;
    for (int i = 0; i < d->n_items; i++) {
        if (d->owner[i] == rank) {
            d->owner[i] = OWNER_NONE;
            d->n_dealt--;
        }
    }
    if (!d->known)
        take_speeds(d);                   /* others may have waited for this one alone */
}

/* ---- who is to have what ---- */

/* What the members have in hand, less what they have made of it: all items of a rank grow alike. */
static void look(const struct dealer *d, struct spread_rank *rank)
{
    for (int r = 0; r < d->n_ranks; r++) {
        const struct member *m = &d->member[r];
        rank[r] = (struct spread_rank){ .speed = m->speed, .batch = m->left ? 0 : m->batch };
    }
    for (int i = 0; i < d->n_items; i++) {
        if (d->owner[i] < 0)
            continue;
        const double age = d->member[d->owner[i]].steps - d->begun[i], left = fmax(d->length[i] - age, rest_of * d->length[i]);
        struct spread_rank *r = &rank[d->owner[i]];
        r->rows += age > 0 ? left : d->cost[i];              /* its prompt is read first */
        r->steps += left;
        r->longest = fmax(r->longest, left);
    }
}

static void plan(struct dealer *d)
{
    struct spread_rank *rank = xcalloc((size_t)d->n_ranks, sizeof *rank);
    struct spread_item *waits = xcalloc((size_t)d->n_items + 1, sizeof *waits);
    int *home = xcalloc((size_t)d->n_items + 1, sizeof *home), *item = xcalloc((size_t)d->n_items + 1, sizeof *item), n = 0;
    look(d, rank);
    for (int i = 0; i < d->n_items; i++) {
        if (d->owner[d->order[i]] != OWNER_NONE)
            continue;
        item[n] = d->order[i];
        waits[n++] = (struct spread_item){ d->cost[d->order[i]], d->length[d->order[i]] };
    }
    spread(waits, n, rank, d->n_ranks, d->width, home);
    for (int i = 0; i < n; i++) {
        d->home[item[i]] = home[i];
    }
    d->planned = d->n_done;
    free(item);
    free(home);
    free(waits);
    free(rank);
}

static bool may_have(const struct member *m)
{
    return takes(m) && m->n_given < m->limit;
}

static bool anybody(const struct dealer *d, bool idle)
{
    for (int r = 0; r < d->n_ranks; r++)
        if (may_have(&d->member[r]) && (!idle || d->member[r].n_out == 0))
            return true;
    return false;
}

static int give(struct dealer *d, int item, int rank)
{
    struct member *m = &d->member[rank];
    m->n_given++;
    m->n_out++;
    m->out += d->cost[item];
    d->begun[item] = m->steps;
    d->owner[item] = rank;
    d->n_dealt++;
    return item;
}

static int next_by_plan(struct dealer *d, int *rank)
{
    for (int i = 0; i < d->n_items; i++) {
        const int item = d->order[i], to = d->home[item];
        if (d->owner[item] == OWNER_NONE && to >= 0 && may_have(&d->member[to]))
            return give(d, item, *rank = to);
    }
    return -1;
}

/* To whoever has the least in hand. */
static int next_in_turn(struct dealer *d, int *rank)
{
    int i = 0, best = -1;
    while (d->owner[d->order[i]] != OWNER_NONE)
        i++;
    for (int r = 0; r < d->n_ranks; r++)
        if (may_have(&d->member[r]) && (best < 0 || d->member[r].out < d->member[best].out))
            best = r;
    return best < 0 ? -1 : give(d, d->order[i], *rank = best);
}

/* Asked when the speeds are known: does the work go round so often that the last places to get free even it out? */
static bool takes_turns(const struct dealer *d)
{
    double places = 0, least = INFINITY, most = 0;
    for (int r = 0; r < d->n_ranks; r++) {
        const struct member *m = &d->member[r];
        if (!takes(m))
            continue;
        places += m->batch;
        least = fmin(least, m->speed);
        most = fmax(most, m->speed);
    }
    return d->n_items - d->n_dealt >= rounds * places && most < same_speed * least;
}

int dealer_next(struct dealer *d, int *rank)
{
    if (d->n_dealt == d->n_items)
        return -1;
    if (!d->known || !anybody(d, false))
        return -1;
    if (d->planned < 0 && (d->in_turn = d->in_turn || takes_turns(d)))
        d->planned = d->n_done;
    if (d->in_turn)
        return next_in_turn(d, rank);
    if (d->planned < 0)
        plan(d);
    int item = next_by_plan(d, rank);
    /* What waits is for ranks that are full, and one has nothing to do: it was faster than the plan. */
    if (item < 0 && d->planned != d->n_done && anybody(d, true)) {
        plan(d);
        item = next_by_plan(d, rank);
    }
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
    return d->n_dealt - d->n_done;
}
