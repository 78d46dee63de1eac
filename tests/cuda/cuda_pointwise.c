/* cuda_pointwise.c - embed, the norms, silu_mul, gather_rows and rope_kv of the CUDA executor: the CPU's bits, rounded once where an
 * operand takes them; what only fills up is zero; the same whatever the order of threads. */
#include "side.h"

#include "kernels/cpu/kernels.h"

#include <dirent.h>

static struct side cpu, gpu;
static bool half;                     /* operands are f16 */

/* Rows of an operand on both sides: the GPU's are the CPU's, rounded. Returns how many differ. */
static int differ(const void *cpu_rows, const void *operand, int n_rows, int k)
{
    float *want = malloc((size_t)k * sizeof *want), *got = malloc((size_t)k * sizeof *got);
    int n = 0;
    for (int r = 0; r < n_rows; r++) {
        side_row(&cpu, want, cpu_rows, n_rows, r, k);
        side_row(&gpu, got, operand, n_rows, r, k);
        for (int i = 0; i < k; i++) {
            const float x = side_round(want[i], half);
            n += memcmp(&x, &got[i], sizeof x) && !(isnan(x) && isnan(got[i]));
        }
    }
    free(want);
    free(got);
    return n;
}

/* Elements of an operand that are no row's or no input's and are not zero. */
static int dirty(const void *operand, int n_rows, int k)
{
    const size_t bytes = gpu.ops->operand_bytes(n_rows, k);
    uint16_t *bits = malloc(bytes);
    int n = 0;
    side_get(&gpu, bits, operand, bytes);
    for (int c = 0; c < pad32(k); c++)
        for (int r = 0; r < pad8(n_rows); r++)
            n += (r >= n_rows || c >= k) && bits[operand_at(r, c, n_rows)];
    free(bits);
    return n;
}

static void *operand(const struct side *s, int n_rows, int k)
{
    return side_put(s, NULL, s->ops->operand_bytes(n_rows, k));
}

struct rows {
    int n, dim;
    float *x, *sum, *weight, *bias, *gu;
};

static void check_norm(const struct rows *r, bool add, bool bias)
{
    const size_t wide = (size_t)r->dim * sizeof(float), all = (size_t)r->n * wide;
    const struct side *const side[] = { &cpu, &gpu };
    void *out[2];
    float *x[2], *after[2] = { malloc(all), malloc(all) };
    for (int i = 0; i < 2; i++) {
        const struct side *s = side[i];
        out[i] = operand(s, r->n, r->dim);
        x[i] = side_put(s, r->x, all);
        float *sum = side_put(s, r->sum, all), *w = side_put(s, r->weight, wide), *b = side_put(s, r->bias, wide);
        if (add)
            MTB_DO(s, add_rmsnorm, .out = out[i], .x = x[i], .sum = sum, .bias = bias ? b : NULL, .weight = w, .eps = 1e-5f, .n_rows = r->n,
                   .dim = r->dim);
        else
            MTB_DO(s, rmsnorm, .out = out[i], .x = x[i], .weight = w, .eps = 1e-5f, .n_rows = r->n, .dim = r->dim);
        side_get(s, after[i], x[i], all);
    }
    ok(side_done(&gpu) && !memcmp(after[0], after[1], all) && !differ(out[0], out[1], r->n, r->dim) && !dirty(out[1], r->n, r->dim),
       "%d x %d: %snorm%s is the CPU's, %s", r->n, r->dim, add ? "add_" : "", bias ? " with a bias" : "", half ? "f16" : "bf16");
    free(after[0]);
    free(after[1]);
}

static void check_glu(const struct rows *r, float size)
{
    const size_t all = 2 * (size_t)r->n * (size_t)r->dim * sizeof(float);
    void *h[2] = { operand(&cpu, r->n, r->dim), operand(&gpu, r->n, r->dim) };
    side_fill(r->gu, all / sizeof(float), size);
    MTB_DO(&cpu, silu_mul, .h = h[0], .gu = side_put(&cpu, r->gu, all), .n_rows = r->n, .ff = r->dim);
    MTB_DO(&gpu, silu_mul, .h = h[1], .gu = side_put(&gpu, r->gu, all), .n_rows = r->n, .ff = r->dim);
    ok(side_done(&gpu) && !differ(h[0], h[1], r->n, r->dim) && !dirty(h[1], r->n, r->dim), "%d x %d, size %g: silu_mul is the CPU's",
       r->n, r->dim, (double)size);
}

