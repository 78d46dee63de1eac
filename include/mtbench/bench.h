/* bench.h - what lies where in the data folder (room: bench). One process. */
#ifndef MTB_BENCH_H
#define MTB_BENCH_H

#include "mtbench/question.h"

/* DATA/BENCH/question.jsonl, sliced. -1: err; nothing is to be released then. */
int bench_questions(const char *data_dir, const char *bench_name, const struct slicing *s, struct questions *qs, struct err *err);

#endif
