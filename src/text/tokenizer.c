/* tokenizer.c - text to token ids and back: the stages in order, and what is known of single tokens (room: text).
 * A fragment is what lies between added tokens; each is normalised, cut and merged on its own, as in Hugging Face's fast tokenizers. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <stdlib.h>
#include <string.h>

void ids_add(struct ids *s, int32_t id)
{
    if (s->n == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;      /* a short prompt fits without growing */
        s->id = xrealloc(s->id, s->cap, sizeof *s->id);
    }
    s->id[s->n++] = id;
}

void ids_clear(struct ids *s)
{
    s->n = 0;
}

void ids_free(struct ids *s)
{
    free(s->id);
    *s = (struct ids){ 0 };
}

struct step *steps_add(struct steps *s, enum step_kind kind)
{
    /* One at a time: a tokenizer has a dozen steps at most. Pointers that were handed out before are void from here on. */
    s->step = xrealloc(s->step, (size_t)s->n + 1, sizeof *s->step);
    s->step[s->n] = (struct step){ .kind = kind };
    return &s->step[s->n++];
}

void steps_free(struct steps *s)
{
    for (int i = 0; i < s->n; i++) {
        pattern_free(s->step[i].pattern);
        free(s->step[i].text);
    }
    free(s->step);
    *s = (struct steps){ 0 };
}

/* ---- encoding ---- */

struct encoding {
    const struct tokenizer *t;
    struct matcher *matcher;
    /* Two sets that take turns: each step reads one and writes the other, and the memory serves all fragments. */
    struct pieces pieces, tmp;
    struct word word;
    struct ids *out;
    bool specials;
    struct err *err;
};

static int encode_piece(struct encoding *e, const char *s, size_t n)
{
    const struct tokenizer *t = e->t;
    bool known;
    /* The vocabulary decides the rule: merges by rank (bpe.c), by score (SentencePiece), or the best path (Unigram). */
    if (t->kind == MODEL_BPE)
        known = bpe_encode(&t->bpe, &t->lexicon, s, n, &e->word, e->out);
    else if (t->kind == MODEL_SPM)
        known = spm_encode(&t->spm, &t->lexicon, s, n, &e->word, e->out);
    else
        known = unigram_encode(&t->spm, &t->lexicon, s, n, e->out);
    return known ? 0 : err_set(e->err, ERR_FORMAT, "text: \"%.*s\" has a character that the vocabulary lacks, and it has no unknown token",
                               n < 60 ? (int)n : utf8_fit(s, 60), s);
}

/* Normalised text between added tokens. */
static int encode_text(struct encoding *e, const char *s, size_t n, bool first)
{
    /* To the pre-tokenizer a fragment is a text of its own; only 'first' tells it whether the whole text begins here (prepend_scheme
     * "first"). */
    pieces_clear(&e->pieces);
    pieces_add(&e->pieces, s, n, first);
    if (pretokenize(&e->t->pretokenizer, e->matcher, &e->pieces, &e->tmp, e->err) < 0)
        return -1;
    for (size_t i = 0; i < e->pieces.n; i++)
        if (encode_piece(e, e->pieces.text.data + e->pieces.piece[i].off, e->pieces.piece[i].len) < 0)
            return -1;
    return 0;
}

/* Raw text between added tokens: normalise it, then look for the added tokens that are matched in normalised text. */
static int encode_fragment(struct encoding *e, const char *s, size_t n, bool first)
{
    struct buf text = { 0 };
    int rc = -1;
    /* Between two added tokens that touch there is no fragment, so nothing is prepended there either. */
    if (n == 0)
        return 0;
    buf_add(&text, s, n);
    if (normalize(&e->t->normalizer, e->matcher, first, &text, e->err) < 0)
        goto out;
    /* Second pass: tokens marked "normalized" are sought in what the normalizer left, as AddedVocabulary.extract_and_normalize does. */
    struct added_scan scan = { .trie = &e->t->added.normal, .s = text.data, .n = text.len, .specials = e->specials };
    struct added_match m;
    do {
        added_next(&e->t->added, &scan, &m);
        /* Nothing may be left of a fragment (a normalizer that strips); an empty piece would still be given a prepended sign. */
        if (m.start > m.gap && encode_text(e, text.data + m.gap, m.start - m.gap, first && m.gap == 0) < 0)
            goto out;
        if (m.token)
            ids_add(e->out, m.token->id);
    } while (m.token);
    rc = 0;
out:
    buf_free(&text);
    return rc;
}

