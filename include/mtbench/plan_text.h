/* plan_text.h - a plan in words, a paragraph each (room: campaign). Local; nothing but text. */
#ifndef MTB_PLAN_TEXT_H
#define MTB_PLAN_TEXT_H

#include "mtbench/buf.h"
#include "mtbench/plan_answers.h"
#include "mtbench/plan_judge.h"
#include "mtbench/plan_time.h"

void plan_put_layout(struct buf *out, const struct job_info *i, const struct rig *r);
/* 'whose': "model", "judged by". */
void plan_put_memory(struct buf *out, const char *whose, const struct rig *r, const struct rig_memory *m);
/* 'context': of the model, in tokens. */
void plan_put_answers(struct buf *out, const struct answers_plan *p, const struct plan_time *t, int context);
void plan_put_simulation(struct buf *out, const struct plan_simulation *s, bool seconds);
/* Flags for sbatch: of so many nodes with this one's ranks, threads and memory. */
void plan_put_submit(struct buf *out, const struct job_info *i, const struct rig *r, const struct rig_memory *m, const struct plan_time *t);
/* 'to_come': how many of the answers are assumed; 'context': of the judge, where its tokenizer counted. */
void plan_put_judge(struct buf *out, const struct judge_plan *p, const struct judge_opts *o, long to_come, int context);

#endif
