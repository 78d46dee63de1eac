/* showing.h - what somebody wants to see of the judgments of a bench, and the text of it (room: report). */
#ifndef MTB_SHOWING_H
#define MTB_SHOWING_H

#include "mtbench/buf.h"
#include "mtbench/exporting.h"
#include "mtbench/opts.h"
#include "mtbench/plot.h"
#include "mtbench/question.h"
#include "mtbench/sheet.h"

enum show_mode { SHOW_SINGLE, SHOW_BASELINE, SHOW_ALL };
/* The forms of a sheet, and FastChat's behind them. */
enum show_format {
    SHOW_TABLE = SHEET_AS_TEXT, SHOW_CSV = SHEET_AS_CSV, SHOW_JSON = SHEET_AS_JSON, SHOW_MARKDOWN = SHEET_AS_MARKDOWN,
    SHOW_LATEX = SHEET_AS_LATEX, SHOW_FASTCHAT = SHEET_FORM_COUNT
};
enum show_by { BY_NOTHING, BY_TURN, BY_CATEGORY, BY_PAIR };

/* At most one view besides the usual table: compare, by, length_slope, transcript, plot. */
struct showing {
    const char *bench_name, *data_dir;
    bool bench_given;
    const char *campaign;                /* a campaign file instead of the folder; NULL */
    const char *input_file;              /* one file of judgments; NULL: those of the judges below */
    const char *baseline_model;          /* of SHOW_BASELINE */
    struct opt_list judges;              /* none: gpt-4, or the only one there is; "all": everybody, side by side */
    struct opt_list model_list;          /* none: all. ORG/NAME becomes ORG_NAME in place where the files know no ORG/NAME */
    struct opt_list compare;             /* two models, or none; as model_list */
    struct opt_list transcript;          /* questions whose texts are shown */
    struct slicing slicing;
    bool sliced;                         /* slicing leaves something out */
    bool length_slope;
    long repeat;                         /* files of so many judgments of the same answers: FILE, FILE.repeat2 ... */
    enum show_mode mode;
    enum show_format format;
    enum show_by by;
    enum plot_kind plot;                 /* the sheet is the one of this picture, and the text is the picture; 'mode' fits it */
    bool by_name;                        /* of a picture: models in the order of their names */
    const char *output;                  /* a file for the text; NULL or "-": none */
    /* Of a campaign only: */
    const char *group_by;                /* "model,seed,category"; NULL */
    unsigned group;                      /* the same as bits; showing_group() */
    bool history, noise;
    enum export_format export;           /* rows and no view: exporting.h */
    const char *table;                   /* of these; NULL: judgments */
};

/* What --by says: 'by' where it is "turn", "category" or "pair" alone, else 'group'. -1: err (usage). */
int showing_group(struct showing *o, struct err *err);

/* Are categories or some questions asked for? Only then a bench's questions must be there. */
bool showing_needs_questions(const struct showing *o);
/* Several judges side by side? */
bool showing_panel(const struct showing *o);
/* The sheet of it, into a zeroed one; in forms that people read (sheet.h) categories and judges are columns, else rows. Not of
 * transcripts, nor in FastChat's layout. Notes and errors as below; sheet_free() either way. */
int showing_sheet(struct sheet *out, const struct showing *o, struct err *err);
/* Appends the text. Notes what a reader must know and the text has no place for. -1: err (usage, io, format). */
int showing_put(struct buf *out, const struct showing *o, struct err *err);

#endif
