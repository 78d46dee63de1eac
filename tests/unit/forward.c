/* forward.c - tiny models of every architecture row against the logits of Hugging Face transformers (tests/golden/make_tiny.py): loaded
 * from safetensors, run by the CPU backend on every instruction set, prefilled at once, in pieces, and token by token; and their twins in
 * GGUF. Their bits are pinned by digests (tests/golden/bits.h): of the prompt's logits, and of a longer one's, which crosses a split of
 * attention. The KV cache is fp16 and transformers' is fp32, so logits differ by its rounding: at most 2e-3 of their spread here. */
#include "mtbench/executor.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/model.h"

#include "allocations.h"
#include "golden_source.h"
#include "tap.h"
#include "tests/golden/bits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40, VOCAB = 96, LONG = 300, PAGES = (LONG + KV_PAGE - 1) / KV_PAGE };

struct rig {
    struct source *source;
    struct model *m;
    void *packed;
    struct forward *f;
    struct kv_view kv;
    size_t kv_bytes;
};

static int open_rig(struct rig *r, const char *name, const char *isa, struct err *err)
{
    *r = (struct rig){ .source = golden_source(name, err) };
    if (!r->source || !(r->m = model_open(r->source, executor_cpu.ops, NULL, err)))
        return -1;
    const struct model_config *c = &r->m->config;
    struct executor_opts o = { .threads = 2, .isa = isa, .max_rows = N, .max_k = 256 };
    if (!(r->m->be = executor_cpu.open(&o, err)))
        return -1;
    r->packed = executor_cpu.ops->alloc(r->m->be, r->m->packed_bytes, err);
    model_attach(r->m, r->packed);
    if (model_load(&r->m, 1, r->source, err) < 0 || model_rope(r->m, LONG, err) < 0)
        return -1;
    r->f = forward_create(r->m, &comm_self, N, 1, err);
    r->kv = (struct kv_view){ .n_layers = c->n_layers, .n_kv = c->n_kv, .head_dim = c->head_dim };
    r->kv_bytes = PAGES * executor_cpu.ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim);
    r->kv.base = executor_cpu.ops->alloc(r->m->be, r->kv_bytes, err);
    return 0;
}

static void close_rig(struct rig *r)
{
    if (r->m) {
        struct backend *be = r->m->be;
        forward_destroy(r->f);
        if (be) {
            executor_cpu.ops->release(be, r->packed, r->m->packed_bytes);
            executor_cpu.ops->release(be, r->kv.base, r->kv_bytes);
        }
        model_close(r->m);
        executor_cpu.close(be);
    }
    source_files_close(r->source);
}

/* Logits of the last of 'length' positions, the prompt in steps of 'piece' rows. */
static void run(struct rig *r, int length, int piece, float *logits)
{
    int32_t token[LONG], page[PAGES];
    for (int i = 0; i < PAGES; i++)
        page[i] = PAGES - 1 - i;
    for (int i = 0; i < length; i++)
        token[i] = (i * 37 + 11) % VOCAB;
    for (int at = 0; at < length; at += piece) {
        int n = length - at < piece ? length - at : piece;
        struct seq_run seq = { .n_rows = n, .pos = at, .page = page };
        int32_t last = n - 1;
        struct step step = { .n_rows = n, .token = token + at, .n_runs = 1, .run = &seq, .n_out = 1, .out_row = &last };
        memcpy(logits, forward_step(r->f, &r->kv, &step), VOCAB * sizeof *logits);
    }
}

static const char *pinned(const char *name)
{
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if (!strcmp(bits[i].name, name))
            return bits[i].sha256;
    return "none";
}

/* Both prompts' logits have the bits that they had when tests/golden/make_bits was run last. */
static void check_pinned(struct rig *r, const char *name, const char *isa, const float short_one[VOCAB])
{
    float both[2 * VOCAB];
    char hex[65];
    memcpy(both, short_one, VOCAB * sizeof *both);
    run(r, LONG, N, both + VOCAB);
    sha256_hex(both, sizeof both, hex);
    ok(!strcmp(hex, pinned(name)), "%s on %s: bits %s", name, isa, hex);
}

/* Every way to run the model gives the same bits; 'first' gets them. False: none ran. */
static bool check_bits(const char *name, float first[VOCAB])
{
    static const char *const isa[] = { "plain", "avx2", "avx512" };
    static const int piece[] = { N, 7, 1 };
    struct err err = { 0 };
    float got[VOCAB];
    bool have_first = false;
    for (int i = 0; i < 3; i++) {
        struct rig r;
        if (!strstr(executor_cpu_isas(), isa[i])) {
            skip(3, "this machine lacks the instruction set");
            continue;
        }
        if (open_rig(&r, name, isa[i], &err) < 0) {
            ok(false, "%s on %s: %s", name, isa[i], err.text);
            close_rig(&r);
            continue;
        }
        int differ = 0;
        long before = n_allocations;
        for (int p = 0; p < 3; p++) {
            run(&r, N, piece[p], got);
            if (!have_first)
                memcpy(first, got, sizeof got);
            have_first = true;
            differ += memcmp(first, got, sizeof got) != 0;
        }
        long made = n_allocations - before;
        check_pinned(&r, name, isa[i], first);
        ok(differ == 0, "%s on %s: prompt whole, in sevens, one by one: same bits", name, isa[i]);
        ok(made == 0, "%s on %s: no step allocates", name, isa[i]);
        close_rig(&r);
    }
    return have_first;
}

