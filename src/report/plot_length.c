/* plot_length.c - do longer answers score higher? A point per model at its answers' usual length and its score, with the slope between its
 * own questions through it, and one line for the slope of all models within each question. */
#include "picture.h"

#include "mtbench/mem.h"
#include "mtbench/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEFT = 64, LEADERS = 26, NAME_WIDTH = 150, SLOPE_WIDTH = 128, HALF = 4 /* tenths of a doubling: how far a slope is drawn */ };

struct point { int row; double x, y; };  /* log2 of characters, score */

struct lengths {
    struct picture *p;
    struct point *point;                 /* (n) of models that have both */
    int n, all;                          /* the row of all models; -1 */
    struct axis x, y;
    double right, bottom;
};

static double value(const struct lengths *l, int row, const char *column)
{
    return picture_value(l->p->sheet, row, column);
}

static int from_above(const void *a, const void *b)
{
    const struct point *p = a, *q = b;
    return p->y != q->y ? (p->y < q->y ? 1 : -1) : p->row - q->row;
}

static void read_points(struct lengths *l)
{
    const int n = picture_rows(l->p->sheet);
    l->point = xcalloc((size_t)n + 1, sizeof *l->point);
    l->all = -1;
    for (int i = 0; i < n; i++) {
        char *model = picture_word(l->p->sheet, i, "model");
        const double x = log2(value(l, i, "characters")), y = value(l, i, "score");
        const bool all = !strcmp(model, VIEW_LENGTH_ALL);
        if (isnan(x) || isnan(y))
            picture_mark_absent(l->p, i);
        else if (all)
            l->all = i;
        else
            l->point[l->n++] = (struct point){ i, x, y };
        free(model);
    }
    qsort(l->point, (size_t)l->n, sizeof *l->point, from_above);
}

static void lay_out(struct lengths *l)
{
    double low = NAN, high = NAN, least = NAN, most = NAN; /* fmin() and fmax() pass over NaN */
    for (int i = 0; i < l->n; i++) {
        low = fmin(low, l->point[i].x);
        high = fmax(high, l->point[i].x);
        least = fmin(least, l->point[i].y);
        most = fmax(most, l->point[i].y);
    }
    l->right = l->p->svg.width - PICTURE_EDGE - SLOPE_WIDTH - NAME_WIDTH - LEADERS;
    l->x = (struct axis){ l->n ? low - 0.5 : 6, l->n ? high + 0.5 : 12, LEFT, l->right };
    axis_zoom(&l->y, least, most);
    l->bottom = l->p->y + 2 * LINE + fmax(300, l->n * LINE);
    l->y.from = l->bottom;
    l->y.to = l->p->y + 2 * LINE;
}

/* 100, 200, 500, 1000 ... as far as they do not touch. */
static void put_axis_x(struct lengths *l)
{
    static const int first[] = { 1, 2, 5 };
    struct svg *s = &l->p->svg;
    double free_from = 0;
    for (int k = 0; k < 30; k++) {
        char number[32];
        const double v = first[k % 3] * pow(10, k / 3), at = axis_at(&l->x, log2(v));
        snprintf(number, sizeof number, "%.0f", v);
        const double half = svg_text_width(number, SIZE_LABEL) / 2;
        if (at < l->x.from || at > l->x.to || at - half < free_from)
            continue;
        svg_line(s, at, l->y.to, at, l->bottom, LOOK_GRID);
        svg_text(s, at, l->bottom + LINE, SVG_MIDDLE, SIZE_LABEL, NULL, number);
        free_from = at + half + 6;
    }
    svg_line(s, l->x.from, l->bottom, l->x.to, l->bottom, LOOK_FRAME);
    svg_text(s, (l->x.from + l->x.to) / 2, l->bottom + 2 * LINE + 3, SVG_MIDDLE, SIZE_LABEL, NULL,
             "length of a turn in characters (geometric mean)");
}

/* The line through (x, y), from..to, as far as it lies within the scale of scores. */
static void put_slope(struct lengths *l, double x, double y, double slope, double from, double to, const char *look)
{
    if (isnan(slope))
        return;
    if (slope != 0) {
        const double a = x + (l->y.low - y) / slope, b = x + (l->y.high - y) / slope;
        from = fmax(from, fmin(a, b));
        to = fmin(to, fmax(a, b));
    }
    if (from < to)
        svg_line(&l->p->svg, axis_at(&l->x, from), axis_at(&l->y, y + slope * (from - x)), axis_at(&l->x, to),
                 axis_at(&l->y, y + slope * (to - x)), look);
}

