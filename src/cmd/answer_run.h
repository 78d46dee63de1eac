/* answer_run.h - dealing, answering and writing, until every turn is done or a stop is ordered (room: cmd). */
#ifndef MTB_ANSWER_RUN_H
#define MTB_ANSWER_RUN_H

#include "answer_opts.h"
#include "rig.h"

#include "mtbench/journal.h"

struct answer_result {
    long total, failed;                  /* turns of this slice; failed or, at the end, not asked because one before failed */
    bool stopped;
};

/* Somebody who looks on, on rank 0. A zeroed one looks away. */
struct answer_watch {
    void *ctx;
    void (*turn)(void *ctx, const struct turn_record *t);    /* a turn is finished (those of earlier starts too) or has failed */
    void (*tick)(void *ctx);                                 /* between steps; what turn() told is on disk */
};

/* Collective. Opens the journal, answers what it lacks, writes the answer file, prints the closing lines on rank 0. The rig is open; it is
 * started, and the manifest gets the hash of the weights, only if something is left to answer. */
int answer_run(struct job *job, const struct answer_opts *o, const struct questions *qs, struct rig *r, const struct rig_opts *ro,
               const struct answer_watch *watch, struct manifest *manifest, struct answer_result *res, struct err *err);

#endif
