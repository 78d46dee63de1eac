/* clock.c - time, for durations and for stamps. */
#include "mtbench/clock.h"

#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clock_now(void)
{
    return read_clock(CLOCK_MONOTONIC);  /* seconds since some start; never goes back when the date is set */
}

double clock_unix(void)
{
    return read_clock(CLOCK_REALTIME);   /* seconds since 1970, for records and people */
}
