/* sample.c - drawing tokens: Philox against Random123's known answers, greedy against a plain search, the kept sets and probabilities
 * against transformers (golden) and the textbook, draws against the inverse of the distribution function, and the same tokens for every
 * instruction set and thread count. */
#include "golden/sampling.h"
#include "kernels/ref/ref.h"
#include "mtbench/rng.h"
#include "shares.h"
#include "tap.h"

#include <math.h>

enum { BATCH = 64 };

struct call {
    const struct cpu_kernels *k;
    struct op_sample op;
};

static void work(void *arg, struct share s)
{
    const struct call *c = arg;
    c->k->sample(&c->op, s);
}

static void philox(void)
{
    static const struct { uint32_t key[2], counter[4], out[4];
    } table[] = {
        {{0, 0}, {0, 0, 0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{~0u, ~0u}, {~0u, ~0u, ~0u, ~0u}, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0xa4093822, 0x299f31d0}, {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        uint32_t out[4];
        philox4x32(table[i].key, table[i].counter, out);
        ok(!memcmp(out, table[i].out, sizeof out), "philox: known answer %zu", i + 1);
    }
    ok(uniform24(0) == 0.0f && uniform24(~0u) < 1.0f, "a uniform number is in [0, 1)");
}

/* ---- greedy ---- */

static void greedy(const char *name, const float *x, int n, int want)
{
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    const struct sampling how = { .temperature = 9e-5f, .top_k = 3, .top_p = 0.5f, .repetition_penalty = 1.0f };
    for (int k = 0; k < n_isa; k++) {
        int32_t token = -1;
        float *copy = malloc((size_t)n * sizeof *copy);
        memcpy(copy, x, (size_t)n * sizeof *copy);
        run_shares(1, work, &(struct call){ isa[k], { &token, copy, &(struct step){ .n_out = 1, .how = &how }, n } });
        ok(token == want, "greedy, %s, %s: %d", name, isa[k]->isa, token);
        free(copy);
    }
}

static void greedy_table(void)
{
    enum { N = 3001 };
    static float x[N];
    mix_fill(x, N, 5.0f, 3);
    x[N - 1] = 6.0f;
    greedy("the last of 3001", x, N, N - 1);
    x[2048] = x[1024] = x[1500] = 7.0f;
    greedy("a tie across blocks", x, N, 1024);
    greedy("one token", x, 1, 0);
    for (int i = 0; i < 40; i++)
        x[i] = -3e38f;
    x[33] = -1e30f;
    greedy("hardly possible ones", x, 40, 33);
    x[0] = -0.0f, x[5] = 0.0f;
    greedy("-0 ties with 0", x, 40, 0);
}

static void penalty(void)
{
    const float x[4] = { 3.0f, 2.0f, -1.0f, -1.5f };
    static const struct {
        uint64_t seen;
        float factor;
        int want;
    } table[] = {{0, 2.0f, 0}, {1, 2.0f, 1}, {3, 100.0f, 0}, {2, 0.5f, 1}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const struct sampling how = { .top_p = 1.0f, .repetition_penalty = table[i].factor, .seen = &table[i].seen };
        float copy[4];
        int32_t token = -1;
        memcpy(copy, x, sizeof copy);
        run_shares(1, work, &(struct call){ &cpu_kernels_plain, { &token, copy, &(struct step){ .n_out = 1, .how = &how }, 4 } });
        ok(token == table[i].want, "greedy with penalty %g on %llu: %d", (double)table[i].factor, (unsigned long long)table[i].seen, token);
    }
    const float low[2] = { -1.0f, -1.5f };
    const uint64_t first = 1;
    const struct sampling how = { .top_p = 1.0f, .repetition_penalty = 2.0f, .seen = &first };
    float copy[2];
    int32_t token = -1;
    memcpy(copy, low, sizeof copy);
    run_shares(1, work, &(struct call){ &cpu_kernels_plain, { &token, copy, &(struct step){ .n_out = 1, .how = &how }, 2 } });
    ok(token == 1, "the penalty makes a negative logit smaller");
}

/* ---- draws ---- */

/* How far u lies outside the interval of the distribution function that belongs to the token. */
static double miss(const double *p, int token, double u)
{
    double before = 0.0;
    for (int i = 0; i < token; i++)
        before += p[i];
    return fmax(fmax(before - u, u - (before + p[token])), 0.0);
}

/* 'rounds' batches of draws of one row: each must invert the distribution function p, and be the same everywhere. */
static void draws(const char *name, const float *x, int n, struct sampling how, const double *p, int rounds)
{
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    float *logits = malloc((size_t)BATCH * (size_t)n * sizeof *logits);
    double worst = 0.0;
    int outside = 0, differ = 0;
    for (int round = 0; round < rounds; round++) {
        struct sampling all[BATCH];
        int32_t first[BATCH], token[BATCH];
        for (int i = 0; i < BATCH; i++) {
            all[i] = how;
            all[i].key[0] = 17;
            all[i].counter[0] = (uint32_t)(round * BATCH + i);
        }
        for (int k = n_isa - 1; k >= 0; k--) {
            int32_t *to = k == n_isa - 1 ? first : token;
            for (int i = 0; i < BATCH; i++)
                memcpy(logits + (size_t)i * (size_t)n, x, (size_t)n * sizeof *x);
            memset(to, 0xff, sizeof token);
            const struct step step = { .n_out = BATCH, .how = all };
            run_shares(1 + (round + k) % 3, work, &(struct call){ isa[k], { to, logits, &step, n } });
            differ += to == token && memcmp(first, token, sizeof token);
        }
        for (int i = 0; i < BATCH; i++) {
            uint32_t word[4];
            philox4x32(all[i].key, all[i].counter, word);
            outside += first[i] < 0 || first[i] >= n || p[first[i]] == 0.0;
            if (first[i] >= 0 && first[i] < n)
                worst = fmax(worst, miss(p, first[i], (double)uniform24(word[0])));
        }
    }
    ok(outside == 0, "%s: %d draws, %d outside the kept set", name, rounds * BATCH, outside);
    ok(worst < 2e-5, "%s: draws invert the distribution function, off by %.1e", name, worst);
    ok(differ == 0, "%s: the same tokens for every instruction set and thread count", name);
    free(logits);
}

static void against_golden(void)
{
    for (size_t g = 0; g < sizeof golden / sizeof *golden; g++) {
        const struct golden *c = &golden[g];
        const uint64_t seen[2] = { c->seen[0], c->seen[1] };
        const struct sampling how = { .temperature = c->temperature, .top_k = c->top_k, .top_p = c->top_p, .min_p = c->min_p,
                                      .repetition_penalty = c->repetition_penalty, .seen = seen };
        double p[GOLDEN_N], worst = 0.0;
        char name[128];
        snprintf(name, sizeof name, "transformers %zu (T %g, top-k %d, top-p %g, min-p %g, penalty %g)", g + 1, (double)c->temperature,
                 c->top_k, (double)c->top_p, (double)c->min_p, (double)c->repetition_penalty);
        ref_sample(p, c->logit, GOLDEN_N, &how);
        for (int i = 0; i < GOLDEN_N; i++)
            worst = fmax(worst, fabs(p[i] - c->p[i]));
        ok(worst < 1e-6, "%s: the textbook agrees to %.1e", name, worst);
        draws(name, c->logit, GOLDEN_N, how, c->p, 16);
    }
}

/* Large vocabularies, where the short list is used, and flat ones, where it is too short. */
static void against_ref(void)
{
    static const struct { int n; float size, temperature, top_p, min_p; int top_k, ties; } table[] = {
        { 49152, 8.0f, 0.7f, 1.0f, 0.0f, 50, 0 }, { 49152, 8.0f, 0.7f, 0.9f, 0.0f, 50, 0 }, { 49152, 8.0f, 0.5f, 0.9f, 0.0f, 0, 0 },
        { 49152, 8.0f, 0.7f, 1.0f, 0.0f, 0, 0 }, { 20011, 1.0f, 1.0f, 0.95f, 0.0f, 0, 0 }, { 20011, 1.0f, 1.0f, 0.95f, 0.0f, 15000, 0 },
        { 20011, 1.0f, 1.0f, 1.0f, 0.4f, 0, 0 }, { 151936, 9.0f, 1.0f, 0.9f, 0.02f, 40, 0 }, { 5000, 4.0f, 1.0f, 1.0f, 0.0f, 100, 64 },
        { 5000, 4.0f, 1.0f, 0.9f, 0.0f, 0, 16 }, { 20011, 4.0f, 1.0f, 1.0f, 0.0f, 3000, 8 },
        { 49152, 4.0f, 1.0f, 1.0f, 0.0f, 50, 64 }, { 49152, 4.0f, 1.0f, 0.5f, 0.0f, 50, 64 },
    };
    for (size_t t = 0; t < sizeof table / sizeof *table; t++) {
        const int n = table[t].n;
        float *x = malloc((size_t)n * sizeof *x);
        double *p = malloc((size_t)n * sizeof *p);
        char name[128];
        mix_fill(x, (size_t)n, table[t].size, 40 + t);
        for (int i = 0; i < n && table[t].ties; i++)           /* few distinct logits: ties at every cut */
            x[i] = rintf(x[i] * (float)table[t].ties / 4.0f) * 0.25f;
        const struct sampling how = { .temperature = table[t].temperature, .top_k = table[t].top_k, .top_p = table[t].top_p,
                                      .min_p = table[t].min_p, .repetition_penalty = 1.0f };
        snprintf(name, sizeof name, "%d tokens (T %g, top-k %d, top-p %g, min-p %g, ties %d)", n, (double)how.temperature, how.top_k,
                 (double)how.top_p, (double)how.min_p, table[t].ties);
        ref_sample(p, x, n, &how);
        draws(name, x, n, how, p, 1);
        free(x), free(p);
    }
}

/* 24 bits of Philox are uniform enough: chi-square over 64 tokens, 12,800 draws; 103.4 is the 0.1 % point of 63 degrees. */
static void chi_square(void)
{
    enum { N = 64, DRAWS = 200 * BATCH };
    float x[N], logits[BATCH * N];
    double p[N], chi = 0.0;
    int count[N] = { 0 };
    mix_fill(x, N, 1.0f, 9);
    struct sampling how[BATCH] = { { .temperature = 1.0f, .top_p = 1.0f, .repetition_penalty = 1.0f, .key = { 5, 6 } } };
    ref_sample(p, x, N, &how[0]);
    for (int round = 0; round < DRAWS / BATCH; round++) {
        int32_t token[BATCH];
        for (int i = 0; i < BATCH; i++) {
            how[i] = how[0];
            how[i].counter[0] = (uint32_t)i;
            how[i].counter[3] = (uint32_t)round;
            memcpy(logits + i * N, x, sizeof x);
        }
        run_shares(1, work, &(struct call){ &cpu_kernels_plain, { token, logits, &(struct step){ .n_out = BATCH, .how = how }, N } });
        for (int i = 0; i < BATCH; i++)
            count[token[i]]++;
    }
    for (int i = 0; i < N; i++)
        chi += (count[i] - DRAWS * p[i]) * (count[i] - DRAWS * p[i]) / (DRAWS * p[i]);
    ok(chi < 103.4, "chi-square of %d draws: %.1f", DRAWS, chi);
}

/* One logit that is no finite number, wherever it stands and whatever the others are: no token. */
static void not_finite(void)
{
    enum { N = 3001 };
    static const struct sampling how[] = { { .temperature = 0.0f, .top_p = 1.0f, .repetition_penalty = 1.0f },
                                           { .temperature = 1.0f, .top_k = 50, .top_p = 0.9f, .repetition_penalty = 1.0f } };
    static const int place[] = { 0, 15, 16, 1024, 2999, N - 1 };
    uint32_t payload = 0x7f800001;
    float bad[4] = { NAN, INFINITY, -INFINITY, 0 };
    const struct cpu_kernels *isa[MAX_ISA];
    const int n_isa = isa_list(isa);
    memcpy(&bad[3], &payload, sizeof payload);
    for (int k = 0; k < n_isa; k++) {
        int drawn = 0, missed = 0;
        for (size_t i = 0; i < 2 * 4 * sizeof place / sizeof *place; i++) {
            static float x[2 * N];
            int32_t token[2] = { 7, 7 };
            const struct sampling both[2] = { how[i % 2], how[i % 2] };
            mix_fill(x, 2 * N, 5.0f, 3);
            x[N + place[i / 8]] = bad[i / 2 % 4];
            run_shares(1, work, &(struct call){ isa[k], { token, x, &(struct step){ .n_out = 2, .how = both }, N } });
            missed += token[1] != -1;
            drawn += token[0] >= 0;
        }
        ok(missed == 0 && drawn == 48, "NaN or an infinity among logits: %d not noticed, %d of 48 neighbours drawn, %s", missed, drawn,
           isa[k]->isa);
    }
}

int main(void)
{
    philox();
    greedy_table();
    penalty();
    against_golden();
    against_ref();
    chi_square();
    not_finite();
    return done_testing();
}
