/* exporting.h - a campaign's tables as text for other programs (room: report). */
#ifndef MTB_EXPORTING_H
#define MTB_EXPORTING_H

#include "mtbench/err.h"

#include <stdio.h>

/* EXPORT_PARQUET: a CSV whose types need no guessing: all texts in quotes, no number in quotes, empty is null. */
enum export_format { EXPORT_NOT, EXPORT_CSV, EXPORT_JSON, EXPORT_JSONL, EXPORT_PARQUET };

struct exporting {
    const char *path, *table;            /* the campaign; "judgments", "runs", ... */
    enum export_format format;
    FILE *out;
};

/* A row per row of the table, of all runs, behind the run's key, bench, model and seed. -1: err (usage, io, format). */
int campaign_export(const struct exporting *o, struct err *err);

#endif
