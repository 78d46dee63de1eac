/* dealer.h - who gets which item of work (room: job). Pure: no messages, no clock.
 * Each rank gets about 75 % of its fair share at once, longest first, balanced by expected cost; what is left goes, one item for one
 * finished, to whoever turns out to be fast. Ranks with little in hand get more at once: a thin batch wastes the machine. */
#ifndef MTB_DEALER_H
#define MTB_DEALER_H

#include <stdbool.h>

struct dealer;

/* 'cost' (n_items) is copied; NULL: all equal. 'keep': below so many items in hand a rank gets more whatever its share. Never NULL. */
struct dealer *dealer_create(int n_items, const double *cost, int n_ranks, int keep);
void dealer_destroy(struct dealer *d);

/* How many items this rank could have been given since the start, in all. */
void dealer_limit(struct dealer *d, int rank, int limit);
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