static int encode_valid(struct encoding *e, const char *s, size_t n)
{
    /* First pass: special tokens and those that are not "normalized", in the text as it came. */
    struct added_scan scan = { .trie = &e->t->added.raw, .s = s, .n = n, .specials = e->specials };
    struct added_match m;
    do {
        added_next(&e->t->added, &scan, &m);
        if (encode_fragment(e, s + m.gap, m.start - m.gap, m.gap == 0) < 0)
            return -1;
        if (m.token)
            ids_add(e->out, m.token->id);
    } while (m.token);
    return 0;
}

static void add_all(struct ids *out, const struct ids *from)
{
    for (size_t i = 0; i < from->n; i++)
        ids_add(out, from->id[i]);
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, int flags, struct ids *out, struct err *err)
{
    /* One matcher a call: PCRE2's match data is scratch, so the tokenizer itself stays read-only and may serve any number of threads. */
    struct encoding e = { .t = t, .matcher = matcher_create(), .out = out, .specials = flags & ENC_PARSE_SPECIAL, .err = err };
    struct buf plain = { 0 }, valid = { 0 };
    /* C0 80 is no UTF-8, so it must be read before bad bytes are replaced, or it would become U+FFFD twice. */
    if (nul_spelled(text, n)) {
        nul_read(&plain, text, n);
        text = plain.data;
        n = plain.len;
    }
    /* Python could not have held such a text; what it has after reading a file with errors="replace" is what is made here. */
    if (!utf8_valid(text, n)) {
        utf8_lossy(&valid, text, n);
        text = valid.data;
        n = valid.len;
    }
    /* The frame is a matter of ids, not of text: the post-processor's tokens need not be spelt anywhere. */
    if (flags & ENC_ADD_SPECIAL)
        add_all(out, &t->lead);
    const size_t start = out->n;
    int rc = encode_valid(&e, text, n);
    if (rc == 0 && t->slow.on)
        slow_trim(t, start, out);
    if (rc == 0 && flags & ENC_ADD_SPECIAL)
        add_all(out, &t->tail);
    buf_free(&plain);
    buf_free(&valid);
    pieces_free(&e.pieces);
    pieces_free(&e.tmp);
    word_free(&e.word);
    matcher_free(e.matcher);
    return rc;
}

/* ---- decoding ---- */

