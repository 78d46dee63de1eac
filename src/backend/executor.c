/* executor.c - the table of executors, fastest first. */
#include "mtbench/executor.h"

#include <assert.h>
#include <string.h>

static const struct executor *const table[] = {
#ifdef MTB_CUDA
    &executor_cuda,
#endif
#ifdef MTB_CUBLAS
    &executor_cublas,
#endif
    &executor_cpu,
};

static const char own[] = "own";
enum { N_EXECUTORS = sizeof table / sizeof *table };

/* A hole in a table of functions is a crash in the middle of a run; here it is one before anything is done. */
static const struct executor *whole(const struct executor *x)
{
    const struct ops *o = x->ops;
    assert(x->max_rows >= 1);
    assert(x->devices && x->numerics && x->open && x->close && x->path && x->threads && x->scratch);
    assert(!x->mark == !x->between);
    assert(o->alloc && o->release && o->host_alloc && o->host_release && o->upload && o->download && o->copy && o->memory);
    assert(o->linear_bytes && o->operand_bytes && o->sum_bytes && o->kv_page_bytes && o->step_bytes && o->linear_pack && o->settle);
    assert(o->step_room && o->step_begin && o->drawn && o->operand_row);
#define THERE(op) assert(o->op);
    MTB_EACH_OP(THERE)
#undef THERE
    (void)o;
    return x;
}

static const char *products(const struct executor *x)
{
    return x->matmul ? x->matmul : own;
}

static const struct executor *find(const char *name, const char *matmul)
{
    for (int i = 0; i < N_EXECUTORS; i++)
        if (!strcmp(table[i]->name, name) && !strcmp(products(table[i]), matmul))
            return whole(table[i]);
    return NULL;
}

const struct executor *executor_find(const char *name)
{
    return find(name, own);
}

const struct executor *executor_with(const struct executor *x, const char *matmul, struct err *err)
{
    const struct executor *with = find(x->name, matmul);
    if (with)
        return with;
    if (executor_find("cuda") && strcmp(x->name, "cuda"))
        err_set(err, ERR_DEVICE, "--matmul %s: is for GPUs, and --device %s computes here; use --matmul own", matmul, x->name);
    else
        err_set(err, ERR_DEVICE, "--matmul %s: this build has none; build where nvcc and cublasLt.h are found, or use --matmul own",
                matmul);
    return NULL;
}

const struct executor *executor_best(struct err *why)
{
    *why = (struct err){ 0 };
    for (int i = 0; i < N_EXECUTORS - 1; i++)
        if (!table[i]->matmul && table[i]->devices(why) > 0)
            return whole(table[i]);
    return whole(table[N_EXECUTORS - 1]);
}
