/* python_literal.c - tokens of Python source, and what its literals say (Python 3 Language Reference, 2 Lexical analysis). */
#include "python_literal.h"

#include "unicode.h"

#include "mtbench/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokens ---- */

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; /* which letters Python allows there is no matter here */
}

void python_begin(struct python_reader *r, const char *source, size_t n)
{
    *r = (struct python_reader){ .next = source, .end = source + n, .line = 1, .next_line = 1 };
    if (n >= 3 && !memcmp(source, "\xef\xbb\xbf", 3))
        r->next += 3;
}

/* Past one character; the three ends of a line count once each. */
static void step(struct python_reader *r)
{
    char c = *r->next++;
    if (c == '\r' && r->next < r->end && *r->next == '\n')
        r->next++;
    r->next_line += c == '\n' || c == '\r';
}

/* Blanks, ends of lines, joined lines and comments: the shape of statements is no concern of a reader of literals. */
static void skip(struct python_reader *r)
{
    while (r->next < r->end) {
        if (*r->next == '#')
            while (r->next < r->end && *r->next != '\n' && *r->next != '\r')
                r->next++;
        else if (*r->next && strchr(" \t\f\n\r\\", *r->next))
            step(r);
        else
            return;
    }
}

/* r->next is at a quote; behind the string that it opens afterwards. */
static int skip_string(struct python_reader *r, struct err *err)
{
    char quote = *r->next;
    bool triple = r->end - r->next >= 3 && r->next[1] == quote && r->next[2] == quote;
    r->next += triple ? 3 : 1;
    while (r->next < r->end && *r->next) {
        if (*r->next == quote && (!triple || (r->end - r->next >= 3 && r->next[1] == quote && r->next[2] == quote))) {
            r->next += triple ? 3 : 1;
            return 0;
        }
        if (!triple && (*r->next == '\n' || *r->next == '\r'))
            break;
        /* A backslash hides a quote in raw strings, too. */
        if (*r->next == '\\' && r->end - r->next >= 2 && r->next[1])
            r->next++;
        step(r);
    }
    return err_set(err, ERR_FORMAT, "line %ld: a string without an end", r->line);
}

/* The letters in front of a string: r, b, u, f in some order. */
static bool prefix(const struct python_reader *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (!strchr("rRbBuUfF", r->at[i]))
            return false;
    return r->n <= 2 && r->next < r->end && (*r->next == '"' || *r->next == '\'');
}

int python_next(struct python_reader *r, struct err *err)
{
    int rc = 0;
    skip(r);
    r->line = r->next_line;
    r->at = r->next;
    if (r->next == r->end) {
        r->kind = PYTHON_END;
    } else if (!*r->next) {
        rc = err_set(err, ERR_FORMAT, "line %ld: a NUL; this is no Python source", r->line);
    } else if (*r->next == '"' || *r->next == '\'') {
        r->kind = PYTHON_STRING;
        rc = skip_string(r, err);
    } else if (in_name(*r->next)) {
        r->kind = isdigit((unsigned char)*r->next) ? PYTHON_NUMBER : PYTHON_NAME;
        while (r->next < r->end && in_name(*r->next))
            r->next++;
        r->n = (size_t)(r->next - r->at);
        if (r->kind == PYTHON_NAME && prefix(r)) {
            r->kind = PYTHON_STRING;
            rc = skip_string(r, err);
        }
    } else {
        r->kind = PYTHON_OTHER;
        r->next++;
    }
    r->n = (size_t)(r->next - r->at);
    return rc;
}

bool python_is(const struct python_reader *r, const char *text)
{
    return (r->kind == PYTHON_NAME || r->kind == PYTHON_OTHER) && r->n == strlen(text) && !memcmp(r->at, text, r->n);
}

/* ---- strings ---- */

/* 'n' digits of 'base' at most, at least 'least' of them; -1: there are fewer. */
static long digits(const char **p, const char *end, int base, int least, int n)
{
    long value = 0;
    int i = 0;
    for (; i < n && *p < end; i++, (*p)++) {
        const char *hex = "0123456789abcdef", *at = **p ? strchr(hex, tolower((unsigned char)**p)) : NULL;
        if (!at || at - hex >= base)
            break;
        value = value * base + (at - hex);
    }
    return i < least ? -1 : value;
}

