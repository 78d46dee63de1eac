/* layout.c - cores of a node divided among its ranks. The pure part is layout_divide(); the rest asks the system and hwloc,
 * which only the leader of a node does: on large machines hwloc is slow when every rank asks. */
#include "mtbench/layout.h"

#include "job_priv.h"
#include "mtbench/mem.h"

#include <hwloc.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct layout_own {
    struct layout l;                      /* first: what the caller holds */
    int *cpu;
};

/* ---- the division ---- */

static bool may(const unsigned char *mask, int mask_bytes, int cpu)
{
    return cpu / 8 < mask_bytes && (mask[cpu / 8] >> (cpu % 8) & 1); /* a CPU with a number beyond the mask is not ours */
}

struct work {
    const struct layout_node *n;
    int *owner;                           /* (n_cpus) rank that has this CPU's core; -1: nobody */
    int *n_cores;                         /* (n_ranks) cores of each */
};

static bool same_mask(const struct layout_node *n, int a, int b)
{
    return !memcmp(n->mask[a], n->mask[b], (size_t)n->mask_bytes);
}

static bool first_of_core(const struct layout_node *n, int rank, int i)
{
    /* A core counts by the first of its hardware threads that this rank may use: two on one core share its vector units. */
    for (int j = 0; j < i; j++)
        /* Hyper-threads: a core counts once, by the first of its CPUs that the rank may use. */
        if (n->cpu[j].core == n->cpu[i].core && may(n->mask[rank], n->mask_bytes, n->cpu[j].id))
            return false;
    return may(n->mask[rank], n->mask_bytes, n->cpu[i].id);
}

static bool masks_meet(const struct layout_node *n, int a, int b)
{
    for (int i = 0; i < n->mask_bytes; i++)
        if (n->mask[a][i] & n->mask[b][i])
            return true;
    return false;
}

static int cores_of(const struct layout_node *n, int rank)
{
    int cores = 0;
    for (int i = 0; i < n->n_cpus; i++)
        cores += first_of_core(n, rank, i);
    return cores;
}

/* The ranks that share one mask, with nobody else on it: consecutive cores, the first ranks one more if it does not divide.
 * Fewer cores than ranks: nobody owns any. */
static void divide_evenly(struct work *w, const int *rank, int n_ranks)
{
    const struct layout_node *n = w->n;
    int n_cores = cores_of(n, rank[0]), seen = 0;
    for (int i = 0; i < n->n_cpus && n_cores >= n_ranks; i++)
        if (first_of_core(n, rank[0], i)) {
            /* Consecutive ones, since neighbours in hwloc's order share caches and memory. */
            w->owner[i] = rank[(long)seen++ * n_ranks / n_cores];
            w->n_cores[w->owner[i]]++;
        }
}

/* Masks that meet without being equal: each core to the rank that can hope for the fewest. */
static void divide_by_need(struct work *w, const bool *taken)
{
    const struct layout_node *n = w->n;
    int *hope = xcalloc((size_t)n->n_ranks, sizeof *hope);
    for (int r = 0; r < n->n_ranks; r++)
        hope[r] = taken[r] ? 0 : cores_of(n, r);
    for (int i = 0; i < n->n_cpus; i++) {
        int best = -1;
        for (int r = 0; r < n->n_ranks; r++)
            if (!taken[r] && first_of_core(n, r, i)) {
                hope[r]--;               /* one that could have had this core */
                if (best < 0 || hope[r] < hope[best])
                    best = r;
            }
        if (best >= 0) {
            w->owner[i] = best;
            w->n_cores[best]++;
            hope[best]++;
        }
    }
    free(hope);
}

static void divide(struct work *w)
{
    const struct layout_node *n = w->n;
    bool *taken = xcalloc((size_t)n->n_ranks, sizeof *taken);
    int *group = xcalloc((size_t)n->n_ranks, sizeof *group);
    for (int r = 0; r < n->n_ranks; r++) {
        int n_group = 0;
        /* Alone with its equals: no other mask touches this one, so that dividing it takes nothing from anybody. */
        bool apart = !taken[r];
        for (int q = 0; q < n->n_ranks && apart; q++)
            if (same_mask(n, r, q))
                group[n_group++] = q;
            else
                apart = !masks_meet(n, r, q);
        for (int i = 0; i < n_group && apart; i++)
            taken[group[i]] = true;
        if (apart)
            divide_evenly(w, group, n_group);
    }
    divide_by_need(w, taken);
    free(taken);
    free(group);
}

