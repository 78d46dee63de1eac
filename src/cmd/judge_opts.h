/* judge_opts.h - the flags of judging, for `judge`, `run` and `plan` (room: cmd). */
#ifndef MTB_JUDGE_OPTS_H
#define MTB_JUDGE_OPTS_H

#include "mtbench/match.h"
#include "mtbench/opts.h"

struct judge_opts {
    const char *bench_name, *data_dir, *judge_file, *judge_model, *baseline_model, *mode_name;
    const char *provider, *base_url, *judge_path, *reference, *export_file, *log_dir, *progress;
    const char *fallback, *fallback_provider, *fallback_base_url;
    struct opt_list model_list, import_files;
    long parallel, repeat, canary, threads, max_batch, max_tokens;
    double max_cost, price_in, price_out, max_error_rate, timeout;
    struct slicing slicing;
    bool given_judge_model, given_price_in, given_price_out;
    bool constrained, yes, confirm, quiet, verbose;
    enum judge_mode mode;
};

/* FastChat's defaults and ours. */
void judge_opts_default(struct judge_opts *o);
/* The rows of the flags that every verb that judges has; returns how many were put into table (room for JUDGE_OPTS_MAX). */
enum { JUDGE_OPTS_MAX = 24 };
int judge_opts_rows(struct judge_opts *o, struct opt *table);
/* What the flags say together. -1: err (usage). */
int judge_opts_check(struct judge_opts *o, struct err *err);
/* The command line of `judge`. 0; 1: help was printed; -1: err (usage). */
int judge_opts_parse(struct judge_opts *o, int argc, char **argv, struct err *err);

#endif
