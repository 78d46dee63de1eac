/* reply_body.h - from the bytes of a reply to its JSON, for what servers really send. Pure. */
#ifndef MTB_REPLY_BODY_H
#define MTB_REPLY_BODY_H

#include "mtbench/json.h"

/* As json_parse(), but bytes that are no UTF-8 and half surrogate pairs become U+FFFD, NaN and Infinity null; a mark at
 * the beginning and "data: [DONE]" at the end are passed over. */
cJSON *reply_parse(const char *text, size_t n, struct err *err);

/* How an API's stream adds up: put one event's data into the whole, which then is what the reply would be in one piece. */
typedef void reply_join_f(cJSON *whole, const cJSON *event);

/* The reply in one piece, a stream joined. NULL: it is no JSON, or an event of the stream is none. '*streamed': it came as a stream. */
cJSON *reply_body(const char *text, size_t n, reply_join_f *join, bool *streamed);

/* For reply_join_f: put a copy of the member over the whole's, where the event has one that is not null. */
void reply_copy(cJSON *whole, const cJSON *event, const char *name);

#endif
