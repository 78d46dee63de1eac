/* kv.c - pages are handed out once, counted and never lost. */
#include "tap.h"

#include "src/engine/kv.h"

static int n_copies;
static int32_t copied[2];

/* In the place of the real one, which has memory. */
void team_copy_page(struct team *t, int32_t dst, int32_t src)
{
    (void)t;
    n_copies++;
    copied[0] = dst, copied[1] = src;
}

static void test_take_all(void)
{
    struct kv kv;
    bool seen[5] = { 0 }, distinct = true;
    kv_create(&kv, NULL, 5);
    for (int i = 0; i < 5; i++) {
        int32_t p = kv_take(&kv);
        distinct &= p >= 0 && p < 5 && !seen[p];
        seen[p] = true;
    }
    ok(distinct, "each page goes out once");
    ok(kv_take(&kv) == -1 && kv.n_free == 0, "the sixth is refused");
    kv_drop(&kv, 3);
    ok(kv_take(&kv) == 3, "what was freed last goes out first");
    kv_destroy(&kv);
    ok(!kv.free && kv.n_pages == 0, "destroyed");
    kv_destroy(&kv);
    ok(!kv.free, "destroyed twice");
}

static void test_holders(void)
{
    struct kv kv;
    kv_create(&kv, NULL, 2);
    int32_t p = kv_take(&kv);
    kv_hold(&kv, p);
    kv_pin(&kv, p);
    ok(kv_available(&kv) == 1, "a pinned page cannot be had");
    kv_hold(&kv, p);
    kv_pin(&kv, p);
    ok(kv_available(&kv) == 1, "two pins of one page count once");
    kv_drop(&kv, p);
    ok(kv.n_free == 1, "two holders are left");
    kv_unpin(&kv, p);
    ok(kv_available(&kv) == 1, "one pin is left");
    kv_unpin(&kv, p);
    ok(kv_available(&kv) == 2, "no pin is left");
    kv_drop(&kv, p);
    ok(kv.n_free == 1, "one holder is left");
    kv_drop(&kv, p);
    ok(kv.n_free == 2, "the last holder's drop frees");
    kv_destroy(&kv);
}

static void test_copy(void)
{
    struct kv kv;
    kv_create(&kv, NULL, 3);
    kv_copy(&kv, 2, 0);
    ok(n_copies == 1 && copied[0] == 2 && copied[1] == 0, "a page is copied by who has its memory");
    kv_destroy(&kv);
}

static void test_counts(void)
{
    static const struct { int positions, pages; } table[] = { { 0, 0 }, { 1, 1 }, { 63, 1 }, { 64, 1 }, { 65, 2 }, { 128, 2 }, { 129, 3 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ok(kv_pages_for(table[i].positions) == table[i].pages, "%d positions take %d pages", table[i].positions, table[i].pages);
}

int main(void)
{
    test_take_all();
    test_holders();
    test_copy();
    test_counts();
    return done_testing();
}
