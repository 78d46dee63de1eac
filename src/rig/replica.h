/* replica.h - this rank's part of a replica: shares of the model, backends, packed weights, the team (private to rig).
 * Collectives are over the job, where there is one. */
#ifndef MTB_REPLICA_H
#define MTB_REPLICA_H

#include "mtbench/executor.h"
#include "mtbench/job.h"
#include "mtbench/layout.h"
#include "mtbench/placement.h"
#include "mtbench/stage.h"
#include "mtbench/team.h"

struct replica {
    int size;                             /* members */
    int first, n;                         /* those of this rank */
    const void *group;                    /* MPI communicator of members that are ranks; NULL: all are here */
    const struct executor *executor;
    const int *device;                    /* (n) of the members here */
    struct model *share[COMM_MAX];        /* (size) of every member, [first] is the one that was opened from the files */
    struct backend *be[COMM_MAX];         /* (n) */
    struct shared *shared;                /* packed weights of all shares, one copy for a node; or */
    void *own[COMM_MAX];                  /* (n) each member's */
    struct team *team;
};

/* What a rank may compute on. */
struct replica_cores {
    int threads;                          /* for all its members; 0: one per core */
    const int *cpu;                       /* (threads) NULL: not pinned */
    bool crowded;
};

/* Who is asked while a step runs, and how long members wait for each other. */
struct replica_calls {
    bool (*interrupted)(void *ctx);       /* in the layers of a step; NULL: never */
    void (*waiting)(void *ctx);           /* as struct comm_opts has it */
    void *ctx;
    double patience;
};

/* The shares beside the one that is open, and the devices of the members here. -1: err (usage): the executor cannot be spread. */
int replica_open(struct replica *p, const struct executor *x, struct model *opened, const struct placement *place, const void *group,
                 struct err *err);
/* Each member's. -1: err. */
int replica_open_backends(struct replica *p, const struct replica_cores *cores, struct err *err);
/* After all ranks have opened theirs. Collective over the members. -1: err. */
int replica_create_team(struct replica *p, const struct replica_cores *cores, const struct replica_calls *calls, struct err *err);

/* Bytes of packed weights of the member that has most. */
uint64_t replica_largest(const struct replica *p);
/* Bytes of packed weights that the ranks of a node take, 'local' of them; and of scratch, this rank's. */
uint64_t replica_weights(const struct replica *p, int local);
uint64_t replica_scratch(const struct replica *p);
int replica_threads(const struct replica *p);
/* What is left of the memory that this rank's members take from: the node's, or their devices'. */
uint64_t replica_memory(const struct replica *p);

/* Memory for the packed weights, attached. Collective. */
int replica_attach(struct replica *p, struct job *job, struct err *err);
/* Does this rank read and pack? Its node's leader does for all where the node shares them. */
bool replica_packs(const struct replica *p, const struct job *job);
int replica_load(struct replica *p, const struct source *s, struct err *err);
/* All but the share that was opened from the files. Collective. */
void replica_close(struct replica *p);

#endif
