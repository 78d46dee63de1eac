/* clock.h - time, for durations and for stamps; never part of an answer (room: base). */
#ifndef MTB_CLOCK_H
#define MTB_CLOCK_H

/* Seconds of a monotonic clock. */
double clock_now(void);
/* Seconds since the epoch. */
double clock_unix(void);

#endif
