/* placement.h - what runs where: the model that each rank works on, its part in it, and the devices that it drives (room: job). Pure.
 * A model lies on T devices (--num-gpus-per-model), its members, on one node. Either a rank drives all T, or it drives one and T ranks of a
 * node, in their order, are one replica of the model. Devices are GPUs; on the CPU they are parts of a rank's cores, or ranks. */
#ifndef MTB_PLACEMENT_H
#define MTB_PLACEMENT_H

#include "mtbench/err.h"

#include <stdbool.h>

enum { PLACEMENT_MEMBERS = 8, PLACEMENT_ID = 64, PLACEMENT_SEEN = 32 };

/* What one rank sees. */
struct placement_rank {
    int node;                            /* any number, the same for the ranks of a node */
    const char *host;                    /* its name, for messages */
    int n_devices;                       /* GPUs that this process may use, at most PLACEMENT_SEEN; 0 on the CPU */
    const char (*id)[PLACEMENT_ID];      /* (n_devices) a name for each that no other card or MIG slice of the node has; "": unknown */
};

struct placement_job {
    long per_model;                      /* --num-gpus-per-model */
    long total;                          /* --num-gpus-total; 0: not given, as many as the ranks can drive */
    bool gpu;
    int most;                            /* members of a model that the executor can have; 0: PLACEMENT_MEMBERS */
    const char *launch;                  /* that started the ranks, as job_launcher() has it; for advice */
    int n_ranks;
    const struct placement_rank *rank;   /* (n_ranks) */
};

struct placement {
    int replica, n_replicas;             /* numbered by the rank of their first member; rank 0 has member 0 of replica 0 */
    int size;                            /* members of a replica */
    int first, n;                        /* this rank drives members first .. first + n - 1; n is size, or 1 */
    int device[PLACEMENT_MEMBERS];       /* (n) as this rank numbers its devices; all 0 on the CPU */
};

/* What the two flags say by themselves: 1, 2, 4 or 8 devices for a model, and of all of them ('given': there is a word about them) a
 * multiple of that. -1: err (usage). */
int placement_flags(long per_model, bool given, long total, struct err *err);
/* out[r] of every rank. -1: err (usage, or device where it is the GPUs that do not suffice), one line of advice. */
int placement_decide(const struct placement_job *j, struct placement *out, struct err *err);

/* "4 ranks on 1 node, 2 of them a model", for people. Returns text. */
const char *placement_words(const struct placement *p, int n_ranks, int n_nodes, char text[128]);

/* Rank that is member 0 of its replica: it has the engine, others follow. */
static inline bool placement_leads(const struct placement *p)
{
    return p->first == 0;
}

#endif
