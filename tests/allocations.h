/* allocations.h - counts the heap allocations of a test program, for code that must not make any. Included once, by the program itself.
 * Sanitizers have an allocator of their own: there nothing is counted. */
#ifndef MTB_ALLOCATIONS_H
#define MTB_ALLOCATIONS_H

#include <stdatomic.h>
#include <stdlib.h>

static atomic_long n_allocations;         /* since the start of the program, of all threads */

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);

__attribute__((visibility("default"))) void *malloc(size_t n)
{
    n_allocations++;
    return __libc_malloc(n);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    n_allocations++;
    return __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *p, size_t n)
{
    n_allocations++;
    return __libc_realloc(p, n);
}
#endif

#endif
