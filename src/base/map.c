/* map.c - a hash table from bytes to a number. */
#include "mtbench/map.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include <stdlib.h>

struct map_slot {
    uint64_t hash;                       /* kept: growing hashes nothing again */
    size_t key, len;                     /* where its copy stands in 'keys': an offset, since they move as they grow */
    size_t value;                        /* MAP_NONE: the slot is free */
};

/* FNV's low bits follow the last bytes closely; numbers in a row, or multiples of 2^k, would sit side by side. */
static uint64_t hash_of(const void *key, size_t n)
{
    uint64_t h = fnv1a(FNV_START, key, n);
    h = (h ^ h >> 32) * 0x9e3779b97f4a7c15u; /* 2^64 / golden ratio */
    return h ^ h >> 29;
}

/* The slot of the key, or the free one where it belongs. */
static struct map_slot *seek(const struct map *m, uint64_t hash, const void *key, size_t n)
{
    for (size_t i = hash;; i++) {        /* ends: at most half of the slots are taken */
        struct map_slot *s = &m->slot[i & (m->n_slots - 1)];
        /* The hash first: bytes are compared about once per look-up. */
        if (s->value == MAP_NONE || (s->hash == hash && s->len == n && (n == 0 || !memcmp(m->keys.data + s->key, key, n))))
            return s;
    }
}

static void grow(struct map *m)
{
    struct map_slot *old = m->slot;
    size_t n_old = m->n_slots;
    m->n_slots = n_old ? 2 * n_old : 16; /* a power of two: a mask finds the slot */
    m->slot = xrealloc(NULL, m->n_slots, sizeof *m->slot);
    for (size_t i = 0; i < m->n_slots; i++)
        m->slot[i].value = MAP_NONE;
    for (size_t i = 0; i < n_old; i++)
        if (old[i].value != MAP_NONE)
            *seek(m, old[i].hash, m->keys.data + old[i].key, old[i].len) = old[i];
    free(old);
}

size_t map_find(const struct map *m, const void *key, size_t n)
{
    return m->n ? seek(m, hash_of(key, n), key, n)->value : MAP_NONE; /* an empty map has no slots */
}

static struct map_slot *slot_for(struct map *m, const void *key, size_t n)
{
    uint64_t hash = hash_of(key, n);
    if (2 * (m->n + 1) > m->n_slots)     /* before seek(): growing moves all slots */
        grow(m);
    struct map_slot *s = seek(m, hash, key, n);
    if (s->value == MAP_NONE) {
        *s = (struct map_slot){ hash, m->keys.len, n, MAP_NONE };
        buf_add(&m->keys, key, n);       /* its own copy: callers' keys come and go */
        m->n++;
    }
    return s;
}

size_t map_add(struct map *m, const void *key, size_t n, size_t value)
{
    struct map_slot *s = slot_for(m, key, n);
    if (s->value == MAP_NONE)
        s->value = value;
    return s->value;
}

void map_set(struct map *m, const void *key, size_t n, size_t value)
{
    slot_for(m, key, n)->value = value;
}

void map_free(struct map *m)
{
    free(m->slot);
    buf_free(&m->keys);
    *m = (struct map){0};
}

/* For tests: a bad hash shows as long ways, long before it shows as time. */
size_t map_longest(const struct map *m)
{
    size_t longest = 0;
    for (size_t i = 0; i < m->n_slots; i++) {
        size_t way = (i - m->slot[i].hash) & (m->n_slots - 1); /* slots from where it belongs; unsigned, so it wraps right */
        if (m->slot[i].value != MAP_NONE && way + 1 > longest)
            longest = way + 1;
    }
    return longest;
}
