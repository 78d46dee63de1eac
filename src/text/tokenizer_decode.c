/* tokenizer_decode.c - tokens back to text (room: text).
 * The "decoder" section of tokenizer.json: every step maps a list of token texts to another list; in the end they are joined. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include <string.h>

/* Tokens of which every character stands for a byte give those bytes, all others their text; the whole becomes one text. */
static void dec_bytes(const struct pieces *in, struct pieces *out)
{
    struct buf bytes = { 0 }, text = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        const char *s = in->text.data + in->piece[i].off, *end = s + in->piece[i].len, *p = s;
        size_t mark = bytes.len;
        int b = 0;
        while (p < end && (b = char_byte(utf8_next(&p, end))) >= 0)
            buf_char(&bytes, (char)b);
        if (b < 0) {
            bytes.len = mark;
            buf_add(&bytes, s, in->piece[i].len);
        }
    }
    utf8_lossy(&text, bytes.data, bytes.len);
    pieces_add(out, text.data, text.len, true);
    buf_free(&bytes);
    buf_free(&text);
}

static void dec_metaspace(const struct step *s, const struct pieces *in, struct pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        const char *p = in->text.data + in->piece[i].off, *end = p + in->piece[i].len;
        struct buf t = { 0 };
        while (p < end) {
            size_t len = utf8_len(*p);
            if (len != s->len || memcmp(p, s->text, len) != 0)
                buf_add(&t, p, len);
            else if (i > 0 || s->prepend == PREPEND_NEVER)
                buf_char(&t, ' ');
            p += len;
        }
        pieces_add(out, t.data, t.len, i == 0);
        buf_free(&t);
    }
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte of "<0x0A>", or -1. */
static int byte_token(const char *s, size_t n)
{
    if (n != 6 || memcmp(s, "<0x", 3) != 0 || s[5] != '>' || hex_digit(s[3]) < 0 || hex_digit(s[4]) < 0)
        return -1;
    return hex_digit(s[3]) << 4 | hex_digit(s[4]);
}

static void flush_bytes(struct buf *bytes, struct pieces *out)
{
    if (utf8_valid(bytes->data, bytes->len))
        pieces_add(out, bytes->data, bytes->len, false);
    else
        for (size_t i = 0; i < bytes->len; i++)
            pieces_add(out, "\xef\xbf\xbd", 3, false);
    buf_clear(bytes);
}

/* Runs of byte tokens: one text if they are UTF-8 together, else one U+FFFD per byte. */
static void dec_byte_fallback(const struct pieces *in, struct pieces *out)
{
    struct buf bytes = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        const char *s = in->text.data + in->piece[i].off;
        int b = byte_token(s, in->piece[i].len);
        if (b >= 0) {
            buf_char(&bytes, (char)b);
            continue;
        }
        flush_bytes(&bytes, out);
        pieces_add(out, s, in->piece[i].len, false);
    }
    flush_bytes(&bytes, out);
    buf_free(&bytes);
}

static void dec_strip(const struct step *s, const struct pieces *in, struct pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        const char *p = in->text.data + in->piece[i].off, *end = p + in->piece[i].len;
        for (int k = 0; k < s->start && (size_t)(end - p) >= s->len && memcmp(p, s->text, s->len) == 0; k++)
            p += s->len;
        for (int k = 0; k < s->stop && (size_t)(end - p) >= s->len && memcmp(end - s->len, s->text, s->len) == 0; k++)
            end -= s->len;
        pieces_add(out, p, (size_t)(end - p), false);
    }
}

/* A suffix that marks the end of a word becomes a space, and nothing behind the last token. */
static void dec_suffix(const struct step *s, const struct pieces *in, struct pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        struct buf t = { 0 };
        struct slice with = { " ", i + 1 < in->n };
        pattern_replace(s->pattern, NULL, in->text.data + in->piece[i].off, in->piece[i].len, with, &t, NULL);
        pieces_add(out, t.data, t.len, false);
        buf_free(&t);
    }
}

static void dec_replace(const struct step *s, struct matcher *m, const struct pieces *in, struct pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        struct buf t = { 0 };
        pattern_replace(s->pattern, m, in->text.data + in->piece[i].off, in->piece[i].len, (struct slice){ s->text, s->len }, &t, NULL);
        pieces_add(out, t.data, t.len, false);
        buf_free(&t);
    }
}

static void apply(const struct step *s, struct matcher *m, const struct pieces *in, struct pieces *out)
{
    switch (s->kind) {
    case DEC_BYTES:
        dec_bytes(in, out);
        break;
    case DEC_METASPACE:
        dec_metaspace(s, in, out);
        break;
    case DEC_BYTE_FALLBACK:
        dec_byte_fallback(in, out);
        break;
    case DEC_FUSE:
        pieces_add(out, in->text.data, in->text.len, true);
        break;
    case DEC_STRIP:
        dec_strip(s, in, out);
        break;
    case DEC_SUFFIX:
        dec_suffix(s, in, out);
        break;
    default:
        dec_replace(s, m, in, out);
        break;
    }
}

void decode(const struct steps *s, struct pieces *p, struct buf *out)
{
    struct matcher *m = matcher_create();
    struct pieces tmp = { 0 };
    for (int i = 0; i < s->n; i++) {
        pieces_clear(&tmp);
        apply(&s->step[i], m, p, &tmp);
        struct pieces swap = *p;
        *p = tmp;
        tmp = swap;
    }
    utf8_lossy(out, p->text.data, p->text.len);
    pieces_free(&tmp);
    matcher_free(m);
}
