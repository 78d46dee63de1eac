/* tokenizer_slow.c - ids to text as the slow LlamaTokenizer of transformers (4.57.3) does it, which FastChat loads for most Llamas (room:
 * text). The text between special tokens is SentencePiece's to decode, each stretch as a text of its own: its first space goes, the unknown
 * piece becomes a sign, control pieces nothing. Hugging Face's fast tokenizers decode the same ids to other spaces. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include <stdlib.h>
#include <string.h>

static const char underline[] = "\xe2\x96\x81", unknown_sign[] = " \xe2\x81\x87 ", bad_byte[] = "\xef\xbf\xbd";
enum { N_UNDERLINE = sizeof underline - 1 };

static bool is_underlined(struct slice s)
{
    return s.len >= N_UNDERLINE && !memcmp(s.ptr, underline, N_UNDERLINE);
}

static struct slice behind_underline(struct slice s)
{
    return (struct slice){ s.ptr + N_UNDERLINE, s.len - N_UNDERLINE };
}

/* ---- SentencePieceProcessor::Decode ---- */

struct stretch {
    const struct tokenizer *t;
    struct buf text, bytes;          /* bytes: of byte pieces that are not text yet */
    bool inside;                     /* the first space has gone */
};

/* One sign for each byte that is part of no character; fast tokenizers give up all bytes of such a run. */
static void put_bytes(struct stretch *s)
{
    for (size_t i = 0; i < s->bytes.len;) {
        const char *p = s->bytes.data + i;
        size_t n = utf8_len(*p);
        bool good = n <= s->bytes.len - i && utf8_valid(p, n);
        buf_add(&s->text, good ? p : bad_byte, good ? n : sizeof bad_byte - 1);
        i += good ? n : 1;
    }
    buf_clear(&s->bytes);
}

static void put_spaced(struct stretch *s, struct slice text)
{
    if (!s->inside && s->text.len == 0 && s->t->slow.strips && is_underlined(text)) {
        text = behind_underline(text);
        /* where extra spaces are removed, those of the next piece go as well */
        s->inside = !s->t->slow.strips_all;
    }
    for (size_t i = 0; i < text.len; i++) {
        bool mark = is_underlined((struct slice){ text.ptr + i, text.len - i });
        buf_char(&s->text, mark ? ' ' : text.ptr[i]);
        i += mark ? N_UNDERLINE - 1 : 0;
    }
}

/* 'id' is the piece's, -1: 'text' is no piece of the model, and stands for itself. */
static void put_piece(struct stretch *s, int32_t id, struct slice text)
{
    const int type = id < 0 ? TOKEN_UNKNOWN : s->t->spm.type[id];
    if (type == TOKEN_BYTE && text.len == 6) {                     /* "<0x0A>" */
        buf_char(&s->bytes, (char)strtol(text.ptr + 3, NULL, 16));
        return;
    }
    put_bytes(s);
    if (type == TOKEN_UNKNOWN && id >= 0)
        buf_str(&s->text, unknown_sign);
    else if (type == TOKEN_UNKNOWN)
        buf_add(&s->text, text.ptr, text.len);
    else if (type != TOKEN_CONTROL)
        put_spaced(s, text);
}

/* ---- LlamaTokenizer.convert_tokens_to_string(), PreTrainedTokenizer._decode() ---- */

/* Is it in all_special_tokens? By its text, as transformers asks. */
static bool is_special(const struct tokenizer *t, struct slice text)
{
    for (int i = 0; i < t->n_order; i++)
        if (slice_is(text, t->role_order[i]))
            return true;
    return text.len == 0 && t->slow.empty_role;
}

/* Texts that stand for themselves: what was added and is not special, and additional special tokens behind the model's pieces. */
static bool is_apart(const struct tokenizer *t, int32_t id)
{
    if (id >= t->lexicon.n_ids)
        for (int i = 0; i < t->n_additional; i++)
            if (slice_is(t->text[id], t->additional[i]))
                return true;
    for (int i = 0; i < t->added.n; i++)
        if (t->added.token[i].id == id)
            return !is_special(t, t->text[id]);
    return false;
}

/* As a piece of the model, or as the text of a special token. */
static struct slice text_of(const struct tokenizer *t, int32_t id)
{
    return t->text[id].len || id >= t->lexicon.n_ids ? t->text[id] : t->lexicon.text[id];
}

/* What the stretch came to goes to 'out', and the next one begins. */
static void end_stretch(struct stretch *s, struct buf *out)
{
    put_bytes(s);
    buf_add(out, s->text.data, s->text.len);
    buf_clear(&s->text);
    s->inside = false;
}

/* 'n' tokens of which none is apart. */
static void put_group(struct stretch *s, const int32_t *id, size_t n, struct buf *out)
{
    const struct tokenizer *t = s->t;
    bool special = false;
    for (size_t i = 0; i < n; i++) {
        struct slice text = text_of(t, id[i]);
        const bool after_special = special, cut = i == 0 && t->slow.adds_prefix && is_underlined(text);
        text = cut ? behind_underline(text) : text;
        special = is_special(t, text);
        /* Both spaces go before the stretch, not before the token. */
        if (special ? !after_special && i != 0 && t->slow.legacy : after_special && i == 1 && t->slow.adds_prefix && !is_underlined(text))
            buf_char(out, ' ');
        if (!special) {
            put_piece(s, cut ? lexicon_find(&t->lexicon, text.ptr, text.len) : id[i], text);
            continue;
        }
        end_stretch(s, out);
        buf_add(out, text.ptr, text.len);
    }
    end_stretch(s, out);
}

void slow_decode(const struct tokenizer *t, const int32_t *id, size_t n, struct buf *out)
{
    struct buf raw = { 0 };
    struct stretch s = { .t = t };
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && !is_apart(t, id[end]); end++)
            ;
        put_group(&s, id + i, end - i, &raw);
        if (end < n) {
            buf_add(&raw, t->text[id[end]].ptr, t->text[id[end]].len);
            end++;
        }
    }
    utf8_lossy(out, raw.data ? raw.data : "", raw.len);            /* pieces of a hostile file may be any bytes */
    buf_free(&raw);
    buf_free(&s.text);
    buf_free(&s.bytes);
}

void slow_trim(const struct tokenizer *t, size_t start, struct ids *ids)
{
    int32_t *id = ids->id + start;
    if (t->slow.legacy || ids->n < start + 2 || !slice_is(t->text[id[0]], underline) || !is_special(t, t->text[id[1]]))
        return;
    ids->n--;
    memmove(id, id + 1, (ids->n - start) * sizeof *id);
}