static void check_gather(const struct rows *r)
{
    const struct side *const side[] = { &cpu, &gpu };
    const int n_out = r->n / 2 + 1;
    int32_t row[SIDE_ROWS], page = 0, token[SIDE_ROWS] = { 0 };
    struct sampling how[SIDE_ROWS] = { 0 };
    void *out[2], *from[2];
    for (int i = 0; i < n_out; i++)
        row[i] = i * 2 < r->n ? i * 2 : r->n - 1;
    struct seq_run run = { .n_rows = r->n, .page = (int32_t[SIDE_ROWS / KV_PAGE + 1]){ page } };
    const struct step step = { .n_rows = r->n, .token = token, .n_runs = 1, .run = &run, .n_out = n_out, .out_row = row, .how = how };
    for (int i = 0; i < 2; i++) {
        const struct side *s = side[i];
        const size_t wide = (size_t)r->dim * sizeof(float);
        from[i] = operand(s, r->n, r->dim);
        out[i] = operand(s, n_out, r->dim);
        s->ops->step_begin(s->be, &step);
        const float *x = side_put(s, r->x, (size_t)r->n * wide), *weight = side_put(s, r->weight, wide);
        MTB_DO(s, rmsnorm, .out = from[i], .x = x, .weight = weight, .eps = 1e-6f, .n_rows = r->n, .dim = r->dim);
        MTB_DO(s, gather_rows, .out = out[i], .x = from[i], .step = &step, .dim = r->dim);
    }
    ok(side_done(&gpu) && !differ(out[0], out[1], n_out, r->dim) && !dirty(out[1], n_out, r->dim), "%d of %d rows of %d are gathered",
       n_out, r->n, r->dim);
}

static void check_rows(int n, int dim)
{
    const size_t all = (size_t)n * (size_t)dim;
    struct rows r = { n, dim, malloc(all * 4), malloc(all * 4), malloc((size_t)dim * 4), malloc((size_t)dim * 4), malloc(all * 8) };
    side_fill(r.x, all, 3.0f);
    side_fill(r.sum, all, 1.0f);
    side_fill(r.weight, (size_t)dim, 1.5f);
    side_fill(r.bias, (size_t)dim, 0.5f);
    check_norm(&r, false, false);
    check_norm(&r, true, false);
    check_norm(&r, true, true);
    check_glu(&r, 1.0f);
    check_glu(&r, 120.0f);                                                          /* where exp ends on either side */
    check_gather(&r);
    free(r.x);
    free(r.sum);
    free(r.weight);
    free(r.bias);
    free(r.gu);
}

/* ---- rope ---- */

struct heads { int n, n_kv, size, dims; };

/* The pages of both sides hold the same halves, in their own places; what fills the GPU's keys up is zero. */
static int pages_differ(const uint16_t *c, const uint16_t *g, const struct kv_view *kv, int n_pages, int first, int last)
{
    int n = 0;
    for (int p = 0; p < n_pages; p++)
        for (int l = 0; l < kv->n_layers; l++)
            for (int h = 0; h < kv->n_kv; h++)
                for (int at = 0; at < KV_PAGE; at++) {
                    const size_t head = (size_t)(p * kv->n_layers + l) * (size_t)kv->n_kv + (size_t)h;
                    const uint16_t *ch = c + head * 2 * KV_PAGE * (size_t)kv->head_dim;
                    const uint16_t *gh = g + kv_head_at(kv, p, l, h);
                    const bool written = l == 1 && p * KV_PAGE + at >= first && p * KV_PAGE + at < last;
                    for (int d = 0; d < pad32(kv->head_dim); d++)
                        if (d < kv->head_dim)
                            n += ch[d * KV_PAGE + at] != gh[key_at(at, d)] ||
                                 ch[(KV_PAGE + at) * kv->head_dim + d] != gh[value_at(at, d, kv->head_dim)];
                        else
                            n += gh[key_at(at, d)] != (written ? 0 : 0xffff);
                }
    return n;
}

