/* fence.h - fenced code in a Markdown text: where no other rule holds (room: report, its own). */
#ifndef MTB_FENCE_H
#define MTB_FENCE_H

#include <stddef.h>

/* How many equal characters follow from i, one or more. */
size_t fence_run(const char *s, size_t n, size_t i);
/* Does a fence open in the line that begins at i, also in quotes and in a list's item? */
int fence_opens(const char *s, size_t n, size_t i);
/* Behind the fenced code that begins in the line at i; i: none does. A fence that nobody closes holds all that follows. */
size_t fence_end(const char *s, size_t n, size_t i);

#endif
