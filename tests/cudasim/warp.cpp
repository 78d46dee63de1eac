/* warp.cpp - what the lanes of a warp do together. Every collective is a meeting: the last of the lanes that its mask names computes the
 * results of all of them. The layouts of mma are the PTX ISA's ("Matrix Fragments for mma.m16n8k16"). */
#include "sim.h"

#include "kernels/cuda/simt.h"

#include <string.h>

struct meeting {
    unsigned mask, arrived;
    enum sim_collective what;
    site at;
};
static meeting open_ones[MAX_WARPS][WARP];       /* with arrived != 0 */
static int n_open[MAX_WARPS];
alignas(8) static unsigned char given[MAX_THREADS][SIM_LANE_BYTES], result[MAX_THREADS][16];
static int argument[MAX_THREADS], segment[MAX_THREADS];

static const char *const names[] = { "__syncwarp", "__shfl_sync", "__shfl_up_sync", "__shfl_down_sync", "__shfl_xor_sync", "__ballot_sync",
                                     "__any_sync", "__all_sync",  "k_warp_sum",     "k_warp_max",       "k_mma_bf16",      "k_mma_f16" };

void warp_begin() { memset(n_open, 0, sizeof n_open); }

/* ---- results ---- */

/* The lane that 'lane' reads, itself where that would be outside its segment: PTX's shfl with a mask of 'width' lanes. */
static int source_of(enum sim_collective what, int lane, int arg, int width)
{
    int first = lane / width * width, last = first + width - 1, from;
    switch (what) {
    case SIM_SHFL: return first + (arg & (width - 1));
    case SIM_SHFL_UP: from = lane - arg; return from < first ? lane : from;
    case SIM_SHFL_DOWN: from = lane + arg; return from > last ? lane : from;
    default: from = lane ^ arg; return from > last ? lane : from;
    }
}

static void shuffle(const meeting *m, int base)
{
    for (int lane = 0; lane < WARP; lane++) {
        if (!(m->mask >> lane & 1))
            continue;
        int from = source_of(m->what, lane, argument[base + lane], segment[base + lane]);
        if (from < 0 || from >= WARP || !(m->mask >> from & 1))
            fault(cudaErrorLaunchFailure, m->at, "lane %d reads lane %d in %s, which is not in the mask 0x%08x", lane, from, names[m->what],
                  m->mask);
        memcpy(result[base + lane], given[base + from], 8);
    }
}

static void vote(const meeting *m, int base)
{
    unsigned yes = 0;
    for (int lane = 0; lane < WARP; lane++) {
        unsigned p;
        memcpy(&p, given[base + lane], sizeof p);
        yes |= (m->mask >> lane & 1 && p) ? 1u << lane : 0;
    }
    unsigned r = m->what == SIM_BALLOT ? yes : m->what == SIM_ANY ? yes != 0 : yes == m->mask;
    for (int lane = 0; lane < WARP; lane++)
        if (m->mask >> lane & 1)                 /* others may not have fetched theirs yet */
            memcpy(result[base + lane], &r, sizeof r);
}

static void reduce(const meeting *m, int base)
{
    float v[WARP], w[WARP];
    for (int lane = 0; lane < WARP; lane++)
        memcpy(&v[lane], given[base + lane], sizeof(float));
    for (int j = WARP / 2; j > 0; j /= 2) {
        for (int lane = 0; lane < WARP; lane++)
            w[lane] = m->what == SIM_SUM ? v[lane] + v[lane ^ j] : fmaxf(v[lane], v[lane ^ j]);
        memcpy(v, w, sizeof v);
    }
    for (int lane = 0; lane < WARP; lane++)
        memcpy(result[base + lane], &v[lane], sizeof(float));
}

static float half_of(uint32_t reg, int high, bool bf16)
{
    uint16_t h = static_cast<uint16_t>(high ? reg >> 16 : reg);
    return bf16 ? k_f32_of_bf16(h) : k_f32_of_f16(h);
}

/* d (16, 8) += a (16, 16) b (16, 8). Each element is an fma chain over k ascending, in fp32, from what d held. What a tensor core does is
 * not documented: a GPU that adds in another order or width shows it in the last bits, and this is then the function to change. */
static inline __attribute__((always_inline)) void multiply_in(float (&d)[16][8], const float (&a)[16][16], const float (&b)[16][8])
{
    for (int row = 0; row < 16; row++) {
        float sum[8];
        memcpy(sum, d[row], sizeof sum);
        for (int k = 0; k < 16; k++)
            for (int column = 0; column < 8; column++)
                sum[column] = fmaf(a[row][k], b[k][column], sum[column]);
        memcpy(d[row], sum, sizeof sum);
    }
}
/* The same bits with and without the instruction: an fma happens where the source says fmaf, nowhere else. */
#define SPEED "O3", "no-math-errno"
#ifdef __x86_64__
__attribute__((target("fma"), optimize(SPEED))) static void multiply_fma(float (&d)[16][8], const float (&a)[16][16],
                                                                         const float (&b)[16][8])
{
    multiply_in(d, a, b);
}
#endif
static void multiply(float (&d)[16][8], const float (&a)[16][16], const float (&b)[16][8])
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("fma")) {
        multiply_fma(d, a, b);
        return;
    }
#endif
    multiply_in(d, a, b);
}

