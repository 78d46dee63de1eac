/* adapter.c - adapters: what their configuration says, what it may not say, and models with them beside peft's
 * (tests/golden/make_adapters.py). */
#include "mtbench/executor.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/model.h"
#include "mtbench/modelpath.h"

#include "memory.h"
#include "src/model/adapter_config.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 40, PROMPT_VOCAB = 96, MAX_VOCAB = 128 };

/* ---- the configuration ---- */

#define CONFIG(...) "{\"peft_type\": \"LORA\", " __VA_ARGS__ "\"task_type\": \"CAUSAL_LM\"}"

static const struct {
    const char *json, *says;             /* says: NULL where it is accepted */
} configs[] = {
    { CONFIG(""), NULL },
    { CONFIG("\"use_dora\": false, \"layer_replication\": null, \"trainable_token_indices\": null, \"megatron_config\": null, "), NULL },
    { CONFIG("\"lora_dropout\": 0.1, \"peft_version\": \"0.21.2\", \"auto_mapping\": {\"base_model_class\": \"X\"}, \"qalora_group_size\": "
             "16, "),
      NULL },
    { CONFIG("\"init_lora_weights\": true, \"loftq_config\": {\"loftq_bits\": 4}, \"eva_config\": {\"rho\": 2.0}, "), NULL },
    { CONFIG("\"init_lora_weights\": \"gaussian\", \"bias\": \"all\", \"r\": 65536, "), NULL },
    { CONFIG("\"something_new\": 3, "), NULL },
    { "{\"peft_type\": \"LORA\", \"task_type\": null}", NULL },
    { "[]", "no JSON object" },
    { "{", "column" },
    { "{\"r\": 8}", "\"peft_type\" is missing" },
    { "{\"peft_type\": null}", "peft_type is no text" },
    { "{\"peft_type\": \"IA3\", \"feedforward_modules\": []}", "peft_type is IA3" },
    { "{\"peft_type\": \"LORA\", \"task_type\": \"SEQ_CLS\"}", "task_type is SEQ_CLS" },
    { CONFIG("\"use_dora\": true, "), "use_dora is true" },
    { CONFIG("\"lora_bias\": true, "), "lora_bias is true" },
    { CONFIG("\"use_qalora\": true, "), "use_qalora is true" },
    { CONFIG("\"layer_replication\": [[0, 1], [0, 2]], "), "layer_replication is [[0,1],[0,2]]" },
    { CONFIG("\"trainable_token_indices\": {\"embed_tokens\": [1]}, "), "trainable_token_indices" },
    { CONFIG("\"target_parameters\": [\"mlp.w\"], "), "target_parameters" },
    { CONFIG("\"alora_invocation_tokens\": [5], "), "alora_invocation_tokens" },
    { CONFIG("\"use_bdlora\": {\"nblocks\": 2}, "), "use_bdlora" },
    { CONFIG("\"arrow_config\": {\"top_k\": 3}, "), "arrow_config" },
    { CONFIG("\"kasa_config\": {\"beta\": 1}, "), "kasa_config" },
    { CONFIG("\"ensure_weight_tying\": true, "), "ensure_weight_tying" },
    { CONFIG("\"enable_lora\": [true, false, true], "), "enable_lora" },
    { CONFIG("\"init_lora_weights\": \"pissa\", "), "init_lora_weights is pissa" },
    { CONFIG("\"init_lora_weights\": \"pissa_niter_16\", "), "init_lora_weights is pissa_niter_16" },
    { CONFIG("\"init_lora_weights\": \"olora\", "), "init_lora_weights is olora" },
    { CONFIG("\"init_lora_weights\": \"corda\", "), "init_lora_weights is corda" },
    { CONFIG("\"init_lora_weights\": \"loftq\", "), "init_lora_weights is loftq" },
    { CONFIG("\"init_lora_weights\": 3, "), "init_lora_weights is no word" },
    { CONFIG("\"bias\": \"some\", "), "bias is some" },
    { CONFIG("\"r\": 0, "), "r is 0" },
    { CONFIG("\"r\": -4, "), "r is -4" },
    { CONFIG("\"r\": 65537, "), "r is 65537" },
    { CONFIG("\"r\": 2.5, "), "r is no whole number" },
    { CONFIG("\"lora_alpha\": \"16\", "), "lora_alpha is no number" },
    { CONFIG("\"lora_alpha\": null, "), "lora_alpha is null" },
    { CONFIG("\"r\": null, "), "r is null" },
    { CONFIG("\"use_rslora\": 1, "), "use_rslora is no true or false" },
    { CONFIG("\"rank_pattern\": {\"q_proj\": \"4\"}, "), "rank_pattern: the value of \"q_proj\"" },
    { CONFIG("\"rank_pattern\": {\"(q_proj\": 4}, "), "rank_pattern: \"(q_proj\" is no pattern" },
    { CONFIG("\"alpha_pattern\": [1], "), "alpha_pattern is no block" },
    { CONFIG("\"target_modules\": \"[\", "), "target_modules: \"[\" is no pattern" },
    { CONFIG("\"target_modules\": [1], "), "target_modules is no list of names" },
    { CONFIG("\"target_modules\": {}, "), "target_modules is no list of names" },
    { CONFIG("\"modules_to_save\": \"lm_head\", "), "modules_to_save is no list" },
    { CONFIG("\"layers_to_transform\": [0, \"1\"], "), "layers_to_transform is no list" },
    { CONFIG("\"layers_pattern\": 1, "), "layers_pattern is no list" },
};