static int count_cores(const struct layout_node *n)
{
    unsigned char *any = xcalloc((size_t)n->mask_bytes, 1);
    const unsigned char *mask = any;
    struct layout_node all = { .n_cpus = n->n_cpus, .cpu = n->cpu, .n_ranks = 1, .mask = &mask, .mask_bytes = n->mask_bytes };
    for (int r = 0; r < n->n_ranks; r++)
        for (int i = 0; i < n->mask_bytes; i++)
            any[i] |= n->mask[r][i];
    int cores = cores_of(&all, 0);
    free(any);
    return cores;
}

/* Threads of one rank and where they go: its cores, or as many threads as were asked for, pinned only if each gets a core. */
static void settle(const struct work *w, int rank, int limit, bool may_pin, struct layout_share *s, int *cpu)
{
    const struct layout_node *n = w->n;
    /* 'limit' is a rank's part of a quota; a rank always has one thread, even where there are more ranks than cores. */
    int have = w->n_cores[rank], fair = limit < have ? limit : have, k = 0;
    /* what was asked for wins, even if it is too much: the user is told so, by 'oversubscribed' */
    s->n_threads = n->threads > 0 ? n->threads : fair > 0 ? fair : 1;
    s->pinned = have > 0 && s->n_threads <= have && may_pin;
    for (int i = 0; i < n->n_cpus && s->pinned && k < s->n_threads; i++)
        if (w->owner[i] == rank)
            cpu[k++] = n->cpu[i].id;
}

void layout_divide(const struct layout_node *n, struct layout_share *share, int *cpu, int max_threads)
{
    /* + 1: no CPUs at all is a list, too. */
    struct work w = { n, xcalloc((size_t)n->n_cpus + 1, sizeof(int)), xcalloc((size_t)n->n_ranks, sizeof(int)) };
    int cores = count_cores(n), threads = 0;
    bool limited = n->quota > 0 && n->quota < cores;
    /* A quota is time on any core. Containers side by side see the same cores and would all be pinned to the first ones: no pinning
     * then. */
    int usable = limited ? n->quota : cores, limit = limited ? usable / n->n_ranks : cores;
    for (int i = 0; i < n->n_cpus; i++)
        w.owner[i] = -1;
    /* Cores first, then threads: a rank without cores of its own still gets one thread. */
    divide(&w);
    for (int r = 0; r < n->n_ranks; r++) {
        settle(&w, r, limit, !limited, &share[r], cpu + (size_t)r * (size_t)max_threads);
        threads += share[r].n_threads;
    }
    for (int r = 0; r < n->n_ranks; r++) {
        /* Of the node and not of the rank: one that spins takes time from all. */
        share[r].oversubscribed = threads > usable;
        share[r].node_cores = usable;
    }
    free(w.owner);
    free(w.n_cores);
}

/* ---- asking the system ---- */

enum { MASK_BYTES = 1024 };               /* 8192 logical CPUs */

/* mpirun binds one or two ranks to a core each if nobody says otherwise: right for programs without threads, wrong for this one. */
static void unbind(void)
{
    const char *bound = getenv("OMPI_MCA_orte_bound_at_launch");
    /* A binding that somebody asked for stays. */
    if (!bound || getenv("OMPI_MCA_hwloc_base_binding_policy") || getenv("OMPI_MCA_rmaps_base_mapping_policy"))
        return;
    unsigned char all[MASK_BYTES];       /* bit i: CPU i */
    memset(all, 0xff, sizeof all);
    sched_setaffinity(0, sizeof all, (cpu_set_t *)all); /* the kernel cuts it to what this process may have; a refusal leaves it as it is */
}

static int quota_of(const char *path, const char *path_v1, const char *period_v1)
{
    char word[64] = "";
    double most = 0, period = 0;
    FILE *f = fopen(path, "re");
    if (f) {
        if (fscanf(f, "%63s %lf", word, &period) != 2 || !strcmp(word, "max")) /* "max 100000" or "150000 100000", in microseconds */
            period = 0;
        most = atof(word);
        fclose(f);
    /* Version 1 has a file for each; a quota of -1 is none. */
    } else if ((f = fopen(path_v1, "re"))) {
        if (fscanf(f, "%lf", &most) != 1)
            most = 0;
        fclose(f);
        if ((f = fopen(period_v1, "re"))) {
            if (fscanf(f, "%lf", &period) != 1)
                period = 0;
            fclose(f);
        }
    }
    if (most <= 0 || period <= 0)
        return 0;
    return most / period < 1 ? 1 : (int)(most / period); /* one and a half is one: the second thread would be stopped half of the time */
}

