/* placement.c - what runs where. Without a word about GPUs every rank is worth one replica; only GPUs, which are counted and not divided,
 * may ask for several ranks of a node to share one. */
#include "mtbench/placement.h"

#include <stdio.h>
#include <string.h>

/* ---- the flags alone ---- */

int placement_flags(long per_model, bool given, long total, struct err *err)
{
    const long t = per_model;
    if (t != 1 && t != 2 && t != 4 && t != 8) /* the sums of a model are cut along a balanced tree of 8 */
        return err_set(err, ERR_USAGE, "--num-gpus-per-model %ld: a model is cut in halves only; give 1, 2, 4 or 8", t);
    if (given && total > 1 << 20)
        return err_set(err, ERR_USAGE, "--num-gpus-total %ld: there are not so many; give at most %d", total, 1 << 20);
    if (given && total < 1)
        return err_set(err, ERR_USAGE, "--num-gpus-total %ld: there must be at least one device; give 1 or more", total);
    if (given && total % t)
        return err_set(err, ERR_USAGE, "--num-gpus-total %ld: is not a multiple of --num-gpus-per-model %ld; give %ld or %ld", total, t,
                       total < t ? t : total / t * t, total < t ? 2 * t : (total / t + 1) * t);
    return 0;
}

/* ---- ranks, nodes, devices ---- */

struct work {
    const struct placement_job *j;
    struct placement *out;
    int members;                         /* that each rank is to drive: per_model, or 1 */
};

static int ranks_on(const struct placement_job *j, int node)
{
    int n = 0;
    for (int r = 0; r < j->n_ranks; r++)
        n += j->rank[r].node == node;
    return n;
}

/* Two cards of a node are one if they have one name; a card without a name is told by its number, as ranks of one node that see equally
 * many mostly see the same. */
static bool same_card(const struct placement_rank *a, int i, const struct placement_rank *b, int k)
{
    if (a->node != b->node)
        return false;
    return *a->id[i] && *b->id[k] ? !strcmp(a->id[i], b->id[k]) : i == k;
}

/* The rank before r that drives card i of r; -1: it is free. */
static int holder(const struct work *w, int r, int i)
{
    const struct placement_job *j = w->j;
    for (int q = 0; q < r; q++)
        for (int k = 0; k < w->out[q].n && j->rank[q].node == j->rank[r].node; k++)
            if (same_card(&j->rank[r], i, &j->rank[q], w->out[q].device[k]))
                return q;
    return -1;
}

/* Cards of a node, each counted at the first rank that sees it. */
static int cards_on(const struct placement_job *j, int node)
{
    int n = 0;
    for (int r = 0; r < j->n_ranks; r++)
        for (int i = 0; i < j->rank[r].n_devices && j->rank[r].node == node; i++) {
            bool seen = false;
            for (int q = 0; q < r && !seen; q++)
                for (int k = 0; k < j->rank[q].n_devices && !seen; k++)
                    seen = same_card(&j->rank[r], i, &j->rank[q], k);
            n += !seen;
        }
    return n;
}

static const char *plural(long n)
{
    return n == 1 ? "" : "s";
}

/* How a number of ranks on each node is asked for. */
static const char *per_node(const struct placement_job *j)
{
    return strncmp(j->launch, "srun", 4) ? "--map-by ppr:%d:node" : "--ntasks-per-node=%d";
}

/* ---- cards to ranks ---- */

static int say_too_few(const struct work *w, int r, int n_free, struct err *err)
{
    const struct placement_job *j = w->j;
    const struct placement_rank *me = &j->rank[r];
    const int cards = cards_on(j, me->node), fit = cards / w->members;
    char flag[64];
    if (me->n_devices == 0)
        return err_set(err, ERR_DEVICE, "rank %d on %s: sees no GPU; start ranks only where there are GPUs, or use --device cpu", r,
                       me->host);
    if (j->per_model > cards)
        return err_set(err, ERR_DEVICE,
                       "--num-gpus-per-model %ld: the ranks on %s see %d GPU%s, and a model does not span nodes; give %d, or use nodes "
                       "with more", j->per_model, me->host, cards, plural(cards), cards < 2 ? 1 : cards < 4 ? 2 : 4);
    if (me->n_devices < w->members)
        return err_set(err, ERR_DEVICE,
                       "rank %d on %s: sees %d GPU%s and is to drive %d; let each rank see %d, or start a rank for each GPU", r, me->host,
                       me->n_devices, plural(me->n_devices), w->members, w->members);
    snprintf(flag, sizeof flag, per_node(j), fit);
    /* mpirun's ranks inherit from its one task on each node, which Slurm gave one card */
    const bool srun = !strncmp(j->launch, "srun", 4), hidden = !srun && cards == 1;
    return err_set(err, ERR_DEVICE,
                   "rank %d on %s: of the %d GPU%s that it sees %d %s free, the others have a rank already, and two ranks do not share a "
                   "card; start at most %d rank%s on this node (%s %s), or give each cards of its own%s", r, me->host, me->n_devices,
                   plural(me->n_devices), n_free, n_free == 1 ? "is" : "are", fit, plural(fit), srun ? "srun" : "mpirun", flag,
                   hidden ? " (in a job of Slurm --gpus-per-node=N shows mpirun's ranks all, --gpus-per-task one)" : "");
}

