/* buf.c - the one growing byte string. */
#include "mtbench/buf.h"

#include "mtbench/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_reserve(struct buf *b, size_t n)
{
    size_t need = 0;                     /* one more than asked for: the NUL that ends every buffer */
    if (__builtin_add_overflow(b->len + 1, n, &need))
        need = SIZE_MAX;                 /* more than there can be: xrealloc() says so */
    if (need > b->cap) {
        size_t cap = b->cap ? b->cap : 64;
        while (cap < need)               /* doubling: n appends cost O(n) in all */
            cap = cap > SIZE_MAX / 2 ? need : 2 * cap;
        b->data = xrealloc(b->data, cap, 1);
        b->cap = cap;
    }
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
    char *at = buf_reserve(b, n);
    if (n)
        memcpy(at, data, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

/* Most pieces are short: what is free already is tried first, and only a text that did not fit is formatted again. */
void buf_printf(struct buf *b, const char *fmt, ...)
{
    enum { USUAL = 32 };
    va_list ap, again;
    char *at = buf_reserve(b, USUAL);
    va_start(ap, fmt);
    va_copy(again, ap);                  /* vsnprintf() uses a list up, and it is needed twice */
    int n = vsnprintf(at, b->cap - b->len, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n >= b->cap - b->len)
        vsnprintf(buf_reserve(b, (size_t)n), (size_t)n + 1, fmt, again);
    va_end(again);
    if (n > 0)
        b->len += (size_t)n;
    b->data[b->len] = '\0';              /* an encoding error leaves what was there */
}

void buf_clear(struct buf *b)
{
    b->len = 0;                          /* the room stays */
    if (b->data)
        b->data[0] = '\0';
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

char *buf_steal(struct buf *b)
{
    buf_reserve(b, 0);
    b->data[b->len] = '\0';
    char *s = b->data;
    *b = (struct buf){0};
    return s;
}
