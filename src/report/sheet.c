/* sheet.c - a table of results, as text, CSV and JSON. */
#include "mtbench/sheet.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- filling ---- */

/* 'name' is for programs and never changes; 'head' is for people. */
void sheet_column(struct sheet *s, const char *name, const char *head, int decimals, int where)
{
    s->column = xrealloc(s->column, (size_t)s->n_columns + 1, sizeof *s->column);
    s->column[s->n_columns++] = (struct sheet_column){ xstrdup(name), xstrdup(head ? head : name), decimals, where };
}

/* Cells come row by row: a view that forgets one shifts all that follow, so every branch of a view adds the same
 * number. */
static void add(struct sheet *s, struct sheet_cell cell)
{
    if ((s->n_cells & (s->n_cells - 1)) == 0)        /* room doubles at every power of two */
        s->cell = xrealloc(s->cell, s->n_cells ? (size_t)s->n_cells * 2 : 1, sizeof *s->cell);
    s->cell[s->n_cells++] = cell;
}

static struct sheet_cell number_cell(double v)
{
    /* "no number" is shown as such, never as 0. */
    return isnan(v) ? (struct sheet_cell){ .kind = CELL_EMPTY } : (struct sheet_cell){ .kind = CELL_NUMBER, .number = v };
}

static char *format(const char *fmt, va_list ap)
{
    char *text = NULL;
    if (fmt && vasprintf(&text, fmt, ap) < 0) /* NULL: a fact for machines, without a sentence */
        text = xstrdup("");
    return text;
}

void sheet_text(struct sheet *s, const char *text)
{
    if (text)
        add(s, (struct sheet_cell){ .kind = CELL_TEXT, .text = xstrdup(text) });
    else
        sheet_empty(s);
}

void sheet_printf(struct sheet *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(s, (struct sheet_cell){ .kind = CELL_TEXT, .text = format(fmt, ap) });
    va_end(ap);
}

void sheet_int(struct sheet *s, long v)
{
    add(s, (struct sheet_cell){ .kind = CELL_INT, .whole = v });
}

void sheet_number(struct sheet *s, double v)
{
    add(s, number_cell(v));
}

void sheet_empty(struct sheet *s)
{
    add(s, (struct sheet_cell){ .kind = CELL_EMPTY });
}

static void add_fact(struct sheet *s, const char *name, struct sheet_cell value, const char *fmt, va_list ap)
{
    s->fact = xrealloc(s->fact, (size_t)s->n_facts + 1, sizeof *s->fact);
    s->fact[s->n_facts++] = (struct sheet_fact){ name, value, format(fmt, ap) }; /* 'name' is a constant of the view */
}

void sheet_fact_text(struct sheet *s, const char *name, const char *text, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_fact(s, name, (struct sheet_cell){ .kind = text ? CELL_TEXT : CELL_EMPTY, .text = text ? xstrdup(text) : NULL }, fmt, ap);
    va_end(ap);
}

void sheet_fact_number(struct sheet *s, const char *name, double v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_fact(s, name, number_cell(v), fmt, ap);
    va_end(ap);
}

void sheet_fact_int(struct sheet *s, const char *name, long v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add_fact(s, name, (struct sheet_cell){ .kind = CELL_INT, .whole = v }, fmt, ap);
    va_end(ap);
}

void sheet_free(struct sheet *s)
{
    for (int i = 0; i < s->n_cells; i++)
        free(s->cell[i].text);
    for (int i = 0; i < s->n_facts; i++) {
        free(s->fact[i].value.text);
        free(s->fact[i].sentence);
    }
    for (int i = 0; i < s->n_columns; i++) {
        free(s->column[i].name);
        free(s->column[i].head);
    }
    free(s->cell);
    free(s->column);
    free(s->fact);
    *s = (struct sheet){0};
}

/* ---- text ---- */

int sheet_width(const char *s)
{
    int n = 0;
    for (; *s; s++)
        n += (*s & 0xc0) != 0x80;
    return n;
}

