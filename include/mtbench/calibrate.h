/* calibrate.h - how fast a model is in this layout, where no run has shown it yet (room: campaign). */
#ifndef MTB_CALIBRATE_H
#define MTB_CALIBRATE_H

#include "mtbench/answering.h"
#include "mtbench/speed.h"

/* Collective: read the weights, answer the beginnings of some questions on all ranks for about so many seconds, more and more side by side,
 * and forget them: nothing is written. *out on rank 0: as a run of some length would have left it (speed.h). -1 everywhere: err, also
 * (cancelled) when a signal came. */
int calibrate(struct job *job, const struct answer_opts *o, double seconds, struct speed *out, struct err *err);

#endif
