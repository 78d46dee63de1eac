/* attend.c - attention: against the book, and the same bits for every instruction set, thread count and split of rows into steps.
 * Pages are scattered, and whatever no row may see in them is NaN. */
#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

enum { MAX_RUNS = 8, LAYERS = 2, NAN_F16 = 0x7e00 };

struct shape {
    int n_heads, n_kv, head_dim, window;
    struct { int pos, n_rows; } run[MAX_RUNS];         /* ends with n_rows 0 */
};

struct scene {
    const struct cpu_kernels *k;
    struct kv_view kv;
    struct attn_shape a;
    struct step step;
    struct seq_run run[MAX_RUNS];
    float *qkv, *out;
};

static uint16_t small_f16(uint64_t *seed)              /* +-[2^-4, 2) */
{
    const uint64_t x = mix_next(seed);
    return (uint16_t)((x & 0x8000) | (11 + x % 5) << 10 | (x >> 20 & 1023));
}

static size_t page_halves(const struct shape *s)
{
    return cpu_kv_page_bytes(LAYERS, s->n_kv, s->head_dim) / sizeof(uint16_t);
}

static uint16_t *kv_at(const struct scene *c, int page, int head)
{
    return (uint16_t *)c->kv.base +
           ((size_t)(page * LAYERS + c->a.layer) * (size_t)c->kv.n_kv + (size_t)head) * 2 * KV_PAGE * (size_t)c->kv.head_dim;
}

static void write_position(const struct scene *c, const int32_t *page, int pos, uint64_t *seed)
{
    const int hd = c->kv.head_dim;
    for (int h = 0; h < c->kv.n_kv; h++) {
        uint16_t *k = kv_at(c, page[pos / KV_PAGE], h), *v = k + hd * KV_PAGE;
        for (int d = 0; d < hd; d++) {
            k[d * KV_PAGE + pos % KV_PAGE] = small_f16(seed);
            v[pos % KV_PAGE * hd + d] = small_f16(seed);
        }
    }
}

static void build(struct scene *c, const struct shape *s)
{
    const int width = (s->n_heads + 2 * s->n_kv) * s->head_dim;
    int n_pages = 0;
    uint64_t seed = 7;
    *c = (struct scene){ .kv = { NULL, LAYERS, s->n_kv, s->head_dim } };
    c->a = (struct attn_shape){ s->n_heads, s->n_kv, s->head_dim, 1, s->window, 1.5f / sqrtf((float)s->head_dim) };
    for (int i = 0; i < MAX_RUNS && s->run[i].n_rows; i++) {
        c->run[i] = (struct seq_run){ c->step.n_rows, s->run[i].n_rows, s->run[i].pos, NULL };
        c->step.n_rows += s->run[i].n_rows;
        c->step.n_runs++;
        n_pages += (s->run[i].pos + s->run[i].n_rows + KV_PAGE - 1) / KV_PAGE;
    }
    c->step.run = c->run;
    const size_t halves = page_halves(s) * (size_t)n_pages;
    uint16_t *base = aligned_alloc(64, halves * sizeof *base);
    for (size_t i = 0; i < halves; i++)
        base[i] = NAN_F16;
    c->kv.base = base;
    for (int i = 0, next = 0; i < c->step.n_runs; i++) {
        struct seq_run *r = &c->run[i];
        const int n = (r->pos + r->n_rows + KV_PAGE - 1) / KV_PAGE, end = r->pos + r->n_rows;
        int32_t *page = malloc((size_t)n * sizeof *page);
        for (int p = 0; p < n; p++)
            page[p] = n_pages - 1 - next++;
        r->page = page;
        for (int p = s->window && r->pos >= s->window ? r->pos - s->window + 1 : 0; p < end; p++)
            write_position(c, page, p, &seed);
    }
    c->qkv = malloc((size_t)c->step.n_rows * (size_t)width * sizeof *c->qkv);
    mix_fill(c->qkv, (size_t)c->step.n_rows * (size_t)width, 2.0f, 11);
    c->out = malloc((size_t)c->step.n_rows * (size_t)(s->n_heads * s->head_dim) * sizeof *c->out);
}

static void destroy(struct scene *c)
{
    for (int i = 0; i < c->step.n_runs; i++)
        free((void *)c->run[i].page);
    free(c->kv.base), free(c->qkv), free(c->out);
}

