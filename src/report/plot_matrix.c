/* plot_matrix.c - win rates of models against models: rows win, columns lose. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDE = 34, MIDDLE = 24, NARROW = 14, MOST_WIDE = 12, MOST_MIDDLE = 40, SIZE_CELL = 10 };

struct matrix {
    struct picture *p;
    struct cross c;
    int *column;                         /* (n_columns) parts in the order of the rows, then those that are no row */
    int n_columns;
    char **label, **against;
    double label_width, against_width, cell, left, top;
};

/* The part of this name, -1. */
static int find_part(const struct cross *c, const char *name)
{
    for (int k = 0; k < c->n_parts; k++)
        if (!strcmp(c->part[k], name))
            return k;
    return -1;
}

static void order_columns(struct matrix *m)
{
    bool *placed = xcalloc((size_t)m->c.n_parts + 1, sizeof *placed);
    m->column = xcalloc((size_t)m->c.n_parts + 1, sizeof *m->column);
    for (int i = 0; i < m->c.n_rows; i++) {
        const int k = find_part(&m->c, m->c.row[i]);
        if (k < 0 || placed[k])
            continue;
        m->column[m->n_columns++] = k;
        placed[k] = true;
    }
    for (int k = 0; k < m->c.n_parts; k++)
        if (!placed[k])
            m->column[m->n_columns++] = k;
    free(placed);
}

static void lay_out(struct matrix *m)
{
    struct picture *p = m->p;
    const int n = m->n_columns > m->c.n_rows ? m->n_columns : m->c.n_rows;
    char **name = xcalloc((size_t)m->n_columns + 1, sizeof *name);
    for (int j = 0; j < m->n_columns; j++)
        name[j] = m->c.part[m->column[j]];
    m->label = picture_labels(m->c.row, m->c.n_rows, 200, &m->label_width);
    m->against = picture_labels(name, m->n_columns, 160, &m->against_width);
    m->cell = n <= MOST_WIDE ? WIDE : n <= MOST_MIDDLE ? MIDDLE : NARROW;
    m->left = PICTURE_EDGE + m->label_width + 8;
    p->svg.width = fmax(p->svg.width, m->left + m->cell * m->n_columns + PICTURE_EDGE);
    free(name);
}

static void put_cell(struct matrix *m, int i, int j)
{
    struct picture *p = m->p;
    const int row = cross_at(&m->c, i, m->column[j]);
    const double x = m->left + j * m->cell, y = m->top + i * m->cell;
    if (row < 0)
        return;
    const double share = picture_value(p->sheet, row, "win_rate_adjusted");
    if (isnan(share)) {                  /* games, and none of them counts */
        picture_mark_absent(p, row);
        svg_text(&p->svg, x + m->cell / 2, y + m->cell / 2 + 4, SVG_MIDDLE, SIZE_CELL, LOOK_SOFT, "x");
        return;
    }
    char *fill = xasprintf("fill=\"%s\"", share_fill(share)), number[16];
    picture_mark(p, row, -1);
    svg_rect(&p->svg, x + 0.5, y + 0.5, m->cell - 1, m->cell - 1, fill);
    picture_mark_end(p);
    snprintf(number, sizeof number, "%.0f", 100 * share);
    if (m->cell > NARROW)
        svg_text(&p->svg, x + m->cell / 2, y + m->cell / 2 + 3.5, SVG_MIDDLE, SIZE_CELL,
                 share_is_dark(share) ? "fill=\"#ffffff\"" : "fill=\"#000000\"", number);
    free(fill);
}

static void put_key(struct matrix *m)
{
    struct picture *p = m->p;
    const double width = 26, y = p->y;
    for (int k = 0; k < PLOT_SHARES; k++) {
        const double share = (double)k / (PLOT_SHARES - 1), x = PICTURE_EDGE + k * width;
        char number[16], *fill = xasprintf("fill=\"%s\"", share_fill(share));
        svg_rect(&p->svg, x, y, width, 12, fill);
        snprintf(number, sizeof number, "%.0f", 100 * share);
        svg_text(&p->svg, x + width / 2, y + 12 + LINE, SVG_MIDDLE, SIZE_CELL, NULL, number);
        free(fill);
    }
    p->y += 12 + LINE + 4;
}

void draw_matrix(struct picture *p)
{
    struct matrix m = { .p = p };
    cross_make(&m.c, p, p->key[0], p->key[1]);
    order_columns(&m);
    lay_out(&m);
    m.top = p->y + m.against_width + 14;
    for (int j = 0; j < m.n_columns; j++) {
        svg_text_turned(&p->svg, m.left + (j + 0.5) * m.cell + 4, m.top - 5, SVG_START, SIZE_LABEL, NULL, m.against[j]);
        free(m.against[j]);
    }
    for (int i = 0; i < m.c.n_rows; i++) {
        svg_text(&p->svg, m.left - 6, m.top + (i + 0.5) * m.cell + 4, SVG_END, SIZE_LABEL, NULL, m.label[i]);
        for (int j = 0; j < m.n_columns; j++)
            put_cell(&m, i, j);
        free(m.label[i]);
    }
    p->y = m.top + m.c.n_rows * m.cell + 14;
    put_key(&m);
    picture_note(p, 3, "%% of games that the model of the row wins against the model of the column, ties being half. Empty: no games; x: "
                       "none that counts.%s",
                 m.cell > NARROW ? "" : " So many models leave no room for figures: each cell's title has them.");
    free(m.label);
    free(m.against);
    free(m.column);
    cross_free(&m.c);
}
