/* model_priv.h - what the files of this room share. */
#ifndef MTB_MODEL_PRIV_H
#define MTB_MODEL_PRIV_H

#include "adapter.h"

#include "mtbench/buf.h"
#include "mtbench/gguf.h"
#include "mtbench/model.h"
#include "mtbench/pytorch.h"
#include "mtbench/safetensors.h"

/* config.c: what readers need. Sizes and ranges: -1: err (model). */
int config_check(struct model_config *c, struct err *err);
/* An end of text, unless it is there or outside the vocabulary. */
void config_add_eos(struct model_config *c, double id);
/* Layer l has the window. */
void config_set_window(struct model_config *c, int l);
/* config_hf.c, config_gguf.c: fill and check *c. -1: err (format, model); config_free() either way. */
int config_from_hf(const char *json, size_t n, struct model_config *c, struct err *err);
/* Add what generation_config.json says to a configuration. -1: err (format). */
int config_add_generation(const char *json, size_t n, struct model_config *c, struct err *err);
/* For a model without that file: what config.json says of sampling counts, as in transformers (GenerationConfig.from_model_config). */
int config_own_generation(const char *json, size_t n, struct model_config *c, struct err *err);
/* A generation_config.json that was derived from config.json (_from_model_config) beside one that still says something about generation:
 * transformers' generate() makes it anew from config.json, and so does config_own_generation(). */
bool config_overrides_generation(const char *generation, size_t n, const char *config, size_t n_config);
/* 'n_vocab': rows of the embedding; c->tied is set, as nothing but a head of its own says otherwise. */
int config_from_gguf(const struct gguf *g, int n_vocab, struct model_config *c, struct err *err);
/* The sliding window of layer l; 0: none. */
int config_window(const struct model_config *c, int l);
/* "LlamaForCausalLM, MistralForCausalLM, ..." for messages. */
const char *arch_names(void);
/* In what a class of transformers or a model_type (each may be NULL) differs from those that run; NULL: nothing is known of it. */
const char *arch_difference(const char *class, const char *type);

/* A tensor of a weight file, wherever it lies. */
struct stored {
    struct slice name;
    int file;
    enum dtype dtype;                     /* DT_COUNT: one that this program does not run, called 'type' */
    char type[32];
    bool used, elsewhere;                 /* somebody asked for it; the index says that it lies in another file */
    uint64_t rows, cols;                  /* a vector has rows 1 */
    uint64_t offset;                      /* byte of the file where it begins; of a PyTorch file only as an order of reading */
    struct pytorch *torch;                /* of a PyTorch file: a view of bytes that other tensors may share; else NULL */
    const struct pytorch_tensor *view;
};

/* share.c: the sizes that shapes are made of, and what of each a member has. */
enum size { ONE, DIM, HEADS, KV, FF, VOCAB };
struct range { int first, n; };
struct range share_range(const struct model *m, enum size s);
/* m->local, by m->share. -1: err (usage): the model cannot be cut so. */
int share_plan(struct model *m, struct err *err);

/* One destination: a matrix, or a vector that becomes fp32. */
struct slot {
    char name[96];
    const struct stored *from;
    struct linear *matrix;                /* else */
    const float **vector;
    size_t n, k;                          /* shape of the whole: (n, k), or (n) with k 0 */
    size_t row0, rows, col0;              /* of it here: rows [row0, row0 + rows), columns from col0 on as many as the matrix has */
    size_t at, bytes;                     /* in the packed block */
    size_t stored_rows;                   /* of a matrix in the files: n, but for another vocabulary by an adapter */
    const char *stand_in;                 /* the tensor to take where there is none of this name; NULL: there must be one */
    struct change change;                 /* by an adapter */
    int permuted_heads;                   /* q and k rows of a GGUF file: heads whose rows are interleaved; 0: none */
};

/* A tensor's bytes in order. */
struct gathered {
    const struct stored *of;
    uint8_t *bytes;
};

struct weight_plan {
    struct stored *stored;                /* by name */
    size_t n_stored;
    struct slot *slot;
    size_t n_slots;
    bool is_gguf;
    bool of_adapter;                      /* the directory of an adapter's files, and not of the base's beside them */
    bool tied;                            /* embedding and head of the files are one matrix, whatever an adapter makes of them */
    int vocabulary;                       /* rows of the embedding in the files */
    bool bare;                            /* a Hugging Face model saved without its head: names lack "model." */
    struct gguf gguf;                     /* of a GGUF model, its first file's; header bytes are in 'header' */
    struct safetensors *st;               /* (n_st) of a Hugging Face folder */
    int n_st;
    struct pytorch **torch;               /* (n_torch) likewise */
    int n_torch;
    struct gathered *gathered;            /* (n_gathered) what stored_read() holds of the last tensors that do not lie in order */
    size_t n_gathered;
    struct buf *header;                   /* (n_header) bytes that names point into */
    int n_header;
    const float *rope_factor;             /* (dims / 2) divisors of the frequencies from a GGUF file, in the packed block; or NULL */
    const float *head_bias;               /* (n_vocab) likewise */
};

/* tensors.c: the directory of all weight files, with each tensor once. -1: err (format, io). */
int tensors_open(struct weight_plan *p, const struct source *s, struct err *err);
/* After tensors_open(), also where it failed. */
void tensors_close(struct weight_plan *p);
struct stored *tensors_find(const struct weight_plan *p, const char *name);
/* Are there tensors of the model that nobody uses? -1: err (model) names one. */
int tensors_unasked(const struct weight_plan *p, const struct source *s, struct err *err);
/* The last part of a path, inside it. */
const char *tensors_file_name(const char *path);
bool tensors_gguf_file(const struct source *s, int file);
bool tensors_weight_file(const struct source *s, int file);

/* stored.c: rows [row, row + n) of a tensor, one behind the other whatever its layout in the file. Rows are asked for in order, tensors in
 * the order of their places. Collective if the source is. -1: err (format, io, memory). */
int stored_read(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t row, uint64_t n, void *dst,
                struct err *err);
/* Forget what stored_read() keeps of the last tensor. */
void stored_done(struct weight_plan *p);
/* Are these two names of the same numbers? */
bool stored_same(const struct stored *a, const struct stored *b);

/* load.c: rows of a matrix that pass through memory at a time. */
size_t slot_rows_at_once(const struct slot *s);

/* rope.c */
void model_rope_free(struct model *m);

#endif
