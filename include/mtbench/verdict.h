/* verdict.h - what a judge's text says (room: judge). Pure. FastChat's patterns, first match only; where its program would abort: unparsable. */
#ifndef MTB_VERDICT_H
#define MTB_VERDICT_H

#include "mtbench/judge_prompt.h"
#include "mtbench/judgment.h"

struct verdict {
    enum judgment_status status;         /* OK, UNPARSABLE, OUT_OF_RANGE (a rating outside 1..10) */
    double score;                        /* VERDICT_RATING: the number read, also when out of range; -1: none */
    bool score_is_int;
    char letter;                         /* pairwise: 'A', 'B', 'C' (tie), 'E' (error) */
};

struct verdict verdict_parse(enum verdict_format format, const char *text, size_t n);

/* The text after thinking: without a leading <think>...</think> (and its kin); the whole where there is none. Offset of the rest. */
size_t verdict_skip_thinking(const char *text, size_t n);

#endif
