/* pickle.h - a machine for the pickles of PyTorch's files. Source: Lib/pickletools.py of CPython; torch/_utils.py and serialization.py.
 * It builds plain values and calls nothing: it has the instructions that a state dict needs (pickle.c) and knows what a few names mean
 * (rebuild.c); all others are refused by name. Memory is bounded by PICKLE_MEMORY, whatever the bytes say. */
#ifndef MTB_PICKLE_H
#define MTB_PICKLE_H

#include "mtbench/dtype.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stdint.h>

enum { PICKLE_MEMORY = 20 << 20 };        /* some 30,000 tensors */

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,
    PICKLE_INT,
    PICKLE_LONG /* beyond 64 bits */,
    PICKLE_FLOAT,
    PICKLE_TEXT,
    PICKLE_TUPLE,
    PICKLE_LIST,
    PICKLE_DICT,
    PICKLE_NAME,
    PICKLE_STORAGE,
    PICKLE_TENSOR,
    PICKLE_MARK
};

struct value {
    enum pickle_kind kind;
    uint32_t len;                         /* of a text, or of the bytes of a PICKLE_LONG */
    union {
        int64_t integer;                  /* also a truth */
        const char *text;                 /* into the pickle's bytes */
        struct items *items;              /* of a tuple, list or dict, which may be shared with other values */
        const struct torch_name *name;
        const struct storage *storage;
        const struct tensor *tensor;
    };
};

struct items {
    struct value *at;                     /* (n) of a dict: key, value, key, value */
    size_t n, room;
    bool ordered;                         /* a dict that is an OrderedDict, which may get attributes */
};

/* A name that the file may use, and what it stands for. */
enum torch_kind { TORCH_ORDERED_DICT, TORCH_TENSOR, TORCH_TENSOR_V2, TORCH_TENSOR_V3, TORCH_PARAMETER, TORCH_STORAGE, TORCH_TYPE };
struct torch_name {
    const char *module, *name;
    enum torch_kind kind;
    const char *type;                     /* of storages and types: as safetensors spells it */
    enum dtype dtype;                     /* DT_COUNT: one that this program does not run */
    int width;                            /* bytes of an element */
};

/* Bytes that tensors are views of. */
struct storage {
    struct slice key;
    const struct torch_name *type;
    uint64_t n;                           /* elements */
};

struct tensor {
    const struct storage *storage;
    const struct torch_name *type;
    const char *odd;                      /* NULL, or why its elements are not simply its numbers */
    uint64_t first;                       /* element of the storage */
    int n_dims;                           /* of which the first four are kept */
    uint64_t dim[4], stride[4];           /* in elements */
};

struct pickle {
    const uint8_t *p, *end;
    struct value *stack, *memo;
    size_t n_stack, stack_room, memo_room, n_memo; /* n_memo: what MEMOIZE puts next */
    struct block *blocks;
    size_t spent;                         /* bytes of PICKLE_MEMORY */
};

/* Run the pickle at the beginning of 'n' bytes, which must outlive the values. *used: bytes up to its end. 0; 1: it goes on behind these
 * bytes; -1: err (format, model). Values of earlier runs stay. 'm' is zeroed before the first run and freed in any case. */
int pickle_run(struct pickle *m, const void *bytes, size_t n, size_t *used, struct value *out, struct err *err);
void pickle_free(struct pickle *m);

/* For rebuild.c. Zeroed memory that lives as long as 'm'; NULL: err (model), it has had too much. */
void *pickle_take(struct pickle *m, size_t n, size_t size, struct err *err);
int pickle_dict(struct pickle *m, struct value *out, struct err *err);
/* "a list", "a number" ... */
const char *pickle_kind_name(const struct value *v);

/* rebuild.c: the names. -1: err (model). */
int rebuild_name(struct slice module, struct slice name, struct value *out, struct err *err);
int rebuild_call(struct pickle *m, const struct value *f, const struct value *args, struct value *out, struct err *err);
int rebuild_storage(struct pickle *m, const struct value *id, struct value *out, struct err *err);
int rebuild_state(const struct value *of, const struct value *state, struct err *err);

#endif
