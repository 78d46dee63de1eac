/* sheet.h - a table of results, and its forms: text for people, CSV, JSON, Markdown, LaTeX (room: report). */
#ifndef MTB_SHEET_H
#define MTB_SHEET_H

#include "mtbench/buf.h"

#include <stdbool.h>

/* The forms, and their names in the order of the numbers, for flags. */
enum sheet_form { SHEET_AS_TEXT, SHEET_AS_CSV, SHEET_AS_JSON, SHEET_AS_MARKDOWN, SHEET_AS_LATEX, SHEET_FORM_COUNT };
#define SHEET_FORMS "table|csv|json|markdown|latex"
/* Is the form for people, who want few columns and sentences? The others are for programs. */
bool sheet_is_read(enum sheet_form form);

enum sheet_where { SHEET_TEXT = 1, SHEET_DATA = 2, SHEET_ALL = 3 };      /* of forms for people; for programs; all */

struct sheet_column {
    char *name;                          /* in CSV and JSON; owned */
    char *head;                          /* over the text column; NULL: name */
    int decimals;                        /* of numbers in text; data has all digits */
    int where;                           /* enum sheet_where */
};

struct sheet_cell {
    enum { CELL_EMPTY, CELL_TEXT, CELL_INT, CELL_NUMBER } kind;
    char *text;
    long whole;
    double number;
};

/* Something about the whole: in text a sentence under the table, in JSON a member of "about". */
struct sheet_fact {
    const char *name;
    struct sheet_cell value;
    char *sentence;                      /* NULL: not in text */
};

struct sheet {
    struct sheet_column *column;
    int n_columns;
    struct sheet_cell *cell;             /* (n_cells) row by row */
    int n_cells;
    struct sheet_fact *fact;
    int n_facts;
};

/* First all columns, then cells in their order, row after row. NAN is an empty cell. Texts, names and heads are copied. */
void sheet_column(struct sheet *s, const char *name, const char *head, int decimals, int where);
void sheet_text(struct sheet *s, const char *text);
void sheet_printf(struct sheet *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void sheet_int(struct sheet *s, long v);
void sheet_number(struct sheet *s, double v);
void sheet_empty(struct sheet *s);
/* The sentence is printf's; NULL: none. */
void sheet_fact_text(struct sheet *s, const char *name, const char *text, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void sheet_fact_number(struct sheet *s, const char *name, double v, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void sheet_fact_int(struct sheet *s, const char *name, long v, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void sheet_put_text(const struct sheet *s, struct buf *b);       /* first column left, the others right; empty cells are "-" */
void sheet_put_csv(const struct sheet *s, struct buf *b);        /* RFC 4180 with a header line and plain newlines */
void sheet_put_json(const struct sheet *s, struct buf *b);       /* {"about": {...}, "rows": [{...}, ...]}, a row a line */
/* GitHub's Markdown: the title, the table, the sentences as a list. No cell is markup, whatever it holds. */
void sheet_put_markdown(const struct sheet *s, const char *title, struct buf *b);
/* Words as Markdown shows them in a line of text or a cell. */
void sheet_put_markdown_words(struct buf *b, const char *text);
/* A table environment with booktabs' rules: the title as its caption, the sentences under it. Special characters are escaped, control
 * characters are "?". */
void sheet_put_latex(const struct sheet *s, const char *title, struct buf *b);
/* Any of these; the title stands in Markdown and LaTeX alone. */
void sheet_put(const struct sheet *s, enum sheet_form form, const char *title, struct buf *b);
/* Columns that a text takes: code points, good enough for names; wide characters stand out a little. */
int sheet_width(const char *text);
void sheet_free(struct sheet *s);

#endif
