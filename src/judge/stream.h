/* stream.h - replies as event streams (text/event-stream), which some servers send unasked. Pure. */
#ifndef MTB_STREAM_H
#define MTB_STREAM_H

#include "mtbench/buf.h"

#include <stdbool.h>

struct stream { const char *at, *end; };

/* Are these bytes an event stream? By their look: proxies get the Content-Type wrong, and JSON never begins so. */
bool stream_looks_so(const char *text, size_t n);
struct stream stream_open(const char *text, size_t n);
/* The next event that has data: its data lines joined by newlines, in 'data' (cleared first). false: there is none. An event that the end
 * of the bytes cuts off counts too: whoever reads its data sees whether it is whole. */
bool stream_next(struct stream *s, struct buf *data);
/* Where the JSON ends that has "data: [DONE]" behind it, as gateways leave it that unwrap a stream; n where there is no such tail. */
size_t stream_without_done(const char *text, size_t n);

#endif
