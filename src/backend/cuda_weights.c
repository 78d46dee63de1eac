/* cuda_weights.c - weights on their way to the GPU: a piece goes over as it lies in the file, and a kernel packs it there. All matrices
 * of a model are of one 16-bit type, as activations are: f16 where every file tensor is, else bf16. Which one is known when the last has
 * come, so f16 ones that turn out to be in mixed company are rounded in settle(). */
#include "cuda.h"

#include "kernels/cuda/layout.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

static bool mixed(const struct backend *be)
{
    return be->seen_types & ~(1u << DT_F16);
}

/* Once for each type: a number that is not the file's is said. */
static void say_type(struct backend *be, enum dtype t)
{
    const bool first = !(be->seen_types & 1u << t);
    be->seen_types |= 1u << t;
    if (!first || t == DT_BF16 || t == DT_F16)
        return;
    if (t == DT_F32)
        log_note("GPU %d: F32 weights are rounded to bf16", be->device);
    else
        log_note("GPU %d: %s weights are widened to bf16, 16 bits each", be->device, dtype_info[t].name);
}

static void remember_half(struct backend *be, const struct linear *w)
{
    for (size_t i = be->n_half; i-- > 0;)
        if (be->half[i].packed == w->packed)                                        /* a further piece of it: to be rounded once */
            return;
    be->half = xrealloc(be->half, be->n_half + 1, sizeof *be->half);
    be->half[be->n_half++] = (struct cuda_matrix){ w->packed, (size_t)pad16(w->n) * (size_t)pad32(w->k) };
}

/* Room for a piece. What is larger than any before is rare: pieces are of one size. */
static bool reserve(struct backend *be, size_t bytes)
{
    if (bytes <= be->staging_bytes)
        return true;
    cudaFree(be->staging);                                                          /* waits for whoever reads it */
    be->staging = NULL;
    be->staging_bytes = 0;
    if (!cuda_good(be, (int)cudaMalloc(&be->staging, bytes), "cudaMalloc of a piece of the weights"))
        return false;
    be->staging_bytes = bytes;
    return true;
}

void cuda_linear_pack(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows)
{
    const size_t row = dtype_row_bytes(w->dtype, (size_t)linear_width(w));
    const char *from = (const char *)raw + dtype_row_bytes(w->dtype, (size_t)(k0 - w->lead));
    if (!cuda_enter(be) || n_rows == 0)
        return;
    say_type(be, w->dtype);
    if (be->products)
        be->products->see(be, w);
    struct k_at at = be->at;
    at.half = w->dtype == DT_F16 && !mixed(be);
    if (at.half)
        remember_half(be, w);
    if (!reserve(be, row * (size_t)n_rows))
        return;
    const cudaError_t e = cudaMemcpy2DAsync(be->staging, row, from, raw_row_bytes, row, (size_t)n_rows, cudaMemcpyHostToDevice, be->stream);
    if (cuda_good(be, (int)e, "upload of weights"))
        cuda_good(be, k_pack(w, be->staging, row, row0, n_rows, &at), "packing of weights");
}

int cuda_settle(struct backend *be, struct err *err)
{
    if (mixed(be) && be->n_half) {
        log_note("GPU %d: F16 weights beside others are rounded to bf16", be->device);
        for (size_t i = 0; i < be->n_half && cuda_enter(be); i++)
            cuda_good(be, k_narrow(be->half[i].packed, be->half[i].n, &be->at), "rounding of weights");
        be->n_half = 0;
    }
    be->at.half = be->seen_types == 1u << DT_F16;
    if (be->products && cuda_enter(be))
        be->products->settled(be);
    return cuda_wait(be, "loading", err);
}
