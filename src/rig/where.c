/* where.c - which executor computes, and what each rank drives of it: what every rank sees is brought together on rank 0, which decides for
 * all by placement.h. */
#include "where.h"

#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a rank says of itself. */
struct seen {
    int node, n_devices;
    char executor[16], host[HOST];
    char id[PLACEMENT_SEEN][PLACEMENT_ID];
};

static int agree(struct job *job, int rc, struct err *err)
{
    return job ? job_agree(job, rc, err) : rc;
}

/* What rank 0 found, for all: the fault is of the whole launch, so that no rank is named as in job_agree(). */
static int share(struct job *job, int rc, struct err *err)
{
    struct { int rc; struct err e; } found = { .rc = rc, .e = *err };
    if (!job)
        return rc;
    job_bcast(job, &found, sizeof found);
    if (found.rc < 0)
        *err = found.e;
    return found.rc;
}

static bool root(const struct job *job)
{
    return !job || job_info(job).rank == 0;
}

static int n_ranks(const struct job *job)
{
    return job ? job_info(job).size : 1;
}

/* The same with the products that are asked for: a library that is not here is no reason to compute another way. */
static const struct executor *with_products(const struct executor *x, const struct rig_devices *o, struct err *err)
{
    struct err why = { 0 };
    if (o->matmul == MATMUL_OWN)
        return x;
    if (!(x = executor_with(x, "cublas", err)) || x->devices(&why) > 0)
        return x;
    *err = why;
    return NULL;
}

/* The executor's name that flag or, where it leaves that open, environment ask for; NULL: the best, or err is set. */
static const char *asked_for(const struct rig_devices *o, struct err *err)
{
    const char *word = getenv("MTBENCH_DEVICE");
    if (o->device != DEVICE_AUTO)
        return o->device == DEVICE_CUDA ? "cuda" : "cpu";
    if (!word || !*word || !strcmp(word, "auto"))
        return NULL;
    if (strcmp(word, "cuda") && strcmp(word, "cpu")) {
        err_set(err, ERR_USAGE, "MTBENCH_DEVICE=%s: is none of auto, cuda and cpu; set one of these, or --device", word);
        return NULL;
    }
    return word;
}

/* What this rank would compute with, were it alone. */
static const struct executor *prefer(const struct rig_devices *o, struct err *why, struct err *err)
{
    struct err wrong = { 0 };
    const char *name = asked_for(o, &wrong);
    if (wrong.kind) {
        *err = wrong;
        return NULL;
    }
    if (!name) {
        const struct executor *best = executor_best(why);
        if (o->matmul == MATMUL_OWN || !why->kind)
            return with_products(best, o, err);
        err_set(err, ERR_DEVICE, "--matmul cublas: is for GPUs: %s (with --matmul own)", why->text);
        return NULL;
    }
    const struct executor *x = executor_find(name);
    if (!x)
        err_set(err, ERR_DEVICE, "--device %s: this build has no GPU backend; use --device cpu, or build it where nvcc is found", name);
    else if (x->devices(why) == 0)
        err_set(err, ERR_DEVICE, "--device %s: %s", name, why->text);
    return x && !why->kind ? with_products(x, o, err) : NULL;
}

static void look(const struct job *job, const struct executor *x, struct seen *mine)
{
    struct err why;
    snprintf(mine->executor, sizeof mine->executor, "%s", x->name);
    snprintf(mine->host, sizeof mine->host, "%s", job ? job_info(job).host : "this machine");
    mine->node = job ? job_info(job).node : 0;
    if (!x->device_id)
        return;
    mine->n_devices = x->devices(&why);
    if (mine->n_devices > PLACEMENT_SEEN)
        mine->n_devices = PLACEMENT_SEEN;
    for (int i = 0; i < mine->n_devices; i++)
        x->device_id(i, mine->id[i]);
}

/* Rank 0. Half of a run on GPUs and half on cores would be two arithmetics in one file: nobody gets that without a word. */
static int check_alike(const struct seen *all, int n, struct err *err)
{
    for (int r = 1; r < n; r++)
        if (strcmp(all[r].executor, all[0].executor)) {
            const int with = strcmp(all[r].executor, "cpu") ? r : 0, without = with ? 0 : r;
            return err_set(err, ERR_DEVICE,
                           "--device auto: rank %d on %s has a GPU, rank %d on %s has none; start ranks only where there are GPUs, or use "
                           "--device cpu", with, all[with].host, without, all[without].host);
        }
    return 0;
}

