/* verdict.h - what a judge's text says (room: judge). Pure. FastChat's patterns, first match only; where its program would abort:
 * unparsable. */
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

/* Digits are what Python's \d takes; a number with other than ASCII digits, or with a leading zero and no point, is where its program
 * aborts. Two ratings have no range: the larger one wins, at most 0.1 apart is a tie. */
struct verdict verdict_parse(enum verdict_format format, const char *text, size_t n);

/* The same of a reply that may hold thoughts (thoughts.h): what a judge only thinks is no verdict. 'cut': its token limit ended it. */
struct verdict verdict_read(enum verdict_format format, const char *text, size_t n, bool cut);

#endif
