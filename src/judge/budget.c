/* budget.c - dollars. */
#include "budget.h"

double budget_price(const struct budget *b, int64_t tokens_in, int64_t tokens_out)
{
    /* One price alone gives no sum; -1 is "unknown", which is never shown as $ 0. */
    if (b->price_in < 0 || b->price_out < 0)
        return -1;
    return ((double)tokens_in * b->price_in + (double)tokens_out * b->price_out) / 1e6;
}

bool budget_reserve(struct budget *b, double worst)
{
    struct purse *p = b->purse;
    /* Without a price nothing can be held to a limit; caller_create() has refused that combination. */
    if (worst < 0 || !p)
        return true;
    /* Calls in flight count at their worst: the limit holds even if all of them come back as long as they may. */
    if (p->max > 0 && p->spent + p->reserved + worst > p->max)
        return false;
    p->reserved += worst;
    return true;
}

void budget_settle(struct budget *b, double worst, double cost)
{
    if (!b->purse)
        return;
    b->purse->reserved -= worst > 0 ? worst : 0; /* exactly what budget_reserve() set aside */
    b->purse->spent += cost > 0 ? cost : 0; /* an unknown cost (-1) must not give money back */
}