static void check_rope(struct heads h)
{
    enum { N = 70, PAGES = 3, FIRST = 61, LAST = FIRST + N, POSITIONS = PAGES * KV_PAGE };
    const struct side *const side[] = { &cpu, &gpu };
    const int width = (h.n + 2 * h.n_kv) * h.size, half_dims = h.dims / 2;
    const size_t all = (size_t)N * (size_t)width * sizeof(float), table_bytes = (size_t)POSITIONS * (size_t)h.dims * sizeof(float);
    float *qkv = malloc(all), *table = malloc(table_bytes), *after[2] = { malloc(all), malloc(all) };
    int32_t page[PAGES] = { 0, 1, 2 }, token[N] = { 0 };
    uint16_t *pages[2];
    const struct seq_run run[] = { { 0, N - 1, FIRST, page }, { N - 1, 1, LAST - 1, page } };
    const struct step step = { .n_rows = N, .token = token, .n_runs = 2, .run = run };
    const struct attn_shape shape = { .n_heads = h.n, .n_kv = h.n_kv, .head_dim = h.size, .layer = 1, .scale = 1.0f };
    side_fill(qkv, (size_t)N * (size_t)width, 2.0f);
    for (int i = 0; i < POSITIONS * half_dims; i++) {
        table[2 * i] = (float)cos(0.01 * i);
        table[2 * i + 1] = (float)sin(0.01 * i);
    }
    qkv[h.n * h.size] = 1e6f;                                                       /* a key beyond fp16 */
    qkv[(h.n + h.n_kv) * h.size + 1] = -65520.0f;                                   /* a value that just is not */
    for (int i = 0; i < 2; i++) {
        const struct side *s = side[i];
        const size_t bytes = PAGES * s->ops->kv_page_bytes(2, h.n_kv, h.size);
        const struct kv_view kv = { side_put(s, NULL, bytes), 2, h.n_kv, h.size };
        const struct rope rope = { side_put(s, table, table_bytes), h.dims };
        float *x = side_put(s, qkv, all);
        s->ops->step_begin(s->be, &step);
        MTB_DO(s, rope_kv, .qkv = x, .kv = &kv, .shape = &shape, .rope = &rope, .step = &step);
        side_get(s, after[i], x, all);
        side_get(s, pages[i] = malloc(bytes), kv.base, bytes);
    }
    const struct kv_view kv = { NULL, 2, h.n_kv, h.size };
    ok(side_done(&gpu) && !memcmp(after[0], after[1], all), "%d heads of %d, %d turned: rotated as on the CPU", h.n, h.size, h.dims);
    ok(!pages_differ(pages[0], pages[1], &kv, PAGES, FIRST, LAST), "%d heads of %d: keys and values of %d KV heads are the CPU's", h.n,
       h.size, h.n_kv);
    free(qkv);
    free(table);
    for (int i = 0; i < 2; i++) {
        free(after[i]);
        free(pages[i]);
    }
}

/* ---- weights of every type ---- */

/* Blocks as a file has them: any bits but those of scales, which are moderate. */
static void fill_blocks(enum dtype t, uint8_t *raw, int n, int k)
{
    const struct dtype_info *info = &dtype_info[t];
    const size_t blocks = (size_t)n * (size_t)(k / info->block);
    for (size_t i = 0; i < blocks * (size_t)info->block_bytes; i++)
        raw[i] = (uint8_t)side_bits();
    for (size_t i = 0; i < blocks; i++, raw += info->block_bytes) {
        float x = 0.5f * ((float)(side_bits() & 1023) / 512.0f - 1.0f);
        const uint16_t d = ref_half_from_float(x), m = ref_half_from_float(x * 0.3f);
        uint32_t u;
        memcpy(&u, &x, sizeof u);
        u ^= side_bits() & 0xffff;                                                  /* F32: the lower bits count in rounding */
        if (t == DT_F32)
            memcpy(raw, &u, 4);
        else if (t == DT_BF16)
            memcpy(raw, (char *)&u + 2, 2);
        else if (t == DT_Q6_K)
            memcpy(raw + 208, &d, 2);
        else
            memcpy(raw, &d, 2);
        if (t == DT_Q4_1 || t == DT_Q5_1 || t == DT_Q4_K || t == DT_Q5_K)
            memcpy(raw + 2, &m, 2);
    }
}

