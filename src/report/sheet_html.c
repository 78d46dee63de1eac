/* sheet_html.c - a sheet as an HTML table. */
#include "sheet_html.h"

#include "html.h"

#include "mtbench/json.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static void put_text(struct buf *b, const char *s)
{
    html_put_text(b, s, strlen(s));
}

/* All that CSV and JSON would have of it. */
static void put_value(struct buf *b, const struct sheet_cell *c)
{
    if (c->kind == CELL_TEXT)
        put_text(b, c->text);
    else if (c->kind == CELL_INT)
        buf_printf(b, "%ld", c->whole);
    else if (c->kind == CELL_NUMBER && isfinite(c->number))
        json_put_double(b, c->number);
}

static void put_shown(struct buf *b, const struct sheet_cell *c, int decimals)
{
    if (c->kind == CELL_NUMBER)
        buf_printf(b, "%.*f", decimals, c->number);
    else
        put_value(b, c);
}

static void put_heads(struct buf *b, const struct sheet *s)
{
    buf_str(b, "<thead><tr>");
    for (int c = 0; c < s->n_columns; c++) {
        if (!(s->column[c].where & SHEET_TEXT))
            continue;
        buf_str(b, "<th scope=\"col\" data-name=\"");
        put_text(b, s->column[c].name);
        buf_str(b, "\">");
        put_text(b, s->column[c].head);
        buf_str(b, "</th>");
    }
    buf_str(b, "</tr></thead>\n");
}

/* Names of such columns are words of ours, and fit into an attribute's name. */
static void put_row_data(struct buf *b, const struct sheet *s, const struct sheet_cell *row)
{
    for (int c = 0; c < s->n_columns; c++) {
        if (s->column[c].where & SHEET_TEXT || row[c].kind == CELL_EMPTY)
            continue;
        buf_printf(b, " data-%s=\"", s->column[c].name);
        put_value(b, &row[c]);
        buf_char(b, '"');
    }
}

/* Words stand to the left, and may be many; an interval of two numbers stands among numbers. */
static bool has_words(const char *text)
{
    for (; *text; text++)
        if (isalpha((unsigned char)*text))
            return true;
    return false;
}

/* A table's first column names its rows. An interval of two numbers is a text, and its numbers are the row's. */
static void put_cell(struct buf *b, const struct sheet_cell *c, int decimals, bool head)
{
    buf_str(b, head ? "<th scope=\"row\"" : "<td");
    if (c->kind != CELL_EMPTY && (head || c->kind != CELL_TEXT)) {
        buf_str(b, " data-v=\"");
        put_value(b, c);
        buf_char(b, '"');
    } else if (c->kind == CELL_TEXT && has_words(c->text)) {
        buf_str(b, " class=\"text\"");
    }
    buf_char(b, '>');
    put_shown(b, c, decimals);
    buf_str(b, head ? "</th>" : "</td>");
}

static void put_row(struct buf *b, const struct sheet *s, const struct sheet_cell *row)
{
    bool head = true;
    buf_str(b, "<tr");
    put_row_data(b, s, row);
    buf_char(b, '>');
    for (int c = 0; c < s->n_columns; c++) {
        if (!(s->column[c].where & SHEET_TEXT))
            continue;
        put_cell(b, &row[c], s->column[c].decimals, head);
        head = false;
    }
    buf_str(b, "</tr>\n");
}

void sheet_put_html(struct buf *b, const struct sheet *s, const char *caption, const char *attributes)
{
    buf_str(b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");    /* by the keyboard, too */
    put_text(b, caption);
    buf_printf(b, "\"><table class=\"sheet\"%s><caption>", attributes);
    put_text(b, caption);
    buf_str(b, "</caption>\n");
    put_heads(b, s);
    buf_str(b, "<tbody>\n");
    for (int i = 0; i < s->n_cells; i += s->n_columns)
        put_row(b, s, s->cell + i);
    buf_str(b, "</tbody></table>\n");
    for (int i = 0; i < s->n_facts; i++) {
        if (!s->fact[i].sentence)
            continue;
        buf_str(b, "<p class=\"fact\">");
        put_text(b, s->fact[i].sentence);
        buf_str(b, "</p>\n");
    }
    buf_str(b, "</div>\n");
}
