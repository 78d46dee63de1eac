/* spread.h - which rank should have which item, so that the last one ends early (room: job). Pure.
 * A rank with items takes   their rows together + width * max(most steps of one of them, their steps together / batch),   over its speed:
 * each costs its rows, and what a step costs by itself is paid as often as the longest has steps. So long ones belong together, on few
 * ranks, as far as these do not become the last ones for it; with a width of 0 it is the packing of bins. */
#ifndef MTB_SPREAD_H
#define MTB_SPREAD_H

#include <stdbool.h>

struct spread_item { double rows, steps; };              /* rows of prompts too; each answer's token is one row of one step */

struct spread_rank {
    double speed;                        /* above 0, of any unit */
    double rows, steps, longest;         /* of what it has already: together, and the most steps of one */
    int batch;                           /* items side by side; 0: it takes none */
};

/* item[i] (n, most rows first): home[i] gets a rank. No rank takes any: all -1. */
void spread(const struct spread_item *item, int n, const struct spread_rank *rank, int n_ranks, double width, int *home);

#endif
