/* team.c - a model spread over 1, 2, 4 and 8 members gives the same bits: logits and draws of prompts in pieces, of decoding side by side,
 * on copied pages; for every type of weights, biases, tied heads, KV heads that are dealt or repeated, cuts within quantised blocks. Then
 * the engine over it; steps that are interrupted, that fail on one member, and numbers that are none. */
#include "mtbench/engine.h"
#include "mtbench/executor.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"

#include "made_model.h"
#include "spread.h"
#include "tap.h"

#include <stdatomic.h>

struct replica {
    const struct source *files;
    struct model *share[COMM_MAX];
    struct backend *be[COMM_MAX];
    void *packed[COMM_MAX];
    int n;
    struct team *team;
};

static int ask_at;                        /* the interrupt says yes when it has been asked so often; 0: never */

static bool interrupted(void *ctx)
{
    (void)ctx;
    return ask_at > 0 && --ask_at == 0;
}

/* 'bad': what member 1 computes with, if not with the usual ops. */
static int open_replica(struct replica *r, const struct source *files, int n, const char *isa, const struct ops *bad, struct err *err)
{
    const struct executor *x = &executor_cpu;
    *r = (struct replica){ .files = files, .n = n };
    if (!(r->share[0] = model_open(files, x->ops, &(struct model_share){ 0, n }, err)))
        return -1;
    for (int i = 0; i < n; i++) {
        if (i > 0)
            r->share[i] = model_open_other(r->share[0], i);
        struct model *m = r->share[i];
        const struct executor_opts o = { .threads = 1, .max_rows = 64, .max_k = 1024, .isa = isa, .crowded = true };
        m->be = r->be[i] = x->open(&o, err);
        r->packed[i] = m->be ? x->ops->alloc(m->be, m->packed_bytes, err) : NULL;
        if (!r->packed[i])
            return -1;
        model_attach(m, r->packed[i]);
    }
    if (model_load(r->share, n, files, err) < 0)
        return -1;
    if (bad && n > 1)
        r->share[1]->ops = bad;
    r->team = team_create(&(struct team_opts){ .member = r->share, .n = n, .crowded = true, .interrupted = interrupted }, err);
    return r->team ? 0 : -1;
}

static void close_replica(struct replica *r)
{
    team_destroy(r->team);
    for (int i = r->n - 1; i >= 0; i--) {
        if (r->packed[i])
            executor_cpu.ops->release(r->be[i], r->packed[i], r->share[i]->packed_bytes);
        model_close(r->share[i]);
        executor_cpu.close(r->be[i]);
    }
}

static bool all_finite(const struct buf *b)
{
    for (size_t at = 0; at + 4 <= b->len; at += 4) {
        uint32_t bits;
        memcpy(&bits, b->data + at, 4);
        if ((bits & 0x7f800000) == 0x7f800000 && bits != 0xffffffff)
            return false;
    }
    return b->len > 0;
}

/* Returns what one member computes. */
static struct record spread_over(const char *name, const struct source *files, const char *isa, int largest)
{
    struct record one = { 0 };
    int degree[4], n = 0;
    for (int d = 1; d <= 8; d *= 2) {
        struct replica r;
        struct record got = { 0 };
        const int rc = open_replica(&r, files, d, isa, NULL, &got.err);
        if (rc < 0 && d > 1 && got.err.kind == ERR_USAGE)       /* not this model */
            break;
        if (rc == 0)
            spread_run(r.team, &got);
        n = rc == 0 ? model_degrees(&r.share[0]->config, degree) : 0;
        const bool same = d == 1 || (got.b.len == one.b.len && !memcmp(got.b.data, one.b.data, one.b.len));
        ok(rc == 0 && !got.failed && all_finite(&got.b) && same,
           "%s on %s: %d member%s: %s%s", name, isa, d, d > 1 ? "s" : "", d == 1 ? "finite numbers" : "the bits of one", got.err.text);
        close_replica(&r);
        if (d == 1)
            one = got;
        else
            buf_free(&got.b);
    }
    ok(n > 0 && degree[n - 1] == largest, "%s: up to %d members", name, n ? degree[n - 1] : 0);
    return one;
}

static void check_spread(const char *name, const struct source *files, const char *isa, int largest)
{
    struct record one = spread_over(name, files, isa, largest);
    buf_free(&one.b);
}

/* ---- models ---- */

