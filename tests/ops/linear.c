/* linear.c - products and embedding rows: dequantised values against gguf-py, every output against one scalar fma chain per shard, bit for
 * bit, for every type, instruction set, thread count and number of rows. */
#include "kernels/ref/ref.h"
#include "mtbench/hash.h"
#include "shares.h"
#include "tap.h"
#include "tests/golden/dequant.h"

#include <math.h>

static void random_bytes(uint8_t *p, size_t n)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = (x * 1103515245u + 12345u) & 0x7fffffff;
        p[i] = (uint8_t)(x >> 16 & 0xbb);
    }
}

static void check_reference(void)
{
    for (size_t i = 0; i < sizeof dequant_golden / sizeof *dequant_golden; i++) {
        enum dtype t = dequant_golden[i].t;
        size_t row = dtype_row_bytes(t, 512);
        uint8_t *raw = malloc(8 * row);
        float *y = malloc(8 * 512 * sizeof *y);
        char hex[65];
        random_bytes(raw, 8 * row);
        for (int r = 0; r < 8; r++)
            ref_dequant(t, raw + (size_t)r * row, 512, y + r * 512);
        sha256_hex(y, 8 * 512 * sizeof *y, hex);
        ok(!strcmp(hex, dequant_golden[i].sha256), "%s dequantised as gguf-py does", dtype_info[t].name);
        free(raw), free(y);
    }
}

struct call {
    const struct cpu_kernels *k;
    struct op_linear op;
};

static void product(void *arg, struct share s)
{
    const struct call *c = arg;
    c->k->linear(&c->op, s);
}

struct lookup {
    const struct cpu_kernels *k;
    struct op_embed op;
};

static void look_up(void *arg, struct share s)
{
    const struct lookup *c = arg;
    c->k->embed(&c->op, s);
}

static void multiply(const struct cpu_kernels *k, int threads, const struct linear *w, const float *x, int n_rows, float *y)
{
    const struct linear_out out = { w, y, w->n };
    run_shares_with(threads, k->linear_scratch(n_rows, w->k), 0, product, &(struct call){ k, { &out, 1, x, n_rows } });
}

/* The contract in ops.h, one number at a time. */
static float one(const float *w, const float *x, int k, int shards, float bias)
{
    float part[8];
    for (int s = 0; s < shards; s++) {
        part[s] = 0.0f;
        for (int i = s * (k / shards); i < (s + 1) * (k / shards); i++)
            part[s] = fmaf(w[i], x[i], part[s]);
    }
    for (int step = 1; step < shards; step *= 2)
        for (int s = 0; s + step < shards; s += 2 * step)
            part[s] += part[s + step];
    return part[0] + bias;
}

static void check(enum dtype t, int n, int k, int n_rows, int shards, bool with_bias)
{
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    size_t row = dtype_row_bytes(t, (size_t)k), n_y = (size_t)n_rows * (size_t)n;
    uint8_t *raw = malloc(row * (size_t)n);
    float *x = malloc((size_t)n_rows * (size_t)k * sizeof *x), *wide = malloc((size_t)k * sizeof *wide), *want = malloc(n_y * sizeof *want);
    float *y = malloc(n_y * sizeof *y), *bias = malloc((size_t)n * sizeof *bias), *e = malloc((size_t)k * sizeof *e);
    struct linear w = { .dtype = t, .n = n, .k = k, .n_shards = shards, .bias = with_bias ? bias : NULL };
    int wrong = 0, wrong_rows = 0, wrong_embed = 0;
    random_bytes(raw, row * (size_t)n);
    mix_fill(x, (size_t)n_rows * (size_t)k, 1.0f, 5);
    mix_fill(bias, (size_t)n, 1.0f, 6);
    for (int j = 0; j < n; j++) {
        ref_dequant(t, raw + (size_t)j * row, k, wide);
        for (int r = 0; r < n_rows; r++)
            want[(size_t)r * (size_t)n + (size_t)j] = with_bias ? one(wide, x + (size_t)r * (size_t)k, k, shards, 0) + bias[j]
                                                                : one(wide, x + (size_t)r * (size_t)k, k, shards, -0.0f);
    }
    for (int i = 0; i < n_isa; i++) {
        size_t bytes = isa[i]->linear_bytes(t, n, k);
        w.packed = aligned_alloc(64, (bytes + 4095) / 64 * 64);
        memset(w.packed, 0, bytes);
        isa[i]->linear_pack(&w, raw, 0, n / 2);
        isa[i]->linear_pack(&w, raw + (size_t)(n / 2) * row, n / 2, n - n / 2);
        for (int threads = 1; threads <= 3; threads += 2) {
            memset(y, 0xff, n_y * sizeof *y);
            multiply(isa[i], threads, &w, x, n_rows, y);
            wrong += memcmp(y, want, n_y * sizeof *y) != 0;
        }
        multiply(isa[i], 1, &w, x + (size_t)(n_rows - 1) * (size_t)k, 1, y);
        wrong_rows += memcmp(y, want + (size_t)(n_rows - 1) * (size_t)n, (size_t)n * sizeof *y) != 0;
        int32_t token = n - 1;
        run_shares(1, look_up, &(struct lookup){ isa[i], { e, &w, &token, 1 } });
        ref_dequant(t, raw + (size_t)token * row, k, wide);
        wrong_embed += memcmp(e, wide, (size_t)k * sizeof *e) != 0;
        free(w.packed);
    }
    ok(!wrong && !wrong_rows && !wrong_embed, "%s %d x %d, %d rows, %d shards%s: same bits on %d instruction sets (%d, %d, %d wrong)",
       dtype_info[t].name, n, k, n_rows, shards, with_bias ? ", bias" : "", n_isa, wrong, wrong_rows, wrong_embed);
    free(raw), free(x), free(wide), free(want), free(y), free(bias), free(e);
}

int main(void)
{
    static const int rows[] = { 1, 2, 5, 13, 14, 15, 80, 113, 230 };
    check_reference();
    for (int t = 0; t < DT_COUNT; t++) {
        check((enum dtype)t, 33, 256, 15, 1, false);
        check((enum dtype)t, 100, 512, 3, 8, true);
        check((enum dtype)t, 31, 768, 2, 2, false);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(DT_Q4_1, 65, 576, rows[i], 1, false), check(DT_BF16, 40, 256, rows[i], 4, true);
    check(DT_F32, 1, 48, 7, 1, false);
    check(DT_F16, 7, 50, 3, 1, true);
    check(DT_Q8_0, 64, 1536, 20, 1, false);
    return done_testing();
}
