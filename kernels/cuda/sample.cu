/* sample.cu - draw the next token of a row of logits; one block a row. The steps, the order of every sum and the two forms are those of
 * kernels/cpu/sample.c, and so are the bits: what follows only says who does it here. Where an order does not matter (maxima, counts,
 * sorts of keys that all differ) all threads do it; where it does, a sum has one owner. */
#include "kernels.h"
#include "simt.h"
#include "vmath.cuh"

#include <limits.h>

enum {
    THREADS = 256, SHARDS = 8, LANES = 16,
    LIST = 2048, MAX_BLOCKS = LIST, MIN_BLOCK = 64, GUESS = 256,
    RADIX_BITS = 11, BINS = 1 << RADIX_BITS,
    SPAN = 1024                       /* tokens whose weights are made together for a draw from the whole row */
};

struct pick {
    float x;
    int id;
};

struct row {
    float *x;                         /* (n) */
    int n, shard, block;
    float max, cut_x, min_w;
    int cut_id, n_list;               /* n_list > 0: the kept tokens are list[0 .. n_list), best first */
};

struct sample_shared {
    struct pick list[LIST];
    float block_max[MAX_BLOCKS];
    union {
        double bin[BINS];
        float span[SPAN];
    };
    float sum[SHARDS];
    struct pick best[THREADS];
    int count[THREADS];
    int n, found;
    double target;
    struct row r;                     /* changed by one thread between two barriers */
};

K_DEVICE int me(void) { return static_cast<int>(threadIdx.x); }

K_DEVICE bool better(struct pick a, struct pick b) { return a.x > b.x || (a.x == b.x && a.id < b.id); }
K_DEVICE bool earlier(struct pick a, struct pick b) { return a.id < b.id; }

/* ---- greedy ---- */

/* The largest, of equals the first. */
K_DEVICE int argmax(struct sample_shared *sh, const float *x, int n)
{
    struct pick best = { -INFINITY, 0 };
    for (int i = me(); i < n; i += THREADS)
        if (x[i] > best.x)
            best = { x[i], i };
    sh->best[me()] = best;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (me() < half && better(sh->best[me() + half], sh->best[me()]))
            sh->best[me()] = sh->best[me() + half];
        __syncthreads();
    }
    return sh->best[0].x > -INFINITY ? sh->best[0].id : 0;
}

/* ---- penalty, temperature ---- */

K_DEVICE void penalise(float *x, int n, const struct k_draw &how)
{
    if (!how.seen)
        return;
    for (int i = me(); i < n; i += THREADS)
        if (how.seen[i / 64] >> (i % 64) & 1)
            x[i] = x[i] > 0.0f ? x[i] / how.repetition_penalty : x[i] * how.repetition_penalty;
    __syncthreads();
}

/* Maxima of the blocks; their maximum goes to best[0]. */
K_DEVICE void prepare(struct sample_shared *sh, float *x, int n, float temperature)
{
    const int block = MIN_BLOCK * ((n + MIN_BLOCK * MAX_BLOCKS - 1) / (MIN_BLOCK * MAX_BLOCKS));
    float all = -INFINITY;
    for (int b = me(); b * block < n; b += THREADS) {
        float most = -INFINITY;
        for (int i = b * block; i < (b + 1) * block && i < n; i++) {
            x[i] = x[i] / temperature + 0.0f;    /* -0 becomes +0 */
            most = x[i] > most ? x[i] : most;
        }
        sh->block_max[b] = most;
        all = most > all ? most : all;
    }
    sh->best[me()] = { all, me() };
    __syncthreads();
    if (me() == 0) {
        struct row r = { x, n, (n + SHARDS * LANES - 1) / (SHARDS * LANES) * LANES, block, -INFINITY, -INFINITY, 0.0f, n, 0 };
        for (int t = 0; t < THREADS; t++)
            r.max = sh->best[t].x > r.max ? sh->best[t].x : r.max;
        sh->r = r;
    }
    __syncthreads();
}

/* ---- the short list ---- */

/* The first n of the list in order; what fills it up to a power of two goes last in either order. */
template <bool BY_ID> K_DEVICE void sort_list(struct sample_shared *sh, int n)
{
    int size = 2;
    while (size < n)
        size *= 2;
    for (int i = n + me(); i < size; i += THREADS)
        sh->list[i] = { -INFINITY, INT_MAX };
    __syncthreads();
    for (int run = 2; run <= size; run *= 2)
        for (int gap = run / 2; gap > 0; gap /= 2) {
            for (int i = me(); i < size / 2; i += THREADS) {
                const int low = i / gap * 2 * gap + i % gap, high = low + gap;
                const struct pick a = sh->list[low], b = sh->list[high];
                const bool swap = BY_ID ? earlier(b, a) : better(b, a), down = (low & run) != 0;
                if (swap != down) {              /* no two are equal, so one of both is before the other */
                    sh->list[low] = b;
                    sh->list[high] = a;
                }
            }
            __syncthreads();
        }
}

