/* summary.h - the table at the end of a campaign: a row for each task of its list (room: report). */
#ifndef MTB_SUMMARY_H
#define MTB_SUMMARY_H

#include "mtbench/sheet.h"

#include <stdbool.h>
#include <stdint.h>

struct summary_row {
    long number;                         /* of the line */
    const char *model, *bench, *data_dir;
    const char *judge;                   /* whose single judgments make the score; NULL: it was not judged */
    bool pairs;                          /* judged in pairs, which make no score */
    long seed, done, total, failed;      /* turns; total 0: not begun */
    uint64_t tokens;
    const char *state;
    int code;                            /* exit code */
};

/* Appends the table. Scores are read from the judgments of the row's bench and judge; where there are none the cell is empty. */
void summary_put(struct buf *out, const struct summary_row *row, int n, enum sheet_form form);

#endif
