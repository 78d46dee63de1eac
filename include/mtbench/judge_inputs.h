/* judge_inputs.h - everything that judging reads (room: campaign): questions, answers, references, judge prompts, and the matches they
 * make. Rank 0. */
#ifndef MTB_JUDGE_INPUTS_H
#define MTB_JUDGE_INPUTS_H

#include "mtbench/call.h"
#include "mtbench/match.h"
#include "mtbench/opts.h"
#include "mtbench/progress.h"
#include "mtbench/rig.h"

struct judge_opts {
    const char *bench_name, *data_dir, *judge_file, *judge_model, *baseline_model;
    const char *provider, *base_url, *judge_path, *judge_base_path, *fastchat, *reference, *output, *export_file, *log_dir;
    const char *scratch;                 /* of a local judge, as rig_opts has it */
    const char *fallback, *fallback_provider, *fallback_base_url;
    struct opt_list model_list, import_files;
    long parallel, repeat, canary, threads, max_batch, max_tokens;
    double spent_before;                 /* dollars for judgments of other tasks that max_cost holds for, too */
    double max_cost, price_in, price_out, max_error_rate, timeout;
    struct slicing slicing;
    struct rig_devices devices;          /* of a local judge */
    bool given_judge_model, given_price_in, given_price_out;
    bool constrained, yes, confirm, quiet, verbose;
    bool heard;                          /* a hosted judge has answered in this launch: it is not asked whether it is there */
    enum judge_mode mode;
    enum progress_mode progress;
};

struct judge_inputs {
    struct questions questions;
    struct judge_prompts prompts;
    struct answer_set answers, references;
    const struct model_answers *reference;   /* in 'references'; NULL: no category needs one */
    const char **model;                  /* (n_models) names in 'answers' or in the flags */
    int n_models;
    struct matches matches;
    char *output;                        /* what --output says, else DATA/BENCH/model_judgment/JUDGE_single.jsonl or JUDGE_pair.jsonl */
    char *journal;
};

/* Read and check. 'coming': name of a model whose answers will arrive later and need no file, or NULL.
 * Of all others no more answers may be missing than --max-error-rate allows. -1: err; release either way. */
int judge_inputs_read(struct judge_inputs *in, const struct judge_opts *o, const char *coming, struct err *err);
/* What a canary needs: the prompts, the file of judgments, a journal apart. -1: err; release either way. */
int judge_inputs_canary(struct judge_inputs *in, const struct judge_opts *o, struct err *err);
void judge_inputs_free(struct judge_inputs *in);

/* The file of repeat r (1-based): the output itself, then JUDGE_single.repeat2.jsonl and so on. Caller frees. */
char *judge_inputs_output(const struct judge_inputs *in, int repeat);
/* What a run is made of, for the journal's first line. */
void judge_inputs_describe(const struct judge_inputs *in, const struct judge_opts *o, struct manifest *m);
/* FastChat's "Stats:" block, on stdout. */
void judge_inputs_stats(const struct judge_inputs *in, const struct judge_opts *o);

#endif
