/* json_scan.c - JSON read in one pass. Strings go by eight bytes at a time, since they are nearly all of such files. */
#include "mtbench/json_scan.h"

#include "json_plain.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { MAX_DEPTH = 512 };                /* of lists and objects; Python gives up near 1000 */

void json_scan_begin(struct json_scan *s, const char *text, size_t n)
{
    *s = (struct json_scan){ text, text, text + n, NULL };
}

/* Returns false, so that a fault is told and passed on in one line; -1 where a function has three answers is
 * wrong() - 1. */
static bool wrong(struct json_scan *s, const char *what)
{
    if (!s->wrong)                       /* the first fault is the cause, later ones follow from it */
        s->wrong = what;
    return false;
}

int json_scan_error(const struct json_scan *s, struct err *err)
{
    return err_set(err, ERR_FORMAT, "no valid JSON at column %zu (%s); correct the line", (size_t)(s->at - s->start) + 1,
                   s->wrong ? s->wrong : "something else was expected");
}

/* The next byte that is no blank, not taken; 0 at the end. A byte 0 in the text is no token either, so both are
 * refused alike. */
static inline char peek(struct json_scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
    return s->at < s->end ? *s->at : 0;
}

char json_scan_peek(struct json_scan *s)
{
    return peek(s);
}

bool json_scan_end(struct json_scan *s)
{
    peek(s);
    return s->at == s->end || wrong(s, "more text after the value");
}

/* ---- strings ---- */

static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        /* By hand: isxdigit() asks the locale, and this is the inner loop. */
        int c = (unsigned char)p[i], d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* What the letter behind a backslash stands for; 0: none such, or \\u. */
static char unescape(char letter)
{
    switch (letter) {
    case '"': case '\\': case '/': return letter;
    case 'n': return '\n';
    case 't': return '\t';
    case 'r': return '\r';
    case 'b': return '\b';
    case 'f': return '\f';
    default: return 0;
    }
}

bool json_scan_string(struct json_scan *s, struct json_text *out)
{
    if (peek(s) != '"')
        return wrong(s, "no string");
    *out = (struct json_text){ ++s->at, 0, false }; /* a slice of the text: nothing is copied */
    for (;;) {
        s->at = json_plain_run(s->at, s->end);
        if (s->at == s->end)
            return wrong(s, "a string without an end");
        utf8proc_int32_t c = (unsigned char)*s->at;
        if (c == '"') {
            out->len = (size_t)(s->at++ - out->ptr);
            return true;
        }
        if (c < 0x20)                    /* JSON wants them escaped; Python refuses them too */
            return wrong(s, "a control character in a string");
        if (c == '\\') {
            out->escaped = true;         /* json_text_decode() is needed to read it */
            bool unicode = s->end - s->at > 1 && s->at[1] == 'u';
            if (s->end - s->at < 2 || (unicode ? hex4(s->at + 2, s->end) < 0 : !unescape(s->at[1])))
                return wrong(s, "no such escape");
            s->at += unicode ? 6 : 2;    /* passed, not decoded: most strings are never looked at */
            continue;
        }
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s->at, s->end - s->at, &c);
        if (k < 1)
            return wrong(s, "a byte that is no UTF-8");
        s->at += k;
    }
}

static long put_utf8(uint32_t c, char *out)
{
    return utf8proc_encode_char((utf8proc_int32_t)c, (utf8proc_uint8_t *)out);
}

/* \uXXXX at *p, two of them for a surrogate pair; \u0000 as nul.h spells it. 0: none that UTF-8 can hold. */
static long decode_unicode(const char **p, const char *end, char *out)
{
    int c = hex4(*p + 2, end), low;
    *p += 6;
    if (c >= 0xdc00 && c < 0xe000)       /* a low half without its high one */
        return 0;
    if (c == 0) {                        /* a C string cannot hold it */
        memcpy(out, "\xc0\x80", 2);
        return 2;
    }
    if (c < 0xd800 || c >= 0xe000)
        return put_utf8((uint32_t)c, out);
    if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u' || (low = hex4(*p + 2, end)) < 0xdc00 || low >= 0xe000)
        return 0;
    *p += 6;
    return put_utf8(0x10000u + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00), out);
}

