/* cuda_forward.c - tiny models of every architecture row and type (tests/golden/tiny) through the forward pass on the CUDA executor:
 * logits near the CPU's; one set of bits for a prompt whole, in pieces, token by token, among other sequences, and in every order of
 * threads. 16-bit activations and weights cost at most 0.03 of the spread of the logits on these random models. A fault in the middle of
 * a step is named. */
#include "golden_source.h"
#include "side.h"

#include "mtbench/engine.h"
#include "mtbench/mem.h"
#include "mtbench/model.h"

enum { N = 40, VOCAB = 96, LONG = 300, PAGES = (LONG + KV_PAGE - 1) / KV_PAGE, OTHERS = 3 };

struct rig {
    struct side side;
    struct source *source;
    struct model *m;
    void *packed;
    struct forward *f;
    struct kv_view kv;
};

static int open_rig(struct rig *r, const struct executor *x, const char *name, struct err *err)
{
    *r = (struct rig){ .source = golden_source(name, err) };
    if (!r->source || !(r->m = model_open(r->source, x->ops, NULL, err)))
        return -1;
    const struct model_config *c = &r->m->config;
    r->side = side_open(x);
    r->m->be = r->side.be;
    if (!(r->packed = x->ops->alloc(r->side.be, r->m->packed_bytes, err)))
        return -1;
    model_attach(r->m, r->packed);
    if (model_load(&r->m, 1, r->source, err) < 0 || model_rope(r->m, LONG, err) < 0)
        return -1;
    if (!(r->f = forward_create(r->m, &comm_self, SIDE_ROWS, OTHERS + 1, err)))
        return -1;
    r->kv = (struct kv_view){ .n_layers = c->n_layers, .n_kv = c->n_kv, .head_dim = c->head_dim };
    r->kv.base = side_put(&r->side, NULL, (OTHERS + 1) * PAGES * x->ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim));
    return 0;
}

static void close_rig(struct rig *r)
{
    if (r->m) {
        forward_destroy(r->f);
        side_drop(&r->side, r->packed, r->m->packed_bytes);
        model_close(r->m);
        side_close(&r->side);
    }
    source_files_close(r->source);
}

static int token_at(int sequence, int i)
{
    return (i * 37 + 11 + 17 * sequence) % VOCAB;
}

/* Logits (VOCAB) of the last of 'length' positions of sequence 0, in steps of 'piece' rows; with it run 'others' sequences, each a few
 * positions ahead. -1: err. */
static int run(struct rig *r, int length, int piece, int others, float *logits, struct err *err)
{
    int32_t token[SIDE_ROWS], page[OTHERS + 1][PAGES], row[OTHERS + 1];
    struct sampling how[OTHERS + 1] = { 0 };
    for (int s = 0; s <= others; s++)
        for (int i = 0; i < PAGES; i++)
            page[s][i] = i * (OTHERS + 1) + (s + i) % (OTHERS + 1);
    for (int at = 0; at < length; at += piece) {
        struct seq_run run[OTHERS + 1];
        int n = 0, mine = 0;
        for (int i = 0; i <= others; i++) {
            const int s = (i + 1) % (others + 1);                                   /* 0 comes last */
            const int rows = s ? piece / (s + 1) + 1 : length - at < piece ? length - at : piece;
            const int from = s ? at / piece * rows : at;
            run[i] = (struct seq_run){ n, rows, from, page[s] };
            for (int j = 0; j < rows; j++)
                token[n + j] = token_at(s, from + j);
            n += rows;
            row[i] = n - 1;
            mine = s ? mine : i;
        }
        const struct step step = { .n_rows = n, .token = token, .n_runs = others + 1, .run = run, .n_out = others + 1, .out_row = row,
                                   .how = how };
        int32_t drawn[OTHERS + 1];
        float *all = forward_step(r->f, &r->kv, &step);
        side_get(&r->side, logits, all + (size_t)mine * VOCAB, VOCAB * sizeof *logits);
        if (r->side.ops->drawn(r->side.be, drawn, NULL, 0, err) < 0)
            return -1;
    }
    return 0;
}

