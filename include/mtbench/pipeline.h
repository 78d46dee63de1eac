/* pipeline.h - answers and their judgments in one launch (room: campaign). Collective.
 * A hosted judge is called between the steps of rank 0's engine, as answers arrive; a local judge takes its turn on all ranks when they are
 * there. Choice 0 of each question is judged, as in FastChat. */
#ifndef MTB_PIPELINE_H
#define MTB_PIPELINE_H

#include "mtbench/answering.h"
#include "mtbench/judge_inputs.h"

struct pipeline_result {
    bool judged;                         /* rank 0: there are judgments to show */
    double cost;                         /* rank 0: dollars for these judgments, by earlier starts too */
    double parameters;                   /* of a local judge; 0: none has worked */
};

/* Check all that judging needs, answer, judge, write the files, print the closing lines on rank 0. Returns an exit code; where that is no
 * success, err says why if there is more to say. */
int pipeline_run(struct job *job, const struct answer_opts *answer, const struct judge_opts *judge, struct pipeline_result *res,
                 struct err *err);

/* The same around answers that are made another way: with a model that is ready already, say. 'work' is collective, tells 'watch' of each
 * turn and returns an exit code as answer_all() does. */
typedef int (*pipeline_work)(void *ctx, struct job *job, const struct answer_watch *watch, struct err *err);
int pipeline_around(struct job *job, const struct answer_opts *answer, const struct judge_opts *judge, pipeline_work work, void *ctx,
                    struct pipeline_result *res, struct err *err);

#endif
