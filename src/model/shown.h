/* shown.h - a piece of a hostile file in a message: one line, and not a long one. */
#ifndef MTB_SHOWN_H
#define MTB_SHOWN_H

#include "mtbench/slice.h"

struct shown {
    char text[84];
};

/* Printable ASCII as it is, all else as '?', the end of what is too long as "...". Use it as shown(x).text inside one call. */
static inline struct shown shown(struct slice s)
{
    enum { MOST = 80 };
    struct shown r = {0};
    size_t n = s.len < MOST ? s.len : MOST;
    for (size_t i = 0; i < n; i++)
        r.text[i] = s.ptr[i] >= ' ' && s.ptr[i] <= '~' ? s.ptr[i] : '?';
    if (s.len > MOST)
        memcpy(r.text + MOST, "...", 3);
    return r;
}

#endif
