/* bpe.c - byte-pair encoding: symbols merged pair by pair (room: text).
 * Sennrich et al. 2016; the order of merges and the treatment of unknown characters are those of Hugging Face's tokenizers.
 * Symbols form a linked list and candidate pairs a heap, so a word of n symbols takes O(n log n): "llama" texts are one word. */
#include "unicode.h"
#include "tokenizer_parts.h"

#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- merging ---- */

void word_add(struct word *w, size_t start, size_t len, int32_t id)
{
    /* Doubling: a "llama" text is one word of as many symbols as characters, so growing by a constant would be quadratic. */
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 64;
        w->sym = xrealloc(w->sym, w->cap, sizeof(*w->sym));
    }
    int32_t at = (int32_t)w->n++;
    if (at > 0)
        w->sym[at - 1].next = at;
    /* linked to both neighbours; next is set by who follows */
    w->sym[at] = (struct symbol){ at - 1, -1, (uint32_t)start, (uint32_t)len, id };
}

static bool earlier(const struct merge_pair *a, const struct merge_pair *b)
{
    /* Leftmost of equals is the law of both SentencePiece and tokenizers; without it "aaa" could merge as a+aa. */
    return a->rank != b->rank ? a->rank < b->rank : a->pos < b->pos;
}

static void heap_push(struct word *w, struct merge_pair p)
{
    if (w->n_heap == w->cap_heap) {
        w->cap_heap = w->cap_heap ? 2 * w->cap_heap : 64;
        w->heap = xrealloc(w->heap, w->cap_heap, sizeof(*w->heap));
    }
    size_t i = w->n_heap++;
    /* sift up: parents move down until p fits */
    for (; i > 0 && earlier(&p, &w->heap[(i - 1) / 2]); i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = p;
}

static struct merge_pair heap_pop(struct word *w)
{
    /* The last pair takes the place of the first and sinks: one of its children moves up at each level. */
    struct merge_pair top = w->heap[0], p = w->heap[--w->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->n_heap; i = child) {
        if (child + 1 < w->n_heap && earlier(&w->heap[child + 1], &w->heap[child]))
            child++;
        if (!earlier(&w->heap[child], &p))
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = p;
    return top;
}

static void offer(struct word *w, int32_t left, int32_t right, pair_rule *rule, const void *ctx)
{
    /* an end of the word has no neighbour */
    if (left < 0 || right < 0)
        return;
    const struct symbol *a = &w->sym[left], *b = &w->sym[right];
    /* 'size' is what tells a pair that has gone stale later: a merge changes the length of one of its two, and of no other pair. */
    struct merge_pair p = { .pos = (uint32_t)left, .size = a->len + b->len };
    if (rule(ctx, w, a, b, &p.rank, &p.id))
        heap_push(w, p);
}

void word_merge(struct word *w, pair_rule *rule, const void *ctx)
{
    /* All neighbours are offered once; after that only a merge makes new neighbours, two at most, so the heap sees under 3n
     * pairs in all. */
    w->n_heap = 0;
    for (int32_t i = 1; (size_t)i < w->n; i++)
        offer(w, i - 1, i, rule, ctx);
    while (w->n_heap > 0) {
        struct merge_pair p = heap_pop(w);
        struct symbol *a = &w->sym[p.pos];
        if (a->len == 0 || a->next < 0 || a->len + w->sym[a->next].len != p.size)
            continue;                           /* one of the two has grown or gone since */
        struct symbol *b = &w->sym[a->next];
        a->len = p.size;
        a->id = p.id;                    /* b is swallowed: len 0 marks it, its slot stays */
        a->next = b->next;
        b->len = 0;
        if (a->next >= 0)
            w->sym[a->next].prev = (int32_t)p.pos;
        /* The merged symbol is new to both its neighbours. Pairs that named the old halves stay in the heap and fail the test of size. */
        offer(w, a->prev, (int32_t)p.pos, rule, ctx);
        offer(w, (int32_t)p.pos, a->next, rule, ctx);
    }
}

void word_free(struct word *w)
{
    free(w->sym);
    free(w->heap);
    *w = (struct word){ 0 };
}

/* ---- the table of merges ---- */

static uint64_t pair_key(int32_t a, int32_t b)
{
    return (uint64_t)(uint32_t)a << 32 | (uint32_t)b;
}

static struct merge_slot *merge_slot(const struct bpe *b, uint64_t key)
{
    uint64_t h = key * 0x9e3779b97f4a7c15u;      /* Fibonacci hashing: the high half is well mixed */
    for (uint32_t i = (uint32_t)(h >> 32) & b->mask;; i = (i + 1) & b->mask)
        if (b->merge[i].id < 0 || b->merge[i].key == key)
            return &b->merge[i];
}

void bpe_init(struct bpe *b, size_t n_merges)
{
    uint32_t slots = 16;
    /* At most half full, so that a search for a pair that has no merge (most are none) ends after a step or two. */
    while (slots < 2 * n_merges)
        slots *= 2;
    b->merge = xcalloc(slots, sizeof(*b->merge));
    b->mask = slots - 1;
    for (uint32_t i = 0; i < slots; i++)
        b->merge[i].id = -1;
    b->unk = -1;
    /* all -1: no byte tokens until bpe_bytes() finds them */
    memset(b->byte_id, 0xff, sizeof(b->byte_id));
}

static int no_token(struct err *err, uint32_t rank, struct slice left, struct slice right, const char *which)
{
    int l = left.len < 60 ? (int)left.len : 60, r = right.len < 60 ? (int)right.len : 60;
    return err_set(err, ERR_FORMAT, "merge %u (%.*s %.*s): %s is not in the vocabulary; the tokenizer file is damaged or incomplete", rank,
                   l, left.ptr, r, right.ptr, which);
}

int bpe_merge(struct bpe *b, const struct lexicon *x, uint32_t rank, struct slice left, struct slice right, struct err *err)
{
    char small[128];
    /* "un" + "##happy" is "unhappy": the right half's own mark goes when it is no longer first in its part. */
    size_t cut = b->prefix ? strlen(b->prefix) : 0;
    int32_t l = lexicon_find(x, left.ptr, left.len), r = lexicon_find(x, right.ptr, right.len);
    if (l < 0)
        /* tokenizers refuses such a file too (MergeTokenOutOfVocabulary); to skip the merge would give other ids. */
        return no_token(err, rank, left, right, "the left part");
    if (r < 0)
        return no_token(err, rank, left, right, "the right part");
    /* a right part that is shorter than its mark */
    if (cut > right.len)
        return no_token(err, rank, left, right, "the result");
    size_t n = left.len + right.len - cut;
    char *s = n <= sizeof(small) ? small : xcalloc(n, 1);      /* tokens are short: no allocation for nearly all of 50,000 merges */
    memcpy(s, left.ptr, left.len);
    memcpy(s + left.len, right.ptr + cut, right.len - cut);
    int32_t id = lexicon_find(x, s, n);
    if (s != small)
        free(s);
    if (id < 0)
        return no_token(err, rank, left, right, "the result");
    uint64_t key = pair_key(l, r);
    /* A pair that is listed twice has the later rank, as in the map that tokenizers collects. */
    *merge_slot(b, key) = (struct merge_slot){ key, rank, id };
    return 0;
}

void bpe_bytes(struct bpe *b, const struct lexicon *x)
{
    for (int i = 0; i < 256; i++) {
        char s[8];
        snprintf(s, sizeof(s), "<0x%02X>", i);      /* upper case only: what the encoder looks up; decoders also read lower case */
        b->byte_id[i] = lexicon_find(x, s, 6);
    }
}

static bool merge_rule(const void *ctx, const struct word *w, const struct symbol *a, const struct symbol *b, uint32_t *rank, int32_t *id)
{
    (void)w;
    const struct merge_slot *m = merge_slot(ctx, pair_key(a->id, b->id));
    *rank = m->rank;
    *id = m->id;
    return m->id >= 0;
}

/* ---- one word ---- */

/* Id of the character s[i, i + len) with the model's prefix and suffix, or -1. */
static int32_t character_id(const struct bpe *b, const struct lexicon *x, const char *s, size_t n, size_t i, size_t len)
{
    /* The mark is for all characters but the first, the suffix for the last one, of a word as the pre-tokenizer left it. */
    bool prefix = b->prefix && i > 0, suffix = b->suffix && i + len == n;
    if (!prefix && !suffix)
        return lexicon_find(x, s + i, len);
    struct buf t = { 0 };
    if (prefix)
        buf_str(&t, b->prefix);
    buf_add(&t, s + i, len);
    if (suffix)
        buf_str(&t, b->suffix);
    int32_t id = lexicon_find(x, t.data, t.len);
    buf_free(&t);
    return id;
}

static bool add_bytes(const struct bpe *b, const char *s, size_t at, size_t len, struct word *w)
{
    /* All or none: one byte without a token sends the whole character to the unknown token, as in tokenizers. */
    for (size_t i = 0; i < len; i++)
        if (b->byte_id[(unsigned char)s[at + i]] < 0)
            return false;
    for (size_t i = 0; i < len; i++)
        word_add(w, at + i, 1, b->byte_id[(unsigned char)s[at + i]]);
    return true;
}

/* The symbols of a word before any merge. An unknown run is only closed by the next known character, not by bytes, as in the original. */
static bool split_characters(const struct bpe *b, const struct lexicon *x, const char *s, size_t n, struct word *w)
{
    /* The unknown run that is open: bytes [unk, unk + unk_len), closed by the next known character. */
    size_t unk = 0, unk_len = 0;
    for (size_t i = 0, len; i < n; i += len) {
        /* The text is valid UTF-8 by here (tokenizer_encode()), so a first byte tells the length. */
        len = utf8_len(s[i]);
        int32_t id = character_id(b, x, s, n, i, len);
        if (id >= 0) {
            if (unk_len > 0)
                word_add(w, unk, unk_len, b->unk);
            unk_len = 0;
            word_add(w, i, len, id);
        } else if (b->byte_fallback && add_bytes(b, s, i, len, w)) {
            continue;
        } else if (b->unk >= 0) {
            if (unk_len > 0 && !b->fuse_unk)
                word_add(w, unk, unk_len, b->unk);
            if (unk_len == 0 || !b->fuse_unk)
                /* without fuse_unk each unknown character is a token of its own */
                unk = i, unk_len = 0;
            unk_len += len;
        } else if (b->lacks_unk) {
            return false;
        }
    }
    if (unk_len > 0)
        word_add(w, unk, unk_len, b->unk);
    return true;
}

bool bpe_encode(const struct bpe *b, const struct lexicon *x, const char *s, size_t n, struct word *w, struct ids *out)
{
    /* Llama 3's rule: a word that is a token is that token even where no chain of merges leads to it. */
    int32_t whole = b->ignore_merges ? lexicon_find(x, s, n) : -1;
    if (whole >= 0) {
        ids_add(out, whole);
        return true;
    }
    w->n = 0;
    w->text = s;
    if (!split_characters(b, x, s, n, w))
        return false;
    word_merge(w, merge_rule, b);
    for (int32_t i = w->n > 0 ? 0 : -1; i >= 0; i = w->sym[i].next)
        ids_add(out, w->sym[i].id);
    return true;
}

void bpe_free(struct bpe *b)
{
    free(b->merge);
    free(b->prefix);
    free(b->suffix);
    *b = (struct bpe){ 0 };
}
