/* cuda_cublas.c - the CUDA executor with cuBLASLt's products (--matmul cublas). Weights lie as plain rows. A step's rows are brought from
 * the operand to plain rows of a fixed number, zeros behind the real ones; a product leaves plain rows, from which the op's output is taken
 * and the bias added. All other ops are the executor's own, and so is the layout of what passes between them: buffers need no room for
 * rows that are not there, and none of those can be stale. A product is one whole sum, in the order of the library's algorithm. */
#include "cuda_cublas.h"

#include "kernels/cuda/layout.h"
#include "mtbench/executor.h"
#include "mtbench/mem.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

bool cublas_good(struct backend *be, cublasStatus_t status, const char *what)
{
    if (be->first.kind || status == CUBLAS_STATUS_SUCCESS)
        return !be->first.kind;
    err_set(&be->first, ERR_DEVICE, "GPU %d: %s: %s (cuBLASLt status %d); use --matmul own", be->device, what,
            be->cublas->lib.GetStatusString(status), (int)status);
    return false;
}

/* ---- memory ---- */

static int most_rows(int n)
{
    return cublas_n_rows[n > CUBLAS_WIDE ? CUBLAS_FEW : CUBLAS_MANY];
}

/* Room for products with inputs up to k and outputs up to n. */
static bool reserve(struct backend *be, int n, int k)
{
    struct cublas *c = be->cublas;
    const size_t x_bytes = (size_t)cublas_n_rows[CUBLAS_MANY] * (size_t)pad32(k) * sizeof(uint16_t);
    const size_t y_bytes = (size_t)most_rows(n) * (size_t)pad16(n) * sizeof(float);
    if (x_bytes > c->x_bytes) {
        cudaFree(c->x);
        c->x = NULL, c->x_bytes = 0;
        if (!cuda_good(be, (int)cudaMalloc(&c->x, x_bytes), "cudaMalloc of the rows of products"))
            return false;
        c->x_bytes = x_bytes;
    }
    if (y_bytes > c->y_bytes) {
        cudaFree(c->y);
        c->y = NULL, c->y_bytes = 0;
        if (!cuda_good(be, (int)cudaMalloc((void **)&c->y, y_bytes), "cudaMalloc of what products leave"))
            return false;
        c->y_bytes = y_bytes;
    }
    return true;
}

/* ---- shapes ---- */

static struct cublas_shape *find(const struct cublas *c, int n, int k)
{
    for (int i = 0; i < c->n_shapes; i++)
        if (c->shape[i].n == n && c->shape[i].k == k)
            return &c->shape[i];
    return NULL;
}

static void see(struct backend *be, const struct linear *w)
{
    struct cublas *c = be->cublas;
    if (find(c, w->n, w->k) || !reserve(be, w->n, w->k))
        return;
    c->shape = xrealloc(c->shape, (size_t)c->n_shapes + 1, sizeof *c->shape);
    c->shape[c->n_shapes++] = (struct cublas_shape){ .n = w->n, .k = w->k };
}

int cublas_ld(const struct cublas_shape *s)
{
    return pad16(s->n);
}

/* ---- products ---- */

bool cublas_product(struct backend *be, const struct cublas_shape *s, enum cublas_rows rows, const void *w, const void *x, float *y,
                    const cublasLtMatmulAlgo_t *algo)
{
    static const float one = 1.0f, zero = 0.0f;
    struct cublas *c = be->cublas;
    return cublas_good(be, c->lib.Matmul(c->handle, c->product, &one, w, s->w, x, s->of[rows].x, &zero, y, s->of[rows].y, y, s->of[rows].y,
                                         algo, NULL, 0, be->stream), "a product");
}

static bool wide(const struct op_linear *a)
{
    for (int i = 0; i < a->n_out; i++)
        if (a->out[i].w->n > CUBLAS_WIDE)
            return true;
    return false;
}

/* Rows [row, row + n) of one output of the op; their inputs are in c->x. */
static void one_output(struct backend *be, const struct linear_out *o, int row, int n, enum cublas_rows rows)
{
    struct cublas *c = be->cublas;
    const struct cublas_shape *s = find(c, o->w->n, o->w->k);
    float *y = o->y ? o->y : o->sum;
    const int ldy = o->y ? o->ldy : o->w->n;
    assert(s && s->certified && s->half == be->at.half);                            /* settle() saw to it */
    if (cublas_product(be, s, rows, o->w->packed, c->x, c->y, &s->algo))
        cuda_good(be, k_plain_out(y + (size_t)row * (size_t)ldy, ldy, c->y, cublas_ld(s), n, o->w->bias, o->w->n, &be->at), "linear");
}

