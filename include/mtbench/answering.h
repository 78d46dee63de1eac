/* answering.h - dealing, answering and writing, until every turn is done or a stop is ordered (room: campaign). */
#ifndef MTB_ANSWERING_H
#define MTB_ANSWERING_H

#include "mtbench/journal.h"
#include "mtbench/paths.h"
#include "mtbench/progress.h"
#include "mtbench/question.h"
#include "mtbench/rig.h"
#include "mtbench/sampler.h"

enum wanted_dtype { DTYPE_STORED, DTYPE_F32, DTYPE_F16, DTYPE_BF16 };
#define WANTED_DTYPES "|float32|float16|bfloat16"        /* nothing wanted: as stored */

struct answer_opts {
    const char *bench_name, *data_dir, *model_path, *base_path, *model_id, *answer_file, *revision, *chat_template, *fastchat, *log_dir;
    const char *scratch;                  /* a folder on a disk of each node: the journal's fast copy and staged weights; NULL: none */
    char name[BENCH_NAME_MAX + 1];        /* of files and in records: bench_name_plain() of model_id, which itself chooses the template */
    long max_new_token, num_choices, threads, max_batch, seed;
    double max_error_rate;
    bool fresh, tolerate, quiet, verbose; /* tolerate: --tolerate-lost-ranks, which is refused */
    struct slicing slicing;
    struct generation sampler;
    struct rig_devices devices;
    enum wanted_dtype dtype;
    enum progress_mode progress;
};

struct answer_result {
    long total, failed;                  /* turns of this slice; failed or, at the end, not asked because one before failed */
    long done;                           /* finished turns, by earlier starts too */
    uint64_t tokens;                     /* of these */
    bool stopped;
};

/* Somebody who looks on, on rank 0 but for begun(). A zeroed one looks away. */
struct answer_watch {
    void *ctx;
    void (*turn)(void *ctx, const struct turn_record *t);    /* a turn is finished (those of earlier starts too) or has failed */
    void (*tick)(void *ctx);                                 /* between steps; what turn() told is on disk */
    void (*begun)(void *begun_ctx);                          /* every rank: the weights are there, answering begins */
    void *begun_ctx;
    const struct progress_now *beside;                       /* work that goes on meanwhile, shown on the same line; NULL: none */
};

/* Collective. Opens the journal, answers what it lacks, writes the answer file, prints the closing lines on rank 0. The rig is open; it is
 * started, and the manifest gets the hash of the weights, only if something is left to answer. */
int answer_run(struct job *job, const struct answer_opts *o, const struct questions *qs, struct rig *r, const struct rig_opts *ro,
               const struct answer_watch *watch, struct manifest *manifest, struct answer_result *res, struct err *err);

/* Collective. Templates that print the date: a run that goes on prints that of its first start, or the turns of one file would stand on two
 * days. 'manifest_line' (rank 0; may be NULL) is the earlier start's; 'm' gets the entry. */
void answer_keep_instant(struct job *job, struct rig *rig, const char *manifest_line, struct manifest *m);

/* Where the answers go: DATA/BENCH/model_answer/ID.jsonl, or what --answer-file says. Caller frees. */
char *answer_opts_path(const struct answer_opts *o);

/* Tokens that an answer to one turn of the question is likely to have, by its category and --max-new-token: for plans and forecasts. */
double answer_expected_tokens(const struct answer_opts *o, const struct question *q);
/* steps[i] (n): tokens expected of so many turns; gets the steps that the dealer should allow for. Each may be longer than expected by as
 * much as an average conversation is long, which costs the more, the slower the rank: so a slow one gets short ones, and ends early rather
 * than late (tests/unit/simulate.c has what that is worth). */
void answer_allow_for(double *steps, const int *turns, int n, long max_new_token);
/* Of the prompts of all its turns, from their bytes, without the answers between them. */
double answer_prompt_tokens(const struct question *q);

#endif
