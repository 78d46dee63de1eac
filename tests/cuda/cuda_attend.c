/* cuda_attend.c - attention of the CUDA executor against softmax in double, over pages in which nobody's positions are NaN: head sizes,
 * groups, windows, contexts around pages and splits. A row alone has the bits of the row in company; a value that is no number is seen
 * by those rows alone that see its position. */
#include "side.h"

#include "kernels/cpu/kernels.h"

static struct side cpu, gpu;

enum { LAYERS = 2, LAYER = 1, MAX_RUNS = 6 };

struct scene {
    int heads, n_kv, size, window;
    int n_runs, rows, width;          /* of the step; numbers of a row of qkv */
    struct seq_run run[MAX_RUNS];
    int n_pages;
    int32_t page[MAX_RUNS][40];
    float *qkv;                       /* (rows, width) */
    struct kv_view kv[2];             /* of cpu, gpu */
    struct attn_shape shape;
};

static const struct side *side_at(int i)
{
    return i ? &gpu : &cpu;
}

/* Keys and values of a run's positions before the step, drawn and written by rope_kv with no rotation to speak of. */
static void write_past(struct scene *s, int r, const struct rope rope[2])
{
    const int n = s->run[r].pos;
    if (n == 0)
        return;
    const size_t bytes = (size_t)n * (size_t)s->width * sizeof(float);
    float *qkv = malloc(bytes);
    int32_t *token = calloc((size_t)n, sizeof *token);
    const struct seq_run run = { 0, n, 0, s->page[r] };
    const struct step step = { .n_rows = n, .token = token, .n_runs = 1, .run = &run };
    side_fill(qkv, (size_t)n * (size_t)s->width, 1.5f);
    for (int i = 0; i < 2; i++) {
        const struct side *d = side_at(i);
        float *there = side_put(d, qkv, bytes);
        d->ops->step_begin(d->be, &step);
        MTB_DO(d, rope_kv, .qkv = there, .kv = &s->kv[i], .shape = &s->shape, .rope = &rope[i], .step = &step);
        side_done(d);
        side_drop(d, there, bytes);
    }
    free(qkv);
    free(token);
}

static void set_scene(struct scene *s, int heads, int n_kv, int size, int window, const int (*runs)[2], int n_runs)
{
    *s = (struct scene){ .heads = heads, .n_kv = n_kv, .size = size, .window = window, .n_runs = n_runs,
                         .width = (heads + 2 * n_kv) * size };
    s->shape = (struct attn_shape){ heads, n_kv, size, LAYER, window, (float)(1 / sqrt(size)) };
    for (int r = 0; r < n_runs; r++) {
        const int end = runs[r][0] + runs[r][1], n = (end + KV_PAGE - 1) / KV_PAGE;
        for (int i = 0; i < n; i++)
            s->page[r][i] = s->n_pages++;
        for (int i = 0; i < n / 2; i++) {                                           /* pages in no order */
            const int32_t x = s->page[r][i];
            s->page[r][i] = s->page[r][n - 1 - i];
            s->page[r][n - 1 - i] = x;
        }
        s->run[r] = (struct seq_run){ s->rows, runs[r][1], runs[r][0], s->page[r] };
        s->rows += runs[r][1];
    }
    s->qkv = malloc((size_t)s->rows * (size_t)s->width * sizeof(float));
    side_fill(s->qkv, (size_t)s->rows * (size_t)s->width, 1.5f);
}

static void step_rope(struct scene *s, const struct step *step, int i, float *qkv, const struct rope *rope)
{
    const struct side *d = side_at(i);
    d->ops->step_begin(d->be, step);
    MTB_DO(d, rope_kv, .qkv = qkv, .kv = &s->kv[i], .shape = &s->shape, .rope = rope, .step = step);
}

