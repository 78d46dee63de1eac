/* tokenizer_normalize.c - what happens to a text before it is cut (room: text).
 * The "normalizer" section of tokenizer.json; GGUF names imply one. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include <string.h>

static void strip(const struct step *s, const char *p, size_t n, struct buf *out)
{
    const char *end = p + n;
    /* Rust's strip takes White_Space, which is more than ASCII: U+00A0 and U+3000 go too. */
    while (s->left && p < end) {
        const char *next = p;
        if (!uc_is_space(utf8_next(&next, end)))
            break;
        p = next;
    }
    while (s->right && p < end) {
        /* backwards over continuation bytes to the first byte of the last character */
        const char *last = end - 1;
        while (last > p && ((unsigned char)*last & 0xc0) == 0x80)
            last--;
        const char *next = last;
        if (!uc_is_space(utf8_next(&next, end)))
            break;
        end = last;
    }
    buf_add(out, p, (size_t)(end - p));
}

static void strip_accents(const char *p, size_t n, struct buf *out)
{
    for (const char *end = p + n; p < end;) {
        uint32_t c = utf8_next(&p, end);
        /* Mn alone, as StripAccents of tokenizers; spacing marks stay. It expects NFD before it and does not decompose itself. */
        if (!uc_is_mark(c))
            utf8_put(out, c);
    }
}

/* SentencePiece's remove_extra_whitespaces: none at the ends, one between words. Behind the text its sign for a space goes as well. */
static void spaces(const struct step *s, const char *p, size_t n, struct buf *out)
{
    size_t start = out->len;
    /* Blanks in front have nothing before them in 'out', so they are dropped by the same test that joins runs. */
    for (size_t i = 0; i < n; i++)
        if (p[i] != ' ' || (out->len > start && out->data[out->len - 1] != ' '))
            buf_char(out, p[i]);
    /* SentencePiece trims the end after it has put U+2581 for spaces, so a U+2581 that the user wrote there is trimmed as well. */
    for (;;) {
        size_t len = out->len - start;
        if (len > 0 && out->data[out->len - 1] == ' ')
            out->len--;
        else if (len >= s->len && !memcmp(out->data + out->len - s->len, s->text, s->len))
            out->len -= s->len;
        else
            break;
    }
}

static int apply(const struct step *s, struct matcher *m, bool first, const char *p, size_t n, struct buf *out, struct err *err)
{
    switch (s->kind) {
    case NORM_FORM:
        if (utf8_normal_form(out, p, n, s->form) < 0)
            return err_set(err, ERR_FORMAT, "text: its Unicode normal form cannot be made; shorten the text");
        return 0;
    case NORM_LOWER:
        utf8_lower(out, p, n);
        return 0;
    case NORM_STRIP:
        strip(s, p, n, out);
        return 0;
    case NORM_STRIP_ACCENTS:
        strip_accents(p, n, out);
        return 0;
    case NORM_SPACES:
        spaces(s, p, n, out);
        return 0;
    case NORM_PREPEND:
        /* An empty text stays empty: tokenizers prepends to nothing only where there is something. */
        if (n > 0 && (first || s->prepend == PREPEND_ALWAYS))
            buf_add(out, s->text, s->len);
        buf_add(out, p, n);
        return 0;
    /* after this every byte is a character of its own, as GPT-2's vocabularies spell them */
    case NORM_BYTES:
        for (size_t i = 0; i < n; i++)
            utf8_put(out, byte_char[(unsigned char)p[i]]);
        return 0;
    default:
        return pattern_replace(s->pattern, m, p, n, (struct slice){ s->text, s->len }, out, err);
    }
}

/* More than any text needs; a chain of "Replace a by aa" would otherwise double without end. */
enum { MAX_NORMALIZED = 1 << 28 };

int normalize(const struct steps *s, struct matcher *m, bool first, struct buf *text, struct err *err)
{
    for (int i = 0; i < s->n; i++) {
        /* A fresh buffer a step: the text may grow or shrink anywhere. */
        struct buf out = { 0 };
        if (apply(&s->step[i], m, first, text->data ? text->data : "", text->len, &out, err) < 0) {
            buf_free(&out);
            return -1;
        }
        buf_free(text);
        *text = out;
        if (text->len > MAX_NORMALIZED)
            return err_set(err, ERR_FORMAT, "text: the tokenizer's normalizer made it longer than 256 MiB; shorten the text");
    }
    return 0;
}
