/* cublas.cpp - a cuBLASLt for the emulated device, of the functions that the program calls. It offers algorithms of every kind that the
 * real one may: some that cut a sum, some that want memory, some whose bits depend on how many rows there are or where a row lies, and
 * at last one that is what a product should be. The header is NVIDIA's, so the compiler holds these functions to its types; they are found
 * by dlsym() in a library that dlopen() is asked for by name, both of which the linker sends here first (--wrap). */
#include "runtime.h"

#include <algorithm>
#include <cublasLt.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

namespace {

enum { MAGIC = 0x4c74 };

struct description {                             /* of a product: at the beginning of cublasLtMatmulDescOpaque_t */
    uint64_t magic, transa, transb;
};
struct matrix {
    uint64_t magic, type, rows, cols, ld;
};
struct wish {
    uint64_t magic, reductions, workspace, align_a;
};

enum kind { TWO_CHAINS, SPLIT_SILENTLY, WITH_WORKSPACE, BY_ROW_COUNT, BY_PLACE, FEW_ROWS_ONLY, WHOLE };
struct algorithm {
    int id;
    kind is;
    int split;
    uint32_t reduction;
    size_t workspace;
};
const algorithm all[] = {
    { 20, TWO_CHAINS, 2, CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE, 0 },
    { 21, SPLIT_SILENTLY, 2, CUBLASLT_REDUCTION_SCHEME_NONE, 0 },
    { 31, WITH_WORKSPACE, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 4 << 20 },
    { 40, BY_ROW_COUNT, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0 },
    { 41, BY_PLACE, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0 },
    { 50, FEW_ROWS_ONLY, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0 },
    { 66, WHOLE, 1, CUBLASLT_REDUCTION_SCHEME_NONE, 0 },
};

template <class T, class O> T *as(O *o)
{
    T *t = reinterpret_cast<T *>(o);
    return o && t->magic == MAGIC ? t : nullptr;
}

const algorithm *algorithm_of(const cublasLtMatmulAlgo_t *a)
{
    for (auto &each : all)
        if (a && a->data[0] == MAGIC && a->data[1] == static_cast<uint64_t>(each.id))
            return &each;
    return nullptr;
}

/* y (columns: m rows of n) = w (n rows of k, given as columns, transposed) times x (m rows of k): what this library can. */
struct product {
    uint64_t n, k, m, ldw, ldx, ldy;
    bool half;
};

cublasStatus_t product_of(cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
                          cublasLtMatrixLayout_t y, product *p)
{
    const description *how = as<description>(d);
    const matrix *w = as<matrix>(a), *x = as<matrix>(b), *out = as<matrix>(y);
    if (!how || !w || !x || !out || c != y)
        return CUBLAS_STATUS_INVALID_VALUE;
    if (how->transa != CUBLAS_OP_T || how->transb != CUBLAS_OP_N || w->type != x->type || out->type != CUDA_R_32F ||
        (w->type != CUDA_R_16F && w->type != CUDA_R_16BF))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (w->rows != x->rows || w->cols != out->rows || x->cols != out->cols)
        return CUBLAS_STATUS_INVALID_VALUE;
    *p = { w->cols, w->rows, x->cols, w->ld, x->ld, out->ld, w->type == CUDA_R_16F };
    return CUBLAS_STATUS_SUCCESS;
}

bool runs(const algorithm *a, const product &p) { return a->is != FEW_ROWS_ONLY || p.m <= 256; }

/* ---- the product ---- */

float number(uint16_t bits, bool half) { return half ? k_f32_of_f16(bits) : k_f32_of_bf16(bits); }

/* W by inputs, so that the loop over outputs is the inner one. */
std::vector<float> by_inputs(const product &p, const uint16_t *w)
{
    std::vector<float> t(p.n * p.k);
    for (uint64_t i = 0; i < p.n; i++)
        for (uint64_t k = 0; k < p.k; k++)
            t[k * p.n + i] = number(w[i * p.ldw + k], p.half);
    return t;
}

/* y += the part of inputs [k0, k1), ascending or descending. */
void chain(float *y, const product &p, const float *w, const uint16_t *x, uint64_t k0, uint64_t k1, bool down)
{
    for (uint64_t s = 0; s < k1 - k0; s++) {
        const uint64_t k = down ? k1 - 1 - s : k0 + s;
        const float v = number(x[k], p.half);
        for (uint64_t i = 0; i < p.n; i++)
            y[i] += v * w[k * p.n + i];          /* the product of two 16-bit numbers is exact */
    }
}

void row(float *y, const algorithm &a, const product &p, const float *w, const uint16_t *x, uint64_t at)
{
    const bool halves = a.split > 1 || (a.is == BY_ROW_COUNT && p.m > 128), down = a.is == BY_PLACE && at >= 64;
    std::vector<float> second(halves ? p.n : 0);
    memset(y, 0, p.n * sizeof *y);
    if (std::all_of(x, x + p.k, [](uint16_t bits) { return bits == 0; }))           /* rows that fill up */
        return;
    chain(y, p, w, x, 0, halves ? p.k / 2 : p.k, down);
    if (halves)
        chain(second.data(), p, w, x, p.k / 2, p.k, down);
    for (uint64_t i = 0; halves && i < p.n; i++)
        y[i] += second[i];
}

cudaError_t multiply(const algorithm &a, const product &p, const uint16_t *w, const uint16_t *x, float *y)
{
    const std::vector<float> t = by_inputs(p, w);
    for (uint64_t j = 0; j < p.m; j++) {
        row(y + j * p.ldy, a, p, t.data(), x + j * p.ldx, j);
        shadow_state(y + j * p.ldy, p.n * sizeof *y, SHADOW_SET);
    }
    return cudaSuccess;
}

bool there(const char *what, const void *p, uint64_t rows, uint64_t ld, uint64_t width, size_t each, size_t align)
{
    const size_t bytes = ((rows - 1) * ld + width) * each;
    if (!memory_holds(p, bytes, false))
        report("cublasLtMatmul: %s: %zu bytes at %p are not inside one allocation of device memory: %s", what, bytes, p, memory_name(p));
    else if (reinterpret_cast<uintptr_t>(p) % align)
        report("cublasLtMatmul: %s at %p: must be a multiple of %zu", what, p, align);
    else
        return true;
    return false;
}

bool is_named(const char *file) { return file && !strncmp(file, "libcublasLt.so", strlen("libcublasLt.so")); }

} // namespace

