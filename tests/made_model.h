/* made_model.h - models of any shape and type of weights, made in memory out of arithmetic: a Hugging Face folder, with safetensors or a
 * PyTorch file, or a GGUF file. Nonsense to read, but finite numbers everywhere. */
#ifndef MTB_TEST_MADE_MODEL_H
#define MTB_TEST_MADE_MODEL_H

#include "memory.h"
#include "mtbench/dtype.h"
#include "torch_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made {
    const char *name;
    bool gguf, torch, tied, bias, head_bias;      /* head_bias: of a GGUF file */
    enum dtype type;                      /* of matrices; embedding and head of a GGUF file too */
    int layers, dim, heads, kv, head_dim, ff, vocab, window;
};

/* ---- numbers ---- */

static inline uint32_t made_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static inline float made_number(uint64_t *state, float scale)
{
    return ((float)(made_next(state) & 0xffff) / 32768.0f - 1.0f) * scale;
}

static inline uint16_t made_half(float x)
{
    _Float16 h = (_Float16)x;
    uint16_t bits;
    memcpy(&bits, &h, 2);
    return bits;
}

/* Random quants under scales of about the size that makes numbers like a trained model's. */
static inline void made_block(enum dtype t, uint8_t *b, uint64_t *state)
{
    const uint16_t d = made_half(0.01f + made_number(state, 0.004f)), m = made_half(made_number(state, 0.01f));
    for (int i = 0; i < dtype_info[t].block_bytes; i++)
        b[i] = (uint8_t)made_next(state);
    if (t == DT_Q6_K) {
        const uint16_t small = made_half(0.0004f);
        memcpy(b + 208, &small, 2);
        for (int i = 192; i < 208; i++)
            b[i] = (uint8_t)((int)(made_next(state) % 32) - 16);
        return;
    }
    if (t == DT_Q4_K || t == DT_Q5_K) {
        const uint16_t small = made_half(0.0005f), least = made_half(0.001f);
        memcpy(b, &small, 2), memcpy(b + 2, &least, 2);
        return;
    }
    memcpy(b, &d, 2);
    if (t == DT_Q4_1 || t == DT_Q5_1)
        memcpy(b + 2, &m, 2);
    if (t == DT_Q8_0)
        for (int i = 2; i < 34; i++)
            b[i] = (uint8_t)(b[i] / 8);
}

static inline void made_fill(struct buf *b, enum dtype t, size_t n, float scale, float offset, uint64_t *state)
{
    const size_t block = (size_t)dtype_info[t].block, bytes = (size_t)dtype_info[t].block_bytes;
    uint8_t *to = (uint8_t *)buf_reserve(b, n / block * bytes);
    for (size_t i = 0; i < n / block; i++, to += bytes) {
        if (block > 1) {
            made_block(t, to, state);
            continue;
        }
        const float x = offset + made_number(state, scale);
        uint32_t bits;
        memcpy(&bits, &x, 4);
        const uint16_t half = t == DT_BF16 ? (uint16_t)(bits >> 16) : made_half(x);
        memcpy(to, t == DT_F32 ? (const void *)&x : &half, bytes);
    }
    b->len += n / block * bytes;
}

/* ---- the tensors, by the names of both worlds ---- */

struct made_tensor { char name[80]; enum dtype type; int n, k; float scale, offset; };

