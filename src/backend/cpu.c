/* cpu.c - the CPU executor: fills struct ops with the kernels of the best instruction set of this machine.
 * Every op is one parallel region of the pool; what a thread does there is decided by the kernel. All instruction sets give the same
 * bits, so the choice is free, and MTBENCH_ISA may force it. */
#include "mtbench/backend.h"

#include "isa.h"
#include "pool.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct backend {
    const struct cpu_kernels *k;
    struct pool *pool;
    int max_rows, max_k;
    void *linear_scratch, *attend_scratch;
    size_t linear_scratch_bytes, attend_scratch_bytes;
    _Alignas(64) atomic_int ticket;
};

/* ---- which kernels ---- */

const char *backend_cpu_isas(void)
{
    static char names[64];
    const struct cpu_kernels *k;
    names[0] = '\0';
    for (int i = 0; (k = isa_at(i)); i++) {
        strcat(names, *names ? " " : "");
        strcat(names, k->isa);
    }
    return names;
}

static const struct cpu_kernels *choose_isa(const char *wanted, struct err *err)
{
    const struct cpu_kernels *k;
    if (!wanted || !*wanted)
        wanted = getenv("MTBENCH_ISA");
    for (int i = 0; (k = isa_at(i)); i++)
        if (!wanted || !*wanted || !strcmp(wanted, k->isa))
            return k;
    err_set(err, ERR_USAGE, "MTBENCH_ISA %s: not an instruction set of this machine and build; choose one of: %s", wanted,
            backend_cpu_isas());
    return NULL;
}

/* ---- memory ---- */

/* Anonymous mappings: zeroed, touched lazily, given back to the system when released, and huge pages where the system has them. */
static void *cpu_alloc(struct backend *be, size_t bytes, struct err *err)
{
    (void)be;
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        err_set(err, ERR_MEMORY, "memory: cannot map %.1f MB; use a smaller --max-batch or a machine with more memory",
                (double)bytes / 1e6);
        return NULL;
    }
    if (bytes >= (size_t)8 << 20)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

static void cpu_release(struct backend *be, void *p, size_t bytes)
{
    (void)be;
    if (p)
        munmap(p, bytes ? bytes : 1);
}

static void cpu_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    (void)be;
    memcpy(dst, src, bytes);
}

/* ---- one region per op ---- */

/* The arguments of all ops; an op fills those that its kernel takes. */
struct call {
    struct backend *be;
    float *out, *x, *y;
    const float *in, *weight;
    const struct linear_out *product;
    const struct linear *w;
    const int32_t *token;
    int32_t *drawn;
    const struct kv_view *kv;
    const struct attn_shape *shape;
    const struct rope *rope;
    const struct step *step;
    const struct sampling *how;
    const char *raw;
    float eps;
    int n, n_out, dim, row0;
};

static struct share share_of(struct backend *be, int t)
{
    return (struct share){ .t = t, .n_threads = pool_size(be->pool), .ticket = &be->ticket };
}

static void run(pool_work_f work, struct call *c)
{
    atomic_store_explicit(&c->be->ticket, 0, memory_order_relaxed);
    pool_run(c->be->pool, work, c);
}

static void linear_work(void *arg, int t)
{
    const struct call *c = arg;
    struct backend *be = c->be;
    be->k->linear_prepare(be->linear_scratch, c->in, c->n, c->product[0].w->k, share_of(be, t));
    pool_barrier(be->pool);
    be->k->linear_run(c->product, c->n_out, be->linear_scratch, c->n, share_of(be, t));
}

static void cpu_linear(struct backend *be, const struct linear_out *out, int n_out, const float *x, int n_rows)
{
    assert(n_rows <= be->max_rows && out[0].w->k <= be->max_k);
    run(linear_work, &(struct call){ .be = be, .product = out, .n_out = n_out, .in = x, .n = n_rows });
}

static void embed_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->embed(c->out, c->w, c->token, c->n, share_of(c->be, t));
}

static void cpu_embed(struct backend *be, float *x, const struct linear *w, const int32_t *token, int n_rows)
{
    run(embed_work, &(struct call){ .be = be, .out = x, .w = w, .token = token, .n = n_rows });
}

static void rmsnorm_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->rmsnorm(c->out, c->in, c->weight, c->eps, c->n, c->dim, share_of(c->be, t));
}

static void cpu_rmsnorm(struct backend *be, float *out, const float *x, const float *weight, float eps, int n_rows, int dim)
{
    run(rmsnorm_work, &(struct call){ .be = be, .out = out, .in = x, .weight = weight, .eps = eps, .n = n_rows, .dim = dim });
}

static void add_rmsnorm_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->add_rmsnorm(c->out, c->x, c->in, c->weight, c->eps, c->n, c->dim, share_of(c->be, t));
}

static void cpu_add_rmsnorm(struct backend *be, float *out, float *x, const float *y, const float *weight, float eps, int n_rows, int dim)
{
    run(add_rmsnorm_work, &(struct call){ .be = be, .out = out, .x = x, .in = y, .weight = weight, .eps = eps, .n = n_rows, .dim = dim });
}

static void rope_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->rope_kv(c->x, c->kv, c->shape, c->rope, c->step, share_of(c->be, t));
}

static void cpu_rope_kv(struct backend *be, float *qkv, const struct kv_view *kv, const struct attn_shape *a, const struct rope *rope,
                        const struct step *s)
{
    run(rope_work, &(struct call){ .be = be, .x = qkv, .kv = kv, .shape = a, .rope = rope, .step = s });
}