static void linear(struct backend *be, const struct op_linear *a)
{
    const bool few = wide(a);
    for (int row = 0, n; row < a->n_rows; row += n) {
        const int left = a->n_rows - row;
        const enum cublas_rows rows = few || left <= cublas_n_rows[CUBLAS_FEW] ? CUBLAS_FEW : CUBLAS_MANY;
        n = left < cublas_n_rows[rows] ? left : cublas_n_rows[rows];
        if (!cuda_good(be, k_plain_rows(be->cublas->x, cublas_n_rows[rows], a->x, row, n, a->n_rows, a->out[0].w->k, &be->at), "linear"))
            return;
        for (int i = 0; i < a->n_out; i++)
            one_output(be, &a->out[i], row, n, rows);
    }
}

/* ---- the backend ---- */

static size_t bytes(const struct backend *be)
{
    return be->cublas->x_bytes + be->cublas->y_bytes;
}

static void end(struct backend *be)
{
    struct cublas *c = be->cublas;
    for (int i = 0; i < c->n_shapes; i++)
        cublas_drop_layouts(c, &c->shape[i]);
    if (c->wish)
        c->lib.MatmulPreferenceDestroy(c->wish);
    if (c->product)
        c->lib.MatmulDescDestroy(c->product);
    if (c->handle)
        c->lib.Destroy(c->handle);
    cudaFree(c->x);
    cudaFree(c->y);
    free(c->shape);
    free(c);
}

static const struct cuda_products products = { .see = see, .settled = cublas_certify, .linear = linear, .bytes = bytes, .end = end };

/* A product is w, by columns of k inputs, transposed, times x, by columns too: rows, as everybody else calls them. */
static bool describe(struct backend *be)
{
    struct cublas *c = be->cublas;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const uint32_t align = 64, none = CUBLASLT_REDUCTION_SCHEME_NONE;               /* of weights, as ops.h has it */
    const uint64_t workspace = 0;
    const struct { cublasLtMatmulPreferenceAttributes_t what; const void *value; size_t bytes; } wish[] = {
        { CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &none, sizeof none },         /* a sum is not cut for want of rows */
        { CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace, sizeof workspace },
        { CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, &align, sizeof align },
    };
    if (!cublas_good(be, c->lib.Create(&c->handle), "cublasLtCreate") ||
        !cublas_good(be, c->lib.MatmulDescCreate(&c->product, CUBLAS_COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate") ||
        !cublas_good(be, c->lib.MatmulDescSetAttribute(c->product, CUBLASLT_MATMUL_DESC_TRANSA, &transposed, sizeof transposed),
                     "cublasLtMatmulDescSetAttribute") ||
        !cublas_good(be, c->lib.MatmulPreferenceCreate(&c->wish), "cublasLtMatmulPreferenceCreate"))
        return false;
    for (size_t i = 0; i < sizeof wish / sizeof *wish; i++)
        if (!cublas_good(be, c->lib.MatmulPreferenceSetAttribute(c->wish, wish[i].what, wish[i].value, wish[i].bytes),
                         "cublasLtMatmulPreferenceSetAttribute"))
            return false;
    return true;
}

static struct backend *cublas_executor_open(const struct executor_opts *o, struct err *err)
{
    struct cublas_library lib;
    struct backend *be;
    if (cublas_open(&lib, err) < 0 || !(be = cuda_open(o, err)))
        return NULL;
    be->cublas = xcalloc(1, sizeof *be->cublas);
    be->cublas->lib = lib;
    be->products = &products;
    be->at.plain = true;
    if (describe(be) && reserve(be, o->max_n, o->max_k))
        return be;
    *err = be->first;
    cuda_close(be);
    return NULL;
}

static int devices(struct err *why)
{
    struct cublas_library lib;
    const int n = cuda_devices(why);
    return n > 0 && cublas_open(&lib, why) < 0 ? 0 : n;
}

/* The order of a sum is the library's: the same for the same release on the same number of multiprocessors, as its guide promises. */
static void numerics(int device, enum dtype weights, char text[64])
{
    struct cublas_library lib;
    struct err err;
    const size_t version = cublas_open(&lib, &err) < 0 ? 0 : lib.GetVersion();
    snprintf(text, 64, "cuda-sm%d-%s-kv16-cublas-%zu.%zu.%zu-%dsm-v1", cuda_capability(device), weights == DT_F16 ? "f16" : "bf16",
             version / 10000, version / 100 % 100, version % 100, cuda_multiprocessors(device));
}

const struct executor executor_cublas = {
    .name = "cuda", .matmul = "cublas", .ops = &ops_cuda, .node_weights = false, .max_rows = 1024, .devices = devices,
    .device_id = cuda_device_id, .numerics = numerics, .open = cublas_executor_open, .close = cuda_close, .path = cuda_path,
    .threads = cuda_threads, .scratch = cuda_scratch, .mark = cuda_mark, .between = cuda_between,
};
