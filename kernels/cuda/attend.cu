/* attend.cu - attention over the paged fp16 KV cache. One block: up to 16 lines (row, head) of one run and one KV head; its four warps
 * take a page each of a split of 256 positions, and splits follow each other from left to right.
 *
 * The law: within a split, the maximum over what a line sees; exp(score - maximum), added per lane of a quad in ascending order, over
 * the quad, over the pages by the balanced tree; values likewise, steps of 16 positions in ascending order in one accumulator. What a
 * line does not see adds +0 to its sums, so rows in one block do not know of each other. */
#include "kernels.h"
#include "operand.cuh"
#include "vmath.cuh"

enum { SPLIT = 256, WARPS = SPLIT / KV_PAGE, THREADS = 32 * WARPS, LINES = 16, MAX_HEAD = 256, CHUNK = 64, TILES = KV_PAGE / 8 };

struct attend_args {
    void *out;
    const float *qkv;
    const uint16_t *pages;
    struct kv_view kv;
    int n_heads, layer, window, n_rows;
    int heads, rows;                  /* of a block */
    float scale;
};

/* What this block does. */
struct work {
    int row, n_lines, pos;            /* first row of the step; position of it */
    int kv_head, head;                /* first query head */
    const int32_t *page;
};

/* Positions [lo, hi) that a line sees, relative to 'base'; empty beyond the last line. */
struct range { int lo, hi; };

K_DEVICE struct range seen_by(const struct attend_args &a, const struct work &w, int line, int base)
{
    const int end = w.pos + line / a.heads + 1 - base;
    if (line >= w.n_lines)
        return { 0, 0 };
    return { a.window ? end - a.window : -base, end };
}

K_DEVICE bool sees(struct range r, int n)
{
    return max(r.lo, 0) < min(r.hi, n);
}

K_DEVICE float most_of(float a, float b)
{
    return a > b ? a : b;
}

K_DEVICE uint32_t query_pair(float lo, float hi)
{
    const uint16_t l = fabsf(lo) < 65520.0f ? k_f16_of(lo) : 0x7e00, h = fabsf(hi) < 65520.0f ? k_f16_of(hi) : 0x7e00;
    return l | static_cast<uint32_t>(h) << 16;
}

/* The block's queries as A fragments: q[step][lane], zeros beyond the last line and the head's size. */
K_DEVICE void load_queries(uint4 *q, const struct attend_args &a, const struct work &w)
{
    const int hd = a.kv.head_dim, ld = (a.n_heads + 2 * a.kv.n_kv) * hd;
    for (int i = static_cast<int>(threadIdx.x); i < pad32(hd) / 16 * 32; i += THREADS) {
        const int step = i / 32, g = i % 32 / 4, t = i % 4;
        uint32_t f[4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            const int line = g + j % 2 * 8, d = step * 16 + j / 2 * 8 + 2 * t;
            const float *from = a.qkv + static_cast<size_t>(w.row + line / a.heads) * ld + (w.head + line % a.heads) * hd + d;
            f[j] = line < w.n_lines && d < hd ? query_pair(from[0], from[1]) : 0;
        }
        q[i] = { f[0], f[1], f[2], f[3] };
    }
}

/* s = q K of a page: lines g and g + 8 of this lane, positions 8j + 2t and the next. */
K_DEVICE void score_page(float (&s)[TILES][4], const uint4 *q, const uint16_t *keys, int hd)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
#pragma unroll
    for (int j = 0; j < TILES; j++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            s[j][i] = 0.0f;
    const uint16_t *k = keys + lane / 4 * 32 + lane % 4 * 8;
    for (int c = 0; c < pad32(hd) / 32; c++, k += KV_PAGE * 32) {
        const uint4 q0 = q[2 * c * 32 + lane], q1 = q[(2 * c + 1) * 32 + lane];
        const uint32_t a0[4] = { q0.x, q0.y, q0.z, q0.w }, a1[4] = { q1.x, q1.y, q1.z, q1.w };
#pragma unroll
        for (int j = 0; j < TILES; j++) {
            const uint4 b = k_load128(k + j * 8 * 32);
            const uint32_t b0[2] = { b.x, b.y }, b1[2] = { b.z, b.w };
            k_mma_f16(s[j], a0, b0);
            k_mma_f16(s[j], a1, b1);
        }
    }
}

