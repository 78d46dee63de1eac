/* pace.c - how many calls at once, and when again. */
#include "pace.h"

#include "mtbench/rng.h"

#include <math.h>

static const double longest_backoff = 60; /* seconds; a server that wants more says so */

void pace_init(struct pace *p, int max, double first, uint64_t seed)
{
    *p = (struct pace){ .max = max, .limit = max, .hold = -INFINITY, .cut_at = -INFINITY, .first = first, .seed = seed };
}

int pace_room(const struct pace *p, double now, int in_flight)
{
    int n = (int)p->limit - in_flight;
    return now < p->hold || n < 0 ? 0 : n;
}

void pace_success(struct pace *p)
{
    p->complaints = 0;
    /* Up by an eighth per round of successes, down by half per complaint: it settles just below what the account may
     * do. */
    p->limit += fmax(1, p->limit / 8) / p->limit;
    if (p->limit > p->max)
        p->limit = p->max;
}

/* Jitter from a counter, not from the clock or a global: the same seed waits the same, and tests can tell. */
static double draw(struct pace *p)
{
    const uint32_t key[2] = { (uint32_t)p->seed, (uint32_t)(p->seed >> 32) }, counter[4] = { p->draws++, 0, 0, 0x70616365 };
    uint32_t out[4];
    philox4x32(key, counter, out);
    return uniform24(out[0]);
}

double pace_backoff(struct pace *p, int tries)
{
    double wait = p->first * exp2(fmin(tries - 1, 30)); /* 30: exp2() must stay finite */
    return fmin(wait, longest_backoff) * (0.5 + 0.5 * draw(p));
}

double pace_complaint(struct pace *p, double started, double now, double told)
{
    /* Of forty calls in flight forty are refused at once: they are one complaint. Only a call that started after the
     * cut tells anything new. */
    if (started >= p->cut_at) {
        p->limit = fmax(1, p->limit / 2);
        p->cut_at = now;
        p->complaints++;
    }
    /* Never earlier than told, and not all at once. */
    double wait = told >= 0 ? told + fmin(1, 0.1 * told + p->first) * draw(p) : pace_backoff(p, p->complaints > 0 ? p->complaints : 1);
    if (now + wait > p->hold)
        p->hold = now + wait;
    return now + wait;
}
