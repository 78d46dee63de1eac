/* plot_colours.c - colours that everybody can tell apart. */
#include "plot_colours.h"

#include <math.h>

/* In even steps of lightness, so that no two look alike in grey, and far apart in hue, also for those who see fewer of them: found by
 * search, within what stands out from the paper. */
const char *const plot_light[PLOT_SERIES] = { "#003d7d", "#d92a61", "#7a05db", "#130022", "#d65fe5", "#520500" };
const char *const plot_dark[PLOT_SERIES] = { "#8ba997", "#e9a8f9", "#9921f8", "#ffffff", "#52ff0c", "#b57806" };

void series_open(struct svg *s, int series, const char *also)
{
    const int i = series % PLOT_SERIES;
    buf_printf(&s->body, "<g class=\"%smp-%d\" color=\"%s\"", also, i, plot_light[i]);
}

enum svg_shape series_shape(int series)
{
    return (enum svg_shape)((series + series / PLOT_SERIES) % SVG_SHAPES);
}

const char *series_dashes(int series)
{
    static const char *const dashes[PLOT_SERIES] = { "", "7 3", "2 3", "10 3 2 3", "4 2", "1 4" };
    return dashes[(series + series / PLOT_SERIES) % PLOT_SERIES];
}

/* The lightest is darker than white paper: a share of 0 is not nothing. */
static const char *const shares[PLOT_SHARES] = { "#e2edf8", "#d2e2f2", "#bfd8ec", "#a5cbe3", "#87bddc", "#68acd5",
                                                 "#4a98c9", "#2e7ebc", "#1764ab", "#0a4a90", "#08306b" };

static int step_of(double share)
{
    const int step = (int)lround(share * (PLOT_SHARES - 1));
    return step < 0 ? 0 : step >= PLOT_SHARES ? PLOT_SHARES - 1 : step;
}

const char *share_fill(double share)
{
    return shares[step_of(share)];
}

bool share_is_dark(double share)
{
    return step_of(share) >= 8;
}

void plot_dark_put(struct buf *css, bool alone)
{
    buf_str(css, "@media (prefers-color-scheme:dark){");
    if (alone)
        buf_str(css, ".mtb-plot{color:" PLOT_INK_DARK "}.mp-paper{color:" PLOT_PAPER_DARK "}");
    for (int i = 0; i < PLOT_SERIES; i++)
        buf_printf(css, ".mp-%d{color:%s}", i, plot_dark[i]);
    buf_str(css, "}\n");
}
