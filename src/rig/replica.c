/* replica.c - this rank's part of a replica.
 * Packed weights of cores are plain memory: the ranks of a node have one copy of every share, which its leader packs, whichever members
 * live in which rank and however many replicas there are. Devices have their own. */
#include "replica.h"

#include "mtbench/shared.h"

#include <sched.h>

int replica_open(struct replica *p, const struct executor *x, struct model *opened, const struct placement *place, const void *group,
                 struct err *err)
{
    *p = (struct replica){ .executor = x, .size = place->size, .first = place->first, .n = place->n, .device = place->device,
                           .group = group };
    p->share[p->first] = opened;
    if (p->size > 1 && !x->host_sums)
        return err_set(err, ERR_USAGE, "--num-gpus-per-model %d: %s computes a model on one device so far; give 1, or --device cpu",
                       p->size, x->name);
    for (int i = 0; i < p->size; i++)
        if (i != p->first)
            p->share[i] = model_open_other(opened, i);
    return 0;
}

static int max_of(int a, int b)
{
    return a > b ? a : b;
}

static int cores_here(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

/* A member has an equal part of the threads, one at least. */
static int threads_each(const struct replica *p, const struct replica_cores *c)
{
    return p->n == 1 ? c->threads : max_of((c->threads ? c->threads : cores_here()) / p->n, 1);
}

static bool crowded(const struct replica *p, const struct replica_cores *c)
{
    return c->crowded || (p->n > 1 && p->n > (c->threads ? c->threads : cores_here()));
}

int replica_open_backends(struct replica *p, const struct replica_cores *cores, struct err *err)
{
    const int each = threads_each(p, cores);
    const bool pinned = cores->cpu && each * p->n <= max_of(cores->threads, 1);
    for (int i = 0; i < p->n; i++) {
        struct model *m = p->share[p->first + i];
        const struct executor_opts o = {
            .device = p->device[i], .threads = each, .cpu = pinned ? cores->cpu + i * each : NULL, .crowded = crowded(p, cores),
            .max_rows = p->executor->max_rows,
            .max_k = max_of(max_of(m->config.dim, m->local.ff), m->local.n_heads * m->config.head_dim),
            .max_n = max_of(max_of(m->config.dim, m->config.ff), m->config.n_vocab),
        };
        if (!(p->be[i] = p->executor->open(&o, err)))
            return -1;
        m->be = p->be[i];                 /* the model was opened before there was a backend */
    }
    return 0;
}

int replica_create_team(struct replica *p, const struct replica_cores *cores, const struct replica_calls *calls, struct err *err)
{
    struct team_opts o = { .member = p->share + p->first, .n = p->n, .crowded = crowded(p, cores), .interrupted = calls->interrupted,
                           .interrupt_ctx = calls->ctx, .patience = calls->patience };
    const struct comm_opts c = { .crowded = cores->crowded, .patience = calls->patience, .waiting = calls->waiting, .ctx = calls->ctx };
    if (p->n < p->size && !(o.comm = comm_mpi(p->group, &c, err)))
        return -1;
    return (p->team = team_create(&o, err)) ? 0 : -1;
}

static uint64_t weights_of(const struct replica *p, int first, int n)
{
    uint64_t bytes = 0;
    for (int i = first; i < first + n; i++)
        bytes += (p->share[i]->packed_bytes + 63) / 64 * 64;
    return bytes;
}

/* A vocabulary is dealt in whole panels, so some members have one more. */
uint64_t replica_largest(const struct replica *p)
{
    uint64_t most = 0;
    for (int i = 0; i < p->size; i++)
        most = p->share[i]->packed_bytes > most ? p->share[i]->packed_bytes : most;
    return most;
}

uint64_t replica_weights(const struct replica *p, int local)
{
    return p->executor->node_weights ? weights_of(p, 0, p->size) : weights_of(p, p->first, p->n) * (uint64_t)local;
}

uint64_t replica_scratch(const struct replica *p)
{
    uint64_t bytes = 0;
    for (int i = 0; i < p->n; i++)
        bytes += p->executor->scratch(p->be[i]);
    return bytes;
}

/* Members take equal parts, so the device with the least left sets them all. */
uint64_t replica_memory(const struct replica *p)
{
    uint64_t least = UINT64_MAX, left, all;
    for (int i = 0; i < p->n; i++) {
        p->executor->ops->memory(p->be[i], &left, &all);
        least = left < least ? left : least;
    }
    return p->executor->node_weights ? least : least * (uint64_t)p->n;
}

int replica_threads(const struct replica *p)
{
    int n = 0;
    for (int i = 0; i < p->n; i++)
        n += p->executor->threads(p->be[i]);
    return n;
}

/* ---- weights ---- */

static bool shares_node(const struct replica *p, const struct job *job)
{
    return job && p->executor->node_weights;
}

bool replica_packs(const struct replica *p, const struct job *job)
{
    return !shares_node(p, job) || job_info(job).local_rank == 0;
}

int replica_attach(struct replica *p, struct job *job, struct err *err)
{
    const struct ops *ops = p->executor->ops;
    uint64_t at = 0;
    if (shares_node(p, job)) {
        if (!(p->shared = shared_create(job, weights_of(p, 0, p->size), err)))
            return -1;
        for (int i = 0; i < p->size; at += weights_of(p, i++, 1))
            model_attach(p->share[i], (char *)shared_base(p->shared) + at);
        return 0;
    }
    for (int i = 0; i < p->n; i++) {
        if (!(p->own[i] = ops->alloc(p->be[i], p->share[p->first + i]->packed_bytes, err)))
            return -1;
        model_attach(p->share[p->first + i], p->own[i]);
    }
    return 0;
}

int replica_load(struct replica *p, const struct source *s, struct err *err)
{
    if (!p->shared)
        return model_load(p->share + p->first, p->n, s, err);
    /* for all shares of the node's memory with the threads of this rank's first member: the layout of cores is one */
    for (int i = 0; i < p->size; i++)
        p->share[i]->be = p->be[0];
    int rc = model_load(p->share, p->size, s, err);
    for (int i = 0; i < p->size; i++)
        p->share[i]->be = i >= p->first && i < p->first + p->n ? p->be[i - p->first] : NULL;
    return rc;
}

void replica_close(struct replica *p)
{
    team_destroy(p->team);
    for (int i = 0; i < p->n; i++)
        if (p->own[i])
            p->executor->ops->release(p->be[i], p->own[i], p->share[p->first + i]->packed_bytes);
    for (int i = 0; i < p->size; i++)
        if (i != p->first)
            model_close(p->share[i]);
    shared_destroy(p->shared);
}