/* The cell as people read it; a name from a file cannot break lines or move the cursor. */
static void put_cell(const struct sheet_cell *c, int decimals, struct buf *b)
{
    if (c->kind == CELL_EMPTY)
        buf_char(b, '-');
    else if (c->kind == CELL_INT)
        buf_printf(b, "%ld", c->whole);
    else if (c->kind == CELL_NUMBER)
        buf_printf(b, "%.*f", decimals, c->number);
    else
        for (const char *p = c->text; *p; p++)
            buf_char(b, (unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p);
}

/* By hand: printf's width counts bytes, and names hold other letters. */
static void put_padded(struct buf *b, const char *text, int width, bool left)
{
    int gap = width - sheet_width(text);
    if (left)
        buf_str(b, text);
    while (gap-- > 0)
        buf_char(b, ' ');
    if (!left)
        buf_str(b, text);
}

static void put_row(const struct sheet *s, const struct sheet_cell *row, const int *width, struct buf *b)
{
    struct buf cell = {0};
    bool first = true;
    for (int c = 0; c < s->n_columns; c++) {
        if (!(s->column[c].where & SHEET_TEXT))
            continue;
        buf_clear(&cell);
        if (row)                         /* NULL: the line of heads */
            put_cell(&row[c], s->column[c].decimals, &cell);
        else
            buf_str(&cell, s->column[c].head);
        if (!first)
            buf_str(b, "  ");
        put_padded(b, cell.data ? cell.data : "", width[c], first); /* names to the left, numbers to the right */
        first = false;
    }
    while (b->len && b->data[b->len - 1] == ' ')
        b->data[--b->len] = '\0';
    buf_char(b, '\n');
    buf_free(&cell);
}

void sheet_put_text(const struct sheet *s, struct buf *b)
{
    int *width = xcalloc((size_t)s->n_columns + 1, sizeof *width);
    struct buf cell = {0};
    for (int c = 0; c < s->n_columns; c++)
        width[c] = sheet_width(s->column[c].head);
    for (int i = 0; i < s->n_cells; i++) {
        buf_clear(&cell);
        put_cell(&s->cell[i], s->column[i % s->n_columns].decimals, &cell);
        int w = sheet_width(cell.data ? cell.data : "");
        if (w > width[i % s->n_columns])
            width[i % s->n_columns] = w;
    }
    put_row(s, NULL, width, b);
    for (int i = 0; i < s->n_cells; i += s->n_columns)
        put_row(s, s->cell + i, width, b);
    bool any = false;                    /* the first sentence has a blank line before it */
    for (int i = 0; i < s->n_facts; i++) {
        if (!s->fact[i].sentence)        /* for JSON only */
            continue;
        buf_printf(b, "%s%s\n", any ? "" : "\n", s->fact[i].sentence);
        any = true;
    }
    buf_free(&cell);
    free(width);
}

/* ---- CSV ---- */

static void put_csv_text(struct buf *b, const char *text)
{
    if (!text[strcspn(text, ",\"\r\n")]) { /* RFC 4180: quotes only where they are needed */
        buf_str(b, text);
        return;
    }
    buf_char(b, '"');
    for (; *text; text++)
        buf_printf(b, *text == '"' ? "\"\"" : "%c", *text); /* a quote is doubled */
    buf_char(b, '"');
}

void sheet_put_csv(const struct sheet *s, struct buf *b)
{
    for (int row = -1; row < s->n_cells / s->n_columns; row++) { /* -1: the names of the columns */
        bool first = true;
        for (int c = 0; c < s->n_columns; c++) {
            if (!(s->column[c].where & SHEET_DATA))
                continue;
            const struct sheet_cell *cell = row < 0 ? NULL : &s->cell[row * s->n_columns + c];
            if (!first)
                buf_char(b, ',');
            first = false;
            if (!cell || cell->kind == CELL_TEXT)
                put_csv_text(b, cell ? cell->text : s->column[c].name);
            else if (cell->kind == CELL_INT)
                buf_printf(b, "%ld", cell->whole);
            else if (cell->kind == CELL_NUMBER)
                json_put_double(b, cell->number); /* all digits: rounding is for the text form */
        }
        buf_char(b, '\n');
    }
}

/* ---- JSON ---- */

static void put_member(struct buf *b, bool first, const char *name, const struct sheet_cell *c)
{
    if (!first)
        buf_str(b, ", ");
    json_put_string(b, name, strlen(name));
    buf_str(b, ": ");
    if (c->kind == CELL_TEXT)
        json_put_string(b, c->text, strlen(c->text));
    else if (c->kind == CELL_INT)
        json_put_int(b, c->whole);
    else if (c->kind == CELL_NUMBER && isfinite(c->number)) /* JSON has no word for the others */
        json_put_double(b, c->number);
    else
        buf_str(b, "null");
}

void sheet_put_json(const struct sheet *s, struct buf *b)
{
    /* What the numbers are of (judge, mode, failures) travels with them: a table without it cannot be told from
     * another. */
    buf_str(b, "{\"about\": {");
    for (int i = 0; i < s->n_facts; i++)
        put_member(b, i == 0, s->fact[i].name, &s->fact[i].value);
    buf_str(b, "},\n \"rows\": [");
    for (int row = 0; row < s->n_cells / s->n_columns; row++) {
        bool first = true;
        buf_str(b, row ? ",\n  {" : "\n  {");
        for (int c = 0; c < s->n_columns; c++) {
            if (!(s->column[c].where & SHEET_DATA))
                continue;
            put_member(b, first, s->column[c].name, &s->cell[row * s->n_columns + c]);
            first = false;
        }
        buf_char(b, '}');
    }
    buf_str(b, "\n ]}\n");
}

/* ---- any of the forms ---- */

bool sheet_is_read(enum sheet_form form)
{
    return form != SHEET_AS_CSV && form != SHEET_AS_JSON;
}

void sheet_put(const struct sheet *s, enum sheet_form form, const char *title, struct buf *b)
{
    switch (form) {
    case SHEET_AS_CSV: sheet_put_csv(s, b); break;
    case SHEET_AS_JSON: sheet_put_json(s, b); break;
    case SHEET_AS_MARKDOWN: sheet_put_markdown(s, title, b); break;
    case SHEET_AS_LATEX: sheet_put_latex(s, title, b); break;
    default: sheet_put_text(s, b);
    }
}
