/* shared.h - memory that the ranks of a node share: one copy of the packed weights (room: job). */
#ifndef MTB_SHARED_H
#define MTB_SHARED_H

#include "mtbench/job.h"

struct shared;

/* Collective over all ranks. Zeroed, 64-byte aligned, to be filled by the leader (local_rank 0); after job_agree() or job_barrier() the
 * others may read. A rank alone on its node gets plain memory. NULL everywhere if one node cannot have it (err: memory, with sizes). */
struct shared *shared_create(struct job *job, size_t bytes, struct err *err);
void *shared_base(const struct shared *s);
/* Collective. NULL is fine (on all ranks alike). */
void shared_destroy(struct shared *s);

#endif
