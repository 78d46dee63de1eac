/* golden_engine.h - a tiny model of tests/golden/tiny behind an engine, on any executor, for tests of executors around executors. */
#ifndef MTB_TEST_GOLDEN_ENGINE_H
#define MTB_TEST_GOLDEN_ENGINE_H

#include "golden_source.h"

#include "mtbench/engine.h"
#include "mtbench/executor.h"

enum { GOLDEN_ROWS = 40, GOLDEN_VOCAB = 96, GOLDEN_CONTEXT = 64 };

struct golden_engine {
    const struct executor *x;
    struct source *source;
    struct model *m;
    struct backend *be;
    void *packed;
    struct team *team;
    struct engine *e;
};

/* False: err. End with golden_engine_close() in any case. */
__attribute__((unused)) static bool golden_engine_open(struct golden_engine *g, const struct executor *x, const char *name, struct err *err)
{
    *g = (struct golden_engine){ .x = x, .source = golden_source(name, err) };
    g->m = g->source ? model_open(g->source, x->ops, NULL, err) : NULL;
    g->be = g->m ? x->open(&(struct executor_opts){ .threads = 2, .max_rows = GOLDEN_ROWS, .max_k = 256 }, err) : NULL;
    if (!g->be || !(g->packed = x->ops->alloc(g->be, g->m->packed_bytes, err)))
        return false;
    g->m->be = g->be;
    model_attach(g->m, g->packed);
    if (!(g->team = team_create(&(struct team_opts){ .member = &g->m, .n = 1 }, err)) || model_load(&g->m, 1, g->source, err) < 0)
        return false;
    const struct engine_opts eo = { .max_batch = 2, .max_rows = GOLDEN_ROWS, .max_tokens = GOLDEN_CONTEXT };
    return (g->e = engine_create(g->team, &eo, err));
}

/* Logits behind tokens that begin as all others do up to 'alike'. False: err. */
__attribute__((unused)) static bool golden_engine_logits(struct golden_engine *g, int n, int alike, float logits[GOLDEN_VOCAB],
                                                         struct err *err)
{
    int32_t token[GOLDEN_CONTEXT];
    for (int i = 0; i < n; i++)
        token[i] = (i * 37 + (i < alike ? 11 : n)) % GOLDEN_VOCAB;
    return engine_logits(g->e, token, n, logits, err) == 0;
}

__attribute__((unused)) static void golden_engine_close(struct golden_engine *g)
{
    engine_destroy(g->e);
    team_destroy(g->team);
    if (g->packed)
        g->x->ops->release(g->be, g->packed, g->m->packed_bytes);
    model_close(g->m);
    g->x->close(g->be);
    source_files_close(g->source);
}

#endif