static void test_configs(void)
{
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        struct err err = {0};
        struct adapter_config *c = adapter_config_parse(configs[i].json, strlen(configs[i].json), &err);
        ok(!c == (configs[i].says != NULL) && (c || strstr(err.text, configs[i].says)), "%.70s: %s", configs[i].json,
           c ? "read" : err.text);
        adapter_config_free(c);
    }
}

/* ---- which modules, by how much ---- */

#define LAYER "model.layers."

static const struct {
    const char *keys, *module;
    int targets, r;
    double scale;
} modules[] = {
    { "\"target_modules\": [\"q_proj\"], \"r\": 4, \"lora_alpha\": 16, ", LAYER "3.self_attn.q_proj", 1, 4, 4 },
    { "\"target_modules\": [\"q_proj\"], \"r\": 4, \"lora_alpha\": 16, ", LAYER "3.self_attn.k_proj", 0, 4, 4 },
    { "\"target_modules\": [\"proj\"], ", LAYER "3.self_attn.q_proj", 0, 8, 1 }, /* a whole part of the name, or parts */
    { "\"target_modules\": [\"self_attn.q_proj\"], ", LAYER "3.self_attn.q_proj", 1, 8, 1 },
    { "\"target_modules\": [\"lm_head\"], ", "lm_head", 1, 8, 1 },
    { "\"target_modules\": [], ", LAYER "0.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": null, ", LAYER "0.self_attn.q_proj", 1, 8, 1 }, /* peft's own choice for these models */
    { "", LAYER "0.self_attn.v_proj", 1, 8, 1 },
    { "", LAYER "0.mlp.up_proj", 0, 8, 1 },
    { "\"target_modules\": \"all-linear\", ", LAYER "0.mlp.up_proj", 1, 8, 1 },
    { "\"target_modules\": \"ALL-LINEAR\", ", "lm_head", 0, 8, 1 },
    { "\"target_modules\": \"all-linear\", ", "model.embed_tokens", 0, 8, 1 },
    { "\"target_modules\": \".*\\\\.(q|v)_proj\", ", LAYER "9.self_attn.v_proj", 1, 8, 1 },
    { "\"target_modules\": \"(q|v)_proj\", ", LAYER "9.self_attn.v_proj", 0, 8, 1 }, /* over the whole name */
    { "\"target_modules\": \".*\\\\.q\", ", LAYER "9.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"exclude_modules\": [\"1.self_attn.q_proj\"], ", LAYER "1.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"exclude_modules\": [\"1.self_attn.q_proj\"], ", LAYER "11.self_attn.q_proj", 1, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"exclude_modules\": \".*\\\\.1\\\\..*\", ", LAYER "1.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": [\"lm_head\", \"q_proj\"], \"modules_to_save\": [\"lm_head\"], ", "lm_head", 0, 8, 1 },
    { "\"target_modules\": [\"up_proj\"], \"modules_to_save\": [\"mlp\"], ", LAYER "1.mlp.up_proj", 0, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [1, 5], ", LAYER "5.self_attn.q_proj", 1, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [1, 5], ", LAYER "15.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": 5, ", LAYER "5.self_attn.q_proj", 1, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [5], \"layers_pattern\": [\"h\", \"layers\"], ",
      LAYER "5.self_attn.q_proj", 1, 8, 1 },
    { "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [5], \"layers_pattern\": \"h\", ", LAYER "5.self_attn.q_proj", 0, 8, 1 },
    { "\"target_modules\": [\"lm_head\"], \"layers_to_transform\": [0], ", "lm_head", 1, 8,
      1 }, /* the whole name is the word: no layer asked */
    { "\"r\": 16, \"lora_alpha\": 8, \"use_rslora\": true, ", LAYER "0.self_attn.q_proj", 1, 16, 2 },
    { "\"rank_pattern\": {\"q_proj\": 4, \"0.self_attn.q_proj\": 2}, ", LAYER "0.self_attn.q_proj", 1, 4, 2 }, /* the first that matches */
    { "\"rank_pattern\": {\"0.self_attn.q_proj\": 2, \"q_proj\": 4}, ", LAYER "0.self_attn.q_proj", 1, 2, 4 },
    { "\"rank_pattern\": {\"q_proj\": 4, \"q_proj\": 2}, ", LAYER "0.self_attn.q_proj", 1, 2, 4 }, /* the last of one key */
    { "\"rank_pattern\": {\"0.self_attn.q_proj\": 2}, ", LAYER "10.self_attn.q_proj", 1, 8, 1 },
    { "\"rank_pattern\": {\"q_pro\": 2}, ", LAYER "0.self_attn.q_proj", 1, 8, 1 }, /* to the name's end */
    { "\"rank_pattern\": {\"^model\\\\.layers\\\\.[0-4]\\\\..*_proj\": 2}, ", LAYER "4.self_attn.q_proj", 1, 2, 4 },
    { "\"alpha_pattern\": {\"q_proj|v_proj\": 2}, ", LAYER "4.self_attn.v_proj", 1, 8, 0.25 },
    { "\"alpha_pattern\": {\"v_proj\": 0.5}, \"rank_pattern\": {\"v_proj\": 4}, \"use_rslora\": true, ", LAYER "4.self_attn.v_proj", 1, 4,
      0.25 },
};

static void test_modules(void)
{
    for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
        struct err err = {0};
        char *json = xasprintf("{\"peft_type\": \"LORA\", %s\"bias\": \"none\"}", modules[i].keys);
        struct adapter_config *c = adapter_config_parse(json, strlen(json), &err);
        const char *m = modules[i].module;
        int r = 0, targets = c ? adapter_config_targets(c, m, strstr(m, "_proj") != NULL, &err) : -1;
        float scale = 0;
        int rc = c ? adapter_config_scale(c, m, &r, &scale, &err) : -1;
        ok(rc == 0 && targets == modules[i].targets && r == modules[i].r && (double)scale == modules[i].scale,
           "%s%s: %d, r %d, times %g %s", modules[i].keys, m, targets, r, (double)scale, err.text);
        adapter_config_free(c);
        free(json);
    }
    static const char slow[] = CONFIG("\"rank_pattern\": {\"(.*.*)*[0-9](.*.*)*[^.a-z]\": 2}, "),
                      bad[] = CONFIG("\"rank_pattern\": {\"q_proj\": 1.5}, ");
    struct err err = {0};
    int r;
    float scale;
    struct adapter_config *c = adapter_config_parse(slow, strlen(slow), &err);
    ok(adapter_config_scale(c, LAYER "4.self_attn.v_proj.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", &r, &scale, &err) < 0 &&
           strstr(err.text, "too long"),
       "a pattern without an end in sight: %s", err.text);
    adapter_config_free(c);
    c = adapter_config_parse(bad, strlen(bad), &err);
    ok(adapter_config_scale(c, LAYER "0.self_attn.q_proj", &r, &scale, &err) < 0 && strstr(err.text, "the rank 1.5"), "%s", err.text);
    adapter_config_free(c);
}

/* ---- models beside peft's ---- */

struct run {
    struct source *source;
    struct model *m;
    struct backend *be;
    float logits[MAX_VOCAB];
};

static int load(struct run *r, void **packed, const char *isa, struct err *err)
{
    if (!r->source || !(r->m = model_open(r->source, executor_cpu.ops, NULL, err)) ||
        !(r->be = executor_cpu.open(&(struct executor_opts){ .threads = 2, .isa = isa, .max_rows = N, .max_k = 256 }, err)))
        return -1;
    r->m->be = r->be;
    *packed = executor_cpu.ops->alloc(r->be, r->m->packed_bytes, err);
    model_attach(r->m, *packed);
    return model_load(&r->m, 1, r->source, err) < 0 || model_rope(r->m, N, err) < 0 ? -1 : 0;
}

/* Logits of the last position of the prompt, to r->logits. */
static void forward(struct run *r, struct err *err)
{
    const struct model_config *c = &r->m->config;
    const size_t bytes = executor_cpu.ops->kv_page_bytes(c->n_layers, c->n_kv, c->head_dim);
    struct kv_view kv = { executor_cpu.ops->alloc(r->be, bytes, err), c->n_layers, c->n_kv, c->head_dim };
    struct forward *f = forward_create(r->m, &comm_self, N, 1, err);
    int32_t token[N], page = 0, last = N - 1;
    const struct seq_run seq = { .n_rows = N, .page = &page };
    const struct step step = { .n_rows = N, .token = token, .n_runs = 1, .run = &seq, .n_out = 1, .out_row = &last };
    for (int i = 0; i < N; i++)
        token[i] = (i * 37 + 11) % PROMPT_VOCAB;
    memcpy(r->logits, forward_step(f, &kv, &step), (size_t)c->n_vocab * sizeof *r->logits);
    forward_destroy(f);
    executor_cpu.ops->release(r->be, kv.base, bytes);
}

static void done(struct run *r, void *packed)
{
    if (packed)
        executor_cpu.ops->release(r->be, packed, r->m->packed_bytes);
    model_close(r->m);
    executor_cpu.close(r->be);
}

/* The model in 'folder' on one instruction set. -1: err. */
static int run_folder(const char *folder, const char *isa, struct run *r, int *n_vocab, struct err *err)
{
    struct modelpath path;
    void *packed = NULL;
    *r = (struct run){0};
    if (modelpath_resolve(folder, NULL, NULL, &path, err) < 0)
        return -1;
    r->source = source_files_open((const char *const *)path.path, path.n, err);
    modelpath_free(&path);
    int rc = load(r, &packed, isa, err);
    if (rc == 0) {
        *n_vocab = r->m->config.n_vocab;
        forward(r, err);
    }
    done(r, packed);
    source_files_close(r->source);
    return rc;
}

static const struct {
    const char *name;
    int n_vocab;
} golden[] = {
    { "all_linear", 96 }, { "patterns", 96 }, { "one_layer", 96 }, { "saved", 96 }, { "biases", 96 }, { "norms", 96 }, { "old_names", 96 },
    { "tied_embedding", 96 }, { "tied_head", 96 }, { "tied_saved", 96 }, { "more_rows", 101 },
};

static void test_logits(void)
{
    static const char *const isa[] = { "plain", "avx2", "avx512" };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        char *folder = xasprintf("tests/golden/adapters/%s", golden[i].name), *file = xasprintf("%s/logits.bin", folder);
        struct buf want = {0};
        struct run first = {0};
        struct err err = {0};
        double worst = 0, low = INFINITY, high = -INFINITY;
        int n = 0;
        io_read(file, &want, &err);
        ok(run_folder(folder, "plain", &first, &n, &err) == 0 && n == golden[i].n_vocab && want.len == 4 * (size_t)n,
           "%s: loads, %d tokens %s", golden[i].name, n, err.text);
        for (int j = 0; j < n && want.len == 4 * (size_t)n; j++) {
            const double x = (double)dtype_number(DT_F32, want.data, (size_t)j);
            worst = fmax(worst, fabs(x - (double)first.logits[j]));
            low = fmin(low, x), high = fmax(high, x);
        }
        ok(n && worst <= 2e-3 * (high - low), "%s: logits within %.1e of peft's, spread %.1f", golden[i].name, worst, high - low);
        for (int k = 1; k < 3; k++) {
            struct run r;
            if (!strstr(executor_cpu_isas(), isa[k])) {
                skip(1, "this machine lacks the instruction set");
                continue;
            }
            ok(run_folder(folder, isa[k], &r, &n, &err) == 0 && !memcmp(r.logits, first.logits, (size_t)n * sizeof *r.logits),
               "%s: same bits on %s", golden[i].name, isa[k]);
        }
        buf_free(&want);
        free(folder);
        free(file);
    }
}