/* Lane g * 4 + t holds rows g and g + 8 of a and of d, column g of b. Register i of a: row g + 8 * (i % 2), k from 2t + 8 * (i / 2);
 * register i of b: k from 2t + 8i; element i of d: row g + 8 * (i / 2), column 2t + i % 2. */
static void mma(const meeting *m, int base)
{
    const bool bf16 = m->what == SIM_MMA_BF16;
    float a[16][16], b[16][8], d[16][8];
    for (int lane = 0; lane < WARP; lane++) {
        sim_mma_lane in;
        const int g = lane / 4, t = lane % 4;
        memcpy(&in, given[base + lane], sizeof in);
        for (int i = 0; i < 4; i++) {
            for (int h = 0; h < 2; h++)
                a[g + i % 2 * 8][2 * t + i / 2 * 8 + h] = half_of(in.a[i], h, bf16);
            d[g + i / 2 * 8][2 * t + i % 2] = in.d[i];
        }
        for (int i = 0; i < 2; i++)
            for (int h = 0; h < 2; h++)
                b[2 * t + i * 8 + h][g] = half_of(in.b[i], h, bf16);
    }
    multiply(d, a, b);
    for (int lane = 0; lane < WARP; lane++)
        for (int i = 0; i < 4; i++)
            memcpy(result[base + lane] + i * sizeof(float), &d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2], sizeof(float));
}

static void complete(const meeting *m, int base)
{
    switch (m->what) {
    case SIM_SYNC: B.warp_clock[base / WARP] = ++B.clock; break;
    case SIM_SHFL:
    case SIM_SHFL_UP:
    case SIM_SHFL_DOWN:
    case SIM_SHFL_XOR: shuffle(m, base); break;
    case SIM_BALLOT:
    case SIM_ANY:
    case SIM_ALL: vote(m, base); break;
    case SIM_SUM:
    case SIM_MAX: reduce(m, base); break;
    case SIM_MMA_BF16:
    case SIM_MMA_F16:
        counts_now()->products++;
        mma(m, base);
        break;
    }
}

/* ---- meetings ---- */

static void refuse_bad_mask(enum sim_collective what, unsigned mask, int lane, int base, site at)
{
    if (mask >> lane & 1 && !(mask & ~B.alive[base / WARP]))
        return;
    if (!(mask >> lane & 1))
        fault(cudaErrorLaunchFailure, at, "the mask 0x%08x of %s does not name the lane that calls it", mask, names[what]);
    for (int i = 0; i < WARP; i++) {
        if (!(mask >> i & 1))
            continue;
        if (base + i >= B.n)
            fault(cudaErrorLaunchFailure, at, "the mask 0x%08x of %s names lane %d, which this block of %d threads lacks", mask,
                  names[what], i, B.n);
        if (B.t[base + i].state == thread::DONE)
            fault(cudaErrorLaunchFailure, at, "the mask 0x%08x of %s names lane %d, which has ended", mask, names[what], i);
    }
}

/* The meeting of this mask that is open, or a new one. */
static meeting *join(enum sim_collective what, unsigned mask, int warp, site at)
{
    for (int i = 0; i < n_open[warp]; i++) {
        meeting *m = &open_ones[warp][i];
        if (m->mask != mask)
            continue;
        if (m->what != what || m->at.line != at.line || !same_file(m->at, at))
            fault(cudaErrorLaunchFailure, at, "%s, while other lanes of the mask 0x%08x are in %s at %s:%d: the warp is divergent",
                  names[what], mask, names[m->what], m->at.file, m->at.line);
        return m;
    }
    meeting *m = &open_ones[warp][n_open[warp]++];
    *m = meeting{ mask, 0, what, at };
    return m;
}

static void wake_others(unsigned mask, int base, int me)
{
    enum cudasim_order o = cudasim()->order;
    int start = o == CUDASIM_RANDOM ? static_cast<int>(grid_random() % WARP) : 0;
    for (int i = 0; i < WARP; i++) {
        int lane = (o == CUDASIM_REVERSE ? WARP - 1 - i : i) ^ start;
        if (mask >> lane & 1 && base + lane != me)
            grid_wake(base + lane);
    }
}

void sim_warp(enum sim_collective what, unsigned mask, const void *in, size_t n_in, void *out, size_t n_out, int arg, int width,
              const char *file, int line)
{
    const int me = B.current, lane = me % WARP, base = me - lane, warp = me / WARP;
    const site at = { file, line };
    refuse_bad_mask(what, mask, lane, base, at);
    if (width < 1 || width > WARP || (width & (width - 1)))
        fault(cudaErrorLaunchFailure, at, "%s has width %d, which must be a power of two up to 32", names[what], width);
    if (n_in)
        memcpy(given[me], in, n_in);
    argument[me] = arg;
    segment[me] = width;
    meeting *m = join(what, mask, warp, at);
    m->arrived |= 1u << lane;
    if (m->arrived != mask) {
        grid_wait(names[what], mask, at);
    } else {
        meeting whole = *m;
        *m = open_ones[warp][--n_open[warp]];
        complete(&whole, base);
        if (mask == K_FULL)
            counts_flush(warp);
        wake_others(mask, base, me);
    }
    if (n_out)
        memcpy(out, result[me], n_out);
}
