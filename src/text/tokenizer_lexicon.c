/* tokenizer_lexicon.c - the model's tokens, by text and by id (room: text).
 * One arena for the bytes and one open-addressing table: a vocabulary of 50k tokens must be there in milliseconds. */
#include "mtbench/mem.h"
#include "tokenizer_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash(const char *s, size_t n)
{
    /* Eight bytes a round (murmur's mixer): loading a vocabulary of 150,000 tokens hashes each several times. */
    uint64_t h = 0x9e3779b97f4a7c15u ^ n, v;
    for (; n >= 8; s += 8, n -= 8) {
        memcpy(&v, s, 8);
        h = (h ^ v) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    v = 0;
    memcpy(&v, s, n);
    h = (h ^ v) * 0xff51afd7ed558ccdu;
    h ^= h >> 32;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 32);
}

void lexicon_init(struct lexicon *x, int32_t n_ids, size_t n_tokens, size_t bytes)
{
    uint32_t slots = 16;
    /* at most half full: unknown texts are looked up all the time, by every pair of a merge by score */
    while (slots < 2 * n_tokens)
        slots *= 2;
    x->n_ids = n_ids;
    /* One more than ids, since a vocabulary may be empty and calloc(0) may give NULL. */
    x->text = xcalloc((size_t)n_ids + 1, sizeof(*x->text));
    x->arena = xcalloc(bytes + 1, 1);
    x->slot = xcalloc(slots, sizeof(*x->slot));
    x->mask = slots - 1;
    for (uint32_t i = 0; i < slots; i++)
        x->slot[i].id = -1;
}

/* The slot of this text, or the free one where it belongs. */
static struct lexicon_slot *find(const struct lexicon *x, const char *s, size_t n, uint32_t tag)
{
    for (uint32_t i = tag & x->mask;; i = (i + 1) & x->mask) {
        struct lexicon_slot *e = &x->slot[i];
        /* The tag is compared first: equal tags of different texts are rare, so memcmp runs about once. */
        if (e->id < 0)
            return e;
        if (e->tag == tag && x->text[e->id].len == n && memcmp(x->text[e->id].ptr, s, n) == 0)
            return e;
    }
}

void lexicon_set(struct lexicon *x, int32_t id, const char *s, size_t n, bool findable)
{
    assert(id >= 0 && id < x->n_ids);
    if (n == 0 || x->text[id].len > 0) {
        x->n_tokens++;                   /* a text all the same, if one that nothing can find */
        return;
    }
    memcpy(x->arena + x->used, s, n);
    /* The arena never moves (its size was promised), so slices may point into it for good. */
    x->text[id] = (struct slice){ x->arena + x->used, n };
    x->used += n;
    if (!findable)
        return;
    uint32_t tag = hash(s, n);
    struct lexicon_slot *e = find(x, s, n, tag);
    x->n_tokens += e->id < 0;
    *e = (struct lexicon_slot){ tag, id };       /* over an earlier one with this text, as the maps of tokenizers and llama.cpp do */
}

int32_t lexicon_find(const struct lexicon *x, const char *s, size_t n)
{
    return find(x, s, n, hash(s, n))->id;
}

void lexicon_free(struct lexicon *x)
{
    free(x->text);
    free(x->arena);
    free(x->slot);
    *x = (struct lexicon){ 0 };
}
