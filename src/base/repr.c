/* repr.c - Python's way to write a text inside a list or tuple. */
#include "mtbench/repr.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

/* str.isprintable(): no control, format, surrogate, private or unassigned characters, and of the separators the blank alone. */
static bool is_printable(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP: return false;
    case UTF8PROC_CATEGORY_ZS: return c == ' ';
    default: return true;
    }
}

static void put_escape(struct buf *b, int32_t c)
{
    static const char plain[] = "\t\n\r", letter[] = "tnr";
    const char *p = strchr(plain, c);
    if (c < 0x80 && p && *p)             /* strchr() finds the NUL that ends 'plain' too */
        buf_printf(b, "\\%c", letter[p - plain]);
    else
        buf_printf(b, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)c);
}

void repr_put(struct buf *b, const char *s)
{
    const char quote = strchr(s, '\'') && !strchr(s, '"') ? '"' : '\'';
    buf_char(b, quote);
    for (size_t n = strlen(s); n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &c);
        if (k < 1) {                     /* no UTF-8: Python's file system names show such a byte as half a pair */
            c = 0xdc00 + (unsigned char)*s;
            k = 1;
        }
        if (c == quote || c == '\\')
            buf_printf(b, "\\%c", (char)c);
        else if (is_printable(c))
            buf_add(b, s, (size_t)k);
        else
            put_escape(b, c);
        s += k;
        n -= (size_t)k;
    }
    buf_char(b, quote);
}
