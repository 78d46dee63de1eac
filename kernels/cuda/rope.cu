/* rope.cu - rotate queries and keys, store keys and values as fp16 in the pages. One block a row. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { THREADS = 128 };

struct rope_args {
    float *qkv;
    uint16_t *pages;
    struct kv_view kv;
    const float *table;
    int n_heads, layer, half;
};

/* Beyond the range of fp16 there would be an infinity, and a key that is one may lose its weight in silence: a NaN is seen by whoever
 * looks. */
K_DEVICE uint16_t half_or_nan(float x)
{
    return fabsf(x) < 65520.0f ? k_f16_of(x) : 0x7e00;
}

K_DEVICE void rotate(const struct rope_args &a, float *row, int pos)
{
    const float *t = a.table + static_cast<size_t>(pos) * (2 * a.half);
    const int n = (a.n_heads + a.kv.n_kv) * a.half;              /* q and k lie one behind the other */
    for (int i = static_cast<int>(threadIdx.x); i < n; i += THREADS) {
        const int d = i % a.half;
        float *x = row + i / a.half * a.kv.head_dim + d, *y = x + a.half;
        const float u = *x, v = *y, c = t[2 * d], s = t[2 * d + 1];
        *x = fmaf(u, c, -(v * s));
        *y = fmaf(v, c, u * s);
    }
}

K_DEVICE void store(const struct rope_args &a, const float *k, int page, int at)
{
    const int hd = a.kv.head_dim, wide = pad32(hd);
    for (int i = static_cast<int>(threadIdx.x); i < a.kv.n_kv * wide; i += THREADS) {
        const int head = i / wide, d = i % wide;
        uint16_t *to = a.pages + kv_head_at(&a.kv, page, a.layer, head);
        to[key_at(at, d)] = d < hd ? half_or_nan(k[head * hd + d]) : 0;
        if (d < hd)
            to[value_at(at, d, hd)] = half_or_nan(k[(a.kv.n_kv + head) * hd + d]);
    }
}

static __global__ void __launch_bounds__(THREADS) rope_kernel(struct rope_args a, struct k_step s)
{
    const int row = static_cast<int>(blockIdx.x);
    const struct k_run run = s.run[s.row_run[row]];
    const int pos = run.pos + row - run.first_row;
    float *qkv = a.qkv + static_cast<size_t>(row) * (static_cast<size_t>(a.n_heads + 2 * a.kv.n_kv) * a.kv.head_dim);
    rotate(a, qkv, pos);
    __syncthreads();
    store(a, qkv + a.n_heads * a.kv.head_dim, s.page[run.page + pos / KV_PAGE], pos % KV_PAGE);
}

int k_rope_kv(const struct op_rope_kv *a, const struct k_at *at)
{
    const struct rope_args r = { a->qkv, static_cast<uint16_t *>(a->kv->base), *a->kv, a->rope->table, a->shape->n_heads, a->shape->layer,
                                 a->rope->dims / 2 };
    K_LAUNCH((rope_kernel), static_cast<unsigned>(at->step.n_rows), THREADS, 0, at->stream, r, at->step);
    return cudaGetLastError();
}
