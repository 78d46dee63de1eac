/* slice.h - borrowed bytes (room: base). */
#ifndef MTB_SLICE_H
#define MTB_SLICE_H

#include <stddef.h>
#include <string.h>

/* Bytes of somebody else; not NUL-terminated. */
struct slice {
    const char *ptr;
    size_t len;
};

static inline int slice_is(struct slice s, const char *text)
{
    return s.len == strlen(text) && (s.len == 0 || memcmp(s.ptr, text, s.len) == 0);
}

#endif
