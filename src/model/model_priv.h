/* model_priv.h - what the files of this room share. */
#ifndef MTB_MODEL_PRIV_H
#define MTB_MODEL_PRIV_H

#include "mtbench/buf.h"
#include "mtbench/gguf.h"
#include "mtbench/model.h"
#include "mtbench/safetensors.h"

/* config.c: fill and check *c. -1: err (format, model). */
int config_from_hf(const char *json, size_t n, struct model_config *c, struct err *err);
/* Add what generation_config.json says to a configuration. -1: err (format). */
int config_add_generation(const char *json, size_t n, struct model_config *c, struct err *err);
int config_from_gguf(const struct gguf *g, struct model_config *c, struct err *err);
/* "LlamaForCausalLM, MistralForCausalLM, ..." for messages. */
const char *arch_names(void);

/* A tensor of a weight file, wherever it lies. */
struct stored {
    struct slice name;
    int file;
    enum dtype dtype;
    uint64_t rows, cols;                  /* a vector has rows 1 */
    uint64_t offset, bytes;
};

/* One destination: a matrix, or a vector that becomes fp32. */
struct slot {
    char name[96];
    const struct stored *from;
    struct linear *matrix;                /* else */
    const float **vector;
    size_t n, k;                          /* shape: (n, k), or (n) with k 0 */
    size_t at, bytes;                     /* in the packed block */
    int permuted_heads;                   /* q and k rows of a GGUF file: heads whose rows are interleaved; 0: none */
};

struct weight_plan {
    struct stored *stored;
    size_t n_stored;
    struct slot *slot;
    size_t n_slots;
    struct gguf gguf;                     /* of a GGUF model; its header bytes are in 'header' */
    struct safetensors *st;               /* (n_st) of a Hugging Face folder */
    int n_st;
    struct buf *header;                   /* (n_header) bytes that names point into */
    int n_header;
    const float *rope_factor;             /* (dims / 2) divisors of the frequencies from a GGUF file, in the packed block; or NULL */
    size_t rope_bytes;
};

/* rope.c */
void model_rope_free(struct model *m);

#endif
