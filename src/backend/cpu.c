/* cpu.c - the CPU executor: fills struct ops with the kernels of the best instruction set of this machine.
 * Every op is one parallel region of the pool; what a thread does there is decided by the kernel. All instruction sets give the same
 * bits, so the choice is free, and MTBENCH_ISA may force it. */
#include "mtbench/executor.h"

#include "isa.h"
#include "mtbench/memory.h"
#include "pool.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct backend {
    const struct cpu_kernels *k;
    struct pool *pool;
    struct scratch all, own;           /* for kernels; 'own' of every thread, one behind the other */
    _Alignas(64) atomic_int ticket;
};

/* ---- which kernels ---- */

const char *executor_cpu_isas(void)
{
    static char names[64];
    const struct cpu_kernels *k;
    names[0] = '\0';                                                                /* the same text on every call */
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
        if (!wanted || !*wanted || !strcmp(wanted, k->isa))                         /* nobody says: the best, which comes first */
            return k;
    err_set(err, ERR_USAGE, "MTBENCH_ISA %s: not an instruction set of this machine and build; choose one of: %s", wanted,
            executor_cpu_isas());
    return NULL;
}

/* ---- memory ---- */

/* Anonymous mappings: zeroed, touched lazily, given back to the system when released, and huge pages where the system has them. */
static void *cpu_alloc(struct backend *be, size_t bytes, struct err *err)
{
    (void)be;
    /* NORESERVE: a plan has checked what will be touched; what is not costs nothing */
    void *p = mmap(NULL, bytes ? bytes : 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        err_set(err, ERR_MEMORY, "memory: cannot map %.1f MB; use a smaller --max-batch or a machine with more memory",
                (double)bytes / 1e6);
        return NULL;
    }
    if (bytes >= (size_t)8 << 20)
        madvise(p, bytes, MADV_HUGEPAGE);                                           /* a refusal costs speed only */
    return p;
}

static void cpu_release(struct backend *be, void *p, size_t bytes)
{
    (void)be;
    if (p)
        munmap(p, bytes ? bytes : 1);
}

static void cpu_memory(struct backend *be, uint64_t *available, uint64_t *total)
{
    (void)be;
    *available = memory_available();
    *total = memory_total();
}

static void cpu_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    (void)be;
    memcpy(dst, src, bytes);
}

/* ---- one region per op ---- */

struct call {
    struct backend *be;
    const void *args;                  /* of the op */
};

static void meet(void *pool)
{
    pool_barrier(pool);
}

static struct share share_of(struct backend *be, int t)
{
    const int n = pool_size(be->pool);
    /* the same place for a thread in every op: its pages are near its core after the first touch */
    const size_t own = be->own.bytes / (size_t)n;
    return (struct share){
        .t = t, .n_threads = n, .ticket = &be->ticket, .all = be->all, .own = { (char *)be->own.at + (size_t)t * own, own },
        .meet = meet, .with = be->pool,
    };
}

static void run(struct backend *be, pool_work_f work, const void *args)
{
    atomic_store_explicit(&be->ticket, 0, memory_order_relaxed);        /* starting the region publishes it */
    pool_run(be->pool, work, &(struct call){ be, args });
}

/* An op here is its kernel on all threads; nothing more is typed for it. */
#define CPU_OP(op)                                                                                                                         \
    static void op##_work(void *arg, int t)                                                                                                \
    {                                                                                                                                      \
        const struct call *c = arg;                                                                                                        \
        c->be->k->op(c->args, share_of(c->be, t));                                                                                         \
    }                                                                                                                                      \
    static void cpu_##op(struct backend *be, const struct op_##op *a)                                                                      \
    {                                                                                                                                      \
        run(be, op##_work, a);                                                                                                             \
    }
MTB_EACH_OP(CPU_OP)

/* ---- weights ---- */

/* Packed layouts are the same for all instruction sets: one packed copy serves every rank of a node, whatever kernels it runs. */
static size_t cpu_linear_bytes(enum dtype t, int n, int k)
{
    /* asked before there is a backend: sizes of a plan */
    return cpu_kernels_plain.linear_bytes(t, n, k);
}

struct pack {
    const struct linear *w;
    const char *raw;
    size_t raw_row_bytes;
    int k0, row0, n_rows;
};

/* A panel of 32 rows is interleaved, so it has one writer: threads take whole panels. */
static void pack_work(void *arg, int t)
{
    const struct call *c = arg;
    const struct pack *p = c->args;
    struct linear w = *p->w;                                                        /* kernels take it as theirs */
    int n = pool_size(c->be->pool), end = p->row0 + p->n_rows;
    /* a piece may begin or end within a panel; pieces come one after another, so the panel has one writer still */
    int first = p->row0 / 32, panels = (end + 31) / 32 - first;
    int r0 = (first + (int)((long)panels * t / n)) * 32, r1 = (first + (int)((long)panels * (t + 1) / n)) * 32;
    r0 = r0 < p->row0 ? p->row0 : r0;                                               /* the piece's own ends */
    r1 = r1 > end ? end : r1;
    if (r0 < r1)
        c->be->k->linear_pack(&w, p->raw + (size_t)(r0 - p->row0) * p->raw_row_bytes, p->raw_row_bytes, p->k0, r0, r1 - r0);
}

static void cpu_linear_pack(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows)
{
    run(be, pack_work, &(struct pack){ w, raw, raw_row_bytes, k0, row0, n_rows });
}

/* Every call is done when it returns. */
static int cpu_settle(struct backend *be, struct err *err)
{
    (void)be;
    (void)err;
    return 0;
}

/* ---- sizes of activations: fp32 rows, all of them ---- */

static size_t cpu_rows_bytes(int n_rows, int k)
{
    return (size_t)n_rows * (size_t)k * sizeof(float);
}

/* ---- a step ---- */

/* Kernels read the caller's arrays. */
static size_t cpu_step_bytes(const struct step_size *most)
{
    (void)most;
    return 0;
}

static int cpu_step_room(struct backend *be, const struct step_size *most, struct err *err)
{
    (void)be;
    (void)most;
    (void)err;
    return 0;
}

static bool cpu_step_begin(struct backend *be, const struct step *step)
{
    (void)be;
    (void)step;
    return false;
}

static int cpu_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    (void)be;
    (void)err;
    if (n > 0)                           /* where both may be NULL */
        memcpy(host, token, (size_t)n * sizeof *host);
    return 0;
}

