/* reporting_priv.h - what the files that write a report share (room: report, theirs alone): reporting.c its sections,
 * reporting_notes.c what stands first, reporting_plots.c the pictures. */
#ifndef MTB_REPORTING_PRIV_H
#define MTB_REPORTING_PRIV_H

#include "paper.h"
#include "review.h"

#include "mtbench/reporting.h"
#include "mtbench/showing.h"

struct report {
    const struct reporting *o;
    struct review v;
    struct paper *p;
};

/* What `show` would be asked for this judge's table. */
struct showing report_showing(const struct report *r, const struct review_judge *j);
/* What a reader must know before he looks at a score. */
void report_notes(struct report *r);
/* -1: err. */
int report_plots(struct report *r, struct err *err);

#endif
