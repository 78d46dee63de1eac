/* api_opts.h - the flags of `mtbench api-answer` (room: cmd). */
#ifndef MTB_API_OPTS_H
#define MTB_API_OPTS_H

#include "mtbench/api_answers.h"
#include "mtbench/opts.h"

/* 0; 1: help was printed; -1: err (usage). Release with api_opts_free(). */
int api_opts_parse(struct api_opts *o, int argc, char **argv, struct err *err);
void api_opts_free(struct api_opts *o);

#endif
