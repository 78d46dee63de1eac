/* unicode.c - UTF-8 and the properties of characters that tokenizers ask for (room: text).
 * Properties and normal forms come from utf8proc; the decoder is our own because it must replace bad bytes exactly as Rust does. */
#include "unicode.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Length of the well-formed sequence at s, or minus the length of the maximal bad subpart. */
static int sequence_len(const unsigned char *s, size_t n)
{
    if (s[0] < 0x80)
        return 1;
    /* C0 and C1 could only begin overlong forms, F5 and above are beyond U+10FFFF. */
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return -1;
    int need = s[0] < 0xe0 ? 1 : s[0] < 0xf0 ? 2 : 3;
    /* The second byte alone decides about overlong forms (E0, F0), surrogates (ED) and the end of Unicode (F4). */
    unsigned char lo = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
    unsigned char hi = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
    for (int i = 1; i <= need; i++) {
        if ((size_t)i >= n || s[i] < lo || s[i] > hi)
            /* "maximal subpart": the bytes that could still have begun a character count as one error */
            return -i;
        lo = 0x80;
        hi = 0xbf;
    }
    return need + 1;
}

uint32_t utf8_next(const char **p, const char *end)
{
    const unsigned char *s = (const unsigned char *)*p;
    int len = sequence_len(s, (size_t)(end - *p));
    *p += len > 0 ? len : -len;          /* always forward, so no caller can spin */
    switch (len) {
    case 1:
        return s[0];
    case 2:
        return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
    case 3:
        return (s[0] & 0x0fu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
    case 4:
        return (s[0] & 0x07u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
    default:
        return 0xfffd;
    }
}

/* c is a code point that came from utf8_next() or a table: not checked again. */
void utf8_put(struct buf *out, uint32_t c)
{
    char s[4];
    int n = 0;
    if (c < 0x80) {
        s[n++] = (char)c;
    } else if (c < 0x800) {
        s[n++] = (char)(0xc0 | c >> 6);
        s[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        s[n++] = (char)(0xe0 | c >> 12);
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        s[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        s[n++] = (char)(0xf0 | c >> 18);
        s[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        s[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        s[n++] = (char)(0x80 | (c & 0x3f));
    }
    buf_add(out, s, (size_t)n);
}

/* RFC 3629: C0 80, the spelling of NUL in C strings, is not valid. */
bool utf8_valid(const char *s, size_t n)
{
    for (size_t i = 0; i < n;) {
        int len = sequence_len((const unsigned char *)s + i, n - i);
        if (len < 0)
            return false;
        i += (size_t)len;
    }
    return true;
}

void utf8_lossy(struct buf *out, const char *s, size_t n)
{
    if (n == 0)
        return;
    /* Runs of good bytes are copied whole; most texts are one run. */
    size_t good = 0;
    for (size_t i = 0; i < n;) {
        int len = sequence_len((const unsigned char *)s + i, n - i);
        if (len > 0) {
            i += (size_t)len;
            continue;
        }
        buf_add(out, s + good, i - good);
        buf_str(out, "\xef\xbf\xbd");
        i += (size_t)-len;
        good = i;
    }
    buf_add(out, s + good, n - good);
}

static int category(uint32_t c)
{
    return utf8proc_get_property((utf8proc_int32_t)c)->category;
}

bool uc_is_space(uint32_t c)
{
    /* White_Space as Unicode lists it; written out, since utf8proc has no such property. */
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

bool uc_is_python_space(uint32_t c)
{
    return uc_is_space(c) || (c >= 0x1c && c <= 0x1f);
}

struct slice utf8_strip(struct slice s)
{
    const char *begin = s.ptr, *end = s.ptr + s.len, *next;
    for (next = begin; begin < end && uc_is_python_space(utf8_next(&next, end)); begin = next)
        ;
    while (begin < end) {
        const char *last = end - 1;
        while (last > begin && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        if (!uc_is_python_space(utf8_next(&(const char *){ last }, end)))
            break;
        end = last;
    }
    return (struct slice){ begin, (size_t)(end - begin) };
}

/* char::is_numeric() of Rust, which the Digits step asks */
bool uc_is_number(uint32_t c)
{
    int k = category(c);
    return k == UTF8PROC_CATEGORY_ND || k == UTF8PROC_CATEGORY_NL || k == UTF8PROC_CATEGORY_NO;
}

bool uc_is_punct(uint32_t c)
{
    /* ASCII's symbols ($ + < = > ^ ` | ~) count as punctuation too: is_ascii_punctuation() of Rust */
    if (c < 0x80)
        return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    int k = category(c);
    return k >= UTF8PROC_CATEGORY_PC && k <= UTF8PROC_CATEGORY_PO;
}

/* single_word of an added token asks this of its neighbours. */
bool uc_is_word(uint32_t c)
{
    int k = category(c);
    /* utf8proc's categories call them So, but Other_Alphabetic has them, and Oniguruma's \w with it. */
    bool circled = (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
                   (c >= 0x1f170 && c <= 0x1f189);   /* the symbols that are Alphabetic */
    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_NL) || k == UTF8PROC_CATEGORY_PC || circled;
}

bool uc_is_mark(uint32_t c)
{
    return category(c) == UTF8PROC_CATEGORY_MN;
}

int utf8_normal_form(struct buf *out, const char *s, size_t n, enum normal_form form)
{
    static const int option[] = {
        [FORM_NFC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE,
        [FORM_NFD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE,
        [FORM_NFKC] = UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT,
        [FORM_NFKD] = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT,
    };
    size_t ascii = 0;
    /* ASCII is its own normal form in all four: no allocation for most prompts */
    while (ascii < n && (unsigned char)s[ascii] < 0x80)
        ascii++;
    if (ascii == n) {
        buf_add(out, s, n);
        return 0;
    }
    /* UTF8PROC_STABLE: normal forms never change for characters that were assigned when utf8proc was made. */
    utf8proc_uint8_t *r = NULL;
    utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)s, (utf8proc_ssize_t)n, &r, (utf8proc_option_t)option[form]);
    if (len >= 0)
        buf_add(out, r, (size_t)len);
    free(r);
    return len < 0 ? -1 : 0;
}

void utf8_lower(struct buf *out, const char *s, size_t n)
{
    for (const char *p = s, *end = s + n; p < end;) {
        uint32_t c = utf8_next(&p, end);
        if (c == 0x130)
            buf_str(out, "i\xcc\x87");    /* the one letter whose lower case is two characters */
        else
            utf8_put(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
    }
}