long json_text_decode(const struct json_text *t, char *out)
{
    const char *p = t->ptr, *end = t->ptr + t->len;
    char *o = out;
    while (p < end) {
        const char *stop = memchr(p, '\\', (size_t)(end - p));
        size_t run = (size_t)((stop ? stop : end) - p);
        memmove(o, p, run);              /* 'out' may be the text itself: decoding never grows */
        o += run;
        p += run;
        if (p == end)
            break;
        if (p[1] == 'u') {
            long k = decode_unicode(&p, end, o);
            if (k == 0)
                return -1;
            o += k;
        } else {
            *o++ = unescape(p[1]);       /* scanned before: the letter is one of them */
            p += 2;
        }
    }
    return o - out;
}

bool json_text_is(const struct json_text *t, const char *name)
{
    size_t n = strlen(name);
    if (!t->escaped)                     /* nearly always: compared in place */
        return t->len == n && !memcmp(t->ptr, name, n);
    if (t->len > 6 * n)                  /* an escape is at most six bytes for one */
        return false;
    char *plain = xcalloc(t->len, 1);
    bool same = json_text_decode(t, plain) == (long)n && !memcmp(plain, name, n);
    free(plain);
    return same;
}

/* ---- numbers and words ---- */

static const char *digits(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;
    return p;
}

static bool word(struct json_scan *s, const char *w)
{
    size_t n = strlen(w);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, w, n))
        return false;
    s->at += n;
    return true;
}

/* The end of the number's digits, or NULL. */
static const char *number_end(const char *p, const char *end, bool *is_int)
{
    const char *from = p += p < end && *p == '-';
    p = digits(p, end);
    if (p == from || (*from == '0' && p > from + 1)) /* no digits, or 012: JSON has neither */
        return NULL;
    *is_int = true;
    if (p < end && *p == '.') {
        *is_int = false;
        from = ++p;
        if ((p = digits(p, end)) == from)
            return NULL;
    }
    if (p < end && (*p | 32) == 'e') {
        *is_int = false;
        p++;
        from = p += p < end && (*p == '+' || *p == '-');
        if ((p = digits(p, end)) == from)
            return NULL;
    }
    return p;
}

/* Fewer than 16 digits: exact in int64_t and in double, and far faster than strtod(). */
static double to_whole(const char *p, size_t n)
{
    const bool negative = *p == '-';
    int64_t v = 0;
    for (size_t i = negative; i < n; i++)
        v = v * 10 + (p[i] - '0');
    return negative ? -(double)v : (double)v;
}

/* Read the digits from a NUL-terminated copy: what follows the number in the text is not ours. */
static double to_double(const char *p, size_t n)
{
    char few[48], *copy = n < sizeof few ? few : xcalloc(n + 1, 1);
    memcpy(copy, p, n);
    copy[n] = '\0';
    double v = strtod(copy, NULL);
    if (copy != few)
        free(copy);
    return v;
}

/* 'is_int' as Python tells int from float: by the spelling, so 8.0 and 8e0 are floats and are written as such
 * again. */
bool json_scan_number(struct json_scan *s, double *value, bool *is_int)
{
    peek(s);
    const char *end = number_end(s->at, s->end, is_int);
    if (end) {
        size_t n = (size_t)(end - s->at);
        *value = *is_int && n < 16 ? to_whole(s->at, n) : to_double(s->at, n);
        s->at = end;
        return true;
    }
    *is_int = false;
    if (word(s, "NaN"))                  /* Python's json reads and writes these three */
        *value = NAN;
    else if (word(s, "Infinity"))
        *value = INFINITY;
    else if (word(s, "-Infinity"))
        *value = -INFINITY;
    else
        return wrong(s, "no number");
    return true;
}

/* ---- lists, objects, anything ---- */

bool json_scan_open(struct json_scan *s, char bracket)
{
    if (peek(s) != bracket)
        return wrong(s, bracket == '{' ? "no object" : "no list");
    s->at++;
    return true;
}

