/* turn_sample.c - a sample of turns, stratified by category and turn. */
#include "mtbench/turn_sample.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct candidate {
    struct turn_name name;
    int category;                        /* number of it, by first appearance in the question file */
    uint64_t hash;
    size_t within, place;                /* among its category's turns of this number; among all of its category */
};

static int order(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int by_name(const void *pa, const void *pb)
{
    const struct turn_name *a = pa, *b = pb;
    return a->q != b->q ? (a->q > b->q) - (a->q < b->q) : a->choice != b->choice ? a->choice - b->choice : a->turn - b->turn;
}

/* What decides among equals. */
static int by_hash(const struct candidate *a, const struct candidate *b)
{
    return a->hash != b->hash ? (a->hash > b->hash) - (a->hash < b->hash) : by_name(&a->name, &b->name);
}

static int by_stratum(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    return a->category != b->category ? a->category - b->category
           : a->name.turn != b->name.turn ? a->name.turn - b->name.turn : by_hash(a, b);
}

/* Every other category begins with its second turns, so that a sample of one turn of each has both. */
static int turn_rank(const struct candidate *c)
{
    return c->category % 2 && c->name.turn <= 2 ? 3 - c->name.turn : c->name.turn;
}

static int by_category(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    return a->category != b->category ? a->category - b->category
           : a->within != b->within ? order(a->within, b->within) : turn_rank(a) - turn_rank(b);
}

static int by_place(const void *pa, const void *pb)
{
    const struct candidate *a = pa, *b = pb;
    return a->place != b->place ? order(a->place, b->place) : a->category - b->category;
}

static void number_categories(const struct questions *qs, int *category)
{
    struct map seen = {0};
    for (int i = 0; i < qs->n; i++)
        category[i] = (int)map_add_text(&seen, qs->q[i].category, seen.n);
    map_free(&seen);
}

/* By what a turn is, not by its place in the file: a file in another order has the same sample. */
static uint64_t hash_of(const struct questions *qs, const struct turn_name *t, uint64_t seed)
{
    char key[96];
    uint8_t digest[32];
    uint64_t h = 0;
    snprintf(key, sizeof key, "%llu %lld %d %d", (unsigned long long)seed, (long long)qs->q[t->q].id, t->choice, t->turn);
    sha256(key, strlen(key), digest);
    for (int i = 0; i < 8; i++)
        h = h << 8 | digest[i];
    return h;
}

/* Categories take turns at choosing: first each one's first place, then each one's second ... */
static void rank(struct candidate *c, size_t n)
{
    qsort(c, n, sizeof *c, by_stratum);
    for (size_t i = 0; i < n; i++)
        c[i].within = i && c[i].category == c[i - 1].category && c[i].name.turn == c[i - 1].name.turn ? c[i - 1].within + 1 : 0;
    qsort(c, n, sizeof *c, by_category);
    for (size_t i = 0; i < n; i++)
        c[i].place = i && c[i].category == c[i - 1].category ? c[i - 1].place + 1 : 0;
    qsort(c, n, sizeof *c, by_place);
}

size_t turn_sample(const struct questions *qs, struct turn_name *turn, size_t n, size_t want, uint64_t seed)
{
    if (n == 0)
        return 0;
    struct candidate *c = xcalloc(n, sizeof *c);
    int *category = xcalloc((size_t)qs->n, sizeof *category);
    number_categories(qs, category);
    for (size_t i = 0; i < n; i++)
        c[i] = (struct candidate){ .name = turn[i], .category = category[turn[i].q], .hash = hash_of(qs, &turn[i], seed) };
    rank(c, n);
    for (size_t i = 0; i < n; i++)
        turn[i] = c[i].name;
    free(category);
    free(c);
    want = want < n ? want : n;
    qsort(turn, want, sizeof *turn, by_name);
    return want;
}
