/* plot_rows.c - a row per model: its figure with the interval, or several of them, each in its own colour, shape and height. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAP = 12, MOST_COLUMNS = 3 };     /* more parts than these have no columns of figures: the marks' titles have them */

/* Where everything stands. */
struct rows {
    struct picture *p;
    const struct rows_of *o;
    struct cross c;
    char **label;
    double label_width, pitch, top;
    struct axis x;
    char **head;                         /* (n_figures + 2) of the columns at the right: a figure per part, n, failed */
    double *right;                       /* the right edge of each */
    int n_figures, n_bare;               /* bare: marks without an interval */
};

static double figure(const struct rows *r, int row, const char *column)
{
    return row < 0 ? NAN : picture_value(r->p->sheet, row, column);
}

/* A value in the unit of the axis. */
static double scaled(const struct rows *r, double v)
{
    return r->o->share ? 100 * v : v;
}

/* "53.1", "8.25", "-" */
static void put_figure(const struct rows *r, double v, char *to, size_t n)
{
    if (isnan(v))
        snprintf(to, n, "-");
    else
        snprintf(to, n, "%.*f", r->o->share ? 1 : 2, scaled(r, v));
}

static double total(const struct rows *r, int i, const char *column)
{
    double sum = 0;
    for (int k = 0; k < r->c.n_parts; k++) {
        const double v = figure(r, cross_at(&r->c, i, k), column);
        sum += isnan(v) ? 0 : v;
    }
    return sum;
}

/* Columns at the right, from the last one to the first; the axis takes what is left. */
static void lay_out(struct rows *r)
{
    double at = r->p->svg.width - PICTURE_EDGE;
    r->n_figures = r->c.n_parts <= MOST_COLUMNS ? r->c.n_parts : 0;
    const int n = r->n_figures + 2;
    r->head = xcalloc((size_t)n, sizeof *r->head);
    r->right = xcalloc((size_t)n, sizeof *r->right);
    for (int k = n - 1; k >= 0; k--) {
        const char *name = k == n - 1 ? "failed" : k == n - 2 ? "n" : r->c.n_parts > 1 ? r->c.part[k] : r->p->figure->words;
        const double least = svg_text_width(k >= r->n_figures ? "00000" : "000.0", SIZE_LABEL);
        r->head[k] = svg_fit(name, SIZE_LABEL, 90);
        r->right[k] = at;
        at -= fmax(least, svg_text_width(r->head[k], SIZE_LABEL)) + GAP;
    }
    r->x = (struct axis){ r->o->low, r->o->high, PICTURE_EDGE + r->label_width + GAP, at - GAP / 2 };
    r->pitch = r->c.n_parts > 1 ? fmax(20, 6 + 7 * r->c.n_parts) : r->c.n_rows <= 12 ? 20 : 17;
}

static void put_heads(struct rows *r)
{
    for (int k = 0; k < r->n_figures + 2; k++)
        svg_text(&r->p->svg, r->right[k], r->top - 6, SVG_END, SIZE_LABEL, LOOK_SOFT, r->head[k]);
}

static void put_row_words(struct rows *r, int i, double y)
{
    char text[40];
    svg_text(&r->p->svg, PICTURE_EDGE + r->label_width, y, SVG_END, SIZE_LABEL, NULL, r->label[i]);
    for (int k = 0; k < r->n_figures; k++) {
        put_figure(r, figure(r, cross_at(&r->c, i, k), r->o->value), text, sizeof text);
        svg_text(&r->p->svg, r->right[k], y, SVG_END, SIZE_LABEL, NULL, text);
    }
    for (int k = 0; k < 2; k++) {
        snprintf(text, sizeof text, "%.0f", total(r, i, k ? "failed" : "n"));
        svg_text(&r->p->svg, r->right[r->n_figures + k], y, SVG_END, SIZE_LABEL, NULL, text);
    }
}

