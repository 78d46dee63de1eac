/* dequant.c - one row of file blocks to fp32, as the GGUF reference computes it (gguf-py quants.py): the textbook of panels (tests only).
 */
#include "kernels/ref/ref.h"

#include <string.h>

static float half(const uint8_t *p)
{
    return (float)ref_f16((uint16_t)(p[0] | p[1] << 8));
}

static void simple(enum dtype t, const uint8_t *b, float *y)
{
    bool has_min = t == DT_Q4_1 || t == DT_Q5_1, five = t == DT_Q5_0 || t == DT_Q5_1;
    float d = half(b), m = has_min ? half(b + 2) : 0;
    const uint8_t *q = b + (has_min ? 4 : 2);
    uint32_t high = 0;
    if (five) {
        memcpy(&high, q, 4);
        q += 4;
    }
    for (int i = 0; i < 32; i++) {
        int v = i < 16 ? q[i] & 15 : q[i - 16] >> 4;
        v |= (int)(high >> i & 1) << 4;
        y[i] = has_min ? d * (float)v + m : d * (float)(v - (five ? 16 : 8));
    }
}

static void k45(const uint8_t *b, bool five, float *y)
{
    float d = half(b), dmin = half(b + 2);
    const uint8_t *s = b + 4, *qh = b + 16, *qs = b + (five ? 48 : 16);
    for (int j = 0; j < 8; j++) {
        int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        int mn = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
        for (int i = 0; i < 32; i++) {
            int v = qs[j / 2 * 32 + i] >> (j % 2 * 4) & 15;
            if (five)
                v |= (qh[i] >> j & 1) << 4;
            y[j * 32 + i] = d * (float)sc * (float)v - dmin * (float)mn;
        }
    }
}

static void k6(const uint8_t *b, float *y)
{
    float d = half(b + 208);
    for (int i = 0; i < 256; i++) {
        int part = i / 128, in = i % 128, run = in / 32, l = in % 32;
        int low = b[part * 64 + (run % 2) * 32 + l] >> (run / 2 * 4) & 15, high = b[128 + part * 32 + l] >> (2 * run) & 3;
        y[i] = d * (float)(int8_t)b[192 + i / 16] * (float)((low | high << 4) - 32);
    }
}

void ref_dequant(enum dtype t, const void *row, int k, float *y)
{
    const struct dtype_info *info = &dtype_info[t];
    const uint8_t *b = row;
    for (int i = 0; i < k; i += info->block, b += info->block_bytes) {
        uint32_t bits = 0;
        switch (t) {
        case DT_F32: memcpy(&y[i], b, 4); break;
        case DT_F16: y[i] = half(b); break;
        case DT_BF16:
            memcpy((char *)&bits + 2, b, 2);
            memcpy(&y[i], &bits, 4);
            break;
        case DT_Q8_0:
            for (int j = 0; j < 32; j++)
                y[i + j] = half(b) * (float)(int8_t)b[2 + j];
            break;
        case DT_Q4_K: k45(b, false, y + i); break;
        case DT_Q5_K: k45(b, true, y + i); break;
        case DT_Q6_K: k6(b, y + i); break;
        default: simple(t, b, y + i); break;
        }
    }
}
