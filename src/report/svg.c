/* svg.c - elements of a picture. */
#include "svg.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- attributes ---- */

static void put_number(struct buf *b, double v)
{
    char text[40];
    int n = snprintf(text, sizeof text, "%.2f", fabs(v) < 0.005 ? 0.0 : v); /* no "-0.00" */
    while (text[n - 1] == '0')
        n--;
    n -= text[n - 1] == '.';
    buf_add(b, text, (size_t)n);
}

void svg_length(struct buf *b, const char *name, double value)
{
    buf_printf(b, " %s=\"", name);
    put_number(b, value);
    buf_char(b, '"');
}

void svg_exact(struct buf *b, const char *name, double value)
{
    if (!isfinite(value))                /* as null in JSON: there is no figure */
        return;
    buf_printf(b, " %s=\"", name);
    json_put_double(b, value);
    buf_char(b, '"');
}

void svg_words(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, " %s=\"", name);
    svg_escape_exact(b, value);
    buf_char(b, '"');
}

/* ---- elements ---- */

static void begin(struct svg *s, const char *element, const char *look)
{
    buf_printf(&s->body, "<%s", element);
    if (look && *look)
        buf_printf(&s->body, " %s", look);
}

static void end(struct svg *s)
{
    buf_str(&s->body, "/>\n");
}

void svg_open(struct svg *s, const char *element, const char *look)
{
    begin(s, element, look);
    buf_str(&s->body, ">\n");
}

void svg_close(struct svg *s, const char *element)
{
    buf_printf(&s->body, "</%s>\n", element);
}

void svg_tip(struct svg *s, const char *words)
{
    buf_str(&s->body, "<title>");
    svg_escape(&s->body, words);
    buf_str(&s->body, "</title>\n");
}

void svg_line(struct svg *s, double x1, double y1, double x2, double y2, const char *look)
{
    begin(s, "line", look);
    svg_length(&s->body, "x1", x1);
    svg_length(&s->body, "y1", y1);
    svg_length(&s->body, "x2", x2);
    svg_length(&s->body, "y2", y2);
    end(s);
}

void svg_rect(struct svg *s, double x, double y, double width, double height, const char *look)
{
    begin(s, "rect", look);
    svg_length(&s->body, "x", x);
    svg_length(&s->body, "y", y);
    svg_length(&s->body, "width", width);
    svg_length(&s->body, "height", height);
    end(s);
}

void svg_circle(struct svg *s, double x, double y, double r, const char *look)
{
    begin(s, "circle", look);
    svg_length(&s->body, "cx", x);
    svg_length(&s->body, "cy", y);
    svg_length(&s->body, "r", r);
    end(s);
}

void svg_path_to(struct buf *d, char command, double x, double y)
{
    buf_char(d, command);
    put_number(d, x);
    buf_char(d, ' ');
    put_number(d, y);
}

void svg_path(struct svg *s, const char *d, const char *look)
{
    begin(s, "path", look);
    buf_printf(&s->body, " d=\"%s\"", d);
    end(s);
}

/* Corners of the shapes, round the middle, for r = 1: areas are about those of the circle, so that none looks more important. */
struct corners { int n; double at[4][2]; };

void svg_shape(struct svg *s, enum svg_shape shape, double x, double y, double r)
{
    static const struct corners corners[] = {
        [SVG_SQUARE] = { 4, { { -.88, -.88 }, { .88, -.88 }, { .88, .88 }, { -.88, .88 } } },
        [SVG_DIAMOND] = { 4, { { 0, -1.25 }, { 1.25, 0 }, { 0, 1.25 }, { -1.25, 0 } } },
        [SVG_UP] = { 3, { { 0, -1.35 }, { 1.2, .8 }, { -1.2, .8 } } },
        [SVG_DOWN] = { 3, { { 0, 1.35 }, { 1.2, -.8 }, { -1.2, -.8 } } },
        [SVG_CROSS] = { 4, { { -1, -1 }, { 1, 1 }, { -1, 1 }, { 1, -1 } } },
    };
    struct buf d = {0};
    if (shape == SVG_CIRCLE) {
        svg_circle(s, x, y, r, "fill=\"currentColor\"");
        return;
    }
    const struct corners *c = &corners[shape];
    const bool cross = shape == SVG_CROSS; /* two strokes: a pen is put down at every second corner */
    for (int i = 0; i < c->n; i++)
        svg_path_to(&d, i == 0 || (cross && i == 2) ? 'M' : 'L', x + r * c->at[i][0], y + r * c->at[i][1]);
    if (!cross)
        buf_char(&d, 'Z');
    svg_path(s, d.data, cross ? "fill=\"none\" stroke=\"currentColor\" stroke-width=\"2.2\"" : "fill=\"currentColor\"");
    buf_free(&d);
}

static void put_text(struct svg *s, double x, double y, enum svg_anchor anchor, double size, bool turned, const char *look,
                     const char *words)
{
    static const char *const name[] = { "start", "middle", "end" };
    begin(s, "text", look);
    svg_length(&s->body, "x", x);
    svg_length(&s->body, "y", y);
    svg_length(&s->body, "font-size", size);
    if (anchor != SVG_START)
        buf_printf(&s->body, " text-anchor=\"%s\"", name[anchor]);
    if (turned) {
        buf_str(&s->body, " transform=\"rotate(-90 ");
        put_number(&s->body, x);
        buf_char(&s->body, ' ');
        put_number(&s->body, y);
        buf_str(&s->body, ")\"");
    }
    buf_char(&s->body, '>');
    svg_escape(&s->body, words);
    buf_str(&s->body, "</text>\n");
}

void svg_text(struct svg *s, double x, double y, enum svg_anchor anchor, double size, const char *look, const char *words)
{
    put_text(s, x, y, anchor, size, false, look, words);
}

void svg_text_turned(struct svg *s, double x, double y, enum svg_anchor anchor, double size, const char *look, const char *words)
{
    put_text(s, x, y, anchor, size, true, look, words);
}
