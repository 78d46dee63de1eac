/* json.c - JSON in and out. cJSON reads; the writer is ours because files must equal Python's to the byte. */
#include "mtbench/json.h"

#include "json_plain.h"

#include "mtbench/nul.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

long utf8_bad(const char *s, size_t n)
{
    utf8proc_int32_t c;
    for (size_t i = 0; i < n;) {
        if ((unsigned char)s[i] < 0x80) { /* nearly all bytes: no call for these */
            i++;
            continue;
        }
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s + i, (utf8proc_ssize_t)(n - i), &c);
        if (k < 1)
            return (long)i;
        i += (size_t)k;
    }
    return -1;
}

int utf8_fit(const char *s, int most)
{
    int n = (int)strnlen(s, (size_t)most + 1);
    if (n <= most)
        return n;
    for (n = most; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80; n--) /* back to where the cut character begins */
        ;
    return n;
}

/* The next \u0000 in s, or NULL. An escape counts only after an even number of backslashes. */
static const char *find_nul_escape(const char *s, const char *end)
{
    while ((s = memchr(s, '\\', (size_t)(end - s))) && end - s >= 6) {
        if (!memcmp(s + 1, "u0000", 5))
            return s;
        s += 2;                          /* an escape is passed whole: in \\u0000 the second backslash starts none */
    }
    return NULL;
}

