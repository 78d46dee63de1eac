/* sheet_papers.c - a table of results as papers and pages have it: Markdown and LaTeX. What stands in a cell is text there, whatever it
 * looks like. */
#include "mtbench/sheet.h"

#include "html.h"

#include "mtbench/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

typedef void put_text_f(struct buf *, const char *);

/* ---- pieces of both ---- */

/* Names to the left; what has no letter, and what is no text, is a figure. */
static bool is_left(const struct sheet *s, int column)
{
    bool letters = column == 0;
    for (int i = column; i < s->n_cells; i += s->n_columns) {
        if (s->cell[i].kind == CELL_INT || s->cell[i].kind == CELL_NUMBER)
            return column == 0;
        for (const char *p = s->cell[i].kind == CELL_TEXT ? s->cell[i].text : ""; *p; p++)
            letters |= isalpha((unsigned char)*p) != 0;
    }
    return letters;
}

static void put_cell(struct buf *b, const struct sheet *s, int row, int column, const char *empty, put_text_f *put)
{
    if (row < 0) {                       /* the line of heads */
        put(b, s->column[column].head);
        return;
    }
    const struct sheet_cell *c = &s->cell[row * s->n_columns + column];
    char figure[400];                    /* the largest double has 309 digits */
    if (c->kind == CELL_INT)
        snprintf(figure, sizeof figure, "%ld", c->whole);
    else if (c->kind == CELL_NUMBER)
        snprintf(figure, sizeof figure, "%.*f", s->column[column].decimals, c->number);
    if (c->kind == CELL_EMPTY)
        buf_str(b, empty);
    else
        put(b, c->kind == CELL_TEXT ? c->text : figure);
}

static bool shown(const struct sheet *s, int column)
{
    return s->column[column].where & SHEET_TEXT;
}

/* ---- Markdown ---- */

/* GitHub's, whose tables end a cell at any pipe without a backslash, and whose dollars are TeX. */
void sheet_put_markdown_words(struct buf *b, const char *text)
{
    struct buf clean = {0};
    html_clean(&clean, text, strlen(text));
    for (size_t i = 0; i < clean.len; i++) {
        const char c = clean.data[i];
        if (c == '\n' || c == '\t')
            buf_char(b, '?');
        else if (strchr("\\`*_]<>&|~$#@", c)) /* not [, which would begin TeX */
            buf_printf(b, "\\%c", c);
        else
            buf_char(b, c);
    }
    buf_free(&clean);
}

struct layout { bool left; int width; }; /* of a column */

static void put_markdown_row(struct buf *b, const struct sheet *s, int row, const struct layout *l)
{
    struct buf cell = {0};
    for (int c = 0; c < s->n_columns; c++) {
        if (!shown(s, c))
            continue;
        buf_clear(&cell);
        put_cell(&cell, s, row, c, "-", sheet_put_markdown_words);
        const int gap = l[c].width - sheet_width(cell.len ? cell.data : "");
        buf_printf(b, "| %*s%s%*s ", l[c].left ? 0 : gap, "", cell.len ? cell.data : "", l[c].left ? gap : 0, "");
    }
    buf_str(b, "|\n");
    buf_free(&cell);
}

static void put_rule(struct buf *b, const struct sheet *s, const struct layout *l)
{
    for (int c = 0; c < s->n_columns; c++) {
        if (!shown(s, c))
            continue;
        buf_str(b, l[c].left ? "| :" : "| ");
        for (int i = 1; i < l[c].width; i++)
            buf_char(b, '-');
        buf_str(b, l[c].left ? " " : ": ");
    }
    buf_str(b, "|\n");
}

static struct layout *lay_out(const struct sheet *s)
{
    struct layout *l = xcalloc((size_t)s->n_columns + 1, sizeof *l);
    struct buf cell = {0};
    for (int c = 0; c < s->n_columns; c++) {
        l[c] = (struct layout){ is_left(s, c), 3 }; /* the shortest rule that every reader of Markdown takes for one */
        for (int row = -1; row < s->n_cells / s->n_columns; row++) {
            buf_clear(&cell);
            put_cell(&cell, s, row, c, "-", sheet_put_markdown_words);
            const int w = sheet_width(cell.len ? cell.data : "");
            l[c].width = w > l[c].width ? w : l[c].width;
        }
    }
    buf_free(&cell);
    return l;
}

