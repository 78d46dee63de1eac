/* cuda_sample.c - the draw of the CUDA executor: on equal logits the CPU's token, for every way of sampling, flat rows and ties among them.
 * MTB_ROWS=100000 draws as many rows; every fourth way of the emulator's threads takes its turn. */
#include "side.h"

static struct side cpu, gpu;

enum { BATCH = 40 };

static float uniform(void)
{
    return (float)(side_bits() & 0xffffff) * 0x1p-24f;
}

static int choice(int n)
{
    return (int)(side_bits() % (uint32_t)n);
}

/* Rows as models make them, and as no model should. */
static void fill_row(float *x, int n)
{
    const int kind = choice(8);
    const float size = (float[]){ 0.01f, 1, 4, 12, 60 }[choice(5)];
    for (int i = 0; i < n; i++) {
        const float normal = uniform() + uniform() + uniform() + uniform() - 2.0f;
        x[i] = kind == 0 ? 1.5f : kind == 1 ? size * floorf(4 * normal) : kind == 2 ? -size * uniform() * uniform() * 40 : size * normal;
    }
    if (kind == 3)                                                                  /* one stands out */
        x[choice(n)] += 20;
    if (kind == 4)
        x[choice(n)] = -0.0f, x[choice(n)] = 0.0f;
    if (kind == 5 && choice(10) == 0)
        x[choice(n)] = (float[]){ NAN, INFINITY, -INFINITY }[choice(3)];
    if (kind == 6 && choice(4) == 0)
        x[choice(n)] = 3e38f;                                                       /* overflows where the temperature is small */
}

static struct sampling any_sampling(const uint64_t *seen)
{
    struct sampling how = {
        .temperature = (float[]){ 0, 0.7f, 1, 1.5f, 0.01f, 1e-3f, 3 }[choice(7)], .top_k = (int[]){ 0, 0, 1, 5, 50, 300, 3000 }[choice(7)],
        .top_p = (float[]){ 1, 1, 0.9f, 0.99f, 0.5f, 0.1f, 1e-3f }[choice(7)], .min_p = (float[]){ 0, 0, 0, 0.05f, 0.5f, 1 }[choice(6)],
        .repetition_penalty = (float[]){ 1, 1, 1.3f, 0.8f }[choice(4)], .seen = choice(2) ? seen : NULL,
    };
    for (int i = 0; i < 6; i++)
        (i < 2 ? how.key : how.counter - 2)[i] = side_bits();
    return how;
}

/* One step of rows that draw, on both sides; how many tokens differ. */
static int differ(int n_vocab, int n)
{
    const size_t bytes = (size_t)n * (size_t)n_vocab * sizeof(float), words = ((size_t)n_vocab + 63) / 64;
    float *x = malloc(bytes);
    uint64_t *seen = malloc(words * sizeof *seen);
    struct sampling how[BATCH];
    int32_t token[BATCH] = { 0 }, page = 0, row[BATCH], drawn[2][BATCH];
    struct seq_run run[BATCH];
    struct err err = { 0 };
    int wrong = 0;
    for (size_t i = 0; i < words; i++)
        seen[i] = (uint64_t)side_bits() << 32 | side_bits();                        /* bits beyond the vocabulary too */
    for (int i = 0; i < n; i++) {
        fill_row(x + (size_t)i * (size_t)n_vocab, n_vocab);
        how[i] = any_sampling(seen);
        run[i] = (struct seq_run){ i, 1, 0, &page };
        row[i] = i;
    }
    const struct step step = { .n_rows = n, .token = token, .n_runs = n, .run = run, .n_out = n, .out_row = row, .how = how };
    const struct side *const side[] = { &cpu, &gpu };
    for (int i = 0; i < 2; i++) {
        const struct side *s = side[i];
        float *there = side_put(s, x, bytes);
        side_room(s, n_vocab);
        int32_t *out = side_put(s, NULL, BATCH * sizeof *out);
        s->ops->step_begin(s->be, &step);
        MTB_DO(s, sample, .token = out, .logits = there, .step = &step, .n_vocab = n_vocab);
        if (s->ops->drawn(s->be, drawn[i], out, n, &err) < 0)
            printf("# %s\n", err.text), wrong++;
        side_drop(s, there, bytes);
        side_drop(s, out, BATCH * sizeof *out);
    }
    for (int i = 0; i < n; i++)
        if (drawn[0][i] != drawn[1][i] && wrong++ < 10)
            printf("# vocabulary %d: token %d, the CPU's %d: temperature %g, top_k %d, top_p %g, min_p %g, penalty %g\n", n_vocab,
                   drawn[1][i], drawn[0][i], (double)how[i].temperature, how[i].top_k, (double)how[i].top_p, (double)how[i].min_p,
                   (double)how[i].repetition_penalty);
    free(x);
    free(seen);
    return wrong;
}

int main(void)
{
    static const int vocab[] = { 1, 37, 96, 500, 1000, 4099 };
    const char *wanted = getenv("MTB_ROWS");
    const long rows = wanted ? atol(wanted) : side_looked_at() ? 240 : 2400;
    cpu = side_open(&executor_cpu);
    gpu = side_open(executor_find("cuda"));
    for (size_t v = 0; v < sizeof vocab / sizeof *vocab; v++) {
        int wrong = 0;
        long n = 0;
        for (; n < rows / (long)(sizeof vocab / sizeof *vocab); n += BATCH) {
            side_way((int)(n / BATCH) % SIDE_WAYS);
            wrong += differ(vocab[v], BATCH);
        }
        ok(!wrong, "%ld rows of %d: the CPU's tokens", n, vocab[v]);
    }
    side_way(0);
    int wrong = 0;
    const int large = side_looked_at() ? 1 : 24;
    for (int i = 0; i < large; i += 6)
        wrong += differ(140000, large < 6 ? large : 6);                                                /* blocks of 128 tokens */
    ok(!wrong, "%d rows of 140000: the CPU's tokens", large);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    side_close(&gpu);
    side_close(&cpu);
    return done_testing();
}
