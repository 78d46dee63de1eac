/* deal.h - items of work from rank 0 to the ranks that ask, records of finished work back to rank 0 (room: job).
 * Never blocks: rank 0 computes like the others and passes messages on between its steps. On every rank:
 *
 *     while ((state = deal_poll(d)) != DEAL_OVER) {
 *         if (state == DEAL_STOPPING && !left) { ...cancel, deal_send() what is finished...; deal_leave(d); left = true; }
 *         deal_want(d, free slots);
 *         while ((item = deal_next(d)) >= 0) ...start it...
 *         while (deal_receive(d, &data, &n, &from)) ...rank 0: write it...
 *         if (nothing to compute) deal_idle(d); else ...one step; deal_send(record) as turns end, deal_done(item) as items end...
 *     }
 *     while (deal_receive(d, ...)) ...the last ones...
 *     rc = job_agree(job, rc, err);
 *     deal_destroy(d);
 *
 * A rank that fails inside the loop calls job_fail(job, err) and deal_leave(), and goes on polling until DEAL_OVER.
 * Which rank gets which item depends on time; results must not. */
#ifndef MTB_DEAL_H
#define MTB_DEAL_H

#include "mtbench/job.h"

struct deal;

/* How a rank's pace is measured: so many times a step of one row and a step of PACE_ROWS. */
enum { PACE_TRIES = 2, PACE_ROWS = 8 };

struct deal_opts {
    int n_items;                     /* counts on rank 0 only */
    const double *cost;              /* (n_items) expected rows, of prompts too, rank 0 only, copied; NULL: all equal. Most go first */
    const double *steps;             /* (n_items) steps that it may take: where lengths are guessed, more than are likely; NULL: 'cost' */
    int want;                        /* items that this rank can hold at once */
    bool paced;                      /* each rank that wants items tells its pace, and none is given before (deal_pace()) */
};

enum deal_state {
    DEAL_RUNNING,
    DEAL_STOPPING,                   /* job_poll() says stop or failure: hand in what is finished, then deal_leave() */
    DEAL_OVER                        /* everywhere: every item is done, or every rank has left; all records have reached rank 0 */
};

/* Collective. Never NULL. */
struct deal *deal_create(struct job *job, const struct deal_opts *o);
/* Collective, after DEAL_OVER. */
void deal_destroy(struct deal *d);

/* Move messages, give out items (rank 0). Local, a few microseconds. */
enum deal_state deal_poll(struct deal *d);
/* As deal_poll(), but sleeps when nothing has moved, 0.2 ms at first, up to 10 ms as time passes. For ranks without work. */
enum deal_state deal_idle(struct deal *d);

/* This rank has 'n' free places now; items given to it and not yet taken by deal_next() count against them.
 * Replaces what it said before. */
void deal_want(struct deal *d, int n);
enum { DEAL_NONE = -1 };
/* The next item given to this rank, or DEAL_NONE: ask again later. */
int deal_next(struct deal *d);
/* An item that deal_next() gave is finished; its records were sent before. */
void deal_done(struct deal *d, int item);

/* Once, where 'paced': seconds that a step of this rank takes by itself, and each row in it; both 0: it could not be measured. By these the
 * work is shared out, so no rank gets any before all that want some have told, or have left. */
void deal_pace(struct deal *d, double step, double row);
/* What this rank has made so far (tokens), and the steps of its engine since deal_create(); replaces what it said before. Travels with the
 * messages that it sends anyway, and once a second by itself. */
void deal_tally(struct deal *d, uint64_t n, uint64_t steps);
/* Rank 0: the sum of what all ranks have made, as far as it has heard. */
uint64_t deal_tally_sum(const struct deal *d);

/* A record for rank 0 (also from rank 0 itself); copied. Records of one rank arrive in order. */
void deal_send(struct deal *d, const void *data, size_t n);
/* Rank 0: the next record, valid until the next call of deal_receive(); false when there is none now (always on other ranks). */
bool deal_receive(struct deal *d, const void **data, size_t *n, int *from);

/* This rank takes and sends nothing more. */
void deal_leave(struct deal *d);

/* Rank 0: an item that was given out and that this has not named yet, or DEAL_NONE: no more by now. */
int deal_given(struct deal *d);
/* Rank 0: items finished. */
int deal_n_done(const struct deal *d);

#endif
