/* layout.h - which cores, and how many threads, a rank may use (room: job).
 * Cores of one affinity mask that several ranks of a node share are divided; masks that differ are each rank's own. Never more
 * threads than cores unless --threads says so; a CPU quota of the container counts as fewer cores. */
#ifndef MTB_LAYOUT_H
#define MTB_LAYOUT_H

#include "mtbench/err.h"
#include "mtbench/job.h"

struct layout {
    int n_threads;
    const int *cpu;                  /* (n_threads) where to pin each thread; NULL: do not pin (quota, or too few cores) */
    bool oversubscribed;             /* more threads than cores on this node: wait by yielding, not by spinning */
    int node_cores;                  /* cores that the ranks of this node may use together */
};

/* Collective. 'threads' is --threads, 0 for the default. Undoes the binding that mpirun applies by itself to one or two ranks
 * (a single core each), but no binding that somebody asked for. Release with layout_destroy(). Never NULL. */
struct layout *layout_create(struct job *job, int threads);
void layout_destroy(struct layout *l);

/* The pure core of layout_create(): one node. */
struct layout_cpu { int id, core; };            /* a logical CPU and its core, listed in topological order */
struct layout_node {
    int n_cpus;
    const struct layout_cpu *cpu;               /* (n_cpus) */
    int n_ranks;
    const unsigned char *const *mask;           /* (n_ranks) bit i of mask[r][i / 8]: rank r may run on CPU number i (id, not index) */
    int mask_bytes;
    int quota;                                  /* cores' worth of time that all ranks together may use; 0: no limit */
    int threads;                                /* wanted per rank; 0: default */
};
struct layout_share { int n_threads; bool pinned, oversubscribed; int node_cores; };
/* share[r], and the CPUs of rank r at cpu[r * max_threads]; needs max_threads >= threads and >= n_cpus. */
void layout_divide(const struct layout_node *n, struct layout_share *share, int *cpu, int max_threads);

#endif
