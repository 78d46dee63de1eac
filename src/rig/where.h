/* where.h - do all ranks compute alike (room: rig). */
#ifndef MTB_WHERE_H
#define MTB_WHERE_H

#include "mtbench/rig.h"

enum { NUMERICS = 96, HOST = 64 };

struct where_path { char host[HOST], numerics[NUMERICS]; };

/* Collective, of an open model: r->numerics; -1 everywhere unless it is the same on all ranks: err (device). 'job' may be NULL. */
int where_check_numerics(struct rig *r, struct job *job, struct err *err);
/* The pure core. */
int where_compare(const struct where_path *path, int n_ranks, struct err *err);

#endif
