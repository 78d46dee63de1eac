/* verdict.c - what a judge's text says. The patterns of FastChat's common.py, matched by hand: leftmost, first match only. */
#include "mtbench/verdict.h"

#include "mtbench/thoughts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct cursor {
    const char *at, *end;                /* bytes to come; none are behind the end */
};

/* ---- numbers: \d+\.?\d* ---- */

struct number {
    const char *ptr;                     /* in the text */
    size_t len;                          /* bytes */
    bool point, plain;                   /* has a point; has ASCII digits only */
};

/* -1, and one byte wide, for what is no UTF-8: such a byte matches nothing and ends every run. */
static int32_t code_point(const struct cursor *c, size_t *width)
{
    utf8proc_int32_t u = -1;
    utf8proc_ssize_t k = c->at < c->end ? utf8proc_iterate((const utf8proc_uint8_t *)c->at, c->end - c->at, &u) : 0;
    *width = k > 0 ? (size_t)k : 1;
    return k > 0 ? u : -1;
}

static size_t take_digits(struct cursor *c, bool *plain)
{
    const char *from = c->at;
    for (;;) {
        size_t width;
        int32_t u = code_point(c, &width);
        bool ascii = u >= '0' && u <= '9';
        /* \d of Python matches digits of all scripts: they are part of the match, although literal() refuses them. ASCII
         * digits only would let a later bracket win, which FastChat never reaches. */
        if (!ascii && (u < 128 || utf8proc_category(u) != UTF8PROC_CATEGORY_ND))
            return (size_t)(c->at - from);
        *plain = *plain && ascii;
        c->at += width;
    }
}

static bool take(struct cursor *c, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, text, n))
        return false;
    c->at += n;
    return true;
}

static bool take_number(struct cursor *c, struct number *out)
{
    *out = (struct number){ .ptr = c->at, .plain = true };
    if (take_digits(c, &out->plain) == 0)
        return false;
    out->point = take(c, ".");           /* \.? is greedy, and what follows never needs it back */
    if (out->point)
        take_digits(c, &out->plain);
    out->len = (size_t)(c->at - out->ptr);
    return true;
}

/* The number as a Python literal. False where Python refuses it: digits of other scripts, a leading zero (00 is one), more than 4300
 * digits. */
static bool literal(const struct number *n, double *value)
{
    enum { MAX_DIGITS = 4300 };          /* sys.int_info.default_max_str_digits */
    char few[MAX_DIGITS + 2];
    if (!n->plain || n->len > MAX_DIGITS)
        return false;
    if (!n->point && n->ptr[0] == '0' && strspn(n->ptr, "0") < n->len) /* 08 is a SyntaxError to Python, 08.5 is not */
        return false;
    memcpy(few, n->ptr, n->len);         /* what follows the number in the text is not of it */
    few[n->len] = '\0';
    *value = strtod(few, NULL);
    return true;
}

/* ---- patterns ---- */

/* \s of Python's Unicode patterns. */
static bool is_space(int32_t u)
{
    return (u >= 9 && u <= 13) || (u >= 0x1c && u <= 0x20) || u == 0x85 || u == 0xa0 || u == 0x1680 || (u >= 0x2000 && u <= 0x200a) ||
           u == 0x2028 || u == 0x2029 || u == 0x202f || u == 0x205f || u == 0x3000;
}

/* The numbers between 'open' and 'close', with a comma and at most one blank between them. */
static bool match_here(struct cursor c, const char *open, const char *close, struct number *out, int n)
{
    if (!take(&c, open))
        return false;
    for (int i = 0; i < n; i++) {
        size_t width;
        if (i > 0) {
            if (!take(&c, ","))
                return false;
            if (is_space(code_point(&c, &width))) /* \s? takes one */
                c.at += width;
        }
        if (!take_number(&c, &out[i]))
            return false;
    }
    return take(&c, close);
}

static bool search(const char *text, size_t n, const char *open, const char *close, struct number *out, int n_out)
{
    struct cursor c = { text, text + n };
    while ((c.at = memchr(c.at, '[', (size_t)(c.end - c.at)))) {
        if (match_here(c, open, close, out, n_out))
            return true;
        c.at++;
    }
    return false;
}

static bool find_numbers(const char *text, size_t n, struct number *out, int n_out)
{
    /* The single brackets are FastChat's backup, tried only when the double ones find nothing anywhere: "see [1] and
     * [[7]]" is a 7. */
    return search(text, n, "[[", "]]", out, n_out) || search(text, n, "[", "]", out, n_out);
}

static struct verdict parse_rating(const char *text, size_t n)
{
    struct number number;
    struct verdict v = { .status = JUDGMENT_UNPARSABLE, .score = -1, .score_is_int = true, .letter = 'E' };
    if (!find_numbers(text, n, &number, 1) || !literal(&number, &v.score))
        return v;
    v.score_is_int = !number.point;      /* "8." is a float in FastChat's files */
    v.status = rating_status(v.score);
    return v;
}

static struct verdict parse_two(const char *text, size_t n)
{
    struct number number[2];
    double a, b;
    struct verdict v = { .status = JUDGMENT_UNPARSABLE, .score = -1, .score_is_int = true, .letter = 'E' };
    if (!find_numbers(text, n, number, 2) || !literal(&number[0], &a) || !literal(&number[1], &b))
        return v;
    v.status = JUDGMENT_OK;
    v.letter = fabs(a - b) <= 0.1 ? 'C' : a > b ? 'A' : 'B'; /* FastChat's TIE_DELTA, in doubles */
    return v;
}

/* [[A]] anywhere beats [[B]] anywhere, as in FastChat. */
static struct verdict parse_letter(const char *text, size_t n)
{
    static const char mark[][6] = { "[[A]]", "[[B]]", "[[C]]" };
    struct verdict v = { .status = JUDGMENT_UNPARSABLE, .score = -1, .score_is_int = true, .letter = 'E' };
    for (int i = 0; i < 3; i++) {
        if (memmem(text, n, mark[i], 5)) {
            v.status = JUDGMENT_OK;
            v.letter = mark[i][2];
            break;
        }
    }
    return v;
}

struct verdict verdict_parse(enum verdict_format format, const char *text, size_t n)
{
    return format == VERDICT_RATING ? parse_rating(text, n) : format == VERDICT_AB ? parse_letter(text, n) : parse_two(text, n);
}

struct verdict verdict_read(enum verdict_format format, const char *text, size_t n, bool cut)
{
    struct buf said = {0};
    /* A reply that was cut inside its thoughts has no answer yet: a number that is weighed in them is no verdict. */
    if (!cut || !thoughts_announced(text, n))
        thoughts_strike(NULL, text, n, &said, NULL);
    struct verdict v = verdict_parse(format, said.data ? said.data : "", said.len);
    buf_free(&said);
    return v;
}
