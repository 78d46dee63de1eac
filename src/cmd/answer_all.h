/* answer_all.h - the whole of answering, from the question file to the answer file, for verbs that answer (room: cmd). */
#ifndef MTB_ANSWER_ALL_H
#define MTB_ANSWER_ALL_H

#include "answer_run.h"

/* Collective. Returns an exit code; with EXIT_INPUT and EXIT_PREFLIGHT err says why. */
int answer_all(struct job *job, const struct answer_opts *o, const struct answer_watch *watch, struct err *err);

#endif
