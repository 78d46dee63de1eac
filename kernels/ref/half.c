/* half.c - IEEE 754 binary16 by arithmetic, not by bits: the textbook of what the kernels do with shifts and masks (tests only). */
#include "kernels/ref/ref.h"

#include <math.h>

uint16_t ref_half_from_float(float x)
{
    const uint16_t sign = signbit(x) ? 0x8000 : 0;
    int e;
    if (isnan(x))
        return sign | 0x7e00;
    if (isinf(x))
        return sign | 0x7c00;
    frexpf(x, &e);                                       /* |x| in [2^(e-1), 2^e) */
    const int last = e - 11 > -24 ? e - 11 : -24;        /* the exponent of a half's last place there */
    const double units = nearbyint(ldexp(fabs((double)x), -last));
    const int exponent = last + 25;                      /* 2048 units carry into the next exponent by themselves */
    const double bits = units < 1024 ? units : (exponent - 1) * 1024.0 + units;
    return bits >= 0x7c00 ? sign | 0x7c00 : (uint16_t)(sign | (uint16_t)bits);
}
