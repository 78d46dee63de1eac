/* template_lex.c - a template's text into tokens, with jinja2's treatment of white space: trim_blocks, lstrip_blocks, "-" and "+". */
#include "template_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct lexer {
    struct work *w;
    const char *p, *end;
    struct tok *tok;
    int n, cap;
    bool line_start;                     /* what was read last ended in a line feed */
};

/* Tokens grow by copying within the arena; what is left behind is freed with it, and is less than the list itself. */
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

/* Bytes of the white space at p, 0 for anything else. */
static size_t blank(const char *p, const char *end)
{
    size_t n;
    /* \s of Python's re, which knows Unicode's blanks. */
    return p < end && char_space(char_at((struct slice){ p, (size_t)(end - p) }, 0, &n)) ? n : 0;
}

static void skip_to(struct lexer *l, const char *to)
{
    for (; l->p < to; l->p++)
        /* Every byte passes here or in a token that holds no line feed, so that lines are right in messages. */
        l->w->line += *l->p == '\n';
}

static void skip_blanks(struct lexer *l)
{
    for (size_t n; (n = blank(l->p, l->end)) > 0;)
        skip_to(l, l->p + n);
}

/* ---- text and the ends of tags ---- */

/* Next "{{", "{%" or "{#", or the end. */
static const char *find_tag(const struct lexer *l)
{
    /* The first of any kind wins: jinja2 searches one regular expression of all beginnings. */
    for (const char *p = l->p; p + 1 < l->end; p++)
        if (p[0] == '{' && (p[1] == '{' || p[1] == '%' || p[1] == '#'))
            return p;
    return l->end;
}

static bool all_blank(const char *p, const char *end)
{
    /* \s+ of jinja2's lstrip, so that blanks of Unicode go as well. */
    for (size_t n; p < end; p += n)
        if ((n = blank(p, end)) == 0)
            return false;
    return true;
}

/* The text up to 'tag', cut as the tag asks: "-" takes the white space before it; without "+" a block or comment that stands first on its
 * line takes the line's. */
static void lex_text(struct lexer *l, const char *tag)
{
    /* Only the text is cut here. What follows a tag was eaten when that tag closed, so 's' begins where output goes on. */
    struct slice s = { l->p, (size_t)(tag - l->p) };
    char mark = tag + 2 < l->end ? tag[2] : '\0';
    if (tag < l->end && mark == '-') {
        s = text_strip(l->w, s, (struct slice){ 0 }, false, true);
    /* lstrip_blocks: nothing but blanks between the line's beginning and the tag. Printing tags keep theirs. */
    } else if (tag < l->end && mark != '+' && tag[1] != '{') {
        size_t start = s.len;
        while (start && s.ptr[start - 1] != '\n')
            start--;
        /* Without a line feed in the text, the line began where the last tag ended, if that one ate a line feed. */
        if ((start || l->line_start) && all_blank(s.ptr + start, tag))
            s.len = start;
    }
    if (s.len)
        add(l, (struct tok){ .kind = TOK_TEXT, .s = s });
    skip_to(l, tag);
}

/* The end of a tag whose mark before the closing letters was 'mark': "-" takes white space, a block or comment one line feed. */
static void lex_close(struct lexer *l, const char *behind, char mark, bool newline)
{
    skip_to(l, behind);
    if (mark == '-')
        skip_blanks(l);
    /* trim_blocks: exactly one line feed, "+" keeps it. */
    else if (newline && mark != '+' && l->p < l->end && *l->p == '\n')
        skip_to(l, l->p + 1);
    /* Whatever was eaten last, be it by trim_blocks or by "-". */
    l->line_start = l->p[-1] == '\n';
}

/* "-%}", "+%}" or "%}" at l->p; "+" only where blocks end. NULL: something else. */
static const char *at_close(const struct lexer *l, char c, char *mark)
{
    /* "-" may be the operator as well; it closes only where the closing letters follow. */
    *mark = *l->p == '-' || (*l->p == '+' && c == '%') ? *l->p : '\0';
    const char *p = l->p + (*mark != '\0');
    return p + 1 < l->end && p[0] == c && p[1] == '}' ? p + 2 : NULL;
}

