/* wrappers.h - executors around executors, by which a number or a time is followed up (room: backend).
 * Each is a row as any other, so a model runs on it unchanged; one of a kind at a time in a process. */
#ifndef MTB_WRAPPERS_H
#define MTB_WRAPPERS_H

#include "mtbench/buf.h"
#include "mtbench/executor.h"

/* 'inner' with each op counted: calls, bytes that it must move, floating-point operations, seconds until it returned. Of an executor that
 * is not synchronous those are seconds of putting it on its way; the waiting stands under "drawn". */
const struct executor *executor_traced(const struct executor *inner);
/* A table, a line an op, of all that was done since executor_traced(). */
void trace_put(struct buf *out);

/* Every op on both, side by side, from the same numbers: what 'first' has computed in plain fp32 rows goes on in both. A row differs by the
 * largest difference of an element over the root mean square of the row; 'bound' is what may be. Their kv_page_bytes() must be equal
 * (asserted). */
const struct executor *executor_compared(const struct executor *first, const struct executor *second, double bound);
/* The largest difference of each op and where it was, and the first beyond the bound: op, layer, row, column, both numbers. */
void compare_put(struct buf *out);
/* Was there one? */
bool compare_failed(void);

#endif
