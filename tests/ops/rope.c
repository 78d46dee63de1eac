/* rope.c - rotation and the KV write: against the book, the right halves in the right places and nothing else touched, and the same bits
 * for every instruction set, thread count and split of rows into steps. */
#include "kernels/ref/ref.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

enum { LAYERS = 2, LAYER = 1, MAX_RUNS = 4, MAX_POS = 300, PAGES = 12, UNTOUCHED = 0xa5a5 };

struct shape {
    int n_heads, n_kv, head_dim, dims;
    struct { int pos, n_rows; } run[MAX_RUNS];
};

struct scene {
    const struct cpu_kernels *k;
    struct kv_view kv;
    struct attn_shape a;
    struct rope rope;
    struct step step;
    struct seq_run run[MAX_RUNS];
    float *qkv;
};

static const int32_t page_table[MAX_RUNS][5] = { { 3, 0, 7, 1, 9 }, { 11, 4, 2, 8, 10 }, { 5, 5, 5, 5, 5 }, { 6, 6, 6, 6, 6 } };

static void work(void *arg, struct share s)
{
    const struct scene *c = arg;
    c->k->rope_kv(&(struct op_rope_kv){ c->qkv, &c->kv, &c->a, &c->rope, &c->step }, s);
}

/* Count the halves in the pages that are not what the rotated rows 'qkv' say; *others counts those of no row that have changed. */
static int wrong_halves(const struct scene *c, const float *qkv, int *others)
{
    const int hd = c->a.head_dim, width = (c->a.n_heads + 2 * c->a.n_kv) * hd;
    const size_t halves = cpu_kv_page_bytes(LAYERS, c->a.n_kv, hd) / sizeof(uint16_t) * PAGES;
    char *mine = calloc(halves, 1);
    const uint16_t *base = c->kv.base;
    int wrong = 0;
    for (int n = 0; n < c->step.n_runs; n++)
        for (int i = 0; i < c->run[n].n_rows; i++)
            for (int h = 0; h < c->a.n_kv; h++)
                for (int d = 0; d < hd; d++) {
                    const int pos = c->run[n].pos + i, page = c->run[n].page[pos / KV_PAGE], at = pos % KV_PAGE;
                    const size_t k = (size_t)(((page * LAYERS + LAYER) * c->a.n_kv + h) * 2 * KV_PAGE * hd);
                    const float *row = qkv + (c->run[n].first_row + i) * width + (c->a.n_heads + h) * hd + d;
                    const size_t key = k + (size_t)(d * KV_PAGE + at), value = k + (size_t)((KV_PAGE + at) * hd + d);
                    wrong += base[key] != ref_half_from_float(row[0]);
                    wrong += base[value] != ref_half_from_float(row[c->a.n_kv * hd]);
                    mine[key] = mine[value] = 1;
                }
    *others = 0;
    for (size_t i = 0; i < halves; i++)
        *others += !mine[i] && base[i] != UNTOUCHED;
    free(mine);
    return wrong;
}

/* Rotated numbers that are not those of the contract, to the bit. */
static int wrong_numbers(const struct scene *c, const float *x, const float *got)
{
    const int hd = c->a.head_dim, half = c->rope.dims / 2, width = (c->a.n_heads + 2 * c->a.n_kv) * hd;
    int wrong = 0;
    for (int n = 0; n < c->step.n_runs; n++)
        for (int i = 0; i < c->run[n].n_rows; i++)
            for (int h = 0; h < c->a.n_heads + c->a.n_kv; h++)
                for (int d = 0; d < half; d++) {
                    const float *t = c->rope.table + 2 * ((c->run[n].pos + i) * half + d);
                    const int a = (c->run[n].first_row + i) * width + h * hd + d, b = a + half;
                    wrong += got[a] != fmaf(x[a], t[0], -(x[b] * t[1])) || got[b] != fmaf(x[b], t[0], x[a] * t[1]);
                }
    return wrong;
}

static void fill(struct scene *c, size_t bytes)
{
    uint16_t *base = c->kv.base;
    for (size_t i = 0; i < bytes / sizeof *base; i++)
        base[i] = UNTOUCHED;
}

/* Row by row, last row first. */
static void one_by_one(const struct scene *whole)
{
    const int width = (whole->a.n_heads + 2 * whole->a.n_kv) * whole->a.head_dim;
    for (int n = whole->step.n_runs - 1; n >= 0; n--)
        for (int i = whole->run[n].n_rows - 1; i >= 0; i--) {
            struct scene c = *whole;
            c.run[0] = (struct seq_run){ 0, 1, whole->run[n].pos + i, whole->run[n].page };
            c.step = (struct step){ .n_rows = 1, .n_runs = 1, .run = c.run };
            c.qkv = whole->qkv + (whole->run[n].first_row + i) * width;
            run_shares(1, work, &c);
        }
}

