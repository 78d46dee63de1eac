/* cuda_cublas.c - products by cuBLASLt (--matmul cublas), the emulated one: they are right; a row alone has the bits of the same row in
 * company of any size; algorithms that would break that are found out before anything is computed; what is missing is said in one line. */
#include "product.h"

static const struct executor *cublas;
static struct side gpu;

/* More rows than a product has are several; the last of 600 are 88 of the smaller kind. */
static void check(int n, int k, int rows, bool half)
{
    static const int some[] = { 1, 2, 17, 127, 129, 300 };
    gpu = side_open(cublas);
    struct product p = product_make(&gpu, n, k, rows, half, true);
    const size_t row = (size_t)n, bytes = (size_t)rows * row * sizeof(float);
    float *y = malloc(bytes), *again = malloc(bytes);
    int wrong = 0, differ = 0;
    product_run(&gpu, &p, &p.packed, 0, 0, rows, false, y);
    const double worst = product_error(&p, y);
    ok(side_done(&gpu) && worst < PRODUCT_ERROR, "%d x %d, %d rows, %s: error %.1e of the sum of sizes", n, k, rows,
       half ? "f16" : "bf16", worst);
    for (int way = 1; way < (n < 1000 ? SIDE_WAYS : 2); way++) {
        side_way(way);
        product_run(&gpu, &p, &p.packed, 0, 0, rows, false, again);
        differ += memcmp(y, again, bytes) != 0;
    }
    ok(!differ, "%d x %d: the same bits in every order of threads", n, k);
    side_way(0);
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (int first = 0; first + some[i] <= rows; first += n < 1000 ? 97 : 128) {
            product_run(&gpu, &p, &p.packed, 0, first, some[i], false, again);
            wrong += memcmp(again, y + (size_t)first * row, (size_t)some[i] * row * sizeof *y) != 0;
        }
    ok(!wrong, "%d x %d, %s: rows alone and among 1 to 299 others have the bits of %d together", n, k, half ? "f16" : "bf16", rows);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    free(y);
    free(again);
    product_drop(&gpu, &p);
    side_close(&gpu);
}

/* f16 weights that turn out to have bf16 ones beside them: the shape is tried again, with the type that it gets. */
static void check_mixed(void)
{
    gpu = side_open(cublas);
    struct product p = product_make(&gpu, 32, 64, 130, true, true), other = product_make(&gpu, 16, 64, 1, false, true);
    float y[32], together[130 * 32];
    for (size_t i = 0; i < 32 * 64; i++)                                            /* what settle() made of the f16 ones */
        p.w[i] = side_round(p.w[i], false);
    p.half = false;
    for (size_t i = 0; i < 130 * 64; i++)
        p.x[i] = side_round(p.x[i], false);
    product_run(&gpu, &p, &p.packed, 0, 0, 130, false, together);
    product_run(&gpu, &p, &p.packed, 0, 129, 1, false, y);
    ok(side_done(&gpu) && product_error(&p, together) < PRODUCT_ERROR && !memcmp(y, together + 129 * 32, sizeof y),
       "f16 weights beside bf16 ones");
    product_drop(&gpu, &p);
    product_drop(&gpu, &other);
    side_close(&gpu);
}

static void check_embedding(void)
{
    enum { VOCAB = 21, DIM = 40 };
    gpu = side_open(cublas);
    struct product p = product_make(&gpu, VOCAB, DIM, 1, false, true);
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
    product_drop(&gpu, &p);
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