/* Scaled, -inf where a line does not see; m: the page's maxima of lines g and g + 8. */
K_DEVICE void mask_page(float (&s)[TILES][4], float (&m)[2], const struct range (&seen)[2], float scale)
{
    const int t = static_cast<int>(threadIdx.x) % 4;
#pragma unroll
    for (int j = 0; j < TILES; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int p = j * 8 + t * 2 + i % 2, h = i / 2;
            s[j][i] = p >= seen[h].lo && p < seen[h].hi ? s[j][i] * scale : -INFINITY;
            m[h] = most_of(s[j][i], m[h]);
        }
#pragma unroll
    for (int h = 0; h < 2; h++) {
        m[h] = most_of(m[h], __shfl_xor_sync(K_FULL, m[h], 1));
        m[h] = most_of(m[h], __shfl_xor_sync(K_FULL, m[h], 2));
    }
}

/* s to weights, which go to p as A fragments, and their sums l. A line that sees nothing has maximum -inf and weights 0. */
K_DEVICE void soften_page(uint32_t (&p)[4][4], float (&l)[2], float (&s)[TILES][4], const float (&m)[2])
{
#pragma unroll
    for (int j = 0; j < TILES; j++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float most = m[i / 2];
            s[j][i] = k_exp(s[j][i] - (most == -INFINITY ? 0.0f : most));
            l[i / 2] += s[j][i];
        }
#pragma unroll
    for (int h = 0; h < 2; h++) {
        l[h] += __shfl_xor_sync(K_FULL, l[h], 1);
        l[h] += __shfl_xor_sync(K_FULL, l[h], 2);
    }
#pragma unroll
    for (int k = 0; k < 4; k++)
#pragma unroll
        for (int i = 0; i < 4; i++)
            p[k][i] = k_f16x2(s[2 * k + i / 2][i % 2 * 2], s[2 * k + i / 2][i % 2 * 2 + 1]);
}

/* Two neighbouring values, each 0 where it is no number: 0 times it would be none either. Bit 'at' and the next of *bad say so. */
K_DEVICE uint32_t clean(uint32_t pair, int at, unsigned long long *bad)
{
    if ((pair & 0x7c00u) == 0x7c00u) {
        *bad |= 1ull << at;
        pair &= 0xffff0000u;
    }
    if ((pair & 0x7c000000u) == 0x7c000000u) {
        *bad |= 2ull << at;
        pair &= 0xffffu;
    }
    return pair;
}

/* o = p V of a page for dimensions [d, d + 8). */
K_DEVICE void add_values(float (&o)[4], const uint32_t (&p)[4][4], const uint16_t *values, int hd, int d, unsigned long long *bad)
{
    const int lane = static_cast<int>(threadIdx.x) % 32, t = lane % 4;
#pragma unroll
    for (int c = 0; c < 2; c++) {
        const uint4 v = k_load128(values + (c * hd + d + lane / 4) * 32 + t * 8);
        const int at = 32 * c + 2 * t;
        const uint32_t b0[2] = { clean(v.x, at, bad), clean(v.y, at + 8, bad) };
        const uint32_t b1[2] = { clean(v.z, at + 16, bad), clean(v.w, at + 24, bad) };
        k_mma_f16(o, p[2 * c], b0);
        k_mma_f16(o, p[2 * c + 1], b1);
    }
}

/* Values of a page for dimensions [d0, d0 + CHUNK) to part [line][CHUNK]; zeros without a page. */
K_DEVICE void value_chunk(float *part, const uint32_t (&p)[4][4], const uint16_t *page, int hd, int d0, unsigned long long *bad)
{
    const int lane = static_cast<int>(threadIdx.x) % 32;
    for (int d = d0; d < d0 + CHUNK && d < hd; d += 8) {
        float o[4] = { 0.0f, 0.0f, 0.0f, 0.0f };
        if (page)
            add_values(o, p, page + KV_PAGE * pad32(hd), hd, d, bad);
#pragma unroll
        for (int i = 0; i < 4; i++)
            part[(lane / 4 + i / 2 * 8) * CHUNK + d - d0 + lane % 4 * 2 + i % 2] = o[i];
    }
}

/* The splits of a line so far: max, sum, and in 'acc' the values. */
struct state { float m, l; };

K_DEVICE bool first_split(struct state s)
{
    return s.m == -INFINITY && s.l == 0.0f;
}