/* All tokens not below the k-th largest block maximum, best first. False: the list is too short for them. */
K_DEVICE bool list_top(struct sample_shared *sh, int k)
{
    const struct row r = sh->r;
    const int blocks = (r.n + r.block - 1) / r.block;
    if (k > blocks)
        return false;
    for (int b = me(); b < blocks; b += THREADS)
        sh->list[b] = { sh->block_max[b], b };
    sort_list<false>(sh, blocks);
    const float low = sh->list[k - 1].x;
    if (me() == 0)
        sh->n = 0;
    __syncthreads();
    for (int b = me(); b < blocks; b += THREADS) {
        if (sh->block_max[b] < low)
            continue;
        for (int i = b * r.block; i < (b + 1) * r.block && i < r.n; i++)
            if (r.x[i] >= low) {
                const int at = atomicAdd(&sh->n, 1);
                if (at < LIST)                   /* any order will do: it is sorted below */
                    sh->list[at] = { r.x[i], i };
            }
    }
    __syncthreads();
    const int n = sh->n;
    if (n > LIST)                                /* many ties, or a flat row */
        return false;
    sort_list<false>(sh, n);
    if (me() == 0)
        sh->r.n_list = n;
    __syncthreads();
    return true;
}

K_DEVICE float weight(const struct row &r, float x) { return k_exp(x - r.max); }

/* ---- the whole row ---- */

K_DEVICE float kept_weight(const struct row &r, int i)
{
    const float x = r.x[i], w = weight(r, x);
    return w < r.min_w || x < r.cut_x || (x == r.cut_x && i > r.cut_id) ? 0.0f : w;
}

/* The lanes of the first half of the block to the sums of their shards; every thread gets the total. */
K_DEVICE float sum_lanes(struct sample_shared *sh, float lane)
{
    if (me() < SHARDS * LANES) {
        for (int j = LANES / 2; j > 0; j /= 2)
            lane += __shfl_xor_sync(K_FULL, lane, j);
        if (me() % LANES == 0)
            sh->sum[me() / LANES] = lane;
    }
    __syncthreads();
    const float *s = sh->sum;
    return ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
}

K_DEVICE float shard_sums(struct sample_shared *sh)
{
    const struct row r = sh->r;
    const int s = me() / LANES, end = (s + 1) * r.shard < r.n ? (s + 1) * r.shard : r.n;
    float lane = 0.0f;
    if (s < SHARDS)
        for (int i = s * r.shard + me() % LANES; i < end; i += LANES)
            lane += kept_weight(r, i);
    return sum_lanes(sh, lane);
}

/* The same sums, of the listed tokens, which are in the order of the vocabulary and have their weights for x. */
K_DEVICE float list_sums(struct sample_shared *sh)
{
    const struct row r = sh->r;
    const int s = me() / LANES, l = me() % LANES;
    float lane = 0.0f;
    if (s < SHARDS)
        for (int i = 0; i < r.n_list; i++) {
            const struct pick p = sh->list[i];
            if (p.id / r.shard == s && p.id % r.shard % LANES == l)
                lane += p.x;
        }
    return sum_lanes(sh, lane);
}

K_DEVICE uint32_t key_of(float x)
{
    const uint32_t b = __float_as_uint(x);
    return b & 0x80000000u ? ~b : b | 0x80000000u;
}

K_DEVICE float x_of(uint32_t key)
{
    return __uint_as_float(key & 0x80000000u ? key & 0x7fffffffu : ~key);
}

/* A bin has one owner, who adds in the order of the vocabulary. */
K_DEVICE void fill_bins(struct sample_shared *sh, uint32_t prefix, int shift, int bits, bool mass)
{
    const struct row r = sh->r;
    for (int d = me(); d < BINS; d += THREADS)
        sh->bin[d] = 0.0;
    for (int i = 0; i < r.n; i++) {
        const uint32_t key = key_of(r.x[i]), d = key >> shift & ((1u << bits) - 1);
        if (static_cast<int>(d) % THREADS == me() && static_cast<uint64_t>(key) >> (shift + bits) == prefix)
            sh->bin[d] += mass ? static_cast<double>(kept_weight(r, i)) : 1.0;
    }
    __syncthreads();
}

