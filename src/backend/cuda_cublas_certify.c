/* cuda_cublas_certify.c - which of cuBLASLt's algorithms may compute products. What is wanted is that a row's bits depend on that row
 * alone; what the library promises is less. So a product's rows are always 128 or 512 (cuda_cublas.h), an algorithm that cuts sums is
 * none, one and the same serves both, and before any answer it is tried: random rows, each alone, then in company at every place. */
#include "cuda_cublas.h"

#include "kernels/cuda/layout.h"
#include "mtbench/log.h"

#include <string.h>

enum { PERIOD = 3, MOST_ALGORITHMS = 32, SEED_W = 1, SEED_X = 0x70000001 };

/* What a shape is tried with, in device memory. */
struct trial {
    struct cublas_shape *shape;
    void *w;                          /* (n, k) random */
    float *alone;                     /* (PERIOD, ld) the rows' products when they were alone */
    int32_t *differ;
};

/* ---- layouts ---- */

void cublas_drop_layouts(const struct cublas *c, struct cublas_shape *s)
{
    cublasLtMatrixLayout_t *all[] = { &s->w, &s->of[0].x, &s->of[0].y, &s->of[1].x, &s->of[1].y };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (*all[i])
            c->lib.MatrixLayoutDestroy(*all[i]);
        *all[i] = NULL;
    }
}

static bool layout(struct backend *be, cublasLtMatrixLayout_t *to, cudaDataType type, int width, int rows)
{
    const cublasStatus_t e = be->cublas->lib.MatrixLayoutCreate(to, type, (uint64_t)width, (uint64_t)rows, width);
    return cublas_good(be, e, "cublasLtMatrixLayoutCreate");
}

/* Inputs and outputs are filled up, so that all algorithms that want 16-byte steps can be had. */
static bool make_layouts(struct backend *be, struct cublas_shape *s)
{
    const cudaDataType type = be->at.half ? CUDA_R_16F : CUDA_R_16BF;
    cublas_drop_layouts(be->cublas, s);
    bool good = layout(be, &s->w, type, pad32(s->k), cublas_ld(s));
    for (int i = 0; i < CUBLAS_ROWS && good; i++)
        good = layout(be, &s->of[i].x, type, pad32(s->k), cublas_n_rows[i]) &&
            layout(be, &s->of[i].y, CUDA_R_32F, cublas_ld(s), cublas_n_rows[i]);
    return good;
}

static bool has_many(const struct cublas_shape *s)
{
    return s->n <= CUBLAS_WIDE;
}

/* ---- what an algorithm says of itself ---- */

/* Attribute of 2 or 4 bytes; -1: it has none, and is not trusted. */
static int attribute(const struct cublas *c, const cublasLtMatmulAlgo_t *algo, cublasLtMatmulAlgoConfigAttributes_t what)
{
    uint16_t two = 0;
    int32_t four = 0;
    size_t written = 0;
    if (c->lib.MatmulAlgoConfigGetAttribute(algo, what, &four, sizeof four, &written) == CUBLAS_STATUS_SUCCESS && written == sizeof four)
        return four;
    if (c->lib.MatmulAlgoConfigGetAttribute(algo, what, &two, sizeof two, &written) == CUBLAS_STATUS_SUCCESS && written == sizeof two)
        return two;
    return -1;
}

/* A sum of it is one piece, and it needs no memory of its own. */
static bool whole_sums(const struct cublas *c, const cublasLtMatmulHeuristicResult_t *r)
{
    const int pieces = attribute(c, &r->algo, CUBLASLT_ALGO_CONFIG_SPLITK_NUM);
    return r->state == CUBLAS_STATUS_SUCCESS && r->workspaceSize == 0 && (pieces == 0 || pieces == 1) &&
        attribute(c, &r->algo, CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME) == CUBLASLT_REDUCTION_SCHEME_NONE;
}

static bool can(const struct cublas *c, const struct cublas_shape *s, enum cublas_rows rows, const cublasLtMatmulAlgo_t *algo)
{
    cublasLtMatmulHeuristicResult_t r = { .state = CUBLAS_STATUS_NOT_SUPPORTED };
    const cublasStatus_t e = c->lib.MatmulAlgoCheck(c->handle, c->product, s->w, s->of[rows].x, s->of[rows].y, s->of[rows].y, algo, &r);
    return e == CUBLAS_STATUS_SUCCESS && r.workspaceSize == 0;
}

/* ---- what it does ---- */

/* The product of n random rows, from number 'first' on, to c->y. */
static bool multiply(struct backend *be, const struct trial *t, enum cublas_rows rows, int n, int first, const cublasLtMatmulAlgo_t *algo)
{
    struct cublas *c = be->cublas;
    const size_t row = (size_t)pad32(t->shape->k) * sizeof(uint16_t), all = (size_t)cublas_n_rows[rows] * row;
    return cuda_good(be, (int)cudaMemsetAsync(c->x, 0, all, be->stream), "cudaMemset") &&
        cuda_good(be, k_plain_noise(c->x, n, t->shape->k, first, PERIOD, SEED_X, &be->at), "random rows") &&
        cublas_product(be, t->shape, rows, t->w, c->x, c->y, algo);
}

static bool compute_alone(struct backend *be, const struct trial *t, const cublasLtMatmulAlgo_t *algo)
{
    const size_t ld = (size_t)cublas_ld(t->shape);
    for (int i = 0; i < PERIOD; i++)
        if (!multiply(be, t, CUBLAS_FEW, 1, i, algo) ||
            !cuda_good(be, (int)cudaMemcpyAsync(t->alone + (size_t)i * ld, be->cublas->y, ld * sizeof *t->alone, cudaMemcpyDeviceToDevice,
                                                be->stream), "cudaMemcpy"))
            return false;
    return true;
}

