/* tokenizer_added.c - tokens that are found in the text before anything else (room: text).
 * Leftmost, then longest match over a trie. Special tokens see the raw text; those marked "normalized" see what the normalizer left. */
#include "tokenizer_parts.h"
#include "unicode.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* Linear: folders have some dozens of added tokens, and this runs while loading and once a role, not for texts. */
static struct added_token *find(const struct added *a, const char *s, size_t n)
{
    for (int i = 0; i < a->n; i++)
        if (a->token[i].len == n && memcmp(a->token[i].text, s, n) == 0)
            return &a->token[i];
    return NULL;
}

void added_put(struct added *a, const struct added_token *token)
{
    struct added_token *old = find(a, token->text, token->len);
    if (!old) {
        added_add(a, token);
        return;
    }
    char *text = old->text;              /* the text is the same; the old copy stays */
    *old = *token;
    old->text = text;
}

void added_add(struct added *a, const struct added_token *token)
{
    /* tokenizers counts and ignores empty ones; in a trie one would match everywhere */
    if (token->len == 0)
        return;
    a->token = xrealloc(a->token, (size_t)a->n + 1, sizeof(*a->token));
    a->token[a->n] = *token;
    a->token[a->n++].text = xstrndup(token->text, token->len);
}

static int32_t trie_node(struct trie *t, char byte)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 64;
        t->node = xrealloc(t->node, (size_t)t->cap, sizeof(*t->node));
    }
    t->node[t->n] = (struct trie_node){ -1, -1, -1, byte };
    return t->n++;
}

static int32_t trie_child(const struct trie *t, int32_t at, char byte)
{
    int32_t c = t->node[at].child;       /* first child, then siblings: a node of 256 pointers would be 2 kB for each of some thousand */
    while (c >= 0 && t->node[c].byte != byte)
        c = t->node[c].sibling;
    return c;
}

static void trie_insert(struct trie *t, const char *s, size_t n, int token)
{
    if (n == 0)
        return;
    /* Node 0 is the root. Nodes are numbers, not pointers: the array moves when it grows. */
    int32_t at = t->n ? 0 : trie_node(t, 0);
    for (size_t i = 0; i < n; i++) {
        int32_t c = trie_child(t, at, s[i]);
        if (c < 0) {
            c = trie_node(t, s[i]);
            t->node[c].sibling = t->node[at].child;
            t->node[at].child = c;
        }
        at = c;
    }
    /* Two normalized tokens may become one text; the first that was added is found, as by the leftmost rule of tokenizers. */
    if (t->node[at].token < 0)
        t->node[at].token = token;
}

/* Index of the longest token that s begins with and its length, or -1. */
static int trie_longest(const struct trie *t, const char *s, size_t n, size_t *len)
{
    /* Goes on behind a match: the longest token wins ("<|im_end|>x" over "<|im_end|>"), that is MatchKind::LeftmostLongest. */
    int best = -1;
    int32_t at = 0;
    for (size_t i = 0; i < n && (at = trie_child(t, at, s[i])) >= 0; i++)
        if (t->node[at].token >= 0) {
            best = t->node[at].token;
            *len = i + 1;
        }
    return best;
}

int added_index(struct added *a, const struct steps *norm, struct err *err)
{
    struct buf text = { 0 };
    struct matcher *m = matcher_create();
    int rc = 0;
    for (int i = 0; i < a->n && rc == 0; i++) {
        const struct added_token *k = &a->token[i];
        /* A normalized token is sought in text that the normalizer has changed, so its own text must be changed alike ("<S>" by
         * Lowercase). */
        if (!k->normalized) {
            trie_insert(&a->raw, k->text, k->len, i);
            continue;
        }
        buf_clear(&text);
        buf_add(&text, k->text, k->len);
        /* as at the start of a text, where Prepend applies too */
        rc = normalize(norm, m, true, &text, err);
        if (rc == 0)
            trie_insert(&a->normal, text.data, text.len, i);
    }
    matcher_free(m);
    buf_free(&text);
    return rc;
}

void added_free(struct added *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->token[i].text);
    free(a->token);
    free(a->raw.node);
    free(a->normal.node);
    *a = (struct added){ 0 };
}

static uint32_t char_before(const char *s, size_t at)
{
    const char *p = s + at;              /* 'at' is a boundary: back over continuation bytes */
    do
        p--;
    while (p > s && ((unsigned char)*p & 0xc0) == 0x80);
    return utf8_next(&p, s + at);
}

static uint32_t char_after(const char *s, size_t at, size_t n)
{
    const char *p = s + at;
    return utf8_next(&p, s + n);
}

static bool inside_word(const char *s, size_t n, size_t start, size_t stop)
{
    return (start > 0 && uc_is_word(char_before(s, start))) || (stop < n && uc_is_word(char_after(s, stop, n)));
}

/* Widen a match by the white space that the token swallows. */
static void swallow(const struct added_token *k, const struct added_scan *scan, struct added_match *m)
{
    /* Never back over what the token before swallowed: m->gap is where that ended. */
    if (k->lstrip) {
        const char *s = scan->s;
        while (m->start > m->gap && uc_is_space(char_before(s, m->start)))
            do
                m->start--;
            while (((unsigned char)s[m->start] & 0xc0) == 0x80);
    }
    /* Forward there is no such bound: the white space goes even if other added tokens begin in it (see below). */
    while (k->rstrip && m->stop < scan->n && uc_is_space(char_after(scan->s, m->stop, scan->n)))
        m->stop += utf8_len(scan->s[m->stop]);
}

void added_next(const struct added *a, struct added_scan *scan, struct added_match *m)
{
    *m = (struct added_match){ NULL, scan->floor, scan->n, scan->n };
    while (scan->trie->n > 0 && scan->at < scan->n) {
        size_t len = 0;
        /* A step of one byte, not one character: no token begins with a continuation byte, so none matches there. */
        int i = trie_longest(scan->trie, scan->s + scan->at, scan->n - scan->at, &len);
        if (i < 0) {
            scan->at++;
            continue;
        }
        const struct added_token *k = &a->token[i];
        m->start = scan->at;
        /* The scan goes on behind the token's own text, not behind what it strips; so a token that was passed over is not looked into
         * either. */
        m->stop = scan->at += len;
        /* Passed over, its text stays part of the gap, and is tokenized like any words: users cannot write control tokens then. */
        if ((k->special && !scan->specials) || (k->single_word && inside_word(scan->s, scan->n, m->start, m->stop)))
            continue;
        m->token = k;
        swallow(k, scan, m);
        /* What the token before has swallowed may hold this one too. It counts all the same, as in Hugging Face's tokenizers, with no text
         * before it. */
        m->gap = m->gap < m->start ? m->gap : m->start;
        scan->floor = m->stop;
        return;
    }
    m->start = m->stop = scan->n;
}

const struct added_token *added_find(const struct added *a, const char *s, size_t n)
{
    return find(a, s, n);
}
