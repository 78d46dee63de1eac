/* plot_radar.c - scores by category round a circle. A few models share one circle; with more of them each has its own, or their lines would
 * hide one another. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_TOGETHER = 6, LEAST_CORNERS = 3, TOP_SCORE = 10, RADIUS = 170, SIDE = 160, SMALL = 50, COLUMNS = 5 };

struct radar {
    struct picture *p;
    struct cross c;                      /* models by categories */
    double x, y, r;                      /* the circle */
};

static double angle_of(const struct radar *d, int k)
{
    return 2 * M_PI * k / d->c.n_parts;
}

/* Clockwise from above. */
static void place(const struct radar *d, double turn, double score, double *x, double *y)
{
    *x = d->x + d->r * score / TOP_SCORE * sin(turn);
    *y = d->y - d->r * score / TOP_SCORE * cos(turn);
}

static double score_of_corner(const struct radar *d, int model, int k)
{
    const int row = cross_at(&d->c, model, k);
    return row < 0 ? NAN : picture_value(d->p->sheet, row, "score");
}

static void put_web(const struct radar *d, double step)
{
    struct buf spokes = {0};
    for (double v = step; v <= TOP_SCORE; v += step)
        svg_circle(&d->p->svg, d->x, d->y, d->r * v / TOP_SCORE, "fill=\"none\" " LOOK_GRID);
    for (int k = 0; k < d->c.n_parts; k++) {
        double x, y;
        place(d, angle_of(d, k), TOP_SCORE, &x, &y);
        svg_path_to(&spokes, 'M', d->x, d->y);
        svg_path_to(&spokes, 'L', x, y);
    }
    svg_path(&d->p->svg, spokes.data, LOOK_GRID);
    buf_free(&spokes);
}

/* Between the first two spokes, where no corner is. */
static void put_scale(const struct radar *d, int step)
{
    for (int v = step; v <= TOP_SCORE; v += step) {
        char number[16];
        double x, y;
        snprintf(number, sizeof number, "%d", v);
        place(d, M_PI / d->c.n_parts, v, &x, &y);
        svg_text(&d->p->svg, x, y + 4, SVG_MIDDLE, 10, LOOK_SOFT, number);
    }
}

/* ---- the names of the corners ---- */

/* Those of one side, from above to below, apart from each other and outside the circle. */
static void put_side(const struct radar *d, char **label, const int *k, int n, bool right)
{
    double *y = xcalloc((size_t)n + 1, sizeof *y);
    for (int i = 0; i < n; i++)
        y[i] = d->y - d->r * cos(angle_of(d, k[i])) + 4;
    picture_spread(y, n, LINE, d->y - d->r + 8, d->y + d->r);
    for (int i = 0; i < n; i++) {
        const double down = fmin(fabs(y[i] - 4 - d->y), d->r);
        const double out = fmax(d->r * fabs(sin(angle_of(d, k[i]))), sqrt(d->r * d->r - down * down)) + 10;
        svg_text(&d->p->svg, d->x + (right ? out : -out), y[i], right ? SVG_START : SVG_END, SIZE_LABEL, NULL, label[k[i]]);
    }
    free(y);
}

static void put_corners(const struct radar *d)
{
    const int n = d->c.n_parts;
    double width;
    char **label = picture_labels(d->c.part, n, d->x - d->r - 10 - PICTURE_EDGE, &width);
    int *side[2] = { xcalloc((size_t)n, sizeof(int)), xcalloc((size_t)n, sizeof(int)) }, count[2] = { 0, 0 };
    for (int k = 1; k < n; k++) {
        if (2 * k == n)
            svg_text(&d->p->svg, d->x, d->y + d->r + LINE + 4, SVG_MIDDLE, SIZE_LABEL, NULL, label[k]);
        else if (2 * k < n)
            side[0][count[0]++] = k;
    }
    for (int k = n - 1; 2 * k > n; k--)
        side[1][count[1]++] = k;
    svg_text(&d->p->svg, d->x, d->y - d->r - 8, SVG_MIDDLE, SIZE_LABEL, NULL, label[0]);
    for (int s = 0; s < 2; s++) {
        put_side(d, label, side[s], count[s], s == 0);
        free(side[s]);
    }
    for (int k = 0; k < n; k++)
        free(label[k]);
    free(label);
}

/* So large that the names of one side find room. */
static double radius_for(int corners, double least)
{
    return fmax(least, (corners / 2.0 + 1) * LINE / 2);
}

/* ---- models ---- */

/* The line through the corners that have a score; where one has none, the line is open. */
static void put_outline(const struct radar *d, int model, int series, bool alone)
{
    struct buf path = {0};
    const int n = d->c.n_parts;
    bool open = false, pen = false;
    for (int k = 0; k < n; k++)
        open |= isnan(score_of_corner(d, model, k));
    for (int k = 0; k < n + open; k++) { /* once more to the first corner, if the line is not closed for it */
        const double v = score_of_corner(d, model, k % n);
        double x, y;
        if (!isnan(v)) {
            place(d, angle_of(d, k % n), v, &x, &y);
            svg_path_to(&path, pen ? 'L' : 'M', x, y);
        }
        pen = !isnan(v);
    }
    if (path.len && !open)
        buf_char(&path, 'Z');
    char *look = xasprintf("fill=\"%s\" fill-opacity=\"%s\" stroke=\"currentColor\" stroke-width=\"1.8\" "
                           "stroke-dasharray=\"%s\"",
                           open ? "none" : "currentColor", alone ? "0.14" : "0.05",
                           alone || !*series_dashes(series) ? "none" : series_dashes(series));
    if (path.len) {
        series_open(&d->p->svg, series, "");
        buf_str(&d->p->svg.body, ">\n");
        svg_path(&d->p->svg, path.data, look);
        svg_close(&d->p->svg, "g");
    }
    free(look);
    buf_free(&path);
}

