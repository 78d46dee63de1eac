/* dealer.c - who gets which item of work. */
#include "dealer.h"

#include "mtbench/mem.h"
#include "spread.h"

#include <math.h>
#include <stdlib.h>

enum { OWNER_NONE = -1, OWNER_DONE = -2 };
enum { LOOK = 4, ALONE = 2, MOST_LOOKS = 32 };           /* looks that tell a rank's speed; steps with one item in hand; looks that count */
static const double longest_trial = 1.0 / 4;  /* of the items; or */
static const double slowest = 4;          /* times as long as the fastest needed: then the others are taken for as fast as they seem */
static const double most_width = 500;    /* more means nothing: steps are all that counts then */
static const double same_speed = 1.05;    /* ranks that differ by less were measured badly */
static const double rest_of = 0.3;        /* of an item's cost is still to come, at least, if it is not done */
static const double plan_again = 1.0 / 16;    /* of the items were done since the plan */
static const double rounds = 2;           /* fillings of all batches, from which on equal ranks take turns */

struct taken { double seconds, steps, rows; };           /* between two words of a rank */

struct member {
    int limit, batch;                     /* items it could have had since the start, and at once */
    int n_given, n_out;                   /* items that it was given; has in hand */
    double speed;                         /* that it is taken for */
    double out;                           /* cost of what it has in hand */
    double steps;                         /* so far: how old the items in hand are */
    struct { double steps, rows, at; } told;                 /* the last time; steps 0: nothing yet */
    struct fit { double ss, sr, rr, s, r; } fit;             /* sums for the least squares of seconds = step * steps + row * rows */
    struct taken look[MOST_LOOKS];        /* that its speed is told by */
    int n_looks;
    double watched;                       /* steps of those */
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
    bool in_turn;                         /* no plan: whoever has a free place gets the longest */
    double begun_at, deadline, now;       /* of the trial; deadline 0: nobody was measured yet */
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

/* Of the ranks of a node one is measured: they are alike. NULL: none is. */
static struct member *watched(const struct dealer *d, int node)
{
    for (int r = 0; r < d->n_ranks; r++)
        if (takes(&d->member[r]) && d->member[r].node == node && d->member[r].n_given > 0)
            return &d->member[r];
    return NULL;
}

/* Steps that differ in their rows, as those that read prompts do, show how much a step costs beside a row. -1: they did not differ. */
static double width_of(const struct fit *f)
{
    const double det = f->ss * f->rr - f->sr * f->sr, step = f->s * f->rr - f->r * f->sr, row = f->r * f->ss - f->s * f->sr;
    if (det <= 1e-6 * f->ss * f->rr)
        return -1;
    return row > 0 ? fmin(fmax(0, step / row), most_width) : most_width;
}

static int by_size(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* The middle one of what the ranks have shown. */
static void take_width(struct dealer *d)
{
    double *width = xcalloc((size_t)d->n_ranks, sizeof *width);
    int n = 0;
    for (int r = 0; r < d->n_ranks; r++)
        if ((width[n] = width_of(&d->member[r].fit)) >= 0)
            n++;
    qsort(width, (size_t)n, sizeof *width, by_size);
    if (n > 0)
        d->width = width[n / 2];
    free(width);
}

/* In rows, steps counted as 'width' of them, a second; 0: not measured. The middle one of its looks: a step that something else held up
 * says nothing about the others, and all work is dealt by this. */
static double seen(const struct dealer *d, int node)
{
    const struct member *m = watched(d, node);
    double speed[MOST_LOOKS];
    const int n = m ? m->n_looks : 0;
    for (int i = 0; i < n; i++)
        speed[i] = (m->look[i].rows + d->width * m->look[i].steps) / m->look[i].seconds;
    qsort(speed, (size_t)n, sizeof *speed, by_size);
    return n > 0 ? (speed[(n - 1) / 2] + speed[n / 2]) / 2 : 0;
}

/* Once all nodes were measured, or enough is done that the others should have been. Nearly equal ones are equal. */
static void take_speeds(struct dealer *d)
{
    double most = 0;
    bool waiting = false;
    for (int r = 0; r < d->n_ranks && !waiting; r++) {
        const struct member *m = &d->member[r], *w = watched(d, m->node);
        waiting = (takes(m) && !(w && w->n_looks >= LOOK));
    }
    if (waiting && d->n_done < longest_trial * d->n_items && !(d->deadline > 0 && d->now > d->deadline))
        return;
    take_width(d);
    for (int r = 0; r < d->n_ranks; r++)
        most = fmax(most, seen(d, d->member[r].node));
    for (int r = 0; r < d->n_ranks; r++) {
        const double speed = seen(d, d->member[r].node);
        d->member[r].speed = speed > 0 && speed * same_speed < most ? speed / most : 1;
    }
    d->known = true;
    d->planned = -1;
}

void dealer_made(struct dealer *d, int rank, double steps, double rows, double now)
{
    struct member *m = &d->member[rank];
    const double n = steps - m->told.steps, k = rows - m->told.rows, t = now - m->told.at;
    d->begun_at = d->begun_at > 0 ? d->begun_at : now;
    d->now = fmax(d->now, now);
    m->steps = fmax(m->steps, steps);
    if (d->known || m->n_out == 0 || n <= 0)
        return;
    if (m->told.steps > 0 && t > 0) {     /* what is used for the first time takes longer */
        m->fit.ss += n / t * n / t;
        m->fit.sr += n / t * k / t;
        m->fit.rr += k / t * k / t;
        m->fit.s += n / t;
        m->fit.r += k / t;
        if (m->n_looks < MOST_LOOKS)
            m->look[m->n_looks++] = (struct taken){ t, n, k };
        m->watched += n;
    }
    m->told.steps = steps;
    m->told.rows = rows;
    m->told.at = now;
    if (m->n_looks >= LOOK && d->deadline <= 0)
        d->deadline = now + (slowest - 1) * (now - d->begun_at);
    if (d->deadline > 0)
        take_speeds(d);
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
    if (!d->known)
        take_speeds(d);
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

/* On one rank of a node, the shortest first: they tell the same about it, and matter least where they are. A second one comes when the
 * first has made some steps, so that its prompt is rows in steps that are known without. */
static int next_to_try(struct dealer *d, int *rank)
{
    int item = d->n_items - 1;
    while (item >= 0 && d->owner[d->order[item]] != OWNER_NONE)
        item--;
    for (int r = 0; r < d->n_ranks && item >= 0; r++) {
        const struct member *m = &d->member[r], *w = watched(d, m->node);
        if (may_have(m) && (m->n_out == 0 || (m->n_out == 1 && m->watched >= ALONE)) && (!w || w == m))
            return give(d, d->order[item], *rank = r);
    }
    return -1;
}

/* With one rank, or an item for each, there is nothing to find out. */
static bool needs_trial(const struct dealer *d)
{
    int n = 0;
    for (int r = 0; r < d->n_ranks; r++)
        n += takes(&d->member[r]);
    return n > 1 && d->n_items > n;
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
    d->known = d->known || (d->n_dealt == 0 && !needs_trial(d));
    if (!d->known)
        return next_to_try(d, rank);
    if (!anybody(d, false))
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