/* ---- files that do not fit ---- */

#define Q "base_model.model.model.layers.0.self_attn.q_proj."
#define EMBED "base_model.model.model.embed_tokens."
#define HEAD "base_model.model.lm_head."
#define TARGETS "\"target_modules\": [\"0.self_attn.q_proj\"], \"r\": 2, "

enum { MAX_TENSORS = 5 };
struct tensor {
    const char *name, *type;
    int rows, cols;                      /* rows 0: a vector */
    float value;
};
#define T(name, rows, cols) { name, "F32", rows, cols, 0.01f }
#define A T(Q "lora_A.weight", 2, 32)
#define B T(Q "lora_B.weight", 32, 2)
#define GQA A, T(Q "lora_B.weight", 64, 2)

static const struct {
    const char *base, *keys;
    struct tensor tensor[MAX_TENSORS];
    const char *says;                    /* NULL: it loads */
} files[] = {
    { "llama_old", TARGETS, { A, B }, NULL },
    { "llama_old",
      TARGETS,
      { T("model.layers.0.self_attn.q_proj.lora_A.weight", 2, 32), T("model.layers.0.self_attn.q_proj.lora_B.weight", 32, 2) },
      NULL },
    { "llama_old", TARGETS, { A }, "q_proj: one factor of its change without the other" },
    { "llama_old", TARGETS, { B }, "q_proj: one factor of its change without the other" },
    { "llama_old",
      TARGETS,
      { T(Q "lora_A.weight", 3, 32), T(Q "lora_B.weight", 32, 3) },
      "lora_A.weight has the shape 3 x 32, r and the base needs 2 x 32" },
    { "llama_old", TARGETS, { A, T(Q "lora_B.weight", 16, 2) }, "lora_B.weight has the shape 16 x 2" },
    { "llama_old", TARGETS, { A, T(Q "lora_B.weight", 0, 64) }, "lora_B.weight has the shape 1 x 64" },
    { "llama_old", TARGETS, { A, B, T(Q "lora_A.default.weight", 2, 32) }, "are the same thing twice" },
    { "llama_old",
      TARGETS,
      { A, B, T("base_model.model.model.layers.0.self_attn.k_proj.lora_A.weight", 2, 32),
        T("base_model.model.model.layers.0.self_attn.k_proj.lora_B.weight", 32, 2) },
      "k_proj has a change, but target_modules" },
    { "llama_old", "\"target_modules\": [\"q_proj\"], \"r\": 2, ", { A, B }, "model.layers.1.self_attn.q_proj is to have a change" },
    { "llama_old",
      TARGETS,
      { A, B, T("base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight", 2, 32),
        T("base_model.model.model.layers.7.self_attn.q_proj.lora_B.weight", 32, 2) },
      "layers.7.self_attn.q_proj.lora_A.weight changes nothing" },
    { "llama_old", TARGETS, { A, B, T("base_model.model.score.weight", 2, 32) }, "score.weight changes nothing" },
    { "llama_old", TARGETS, { A, B, T(Q "base_layer.bias", 0, 32) }, "base_layer.bias changes nothing" },
    { "llama_bias", TARGETS, { A, B, T(Q "base_layer.bias", 0, 32) }, NULL },
    { "llama_bias", TARGETS, { A, B, T(Q "bias", 0, 32) }, NULL },
    { "llama_bias", TARGETS, { A, B, T(Q "bias", 0, 16) }, "bias has the shape 1 x 16" },
    { "llama_old", TARGETS, { A, B, T(Q "lora_B.bias", 0, 32) }, "lora_bias; an adapter with it is not supported" },
    { "llama_old", TARGETS, { A, B, T(Q "lora_magnitude_vector", 0, 32) }, "use_dora; an adapter with it is not supported" },
    { "llama_old", TARGETS, { A, B, T(EMBED "token_adapter.trainable_tokens_delta", 1, 32) }, "trainable_token_indices; an adapter" },
    { "llama_old", TARGETS, { A, B, T("base_model.model.prompt", 1, 32) }, "tensor prompt is none that" },
    { "llama_old", TARGETS, { { Q "lora_A.weight", "I8", 2, 32, 0 }, B }, "dtype I8 is not supported; an adapter in F32, F16 or BF16 is" },
    { "llama_old", TARGETS "\"modules_to_save\": [\"lm_head\"], ", { A, B }, "modules_to_save names lm_head, but its weight is not" },
    { "llama_old", TARGETS "\"modules_to_save\": [\"lm_head\"], ", { A, B, T(HEAD "weight", 96, 32) }, NULL },
    { "llama_old", TARGETS "\"modules_to_save\": [\"head\"], ", { A, B, T(HEAD "modules_to_save.default.weight", 96, 32) }, NULL },
    { "llama_old", TARGETS, { A, B, T(HEAD "weight", 97, 32) }, "the embedding has 96 rows with it and the head 97" },
    { "llama_old", TARGETS, { A, B, T(HEAD "weight", 97, 32), T(EMBED "weight", 97, 32) }, NULL },
    { "llama_old", TARGETS, { A, B, T(HEAD "weight", 95, 31), T(EMBED "weight", 95, 32) }, "lm_head.weight has the shape 95 x 31" },
    { "llama_gqa_tied",
      TARGETS "\"modules_to_save\": [\"lm_head\"], ",
      { GQA, T(EMBED "weight", 96, 32) },
      "names lm_head, but its weight" },
    { "llama_gqa_tied", "\"target_modules\": [\"0.self_attn.q_proj\", \"lm_head\"], \"r\": 2, ", { GQA }, "lm_head is to have a change" },
    { "llama_old", TARGETS, { { 0 } }, "a/adapter_model.safetensors: no tensors in it" },
    /* a part of what has two factors */
    { "llama_old", TARGETS, { A, B, T(Q "base_layer.weight", 32, 32) }, NULL },
    { "llama_old", TARGETS, { A, B, T(HEAD "base_layer.weight", 96, 32) }, "lm_head.base_layer.weight changes nothing" },
    { "llama_gqa_tied", TARGETS, { GQA, T(EMBED "base_layer.weight", 96, 32) }, "embed_tokens.base_layer.weight changes nothing" },
    { "llama_bias",
      TARGETS,
      { A, B, T("base_model.model.model.layers.1.self_attn.q_proj.base_layer.bias", 0, 32) },
      "bias changes nothing" },
    { "llama_old", TARGETS, { A, B, T(Q "base_layer.weight", 32, 32), T(Q "weight", 32, 32) }, "q_proj.weight changes nothing" },
    { "llama_old", TARGETS, { A, B, T(Q "weight", 32, 32) }, "q_proj.weight changes nothing" },
    /* as peft saves it where the vocabulary is another: thrice */
    { "llama_old",
      TARGETS "\"modules_to_save\": [\"lm_head\"], ",
      { A, B, T(HEAD "weight", 96, 32), T(HEAD "modules_to_save.weight", 97, 32), T(HEAD "original_module.weight", 97, 32) },
      NULL },
    { "llama_old",
      TARGETS,
      { A, B, T(HEAD "weight", 96, 32), T(HEAD "original_module.weight", 96, 32) },
      "original_module.weight changes" },
    { "llama_gqa_tied",
      TARGETS "\"modules_to_save\": [\"embed_tokens\"], ",
      { GQA, T(EMBED "weight", 96, 32), T(EMBED "original_module.weight", 96, 32) },
      "original_module.weight changes" },
    { "llama_gqa_tied",
      TARGETS "\"modules_to_save\": [\"embed_tokens\"], ",
      { GQA, T(EMBED "weight", 96, 32), T(EMBED "original_module.weight", 96, 32), T(HEAD "weight", 96, 32) },
      NULL },
    { "llama_gqa_tied", TARGETS, { GQA, T(HEAD "weight", 96, 32), T(EMBED "weight", 0, 0) }, "embed_tokens.weight has the shape 1 x 0" },
    { "llama_gqa_tied", TARGETS, { T(Q "lora_A.weight", 2, 32), T(Q "lora_B.weight", 64, 2), T(EMBED "weight", 99, 32) }, NULL },
    { "llama_gqa_tied",
      TARGETS "\"modules_to_save\": [\"embed_tokens\"], ",
      { T(Q "lora_A.weight", 2, 32), T(Q "lora_B.weight", 64, 2), T(EMBED "weight", 99, 32) },
      "the embedding has 99 rows with it and the head 96" },
    { "llama_old",
      "\"target_modules\": [\"embed_tokens\"], \"r\": 2, ",
      { T(EMBED "lora_A.weight", 2, 96), T(EMBED "lora_B.weight", 32, 2) },
      "embed_tokens is to have a change" },
    { "llama_old",
      "\"target_modules\": [\"embed_tokens\"], \"r\": 2, ",
      { T(EMBED "lora_embedding_A", 96, 2), T(EMBED "lora_embedding_B", 2, 32) },
      "lora_embedding_A has the shape 96 x 2, r and the base needs 2 x 96" },
    { "llama_old",
      TARGETS,
      { A, { Q "lora_B.weight", "F32", 32, 2, 1e9f } },
      "q_proj.weight: with the adapter a number is too large for F16" },
    { "llama_gqa_tied", TARGETS, { T(Q "lora_A.weight", 2, 32), { Q "lora_B.weight", "F32", 64, 2, 1e9f } }, NULL },
    { "llama_old",
      TARGETS "\"modules_to_save\": [\"model.norm\"], ",
      { A, B, { "base_model.model.model.norm.weight", "F32", 0, 32, 70000.0f } },
      "norm.weight: with" },
};

