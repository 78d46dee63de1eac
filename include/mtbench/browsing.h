/* browsing.h - what somebody wants to see of a bench in a browser (room: report). */
#ifndef MTB_BROWSING_H
#define MTB_BROWSING_H

#include "mtbench/buf.h"
#include "mtbench/question.h"

struct browsing {
    const char *data_dir, *bench_name;
    struct opt_list model_list, judges;  /* none: all there are. ORG/NAME becomes ORG_NAME in place where the files know no ORG/NAME */
    struct slicing slicing;
    bool sliced;                         /* slicing leaves something out */
    const char *output;                  /* the page; NULL: BENCH.html */
    const char *split;                   /* a folder of pages instead; NULL */
};

/* Writes the page, or the pages, and appends a line that says what is where. -1: err (usage, io, format); what was there stays. */
int browsing_put(struct buf *out, const struct browsing *o, struct err *err);

#endif
