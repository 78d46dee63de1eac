/* wrappers.c - a model over executors around executors: the trace counts and changes no bit; the comparison finds nothing between two
 * instruction sets, and the one number, or token, that a spoiled executor gets wrong. */
#include "mtbench/wrappers.h"

#include "golden_engine.h"
#include "tap.h"

#include <string.h>

enum { N = GOLDEN_ROWS };

/* Logits behind N tokens and one more that is drawn, on such an executor. False: err. */
static bool compute(const struct executor *x, float logits[GOLDEN_VOCAB], int *layers, struct err *err)
{
    struct golden_engine g;
    const bool done = golden_engine_open(&g, x, "llama_gqa_tied", err) && golden_engine_logits(&g, N, N, logits, err);
    *layers = g.m ? g.m->config.n_layers : 0;
    golden_engine_close(&g);
    return done;
}

/* Of the table's line of this name the number behind it; -1: there is none. */
static long calls(const struct buf *table, const char *name)
{
    char line[32];
    snprintf(line, sizeof line, "\n%s ", name);
    const char *at = strstr(table->data, line);
    return at ? atol(at + strlen(line)) : -1;
}

static void trace(const float *want)
{
    float logits[GOLDEN_VOCAB] = { 0 };
    struct err err = { 0 };
    struct buf table = { 0 };
    int layers = 0;
    const struct executor *x = executor_traced(&executor_cpu);
    ok(compute(x, logits, &layers, &err) && !memcmp(logits, want, sizeof logits), "traced: the same bits %s", err.text);
    trace_put(&table);
    ok(calls(&table, "linear") == 4 * layers + 1, "the products of a step are counted");
    ok(calls(&table, "attend") == layers && strstr(table.data, "\nall ") && calls(&table, "low_rank_add") == -1,
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
    float logits[GOLDEN_VOCAB] = { 0 };
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

static void spoiled_sample(struct backend *be, const struct op_sample *a)
{
    executor_cpu.ops->sample(be, a);
    a->token[0]++;
}

static struct backend *open_plain(const struct executor_opts *o, struct err *err)
{
    struct executor_opts plain = *o;
    plain.isa = "plain";
    return executor_cpu.open(&plain, err);
}

/* What is said of the CPU and, beside it, the spoiled one. The first one's bits must go on. */
static void beside(const char *what, double bound, const float *want, struct buf *text)
{
    float logits[GOLDEN_VOCAB] = { 0 };
    struct err err = { 0 };
    int layers;
    spoiled.ops = &spoiled_ops;
    buf_clear(text);
    ok(compute(executor_compared(&executor_cpu, &spoiled, bound), logits, &layers, &err) && !memcmp(logits, want, sizeof logits),
       "%s: the first one's bits go on %s", what, err.text);
    compare_put(text);
}

static void compare(const float *want)
{
    struct buf text = { 0 };
    spoiled = executor_cpu;
    spoiled.name = "spoiled";
    spoiled.open = open_plain;
    spoiled_ops = *executor_cpu.ops;
    beside("two instruction sets", 0, want, &text);
    ok(!compare_failed() && strstr(text.data, "nothing differs"), "nothing differs, not by a bit");
    ok(strstr(text.data, "sample               1 rows  largest difference 0.00e+00"), "nor do tokens");
    spoiled_ops.silu_mul = spoiled_silu_mul;
    beside("a number that is wrong", 1e-3, want, &text);
    const char *first = strstr(text.data, "first beyond 0.001");
    ok(compare_failed() && first && strstr(first, "silu_mul") && strstr(first, "step 1, layer 1, row 3 (position 3), column 5:"),
       "is found: %.90s", first ? first : "not found");
    ok(strstr(text.data, "rope_kv             80 rows  largest difference 0.00e+00"), "it goes on with the first one's rows");
    spoiled_ops = *executor_cpu.ops;
    spoiled_ops.sample = spoiled_sample;
    beside("a token that is another", 2, want, &text);
    first = strstr(text.data, "first beyond 2: sample");
    ok(compare_failed() && first && strstr(first, "step 1, head, row 39 (position 39): "), "is found, however near its id is: %.45s",
       first ? first : "not found");
    buf_free(&text);
}

int main(void)
{
    float want[GOLDEN_VOCAB] = { 0 };
    struct err err = { 0 };
    int layers;
    ok(compute(&executor_cpu, want, &layers, &err) && layers == 2, "a model of two layers %s", err.text);
    trace(want);
    marks(want);
    compare(want);
    return done_testing();
}
