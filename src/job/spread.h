/* spread.h - which rank should have which item, so that the last one ends early (room: job). Pure.
 * A rank with items takes   their cost together + width * max(the largest of them, their cost together / batch),   over its speed: each
 * costs its rows, and what a step costs by itself is paid as often as the longest has steps. So long ones belong together, on few ranks,
 * as far as these do not become the last ones for it; with a width of 0 it is the packing of bins. */
#ifndef MTB_SPREAD_H
#define MTB_SPREAD_H

#include <stdbool.h>

struct spread_rank {
    double speed;                        /* above 0, of any unit */
    double load, longest;                /* cost of what it has already, and the largest of it */
    int batch;                           /* items side by side; 0: it takes none */
};

/* cost[i] (n, falling): home[i] gets a rank. No rank takes any: all -1. */
void spread(const double *cost, int n, const struct spread_rank *rank, int n_ranks, double width, int *home);

#endif
