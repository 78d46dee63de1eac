/* clocks.h - do the clocks of the nodes agree (room: job). */
#ifndef MTB_CLOCKS_H
#define MTB_CLOCKS_H

#include "mtbench/job.h"

/* Collective. Seconds that this node's clock is ahead of rank 0's, known to some milliseconds. MTBENCH_TEST_CLOCK_AHEAD=SECONDS pretends.
 * */
double clocks_ahead(struct job *job);

#endif
