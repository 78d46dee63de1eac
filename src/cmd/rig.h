/* rig.h - a model made ready to run on this rank: files, weights, tokenizer, template, engine (room: cmd). */
#ifndef MTB_RIG_H
#define MTB_RIG_H

#include "mtbench/chat.h"
#include "mtbench/engine.h"
#include "mtbench/job.h"
#include "mtbench/tokenizer.h"

struct rig_opts {
    const char *model_path, *revision, *model_id, *chat_template;
    long threads, max_batch;
    bool no_engine;                      /* tokenizer and template are enough; weights stay in their files */
};

struct rig {
    struct model *model;
    struct tokenizer *tokenizer;
    struct chat *chat;
    struct engine *engine;               /* NULL with no_engine */
    int32_t stop_id[ENGINE_MAX_STOPS];   /* tokens that end an answer: the model's and the template's */
    int n_stop;
    struct backend *be;
    char model_sha256[65];               /* over all files of the model; empty with no_engine */
    char weights[16];                    /* element type of the projections, "Q4_1" */
    int n_threads;
    const char *isa;
    double load_seconds;
    struct rig_parts *parts;             /* what only rig.c knows */
};

/* Collective over the job; 'job' NULL: this process alone. -1 everywhere if one rank fails (err of the first). */
int rig_open(struct rig *r, struct job *job, const struct rig_opts *o, struct err *err);
/* Collective. A zeroed rig is fine. */
void rig_close(struct rig *r);

#endif
