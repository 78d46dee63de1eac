/* dtype.h - element types of weight files (room: base). Quantised types come in blocks along K. */
#ifndef MTB_DTYPE_H
#define MTB_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum dtype {
    DT_F32, DT_F16, DT_BF16,
    DT_Q8_0, DT_Q4_0, DT_Q4_1, DT_Q5_0, DT_Q5_1,    /* blocks of 32 (GGUF, ggml-common.h) */
    DT_Q4_K, DT_Q5_K, DT_Q6_K,                      /* blocks of 256 */
    DT_COUNT
};

struct dtype_info {
    const char *name;     /* "Q4_1" */
    int block;            /* elements per block along K */
    int block_bytes;      /* bytes per block in a file */
};

extern const struct dtype_info dtype_info[DT_COUNT];

/* File bytes of one row of 'k' elements; 'k' is a multiple of the block. */
static inline size_t dtype_row_bytes(enum dtype t, size_t k)
{
    return k / (size_t)dtype_info[t].block * (size_t)dtype_info[t].block_bytes;
}

/* Number i of a row of F32, F16 or BF16, exactly. */
float dtype_number(enum dtype t, const void *row, size_t i);

#endif
