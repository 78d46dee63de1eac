/* show_opts.h - the flags of `mtbench show` (room: cmd). */
#ifndef MTB_SHOW_OPTS_H
#define MTB_SHOW_OPTS_H

#include "mtbench/showing.h"

/* 'fastchat': called by the name of its script, so its format is the default. 0; 1: help was printed; -1: err (usage). */
int show_opts_parse(struct showing *o, bool fastchat, int argc, char **argv, struct err *err);

#endif
