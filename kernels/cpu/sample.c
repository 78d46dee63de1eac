/* sample.c - draw the next token of a row of logits.
 *
 * The steps and their order are those of Hugging Face generate(): repetition penalty, temperature, top-k, top-p, min-p, one draw. Where
 * logits tie, the lower id counts as the larger one. The weight of a token is w = exp(x - max). Sums of weights run over eight shards of
 * the vocabulary, ceil(n / 128) * 16 tokens each: a lane sum per shard, then the tree ((0+1)+(2+3))+((4+5)+(6+7)) (R7); the draw takes
 * the first token whose running sum, shard by shard and then token by token in the order of the vocabulary, exceeds u times the total.
 * Two forms: as a rule the kept tokens fit a short sorted list; else a cut (logit, id) is found by radix selection on the whole row. Which
 * form depends on the row alone. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/vmath.h"

#include "mtbench/rng.h"

enum {
    SHARDS = 8,
    LIST = 2048,                      /* tokens that the short list holds */
    MAX_BLOCKS = LIST, MIN_BLOCK = 64,
    GUESS = 256,                      /* block maxima above which top-p alone looks first */
    RADIX_BITS = 11, BINS = 1 << RADIX_BITS,
    SCAN = 1024,                      /* floats of a block of the greedy search */
};

static const float GREEDY_BELOW = 1e-4f;

struct pick {
    float x;                          /* logit, later weight */
    int id;
};

struct row {
    float *x;                         /* (n) logits, after penalty and temperature; -0 and NaN do not occur */
    int n, shard, block;              /* tokens, tokens of a shard, tokens of a block */
    float max;
    float block_max[MAX_BLOCKS];
    float cut_x, min_w;               /* kept: (x > cut_x or (x == cut_x and id <= cut_id)) and w >= min_w */
    int cut_id;
    int n_list;                       /* > 0: the kept tokens are list[0 .. n_list), best first */
    struct pick list[LIST];
    double bin[BINS];
};

MTB_INLINE v16 load_x(const float *x, int n)
{
    if (n >= LANES)
        return v_load(x);
    float f[LANES];
    for (int i = 0; i < LANES; i++)
        f[i] = i < n ? x[i] : -INFINITY;
    return v_load(f);
}

/* Is every logit a finite number? 0 times anything else is NaN. The row is read again right away, so this pass only brings it nearer. */
static bool all_finite(const float *x, int n)
{
    v16 sum[4] = { v_zero(), v_zero(), v_zero(), v_zero() };
    int i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int j = 0; j < 4; j++)
            sum[j] = v_fma(v_load(x + i + j * LANES), v_zero(), sum[j]);
    float rest = 0.0f;
    for (; i < n; i++)
        rest += x[i] * 0.0f;
    return v_sum(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3]))) + rest == 0.0f; /* NaN in any lane stays NaN through every sum */
}

/* ---- greedy ---- */

static float max_of(const float *x, int n)
{
    v16 m[4] = { v_set1(-INFINITY), v_set1(-INFINITY), v_set1(-INFINITY), v_set1(-INFINITY) };
    int i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
        for (int j = 0; j < 4; j++)
            m[j] = v_max(v_load(x + i + j * LANES), m[j]);
    for (; i < n; i += LANES)
        m[0] = v_max(load_x(x + i, n - i), m[0]);
    return v_hmax(v_max(v_max(m[0], m[1]), v_max(m[2], m[3])));
}

/* One pass for the maximum of each block; then the best block alone is searched for its place. */
static int argmax(const float *x, int n)
{
    float best = -INFINITY;
    int at = 0;
    for (int i = 0; i < n; i += SCAN) {
        const float m = max_of(x + i, n - i < SCAN ? n - i : SCAN);
        if (m > best) {
            best = m;
            at = i;
        }
    }
    for (int i = at; i < n && best > -INFINITY; i++)                                /* the first of equals: lowest id */
        if (x[i] == best)
            return i;
    return 0;
}

/* ---- penalty, temperature ---- */

static void penalise(float *x, int n, const struct sampling *how)
{
    if (!how->seen || how->repetition_penalty == 1.0f)
        return;
    for (int i = 0; i < n; i += 64)
        for (uint64_t bits = how->seen[i / 64]; bits; bits &= bits - 1) {
            const int id = i + __builtin_ctzll(bits);
            if (id < n)
                /* away from 1 in either direction, as the paper of CTRL and transformers have it */
                x[id] = x[id] > 0.0f ? x[id] / how->repetition_penalty : x[id] * how->repetition_penalty;
        }
}

