/* ring.h - chunks of a job's files in memory that the ranks of a node see: threads of all these ranks fill it, the takers among the ranks
 * empty it (room: job).
 * A node reads the chunks that fall to it ahead of need: ascending, each once. One that is asked for when it has gone is read again.
 * Takers ask for the same chunks in the same order, each at its own pace: a chunk stays until the last of them has handed it back, and when
 * no place is free the reading waits. With several nodes their leaders exchange the chunks, in the order of asking. */
#ifndef MTB_RING_H
#define MTB_RING_H

#include "grid.h"

enum { RING_SLOTS = 12, RING_READS = 4 };      /* chunks of STAGE_CHUNK bytes at most; reads of a node's file system at a time */

/* By weight: a failure must not be taken for a stop. UNLIKE: leaders who ask for different chunks. */
enum ring_word { RING_GOOD, RING_STOP, RING_FAILED, RING_UNLIKE };

struct ring_opts {
    struct grid *grid;
    unsigned char *const *skip;           /* (n_chunks) not NULL: in memory already, neither read nor asked for */
    int node, n_nodes;                    /* chunks c with c % n_nodes == node are read on this node */
    int rank, n_ranks;                    /* of this node; rank 0 leads it */
    bool everyone;                        /* all ranks take, else rank 0 alone */
    int n_slots;                          /* 3 to RING_SLOTS */
    int n_threads;                        /* of this rank, that read and hash; with none on the whole node, takers read what they ask for */
    const int *cpu;                       /* (n_cpus) where these threads may run; NULL: where the caller may */
    int n_cpus;
    void *ctx;                            /* of: */
    bool (*stopped)(void *ctx);           /* was the job told to stop? Asked by takers, and by all in ring_end(). NULL: never */
    /* On leaders of several nodes, which all make the same calls in the same order: */
    /* The worst word of any; UNLIKE if all are good, but the chunks differ. */
    enum ring_word (*hear)(void *ctx, enum ring_word mine, long chunk);
    /* A chunk from the node that has it to all. */
    void (*spread)(void *ctx, int owner, unsigned char *data, size_t n);
};

struct ring;

/* Threads that fill and slots for a rank of n_ranks on a node that has n_cores in all. Pure. */
int ring_threads(int rank, int n_ranks, int n_cores);
int ring_slots(int n_threads_of_node);

/* The memory that the ranks of the node share: this many bytes, zeroed, aligned to pages. One rank lays it out, before any other joins. */
size_t ring_bytes(int n_slots, int n_ranks);
void ring_lay_out(void *memory, const struct ring_opts *o);
/* Local: start this rank's threads; one that cannot be started is done without. 'o' is copied. */
struct ring *ring_join(void *memory, const struct ring_opts *o);
/* The chunk; *data is valid until this rank's next call. -1: as ring_end() says, this rank and all others come to their end. */
int ring_take(struct ring *r, long chunk, const unsigned char **data, struct err *err);
/* Collective over the ranks of the node, takers or not; of all nodes, where there are several. 'rc': what came of it here. A rank that
 * fails for a reason of its own thereby tells the others, whose takes (or this call) end. When all went well the rest of the chunks is read
 * (and hashed) first. Returns -1 where *err is worth telling, 0 where all is well or another rank has the message. */
int ring_end(struct ring *r, int rc);
/* Local, after ring_end(). The memory may go when all ranks have been here. */
void ring_leave(struct ring *r);

#endif
