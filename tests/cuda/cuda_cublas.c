/* cuda_cublas.c - products by cuBLASLt (--matmul cublas), the emulated one: they are right; a row alone has the bits of the same row in
 * company of any size; algorithms that would break that are found out before anything is computed; what is missing is said in one line. */
#include "side.h"

static const struct executor *cublas;
static struct side gpu;

struct product {
    int n, k, rows;
    bool half;
    float *w, *x, *b;                 /* (n, k), (rows, k) exact in 16 bits, (n) */
    struct linear packed;
};

static uint16_t bits_of(float x, bool half)
{
    uint32_t u;
    if (half)
        return ref_half_from_float(x);
    memcpy(&u, &x, sizeof u);
    return (uint16_t)(u >> 16);
}

static float *random_numbers(size_t n, bool half)
{
    float *x = malloc(n * sizeof *x);
    side_fill(x, n, 1.0f);
    for (size_t i = 0; i < n; i++)
        x[i] = side_round(x[i], half);
    return x;
}

static struct product make(int n, int k, int rows, bool half)
{
    const size_t weights = (size_t)n * (size_t)k;
    struct product p = { n, k, rows, half, random_numbers(weights, half), random_numbers((size_t)rows * (size_t)k, half),
                         random_numbers((size_t)n, false), { 0 } };
    uint16_t *raw = malloc(weights * sizeof *raw);
    for (size_t i = 0; i < weights; i++)
        raw[i] = bits_of(p.w[i], half);
    p.packed = side_pack(&gpu, half ? DT_F16 : DT_BF16, n, k, raw);
    p.packed.bias = side_put(&gpu, p.b, (size_t)n * sizeof *p.b);
    side_settled(&gpu);
    free(raw);
    return p;
}

static void drop(struct product *p)
{
    side_drop(&gpu, p->packed.packed, 0);
    side_drop(&gpu, (void *)(uintptr_t)p->packed.bias, 0);
    free(p->w);
    free(p->x);
    free(p->b);
}

/* y (n, p->n) of rows [first, first + n), by rows of a wider matrix. */
static void run(const struct product *p, int first, int n, float *y)
{
    const int ld = p->n + 5;
    const size_t bytes = (size_t)n * (size_t)ld * sizeof *y, operand = gpu.ops->operand_bytes(n, p->k);
    uint16_t *bits = calloc(1, operand);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < p->k; i++)
            bits[operand_at(r, i, n)] = bits_of(p->x[(size_t)(first + r) * (size_t)p->k + (size_t)i], p->half);
    void *x = side_put(&gpu, bits, operand);
    float *there = side_put(&gpu, NULL, bytes), *host = malloc(bytes);
    const struct linear_out out = { &p->packed, there, ld, NULL };
    MTB_DO(&gpu, linear, .out = &out, .n_out = 1, .x = x, .n_rows = n);
    side_get(&gpu, host, there, bytes);
    int beside = 0;
    for (int r = 0; r < n; r++)
        for (int i = 0; i < ld; i++)
            if (i < p->n)
                y[(size_t)r * (size_t)p->n + (size_t)i] = host[(size_t)r * (size_t)ld + (size_t)i];
            else
                beside += !isnan(host[(size_t)r * (size_t)ld + (size_t)i]);
    if (beside)
        ok(false, "%d x %d: nothing is written beside the product", p->n, p->k);
    free(bits);
    free(host);
    side_drop(&gpu, x, 0);
    side_drop(&gpu, there, 0);
}

static double worst_error(const struct product *p, const float *y)
{
    double worst = 0;
    for (int r = 0; r < p->rows; r++)
        for (int j = 0; j < p->n; j++) {
            double sum = (double)p->b[j], size = fabs(sum);
            for (int i = 0; i < p->k; i++) {
                const double t = (double)p->w[(size_t)j * (size_t)p->k + (size_t)i] * (double)p->x[(size_t)r * (size_t)p->k + (size_t)i];
                sum += t;
                size += fabs(t);
            }
            const double e = fabs((double)y[(size_t)r * (size_t)p->n + (size_t)j] - sum) / (size + 1e-30);
            worst = e > worst || isnan(e) ? e : worst;
        }
    return worst;
}

