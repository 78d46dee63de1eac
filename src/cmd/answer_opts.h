/* answer_opts.h - the flags of `mtbench answer` (room: cmd). */
#ifndef MTB_ANSWER_OPTS_H
#define MTB_ANSWER_OPTS_H

#include "mtbench/answering.h"
#include "mtbench/opts.h"

/* FastChat's defaults and ours. */
void answer_opts_default(struct answer_opts *o);
/* The rows of the flags of answering; returns how many were put into table (room for ANSWER_OPTS_MAX). */
enum { ANSWER_OPTS_MAX = 48 };
int answer_opts_rows(struct answer_opts *o, struct opt *table);
/* The name of files and records from model_id. -1: err (usage). */
int answer_opts_name(struct answer_opts *o, struct err *err);
/* --scratch as it was given (NULL: not at all), or the folder that it means without a name, by this node's environment. */
const char *answer_opts_scratch(const char *given);
/* What the flags say together. -1: err (usage). */
int answer_opts_check(struct answer_opts *o, struct err *err);
/* The command line of `answer`. 0; 1: help was printed; -1: err (usage). */
int answer_opts_parse(struct answer_opts *o, int argc, char **argv, struct err *err);

#endif