void sheet_put_markdown(const struct sheet *s, const char *title, struct buf *b)
{
    struct layout *l = lay_out(s);
    buf_str(b, "**");
    sheet_put_markdown_words(b, title);
    buf_str(b, "**\n\n");
    put_markdown_row(b, s, -1, l);
    put_rule(b, s, l);
    for (int row = 0; row < s->n_cells / s->n_columns; row++)
        put_markdown_row(b, s, row, l);
    bool any = false;                    /* the first sentence has a blank line before it, which ends the table */
    for (int i = 0; i < s->n_facts; i++) {
        if (!s->fact[i].sentence)
            continue;
        buf_str(b, any ? "- " : "\n- ");
        sheet_put_markdown_words(b, s->fact[i].sentence);
        buf_char(b, '\n');
        any = true;
    }
    free(l);
}

/* ---- LaTeX ---- */

/* Characters that mean something to TeX, or that its fonts put together with the next one. */
static const char *latex_of(const char *text, size_t i)
{
    const char before = i ? text[i - 1] : ' ', next = text[i] ? text[i + 1] : '\0';
    switch (text[i]) {
    case '\\': return "\\textbackslash{}";
    case '{': return "\\{";
    case '}': return "\\}";
    case '_': return "\\_";
    case '%': return "\\%";
    case '&': return "\\&";
    case '#': return "\\#";
    case '$': return "\\$";
    case '^': return "\\textasciicircum{}";
    case '~': return "\\textasciitilde{}";
    case '<': return "\\textless{}";
    case '>': return "\\textgreater{}";
    case '|': return "\\textbar{}";
    case '"': return "\\char34{}";       /* babel makes a command of the character itself */
    case '[': return "{[}";              /* \\[ at the end of a row takes a length */
    case ']': return "{]}";
    case '*': return "{*}";              /* so does \\* */
    case '-': return isdigit((unsigned char)next) && strchr(" (", before) ? "$-$" : next == '-' ? "-{}" : NULL;
    case '\'': case '`': case ',': case '?': case '!': return next && strchr("'`,", next) ? "" : NULL;
    default: return NULL;
    }
}

static void put_latex(struct buf *b, const char *text)
{
    const size_t n = strlen(text);
    utf8proc_int32_t c;
    for (size_t i = 0, len; i < n; i += len) {
        const char *as = latex_of(text, i);
        const utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)text + i, (utf8proc_ssize_t)(n - i), &c);
        len = k < 1 ? 1 : (size_t)k;
        if (k < 1 || html_unseen((uint32_t)c)) /* a number in brackets would want a font that has them */
            buf_char(b, '?');
        else if (as && *as)
            buf_str(b, as);
        else
            buf_add(b, text + i, len);
        if (as && !*as)
            buf_str(b, "{}");            /* ends a ligature */
    }
}

static void put_latex_row(struct buf *b, const struct sheet *s, int row)
{
    bool first = true;
    for (int c = 0; c < s->n_columns; c++) {
        if (!shown(s, c))
            continue;
        buf_str(b, first ? "" : " & ");
        put_cell(b, s, row, c, "--", put_latex);
        first = false;
    }
    buf_str(b, " \\\\\n");
}

void sheet_put_latex(const struct sheet *s, const char *title, struct buf *b)
{
    buf_str(b, "% \\usepackage{booktabs}; for names with other than Latin letters XeLaTeX or LuaLaTeX\n"
               "\\begin{table}\n\\centering\n\\caption{");
    put_latex(b, title);
    buf_str(b, "}\n\\begin{tabular}{");
    for (int c = 0; c < s->n_columns; c++)
        if (shown(s, c))
            buf_char(b, is_left(s, c) ? 'l' : 'r');
    buf_str(b, "}\n\\toprule\n");
    put_latex_row(b, s, -1);
    buf_str(b, "\\midrule\n");
    for (int row = 0; row < s->n_cells / s->n_columns; row++)
        put_latex_row(b, s, row);
    buf_str(b, "\\bottomrule\n\\end{tabular}\n");
    for (int i = 0; i < s->n_facts; i++) {
        if (!s->fact[i].sentence)
            continue;
        buf_str(b, "\\par\\smallskip{\\footnotesize ");
        put_latex(b, s->fact[i].sentence);
        buf_str(b, "}\n");
    }
    buf_str(b, "\\end{table}\n");
}