static const struct { struct made m; int largest; } made[] = {
    { { .name = "F32, each head its own KV", .type = DT_F32, .layers = 2, .dim = 64, .heads = 8, .kv = 8, .head_dim = 32, .ff = 256,
        .vocab = 96 }, 8 },
    { { .name = "BF16, 4 KV heads, tied", .type = DT_BF16, .layers = 2, .dim = 64, .heads = 8, .kv = 4, .head_dim = 32, .ff = 512,
        .vocab = 300, .tied = true }, 8 },
    { { .name = "F16, 2 KV heads, biases", .type = DT_F16, .layers = 2, .dim = 48, .heads = 16, .kv = 2, .head_dim = 16, .ff = 256,
        .vocab = 100, .bias = true }, 8 },
    { { .name = "BF16, one KV head, window, tied", .type = DT_BF16, .layers = 2, .dim = 64, .heads = 8, .kv = 1, .head_dim = 32, .ff = 256,
        .vocab = 64, .tied = true, .window = 20 }, 8 },
    { { .name = "F32, 4 heads", .type = DT_F32, .layers = 1, .dim = 32, .heads = 4, .kv = 2, .head_dim = 64, .ff = 128, .vocab = 31,
        .bias = true }, 4 },
    { { .name = "F32, 6 heads on 3 KV heads", .type = DT_F32, .layers = 1, .dim = 32, .heads = 6, .kv = 3, .head_dim = 32, .ff = 128,
        .vocab = 40 }, 1 },
    { { .name = "GGUF F32, biases, also of the head", .type = DT_F32, .gguf = true, .layers = 2, .dim = 64, .heads = 8, .kv = 4,
        .head_dim = 32, .ff = 256, .vocab = 200, .bias = true, .head_bias = true }, 8 },
    { { .name = "GGUF F16, tied with a bias", .type = DT_F16, .gguf = true, .layers = 1, .dim = 64, .heads = 8, .kv = 2, .head_dim = 32,
        .ff = 256, .vocab = 130, .tied = true, .head_bias = true }, 8 },
};

static void check_made(const struct made *m, const char *isa, int largest)
{
    struct memory files = { 0 };
    made_files(&files, m);
    const struct source s = memory_source(&files);
    check_spread(m->name, &s, isa, largest);
    memory_free(&files);
}

/* Shards of 32 inputs of o and 96 of down: in blocks of 256 most cuts fall within one. */
static void check_types(const char *isa)
{
    for (int t = DT_Q8_0; t < DT_COUNT; t++) {
        char name[32];
        snprintf(name, sizeof name, "GGUF %s", dtype_info[t].name);
        const struct made m = { .name = name, .type = (enum dtype)t, .gguf = true, .layers = 1, .dim = 256, .heads = 8, .kv = t % 2 ? 2 : 8,
                                .head_dim = 32, .ff = 768, .vocab = 72, .tied = t % 3 == 0, .bias = t % 2 == 0 };
        check_made(&m, isa, 8);
    }
}

/* Whole rows are changed, then cut; a head that the change parts from the embedding passes by with it; another vocabulary. */
static void check_adapters(void)
{
    static const struct made m = { .type = DT_BF16, .layers = 1, .dim = 64, .heads = 8, .kv = 2, .head_dim = 32, .ff = 256, .vocab = 96,
                                   .tied = true };
    for (int vocab = 0; vocab <= 107; vocab += 107) {
        struct memory files = { 0 };
        made_adapter(&files, &m, vocab);
        const struct source s = memory_source(&files);
        check_spread(vocab ? "an adapter with another vocabulary" : "an adapter", &s, "plain", 8);
        memory_free(&files);
    }
}

/* A PyTorch file, with matrices that do not lie in order in it, beside its twin in safetensors; and each as the base of an adapter. */
static void check_torch(const struct made *m)
{
    for (int adapted = 0; adapted < 2; adapted++) {
        struct record got[2];
        for (int torch = 0; torch < 2; torch++) {
            struct memory files = { 0 };
            struct made one = *m;
            one.torch = torch;
            one.layers = 1;               /* which the adapter is for */
            if (adapted)
                made_adapter(&files, &one, 0);
            else
                made_files(&files, &one);
            const struct source s = memory_source(&files);
            char *name = xasprintf("%s, %s%s", m->name, torch ? "PyTorch" : "safetensors", adapted ? " with an adapter" : "");
            got[torch] = spread_over(name, &s, "plain", 8);
            free(name);
            memory_free(&files);
        }
        ok(got[0].b.len && got[0].b.len == got[1].b.len && !memcmp(got[0].b.data, got[1].b.data, got[0].b.len),
           "%s%s: a PyTorch file has the bits of its twin", m->name, adapted ? " with an adapter" : "");
        buf_free(&got[0].b), buf_free(&got[1].b);
    }
}