/* Have n rows in company the bits of the rows alone? */
static bool company_same(struct backend *be, const struct trial *t, enum cublas_rows rows, int n, const cublasLtMatmulAlgo_t *algo)
{
    int32_t *differ = be->drawn;                                                    /* pinned; no step is at work */
    return cuda_good(be, (int)cudaMemsetAsync(t->differ, 0, sizeof *t->differ, be->stream), "cudaMemset") &&
        multiply(be, t, rows, n, 0, algo) &&
        cuda_good(be, k_plain_differ(t->differ, be->cublas->y, n, t->alone, cublas_ld(t->shape), PERIOD, &be->at), "comparison of rows") &&
        cuda_good(be, (int)cudaMemcpyAsync(differ, t->differ, sizeof *differ, cudaMemcpyDeviceToHost, be->stream), "cudaMemcpy") &&
        cuda_good(be, (int)cudaStreamSynchronize(be->stream), "trying products") && *differ == 0;
}

/* Does company leave a row as it is? A product that cannot be computed is no answer: be->first says so. */
static bool same_bits(struct backend *be, const struct trial *t, const cublasLtMatmulAlgo_t *algo)
{
    static const struct { enum cublas_rows rows; int n; } company[] = {
        { CUBLAS_FEW, 17 }, { CUBLAS_FEW, 128 }, { CUBLAS_MANY, 200 }, { CUBLAS_MANY, 512 },
    };
    bool same = compute_alone(be, t, algo);
    for (size_t i = 0; i < sizeof company / sizeof *company && same; i++)
        if (company[i].rows == CUBLAS_FEW || has_many(t->shape))
            same = company_same(be, t, company[i].rows, company[i].n, algo);
    return same;
}

/* ---- choosing ---- */

static void say(const struct backend *be, const struct cublas_shape *s, int rejected)
{
    const struct cublas *c = be->cublas;
    const cublasLtMatmulAlgo_t *a = &s->algo;
    log_verbose("GPU %d: products of %d outputs from %d inputs by cuBLASLt's algorithm %d, tile %d, stages %d, inner shape %d, "
                "cluster shape %d: a row has the same bits alone and in company (%d others were rejected)", be->device, s->n, s->k,
                attribute(c, a, CUBLASLT_ALGO_CONFIG_ID), attribute(c, a, CUBLASLT_ALGO_CONFIG_TILE_ID),
                attribute(c, a, CUBLASLT_ALGO_CONFIG_STAGES_ID), attribute(c, a, CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID),
                attribute(c, a, CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID), rejected);
}

/* The first in the library's order, which is by its estimate of time, that passes. */
static void choose(struct backend *be, const struct trial *t)
{
    struct cublas *c = be->cublas;
    struct cublas_shape *s = t->shape;
    cublasLtMatmulHeuristicResult_t offer[MOST_ALGORITHMS];
    int n = 0;
    const cublasStatus_t e = c->lib.MatmulAlgoGetHeuristic(c->handle, c->product, s->w, s->of[CUBLAS_FEW].x, s->of[CUBLAS_FEW].y,
                                                           s->of[CUBLAS_FEW].y, c->wish, MOST_ALGORITHMS, offer, &n);
    if (e != CUBLAS_STATUS_NOT_SUPPORTED && !cublas_good(be, e, "cublasLtMatmulAlgoGetHeuristic"))
        return;
    for (int i = 0; i < n && !be->first.kind; i++) {
        const cublasLtMatmulAlgo_t *algo = &offer[i].algo;
        if (!whole_sums(c, &offer[i]) || !can(c, s, CUBLAS_FEW, algo) || (has_many(s) && !can(c, s, CUBLAS_MANY, algo)) ||
            !same_bits(be, t, algo))
            continue;
        s->algo = *algo;
        s->certified = true;
        s->half = be->at.half;
        say(be, s, i);
        return;
    }
    if (!be->first.kind)
        err_set(&be->first, ERR_DEVICE, "GPU %d: cuBLASLt %zu has no algorithm for products of %d outputs from %d inputs by which a row "
                "has the same bits alone and in company (%d were tried); use --matmul own", be->device, c->lib.GetVersion(), s->n, s->k, n);
}

static void certify(struct backend *be, struct cublas_shape *s)
{
    struct trial t = { .shape = s };
    const size_t ld = (size_t)cublas_ld(s);
    s->certified = false;
    if (make_layouts(be, s) &&
        cuda_good(be, (int)cudaMalloc(&t.w, ld * (size_t)pad32(s->k) * sizeof(uint16_t)), "cudaMalloc of weights to try products with") &&
        cuda_good(be, (int)cudaMalloc((void **)&t.alone, PERIOD * ld * sizeof *t.alone), "cudaMalloc") &&
        cuda_good(be, (int)cudaMalloc((void **)&t.differ, sizeof *t.differ), "cudaMalloc") &&
        cuda_good(be, k_plain_noise(t.w, (int)ld, s->k, 0, (int)ld, SEED_W, &be->at), "random weights"))
        choose(be, &t);
    cudaFree(t.w);
    cudaFree(t.alone);
    cudaFree(t.differ);
}

void cublas_certify(struct backend *be)
{
    struct cublas *c = be->cublas;
    for (int i = 0; i < c->n_shapes && cuda_enter(be); i++)
        if (!c->shape[i].certified || c->shape[i].half != be->at.half)
            certify(be, &c->shape[i]);
}
