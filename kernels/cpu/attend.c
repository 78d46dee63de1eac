/* attend.c - attention over the paged fp16 KV cache: decode and prefill, with the same bits.
 *
 * A unit of work is a block (a few consecutive rows of one sequence) times one kv head; its query heads and rows together are the 'lines'
 * of two small matrix products per page of 64 positions: scores += Q K and out += P V. Many lines (prefill): the page is widened to fp32
 * once and shared. Few lines (decode): the product converts while it loads, and fetches ahead what it will stream next.
 * Every element is an fma chain over ascending k in either form, so the form, like the size of a block, changes no bit.
 * Positions that a row does not see are left out of its chains, so whatever lies in the rest of a page is harmless. */
#include "kernels/cpu/rows.h"
#include "kernels/cpu/slots.h"
#include "kernels/cpu/vmath.h"

#include <assert.h>

enum {
    SPLIT = 256, SPLIT_PAGES = SPLIT / KV_PAGE,
    MAX_LINES = 48,
    MAX_HEAD = 256,
    TILE_LINES = 6,
#if defined(MTB_ISA_avx512)
    TILE_VECS = 4,
#else
    TILE_VECS = 2,
#endif
    SCORES = SPLIT + LANES,           /* floats between lines of scores: not a power of two, for the cache */
    WIDEN_LINES = 12,                 /* from here on a page is widened once for all lines */
    N_BUCKETS = 256,
    AHEAD = 2,                        /* pieces (keys or values of a page) between reading and fetching */
};

/* Consecutive rows of one run that share their pages. */
struct block {
    const struct seq_run *run;
    int row, n_rows;                  /* within the run */
};

/* Query heads [head, head + n_heads) of a block, all of one kv head. */
struct unit {
    const struct block *b;
    int kv_head, head, n_heads;
    int first_page, last_page;        /* of the sequence: what the block sees */
};

/* A place in the order in which keys and values of a unit are read: per split, the keys of its pages, then their values. */
struct cursor {
    const struct unit *u;             /* NULL: at the end */
    int page;
    bool values;
};

struct worker {
    struct unit unit[2];              /* the one at work and the one after it */
    struct cursor ahead;              /* what is to be fetched next */
    _Alignas(64) float q[MAX_LINES * MAX_HEAD];
    float p[MAX_LINES * SCORES];      /* scores, then exp(score - max) */
    float o[MAX_LINES * MAX_HEAD];    /* one split */
    float acc[MAX_LINES * MAX_HEAD];  /* all splits so far */
    float tile[KV_PAGE * MAX_HEAD];   /* a widened page */
    float m[MAX_LINES], l[MAX_LINES];
    int lo[MAX_LINES], hi[MAX_LINES]; /* what a line sees of the split */
    struct block block[];             /* (max_rows), longest first, then as many to sort from */
};

struct job {
    const struct op_attend *op;
    const struct attn_shape *a;
    struct worker *w;
};

static size_t worker_bytes(int max_rows)
{
    const size_t n = sizeof(struct worker) + 2 * (size_t)max_rows * sizeof(struct block);
    return (n + 4095) / 4096 * 4096;                                                /* whole pages: no two threads share a line */
}

/* ---- the product ---- */

/* c (lines, vecs * 16) += a (lines, k) b (k, vecs * 16). */
struct product {
    float *c;
    const float *a;
    const void *b;                    /* float or fp16 */
    const char *ahead;                /* with fp16: memory shaped like b that will be wanted soon */
    int ldc, lda, ldb, k;
};

MTB_INLINE v16 load_b(const struct product *g, bool half, int k, int j)
{
    const size_t at = (size_t)k * (size_t)g->ldb + (size_t)(j * LANES);
    if (half && j % 2 == 0)
        __builtin_prefetch(g->ahead + at * sizeof(uint16_t));
    return half ? v_load_f16((const uint16_t *)g->b + at) : v_load((const float *)g->b + at);
}

