/* device_opts.h - the flags that say what to compute on, alike for every verb that computes (room: cmd). */
#ifndef MTB_DEVICE_OPTS_H
#define MTB_DEVICE_OPTS_H

#include "mtbench/opts.h"
#include "mtbench/rig.h"

/* Puts the rows into table (room for DEVICE_OPTS_MAX) and returns how many. */
enum { DEVICE_OPTS_MAX = 5 };
int device_opts_rows(struct rig_devices *d, struct opt *table);
/* What the flags say by themselves; whether there are such devices is asked when a model is opened. -1: err (usage). */
int device_opts_check(const struct rig_devices *d, struct err *err);

#endif
