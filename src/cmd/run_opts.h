/* run_opts.h - the flags of answering and judging together, for `run` and `plan` (room: cmd). */
#ifndef MTB_RUN_OPTS_H
#define MTB_RUN_OPTS_H

#include "answer_opts.h"
#include "judge_opts.h"

struct run_opts {
    struct answer_opts answer;
    struct judge_opts judge;             /* what both know by the same name is that of 'answer' */
};

/* The command line of a verb that has both, and (n_more, at most RUN_OPTS_MORE) rows of its own, which may point into 'o' after
 * run_opts_default(). What the flags say together is not checked. 0; 1: help was printed; -1: err (usage). */
enum { RUN_OPTS_MORE = 4 };
void run_opts_default(struct run_opts *o);
int run_opts_parse(struct run_opts *o, const char *verb, const char *about, const struct opt *more, int n_more, int argc, char **argv,
                   struct err *err);
/* What the flags say together, for answers that are judged as they come. -1: err (usage). */
int run_opts_check(struct run_opts *o, struct err *err);

#endif