/* clean_up_tokenization() of transformers: these replacements, one after the other. */
static void clean_up(struct buf *b, size_t start)
{
    /* The order counts: " ' " is undone before " 's", so "it 's" closes up and "a ' b" does too. */
    static const char *const pair[][2] = {
        {" .", "."},     {" ?", "?"},   {" !", "!"},   {" ,", ","},     {" ' ", "'"},
        {" n't", "n't"}, {" 'm", "'m"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (size_t k = 0; k < sizeof pair / sizeof *pair; k++) {
        /* In place: every replacement is shorter than what it replaces, so 'to' never passes 'at'. */
        size_t n = strlen(pair[k][0]), m = strlen(pair[k][1]), to = start;
        for (size_t at = start; at < b->len;) {
            if (b->len - at >= n && !memcmp(b->data + at, pair[k][0], n)) {
                memmove(b->data + to, pair[k][1], m);
                to += m;
                at += n;
            } else {
                b->data[to++] = b->data[at++];
            }
        }
        b->len = to;
    }
    if (b->data)
        b->data[b->len] = '\0';
}

void tokenizer_decode(const struct tokenizer *t, const int32_t *id, size_t n, int flags, struct buf *out)
{
    struct pieces p = { 0 };
    struct ids known = { 0 };
    size_t start = out->len;
    for (size_t i = 0; i < n; i++) {
        /* A model may have more rows than the tokenizer has tokens; Python's decode gives nothing for their ids either. */
        if (id[i] < 0 || id[i] >= t->n_vocab || (flags & DEC_SKIP_SPECIAL && t->special[id[i]]))
            continue;
        if (t->slow.on) {
            if (id[i] < t->lexicon.n_ids || t->text[id[i]].len) /* an added token may lie far behind the pieces */
                ids_add(&known, id[i]);
            continue;
        }
        /* tokenizers joins by a space where the file has no decoder. */
        if (!t->has_decoder && p.n > 0)
            pieces_add(&p, " ", 1, false);
        pieces_add(&p, t->text[id[i]].ptr, t->text[id[i]].len, p.n == 0);
    }
    /* All ids at once: a decoder may look at its neighbours (bytes of one character, the first token's space). */
    if (t->slow.on)
        slow_decode(t, known.id, known.n, out);
    else
        decode(&t->decoder, &p, out);
    pieces_free(&p);
    ids_free(&known);
    if (t->clean_up)
        clean_up(out, start);
}

/* ---- single tokens ---- */

void tokenizer_seal(struct tokenizer *t, int32_t n_ids)
{
    for (int i = 0; i < t->added.n; i++)
        /* Added tokens lie behind the vocabulary, or anywhere in it. */
        n_ids = t->added.token[i].id >= n_ids ? t->added.token[i].id + 1 : n_ids;
    t->n_vocab = n_ids;
    t->text = xcalloc((size_t)n_ids, sizeof *t->text);
    t->special = xcalloc((size_t)n_ids, sizeof *t->special);
    for (int32_t i = 0; i < t->lexicon.n_ids && i < n_ids; i++)
        t->text[i] = t->lexicon.text[i];
    for (int i = 0; i < t->added.n; i++) {
        const struct added_token *a = &t->added.token[i];
        /* An added token's own text wins over the model's spelling of the same id: "<|im_end|>", not bytes in disguise. */
        t->text[a->id] = (struct slice){ a->text, a->len };
        t->special[a->id] = a->special;
    }
}

void tokenizer_order(struct tokenizer *t, const char *text)
{
    /* One entry a text: FastChat deletes each from the answer, and to delete the same text twice would be harmless but is not
     * what it does. */
    for (int i = 0; i < t->n_order; i++)
        if (!strcmp(t->role_order[i], text))
            return;
    t->role_order = xrealloc(t->role_order, (size_t)t->n_order + 1, sizeof *t->role_order);
    t->role_order[t->n_order++] = xstrdup(text);
}

void tokenizer_destroy(struct tokenizer *t)
{
    if (!t)
        return;
    lexicon_free(&t->lexicon);
    bpe_free(&t->bpe);
    spm_free(&t->spm);
    steps_free(&t->normalizer);
    steps_free(&t->pretokenizer);
    steps_free(&t->decoder);
    added_free(&t->added);
    ids_free(&t->lead);
    ids_free(&t->tail);
    for (int i = 0; i < ROLE_COUNT; i++)
        free(t->role[i]);
    for (int i = 0; i < t->n_order; i++)
        free(t->role_order[i]);
    free(t->role_order);
    for (int i = 0; i < t->n_additional; i++)
        free(t->additional[i]);
    free(t->additional);
    free(t->text);
    free(t->special);
    free(t);
}

int tokenizer_n_vocab(const struct tokenizer *t)
{
    return t->n_vocab;
}

int32_t tokenizer_id(const struct tokenizer *t, const char *text, size_t n)
{
    /* Added ones first: transformers' convert_tokens_to_ids asks the added vocabulary before the model. */
    const struct added_token *a = added_find(&t->added, text, n);
    return a ? a->id : lexicon_find(&t->lexicon, text, n);
}

static int32_t role_id(const struct tokenizer *t, enum role r)
{
    return t->role[r] ? tokenizer_id(t, t->role[r], strlen(t->role[r])) : -1;
}

int32_t tokenizer_bos(const struct tokenizer *t)
{
    return role_id(t, ROLE_BOS);
}

int32_t tokenizer_eos(const struct tokenizer *t)
{
    return role_id(t, ROLE_EOS);
}

bool tokenizer_is_control(const struct tokenizer *t, int32_t id)
{
    if (id < 0 || id >= t->n_vocab)
        return false;
    for (int i = 0; i < t->added.n; i++)
        /* Added tokens count even if they are not special: no merge gives them, so a template that writes one means the token. */
        if (t->added.token[i].id == id)
            return true;
    return t->special[id];
}

const char *tokenizer_special(const struct tokenizer *t, int i)
{
    return i < t->n_order ? t->role_order[i] : NULL;
}

const char *tokenizer_role_text(const struct tokenizer *t, const char *role)
{
    static const char *const name[ROLE_COUNT] = { "bos", "eos", "unk", "sep", "pad", "cls", "mask" };
    for (int i = 0; i < ROLE_COUNT; i++)
        if (!strcmp(name[i], role))
            return t->role[i] ? t->role[i] : "";
    return "";
}

const char *const *tokenizer_additional(const struct tokenizer *t, int *n)
{
    *n = t->n_additional;
    return (const char *const *)t->additional;
}
