/* tensors.c - tensors that nobody asked for, that are there twice, or that the index puts elsewhere. The model is
 * tests/golden/tiny/llama_bias with members added to its directory. */
#include "mtbench/executor.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/model.h"

#include "memory.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct buf weights, config;

/* A weight file whose directory has these members as well. Tensor data stay where they are. */
static void add_weights(struct memory *m, const char *path, const char *members)
{
    uint64_t length;
    struct buf *b = memory_add(m, path);
    memcpy(&length, weights.data, 8);
    size_t json = (size_t)length;
    while (weights.data[8 + json - 1] != '}')     /* the library pads with blanks */
        json--;
    length = json + strlen(members);
    buf_add(b, &length, 8);
    buf_add(b, weights.data + 8, json - 1);
    buf_printf(b, "%s}", members);
    uint64_t old;
    memcpy(&old, weights.data, 8);
    buf_add(b, weights.data + 8 + old, weights.len - 8 - old);
}

/* False: refused. The model and the memory end here; *head: does it have one of its own? */
static bool opens(struct memory *m, bool *head, struct err *err)
{
    struct source s = memory_source(m);
    struct model *model = model_open(&s, executor_cpu.ops, NULL, err);
    if (model)
        *head = !model->config.tied;
    model_close(model);
    memory_free(m);
    return model != NULL;
}

#define T(name, type, bytes) ", \"" name "\": {\"dtype\": \"" type "\", \"shape\": [4], \"data_offsets\": [0, " bytes "]}"

static const struct {
    const char *members, *says;          /* says: NULL where the tensor is passed over */
} extra[] = {
    { "", NULL },
    { T("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", "16"), NULL },
    { T("model.position_ids", "I64", "32"), NULL },
    { T("model.layers.0.self_attn.mask", "BOOL", "4"), NULL },
    { T("model.layers.0.attention.masked_bias", "F32", "16"), NULL },
    { T("model.layers.0.attention.bias", "U8", "4"), NULL },
    { T("model.causal_mask_4", "U8", "4"), NULL },
    { T("model.layers.0.mlp.gate_proj.packed", "U8", "4"), "gate_proj.packed" },
    { T("model.layers.1.mlp.gate_proj.weight", "BOOL", "4"), "tensor model.layers.1.mlp.gate_proj.weight" },
    { T("vision_tower.embed.weight", "F8_E4M3", "4"), NULL },
    { T("v_head.summary.weight", "F32", "16"), NULL },
    { T("model.layers.0.self_attn.q_norm.weight", "F32", "16"), "tensor model.layers.0.self_attn.q_norm.weight" },
    { T("model.layers.0.self_attn.k_proj.weight_scale", "F32", "16"), "k_proj.weight_scale" },
    { T("model.layers.1.input_layernorm.weight", "F32", "16"), "tensor model.layers.1.input_layernorm.weight" },
    { T("model.layers.0.input_layernorm.bias", "F32", "16"), "tensor model.layers.0.input_layernorm.bias" },
    { T("model.norm.bias", "F16", "8"), "tensor model.norm.bias" },
    { T("lm_head.bias", "F32", "16"), "tensor lm_head.bias" },
    { T("model.layers.0.mlp.gate_proj.qweight", "I32", "16"), "qweight" },
    { T("model.norm.weight", "F32", "16"), "tensor model.norm.weight is there twice" },
};

static void test_extra(void)
{
    for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
        struct memory m = {0};
        struct err err = {0};
        bool head = false;
        memory_text(&m, "m/config.json", config.data);
        add_weights(&m, "m/model.safetensors", extra[i].members);
        bool read = opens(&m, &head, &err);
        ok(read == !extra[i].says && (read || strstr(err.text, extra[i].says)), "%.60s: %s", extra[i].members,
           read ? "passed over" : err.text);
    }
}

/* The weights with one text of their directory in the place of another that is no shorter, filled up with blanks at its end. */
static void rename_all(struct buf *b, const char *from, const char *to)
{
    uint64_t length;
    memcpy(&length, b->data, 8);
    char *at = b->data + 8, *end = at + length;
    const size_t n = strlen(from), k = strlen(to);
    while ((at = memmem(at, (size_t)(end - at), from, n))) {
        memcpy(at, to, k);
        memmove(at + k, at + n, (size_t)(end - at) - n);
        memset(end - (n - k), ' ', n - k);
        at += k;
    }
}

