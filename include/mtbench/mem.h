/* mem.h - small host allocations that end the program when they fail (room: base).
 * Weights, KV cache and everything whose size the user chooses do not come from here: those failures are returned. */
#ifndef MTB_MEM_H
#define MTB_MEM_H

#include <stddef.h>

/* Zeroed memory for 'n' items of 'size' bytes (n * size is checked); free() releases it. Never NULL. */
void *xcalloc(size_t n, size_t size);
/* Room for 'n' items of 'size' bytes; the old content is kept, what is new is not cleared. Never NULL. */
void *xrealloc(void *p, size_t n, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
/* A formatted string; free() releases it. */
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* What a failed small allocation calls: main.c installs the one that ends the job. The default prints and aborts. */
void mem_on_exhausted(void (*handler)(size_t bytes));

#endif
