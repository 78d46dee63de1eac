/* picture.c - the pieces that all plots are made of. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

/* Lines of cleaned words from x to 'right', down from p->y. */
static void wrapped(struct picture *p, double size, int most, const char *look, const char *words)
{
    char *clean = svg_clean(words);
    const double wide = p->svg.width - 2 * PICTURE_EDGE;
    const char *at = clean;
    for (int i = 0; *at && i < most; i++) {
        size_t n = svg_line_of(at, size, wide);
        const bool last = i == most - 1 && at[n];
        if (last)                        /* room for the dots that say that there was more */
            n = svg_line_of(at, size, wide - svg_text_width("\xe2\x80\xa6", size));
        char *line = xasprintf("%.*s%s", (int)n, at, last ? "\xe2\x80\xa6" : "");
        p->y += 1.3 * size;
        svg_text(&p->svg, PICTURE_EDGE, p->y, SVG_START, size, look, line);
        free(line);
        at += n + strspn(at + n, " ");
    }
    free(clean);
}

void picture_head(struct picture *p)
{
    p->y = 6;
    wrapped(p, SIZE_TITLE, 2, NULL, p->title.data);
    wrapped(p, SIZE_ABOUT, 4, LOOK_SOFT, p->about.data);
    p->y += 12;
}

void picture_note(struct picture *p, int most, const char *fmt, ...)
{
    char *words = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&words, fmt, ap) < 0)
        words = xstrdup("");
    va_end(ap);
    wrapped(p, SIZE_LABEL, most, LOOK_SOFT, words);
    buf_printf(&p->said, "%s\n", words);
    free(words);
}

void picture_notes(struct picture *p)
{
    const struct sheet *s = p->sheet;
    p->y += 8;
    if (p->n_absent)
        picture_note(p, 3, "not drawn, for want of a figure: %ld (%s)", p->n_absent, p->absent.data);
    for (int i = 0; i < s->n_facts; i++)
        if (s->fact[i].sentence && strcmp(s->fact[i].name, "judge")) /* the judge stands above */
            picture_note(p, 3, "%s", s->fact[i].sentence);
    p->y += 12;
}

/* Label i of those that are cut; where others look like it, with its number among them. */
static char *told_apart(char *const *cut, const char *name, int n, int i, double most)
{
    int all = 0, before = 0;
    for (int k = 0; k < n; k++) {
        const bool same = !strcmp(cut[k], cut[i]);
        all += same;
        before += same && k < i;
    }
    if (all == 1)
        return xstrdup(cut[i]);
    char *ending = xasprintf(" (%d)", before + 1);
    char *shorter = svg_fit(name, SIZE_LABEL, most - svg_text_width(ending, SIZE_LABEL));
    char *label = xasprintf("%s%s", shorter, ending);
    free(shorter);
    free(ending);
    return label;
}

char **picture_labels(char *const *name, int n, double most, double *width)
{
    char **cut = xcalloc((size_t)n + 1, sizeof *cut), **label = xcalloc((size_t)n + 1, sizeof *label);
    for (int i = 0; i < n; i++)
        cut[i] = svg_fit(*name[i] ? name[i] : "(no name)", SIZE_LABEL, most);
    *width = 0;
    for (int i = 0; i < n; i++) {
        label[i] = told_apart(cut, name[i], n, i, most);
        *width = fmax(*width, svg_text_width(label[i], SIZE_LABEL));
    }
    for (int i = 0; i < n; i++)
        free(cut[i]);
    free(cut);
    return label;
}

void picture_legend(struct picture *p, char *const *name, int n, bool dashes)
{
    enum { SIGN = 26, GAP = 18 };
    double x = PICTURE_EDGE, width;
    const double right = p->svg.width - PICTURE_EDGE;
    char **label = picture_labels(name, n, 220, &width);
    p->y += LINE;
    for (int i = 0; i < n; i++) {
        const double w = SIGN + svg_text_width(label[i], SIZE_LABEL);
        if (x > PICTURE_EDGE && x + w > right) {
            x = PICTURE_EDGE;
            p->y += LINE + 3;
        }
        char *line = xasprintf("stroke=\"currentColor\" stroke-width=\"1.8\" stroke-dasharray=\"%s\"",
                               dashes && *series_dashes(i) ? series_dashes(i) : "none");
        series_open(&p->svg, i, "");
        buf_str(&p->svg.body, ">\n");
        svg_line(&p->svg, x, p->y - 4, x + 20, p->y - 4, line);
        svg_shape(&p->svg, series_shape(i), x + 10, p->y - 4, 3.6);
        svg_close(&p->svg, "g");
        svg_text(&p->svg, x + SIGN, p->y, SVG_START, SIZE_LABEL, NULL, label[i]);
        x += w + GAP;
        free(line);
        free(label[i]);
    }
    free(label);
    p->y += 12;
}

void picture_spread(double *at, int n, double gap, double low, double high)
{
    for (int i = 0; i < n; i++) {
        const double least = i ? at[i - 1] + gap : low;
        at[i] = fmax(at[i], least);
    }
    for (int i = n - 1; i >= 0; i--) {   /* what was pushed over the end comes back, and pushes those before it */
        const double most = i < n - 1 ? at[i + 1] - gap : high;
        at[i] = fmin(at[i], most);
    }
}

/* ---- marks ---- */