/* cJSON would cut a string at \u0000, but takes other bytes as they are: those of nul.h. */
static void spell_nul_escapes(struct buf *out, const char *s, const char *end)
{
    for (const char *hit; (hit = find_nul_escape(s, end)); s = hit + 6) {
        buf_add(out, s, (size_t)(hit - s));
        buf_str(out, "\xc0\x80");
    }
    buf_add(out, s, (size_t)(end - s));
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static cJSON *parse_valid(const char *text, size_t n, struct err *err)
{
    const char *end = NULL;
    cJSON *j = cJSON_ParseWithLengthOpts(text, n, &end, 0);
    if (!j) {
        const char *at = cJSON_GetErrorPtr(); /* cJSON's global: right as long as one thread parses */
        size_t column = at && at >= text && at <= text + n ? (size_t)(at - text) + 1 : 1;
        err_set(err, ERR_FORMAT, "no valid JSON at column %zu; correct the line", column);
        return NULL;
    }
    while (end < text + n && is_blank(*end))
        end++;
    /* Two objects on a line are two writers that met: taking the first would lose the second in silence. */
    if (end != text + n) {
        err_set(err, ERR_FORMAT, "more text after the JSON value at column %zu; one value belongs on a line", (size_t)(end - text) + 1);
        cJSON_Delete(j);
        return NULL;
    }
    return j;
}

/* cJSON takes much that JSON is not (bytes that are no UTF-8, a NUL as the end): that is looked for first, so that
 * nothing is cut in silence. */
cJSON *json_parse(const char *text, size_t n, struct err *err)
{
    long bad = utf8_bad(text, n);
    if (bad >= 0) {
        err_set(err, ERR_FORMAT, "byte %ld is no UTF-8; save the file as UTF-8", bad + 1);
        return NULL;
    }
    if (memchr(text, '\0', n)) {         /* cJSON would stop there and call the rest a torn text */
        err_set(err, ERR_FORMAT, "a byte 0 between the characters; save the file as UTF-8");
        return NULL;
    }
    if (!find_nul_escape(text, text + n)) /* nearly always: no copy */
        return parse_valid(text, n, err);
    struct buf spelled = { 0 };
    spell_nul_escapes(&spelled, text, text + n);
    cJSON *j = parse_valid(spelled.data, spelled.len, err);
    buf_free(&spelled);
    return j;
}

cJSON *json_parse_python(const char *text, size_t n, struct err *err)
{
    static const char *const word[] = { "NaN", "-Infinity", "Infinity" };
    struct buf b = {0};
    bool quoted = false;
    for (size_t i = 0, skip; i < n; i += skip) {
        const char *put = text + i;
        skip = quoted && text[i] == '\\' && i + 1 < n ? 2 : 1; /* what is escaped ends no string */
        quoted ^= text[i] == '"';
        for (size_t k = 0; k < 3 && !quoted && put == text + i; k++)
            if (n - i >= strlen(word[k]) && !memcmp(text + i, word[k], strlen(word[k])))
                put = "null", skip = strlen(word[k]);
        buf_add(&b, put, put == text + i ? skip : 4);
    }
    cJSON *j = json_parse(b.data ? b.data : "", b.len, err);
    buf_free(&b);
    return j;
}

const cJSON *json_get(const cJSON *object, const char *name)
{
    const cJSON *j, *last = NULL;
    if (!cJSON_IsObject(object))         /* NULL too, so that look-ups can be chained */
        return NULL;
    /* Of duplicate keys the last one counts, as in Python's json; cJSON's own look-up takes the first. */
    cJSON_ArrayForEach(j, object)
        if (!strcmp(j->string, name))
            last = j;
    return last;
}

bool json_whole(const cJSON *j, int64_t *value)
{
    const double most = 9007199254740991.0;              /* 2^53 - 1: doubles beyond skip whole numbers */
    if (!cJSON_IsNumber(j) || !(fabs(j->valuedouble) <= most) || j->valuedouble != floor(j->valuedouble)) /* written so that NaN is none */
        return false;
    *value = (int64_t)j->valuedouble;
    return true;
}

static void put_escape(struct buf *b, uint32_t unit)
{
    static const char hex[] = "0123456789abcdef";
    const char text[6] = { '\\', 'u', hex[unit >> 12], hex[unit >> 8 & 15], hex[unit >> 4 & 15], hex[unit & 15] };
    buf_add(b, text, sizeof text);
}

/* json.dumps with ensure_ascii: all of U+0020 to U+007E as they are, all else escaped, U+007F too. */
static void put_code_point(struct buf *b, uint32_t c)
{
    static const char plain[] = "\n\"\\\r\t\b\f", letter[] = "n\"\\rtbf";
    const char *p = c && c < 0x80 ? strchr(plain, (int)c) : NULL; /* 0 would be found at the end */
    if (p)
        buf_add(b, (const char[]){ '\\', letter[p - plain] }, 2);
    else if (c < 0x10000)
        put_escape(b, c);
    else {                               /* a surrogate pair, lower-case digits, as json.dumps */
        put_escape(b, 0xd800 + ((c - 0x10000) >> 10));
        put_escape(b, 0xdc00 + ((c - 0x10000) & 0x3ff));
    }
}

void json_put_string(struct buf *b, const char *s, size_t n)
{
    const char *end = s + n;
    buf_char(b, '"');
    for (;;) {
        const char *stop = json_plain_run(s, end);
        buf_add(b, s, (size_t)(stop - s));
        if ((s = stop) == end)
            break;
        utf8proc_int32_t c = (unsigned char)*s;
        utf8proc_ssize_t k = c < 0x80 ? 1 : utf8proc_iterate((const utf8proc_uint8_t *)s, end - s, &c);
        bool nul = k < 1 && nul_spelled(s, end - s < 2 ? (size_t)(end - s) : 2); /* C0 80: no UTF-8 to utf8proc, a NUL to us */
        /* A byte that is no UTF-8 becomes the replacement character: a journal line must always be readable again. */
        put_code_point(b, nul ? 0 : k < 1 ? 0xfffd : (uint32_t)c);
        s += nul ? 2 : k < 1 ? 1 : k;
    }
    buf_char(b, '"');
}

void json_put_int(struct buf *b, int64_t v)
{
    buf_printf(b, "%lld", (long long)v);
}

/* v with so many digits, as text; does it read back? */
static bool reads_back(char text[40], int digits, double v, bool narrow)
{
    snprintf(text, 40, "%.*e", digits - 1, v);
    return narrow ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
}

/* The fewest digits that read back; 'text' has them, or more. Any decimal of DBL_DIG digits comes through a double unharmed, so if that
 * many read back, the fewest are these without their last zeros; only a few more tries are left then. Subnormal numbers hold
 * less than that. */
static int fewest_digits(char text[40], double v, bool narrow)
{
    bool normal = fabs(v) >= (narrow ? (double)FLT_MIN : DBL_MIN);
    int digits = normal ? (narrow ? FLT_DIG : DBL_DIG) : 1;
    if (normal && reads_back(text, digits, v, narrow)) {
        while (digits > 1 && text[(*text == '-') + digits] == '0')
            digits--;
        return digits;
    }
    while (digits < 17 && !reads_back(text, digits, v, narrow))
        digits++;
    return digits;
}

/* In fixed notation for exponents -4 .. 15, as repr(float) has it; 'narrow': read back as float. */
static void put_shortest(struct buf *b, double v, bool narrow)
{
    char text[40];
    if (!isfinite(v)) {
        buf_str(b, isnan(v) ? "NaN" : v > 0 ? "Infinity" : "-Infinity"); /* as Python writes and reads them */
        return;
    }
    if (fabs(v) < 1e15 && v == (double)(int64_t)v && !(v == 0 && signbit(v))) {
        buf_printf(b, "%lld.0", (long long)v);               /* most numbers that are written */
        return;
    }
    int digits = fewest_digits(text, v, narrow), exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16) { /* beyond, repr(float) turns to exponents */
        int decimals = digits - 1 - exponent;
        buf_printf(b, "%.*f", decimals > 1 ? decimals : 1, v);
        return;
    }
    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    *strchr(text, 'e') = '\0';
    buf_printf(b, "%se%c%02d", text, exponent < 0 ? '-' : '+', abs(exponent));
}

void json_put_double(struct buf *b, double v)
{
    put_shortest(b, v, false);
}

void json_put_float(struct buf *b, float v)
{
    put_shortest(b, (double)v, true);    /* 0.1f is 0.1, not 0.10000000149011612 */
}

void json_put_text_member(struct buf *b, const char *name, const char *value)
{
    buf_printf(b, ", \"%s\": ", name);
    if (value)
        json_put_string(b, value, strlen(value));
    else
        buf_str(b, "null");
}

/* Of our own files: no reader of ours, or of other languages, has to know the word NaN. */
void json_put_number_member(struct buf *b, const char *name, double value)
{
    buf_printf(b, ", \"%s\": ", name);
    if (isfinite(value))
        json_put_double(b, value);
    else
        buf_str(b, "null");
}
