/* phases.h - what a run leaves of its time and energy: beside the answers or judgments a file of JSON lines, one for each phase of each
 * start (room: bench). */
#ifndef MTB_PHASES_H
#define MTB_PHASES_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdint.h>

struct phase {
    const char *name;                    /* "load", "answers", "judging" */
    double started, seconds;             /* Unix time; how long */
    uint64_t tokens;                     /* made in it */
    int nodes;
    double joules;                       /* NAN: not measured */
    const char *source, *reason;         /* of the joules, or why there are none */
};

/* {"phase": ..., "started": ..., "seconds": ..., "tokens": ..., "nodes": ..., "energy_j": ..., "energy_source": ...}, without a newline; of
 * what was not measured "energy_reason" instead of the last two. */
void phase_put(struct buf *b, const struct phase *p);
/* Append a line to the file. -1: err (io). */
int phase_append(const char *path, const struct phase *p, struct err *err);

#endif
