/* watchdog.h - names the rank that stands still, and what it is at (private to job). Each process has a thread that looks at all ranks of
 * its node, so that one that is stopped is named by another; each standstill is told once, and again when it has lasted twice as long. */
#ifndef MTB_WATCHDOG_H
#define MTB_WATCHDOG_H

#include "mtbench/watch.h"

struct watchdog_opts {
    struct watch_post *post;             /* (n) of the ranks of this node */
    int n;
    const char *host;
    bool leads;                          /* rank 0 of the job: it tells of waits for ranks of other nodes, too */
    double after;                        /* seconds of a standstill that are told; 0: none is */
    double ends;                         /* seconds after which the job is ended; 0: never */
    void (*end)(const struct watchdog_opts *o, const struct watch_seen *s);      /* does that, from a thread that must not call MPI */
};

struct watchdog;

/* From the environment: MTBENCH_WATCHDOG (120), MTBENCH_WATCHDOG_END (-1: not set). What is no number of seconds counts as not set, and is
 * said in 'wrong'. */
void watchdog_settings(const char *(*env)(const char *name), double *after, double *ends, char wrong[200]);
/* 'o' is copied. NULL: there is nothing to look at, or no thread to do it. */
struct watchdog *watchdog_start(const struct watchdog_opts *o);
void watchdog_stop(struct watchdog *w);

/* The pure core: what is to be told of one place after a look. TOLD: it stands still for so long; AGAIN: it moves again, after 'was'
 * seconds. */
enum watchdog_word { WATCHDOG_NOTHING, WATCHDOG_TOLD, WATCHDOG_AGAIN };
/* 'told': how long it must last to be told next (0: 'after'); is moved on. */
enum watchdog_word watchdog_judge(const struct watchdog_opts *o, const struct watch_seen *s, int64_t *told_ms);

#endif
