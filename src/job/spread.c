/* spread.c - the least time in which all fits, and who has what then. */
#include "spread.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double exact = 0.002;        /* of the time */
/* No rank gets much more than its fair share of the work while others have less: expected lengths are wrong, and full ranks could not give.
 * How much more, the least that does not make the end later by more than 'later'. */
static const double excess[] = { 1, 1.2, 1.5, 2, INFINITY };
static const double later = 1.01;

struct place { int rank; double speed; };

struct state {
    const struct spread_item *item;
    int n, n_places;
    const struct spread_rank *rank;
    struct place *place;                  /* (n_places) ranks that take items, the fastest first */
    double width, work, speed;            /* work: rows of all, of what they have too */
    int *todo;                            /* (n) */
};

static int faster(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->speed != y->speed)
        return x->speed < y->speed ? 1 : -1;
    return x->rank - y->rank;
}

static double time_of(const struct state *s, const struct spread_rank *r)
{
    return (r->rows + s->width * fmax(r->longest, r->steps / r->batch)) / r->speed;
}

static struct spread_rank with(struct spread_rank r, const struct spread_item *i)
{
    r.rows += i->rows;
    r.steps += i->steps;
    r.longest = fmax(r.longest, i->steps);
    return r;
}

/* Fill one rank with what is to do, the largest first, and close the gaps in the list. *taken: the rows that it has then. Returns what
 * remains. */
static int fill(const struct state *s, int who, int n_todo, double seconds, double fair, int *home, double *taken)
{
    const struct spread_item smallest = { .rows = s->item[s->todo[n_todo - 1]].rows };
    struct spread_rank r = s->rank[who];
    int kept = 0, i = 0;
    for (; i < n_todo; i++) {
        const struct spread_item *next = &s->item[s->todo[i]];
        const struct spread_rank least = with(r, &smallest), then = with(r, next);
        if (r.rows + smallest.rows / 2 > fair || time_of(s, &least) > seconds)
            break;                        /* nothing fits any more */
        if (r.rows + next->rows / 2 <= fair && time_of(s, &then) <= seconds) {
            r = then;
            if (home)
                home[s->todo[i]] = who;
        } else {
            s->todo[kept++] = s->todo[i];
        }
    }
    memmove(s->todo + kept, s->todo + i, (size_t)(n_todo - i) * sizeof *s->todo);
    kept += n_todo - i;
    *taken = r.rows;
    return kept;
}

/* Does all fit into so many seconds? 'home' is filled as far as it does; may be NULL. */
static bool fits(const struct state *s, double seconds, double more, int *home)
{
    double work = s->work, speed = s->speed;
    int n = s->n;
    for (int i = 0; i < n; i++)
        s->todo[i] = i;
    for (int p = 0; p < s->n_places && n > 0; p++) {
        const int who = s->place[p].rank;
        double taken;
        n = fill(s, who, n, seconds, more * work * s->rank[who].speed / speed, home, &taken);
        work -= taken;
        speed -= s->rank[who].speed;
    }
    return n == 0;
}

static double least(const struct state *s, double more)
{
    double low = s->work / s->speed, high = low;             /* no sooner than all of it, shared */
    while (!fits(s, high, more, NULL) && isfinite(high)) {
        low = high;
        high = high > 0 ? 1.5 * high : 1;
    }
    while (high - low > exact * high) {
        const double middle = (low + high) / 2;
        if (fits(s, middle, more, NULL))
            high = middle;
        else
            low = middle;
    }
    return high;
}

void spread(const struct spread_item *item, int n, const struct spread_rank *rank, int n_ranks, double width, int *home)
{
    struct state s = { .item = item, .n = n, .rank = rank, .width = width };
    enum { MOST = sizeof excess / sizeof *excess };
    memset(home, 0xff, (size_t)n * sizeof *home);
    s.place = xcalloc((size_t)n_ranks + 1, sizeof *s.place);
    s.todo = xcalloc((size_t)n + 1, sizeof *s.todo);
    for (int r = 0; r < n_ranks; r++) {
        if (rank[r].batch <= 0)
            continue;
        s.place[s.n_places++] = (struct place){ r, rank[r].speed };
        s.speed += rank[r].speed;
        s.work += rank[r].rows;
    }
    for (int i = 0; i < n; i++)
        s.work += item[i].rows;
    qsort(s.place, (size_t)s.n_places, sizeof *s.place, faster);
    if (s.n_places > 0 && n > 0) {
        const double best = least(&s, INFINITY);
        double seconds = best;
        int e = 0;
        for (; e < MOST - 1 && (seconds = least(&s, excess[e])) > later * best; e++)
            ;
        fits(&s, e < MOST - 1 ? seconds : best, excess[e], home);
    }
    free(s.todo);
    free(s.place);
}
