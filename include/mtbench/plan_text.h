/* plan_text.h - a plan in words, a paragraph each (room: campaign). Local; nothing but text. */
#ifndef MTB_PLAN_TEXT_H
#define MTB_PLAN_TEXT_H

#include "mtbench/buf.h"
#include "mtbench/plan_answers.h"
#include "mtbench/plan_judge.h"

void plan_put_layout(struct buf *out, const struct job_info *i, const struct rig *r);
/* 'whose': "model", "judged by". */
void plan_put_memory(struct buf *out, const char *whose, const struct rig *r, const struct rig_memory *m);
/* 'context': of the model, in tokens. */
void plan_put_answers(struct buf *out, const struct answers_plan *p, int context);
/* 'to_come': how many of the answers are assumed; 'context': of the judge, where its tokenizer counted. */
void plan_put_judge(struct buf *out, const struct judge_plan *p, const struct judge_opts *o, long to_come, int context);

#endif
