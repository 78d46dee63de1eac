/* bench_questions.h - the questions that a verb is about, from the data folder (room: cmd). One process. */
#ifndef MTB_BENCH_QUESTIONS_H
#define MTB_BENCH_QUESTIONS_H

#include "mtbench/question.h"

/* DATA/BENCH/question.jsonl, sliced. -1: err; nothing is to be released then. */
int bench_questions(const char *data_dir, const char *bench_name, const struct slicing *s, struct questions *qs, struct err *err);

#endif
