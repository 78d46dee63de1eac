/* dtype.c - element types of weight files. */
#include "mtbench/dtype.h"

#include <string.h>

/* Name, weights per block, bytes per block, as the files have them. Quantised types can only be cut at whole
 * blocks. */
const struct dtype_info dtype_info[DT_COUNT] = {
    [DT_F32] = { "F32", 1, 4 },
    [DT_F16] = { "F16", 1, 2 },
    [DT_BF16] = { "BF16", 1, 2 },
    [DT_Q8_0] = { "Q8_0", 32, 34 },
    [DT_Q4_0] = { "Q4_0", 32, 18 },
    [DT_Q4_1] = { "Q4_1", 32, 20 },
    [DT_Q5_0] = { "Q5_0", 32, 22 },
    [DT_Q5_1] = { "Q5_1", 32, 24 },
    [DT_Q4_K] = { "Q4_K", 256, 144 },
    [DT_Q5_K] = { "Q5_K", 256, 176 },
    [DT_Q6_K] = { "Q6_K", 256, 210 },
};

/* fp16 (IEEE 754 binary16) to fp32: the exponent's bias changes, and what is below the normal halves is a multiple of the smallest. */
static float half_to_float(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
    const uint32_t bits = sign | (exponent == 31 ? 255 : exponent + 112) << 23 | mantissa << 13;
    float x = (float)mantissa * 0x1p-24f;
    if (exponent == 0)
        return sign ? -x : x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float dtype_number(enum dtype t, const void *row, size_t i)
{
    uint16_t half;
    uint32_t bits;
    float number;
    if (t == DT_F32) {
        memcpy(&number, (const char *)row + 4 * i, sizeof number);                  /* bytes of a file have no alignment */
        return number;
    }
    memcpy(&half, (const char *)row + 2 * i, sizeof half);
    if (t == DT_F16)
        return half_to_float(half);
    bits = (uint32_t)half << 16;
    memcpy(&number, &bits, sizeof number);
    return number;
}