/* Inputs [k0, k0 + k) of a matrix of wider rows, which begin within a block, as a member of a tensor group packs them. */
static void check_slice(enum dtype t)
{
    enum { N = 20, ALL = 768, K0 = 288, K = 160 };
    gpu = side_open(executor_find("cuda"));
    const size_t row = dtype_row_bytes(t, ALL);
    uint8_t *raw = malloc(N * row);
    float x[N * K], want[ALL];
    int32_t token[N], page = 0;
    struct seq_run run = { .n_rows = N, .page = &page };
    const struct step step = { .n_rows = N, .token = token, .n_runs = 1, .run = &run };
    struct linear w = { .dtype = t, .n = N, .k = K, .lead = dtype_info[t].block == 1 ? 0 : K0 % dtype_info[t].block, .n_shards = 1 };
    int wrong = 0;
    fill_blocks(t, raw, N, ALL);
    float *there = side_put(&gpu, NULL, sizeof x);
    struct err err = { 0 };
    w.packed = gpu.ops->alloc(gpu.be, gpu.ops->linear_bytes(t, N, K), &err);
    gpu.ops->linear_pack(gpu.be, &w, raw, row, K0, 0, N);
    for (int i = 0; i < N; i++)
        token[i] = i;
    bool good = side_settled(&gpu);
    gpu.ops->step_begin(gpu.be, &step);
    MTB_DO(&gpu, embed, .x = there, .w = &w, .step = &step);
    good = good && side_done(&gpu);
    side_get(&gpu, x, there, sizeof x);
    for (int i = 0; i < N; i++) {
        ref_dequant(t, raw + (size_t)i * row, ALL, want);
        for (int j = 0; j < K; j++)
            wrong += x[i * K + j] != side_round(want[K0 + j], t == DT_F16);
    }
    ok(good && !wrong, "%s: inputs %d to %d of %d: %d wrong", dtype_info[t].name, K0, K0 + K, ALL, wrong);
    side_drop(&gpu, w.packed, 0);
    side_drop(&gpu, there, 0);
    free(raw);
    side_close(&gpu);
}

/* Embedding a row shows each of its weights: they are the file's, rounded to bf16 where that is coarser. */
static void check_type(enum dtype t, int n, int k, bool want_half)
{
    gpu = side_open(executor_find("cuda"));
    const size_t row = dtype_row_bytes(t, (size_t)k);
    uint8_t *raw = malloc((size_t)n * row);
    float *x = malloc((size_t)n * (size_t)k * sizeof *x), *want = malloc((size_t)k * sizeof *want);
    int32_t token[SIDE_ROWS], page[SIDE_ROWS / KV_PAGE + 1] = { 0 };
    struct seq_run run = { .n_rows = n, .page = page };
    const struct step step = { .n_rows = n, .token = token, .n_runs = 1, .run = &run };
    int wrong = 0;
    fill_blocks(t, raw, n, k);
    const struct linear w = side_pack(&gpu, t, n, k, raw);
    struct linear other = { 0 };
    if (t == DT_F16 && !want_half)                                                  /* another type comes later */
        other = side_pack(&gpu, DT_BF16, n, k, raw);
    bool good = side_settled(&gpu);
    for (int i = 0; i < n; i++)
        token[i] = n - 1 - i;
    float *there = side_put(&gpu, NULL, (size_t)n * (size_t)k * sizeof *x);
    gpu.ops->step_begin(gpu.be, &step);
    MTB_DO(&gpu, embed, .x = there, .w = &w, .step = &step);
    good = good && side_done(&gpu);
    side_get(&gpu, x, there, (size_t)n * (size_t)k * sizeof *x);
    for (int i = 0; i < n; i++) {
        ref_dequant(t, raw + (size_t)token[i] * row, k, want);
        for (int j = 0; j < k; j++)
            wrong += x[(size_t)i * (size_t)k + (size_t)j] != side_round(want[j], want_half);
    }
    ok(good && !wrong, "%s, %d x %d: weights are the file's%s: %d wrong", dtype_info[t].name, n, k, want_half ? "" : " in bf16", wrong);
    side_drop(&gpu, w.packed, 0);
    side_drop(&gpu, other.packed, 0);
    side_drop(&gpu, there, 0);
    free(raw);
    free(x);
    free(want);
    side_close(&gpu);
}

