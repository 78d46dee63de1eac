/* ahead.h - files read before anybody asks for them, into the system's page cache or copies in a scratch folder, by a thread beside the
 * work (room: job). Local. */
#ifndef MTB_AHEAD_H
#define MTB_AHEAD_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct ahead;

struct ahead_opts {
    const char *const *path;             /* (n) copied, as the sizes */
    const uint64_t *size;                /* (n) bytes */
    int n;
    const char *scratch;                 /* where whole copies are made that stage_to_scratch() will find; copied. NULL: the page cache */
    uint64_t most;                       /* bytes of the page cache; what would be more is left to whoever reads it */
    int node, n_nodes;                   /* of each n_nodes chunks (stage.h) this node's: those that it will read */
    const cpu_set_t *cpus;               /* where the thread may run; NULL: where the caller may */
};

/* Begins. NULL: no thread could be made; then nothing is read ahead, which costs time and no more. */
struct ahead *ahead_begin(const struct ahead_opts *o);
/* Ends, within a few megabytes, and tells how many bytes were read. A copy that is not whole is lost. NULL is fine. */
uint64_t ahead_end(struct ahead *a);
/* Is something left to read? */
bool ahead_busy(const struct ahead *a);

#endif
