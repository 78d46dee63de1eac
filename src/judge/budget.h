/* budget.h - dollars: what a call may cost at worst, what it did cost, and whether another may start. Pure state. */
#ifndef MTB_BUDGET_H
#define MTB_BUDGET_H

#include "mtbench/caller.h"

#include <stdbool.h>
#include <stdint.h>

struct budget {
    double price_in, price_out;          /* dollars per million tokens; negative: unknown */
    struct purse *purse;                 /* NULL: no limit */
};

/* Dollars of so many tokens; -1: no price known. */
double budget_price(const struct budget *b, int64_t tokens_in, int64_t tokens_out);
/* Set the worst case of a call aside. false: that might pass the limit, with all that is set aside already. */
bool budget_reserve(struct budget *b, double worst);
/* The call ended; what was set aside for it becomes what it cost. */
void budget_settle(struct budget *b, double worst, double cost);

#endif
