/* api_opts.h - the flags of `mtbench api-answer` (room: cmd). */
#ifndef MTB_API_OPTS_H
#define MTB_API_OPTS_H

#include "mtbench/opts.h"
#include "mtbench/question.h"

struct api_opts {
    const char *bench_name, *data_dir, *answer_file, *model, *model_id, *base_url, *provider, *system, *progress, *log_dir;
    long num_choices, max_tokens, parallel;
    double force_temperature, max_cost, price_in, price_out, timeout, max_error_rate;
    bool has_temperature, given_price_in, given_price_out, quiet, verbose;
    struct slicing slicing;
    char *id;                            /* --model-id, else the model's name as a file name; owned */
};

/* 0; 1: help was printed; -1: err (usage). Release with api_opts_free(). */
int api_opts_parse(struct api_opts *o, int argc, char **argv, struct err *err);
void api_opts_free(struct api_opts *o);

#endif
