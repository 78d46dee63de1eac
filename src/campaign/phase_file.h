/* phase_file.h - what phases took, into a file beside the results, and said (private to campaign). Rank 0. */
#ifndef MTB_PHASE_FILE_H
#define MTB_PHASE_FILE_H

#include "mtbench/energy.h"

/* Append a line to RESULTS.phases, beside RESULTS.jsonl. A phase that did not come to its end leaves none; a file that cannot be written is
 * told, and loses no result. */
void phase_file_add(const char *results, const char *name, const struct energy_phase *p, uint64_t tokens);
/* "energy    812.0 J answers   40.1 J load   0.213 J/token   (RAPL)", or "energy    not measured (REASON)". Without tokens no ratio. */
void phase_say(const struct energy_phase *p, const char *name, const struct energy_phase *load, uint64_t tokens);

#endif
