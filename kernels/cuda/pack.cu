/* pack.cu - rows of a file into the tiles of a product; quantised ones are widened on the way, and what is wider than 16 bits is rounded
 * once. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { THREADS = 256 };

K_DEVICE uint16_t u16_at(const uint8_t *p) { return static_cast<uint16_t>(p[0] | p[1] << 8); }
K_DEVICE uint32_t u32_at(const uint8_t *p) { return u16_at(p) | static_cast<uint32_t>(u16_at(p + 2)) << 16; }
K_DEVICE float f16_at(const uint8_t *p) { return k_f32_of_f16(u16_at(p)); }

/* Element i of a block of 32: d*q (+ m), where the product is exact. */
K_DEVICE float block32(enum dtype t, const uint8_t *b, int i)
{
    const bool has_min = t == DT_Q4_1 || t == DT_Q5_1, fifth = t == DT_Q5_0 || t == DT_Q5_1;
    const float d = f16_at(b);
    if (t == DT_Q8_0)
        return d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
    const uint8_t *q = b + (has_min ? 4 : 2) + (fifth ? 4 : 0);
    int v = q[i % 16] >> (i / 16 * 4) & 15;
    if (fifth)
        v |= static_cast<int>(u32_at(q - 4) >> i & 1) << 4;
    return has_min ? fmaf(d, static_cast<float>(v), f16_at(b + 2)) : d * static_cast<float>(v - (fifth ? 16 : 8));
}

/* Element i of a block of 256 of Q4_K or Q5_K: eight runs of 32, each with a scale and a minimum of six bits. */
K_DEVICE float block_k45(bool fifth, const uint8_t *b, int i)
{
    const int j = i / 32;
    const uint8_t *s = b + 4, *qs = b + (fifth ? 48 : 16);
    const int sc = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4, mn = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
    int v = qs[j / 2 * 32 + i % 32] >> (j % 2 * 4) & 15;
    if (fifth)
        v |= (b[16 + i % 32] >> j & 1) << 4;
    return fmaf(f16_at(b) * static_cast<float>(sc), static_cast<float>(v), -(f16_at(b + 2) * static_cast<float>(mn)));
}

K_DEVICE float block_k6(const uint8_t *b, int i)
{
    const int part = i / 128, run = i % 128 / 32, l = i % 32;
    const int low = b[part * 64 + run % 2 * 32 + l] >> (run / 2 * 4) & 15, high = b[128 + part * 32 + l] >> (2 * run) & 3;
    return f16_at(b + 208) * static_cast<float>(static_cast<int8_t>(b[192 + i / 16])) * static_cast<float>((low | high << 4) - 32);
}

/* Number i of a row; F16 and BF16 go by their bits elsewhere. */
K_DEVICE float number_at(enum dtype t, const uint8_t *row, int i)
{
    switch (t) {
    case DT_F32: return __uint_as_float(u32_at(row + 4 * static_cast<size_t>(i)));
    case DT_F16: return f16_at(row + 2 * static_cast<size_t>(i));
    case DT_BF16: return k_f32_of_bf16(u16_at(row + 2 * static_cast<size_t>(i)));
    case DT_Q8_0: return block32(t, row + static_cast<size_t>(i / 32) * 34, i % 32);
    case DT_Q4_0: return block32(t, row + static_cast<size_t>(i / 32) * 18, i % 32);
    case DT_Q4_1: return block32(t, row + static_cast<size_t>(i / 32) * 20, i % 32);
    case DT_Q5_0: return block32(t, row + static_cast<size_t>(i / 32) * 22, i % 32);
    case DT_Q5_1: return block32(t, row + static_cast<size_t>(i / 32) * 24, i % 32);
    case DT_Q4_K: return block_k45(false, row + static_cast<size_t>(i / 256) * 144, i % 256);
    case DT_Q5_K: return block_k45(true, row + static_cast<size_t>(i / 256) * 176, i % 256);
    default: return block_k6(row + static_cast<size_t>(i / 256) * 210, i % 256);
    }
}

/* Exact for a type of 16 bits that stays what it is; else rounded once. */
K_DEVICE uint16_t packed_of(enum dtype t, const uint8_t *row, int i, bool half)
{
    if (t == (half ? DT_F16 : DT_BF16))
        return u16_at(row + 2 * static_cast<size_t>(i));
    const float x = number_at(t, row, i);
    return half ? k_f16_of(x) : k_bf16_of(x);
}

struct pack_args {
    uint16_t *to;
    const uint8_t *raw;
    size_t raw_row_bytes;
    enum dtype type;
    int k, lead, row0;
    bool half, plain;
};

static __global__ void __launch_bounds__(THREADS) pack_kernel(struct pack_args p)
{
    const int r = static_cast<int>(blockIdx.y), i = static_cast<int>(blockIdx.x * THREADS + threadIdx.x);
    const uint8_t *row = p.raw + static_cast<size_t>(r) * p.raw_row_bytes;
    if (i < p.k)
        p.to[weight_in(p.plain, p.row0 + r, i, p.k)] = packed_of(p.type, row, p.lead + i, p.half);
}

static __global__ void __launch_bounds__(THREADS) narrow_kernel(uint16_t *w, size_t n)
{
    for (size_t i = static_cast<size_t>(blockIdx.x) * THREADS + threadIdx.x; i < n; i += static_cast<size_t>(gridDim.x) * THREADS)
        w[i] = k_bf16_of(k_f32_of_f16(w[i]));
}

int k_pack(const struct linear *w, const void *raw, size_t raw_row_bytes, int row0, int n_rows, const struct k_at *at)
{
    enum { MOST = 32768 };                       /* rows of a grid */
    for (int r = 0; r < n_rows; r += MOST) {
        const uint8_t *from = static_cast<const uint8_t *>(raw) + static_cast<size_t>(r) * raw_row_bytes;
        const int n = n_rows - r < MOST ? n_rows - r : MOST;
        const struct pack_args p = { static_cast<uint16_t *>(w->packed), from, raw_row_bytes, w->dtype, w->k, w->lead, row0 + r, at->half,
                                     at->plain };
        const dim3 grid(static_cast<unsigned>((w->k + THREADS - 1) / THREADS), static_cast<unsigned>(n));
        K_LAUNCH((pack_kernel), grid, THREADS, 0, at->stream, p);
    }
    return cudaGetLastError();
}

int k_narrow(void *packed, size_t n, const struct k_at *at)
{
    const size_t all = (n + THREADS - 1) / THREADS;
    const unsigned blocks = static_cast<unsigned>(all < 4096 ? all : 4096);
    K_LAUNCH((narrow_kernel), blocks, THREADS, 0, at->stream, static_cast<uint16_t *>(packed), n);
    return cudaGetLastError();
}

int k_probe(void)
{
    struct cudaFuncAttributes is;
    return cudaFuncGetAttributes(&is, reinterpret_cast<const void *>(pack_kernel));
}
