/* browser_text.h - the texts of FastChat's qa_browser (0.2.36), to the byte, as Markdown (room: report, its own).
 * The headings above them are the page's: User, User's follow-up question, Assistant A and B, Reference Solution, Model Judgment. Where
 * there is no judgment the text is BROWSER_NONE. */
#ifndef MTB_BROWSER_TEXT_H
#define MTB_BROWSER_TEXT_H

#include "mtbench/buf.h"
#include "mtbench/question.h"

#define BROWSER_NONE "N/A"

/* The line of the list of questions: "81: ", the first 128 characters of the first turn, "...". */
void browser_put_question(struct buf *out, const struct question *q);
/* An answer: without white space around it (Python's), bullets as dashes, no blank line before an item of a list. */
void browser_put_answer(struct buf *out, const char *answer, size_t n);
/* "Q1. ", "Q2. " and so on with the references that came with the question; nothing where all are empty. FastChat knows two, and stops at
 * any other number. */
void browser_put_reference(struct buf *out, const struct question *q);
/* A judgment of one answer. The score as Python prints it: -1 for none, NAN for None. */
void browser_put_single(struct buf *out, const char *model, double score, bool score_is_int, const char *judgment);
/* Both games of two models: what was said of the one that showed A first, and of the other. */
void browser_put_pair(struct buf *out, const char *a, const char *b, const char *a_first, const char *b_first);

#endif
