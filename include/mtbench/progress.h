/* progress.h - how far the work is, for people on stderr (room: job). One rank shows it.
 * On a terminal one line that redraws, elsewhere a plain line every 30 s. */
#ifndef MTB_PROGRESS_H
#define MTB_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

enum progress_mode { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };
#define PROGRESS_MODES "auto|plain|none"         /* their words, in order */

struct progress_now {
    const char *what;                /* "answers" */
    const char *unit;                /* "turns" */
    long done, total, failed;
    uint64_t tokens;                 /* made since the start, of unfinished turns too */
    double left;                     /* seconds to go (forecast.h); 0 or NAN: nobody knows, and nothing is said */
    double seconds;                  /* since the start */
    double rate;                     /* tokens per second lately; 0: tokens / seconds */
    double dollars;                  /* running cost; 0: none is shown */
    const struct progress_now *also; /* what goes on beside it, on the same line; NULL: nothing */
};

/* "answers 12/160 turns, 412.3 tok/s, 3m20s left, 1 failed; judgments 3/160 judged". Pure; at most 'size' bytes with the NUL, cut if
 * longer. Returns the length. */
size_t progress_format(char *line, size_t size, const struct progress_now *p);

struct progress;
/* 'speaker' is 0 on ranks that say nothing (all but rank 0) and with --quiet. Never NULL. */
struct progress *progress_create(enum progress_mode mode, int speaker);
/* Show it if it is time to (cheap otherwise): call it between steps. 'what', 'unit' and numbers but seconds and rate are the caller's. */
void progress_update(struct progress *p, const struct progress_now *now);
/* The same at a given time, in seconds since progress_create(); never goes back. */
void progress_update_at(struct progress *p, const struct progress_now *now, double t);
/* Remove the redrawn line before something else is printed. */
void progress_clear(struct progress *p);
void progress_destroy(struct progress *p);

#endif
