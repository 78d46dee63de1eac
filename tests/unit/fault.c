/* fault.c - weights that are NaN, infinite or too large: the failure names the place where it began, and who shares a batch with it is not
 * touched. The model is tests/golden/tiny/llama_bias with one number changed. */
#include "mtbench/executor.h"
#include "mtbench/engine.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include "memory.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>

enum { VOCAB = 96, SPOILED = 90 };

static struct buf weights, config;

struct rig {
    struct memory files;
    struct model *m;
    void *packed;
    struct team *team;
    struct engine *e;
};

/* Element 'i' of the tensor becomes x. */
static void spoil(struct buf *b, const char *tensor, int i, float x)
{
    uint64_t length;
    struct err err;
    int64_t begin = 0;
    memcpy(&length, b->data, 8);
    cJSON *root = json_parse(b->data + 8, length, &err);
    const cJSON *at = json_get(json_get(root, tensor), "data_offsets");
    if (!at || !json_whole(at->child, &begin))
        abort();
    memcpy(b->data + 8 + length + (size_t)begin + 4 * (size_t)i, &x, 4);
    cJSON_Delete(root);
}

static void open_rig(struct rig *r, const char *isa, const char *tensor, int i, float x)
{
    struct err err = {0};
    *r = (struct rig){0};
    memory_text(&r->files, "m/config.json", config.data);
    struct buf *b = memory_add(&r->files, "m/model.safetensors");
    buf_add(b, weights.data, weights.len);
    if (tensor)
        spoil(b, tensor, i, x);
    const struct source s = memory_source(&r->files);
    struct engine_opts eo = { .max_batch = 2, .max_rows = 8 };
    if (!(r->m = model_open(&s, executor_cpu.ops, NULL, &err)) ||
        !(r->m->be =
              executor_cpu.open(&(struct executor_opts){.threads = 1, .isa = isa, .max_rows = 8, .max_k = 64}, &err)))
        ok(false, "%s", err.text), exit(1);
    r->packed = executor_cpu.ops->alloc(r->m->be, r->m->packed_bytes, &err);
    model_attach(r->m, r->packed);
    if (model_load(&r->m, 1, &s, &err) < 0 || !(r->team = team_create(&(struct team_opts){ .member = &r->m, .n = 1 }, &err)) ||
        !(r->e = engine_create(r->team, &eo, &err)))
        ok(false, "%s", err.text), exit(1);
}

static void close_rig(struct rig *r)
{
    struct backend *be = r->m->be;
    engine_destroy(r->e);
    team_destroy(r->team);
    executor_cpu.ops->release(be, r->packed, r->m->packed_bytes);
    model_close(r->m);
    executor_cpu.close(be);
    memory_free(&r->files);
}

/* One prompt holds the token SPOILED, the other does not. Returns why the first failed; *other gets the tokens of the second. */
static const char *run_pair(struct rig *r, int32_t other[8])
{
    static char reason[200];
    int32_t bad[20], good[20];
    const struct completion *c;
    *reason = '\0';
    for (int i = 0; i < 20; i++) {
        bad[i] = i == 3 ? SPOILED : 20 + i;
        good[i] = 40 + i;
    }
    struct request q = { .tag = 1, .prompt = bad, .n_prompt = 20, .max_new = 8, .how = { .top_p = 1, .repetition_penalty = 1 } };
    engine_submit(r->e, &q, NULL);
    q.tag = 2, q.prompt = good;
    engine_submit(r->e, &q, NULL);
    while (engine_step(r->e, NULL) > 0)
        continue;
    while ((c = engine_collect(r->e))) {
        if (c->finish == FINISH_NOT_FINITE && c->tag == 1)
            snprintf(reason, sizeof reason, "%s", c->reason);
        else if (c->tag == 2)
            memcpy(other, c->token, (size_t)(c->finish == FINISH_LENGTH ? c->n_token : 0) * sizeof *other);
        engine_release(r->e, c);
    }
    return reason;
}

static const struct {
    const char *tensor;
    int i;
    float x;
    const char *says;
} table[] = {
    { "model.embed_tokens.weight", 32 * SPOILED, NAN, "first in its embedding" },
    { "model.embed_tokens.weight", 32 * SPOILED + 31, -INFINITY, "first in its embedding" },
    { "model.layers.0.input_layernorm.weight", 3, NAN, "first in layer 0 (of 0 to 0), norm" },
    { "model.layers.0.self_attn.q_proj.bias", 1, NAN, "first in layer 0 (of 0 to 0), attention" },
    { "model.layers.0.self_attn.k_proj.bias", 2, 1e30f, "first in layer 0 (of 0 to 0), attention" },      /* more than fp16 holds */
    { "model.layers.0.self_attn.k_proj.bias", 2, -70000.0f, "first in layer 0 (of 0 to 0), attention" },
    { "model.layers.0.self_attn.v_proj.bias", 0, 70000.0f, "first in layer 0 (of 0 to 0), attention" },
    { "model.layers.0.mlp.gate_proj.weight", 5, NAN, "first in layer 0 (of 0 to 0), feed-forward" },
    { "model.norm.weight", 0, NAN, "first in its last norm" },
    { "lm_head.weight", 32 * 95, INFINITY, "first in its head" },
};

static void check_isa(const char *isa)
{
    struct rig r;
    int32_t alone[8] = {0};
    open_rig(&r, isa, NULL, 0, 0);
    ok(!*run_pair(&r, alone), "%s: the model as it is gives numbers", isa);
    close_rig(&r);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        int32_t other[8] = { -1 }, prompt[2] = { SPOILED, 5 };
        float logits[VOCAB];
        struct err err = {0};
        open_rig(&r, isa, table[i].tensor, table[i].i, table[i].x);
        const char *reason = run_pair(&r, other);
        ok(strstr(reason, table[i].says) != NULL, "%s: %s: %s", isa, table[i].tensor, reason);
        if (i < 2)
            ok(!memcmp(other, alone, sizeof other), "%s: the sequence beside it is not touched", isa);
        ok(engine_logits(r.e, prompt, 2, logits, &err) < 0 && err.kind == ERR_MODEL && strstr(err.text, table[i].says),
           "%s: nor are there logits: %s", isa, err.text);
        close_rig(&r);
    }
}

int main(void)
{
    static const char *const isa[] = { "plain", "avx2", "avx512" };
    struct err err = {0};
    if (io_read("tests/golden/tiny/llama_bias/model.safetensors", &weights, &err) < 0 ||
        io_read("tests/golden/tiny/llama_bias/config.json", &config, &err) < 0) {
        ok(false, "%s", err.text);
        return done_testing();
    }
    for (int i = 0; i < 3; i++) {
        if (strstr(executor_cpu_isas(), isa[i]))
            check_isa(isa[i]);
        else
            skip(1, "this machine lacks the instruction set");
    }
    buf_free(&weights);
    buf_free(&config);
    return done_testing();
}