/* Parts of a row lie a little below each other, so that no interval hides another. */
static double height_of(const struct rows *r, int i, int part)
{
    const double middle = r->top + (i + 0.5) * r->pitch;
    return middle + (part - (r->c.n_parts - 1) / 2.0) * (r->c.n_parts > 1 ? 7 : 0);
}

static void put_mark(struct rows *r, int i, int part)
{
    struct picture *p = r->p;
    const int row = cross_at(&r->c, i, part);
    const double v = scaled(r, figure(r, row, r->o->value)), y = height_of(r, i, part);
    const double low = scaled(r, figure(r, row, "low")), high = scaled(r, figure(r, row, "high"));
    if (row < 0)
        return;
    if (isnan(v)) {
        picture_mark_absent(p, row);
        return;
    }
    picture_mark(p, row, part);
    r->n_bare += isnan(low) || isnan(high);
    if (!isnan(low) && !isnan(high)) {
        static const char bar[] = "stroke=\"currentColor\" stroke-width=\"1.6\"";
        svg_line(&p->svg, axis_at(&r->x, low), y, axis_at(&r->x, high), y, bar);
        svg_line(&p->svg, axis_at(&r->x, low), y - 2.5, axis_at(&r->x, low), y + 2.5, bar);
        svg_line(&p->svg, axis_at(&r->x, high), y - 2.5, axis_at(&r->x, high), y + 2.5, bar);
    }
    svg_shape(&p->svg, series_shape(part), axis_at(&r->x, v), y, 3.6);
    picture_mark_end(p);
}

static void put_joint(struct rows *r, int i)
{
    struct buf d = {0};
    int n = 0;
    for (int k = 0; k < r->c.n_parts; k++) {
        const double v = scaled(r, figure(r, cross_at(&r->c, i, k), r->o->value));
        if (!isnan(v))
            svg_path_to(&d, n++ ? 'L' : 'M', axis_at(&r->x, v), height_of(r, i, k));
    }
    if (n > 1)
        svg_path(&r->p->svg, d.data, "fill=\"none\" " LOOK_FRAME);
    buf_free(&d);
}

static void rows_free(struct rows *r)
{
    for (int k = 0; k < r->n_figures + 2; k++)
        free(r->head[k]);
    for (int i = 0; i < r->c.n_rows; i++)
        free(r->label[i]);
    free(r->head);
    free(r->right);
    free(r->label);
    cross_free(&r->c);
}

void draw_rows(struct picture *p, const struct rows_of *o)
{
    struct rows r = { .p = p, .o = o };
    cross_make(&r.c, p, p->key[0], p->key[1]);
    r.label = picture_labels(r.c.row, r.c.n_rows, 220, &r.label_width);
    lay_out(&r);
    if (r.c.n_parts > 1)
        picture_legend(p, r.c.part, r.c.n_parts, false);
    r.top = p->y + LINE + 4;
    const double bottom = r.top + r.pitch * r.c.n_rows;
    put_heads(&r);
    for (int i = 1; i < r.c.n_rows; i++)
        svg_line(&p->svg, PICTURE_EDGE, r.top + i * r.pitch, p->svg.width - PICTURE_EDGE, r.top + i * r.pitch, LOOK_GRID);
    picture_axis_x(p, &r.x, o->step, r.top, bottom, r.c.n_rows > 20, o->words);
    if (!isnan(o->even))
        svg_line(&p->svg, axis_at(&r.x, o->even), r.top, axis_at(&r.x, o->even), bottom, LOOK_FRAME " stroke-dasharray=\"4 3\"");
    for (int i = 0; i < r.c.n_rows; i++) {
        put_row_words(&r, i, r.top + (i + 0.5) * r.pitch + 4);
        if (o->joined)
            put_joint(&r, i);
        for (int k = 0; k < r.c.n_parts; k++)
            put_mark(&r, i, k);
    }
    p->y = bottom + 2 * LINE + 8;
    if (r.n_bare)
        picture_note(p, 2, "%d without a bar: of one question, or all of one score, which tells no interval.", r.n_bare);
    rows_free(&r);
}
