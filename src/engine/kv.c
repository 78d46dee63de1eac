/* kv.c - pages of the KV cache: a free list, and for each page how many hold and how many use it. */
#include "kv.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <stdlib.h>

void kv_create(struct kv *kv, struct team *team, int n_pages)
{
    *kv = (struct kv){ .team = team };
    kv->n_pages = kv->n_free = kv->least_free = n_pages;
    kv->free = xcalloc((size_t)n_pages, sizeof *kv->free);
    kv->ref = xcalloc((size_t)n_pages, sizeof *kv->ref);
    kv->pin = xcalloc((size_t)n_pages, sizeof *kv->pin);
    for (int i = 0; i < n_pages; i++)
        kv->free[i] = n_pages - 1 - i; /* low pages first, so that memory is touched from the start */
}

void kv_destroy(struct kv *kv)
{
    free(kv->free);
    free(kv->ref);
    free(kv->pin);
    *kv = (struct kv){ 0 };
}

int32_t kv_take(struct kv *kv)
{
    if (kv->n_free == 0)
        return -1;
    int32_t page = kv->free[--kv->n_free];
    kv->least_free = kv->n_free < kv->least_free ? kv->n_free : kv->least_free;     /* high-water mark, for the peak that is reported */
    assert(kv->ref[page] == 0 && kv->pin[page] == 0);
    kv->ref[page] = 1;
    return page;
}

void kv_hold(struct kv *kv, int32_t page)
{
    assert(kv->ref[page] > 0);
    kv->ref[page]++; /* shared: only full pages are, so nobody writes to it any more */
}

void kv_drop(struct kv *kv, int32_t page)
{
    assert(kv->ref[page] > kv->pin[page]);                                          /* who runs on it holds it too */
    if (--kv->ref[page] == 0)
        kv->free[kv->n_free++] = page; /* last in, first out: it may still be in a cache of the processor */
}

void kv_pin(struct kv *kv, int32_t page)
{
    assert(kv->pin[page] < kv->ref[page]);
    if (kv->pin[page]++ == 0)                                                       /* a page that several run on counts once */
        kv->n_pinned++;
}

void kv_unpin(struct kv *kv, int32_t page)
{
    assert(kv->pin[page] > 0);
    if (--kv->pin[page] == 0)
        kv->n_pinned--;
}

void kv_copy(struct kv *kv, int32_t dst, int32_t src)
{
    team_copy_page(kv->team, dst, src);
}
