/* review_sheets.h - what a report tells beside the scores, as sheets: how answers and judgments were made, what failed, what is not told
 * apart (room: report, its own). All append to a zeroed sheet. */
#ifndef MTB_REVIEW_SHEETS_H
#define MTB_REVIEW_SHEETS_H

#include "review.h"

#include "mtbench/sheet.h"

/* What a cell says where nobody recorded anything. */
#define NOT_RECORDED "not recorded"

/* A row per model of which something is recorded: program, sampler, seed, template, numerics ... */
void sheet_answers_made(struct sheet *out, const struct review *r);
/* A row per model: turns, failed, cut, tokens, seconds, energy. */
void sheet_answers_count(struct sheet *out, const struct review *r);
/* A row per judge: program, prompts, what was sent, calls, tokens, price. */
void sheet_judges(struct sheet *out, const struct review *r);
/* SHA-256: of the bench's files; of each model's answers, weights and questions. */
void sheet_files(struct sheet *out, const struct review *r);
void sheet_model_hashes(struct sheet *out, const struct review *r);
/* A row per turn that is no answer, and per judgment that counts for nothing, each with status and reason. */
void sheet_answer_gaps(struct sheet *out, const struct review *r);
void sheet_failed_judgments(struct sheet *out, const struct review *r);
/* A row per judge of single answers and model that it has judged, not all of whose answers it has. */
void sheet_missing_judgments(struct sheet *out, const struct review *r);
/* Each model of a judge's beside the next one below it: their paired difference, and the smallest that could have been seen. */
void sheet_neighbours(struct sheet *out, const struct scores *s);
/* Judges of single answers, two by two, on what both have scored. */
void sheet_judges_agree(struct sheet *out, const struct review *r);
/* Which of the facts that this program records are not there, and of which models. */
void sheet_not_recorded(struct sheet *out, const struct review *r);

/* The journal of the calls behind a judge's file; NULL: none. */
const struct origin_journal *review_journal(const struct review *r, const struct review_judge *j);
/* How many of the '*answers' of its models a judge has not judged, all repeats together; of pairs nobody knows what was asked for: 0. */
long review_missing(const struct review *r, const struct review_judge *j, long *answers);
/* By question, turn, repeat: the order of a model's items. */
int review_compare_items(const struct score_item *x, const struct score_item *y);
/* Models in the order of their scores; the caller's. */
int *scores_order(const struct scores *s);

#endif
