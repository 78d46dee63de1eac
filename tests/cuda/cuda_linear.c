/* cuda_linear.c - products of the CUDA executor against sums in double; a row alone has the bits of the same row in company of any size;
 * the order is the law's: chains of 16-input steps and the balanced tree. */
#include "side.h"

static struct side gpu;

struct product {
    int n, k, rows;
    bool half, bias;
    uint16_t *w;                      /* (n, k) as in a file */
    float *x, *b;                     /* (rows, k) exact in 16 bits; (n) */
    struct linear packed;
};

static float number(uint16_t bits, bool half)
{
    return dtype_number(half ? DT_F16 : DT_BF16, &bits, 0);
}

static uint16_t bits_of(float x, bool half)
{
    uint32_t u;
    if (half)
        return ref_half_from_float(x);
    memcpy(&u, &x, sizeof u);
    return (uint16_t)(u >> 16);
}

/* Rows [first, first + n) as an operand. */
static void *operand_of(const struct product *p, int first, int n)
{
    const size_t bytes = gpu.ops->operand_bytes(n, p->k);
    uint16_t *bits = calloc(1, bytes);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < p->k; i++)
            bits[operand_at(r, i, n)] = bits_of(p->x[(size_t)(first + r) * (size_t)p->k + (size_t)i], p->half);
    void *there = side_put(&gpu, bits, bytes);
    free(bits);
    return there;
}

/* y (n, p->n) of rows [first, first + n); by a sum where 'as_sum', else as rows of a wider matrix. */
static void run(const struct product *p, int first, int n, bool as_sum, float *y)
{
    const int ld = as_sum ? p->n : p->n + 5;
    const size_t bytes = (size_t)n * (size_t)ld * sizeof *y;
    void *x = operand_of(p, first, n);
    float *there = side_put(&gpu, NULL, bytes), *host = malloc(bytes);
    const struct linear_out out = { &p->packed, as_sum ? NULL : there, as_sum ? 0 : ld, as_sum ? there : NULL };
    MTB_DO(&gpu, linear, .out = &out, .n_out = 1, .x = x, .n_rows = n);
    side_get(&gpu, host, there, bytes);
    for (int r = 0; r < n; r++)
        memcpy(y + (size_t)r * (size_t)p->n, host + (size_t)r * (size_t)ld, (size_t)p->n * sizeof *y);
    bool clean = true;
    for (int r = 0; r < n; r++)
        for (int i = p->n; i < ld; i++)
            clean &= isnan(host[(size_t)r * (size_t)ld + (size_t)i]) != 0;
    if (!clean)
        ok(false, "%d x %d: nothing is written beside the product", p->n, p->k);
    free(host);
    side_drop(&gpu, x, 0);
    side_drop(&gpu, there, 0);
}

static double worst_error(const struct product *p, const float *y)
{
    double worst = 0;
    for (int r = 0; r < p->rows; r++)
        for (int j = 0; j < p->n; j++) {
            double sum = p->bias ? (double)p->b[j] : 0, size = fabs(sum);
            for (int i = 0; i < p->k; i++) {
                const double w = (double)number(p->w[(size_t)j * (size_t)p->k + (size_t)i], p->half);
                const double t = w * (double)p->x[(size_t)r * (size_t)p->k + (size_t)i];
                sum += t;
                size += fabs(t);
            }
            const double e = fabs((double)y[(size_t)r * (size_t)p->n + (size_t)j] - sum) / (size + 1e-30);
            worst = e > worst || isnan(e) ? e : worst;
        }
    return worst;
}

static struct product make(int n, int k, int rows, bool half, bool bias)
{
    const size_t weights = (size_t)n * (size_t)k, inputs = (size_t)rows * (size_t)k;
    struct product p = { n, k, rows, half, bias, malloc(weights * 2), malloc(inputs * 4), malloc((size_t)n * 4), { 0 } };
    float x;
    for (size_t i = 0; i < weights; i++) {
        side_fill(&x, 1, 1.0f);
        p.w[i] = bits_of(side_round(x, half), half);
    }
    side_fill(p.x, inputs, 2.0f);
    for (size_t i = 0; i < inputs; i++)
        p.x[i] = side_round(p.x[i], half);
    side_fill(p.b, (size_t)n, 1.0f);
    p.packed = side_pack(&gpu, half ? DT_F16 : DT_BF16, n, k, p.w);
    p.packed.bias = bias ? side_put(&gpu, p.b, (size_t)n * 4) : NULL;
    side_settled(&gpu);
    return p;
}