static void check(const struct shape *s)
{
    const int width = (s->n_heads + 2 * s->n_kv) * s->head_dim, half = s->dims / 2;
    const size_t kv_bytes = cpu_kv_page_bytes(LAYERS, s->n_kv, s->head_dim) * PAGES;
    struct scene c = {.kv = {malloc(kv_bytes), LAYERS, s->n_kv, s->head_dim}, .a = {s->n_heads, s->n_kv, s->head_dim, LAYER, 0, 1.0f}};
    float *table = malloc((size_t)(MAX_POS * s->dims) * sizeof *table);
    for (int i = 0; i < MAX_POS * half; i++) {
        const double angle = (i / half) * pow(10000.0, -2.0 * (i % half) / s->dims);
        table[2 * i] = (float)cos(angle);
        table[2 * i + 1] = (float)sin(angle);
    }
    c.rope = (struct rope){ table, s->dims };
    for (int n = 0; n < MAX_RUNS && s->run[n].n_rows; n++) {
        c.run[n] = (struct seq_run){ c.step.n_rows, s->run[n].n_rows, s->run[n].pos, page_table[n] };
        c.step.n_rows += s->run[n].n_rows;
        c.step.n_runs++;
    }
    c.step.run = c.run;
    const size_t n = (size_t)(c.step.n_rows * width), bytes = n * sizeof(float);
    float *x = malloc(bytes), *first = malloc(bytes);
    double *ref = malloc(n * sizeof *ref), worst = 0.0;
    void *pages = malloc(kv_bytes);
    char name[80];
    snprintf(name, sizeof name, "%d/%d heads of %d, %d rotated, %d rows", s->n_heads, s->n_kv, s->head_dim, s->dims, c.step.n_rows);
    mix_fill(x, n, 3.0f, 21);
    ref_rope(ref, x, &c.a, &c.rope, &c.step);

    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    for (int k = 0; k < n_isa; k++)
        for (int threads = 0; threads <= 3; threads++) {       /* 0: row by row */
            c.k = isa[k];
            c.qkv = malloc(bytes);
            memcpy(c.qkv, x, bytes);
            fill(&c, kv_bytes);
            if (threads == 0)
                one_by_one(&c);
            else
                run_shares(threads, work, &c);
            if (k == 0 && threads == 0) {
                int others, wrong = wrong_halves(&c, c.qkv, &others);
                for (size_t i = 0; i < n; i++)
                    worst = fmax(worst, fabs((double)c.qkv[i] - ref[i]));
                ok(worst < 1e-6, "%s: error %.1e", name, worst);
                ok(wrong_numbers(&c, x, c.qkv) == 0, "%s: the products and sums of the contract", name);
                ok(wrong == 0 && others == 0, "%s: %d halves wrong, %d others changed", name, wrong, others);
                memcpy(first, c.qkv, bytes);
                memcpy(pages, c.kv.base, kv_bytes);
            }
            ok(!memcmp(c.qkv, first, bytes) && !memcmp(c.kv.base, pages, kv_bytes), "%s: %s, %d threads: same bits", name, c.k->isa,
               threads);
            free(c.qkv);
        }
    free(x), free(first), free(ref), free(pages), free(table), free(c.kv.base);
}

/* What fp16 cannot hold is a NaN in the pages, on every instruction set; what it can just hold is its largest number. */
static void check_overflow(void)
{
    static const float x[4] = { 65519.0f, 65520.0f, -1e9f, NAN };
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    float table[16] = { 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0 };
    const int32_t page = 0;
    const struct seq_run run = { 0, 1, 0, &page };
    for (int k = 0; k < n_isa; k++) {
        static uint16_t pages[2 * KV_PAGE * 16];
        float qkv[48] = { 0 };
        for (int i = 0; i < 4; i++)
            qkv[16 + i] = qkv[32 + i] = x[i];
        struct scene c = { .k = isa[k], .kv = { pages, 1, 1, 16 }, .a = { 1, 1, 16, 0, 0, 1.0f }, .rope = { table, 16 }, .qkv = qkv,
                           .step = { .n_rows = 1, .n_runs = 1, .run = &run } };
        run_shares(1, work, &c);
        int right = 0;
        for (int i = 0; i < 4; i++) {
            const uint16_t key = pages[i * KV_PAGE], value = pages[16 * KV_PAGE + i];
            right += i == 0 ? key == 0x7bff && value == 0x7bff : (key & 0x7fff) > 0x7c00 && (value & 0x7fff) > 0x7c00;
        }
        ok(right == 4, "keys and values beyond fp16 are NaN, %s", isa[k]->isa);
    }
}

int main(void)
{
    static const struct shape table[] = {
        { 9, 3, 64, 64, { { 60, 140 }, { 0, 70 }, { 63, 1 }, { 64, 1 } } },
        { 4, 2, 80, 80, { { 0, 5 }, { 127, 2 } } },
        { 4, 1, 64, 16, { { 10, 60 } } },
        { 2, 2, 16, 16, { { 0, 1 } } },
        { 8, 1, 256, 256, { { 250, 10 }, { 100, 1 } } },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        check(&table[i]);
    check_overflow();
    return done_testing();
}
