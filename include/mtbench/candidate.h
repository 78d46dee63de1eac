/* candidate.h - the whole of answering, from the question file to the answer file, for verbs that answer (room: campaign). */
#ifndef MTB_CANDIDATE_H
#define MTB_CANDIDATE_H

#include "mtbench/answering.h"

/* Questions and model, read and found to fit each other; the weights are still in their files. *ro is what rig_start() and rig_plan()
 * want. Collective. -1 everywhere: err (device: a GPU was demanded that this build cannot use); close and free either way. */
int answer_open(struct job *job, const struct answer_opts *o, struct questions *qs, struct rig *rig, struct rig_opts *ro, struct err *err);

/* What such answers are made of, for their journal: all but the hash of the weights, which nobody has read yet. */
void answer_describe(struct manifest *m, const struct answer_opts *o, const struct questions *qs, const struct rig *r);

/* Collective. Returns an exit code; with EXIT_INPUT and EXIT_PREFLIGHT err says why. */
int answer_all(struct job *job, const struct answer_opts *o, const struct answer_watch *watch, struct err *err);

#endif
