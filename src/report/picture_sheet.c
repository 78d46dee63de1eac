/* picture_sheet.c - a sheet as what plots need of it: figures by the names of columns, two keys as a table. */
#include "picture.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int picture_column(const struct sheet *s, const char *name)
{
    for (int c = 0; c < s->n_columns; c++)
        if (!strcmp(s->column[c].name, name))
            return c;
    return -1;
}

int picture_rows(const struct sheet *s)
{
    return s->n_columns ? s->n_cells / s->n_columns : 0;
}

static double number_of(const struct sheet_cell *c)
{
    if (c->kind == CELL_INT)
        return (double)c->whole;
    return c->kind == CELL_NUMBER && isfinite(c->number) ? c->number : NAN; /* infinite is null in JSON, too */
}

double picture_value(const struct sheet *s, int row, const char *column)
{
    const int c = picture_column(s, column);
    return c < 0 ? NAN : number_of(&s->cell[row * s->n_columns + c]);
}

char *picture_word(const struct sheet *s, int row, const char *column)
{
    const int c = picture_column(s, column);
    const struct sheet_cell *cell = c < 0 ? NULL : &s->cell[row * s->n_columns + c];
    if (!cell || cell->kind == CELL_EMPTY)
        return xstrdup("");
    if (cell->kind == CELL_TEXT)
        return xstrdup(cell->text);
    return cell->kind == CELL_INT ? xasprintf("%s %ld", column, cell->whole) : xasprintf("%s %g", column, cell->number);
}

double picture_fact(const struct sheet *s, const char *name)
{
    for (int i = 0; i < s->n_facts; i++)
        if (!strcmp(s->fact[i].name, name))
            return number_of(&s->fact[i].value);
    return NAN;
}

/* ---- two keys ---- */

/* The place of a word in the list, which it joins if it is new. Mostly it is the last one, or the one behind the last one found. */
static int place_of(char ***list, int *n, const char *word, int guess)
{
    for (int i = 0; i < *n; i++) {
        const int k = (guess + i) % *n;
        if (!strcmp((*list)[k], word))
            return k;
    }
    *list = xrealloc(*list, (size_t)*n + 1, sizeof **list);
    (*list)[*n] = xstrdup(word);
    return (*n)++;
}

struct keyed { int row, part; };

static struct keyed *read_keys(struct cross *c, const struct sheet *s, const char *row, const char *part, int n)
{
    struct keyed *k = xcalloc((size_t)n + 1, sizeof *k);
    for (int i = 0; i < n; i++) {
        char *model = picture_word(s, i, row), *which = part ? picture_word(s, i, part) : xstrdup("");
        k[i].row = place_of(&c->row, &c->n_rows, model, i ? k[i - 1].row : 0);
        k[i].part = place_of(&c->part, &c->n_parts, which, i ? k[i - 1].part + 1 : 0);
        free(model);
        free(which);
    }
    return k;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void cross_make(struct cross *c, const struct picture *p, const char *row, const char *part)
{
    const int n = picture_rows(p->sheet);
    *c = (struct cross){0};
    if (p->look->by_name) {              /* once in order, the names find their rows again below */
        free(read_keys(c, p->sheet, row, part, n));
        qsort(c->row, (size_t)c->n_rows, sizeof *c->row, by_name);
    }
    struct keyed *k = read_keys(c, p->sheet, row, part, n);
    c->at = xcalloc((size_t)c->n_rows * (size_t)c->n_parts + 1, sizeof *c->at);
    for (int i = 0; i < c->n_rows * c->n_parts; i++)
        c->at[i] = -1;
    for (int i = 0; i < n; i++)
        c->at[k[i].row * c->n_parts + k[i].part] = i;
    free(k);
}

int cross_at(const struct cross *c, int row, int part)
{
    return c->at[row * c->n_parts + part];
}

void cross_free(struct cross *c)
{
    for (int i = 0; i < c->n_rows; i++)
        free(c->row[i]);
    for (int i = 0; i < c->n_parts; i++)
        free(c->part[i]);
    free(c->row);
    free(c->part);
    free(c->at);
    *c = (struct cross){0};
}
