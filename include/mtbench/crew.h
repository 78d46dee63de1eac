/* crew.h - the ranks of a job at work: conversations dealt by rank 0, answered by all, finished turns handed in to rank 0 (room: campaign).
 * What every verb that answers with this job's engines goes through; what the turns are for, its user knows. */
#ifndef MTB_CREW_H
#define MTB_CREW_H

#include "mtbench/deal.h"
#include "mtbench/energy.h"
#include "mtbench/feed.h"
#include "mtbench/rig.h"

struct crew;

struct crew_item {                       /* a conversation, and how far it was carried before */
    int q, choice, n_done;               /* place in the questions, number of the answer, turns that are there */
    char **text;                         /* (n_done) their answers */
};

/* Rank 0 adds one more; its texts are copied. */
void crew_add(struct crew_item **item, int *n_items, int q, int choice, int n_done, const char *const *text);
/* Collective: all ranks get rank 0's. Whichever one the dealer gives a rank, the texts of its earlier turns are there. */
void crew_share(struct job *job, struct crew_item **item, int *n_items);
void crew_items_free(struct crew_item *item, int n_items);

struct crew_opts {
    struct job *job;
    struct rig *rig;                     /* started */
    const char *bench_name;              /* names the random streams, with the weights and the seed */
    const struct question *question;     /* what items index into */
    const struct crew_item *item;        /* (n_items) alike on all ranks */
    int n_items;
    bool one_turn;                       /* of an item its next turn only; else all that are left. No two items have one turn in common */
    const double *cost, *steps;          /* (n_items) rows and steps that are expected, as in deal.h; rank 0 */
    struct sampling sampling;            /* sampler_common() */
    long max_new_token, max_batch;       /* per turn; conversations at a time on a rank */
    uint64_t seed;
    struct energy *energy;               /* whose joules the turns share; NULL: not asked */
    void *ctx;
    /* Every rank: what rank 0 is to get of a finished or failed turn of an item, into an empty buffer; 'feed' has just given 't'. */
    void (*put)(void *ctx, int item, const struct turn_record *t, const struct feed *feed, struct buf *out);
    /* Rank 0, once a round and once at the end: take what has come (deal_receive()). -1: err, and all ranks leave. */
    int (*round)(void *ctx, struct crew *c, struct err *err);
    /* Rank 0 after each of its own steps: seconds since the last one ended, and the engine then and now. May be NULL. */
    void (*stepped)(void *ctx, double seconds, const struct engine_stats *then, const struct engine_stats *now);
};

/* Collective: until every item is done or the job is told to stop. -1 everywhere if one rank failed; what was finished has
 * come to rank 0 all the same. */
int crew_work(const struct crew_opts *o, struct err *err);

struct deal *crew_deal(struct crew *c);
/* The item that a turn is of. */
int crew_find(const struct crew *c, const struct turn_record *t);

#endif
