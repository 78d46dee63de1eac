/* judge_opts.h - the flags of judging, for `judge`, `run` and `plan` (room: cmd). */
#ifndef MTB_JUDGE_OPTS_H
#define MTB_JUDGE_OPTS_H

#include "mtbench/judge_inputs.h"
#include "mtbench/opts.h"

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
