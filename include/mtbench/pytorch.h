/* pytorch.h - the tensors of a PyTorch file: a state dict that torch.save() wrote (room: model). Source: torch/serialization.py.
 * Nothing of the file is run: its pickle is read by a machine that knows state dicts alone (src/model/pickle.h). */
#ifndef MTB_PYTORCH_H
#define MTB_PYTORCH_H

#include "mtbench/dtype.h"
#include "mtbench/slice.h"
#include "mtbench/source.h"

struct pytorch_tensor {
    struct slice name;                    /* into the bytes of the pickle, which 'struct pytorch' keeps */
    const char *type;                     /* as safetensors spells it, or why it is none: "BOOL", "F8_E4M3" */
    enum dtype dtype;                     /* DT_COUNT: one that this program does not run */
    int n_dims;                           /* of which the first four are kept */
    uint64_t dim[4], stride[4];           /* in elements; dim[0] is the slowest, the number of rows */
    size_t storage;                       /* which bytes it is a view of */
    uint64_t first;                       /* byte of the storage where it begins; all elements lie inside the storage */
    uint64_t place;                       /* of the file, for the order of reading: grows as the places of tensors do */
};

struct pytorch {
    struct pytorch_tensor *tensor;        /* (n_tensors) in the file's order */
    size_t n_tensors;
    struct pytorch_file *file;            /* pytorch.c's */
};

/* Read the directory of file 'file': a zip archive's end, or the old form's head; no tensor's bytes. Collective if the source is.
 * -1: err (format, model, io). On 0 release with pytorch_free(). */
int pytorch_open(struct pytorch *t, const struct source *s, int file, struct err *err);
/* Where in the file the bytes of a storage begin. Reads the few bytes before them the first time, so ask when they are the next to be read.
 * Collective if the source is. -1: err (format, io). */
int pytorch_data(struct pytorch *t, const struct source *s, int file, size_t storage, uint64_t *at, struct err *err);
void pytorch_free(struct pytorch *t);

#endif
