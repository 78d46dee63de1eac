/* wrappers.h - executors around executors, by which a number or a time is followed up (room: backend).
 * Each is a row as any other, so a model runs on it unchanged; one of a kind at a time in a process. */
#ifndef MTB_WRAPPERS_H
#define MTB_WRAPPERS_H

#include "mtbench/buf.h"
#include "mtbench/executor.h"

/* 'inner' with each op counted: calls, bytes that it must move, floating-point operations, seconds until it returned. Where the executor
 * has marks of time (executor.h), those of a step's ops are the device's own, from one op's end to the next one's; what of the step's
 * seconds is none of theirs stands under "drawn", as does the waiting of one that has no marks. */
const struct executor *executor_traced(const struct executor *inner);
/* Between steps: forget what was counted; count from here on, or nothing. It begins with counting. */
void trace_count(bool on);

struct trace_row {
    const char *op;
    long calls;
    double seconds, bytes, flops;
};
enum { TRACE_ROWS = 16 };
/* What was counted: the ops that happened, in the order of MTB_EACH_OP, and "drawn". Returns how many. */
int trace_rows(struct trace_row found[TRACE_ROWS]);
/* The same as a table, and its sum. */
void trace_put(struct buf *out);

/* Every op on both, side by side, from the same numbers: what 'first' has computed in plain fp32 rows goes on in both. Operands and pages
 * of the KV cache stay each one's own, as only it can read them; what is wrong in a page shows in the next attend, and a sum in the
 * add_rmsnorm that adds it: there it may be the product before. A row differs by the largest difference of an element over its own size or
 * the row's root mean square, whichever is more; a drawn token by nothing or by all. 'bound' is what may be. */
const struct executor *executor_compared(const struct executor *first, const struct executor *second, double bound);
/* The largest difference of each op and where it was, and the first beyond the bound: op, step, layer, row and its position, column, both
 * numbers. */
void compare_put(struct buf *out);
/* Was there one? */
bool compare_failed(void);

#endif
