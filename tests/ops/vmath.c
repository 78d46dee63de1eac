/* vmath.c - exp of every float that matters: at most 2 ulp off, with the right ends. One source, here as plain C; that the other
 * instruction sets give the same bits is shown by the ops that use it. */
#define MTB_ISA plain
#define MTB_ISA_plain
#include "kernels/cpu/vmath.h"

#include "tap.h"

static double ulp_error(float got, double want)
{
    int e;
    frexp(want, &e);
    return fabs((double)got - want) / ldexp(1.0, e - 24);
}

int main(void)
{
    double worst = 0.0;
    long n = 0;
    for (uint32_t bits = 0; bits <= 0x42b17217u; bits += 997 * LANES / 2)       /* 0 .. 88.72, both signs */
        for (uint32_t sign = 0; sign < 2; sign++) {
            float x[LANES], y[LANES];
            for (uint32_t i = 0; i < LANES; i++) {
                const uint32_t b = (bits + 499 * i < 0x42b17217u ? bits + 499 * i : 0x42b17217u) | sign << 31;
                memcpy(&x[i], &b, sizeof x[i]);
            }
            v_store(y, v_exp(v_load(x)));
            for (int i = 0; i < LANES; i++) {
                if (x[i] < -87.33654f)
                    continue;
                worst = fmax(worst, ulp_error(y[i], exp((double)x[i])));
                n++;
            }
        }
    ok(worst <= 2.0, "largest error of exp over %ld floats: %.3f ulp", n, worst);
    ok(worst > 0.3, "the error was measured");
    ok(exp_1(0.0f) == 1.0f && exp_1(-0.0f) == 1.0f, "exp(0) = 1");
    static const float zero[] = { -INFINITY, -3e38f, -1e9f, -1000.0f, -104.0f, -88.0f, -87.33656f };
    for (size_t i = 0; i < sizeof zero / sizeof *zero; i++)
        ok(exp_1(zero[i]) == 0.0f && !signbit(exp_1(zero[i])), "exp(%g) = +0", (double)zero[i]);
    ok(exp_1(-87.33654f) >= 0x1p-126f && exp_1(-87.33654f) < 0x1.0001p-126f, "exp(-87.33654) is the smallest normal number");
    ok(isinf(exp_1(INFINITY)) && isinf(exp_1(89.0f)) && exp_1(88.7228f) < INFINITY, "exp overflows above 88.7228");
    ok(isnan(exp_1(NAN)), "exp(NaN) = NaN");
    int finite = 0;
    for (uint32_t payload = 0; payload < 512; payload++) {
        uint32_t bits = 0x7f800001u + payload + (payload << 31);
        float x;
        memcpy(&x, &bits, sizeof x);
        finite += !isnan(exp_1(x));
    }
    ok(finite == 0, "whatever the NaN carries: %d became numbers", finite);
    return done_testing();
}
