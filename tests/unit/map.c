/* map.c - the hash table: what was put in is found, and found soon, whatever the keys. */
#include "mtbench/map.h"

#include "tap.h"

#include <stdio.h>

static void test_use(void)
{
    struct map m = {0};
    ok(map_find_text(&m, "a") == MAP_NONE, "an empty map has nothing");
    ok(map_add_text(&m, "a", 7) == 7 && map_add_text(&m, "a", 8) == 7 && map_find_text(&m, "a") == 7, "what is there stays");
    map_set(&m, "a", 1, 9);
    ok(map_find_text(&m, "a") == 9 && m.n == 1, "unless it is set");
    map_add(&m, "a\0b", 3, 1);
    map_add(&m, "", 0, 2);
    ok(map_find(&m, "a\0b", 3) == 1 && map_find(&m, "a\0c", 3) == MAP_NONE && map_find(&m, "", 0) == 2 && map_find_text(&m, "a") == 9,
       "keys are bytes: with a NUL, and of none");
    map_free(&m);
    ok(m.n == 0 && map_find_text(&m, "a") == MAP_NONE, "freed, it is empty");
}

/* Keys that a bad hash would put side by side: the way to each stays short, so no pass over them is quadratic. */
static void test_many(void)
{
    enum { N = 200000 };
    for (int shift = 0; shift <= 40; shift += 20) {
        struct map m = {0};
        size_t wrong = 0;
        for (int64_t i = 0; i < N; i++)
            map_add_int(&m, i << shift, (size_t)i);
        for (int64_t i = 0; i < N; i++)
            wrong += map_find_int(&m, i << shift) != (size_t)i;
        wrong += map_find_int(&m, -1) != MAP_NONE;
        ok(m.n == N && wrong == 0 && map_longest(&m) < 80, "%d numbers times 2^%d: all found, over %zu slots at most", N, shift,
           map_longest(&m));
        map_free(&m);
    }
    struct map m = {0};
    char key[64];
    for (int i = 0; i < N; i++)
        map_add(&m, key, (size_t)snprintf(key, sizeof key, "question-%d-turn-%d-model", i / 2, i % 2), (size_t)i);
    ok(m.n == N && map_find_text(&m, "question-77-turn-1-model") == 155 && map_longest(&m) < 80, "%d names: over %zu slots at most", N,
       map_longest(&m));
    map_free(&m);
}

int main(void)
{
    test_use();
    test_many();
    return done_testing();
}