/* AutoModel saves the inner model alone: its names lack "model.", and there may be no head. */
static void test_bare(void)
{
    static const struct {
        const char *what, *head, *config, *says;
    } table[] = {
        { "names without model., and a head", "lm_head.weight",
          "\"architectures\": [\"LlamaForCausalLM\"], \"tie_word_embeddings\": false", NULL },
        { "without a head, tied", "my_head.weight", "\"architectures\": [\"LlamaModel\"], \"tie_word_embeddings\": true", NULL },
        { "without a head, not tied", "my_head.weight", "\"architectures\": [\"LlamaModel\"], \"tie_word_embeddings\": false",
          "without its head" },
        { "of another kind", "my_head.weight", "\"architectures\": [\"LlamaModelX\"], \"tie_word_embeddings\": true",
          "LlamaModelX is not supported" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct memory m = {0};
        struct err err = {0};
        bool head = false;
        struct buf own = {0};
        cJSON *root = cJSON_Parse(config.data);
        cJSON_DeleteItemFromObject(root, "tie_word_embeddings");
        cJSON_DeleteItemFromObject(root, "architectures");
        char *text = cJSON_PrintUnformatted(root);
        buf_printf(&own, "{%s, %s", table[i].config, text + 1);
        memory_text(&m, "m/config.json", own.data);
        add_weights(&m, "m/model.safetensors", "");
        struct buf *b = &m.data[m.n - 1];
        rename_all(b, "\"model.", "\"");
        rename_all(b, "lm_head.weight", table[i].head);
        bool read = opens(&m, &head, &err);
        ok(table[i].says ? !read && strstr(err.text, table[i].says) : read && head == !strcmp(table[i].head, "lm_head.weight"), "%s: %s",
           table[i].what, read ? "read" : err.text);
        cJSON_free(text);
        cJSON_Delete(root);
        buf_free(&own);
    }
}

/* The matrices of a quantised model, of which config.json says nothing. */
static void test_quantised(void)
{
    struct memory m = {0};
    struct err err = {0};
    bool head = false;
    memory_text(&m, "m/config.json", config.data);
    add_weights(&m, "m/model.safetensors", T("model.layers.0.self_attn.q_proj.qweight", "I32", "16"));
    rename_all(&m.data[m.n - 1], "0.self_attn.q_proj.weight", "0.self_attn.q_proj.scales");
    ok(!opens(&m, &head, &err) && strstr(err.text, "q_proj.qweight") && strstr(err.text, "GPTQ") && strstr(err.text, ".gguf"),
       "refused: %s", err.text);
}

/* Two shards with the same names: only the index knows which tensor is meant. */
static void test_index(void)
{
    static const struct { const char *what, *second, *index, *says;
    } table[] = {
        {"an index that gives the second file for one tensor", "", "{\"weight_map\": {\"model.norm.weight\": \"b.safetensors\"}}",
         "occurs in a.safetensors and again in b"},
        {"an index that lies", T("more", "F32", "16"), "{\"weight_map\": {\"more\": \"a.safetensors\"}}",
         "tensor more lies in a.safetensors, it says, but does not"},
        {"an index that is no JSON", "", "{", "m/model.safetensors.index.json"},
        {"an index without a table", "", "{\"weights\": {}}", "\"weight_map\" is missing"},
        {"an index that is a list", "", "[]", "no JSON object"},
        {"an index with a number for a file", "", "{\"weight_map\": {\"model.norm.weight\": 1}}", "no file for model.norm.weight"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct memory m = {0};
        struct err err = {0};
        bool head;
        memory_text(&m, "m/config.json", config.data);
        add_weights(&m, "m/a.safetensors", "");
        add_weights(&m, "m/b.safetensors", table[i].second);
        memory_text(&m, "m/model.safetensors.index.json", table[i].index);
        ok(!opens(&m, &head, &err) && strstr(err.text, table[i].says), "%s: %s", table[i].what, err.text);
    }
}

/* The same two shards, all tensors given to one of them. */
static void test_whole_index(void)
{
    struct memory m = {0};
    struct err err = {0};
    struct buf index = {0};
    bool head = false;
    static const char *const layer[] = {"input_layernorm",  "post_attention_layernorm", "self_attn.q_proj", "self_attn.k_proj",
                                        "self_attn.v_proj", "self_attn.o_proj",         "mlp.gate_proj",    "mlp.up_proj",
                                        "mlp.down_proj"};
    buf_str(&index, "{\"weight_map\": {\"model.norm.weight\": \"b.safetensors\", \"model.embed_tokens.weight\": \"b.safetensors\", "
                    "\"lm_head.weight\": \"a.safetensors\"");
    for (size_t i = 0; i < sizeof layer / sizeof *layer; i++) {
        buf_printf(&index, ", \"model.layers.0.%s.weight\": \"a.safetensors\"", layer[i]);
        if (i > 1)
            buf_printf(&index, ", \"model.layers.0.%s.bias\": \"b.safetensors\"", layer[i]);
    }
    buf_str(&index, "}}");
    memory_text(&m, "m/config.json", config.data);
    add_weights(&m, "m/a.safetensors", "");
    add_weights(&m, "m/b.safetensors", "");
    memory_text(&m, "m/model.safetensors.index.json", index.data);
    ok(opens(&m, &head, &err), "two shards with the same names, and an index that gives each tensor to one: read %s", err.text);
    buf_free(&index);
}

/* "tie_word_embeddings": true, but the file has a head. */
static void test_head(void)
{
    struct memory m = {0};
    struct err err = {0};
    bool head = false;
    char *tied = xstrdup(config.data), *at = strstr(tied, "\"tie_word_embeddings\": false");
    if (at)
        memcpy(at, "\"tie_word_embeddings\": true ", strlen("\"tie_word_embeddings\": true "));
    memory_text(&m, "m/config.json", tied);
    add_weights(&m, "m/model.safetensors", "");
    ok(at && opens(&m, &head, &err) && head, "a head in the file is used although the configuration ties it");
    free(tied);
}

int main(void)
{
    struct err err = {0};
    if (io_read("tests/golden/tiny/llama_bias/model.safetensors", &weights, &err) < 0 ||
        io_read("tests/golden/tiny/llama_bias/config.json", &config, &err) < 0) {
        ok(0, "%s", err.text);
        return done_testing();
    }
    test_extra();
    test_bare();
    test_quantised();
    test_index();
    test_whole_index();
    test_head();
    buf_free(&weights);
    buf_free(&config);
    return done_testing();
}
