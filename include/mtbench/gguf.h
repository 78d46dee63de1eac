/* gguf.h - the header of a GGUF file: key-values and tensor directory (room: model). Source: the GGUF specification of ggml, versions 2
 * and 3. A pure parser: strings and arrays point into the bytes that were parsed, which the caller keeps. */
#ifndef MTB_GGUF_H
#define MTB_GGUF_H

#include "mtbench/dtype.h"
#include "mtbench/err.h"
#include "mtbench/keys.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum gguf_type {
    GGUF_U8, GGUF_I8, GGUF_U16, GGUF_I16, GGUF_U32, GGUF_I32, GGUF_F32, GGUF_BOOL, GGUF_STRING, GGUF_ARRAY, GGUF_U64, GGUF_I64, GGUF_F64,
    GGUF_TYPES
};

struct gguf_value {
    struct slice key;
    enum gguf_type type;          /* GGUF_ARRAY: 'item' and 'count' say of what */
    enum gguf_type item;
    uint64_t count;
    const uint8_t *data;          /* little-endian; an array of strings is length-prefixed strings in a row */
    size_t n_data;
};

struct gguf_tensor {
    struct slice name;
    uint32_t ggml;                /* its type as ggml numbers them */
    enum dtype dtype;             /* DT_COUNT: a type that this program does not run; 'bytes' is 0 then */
    int n_dims;
    uint64_t dim[4];              /* dim[0] is the fastest, the number of columns */
    uint64_t offset;              /* from the start of the file */
    uint64_t bytes;
};

struct gguf {
    uint32_t version;
    size_t n_values, n_tensors;
    struct gguf_value *value;
    struct gguf_tensor *tensor;
    uint64_t data_start;          /* of tensor data in the file */
};

/* Parse the header that begins at 'data'. 'size' bytes are at hand of a file of 'file_size'. Returns 0; 1 when the header goes on behind
 * 'size' (give more of the file); -1 (err: format, model). On 0 release with gguf_free(). */
int gguf_parse(const void *data, size_t size, uint64_t file_size, struct gguf *g, struct err *err);
void gguf_free(struct gguf *g);

/* NULL when there is no such key. */
const struct gguf_value *gguf_find(const struct gguf *g, const char *key);
const struct gguf_tensor *gguf_tensor_find(const struct gguf *g, const char *name);
/* The value as a number or bool if it is one and fits, else false and *out untouched. */
bool gguf_int(const struct gguf *g, const char *key, int64_t *out);
bool gguf_float(const struct gguf *g, const char *key, double *out);
bool gguf_bool(const struct gguf *g, const char *key, bool *out);
bool gguf_string(const struct gguf *g, const char *key, struct slice *out);
/* Items of an array of strings ('count' of them, caller frees), of int32 or of float32 (pointing into the data, unaligned copies made);
 * NULL if it is no such array. */
struct slice *gguf_strings(const struct gguf *g, const char *key, size_t *count);
/* All integers of a value, one or an array of any width, as int64 (caller frees); NULL if it holds others, or none. */
int64_t *gguf_ints(const struct gguf *g, const char *key, size_t *count);
int32_t *gguf_int32s(const struct gguf *g, const char *key, size_t *count);
float *gguf_floats(const struct gguf *g, const char *key, size_t *count);

/* Every key "PREFIX.NAME" against the row NAME of a table, as keys_check(); names that it lacks are appended to 'unknown', whole. -1: err
 * (format for another type, model for what is not "off"). */
int gguf_keys(const struct gguf *g, const char *prefix, struct keys t, struct buf *unknown, struct err *err);

#endif
