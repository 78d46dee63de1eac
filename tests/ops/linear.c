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
    const struct linear_out out = { .w = w, .y = y, .ldy = w->n };
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
        isa[i]->linear_pack(&w, raw, row, 0, 0, n / 2);
        isa[i]->linear_pack(&w, raw + (size_t)(n / 2) * row, row, 0, n / 2, n - n / 2);
        for (int threads = 1; threads <= 3; threads += 2) {
            memset(y, 0xff, n_y * sizeof *y);
            multiply(isa[i], threads, &w, x, n_rows, y);
            wrong += memcmp(y, want, n_y * sizeof *y) != 0;
        }
        multiply(isa[i], 1, &w, x + (size_t)(n_rows - 1) * (size_t)k, 1, y);
        wrong_rows += memcmp(y, want + (size_t)(n_rows - 1) * (size_t)n, (size_t)n * sizeof *y) != 0;
        int32_t token = n - 1;
        const struct step step = { .n_rows = 1, .token = &token };
        run_shares(1, look_up, &(struct lookup){ isa[i], { e, &w, &step } });
        ref_dequant(t, raw + (size_t)token * row, k, wide);
        wrong_embed += memcmp(e, wide, (size_t)k * sizeof *e) != 0;
        free(w.packed);
    }
    ok(!wrong && !wrong_rows && !wrong_embed, "%s %d x %d, %d rows, %d shards%s: same bits on %d instruction sets (%d, %d, %d wrong)",
       dtype_info[t].name, n, k, n_rows, shards, with_bias ? ", bias" : "", n_isa, wrong, wrong_rows, wrong_embed);
    free(raw), free(x), free(wide), free(want), free(y), free(bias), free(e);
}

/* Columns of a matrix on the members of a tensor group: each leaves the sum of its own subtree, and the balanced tree over the members ends
 * with the bits of the whole, wherever a slice falls into a quantised block. */
static void check_slices(const struct cpu_kernels *k, enum dtype t, int n, int width, int n_rows, int shards, int members)
{
    const size_t row = dtype_row_bytes(t, (size_t)width), n_y = (size_t)n_rows * (size_t)n;
    const int part = width / members, block = dtype_info[t].block;
    uint8_t *raw = malloc(row * (size_t)n);
    float *x = malloc((size_t)n_rows * (size_t)width * sizeof *x), *own = malloc((size_t)n_rows * (size_t)part * sizeof *own);
    float *wide = malloc((size_t)width * sizeof *wide), *sum[8];
    int wrong = 0;
    random_bytes(raw, row * (size_t)n);
    mix_fill(x, (size_t)n_rows * (size_t)width, 1.0f, 5);
    for (int m = 0; m < members; m++) {
        struct linear w = { .dtype = t, .n = n, .k = part, .lead = m * part % block, .n_shards = shards / members };
        const size_t bytes = k->linear_bytes(t, n, linear_width(&w));
        w.packed = aligned_alloc(64, (bytes + 4095) / 64 * 64);
        memset(w.packed, 0, bytes);
        k->linear_pack(&w, raw, row, m * part, 0, n);
        for (int r = 0; r < n_rows; r++)
            memcpy(own + r * part, x + (size_t)r * (size_t)width + m * part, (size_t)part * sizeof *own);
        sum[m] = malloc(n_y * sizeof *sum[m]);
        const struct linear_out out = { .w = &w, .sum = sum[m] };
        run_shares_with(2, k->linear_scratch(n_rows, part), 0, product, &(struct call){ k, { &out, 1, own, n_rows } });
        free(w.packed);
    }
    for (int step = 1; step < members; step *= 2)
        for (int m = 0; m + step < members; m += 2 * step)
            for (size_t i = 0; i < n_y; i++)
                sum[m][i] += sum[m + step][i];
    for (int j = 0; j < n; j++) {
        ref_dequant(t, raw + (size_t)j * row, width, wide);
        for (int r = 0; r < n_rows; r++)
            wrong += sum[0][(size_t)r * (size_t)n + (size_t)j] != one(wide, x + (size_t)r * (size_t)width, width, shards, -0.0f);
    }
    ok(!wrong, "%s %d x %d, %d rows, %d shards: %d members have the bits of one (%d wrong), %s", dtype_info[t].name, n, width, n_rows,
       shards, members, wrong, k->isa);
    for (int m = 0; m < members; m++)
        free(sum[m]);
    free(raw), free(x), free(own), free(wide);
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
    const struct cpu_kernels *isa[MAX_ISA];
    for (int i = isa_list(isa) - 1; i >= 0; i--)
        for (int t = 0; t < DT_COUNT; t++)
            for (int members = 2; members <= 8; members *= 2) /* shards of 160: no slice but the first begins at a block of 256 */
                check_slices(isa[i], (enum dtype)t, 35, 1280, members == 4 ? 1 : 5, 8, members);
    check(DT_F32, 1, 48, 7, 1, false);
    check(DT_F16, 7, 50, 3, 1, true);
    check(DT_Q8_0, 64, 1536, 20, 1, false);
    return done_testing();
}
