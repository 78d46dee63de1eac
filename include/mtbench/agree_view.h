/* agree_view.h - whose agreement somebody wants to see, and the text of it (room: report). */
#ifndef MTB_AGREE_VIEW_H
#define MTB_AGREE_VIEW_H

#include "mtbench/buf.h"
#include "mtbench/opts.h"
#include "mtbench/sheet.h"

/* The forms of a sheet, and FastChat's behind them. */
enum agree_format {
    AGREE_TABLE = SHEET_AS_TEXT, AGREE_CSV = SHEET_AS_CSV, AGREE_JSON = SHEET_AS_JSON, AGREE_MARKDOWN = SHEET_AS_MARKDOWN,
    AGREE_LATEX = SHEET_AS_LATEX, AGREE_FASTCHAT = SHEET_FORM_COUNT
};

enum { AGREE_JUDGES = 64 };              /* most of them that are compared */

struct agree_view {
    struct opt_list judges;              /* names or sets of names (agreement.h), at most AGREE_JUDGES; none: all pairs of those in votes */
    struct opt_list votefiles;           /* vote.h */
    enum agree_format format;            /* AGREE_FASTCHAT: of two judges, the four lines of compute_agreement */
};

/* The sheet of it, into a zeroed one; sheet_free() either way. Not in FastChat's layout. */
int agree_view_sheet(struct sheet *out, const struct agree_view *o, struct err *err);
/* Appends the text; nothing where it fails. -1: err (usage, io, format). */
int agree_view_put(struct buf *out, const struct agree_view *o, struct err *err);

#endif