static void put_model(const struct radar *d, int model, int series, double size, bool alone)
{
    put_outline(d, model, series, alone);
    for (int k = 0; k < d->c.n_parts; k++) {
        const int row = cross_at(&d->c, model, k);
        const double v = score_of_corner(d, model, k);
        double x, y;
        if (row < 0)
            continue;
        if (isnan(v)) {
            picture_mark_absent(d->p, row);
            continue;
        }
        place(d, angle_of(d, k), v, &x, &y);
        picture_mark(d->p, row, series);
        svg_shape(&d->p->svg, alone ? SVG_CIRCLE : series_shape(series), x, y, size);
        picture_mark_end(d->p);
    }
}

static void draw_together(struct radar *d)
{
    struct picture *p = d->p;
    picture_legend(p, d->c.row, d->c.n_rows, true);
    d->r = radius_for(d->c.n_parts, RADIUS);
    p->svg.width = fmax(p->svg.width, 2 * (d->r + SIDE));
    d->x = p->svg.width / 2;
    d->y = p->y + LINE + 10 + d->r;
    put_web(d, 2);
    for (int m = 0; m < d->c.n_rows; m++)
        put_model(d, m, m, 3.4, false);
    put_scale(d, 2);
    put_corners(d);
    p->y = d->y + d->r + LINE + 14;
    picture_note(p, 2, "Outwards: score from 0 in the middle to 10 at the edge (judges give 1 to 10), mean of the category's judgments.");
}

/* ---- each its own circle ---- */

static double sum_of(const struct radar *d, int model, const char *column)
{
    double sum = 0;
    for (int k = 0; k < d->c.n_parts; k++) {
        const int row = cross_at(&d->c, model, k);
        const double v = row < 0 ? NAN : picture_value(d->p->sheet, row, column);
        sum += isnan(v) ? 0 : v;
    }
    return sum;
}

static void draw_key(struct radar *d)
{
    struct picture *p = d->p;
    d->r = radius_for(d->c.n_parts, 64);
    p->svg.width = fmax(p->svg.width, 2 * (d->r + SIDE));
    d->x = p->svg.width / 2;
    d->y = p->y + LINE + 10 + d->r;
    put_web(d, 5);
    put_scale(d, 5);
    put_corners(d);
    p->y = d->y + d->r + LINE + 12;
    picture_note(p, 3, "Key of the corners. Outwards: score, 0 in the middle, circles at 5 and 10 (judges give 1 to 10). All %d models "
                       "follow, each in a circle of its own.",
                 d->c.n_rows);
}

static void draw_apart(struct radar *d)
{
    struct picture *p = d->p;
    const double cell = (p->svg.width - 2 * PICTURE_EDGE) / COLUMNS, height = 2 * SMALL + 3 * LINE + 6;
    double width;
    draw_key(d);
    char **label = picture_labels(d->c.row, d->c.n_rows, cell - 8, &width);
    const double top = p->y + 6;
    d->r = SMALL;
    for (int m = 0; m < d->c.n_rows; m++) {
        char text[80];
        d->x = PICTURE_EDGE + (m % COLUMNS + 0.5) * cell;
        d->y = top + (m / COLUMNS) * height + LINE + 4 + SMALL;
        svg_text(&p->svg, d->x, d->y - SMALL - 6, SVG_MIDDLE, SIZE_LABEL, NULL, label[m]);
        put_web(d, 5);
        put_model(d, m, 0, 1.8, true);
        snprintf(text, sizeof text, "n %.0f, failed %.0f", sum_of(d, m, "n"), sum_of(d, m, "failed"));
        svg_text(&p->svg, d->x, d->y + SMALL + LINE, SVG_MIDDLE, 10, LOOK_SOFT, text);
        free(label[m]);
    }
    free(label);
    p->y = top + ((d->c.n_rows + COLUMNS - 1) / COLUMNS) * height;
}

void draw_radar(struct picture *p)
{
    struct radar d = { .p = p };
    cross_make(&d.c, p, p->key[0], p->key[1]);
    if (d.c.n_parts < LEAST_CORNERS) {   /* two spokes are a line, and no picture of anything */
        static const struct rows_of o = { "score", "score (1 to 10), with its 95 % interval", 1, 10, 1, false, false, NAN };
        picture_note(p, 2, "With fewer than three categories there is no circle to draw: a row per model.");
        draw_rows(p, &o);
    } else if (d.c.n_rows <= MOST_TOGETHER) {
        draw_together(&d);
    } else {
        draw_apart(&d);
    }
    cross_free(&d.c);
}
