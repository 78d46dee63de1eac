/* reporting.h - what a reviewer needs of a bench's answers and judgments, on one page (room: report). */
#ifndef MTB_REPORTING_H
#define MTB_REPORTING_H

#include "mtbench/err.h"
#include "mtbench/opts.h"
#include "mtbench/question.h"

enum report_format { REPORT_HTML, REPORT_MARKDOWN };
#define REPORT_FORMATS "html|markdown"

/* A row of the table of versions: "MPI", "Open MPI v4.1.4". */
struct report_version { const char *what, *version; };

struct reporting {
    const char *data_dir, *bench_name;
    struct opt_list judges, models;      /* none: all there are */
    struct slicing slicing;
    bool sliced;                         /* slicing leaves something out */
    const char *output;                  /* the file, which is replaced when the page is whole */
    enum report_format format;
    const struct report_version *version;        /* (n_versions) of the program that writes; the first is the program itself */
    int n_versions;
};

/* Writes the page; its bytes depend on the files, the wishes and the versions alone. '*bytes' gets its size. -1: err (usage, io, format);
 * what was at 'output' is untouched. */
int reporting_write(const struct reporting *o, long *bytes, struct err *err);

#endif