static inline int made_tensors(const struct made *m, struct made_tensor *t)
{
    static const char *const hf[] = { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj",
                                      "mlp.up_proj", "mlp.down_proj" };
    static const char *const gg[] = { "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down" };
    static const char *const norm[2][2] = { { "input_layernorm", "post_attention_layernorm" }, { "attn_norm", "ffn_norm" } };
    const int q = m->heads * m->head_dim, kv = m->kv * m->head_dim;
    const int n[] = { q, kv, kv, m->dim, m->ff, m->ff, m->dim }, k[] = { m->dim, m->dim, m->dim, q, m->dim, m->dim, m->ff };
    const char *layer = m->gguf ? "blk.%d.%s.%s" : "model.layers.%d.%s.%s";
    int c = 0;
    t[c] = (struct made_tensor){ .type = m->type, .n = m->vocab, .k = m->dim, .scale = 0.5f };
    strcpy(t[c++].name, m->gguf ? "token_embd.weight" : "model.embed_tokens.weight");
    for (int l = 0; l < m->layers; l++) {
        for (int i = 0; i < 2; i++) {
            t[c] = (struct made_tensor){ .type = DT_F32, .n = m->dim, .scale = 0.1f, .offset = 1 };
            snprintf(t[c++].name, sizeof t->name, layer, l, norm[m->gguf][i], "weight");
        }
        for (int i = 0; i < 7; i++) {
            t[c] = (struct made_tensor){ .type = m->type, .n = n[i], .k = k[i], .scale = 1.5f / sqrtf((float)k[i]) };
            snprintf(t[c++].name, sizeof t->name, layer, l, (m->gguf ? gg : hf)[i], "weight");
            if (!m->bias)
                continue;
            t[c] = (struct made_tensor){ .type = DT_F32, .n = n[i], .scale = 0.3f };
            snprintf(t[c++].name, sizeof t->name, layer, l, (m->gguf ? gg : hf)[i], "bias");
        }
    }
    t[c] = (struct made_tensor){ .type = DT_F32, .n = m->dim, .scale = 0.1f, .offset = 1 };
    strcpy(t[c++].name, m->gguf ? "output_norm.weight" : "model.norm.weight");
    if (!m->tied) {
        t[c] = (struct made_tensor){ .type = m->type, .n = m->vocab, .k = m->dim, .scale = 0.3f };
        strcpy(t[c++].name, m->gguf ? "output.weight" : "lm_head.weight");
    }
    if (m->head_bias) {
        t[c] = (struct made_tensor){ .type = DT_F32, .n = m->vocab, .scale = 0.5f };
        strcpy(t[c++].name, "output.bias");
    }
    return c;
}

enum { MADE_TENSORS = 128 };

static inline size_t made_numbers(const struct made_tensor *t)
{
    return (size_t)t->n * (size_t)(t->k ? t->k : 1);
}

static inline size_t made_bytes(const struct made_tensor *t)
{
    return made_numbers(t) / (size_t)dtype_info[t->type].block * (size_t)dtype_info[t->type].block_bytes;
}

/* ---- the kinds of files ---- */

static inline void made_safetensors(struct buf *file, const struct made_tensor *t, int n, uint64_t state)
{
    struct buf head = { 0 };
    uint64_t at = 0;
    for (int i = 0; i < n; i++) {
        buf_printf(&head, "%s\"%s\": {\"dtype\": \"%s\", \"shape\": [%d", i ? ", " : "{", t[i].name, dtype_info[t[i].type].name, t[i].n);
        if (t[i].k)
            buf_printf(&head, ", %d", t[i].k);
        buf_printf(&head, "], \"data_offsets\": [%llu, %llu]}", (unsigned long long)at, (unsigned long long)(at + made_bytes(&t[i])));
        at += made_bytes(&t[i]);
    }
    buf_str(&head, "}");
    const uint64_t length = head.len;
    buf_add(file, &length, sizeof length);
    buf_add(file, head.data, head.len);
    buf_free(&head);
    for (int i = 0; i < n; i++)
        made_fill(file, t[i].type, made_numbers(&t[i]), t[i].scale, t[i].offset, &state);
}

/* (n, k) numbers of 'width' bytes to (k, n). */
static inline void made_turn(struct buf *b, int n, int k, size_t width)
{
    char *turned = malloc(b->len);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < k; j++)
            memcpy(turned + ((size_t)j * (size_t)n + (size_t)i) * width, b->data + ((size_t)i * (size_t)k + (size_t)j) * width, width);
    memcpy(b->data, turned, b->len);
    free(turned);
}

