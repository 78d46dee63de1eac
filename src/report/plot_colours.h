/* plot_colours.h - the colours of the plots, on white and on dark (room: report, its own).
 * Six series are told apart by those who see no red, no green or no blue, and by their lightness alone; beyond six, shape and colour
 * together tell 36. Shares have one scale from light to dark. tests/unit/plot_colours.c has the measures. */
#ifndef MTB_PLOT_COLOURS_H
#define MTB_PLOT_COLOURS_H

#include "svg.h"

#include <stdbool.h>

enum { PLOT_SERIES = 6, PLOT_SHARES = 11 };

extern const char *const plot_light[PLOT_SERIES], *const plot_dark[PLOT_SERIES];
#define PLOT_PAPER_LIGHT "#ffffff"
#define PLOT_PAPER_DARK "#16181d"
#define PLOT_INK_LIGHT "#1b1b1b"
#define PLOT_INK_DARK "#e8e8e8"

/* A group in the colour of a series, "<g class=... color=..." without its ">"; 'also' is further classes, "mark ". */
void series_open(struct svg *s, int series, const char *also);
/* What else tells a series: its shape, its dashes ("": none). */
enum svg_shape series_shape(int series);
const char *series_dashes(int series);
/* The fill of a share from 0 to 1, and whether words on it are light. */
const char *share_fill(double share);
bool share_is_dark(double share);
/* Rules for the dark; 'alone': in a file of its own, which has its own ink and paper. */
void plot_dark_put(struct buf *css, bool alone);

#endif