/* More rows than a product has are several; the last of 600 are 88 of the smaller kind. */
static void check(int n, int k, int rows, bool half)
{
    static const int some[] = { 1, 2, 17, 127, 129, 300 };
    gpu = side_open(cublas);
    struct product p = make(n, k, rows, half);
    const size_t row = (size_t)n, bytes = (size_t)rows * row * sizeof(float);
    float *y = malloc(bytes), *again = malloc(bytes);
    int wrong = 0, differ = 0;
    run(&p, 0, rows, y);
    const double worst = worst_error(&p, y);
    ok(side_done(&gpu) && worst < 1e-6, "%d x %d, %d rows, %s: error %.1e of the sum of sizes", n, k, rows, half ? "f16" : "bf16", worst);
    for (int way = 1; way < (n < 1000 ? SIDE_WAYS : 2); way++) {
        side_way(way);
        run(&p, 0, rows, again);
        differ += memcmp(y, again, bytes) != 0;
    }
    ok(!differ, "%d x %d: the same bits in every order of threads", n, k);
    side_way(0);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (int first = 0; first + some[i] <= rows; first += n < 1000 ? 97 : 128) {
            run(&p, first, some[i], again);
            wrong += memcmp(again, y + (size_t)first * row, (size_t)some[i] * row * sizeof *y) != 0;
        }
    ok(!wrong, "%d x %d, %s: rows alone and among 1 to 299 others have the bits of %d together", n, k, half ? "f16" : "bf16", rows);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    free(y);
    free(again);
    drop(&p);
    side_close(&gpu);
}

/* f16 weights that turn out to have bf16 ones beside them: the shape is tried again, with the type that it gets. */
static void check_mixed(void)
{
    gpu = side_open(cublas);
    struct product p = make(32, 64, 130, true), other = make(16, 64, 1, false);
    float y[32], together[130 * 32];
    for (size_t i = 0; i < 32 * 64; i++)                                            /* what settle() made of the f16 ones */
        p.w[i] = side_round(p.w[i], false);
    p.half = false;
    for (size_t i = 0; i < 130 * 64; i++)
        p.x[i] = side_round(p.x[i], false);
    run(&p, 0, 130, together);
    run(&p, 129, 1, y);
    ok(side_done(&gpu) && worst_error(&p, together) < 1e-6 && !memcmp(y, together + 129 * 32, sizeof y), "f16 weights beside bf16 ones");
    drop(&p);
    drop(&other);
    side_close(&gpu);
}

static void check_embedding(void)
{
    enum { VOCAB = 21, DIM = 40 };
    gpu = side_open(cublas);
    struct product p = make(VOCAB, DIM, 1, false);
    const int32_t token[] = { 20, 0, 7 }, page[] = { 0 };
    const struct seq_run one = { 0, 3, 0, page };
    const struct step step = { .n_rows = 3, .token = token, .n_runs = 1, .run = &one };
    float x[3 * DIM], *there = side_put(&gpu, NULL, sizeof x);
    gpu.ops->step_begin(gpu.be, &step);
    MTB_DO(&gpu, embed, .x = there, .w = &p.packed, .step = &step);
    side_get(&gpu, x, there, sizeof x);
    int wrong = 0;
    for (int r = 0; r < 3; r++)
        wrong += memcmp(x + r * DIM, p.w + token[r] * DIM, DIM * sizeof *x) != 0;
    ok(!wrong, "the embedding reads plain rows");
    side_drop(&gpu, there, 0);
    drop(&p);
    side_close(&gpu);
}

/* ---- what is not there, or does not do ---- */

