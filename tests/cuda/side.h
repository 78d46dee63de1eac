/* side.h - the CUDA executor beside the CPU's, for tests of ops: the same arguments to both. The driver is the emulated one of
 * tests/cudasim, or a card's: then the emulator's hooks are not linked, and what asks for them is passed over. */
#ifndef MTB_CUDA_SIDE_H
#define MTB_CUDA_SIDE_H

#include "mtbench/executor.h"
#include "tests/cudasim/hooks.h"

#include "kernels/cuda/layout.h"
#include "kernels/ref/ref.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#pragma weak cudasim
#pragma weak cudasim_reports
#pragma weak cudasim_last
#pragma weak cudasim_reset
#pragma weak cudasim_checks
#pragma weak cudasim_allocations

__attribute__((unused)) static bool side_emulated(void)
{
    return cudasim != NULL;
}

/* What the emulator found wrong; "" where it found nothing, or is not there. */
__attribute__((unused)) static const char *side_report(void)
{
    return side_emulated() && cudasim_reports() ? cudasim_last() : "";
}

/* Every access of a kernel is looked at, here or by a tool of which MTB_FEW tells: some ten times slower, so that a test does less. */
__attribute__((unused)) static bool side_looked_at(void)
{
#ifdef __SANITIZE_ADDRESS__
    return true;
#else
    return getenv("MTB_FEW") || (side_emulated() && cudasim_checks());
#endif
}

/* Forget what was done, as a new process would. */
__attribute__((unused)) static void side_reset(void)
{
    if (side_emulated())
        cudasim_reset();
}

struct side {
    const struct executor *x;
    const struct ops *ops;
    struct backend *be;
};

enum { SIDE_ROWS = 256, SIDE_WIDE = 8192, SIDE_TOKENS = 1024 };

/* Room for steps of SIDE_ROWS sequences, whose draws have penalties of such a vocabulary. */
__attribute__((unused)) static void side_room(const struct side *s, int n_vocab)
{
    const struct step_size most = { .rows = SIDE_ROWS, .out = SIDE_ROWS, .runs = SIDE_ROWS, .tokens = SIDE_TOKENS, .n_vocab = n_vocab };
    struct err err = { 0 };
    if (s->ops->step_room(s->be, &most, &err) == 0)
        return;
    printf("Bail out! %s: %s\n", s->x->name, err.text);
    exit(1);
}

__attribute__((unused)) static struct side side_open(const struct executor *x)
{
    struct err err = { 0 };
    struct side s = { x, x->ops, x->open(&(struct executor_opts){ .max_rows = SIDE_ROWS, .max_k = SIDE_WIDE, .threads = 1 }, &err) };
    if (!s.be) {
        printf("Bail out! %s: %s\n", x->name, err.text);
        exit(1);
    }
    side_room(&s, 0);
    return s;
}

/* What it has been given is released by the caller, or forgotten with the emulator's memory. */
__attribute__((unused)) static void side_close(struct side *s)
{
    s->x->close(s->be);
}

/* Memory of a side with these bytes; 'host' NULL: every byte 0xff, so that what nobody writes is NaN. */
__attribute__((unused)) static void *side_put(const struct side *s, const void *host, size_t bytes)
{
    struct err err = { 0 };
    char *p = s->ops->alloc(s->be, bytes, &err), *nan = NULL;
    if (!p) {
        printf("Bail out! %s: %s\n", s->x->name, err.text);
        exit(1);
    }
    if (!host)
        memset(nan = malloc(bytes), 0xff, bytes);
    s->ops->upload(s->be, p, host ? host : nan, bytes);
    free(nan);
    return p;
}

__attribute__((unused)) static void side_get(const struct side *s, void *host, const void *p, size_t bytes)
{
    s->ops->download(s->be, host, p, bytes);
}

__attribute__((unused)) static void side_drop(const struct side *s, void *p, size_t bytes)
{
    s->ops->release(s->be, p, bytes);
}

__attribute__((unused)) static bool side_settled(const struct side *s)
{
    struct err err = { 0 };
    if (s->ops->settle(s->be, &err) == 0)
        return true;
    printf("# %s: %s\n", s->x->name, err.text);
    return false;
}

__attribute__((unused)) static bool side_done(const struct side *s)
{
    struct err err = { 0 };
    if (s->ops->drawn(s->be, NULL, NULL, 0, &err) == 0)
        return true;
    printf("# %s: %s\n", s->x->name, err.text);
    return false;
}

/* A matrix of n x k in the layout of a file, packed by the side. */
__attribute__((unused)) static struct linear side_pack(const struct side *s, enum dtype t, int n, int k, const void *raw)
{
    struct linear w = { .dtype = t, .n = n, .k = k, .n_shards = 1 };
    const size_t bytes = s->ops->linear_bytes(t, n, k), row = dtype_row_bytes(t, (size_t)k);
    struct err err = { 0 };
    w.packed = s->ops->alloc(s->be, bytes, &err);
    const int part = n / 3;                                                         /* in two pieces, as a large one comes */
    s->ops->linear_pack(s->be, &w, raw, row, 0, 0, part);
    s->ops->linear_pack(s->be, &w, (const char *)raw + (size_t)part * row, row, 0, part, n - part);
    return w;
}

/* Row i of an operand. */
__attribute__((unused)) static void side_row(const struct side *s, float *host, const void *operand, int n_rows, int row, int k)
{
    s->ops->operand_row(s->be, host, operand, n_rows, row, k);
}

/* ---- numbers ---- */

/* A few bits of a number that the test owns: no library's generator, so that a failure comes back. */
static uint64_t side_seed = 1;

__attribute__((unused)) static uint32_t side_bits(void)
{
    side_seed = side_seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(side_seed >> 33);
}

/* Between -size and size. */
__attribute__((unused)) static void side_fill(float *x, size_t n, float size)
{
    for (size_t i = 0; i < n; i++)
        x[i] = ((float)(side_bits() & 0xffffff) * 0x1p-23f - 1.0f) * size;
}

/* Rounded to the 16 bits that operands and weights have, to nearest even, by arithmetic. */
__attribute__((unused)) static float side_round(float x, bool half)
{
    uint32_t u;
    if (half)
        return (float)ref_f16(ref_half_from_float(fmaxf(-65504.0f, fminf(65504.0f, x))));
    if (!isfinite(x))
        return x;
    int e;
    frexpf(x, &e);
    const double unit = ldexp(1.0, (e > -125 ? e : -125) - 8);                      /* eight significant bits */
    const float y = (float)(nearbyint((double)x / unit) * unit);
    memcpy(&u, &y, sizeof u);
    return u & 0xffff ? NAN : y;                                                    /* it has sixteen bits, or this function is wrong */
}

/* Every way in which the emulator may run threads and streams. */
struct side_way { enum cudasim_order order; bool eager; int fill; };
static const struct side_way side_ways[] = {
    { CUDASIM_FORWARD, false, 0xff }, { CUDASIM_REVERSE, true, 0 }, { CUDASIM_RANDOM, false, 0 }, { CUDASIM_RANDOM, true, 0xff },
};
enum { SIDE_WAYS = sizeof side_ways / sizeof *side_ways };

__attribute__((unused)) static void side_way(int i)
{
    if (!side_emulated())
        return;
    cudasim()->order = side_ways[i].order;
    cudasim()->eager = side_ways[i].eager;
    cudasim()->fill = side_ways[i].fill;
    cudasim()->seed = (uint32_t)(i + 1);
}

#endif
