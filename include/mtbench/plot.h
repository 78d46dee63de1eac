/* plot.h - pictures of results as SVG, drawn from the sheets that `mtbench show` prints (room: report).
 * Whoever has a sheet of a view (views.h) has its picture: a figure in the picture is one of the sheet, and every row of the sheet is one
 * mark, <g class="mark" data-COLUMN="figure">, of what is drawn or said of it, with all digits, and a <title> that says it. Nothing is
 * dropped: what cannot be drawn is said. Bytes depend on the sheet and the look alone. */
#ifndef MTB_PLOT_H
#define MTB_PLOT_H

#include "mtbench/err.h"
#include "mtbench/sheet.h"

enum plot_kind {
    PLOT_NONE,
    PLOT_RADAR,                          /* of view_categories(), not wide; categories round a circle, score outwards */
    PLOT_SCORES,                         /* of view_scores(), or of view_panel(), not wide: a row per model, with intervals */
    PLOT_TURNS,                          /* of view_turns(): a row per model, a mark per turn */
    PLOT_WINRATE,                        /* of view_pairs(): a row per model; of view_pair_matrix(): models against models */
    PLOT_LENGTH,                         /* of view_length(): score over length, each model's slope through its point */
    PLOT_HISTORY                         /* of view_history(): scores in the order of checkpoints */
};

struct plot_look {
    const char *bench;                   /* named below the title; NULL */
    const char *prefix;                  /* of ids, unique in a page: letters, digits, '-'; NULL: "plot" */
    bool inside;                         /* in a page: no style element and no paper; colours in the dark by plot_style_put() */
    bool by_name;                        /* models in the order of their names; else in that of the sheet. Checkpoints keep their own, and
                                            lengths go by score */
};

/* "radar", "scores" ... */
const char *plot_name(enum plot_kind kind);
/* Append the picture. -1: err (usage), for a sheet without rows. */
int plot_put(struct buf *svg, enum plot_kind kind, const struct sheet *sheet, const struct plot_look *look, struct err *err);
/* Append the rules of CSS that a page needs once for the pictures inside it: size, and colours in the dark. */
void plot_style_put(struct buf *css);

#endif
