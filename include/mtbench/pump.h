/* pump.h - calls from who asks to who answers, and back what came of them (room: campaign). Local.
 * One loop for graders, dialogs and canaries over servers, batch files and engines. It makes no progress by itself: tick it between other
 * work, or in a loop of its own. */
#ifndef MTB_PUMP_H
#define MTB_PUMP_H

#include "mtbench/transport.h"

struct asker {
    void *ctx;
    /* The next call, valid until the next call of this; NULL: there is none now. */
    const struct call *(*next)(void *ctx);
    /* What came of one. -1: err. */
    int (*take)(void *ctx, const struct call_record *r, struct err *err);
    /* All that was taken since is to be safe on disk. -1: err. NULL: take() has seen to that. */
    int (*flush)(void *ctx, struct err *err);
};

struct pump {
    struct asker asker;
    struct transport *transport;         /* NULL: nobody answers, and nothing is asked */
    int in_flight;                       /* calls that were submitted and have not come back */
};

/* Submit what may be submitted, work for at most 'wait' seconds if anything is under way, hand over what came. Returns the calls in flight.
 * -1: err, of the transport or of the asker; what had come by then was handed over all the same. */
int pump_tick(struct pump *p, double wait, struct err *err);
/* Submit nothing more, and wait for what is under way at most 'seconds': it is paid for. -1: err (of the asker). */
int pump_drain(struct pump *p, double seconds, struct err *err);

#endif