static void prepare(struct row *r, float *x, int n, float temperature)
{
    r->x = x;
    r->n = n;
    r->shard = (n + SHARDS * LANES - 1) / (SHARDS * LANES) * LANES;                 /* a function of the vocabulary alone */
    r->block = MIN_BLOCK * ((n + MIN_BLOCK * MAX_BLOCKS - 1) / (MIN_BLOCK * MAX_BLOCKS));
    r->max = -INFINITY;
    r->cut_x = -INFINITY;                                                           /* everything is kept */
    r->cut_id = n;
    r->min_w = 0.0f;
    r->n_list = 0;
    for (int b = 0, i = 0; i < n; b++) {
        const int end = n - i < r->block ? n : i + r->block;
        v16 most = v_set1(-INFINITY);
        for (; i < end; i += LANES) {
            v16 y = v_max(load_x(x + i, end - i), v_set1(-INFINITY));
            /* a true division, as torch has it; + 0 turns -0 into +0, which keys of the radix would tell apart */
            y = v_add(v_div(y, v_set1(temperature)), v_zero());
            most = v_max(y, most);
            float f[LANES];
            if (end - i >= LANES) {
                v_store(x + i, y);
            } else {
                v_store(f, y);
                memcpy(x + i, f, (size_t)(end - i) * sizeof *x);
            }
        }
        i = end;
        r->block_max[b] = v_hmax(most);
        r->max = r->block_max[b] > r->max ? r->block_max[b] : r->max;
    }
}

/* ---- the short list ---- */

static bool better(struct pick a, struct pick b)
{
    return a.x > b.x || (a.x == b.x && a.id < b.id);
}

static bool earlier(struct pick a, struct pick b)
{
    return a.id < b.id;
}

static void sort(struct pick *p, int n, bool (*before)(struct pick, struct pick))
{
    /* no library sort: it must give the same order everywhere, without memory */
    static const int gaps[] = { 701, 301, 132, 57, 23, 10, 4, 1 };              /* Ciura */
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++)
        for (int i = gaps[g]; i < n; i++) {
            const struct pick x = p[i];
            int j = i;
            for (; j >= gaps[g] && before(x, p[j - gaps[g]]); j -= gaps[g])
                p[j] = p[j - gaps[g]];
            p[j] = x;
        }
}

/* All tokens not below the k-th largest block maximum: at least k, and the best ones. False: the list is too short for them. */
static bool list_top(struct row *r, int k)
{
    const int blocks = (r->n + r->block - 1) / r->block;
    if (k > blocks)
        return false;
    struct pick *p = r->list;
    int n = 0;
    for (int b = 0; b < blocks; b++)
        p[b] = (struct pick){ r->block_max[b], b };
    sort(p, blocks, better);
    /* k blocks have a maximum of at least 'low', so at least k tokens are not below it */
    const float low = p[k - 1].x;
    for (int b = 0; b < blocks; b++) {
        if (r->block_max[b] < low)
            continue;
        const int begin = b * r->block, end = r->n - begin < r->block ? r->n : begin + r->block;
        for (int i = begin; i < end; i++) {
            if (r->x[i] < low)
                continue;
            if (n == LIST)                                                          /* many ties, or a flat row */
                return false;
            p[n++] = (struct pick){ r->x[i], i };
        }
    }
    sort(p, n, better);
    r->n_list = n;
    return true;
}

static float weight(const struct row *r, float x)
{
    return exp_1(x - r->max);
}

/* ---- the whole row ---- */

/* Weights of tokens [i, i + 16), 0 where not kept. */
static v16 kept_weights(const struct row *r, int i)
{
    /* beyond the end x is -inf, whose weight is 0 */
    const v16 x = load_x(r->x + i, r->n - i), cut = v_set1(r->cut_x);
    v16 w = v_exp(v_sub(x, v_set1(r->max)));
    w = v_if_less(w, v_set1(r->min_w), v_zero(), w);
    if (r->cut_id >= i + LANES - 1)                                                 /* all ties of these lanes are kept */
        return v_if_less(x, cut, v_zero(), w);
    if (r->cut_id < i)                                                              /* none is */
        return v_if_less(cut, x, w, v_zero());
    float fx[LANES], fw[LANES];
    v_store(fx, x);
    v_store(fw, w);
    for (int j = 0; j < LANES; j++)
        if (fx[j] < r->cut_x || (fx[j] == r->cut_x && i + j > r->cut_id))
            fw[j] = 0.0f;
    return v_load(fw);
}

