/* finished.h - tasks whose answers are all there, known by their journals alone (private to campaign). Rank 0. */
#ifndef MTB_FINISHED_H
#define MTB_FINISHED_H

#include "mtbench/campaign.h"

/* Has the journal of this task, made with its seed and limit of tokens, all turns of these questions, and is its answer file there? What it
 * takes a model to compare (template, sampler, weights) is not. 'watch' sees the turns, 'res' gets their numbers. */
bool finished_task(const struct campaign_task *t, const struct questions *qs, const struct answer_watch *watch, struct answer_result *res);

#endif
