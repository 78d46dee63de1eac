/* verify_opts.h - the flags of `mtbench verify` (room: cmd). */
#ifndef MTB_VERIFY_OPTS_H
#define MTB_VERIFY_OPTS_H

#include "mtbench/verifying.h"

/* The command line of `verify`: a run is named, the rest may be left to it. 0; 1: help was printed; -1: err (usage). */
int verify_opts_parse(struct verify_opts *o, int argc, char **argv, struct err *err);
/* What the flags and the run say together. -1: err (usage). */
int verify_opts_check(struct verify_opts *o, struct err *err);

#endif