static void cpu_operand_row(struct backend *be, float *host, const void *operand, int n_rows, int row, int k)
{
    (void)be;
    (void)n_rows;
    memcpy(host, (const float *)operand + (size_t)row * (size_t)k, (size_t)k * sizeof *host);
}

/* ---- the backend ---- */

#define CPU_SLOT(op) .op = cpu_##op,
static const struct ops ops_cpu = {
    .name = "cpu",
    .synchronous = true,
    .alloc = cpu_alloc,
    .release = cpu_release,
    .host_alloc = cpu_alloc,
    .host_release = cpu_release,
    .upload = cpu_copy,
    .download = cpu_copy,
    .copy = cpu_copy,
    .memory = cpu_memory,
    .linear_bytes = cpu_linear_bytes,
    .operand_bytes = cpu_rows_bytes,
    .sum_bytes = cpu_rows_bytes,
    .kv_page_bytes = cpu_kv_page_bytes,
    .step_bytes = cpu_step_bytes,
    .linear_pack = cpu_linear_pack,
    .settle = cpu_settle,
    .step_room = cpu_step_room,
    .step_begin = cpu_step_begin,
    MTB_EACH_OP(CPU_SLOT)
    .drawn = cpu_drawn,
    .operand_row = cpu_operand_row,
};

static void cpu_close(struct backend *be)
{
    if (!be)
        return;
    pool_destroy(be->pool);
    cpu_release(be, be->all.at, be->all.bytes);
    cpu_release(be, be->own.at, be->own.bytes);
    free(be);
}

static struct backend *cpu_open(const struct executor_opts *o, struct err *err)
{
    const struct cpu_kernels *k = choose_isa(o->isa, err);
    if (!k)
        return NULL;
    struct backend *be = aligned_alloc(64, sizeof *be);                             /* the ticket has a cache line of its own */
    if (!be) {
        err_set(err, ERR_MEMORY, "cpu backend: no memory");
        return NULL;
    }
    memset(be, 0, sizeof *be);
    be->k = k;
    int threads = o->threads > 0 ? o->threads : pool_cores();
    if (!(be->pool = pool_create(threads, o->cpu, o->crowded, err)))
        goto error;
    be->all.bytes = k->linear_scratch(o->max_rows, o->max_k);
    be->own.bytes = (size_t)threads * k->attend_scratch(o->max_rows);               /* whole pages each */
    if (!(be->all.at = cpu_alloc(be, be->all.bytes, err)) || !(be->own.at = cpu_alloc(be, be->own.bytes, err)))
        goto error;
    return be;
error:
    cpu_close(be);
    return NULL;
}

static int cpu_devices(struct err *why)
{
    (void)why;
    return 1;
}

static void cpu_numerics(int device, enum dtype weights, char text[64])
{
    (void)device;
    (void)weights;                       /* of all types the products are of fp32 numbers */
    strcpy(text, "cpu-f32-kv16-v1");
}

static const char *cpu_path(const struct backend *be)
{
    return be->k->isa;
}

static int cpu_threads(const struct backend *be)
{
    return pool_size(be->pool);
}

static size_t cpu_scratch(const struct backend *be)
{
    return be->all.bytes + be->own.bytes;
}

const struct executor executor_cpu = {
    .name = "cpu", .ops = &ops_cpu, .node_weights = true, .host_sums = true, .max_rows = 256, .devices = cpu_devices,
    .numerics = cpu_numerics, .open = cpu_open, .close = cpu_close, .path = cpu_path, .threads = cpu_threads, .scratch = cpu_scratch,
};
