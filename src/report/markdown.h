/* markdown.h - Markdown of models and judges as HTML that can do nothing but be read (room: report, its own).
 * GitHub's Markdown without raw HTML, parsed by md4c. What comes out, whatever comes in, is well formed and made of
 *   p h5 h6 (class l1 .. l6: the level that was written) blockquote ul ol(start) li hr br em strong del code pre table thead tbody tr th td
 *   (class left, center, right), div class=code with span class=code-language and pre > code class=language-X for a fence with a language,
 *   a href title rel, of http:, https: and mailto: alone, "[image: TEXT]" for pictures, span class=link title for any other target,
 *   span class=tex ("tex display") with TeX as it was written, delimiters included,
 *   pre class=plain with the whole text where Markdown of it would be larger or slower than its size can explain;
 * quotes and lists are nested at most MARKDOWN_NESTED deep, emphasis half of that. Texts are as html.h says. Line breaks are those of
 * FastChat's browser: a newline is white space, but for two blanks or a backslash before it. Time and size grow with the text alone. */
#ifndef MTB_MARKDOWN_H
#define MTB_MARKDOWN_H

#include "html.h"

enum { MARKDOWN_NESTED = 24 };

void markdown_put(struct buf *html, const char *text, size_t n);

#endif
