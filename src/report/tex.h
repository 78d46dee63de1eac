/* tex.h - the TeX in a Markdown text, put out of the way of Markdown's rules and back again (room: report, its own).
 * TeX is $..$ within a paragraph (no blank inside the dollars, no digit behind: prices are none), \(..\), and, over blank lines too,
 * $$..$$ and \[..\]; none of it in code. */
#ifndef MTB_TEX_H
#define MTB_TEX_H

#include "mtbench/buf.h"

#include <stdbool.h>
#include <stddef.h>

struct tex_part {
    size_t begin, end;                   /* bytes of the text, delimiters included */
    bool display;
};

struct tex {
    struct tex_part *part;
    size_t n;
};

/* Append the clean text (html.h) with each part as its number between the bytes 1 and 2, which no clean text holds. 'tex' is zeroed. */
void tex_hide(struct tex *tex, struct buf *out, const char *text, size_t n);
/* The part that stands hidden at s, n bytes, and how long its mark is; NULL: none. */
const struct tex_part *tex_hidden(const struct tex *tex, const char *s, size_t n, size_t *mark);
void tex_free(struct tex *tex);

#endif
