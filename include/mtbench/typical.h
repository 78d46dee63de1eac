/* typical.h - how long an answer is likely to be, before anything is known of the model (room: bench). */
#ifndef MTB_TYPICAL_H
#define MTB_TYPICAL_H

#include "mtbench/question.h"

/* Tokens of the answer to a turn, from 1 on: of MT-bench's own questions the median of 31 published models, of others what is usual in
 * their category. For plans and for the order of work; no answer depends on it. */
double typical_tokens(const struct question *q, int turn);

#endif
