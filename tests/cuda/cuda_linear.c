/* cuda_linear.c - products of the CUDA executor against sums in double; a row alone has the bits of the same row in company of any size;
 * the order is the law's: chains of 16-input steps and the balanced tree. */
#include "product.h"

static struct side gpu;

/* Each of some rows alone, and in the middle of others: one row, one set of bits. */
static void check_company(const struct product *p, const float *all)
{
    static const int some[] = { 1, 2, 17, 80 };
    float *y = malloc((size_t)p->rows * (size_t)p->n * sizeof *y);
    const size_t row = (size_t)p->n;
    int wrong = 0;
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        for (int first = 0; first + some[i] <= p->rows; first += some[i] < 17 ? 43 : 31) {
            product_run(&gpu, p, &p->packed, 0, first, some[i], false, y);
            wrong += memcmp(y, all + (size_t)first * row, (size_t)some[i] * row * sizeof *y) != 0;
        }
    ok(!wrong, "%d x %d, %s: rows alone, in twos, 17 and 80 have the bits of %d together", p->n, p->k, p->half ? "f16" : "bf16", p->rows);
    free(y);
}

static void check(int n, int k, int rows, bool half, bool bias)
{
    gpu = side_open(executor_find("cuda"));
    struct product p = product_make(&gpu, n, k, rows, half, bias);
    const size_t bytes = (size_t)rows * (size_t)n * sizeof(float);
    float *y = malloc(bytes), *again = malloc(bytes);
    side_way(0);
    product_run(&gpu, &p, &p.packed, 0, 0, rows, !bias, y);
    const double worst = product_error(&p, y);
    ok(side_done(&gpu) && worst < PRODUCT_ERROR, "%d x %d, %d rows, %s%s: error %.1e of the sum of sizes", n, k, rows,
       half ? "f16" : "bf16", bias ? ", bias" : "", worst);
    int wrong = 0;
    for (int way = 1; way < SIDE_WAYS; way++) {
        side_way(way);
        product_run(&gpu, &p, &p.packed, 0, 0, rows, !bias, again);
        wrong += memcmp(y, again, bytes) != 0;
    }
    ok(!wrong, "%d x %d: the same bits in every order of threads", n, k);
    side_way(0);
    check_company(&p, y);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    free(y);
    free(again);
    product_drop(&gpu, &p);
    side_close(&gpu);
}

/* Numbers whose sum depends on the order: a large one, a small one and the large one taken away, each in a step of its own, as nobody says
 * in what order a tensor core adds within one. */
static void check_order(void)
{
    enum { N = 16, K = 512, CHAIN = K / 8 };
    gpu = side_open(executor_find("cuda"));
    struct product p = product_make(&gpu, N, K, 1, false, false);
    float y[N];
    for (int i = 0; i < K; i++)
        p.x[i] = 0.0f;
    /* within the first of eight chains, 2^30 is gone before 1 comes; 1 of the second would be lost beside 2^30 of the third */
    p.x[0] = 0x1p30f;
    p.x[16] = -0x1p30f;
    p.x[32] = 1.0f;
    p.x[CHAIN] = 1.0f;
    p.x[2 * CHAIN] = 0x1p30f;
    p.x[3 * CHAIN] = -0x1p30f;
    for (int i = 0; i < N * K; i++)
        p.w[i] = 1.0f;
    side_drop(&gpu, p.packed.packed, 0);
    p.packed = product_pack(&gpu, &p, 0, K);
    product_run(&gpu, &p, &p.packed, 0, 0, 1, true, y);
    /* (chain 0 + chain 1) + (chain 2 + chain 3) = (1 + 1) + (2^30 - 2^30) */
    ok(chains_of(K) == 8 && y[0] == 2.0f && y[N - 1] == 2.0f, "the tree over chains is balanced: %g", (double)y[0]);
    product_drop(&gpu, &p);
    side_close(&gpu);
}

/* Slices of columns, as members of a tensor group have them: their sums, added by the balanced tree, have the bits of the whole product. */
static void check_slices(int n_members)
{
    enum { N = 20, K = 1024, ROWS = 9 };
    gpu = side_open(executor_find("cuda"));
    struct product p = product_make(&gpu, N, K, ROWS, false, false);
    float whole[ROWS * N], part[8][ROWS * N];
    const int k = K / n_members;
    product_run(&gpu, &p, &p.packed, 0, 0, ROWS, true, whole);
    for (int m = 0; m < n_members; m++) {
        const struct linear w = product_pack(&gpu, &p, m * k, k);
        product_run(&gpu, &p, &w, m * k, 0, ROWS, true, part[m]);
        side_drop(&gpu, w.packed, 0);
    }
    for (int width = 1; width < n_members; width *= 2)
        for (int m = 0; m < n_members; m += 2 * width)
            for (int i = 0; i < ROWS * N; i++)
                part[m][i] += part[m + width][i];
    ok(!memcmp(part[0], whole, sizeof whole), "%d slices of %d inputs add up to the bits of one product", n_members, K);
    product_drop(&gpu, &p);
    side_close(&gpu);
}

int main(void)
{
    const int chains[][2] = { { 32, 1 }, { 64, 2 }, { 128, 4 }, { 256, 8 }, { 576, 2 }, { 11008, 8 }, { 48, 2 }, { 16, 1 }, { 96, 1 } };
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        ok(chains_of(chains[i][0]) == chains[i][1], "%d inputs: %d chains", chains[i][0], chains[i][1]);
    check_order();
    for (int n = 2; n <= 8; n *= 2)
        check_slices(n);
    check(16, 32, 1, false, false);
    check(33, 48, 9, false, true);
    check(5, 77, 129, false, false);
    check(64, 256, 129, false, true);
    check(40, 512, 100, true, false);
    check(100, 576, 33, false, false);
    check(24, 128, 129, true, true);
    return done_testing();
}
