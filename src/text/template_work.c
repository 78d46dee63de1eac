/* template_work.c - the memory, the limits and the errors of one parse or render. */
#include "template_priv.h"

#include "mtbench/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

void *work_alloc(struct work *w, size_t n)
{
    /* Blocks are aligned to 16 and stay so. */
    n = (n + 15) & ~(size_t)15;
    /* Either alone could overflow the sum. */
    if (n > MAX_ARENA || (w->used += n) > MAX_ARENA)
        work_fail(w, "more than %d MB of memory; does it loop for ever?", MAX_ARENA >> 20);
    /* Zeroing is work, too: without it few steps could touch all of MAX_ARENA many times. */
    work_charge(w, n / 128);
    /* What is left of a block is given up when something larger comes; blocks come zeroed. */
    if (!w->block || w->block->size - w->block->used < n) {
        size_t size = n > 64 << 10 ? n : 64 << 10;
        struct arena_block *b = xcalloc(1, sizeof *b + size);
        b->size = size;
        b->next = w->block;
        w->block = b;
    }
    void *p = w->block->data + w->block->used;
    w->block->used += n;
    return p;
}

struct arena_buf {
    struct buf b;                        /* first */
    struct arena_buf *next;
};

struct buf *work_buf(struct work *w)
{
    struct arena_buf *b = work_alloc(w, sizeof *b);
    /* Kept in a list for work_free(): its bytes grow outside of the arena, and longjmp() passes by whoever would free them. */
    b->next = w->buf;
    w->buf = b;
    return &b->b;
}

void work_free(struct work *w)
{
    for (struct arena_buf *b = w->buf; b; b = b->next)
        buf_free(&b->b);
    w->buf = NULL;                   /* their nodes are in the blocks below */
    while (w->block) {
        struct arena_block *next = w->block->next;
        free(w->block);
        w->block = next;
    }
}

void work_fail(struct work *w, const char *fmt, ...)
{
    char text[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    /* The arena is still there: arguments of the message may be slices of it. */
    va_end(ap);
    err_set(w->err, ERR_MODEL, "chat template line %d: %s", w->line, text);
    longjmp(w->fail, 1);
}

void work_charge(struct work *w, size_t steps)
{
    /* Steps are a few dozen per call at most but for lengths, which are at most MAX_OUTPUT: the sum cannot overflow before it is seen. */
    if ((w->steps += steps) > MAX_STEPS)
        work_fail(w, "more than %d steps; does it loop for ever?", MAX_STEPS);
}

struct slice work_copy(struct work *w, const char *s, size_t n)
{
    char *p = work_alloc(w, n + 1);  /* a NUL behind, from the zeroed block */
    if (n)
        memcpy(p, s, n);
    return (struct slice){ p, n };
}

struct slice work_take(struct work *w, struct buf *b)
{
    struct slice s = work_copy(w, b->data, b->len);
    /* At once, though work_free() would: thousands of short texts would keep their buffers. */
    buf_free(b);
    return s;
}

void work_add(struct work *w, struct buf *b, struct slice s)
{
    /* Nearly all text that a template builds passes here, so that doubling a string again and again ends early. */
    if (b->len + s.len > MAX_OUTPUT)
        work_fail(w, "more than %d bytes of text", MAX_OUTPUT);
    work_charge(w, 1 + s.len / 64);
    buf_add(b, s.ptr, s.len);
}

void work_deeper(struct work *w)
{
    /* Callers count down themselves; a failure jumps over them, and with it ends the work that counted. */
    if (++w->depth > MAX_DEPTH)
        work_fail(w, "nested more than %d deep", MAX_DEPTH);
}
