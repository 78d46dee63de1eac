/* tokenizer_normalize.c - what happens to a text before it is cut (room: text).
 * The "normalizer" section of tokenizer.json; GGUF names imply one. */
#include "tokenizer_parts.h"
#include "unicode.h"

static void strip(const struct step *s, const char *p, size_t n, struct buf *out)
{
    const char *end = p + n;
    while (s->left && p < end) {
        const char *next = p;
        if (!uc_is_space(utf8_next(&next, end)))
            break;
        p = next;
    }
    while (s->right && p < end) {
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
        if (!uc_is_mark(c))
            utf8_put(out, c);
    }
}

static int apply(const struct step *s, struct matcher *m, const char *p, size_t n, struct buf *out, struct err *err)
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
    case NORM_PREPEND:
        if (n > 0)
            buf_add(out, s->text, s->len);
        buf_add(out, p, n);
        return 0;
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

int normalize(const struct steps *s, struct matcher *m, struct buf *text, struct err *err)
{
    for (int i = 0; i < s->n; i++) {
        struct buf out = { 0 };
        if (apply(&s->step[i], m, text->data ? text->data : "", text->len, &out, err) < 0) {
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
