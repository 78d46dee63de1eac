/* template_lex.c - a template's text into tokens, with jinja2's treatment of white space: trim_blocks, lstrip_blocks, "-" and "+". */
#include "template_priv.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

struct lexer {
    struct work *w;
    const char *p, *end;
    struct tok *tok;
    int n, cap;
    bool strip_next;                     /* the tag before ended in "-" */
    bool trim_newline;                   /* the tag before was a block: its newline goes */
};

static void add(struct lexer *l, struct tok t)
{
    if (l->n == l->cap) {
        int cap = l->cap ? 2 * l->cap : 64;
        struct tok *bigger = work_alloc(l->w, (size_t)cap * sizeof *bigger);
        if (l->n)
            memcpy(bigger, l->tok, (size_t)l->n * sizeof *bigger);
        l->tok = bigger;
        l->cap = cap;
    }
    t.line = l->w->line;
    l->tok[l->n++] = t;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static void count_lines(struct lexer *l, const char *from, const char *to)
{
    for (; from < to; from++)
        l->w->line += *from == '\n';
}

/* Next "{{", "{%" or "{#", or the end. */
static const char *find_tag(const struct lexer *l)
{
    for (const char *p = l->p; p + 1 < l->end; p++)
        if (p[0] == '{' && (p[1] == '{' || p[1] == '%' || p[1] == '#'))
            return p;
    return l->end;
}

/* The text up to 'tag', cut as the tags on both sides ask. */
static void lex_text(struct lexer *l, const char *tag)
{
    const char *from = l->p, *to = tag;
    if (l->strip_next) {
        while (from < to && blank(*from))
            from++;
    } else if (l->trim_newline && from < to) {
        if (*from == '\n')
            from++;
        else if (*from == '\r' && from + 1 < to && from[1] == '\n')
            from += 2;
    }
    char mark = tag + 2 < l->end ? tag[2] : '\0';
    if (tag < l->end && mark == '-') {
        while (to > from && blank(to[-1]))
            to--;
    } else if (tag < l->end && mark != '+' && tag[1] != '{') {
        const char *start = to;
        while (start > l->p && (start[-1] == ' ' || start[-1] == '\t'))
            start--;
        bool line_start = start == l->p ? l->n == 0 || l->trim_newline || (start > from && start[-1] == '\n') : start[-1] == '\n';
        if (start == l->p && l->n > 0)
            line_start = false;
        if (line_start && start >= from)
            to = start;
        else if (line_start)
            to = from;
    }
    if (to > from)
        add(l, (struct tok){ .kind = TOK_TEXT, .s = { from, (size_t)(to - from) } });
    count_lines(l, l->p, tag);
    l->p = tag;
    l->strip_next = l->trim_newline = false;
}

/* Behind a tag's content: "-%}", "+%}" or "%}". */
static bool at_close(const struct lexer *l, char c, size_t *length, bool *strip, bool *plus)
{
    *strip = *l->p == '-';
    *plus = *l->p == '+';
    const char *p = l->p + (*strip || *plus);
    if (p + 1 >= l->end || p[0] != c || p[1] != '}')
        return false;
    *length = (size_t)(p + 2 - l->p);
    return true;
}

static void lex_comment(struct lexer *l)
{
    const char *close = l->p + 2;
    while (close + 1 < l->end && !(close[0] == '#' && close[1] == '}'))
        close++;
    if (close + 1 >= l->end)
        work_fail(l->w, "a comment is not closed");
    l->strip_next = close > l->p + 2 && close[-1] == '-';
    l->trim_newline = !(close > l->p + 2 && close[-1] == '+');
    count_lines(l, l->p, close);
    l->p = close + 2;
}

/* "\u00e9", "\U0001f642" or "\x41" behind the backslash at p: the character goes to *to. Returns bytes read, 0 for anything else. */
static size_t lex_code(const char *p, const char *end, char **to)
{
    size_t digits = *p == 'u' ? 4 : *p == 'U' ? 8 : *p == 'x' ? 2 : 0;
    uint32_t c = 0;
    if (digits == 0 || (size_t)(end - p) <= digits)
        return 0;
    for (size_t i = 1; i <= digits; i++) {
        static const char hex[] = "0123456789abcdef";
        const char *k = p[i] ? strchr(hex, p[i] | 32) : NULL;
        if (!k || (p[i] < '0'))
            return 0;
        c = c << 4 | (uint32_t)(k - hex);
    }
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    struct buf b = { 0 };
    utf8_put(&b, c);
    memcpy(*to, b.data, b.len);
    *to += b.len;
    buf_free(&b);
    return digits + 1;
}

static void lex_string(struct lexer *l)
{
    char quote = *l->p++;
    const char *start = l->p;
    while (l->p < l->end && *l->p != quote)
        l->p += *l->p == '\\' && l->p + 1 < l->end ? 2 : 1;
    if (l->p >= l->end)
        work_fail(l->w, "a string is not closed");
    char *out = work_alloc(l->w, (size_t)(l->p - start) + 1), *to = out;
    size_t code;
    for (const char *p = start; p < l->p; p++) {
        static const char letter[] = "ntr\\'\"", byte[] = "\n\t\r\\'\"";
        const char *k = *p == '\\' && p[1] ? strchr(letter, p[1]) : NULL;
        if (k) {
            *to++ = byte[k - letter];
            p++;
        } else if (*p == '\\' && p[1] == '\n') {
            p++;
        } else if (*p == '\\' && (code = lex_code(p + 1, l->p, &to)) > 0) {
            p += code;
        } else {
            *to++ = *p;
        }
    }
    count_lines(l, start, l->p);
    l->p++;
    add(l, (struct tok){ .kind = TOK_STRING, .s = { out, (size_t)(to - out) } });
}

static void lex_number(struct lexer *l)
{
    char text[64];
    size_t n = 0;
    bool real = false;
    while (l->p < l->end && n < sizeof text - 1) {
        char c = *l->p;
        if (c == '.' && !(l->p + 1 < l->end && l->p[1] >= '0' && l->p[1] <= '9'))
            break;
        if (!((c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '_' || ((c == '+' || c == '-') && n && (text[n - 1] | 32) == 'e')))
            break;
        real |= c == '.' || (c | 32) == 'e';
        if (c != '_')
            text[n++] = c;
        l->p++;
    }
    text[n] = '\0';
    if (real)
        add(l, (struct tok){ .kind = TOK_FLOAT, .f = strtod(text, NULL) });
    else
        add(l, (struct tok){ .kind = TOK_INT, .i = strtoll(text, NULL, 10) });
}

static bool name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;
}

static void lex_operator(struct lexer *l)
{
    static const char *const two[] = { "**", "//", "==", "!=", "<=", ">=" };
    size_t n = 1;
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (l->p + 1 < l->end && !memcmp(l->p, two[i], 2))
            n = 2;
    if (n == 1 && !strchr("+-*/%~<>=.,:|()[]{}", *l->p))
        work_fail(l->w, "unexpected character '%c'", *l->p);
    add(l, (struct tok){ .kind = TOK_OP, .s = { l->p, n } });
    l->p += n;
}

/* The inside of {{ }} or {% %}; brackets are counted so that "}}" may close two dicts. */
static void lex_inside(struct lexer *l, char close, enum token_kind end)
{
    int open = 0;
    size_t length;
    bool strip, plus;
    for (;;) {
        while (l->p < l->end && blank(*l->p))
            l->w->line += *l->p++ == '\n';
        if (l->p >= l->end)
            work_fail(l->w, "a tag is not closed");
        if (open == 0 && at_close(l, close, &length, &strip, &plus)) {
            add(l, (struct tok){ .kind = end });
            l->p += length;
            l->strip_next = strip;
            l->trim_newline = close == '%' && !plus;
            return;
        }
        char c = *l->p;
        if (c == '"' || c == '\'')
            lex_string(l);
        else if (c >= '0' && c <= '9')
            lex_number(l);
        else if (name_char(c)) {
            const char *start = l->p;
            while (l->p < l->end && name_char(*l->p))
                l->p++;
            add(l, (struct tok){ .kind = TOK_NAME, .s = { start, (size_t)(l->p - start) } });
        } else {
            open += c == '{' || c == '(' || c == '[';
            open -= c == '}' || c == ')' || c == ']';
            if (open < 0)
                work_fail(l->w, "unexpected '%c'", c);
            lex_operator(l);
        }
    }
}

/* {% raw %} ... {% endraw %}: what is between is text. */
static bool lex_raw(struct lexer *l)
{
    const char *p = l->p + 2 + (l->p + 2 < l->end && (l->p[2] == '-' || l->p[2] == '+'));
    while (p < l->end && blank(*p))
        p++;
    if (l->end - p < 5 || memcmp(p, "raw", 3) || name_char(p[3]))
        return false;
    p += 3;
    while (p < l->end && blank(*p))
        p++;
    bool strip = p < l->end && *p == '-';
    p += strip;
    if (l->end - p < 2 || p[0] != '%' || p[1] != '}')
        return false;
    const char *body = p + 2, *close = body;
    const char *word = NULL;
    for (; close + 1 < l->end; close++) {
        if (close[0] != '{' || close[1] != '%')
            continue;
        word = close + 2 + (close + 2 < l->end && (close[2] == '-' || close[2] == '+'));
        while (word < l->end && blank(*word))
            word++;
        if (l->end - word >= 6 && !memcmp(word, "endraw", 6))
            break;
    }
    if (close + 1 >= l->end)
        work_fail(l->w, "raw is not closed");
    l->p = body;
    l->strip_next = strip;
    l->trim_newline = false;             /* trim_blocks passes raw by */
    lex_text(l, close);
    l->p = word + 6;
    while (l->p < l->end && blank(*l->p))
        l->p++;
    size_t length;
    bool plus;
    if (!at_close(l, '%', &length, &strip, &plus))
        work_fail(l->w, "endraw is not closed");
    l->p += length;
    l->strip_next = strip;
    l->trim_newline = !plus;
    return true;
}

struct tok *template_lex(struct work *w, struct slice src)
{
    struct lexer l = { .w = w, .p = src.ptr, .end = src.ptr + src.len };
    if (src.len && l.end[-1] == '\n')
        l.end--;                         /* keep_trailing_newline is off */
    w->line = 1;
    while (l.p < l.end) {
        const char *tag = find_tag(&l);
        lex_text(&l, tag);
        if (tag == l.end)
            break;
        if (tag[1] == '#') {
            lex_comment(&l);
        } else if (tag[1] == '%' && lex_raw(&l)) {
            continue;
        } else {
            bool block = tag[1] == '%';
            l.p += 2;
            if (l.p < l.end && (*l.p == '-' || *l.p == '+'))
                l.p++;
            add(&l, (struct tok){ .kind = block ? TOK_BLOCK_BEGIN : TOK_VAR_BEGIN });
            lex_inside(&l, block ? '%' : '}', block ? TOK_BLOCK_END : TOK_VAR_END);
        }
    }
    add(&l, (struct tok){ .kind = TOK_END });
    return l.tok;
}
