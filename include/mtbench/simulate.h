/* simulate.h - a run on paper: conversations dealt by the dealer's own code to ranks that only count (room: job). Pure.
 *
 * What a rank costs. Up to max_batch conversations run side by side and each makes a token a step. A step of k conversations takes
 *     step + k * row + (tokens that they look back at) * context      seconds, over the rank's speed,
 * and a prompt of p tokens holds its rank up for p * row, as rows of steps that all share. The next turn of a conversation begins at once,
 * its earlier turns in the cache. Messages take no time: they travel between steps, of which a run has thousands.
 *
 * No order of work ends before the bound, the largest of:
 *   work/R: all rows, and what they look back at, in steps that are as full as max_batch lets them be, over the speeds of all ranks;
 *   the longest conversation alone on the fastest rank;
 *   the same for all conversations of at least L tokens together: each of the m ranks that have one takes L steps or more (any L; the m
 *   that is best).
 * With steps that cost nothing by themselves that is max(work / R, longest conversation). */
#ifndef MTB_SIMULATE_H
#define MTB_SIMULATE_H

struct simulate_turn { double prompt, tokens; };         /* rows to read that no earlier turn has left in the cache; tokens to make */

struct simulate_item {                   /* a conversation */
    int n_turns;
    const struct simulate_turn *turn;    /* (n_turns) as they will turn out */
    double cost, steps;                  /* as the dealer gets them (deal.h), and it sees nothing else; steps 0: as many as cost */
};

struct simulate_cost { double step, row, context; };     /* seconds, each at least 0, not all 0 */

struct simulate_opts {
    int n_items, n_ranks, max_batch;
    const struct simulate_item *item;    /* (n_items) */
    const double *speed;                 /* (n_ranks) NULL: all 1 */
    const int *node;                     /* (n_ranks) as in deal.h; NULL: each rank is a node */
    struct simulate_cost cost;
};

struct simulate_rank { double busy, tokens; int items; };                /* busy: seconds with work in hand */

struct simulate_result { double makespan, bound, tokens; };

/* rank[r] (n_ranks) gets what each did; NULL: not asked. */
struct simulate_result simulate(const struct simulate_opts *o, struct simulate_rank *rank);

#endif
