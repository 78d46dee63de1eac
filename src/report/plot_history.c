/* plot_history.c - the scores of checkpoints in their order. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 64, HEIGHT = 280, PITCH = 18, NAME_HEIGHT = 180 };

struct history {
    struct picture *p;
    int n;
    char **label;
    double label_width;
    struct axis y;
    double right;
};

static double value(const struct history *h, int row, const char *column)
{
    return picture_value(h->p->sheet, row, column);
}

static double place(const struct history *h, int i)
{
    return LEFT + (i + 0.5) * (h->right - LEFT) / h->n;
}

static void lay_out(struct history *h)
{
    struct picture *p = h->p;
    double low = NAN, high = NAN;
    char **name = xcalloc((size_t)h->n + 1, sizeof *name);
    for (int i = 0; i < h->n; i++) {
        const double v = value(h, i, "score");
        low = fmin(low, fmin(v, value(h, i, "low"))); /* fmin() and fmax() pass over NaN */
        high = fmax(high, fmax(v, value(h, i, "high")));
        name[i] = picture_word(p->sheet, i, "checkpoint");
    }
    h->label = picture_labels(name, h->n, NAME_HEIGHT, &h->label_width);
    p->svg.width = fmax(p->svg.width, LEFT + h->n * PITCH + PICTURE_EDGE);
    h->right = p->svg.width - PICTURE_EDGE;
    axis_zoom(&h->y, low, high);
    h->y.to = p->y + 10;
    h->y.from = h->y.to + HEIGHT;
    for (int i = 0; i < h->n; i++)
        free(name[i]);
    free(name);
}

/* Upright where the widest has room beside its neighbours, else turned. */
static void put_names(struct history *h)
{
    struct picture *p = h->p;
    const bool turned = h->label_width + 10 > (h->right - LEFT) / h->n;
    for (int i = 0; i < h->n; i++) {
        if (turned)
            svg_text_turned(&p->svg, place(h, i) + 4, h->y.from + 8, SVG_END, SIZE_LABEL, NULL, h->label[i]);
        else
            svg_text(&p->svg, place(h, i), h->y.from + LINE + 2, SVG_MIDDLE, SIZE_LABEL, NULL, h->label[i]);
        free(h->label[i]);
    }
    free(h->label);
    p->y = h->y.from + (turned ? h->label_width + 14 : LINE + 8);
    svg_text(&p->svg, (LEFT + h->right) / 2, p->y + LINE, SVG_MIDDLE, SIZE_LABEL, NULL, "checkpoints in the order of their names");
    p->y += LINE + 8;
}

/* From score to score; one that is missing leaves a gap. */
static void put_line(struct history *h)
{
    struct buf d = {0};
    bool pen = false;
    for (int i = 0; i < h->n; i++) {
        const double v = value(h, i, "score");
        if (!isnan(v))
            svg_path_to(&d, pen ? 'L' : 'M', place(h, i), axis_at(&h->y, v));
        pen = !isnan(v);
    }
    series_open(&h->p->svg, 0, "");
    buf_str(&h->p->svg.body, ">\n");
    if (d.len)
        svg_path(&h->p->svg, d.data, "fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.4\"");
    svg_close(&h->p->svg, "g");
    buf_free(&d);
}

/* A triangle where the interval of the change from the one before does not hold 0. */
static void put_mark(struct history *h, int i)
{
    static const char bar[] = "stroke=\"currentColor\" stroke-width=\"1.6\"";
    struct svg *s = &h->p->svg;
    const double v = value(h, i, "score"), low = value(h, i, "low"), high = value(h, i, "high"), x = place(h, i);
    if (isnan(v)) {
        picture_mark_absent(h->p, i);
        return;
    }
    picture_mark(h->p, i, 0);
    if (!isnan(low) && !isnan(high)) {
        svg_line(s, x, axis_at(&h->y, low), x, axis_at(&h->y, high), bar);
        svg_line(s, x - 3, axis_at(&h->y, low), x + 3, axis_at(&h->y, low), bar);
        svg_line(s, x - 3, axis_at(&h->y, high), x + 3, axis_at(&h->y, high), bar);
    }
    const double from = value(h, i, "change_low"), to = value(h, i, "change_high");
    svg_shape(s, from > 0 ? SVG_UP : to < 0 ? SVG_DOWN : SVG_CIRCLE, x, axis_at(&h->y, v), 4);
    picture_mark_end(h->p);
}

void draw_history(struct picture *p)
{
    struct history h = { .p = p, .n = picture_rows(p->sheet) };
    lay_out(&h);
    picture_axis_y(p, &h.y, 1, LEFT, h.right, "score (of 1 to 10)");
    svg_line(&p->svg, LEFT, h.y.from, h.right, h.y.from, LOOK_FRAME);
    put_line(&h);
    for (int i = 0; i < h.n; i++)
        put_mark(&h, i);
    put_names(&h);
    picture_note(p, 3, "Bars: 95 %% intervals. A triangle points up or down where the paired change from the checkpoint before has an "
                       "interval without 0. The scale of scores shows what is needed of 1 to 10.");
}
