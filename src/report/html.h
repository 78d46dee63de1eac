/* html.h - texts of others inside HTML: nothing of them becomes markup, and what a reader could not see is made visible (room: report, its
 * own). What comes out is valid UTF-8 without control characters but tabs and newlines:
 *   a byte that is no UTF-8                U+FFFD, one for each longest part that could have begun a character
 *   U+0000 to U+001F, U+007F               their pictures, U+2400 to U+2421; a NUL as nul.h spells it, too; CR and CR LF are newlines
 *   direction controls, U+0080 to U+009F,
 *   tags, annotations, noncharacters       their number: the characters that would turn "abc" around as <U+202E> in U+27E8 and U+27E9 */
#ifndef MTB_HTML_H
#define MTB_HTML_H

#include "mtbench/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Would a reader not see this character, or see what follows it otherwise than it stands there? */
bool html_unseen(uint32_t c);
/* The text cleaned as above, and not escaped. */
void html_clean(struct buf *out, const char *text, size_t n);
/* & < > " as entities, of a clean text: for an attribute between double quotes. */
void html_escape(struct buf *html, const char *text, size_t n);
/* The same without the quotes, which are many in answers: for the content of an element alone. */
void html_escape_content(struct buf *html, const char *text, size_t n);
/* html_clean() and html_escape(): good for content and for attributes. */
void html_put_text(struct buf *html, const char *text, size_t n);

#endif
