/* campaign_judges.h - the judges of a campaign (private to campaign): asked before anything is computed whether they are there, and local
 * ones at work behind all answers. */
#ifndef MTB_CAMPAIGN_JUDGES_H
#define MTB_CAMPAIGN_JUDGES_H

#include "mtbench/campaign.h"

#include <string.h>

/* NULL is like NULL alone. */
static inline bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

bool campaign_same_slice(const struct slicing *a, const struct slicing *b);
bool campaign_same_devices(const struct rig_devices *a, const struct rig_devices *b);
/* Do two tasks have one judge, asked alike over the same questions? */
bool campaign_same_judge(const struct campaign_task *a, const struct campaign_task *b);
/* Prompts, references and key of a hosted judge, files of a local one; nothing is sent. Collective. -1 everywhere: err (device: no key). */
int campaign_try_judge(struct job *job, const struct campaign_task *t, struct err *err);
/* Local judges, each once for all tasks that it judges and that have answers; the rows (n) get what came of it. Collective. 'list' is its
 * name, for messages. */
void campaign_judge_locally(struct job *job, const char *list, const struct campaign_task *task, int n, struct campaign_row *row);

#endif