/* What stands behind a backslash. -1: err. */
static int escape(const char **p, const char *end, long line, struct buf *out, struct err *err)
{
    static const char plain[] = "\\\\''\"\"a\ab\bf\fn\nr\rt\tv\v"; /* pairs: the letter, what it is */
    char c = *(*p)++;
    if (c == '\r' && *p < end && **p == '\n')
        (*p)++;
    if (c == '\n' || c == '\r')          /* a joined line leaves nothing */
        return 0;
    for (const char *q = plain; *q; q += 2)
        if (*q == c) {
            buf_char(out, q[1]);
            return 0;
        }
    long code = c == 'x' ? digits(p, end, 16, 2, 2) : c == 'u' ? digits(p, end, 16, 4, 4) : c == 'U' ? digits(p, end, 16, 8, 8) : -2;
    if (c >= '0' && c <= '7') {
        (*p)--;
        code = digits(p, end, 8, 1, 3);
    }
    if (code == -2 && c != 'N') {        /* an unknown one stands for itself, with its backslash */
        buf_char(out, '\\');
        (*p)--;
        return 0;
    }
    /* U+0000 has no place in the C strings that this becomes, half a surrogate pair none in UTF-8. */
    if (code < 1 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return err_set(err, ERR_FORMAT, "line %ld: an escape \\%c that is not read here", line, c);
    utf8_put(out, (uint32_t)code);
    return 0;
}

/* Append the string that is the reader's token. */
static int string(const struct python_reader *r, struct buf *out, struct err *err)
{
    const char *p = r->at, *end = r->at + r->n;
    bool raw = false;
    for (; *p != '"' && *p != '\''; p++) {
        if (strchr("bBfF", *p))          /* bytes are no text, and what an f-string says is known only when it is run */
            return err_set(err, ERR_FORMAT, "line %ld: %s instead of a plain string", r->line, strchr("bB", *p) ? "bytes" : "an f-string");
        raw |= *p == 'r' || *p == 'R';
    }
    size_t quotes = end - p >= 6 && p[1] == p[0] && p[2] == p[0] ? 3 : 1;
    p += quotes;
    end -= quotes;
    buf_str(out, "");                    /* so that an empty string has its NUL */
    while (p < end) {
        if (*p == '\\' && !raw && p + 1 < end) {
            p++;
            if (escape(&p, end, r->line, out, err) < 0)
                return -1;
        } else if (*p == '\r') {         /* Python reads every end of line as a line feed */
            p += p + 1 < end && p[1] == '\n' ? 2 : 1;
            buf_char(out, '\n');
        } else {
            buf_char(out, *p++);
        }
    }
    return utf8_valid(out->data, out->len) ? 0 : err_set(err, ERR_FORMAT, "line %ld: a string that is no UTF-8", r->line);
}

/* ---- values ---- */

enum { DEEPEST = 8 };                    /* tuples in tuples: a message's is the third */

static int value(struct python_reader *r, struct python_value *v, int depth, struct err *err);

/* Behind "(" or "[": the items up to 'close'. A parenthesis around one item without a comma is no tuple. */
static int row(struct python_reader *r, struct python_value *v, const char *close, int depth, struct err *err)
{
    bool comma = *close == ']';
    v->kind = PYTHON_ROW;
    while (!python_is(r, close)) {
        v->item = xrealloc(v->item, (size_t)v->n + 1, sizeof *v->item);
        v->item[v->n] = (struct python_value){0};
        v->n++;
        if (value(r, &v->item[v->n - 1], depth + 1, err) < 0)
            return -1;
        if (python_is(r, ",")) {
            comma = true;
            if (python_next(r, err) < 0)
                return -1;
        } else if (!python_is(r, close)) {
            return err_set(err, ERR_FORMAT, "line %ld: \"%.*s\" where a literal should end", r->line, (int)(r->n < 40 ? r->n : 40), r->at);
        }
    }
    if (v->n == 1 && !comma) {
        struct python_value *inner = v->item;
        *v = *inner;
        free(inner);
    }
    return python_next(r, err);
}

/* A name with dots in it. */
static int word(struct python_reader *r, struct python_value *v, struct err *err)
{
    v->kind = PYTHON_WORD;
    for (;;) {
        buf_add(&v->text, r->at, r->n);
        if (python_next(r, err) < 0)
            return -1;
        if (!python_is(r, "."))
            break;
        buf_char(&v->text, '.');
        if (python_next(r, err) < 0)
            return -1;
        if (r->kind != PYTHON_NAME)
            return err_set(err, ERR_FORMAT, "line %ld: no name behind a dot", r->line);
    }
    if (!strcmp(v->text.data, "None")) {
        buf_free(&v->text);
        v->kind = PYTHON_NONE;
    }
    return 0;
}

static int whole(struct python_reader *r, struct python_value *v, struct err *err)
{
    v->kind = PYTHON_WHOLE;
    for (size_t i = 0; i < r->n; i++) {
        if (!isdigit((unsigned char)r->at[i]) || r->n > 15)
            return err_set(err, ERR_FORMAT, "line %ld: \"%.*s\" instead of a whole number", r->line, (int)(r->n < 40 ? r->n : 40), r->at);
        v->whole = 10 * v->whole + (r->at[i] - '0');
    }
    return python_next(r, err);
}

static int value(struct python_reader *r, struct python_value *v, int depth, struct err *err)
{
    if (depth > DEEPEST)
        return err_set(err, ERR_FORMAT, "line %ld: more than %d tuples in each other", r->line, DEEPEST);
    if (r->kind == PYTHON_STRING) {
        v->kind = PYTHON_TEXT;
        while (r->kind == PYTHON_STRING)
            if (string(r, &v->text, err) < 0 || python_next(r, err) < 0)
                return -1;
        return 0;
    }
    if (r->kind == PYTHON_NUMBER)
        return whole(r, v, err);
    if (r->kind == PYTHON_NAME)
        return word(r, v, err);
    if (python_is(r, "(") || python_is(r, "[")) {
        const char *close = python_is(r, "(") ? ")" : "]";
        return python_next(r, err) < 0 ? -1 : row(r, v, close, depth, err);
    }
    return err_set(err, ERR_FORMAT, "line %ld: \"%.*s\" instead of a literal", r->line, (int)(r->n < 40 ? r->n : 40), r->at);
}

int python_value_read(struct python_reader *r, struct python_value *out, struct err *err)
{
    *out = (struct python_value){0};
    return value(r, out, 0, err);
}

void python_value_free(struct python_value *v)
{
    for (int i = 0; i < v->n; i++)
        python_value_free(&v->item[i]);
    free(v->item);
    buf_free(&v->text);
    *v = (struct python_value){0};
}
