/* model.h - what a model is: its configuration, its weights in packed form, and the forward pass (room: model).
 * Bytes come through a struct source; this room opens no file. */
#ifndef MTB_MODEL_H
#define MTB_MODEL_H

#include "mtbench/comm.h"
#include "mtbench/gguf.h"
#include "mtbench/ops.h"
#include "mtbench/source.h"

enum bias { BIAS_NONE, BIAS_QKV = 1, BIAS_O = 2, BIAS_MLP = 4 };

/* A row of the table of architectures (model/arch.c): what sets a family apart, as data. */
struct arch {
    const char *hf_name;         /* "LlamaForCausalLM" in config.json "architectures" */
    const char *hf_alias;        /* what files from before the class was released call it; NULL: they do not */
    const char *gguf_name;       /* "llama" in general.architecture */
    int bias;                    /* enum bias: projections that always have one */
    int bias_option;             /* those that have one where "attention_bias" or "mlp_bias" of config.json says so */
    bool gguf_permuted_qk;       /* q and k rows lie in interleaved order in GGUF files and are put back at load */
    bool window;                 /* "sliding_window" is honoured */
    const char *hf_type;         /* "llama" in "model_type" */
    /* What transformers' configuration class has where config.json says nothing: */
    int default_context, default_kv;          /* default_kv 0: as many as heads */
    int default_window,
        window_from; /* window_from: the first layer with a window, which is off unless "use_sliding_window"; 0: all have it */
};

extern const struct arch arch_table[];
extern const int arch_count;

enum rope_scaling { ROPE_NONE, ROPE_LINEAR, ROPE_LLAMA3, ROPE_YARN };

/* What somebody says about sampling: a model's generation_config.json, or a user by flags; has: which of it. */
struct generation {
    bool has_temperature, has_top_p, has_top_k, has_min_p, has_repetition_penalty;
    float temperature, top_p, min_p, repetition_penalty;
    long top_k;
};
/* Is it in range? -1: err naming the flag (usage) or the key (model) that is not. */
int generation_check(const struct generation *g, bool flags, struct err *err);

struct model_config {
    const struct arch *arch;
    int n_layers, dim, n_heads, n_kv, head_dim, ff, n_vocab;
    int context;                 /* positions the model was trained for, after scaling */
    float norm_eps;
    bool tied;                   /* the head is the embedding */
    int bias;                    /* enum bias: projections of config.json's models that have one; a GGUF file just has the tensors */
    int window;                  /* size of the sliding window; 0: none */
    uint64_t windowed[1024 / 64];     /* bit l: layer l has it */
    struct {
        float theta;
        int dims;
        enum rope_scaling scaling;
        float factor, low_freq, high_freq, beta_fast, beta_slow, attention_factor;
        int original_context;
        bool exact_ramp;         /* yarn: the ramp's ends are not rounded to dimensions */
    } rope;
    int n_shards;                /* virtual K shards of o and down (engine rule R2) */
    int bos, n_eos;              /* bos: -1 when there is none */
    int32_t *eos;                /* (n_eos) ids that the files call an end of text or turn, within the vocabulary; config_free() */
    struct generation generation;     /* generation_config.json */
};

void config_free(struct model_config *c);

struct layer {
    const float *attn_norm, *ffn_norm;            /* (dim) */
    struct linear q, k, v, o;                     /* (heads*head_dim, dim) ... (dim, heads*head_dim), heads of this member */
    struct linear gate, up, down;                 /* (ff, dim), (ff, dim), (dim, ff), ff of this member */
    const float *o_bias, *down_bias;              /* (dim) or NULL: added behind the sum over a tensor group */
    int window;
};

/* The share that one member of a tensor group has of a model: q, k, v, gate, up and head by rows, o and down by columns, between virtual
 * shards, so that its sums are subtrees of the whole; embedding, norms, and biases of o and down are whole everywhere. */
struct model_share { int rank, size; };

struct model_local {
    int n_heads, n_kv, ff;                        /* of this member; a KV head that several members need is held by each */
    int n_vocab;                                  /* rows of the head, perhaps none */
    int vocab[COMM_MAX + 1];                      /* member r has the head's rows from vocab[r] to vocab[r + 1], multiples of 32 */
};

struct model {
    struct model_config config;                   /* of the whole */
    struct model_share share;
    struct model_local local;
    const struct model *of;                       /* model_open_other(): whose configuration and directory these are; NULL: its own */
    const struct ops *ops;
    struct backend *be;
    struct layer *layer;                          /* (n_layers) */
    const float *final_norm;                      /* (dim) */
    struct linear embed, head;                    /* (n_vocab, dim), whole and this member's; a tied head lies in the embedding */
    struct rope rope;
    int rope_positions;                           /* of its table; 0: there is none */
    struct weight_plan *plan;                     /* model/weights.c: which bytes of which file go where */
    struct adapter *adapter;                      /* model/adapter.c: what changes them on their way; NULL: nothing */
    size_t packed_bytes;                          /* of the one block that holds all weights */
    uint64_t file_bytes;                          /* weight bytes in the files (headers included) */
};

