/* nul.c - the character U+0000 inside C strings. */
#include "mtbench/nul.h"

#include <stdlib.h>
#include <string.h>

/* The overlong form of U+0000: no valid UTF-8 holds these bytes, so they cannot be mistaken for a text's own. */
static const char spelling[2] = { '\xc0', '\x80' };

void nul_spell(struct buf *b, size_t start)
{
    /* Texts without it are the rule: they are looked at and left alone. */
    if (b->len <= start || !memchr(b->data + start, '\0', b->len - start))
        return;
    struct buf out = { 0 };
    buf_add(&out, b->data, start);
    for (size_t i = start; i < b->len; i++)
        buf_add(&out, b->data[i] ? b->data + i : spelling, b->data[i] ? 1 : sizeof spelling);
    buf_free(b);
    *b = out;                            /* another buffer: pointers into the old one are void */
}

/* Texts do not have even its first byte: memchr() looks for one several times faster than memmem() for two. NULL: there is none. */
static const char *find(const char *s, size_t n)
{
    for (const char *end = s + n; n > 0 && (s = memchr(s, spelling[0], (size_t)(end - s))); s++)
        if (end - s >= 2 && s[1] == spelling[1])
            return s;
    return NULL;
}

bool nul_spelled(const char *s, size_t n)
{
    return find(s, n) != NULL;
}

void nul_read(struct buf *out, const char *s, size_t n)
{
    const char *end = s + n, *hit;
    while (s < end && (hit = find(s, (size_t)(end - s)))) {
        buf_add(out, s, (size_t)(hit - s));
        buf_char(out, '\0');
        s = hit + sizeof spelling;
    }
    if (s < end)
        buf_add(out, s, (size_t)(end - s));
}

size_t nul_unspell(char *s)
{
    size_t n = strlen(s);
    if (!nul_spelled(s, n))
        return n;
    char *to = s;
    for (const char *p = s, *end = s + n; p < end; to++) {
        const bool nul = end - p >= 2 && !memcmp(p, spelling, sizeof spelling);
        *to = nul ? '\0' : *p;
        p += nul ? sizeof spelling : 1;
    }
    return (size_t)(to - s);
}