/* Two f16 matrices whose pieces come in turns, and then one that is bf16: each is rounded to bf16, once. */
static void check_turns(void)
{
    enum { N = 48, K = 64, PIECES = 3 };
    gpu = side_open(executor_find("cuda"));
    const size_t row = dtype_row_bytes(DT_F16, K);
    uint8_t *raw = malloc(2 * N * row);
    float x[N * K], want[K];
    int32_t token[N], page = 0;
    struct seq_run run = { .n_rows = N, .page = &page };
    const struct step step = { .n_rows = N, .token = token, .n_runs = 1, .run = &run };
    struct linear w[2];
    struct err err = { 0 };
    int wrong = 0;
    fill_blocks(DT_F16, raw, 2 * N, K);
    for (int i = 0; i < 2; i++) {
        w[i] = (struct linear){ .dtype = DT_F16, .n = N, .k = K, .n_shards = 1 };
        w[i].packed = gpu.ops->alloc(gpu.be, gpu.ops->linear_bytes(DT_F16, N, K), &err);
    }
    for (int p = 0; p < PIECES; p++)
        for (int i = 0; i < 2; i++)
            gpu.ops->linear_pack(gpu.be, &w[i], raw + (size_t)(i * N + p * N / PIECES) * row, row, 0, p * N / PIECES, N / PIECES);
    struct linear other = side_pack(&gpu, DT_BF16, N, K, raw);
    bool good = side_settled(&gpu);
    for (int i = 0; i < N; i++)
        token[i] = i;
    float *there = side_put(&gpu, NULL, sizeof x);
    for (int i = 0; i < 2; i++) {
        gpu.ops->step_begin(gpu.be, &step);
        MTB_DO(&gpu, embed, .x = there, .w = &w[i], .step = &step);
        good = good && side_done(&gpu);
        side_get(&gpu, x, there, sizeof x);
        for (int r = 0; r < N; r++) {
            ref_dequant(DT_F16, raw + (size_t)(i * N + r) * row, K, want);
            for (int j = 0; j < K; j++)
                wrong += x[r * K + j] != side_round(want[j], false);
        }
        side_drop(&gpu, w[i].packed, 0);
    }
    ok(good && !wrong, "f16 matrices whose pieces come in turns, beside a bf16 one: %d wrong", wrong);
    side_drop(&gpu, other.packed, 0);
    side_drop(&gpu, there, 0);
    free(raw);
    side_close(&gpu);
}

