/* pandas.h - text of a data frame as pandas 1.5 prints it (room: report). */
#ifndef MTB_PANDAS_H
#define MTB_PANDAS_H

#include "mtbench/buf.h"

struct pandas_column {
    const char *name;
    const long *whole;                   /* (n) or NULL */
    const double *number;                /* (n) or NULL */
};

struct pandas_frame {
    const char *const *model;            /* (n) the index "model" */
    int turn;                            /* 0: none, else a second index level "turn" with this value */
    int n;
    const struct pandas_column *column;
    int n_columns;
};

void pandas_put(struct buf *b, const struct pandas_frame *f);

#endif