/* The CPUs of this machine in hwloc's order: neighbours share caches and memory. */
static struct layout_cpu *list_cpus(int *n)
{
    hwloc_topology_t t;
    hwloc_topology_init(&t);
    /* Masks say what a rank may use; what the leader's own group hides must not be missing for the others. */
    hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED);
    hwloc_topology_load(t);
    *n = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU);
    struct layout_cpu *cpu = xcalloc((size_t)(*n > 0 ? *n : 1), sizeof *cpu);
    for (int i = 0; i < *n; i++) {
        hwloc_obj_t pu = hwloc_get_obj_by_type(t, HWLOC_OBJ_PU, (unsigned)i), core = hwloc_get_ancestor_obj_by_type(t, HWLOC_OBJ_CORE, pu);
        cpu[i] = (struct layout_cpu){ (int)pu->os_index, core ? (int)core->logical_index : i };
    }
    hwloc_topology_destroy(t);
    return cpu;
}

struct reply { struct layout_share share; };

/* The leader: masks of all its ranks in, shares and CPUs out. */
static int divide_node(const struct job *job, int threads, const unsigned char *masks, struct reply **reply, int **cpus)
{
    int n_ranks = job->info.local_size, n_cpus;
    struct layout_cpu *cpu = list_cpus(&n_cpus);
    const unsigned char **mask = xcalloc((size_t)n_ranks, sizeof *mask);
    int width = threads > n_cpus ? threads : n_cpus; /* room for --threads of each, or all CPUs */
    struct layout_share *share = xcalloc((size_t)n_ranks, sizeof *share);
    for (int r = 0; r < n_ranks; r++)
        mask[r] = masks + (size_t)r * MASK_BYTES;
    struct layout_node node = { .n_cpus = n_cpus, .cpu = cpu, .n_ranks = n_ranks, .mask = mask, .mask_bytes = MASK_BYTES };
    node.threads = threads;
    node.quota = quota_of("/sys/fs/cgroup/cpu.max", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us");
    *cpus = xcalloc((size_t)n_ranks * (size_t)width, sizeof **cpus);
    layout_divide(&node, share, *cpus, width);
    *reply = xcalloc((size_t)n_ranks, sizeof **reply);
    for (int r = 0; r < n_ranks; r++)
        (*reply)[r].share = share[r];
    free(share);
    free(mask);
    free(cpu);
    return width;
}

struct layout *layout_create(struct job *job, int threads)
{
    struct layout_own *own = xcalloc(1, sizeof *own);
    unsigned char mask[MASK_BYTES] = {0}, *masks = NULL;
    struct reply *reply = NULL, mine;
    int *cpus = NULL, width = 0;
    bool leader = job->info.local_rank == 0;
    unbind();                            /* before the mask is read */
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)mask) < 0)
        memset(mask, 0xff, sizeof mask); /* unknown: whatever hwloc finds */
    if (leader)
        masks = xcalloc((size_t)job->info.local_size, MASK_BYTES);
    /* Collectives of the node alone; nothing before them can fail on one rank. */
    MPI_Gather(mask, MASK_BYTES, MPI_BYTE, masks, MASK_BYTES, MPI_BYTE, 0, job->node);
    if (leader)
        width = divide_node(job, threads, masks, &reply, &cpus);
    MPI_Bcast(&width, 1, MPI_INT, 0, job->node); /* the scatter below needs it everywhere */
    MPI_Scatter(reply, sizeof mine, MPI_BYTE, &mine, sizeof mine, MPI_BYTE, 0, job->node);
    own->cpu = xcalloc((size_t)width, sizeof *own->cpu);
    MPI_Scatter(cpus, width, MPI_INT, own->cpu, width, MPI_INT, 0, job->node);
    own->l = (struct layout){ mine.share.n_threads, mine.share.pinned ? own->cpu : NULL, mine.share.oversubscribed, mine.share.node_cores };
    free(masks);
    free(reply);
    free(cpus);
    return &own->l;
}

void layout_destroy(struct layout *l)
{
    struct layout_own *own = (struct layout_own *)l;
    if (!own)
        return;
    free(own->cpu);
    free(own);
}