/* Ranks in their order take the first cards that they see and that nobody has: local ranks where all see the same cards, and each its own
 * where the launcher has given every rank a view of its own. */
static int give_cards(const struct work *w, struct err *err)
{
    const struct placement_job *j = w->j;
    for (int r = 0; r < j->n_ranks; r++) {
        struct placement *p = &w->out[r];
        int n = 0;
        p->n = 0;                        /* it holds nothing yet */
        for (int i = 0; i < j->rank[r].n_devices && n < w->members; i++)
            if (holder(w, r, i) < 0)
                p->device[n++] = i;
        if (n < w->members)
            return say_too_few(w, r, n, err);
        p->n = n;
    }
    return 0;
}

/* ---- ranks to replicas ---- */

static int say_uneven(const struct placement_job *j, int r, int n, struct err *err)
{
    const int t = (int)j->per_model;
    char flag[64];
    snprintf(flag, sizeof flag, per_node(j), n < t ? t : n / t * t);
    return err_set(err, ERR_USAGE,
                   "--num-gpus-per-model %d: %d ranks are one model, which does not span nodes, and %s has %d rank%s; start a multiple of "
                   "%d on each node (%s %s), or a rank for each model", t, t, j->rank[r].host, n, plural(n), t,
                   strncmp(j->launch, "srun", 4) ? "mpirun" : "srun", flag);
}

/* One member a rank: each T ranks of a node, in their order, are a replica. Ranks of a node need not be neighbours: mpirun deals them to
 * nodes like cards if told so. */
static int join(const struct work *w, struct err *err)
{
    const struct placement_job *j = w->j;
    const int t = (int)j->per_model;
    int n_replicas = 0;
    for (int r = 0; r < j->n_ranks; r++) {
        const int n = ranks_on(j, j->rank[r].node);
        int before = -1, place = 0;
        if (n % t)
            return say_uneven(j, r, n, err);
        for (int q = 0; q < r; q++)
            if (j->rank[q].node == j->rank[r].node) {
                before = q;
                place++;
            }
        w->out[r] = (struct placement){ .replica = place % t ? w->out[before].replica : n_replicas++, .size = t, .first = place % t };
    }
    for (int r = 0; r < j->n_ranks; r++) {
        w->out[r].n = 1;
        w->out[r].n_replicas = n_replicas;
    }
    return 0;
}

/* All members of a replica on one rank. */
static void stand_alone(const struct work *w)
{
    const int t = (int)w->j->per_model;
    for (int r = 0; r < w->j->n_ranks; r++)
        w->out[r] = (struct placement){ .replica = r, .n_replicas = w->j->n_ranks, .size = t, .n = t };
}

/* 'members': that each rank is to drive. */
static int place(const struct placement_job *j, int members, struct placement *out, struct err *err)
{
    const struct work w = { j, out, members };
    if (members == j->per_model)
        stand_alone(&w);
    else if (join(&w, err) < 0)
        return -1;
    return j->gpu ? give_cards(&w, err) : 0;
}

static int say_ranks(const struct placement_job *j, struct err *err)
{
    const char *thing = j->gpu ? "GPU" : "device";
    const long t = j->per_model, models = j->total / t;
    if (t == 1)
        return err_set(err, ERR_USAGE, "--num-gpus-total %ld: a rank drives one %s, and this job has %d rank%s; start it by `%s %ld`, or "
                       "leave the flag out", j->total, thing, j->n_ranks, plural(j->n_ranks), j->launch, j->total);
    return err_set(err, ERR_USAGE,
                   "--num-gpus-total %ld: makes %ld model%s of %ld %ss, and this job has %d rank%s; start it by `%s %ld`, where a rank "
                   "drives a whole model, or by `%s %ld`, where it drives one %s, or leave the flag out", j->total, models, plural(models),
                   t, thing, j->n_ranks, plural(j->n_ranks), j->launch, models, j->launch, j->total, thing);
}

int placement_decide(const struct placement_job *j, struct placement *out, struct err *err)
{
    struct err other;
    const int t = (int)j->per_model;
    if (placement_flags(j->per_model, j->total != 0, j->total, err) < 0)
        return -1;
    if (j->most && t > j->most)
        return err_set(err, ERR_USAGE, "--num-gpus-per-model %d: a model lies on at most %d %s%s in this version; give %d%s", t, j->most,
                       j->gpu ? "GPU" : "device", plural(j->most), j->most, j->gpu ? ", or use --device cpu" : "");
    if (j->total && j->total == (long)t * j->n_ranks)
        return place(j, t, out, err);
    if (j->total && j->total == j->n_ranks)
        return place(j, 1, out, err);
    if (j->total)
        return say_ranks(j, err);
    if (place(j, t, out, err) == 0)
        return 0;
    /* Too few GPUs for a model on each rank: ranks may have been started one for a GPU. If not, what the first try said is said. */
    return t > 1 && place(j, 1, out, &other) == 0 ? 0 : -1;
}

const char *placement_words(const struct placement *p, int n_ranks, int n_nodes, char text[128])
{
    int n = snprintf(text, 128, "%d rank%s on %d node%s", n_ranks, plural(n_ranks), n_nodes, plural(n_nodes));
    if (p->size > 1)
        snprintf(text + n, 128 - (size_t)n, p->n == 1 ? ", %d of them a model" : ", a model on %d devices of each", p->size);
    return text;
}
