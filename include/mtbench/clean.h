/* clean.h - FastChat's clean_judgment: judgments once each, of the models that are wanted, in order (room: report). */
#ifndef MTB_CLEAN_H
#define MTB_CLEAN_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

/* Of the lines of a judgment file keep the first per (model or both models, question, judge and prompt), then those whose model (in pairs:
 * the first one) is among 'model' (n_models 0: all); sort them by model, question and turn, and write them into 'out' as json.loads and
 * json.dumps would. 'said' gets the three lines that the script prints. -1: err (format, with the line). */
int clean_judgments(const char *name, const char *data, size_t n, const char *const *model, int n_models, struct buf *out, struct buf *said,
                    struct err *err);

#endif
