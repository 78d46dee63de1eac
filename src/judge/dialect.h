/* dialect.h - what a server turned out not to take, learnt from its refusals. Pure. */
#ifndef MTB_DIALECT_H
#define MTB_DIALECT_H

#include "api_error.h"

#include "mtbench/provider.h"

/* Does the error refuse something of the request that can be said otherwise? Then that is learnt. 'may': what of it this API has. */
bool dialect_learn(struct dialect *learnt, const struct asked *a, const struct dialect *may, const struct api_error *e, long code);
/* The messages as this dialect takes them: without a system role its text goes in front of the user's. Put into 'out' (room for n), texts
 * that had to be made into 'made', which outlives them. Returns how many. */
int dialect_messages(const struct dialect *d, const struct call_message *m, int n, struct call_message *out, struct buf *made);

#endif
