/* ring_priv.h - the state that ranks of a node share in a ring, for its takers (ring.c) and the threads that fill it (reader.c). */
#ifndef MTB_RING_PRIV_H
#define MTB_RING_PRIV_H

#include "mtbench/stage.h"
#include "ring.h"

enum { RING_SPARE = 2 };                  /* slots that reading ahead leaves free */

enum slot_state { SLOT_FREE, SLOT_READING, SLOT_READ, SLOT_COMING, SLOT_ISSUED };

struct slot {
    enum slot_state state;
    int reader;                           /* READING: the rank whose thread does it */
    int rc;                               /* READ: what came of it, and why */
    long chunk;
    uint64_t turn;                        /* ISSUED: it is the chunk that takers asked for at this turn */
    struct err err;
};

struct member {                           /* a rank of the node */
    enum ring_word said;
    bool takes, ended;
    uint64_t taken, back;                 /* turns taken, and handed back */
};

struct common {
    pthread_mutex_t lock;
    pthread_cond_t work, news, end;       /* for threads that read, for takers (and the leader), for ranks that only wait */
    int n_readers, n_reading;             /* threads of the node; of them, in a read */
    long frontier;                        /* the lowest chunk of this node that no thread has begun to read */
    long wanted;                          /* one below it, that is asked for again; -1 */
    uint64_t turn;                        /* chunks issued so far */
    bool agreed, draining;                /* no leader has anything more to say; nobody takes any more */
    bool closed;
    bool elsewhere;                       /* closed by another rank, which has the message */
    struct err cause;                     /* why it was closed; kind ERR_NONE: all went well */
    struct slot slot[RING_SLOTS];
    struct member member[];               /* (n_ranks) */
};

struct ring {
    struct ring_opts o;
    struct common *common;
    struct member *me;
    unsigned char *data;                  /* (n_slots) chunks, behind the common state */
    long said;                            /* the chunk that this rank says it is reading; -1: it does not */
    bool elsewhere;                       /* this rank was told of another's failure, and that alone is why it failed */
    bool cancelled;                       /* its last take ended because it was told to stop: no failure of its own */
    int n_threads;
    pthread_t thread[];
};

static inline unsigned char *ring_data(const struct ring *r, const struct slot *s)
{
    return r->data + (size_t)(s - r->common->slot) * STAGE_CHUNK;
}

/* A slot in that state; NULL: there is none. */
static inline struct slot *ring_slot_in(const struct ring *r, enum slot_state state)
{
    for (int i = 0; i < r->o.n_slots; i++)
        if (r->common->slot[i].state == state)
            return &r->common->slot[i];
    return NULL;
}

/* ---- reader.c ---- */

/* The first chunk at or after c that this node reads. */
long reader_first(const struct ring_opts *o, long c);
/* This rank's threads; one that cannot be started is done without. With the lock, which they wait for. */
void reader_start(struct ring *r);
/* Read one chunk, if there is one to be read, here and now. Called, and left, with the lock, which is free meanwhile. */
bool reader_step(struct ring *r);

#endif
