/* little_endian.h - numbers in the bytes of a file (private to model). */
#ifndef MTB_LITTLE_ENDIAN_H
#define MTB_LITTLE_ENDIAN_H

#include <stddef.h>
#include <stdint.h>

/* Of up to 8 bytes, the lowest first; they need not be aligned. */
static inline uint64_t number(const uint8_t *p, size_t bytes)
{
    uint64_t v = 0;
    for (size_t i = bytes; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

#endif