K_DEVICE void merge_chunk(float *acc, const float *part, const struct state *old, const float *m, const struct attend_args &a,
                          const struct work &w, int base, int d0)
{
    const int hd = a.kv.head_dim, plane = LINES * CHUNK;
    for (int i = static_cast<int>(threadIdx.x); i < w.n_lines * CHUNK; i += THREADS) {
        const int line = i / CHUNK, d = d0 + i % CHUNK;
        if (d >= hd || !sees(seen_by(a, w, line, base), SPLIT))
            continue;
        const float o = (part[i] + part[plane + i]) + (part[2 * plane + i] + part[3 * plane + i]);
        float *to = acc + line * MAX_HEAD + d;
        const float was = old[line].m, most = most_of(m[line], was);
        *to = first_split(old[line]) ? o : fmaf(*to, k_exp(was - most), o * k_exp(m[line] - most));
    }
}

K_DEVICE void merge_state(struct state *s, float m, float l)
{
    if (first_split(*s)) {
        *s = { m, l };
        return;
    }
    const float most = most_of(m, s->m);
    s->l = fmaf(s->l, k_exp(s->m - most), l * k_exp(m - most));
    s->m = most;
}

K_DEVICE bool sees_bad(struct range r, const unsigned long long *bad)
{
    if (!(bad[0] | bad[1] | bad[2] | bad[3]))
        return false;
    for (int p = max(r.lo, 0); p < min(r.hi, static_cast<int>(SPLIT)); p++)
        if (bad[p / KV_PAGE] >> (p % KV_PAGE) & 1)
            return true;
    return false;
}

struct attend_shared {
    uint4 q[MAX_HEAD / 16 * 32];
    float acc[LINES * MAX_HEAD], part[WARPS * LINES * CHUNK];
    float m_page[WARPS][LINES], l_page[WARPS][LINES], m[LINES];
    struct state state[LINES];
    unsigned long long bad[WARPS];    /* positions of a page whose values are no numbers */
};

K_DEVICE void run_split(struct attend_shared *sh, const struct attend_args &a, const struct work &w, int split)
{
    const int thread = static_cast<int>(threadIdx.x), lane = thread % 32, warp = thread / 32, g = lane / 4, hd = a.kv.head_dim;
    const int base = split * SPLIT, at = base + warp * KV_PAGE, last = w.pos + (w.n_lines - 1) / a.heads;
    const struct range seen[2] = { seen_by(a, w, g, at), seen_by(a, w, g + 8, at) };
    const bool any = at <= last && at + KV_PAGE > (a.window ? w.pos + 1 - a.window : 0);                /* a page that somebody sees */
    const uint16_t *page = any ? a.pages + kv_head_at(&a.kv, w.page[at / KV_PAGE], a.layer, w.kv_head) : nullptr;
    float s[TILES][4], m[2] = { -INFINITY, -INFINITY }, l[2] = { 0.0f, 0.0f };
    uint32_t p[4][4] = {};
    unsigned long long bad = 0;
    if (any) {
        score_page(s, sh->q, page, hd);
        mask_page(s, m, seen, a.scale);
    }
    if (lane % 4 == 0)
        for (int h = 0; h < 2; h++)
            sh->m_page[warp][g + 8 * h] = m[h];
    __syncthreads();
    for (int h = 0; h < 2; h++) {
        const int i = g + 8 * h;
        m[h] = most_of(most_of(sh->m_page[0][i], sh->m_page[1][i]), most_of(sh->m_page[2][i], sh->m_page[3][i]));
    }
    if (any)
        soften_page(p, l, s, m);
    if (lane % 4 == 0)
        for (int h = 0; h < 2; h++) {
            sh->l_page[warp][g + 8 * h] = l[h];
            if (warp == 0)
                sh->m[g + 8 * h] = m[h];
        }
    for (int d = 0; d < hd; d += CHUNK) {
        value_chunk(sh->part + warp * LINES * CHUNK, p, page, hd, d, &bad);
        __syncthreads();
        merge_chunk(sh->acc, sh->part, sh->state, sh->m, a, w, base, d);
        __syncthreads();
    }
    if (bad)
        atomicOr(&sh->bad[warp], bad);
    __syncthreads();
    if (thread < w.n_lines && sees(seen_by(a, w, thread, base), SPLIT)) {
        float sum = (sh->l_page[0][thread] + sh->l_page[1][thread]) + (sh->l_page[2][thread] + sh->l_page[3][thread]);
        if (sees_bad(seen_by(a, w, thread, base), sh->bad))
            sum = NAN;                           /* what nobody should divide by: all of the line is none */
        merge_state(&sh->state[thread], sh->m[thread], sum);
    }
    __syncthreads();
    if (thread < WARPS)
        sh->bad[thread] = 0;
}

