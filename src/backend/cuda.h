/* cuda.h - what the files of the CUDA executor share (room: backend). */
#ifndef MTB_CUDA_H
#define MTB_CUDA_H

#include "kernels/cuda/kernels.h"
#include "mtbench/executor.h"

#include <cuda_runtime_api.h>

/* A 16-bit matrix that may have to change its type, when others turn out to have another one. */
struct cuda_matrix {
    void *packed;
    size_t n;                         /* numbers */
};

/* Whoever computes products, where it is not k_linear: a library, that reads weights as plain rows. */
struct cuda_products {
    void (*see)(struct backend *be, const struct linear *w);                        /* a matrix is packed: there will be products with it */
    void (*settled)(struct backend *be);                                            /* at.half is known */
    void (*linear)(struct backend *be, const struct op_linear *a);
    size_t (*bytes)(const struct backend *be);                                      /* of device memory that it took */
    void (*end)(struct backend *be);
};

struct backend {
    int device, max_rows, n_vocab;
    char path[16];                    /* "sm_90" */
    cudaStream_t stream;              /* everything that is asked for goes through it, in order */
    struct k_at at;

    /* the arrays of a step: filled in pinned memory, brought over in one copy */
    void *host_step, *device_step;
    size_t step_bytes;                /* of each, for the largest step; 0: nobody has said how large that is */
    cudaEvent_t step_read;            /* the copy is done: host_step may be filled again */
    int32_t *drawn;                   /* (max_rows) pinned */

    /* loading */
    void *staging;                    /* a piece as it lies in the file */
    size_t staging_bytes;
    struct cuda_matrix *half;         /* f16 matrices */
    size_t n_half;
    unsigned seen_types;              /* bit t: a matrix of dtype t was packed */
    int threads;                      /* for what cores do while weights are loaded */
    bool crowded;
    struct pool *cores;               /* NULL: not needed so far */

    const struct cuda_products *products;                                           /* NULL: k_linear */
    struct cublas *cublas;            /* its state: cuda_cublas.h */

    /* the first thing that went wrong; nothing is started after it */
    struct err first;
    int layer;                        /* of the op that is started; -1: of none */
    bool in_mlp;                      /* past its attention */
    uint64_t steps;
    cudaEvent_t *mark;                /* (n_marks) */
    int n_marks;
    bool stepwise;                    /* wait behind each op, so that an error is that op's: MTBENCH_CUDA_SYNC */
};

/* Devices that this process may use; 0: none, *why says the reason and the remedy. */
int cuda_devices(struct err *why);
/* A name that no other card or MIG slice of this machine has; "": unknown. */
void cuda_device_id(int device, char id[64]);
/* Can a card read another's memory itself? */
bool cuda_reaches(int device, int other);

/* Every code of the runtime passes here. False: it, or an earlier one, is an error; the first is kept for drawn() and settle(). 'what'
 * names the op or the call. */
bool cuda_good(struct backend *be, int code, const char *what);
/* The same of an op that was just started. */
bool cuda_started(struct backend *be, int code, const char *op);
/* Make the backend's device the calling thread's. False: something has failed before. */
bool cuda_enter(struct backend *be);
/* Wait for all that was asked for. -1: err, the first error of it. */
int cuda_wait(struct backend *be, const char *what, struct err *err);

/* cuda.c: the slots of the executor, for another row of the table that differs in its products alone. */
extern const struct ops ops_cuda;
struct backend *cuda_open(const struct executor_opts *o, struct err *err);
void cuda_close(struct backend *be);
const char *cuda_path(const struct backend *be);
int cuda_threads(const struct backend *be);
size_t cuda_scratch(const struct backend *be);
int cuda_capability(int device);                         /* ten times: 90; 0: unknown */
int cuda_multiprocessors(int device);

/* cuda_memory.c: the slots of struct ops. */
void *cuda_alloc(struct backend *be, size_t bytes, struct err *err);
void cuda_release(struct backend *be, void *p, size_t bytes);
void *cuda_host_alloc(struct backend *be, size_t bytes, struct err *err);
void cuda_host_release(struct backend *be, void *p, size_t bytes);
void cuda_upload(struct backend *be, void *dst, const void *host, size_t bytes);
void cuda_download(struct backend *be, void *host, const void *src, size_t bytes);
void cuda_copy(struct backend *be, void *dst, const void *src, size_t bytes);
void cuda_memory(struct backend *be, uint64_t *available, uint64_t *total);
size_t cuda_linear_bytes(enum dtype t, int n, int k);
size_t cuda_operand_bytes(int n_rows, int k);
size_t cuda_sum_bytes(int n_rows, int dim);
size_t cuda_kv_page_bytes(int n_layers, int n_kv, int head_dim);
void cuda_operand_row(struct backend *be, float *host, const void *operand, int n_rows, int row, int k);

/* cuda_marks.c: two slots of struct executor. */
void cuda_mark(struct backend *be, int i);
double cuda_between(struct backend *be, int i);
void cuda_marks_destroy(struct backend *be);

/* cuda_weights.c */
void cuda_linear_pack(struct backend *be, struct linear *w, const void *raw, size_t raw_row_bytes, int k0, int row0, int n_rows);
int cuda_settle(struct backend *be, struct err *err);

/* cuda_step.c */
int cuda_step_create(struct backend *be, struct err *err);
size_t cuda_step_bytes(const struct step_size *most);
int cuda_step_room(struct backend *be, const struct step_size *most, struct err *err);
void cuda_step_destroy(struct backend *be);
bool cuda_step_begin(struct backend *be, const struct step *step);
void cuda_sample(struct backend *be, const struct op_sample *a);
int cuda_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err);

#endif
