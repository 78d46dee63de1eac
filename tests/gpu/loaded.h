/* loaded.h - a folder of weights on an executor, without tokenizer, engine or job: what the tools of this folder compute with. */
#ifndef MTB_GPU_LOADED_H
#define MTB_GPU_LOADED_H

#include "mtbench/executor.h"
#include "mtbench/model.h"
#include "mtbench/modelpath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct loaded {
    const struct executor *x;
    struct source *files;
    struct model *m;                     /* and its backend, m->be */
    void *packed;
};

/* "cpu", "cuda", or "cublas": the GPU with a library's products. NULL: err (usage; device: none is usable here). */
__attribute__((unused)) static const struct executor *loaded_executor(const char *name, struct err *err)
{
    const bool cublas = !strcmp(name, "cublas");
    const struct executor *x = executor_find(cublas ? "cuda" : name);
    if (!x)
        err_set(err, ERR_USAGE, "%s: this build has no executor of that name; give cpu, cuda or cublas", name);
    else if (cublas)
        x = executor_with(x, name, err);
    return x && x->devices(err) > 0 ? x : NULL;
}

/* -1: err; to be closed all the same. */
__attribute__((unused)) static int loaded_open(struct loaded *l, const struct executor *x, const char *path, struct err *err)
{
    struct modelpath found;
    *l = (struct loaded){ .x = x };
    if (modelpath_resolve(path, NULL, NULL, &found, err) < 0)
        return -1;
    l->files = source_files_open((const char *const *)found.path, found.n, err);
    modelpath_free(&found);
    if (!l->files || !(l->m = model_open(l->files, x->ops, NULL, err)))
        return -1;
    const struct model_config *c = &l->m->config;
    const int heads = c->n_heads * c->head_dim, wide = c->ff > c->dim ? c->ff : c->dim;
    const struct executor_opts o = { .max_rows = x->max_rows, .max_k = wide > heads ? wide : heads };
    if (!(l->m->be = x->open(&o, err)) || !(l->packed = x->ops->alloc(l->m->be, l->m->packed_bytes, err)))
        return -1;
    model_attach(l->m, l->packed);
    return model_load(&l->m, 1, l->files, err);
}

__attribute__((unused)) static void loaded_close(struct loaded *l)
{
    struct backend *be = l->m ? l->m->be : NULL;
    if (l->packed)
        l->x->ops->release(be, l->packed, l->m->packed_bytes);
    if (l->m)
        model_close(l->m);
    if (be)
        l->x->close(be);
    source_files_close(l->files);
}

#endif
