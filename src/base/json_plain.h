/* json_plain.h - where the plain part of a JSON string ends: what reader and writer of long texts share (room: base, its own). */
#ifndef MTB_JSON_PLAIN_H
#define MTB_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

/* The first byte from p on that is a quote, a backslash, a control (0x7f too, which Python escapes), or above 127; 'end' if there is none.
 * Eight bytes at a time: 'alarm' has the high bit of each such byte, and perhaps of bytes above it, into which a carry or borrow ran. */
static inline const char *json_plain_run(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);                /* any address: no aligned load is promised */
        uint64_t quote = w ^ (ones * '"'), backslash = w ^ (ones * '\\');     /* the byte looked for becomes 0 */
        /* x - 1 borrows into the high bit where x was 0, w - 0x20 where a byte is below a blank; w + 1 carries into it from 0x7f. */
        const uint64_t alarm = (w | (w + ones) | (w - ones * 0x20) | (quote - ones) | (backslash - ones)) & high;
        if (!alarm)
            continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        return p + __builtin_ctzll(alarm) / 8;       /* the lowest one is never false: carries and borrows go upwards only */
#else
        break;                           /* or a false alarm, which the bytes below settle */
#endif
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f && *p != '"' && *p != '\\')
        p++;
    return p;
}

#endif