static void attend_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->attend(c->out, c->in, c->kv, c->shape, c->step, c->be->attend_scratch, share_of(c->be, t));
}

static void cpu_attend(struct backend *be, float *out, const float *qkv, const struct kv_view *kv, const struct attn_shape *a,
                       const struct step *s)
{
    run(attend_work, &(struct call){ .be = be, .out = out, .in = qkv, .kv = kv, .shape = a, .step = s });
}

static void silu_mul_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->silu_mul(c->out, c->in, c->n, c->dim, share_of(c->be, t));
}

static void cpu_silu_mul(struct backend *be, float *h, const float *gu, int n_rows, int ff)
{
    run(silu_mul_work, &(struct call){ .be = be, .out = h, .in = gu, .n = n_rows, .dim = ff });
}

static void cpu_gather_rows(struct backend *be, float *out, const float *x, const int32_t *row, int n, int dim)
{
    (void)be;
    for (int i = 0; i < n; i++)
        memcpy(out + (size_t)i * (size_t)dim, x + (size_t)row[i] * (size_t)dim, (size_t)dim * sizeof *x);
}

static void sample_work(void *arg, int t)
{
    const struct call *c = arg;
    c->be->k->sample(c->drawn, c->x, c->n, c->dim, c->how, share_of(c->be, t));
}

static void cpu_sample(struct backend *be, int32_t *token, float *logits, int n, int n_vocab, const struct sampling *how)
{
    run(sample_work, &(struct call){ .be = be, .drawn = token, .x = logits, .n = n, .dim = n_vocab, .how = how });
}

/* ---- weights ---- */

/* Packed layouts are the same for all instruction sets: one packed copy serves every rank of a node, whatever kernels it runs. */
static size_t cpu_linear_bytes(enum dtype t, int n, int k)
{
    return cpu_kernels_plain.linear_bytes(t, n, k);
}

/* Panels of 32 rows go to different threads. */
static void pack_work(void *arg, int t)
{
    const struct call *c = arg;
    struct linear w = *c->w;
    int n = pool_size(c->be->pool), end = c->row0 + c->n;
    int first = c->row0 / 32, panels = (end + 31) / 32 - first;
    int r0 = (first + (int)((long)panels * t / n)) * 32, r1 = (first + (int)((long)panels * (t + 1) / n)) * 32;
    r0 = r0 < c->row0 ? c->row0 : r0;
    r1 = r1 > end ? end : r1;
    if (r0 < r1)
        c->be->k->linear_pack(&w, c->raw + (size_t)(r0 - c->row0) * dtype_row_bytes(w.dtype, (size_t)w.k), r0, r1 - r0);
}

static void cpu_linear_pack(struct backend *be, struct linear *w, const void *raw, int row0, int n_rows)
{
    run(pack_work, &(struct call){ .be = be, .w = w, .raw = raw, .row0 = row0, .n = n_rows });
}

/* ---- the backend ---- */

const struct ops ops_cpu = {
    .name = "cpu",
    .alloc = cpu_alloc,
    .release = cpu_release,
    .upload = cpu_copy,
    .download = cpu_copy,
    .copy = cpu_copy,
    .linear_bytes = cpu_linear_bytes,
    .linear_pack = cpu_linear_pack,
    .embed = cpu_embed,
    .rmsnorm = cpu_rmsnorm,
    .add_rmsnorm = cpu_add_rmsnorm,
    .linear = cpu_linear,
    .rope_kv = cpu_rope_kv,
    .attend = cpu_attend,
    .silu_mul = cpu_silu_mul,
    .gather_rows = cpu_gather_rows,
    .sample = cpu_sample,
};

static int default_threads(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

struct backend *backend_cpu_create(const struct cpu_opts *o, struct err *err)
{
    const struct cpu_kernels *k = choose_isa(o->isa, err);
    if (!k)
        return NULL;
    struct backend *be = aligned_alloc(64, sizeof *be);
    if (!be) {
        err_set(err, ERR_MEMORY, "cpu backend: no memory");
        return NULL;
    }
    memset(be, 0, sizeof *be);
    be->k = k;
    int threads = o->threads > 0 ? o->threads : default_threads();
    if (!(be->pool = pool_create(threads, o->cpu, o->crowded, err)))
        goto error;
    be->max_rows = o->max_rows;
    be->max_k = o->max_k;
    be->linear_scratch_bytes = k->linear_scratch(o->max_rows, o->max_k, threads);
    be->attend_scratch_bytes = k->attend_scratch(o->max_rows, o->max_heads_dim, threads);
    if (!(be->linear_scratch = cpu_alloc(be, be->linear_scratch_bytes, err)) ||
        !(be->attend_scratch = cpu_alloc(be, be->attend_scratch_bytes, err)))
        goto error;
    return be;
error:
    backend_cpu_destroy(be);
    return NULL;
}

void backend_cpu_destroy(struct backend *be)
{
    if (!be)
        return;
    pool_destroy(be->pool);
    cpu_release(be, be->linear_scratch, be->linear_scratch_bytes);
    cpu_release(be, be->attend_scratch, be->attend_scratch_bytes);
    free(be);
}

const char *backend_cpu_isa(const struct backend *be)
{
    return be->k->isa;
}

int backend_cpu_threads(const struct backend *be)
{
    return pool_size(be->pool);
}

size_t backend_cpu_scratch(const struct backend *be)
{
    return be->linear_scratch_bytes + be->attend_scratch_bytes;
}
