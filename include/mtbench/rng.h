/* rng.h - Philox4x32-10, a random number generator without a state (rooms: base; kernels).
 * Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011. A number is a function of (key, counter) alone, so
 * no rank, thread or resumption can change it (R8). */
#ifndef MTB_RNG_H
#define MTB_RNG_H

#include <stdint.h>

static inline void philox4x32(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4])
{
    uint32_t k0 = key[0], k1 = key[1], c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)0xd2511f53u * c0, b = (uint64_t)0xcd9e8d57u * c2;
        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)b;
        c3 = (uint32_t)a;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* The upper 24 bits of a word as a number in [0, 1). */
static inline float uniform24(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

#endif
