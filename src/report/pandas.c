/* pandas.c - text of a data frame as pandas 1.5 prints it. */
#include "pandas.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 50, DIGITS = 6 };      /* display.max_colwidth, display.precision */

static int code_points(const char *s)    /* the unit of pandas' widths */
{
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;        /* bytes that begin a character */
    return n;
}

/* Control characters as escapes; beyond 50 characters the first 47 and "...". */
static char *index_text(const char *name)
{
    struct buf b = {0};
    for (; *name; name++) {
        if (*name == '\t' || *name == '\r' || *name == '\n')
            buf_printf(&b, "\\%c", *name == '\t' ? 't' : *name == '\r' ? 'r' : 'n');
        else
            buf_char(&b, *name);
    }
    if (b.data && code_points(b.data) > MAX_NAME) {
        int n = 0;
        size_t at = 0;
        while (n < MAX_NAME - 3 || (b.data[at] & 0xc0) == 0x80) /* to the end of the 47th character, its later bytes included */
            n += (b.data[at++] & 0xc0) != 0x80;
        b.len = at;
        buf_str(&b, "...");
    }
    return buf_steal(&b);
}

static char *number_text(double v, bool exponent)
{
    if (isfinite(v))
        return xasprintf(exponent ? "%.*e" : "%.*f", DIGITS, v);
    return xstrdup(isnan(v) ? "NaN" : v > 0 ? "inf" : "-inf");
}

/* FloatArrayFormatter's rule: a value below 1e-6 turns the whole column into exponents, and so does one above 1e6 where a text, with the
 * blank that stands before it, is longer than 12 characters. */
static bool wants_exponents(const double *v, int n)
{
    bool small = false, large = false, too_long = false;
    for (int i = 0; i < n; i++) {
        char *text = number_text(v[i], false);
        small = small || (v[i] != 0 && fabs(v[i]) < 1e-6);
        large = large || fabs(v[i]) > 1e6;           /* infinity too */
        too_long = too_long || strlen(text) + (*text != '-') > DIGITS + 6;
        free(text);
    }
    return small || (large && too_long);
}

/* Six decimals, less those zeros that end all of them, down to one. What is no finite number has no zeros to take off, and keeps nobody
 * else's. */
static void format_numbers(const double *v, int n, char **out)
{
    bool exponents = wants_exponents(v, n);
    int cut = DIGITS - 1;                /* one decimal stays */
    for (int i = 0; i < n; i++) {
        out[i] = number_text(v[i], exponents);
        int zeros = 0;
        if (!isfinite(v[i]))
            continue;
        for (size_t k = strlen(out[i]); k && out[i][k - 1] == '0'; k--)
            zeros++;
        if (zeros < cut)
            cut = zeros;
    }
    for (int i = 0; i < n && !exponents; i++)
        if (isfinite(v[i]))
            out[i][strlen(out[i]) - (size_t)cut] = '\0';
}

static void put_right(struct buf *b, const char *text, int width)
{
    buf_printf(b, "  %*s", width, text); /* two blanks between columns */
}

static void put_index(struct buf *b, const char *text, int width, const char *turn)
{
    buf_str(b, text);
    for (int i = code_points(text); i < width; i++) /* not printf's width, which counts bytes */
        buf_char(b, ' ');
    if (turn)
        buf_printf(b, " %-4s", turn);    /* the width of "turn" */
}

static void put_empty(struct buf *b, const struct pandas_frame *f)
{
    buf_str(b, "Empty DataFrame\nColumns: [");
    for (int c = 0; c < f->n_columns; c++)
        buf_printf(b, "%s%s", c ? ", " : "", f->column[c].name);
    buf_str(b, "]\nIndex: []\n");
}

static int column_text(const struct pandas_column *c, int n, char **out) /* returns its width; the texts are the caller's to free */
{
    int width = (int)strlen(c->name);
    if (c->number)
        format_numbers(c->number, n, out);
    for (int i = 0; i < n; i++) {
        if (c->whole)
            out[i] = xasprintf("%ld", c->whole[i]);
        if ((int)strlen(out[i]) > width)
            width = (int)strlen(out[i]);
    }
    return width;
}

void pandas_put(struct buf *b, const struct pandas_frame *f)
{
    if (f->n == 0) {
        put_empty(b, f);
        return;
    }
    char **name = xcalloc((size_t)f->n, sizeof *name), **cell = xcalloc((size_t)f->n * (size_t)f->n_columns, sizeof *cell), turn[16] = "";
    int *width = xcalloc((size_t)f->n_columns, sizeof *width), left = 5;
    for (int i = 0; i < f->n; i++) {
        name[i] = index_text(f->model[i]);
        if (code_points(name[i]) > left)
            left = code_points(name[i]);
    }
    for (int c = 0; c < f->n_columns; c++)
        width[c] = column_text(&f->column[c], f->n, cell + (size_t)c * (size_t)f->n); /* cells column by column */
    snprintf(turn, sizeof turn, "%d", f->turn);
    put_index(b, "", left, f->turn ? "" : NULL);
    for (int c = 0; c < f->n_columns; c++)
        put_right(b, f->column[c].name, width[c]);
    buf_char(b, '\n');
    /* The line of the index names has empty cells up to the full width: trailing blanks, as pandas prints them. */
    put_index(b, "model", left, f->turn ? "turn" : NULL);
    for (int c = 0; c < f->n_columns; c++)
        put_right(b, "", width[c]);
    for (int i = 0; i < f->n; i++) {
        buf_char(b, '\n');
        put_index(b, name[i], left, f->turn ? turn : NULL);
        for (int c = 0; c < f->n_columns; c++)
            put_right(b, cell[(size_t)c * (size_t)f->n + (size_t)i], width[c]);
    }
    buf_char(b, '\n');
    for (int i = 0; i < f->n; i++)
        free(name[i]);
    for (int i = 0; i < f->n * f->n_columns; i++)
        free(cell[i]);
    free(name);
    free(cell);
    free(width);
}