/* A safetensors file of these tensors. */
static void put_tensors(struct buf *b, const struct tensor *t)
{
    struct buf head = {0}, data = {0};
    for (int i = 0; i < MAX_TENSORS && t[i].name; i++) {
        const int n = (t[i].rows ? t[i].rows : 1) * t[i].cols, size = t[i].type[0] == 'F' ? 4 : 1;
        buf_printf(&head, "%s\"%s\": {\"dtype\": \"%s\", \"shape\": [", i ? ", " : "{", t[i].name, t[i].type);
        if (t[i].rows)
            buf_printf(&head, "%d, ", t[i].rows);
        buf_printf(&head, "%d], \"data_offsets\": [%zu, %zu]}", t[i].cols, data.len, data.len + (size_t)(n * size));
        for (int k = 0; k < n; k++)
            buf_add(&data, &t[i].value, (size_t)size);
    }
    if (head.len == 0)
        buf_char(&head, '{');
    buf_char(&head, '}');
    const uint64_t length = head.len;
    buf_add(b, &length, 8);
    buf_add(b, head.data, head.len);
    buf_add(b, data.data, data.len);
    buf_free(&head);
    buf_free(&data);
}

static void test_files(void)
{
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        struct memory m = {0};
        struct err err = {0};
        struct run r = {0};
        void *packed = NULL;
        char *json = xasprintf("{\"peft_type\": \"LORA\", %s\"bias\": \"none\"}", files[i].keys);
        char *config = xasprintf("tests/golden/tiny/%s/config.json", files[i].base),
             *weights = xasprintf("tests/golden/tiny/%s/model.safetensors", files[i].base);
        memory_text(&m, "a/adapter_config.json", json);
        put_tensors(memory_add(&m, "a/adapter_model.safetensors"), files[i].tensor);
        io_read(config, memory_add(&m, "b/config.json"), &err);
        io_read(weights, memory_add(&m, "b/model.safetensors"), &err);
        struct source s = memory_source(&m);
        r.source = &s;
        const int rc = load(&r, &packed, NULL, &err);
        ok(rc == (files[i].says ? -1 : 0) && (rc == 0 || strstr(err.text, files[i].says)), "%zu: %s", i, rc ? err.text : "loads");
        if (rc == 0)
            ok(model_adapter(r.m)->bytes > 0 && !strcmp(model_adapter(r.m)->folder, "b") && model_adapter(r.m)->r == 2, "its facts");
        done(&r, packed);
        memory_free(&m);
        free(json);
        free(config);
        free(weights);
    }
}