static void lex_comment(struct lexer *l)
{
    /* The mark behind "{#" is skipped first, so that "{#-#}" does not use one "-" twice. Comments do not nest. */
    const char *start = l->p + 2 + (l->p + 2 < l->end && (l->p[2] == '-' || l->p[2] == '+')), *close = start;
    while (close + 1 < l->end && !(close[0] == '#' && close[1] == '}'))
        close++;
    if (close + 1 >= l->end)
        work_fail(l->w, "a comment is not closed");
    lex_close(l, close + 2, close > start && (close[-1] == '-' || close[-1] == '+') ? close[-1] : '\0', true);
}

/* ---- strings ---- */

static size_t digits(const char *p, const char *end, size_t most, uint32_t base, uint32_t *value)
{
    size_t n = 0;
    *value = 0;
    for (; n < most && p + n < end; n++) {
        /* Value of one digit in any base up to 16; 99 is a digit of none. */
        uint32_t c = (unsigned char)p[n], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' &&
                (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 99;
        if (d >= base)
            break;
        *value = *value * base + d;
    }
    return n;
}

/* A character by its number, behind the backslash at p: bytes read, 0 for anything else. */
static size_t lex_code(struct lexer *l, const char *p, const char *end, struct buf *out)
{
    size_t want = *p == 'u' ? 4 : *p == 'U' ? 8 : *p == 'x' ? 2 : 0, n;
    uint32_t c;
    /* "\N{BULLET}" would need the names of all characters. */
    if (*p == 'N')
        work_fail(l->w, "characters by name in a string are not supported");
    if (want) {
        if (digits(p + 1, end, want, 16, &c) != want || c > 0x10ffff)
            work_fail(l->w, "a truncated or impossible \\%c escape", *p);
        n = want + 1;
    } else if ((n = digits(p, end, 3, 8, &c)) == 0) { /* one to three octal digits */
        return 0;
    }
    /* Python would keep it in the string and fail when the text is encoded, if it ever is. */
    if (c >= 0xd800 && c < 0xe000)
        work_fail(l->w, "half a surrogate pair in a string");
    char_put(out, c);
    return n;
}

/* The character behind a backslash. jinja2 turns what is beyond ASCII into escapes first, whose own backslash this one then takes away. */
static size_t lex_escape(struct lexer *l, const char *p, const char *end, struct buf *out)
{
    static const char letter[] = "abfnrtv\\'\"", byte[] = "\a\b\f\n\r\t\v\\'\"";
    /* strchr() would find the end of 'letter' for a NUL. */
    const char *k = *p ? strchr(letter, *p) : NULL;
    size_t n = 1;
    if (k) {
        buf_char(out, byte[k - letter]);
    } else if ((unsigned char)*p >= 0x80) {
        uint32_t c = char_at((struct slice){ p, (size_t)(end - p) }, 0, &n);
        buf_printf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    /* A backslash before a line feed joins the lines; before any other letter it stays. */
    } else if (*p != '\n' && (n = lex_code(l, p, end, out)) == 0) {
        buf_char(out, '\\');
        buf_char(out, *p);
        n = 1;
    }
    return n;
}

static void lex_string(struct lexer *l)
{
    const char quote = *l->p, *start = l->p + 1, *end = start;
    struct buf *out = work_buf(l->w);
    while (end < l->end && *end != quote)
        /* First where the string ends, then what it means: a quote behind a backslash ends nothing, whatever the escape. */
        end += *end == '\\' && end + 1 < l->end ? 2 : 1;
    if (end >= l->end)
        work_fail(l->w, "a string is not closed");
    for (const char *p = start; p < end;) {
        size_t n = 1;
        if (*p == '\\')
            n += lex_escape(l, p + 1, end, out);
        else
            buf_char(out, *p);
        p += n;
    }
    skip_to(l, end + 1);
    add(l, (struct tok){ .kind = TOK_STRING, .s = work_take(l->w, out) });
}

/* ---- numbers ---- */

/* Digits with single underscores between them: bytes read. */
static size_t digit_run(const char *p, const char *end, const char *of)
{
    /* "1__0" and "1_" end before the underscore, which then begins a name and fails in the parser. */
    size_t n = 0;
    while (p + n < end && p[n] && (strchr(of, p[n]) || (p[n] == '_' && n && p[n - 1] != '_' && p + n + 1 < end && p[n + 1] &&
            strchr(of, p[n + 1]))))
        n++;
    return n;
}

static const char decimal[] = "0123456789";

/* 1.5, 1e3, 1_0.5E-2. 0: no float. */
static size_t float_length(const struct lexer *l)
{
    size_t whole = digit_run(l->p, l->end, decimal), n = whole, k;
    if (l->p[-1] == '.')                 /* x.0.1 are two items */
        return 0;
    /* "1.x" is an attribute of an int: a point counts with a digit behind it only. */
    if (l->p + n < l->end && l->p[n] == '.' && (k = digit_run(l->p + n + 1, l->end, decimal)) > 0)
        n += 1 + k;
    if (l->p + n < l->end && (l->p[n] | 32) == 'e') {
        size_t sign = l->p + n + 1 < l->end && (l->p[n + 1] == '+' || l->p[n + 1] == '-');
        if ((k = digit_run(l->p + n + 1 + sign, l->end, decimal)) > 0)
            n += 1 + sign + k;
    }
    return n > whole ? n : 0;        /* a point or an exponent makes a float */
}

static size_t prefixed_length(const struct lexer *l, int *base)
{
    static const char *const of[] = { "01", "01234567", "0123456789abcdefABCDEF" };
    if (l->p[0] != '0' || l->p + 2 >= l->end)
        return 0;
    char k = l->p[1] | 32;
    int which = k == 'b' ? 0 : k == 'o' ? 1 : k == 'x' ? 2 : -1;
    if (which < 0)
        return 0;
    size_t under = l->p[2] == '_', n = digit_run(l->p + 2 + under, l->end, of[which]); /* 0x_1f is one */
    *base = which == 0 ? 2 : which == 1 ? 8 : 16;
    return n ? 2 + under + n : 0;
}

static void lex_number(struct lexer *l)
{
    char text[400];
    int base = 10;
    size_t n = float_length(l), kept = 0;
    bool real = n > 0;
    if (!real && (n = prefixed_length(l, &base)) == 0)
        /* "007" is refused by the parser, as 00 and a 7 behind it: jinja2 has no octal numbers without 0o. */
        n = digit_run(l->p, l->end, *l->p == '0' ? "0" : decimal);
    for (size_t i = base == 10 ? 0 : 2; i < n; i++) {
        if (l->p[i] != '_')
            text[kept++] = l->p[i];
        if (kept >= sizeof text - 1)
            work_fail(l->w, "a number of more than %zu digits", sizeof text - 2);
    }
    text[kept] = '\0';
    errno = 0;
    struct tok t = { .kind = real ? TOK_FLOAT : TOK_INT, .f = real ? strtod(text, NULL) : 0 };
    if (!real)
        t.i = strtoll(text, NULL, base);
    if (!real && errno)              /* strtoll() alone sets it: an infinite float is one in Python, too */
        work_fail(l->w, "a whole number of more than 64 bits");
    add(l, t);
    l->p += n;
}

/* ---- tags ---- */

static size_t name_char(const char *p, const char *end)
{
    size_t n = 1;
    if (p >= end)
        return 0;
    uint32_t c = char_at((struct slice){ p, (size_t)(end - p) }, 0, &n);
    /* Names may be in any script; numbers are told off before, so none begins with a digit of ASCII. */
    return c == '_' || char_alnum(c) ? n : 0;
}

static void lex_name(struct lexer *l)
{
    const char *start = l->p;
    for (size_t n; (n = name_char(l->p, l->end)) > 0;)
        l->p += n;
    add(l, (struct tok){ .kind = TOK_NAME, .s = { start, (size_t)(l->p - start) } });
}

static void lex_operator(struct lexer *l)
{
    static const char *const two[] = { "**", "//", "==", "!=", "<=", ">=" };
    size_t n = 1;
    /* The longest operator first: "**" is not two stars. */
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (l->p + 1 < l->end && !memcmp(l->p, two[i], 2))
            n = 2;
    if (n == 1 && (!*l->p || !strchr("+-*/%~<>=.,:|()[]{}", *l->p)))
        work_fail(l->w, "unexpected character '%c'", *l->p);
    add(l, (struct tok){ .kind = TOK_OP, .s = { l->p, n } });
    l->p += n;
}

/* The inside of {{ }} or {% %}; brackets are counted so that "}}" may close two dicts. */
static void lex_inside(struct lexer *l, char close, enum token_kind end)
{
    char mark, open[MAX_DEPTH];      /* the bracket that must come next */
    int n_open = 0;
    const char *behind;
    for (;;) {
        skip_blanks(l);
        if (l->p >= l->end)
            work_fail(l->w, "a tag is not closed");
        /* Inside brackets "}}" closes dicts and "%}" is an operator and a brace: jinja2 asks its stack of brackets before it ends a
         * tag. */
        if (n_open == 0 && (behind = at_close(l, close, &mark))) {
            add(l, (struct tok){ .kind = end });
            lex_close(l, behind, mark, close == '%');
            return;
        }
        char c = *l->p;
        if (c == '"' || c == '\'') {
            lex_string(l);
        } else if (c >= '0' && c <= '9') {
            lex_number(l);
        } else if (name_char(l->p, l->end)) {
            lex_name(l);
        } else {
            if (c == '{' || c == '(' || c == '[') {
                if (n_open == MAX_DEPTH)
                    work_fail(l->w, "nested more than %d deep", MAX_DEPTH);
                open[n_open++] = c == '{' ? '}' : c == '(' ? ')' : ']';
            } else if ((c == '}' || c == ')' || c == ']') && (n_open == 0 || open[--n_open] != c)) {
                work_fail(l->w, "unexpected '%c'", c);
            }
            lex_operator(l);
        }
    }
}

static const char *skip_word(const struct lexer *l, const char *p, const char *word)
{
    /* Used at "{%" alone: a mark, blanks, the word, blanks, and then the caller wants the end of the tag. */
    size_t n = strlen(word);
    p += p < l->end && (*p == '-' || *p == '+');
    for (size_t k; (k = blank(p, l->end)) > 0;)
        p += k;
    if ((size_t)(l->end - p) < n || memcmp(p, word, n))
        return NULL;
    p += n;
    for (size_t k; (k = blank(p, l->end)) > 0;)
        p += k;
    return p;
}

/* {% raw %} ... {% endraw %}: what is between is text. No line feed goes behind the first. */
static bool lex_raw(struct lexer *l)
{
    char mark;
    struct lexer at = *l;
    const char *behind;
    /* "{% raw +%}" is no raw tag in jinja2's expression for it, and fails as an unknown statement. */
    if (!(at.p = skip_word(l, l->p + 2, "raw")) || at.p >= l->end || !(behind = at_close(&at, '%', &mark)) || mark == '+')
        return false;
    lex_close(l, behind, mark, false);
    /* The first endraw ends it: what looks like tags before is text, unclosed strings included. */
    for (const char *close = l->p; close + 1 < l->end; close++) {
        if (close[0] != '{' || close[1] != '%' || !(at.p = skip_word(l, close + 2, "endraw")) || at.p >= l->end ||
                !(behind = at_close(&at, '%', &mark)))
            continue;
        /* The text before endraw is cut by its marks and lstrip_blocks like any other. */
        lex_text(l, close);
        lex_close(l, behind, mark, true);
        return true;
    }
    work_fail(l->w, "raw is not closed");
}

struct tok *template_lex(struct work *w, struct slice src)
{
    /* All tokens at once: the parser looks one ahead (name "=", "not in"), and a source has at most MAX_SOURCE bytes. */
    struct lexer l = { .w = w, .p = src.ptr, .end = src.ptr + src.len, .line_start = true };
    if (src.len && l.end[-1] == '\n')
        l.end--;                         /* keep_trailing_newline is off */
    w->line = 1;
    while (l.p < l.end) {
        const char *tag = find_tag(&l);
        /* Before the tag is read: how its text is cut depends on nothing but the mark behind its two letters. */
        lex_text(&l, tag);
        if (tag == l.end)
            break;
        if (tag[1] == '#') {
            lex_comment(&l);
        } else if (tag[1] != '%' || !lex_raw(&l)) {
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
