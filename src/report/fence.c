/* fence.c - fenced code in a Markdown text. */
#include "fence.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

size_t fence_run(const char *s, size_t n, size_t i)
{
    size_t end = i;
    while (end < n && s[end] == s[i])
        end++;
    return end - i;
}

static size_t skip(const char *s, size_t n, size_t i, const char *what)
{
    while (i < n && s[i] && strchr(what, s[i]))
        i++;
    return i;
}

/* Behind the marks of quotes and of one list item. */
static size_t content_of_line(const char *s, size_t n, size_t i)
{
    i = skip(s, n, i, " \t>");
    size_t k = i;
    while (k < n && k - i < 9 && isdigit((unsigned char)s[k]))
        k++;
    const bool item = k + 1 < n && s[k] && strchr(k > i ? ".)" : "-*+", s[k]) && s[k + 1] == ' ';
    return item ? skip(s, n, k + 1, " ") : i;
}

/* How many marks a fence that opens in the line at i has; 0: none does. */
static size_t opening(const char *s, size_t n, size_t i, char *mark)
{
    i = content_of_line(s, n, i);
    if (i == n || (s[i] != '`' && s[i] != '~'))
        return 0;
    const size_t run = fence_run(s, n, i);
    const char *eol = memchr(s + i, '\n', n - i), *end = eol ? eol : s + n;
    *mark = s[i];
    if (run < 3 || (*mark == '`' && memchr(s + i + run, '`', (size_t)(end - (s + i + run)))))
        return 0;                        /* backticks behind them: a code span */
    return run;
}

int fence_opens(const char *s, size_t n, size_t i)
{
    char mark;
    return opening(s, n, i, &mark) > 0;
}

size_t fence_end(const char *s, size_t n, size_t i)
{
    char mark;
    const size_t run = opening(s, n, i, &mark);
    if (!run)
        return i;
    for (const char *eol; (eol = memchr(s + i, '\n', n - i));) {
        i = (size_t)(eol - s) + 1;
        size_t k = skip(s, n, i, " \t>");
        const size_t closing = k < n && s[k] == mark ? fence_run(s, n, k) : 0;
        k = skip(s, n, k + closing, " \t");
        if (closing >= run && (k == n || s[k] == '\n'))
            return k < n ? k + 1 : k;
    }
    return n;
}
