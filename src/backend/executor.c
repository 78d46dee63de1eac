/* executor.c - the table of executors, fastest first. */
#include "mtbench/executor.h"

#include <assert.h>
#include <string.h>

static const struct executor *const table[] = {
#ifdef MTB_CUDA
    &executor_cuda,
#endif
    &executor_cpu,
};

enum { N_EXECUTORS = sizeof table / sizeof *table };

/* A hole in a table of functions is a crash in the middle of a run; here it is one before anything is done. */
static const struct executor *whole(const struct executor *x)
{
    const struct ops *o = x->ops;
    assert(x->devices && x->numerics && x->open && x->close && x->path && x->threads && x->scratch);
    assert(o->alloc && o->release && o->host_alloc && o->host_release && o->upload && o->download && o->copy && o->memory);
    assert(o->linear_bytes && o->operand_bytes && o->sum_bytes && o->kv_page_bytes && o->linear_pack && o->settle);
    assert(o->step_begin && o->drawn && o->operand_row);
#define THERE(op) assert(o->op);
    MTB_EACH_OP(THERE)
#undef THERE
    (void)o;
    return x;
}

const struct executor *executor_find(const char *name)
{
    for (int i = 0; i < N_EXECUTORS; i++)
        if (!strcmp(table[i]->name, name))
            return whole(table[i]);
    return NULL;
}

const struct executor *executor_best(struct err *why)
{
    *why = (struct err){ 0 };
    for (int i = 0; i < N_EXECUTORS - 1; i++)
        if (table[i]->devices(why) > 0)
            return whole(table[i]);
    return whole(table[N_EXECUTORS - 1]);
}
