/* pack.c - rows of unquantised numbers into panels: each number at its place, whatever rows, columns and pieces they come in. (What
 * quantised rows become is shown by the products of ops/linear.) */
#include "kernels/cpu/panel.h"
#include "shares.h"
#include "tap.h"

enum { MOST_ROWS = 75, MOST_K = 200, GUARD = 64 };

/* Row 0 to 'cut' and the rest, k columns from 'k0' on, of a raw matrix that begins at an odd address. Returns how many bytes are wrong. */
static size_t n_wrong(const struct cpu_kernels *isa, enum dtype t, int n, int k0, int k, int cut)
{
    static uint8_t raw[1 + MOST_ROWS * (MOST_K + 3) * 4];
    const size_t size = (size_t)dtype_info[t].block_bytes, row = ((size_t)(k0 + k) + 3) * size, bytes = isa->linear_bytes(t, n, k);
    struct linear w = { .dtype = t, .n = n, .k = k, .n_shards = 1 };
    uint8_t *want = calloc(bytes + GUARD, 1);
    uint64_t seed = 7;
    size_t wrong = 0;
    w.packed = aligned_alloc(64, (bytes + GUARD + 63) / 64 * 64);
    memset(w.packed, 0, bytes + GUARD);
    for (size_t i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)mix_next(&seed);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < k; i++)
            memcpy(want + (((size_t)(r / PANEL) * (size_t)k + (size_t)i) * PANEL + (size_t)(r % PANEL)) * size,
                   raw + 1 + (size_t)r * row + (size_t)(k0 + i) * size, size);
    isa->linear_pack(&w, raw + 1, row, k0, 0, cut);
    isa->linear_pack(&w, raw + 1 + (size_t)cut * row, row, k0, cut, n - cut);
    for (size_t i = 0; i < bytes + GUARD; i++)
        wrong += want[i] != ((const uint8_t *)w.packed)[i];
    free(want);
    free(w.packed);
    return wrong;
}

int main(void)
{
    static const enum dtype types[] = { DT_F32, DT_F16, DT_BF16 };
    static const int rows[] = { 1, 7, 8, 9, 31, 32, 33, 75 }, widths[] = { 1, 7, 8, 9, 63, 64, 65, 200 };
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            size_t wrong = 0;
            int n = 0;
            for (int s = 0; s < n_isa; s++)
                for (size_t j = 0; j < sizeof widths / sizeof *widths; j++)
                    for (int k0 = 0; k0 < 4; k0 += 3)
                        for (int cut = 0; cut <= rows[i]; cut += 5, n++)
                            wrong += n_wrong(isa[s], types[t], rows[i], k0, widths[j] - k0 > 0 ? widths[j] - k0 : widths[j], cut);
            ok(wrong == 0, "%s, %d rows in two pieces: %zu of the bytes of %d matrices wrong", dtype_info[types[t]].name, rows[i], wrong,
               n);
        }
    return done_testing();
}