static void check_golden(const char *name, int largest)
{
    struct modelpath path;
    struct err err;
    char *folder = xasprintf("tests/golden/tiny/%s", name);
    struct source *files = NULL;
    if (modelpath_resolve(folder, NULL, NULL, &path, &err) == 0) {
        files = source_files_open((const char *const *)path.path, path.n, &err);
        modelpath_free(&path);
    }
    if (ok(files != NULL, "%s is there", name))
        check_spread(name, files, "plain", largest);
    source_files_close(files);
    free(folder);
}

/* ---- what goes wrong ---- */

static void test_refusal(void)
{
    struct model_config c = { .n_heads = 8, .n_kv = 2, .head_dim = 32, .ff = 64, .n_shards = 2 };
    struct err err = { 0 };
    ok(model_check_degree(&c, 4, &err) < 0 && err.kind == ERR_USAGE && strstr(err.text, "--num-gpus-per-model 4: ") &&
       strstr(err.text, "can be spread over 1 or 2"), "%s", err.text);
    c.n_kv = 3, c.n_shards = 8;
    ok(model_check_degree(&c, 8, &err) < 0 && strstr(err.text, "can be spread over 1;"), "%s", err.text);
    c.n_kv = 8;
    ok(model_check_degree(&c, 3, &err) < 0 && strstr(err.text, "over 1, 2, 4 or 8"), "%s", err.text);
    ok(model_check_degree(&c, 0, &err) < 0 && model_check_degree(&c, 16, &err) < 0, "nor 0, nor 16: %s", err.text);
}

static void test_interruption(const struct source *files)
{
    struct record want = { 0 }, got = { 0 };
    struct replica r;
    for (int i = 0; i < 2; i++) {
        struct record *to = i ? &got : &want;
        ok(open_replica(&r, files, 2, "plain", NULL, &to->err) == 0, "two members %s", to->err.text);
        ask_at = i ? 6 : 0;               /* in the third step of two layers */
        spread_run(r.team, to);
        close_replica(&r);
    }
    ok(got.interrupted == 1 && got.b.len == want.b.len && !memcmp(got.b.data, want.b.data, want.b.len),
       "a step that is interrupted on both in one layer and done again: the same bits");
    buf_free(&want.b), buf_free(&got.b);
    ask_at = 0;
}

static atomic_int drawn_so_far;

static int bad_drawn(struct backend *be, int32_t *host, const int32_t *token, int n, struct err *err)
{
    if (atomic_fetch_add(&drawn_so_far, 1) == 2)
        return err_set(err, ERR_DEVICE, "the device is lost");
    return executor_cpu.ops->drawn(be, host, token, n, err);
}

static void test_failure(const struct source *files)
{
    struct ops bad = *executor_cpu.ops;
    struct record got = { 0 };
    struct replica r;
    bad.drawn = bad_drawn;
    ok(open_replica(&r, files, 4, "plain", &bad, &got.err) == 0, "four members %s", got.err.text);
    spread_run(r.team, &got);
    ok(got.failed == 1 && got.err.kind == ERR_DEVICE && !strcmp(got.err.text, "the device is lost"),
       "a member whose device is lost in its third step: the replica fails, and ends: %s", got.err.text);
    close_replica(&r);
    buf_free(&got.b);
}

/* ---- the engine ---- */

enum { REQUESTS = 6, NEW = 20 };

struct outcome {
    enum finish finish[REQUESTS];
    int n[REQUESTS];
    int32_t token[REQUESTS][NEW];
    char reason[200];
    float logits[MAX_VOCAB];
    int rc;
};

