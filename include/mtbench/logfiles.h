/* logfiles.h - the log files of a launch: one a rank, named after the batch job, the array's task and the rank (room: job).
 * DIR/mtbench.812_5.3.log is rank 3 of task 5 of array 812. Without a batch job HOST-PROCESS of rank 0 stands for it. No launch writes into
 * another's files: a name that is taken, by an earlier start of a requeued job or another step of it, is numbered (812_5-2). */
#ifndef MTB_LOGFILES_H
#define MTB_LOGFILES_H

#include "mtbench/job.h"
#include "mtbench/log.h"

/* Collective. How much is said on stderr; with 'dir' (which is made; NULL: none) everything goes into a file of this rank as well, which
 * begins with who it is. What in the environment cannot be is said once. -1 everywhere: err (io), with the rank and node that cannot
 * write. */
int logfiles_open(struct job *job, const char *dir, enum log_level level, struct err *err);

/* The parts, local. NAME as above, of rank 0. */
void logfiles_name(const struct job_info *in, char name[300]);
/* Makes the folder and, as nobody else's, rank 0's file; returns the number in its name, from 1 (which is not written). -1: err (io). */
int logfiles_claim(const char *dir, const char *name, struct err *err);
/* The caller frees. */
char *logfiles_path(const char *dir, const char *name, int number, int rank);

#endif
