/* candidate.h - the whole of answering, from the question file to the answer file, for verbs that answer (room: campaign). */
#ifndef MTB_CANDIDATE_H
#define MTB_CANDIDATE_H

#include "mtbench/answering.h"

/* Questions and model, read and found to fit each other; the weights are still in their files. *ro is what rig_start() and rig_plan()
 * want. Collective. -1 everywhere: err (device: a GPU was demanded that this build cannot use); close and free either way. */
int answer_open(struct job *job, const struct answer_opts *o, struct questions *qs, struct rig *rig, struct rig_opts *ro, struct err *err);

/* What such answers are made of, for their journal: all but the hash of the weights, which nobody has read yet. */
void answer_describe(struct manifest *m, const struct answer_opts *o, const struct questions *qs, const struct rig *r);

/* ---- one by one, for who answers more than once with a model ---- */

/* Rank 0 reads the question file, all ranks parse the same bytes. Collective. -1 everywhere: err (io, format, usage). */
int answer_questions(struct job *job, const struct answer_opts *o, struct questions *qs, struct err *err);
/* What the rig is to be, with memory for as many and as long conversations as these questions can need. */
struct rig_opts answer_rig_opts(const struct answer_opts *o, const struct questions *qs);
/* A template that refuses the first question would refuse them all: one line before the work is better than one per question. Local; the
 * same on all ranks. -1: err (format). */
int answer_try_template(const struct question *q, const struct rig *r, struct err *err);
/* Answer with a rig that is open, and perhaps started; it stays so. Collective. Returns an exit code, as answer_all(). */
int answer_with(struct job *job, const struct answer_opts *o, const struct questions *qs, struct rig *rig, const struct rig_opts *ro,
                const struct answer_watch *watch, struct answer_result *res, struct err *err);

/* All of it. Collective. Returns an exit code; with EXIT_INPUT and EXIT_PREFLIGHT err says why. */
int answer_all(struct job *job, const struct answer_opts *o, const struct answer_watch *watch, struct err *err);

#endif
