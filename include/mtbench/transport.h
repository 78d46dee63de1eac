/* transport.h - whoever answers calls: hosted servers over HTTP, the engine of this job, batch files (room: judge).
 * One table of functions, pulled by one thread: submit while there is room, step, collect. */
#ifndef MTB_TRANSPORT_H
#define MTB_TRANSPORT_H

#include "mtbench/call.h"

struct transport {
    void *ctx;
    /* How many more calls it would take now. */
    int (*room)(void *ctx);
    /* Take a call (copied). */
    void (*submit)(void *ctx, const struct call *c);
    /* Work for at most 'wait' seconds (0: only what needs no waiting). -1 (err): nothing more can come of it - a wrong key, no quota, the
     * budget is spent (kind ERR_CANCELLED: start again later to go on; ERR_DEVICE: it cannot be reached or refuses this client). Only
     * after all that was under way has ended and was collected. */
    int (*step)(void *ctx, double wait, struct err *err);
    /* The next finished call, valid until the next collect; NULL: none. */
    const struct call_record *(*collect)(void *ctx);
    /* Start nothing more; calls that are under way still end and can be collected, then step returns -1 (cancelled). Calls that never
     * started are forgotten. NULL: nothing is under way between steps that would be worth waiting for. */
    void (*drain)(void *ctx);
    void (*destroy)(void *ctx);
};

#endif