static int threads_here(void)
{
    DIR *d = opendir("/proc/self/task");
    int n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

/* An adapter's change, while weights are loaded: on as many cores as the executor was given, with the bits of one. */
static void check_low_rank(void)
{
    enum { ROWS = 97, COLS = 80, R = 5, THREADS = 3, PANELS = COLS / 16 };
    const struct executor *x = executor_find("cuda");
    struct err err = { 0 };
    struct backend *be = x->open(&(struct executor_opts){ .max_rows = 4, .threads = THREADS }, &err);
    float from[ROWS * COLS], b[ROWS * R], a[PANELS * R * 16], rows[2][ROWS * COLS];
    int infinite = 0;
    side_fill(from, ROWS * COLS, 1);
    side_fill(b, ROWS * R, 1);
    side_fill(a, PANELS * R * 16, 1);
    const int before = threads_here();
    for (int i = 0; i < 2; i++) {
        const struct op_low_rank_add op = { .rows = rows[i], .from = from, .dtype = DT_F32, .from_dtype = DT_F32, .b = b, .a = a,
                                            .scale = 0.5f, .n_rows = ROWS, .n_cols = COLS, .r = R, .infinite = &infinite };
        (i ? x->ops : cpu.ops)->low_rank_add(i ? be : cpu.be, &op);
    }
    ok(!memcmp(rows[0], rows[1], sizeof rows[0]) && threads_here() == before + THREADS - 1, "low_rank_add: the CPU's bits, by %d threads",
       threads_here() - before + 1);
    x->close(be);
}

/* Room is taken once: steps of the largest size that was named allocate nothing. */
static void check_room(void)
{
    enum { RUNS = 64, TOKENS = 300000, PAGES = TOKENS / KV_PAGE + 1, VOCAB = 300000, WORDS = VOCAB / 64 + 1 };
    gpu = side_open(executor_find("cuda"));
    const struct step_size most = { .rows = RUNS, .out = RUNS, .runs = RUNS, .tokens = TOKENS, .n_vocab = VOCAB };
    int32_t *page = calloc(PAGES, sizeof *page), token[RUNS] = { 0 }, row[RUNS];
    uint64_t *seen = calloc(WORDS, sizeof *seen);
    struct seq_run run[RUNS];
    struct sampling how[RUNS];
    struct err err = { 0 };
    for (int i = 0; i < RUNS; i++) {
        run[i] = (struct seq_run){ i, 1, TOKENS - 1, page };
        how[i] = (struct sampling){ .repetition_penalty = 1.5f, .seen = seen };
        row[i] = i;
    }
    bool good = gpu.ops->step_room(gpu.be, &most, &err) == 0;
    const long before = cudasim_allocations();
    for (int n = 1; n <= RUNS; n += 21) {
        const struct step step = { .n_rows = n, .token = token, .n_runs = n, .run = run, .n_out = n, .out_row = row, .how = how };
        gpu.ops->step_begin(gpu.be, &step);
        good = good && side_done(&gpu);
    }
    ok(good && cudasim_allocations() == before, "steps of up to %zu bytes of arrays: %ld allocations", gpu.ops->step_bytes(&most),
       cudasim_allocations() - before);
    cudasim()->device_bytes = (size_t)1 << 20;
    ok(gpu.ops->step_room(gpu.be, &(struct step_size){ .rows = 1, .runs = 1024, .tokens = 1 << 20 }, &err) < 0 && err.kind == ERR_MEMORY,
       "no room: %s", err.text);
    cudasim()->device_bytes = (size_t)4 << 30;
    free(page);
    free(seen);
    side_close(&gpu);
}

int main(void)
{
    cpu = side_open(&executor_cpu);
    for (int t = 0; t < DT_COUNT; t++)
        check_type((enum dtype)t, 53, dtype_info[t].block == 1 ? 77 : 2 * dtype_info[t].block, t == DT_F16);
    check_type(DT_F16, 40, 64, false);
    check_turns();
    check_low_rank();
    if (side_emulated())
        check_room();
    for (int t = 0; t < DT_COUNT; t++)
        check_slice((enum dtype)t);
    for (int way = 0; way < SIDE_WAYS; way++) {
        side_way(way);
        gpu = side_open(executor_find("cuda"));
        half = way % 2;
        if (half) {                                                                 /* a model of f16 weights has f16 operands */
            uint16_t one[32] = { 0x3c00 };
            side_pack(&gpu, DT_F16, 1, 32, one);
            side_settled(&gpu);
        }
        check_rows(1, 16);
        check_rows(3, 47);
        check_rows(8, 64);
        check_rows(17, 200);
        check_rope((struct heads){ 2, 2, 16, 16 });
        check_rope((struct heads){ 4, 1, 80, 40 });
        check_rope((struct heads){ 3, 1, 128, 128 });
        ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
        side_close(&gpu);
        side_reset();
    }
    side_close(&cpu);
    return done_testing();
}
