/* price_list.h - what a model's tokens cost: the flags, else the price file of the data folder (room: judge). */
#ifndef MTB_PRICE_LIST_H
#define MTB_PRICE_LIST_H

#include "mtbench/price.h"

#include <stdbool.h>

struct price_flags {
    const char *data_dir, *model;
    double in, out, max_cost;            /* --price-in, --price-out, --max-cost */
    bool given_in, given_out;
};

/* Dollars per million tokens, -1 unknown. -1: err (a broken DATA/prices.txt; --max-cost without prices). */
int price_by_flags(const struct price_flags *f, struct price *p, struct err *err);

#endif
