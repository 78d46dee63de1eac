/* map.h - a hash table from bytes to a number, mostly the place of a record in an array (room: base). Zeroed is empty. */
#ifndef MTB_MAP_H
#define MTB_MAP_H

#include "mtbench/buf.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MAP_NONE SIZE_MAX

struct map {
    struct map_slot *slot;               /* open addressing; n_slots is 0 or a power of two, at most half of them in use */
    size_t n, n_slots;
    struct buf keys;                     /* copies of all keys, one behind the other */
};

/* What stands under the key, or MAP_NONE. */
size_t map_find(const struct map *m, const void *key, size_t n);
/* Put 'value' (not MAP_NONE) under the key unless something is there; returns what is there then: 'value' if the key is new. */
size_t map_add(struct map *m, const void *key, size_t n, size_t value);
/* Put 'value' there in any case. */
void map_set(struct map *m, const void *key, size_t n, size_t value);
void map_free(struct map *m);
/* The most slots that finding any of the keys looks at: small, however many there are. */
size_t map_longest(const struct map *m);

static inline size_t map_find_text(const struct map *m, const char *key)
{
    return map_find(m, key, strlen(key));
}

static inline size_t map_add_text(struct map *m, const char *key, size_t value)
{
    return map_add(m, key, strlen(key), value);
}

static inline size_t map_find_int(const struct map *m, int64_t key)
{
    return map_find(m, &key, sizeof key);
}

static inline size_t map_add_int(struct map *m, int64_t key, size_t value)
{
    return map_add(m, &key, sizeof key, value);
}

#endif