/* The j-th of the tokens that are x and not dropped by an earlier cut, j from 1: each thread counts its part of the vocabulary. */
K_DEVICE int nth_tie(struct sample_shared *sh, float x, double above, double each, double target)
{
    const struct row r = sh->r;
    const int end = x == r.cut_x && r.cut_id < r.n ? r.cut_id + 1 : r.n, part = (r.n + THREADS - 1) / THREADS;
    const int from = me() * part, to = from + part < end ? from + part : end;
    int mine = 0;
    for (int i = from; i < to; i++)
        mine += r.x[i] == x;
    sh->count[me()] = mine;
    __syncthreads();
    if (me() == 0) {
        int total = 0, j = 0;
        for (int t = 0; t < THREADS; t++)
            total += sh->count[t];
        while (j < total && !(above + each * static_cast<double>(++j) >= target))
            ;
        int t = 0;
        for (; t < THREADS - 1 && j > sh->count[t]; t++)
            j -= sh->count[t];
        sh->n = t;                               /* whose part it lies in, */
        sh->found = j;                           /* and which of those there */
    }
    __syncthreads();
    const int owner = sh->n, j = sh->found;
    __syncthreads();
    if (me() == owner) {
        int seen = 0;
        for (int i = from; i < to; i++)
            if (r.x[i] == x && ++seen == j)
                sh->found = i;
    }
    __syncthreads();
    return sh->found;
}

/* Move the cut up, so that the best kept tokens whose count (or mass) reaches 'target' stay. */
K_DEVICE void radix_cut(struct sample_shared *sh, double target, bool mass)
{
    uint32_t prefix = 0;
    double above = 0.0;
    for (int shift = 32, bits; shift > 0;) {
        bits = shift > RADIX_BITS ? RADIX_BITS : shift;
        shift -= bits;
        fill_bins(sh, prefix, shift, bits, mass);
        /* every thread walks down the same bins */
        int d = (1 << bits) - 1, last = -1;
        for (; d >= 0; d--) {
            const double bin = sh->bin[d];
            if (bin == 0.0)
                continue;
            last = d;
            if (above + bin >= target)
                break;
            above += bin;
        }
        if (d < 0)                               /* rounding: the sum does not quite reach it */
            above -= sh->bin[last];
        prefix = prefix << bits | static_cast<uint32_t>(last);
        __syncthreads();
    }
    const float x = x_of(prefix);
    const int id = nth_tie(sh, x, above, mass ? static_cast<double>(weight(sh->r, x)) : 1.0, target);
    __syncthreads();
    if (me() == 0) {
        sh->r.cut_x = x;
        sh->r.cut_id = id;
    }
    __syncthreads();
}

/* ---- top-k, top-p, min-p ---- */

K_DEVICE void keep_top_k(struct sample_shared *sh, int k)
{
    if (k <= 0 || k >= sh->r.n)
        return;
    if (!list_top(sh, k)) {
        radix_cut(sh, static_cast<double>(k), false);
        return;
    }
    if (me() == 0)
        sh->r.n_list = k;
    __syncthreads();
}

/* Cut the list behind the token at which its mass reaches 'target'; false: it does not. */
K_DEVICE bool list_mass(struct sample_shared *sh, double target)
{
    if (me() == 0) {
        const int n = sh->r.n_list;
        double sum = 0.0;
        sh->found = 0;
        for (int i = 0; i < n && !sh->found; i++) {
            sum += static_cast<double>(weight(sh->r, sh->list[i].x));
            if (sum >= target) {
                sh->r.n_list = i + 1;
                sh->found = 1;
            }
        }
    }
    __syncthreads();
    const bool found = sh->found != 0;
    __syncthreads();
    return found;
}

K_DEVICE double list_total(struct sample_shared *sh)
{
    if (me() == 0) {
        double sum = 0.0;
        for (int i = 0; i < sh->r.n_list; i++)
            sum += static_cast<double>(weight(sh->r, sh->list[i].x));
        sh->target = sum;
    }
    __syncthreads();
    return sh->target;
}

K_DEVICE void keep_top_p(struct sample_shared *sh, float top_p)
{
    if (top_p >= 1.0f)
        return;
    if (sh->r.n_list) {
        list_mass(sh, static_cast<double>(top_p) * list_total(sh));             /* of what top-k has left, as the order of the steps is */
        return;
    }
    const double target = static_cast<double>(top_p) * static_cast<double>(shard_sums(sh));
    const bool all = sh->r.cut_x == -INFINITY;
    if (all && list_top(sh, GUESS) && list_mass(sh, target))                        /* most rows are peaked: their nucleus is among a few */
        return;
    __syncthreads();
    if (me() == 0)
        sh->r.n_list = 0;
    __syncthreads();
    radix_cut(sh, target, true);
}

