/* cpu.c - the CPU executor: fills struct ops with the kernels of the best instruction set of this machine.
 * Every op is one parallel region of the pool; what a thread does there is decided by the kernel. All instruction sets give the same
 * bits, so the choice is free, and MTBENCH_ISA may force it. */
#include "mtbench/backend.h"

#include "isa.h"
#include "pool.h"

#include <sched.h>
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

const char *backend_cpu_isas(void)
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
            backend_cpu_isas());
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
    int row0, n_rows;
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
        c->be->k->linear_pack(&w, p->raw + (size_t)(r0 - p->row0) * dtype_row_bytes(w.dtype, (size_t)w.k), r0, r1 - r0);
}

static void cpu_linear_pack(struct backend *be, struct linear *w, const void *raw, int row0, int n_rows)
{
    run(be, pack_work, &(struct pack){ w, raw, row0, n_rows });
}

/* ---- the backend ---- */

#define CPU_SLOT(op) .op = cpu_##op,
const struct ops ops_cpu = {
    .name = "cpu",
    .alloc = cpu_alloc,
    .release = cpu_release,
    .upload = cpu_copy,
    .download = cpu_copy,
    .copy = cpu_copy,
    .linear_bytes = cpu_linear_bytes,
    .linear_pack = cpu_linear_pack,
    MTB_EACH_OP(CPU_SLOT)
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
    struct backend *be = aligned_alloc(64, sizeof *be);                             /* the ticket has a cache line of its own */
    if (!be) {
        err_set(err, ERR_MEMORY, "cpu backend: no memory");
        return NULL;
    }
    memset(be, 0, sizeof *be);
    be->k = k;
    int threads = o->threads > 0 ? o->threads : default_threads();
    if (!(be->pool = pool_create(threads, o->cpu, o->crowded, err)))
        goto error;
    be->all.bytes = k->linear_scratch(o->max_rows, o->max_k);
    be->own.bytes = (size_t)threads * k->attend_scratch(o->max_rows);               /* whole pages each */
    if (!(be->all.at = cpu_alloc(be, be->all.bytes, err)) || !(be->own.at = cpu_alloc(be, be->own.bytes, err)))
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
    cpu_release(be, be->all.at, be->all.bytes);
    cpu_release(be, be->own.at, be->own.bytes);
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
    return be->all.bytes + be->own.bytes;
}
