/* pace.h - how many calls at once, and when again: what an endpoint bears. Pure state; the caller tells the time. */
#ifndef MTB_PACE_H
#define MTB_PACE_H

#include <stdint.h>

struct pace {
    int max;                             /* the user's --parallel */
    double limit;                        /* at once, now: halved when the endpoint complains, raised by an eighth per round of successes */
    double hold;                         /* no call starts before this */
    double cut_at;                       /* when the limit was halved last */
    double first;                        /* seconds of the first backoff */
    int complaints;                      /* without a success between them */
    uint64_t seed;
    uint32_t draws;
};

void pace_init(struct pace *p, int max, double first, uint64_t seed);
/* How many more may start now, with this many in flight. */
int pace_room(const struct pace *p, double now, int in_flight);
/* A call was answered. */
void pace_success(struct pace *p);
/* The endpoint complained about a call that was started then; it asked to wait 'told' seconds, or did not say (-1). One burst counts once:
 * what was in flight before the last halving does not halve again. Returns when this call may start again. */
double pace_complaint(struct pace *p, double started, double now, double told);
/* Seconds before try 'tries' + 1 of a call: first * 2^(tries - 1), at most 60, between half and all of that. */
double pace_backoff(struct pace *p, int tries);

#endif