static void put_all(struct lengths *l)
{
    struct picture *p = l->p;
    const double slope = value(l, l->all, "points_per_doubling");
    picture_mark(p, l->all, 1);
    put_slope(l, log2(value(l, l->all, "characters")), value(l, l->all, "score"), slope, l->x.low, l->x.high,
              "stroke=\"currentColor\" stroke-width=\"1.8\" stroke-dasharray=\"7 3\"");
    picture_mark_end(p);
}

static void put_points(struct lengths *l)
{
    struct picture *p = l->p;
    for (int i = 0; i < l->n; i++) {
        const struct point *a = &l->point[i];
        picture_mark(p, a->row, 0);
        put_slope(l, a->x, a->y, value(l, a->row, "points_per_doubling"), a->x - HALF / 10.0, a->x + HALF / 10.0,
                  "stroke=\"currentColor\" stroke-width=\"1.4\"");
        svg_shape(&p->svg, series_shape(0), axis_at(&l->x, a->x), axis_at(&l->y, a->y), 3.4);
        picture_mark_end(p);
    }
}

static void slope_words(const struct lengths *l, int row, char *to, size_t n)
{
    const double v = value(l, row, "points_per_doubling"), low = value(l, row, "low"), high = value(l, row, "high");
    if (isnan(v))
        snprintf(to, n, "-");
    else if (isnan(low))
        snprintf(to, n, "%+.2f", v);
    else
        snprintf(to, n, "%+.2f (%.2f .. %.2f)", v, low, high);
}

/* At the right, in the order of the points, each as near to its own as the others let it be, and a line that leads there. */
static void put_names(struct lengths *l)
{
    struct svg *s = &l->p->svg;
    double *y = xcalloc((size_t)l->n + 1, sizeof *y), width;
    char **name = xcalloc((size_t)l->n + 1, sizeof *name), slope[80];
    for (int i = 0; i < l->n; i++) {
        y[i] = axis_at(&l->y, l->point[i].y) + 4;
        name[i] = picture_word(l->p->sheet, l->point[i].row, "model");
    }
    char **label = picture_labels(name, l->n, NAME_WIDTH, &width);
    picture_spread(y, l->n, LINE, l->y.to + 10, l->bottom);
    svg_text(s, l->right + LEADERS, l->y.to - 8, SVG_START, SIZE_LABEL, LOOK_SOFT, "model");
    svg_text(s, s->width - PICTURE_EDGE, l->y.to - 8, SVG_END, SIZE_LABEL, LOOK_SOFT, "points per doubling");
    for (int i = 0; i < l->n; i++) {
        svg_line(s, axis_at(&l->x, l->point[i].x) + 5, axis_at(&l->y, l->point[i].y), l->right + LEADERS - 4, y[i] - 4, LOOK_GRID);
        svg_text(s, l->right + LEADERS, y[i], SVG_START, SIZE_LABEL, NULL, label[i]);
        slope_words(l, l->point[i].row, slope, sizeof slope);
        svg_text(s, s->width - PICTURE_EDGE, y[i], SVG_END, SIZE_LABEL, NULL, slope);
        free(label[i]);
        free(name[i]);
    }
    free(label);
    free(name);
    free(y);
}

void draw_length(struct picture *p)
{
    struct lengths l = { .p = p };
    char slope[80];
    read_points(&l);
    lay_out(&l);
    put_axis_x(&l);
    picture_axis_y(p, &l.y, 1, l.x.from, l.x.to, "score (of 1 to 10)");
    put_names(&l);
    if (l.all >= 0)
        put_all(&l);
    put_points(&l);
    p->y = l.bottom + 2 * LINE + 10;
    if (l.all >= 0) {
        slope_words(&l, l.all, slope, sizeof slope);
        picture_note(p, 3, "Dashed: all models, within each question: %s points per doubling of the length, with its 95 %% interval.",
                     slope);
    }
    picture_note(p, 3, "Short lines: the slope between the questions of one model. Longer answers may be better ones: no slope proves "
                       "that length itself counts.");
    free(l.point);
}
