/* html.c - texts of others inside HTML. */
#include "html.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

/* ---- what is there ---- */

/* A character, and its bytes; of what is none the bytes to pass over, below 0: the longest part that could have begun one, as browsers and
 * Python count. */
static int decode(const unsigned char *s, size_t n, uint32_t *c)
{
    const unsigned lead = s[0];
    const int more = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    /* Only the byte behind the lead has a narrower range: no overlong forms, no surrogates, nothing above U+10FFFF. */
    unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (more == 0)
        return -1;
    *c = lead & (0x3fu >> more);
    for (int i = 1; i <= more; i++) {
        if ((size_t)i == n || s[i] < low || s[i] > high)
            return -i;
        *c = *c << 6 | (s[i] & 0x3f);
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

bool html_unseen(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
           c == 0x61c || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || /* directions */
           (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe ||
           (c >= 0xe0000 && c <= 0xe007f); /* tags: ASCII that no font shows, but for the flags of three countries */
}

/* ---- what is shown ---- */

static bool plain(unsigned char c) /* stays as it is, without a look at what follows */
{
    return (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';
}

/* Appends what is shown of one character that is not plain; returns its bytes. */
static size_t put_odd(struct buf *out, const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    uint32_t c = 0;
    if (s[0] == '\r') {
        buf_char(out, '\n');
        return n > 1 && s[1] == '\n' ? 2 : 1;
    }
    const bool nul = n > 1 && s[0] == 0xc0 && s[1] == 0x80; /* as nul.h has it */
    if (s[0] < 0x80 || nul) {
        const char picture[] = { '\xe2', '\x90', (char)(nul ? 0x80 : s[0] == 0x7f ? 0xa1 : 0x80 + s[0]) };
        buf_add(out, picture, sizeof picture);
        return nul ? 2 : 1;
    }
    const int len = decode(s, n, &c);
    if (len < 0)
        buf_str(out, REPLACEMENT);
    else if (html_unseen(c))
        buf_printf(out, "\xe2\x9f\xa8U+%04X\xe2\x9f\xa9", c);
    else
        buf_add(out, text, (size_t)len);
    return (size_t)(len < 0 ? -len : len);
}

void html_clean(struct buf *out, const char *text, size_t n)
{
    for (size_t i = 0, from = 0; i < n; from = i) {
        while (i < n && plain((unsigned char)text[i]))
            i++;
        if (i > from)
            buf_add(out, text + from, i - from);
        if (i < n)
            i += put_odd(out, text + i, n - i);
    }
}

static void escape(struct buf *html, const char *text, size_t n, const char *const entity[256])
{
    for (size_t i = 0, from = 0; i < n; from = i) {
        while (i < n && !entity[(unsigned char)text[i]])
            i++;
        if (i > from)
            buf_add(html, text + from, i - from);
        if (i < n)
            buf_str(html, entity[(unsigned char)text[i++]]);
    }
}

void html_escape(struct buf *html, const char *text, size_t n)
{
    static const char *const entity[256] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;" };
    escape(html, text, n, entity);
}

void html_escape_content(struct buf *html, const char *text, size_t n)
{
    static const char *const entity[256] = { ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;" };
    escape(html, text, n, entity);
}

void html_put_text(struct buf *html, const char *text, size_t n)
{
    struct buf clean = {0};
    html_clean(&clean, text, n);
    html_escape(html, clean.data, clean.len);
    buf_free(&clean);
}