/* Rows and columns that only fill up are zeros. */
K_DEVICE void fill_up(const struct attend_args &a, int row, int first, int last)
{
    for (int i = first + 2 * static_cast<int>(threadIdx.x); i < last; i += 2 * THREADS)
        k_store_pair(a.out, row, i, a.n_rows, 0);
}

template <bool HALF> K_DEVICE void store_lines(const struct attend_shared *sh, const struct attend_args &a, const struct work &w)
{
    const int hd = a.kv.head_dim;
    for (int i = 2 * static_cast<int>(threadIdx.x); i < w.n_lines * hd; i += 2 * THREADS) {
        const int line = i / hd, d = i % hd;
        const float *o = sh->acc + line * MAX_HEAD + d, l = sh->state[line].l;
        k_store_pair(a.out, w.row + line / a.heads, (w.head + line % a.heads) * hd + d, a.n_rows, k_pair<HALF>(o[0] / l, o[1] / l));
    }
}

/* Two blocks of a multiprocessor, said aloud: for three, ptxas would hold registers so short that sm_80 spills. */
template <bool HALF> static __global__ void __launch_bounds__(THREADS, 2) attend_kernel(struct attend_args a, struct k_step s)
{
    K_SHARED(struct attend_shared, sh, 1);
    const int group = a.n_heads / a.kv.n_kv, chunks = (group + a.heads - 1) / a.heads, thread = static_cast<int>(threadIdx.x);
    const int unit = static_cast<int>(blockIdx.x), row = static_cast<int>(blockIdx.y), hd = a.kv.head_dim;
    struct work w = { row, 0, 0, unit / chunks, unit / chunks * group + unit % chunks * a.heads, nullptr };
    const int heads = min(a.heads, (w.kv_head + 1) * group - w.head);                   /* the last chunk of a group may be smaller */
    if (row >= a.n_rows) {
        fill_up(a, row, w.head * hd, (w.head + heads) * hd);
        if (unit == 0)
            fill_up(a, row, a.n_heads * hd, pad32(a.n_heads * hd));
        return;
    }
    const struct k_run run = s.run[s.row_run[row]];
    const int in_run = row - run.first_row;
    if (unit == 0)
        fill_up(a, row, a.n_heads * hd, pad32(a.n_heads * hd));
    if (in_run % a.rows)                         /* the block of an earlier row does this one too */
        return;
    a.heads = heads;
    w.pos = run.pos + in_run;
    w.n_lines = min(a.rows, run.n_rows - in_run) * heads;
    w.page = s.page + run.page;
    load_queries(sh->q, a, w);
    if (thread < LINES)
        sh->state[thread] = { -INFINITY, 0.0f };
    if (thread < WARPS)
        sh->bad[thread] = 0;
    __syncthreads();
    const int first = a.window && w.pos >= a.window ? w.pos - a.window + 1 : 0, last = w.pos + (w.n_lines - 1) / heads;
    for (int split = first / SPLIT; split <= last / SPLIT; split++)
        run_split(sh, a, w, split);
    __syncthreads();
    store_lines<HALF>(sh, a, w);
}

int k_attend(const struct op_attend *a, const struct k_at *at)
{
    const struct attn_shape *shape = a->shape;
    const int group = shape->n_heads / shape->n_kv, heads = group < LINES ? group : LINES, n_rows = at->step.n_rows;
    const struct attend_args g = { a->out, a->qkv, static_cast<const uint16_t *>(a->kv->base), *a->kv, shape->n_heads, shape->layer,
                                   shape->window, n_rows, heads, LINES / heads, shape->scale };
    const dim3 grid(static_cast<unsigned>(shape->n_kv * ((group + heads - 1) / heads)), static_cast<unsigned>(pad8(n_rows)));
    if (at->half)
        K_LAUNCH((attend_kernel<true>), grid, THREADS, 0, at->stream, g, at->step);
    else
        K_LAUNCH((attend_kernel<false>), grid, THREADS, 0, at->stream, g, at->step);
    return cudaGetLastError();
}
