/* embed.cu - rows of the embedding, from the packed weights that the head reads too. */
#include "kernels.h"
#include "layout.h"
#include "simt.h"

enum { THREADS = 128 };

template <bool HALF>
static __global__ void __launch_bounds__(THREADS) embed_kernel(float *x, const uint16_t *w, const int32_t *token, int k, bool plain)
{
    const int row = static_cast<int>(blockIdx.x), from = token[row];
    for (int i = static_cast<int>(threadIdx.x); i < k; i += THREADS) {
        const uint16_t v = w[weight_in(plain, from, i, k)];
        x[static_cast<size_t>(row) * k + i] = HALF ? k_f32_of_f16(v) : k_f32_of_bf16(v);
    }
}

int k_embed(const struct op_embed *a, const struct k_at *at)
{
    const uint16_t *w = static_cast<const uint16_t *>(a->w->packed);
    const unsigned rows = static_cast<unsigned>(at->step.n_rows);
    if (at->half)
        K_LAUNCH((embed_kernel<true>), rows, THREADS, 0, at->stream, a->x, w, at->step.token, a->w->k, at->plain);
    else
        K_LAUNCH((embed_kernel<false>), rows, THREADS, 0, at->stream, a->x, w, at->step.token, a->w->k, at->plain);
    return cudaGetLastError();
}
