/* picture_boxes.h - the words of an SVG as boxes, to see whether any two of them touch, and its marks with their figures. For our own
 * pictures only: it knows the forms that src/report/svg.c writes. */
#ifndef MTB_TEST_PICTURE_BOXES_H
#define MTB_TEST_PICTURE_BOXES_H

#include "src/report/svg.h"

#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct box { double left, top, right, bottom; char words[80]; };
struct boxes { struct box *box; int n; double width, height; };

/* The value of an attribute of the element at 'at', in place; NULL: it has none. '*n' is its length. */
__attribute__((unused)) static const char *attribute(const char *at, const char *name, size_t *n)
{
    const size_t whole = strcspn(at, ">"); /* never raw inside a value */
    char *key = xasprintf(" %s=\"", name);
    const size_t length = strlen(key);
    const char *found = memmem(at, whole, key, length);
    free(key);
    if (!found)
        return NULL;
    *n = strcspn(found + length, "\"");
    return found + length;
}

static double number_in(const char *at, const char *name, double otherwise)
{
    size_t n;
    const char *v = attribute(at, name, &n);
    return v ? strtod(v, NULL) : otherwise;
}

static char *unescaped(const char *from, size_t n)
{
    static const struct { const char *as; const char *is; } known[] = { { "&amp;", "&" }, { "&lt;", "<" }, { "&gt;", ">" },
                                                                        { "&quot;", "\"" }, { "&#39;", "'" } };
    struct buf b = {0};
    for (const char *c = from; c < from + n;) {
        int k = 0;
        while (k < 5 && strncmp(c, known[k].as, strlen(known[k].as)))
            k++;
        if (k < 5)
            buf_str(&b, known[k].is);
        else
            buf_char(&b, *c);
        c += k < 5 ? strlen(known[k].as) : 1;
    }
    return buf_steal(&b);
}

static struct box box_of(const char *at)
{
    size_t n = 0;
    const char *anchor = attribute(at, "text-anchor", &n), *words = strchr(at, '>') + 1;
    const double x = number_in(at, "x", 0), y = number_in(at, "y", 0), size = number_in(at, "font-size", 0);
    char *text = unescaped(words, (size_t)(strstr(words, "</text>") - words));
    const double width = svg_text_width(text, size), back = !anchor ? 0 : *anchor == 'm' ? width / 2 : width;
    struct box b = { x - back, y - SVG_ASCENT * size, x - back + width, y + SVG_DESCENT * size, "" };
    if (attribute(at, "transform", &n))  /* turned: along the line is upwards, above it is left */
        b = (struct box){ x - SVG_ASCENT * size, y + back - width, x + SVG_DESCENT * size, y + back, "" };
    snprintf(b.words, sizeof b.words, "%s", text);
    free(text);
    return b;
}

static void boxes_of(struct boxes *out, const char *svg)
{
    *out = (struct boxes){ .width = number_in(svg, "width", 0), .height = number_in(svg, "height", 0) };
    for (const char *at = strstr(svg, "<text "); at; at = strstr(at + 1, "<text ")) {
        out->box = xrealloc(out->box, (size_t)out->n + 1, sizeof *out->box);
        out->box[out->n++] = box_of(at);
    }
}

/* How many boxes touch another one or leave the picture; the first three are printed. */
static int boxes_at_fault(const struct boxes *b)
{
    const double hair = 0.02;            /* coordinates are written with two digits */
    int faults = 0;
    for (int i = 0; i < b->n; i++) {
        const struct box *x = &b->box[i];
        if (x->left < -hair || x->top < -hair || x->right > b->width + hair || x->bottom > b->height + hair) {
            if (faults++ < 3)
                printf("# leaves the picture: '%s' %g..%g, %g..%g of %g x %g\n", x->words, x->left, x->right, x->top, x->bottom, b->width,
                       b->height);
        }
        for (int k = i + 1; k < b->n; k++) {
            const struct box *y = &b->box[k];
            if (x->left + hair < y->right && y->left + hair < x->right && x->top + hair < y->bottom && y->top + hair < x->bottom &&
                faults++ < 3)
                printf("# touch: '%s' %g..%g, %g..%g and '%s' %g..%g, %g..%g\n", x->words, x->left, x->right, x->top, x->bottom, y->words,
                       y->left, y->right, y->top, y->bottom);
        }
    }
    return faults;
}

#endif