/* Attention of runs [first, first + n) of the scene to rows of fp32, from qkv as rope_kv left it. */
static void attend_some(const struct scene *s, const float *qkv, int first, int n, float *out)
{
    struct seq_run run[MAX_RUNS];
    int32_t token[SIDE_ROWS] = { 0 };
    int rows = 0;
    for (int r = 0; r < n; r++) {
        run[r] = s->run[first + r];
        run[r].first_row = rows;
        rows += run[r].n_rows;
    }
    const size_t wide = (size_t)s->width * sizeof(float);
    const int k = s->heads * s->size;
    const struct step step = { .n_rows = rows, .token = token, .n_runs = n, .run = run };
    float *there = side_put(&gpu, qkv + (size_t)s->run[first].first_row * (size_t)s->width, (size_t)rows * wide);
    void *o = side_put(&gpu, NULL, gpu.ops->operand_bytes(rows, k));
    gpu.ops->step_begin(gpu.be, &step);
    MTB_DO(&gpu, attend, .out = o, .qkv = there, .kv = &s->kv[1], .shape = &s->shape, .step = &step);
    side_done(&gpu);
    for (int r = 0; r < rows; r++)
        side_row(&gpu, out + (size_t)r * (size_t)k, o, rows, r, k);
    side_drop(&gpu, there, 0);
    side_drop(&gpu, o, 0);
}

/* The rows of a run one after another: each alone. */
static int rows_alone_differ(const struct scene *s, const float *qkv, const float *all)
{
    const int k = s->heads * s->size;
    float *out = malloc((size_t)k * sizeof *out);
    int wrong = 0;
    for (int r = 0; r < s->n_runs; r++)
        for (int i = 0; i < s->run[r].n_rows; i += i < 2 ? 1 : 5) {
            struct scene one = *s;
            one.run[0] = (struct seq_run){ s->run[r].first_row + i, 1, s->run[r].pos + i, s->page[r] };
            attend_some(&one, qkv, 0, 1, out);
            wrong += memcmp(out, all + (size_t)one.run[0].first_row * (size_t)k, (size_t)k * sizeof *out) != 0;
        }
    free(out);
    return wrong;
}

/* The largest error beside what rounding of the result to 16 bits may leave. */
static double worst_error(const struct scene *s, const float *qkv, const float *got, bool half)
{
    const int k = s->heads * s->size;
    int32_t token[SIDE_ROWS] = { 0 };
    const struct step step = { .n_rows = s->rows, .token = token, .n_runs = s->n_runs, .run = s->run };
    double *want = malloc((size_t)s->rows * (size_t)k * sizeof *want), worst = 0;
    ref_attend(want, qkv, &s->kv[0], &s->shape, &step);
    for (int i = 0; i < s->rows * k; i++) {
        const double e = fabs((double)got[i] - want[i]) - fabs(want[i]) * (half ? 0x1p-11 : 0x1p-8);
        worst = e > worst || isnan(e) ? e : worst;
    }
    free(want);
    return worst;
}

static void open_gpu(bool half)
{
    gpu = side_open(executor_find("cuda"));
    uint16_t one[32] = { 0x3c00 };
    if (half) {
        side_pack(&gpu, DT_F16, 1, 32, one);
        side_settled(&gpu);
    }
}

static void check(int heads, int n_kv, int size, int window, const int (*runs)[2], int n_runs, bool half)
{
    struct scene s;
    struct rope rope[2];
    float table[2 * 4096];
    open_gpu(half);
    set_scene(&s, heads, n_kv, size, window, runs, n_runs);
    for (int i = 0; i < 4096; i++)
        table[2 * i] = 1, table[2 * i + 1] = 0;
    const int k = heads * size;
    const size_t all = (size_t)s.rows * (size_t)s.width * sizeof(float), out_bytes = (size_t)s.rows * (size_t)k * sizeof(float);
    int32_t token[SIDE_ROWS] = { 0 };
    const struct step step = { .n_rows = s.rows, .token = token, .n_runs = s.n_runs, .run = s.run };
    for (int i = 0; i < 2; i++) {
        const struct side *d = side_at(i);
        s.kv[i] = (struct kv_view){ side_put(d, NULL, (size_t)s.n_pages * d->ops->kv_page_bytes(LAYERS, n_kv, size)), LAYERS, n_kv, size };
        rope[i] = (struct rope){ side_put(d, table, sizeof table), 2 };
    }
    for (int r = 0; r < n_runs; r++)
        write_past(&s, r, rope);
    for (int i = 0; i < 2; i++) {
        float *there = side_put(side_at(i), s.qkv, all);
        step_rope(&s, &step, i, there, &rope[i]);
        side_done(side_at(i));
        side_drop(side_at(i), there, all);
    }
    float *out = malloc(out_bytes), *again = malloc(out_bytes);
    side_way(0);
    attend_some(&s, s.qkv, 0, n_runs, out);
    const double worst = worst_error(&s, s.qkv, out, half);
    ok(worst < 1e-3, "%d heads of %d, %d KV heads, window %d, %s: error %.1e", heads, size, n_kv, window, half ? "f16" : "bf16", worst);
    int wrong = 0;
    for (int way = 1; way < SIDE_WAYS; way++) {
        side_way(way);
        attend_some(&s, s.qkv, 0, n_runs, again);
        wrong += memcmp(out, again, out_bytes) != 0;
    }
    side_way(0);
    ok(!wrong, "%d heads of %d: the same bits in every order of threads", heads, size);
    ok(!rows_alone_differ(&s, s.qkv, out), "%d heads of %d, window %d: a row alone has its bits in company", heads, size, window);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    free(out);
    free(again);
    free(s.qkv);
    side_close(&gpu);
    side_reset();
}

