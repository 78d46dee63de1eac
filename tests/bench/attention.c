/* attention.c - how fast attention runs, beside what the machine can do.
 *
 *   attention [decode|prefill|others|all] [isa] [threads]
 *
 * decode: 80 sequences of 500 to 2000 positions, one row each, all layers of a 135M model in turn, so that keys and values come from DRAM;
 * prefill: the rows of one prompt. GB/s counts the fp16 keys and values once; GFLOP/s counts what causal attention needs. */
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_RUNS = 128, MAX_ROWS = 2000 };

struct bench {
    struct machine m;
    struct kv_view kv;
    size_t kv_bytes;
    struct attn_shape a;
    struct rope rope;
    struct step step;
    struct seq_run run[MAX_RUNS];
    int32_t *pages;
    float *qkv, *out;
    const struct sampling *how;
    int32_t token[MAX_RUNS];
    int vocab, ff;
};

/* ---- the scene ---- */

static void build(struct bench *b, int layers, int n_heads, int n_kv, int hd)
{
    const size_t width = (size_t)((n_heads + 2 * n_kv) * hd);
    int n_pages = 0, n_rows = 0;
    for (int i = 0; i < b->step.n_runs; i++) {
        b->run[i].first_row = n_rows;
        n_rows += b->run[i].n_rows;
        n_pages += (b->run[i].pos + b->run[i].n_rows + KV_PAGE - 1) / KV_PAGE;
    }
    b->step.n_rows = n_rows;
    b->step.run = b->run;
    b->a = (struct attn_shape){ n_heads, n_kv, hd, 0, 0, 1.0f / sqrtf((float)hd) };
    b->kv_bytes = cpu_kv_page_bytes(layers, n_kv, hd) * (size_t)n_pages;
    b->kv = (struct kv_view){ machine_map(b->kv_bytes), layers, n_kv, hd };
    uint16_t *kv = b->kv.base;
    for (size_t i = 0; i < b->kv_bytes / sizeof *kv; i++)
        kv[i] = (uint16_t)(0x3000 + (i * 40503u & 0x8bff));
    b->pages = malloc((size_t)n_pages * sizeof *b->pages);
    for (int i = 0; i < n_pages; i++)
        b->pages[i] = (int)((long)i * 7919 % n_pages);
    for (int i = 0, at = 0; i < b->step.n_runs; i++) {
        b->run[i].page = b->pages + at;
        at += (b->run[i].pos + b->run[i].n_rows + KV_PAGE - 1) / KV_PAGE;
    }
    b->qkv = machine_map((size_t)n_rows * width * sizeof *b->qkv);
    for (size_t i = 0; i < (size_t)n_rows * width; i++)
        b->qkv[i] = (float)(i * 2654435761u % 1000) / 500.0f - 1.0f;
    b->out = machine_map((size_t)(n_rows * n_heads * hd) * sizeof *b->out);
}

static void clear(struct bench *b)
{
    munmap(b->kv.base, b->kv_bytes);
    munmap(b->qkv, (size_t)b->step.n_rows * (size_t)((b->a.n_heads + 2 * b->a.n_kv) * b->a.head_dim) * sizeof *b->qkv);
    munmap(b->out, (size_t)(b->step.n_rows * b->a.n_heads * b->a.head_dim) * sizeof *b->out);
    free(b->pages);
}

static void attend_work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->attend(&(struct op_attend){ b->out, b->qkv, &b->kv, &b->a, &b->step }, machine_share(&b->m, t));
}

/* ---- decode ---- */

