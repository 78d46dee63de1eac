/* svg.h - a small canvas: elements of SVG 1.1 in the order they are drawn, and how wide words are (room: report, its own).
 * A page's Content-Security-Policy may forbid style attributes, so looks are presentation attributes and classes. Lengths are pixels of the
 * picture, y goes down; they are written with two digits behind the point, so that bytes are equal everywhere. */
#ifndef MTB_SVG_H
#define MTB_SVG_H

#include "mtbench/buf.h"

struct svg {
    struct buf body;                     /* what was drawn; the root element comes when its size is known */
    double width, height;
};

enum svg_anchor { SVG_START, SVG_MIDDLE, SVG_END };
enum svg_shape { SVG_CIRCLE, SVG_SQUARE, SVG_DIAMOND, SVG_UP, SVG_DOWN, SVG_CROSS, SVG_SHAPES };

/* A box of words takes this much of the size of its letters above and below the line that they stand on. */
#define SVG_ASCENT 0.95
#define SVG_DESCENT 0.25

/* 'look' is attributes as they stand in the element, "class=\"mp-grid\" stroke=\"#ccc\"". */
void svg_line(struct svg *s, double x1, double y1, double x2, double y2, const char *look);
void svg_rect(struct svg *s, double x, double y, double width, double height, const char *look);
void svg_circle(struct svg *s, double x, double y, double r, const char *look);
/* A mark of about 2 r across; a cross is strokes, the others are filled. */
void svg_shape(struct svg *s, enum svg_shape shape, double x, double y, double r);
/* 'd' as svg_path_to() makes it. */
void svg_path(struct svg *s, const char *d, const char *look);
void svg_path_to(struct buf *d, char command, double x, double y);
/* One line of words. 'turned': read from below to above, the anchor still being where it starts, is in the middle, ends. */
void svg_text(struct svg *s, double x, double y, enum svg_anchor anchor, double size, const char *look, const char *words);
void svg_text_turned(struct svg *s, double x, double y, enum svg_anchor anchor, double size, const char *look, const char *words);
/* Elements that hold others. */
void svg_open(struct svg *s, const char *element, const char *look);
void svg_close(struct svg *s, const char *element);
/* <title>, which browsers show to a pointer that rests there. */
void svg_tip(struct svg *s, const char *words);

/* " name=\"value\"" of a number with two digits behind the point; of one with all digits, or nothing where it is no number; of words,
 * exactly. */
void svg_length(struct buf *b, const char *name, double value);
void svg_exact(struct buf *b, const char *name, double value);
void svg_words(struct buf *b, const char *name, const char *value);

/* ---- words ---- */

/* Words as they can stand in XML and in a line: bytes that are no UTF-8 and characters that change the direction or the place of others
 * become U+FFFD, control characters their pictures (U+2400), and of accents on one letter two stay. Caller frees. */
char *svg_clean(const char *words);
/* Append words, cleaned, with what has a meaning in XML escaped. */
void svg_escape(struct buf *b, const char *words);
/* The same of words that programs read back: every character that XML allows stays what it is, some as numbers. */
void svg_escape_exact(struct buf *b, const char *words);
/* The most that cleaned words take in any usual sans serif font: of each letter the widest advance of Arial and DejaVu Sans. */
double svg_text_width(const char *words, double size);
/* Words, cleaned, and cut in the middle where they are wider than 'most': names differ at both ends. Caller frees. */
char *svg_fit(const char *words, double size, double most);
/* How many bytes of cleaned words make a line no wider than 'most', broken at a blank where there is one; at least one letter. */
size_t svg_line_of(const char *words, double size, double most);

#endif
