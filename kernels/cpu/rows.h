/* rows.h - rows handed out by ticket: a thread that was held up takes fewer of them. */
#ifndef MTB_ROWS_H
#define MTB_ROWS_H

#include "kernels/cpu/kernels.h"

struct rows {
    int begin, end;
};

static inline int take_ticket(struct share s)
{
    return atomic_fetch_add_explicit(s.ticket, 1, memory_order_relaxed); /* only its value matters; the region's end orders the rest */
}

/* The next 'each' of n rows; false when there are none left. */
static inline bool take_rows(struct rows *r, struct share s, int n, int each)
{
    const long begin = (long)take_ticket(s) * each;                                 /* threads draw past the end once each: no overflow */
    if (begin >= n)
        return false;
    r->begin = (int)begin;
    r->end = n - r->begin < each ? n : r->begin + each;
    return true;
}

#endif
