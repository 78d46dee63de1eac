/* past_run.h - a run of `answer` that was made before: its journal, and what it was made with put back into options (room: campaign). */
#ifndef MTB_PAST_RUN_H
#define MTB_PAST_RUN_H

#include "mtbench/answering.h"

struct past_run;

/* Flags that were typed although the run says them too. Those of the sampler know themselves, texts are NULL where they were not. */
struct past_given { bool bench_name, seed, max_new_token; };

/* Collective. Finds the run by answer_file, or data_dir, bench_name and name, and fills of 'o' what was not given: model_path, base_path,
 * model_id, chat_template, bench_name, sampler, seed, max_new_token, and in any case num_choices. Its strings live until past_run_close().
 * Nothing is locked or written: a run that goes on may be looked at. NULL everywhere: err (usage: there is no such run, it has no finished
 * turn, or another program or `api-answer` made these answers; format; io). */
struct past_run *past_run_open(struct job *job, struct answer_opts *o, const struct past_given *given, struct err *err);
void past_run_close(struct past_run *p);

/* Rank 0's; NULL elsewhere. */
const struct journal *past_run_journal(const struct past_run *p);
const char *past_run_answer_file(const struct past_run *p);
/* Its manifest's line, on all ranks. */
const char *past_run_manifest(const struct past_run *p);
/* Would a run with this manifest give its answers? -1: err (usage) that names what differs. Local. */
int past_run_check(const struct past_run *p, const struct manifest *now, struct err *err);

#endif
