/* safetensors.h - the header of a safetensors file (room: model). Source: the format description of the safetensors project.
 * A pure parser over the JSON behind the eight length bytes. */
#ifndef MTB_SAFETENSORS_H
#define MTB_SAFETENSORS_H

#include "mtbench/dtype.h"
#include "mtbench/err.h"

#include <stdint.h>

struct safetensor {
    char *name;
    char type[16];                /* as the file spells it */
    enum dtype dtype;             /* DT_COUNT: a type that this program does not run */
    int n_dims;                   /* of which 'dim' holds the first four */
    uint64_t dim[4];              /* dim[0] is the slowest, the number of rows */
    uint64_t offset, bytes;       /* in the file */
};

struct safetensors {
    struct safetensor *tensor;
    size_t n_tensors;
};

enum { SAFETENSORS_PREFIX = 8 };

/* Length of the JSON header from the first eight bytes of a file of 'file_size' bytes. -1: err (format). */
int safetensors_header(const void *prefix, uint64_t file_size, uint64_t *length, struct err *err);
/* Parse the JSON header; every tensor is checked to lie inside the file and, where its type is one that this program runs, to have the
 * bytes of its shape. Other types are no error here: nobody may need the tensor. On 0 release with safetensors_free(). */
int safetensors_parse(const char *json, size_t n, uint64_t file_size, struct safetensors *s, struct err *err);
void safetensors_free(struct safetensors *s);

#endif