/* ---- the library ---- */

size_t cublasLtGetVersion() { return cudasim()->cublas == CUDASIM_CUBLAS_OLD ? 110803 : CUBLAS_VERSION; }
const char *cublasLtGetStatusString(cublasStatus_t s)
{
    switch (s) {
    case CUBLAS_STATUS_SUCCESS: return "success";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "the library was not initialized";
    case CUBLAS_STATUS_INVALID_VALUE: return "an unsupported value or parameter was passed to the function";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "the functionality requested is not supported";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "the function failed to launch on the GPU";
    default: return "unknown status";
    }
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *h)
{
    turn t;
    if (sticky() || cudasim()->no_driver)
        return CUBLAS_STATUS_NOT_INITIALIZED;
    *h = static_cast<cublasLtHandle_t>(malloc(1));
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t h) { return free(h), CUBLAS_STATUS_SUCCESS; }

/* ---- descriptors ---- */

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *d, cublasComputeType_t compute, cudaDataType_t scale)
{
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    *d = new cublasLtMatmulDescOpaque_t();
    *reinterpret_cast<description *>(*d) = { MAGIC, CUBLAS_OP_N, CUBLAS_OP_N };
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t d) { return delete d, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t d, cublasLtMatmulDescAttributes_t a, const void *buf, size_t n)
{
    description *how = as<description>(d);
    if (!how || n != sizeof(int32_t))
        return CUBLAS_STATUS_INVALID_VALUE;
    if (a != CUBLASLT_MATMUL_DESC_TRANSA && a != CUBLASLT_MATMUL_DESC_TRANSB)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    (a == CUBLASLT_MATMUL_DESC_TRANSA ? how->transa : how->transb) = *static_cast<const uint32_t *>(buf);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *l, cudaDataType type, uint64_t rows, uint64_t cols, int64_t ld)
{
    if (!rows || !cols || ld < static_cast<int64_t>(rows))
        return CUBLAS_STATUS_INVALID_VALUE;
    *l = new cublasLtMatrixLayoutOpaque_t();
    *reinterpret_cast<matrix *>(*l) = { MAGIC, static_cast<uint64_t>(type), rows, cols, static_cast<uint64_t>(ld) };
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t l) { return delete l, CUBLAS_STATUS_SUCCESS; }

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *p)
{
    *p = new cublasLtMatmulPreferenceOpaque_t();
    *reinterpret_cast<wish *>(*p) = { MAGIC, CUBLASLT_REDUCTION_SCHEME_MASK, 0, 256 };
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t p) { return delete p, CUBLAS_STATUS_SUCCESS; }
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t pref, cublasLtMatmulPreferenceAttributes_t a,
                                                    const void *buf, size_t n)
{
    wish *p = as<wish>(pref);
    if (!p || n != (a == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? sizeof(uint64_t) : sizeof(uint32_t)))
        return CUBLAS_STATUS_INVALID_VALUE;
    switch (a) {
    case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES: p->workspace = *static_cast<const uint64_t *>(buf); break;
    case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK: p->reductions = *static_cast<const uint32_t *>(buf); break;
    case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES: p->align_a = *static_cast<const uint32_t *>(buf); break;
    default: return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    return CUBLAS_STATUS_SUCCESS;
}

/* ---- algorithms ---- */

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t h, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a,
                                              cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t y,
                                              cublasLtMatmulPreference_t pref, int most, cublasLtMatmulHeuristicResult_t result[], int *n)
{
    product p;
    const wish *w = as<wish>(pref);
    const cublasStatus_t e = h && w && most > 0 ? product_of(d, a, b, c, y, &p) : CUBLAS_STATUS_INVALID_VALUE;
    *n = 0;
    if (e)
        return e;
    for (auto &each : all) {
        if (*n == most || each.workspace > w->workspace || (each.reduction & ~w->reductions) || !runs(&each, p) ||
            (each.is == WHOLE && cudasim()->cublas == CUDASIM_CUBLAS_BAD))
            continue;
        cublasLtMatmulHeuristicResult_t *r = &result[(*n)++];
        *r = {};
        r->algo.data[0] = MAGIC, r->algo.data[1] = static_cast<uint64_t>(each.id);
        r->workspaceSize = each.workspace;
        r->wavesCount = 1.0f;
    }
    return *n ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

cublasStatus_t cublasLtMatmulAlgoCheck(cublasLtHandle_t h, cublasLtMatmulDesc_t d, cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                       cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t y, const cublasLtMatmulAlgo_t *algo,
                                       cublasLtMatmulHeuristicResult_t *r)
{
    product p;
    const algorithm *is = algorithm_of(algo);
    const cublasStatus_t e = h && is ? product_of(d, a, b, c, y, &p) : CUBLAS_STATUS_INVALID_VALUE;
    if (e || !runs(is, p))
        return e ? e : CUBLAS_STATUS_NOT_SUPPORTED;
    r->state = CUBLAS_STATUS_SUCCESS;
    r->workspaceSize = is->workspace;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmulAlgoConfigGetAttribute(const cublasLtMatmulAlgo_t *algo, cublasLtMatmulAlgoConfigAttributes_t what, void *buf,
                                                    size_t n, size_t *written)
{
    const algorithm *is = algorithm_of(algo);
    const bool is_short = what == CUBLASLT_ALGO_CONFIG_INNER_SHAPE_ID || what == CUBLASLT_ALGO_CONFIG_CLUSTER_SHAPE_ID;
    uint32_t v = 0;
    *written = is_short ? sizeof(uint16_t) : sizeof(uint32_t);
    if (!is || n != *written)
        return CUBLAS_STATUS_INVALID_VALUE;
    switch (what) {
    case CUBLASLT_ALGO_CONFIG_ID: v = static_cast<uint32_t>(is->id); break;
    case CUBLASLT_ALGO_CONFIG_SPLITK_NUM: v = static_cast<uint32_t>(is->split); break;
    case CUBLASLT_ALGO_CONFIG_REDUCTION_SCHEME: v = is->reduction; break;
    default: break;
    }
    memcpy(buf, &v, n);                          /* little-endian, as the device's host is */
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t h, cublasLtMatmulDesc_t d, const void *alpha, const void *a, cublasLtMatrixLayout_t la,
                              const void *b, cublasLtMatrixLayout_t lb, const void *beta, const void *c, cublasLtMatrixLayout_t lc, void *y,
                              cublasLtMatrixLayout_t ly, const cublasLtMatmulAlgo_t *algo, void *workspace, size_t workspace_bytes,
                              cudaStream_t stream)
{
    turn t;
    product p;
    const algorithm *is = algorithm_of(algo);
    const cublasStatus_t e = h && is && c == y ? product_of(d, la, lb, lc, ly, &p) : CUBLAS_STATUS_INVALID_VALUE;
    cudaStream_t s = stream_of(stream);
    if (e)
        return e;
    if (*static_cast<const float *>(alpha) != 1.0f || *static_cast<const float *>(beta) != 0.0f || !runs(is, p))
        return CUBLAS_STATUS_NOT_SUPPORTED;
    if (!s || sticky())
        return CUBLAS_STATUS_EXECUTION_FAILED;
    if (is->workspace > workspace_bytes || (is->workspace && !workspace) || !there("A", a, p.n, p.ldw, p.k, sizeof(uint16_t), 16) ||
        !there("B", b, p.m, p.ldx, p.k, sizeof(uint16_t), 16) || !there("D", y, p.m, p.ldy, p.n, sizeof(float), 16))
        return CUBLAS_STATUS_INVALID_VALUE;
    const cudaError_t added = stream_add(s, [is, p, a, b, y] {
        return multiply(*is, p, static_cast<const uint16_t *>(a), static_cast<const uint16_t *>(b), static_cast<float *>(y));
    });
    return added ? CUBLAS_STATUS_EXECUTION_FAILED : CUBLAS_STATUS_SUCCESS;
}

/* ---- how it is found ---- */

extern "C" {
void *__real_dlopen(const char *file, int flags);
void *__real_dlsym(void *library, const char *name);
char *__real_dlerror(void);
void *__wrap_dlopen(const char *file, int flags);
void *__wrap_dlsym(void *library, const char *name);
char *__wrap_dlerror(void);
}

static char it;                                  /* its handle */
static const char *complaint;

#ifdef __SANITIZE_ADDRESS__
/* The machine's own library keeps what it allocated. */
extern "C" const char *__lsan_default_suppressions() { return "leak:libcublasLt.so\n"; }
#endif

void *__wrap_dlopen(const char *file, int flags)
{
    complaint = nullptr;
    if (!is_named(file) || cudasim()->cublas == CUDASIM_CUBLAS_REAL)
        return __real_dlopen(file, flags);
    if (cudasim()->cublas != CUDASIM_CUBLAS_NONE)
        return &it;
    complaint = "cannot open shared object file: No such file or directory";
    return nullptr;
}

/* A function that is called and not listed is missing there as it would be in an older library. */
void *__wrap_dlsym(void *library, const char *name)
{
#define F(f) { #f, reinterpret_cast<void *>(f) }
    static const struct {
        const char *name;
        void *f;
    } has[] = { F(cublasLtGetVersion), F(cublasLtGetStatusString), F(cublasLtCreate), F(cublasLtDestroy), F(cublasLtMatmul),
                F(cublasLtMatmulDescCreate), F(cublasLtMatmulDescDestroy), F(cublasLtMatmulDescSetAttribute), F(cublasLtMatrixLayoutCreate),
                F(cublasLtMatrixLayoutDestroy), F(cublasLtMatmulPreferenceCreate), F(cublasLtMatmulPreferenceDestroy),
                F(cublasLtMatmulPreferenceSetAttribute), F(cublasLtMatmulAlgoGetHeuristic), F(cublasLtMatmulAlgoCheck),
                F(cublasLtMatmulAlgoConfigGetAttribute) };
#undef F
    if (library != &it)
        return __real_dlsym(library, name);
    for (auto &each : has)
        if (!strcmp(each.name, name))
            return each.f;
    return nullptr;
}

char *__wrap_dlerror()
{
    const char *text = complaint;
    complaint = nullptr;
    return text ? const_cast<char *>(text) : __real_dlerror();
}
