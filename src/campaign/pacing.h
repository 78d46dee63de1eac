/* pacing.h - how fast this rank's engine is, for the dealer (private to campaign). */
#ifndef MTB_PACING_H
#define MTB_PACING_H

#include "mtbench/deal.h"
#include "mtbench/rig.h"

/* Is there anybody to compare with? Alike on all ranks: for deal_opts.paced. */
bool pace_matters(const struct rig *rig);
/* On a rank with an engine, behind deal_create() and before anything is given to it: measured and told. -1: err (device), and the rank is
 * to leave. */
int pace_tell(const struct rig *rig, struct deal *d, struct err *err);

#endif
