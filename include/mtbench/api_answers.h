/* api_answers.h - answering by a hosted model: questions in, answers out (room: campaign). */
#ifndef MTB_API_ANSWERS_H
#define MTB_API_ANSWERS_H

#include "mtbench/job.h"
#include "mtbench/progress.h"
#include "mtbench/question.h"

struct api_opts {
    const char *bench_name, *data_dir, *answer_file, *model, *model_id, *base_url, *provider, *system, *log_dir;
    long num_choices, max_tokens, parallel;
    double force_temperature, max_cost, price_in, price_out, timeout, max_error_rate;
    bool has_temperature, given_price_in, given_price_out, fresh, quiet, verbose;
    struct slicing slicing;
    enum progress_mode progress;
    char *id;                            /* --model-id, else the model's name as a file name; owned */
};

/* On one rank: ask until all is asked or something ends it, then write the answers of the questions that are complete and print the
 * closing lines, whatever ended it. Returns an exit code; where that is no success, err says why if there is more to say. */
int api_answers(struct job *job, const struct api_opts *o, struct err *err);

#endif