/* Two leaders of a job read a file forward only; so does a model whose one matrix becomes two. */
static uint64_t read_to;
static int read_back;

static int forward_only(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    const uint64_t at = ((uint64_t)file << 40) + off;
    const struct source *s = ctx;
    read_back += at < read_to;
    read_to = at + n;
    return s->read(s->ctx, file, off, dst, n, err);
}

static void test_order(void)
{
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct modelpath path;
        struct err err = {0};
        struct run r = {0};
        void *packed = NULL;
        char *folder = xasprintf("tests/golden/adapters/%s", golden[i].name);
        modelpath_resolve(folder, NULL, NULL, &path, &err);
        struct source *files_of = source_files_open((const char *const *)path.path, path.n, &err);
        struct source s = *files_of;
        r.source = &s;
        s.ctx = files_of;
        read_back = 0, read_to = 0;
        if (ok((r.m = model_open(files_of, executor_cpu.ops, NULL, &err)) &&
                   (r.be = r.m->be = executor_cpu.open(&(struct executor_opts){ .threads = 1, .max_rows = N, .max_k = 256 }, &err)),
               "%s opens %s", golden[i].name, err.text)) {
            packed = executor_cpu.ops->alloc(r.be, r.m->packed_bytes, &err);
            model_attach(r.m, packed);
            s.read = forward_only;
            ok(model_load(&r.m, 1, &s, &err) == 0 && read_back == 0, "%s: its weights are read forward, %d steps back %s", golden[i].name,
               read_back, err.text);
        }
        done(&r, packed);
        source_files_close(files_of);
        modelpath_free(&path);
        free(folder);
    }
}

int main(void)
{
    test_configs();
    test_modules();
    test_logits();
    test_files();
    test_order();
    return done_testing();
}