/* 1: an item follows, 0: the closing bracket was taken, -1: neither. */
static int next(struct json_scan *s, bool *first, char close)
{
    char c = peek(s);
    if (c == close && c) {               /* 0 is the end of the text, not a bracket */
        s->at++;
        return 0;
    }
    if (!*first) {
        if (c != ',')
            return wrong(s, "a comma or the closing bracket is missing") - 1;
        s->at++;
    }
    *first = false;
    return 1;
}

int json_scan_item(struct json_scan *s, bool *first)
{
    bool was_first = *first;
    int k = next(s, first, ']');
    if (k == 1 && !was_first && peek(s) == ']')
        return wrong(s, "a comma before the closing bracket") - 1;
    return k;
}

int json_scan_key(struct json_scan *s, bool *first, struct json_text *key)
{
    int k = next(s, first, '}');
    if (k != 1)
        return k;
    if (!json_scan_string(s, key))       /* also refuses the comma before a closing brace */
        return -1;
    if (peek(s) != ':')
        return wrong(s, "a colon is missing") - 1;
    s->at++;
    return 1;
}

/* Checked as strictly as what is read: a file must not be good or bad by which of its members somebody looks at. */
static bool skip(struct json_scan *s, int depth)
{
    struct json_text text;
    bool is_int, first = true;
    int k;
    char c = peek(s);
    if (c == '"')
        return json_scan_string(s, &text);
    if (c == '{' || c == '[') {
        if (depth == MAX_DEPTH)          /* the recursion's bound: hostile files must not end the stack */
            return wrong(s, "brackets too deep");
        s->at++;
        while ((k = c == '{' ? json_scan_key(s, &first, &text) : json_scan_item(s, &first)) == 1)
            if (!skip(s, depth + 1))
                return false;
        return k == 0;
    }
    const char *end = number_end(s->at, s->end, &is_int);
    if (end)
        s->at = end;
    return end || word(s, "true") || word(s, "false") || word(s, "null") || word(s, "NaN") || word(s, "Infinity") || word(s, "-Infinity") ||
           wrong(s, "no value");
}

bool json_scan_skip(struct json_scan *s)
{
    return skip(s, 0);
}

/* ---- members ---- */

static struct json_member *member_of(const struct json_text *key, struct json_member *m, int n)
{
    for (int i = 0; i < n; i++)
        if ((key->escaped || key->ptr[0] == m[i].name[0]) && json_text_is(key, m[i].name)) /* the first letter settles nearly all */
            return &m[i];
    return NULL;
}

int json_scan_members(const char *text, size_t n, struct json_member *m, int n_members, struct err *err)
{
    struct json_scan s;
    struct json_text key;
    bool first = true;
    int k;
    for (int i = 0; i < n_members; i++)
        m[i].value = (struct slice){0};
    json_scan_begin(&s, text, n);
    if (!json_scan_open(&s, '{'))
        return json_scan_error(&s, err);
    while ((k = json_scan_key(&s, &first, &key)) == 1) {
        struct json_member *found = member_of(&key, m, n_members);
        peek(&s);
        const char *at = s.at;
        if (!json_scan_skip(&s))
            return json_scan_error(&s, err);
        if (found)                       /* again: of duplicate keys the last one counts */
            found->value = (struct slice){ at, (size_t)(s.at - at) };
    }
    return k < 0 || !json_scan_end(&s) ? json_scan_error(&s, err) : 0;
}

/* The value was scanned when the member was found: its quotes are its ends, and nothing in between needs another look. */
bool json_member_string(struct slice value, struct json_text *out)
{
    if (!value.ptr || *value.ptr != '"')
        return false;
    *out = (struct json_text){ value.ptr + 1, value.len - 2, memchr(value.ptr, '\\', value.len) != NULL };
    return true;
}

bool json_member_number(struct slice value, double *v, bool *is_int)
{
    struct json_scan s;
    if (!value.ptr)
        return false;
    json_scan_begin(&s, value.ptr, value.len);
    return json_scan_number(&s, v, is_int);
}

bool json_member_whole(struct slice value, int64_t *v)
{
    const double most = 9007199254740991.0; /* 2^53 - 1, as json_whole() */
    double x;
    bool is_int;
    if (!json_member_number(value, &x, &is_int) || !(fabs(x) <= most) || x != floor(x))
        return false;
    *v = (int64_t)x;
    return true;
}