static void work(void *arg, struct share s)
{
    const struct scene *c = arg;
    c->k->attend(&(struct op_attend){ c->out, c->qkv, &c->kv, &c->a, &c->step }, s);
}

static void attend(int threads, struct scene *c)
{
    run_shares_with(threads, 0, c->k->attend_scratch(c->step.n_rows), work, c);
}

/* The rows of the scene in steps of at most 'most' rows of each run. */
static void in_pieces(const struct scene *whole, int most, int threads)
{
    struct scene c = *whole;
    c.step.n_runs = 1;
    c.step.run = c.run;
    for (int i = 0; i < whole->step.n_runs; i++) {
        const struct seq_run *r = &whole->run[i];
        for (int row = 0; row < r->n_rows; row += most) {
            const int n = r->n_rows - row < most ? r->n_rows - row : most;
            c.run[0] = (struct seq_run){ 0, n, r->pos + row, r->page };
            c.step.n_rows = n;
            c.qkv = whole->qkv + (size_t)(r->first_row + row) * (size_t)((c.a.n_heads + 2 * c.a.n_kv) * c.a.head_dim);
            c.out = whole->out + (size_t)(r->first_row + row) * (size_t)(c.a.n_heads * c.a.head_dim);
            attend(threads, &c);
        }
    }
}

static void check(const struct shape *s)
{
    struct scene c;
    build(&c, s);
    const size_t n = (size_t)c.step.n_rows * (size_t)(s->n_heads * s->head_dim), bytes = n * sizeof(float);
    float *first = malloc(bytes);
    double *ref = malloc(n * sizeof *ref), worst = 0.0;
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    char name[96];
    snprintf(name, sizeof name, "%d/%d heads of %d, window %d, %d runs, %d rows", s->n_heads, s->n_kv, s->head_dim, s->window,
             c.step.n_runs, c.step.n_rows);
    ref_attend(ref, c.qkv, &c.kv, &c.a, &c.step);
    c.k = isa[n_isa - 1];
    attend(1, &c);
    memcpy(first, c.out, bytes);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, isnan(first[i]) ? INFINITY : fabs((double)first[i] - ref[i]));
    ok(worst < 3e-6, "%s: error %.1e", name, worst);
    for (int k = 0; k < n_isa; k++)
        for (int threads = 1; threads <= 3; threads += k == 0 ? 2 : 1) {
            c.k = isa[k];
            memset(c.out, 0xff, bytes);
            attend(threads, &c);
            ok(!memcmp(c.out, first, bytes), "%s: %s, %d threads: same bits", name, c.k->isa, threads);
        }
    for (int k = 1; k < n_isa; k++) {
        c.k = isa[k];
        static const int most[] = { 1, 2, 5, 17, 64 };
        for (size_t i = 0; i < sizeof most / sizeof *most; i++) {
            memset(c.out, 0xff, bytes);
            in_pieces(&c, most[i], 1 + (int)i % 2);
            ok(!memcmp(c.out, first, bytes), "%s: %s, steps of %d rows: same bits", name, c.k->isa, most[i]);
        }
    }
    free(first), free(ref);
    destroy(&c);
}

int main(void)
{
    static const struct shape table[] = {
        { 9, 3, 64, 0, { { 0, 100 }, { 300, 1 }, { 63, 1 }, { 64, 1 }, { 255, 1 }, { 256, 1 } } },
        { 9, 3, 64, 0, { { 0, 1 }, { 200, 70 }, { 511, 2 } } },
        { 4, 4, 16, 0, { { 10, 60 }, { 700, 1 } } },
        { 4, 2, 80, 0, { { 250, 30 }, { 130, 3 } } },
        { 8, 2, 96, 0, { { 0, 17 }, { 400, 1 } } },
        { 14, 2, 64, 0, { { 190, 20 }, { 530, 1 } } },
        { 8, 1, 128, 0, { { 60, 12 }, { 320, 1 } } },
        { 2, 1, 256, 0, { { 250, 14 }, { 513, 1 } } },
        { 71, 1, 64, 0, { { 100, 3 }, { 300, 1 } } },
        { 6, 2, 64, 100, { { 0, 230 }, { 600, 1 }, { 99, 1 }, { 700, 7 } } },
        { 3, 3, 32, 3, { { 0, 80 }, { 254, 10 } } },
        { 4, 2, 64, 256, { { 500, 40 }, { 256, 1 } } },
        { 2, 2, 48, 1, { { 0, 5 }, { 64, 2 } } },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(&table[i]);
    return done_testing();
}
