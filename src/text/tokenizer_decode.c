/* tokenizer_decode.c - tokens back to text (room: text).
 * The "decoder" section of tokenizer.json: every step maps a list of token texts to another list; in the end they are joined. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include <string.h>

/* Tokens of which every character stands for a byte give those bytes, all others their text; the whole becomes one text. */
static void dec_bytes(const struct pieces *in, struct pieces *out)
{
    /* Characters may be split over tokens, so bytes are joined over all of them before they are read as UTF-8. */
    struct buf bytes = { 0 }, text = { 0 };
    for (size_t i = 0; i < in->n; i++) {
        const char *s = in->text.data + in->piece[i].off, *end = s + in->piece[i].len, *p = s;
        size_t mark = bytes.len;
        int b = 0;                       /* -1: a character that stands for no byte */
        while (p < end && (b = char_byte(utf8_next(&p, end))) >= 0)
            buf_char(&bytes, (char)b);
        /* An added token's own text ("<|im_end|>", or one with a blank): what was taken for bytes of it is put back. */
        if (b < 0) {
            bytes.len = mark;
            buf_add(&bytes, s, in->piece[i].len);
        }
    }
    /* U+FFFD once per maximal bad part, as String::from_utf8_lossy; Python's "replace" does the same. */
    utf8_lossy(&text, bytes.data, bytes.len);
    pieces_add(out, text.data, text.len, true);
    buf_free(&bytes);
    buf_free(&text);
}

/* Character by character, as the Rust does: the sign may stand anywhere in a token. */
static void dec_metaspace(const struct step *s, const struct pieces *in, struct pieces *out)
{
    for (size_t i = 0; i < in->n; i++) {
        const char *p = in->text.data + in->piece[i].off, *end = p + in->piece[i].len;
        struct buf t = { 0 };
        while (p < end) {
            /* Only the first token loses its sign for a space: all of them there, not only the first one. */
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
    /* Both cases of hex are read, as by u8::from_str_radix. */
    return hex_digit(s[3]) << 4 | hex_digit(s[4]);
}

/* Called where a run of byte tokens ends, and once at the end. */
static void flush_bytes(struct buf *bytes, struct pieces *out)
{
    /* Not one U+FFFD per bad part as above but one per byte: ByteFallback of tokenizers counts its tokens. */
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
        /* At most 'start' and 'stop' characters from the ends of every token; behind Fuse there is only one. */
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
        /* the last token's suffix becomes nothing */
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
    /* Lists of texts in, lists out: 'p' and 'tmp' take turns. */
    for (int i = 0; i < s->n; i++) {
        pieces_clear(&tmp);
        apply(&s->step[i], m, p, &tmp);
        struct pieces swap = *p;
        *p = tmp;
        tmp = swap;
    }
    /* Without a byte decoder tokens can be any bytes of a GGUF file; what is handed out is always UTF-8. */
    utf8_lossy(out, p->text.data, p->text.len);
    pieces_free(&tmp);
    matcher_free(m);
}
