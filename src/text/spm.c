/* spm.c - SentencePiece models, where a token's score decides: BPE by score (Llama, Mistral, Gemma) and Unigram by Viterbi.
 * What the vocabulary lacks becomes its bytes ("<0x0A>") where the model has them, else the unknown token. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void spm_init(struct spm *m, const struct lexicon *x)
{
    /* Scores 0 and types "normal" serve GGUF files without types and Unigram models, which have none. */
    m->score = xcalloc((size_t)x->n_ids, sizeof *m->score);
    m->type = xcalloc((size_t)x->n_ids, sizeof *m->type);
    m->unk = -1;
    for (int i = 0; i < 256; i++) {
        char s[8];
        snprintf(s, sizeof s, "<0x%02X>", i);
        m->byte_id[i] = lexicon_find(x, s, 6);
    }
    for (int32_t i = 0; i < x->n_ids; i++) {
        m->type[i] = TOKEN_NORMAL;
        m->max_len = x->text[i].len > m->max_len ? (uint32_t)x->text[i].len : m->max_len;      /* bounds the inner loop of viterbi() */
    }
}

void spm_type(struct spm *m, const struct lexicon *x, int32_t id, enum token_type type)
{
    m->type[id] = (uint8_t)type;
    m->has_unused |= type == TOKEN_UNUSED;
    if (type != TOKEN_USER || x->text[id].len == 0)      /* the rest is about tokens that are looked for in the text */
        return;
    m->user_first[(unsigned char)x->text[id].ptr[0]] = true;      /* most positions of a text are told off by one look */
    m->user_len = x->text[id].len > m->user_len ? (uint32_t)x->text[id].len : m->user_len;
}

void spm_free(struct spm *m)
{
    free(m->score);
    free(m->type);
    *m = (struct spm){ 0 };
}

struct rule_ctx {
    const struct spm *m;
    const struct lexicon *x;
    uint32_t *left;                      /* (n_ids) bytes of the left half of a token that is unused, NULL: there are none */
};

/* Higher scores merge earlier: a float's bits, made to rise with its value, and turned round. */
static uint32_t rank_of(float score)
{
    /* The heap of word_merge() wants whole ranks, lowest first. IEEE bits order like the floats once negatives are flipped over. */
    uint32_t bits;
    score += 0.0f;                       /* -0 is 0 */
    memcpy(&bits, &score, sizeof bits);
    bits = bits >> 31 ? ~bits : bits | 0x80000000u;
    return ~bits;
}

static bool is_user(const struct spm *m, int32_t id)
{
    return id >= 0 && m->type[id] == TOKEN_USER;
}

/* Text merges to normal, user-defined and unused tokens only, and a user-defined one that was found in the text stays as it is. */
static bool score_rule(const void *ctx, const struct word *w, const struct symbol *a, const struct symbol *b, uint32_t *rank, int32_t *id)
{
    const struct rule_ctx *c = ctx;
    /* SentencePiece freezes user-defined pieces before it merges: "<|im_end|>" keeps its id whatever stands beside it. */
    if (is_user(c->m, a->id) || is_user(c->m, b->id))
        return false;
    *id = lexicon_find(c->x, w->text + a->start, a->len + b->len);
    /* Control, unknown and byte pieces have texts that a user may type; merging to them would let words forge control tokens. */
    if (*id < 0 || (c->m->type[*id] != TOKEN_NORMAL && c->m->type[*id] != TOKEN_USER && c->m->type[*id] != TOKEN_UNUSED))
        return false;
    if (c->left)
        c->left[*id] = a->len;           /* the last offer counts, as in SentencePiece's map */
    *rank = rank_of(c->m->score[*id]);
    return true;
}

/* The bytes of a symbol without a token, or the unknown token (once for a run of them where the model fuses). */
static bool add_unknown(const struct spm *m, const char *s, size_t n, struct ids *out)
{
    /* All bytes of the symbol or none, as above in bpe.c. */
    bool bytes = m->byte_fallback;
    for (size_t i = 0; bytes && i < n; i++)
        bytes = m->byte_id[(unsigned char)s[i]] >= 0;
    if (bytes) {
        for (size_t i = 0; i < n; i++)
            ids_add(out, m->byte_id[(unsigned char)s[i]]);
    } else if (m->unk < 0) {
        return false;
    /* Unigram of tokenizers fuses a run into one unknown; SentencePiece BPE gives one for each symbol. */
    } else if (!(m->fuse_unk && out->n > 0 && out->id[out->n - 1] == m->unk)) {
        ids_add(out, m->unk);
    }
    return true;
}

