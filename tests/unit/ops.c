/* ops.c - the table of ops as others use it: an executor around an executor, made from the list of ops alone, hears every op of a model's
 * steps and changes no bit of them. */
#include "mtbench/executor.h"
#include "mtbench/model.h"

#include "golden_source.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { N = 40, VOCAB = 96 };

/* ---- an executor that counts what it passes on ---- */

#define NUMBER(op) OP_##op,
enum { MTB_EACH_OP(NUMBER) N_OPS };
#define WORD(op) #op,
static const char *const op_name[] = { MTB_EACH_OP(WORD) };

static int calls[N_OPS];

#define COUNTED(op)                                                                                                                        \
    static void counted_##op(struct backend *be, const struct op_##op *a)                                                                  \
    {                                                                                                                                      \
        calls[OP_##op]++;                                                                                                                  \
        executor_cpu.ops->op(be, a);                                                                                                       \
    }
MTB_EACH_OP(COUNTED)

static struct ops counting(void)
{
    struct ops o = *executor_cpu.ops;
    o.name = "counting";
#define SLOT(op) o.op = counted_##op;
    MTB_EACH_OP(SLOT)
    return o;
}

/* ---- a model over it ---- */

/* Logits of the last of N positions, in steps of 'piece' rows, and the token drawn from them. -1: err. */
static int32_t answer(const struct ops *ops, int piece, float logits[VOCAB], int *n_layers, struct err *err)
{
    int32_t token[N], page = 0, drawn = -1;
    const struct sampling greedy = { .top_p = 1.0f, .repetition_penalty = 1.0f };
    struct source *source = golden_source("llama_gqa_tied", err);
    struct model *m = source ? model_open(source, ops, NULL, err) : NULL;
    if (!m || !(m->be = executor_cpu.open(&(struct executor_opts){ .threads = 2, .max_rows = N, .max_k = 256 }, err)))
        return -1;                                                                 /* the test fails and ends */
    const struct model_config *c = &m->config;
    const size_t kv_bytes = executor_cpu.ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim);
    void *packed = ops->alloc(m->be, m->packed_bytes, err);
    struct kv_view kv = { ops->alloc(m->be, kv_bytes, err), c->n_layers, c->n_kv, c->head_dim };
    model_attach(m, packed);
    struct forward *f = model_load(&m, 1, source, err) < 0 || model_rope(m, N, err) < 0 ? NULL : forward_create(m, &comm_self, N, 1, err);
    for (int i = 0; i < N; i++)
        token[i] = (i * 37 + 11) % VOCAB;
    for (int at = 0; f && at < N; at += piece) {
        const int n = N - at < piece ? N - at : piece;
        const struct seq_run run = { .n_rows = n, .pos = at, .page = &page };
        const int32_t last = n - 1;
        const struct step step = { .n_rows = n, .token = token + at, .n_runs = 1, .run = &run, .n_out = 1, .out_row = &last,
                                   .how = &greedy };
        memcpy(logits, forward_step(f, &kv, &step), VOCAB * sizeof *logits);
        if (forward_draw(f, &step, &drawn, err) < 0)
            return -1;
    }
    *n_layers = c->n_layers;
    forward_destroy(f);
    ops->release(m->be, packed, m->packed_bytes);
    ops->release(m->be, kv.base, kv_bytes);
    struct backend *be = m->be;
    model_close(m);
    executor_cpu.close(be);
    source_files_close(source);
    return drawn;
}

int main(void)
{
    float direct[VOCAB], through[VOCAB];
    struct err err = { 0 };
    const struct ops counted = counting();
    int layers = 0;
    const int32_t want = answer(executor_cpu.ops, N, direct, &layers, &err), got = answer(&counted, 1, through, &layers, &err);
    ok(want >= 0 && got == want, "the same token is drawn: %d %s", got, err.text);
    ok(!memcmp(direct, through, sizeof direct), "the same logits, to the bit");
    /* a step: q, k and v in one op, output, gate and up, down in each layer; the head behind them */
    const int a_step[N_OPS] = {
        [OP_embed] = 1, [OP_rmsnorm] = 1, [OP_add_rmsnorm] = 2 * layers, [OP_linear] = 4 * layers + 1, [OP_rope_kv] = layers,
        [OP_attend] = layers, [OP_silu_mul] = layers, [OP_gather_rows] = 1, [OP_sample] = 1,
    };
    for (int i = 0; i < N_OPS; i++)
        ok(calls[i] == N * a_step[i], "%s: %d calls in %d steps", op_name[i], calls[i], N);
    return done_testing();
}
