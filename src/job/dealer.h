/* dealer.h - who gets which item of work (room: job). Pure: no messages, no clock.
 * Nothing goes out before all ranks have told their pace: how long a step takes by itself, and a row in it. Then everything is planned
 * (spread.h) by the expected costs, and goes out at once, longest first: what was kept back would begin late, in steps that cost as much
 * for few as for many. What does not fit a rank's batch waits, and is planned again as items end. But where equal ranks fill their batches
 * more than twice, nothing is planned: each place that gets free has the longest that waits, which needs no lengths to end evenly. */
#ifndef MTB_DEALER_H
#define MTB_DEALER_H

#include <stdbool.h>

struct dealer;

struct dealer_opts {
    int n_items, n_ranks;
    const double *cost;                  /* (n_items) expected rows, those of prompts too, copied; NULL: all equal */
    const double *steps;                 /* (n_items) steps that it may take, copied, see deal.h; NULL: 'cost' */
    const int *node;                     /* (n_ranks) ranks of one node are equally fast; NULL: each may be unlike any other */
    double width;                        /* a step costs by itself as much as so many of its rows; what is measured goes before */
    bool paced;                          /* each rank that takes items will tell its pace */
};
/* Never NULL. */
struct dealer *dealer_create(const struct dealer_opts *o);
void dealer_destroy(struct dealer *d);

/* How many items this rank could have been given since the start, in all. */
void dealer_limit(struct dealer *d, int rank, int limit);
/* Seconds of a step of this rank by itself, and of each row in it. Both 0: it could not be measured. */
void dealer_pace(struct dealer *d, int rank, double step, double row);
/* The rank had taken so many steps since the start. */
void dealer_made(struct dealer *d, int rank, double steps);
/* The item was finished by the rank that had it; anything else is ignored. */
void dealer_done(struct dealer *d, int rank, int item);
/* This rank gets no more; what it has in hand goes to others. */
void dealer_leave(struct dealer *d, int rank);
/* An item, and the rank that is to have it; -1 when nobody should get anything now. */
int dealer_next(struct dealer *d, int *rank);

/* Everything is done, or everybody has left. */
bool dealer_is_over(const struct dealer *d);
int dealer_n_done(const struct dealer *d);
int dealer_n_out(const struct dealer *d);

#endif