/* The longest user-defined token that s begins with: its bytes, or 0. */
static size_t user_prefix(const struct spm *m, const struct lexicon *x, const char *s, size_t n)
{
    size_t len = m->user_first[(unsigned char)*s] ? m->user_len : 0;      /* no token is longer than user_len bytes */
    for (len = len < n ? len : n; len > 0 && !is_user(m, lexicon_find(x, s, len)); len--)
        ;
    return len;
}

enum { MAX_DEPTH = 256 };                /* of halves; longer chains are no real vocabulary's */

/* An unused token falls apart into the halves that it was merged from. */
static bool add_token(const struct rule_ctx *c, const char *s, size_t n, int depth, struct ids *out)
{
    int32_t id = lexicon_find(c->x, s, n);
    if (id < 0)
        return add_unknown(c->m, s, n, out);
    /* It was merged through because longer pieces need it, but may not come out itself. */
    if (c->m->type[id] == TOKEN_UNUSED && c->left[id] > 0 && depth < MAX_DEPTH) {
        size_t half = c->left[id];
        return add_token(c, s, half, depth + 1, out) && add_token(c, s + half, n - half, depth + 1, out);
    }
    ids_add(out, id);
    return true;
}

bool spm_encode(const struct spm *m, const struct lexicon *x, const char *s, size_t n, struct word *w, struct ids *out)
{
    /* Only models with unused pieces pay for the table of halves: 4 bytes an id. */
    struct rule_ctx c = { m, x, m->has_unused ? xcalloc((size_t)x->n_ids, sizeof *c.left) : NULL };
    w->n = 0;
    w->text = s;
    for (size_t i = 0, len; i < n; i += len) {
        /* User-defined pieces are matched longest first from the left, before any merge sees the text. */
        len = user_prefix(m, x, s + i, n - i);
        if (len == 0)
            len = utf8_len(s[i]);
        word_add(w, i, len, lexicon_find(x, s + i, len));
    }
    word_merge(w, score_rule, &c);
    bool known = true;
    for (int32_t i = w->n > 0 ? 0 : -1; known && i >= 0; i = w->sym[i].next)
        known = add_token(&c, s + w->sym[i].start, w->sym[i].len, 0, out);
    free(c.left);
    return known;
}

/* Where the best segmentation of s[0, i) comes from. */
struct best {
    double score;                        /* in double: the sums of tokenizers are, and ties depend on it */
    size_t from;
    int32_t id;                          /* -1: one unknown character */
};

/* The best way to every position, left to right; an unknown character costs unk_score. */
static void viterbi(const struct spm *m, const struct lexicon *x, const char *s, size_t n, struct best *best)
{
    /* -1e300 stands for "not reached"; byte positions inside a character stay so and are never asked. */
    for (size_t i = 0; i <= n; i++)
        best[i] = (struct best){ .score = i ? -1e300 : 0 };
    for (size_t i = 0; i < n; i += utf8_len(s[i])) {
        size_t first = utf8_len(s[i]);
        /* Only where no token covers the character alone may the unknown node stand there: that is the lattice of both libraries. */
        bool single = false;
        for (size_t len = first; i + len <= n && len <= m->max_len; len += i + len < n ? utf8_len(s[i + len]) : 1) {
            int32_t id = lexicon_find(x, s + i, len);
            if (id < 0)
                continue;
            single |= len == first;
            double score = best[i].score + (double)m->score[id];
            /* Strictly greater: of equal paths the one found first stays, that is the one whose last token is longer. */
            if (score > best[i + len].score)
                best[i + len] = (struct best){ score, i, id };
        }
        double score = best[i].score + (double)m->unk_score;
        if (!single && i + first <= n && score > best[i + first].score)
            best[i + first] = (struct best){ score, i, -1 };
    }
}

bool unigram_encode(const struct spm *m, const struct lexicon *x, const char *s, size_t n, struct ids *out)
{
    struct best *best = xcalloc(n + 1, sizeof *best);
    size_t *cut = xcalloc(n + 1, sizeof *cut), n_cuts = 0;
    viterbi(m, x, s, n, best);
    /* The path is known backwards; 'cut' turns it round. */
    for (size_t i = n; i > 0; i = best[i].from)
        cut[n_cuts++] = i;
    bool known = true;
    while (n_cuts > 0 && known) {
        size_t to = cut[--n_cuts];
        const struct best *b = &best[to];
        if (b->id >= 0)
            ids_add(out, b->id);
        else
            known = m->unk >= 0 && add_unknown(m, s + b->from, to - b->from, out);     /* even where bytes would do, as in tokenizers */
    }
    free(cut);
    free(best);
    return known;
}