static void decode(struct bench *b, int n, int ctx_min, int ctx_max, int layers, int n_heads, int n_kv, int hd)
{
    b->step.n_runs = n;
    double positions = 0.0;
    for (int i = 0; i < n; i++) {
        const int pos = ctx_min + (int)((long)i * 7919 % n * (ctx_max - ctx_min) / n);
        b->run[i] = (struct seq_run){ .n_rows = 1, .pos = pos };
        positions += pos + 1;
    }
    build(b, layers, n_heads, n_kv, hd);
    double best = INFINITY;
    for (int round = 0; round < (layers == 1 ? 100 : 3); round++) {
        double sum = 0.0;
        for (b->a.layer = 0; b->a.layer < layers; b->a.layer++)
            sum += machine_best_of(&b->m, attend_work, b, 1);
        best = fmin(best, sum);
    }
    const double gb = positions * n_kv * hd * 2 * sizeof(uint16_t) * layers / 1e9;
    printf("decode  %3d x %4d..%-4d %2d/%d heads of %3d, %2d layers: %7.2f ms  %6.0f tok/s  %5.1f GB/s  %3.0f %% of read\n", n, ctx_min,
           ctx_max, n_heads, n_kv, hd, layers, best * 1e3, n / best, gb / best, 100.0 * gb / best / b->m.read);
    clear(b);
}

/* ---- prefill ---- */

static void prefill(struct bench *b, int pos, int rows, int n_heads, int n_kv, int hd)
{
    b->step.n_runs = 1;
    b->run[0] = (struct seq_run){ .n_rows = rows, .pos = pos };
    build(b, 1, n_heads, n_kv, hd);
    const double best = machine_best_of(&b->m, attend_work, b, 7);
    const double seen = ((double)pos + (rows + 1) / 2.0) * rows, gflop = 4.0 * seen * n_heads * hd / 1e9;
    printf("prefill %4d rows at %4d %2d/%d heads of %3d:           %7.2f ms  %6.0f tok/s  %5.0f GFLOP/s  %3.0f %% of fma\n", rows, pos,
           n_heads, n_kv, hd, best * 1e3, rows / best, gflop / best, 100.0 * gflop / best / b->m.fma);
    clear(b);
}

/* ---- the others ---- */

static void sample_work(void *arg, int t)
{
    struct bench *b = arg;
    const struct step step = { .n_out = b->step.n_rows, .how = b->how };
    b->m.k->sample(&(struct op_sample){ b->token, b->out, &step, b->vocab }, machine_share(&b->m, t));
}

static void sample(struct bench *b, const char *name, int rows, int vocab, struct sampling how)
{
    struct sampling all[MAX_RUNS];
    for (int i = 0; i < rows; i++)
        all[i] = how;
    b->step.n_rows = rows;
    b->vocab = vocab;
    b->how = all;
    const size_t n = (size_t)rows * (size_t)vocab;
    float *fresh = machine_map(n * sizeof *fresh);
    b->out = machine_map(n * sizeof *b->out);
    uint64_t z = 1;
    for (size_t i = 0; i < n; i++) {                   /* a sum of uniforms, a little like logits */
        float x = -12.0f;
        for (int j = 0; j < 8; j++, z = z * 6364136223846793005u + 1442695040888963407u)
            x += 3.0f * (float)(z >> 40) * 0x1p-24f;
        fresh[i] = x;
    }
    double best = INFINITY;
    for (int i = 0; i < 5; i++) {
        memcpy(b->out, fresh, n * sizeof *fresh);
        best = fmin(best, machine_best_of(&b->m, sample_work, b, 1));
    }
    printf("sample  %-36s %2d x %6d:         %7.3f ms  %5.1f GB/s\n", name, rows, vocab, best * 1e3,
           (double)n * sizeof *fresh / best / 1e9);
    munmap(b->out, n * sizeof *b->out);
    munmap(fresh, n * sizeof *fresh);
}

static void rmsnorm_work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->rmsnorm(&(struct op_rmsnorm){ b->out, b->qkv, b->qkv, 1e-5f, b->step.n_rows, b->ff }, machine_share(&b->m, t));
}

static void silu_work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->silu_mul(&(struct op_silu_mul){ b->out, b->qkv, b->step.n_rows, b->ff }, machine_share(&b->m, t));
}

static void rope_work(void *arg, int t)
{
    struct bench *b = arg;
    b->m.k->rope_kv(&(struct op_rope_kv){ b->qkv, &b->kv, &b->a, &b->rope, &b->step }, machine_share(&b->m, t));
}

static void report(const char *name, double t, double bytes)
{
    printf("%-44s %35.3f ms  %5.1f GB/s\n", name, t * 1e3, bytes / t / 1e9);
}