/* An adapter (LoRA), for people and for a run's identity. */
struct adapter_facts {
    const char *base;            /* what adapter_config.json calls its base; "" where it says nothing */
    const char *folder;          /* where the base was found */
    int r;                       /* of modules that no pattern names */
    double alpha;
    uint64_t bytes;              /* memory that it takes while the weights are loaded */
};

/* Read configuration and tensor directory (not the weights) from 's': a .gguf file, or config.json with safetensors or PyTorch files and
 * their index. With adapter_config.json among them the model is the adapter's in adapter_model.* on the base in the other files.
 * Checks names, types, shapes and ranges of every tensor it will need. 'ops' gives the packed sizes. 'share': what of it is to be held;
 * NULL: all. NULL: err (format, model, io; usage: it cannot be cut so). Collective if the source is. */
struct model *model_open(const struct source *s, const struct ops *ops, const struct model_share *share, struct err *err);
/* Another member's share of the model that 'm' has one of, with which it shares configuration and directory: 'm' is closed last. Reads
 * nothing. */
struct model *model_open_other(const struct model *m, int rank);
/* Over how many members can it be spread? Numbers of 1, 2, 4, 8 that divide its virtual shards and fit its KV heads, which are dealt or
 * repeated, ascending. Returns how many there are. */
int model_degrees(const struct model_config *c, int degree[4]);
/* -1: err (usage) lists them. */
int model_check_degree(const struct model_config *c, int degree, struct err *err);
/* The header of a GGUF model (vocabulary, chat template), valid until model_close(); NULL for a Hugging Face folder. */
const struct gguf *model_gguf(const struct model *m);
/* NULL: a model that is no adapter. Valid until model_close(). */
const struct adapter_facts *model_adapter(const struct model *m);
/* Point the weights into 'packed' (m->packed_bytes, 64-byte aligned backend memory). */
void model_attach(struct model *m, void *packed);
/* Fill the attached memory of shares (n) of one model, one of them opened from 's' and the others beside it; reads every tensor once, in
 * file order, in pieces of at most 16 MiB, of which each member packs what it has. Collective if the source is. */
int model_load(struct model *const member[], int n, const struct source *s, struct err *err);
/* Bytes of host memory that model_load() takes for the pieces, beside an adapter's. */
size_t model_load_bytes(const struct model *m);
/* Build the RoPE table for positions 0 .. n-1, in model_rope_bytes() of backend memory. */
int model_rope(struct model *m, int n_positions, struct err *err);
static inline size_t model_rope_bytes(const struct model_config *c, int n_positions)
{
    return (size_t)n_positions * (size_t)c->rope.dims * sizeof(float);
}
void model_close(struct model *m);

/* ---- forward.c ---- */
struct forward;
/* Activation buffers for steps of up to max_rows rows, max_out runs and as many rows of logits, of a model or a member's share, whose group
 * 'comm' is, with a table of rotations. All members run the same steps. NULL: memory error. */
struct forward *forward_create(const struct model *m, struct comm *comm, int max_rows, int max_out, struct err *err);
void forward_destroy(struct forward *f);
/* Ask interrupted(ctx) in each layer of a step, on the caller's thread; what one member is told, all heed in the same layer. Not asked with
 * an executor that is not synchronous, whose layers are not done when their calls return. */
void forward_ask(struct forward *f, bool (*interrupted)(void *ctx), void *ctx);
size_t forward_bytes(const struct model *m, int max_rows, int max_out);
/* Run one step: KV pages of the step's rows are written; logits of the rows that draw are left in the buffer that is returned, backend
 * memory, (n_out, n_vocab) on member 0, valid until forward_draw() or the next step. n_out may be 0. NULL: interrupted in a layer, or the
 * group failed (comm_check()); what the rows' pages hold now is to be written again. */
float *forward_step(struct forward *f, const struct kv_view *kv, const struct step *s);
/* Draw the tokens (n_out) of the step that was run last, on member 0; *s is as it was then. Waits for all of it: -1: err (device), and what
 * the rows' pages hold is not to be relied on. To be called where n_out is 0, too, and by the other members, who draw nothing. */
int forward_draw(struct forward *f, const struct step *s, int32_t *token, struct err *err);

/* Where numbers that are none first came up. */
enum forward_part { PART_EMBEDDING, PART_ATTENTION, PART_MLP, PART_NORM, PART_HEAD };
struct forward_fault {
    int layer;                   /* counted from 0, as in the names of tensors; PART_EMBEDDING: -1; the final norm and the head: n_layers */
    enum forward_part part;
};
/* Run a step again as forward_step() does, which leaves the same bits in its rows' pages, and look behind each part of each layer, at all
 * rows. True: *fault says what came first. False: everything is finite, or it was interrupted. By member 0; the others run the step. */
bool forward_find_fault(struct forward *f, const struct kv_view *kv, const struct step *s, struct forward_fault *fault);

/* The type of the matrices, for executor.numerics(): F16 where all are, else the first projection's, or what else there is beside f16. */
enum dtype model_matrix_type(const struct model *m);
/* How many numbers the weights of such a model are. */
double model_parameters(const struct model_config *c);

#endif
