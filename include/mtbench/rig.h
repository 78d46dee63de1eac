/* rig.h - a model made ready to run on this rank: files, weights, tokenizer, template, engine (room: rig). */
#ifndef MTB_RIG_H
#define MTB_RIG_H

#include "mtbench/chat.h"
#include "mtbench/engine.h"
#include "mtbench/executor.h"
#include "mtbench/job.h"
#include "mtbench/placement.h"
#include "mtbench/tokenizer.h"

enum device { DEVICE_AUTO, DEVICE_CUDA, DEVICE_CPU };
#define DEVICES "auto|cuda|cpu"            /* their words, in order */
enum matmul { MATMUL_OWN, MATMUL_CUBLAS }; /* who computes products on a GPU */
#define MATMULS "own|cublas"

/* What to compute on; all zero is what a user gets who says nothing. */
struct rig_devices {
    enum device device;                    /* one that this build or machine lacks: err (device) from rig_open() */
    long per_model, total;                 /* that a model is spread over, 0 is 1; of all models, 0 is what the ranks can drive */
    bool given_total;                      /* whoever sets 'total' by a flag knows that it was there */
    enum matmul matmul;                    /* one that cannot be had: err (device) from rig_open() */
    double bytes;                          /* most that the weights may take of a device; 0: no limit */
};

struct rig_opts {
    const char *model_path, *revision, *model_id, *chat_template;
    const char *flag;                      /* that model_path was given by, for messages; NULL: --model-path */
    const char *base_path;                 /* where the base of an adapter lies; NULL: where adapter_config.json says */
    const char *fastchat, *data_dir;       /* where FastChat is, and where `fetch` puts its conversation.py; both may be NULL */
    const char *scratch;                   /* each node's folder for copies of the weights' files (staged.h); NULL: none */
    long threads;                          /* of a rank; 0: OMP_NUM_THREADS, else the rank's share of its node's cores */
    long max_batch, max_tokens;            /* max_tokens: longest sequence; 0: the model's context */
    struct rig_devices devices;
    bool shared;                           /* for several runs: max_batch and max_tokens are of all of them */
    bool interruptible;                    /* a stop of the job ends engine steps in a layer */
    bool trace;                            /* count what the executor does (wrappers.h) */
    const char *compare;                   /* name of an executor to be compared with, op by op (wrappers.h); NULL: none */
    double compare_bound;                  /* how far a row may differ */
};

struct rig {
    struct model *model;                 /* this rank's first share of it */
    struct tokenizer *tokenizer;
    struct chat *chat;
    struct team *team;                   /* NULL before rig_start() */
    struct engine *engine;               /* NULL before rig_start(), and on ranks without member 0, which follow (team_follow()) */
    struct ids stops;                    /* tokens that end an answer (stops.h) */
    const struct executor *executor;     /* these two by rig_place(), in rig_open() */
    struct placement place;
    struct backend *be;                  /* of the first member here */
    char header_sha256[65];              /* over sizes and beginnings of the model's files; empty without a job */
    char base_sha256[65];                /* the same over the files of an adapter's base alone; empty: no adapter */
    char model_sha256[65];               /* over all files of the model; empty before rig_start() and without a job */
    char numerics[96];                   /* the path that answers are computed by, for manifests: alike on all ranks */
    char weights[16];                    /* element type of the projections, "Q4_1" */
    int n_threads;
    const char *isa;
    struct rig_parts *parts;             /* what only rig.c knows */
};

/* What the ranks of this node take, in bytes. */
struct rig_memory {
    struct engine_plan engine;           /* of a rank */
    uint64_t scratch;                    /* of a rank, beside the engine */
    uint64_t weights, available;         /* of the node: one copy of each member's; what it can give before any of this is taken */
    uint64_t adapter, reading;           /* of the node, only while the weights are loaded: for an adapter, and for bytes on their way */
    int local;                           /* ranks of the node; on devices of its own a rank counts alone, and 'node' is its devices */
    bool device;
};

/* What the name of a repository alone tells: 0, or -1: err (model), it would not run whatever its files are, and what there is instead. */
int rig_foretell(const char *name, struct err *err);

/* What runs where, from the options alone: which executor, and what each rank drives. No file is touched. Collective over the job; 'job'
 * NULL: this process alone. -1 everywhere: err (device, usage). */
int rig_place(struct job *job, const struct rig_devices *o, const struct executor **x, struct placement *place, struct err *err);
/* Configuration, tokenizer and template; weights stay in their files. Collective over the job; 'job' NULL: this process alone. -1
 * everywhere if one rank fails (err of the first). */
int rig_open(struct rig *r, struct job *job, const struct rig_opts *o, struct err *err);
/* The template anew, as the options (model_id, chat_template, fastchat, data_dir) say by now, before or between the work of an engine. What
 * is open of the model stays. Collective. -1 everywhere: err; the rig has no template then, and can only be closed or given another one. */
int rig_choose_chat(struct rig *r, const struct rig_opts *o, struct err *err);
/* What strftime_now prints in prompts, as chat_wall_clock() has it: rig_open() gives all ranks the instant at which rank 0 opened it. A run
 * that goes on with the work of another takes that one's. Local. */
double rig_instant(const struct rig *r);
void rig_set_instant(struct rig *r, double wall_clock);
/* "PATH, SHA-256 HEX" of the conversation.py that the template's text was read from; NULL: it was not needed. */
const char *rig_text_source(const struct rig *r);
/* The model's files: their paths and sizes. Valid until rig_close(). */
const struct source *rig_files(const struct rig *r);
/* Threads, weights and engine, with the same options but for max_batch and max_tokens, which may be known better by now. Collective. -1
 * everywhere if one rank fails; ERR_CANCELLED if the job was told to stop. */
int rig_start(struct rig *r, const struct rig_opts *o, struct err *err);
/* Threads and memory as rig_start() would have them, no weight read. For a rig that is not started afterwards. Collective. -1 everywhere:
 * err (memory). */
int rig_plan(struct rig *r, const struct rig_opts *o, struct rig_memory *m, struct err *err);
/* What a rank takes at most, and a node with all its ranks. */
uint64_t rig_memory_rank(const struct rig_memory *m);
uint64_t rig_memory_node(const struct rig_memory *m);
/* Collective: with --verbose, rank 0 says what the rank took that took most memory. */
void rig_say_peak(const struct rig *r);
/* Collective. A zeroed rig is fine. */
void rig_close(struct rig *r);

#endif
