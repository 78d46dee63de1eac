/* template_text.c - what filters and methods of strings share. Positions and widths count characters, as Python does. */
#include "template_priv.h"
#include "unicode.h"

#include <string.h>

/* ---- characters ---- */

uint32_t char_at(struct slice s, size_t i, size_t *bytes)
{
    const char *p = s.ptr + i, *end = s.ptr + s.len;
    /* nul.h: JSON strings in C cannot hold a NUL, so it is spelled C0 80, one character of two bytes. No valid UTF-8 has the byte C0. */
    if (end - p >= 2 && (unsigned char)p[0] == 0xc0 && (unsigned char)p[1] == 0x80) {
        *bytes = 2;
        return 0;
    }
    uint32_t c = (unsigned char)*p;
    if (c < 0x80) {
        *bytes = 1;
        return c;
    }
    /* Texts were checked when they came in, and no function here cuts within a character. */
    c = utf8_next(&p, end);
    *bytes = (size_t)(p - (s.ptr + i));
    return c;
}

void char_put(struct buf *b, uint32_t c)
{
    if (c == 0)                      /* see char_at() */
        buf_add(b, "\xc0\x80", 2);
    else
        utf8_put(b, c);
}

static bool inside(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

int64_t text_length(struct slice s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += !inside(s.ptr[i]);      /* every byte but those that continue a character */
    return n;
}

size_t text_offset(struct slice s, int64_t chars)
{
    size_t i = 0;
    for (; i < s.len && chars > 0; chars--)
        do
            i++;                     /* over the first byte, then over those that continue it */
        while (i < s.len && inside(s.ptr[i]));
    return i;
}

struct slice text_slice(struct slice s, int64_t begin, int64_t end)
{
    /* The slice shares the text's bytes: it lives as long as the arena or the caller's messages. */
    size_t from = text_offset(s, begin);
    struct slice rest = { s.ptr + from, s.len - from };
    return (struct slice){ rest.ptr, text_offset(rest, end - begin) };
}

int64_t text_find(struct work *w, struct slice s, struct slice what, bool last)
{
    if (what.len > s.len)            /* spares the loop below a negative bound */
        return -1;
    /* Found at once, at the end that is searched first: Python's rule. */
    if (what.len == 0)
        return last ? (int64_t)s.len : 0;
    if (!last) {
        const char *found = memmem(s.ptr, s.len, what.ptr, what.len); /* linear */
        /* memmem() reads many bytes per step; a sixteenth keeps "find" of long texts from counting as hard work. */
        work_charge(w, (found ? (size_t)(found - s.ptr) : s.len) / 16);
        return found ? found - s.ptr : -1;
    }
    /* There is no memrmem(). Bytes may be compared: in UTF-8 no character begins inside another. */
    for (size_t i = s.len - what.len + 1; i-- > 0;) {
        work_charge(w, i % 8 == 0);
        if (s.ptr[i] != *what.ptr)
            continue;
        work_charge(w, what.len / 64);
        if (!memcmp(s.ptr + i, what.ptr, what.len))
            return (int64_t)i;
    }
    return -1;
}

/* ---- stripping ---- */

static bool in_set(struct work *w, struct slice chars, struct slice one)
{
    size_t n;
    work_charge(w, chars.len / 64);  /* per character that is stripped */
    /* A set of characters, not a prefix: strip('ab') takes "abba". An empty set strips nothing, a missing one blanks. */
    if (chars.ptr)
        return memmem(chars.ptr, chars.len, one.ptr, one.len) != NULL;
    return char_space(char_at(one, 0, &n));
}

struct slice text_strip(struct work *w, struct slice s, struct slice chars, bool left, bool right)
{
    /* By characters, as a set may hold any of them. */
    while (left && s.len) {
        size_t n = text_offset(s, 1);
        if (!in_set(w, chars, (struct slice){ s.ptr, n }))
            break;
        s = (struct slice){ s.ptr + n, s.len - n };
    }
    while (right && s.len) {
        size_t at = s.len - 1;
        while (at && inside(s.ptr[at]))
            at--;
        if (!in_set(w, chars, (struct slice){ s.ptr + at, s.len - at }))
            break;
        s.len = at;
    }
    return s;
}

/* ---- building ---- */

struct slice text_repeat(struct eval *e, struct slice s, int64_t times)
{
    struct buf *b = work_buf(e->w);
    /* Before the product is formed, which could overflow. */
    if (times > 0 && s.len && (uint64_t)times > MAX_OUTPUT / s.len)
        work_fail(e->w, "a repetition of more than %d bytes", MAX_OUTPUT);
    for (int64_t i = 0; s.len && i < times; i++)
        work_add(e->w, b, s);
    return work_take(e->w, b);
}

struct slice text_pad(struct eval *e, struct slice s, int64_t width, struct slice fill, int64_t left_share)
{
    struct buf *b = work_buf(e->w);
    if (text_length(fill) != 1)      /* in characters: any one will do */
        work_fail(e->w, "the fill character must be exactly one character long");
    if (width > MAX_OUTPUT)          /* before width - n is allocated */
        work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    /* left_share of 2: none, half or all of the fill goes to the left; the half is rounded down, as by format's "^". */
    int64_t n = text_length(s), more = width > n ? width - n : 0, left = left_share * more / 2;
    work_add(e->w, b, text_repeat(e, fill, left));
    work_add(e->w, b, s);
    work_add(e->w, b, text_repeat(e, fill, more - left));
    return work_take(e->w, b);
}

struct slice text_center(struct eval *e, struct slice s, int64_t width, struct slice fill)
{
    int64_t n = text_length(s), more = width > n ? width - n : 0, left = more / 2 + (more & width & 1);
    return text_pad(e, text_pad(e, s, n + left, fill, 2), width, fill, 0);
}

/* An empty 'old' stands between all characters and at both ends. */
static struct slice interleave(struct eval *e, struct slice s, struct slice new, int64_t count)
{
    struct buf *b = work_buf(e->w);
    /* A negative count never gets to 0: no limit. */
    for (size_t i = 0, n; count != 0 && i < s.len; i += n, count--) {
        n = text_offset((struct slice){ s.ptr + i, s.len - i }, 1);
        work_add(e->w, b, new);
        work_add(e->w, b, (struct slice){ s.ptr + i, n });
        /* This was the last one allowed: the rest goes on unchanged. */
        if (count == 1) {
            work_add(e->w, b, (struct slice){ s.ptr + i + n, s.len - i - n });
            return work_take(e->w, b);
        }
    }
    /* At the end of the text one more is due; with a count of 0 nothing has been copied yet. */
    work_add(e->w, b, count != 0 ? new : s);
    return work_take(e->w, b);
}

struct slice text_replace(struct eval *e, struct slice s, struct slice old, struct slice new, int64_t count)
{
    if (old.len == 0)
        return interleave(e, s, new, count);
    struct buf *b = work_buf(e->w);
    /* Left to right, without overlaps: "aaa" has one "aa". */
    for (const char *p; count != 0 && (work_charge(e->w, 1), p = memmem(s.ptr, s.len, old.ptr, old.len)); count -= count > 0) {
        size_t n = (size_t)(p - s.ptr);
        work_add(e->w, b, (struct slice){ s.ptr, n });
        work_add(e->w, b, new);
        s = (struct slice){ p + old.len, s.len - n - old.len };
    }
    work_add(e->w, b, s);
    return work_take(e->w, b);
}

struct slice text_escape(struct eval *e, struct slice s)
{
    static const char plain[] = "&<>'\"";
    /* markupsafe's: numbers for the quotes. */
    static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&#39;", "&#34;" };
    struct buf *b = work_buf(e->w);
    work_charge(e->w, s.len / 8);
    for (size_t i = 0; i < s.len; i++) {
        const char *p = s.ptr[i] ? strchr(plain, s.ptr[i]) : NULL;
        if (p)
            buf_str(b, entity[p - plain]);
        else
            buf_char(b, s.ptr[i]);
    }
    return work_take(e->w, b);
}

struct slice text_join(struct eval *e, struct slice sep, struct iter *it, struct value attribute, bool strings_only)
{
    struct buf *b = work_buf(e->w);
    struct list *parts = attribute_parts(e, attribute);
    bool first = true;
    for (struct value v; iter_next(e, it, &v); first = false) {
        v = attribute_get(e, v, parts, v_none());
        /* str.join() wants strings, the filter takes str() of anything. */
        if (strings_only && v.type != V_STRING)
            work_fail(e->w, "join expects strings, not %s", v_type_name(v));
        if (!first)
            work_add(e->w, b, sep);
        work_add(e->w, b, v_string(e->w, v));
    }
    return work_take(e->w, b);
}

/* ---- splitting ---- */

static bool space_at(struct slice s, size_t i, size_t *n)
{
    return char_space(char_at(s, i, n));
}

/* At runs of white space; what is beyond the limit keeps its blanks at the far end. */
static void split_blanks(struct eval *e, struct slice s, int64_t limit, struct list *out)
{
    size_t n;
    /* Blanks at the ends never make an empty piece; once the limit is met, the last piece keeps those behind it. */
    s = text_strip(e->w, s, (struct slice){ 0 }, true, false);
    for (; s.len && limit != 0; limit -= limit > 0) {
        size_t end = 0;
        while (end < s.len && !space_at(s, end, &n)) /* n: bytes of the character just seen */
            end += n;
        list_add(e->w, out, v_slice((struct slice){ s.ptr, end }));
        s = text_strip(e->w, (struct slice){ s.ptr + end, s.len - end }, (struct slice){ 0 }, true, false);
    }
    if (s.len)
        list_add(e->w, out, v_slice(s));
}

static size_t last_char(struct slice s) /* s is not empty */
{
    size_t at = s.len - 1;
    while (at && inside(s.ptr[at]))
        at--;
    return at;
}

/* The same from the right, last piece first. */
static void rsplit_blanks(struct eval *e, struct slice s, int64_t limit, struct list *out)
{
    size_t n;
    s = text_strip(e->w, s, (struct slice){ 0 }, false, true);
    for (; s.len && limit != 0; limit -= limit > 0) {
        size_t begin = s.len;
        for (size_t at; begin && (at = last_char((struct slice){ s.ptr, begin }), !space_at(s, at, &n));)
            begin = at;
        list_add(e->w, out, v_slice((struct slice){ s.ptr + begin, s.len - begin }));
        s = text_strip(e->w, (struct slice){ s.ptr, begin }, (struct slice){ 0 }, false, true);
    }
    if (s.len)
        list_add(e->w, out, v_slice(s));
}

static void split_at(struct eval *e, struct slice s, struct slice sep, int64_t limit, struct list *out)
{
    for (int64_t at; limit != 0 && (at = text_find(e->w, s, sep, false)) >= 0; limit -= limit > 0) {
        /* Pieces share the text's bytes. Two separators side by side make an empty piece, unlike two blanks. */
        list_add(e->w, out, v_slice((struct slice){ s.ptr, (size_t)at }));
        s = (struct slice){ s.ptr + at + sep.len, s.len - (size_t)at - sep.len };
    }
    list_add(e->w, out, v_slice(s));
}

static void rsplit_at(struct eval *e, struct slice s, struct slice sep, int64_t limit, struct list *out)
{
    for (int64_t at; limit != 0 && (at = text_find(e->w, s, sep, true)) >= 0; limit -= limit > 0) {
        size_t from = (size_t)at + sep.len;
        list_add(e->w, out, v_slice((struct slice){ s.ptr + from, s.len - from }));
        /* Each separator is searched from the right anew: of "aaa" split at "aa" the left "a" stays. */
        s.len = (size_t)at;
    }
    list_add(e->w, out, v_slice(s));
}

static void turn_round(struct list *l)
{
    for (int i = 0, k = l->n - 1; i < k; i++, k--) {
        struct value v = l->item[i];
        l->item[i] = l->item[k];
        l->item[k] = v;
    }
}

struct value text_split(struct eval *e, struct slice s, struct value sep, int64_t limit, bool from_right)
{
    struct value out = v_list(e->w, L_LIST);
    work_charge(e->w, s.len / 8);
    /* arg_text() also refuses what is no string. */
    if (sep.type != V_NONE && arg_text(e, sep).len == 0)
        work_fail(e->w, "empty separator");
    if (sep.type == V_NONE)
        (from_right ? rsplit_blanks : split_blanks)(e, s, limit, out.list);
    else
        (from_right ? rsplit_at : split_at)(e, s, sep.s, limit, out.list);
    /* The pieces were found from the right. */
    if (from_right)
        turn_round(out.list);
    return out;
}

static bool ends_line(uint32_t c)
{
    /* str.splitlines() knows more ends than "\n": VT, FF, FS, GS, RS, NEL and Unicode's separators. */
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

struct value text_lines(struct eval *e, struct slice s, bool keep_ends)
{
    struct value out = v_list(e->w, L_LIST);
    work_charge(e->w, s.len / 8);
    for (size_t i = 0, n = 0; i < s.len;) {
        size_t start = i;
        while (i < s.len && !ends_line(char_at(s, i, &n)))
            i += n;
        size_t end = i;
        if (i < s.len)               /* CR LF is one end */
            i += s.ptr[i] == '\r' && i + 1 < s.len && s.ptr[i + 1] == '\n' ? 2 : n;
        /* Added at an end only: a text that ends in a line feed has no empty line behind it. */
        list_add(e->w, out.list, v_slice((struct slice){ s.ptr + start, (keep_ends ? i : end) - start }));
    }
    return out;
}
