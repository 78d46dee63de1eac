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
    /* Work for at most 'wait' seconds (0: only what needs no waiting). -1 (err): nothing more can come of it - a wrong key, no quota, the budget
     * is spent (kind ERR_CANCELLED: start again later to go on; ERR_DEVICE: it cannot be reached or refuses this client). */
    int (*step)(void *ctx, double wait, struct err *err);
    /* The next finished call, valid until the next collect; NULL: none. */
    const struct call_record *(*collect)(void *ctx);
    void (*destroy)(void *ctx);
};

#endif