/* The same numbers. Every third matrix lies in its storage column by column, behind one number that is nobody's. */
static inline void made_torch(struct buf *file, const struct made_tensor *t, int n, uint64_t state)
{
    static const char *const class[] = { [DT_F32] = "FloatStorage", [DT_F16] = "HalfStorage", [DT_BF16] = "BFloat16Storage" };
    struct torch_spec spec[TORCH_MEMBERS];
    struct buf data[TORCH_MEMBERS] = { { 0 } }, pickle = { 0 };
    char key[TORCH_MEMBERS][12];
    struct torch_file f = { .n = 0 };
    for (int i = 0; i < n; i++) {
        const int width = dtype_info[t[i].type].block_bytes;
        const bool turned = t[i].k && i % 3 == 0;
        made_fill(&data[i], t[i].type, made_numbers(&t[i]), t[i].scale, t[i].offset, &state);
        if (turned) {
            made_turn(&data[i], t[i].n, t[i].k, (size_t)width);
            buf_add(&data[i], "\0\0\0", (size_t)width);
            memmove(data[i].data + width, data[i].data, data[i].len - (size_t)width);
        }
        snprintf(key[i], sizeof key[i], "%d", i);
        spec[i] = (struct torch_spec){ .name = t[i].name, .storage_class = class[t[i].type], .key = key[i], .width = width, .first = turned,
                                       .n = (int64_t)made_numbers(&t[i]) + turned, .n_dims = t[i].k ? 2 : 1, .dim = { t[i].n, t[i].k },
                                       .stride = { turned || !t[i].k ? 1 : t[i].k, turned ? t[i].n : 1 }, .data = data[i].data };
    }
    torch_dict(&pickle, spec, (size_t)n, NULL, 0, false);
    torch_zip(&f, spec, (size_t)n, &pickle, NULL, "little");
    buf_add(file, f.b.data, f.b.len);
    torch_free(&f);
    buf_free(&pickle);
    for (int i = 0; i < n; i++)
        buf_free(&data[i]);
}

static inline void made_hf(struct memory *files, const struct made *m)
{
    struct made_tensor t[MADE_TENSORS];
    const int n = made_tensors(m, t);
    struct buf *config = memory_add(files, "made/config.json");
    buf_printf(config, "{\"architectures\": [\"%s\"], \"hidden_size\": %d, \"num_attention_heads\": %d, \"num_key_value_heads\": %d, "
               "\"head_dim\": %d, \"intermediate_size\": %d, \"vocab_size\": %d, \"num_hidden_layers\": %d, \"rms_norm_eps\": 1e-5, "
               "\"max_position_embeddings\": 512, \"tie_word_embeddings\": %s, \"bos_token_id\": 1, \"eos_token_id\": 2, "
               "\"attention_bias\": %s, \"mlp_bias\": %s", m->window ? "MistralForCausalLM" : "LlamaForCausalLM", m->dim, m->heads, m->kv,
               m->head_dim, m->ff, m->vocab, m->layers, m->tied ? "true" : "false", m->bias ? "true" : "false", m->bias ? "true" : "false");
    if (m->window)
        buf_printf(config, ", \"sliding_window\": %d", m->window);
    buf_str(config, "}");
    if (m->torch)
        made_torch(memory_add(files, "made/pytorch_model.bin"), t, n, 1);
    else
        made_safetensors(memory_add(files, "made/model.safetensors"), t, n, 1);
}

/* An adapter (LoRA) of rank 4 to every projection and the head of such a folder, with an embedding of its own of 'vocab' rows, before whose
 * files it stands; 'vocab' 0: the base's embedding stays. */
static inline void made_adapter(struct memory *files, const struct made *m, int vocab)
{
    static const char *const name[] = { "layers.0.self_attn.q_proj", "layers.0.self_attn.k_proj", "layers.0.self_attn.v_proj",
                                        "layers.0.self_attn.o_proj", "layers.0.mlp.gate_proj", "layers.0.mlp.up_proj",
                                        "layers.0.mlp.down_proj" };
    const int q = m->heads * m->head_dim, kv = m->kv * m->head_dim;
    const int n[] = { q, kv, kv, m->dim, m->ff, m->ff, m->dim }, k[] = { m->dim, m->dim, m->dim, q, m->dim, m->dim, m->ff };
    struct made_tensor t[MADE_TENSORS];
    int c = 0;
    for (int i = 0; i < 7; i++) {
        t[c] = (struct made_tensor){ .type = DT_F32, .n = 4, .k = k[i], .scale = 0.2f };
        snprintf(t[c++].name, sizeof t->name, "base_model.model.model.%s.lora_A.weight", name[i]);
        t[c] = (struct made_tensor){ .type = DT_F32, .n = n[i], .k = 4, .scale = 0.2f };
        snprintf(t[c++].name, sizeof t->name, "base_model.model.model.%s.lora_B.weight", name[i]);
    }
    const struct made_tensor whole[] = {
        { .name = "base_model.model.model.embed_tokens.weight", .type = DT_F32, .n = vocab, .k = m->dim, .scale = 0.5f },
        { .name = "base_model.model.lm_head.weight", .type = DT_F32, .n = vocab, .k = m->dim, .scale = 0.3f },
    }, factor[] = {
        { .name = "base_model.model.lm_head.lora_A.weight", .type = DT_F32, .n = 4, .k = m->dim, .scale = 0.2f },
        { .name = "base_model.model.lm_head.lora_B.weight", .type = DT_F32, .n = m->vocab, .k = 4, .scale = 0.2f },
    };
    for (int i = 0; i < 2; i++)
        t[c++] = vocab ? whole[i] : factor[i];
    memory_text(files, "made_adapter/adapter_config.json", vocab ?
                "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"target_modules\": \"all-linear\"}" :
                "{\"peft_type\": \"LORA\", \"r\": 4, \"lora_alpha\": 8, \"target_modules\": [\"q_proj\", \"k_proj\", \"v_proj\", "
                "\"o_proj\", \"gate_proj\", \"up_proj\", \"down_proj\", \"lm_head\"]}");
    made_safetensors(memory_add(files, "made_adapter/adapter_model.safetensors"), t, c, 77);
    made_hf(files, m);
}

