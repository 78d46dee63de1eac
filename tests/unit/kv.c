/* kv.c - pages are handed out once, counted, copied whole and never lost. */
#include "tap.h"

#include "src/engine/kv.h"

#include <stdlib.h>
#include <string.h>

static bool refuse;

static void *fake_alloc(struct backend *be, size_t bytes, struct err *err)
{
    (void)be;
    if (refuse)
        err_set(err, ERR_MEMORY, "memory: none");
    return refuse ? NULL : calloc(1, bytes);
}

static void fake_release(struct backend *be, void *p, size_t bytes)
{
    (void)be;
    (void)bytes;
    free(p);
}

static void fake_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    (void)be;
    memcpy(dst, src, bytes);
}

static size_t fake_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return (size_t)(n_layers * n_kv * head_dim * KV_PAGE * 4);
}

static const struct ops fake_ops = {
    .name = "fake", .alloc = fake_alloc, .release = fake_release, .copy = fake_copy, .kv_page_bytes = fake_page_bytes,
};
static const struct kv_view shape = { .n_layers = 2, .n_kv = 3, .head_dim = 16 };

static void test_take_all(void)
{
    struct kv kv;
    struct err err = { 0 };
    bool seen[5] = { 0 }, distinct = true;
    ok(kv_create(&kv, &fake_ops, NULL, shape, 5, &err) == 0 && kv.view.base, "five pages");
    ok(kv.page_bytes == 2u * 3 * 2 * 64 * 16 * 2, "a page holds all layers: %zu bytes", kv.page_bytes);
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
    ok(!kv.view.base && kv.n_pages == 0, "destroyed");
    kv_destroy(&kv);
    ok(!kv.view.base, "destroyed twice");
}

static void test_holders(void)
{
    struct kv kv;
    kv_create(&kv, &fake_ops, NULL, shape, 2, NULL);
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
    kv_create(&kv, &fake_ops, NULL, shape, 3, NULL);
    unsigned char *b = kv.view.base;
    for (size_t i = 0; i < 3 * kv.page_bytes; i++)
        b[i] = (unsigned char)(i / kv.page_bytes * 50 + i % 47);
    kv_copy(&kv, 2, 0);
    ok(!memcmp(b + 2 * kv.page_bytes, b, kv.page_bytes), "a page is copied whole");
    ok(b[kv.page_bytes] == 50 + kv.page_bytes % 47 && b[2 * kv.page_bytes - 1] == 50 + (2 * kv.page_bytes - 1) % 47,
       "and its neighbour is left alone");
    kv_destroy(&kv);
}

static void test_refusal(void)
{
    struct kv kv;
    struct err err = { 0 };
    refuse = true;
    ok(kv_create(&kv, &fake_ops, NULL, shape, 7, &err) == -1 && err.kind == ERR_MEMORY && strstr(err.text, "KV cache of 7 pages"), "%s",
       err.text);
    kv_destroy(&kv);
    refuse = false;
    static const struct { int positions, pages; } table[] = { { 0, 0 }, { 1, 1 }, { 63, 1 }, { 64, 1 }, { 65, 2 }, { 128, 2 }, { 129, 3 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ok(kv_pages_for(table[i].positions) == table[i].pages, "%d positions take %d pages", table[i].positions, table[i].pages);
}

int main(void)
{
    test_take_all();
    test_holders();
    test_copy();
    test_refusal();
    return done_testing();
}
