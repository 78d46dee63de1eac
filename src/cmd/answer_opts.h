/* answer_opts.h - the flags of `mtbench answer` (room: cmd). */
#ifndef MTB_ANSWER_OPTS_H
#define MTB_ANSWER_OPTS_H

#include "mtbench/opts.h"
#include "mtbench/question.h"
#include "mtbench/sampler.h"

struct answer_opts {
    const char *bench_name, *data_dir, *model_path, *model_id, *answer_file, *max_gpu_memory, *dtype, *revision, *device, *chat_template;
    const char *log_dir, *progress;
    long max_new_token, num_choices, gpus_per_model, gpus_total, threads, max_batch, seed;
    double max_error_rate, device_bytes;  /* device_bytes: --max-gpu-memory */
    bool fresh, quiet, verbose;
    bool given_gpus_total;
    struct slicing slicing;
    struct sampler_flags sampler;
    double temperature, top_p, min_p, repetition_penalty;
    long top_k;
};

/* FastChat's defaults and ours. */
void answer_opts_default(struct answer_opts *o);
/* The rows of the flags of answering; returns how many were put into table (room for ANSWER_OPTS_MAX). */
enum { ANSWER_OPTS_MAX = 40 };
int answer_opts_rows(struct answer_opts *o, struct opt *table);
/* What the flags say together. -1: err (usage). */
int answer_opts_check(struct answer_opts *o, struct err *err);
/* Where the answers go: DATA/BENCH/model_answer/ID.jsonl, or what --answer-file says. Caller frees. */
char *answer_opts_path(const struct answer_opts *o);
/* The command line of `answer`. 0; 1: help was printed; -1: err (usage). */
int answer_opts_parse(struct answer_opts *o, int argc, char **argv, struct err *err);

#endif