static void others(struct bench *b)
{
    b->step.n_runs = 80;
    for (int i = 0; i < 80; i++)
        b->run[i] = (struct seq_run){ .n_rows = 1, .pos = 100 + i };
    build(b, 1, 9, 3, 64);
    float *table = machine_map(2048 * 64 * sizeof *table);
    b->rope = (struct rope){ table, 64 };
    report("rope_kv  80 rows of 80 runs, 9/3 heads of 64", machine_best_of(&b->m, rope_work, b, 9), 80 * 960 * 4);
    clear(b);
    b->step.n_runs = 1;
    b->run[0] = (struct seq_run){ .n_rows = 512 };
    build(b, 1, 9, 3, 64);
    report("rope_kv  512 rows of a run, 9/3 heads of 64", machine_best_of(&b->m, rope_work, b, 9), 512 * 960 * 4);
    clear(b);
    munmap(table, 2048 * 64 * sizeof *table);
    b->step.n_rows = 80;
    b->qkv = machine_map((size_t)80 * 2 * 8192 * sizeof *b->qkv);
    b->out = machine_map((size_t)80 * 8192 * sizeof *b->out);
    b->ff = 576;
    report("rmsnorm  80 x 576", machine_best_of(&b->m, rmsnorm_work, b, 9), 80 * 576 * 8);
    b->ff = 1536;
    report("silu_mul 80 x 1536", machine_best_of(&b->m, silu_work, b, 9), 80 * 1536 * 12);
    munmap(b->qkv, (size_t)80 * 2 * 8192 * sizeof *b->qkv);
    munmap(b->out, (size_t)80 * 8192 * sizeof *b->out);
    const struct sampling greedy = { .top_p = 1.0f, .repetition_penalty = 1.0f };
    struct sampling s = greedy;
    sample(b, "greedy", 80, 49152, greedy);
    sample(b, "greedy", 8, 151936, greedy);
    s.temperature = 0.7f;
    sample(b, "temperature 0.7", 80, 49152, s);
    s.top_k = 50;
    sample(b, "temperature 0.7, top-k 50", 80, 49152, s);
    s.top_p = 0.9f;
    sample(b, "temperature 0.7, top-k 50, top-p 0.9", 80, 49152, s);
    s.top_k = 0;
    sample(b, "temperature 0.7, top-p 0.9", 80, 49152, s);
    s.top_k = 3000;
    sample(b, "temperature 0.7, top-k 3000, top-p 0.9", 80, 49152, s);
}

int main(int argc, char **argv)
{
    static struct bench b;
    const char *what = argc > 1 ? argv[1] : "all";
    if (machine_open(&b.m, argc > 2 ? argv[2] : NULL, argc > 3 ? atoi(argv[3]) : 0) < 0) {
        fprintf(stderr, "usage: attention [decode|prefill|others|all] [avx512|avx2|plain] [threads]\n");
        return 1;
    }
    const int all = !strcmp(what, "all");
    machine_scratch(&b.m, 1, b.m.k->attend_scratch(MAX_ROWS));
    if (all || !strcmp(what, "decode")) {
        decode(&b, 80, 500, 2000, 10, 9, 3, 64);
        decode(&b, 80, 100, 160, 30, 9, 3, 64);
        decode(&b, 1, 1000, 1001, 30, 9, 3, 64);
        decode(&b, 1, 1023, 1024, 1, 3, 1, 64);
        decode(&b, 1, 1023, 1024, 1, 7, 1, 64);
        decode(&b, 1, 1023, 1024, 1, 1, 1, 64);
        decode(&b, 16, 500, 2000, 4, 32, 8, 128);
        decode(&b, 8, 500, 2000, 4, 32, 32, 128);
        decode(&b, 16, 500, 2000, 10, 14, 2, 64);
    }
    if (all || !strcmp(what, "prefill")) {
        prefill(&b, 0, 400, 9, 3, 64);
        prefill(&b, 0, 2000, 9, 3, 64);
        prefill(&b, 512, 256, 9, 3, 64);
        prefill(&b, 0, 1000, 32, 8, 128);
        prefill(&b, 0, 1000, 8, 8, 128);
    }
    if (all || !strcmp(what, "others"))
        others(&b);
    machine_close(&b.m);
    return 0;
}