/* 'name' is a folder or file of tests/golden/tiny, 'golden' the folder with its logits. */
static void check(const char *name, const char *golden, float first[VOCAB])
{
    char *path = xasprintf("tests/golden/tiny/%s/logits.bin", golden);
    struct buf want = { 0 };
    struct err err = { 0 };
    float low = INFINITY, high = -INFINITY, worst = 0;
    bool there = io_read(path, &want, &err) == 0 && want.len == VOCAB * sizeof *first, ran = check_bits(name, first);
    for (int v = 0; there && ran && v < VOCAB; v++) {
        float w;
        memcpy(&w, want.data + 4 * v, 4);
        low = fminf(low, w), high = fmaxf(high, w), worst = fmaxf(worst, fabsf(w - first[v]));
    }
    ok(there && ran && worst <= 2e-3f * (high - low), "%s: logits within %.1e of transformers', spread %.1f", name, (double)worst,
       (double)(high - low));
    buf_free(&want);
    free(path);
}

/* Row order and keys of GGUF are another spelling of the same model. llama3's scaling comes as ready divisors there, which round
 * differently. */
static void check_twin(const char *name, bool same_bits)
{
    char *file = xasprintf("%s.gguf", name);
    float twin[VOCAB], first[VOCAB];
    check(file, name, twin);
    if (same_bits)
        ok(check_bits(name, first) && !memcmp(twin, first, sizeof first), "%s: the bits of its twin", file);
    free(file);
}

/* A bias in every projection, and the same in a GGUF file of two parts, where rows of q and k lie in another order, their biases too. */
static void check_biased(void)
{
    float folder[VOCAB], split[VOCAB];
    check("llama_bias", "llama_bias", folder);
    check("llama_bias-00002-of-00002.gguf", "llama_bias", split);
    ok(!memcmp(folder, split, sizeof folder), "a split GGUF file: the bits of its twin");
}

/* The ramp between waves that are stretched and those that are not ends at the last dimension, as in transformers' _compute_yarn_parameters
 * (modeling_rope_utils.py), also where slow waves would put its end behind it. */
static void check_yarn_end(void)
{
    struct err err = { 0 };
    struct rig r;
    if (!ok(open_rig(&r, "qwen2_yarn", "plain", &err) == 0, "a model with yarn opens %s", err.text)) {
        close_rig(&r);
        return;
    }
    struct model_config *c = &r.m->config;
    const double dims = c->rope.dims, theta = 10, original = floor(2 * M_PI * pow(theta, 2 * (dims + 0.8) / dims));
    const double low = floor(dims * log(original / (32 * 2 * M_PI)) / (2 * log(theta))), end = dims - 1;
    double worst = 0;
    c->rope.theta = 10;
    c->rope.original_context = (int)original;
    c->rope.attention_factor = 1;
    ok(model_rope(r.m, 2, &err) == 0 && ceil(dims * log(original / (2 * M_PI)) / (2 * log(theta))) > end, "its ramp would go past %g", end);
    for (int i = 0; i < c->rope.dims / 2; i++) {
        const double f = pow(theta, -2 * i / dims), ramp = fmin(fmax((i - fmax(low, 0)) / (end - fmax(low, 0)), 0), 1);
        const double angle = f / (double)c->rope.factor * ramp + f * (1 - ramp);
        worst = fmax(worst, fabs((double)r.m->rope.table[2 * (c->rope.dims / 2 + i) + 1] - sin(angle)));
    }
    ok(worst < 1e-6, "yarn's waves are those of a ramp that ends there: %.1e", worst);
    close_rig(&r);
}

int main(void)
{
    static const char *const name[] = { "llama", "llama_old", "llama_gqa_tied", "llama_shards", "llama3_scaling", "llama_linear", "smollm",
                                        "mistral_window", "mistral_nemo", "qwen2", "qwen2_yarn", "qwen2_window" };
    float logits[VOCAB];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        check(name[i], name[i], logits);
    check_twin("llama_gqa_tied", true);
    check_twin("qwen2_yarn", true);
    check_twin("llama3_scaling", false);
    check_biased();
    check_yarn_end();
    return done_testing();
}
