/* kv.c - pages of the KV cache: one arena, a free list, and for each page how many hold and how many use it. */
#include "kv.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <stdlib.h>

int kv_create(struct kv *kv, const struct ops *ops, struct backend *be, struct kv_view shape, int n_pages, struct err *err)
{
    *kv = (struct kv){ .view = shape, .ops = ops, .be = be };
    kv->page_bytes = ops->kv_page_bytes(shape.n_layers, shape.n_kv, shape.head_dim);
    kv->view.base = ops->alloc(be, kv->page_bytes * (size_t)n_pages, err);
    if (!kv->view.base)
        return err_wrap(err, "KV cache of %d pages", n_pages);
    kv->n_pages = kv->n_free = kv->least_free = n_pages;
    kv->free = xcalloc((size_t)n_pages, sizeof *kv->free);
    kv->ref = xcalloc((size_t)n_pages, sizeof *kv->ref);
    kv->pin = xcalloc((size_t)n_pages, sizeof *kv->pin);
    for (int i = 0; i < n_pages; i++)
        kv->free[i] = n_pages - 1 - i; /* low pages first, so that memory is touched from the start */
    return 0;
}

void kv_destroy(struct kv *kv)
{
    if (kv->view.base)
        kv->ops->release(kv->be, kv->view.base, kv->page_bytes * (size_t)kv->n_pages);
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
    char *base = kv->view.base;
    kv->ops->copy(kv->be, base + kv->page_bytes * (size_t)dst, base + kv->page_bytes * (size_t)src, kv->page_bytes);
}