/* A value of a position that is NaN, as one that overflowed: rows before it do not know of it. */
static void check_poison(void)
{
    enum { HEADS = 2, SIZE = 32, ROWS = 6, BAD = 3, K = HEADS * SIZE, WIDTH = 3 * K };
    struct scene s;
    struct rope rope;
    float table[2 * 128], out[ROWS * K], alone[K];
    open_gpu(false);
    set_scene(&s, HEADS, HEADS, SIZE, 0, (const int[][2]){ { 0, ROWS } }, 1);
    for (int i = 0; i < 128; i++)
        table[2 * i] = 1, table[2 * i + 1] = 0;
    s.qkv[BAD * WIDTH + 2 * K + SIZE + 5] = 1e9f;                                   /* a value of the second head */
    s.kv[1] = (struct kv_view){ side_put(&gpu, NULL, gpu.ops->kv_page_bytes(LAYERS, HEADS, SIZE)), LAYERS, HEADS, SIZE };
    rope = (struct rope){ side_put(&gpu, table, sizeof table), 2 };
    const struct step step = { .n_rows = ROWS, .token = (int32_t[ROWS]){ 0 }, .n_runs = 1, .run = s.run };
    step_rope(&s, &step, 1, side_put(&gpu, s.qkv, sizeof(float) * ROWS * WIDTH), &rope);
    attend_some(&s, s.qkv, 0, 1, out);
    bool before = true, after = true;
    for (int r = 0; r < ROWS; r++) {
        bool first = true, second = true;
        for (int i = 0; i < SIZE; i++) {
            first &= isfinite(out[r * K + i]) != 0;
            second &= isfinite(out[r * K + SIZE + i]) != 0;
        }
        before &= r >= BAD || (first && second);
        after &= r < BAD || (first && !second);
    }
    ok(before, "rows before a value that is no number do not know of it");
    ok(after, "rows that see it have none, in its head alone");
    struct scene one = s;
    one.run[0] = (struct seq_run){ BAD - 1, 1, BAD - 1, s.page[0] };
    attend_some(&one, s.qkv, 0, 1, alone);
    ok(!memcmp(alone, out + (BAD - 1) * K, sizeof alone), "the row before it has its bits alone");
    free(s.qkv);
    side_close(&gpu);
    side_reset();
}

int main(void)
{
    static const int few[][2] = { { 0, 1 }, { 63, 1 }, { 64, 3 }, { 200, 2 } };
    static const int splits[][2] = { { 255, 1 }, { 256, 2 }, { 300, 17 }, { 0, 40 }, { 511, 3 } };
    static const int late[][2] = { { 520, 4 }, { 90, 20 } };
    cpu = side_open(&executor_cpu);
    check(4, 4, 64, 0, splits, 5, false);
    check(8, 2, 16, 0, few, 4, true);
    check(8, 1, 80, 0, few, 4, false);
    check(6, 2, 96, 0, late, 2, true);
    check(4, 2, 128, 0, splits, 5, true);
    check(2, 1, 256, 0, few, 4, false);
    check(20, 1, 32, 0, few, 4, false);                                             /* more heads than a block has lines */
    check(7, 1, 48, 0, late, 2, true);
    check(4, 2, 32, 8, splits, 5, false);
    check(4, 2, 32, 100, late, 2, true);
    check(2, 2, 64, 256, late, 2, false);
    check_poison();
    side_close(&cpu);
    return done_testing();
}