K_DEVICE void keep_min_p(struct sample_shared *sh, float min_p)
{
    if (min_p <= 0.0f)
        return;
    if (me() == 0) {
        struct row *r = &sh->r;
        r->min_w = min_p < 1.0f ? min_p : 1.0f;  /* the best token weighs 1: it always stays */
        while (r->n_list > 1 && weight(*r, sh->list[r->n_list - 1].x) < r->min_w)
            r->n_list--;
    }
    __syncthreads();
}

/* ---- the draw ---- */

/* The shard in which the running sum passes 'target'; *before: the sum up to it. */
K_DEVICE int find_shard(const float *sum, float target, float *before)
{
    int found = 0;
    float run = 0.0f;
    *before = 0.0f;
    for (int s = 0; s < SHARDS; s++) {
        if (sum[s] == 0.0f)
            continue;
        found = s;
        *before = run;
        run += sum[s];
        if (target < run)
            break;
    }
    return found;
}

K_DEVICE int draw_listed(struct sample_shared *sh, float u)
{
    const struct row r = sh->r;
    sort_list<true>(sh, r.n_list);
    for (int i = me(); i < r.n_list; i += THREADS)
        sh->list[i].x = weight(r, sh->list[i].x);
    __syncthreads();
    const float target = u * list_sums(sh);
    float run;
    const int s = find_shard(sh->sum, target, &run);
    int id = sh->list[0].id;
    for (int i = 0; i < r.n_list; i++) {
        const struct pick p = sh->list[i];
        if (p.id / r.shard != s || p.x == 0.0f)
            continue;
        id = p.id;
        run += p.x;
        if (target < run)
            break;
    }
    return id;
}

K_DEVICE int draw_any(struct sample_shared *sh, float u)
{
    const struct row r = sh->r;
    const float target = u * shard_sums(sh);
    float run;
    const int s = find_shard(sh->sum, target, &run), end = (s + 1) * r.shard < r.n ? (s + 1) * r.shard : r.n;
    int id = 0;
    for (int i = s * r.shard; i < end; i += SPAN) {
        const int n = end - i < SPAN ? end - i : SPAN;
        __syncthreads();
        for (int j = me(); j < n; j += THREADS)
            sh->span[j] = kept_weight(r, i + j);
        __syncthreads();
        for (int j = 0; j < n; j++) {            /* every thread walks, and all stop at one place */
            const float w = sh->span[j];
            if (w == 0.0f)
                continue;
            id = i + j;
            run += w;
            if (target < run)
                return id;
        }
    }
    return id;
}

K_DEVICE int sample_row(struct sample_shared *sh, float *x, int n, const struct k_draw &how)
{
    const float greedy_below = 1e-4f;
    int bad = 0;
    for (int i = me(); i < n; i += THREADS)
        bad |= !(fabsf(x[i]) < INFINITY);
    if (__syncthreads_or(bad))
        return -1;
    penalise(x, n, how);
    if (how.temperature < greedy_below)
        return argmax(sh, x, n);
    prepare(sh, x, n, how.temperature);
    const float most = sh->r.max;
    if (!(most > -INFINITY && most < INFINITY))  /* dividing by a tiny temperature overflowed */
        return argmax(sh, x, n);
    keep_top_k(sh, how.top_k);
    keep_top_p(sh, how.top_p);
    keep_min_p(sh, how.min_p);
    return sh->r.n_list ? draw_listed(sh, how.u) : draw_any(sh, how.u);
}

static __global__ void __launch_bounds__(THREADS) sample_kernel(int32_t *token, float *logits, const struct k_draw *draw, int n_vocab)
{
    K_SHARED(struct sample_shared, sh, 1);
    const int row = static_cast<int>(blockIdx.x);
    const int id = sample_row(sh, logits + static_cast<size_t>(row) * n_vocab, n_vocab, draw[row]);
    if (me() == 0)
        token[row] = id;
}

int k_sample(const struct op_sample *a, const struct k_at *at)
{
    const unsigned rows = static_cast<unsigned>(at->step.n_out);
    K_LAUNCH((sample_kernel), rows, THREADS, 0, at->stream, a->token, a->logits, at->step.draw, a->n_vocab);
    return cudaGetLastError();
}
