/* lanes.c - the sixteen lanes in plain C: one rounding in a fused multiply-add, and halves, against arithmetic that takes its time. */
#define MTB_ISA plain
#define MTB_ISA_plain
#include "kernels/cpu/simd.h"

#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

static float from_bits(uint32_t b)
{
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static bool fma_is_right(float a, float b, float c)
{
    float y[LANES], z[LANES];
    v_store(y, v_fma(v_set1(a), v_set1(b), v_set1(c)));
    v_store(z, v_fnma(v_set1(a), v_set1(b), v_set1(c)));
    for (int i = 0; i < LANES; i++)
        if (!same(y[i], fmaf(a, b, c)) || !same(z[i], fmaf(-a, b, c)))
            return false;
    return true;
}

/* Factors of few bits, so that their products come near halves of a last place; sums of very different size; results around the smallest
 * floats. */
static void check_fma_random(void)
{
    static const struct { uint32_t keep_a, keep_b; int exponents, around; const char *what; } kind[] = {
        { 0xffffffff, 0xffffffff, 254, 1, "any floats" },
        { 0xfffff000, 0xffffff00, 60, 97, "short factors" },
        { 0xffffe000, 0xffffe000, 28, 113, "products that end at halves of the sum's last place" },
        { 0xfffff800, 0xfffff800, 24, 52, "results below the normal floats" },
        { 0xffffffff, 0xffffffff, 16, 184, "sums that overflow" },
    };
    uint64_t seed = 7;
    for (size_t k = 0; k < sizeof kind / sizeof *kind; k++) {
        long wrong = 0;
        for (int i = 0; i < 300000; i++) {
            uint32_t u[3];
            for (int j = 0; j < 3; j++) {
                const uint64_t r = mix_next(&seed);
                u[j] = ((uint32_t)r & 0x807fffff) | (uint32_t)(kind[k].around + (int)((r >> 32) % (uint64_t)kind[k].exponents)) << 23;
            }
            wrong += !fma_is_right(from_bits(u[0] & kind[k].keep_a), from_bits(u[1] & kind[k].keep_b), from_bits(u[2]));
        }
        ok(wrong == 0, "a * b + c rounds once: %s (%ld of 300000 wrong)", kind[k].what, wrong);
    }
}

static void check_fma_ends(void)
{
    static const float end[] = { 0.0f, -0.0f, 1.0f, -1.0f, 0x1p-149f, -0x1p-149f, 0x1.fffffcp-127f, 0x1p-126f, 0x1p-75f, 0x1.fffffep127f,
                                 INFINITY, -INFINITY, NAN, 0x1p63f, 0x1.000002p0f, 0x1.fffffep0f, 0x1p-24f, 0x1.8p-24f };
    const int n = sizeof end / sizeof *end;
    int wrong = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++)
            for (int k = 0; k < n; k++)
                wrong += !fma_is_right(end[i], end[j], end[k]);
    ok(wrong == 0, "the ends of the scale, %d triples: %d wrong", n * n * n, wrong);
    /* 1 + 2^-24 is half-way between two floats, and the product lies 2^-60 beside it: two roundings would go to the even side. */
    ok(fma_is_right(0x1p-24f, 1.0f + 0x1p-23f, 1.0f) && fma_is_right(0x1.000002p-24f, 0x1.fffffep-1f, 1.0f), "just beside a half");
}

static void check_halves(void)
{
    int wrong = 0, back = 0;
    for (uint32_t h = 0; h < 0x10000; h += LANES) {
        uint16_t in[LANES], out[LANES];
        float x[LANES];
        for (uint32_t i = 0; i < LANES; i++)
            in[i] = (uint16_t)(h + i);
        v_store(x, v_load_f16(in));
        v_store_f16(out, v_load(x));
        for (int i = 0; i < LANES; i++) {
            wrong += !same(x[i], (float)ref_f16(in[i]));
            back += isnan(x[i]) ? (out[i] & 0x7c00) != 0x7c00 || !(out[i] & 0x3ff) : out[i] != in[i];
        }
    }
    ok(wrong == 0 && back == 0, "every half is widened right (%d wrong) and comes back (%d wrong)", wrong, back);
    wrong = 0;
    for (uint32_t b = 0x32000000; b < 0x48000000; b += 0x3ff)           /* from far below the smallest half to beyond the largest */
        for (uint32_t sign = 0; sign < 2; sign++) {
            float x[LANES];
            uint16_t y[LANES];
            for (uint32_t i = 0; i < LANES; i++)
                x[i] = from_bits((b & ~0x1fffu) | (i & 1 ? 0x1000 : i & 2 ? b & 0x1fff : 0xfff) | sign << 31);
            v_store_f16(y, v_load(x));
            for (int i = 0; i < LANES; i++)
                wrong += y[i] != ref_half_from_float(x[i]);
        }
    ok(wrong == 0, "floats become the nearest half, ties to even (%d wrong)", wrong);
}

int main(void)
{
    check_fma_random();
    check_fma_ends();
    check_halves();
    return done_testing();
}
