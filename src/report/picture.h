/* picture.h - what all plots have in common: a sheet that is read, a head, marks, an axis, notes (room: report, its own). */
#ifndef MTB_PICTURE_H
#define MTB_PICTURE_H

#include "plot_colours.h"
#include "svg.h"

#include "mtbench/plot.h"

/* A figure that a mark's title says: "win rate 53.1 %". */
struct picture_figure {
    const char *column, *words;
    int decimals;
    bool share;                          /* in the sheet from 0 to 1, said in % */
};

struct picture {
    struct svg svg;
    const struct sheet *sheet;
    const struct plot_look *look;
    struct buf title, about;             /* of the whole; what is below the title */
    struct buf said;                     /* what the marks say, a line each: the picture for those who do not see it */
    struct buf absent;                   /* marks that have no place in the picture, "a, b" */
    long n_absent, n_said;               /* marks without a place; all marks */
    const char *key[2];                  /* columns that name a mark; key[1] NULL: there is one mark a model */
    const struct picture_figure *figure; /* up to one without a column */
    double y;                            /* the upper edge of what is still free */
};

enum { PICTURE_WIDTH = 760, PICTURE_EDGE = 16 };
/* More marks than these are not read out one by one: nobody would listen to the end. */
enum { MOST_SAID = 320 };
/* Sizes of letters. */
enum { SIZE_TITLE = 16, SIZE_ABOUT = 12, SIZE_LABEL = 11, LINE = 14 };

/* Looks of words and lines that are no marks. The ink is the page's. */
#define LOOK_SOFT "fill-opacity=\"0.75\""
#define LOOK_GRID "stroke=\"currentColor\" stroke-opacity=\"0.16\""
#define LOOK_FRAME "stroke=\"currentColor\" stroke-opacity=\"0.55\""

/* ---- the sheet ---- */

/* The number of a column, -1. */
int picture_column(const struct sheet *s, const char *name);
int picture_rows(const struct sheet *s);
/* A figure of a row; NAN: the column or the figure is not there. */
double picture_value(const struct sheet *s, int row, const char *column);
/* Its words, a number as "COLUMN 2"; "" for none. Caller frees. */
char *picture_word(const struct sheet *s, int row, const char *column);
/* The number of a fact; NAN: none. */
double picture_fact(const struct sheet *s, const char *name);

/* Two key columns as a table: which row of the sheet is of the model i and the part j. */
struct cross {
    char **row, **part;                  /* (n_rows), (n_parts) owned; in the order of the sheet, rows perhaps by name */
    int n_rows, n_parts;
    int *at;                             /* (n_rows * n_parts) row of the sheet; -1: none */
};
/* 'part' NULL: one part, without a name. */
void cross_make(struct cross *c, const struct picture *p, const char *row, const char *part);
int cross_at(const struct cross *c, int row, int part);
void cross_free(struct cross *c);

/* ---- pieces ---- */

/* The title and the line below it. */
void picture_head(struct picture *p);
/* A line of a key: the series' shape or line, and its name; as many lines as they need. */
void picture_legend(struct picture *p, char *const *name, int n, bool dashes);
/* Around what a row of the sheet looks like: its figures as attributes, its title, the series' colour. 'series' -1: none. */
void picture_mark(struct picture *p, int row, int series);
void picture_mark_end(struct picture *p);
/* A mark for a row that has no place, and its name for the notes. */
void picture_mark_absent(struct picture *p, int row);
/* Wrapped lines at y, which moves behind them; after 'most' lines they break off with dots. */
void picture_note(struct picture *p, int most, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What the sheet says about the whole, and what was not drawn. */
void picture_notes(struct picture *p);
/* Fitted labels, no two of them equal. Each and the list are the caller's; '*width' is that of the widest. */
char **picture_labels(char *const *name, int n, double most, double *width);
/* Move positions (rising) apart until neighbours are 'gap' apart, within low..high where there is room for that. */
void picture_spread(double *at, int n, double gap, double low, double high);

struct axis {
    double low, high;                    /* values at the ends */
    double from, to;                     /* pixels */
};
double axis_at(const struct axis *a, double value);
/* Whole scores that hold low..high, at least two apart, within 1..10. */
void axis_zoom(struct axis *a, double low, double high);
/* Vertical lines and numbers below them, at every 'step' from low on; the words are the axis's name. 'above': numbers on top as well. */
void picture_axis_x(struct picture *p, const struct axis *x, double step, double top, double bottom, bool above, const char *words);
void picture_axis_y(struct picture *p, const struct axis *y, double step, double left, double right, const char *words);

/* ---- kinds ---- */

struct rows_of { /* a row per model */
    const char *value, *words;           /* the column drawn, and the axis's name */
    double low, high, step;              /* of the axis, in its unit */
    bool share, joined;                  /* the column has shares, the axis %; parts of a model are joined by a line */
    double even;                         /* a value on the axis that stands out; NAN */
};
void draw_rows(struct picture *p, const struct rows_of *o);
void draw_radar(struct picture *p);
void draw_matrix(struct picture *p);
void draw_length(struct picture *p);
void draw_history(struct picture *p);

#endif
