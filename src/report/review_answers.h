/* review_answers.h - a model's answers, as a report counts them (room: report, review.c's own). */
#ifndef MTB_REVIEW_ANSWERS_H
#define MTB_REVIEW_ANSWERS_H

#include "review.h"

/* Fills 'm', which has its name: where its answers come from, their hashes and counts, and the turns that are none. 'questions' NULL:
 * nobody knows what was asked, and nothing is missing. A file that is not there leaves 'answered' false. -1: err (io, format). */
int review_answers(struct review_model *m, const struct review_opts *o, const struct questions *questions, struct err *err);

#endif
