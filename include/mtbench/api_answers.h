/* api_answers.h - answering by a hosted model, on one rank: calls go out, answers come in, the file is written (room: campaign). */
#ifndef MTB_API_ANSWERS_H
#define MTB_API_ANSWERS_H

#include "mtbench/caller.h"
#include "mtbench/dialogs.h"
#include "mtbench/forecast.h"
#include "mtbench/manifest.h"
#include "mtbench/price.h"
#include "mtbench/progress.h"
#include "mtbench/pump.h"
#include "mtbench/question.h"

struct api_opts {
    const char *bench_name, *data_dir, *answer_file, *model, *model_id, *base_url, *provider, *system, *progress, *log_dir;
    long num_choices, max_tokens, parallel;
    double force_temperature, max_cost, price_in, price_out, timeout, max_error_rate;
    bool has_temperature, given_price_in, given_price_out, fresh, quiet, verbose;
    struct slicing slicing;
    char *id;                            /* --model-id, else the model's name as a file name; owned */
};

struct api_run {
    const struct api_opts *o;
    const struct questions *questions;
    char *answer_file, *journal_file;
    struct manifest manifest;
    struct call_journal *journal;
    struct dialogs *dialogs;
    struct endpoint endpoint;
    struct price price;
    struct purse purse;
    struct pump pump;                    /* its transport is NULL until connected */
    struct progress *progress;
    struct call_pace pace;
    bool has_system;                     /* a system message is sent */
    double started;
};

/* Files, journal, endpoint and prices; nothing is sent. -1: err (device: no key). api_run_close() either way. */
int api_run_open(struct api_run *r, const struct api_opts *o, const struct questions *qs, struct err *err);
/* One short call, if there is anything to ask: does the model answer? -1: err (device; cancelled: out of quota). */
int api_run_connect(struct api_run *r, struct err *err);
/* Send what may be sent, work for at most 'wait' seconds, take what came. Returns how many conversations are open, -1: err (cancelled:
 * start again later; device: the server refuses this client; io). */
long api_run_tick(struct api_run *r, double wait, struct err *err);
/* After a signal: send nothing more, wait for what is in flight, at most 'seconds'. -1: err (io). */
int api_run_drain(struct api_run *r, double seconds, struct err *err);
/* Write the answers of the questions that are complete, print the closing lines. -1: err. */
int api_run_finish(struct api_run *r, struct err *err);
/* Share of the turns that have no answer. */
double api_run_error_rate(const struct api_run *r);
void api_run_close(struct api_run *r);

#endif