static void check_numerics(void)
{
    char own[64], theirs[64];
    struct err err = { 0 };
    executor_find("cuda")->numerics(0, DT_BF16, own);
    cublas->numerics(0, DT_BF16, theirs);
    ok(strcmp(own, theirs) && strstr(theirs, "-bf16-kv16-cublas-") && strstr(theirs, "sm-v1"), "the numeric path is named: %s", theirs);
    ok(executor_with(executor_find("cuda"), "own", &err) == executor_find("cuda"), "own kernels are the usual row");
    ok(!executor_with(&executor_cpu, "cublas", &err) && err.kind == ERR_DEVICE && strstr(err.text, "--matmul cublas"), "%s", err.text);
}

static void check_absent(enum cudasim_cublas is, const char *words)
{
    struct err err = { 0 };
    cudasim()->cublas = is;
    ok(cublas->devices(&err) == 0 && err.kind == ERR_DEVICE && strstr(err.text, words) && strstr(err.text, "--matmul own"), "%s", err.text);
    ok(!cublas->open(&(struct executor_opts){ .max_rows = 4 }, &err) && strstr(err.text, words), "nothing is opened without it");
    cudasim()->cublas = CUDASIM_CUBLAS_GOOD;
}

/* Every algorithm on offer cuts sums, or gives a row other bits in company. */
static void check_none_certified(void)
{
    uint16_t raw[32 * 96];
    struct err err = { 0 };
    cudasim()->cublas = CUDASIM_CUBLAS_BAD;
    gpu = side_open(cublas);
    for (int i = 0; i < 32 * 96; i++)
        raw[i] = 0x3f80;
    struct linear w = side_pack(&gpu, DT_BF16, 32, 96, raw);
    ok(gpu.ops->settle(gpu.be, &err) < 0 && err.kind == ERR_DEVICE && strstr(err.text, "no algorithm for products of 32 outputs from 96"),
       "%s", err.text);
    side_drop(&gpu, w.packed, 0);
    side_close(&gpu);
    cudasim()->cublas = CUDASIM_CUBLAS_GOOD;
}

/* NVIDIA's own library, where this machine has it: every function that is called is there, and without a driver it refuses in order. */
static void check_real(void)
{
    struct err err = { 0 };
    cudasim()->cublas = CUDASIM_CUBLAS_REAL;
    if (cublas->devices(&err) == 0) {
        ok(strstr(err.text, "cannot open shared object file") || strstr(err.text, "it is version"), "not here: %s", err.text);
    } else {
        char text[64];
        cublas->numerics(0, DT_F16, text);
        struct backend *be = cublas->open(&(struct executor_opts){ .max_rows = 4 }, &err);
        ok(be || (err.kind == ERR_DEVICE && strstr(err.text, "cublasLtCreate")), "%s: %s", text, be ? "opened" : err.text);
        cublas->close(be);
    }
    cudasim()->cublas = CUDASIM_CUBLAS_GOOD;
}

int main(void)
{
    struct err err = { 0 };
    if (!(cublas = executor_with(executor_find("cuda"), "cublas", &err)))
        return printf("1..0 # SKIP %s\n", err.text), 0;
    if (!side_emulated() && cublas->devices(&err) == 0)
        return printf("1..0 # SKIP %s\n", err.text), 0;
    check(16, 32, 1, false);
    check(33, 48, 9, false);
    check(24, 128, 600, true);
    check(70, 77, 320, false);
    check(32769, 16, 130, false);                                                   /* as many outputs as a vocabulary */
    check_mixed();
    check_embedding();
    check_numerics();
    if (side_emulated()) {
        check_absent(CUDASIM_CUBLAS_NONE, "libcublasLt.so.13: cannot open");
        check_absent(CUDASIM_CUBLAS_OLD, "version 11.8");
        check_none_certified();
        check_real();
    }
    return done_testing();
}