/* Rank 0: from what all see to what all do. */
static int decide(const struct rig_devices *o, const struct executor *x, const struct seen *all, int n, const char *launcher,
                  struct placement *out, struct err *err)
{
    if (check_alike(all, n, err) < 0)
        return -1;
    struct placement_rank *rank = xcalloc((size_t)n, sizeof *rank);
    for (int r = 0; r < n; r++)
        rank[r] = (struct placement_rank){ all[r].node, all[r].host, all[r].n_devices, all[r].id };
    const struct placement_job j = {
        .per_model = o->per_model ? o->per_model : 1, .total = o->total, .gpu = x->device_id != NULL,
        .most = x->host_sums ? PLACEMENT_MEMBERS : 1, .launch = launcher, .n_ranks = n, .rank = rank,
    };
    const int rc = placement_decide(&j, out, err);
    free(rank);
    return rc;
}

/* Once in a process, however many models it opens. */
static void say_fallback(const struct job *job, const struct err *why)
{
    static bool said;
    if (why->kind && root(job) && !said) {
        said = true;
        log_note("--device auto: %s; computing on the CPU", why->text);
    }
}

int rig_place(struct job *job, const struct rig_devices *o, const struct executor **x, struct placement *place, struct err *err)
{
    const int n = n_ranks(job);
    const char *launcher = job ? job_info(job).launcher : job_launcher(NULL);
    struct err why = { 0 };
    struct seen mine = { 0 }, *all = NULL;
    struct placement *out = xcalloc((size_t)n, sizeof *out);
    *x = prefer(o, &why, err);
    int rc = agree(job, *x ? 0 : -1, err);
    if (rc == 0) {
        look(job, *x, &mine);
        all = root(job) ? xcalloc((size_t)n, sizeof *all) : NULL;
        if (job)
            job_gather(job, &mine, sizeof mine, all);
        else
            *all = mine;
        rc = share(job, root(job) ? decide(o, *x, all, n, launcher, out, err) : 0, err);
    }
    if (rc == 0 && job)
        job_bcast(job, out, (size_t)n * sizeof *out);
    *place = out[job ? job_info(job).rank : 0];
    if (rc == 0)
        say_fallback(job, &why);
    free(all);
    free(out);
    return rc;
}

/* ---- one arithmetic ---- */

int where_compare(const struct where_path *path, int n, struct err *err)
{
    for (int r = 1; r < n; r++)
        if (strcmp(path[r].numerics, path[0].numerics))
            return err_set(err, ERR_DEVICE,
                           "rank %d on %s: computes by %s, and rank 0 on %s by %s; the answers of a run are made by one arithmetic, start "
                           "it on devices of one kind", r, path[r].host, path[r].numerics, path[0].host, path[0].numerics);
    return 0;
}

/* The path of this rank's devices, which are of one kind. */
static int own_path(struct rig *r, struct err *err)
{
    const enum dtype weights = model_matrix_type(r->model);
    char path[64], other[64];
    r->executor->numerics(r->place.device[0], weights, path);
    snprintf(r->numerics, sizeof r->numerics, "%s, %d shards", path, r->model->config.n_shards);
    for (int i = 1; i < r->place.n; i++) {
        r->executor->numerics(r->place.device[i], weights, other);
        if (strcmp(path, other))
            return err_set(err, ERR_DEVICE,
                           "--num-gpus-per-model %d: device %d computes by %s and device %d by %s; a model lies on devices of one kind, "
                           "choose them by CUDA_VISIBLE_DEVICES", r->place.size, r->place.device[0], path, r->place.device[i], other);
    }
    return 0;
}

int where_check_numerics(struct rig *r, struct job *job, struct err *err)
{
    struct where_path mine = { 0 }, *all = NULL;
    if (agree(job, own_path(r, err), err) < 0)
        return -1;
    if (!job)
        return 0;
    snprintf(mine.host, sizeof mine.host, "%s", job_info(job).host);
    strcpy(mine.numerics, r->numerics);
    all = root(job) ? xcalloc((size_t)n_ranks(job), sizeof *all) : NULL;
    job_gather(job, &mine, sizeof mine, all);
    const int rc = share(job, root(job) ? where_compare(all, n_ranks(job), err) : 0, err);
    free(all);
    return rc;
}
