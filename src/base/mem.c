/* mem.c - small host allocations; running out of them is bad luck that only main.c may act on. */
#include "mtbench/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tests and tools without main.c end here; main.c installs a handler that names the rank and ends all of them. */
static void exhausted_default(size_t bytes)
{
    fprintf(stderr, "mtbench: memory: cannot get %zu bytes; free some memory or use fewer ranks\n", bytes);
    abort();
}

/* Never returns. Small host allocations do not fail in ways that callers could mend; weights and KV cache are
 * checked by their own rooms. */
static void (*exhausted)(size_t) = exhausted_default;

void mem_on_exhausted(void (*handler)(size_t bytes))
{
    exhausted = handler;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1); /* never NULL for an empty list: NULL means exhausted */
    if (!p)
        exhausted(n * size);
    return p;
}

void *xrealloc(void *p, size_t n, size_t size)
{
    size_t bytes = 0;
    /* A size from a hostile file must not wrap to a small one. */
    if (__builtin_mul_overflow(n, size, &bytes) || !(p = realloc(p, bytes ? bytes : 1)))
        exhausted(bytes ? bytes : SIZE_MAX);
    return p;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    char *p = xrealloc(NULL, n + 1, 1);
    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

char *xasprintf(const char *fmt, ...)
{
    va_list ap;
    char *p = NULL;
    va_start(ap, fmt);
    int n = vasprintf(&p, fmt, ap);
    va_end(ap);
    if (n < 0)
        exhausted(0);                    /* a format that fails, or no memory: vasprintf() does not tell */
    return p;
}
