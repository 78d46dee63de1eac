/* adapter.h - an adapter (LoRA) as a change of its base's weights, made while they are loaded (private to model).
 * Its files stand in front of the base's in the source, so they are read first; their tensors stay in memory until the tensors that they
 * change have passed. The changed weights have the base's types. */
#ifndef MTB_ADAPTER_H
#define MTB_ADAPTER_H

#include "mtbench/model.h"

struct stored;

struct adapter;

/* What happens to a tensor of the base. */
struct change {
    const struct stored *whole;           /* takes its place; NULL: the base's */
    const struct stored *a, *b;           /* to which scale * b a is added; NULL: nothing. Of an embedding a is (r, n), b (k, r) */
    int r;
    float scale;
    bool embedding;
};

/* Is it a file of an adapter's weights, in a source that has an adapter? */
bool adapter_file(const struct source *s, int file);
/* Configuration and directory of the adapter. NULL: err (format, model, io). Collective if the source is. */
struct adapter *adapter_open(const struct source *s, struct err *err);
void adapter_close(struct adapter *ad);
const struct adapter_facts *adapter_facts(const struct adapter *ad);

/* Rows of the embedding with it, where the base has n; 'tied': embedding and head of the base are one matrix. -1: err (model): embedding
 * and head would not have the same rows. */
int adapter_vocabulary(const struct adapter *ad, int n, bool tied, int *n_with, struct err *err);
/* Are embedding and head two matrices with it, also where they were one or the same numbers? */
bool adapter_splits(const struct adapter *ad, bool tied);
/* What it does to the weights (n, k) or, k 0, the vector (n) of the base that is called 'name' ("model.layers.0.self_attn.q_proj.weight"),
 * whose rows pass 'rows' at a time. 'tied': head and embedding of the base were one. -1: err (model). */
int adapter_plan(struct adapter *ad, const char *name, size_t n, size_t k, size_t rows, bool tied, struct change *change, struct err *err);
/* Has every tensor of it found its place? -1: err (model) names one that has not. */
int adapter_all_used(const struct adapter *ad, const struct source *s, struct err *err);

/* Bring its tensors into memory. Collective if the source is. */
int adapter_load(struct adapter *ad, const struct source *s, struct err *err);
/* The rows [row0, row0 + n) of k numbers in 'raw', of type 't', as the base has them (or, with a 'whole', room for them) become those of
 * the model. -1: err (model): a number no longer fits the type. */
int adapter_apply(struct adapter *ad, const struct model *m, const struct change *change, enum dtype t, size_t k, void *raw, size_t row0,
                  size_t n, struct err *err);
/* Forget the tensors. */
void adapter_unload(struct adapter *ad);

#endif
