/* cuda_cublas.h - what the files that let cuBLASLt compute products share (room: backend). */
#ifndef MTB_CUDA_CUBLAS_H
#define MTB_CUDA_CUBLAS_H

#include "cuda.h"

#include <cublasLt.h>

/* Every function of the library that is called. */
#define CUBLAS_EACH(F)                                                                                                                     \
    F(GetVersion) F(GetStatusString) F(Create) F(Destroy) F(Matmul) F(MatmulDescCreate) F(MatmulDescDestroy) F(MatmulDescSetAttribute)     \
    F(MatrixLayoutCreate) F(MatrixLayoutDestroy) F(MatmulPreferenceCreate) F(MatmulPreferenceDestroy) F(MatmulPreferenceSetAttribute)      \
    F(MatmulAlgoGetHeuristic) F(MatmulAlgoCheck) F(MatmulAlgoConfigGetAttribute)

struct cublas_library {
#define CUBLAS_SLOT(f) __typeof__(cublasLt##f) *f;
    CUBLAS_EACH(CUBLAS_SLOT)
#undef CUBLAS_SLOT
};

/* Rows that a product has, whatever the step has: 128, or 512 where more are there. The rest are zeros. Of more outputs than CUBLAS_WIDE,
 * the vocabulary's, always 128: many rows at once would take much memory, and a head sees only rows that draw. */
enum cublas_rows { CUBLAS_FEW, CUBLAS_MANY, CUBLAS_ROWS };
enum { CUBLAS_WIDE = 32768 };
static const int cublas_n_rows[CUBLAS_ROWS] = { 128, 512 };

/* Products of one shape and type: one algorithm, whatever the rows. */
struct cublas_shape {
    int n, k;
    bool certified, half;             /* for this type */
    cublasLtMatrixLayout_t w;
    struct { cublasLtMatrixLayout_t x, y; } of[CUBLAS_ROWS];
    cublasLtMatmulAlgo_t algo;
};

struct cublas {
    struct cublas_library lib;
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t product;
    cublasLtMatmulPreference_t wish;
    struct cublas_shape *shape;
    int n_shapes;
    void *x;                          /* (512, widest k) the rows of a product */
    float *y;                         /* (512, widest n) what it leaves */
    size_t x_bytes, y_bytes;
};

/* cuda_cublas_library.c: -1: err (device), which file is looked for and why it will not do. May be called again. */
int cublas_open(struct cublas_library *lib, struct err *err);

/* Every status of the library passes here, as CUDA's codes do through cuda_good(). */
bool cublas_good(struct backend *be, cublasStatus_t status, const char *what);
/* y (rows of 'rows', ld of cublas_ld) = x w, both plain rows. */
bool cublas_product(struct backend *be, const struct cublas_shape *s, enum cublas_rows rows, const void *w, const void *x, float *y,
                    const cublasLtMatmulAlgo_t *algo);

/* cuda_cublas_certify.c: an algorithm for every shape that has none of the backend's type yet, by which a row has the same bits alone and
 * in company; said with --verbose. A failure is kept in be->first. */
void cublas_certify(struct backend *be);
void cublas_drop_layouts(const struct cublas *c, struct cublas_shape *s);
/* Elements between rows of a product's y. */
int cublas_ld(const struct cublas_shape *s);

#endif
