/* fallback.h - another judge for what the filter of the first holds back (room: judge). A transport over two. */
#ifndef MTB_FALLBACK_H
#define MTB_FALLBACK_H

#include "mtbench/transport.h"

struct fallback_opts {
    struct transport *first, *second;    /* taken over: destroyed with the fallback */
    const char *name;                    /* of the second, for its records; outlives the transport */
};

/* Calls go to the first. One that comes back filtered goes to the second, and what that one says is its record, with 'judge' set and
 * tokens, cost and tries of both; where the second fails the first's record stands, with what both took. When nothing more can come of the
 * second the first goes on alone. Never NULL. */
struct transport *fallback_create(const struct fallback_opts *o);

#endif
