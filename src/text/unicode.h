/* unicode.h - UTF-8 and the properties of characters that tokenizers ask for (private to room text). */
#ifndef MTB_UNICODE_H
#define MTB_UNICODE_H

#include "mtbench/buf.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The character at *p (before end), and *p behind it. Bad bytes give U+FFFD, one per maximal subpart (Unicode 3.9, table 3-8),
 * as Rust's from_utf8_lossy does. */
uint32_t utf8_next(const char **p, const char *end);
/* Bytes of the character whose first byte is c, in valid text. */
static inline size_t utf8_len(char c)
{
    unsigned char u = (unsigned char)c;
    return u < 0x80 ? 1 : u < 0xe0 ? 2 : u < 0xf0 ? 3 : 4;
}
void utf8_put(struct buf *out, uint32_t c);
bool utf8_valid(const char *s, size_t n);
/* Append s with U+FFFD for what is not UTF-8. */
void utf8_lossy(struct buf *out, const char *s, size_t n);

bool uc_is_space(uint32_t c);
/* str.isspace() of Python: the four separators U+001C to U+001F as well. */
bool uc_is_python_space(uint32_t c);
/* str.strip() of Python: s without such characters at its ends. */
struct slice utf8_strip(struct slice s);        /* White_Space */
bool uc_is_number(uint32_t c);       /* N* */
bool uc_is_punct(uint32_t c);        /* ASCII punctuation (symbols included) or P* */
bool uc_is_word(uint32_t c);         /* Alphabetic, M*, Nd or Pc */
bool uc_is_mark(uint32_t c);         /* Mn */

enum normal_form { FORM_NFC, FORM_NFD, FORM_NFKC, FORM_NFKD };
/* Append the normal form of valid text. -1: out of memory. */
int utf8_normal_form(struct buf *out, const char *s, size_t n, enum normal_form form);
/* Append s in lower case, without regard to context or language. */
void utf8_lower(struct buf *out, const char *s, size_t n);

#endif