static inline void made_string(struct buf *b, const char *s)
{
    const uint64_t n = strlen(s);
    buf_add(b, &n, sizeof n);
    buf_add(b, s, n);
}

static inline void made_gguf(struct memory *files, const struct made *m)
{
    static const uint32_t number[] = { [DT_F32] = 0, [DT_F16] = 1, [DT_BF16] = 30, [DT_Q8_0] = 8, [DT_Q4_0] = 2, [DT_Q4_1] = 3,
                                       [DT_Q5_0] = 6, [DT_Q5_1] = 7, [DT_Q4_K] = 12, [DT_Q5_K] = 13, [DT_Q6_K] = 14 };
    const struct { const char *key; int value; } key[] = {
        { "llama.block_count", m->layers }, { "llama.embedding_length", m->dim }, { "llama.feed_forward_length", m->ff },
        { "llama.attention.head_count", m->heads }, { "llama.attention.head_count_kv", m->kv }, { "llama.context_length", 512 },
        { "llama.attention.key_length", m->head_dim }, { "llama.attention.value_length", m->head_dim },
        { "llama.rope.dimension_count", m->head_dim },
    };
    const uint32_t u32 = 4, text = 8, f32 = 6, magic = 0x46554747, version = 3;
    const float eps = 1e-5f;
    struct made_tensor t[MADE_TENSORS];
    const uint64_t n = (uint64_t)made_tensors(m, t), n_keys = sizeof key / sizeof *key + 2;
    uint64_t at = 0, state = 1;
    struct buf *b = memory_add(files, "made.gguf");
    buf_add(b, &magic, 4), buf_add(b, &version, 4), buf_add(b, &n, 8), buf_add(b, &n_keys, 8);
    made_string(b, "general.architecture"), buf_add(b, &text, 4), made_string(b, "llama");
    made_string(b, "llama.attention.layer_norm_rms_epsilon"), buf_add(b, &f32, 4), buf_add(b, &eps, 4);
    for (size_t i = 0; i < sizeof key / sizeof *key; i++)
        made_string(b, key[i].key), buf_add(b, &u32, 4), buf_add(b, &key[i].value, 4);
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t dims = t[i].k ? 2 : 1;
        const uint64_t dim[2] = { (uint64_t)(t[i].k ? t[i].k : t[i].n), (uint64_t)t[i].n };
        made_string(b, t[i].name), buf_add(b, &dims, 4), buf_add(b, dim, 8 * dims), buf_add(b, &number[t[i].type], 4), buf_add(b, &at, 8);
        at += (made_bytes(&t[i]) + 31) / 32 * 32;
    }
    while (b->len % 32)
        buf_char(b, 0);
    for (uint64_t i = 0; i < n; i++) {
        made_fill(b, t[i].type, made_numbers(&t[i]), t[i].scale, t[i].offset, &state);
        while (b->len % 32)
            buf_char(b, 0);
    }
}

/* The files of such a model; memory_free() ends them. */
static inline void made_files(struct memory *files, const struct made *m)
{
    (m->gguf ? made_gguf : made_hf)(files, m);
}

#endif