/* Sums of the shards; returns their total. */
static float shard_sums(const struct row *r, float sum[SHARDS])
{
    for (int s = 0; s < SHARDS; s++) {
        v16 lanes = v_zero();
        for (int i = s * r->shard; i < (s + 1) * r->shard && i < r->n; i += LANES)
            lanes = v_add(lanes, kept_weights(r, i)); /* what is not kept adds +0: the sum is that of the kept ones alone */
        sum[s] = v_sum(lanes);
    }
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

/* The same sums, of the listed tokens; 'list' in the order of the vocabulary, x being the weight. */
static float list_sums(const struct row *r, float sum[SHARDS])
{
    float lanes[SHARDS][LANES] = { { 0 } };
    for (int i = 0; i < r->n_list; i++)
        /* the same lanes in the same order as shard_sums(): a listed row has the bits of one that is not */
        lanes[r->list[i].id / r->shard][r->list[i].id % r->shard % LANES] += r->list[i].x;
    for (int s = 0; s < SHARDS; s++)
        sum[s] = v_sum(v_load(lanes[s]));
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static uint32_t key_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b & 0x80000000u ? ~b : b | 0x80000000u;                                  /* unsigned order of keys is the order of floats */
}

static float x_of(uint32_t key)
{
    const uint32_t b = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

/* bin[d] = count, or mass, of the kept tokens whose key agrees with 'prefix' above 'shift' + 11 bits and has the digit d there. */
static void fill_bins(struct row *r, uint32_t prefix, int shift, int bits, bool mass)
{
    memset(r->bin, 0, sizeof r->bin);
    for (int i = 0; i < r->n; i += LANES) {
        float w[LANES];
        v_store(w, kept_weights(r, i));
        for (int j = 0; j < LANES && i + j < r->n; j++) {
            const uint32_t key = key_of(r->x[i + j]);
            if ((uint64_t)key >> (shift + bits) == prefix)                          /* 64 bits: the first shift is by 32 */
                r->bin[key >> shift & ((1u << bits) - 1)] += mass ? (double)w[j] : 1.0;
        }
    }
}

/* Move the cut up, so that the best kept tokens whose count (or mass) reaches 'target' stay. */
static void radix_cut(struct row *r, double target, bool mass)
{
    uint32_t prefix = 0;
    double above = 0.0;
    /* digit by digit from the top: 11, 11, 10 bits */
    for (int shift = 32, bits; shift > 0;) {
        bits = shift > RADIX_BITS ? RADIX_BITS : shift;
        shift -= bits;
        fill_bins(r, prefix, shift, bits, mass);
        int d = (1 << bits) - 1, last = -1;
        for (; d >= 0; d--) {
            if (r->bin[d] == 0.0)
                continue;
            last = d;
            if (above + r->bin[d] >= target)
                break;
            above += r->bin[d];
        }
        if (d < 0)                                                             /* rounding: the sum does not quite reach it */
            above -= r->bin[last];
        prefix = prefix << bits | (uint32_t)last;
    }
    const float x = x_of(prefix);
    const double each = mass ? (double)weight(r, x) : 1.0;                          /* ties weigh the same */
    int id = -1;
    for (int i = 0, ties = 0; i < r->n; i++) {
        if (r->x[i] != x)
            continue;
        if (x == r->cut_x && i > r->cut_id)                                         /* an earlier cut has dropped these */
            break;
        id = i;
        if (above + each * ++ties >= target)
            break;
    }
    r->cut_x = x;
    r->cut_id = id;
}

/* ---- top-k, top-p, min-p ---- */

static void keep_top_k(struct row *r, int k)
{
    if (k <= 0 || k >= r->n)
        return;
    if (list_top(r, k))
        r->n_list = k;
    else
        radix_cut(r, (double)k, false);
}

/* Cut the list behind the token at which its mass reaches 'target'; false: it does not. */
static bool list_mass(struct row *r, double target)
{
    double sum = 0.0;
    for (int i = 0; i < r->n_list; i++) {
        sum += (double)weight(r, r->list[i].x);
        if (sum >= target) {
            r->n_list = i + 1;
            return true;
        }
    }
    return false;
}

static double list_total(const struct row *r)
{
    double sum = 0.0;
    for (int i = 0; i < r->n_list; i++)
        sum += (double)weight(r, r->list[i].x);
    return sum;
}

static void keep_top_p(struct row *r, float top_p)
{
    float sum[SHARDS];
    if (top_p >= 1.0f)
        return;
    if (r->n_list) {
        list_mass(r, (double)top_p * list_total(r)); /* of what top-k has left, as the order of the steps is */
        return;
    }
    const double target = (double)top_p * (double)shard_sums(r, sum);
    const bool all = r->cut_x == -INFINITY;
    if (all && list_top(r, GUESS) && list_mass(r, target))                          /* most rows are peaked: their nucleus is among a few */
        return;
    r->n_list = 0;
    radix_cut(r, target, true);
}

static void keep_min_p(struct row *r, float min_p)
{
    if (min_p <= 0.0f)
        return;
    r->min_w = min_p < 1.0f ? min_p : 1.0f;                                         /* the best token weighs 1: it always stays */
    while (r->n_list > 1 && weight(r, r->list[r->n_list - 1].x) < r->min_w)
        r->n_list--;
}

/* ---- the draw ---- */

/* The shard in which the running sum passes 'target'; *before: the sum up to it. */
static int find_shard(const float sum[SHARDS], float target, float *before)
{
    int found = 0;
    float run = 0.0f;
    *before = 0.0f;
    for (int s = 0; s < SHARDS; s++) {
        if (sum[s] == 0.0f) /* an empty shard is never drawn from, whatever the rounding */
            continue;
        found = s; /* rounding may leave 'target' at the very end: then the last shard that has something */
        *before = run;
        run += sum[s];
        if (target < run)
            break;
    }
    return found;
}

static int draw_listed(struct row *r, float u)
{
    float sum[SHARDS], run;
    sort(r->list, r->n_list, earlier);                                              /* the draw goes in the order of the vocabulary */
    for (int i = 0; i < r->n_list; i++)
        r->list[i].x = weight(r, r->list[i].x);
    const float target = u * list_sums(r, sum);
    const int s = find_shard(sum, target, &run);
    int id = r->list[0].id;
    for (int i = 0; i < r->n_list; i++) {
        if (r->list[i].id / r->shard != s || r->list[i].x == 0.0f)
            continue;
        id = r->list[i].id;
        run += r->list[i].x;
        if (target < run)
            break;
    }
    return id;
}

static int draw_any(const struct row *r, float u)
{
    float sum[SHARDS], run;
    const float target = u * shard_sums(r, sum);
    const int s = find_shard(sum, target, &run);
    int id = 0;
    for (int i = s * r->shard; i < (s + 1) * r->shard && i < r->n; i += LANES) {
        float w[LANES];
        v_store(w, kept_weights(r, i));
        for (int j = 0; j < LANES; j++) {
            if (w[j] == 0.0f)
                continue;
            id = i + j;
            run += w[j];
            if (target < run)
                return id;
        }
    }
    return id;
}

static int sample_row(float *x, int n, const struct sampling *how)
{
    if (!all_finite(x, n))
        return -1;
    penalise(x, n, how);
    if (how->temperature < GREEDY_BELOW)
        return argmax(x, n);
    struct row r;
    prepare(&r, x, n, how->temperature);
    if (!(r.max > -INFINITY && r.max < INFINITY))                                   /* dividing by a tiny temperature overflowed */
        return argmax(x, n);
    keep_top_k(&r, how->top_k);
    keep_top_p(&r, how->top_p);
    keep_min_p(&r, how->min_p);
    uint32_t word[4];
    philox4x32(how->key, how->counter, word);
    /* 24 bits: every value is a float, and below 1 */
    return r.n_list ? draw_listed(&r, uniform24(word[0])) : draw_any(&r, uniform24(word[0]));
}

void MTB_K(sample)(const struct op_sample *a, struct share s)
{
    for (struct rows r; take_rows(&r, s, a->step->n_out, 1);)
        a->token[r.begin] = sample_row(a->logits + (size_t)r.begin * (size_t)a->n_vocab, a->n_vocab, &a->step->how[r.begin]);
}
