/* linear.cu - y = W x + b: one warp a chain of K, weights and operands straight from memory into the fragments of the product. The law
 * of every kernel that computes a product: a chain is its steps of 16 inputs in ascending order in one accumulator that begins at +0;
 * the chains (chains_of) are added by the balanced tree. Rows never meet in a product, so a row alone has the bits of a row in company. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { TILE = 16, MOST_CHAINS = 8 };

struct product {
    const uint16_t *w, *x;
    float *y;
    const float *bias;
    int n, k, n_rows, ldy;
};

template <bool HALF> K_DEVICE void multiply(float (&d)[4], const uint4 &a, uint32_t b0, uint32_t b1)
{
    const uint32_t fa[4] = { a.x, a.y, a.z, a.w }, fb[2] = { b0, b1 };
    if (HALF)
        k_mma_f16(d, fa, fb);
    else
        k_mma_bf16(d, fa, fb);
}

/* acc[j] += the chain's part of 16 outputs times rows [8j, 8j + 8) of this block of rows. */
template <bool HALF, int NT> K_DEVICE void chain(float (&acc)[NT][4], const struct product &p, int first_row, int n_tiles, int chains)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, warp = static_cast<int>(threadIdx.x) / 32, rows = pad8(p.n_rows);
    const int steps = pad32(p.k) / 32 / chains, k32 = warp * steps;
    const uint16_t *w = p.w + (static_cast<size_t>(blockIdx.x) * (pad32(p.k) / 16) + static_cast<size_t>(k32) * 2) * 256 + lane * 8;
    const uint16_t *x = p.x + (static_cast<size_t>(k32) * rows + first_row + lane / 4) * 32 + lane % 4 * 8;
    for (int s = 0; s < steps; s++, w += 512, x += static_cast<size_t>(rows) * 32) {
        const uint4 a0 = k_load128(w), a1 = k_load128(w + 256);
#pragma unroll
        for (int j = 0; j < NT; j++)
            if (j < n_tiles) {                   /* the same for all lanes */
                const uint4 b = k_read128(x + j * 8 * 32);
                multiply<HALF>(acc[j], a0, b.x, b.y);
                multiply<HALF>(acc[j], a1, b.z, b.w);
            }
    }
}

K_DEVICE float tree(const float *part, int plane, int chains)
{
    float v[MOST_CHAINS];
#pragma unroll
    for (int c = 0; c < MOST_CHAINS; c++)
        v[c] = c < chains ? part[c * plane] : 0.0f;
#pragma unroll
    for (int width = 1; width < MOST_CHAINS; width *= 2)
        if (width < chains)
#pragma unroll
            for (int c = 0; c + width < MOST_CHAINS; c += 2 * width)
                v[c] += v[c + width];
    return v[0];
}

template <bool HALF, int NT> static __global__ void __launch_bounds__(32 * MOST_CHAINS) linear_kernel(struct product p)
{
    K_SHARED(float, part, MOST_CHAINS * TILE * (NT * 8 + 1));
    const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32, chains = static_cast<int>(blockDim.x) / 32;
    const int first_row = static_cast<int>(blockIdx.y) * NT * 8, left = (pad8(p.n_rows) - first_row) / 8, n_tiles = left < NT ? left : NT;
    const int ld = NT * 8 + 1, plane = TILE * ld;
    float acc[NT][4];
#pragma unroll
    for (int j = 0; j < NT; j++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            acc[j][i] = 0.0f;
    chain<HALF, NT>(acc, p, first_row, n_tiles, chains);
#pragma unroll
    for (int j = 0; j < NT; j++)
#pragma unroll
        for (int i = 0; i < 4; i++)              /* [chain][output][row] */
            part[warp * plane + (lane / 4 + i / 2 * 8) * ld + j * 8 + lane % 4 * 2 + i % 2] = acc[j][i];
    __syncthreads();
    for (int i = thread; i < TILE * NT * 8; i += static_cast<int>(blockDim.x)) {
        const int n = static_cast<int>(blockIdx.x) * TILE + i % TILE, row = first_row + i / TILE;
        if (n < p.n && row < p.n_rows) {
            const float sum = tree(part + i % TILE * ld + i / TILE, plane, chains);
            p.y[static_cast<size_t>(row) * p.ldy + n] = p.bias ? sum + p.bias[n] : sum;
        }
    }
}

template <bool HALF> static void launch(const struct product &p, int chains, const struct k_at *at)
{
    const unsigned threads = static_cast<unsigned>(32 * chains), tiles = static_cast<unsigned>(pad16(p.n) / TILE);
    const unsigned rows8 = static_cast<unsigned>(pad8(p.n_rows) / 8);
    if (rows8 == 1)
        K_LAUNCH((linear_kernel<HALF, 1>), dim3(tiles, 1), threads, 0, at->stream, p);
    else
        K_LAUNCH((linear_kernel<HALF, 4>), dim3(tiles, (rows8 + 3) / 4), threads, 0, at->stream, p);
}

int k_linear(const struct op_linear *a, const struct k_at *at)
{
    for (int i = 0; i < a->n_out; i++) {
        const struct linear_out *o = &a->out[i];
        const struct product p = { static_cast<const uint16_t *>(o->w->packed), static_cast<const uint16_t *>(a->x),
                                   o->y ? o->y : static_cast<float *>(o->sum), o->w->bias, o->w->n, o->w->k, a->n_rows,
                                   o->y ? o->ldy : o->w->n };
        if (at->half)
            launch<true>(p, chains_in(o->w), at);
        else
            launch<false>(p, chains_in(o->w), at);
    }
    return cudaGetLastError();
}