static void drop(struct product *p)
{
    side_drop(&gpu, p->packed.packed, 0);
    if (p->bias)
        side_drop(&gpu, (void *)(uintptr_t)p->packed.bias, 0);
    free(p->w);
    free(p->x);
    free(p->b);
}

/* Each of some rows alone, and in the middle of others: one row, one set of bits. */
static void check_company(const struct product *p, const float *all)
{
    static const int some[] = { 1, 2, 17, 80 };
    float *y = malloc((size_t)p->rows * (size_t)p->n * sizeof *y);
    const size_t row = (size_t)p->n;
    int wrong = 0;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (int first = 0; first + some[i] <= p->rows; first += some[i] < 17 ? 43 : 31) {
            run(p, first, some[i], false, y);
            wrong += memcmp(y, all + (size_t)first * row, (size_t)some[i] * row * sizeof *y) != 0;
        }
    ok(!wrong, "%d x %d, %s: rows alone, in twos, 17 and 80 have the bits of %d together", p->n, p->k, p->half ? "f16" : "bf16", p->rows);
    free(y);
}

static void check(int n, int k, int rows, bool half, bool bias)
{
    gpu = side_open(executor_find("cuda"));
    struct product p = make(n, k, rows, half, bias);
    const size_t bytes = (size_t)rows * (size_t)n * sizeof(float);
    float *y = malloc(bytes), *again = malloc(bytes);
    side_way(0);
    run(&p, 0, rows, !bias, y);
    const double worst = worst_error(&p, y);
    ok(side_done(&gpu) && worst < 1e-6, "%d x %d, %d rows, %s%s: error %.1e of the sum of sizes", n, k, rows, half ? "f16" : "bf16",
       bias ? ", bias" : "", worst);
    int wrong = 0;
    for (int way = 1; way < SIDE_WAYS; way++) {
        side_way(way);
        run(&p, 0, rows, !bias, again);
        wrong += memcmp(y, again, bytes) != 0;
    }
    ok(!wrong, "%d x %d: the same bits in every order of threads", n, k);
    side_way(0);
    check_company(&p, y);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    free(y);
    free(again);
    drop(&p);
    side_close(&gpu);
}

/* Numbers whose sum depends on the order: a large one, a small one and the large one taken away, each in a step of its own. */
static void check_order(void)
{
    enum { N = 16, K = 256 };
    gpu = side_open(executor_find("cuda"));
    struct product p = make(N, K, 1, false, false);
    float y[N];
    for (int i = 0; i < K; i++)
        p.x[i] = 0.0f;
    /* eight chains of 32: within the first, 2^30 is gone before 1 comes; 1 of the second would be lost beside 2^30 of the third */
    p.x[0] = 0x1p30f;
    p.x[16] = -0x1p30f;
    p.x[17] = 1.0f;
    p.x[32] = 1.0f;
    p.x[64] = 0x1p30f;
    p.x[96] = -0x1p30f;
    for (int i = 0; i < N * K; i++)
        p.w[i] = 0x3f80;
    side_drop(&gpu, p.packed.packed, 0);
    p.packed = side_pack(&gpu, DT_BF16, N, K, p.w);
    run(&p, 0, 1, true, y);
    /* (chain 0 + chain 1) + (chain 2 + chain 3) = (1 + 1) + (2^30 - 2^30) */
    ok(chains_of(K) == 8 && y[0] == 2.0f && y[N - 1] == 2.0f, "the tree over chains is balanced: %g", (double)y[0]);
    drop(&p);
    side_close(&gpu);
}

int main(void)
{
    const int chains[][2] = { { 32, 1 }, { 64, 2 }, { 128, 4 }, { 256, 8 }, { 576, 2 }, { 11008, 8 }, { 48, 2 }, { 16, 1 }, { 96, 1 } };
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        ok(chains_of(chains[i][0]) == chains[i][1], "%d inputs: %d chains", chains[i][0], chains[i][1]);
    check_order();
    check(16, 32, 1, false, false);
    check(33, 48, 9, false, true);
    check(5, 77, 129, false, false);
    check(64, 256, 129, false, true);
    check(40, 512, 100, true, false);
    check(100, 576, 33, false, false);
    check(24, 128, 129, true, true);
    return done_testing();
}