/* "a, math: score 8.10, 95 % interval 7.50 to 8.60, n 20, failed 0" */
static void say(const struct picture *p, int row, struct buf *b)
{
    const struct sheet *s = p->sheet;
    for (int k = 0; k < 2 && p->key[k]; k++) {
        char *word = picture_word(s, row, p->key[k]);
        buf_printf(b, "%s%s", k && *word ? ", " : "", word);
        free(word);
    }
    buf_char(b, ':');
    for (const struct picture_figure *f = p->figure; f->column; f++) {
        const double v = picture_value(s, row, f->column), times = f->share ? 100 : 1;
        if (isnan(v) && f != p->figure)
            continue;
        if (isnan(v))
            buf_printf(b, " no %s", f->words);
        else
            buf_printf(b, "%s %s %.*f%s", f == p->figure ? "" : ",", f->words, f->decimals, v * times, f->share ? " %" : "");
        if (f == p->figure && !isnan(picture_value(s, row, "low")))
            buf_printf(b, ", 95 %% interval %.*f to %.*f%s", f->decimals, picture_value(s, row, "low") * times, f->decimals,
                       picture_value(s, row, "high") * times, f->share ? " %" : "");
    }
}

/* Is this column drawn, or said? A thousand marks with every figure of a sheet would be a large file. */
static bool is_shown(const struct picture *p, const char *column)
{
    static const char *const drawn[] = { "low", "high", "change_low", "change_high" };
    for (size_t i = 0; i < sizeof drawn / sizeof *drawn; i++)
        if (!strcmp(column, drawn[i]))
            return true;
    for (int k = 0; k < 2 && p->key[k]; k++)
        if (!strcmp(column, p->key[k]))
            return true;
    for (const struct picture_figure *f = p->figure; f->column; f++)
        if (!strcmp(column, f->column))
            return true;
    return false;
}

static void put_data(struct picture *p, int row)
{
    const struct sheet *s = p->sheet;
    struct buf *b = &p->svg.body;
    for (int c = 0; c < s->n_columns; c++) {
        const struct sheet_cell *cell = &s->cell[row * s->n_columns + c];
        char *name = xasprintf("data-%s", s->column[c].name);
        if (!(s->column[c].where & SHEET_DATA) || !is_shown(p, s->column[c].name))
            ;
        else if (cell->kind == CELL_TEXT)
            svg_words(b, name, cell->text);
        else if (cell->kind == CELL_INT)
            buf_printf(b, " %s=\"%ld\"", name, cell->whole);
        else if (cell->kind == CELL_NUMBER)
            svg_exact(b, name, cell->number);
        free(name);
    }
}

void picture_mark(struct picture *p, int row, int series)
{
    struct buf words = {0};
    if (series < 0)
        buf_str(&p->svg.body, "<g class=\"mark\"");
    else
        series_open(&p->svg, series, "mark ");
    put_data(p, row);
    buf_char(&p->svg.body, '>');
    say(p, row, &words);
    svg_tip(&p->svg, words.data);
    if (p->n_said++ < MOST_SAID)
        buf_printf(&p->said, "%s\n", words.data);
    buf_free(&words);
}

void picture_mark_end(struct picture *p)
{
    svg_close(&p->svg, "g");
}

void picture_mark_absent(struct picture *p, int row)
{
    picture_mark(p, row, -1);
    picture_mark_end(p);
    p->n_absent++;
    for (int k = 0; k < 2 && p->key[k]; k++) {
        char *word = picture_word(p->sheet, row, p->key[k]), *fit = svg_fit(word, SIZE_LABEL, 160);
        buf_printf(&p->absent, "%s%s", k ? " " : p->absent.len ? ", " : "", fit);
        free(word);
        free(fit);
    }
}

/* ---- axes ---- */

double axis_at(const struct axis *a, double value)
{
    return a->from + (value - a->low) / (a->high - a->low) * (a->to - a->from);
}

void axis_zoom(struct axis *a, double low, double high)
{
    enum { LOW = 1, HIGH = 10, LEAST = 2 };
    a->low = isnan(low) ? LOW : fmax(LOW, floor(low));
    a->high = isnan(high) ? HIGH : fmin(HIGH, ceil(high));
    while (a->high - a->low < LEAST) {   /* a picture of nothing but noise would look like news */
        a->low -= a->low > LOW;
        a->high += a->high < HIGH;
    }
}

void picture_axis_x(struct picture *p, const struct axis *x, double step, double top, double bottom, bool above, const char *words)
{
    for (double v = x->low; v <= x->high + step / 100; v += step) {
        char number[32];
        const double at = axis_at(x, v);
        snprintf(number, sizeof number, "%g", v);
        svg_line(&p->svg, at, top, at, bottom, LOOK_GRID);
        svg_text(&p->svg, at, bottom + LINE, SVG_MIDDLE, SIZE_LABEL, NULL, number);
        if (above)
            svg_text(&p->svg, at, top - 6, SVG_MIDDLE, SIZE_LABEL, NULL, number);
    }
    svg_line(&p->svg, x->from, bottom, x->to, bottom, LOOK_FRAME);
    svg_text(&p->svg, (x->from + x->to) / 2, bottom + 2 * LINE + 3, SVG_MIDDLE, SIZE_LABEL, NULL, words);
}

void picture_axis_y(struct picture *p, const struct axis *y, double step, double left, double right, const char *words)
{
    for (double v = y->low; v <= y->high + step / 100; v += step) {
        char number[32];
        const double at = axis_at(y, v);
        snprintf(number, sizeof number, "%g", v);
        svg_line(&p->svg, left, at, right, at, LOOK_GRID);
        svg_text(&p->svg, left - 6, at + 4, SVG_END, SIZE_LABEL, NULL, number);
    }
    svg_line(&p->svg, left, y->from, left, y->to, LOOK_FRAME);
    svg_text_turned(&p->svg, left - 30, (y->from + y->to) / 2, SVG_MIDDLE, SIZE_LABEL, NULL, words);
}