static double spread(const float *x)
{
    float low = x[0], high = x[0];
    for (int i = 1; i < VOCAB; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    return (double)high - (double)low;
}

static double distance(const float *a, const float *b)
{
    double worst = 0;
    for (int i = 0; i < VOCAB; i++) {
        const double e = fabs((double)a[i] - (double)b[i]);
        worst = e > worst || isnan(e) ? e : worst;
    }
    return worst;
}

static int likeliest(const float *x)
{
    int best = 0;
    for (int i = 1; i < VOCAB; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* The tokens that are drawn greedily behind prefixes of one text: where the GPU's is another one, the CPU has the two near a tie. */
static void check_greedy(const char *name, struct rig *cpu, struct rig *gpu)
{
    float want[VOCAB], got[VOCAB];
    struct err err = { 0 };
    double widest = 0;
    int n = 0, other = 0, rc = 0;
    for (int length = 3; length <= N; length += side_looked_at() ? 17 : 5, n++) {
        rc |= run(cpu, length, N, 0, want, &err) | run(gpu, length, N, 0, got, &err);
        const int a = likeliest(want), b = likeliest(got);
        other += a != b;
        widest = fmax(widest, ((double)want[a] - (double)want[b]) / spread(want));
    }
    ok(rc == 0 && widest < 0.03, "%s: %d of %d greedy tokens are others, %.4f of the spread behind at most %s", name, other, n, widest,
       err.text);
}

static void check(const char *name)
{
    struct rig cpu, gpu;
    struct err err = { 0 };
    float want[2][VOCAB], got[2][VOCAB], again[VOCAB];
    const int length[2] = { N, LONG };
    side_way(0);
    if (open_rig(&cpu, &executor_cpu, name, &err) < 0 || open_rig(&gpu, executor_find("cuda"), name, &err) < 0) {
        ok(false, "%s: %s", name, err.text);
        return;
    }
    for (int i = 0; i < 2; i++) {
        run(&cpu, length[i], N, 0, want[i], &err);
        const int rc = run(&gpu, length[i], N, 0, got[i], &err);
        const double far = distance(want[i], got[i]) / spread(want[i]);
        ok(rc == 0 && far < 0.03, "%s, %d positions: logits are %.4f of their spread from the CPU's %s", name, length[i], far, err.text);
    }
    check_greedy(name, &cpu, &gpu);
    static const struct { int piece, others, length; } ways[] = {
        { 7, 0, 0 }, { 1, 0, 0 }, { 13, OTHERS, 0 }, { 40, 1, 1 }, { 64, OTHERS, 1 },
    };
    int wrong = 0;
    for (int i = 0; i < (int)(sizeof ways / sizeof *ways); i++) {
        side_way(i % SIDE_WAYS);
        const int rc = run(&gpu, length[ways[i].length], ways[i].piece, ways[i].others, again, &err);
        wrong += rc < 0 || memcmp(again, got[ways[i].length], sizeof again) != 0;
    }
    ok(!wrong, "%s: whole, in pieces, one by one, among others: the same bits", name);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    close_rig(&cpu);
    close_rig(&gpu);
    side_reset();
}

enum { KERNELS = 12 };                /* of a layer: 3 products, rope_kv, attend, 1, add_rmsnorm, 2, silu_mul, 1, add_rmsnorm */

/* The k-th kernel of a run fails, or takes the device with it; k < 0: the -k-th behind the layers. One line says where, nothing goes on. */
static void check_fault(long *setting, const char *what, long k, bool stepwise, const char *words)
{
    struct rig gpu;
    struct err err = { 0 };
    float logits[VOCAB];
    side_way(0);
    cudasim()->quiet = true;
    if (stepwise)
        setenv("MTBENCH_CUDA_SYNC", "1", 1);
    else
        unsetenv("MTBENCH_CUDA_SYNC");
    if (open_rig(&gpu, executor_find("cuda"), "llama", &err) < 0) {
        ok(false, "%s", err.text);
        return;
    }
    const int n_layers = gpu.m->config.n_layers;
    k = k > 0 ? k : 2 + KERNELS * n_layers - k; /* behind the last layer */
    *setting = k;
    const int rc = run(&gpu, N, N, 0, logits, &err);
    ok(rc < 0 && err.kind == ERR_DEVICE && strstr(err.text, words) && strstr(err.text, "GPU 0"), "%s of kernel %ld: %s", what, k, err.text);
    struct err later = { 0 };
    ok(run(&gpu, N, N, 0, logits, &later) < 0 && !strcmp(later.text, err.text), "%s of kernel %ld: nothing is done after it", what, k);
    *setting = 0;
    close_rig(&gpu);
    side_reset();
}

/* Nothing is allocated on the device, nor pinned, once the engine stands: short and long prompts, penalties, a cache that is too small. */
static void check_engine(void)
{
    struct rig gpu;
    struct err err = { 0 };
    int32_t prompt[200];
    long before = 0;
    int n = 0;
    side_way(0);
    if (open_rig(&gpu, executor_find("cuda"), "smollm", &err) < 0) {
        ok(false, "%s", err.text);
        return;
    }
    struct team *team = team_create(&(struct team_opts){ .member = &gpu.m, .n = 1 }, &err);
    const size_t page = gpu.side.ops->kv_page_bytes(gpu.kv.n_layers, gpu.kv.n_kv, gpu.kv.head_dim);
    const struct engine_opts o = { .max_batch = 3, .max_rows = 64, .max_tokens = 256, .kv_bytes = 6 * page };
    struct engine *e = engine_create(team, &o, &err);
    for (int i = 0; i < 200; i++)
        prompt[i] = token_at(0, i);
    for (uint64_t i = 0; e && i < 5; i++) {
        const struct request r = { .tag = i, .prompt = prompt, .n_prompt = i % 2 ? 200 : 3, .max_new = 5 + (int)i,
                                   .how = { .temperature = 1, .top_p = 0.9f, .repetition_penalty = 1.3f, .key = { 1, 2 } } };
        engine_submit(e, &r, &err);
    }
    before = cudasim_allocations();
    while (e && engine_step(e, &err) > 0)
        ;
    for (const struct completion *c; e && (c = engine_collect(e)); n++)
        engine_release(e, c);
    ok(n == 5 && cudasim_allocations() == before, "an engine answers %d prompts: %ld allocations %s", n, cudasim_allocations() - before,
       err.text);
    engine_destroy(e);
    team_destroy(team);
    close_rig(&gpu);
    side_reset();
}

int main(void)
{
    static const char *const names[] = {
        "llama", "llama_gqa_tied", "llama3_scaling", "llama_linear", "mistral_window", "qwen2", "qwen2_yarn", "llama_old", "smollm",
        "llama_shards", "mistral_nemo", "qwen2_window", "llama_bias", "llama3_scaling.gguf", "llama_gqa_tied.gguf",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i += side_looked_at() ? 4 : 1)
        check(names[i]);
    if (!side_emulated()) {
        skip(19, "a card does not fail on demand, nor counts allocations");
        return done_testing();
    }
    check_fault(&cudasim()->fail_launch, "failure", 5, false, "of step 1");
    check_fault(&cudasim()->fail_launch, "failure", 7, true, "attend in layer 0 of step 1");
    check_fault(&cudasim()->lose_device, "loss", 9, false, "of step 1");
    check_fault(&cudasim()->lose_device, "loss", 2, true, ": rmsnorm of step 1");
    check_fault(&cudasim()->fail_launch, "failure", 3, true, "linear in layer 0 of step 1");
    check_fault(&cudasim()->fail_launch, "failure", 2 + KERNELS, true, "add_rmsnorm in layer 0 of step 1");
    check_fault(&cudasim()->fail_launch, "failure", 2 + KERNELS + 1, true, "linear in layer 1 of step 1");
    check_fault(&cudasim()->fail_launch, "failure", -1, true, ": gather_rows of step 1");
    check_fault(&cudasim()->fail_launch, "failure", -2, true, ": linear of step 1");
    check_engine();
    return done_testing();
}
