/* wrappers.c - a model over executors around executors: the trace counts and changes no bit; the comparison finds nothing between two
 * instruction sets, and the one number that a spoiled executor gets wrong. */
#include "mtbench/engine.h"
#include "mtbench/mem.h"
#include "mtbench/wrappers.h"

#include "golden_source.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

enum { N = 40, VOCAB = 96, CONTEXT = 64 };

/* Logits behind N tokens and one more that is drawn, on such an executor. False: err. */
static bool compute(const struct executor *x, float logits[VOCAB], int *layers, struct err *err)
{
    int32_t token[N];
    struct source *source = golden_source("llama_gqa_tied", err);
    struct model *m = source ? model_open(source, x->ops, NULL, err) : NULL;
    struct backend *be = m ? x->open(&(struct executor_opts){ .threads = 2, .max_rows = N, .max_k = 256 }, err) : NULL;
    if (!be)
        return false;
    m->be = be;
    void *packed = x->ops->alloc(be, m->packed_bytes, err);
    model_attach(m, packed);
    struct team *team = team_create(&(struct team_opts){ .member = &m, .n = 1 }, err);
    const struct engine_opts eo = { .max_batch = 2, .max_rows = N, .max_tokens = CONTEXT };
    struct engine *e = model_load(&m, 1, source, err) < 0 ? NULL : engine_create(team, &eo, err);
    for (int i = 0; i < N; i++)
        token[i] = (i * 37 + 11) % VOCAB;
    bool done = e && engine_logits(e, token, N, logits, err) == 0;
    *layers = m->config.n_layers;
    engine_destroy(e);
    team_destroy(team);
    x->ops->release(be, packed, m->packed_bytes);
    model_close(m);
    x->close(be);
    source_files_close(source);
    return done;
}

static void trace(const float *want)
{
    float logits[VOCAB] = { 0 };
    struct err err = { 0 };
    struct buf table = { 0 };
    int layers = 0;
    const struct executor *x = executor_traced(&executor_cpu);
    ok(compute(x, logits, &layers, &err) && !memcmp(logits, want, sizeof logits), "traced: the same bits %s", err.text);
    trace_put(&table);
    const char *linear = strstr(table.data, "\nlinear "), *attend = strstr(table.data, "\nattend "), *all = strstr(table.data, "\nall ");
    ok(linear && atol(linear + 8) == 4 * layers + 1, "the products of a step are counted");
    ok(attend && atol(attend + 8) == layers && all && !strstr(table.data, "low_rank_add"),
       "and attention; what did not happen has no line");
    buf_free(&table);
}

/* ---- an executor with marks of time ---- */

static struct executor marked;
static int n_marks, n_asked, next_mark;
static bool in_order = true;

static void mark(struct backend *be, int i)
{
    (void)be;
    in_order &= i == (i ? next_mark : 0);                                           /* a step begins anew */
    next_mark = i + 1;
    n_marks++;
}

static double between(struct backend *be, int i)
{
    (void)be;
    in_order &= i + 1 < next_mark;
    n_asked++;
    return 100;
}

static void marks(const float *want)
{
    float logits[VOCAB] = { 0 };
    struct err err = { 0 };
    struct trace_row row[TRACE_ROWS];
    int layers = 0, ops = 0;
    marked = executor_cpu;
    marked.mark = mark, marked.between = between;
    ok(compute(executor_traced(&marked), logits, &layers, &err) && !memcmp(logits, want, sizeof logits), "with marks: the same bits %s",
       err.text);
    const int n = trace_rows(row);
    bool seconds = n > 2;
    for (int i = 0; i < n - 1; i++) {
        ops += (int)row[i].calls;
        seconds &= row[i].seconds == 100.0 * (double)row[i].calls;
    }
    ok(seconds && !strcmp(row[n - 1].op, "drawn") && row[n - 1].seconds < 0,
       "an op has the device's seconds, and drawn the rest of the step's");
    ok(in_order && n_asked == ops && n_marks == ops + 1, "a mark before the first op of a step and one behind each: %d, %d ops", n_marks,
       ops);
    const struct executor *x = executor_traced(&marked);
    n_marks = 0;
    trace_count(false);
    ok(compute(x, logits, &layers, &err) && trace_rows(row) == 0 && n_marks == 0, "told not to, it neither counts nor marks");
}

/* ---- an executor with a fault ---- */

static struct ops spoiled_ops;
static struct executor spoiled;
static int n_silu;

static void spoiled_silu_mul(struct backend *be, const struct op_silu_mul *a)
{
    executor_cpu.ops->silu_mul(be, a);
    if (n_silu++ == 1) /* layer 1 */
        ((float *)a->h)[3 * a->ff + 5] += 1.0f;
}

static struct backend *open_plain(const struct executor_opts *o, struct err *err)
{
    struct executor_opts plain = *o;
    plain.isa = "plain";
    return executor_cpu.open(&plain, err);
}

static void compare(const float *want)
{
    float logits[VOCAB] = { 0 };
    struct err err = { 0 };
    struct buf text = { 0 };
    int layers;
    spoiled = executor_cpu;
    spoiled.name = "spoiled";
    spoiled.open = open_plain;
    ok(compute(executor_compared(&executor_cpu, &spoiled, 0), logits, &layers, &err) && !memcmp(logits, want, sizeof logits),
       "compared: the first one's bits go on %s", err.text);
    compare_put(&text);
    ok(!compare_failed() && strstr(text.data, "nothing differs"), "two instruction sets: nothing differs, not by a bit");
    ok(strstr(text.data, "sample               1 rows  largest difference 0.00e+00"), "nor do tokens");
    buf_clear(&text);
    spoiled_ops = *executor_cpu.ops;
    spoiled_ops.silu_mul = spoiled_silu_mul;
    spoiled.ops = &spoiled_ops;
    ok(compute(executor_compared(&executor_cpu, &spoiled, 1e-3), logits, &layers, &err) && !memcmp(logits, want, sizeof logits),
       "the spoiled one beside it changes nothing of the first %s", err.text);
    compare_put(&text);
    const char *first = strstr(text.data, "first beyond 0.001");
    ok(compare_failed() && first && strstr(first, "silu_mul") && strstr(first, "layer 1, row 3, column 5:"), "and is found: %s",
       first ? first : "not found");
    ok(strstr(text.data, "rope_kv             80 rows  largest difference 0.00e+00"), "it goes on with the first one's rows");
    buf_free(&text);
}

int main(void)
{
    float want[VOCAB] = { 0 };
    struct err err = { 0 };
    int layers;
    ok(compute(&executor_cpu, want, &layers, &err) && layers == 2, "a model of two layers %s", err.text);
    trace(want);
    marks(want);
    compare(want);
    return done_testing();
}
