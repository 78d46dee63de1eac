/* tex.c - the TeX in a Markdown text. */
#include "tex.h"

#include "fence.h"

#include "mtbench/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_INLINE = 1000, MOST_DISPLAY = 8000, MOST_TICKS = 32 }; /* bytes; longer ones are no TeX, but a lone delimiter and the next */

/* What is looked for ahead of the place where the scan is. */
enum ahead { DOLLAR, DOLLARS, PAREN, BRACKET, BLANK, FENCE, AHEADS };

struct scan {
    const char *s;
    size_t n;
    size_t line;                         /* where the line begins that the scan is in */
    size_t next[AHEADS];                 /* where the next one is: looked for once, so that the time grows with the text alone */
    size_t ticks[MOST_TICKS + 1];        /* the same of runs of so many backticks */
};

/* ---- what stands at a place ---- */

static bool escaped(const struct scan *t, size_t i)
{
    size_t k = i;
    while (k > 0 && t->s[k - 1] == '\\')
        k--;
    return (i - k) % 2;
}

static bool stands(const struct scan *t, enum ahead what, size_t i)
{
    const char c = t->s[i], two = i + 1 < t->n ? t->s[i + 1] : '\0', before = i ? t->s[i - 1] : '\n';
    switch (what) {
    case DOLLAR: return c == '$' && !strchr(" \t\n\\$", before) && two != '$' && !isdigit((unsigned char)two);
    case DOLLARS: return c == '$' && two == '$' && before != '\\';
    case PAREN: return c == '\\' && two == ')' && !escaped(t, i);
    case BRACKET: return c == '\\' && two == ']' && !escaped(t, i);
    case BLANK:
        for (i++; c == '\n' && i < t->n && (t->s[i] == ' ' || t->s[i] == '\t'); i++)
            ;
        return c == '\n' && (i == t->n || t->s[i] == '\n');
    default: return before == '\n' && fence_opens(t->s, t->n, i);
    }
}

/* Where the next one is, from > 0 or behind it; n: there is none. */
static size_t next(struct scan *t, enum ahead what, size_t from)
{
    size_t *at = &t->next[what];
    if (*at < from)
        for (*at = from; *at < t->n && !stands(t, what, *at); ++*at)
            ;
    return *at;
}

/* ---- code ---- */

/* Behind the code span whose backticks begin at i, or behind these where nothing closes it. */
static size_t ticked_end(struct scan *t, size_t i)
{
    const size_t run = fence_run(t->s, t->n, i), from = i + run, end = next(t, BLANK, i + 1);
    if (run > MOST_TICKS)
        return from;
    size_t *at = &t->ticks[run];
    if (*at < from) {
        for (*at = from; *at < end; *at += t->s[*at] == '`' ? fence_run(t->s, t->n, *at) : 1)
            if (t->s[*at] == '`' && fence_run(t->s, t->n, *at) == run)
                break;
    }
    return *at < end ? *at + run : from;
}

/* ---- TeX ---- */

/* "$5 and 10 US$" is money. */
static bool is_price(const char *s, size_t n)
{
    bool blank = false;
    if (!isdigit((unsigned char)*s))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '\0' || strchr("\\^_={}+<>*/", s[i]))
            return false;
        blank |= s[i] == ' ' || s[i] == '\n';
    }
    return blank;
}

/* In a quote the lines of a part would hold the quote's own marks. */
static bool crosses_quote(const struct scan *t, size_t i, size_t end)
{
    size_t k = t->line;
    while (k < i && t->s[k] == ' ')
        k++;
    return t->s[k] == '>' && memchr(t->s + i, '\n', end - i);
}

/* Behind the part that begins at i; i: none does. */
static size_t part_end(struct scan *t, size_t i, bool *display)
{
    const char *s = t->s;
    const char two = i + 1 < t->n ? s[i + 1] : '\0';
    const bool dollar = s[i] == '$', back = s[i] == '\\';
    *display = (dollar && two == '$') || (back && two == '[');
    if (!*display && !(back && two == '(') && (!dollar || strchr(" \t\n", two) || (i && isalnum((unsigned char)s[i - 1]))))
        return i;
    const size_t opens = dollar && !*display ? 1 : 2, from = i + opens;
    const size_t close = next(t, dollar ? (*display ? DOLLARS : DOLLAR) : *display ? BRACKET : PAREN, from);
    if (close >= t->n || close == from || close - from > (*display ? MOST_DISPLAY : MOST_INLINE) || crosses_quote(t, i, close))
        return i;
    if (*display ? next(t, FENCE, from) < close : next(t, BLANK, from) < close || (dollar && is_price(s + from, close - from)))
        return i;
    return close + opens;
}

static void hide(struct tex *tex, struct buf *out, struct tex_part part)
{
    buf_printf(out, "\1%zu\2", tex->n);
    if ((tex->n & (tex->n - 1)) == 0)    /* room doubles at every power of two */
        tex->part = xrealloc(tex->part, tex->n ? tex->n * 2 : 1, sizeof *tex->part);
    tex->part[tex->n++] = part;
}

void tex_hide(struct tex *tex, struct buf *out, const char *text, size_t n)
{
    struct scan t = { .s = text, .n = n };
    const bool any = n && (memchr(text, '$', n) || memchr(text, '\\', n)); /* most texts have none */
    size_t from = any ? 0 : n;           /* copied up to here */
    if (n && !any)
        buf_add(out, text, n);
    for (size_t i = from, end; i < n; i = end) {
        bool display;
        if (i == 0 || text[i - 1] == '\n')
            t.line = i;
        end = t.line == i ? fence_end(text, n, i) : i;
        if (end > i)
            continue;
        if (text[i] == '`') {
            end = ticked_end(&t, i);
        } else if ((text[i] == '$' || text[i] == '\\') && (end = part_end(&t, i, &display)) > i) {
            buf_add(out, text + from, i - from);
            hide(tex, out, (struct tex_part){ i, end, display });
            from = end;
        } else {
            end = i + (text[i] == '\\' && i + 1 < n && text[i + 1] != '\n' ? 2 : 1); /* an escaped dollar opens nothing */
        }
    }
    if (from < n)
        buf_add(out, text + from, n - from);
}

const struct tex_part *tex_hidden(const struct tex *tex, const char *s, size_t n, size_t *mark)
{
    size_t number = 0, i = 1;
    if (n < 3 || s[0] != '\1')
        return NULL;
    for (; i < n && isdigit((unsigned char)s[i]); i++)
        number = number * 10 + (size_t)(s[i] - '0');
    if (i == n || s[i] != '\2' || number >= tex->n)
        return NULL;
    *mark = i + 1;
    return &tex->part[number];
}

void tex_free(struct tex *tex)
{
    free(tex->part);
    *tex = (struct tex){0};
}