MTB_INLINE void product_tile(const struct product *g, int lines, int vecs, bool half)
{
    v16 c[TILE_LINES][TILE_VECS];
#pragma GCC unroll 8
    for (int i = 0; i < lines; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vecs; j++)
            c[i][j] = v_load(g->c + i * g->ldc + j * LANES);                        /* the chains go on from the page before */
    for (int k = 0; k < g->k; k++) {
#pragma GCC unroll 8
        for (int j = 0; j < vecs; j++) {
            v16 b = load_b(g, half, k, j);
            V_HOLD(b);                                                              /* converted once for all lines */
#pragma GCC unroll 8
            for (int i = 0; i < lines; i++)
                c[i][j] = v_fma(v_set1(g->a[i * g->lda + k]), b, c[i][j]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < lines; i++)
#pragma GCC unroll 8
        for (int j = 0; j < vecs; j++)
            v_store(g->c + i * g->ldc + j * LANES, c[i][j]);
}

#define PRODUCT(lines, vecs)                                                                                                               \
    static void product_##lines##_##vecs(const struct product *g, bool half)                                                               \
    {                                                                                                                                      \
        if (half)                                                                                                                          \
            product_tile(g, lines, vecs, true);                                                                                            \
        else                                                                                                                               \
            product_tile(g, lines, vecs, false);                                                                                           \
    }
#define PRODUCTS(vecs) PRODUCT(1, vecs) PRODUCT(2, vecs) PRODUCT(3, vecs) PRODUCT(4, vecs) PRODUCT(5, vecs) PRODUCT(6, vecs)
#define NAMES(vecs) { product_1_##vecs, product_2_##vecs, product_3_##vecs, product_4_##vecs, product_5_##vecs, product_6_##vecs }

typedef void (*product_f)(const struct product *g, bool half);

PRODUCTS(1)
PRODUCTS(2)
#if defined(MTB_ISA_avx512)
PRODUCTS(3)
PRODUCTS(4)
static const product_f product_of[TILE_VECS][TILE_LINES] = { NAMES(1), NAMES(2), NAMES(3), NAMES(4) };
#else
static const product_f product_of[TILE_VECS][TILE_LINES] = { NAMES(1), NAMES(2) };
#endif

/* Columns in pieces that fit the registers: AVX2 has sixteen, so more than three lines leave room for one vec only. */
static void product(struct product g, int lines, int vecs, bool half)
{
#if defined(MTB_ISA_avx2)
    const int most = lines > 3 ? 1 : 2;
#else
    const int most = TILE_VECS;
#endif
    const size_t size = half ? sizeof(uint16_t) : sizeof(float);
    /* columns are independent, so pieces of any width give the same bits */
    for (int n; vecs > 0; vecs -= n) {
        n = vecs < most ? vecs : most;
        product_of[n - 1][lines - 1](&g, half);
        g.c += n * LANES;
        g.b = (const char *)g.b + (size_t)(n * LANES) * size;
        g.ahead += (size_t)(n * LANES) * size;
    }
}

/* ---- keys and values ---- */

/* The keys of a page, or its values. */
static const uint16_t *half_of(const struct job *j, const struct unit *u, int page, bool values)
{
    const struct kv_view *kv = j->op->kv;
    return cpu_kv_head(kv, u->b->run->page[page], j->a->layer, u->kv_head) + (values ? KV_PAGE * (size_t)kv->head_dim : 0);
}

static void step_cursor(struct cursor *c)
{
    /* the order in which run_split() reads: first all keys of a split, then its values */
    const int split = c->page / SPLIT_PAGES, end = (split + 1) * SPLIT_PAGES - 1;
    const int first = split * SPLIT_PAGES > c->u->first_page ? split * SPLIT_PAGES : c->u->first_page;
    const int last = end < c->u->last_page ? end : c->u->last_page;
    if (c->page < last)
        c->page++;
    else if (!c->values)
        *c = (struct cursor){ c->u, first, true };                                  /* back to the split's first page, for its values */
    else if (c->page < c->u->last_page)
        *c = (struct cursor){ c->u, c->page + 1, false };
    else
        c->u = NULL;
}

/* What to fetch while 'now' is read: the piece AHEAD places further on, in this unit or the next one. */
static const char *fetch_ahead(const struct job *j, const uint16_t *now)
{
    struct worker *w = j->w;
    struct cursor *c = &w->ahead;
    if (!c->u) /* nothing follows: fetching what is being read is harmless */
        return (const char *)now;
    const uint16_t *p = half_of(j, c->u, c->page, c->values);
    const struct unit *was = c->u;
    step_cursor(c);
    if (!c->u && was == &w->unit[0] && w->unit[1].b)                                /* on into the unit whose ticket was drawn already */
        *c = (struct cursor){ &w->unit[1], w->unit[1].first_page, false };
    return (const char *)p;
}

/* Nothing of unit[0] has been fetched: skip AHEAD pieces, which are read as they come. */
static void start_ahead(const struct job *j)
{
    struct worker *w = j->w;
    w->ahead = (struct cursor){ &w->unit[0], w->unit[0].first_page, false };
    for (int i = 0; i < AHEAD; i++)
        fetch_ahead(j, NULL);
}

static const void *widen(float *tile, const uint16_t *half, const char *ahead, int n)
{
    for (int i = 0; i < n; i += 2 * LANES) {
        __builtin_prefetch(ahead + (size_t)i * sizeof *half);                       /* a line of 64 bytes is 32 halves */
        v_store(tile + i, v_load_f16(half + i));
        v_store(tile + i + LANES, v_load_f16(half + i + LANES));
    }
    return tile;
}

/* ---- one split of a block ---- */

/* AVX-512 does seven lines best as four and three, AVX2 as six and one. */
static int tile_lines(int left)
{
#if defined(MTB_ISA_avx512)
    if (left > TILE_LINES && left < 2 * TILE_LINES)
        return (left + 1) / 2;
#endif
    return left < TILE_LINES ? left : TILE_LINES;
}

static int clip(int x, int low, int high)
{
    return x < low ? low : x > high ? high : x;
}

/* What lines [i, i + n) see of a page that begins at position 'at' of the split: the union. */
static void seen_of(const struct worker *w, int i, int n, int at, int *lo, int *hi)
{
    *lo = KV_PAGE;
    *hi = 0;
    for (int j = i; j < i + n; j++) {
        const int a = clip(w->lo[j] - at, 0, KV_PAGE), b = clip(w->hi[j] - at, 0, KV_PAGE);
        if (a < b) {                                                                /* a line may see nothing of this page */
            *lo = a < *lo ? a : *lo;
            *hi = b > *hi ? b : *hi;
        }
    }
}

/* Raw scores of a page: p = q K; columns that no line of a tile sees are left alone. */
static void score_page(struct worker *w, const uint16_t *page, const char *ahead, int lines, int hd, int at)
{
    const bool half = lines < WIDEN_LINES;
    const char *keys = half ? (const void *)page : widen(w->tile, page, ahead, hd * KV_PAGE);
    for (int i = 0, n; i < lines; i += n) {
        int lo, hi;
        n = tile_lines(lines - i);
        seen_of(w, i, n, at, &lo, &hi);
        if (lo >= hi)
            continue;
        /* whole vectors: what they hold beside the seen positions is masked in soften() */
        const int first = lo / LANES, vecs = (hi + LANES - 1) / LANES - first;
        float *c = w->p + i * SCORES + at + first * LANES;
        for (int j = 0; j < n; j++)
            memset(c + j * SCORES, 0, (size_t)(vecs * LANES) * sizeof *c);          /* chains start from +0 */
        const struct product g = { .c = c, .ldc = SCORES, .a = w->q + i * hd, .lda = hd, .ldb = KV_PAGE, .k = hd,
                                   .b = keys + (size_t)(first * LANES) * (half ? sizeof(uint16_t) : sizeof(float)), .ahead = ahead };
        product(g, n, vecs, half);
    }
}

/* Scores to weights: p = exp(p * scale - max); the lane sum goes to *l, the maximum to *m. */
static void soften(float *p, int lo, int hi, float scale, float *m, float *l)
{
    const int first = lo / LANES * LANES, end = (hi + LANES - 1) / LANES * LANES;
    v16 most = v_set1(-INFINITY), sum = v_zero();
    for (int i = first; i < lo; i++)
        p[i] = -INFINITY;
    for (int i = hi; i < end; i++)
        p[i] = -INFINITY;
    for (int i = first; i < end; i += LANES) {
        /* scale > 0 keeps the order, so the maximum may be taken behind it */
        v16 x = v_mul(v_load(p + i), v_set1(scale));
        most = v_max(x, most);
        v_store(p + i, x);
    }
    *m = v_hmax(most); /* of one split: independent of what else the row sees */
    for (int i = first; i < end; i += LANES) {
        v16 e = v_exp(v_sub(v_load(p + i), v_set1(*m)));                            /* at most 1: cannot overflow */
        sum = v_add(sum, e);
        v_store(p + i, e);
    }
    *l = v_sum(sum);
}

/* o += p V for lines [i, i + n) over positions [from, to) of a page. */
static void add_values(struct worker *w, const char *values, const char *ahead, bool half, int i, int n, int hd, int at, int from, int to)
{
    if (from >= to)
        return;
    const struct product g = { .c = w->o + i * hd, .ldc = hd, .a = w->p + i * SCORES + at + from, .lda = SCORES, .ldb = hd, .k = to - from,
                               .b = values + (size_t)(from * hd) * (half ? sizeof(uint16_t) : sizeof(float)),
                               .ahead = ahead + (size_t)(from * hd) * sizeof(uint16_t) };
    product(g, n, hd / LANES, half);
}

/* The lines of a tile run together over the positions that all of them see; before and after, each alone. */
static void value_page(struct worker *w, const uint16_t *page, const char *ahead, int lines, int hd, int at)
{
    const bool half = lines < WIDEN_LINES;
    const char *values = half ? (const void *)page : widen(w->tile, page, ahead, hd * KV_PAGE);
    for (int i = 0, n; i < lines; i += n) {
        int all_lo = 0, all_hi = KV_PAGE;
        n = tile_lines(lines - i);
        for (int j = i; j < i + n; j++) {
            const int lo = clip(w->lo[j] - at, 0, KV_PAGE), hi = clip(w->hi[j] - at, 0, KV_PAGE);
            all_lo = lo > all_lo ? lo : all_lo;
            all_hi = hi < all_hi ? hi : all_hi;
        }
        all_hi = all_hi > all_lo ? all_hi : all_lo;                                 /* nothing in common: each line goes alone */
        for (int j = i; j < i + n; j++)
            add_values(w, values, ahead, half, j, 1, hd, at, clip(w->lo[j] - at, 0, KV_PAGE), clip(w->hi[j] - at, 0, all_lo));
        add_values(w, values, ahead, half, i, n, hd, at, all_lo, all_hi);
        for (int j = i; j < i + n; j++)
            add_values(w, values, ahead, half, j, 1, hd, at, clip(w->lo[j] - at, all_hi, KV_PAGE), clip(w->hi[j] - at, 0, KV_PAGE));
    }
}

/* (acc, m, l) of a line goes on with (o, m, l) of the next split: with M the larger maximum, a = exp(m - M) and b = exp(m' - M),
 * l = fma(l, a, l' * b) and acc = fma(acc, a, o * b). The first split is taken as it is. */
static void merge(float *acc, float *m, float *l, const float *o, float om, float ol, int hd)
{
    /* the first split that the line sees: acc holds what the last unit left, and 0 times that may be NaN */
    if (*m == -INFINITY && *l == 0.0f) {
        memcpy(acc, o, (size_t)hd * sizeof *acc);
        *m = om;
        *l = ol;
        return;
    }
    const float most = om > *m ? om : *m;                                           /* both weights are at most 1 */
    const float a = exp_1(*m - most), b = exp_1(om - most);
    *m = most;
    *l = fmaf(*l, a, ol * b);
    for (int d = 0; d < hd; d += LANES)
        v_store(acc + d, v_fma(v_load(acc + d), v_set1(a), v_mul(v_load(o + d), v_set1(b))));
}

/* ---- a block ---- */

static void run_split(const struct job *j, const struct unit *u, int split, int lines)
{
    struct worker *w = j->w;
    const int hd = j->a->head_dim, base = split * SPLIT, pos = u->b->run->pos + u->b->row;
    int lo = SPLIT, hi = 0;
    for (int i = 0; i < lines; i++) {
        /* line i is head i % n_heads of row i / n_heads; both ends relative to the split */
        const int end = pos + i / u->n_heads + 1 - base, begin = j->a->window ? end - j->a->window : 0;
        w->lo[i] = clip(begin, 0, SPLIT);
        w->hi[i] = clip(end, 0, SPLIT);
        lo = w->lo[i] < w->hi[i] && w->lo[i] < lo ? w->lo[i] : lo;
        hi = w->hi[i] > hi ? w->hi[i] : hi;
    }
    for (int at = lo / KV_PAGE * KV_PAGE; at < hi; at += KV_PAGE) {
        const uint16_t *keys = half_of(j, u, (base + at) / KV_PAGE, false);
        score_page(w, keys, fetch_ahead(j, keys), lines, hd, at);
    }
    float m[MAX_LINES], l[MAX_LINES];
    for (int i = 0; i < lines; i++)
        if (w->lo[i] < w->hi[i])
            soften(w->p + i * SCORES, w->lo[i], w->hi[i], j->a->scale, &m[i], &l[i]);
    memset(w->o, 0, (size_t)(lines * hd) * sizeof *w->o);
    for (int at = lo / KV_PAGE * KV_PAGE; at < hi; at += KV_PAGE) {
        const uint16_t *values = half_of(j, u, (base + at) / KV_PAGE, true);
        value_page(w, values, fetch_ahead(j, values), lines, hd, at);
    }
    for (int i = 0; i < lines; i++)
        if (w->lo[i] < w->hi[i])
            merge(w->acc + i * hd, &w->m[i], &w->l[i], w->o + i * hd, m[i], l[i], hd);
}

static void run_unit(const struct job *j, const struct unit *u)
{
    struct worker *w = j->w;
    const struct attn_shape *a = j->a;
    const struct seq_run *r = u->b->run;
    const int hd = a->head_dim, lines = u->b->n_rows * u->n_heads;
    const size_t ld = (size_t)(a->n_heads + 2 * a->n_kv) * (size_t)hd, row0 = (size_t)(r->first_row + u->b->row);
    for (int i = 0; i < lines; i++) {
        const float *q = j->op->qkv + (row0 + (size_t)(i / u->n_heads)) * ld + (size_t)((u->head + i % u->n_heads) * hd);
        memcpy(w->q + i * hd, q, (size_t)hd * sizeof *q);                           /* together, one line behind the other */
        w->m[i] = -INFINITY;
        w->l[i] = 0.0f;
    }
    for (int split = u->first_page / SPLIT_PAGES; split <= u->last_page / SPLIT_PAGES; split++)
        run_split(j, u, split, lines);
    for (int i = 0; i < lines; i++) {
        float *o = (float *)j->op->out + (row0 + (size_t)(i / u->n_heads)) * (size_t)(a->n_heads * hd) +
                   (size_t)((u->head + i % u->n_heads) * hd);
        for (int d = 0; d < hd; d += LANES)
            v_store(o + d, v_div(v_load(w->acc + i * hd + d), v_set1(w->l[i])));    /* one division at the end, as R4 has it */
    }
}

/* ---- who does what ---- */

static long cost_of(const struct block *b)
{
    return (long)b->n_rows * (b->run->pos + b->row + b->n_rows);                    /* rows times positions */
}

/* All threads make the same list: the blocks of the step, longest first. */
static int list_blocks(struct block *list, struct block *work, const struct step *st, int rows_per_block)
{
    /* a sort by counting, stable and the same on every thread: tickets mean the same block to all */
    int n = 0, begin[N_BUCKETS] = { 0 };
    long most = 1;                                                                  /* no division by zero */
    for (int i = 0; i < st->n_runs; i++) {
        const struct seq_run *r = &st->run[i];
        for (int row = 0; row < r->n_rows; row += rows_per_block, n++) {
            const int rows = r->n_rows - row < rows_per_block ? r->n_rows - row : rows_per_block;
            work[n] = (struct block){ r, row, rows };
            most = cost_of(&work[n]) > most ? cost_of(&work[n]) : most;
        }
    }
    for (int i = 0; i < n; i++)
        begin[(N_BUCKETS - 1) * (most - cost_of(&work[i])) / most]++;
    for (int i = 0, sum = 0; i < N_BUCKETS; i++) {
        const int here = begin[i];
        begin[i] = sum;
        sum += here;
    }
    for (int i = 0; i < n; i++)
        list[begin[(N_BUCKETS - 1) * (most - cost_of(&work[i])) / most]++] = work[i];
    return n;
}

size_t MTB_K(attend_scratch)(int max_rows)
{
    return worker_bytes(max_rows);
}

/* The unit of a ticket; its block is NULL behind the last one. Units of a block follow each other: their pages are neighbours. */
static struct unit unit_of(const struct job *j, int ticket, int n_blocks)
{
    const struct attn_shape *a = j->a;
    /* more query heads than lines: the group goes in chunks over the same keys */
    const int group = a->n_heads / a->n_kv, chunk = group < MAX_LINES ? group : MAX_LINES, chunks = (group + chunk - 1) / chunk;
    const int per_block = a->n_kv * chunks, of = ticket % per_block, skip = of % chunks * chunk;
    if (ticket / per_block >= n_blocks)
        return (struct unit){ 0 };                                                  /* no more work */
    const struct block *b = &j->w->block[ticket / per_block];
    const int pos = b->run->pos + b->row, first = a->window && pos >= a->window ? pos - a->window + 1 : 0;
    return (struct unit){
        .b = b, .kv_head = of / chunks, .head = of / chunks * group + skip, .n_heads = group - skip < chunk ? group - skip : chunk,
        .first_page = first / KV_PAGE, .last_page = (pos + b->n_rows - 1) / KV_PAGE,
    };
}

void MTB_K(attend)(const struct op_attend *op, struct share s)
{
    const struct attn_shape *a = op->shape;
    const struct step *st = op->step;
    assert(a->head_dim % LANES == 0 && a->head_dim <= MAX_HEAD && a->n_heads % a->n_kv == 0 && a->scale > 0.0f);
    assert(worker_bytes(st->n_rows) <= s.own.bytes);
    struct worker *w = s.own.at;
    const struct job j = { op, a, w };
    const int group = a->n_heads / a->n_kv;
    const int n = list_blocks(w->block, w->block + st->n_rows, st, MAX_LINES / (group < MAX_LINES ? group : MAX_LINES));
    w->unit[1] = unit_of(&j, take_ticket(s), n);
    w->ahead.u = NULL;                                                              /* the scratch is as the last op left it */
    while (w->unit[1].b) {
        const bool inside = w->ahead.u;                                         /* the cursor has reached this unit already */
        w->unit[0] = w->unit[1];
        w->unit[1] = unit_of(&j, take_ticket(s), n);
        if (inside)
            w->ahead.u = &w->unit[0];
        else
            start_ahead(&j);
        run_unit(&j, &w->unit[0]);
    }
}