/* More sequences than pages can hold at once, with a common beginning: shared, copied and preempted. */
static void serve(struct replica *r, struct outcome *o)
{
    struct err err = { 0 };
    int32_t prompt[60];
    const struct engine_opts eo = { .max_batch = 4, .max_rows = 24, .max_tokens = 100, .kv_bytes = 6 * (uint64_t)team_page_bytes(r->team) };
    struct engine *e = engine_create(r->team, &eo, &err);
    if (!ok(e != NULL, "an engine over %d: %s", r->n, err.text))
        return;
    for (int i = 0; i < REQUESTS; i++) {
        for (int k = 0; k < 60; k++)
            prompt[k] = k < 45 ? k : (k * (i + 3) + 7) % 60;
        engine_submit(e, &(struct request){ .tag = (uint64_t)i, .prompt = prompt, .n_prompt = 50 + i, .max_new = NEW,
                                            .how = { .top_p = 1, .repetition_penalty = 1.1f, .temperature = i % 2 ? 0.9f : 0,
                                                     .key = { 1 }, .counter = { (uint32_t)i } } }, &err);
    }
    while ((o->rc = engine_step(e, &err)) > 0)
        continue;
    for (const struct completion *c; (c = engine_collect(e)); engine_release(e, c)) {
        o->finish[c->tag] = c->finish, o->n[c->tag] = c->n_token;
        memcpy(o->token[c->tag], c->token, (size_t)c->n_token * sizeof *c->token);
        if (c->reason)
            snprintf(o->reason, sizeof o->reason, "%s", c->reason);
    }
    if (!*o->reason)
        o->rc |= engine_logits(e, prompt, 60, o->logits, &err);
    engine_destroy(e);
}

static void check_engine(const char *what, const struct source *files, const char *reason)
{
    static struct outcome one, got;
    for (int d = 1; d <= 4; d *= 2) {
        struct replica r;
        struct err err = { 0 };
        memset(d == 1 ? &one : &got, 0, sizeof one);
        if (!ok(open_replica(&r, files, d, "plain", NULL, &err) == 0, "%d members %s", d, err.text))
            return;
        serve(&r, d == 1 ? &one : &got);
        close_replica(&r);
        ok((d == 1 || !memcmp(&one, &got, sizeof one)) && one.rc == 0 && (!reason || strstr(one.reason, reason)),
           "%s: the engine's answers over %d: %s", what, d, reason ? one.reason : "the same");
    }
}

/* Element i of the t-th tensor of a folder becomes NaN. */
static void spoil(struct memory *files, const struct made *m, const char *tensor, size_t i)
{
    struct made_tensor t[MADE_TENSORS];
    struct buf *b = &files->data[1];
    const float nan = NAN;
    uint64_t at;
    memcpy(&at, b->data, 8);
    made_tensors(m, t);
    at += 8;
    for (int k = 0; strcmp(t[k].name, tensor); k++)
        at += made_bytes(&t[k]);
    memcpy(b->data + at + 4 * i, &nan, 4);
}

static void test_faults(void)
{
    static const struct made m = { .type = DT_F32, .layers = 2, .dim = 32, .heads = 4, .kv = 2, .head_dim = 64, .ff = 128, .vocab = 64 };
    static const struct { const char *tensor; size_t i; const char *says; } table[] = {
        { "model.layers.1.mlp.down_proj.weight", 127, "first in layer 1 (of 0 to 1), feed-forward" },     /* the last member's column */
        { "model.layers.0.self_attn.q_proj.weight", 255 * 32, "first in layer 0 (of 0 to 1), attention" },
        { "lm_head.weight", 63 * 32, "first in its head" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct memory files = { 0 };
        made_files(&files, &m);
        spoil(&files, &m, table[i].tensor, table[i].i);
        const struct source s = memory_source(&files);
        check_engine(table[i].tensor, &s, table[i].says);
        memory_free(&files);
    }
}

static void test_rest(void)
{
    struct memory files = { 0 };
    made_files(&files, &made[0].m);
    const struct source s = memory_source(&files);
    test_interruption(&s);
    test_failure(&s);
    check_engine(made[0].m.name, &s, NULL);
    memory_free(&files);
}

int main(void)
{
    static const char *const isa[] = { "plain", "avx2", "avx512" };
    test_refusal();
    for (size_t i = 0; i < sizeof made / sizeof *made; i++)
        check_made(&made[i].m, "plain", made[i].largest);
    for (int i = 0; i < 3; i++) {
        if (strstr(executor_cpu_isas(), isa[i]))
            check_types(isa[i]);
        else
            skip(1, "this machine lacks the instruction set");
    }
    check_adapters();
    check_torch(&made[0].m);
    check_torch(&made[2].m);
    check_golden("llama_shards", 8);
    check_golden("llama_gqa_tied", 2);
    check_golden("llama_gqa_tied.gguf", 2);
    check_golden("mistral_nemo", 2);
    test_rest();
    test_faults();
    return done_testing();
}
