/* config_keys.c - the keys of configurations, as data: which are obeyed, which change nothing here, and which must be off.
 * A key that changes numbers and is passed over makes every answer another model's, so none is: what is not in a table is noticed. */
#include "config_keys.h"

#include "mtbench/buf.h"
#include "mtbench/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum use {
    READ,                                 /* obeyed */
    IDLE,                                 /* changes no number of a forward pass */
    OFF                                   /* not supported: must say that it is off */
};

struct key {
    const char *name;
    enum use use;
    char type;                            /* READ: i whole number, f number, b truth, s text, * checked where it is read */
    double off, also;                     /* OFF: the numbers that mean "off"; false and null do as well */
};

static const struct key hf_key[] = {
    {"architectures", READ, '*', 0, 0},
    {"model_type", READ, 's', 0, 0},
    {"hidden_size", READ, 'i', 0, 0},
    {"intermediate_size", READ, 'i', 0, 0},
    {"num_hidden_layers", READ, 'i', 0, 0},
    {"num_attention_heads", READ, 'i', 0, 0},
    {"num_key_value_heads", READ, 'i', 0, 0},
    {"head_dim", READ, 'i', 0, 0},
    {"vocab_size", READ, 'i', 0, 0},
    {"max_position_embeddings", READ, 'i', 0, 0},
    {"rms_norm_eps", READ, 'f', 0, 0},
    {"hidden_act", READ, 's', 0, 0},
    {"tie_word_embeddings", READ, 'b', 0, 0},
    {"attention_bias", READ, 'b', 0, 0},
    {"mlp_bias", READ, 'b', 0, 0},
    {"bos_token_id", READ, '*', 0, 0},
    {"eos_token_id", READ, '*', 0, 0},
    {"rope_theta", READ, 'f', 0, 0},
    {"rope_scaling", READ, '*', 0, 0},
    {"rope_parameters", READ, '*', 0, 0},
    {"sliding_window", READ, 'i', 0, 0},
    {"use_sliding_window", READ, 'b', 0, 0},
    {"max_window_layers", READ, 'i', 0, 0},
    {"layer_types", READ, '*', 0, 0},

    /* ---- positions and attention of others ---- */
    {"partial_rotary_factor", OFF, 0, 1, 1},
    {"rotary_pct", OFF, 0, 1, 1},
    {"rotary_emb_base", OFF, 0, 10000, 10000},
    {"rope_interleave", OFF, 0, 0, 0},
    {"rope_interleaved", OFF, 0, 0, 0},
    {"rope_ratio", OFF, 0, 1, 1},
    {"rope_local_base_freq", OFF, 0, 0, 0},
    {"use_mrope", OFF, 0, 0, 0},
    {"alibi", OFF, 0, 0, 0},
    {"no_rope_layers", OFF, 0, 0, 0},
    {"no_rope_layer_interval", OFF, 0, 0, 0},
    {"position_embedding_type", OFF, 'r', 0, 0},
    {"use_dynamic_ntk", OFF, 0, 0, 0},
    {"use_logn_attn", OFF, 0, 0, 0},
    {"use_qk_norm", OFF, 0, 0, 0},
    {"qk_norm", OFF, 0, 0, 0},
    {"qk_layernorm", OFF, 0, 0, 0},
    {"clip_qkv", OFF, 0, 0, 0},
    {"attention_multiplier", OFF, 0, 0, 0},
    {"query_pre_attn_scalar", OFF, 0, 0, 0},
    {"attn_logit_softcapping", OFF, 0, 0, 0},
    {"attn_scale", OFF, 0, 0, 0},
    {"attention_chunk_size", OFF, 0, 0, 0},
    {"sliding_window_pattern", OFF, 0, 0, 0},
    {"attention_out_bias", OFF, 0, 0, 0},
    {"qkv_bias", OFF, 0, 0, 0},
    {"bias", OFF, 0, 0, 0},
    {"use_parallel_residual", OFF, 0, 0, 0},
    {"parallel_attn", OFF, 0, 0, 0},
    {"kv_lora_rank", OFF, 0, 0, 0},
    {"q_lora_rank", OFF, 0, 0, 0},
    /* ---- scalars of others ---- */
    {"logit_scale", OFF, 0, 1, 1},
    {"logits_scaling", OFF, 0, 1, 1},
    {"embedding_multiplier", OFF, 0, 1, 1},
    {"residual_multiplier", OFF, 0, 1, 1},
    {"scale_emb", OFF, 0, 1, 1},
    {"scale_depth", OFF, 0, 0, 0},
    {"dim_model_base", OFF, 0, 0, 0},
    {"final_logit_softcapping", OFF, 0, 0, 0},
    /* ---- experts, other halves, other numbers ---- */
    {"num_experts", OFF, 0, 0, 1},
    {"num_local_experts", OFF, 0, 0, 1},
    {"n_routed_experts", OFF, 0, 0, 0},
    {"moe_intermediate_size", OFF, 0, 0, 0},
    {"num_nextn_predict_layers", OFF, 0, 0, 0},
    {"is_encoder_decoder", OFF, 0, 0, 0},
    {"add_cross_attention", OFF, 0, 0, 0},
    {"vision_config", OFF, 0, 0, 0},
    {"text_config", OFF, 0, 0, 0},
    {"quantization_config", OFF, 0, 0, 0},
    {"compression_config", OFF, 0, 0, 0},
    {"pruned_heads", OFF, 0, 0, 0},

    /* ---- where the file comes from, training, generation ---- */
    {"_name_or_path", IDLE, 0, 0, 0},
    {"_commit_hash", IDLE, 0, 0, 0},
    {"transformers_version", IDLE, 0, 0, 0},
    {"torch_dtype", IDLE, 0, 0, 0},
    {"dtype", IDLE, 0, 0, 0},
    {"use_cache", IDLE, 0, 0, 0},
    {"initializer_range", IDLE, 0, 0, 0},
    {"pretraining_tp", IDLE, 0, 0, 0},
    {"attention_dropout", IDLE, 0, 0, 0},
    {"hidden_dropout", IDLE, 0, 0, 0},
    {"resid_pdrop", IDLE, 0, 0, 0},
    {"embd_pdrop", IDLE, 0, 0, 0},
    {"classifier_dropout", IDLE, 0, 0, 0},
    {"pad_token_id", IDLE, 0, 0, 0},
    {"unk_token_id", IDLE, 0, 0, 0},
    {"sep_token_id", IDLE, 0, 0, 0},
    {"cls_token_id", IDLE, 0, 0, 0},
    {"decoder_start_token_id", IDLE, 0, 0, 0},
    {"model_max_length", IDLE, 0, 0, 0},
    {"max_sequence_length", IDLE, 0, 0, 0},
    {"seq_length", IDLE, 0, 0, 0},
    {"tokenizer_class", IDLE, 0, 0, 0},
    {"layer_norm_eps", IDLE, 0, 0, 0},
    {"type_vocab_size", IDLE, 0, 0, 0},
    {"_attn_implementation", IDLE, 0, 0, 0},
    {"_attn_implementation_autoset", IDLE, 0, 0, 0},
    {"attn_implementation", IDLE, 0, 0, 0},
    {"_flash_attn_2_enabled", IDLE, 0, 0, 0},
    {"use_flash_attn", IDLE, 0, 0, 0},
    {"unsloth_fixed", IDLE, 0, 0, 0},
    {"unsloth_version", IDLE, 0, 0, 0},
    {"neftune_noise_alpha", IDLE, 0, 0, 0},
    {"gradient_checkpointing", IDLE, 0, 0, 0},
    {"output_attentions", IDLE, 0, 0, 0},
    {"output_hidden_states", IDLE, 0, 0, 0},
    {"output_router_logits", IDLE, 0, 0, 0},
    {"return_dict", IDLE, 0, 0, 0},
    {"return_dict_in_generate", IDLE, 0, 0, 0},
    {"output_scores", IDLE, 0, 0, 0},
    {"torchscript", IDLE, 0, 0, 0},
    {"use_bfloat16", IDLE, 0, 0, 0},
    {"chunk_size_feed_forward", IDLE, 0, 0, 0},
    {"tie_encoder_decoder", IDLE, 0, 0, 0},
    {"cross_attention_hidden_size", IDLE, 0, 0, 0},
    {"is_decoder", IDLE, 0, 0, 0},
    {"id2label", IDLE, 0, 0, 0},
    {"label2id", IDLE, 0, 0, 0},
    {"num_labels", IDLE, 0, 0, 0},
    {"problem_type", IDLE, 0, 0, 0},
    {"finetuning_task", IDLE, 0, 0, 0},
    {"task_specific_params", IDLE, 0, 0, 0},
    {"prefix", IDLE, 0, 0, 0},
    {"temperature", IDLE, 0, 0, 0},
    {"top_k", IDLE, 0, 0, 0},
    {"top_p", IDLE, 0, 0, 0},
    {"typical_p", IDLE, 0, 0, 0},
    {"repetition_penalty", IDLE, 0, 0, 0},
    {"length_penalty", IDLE, 0, 0, 0},
    {"no_repeat_ngram_size", IDLE, 0, 0, 0},
    {"encoder_no_repeat_ngram_size", IDLE, 0, 0, 0},
    {"bad_words_ids", IDLE, 0, 0, 0},
    {"num_return_sequences", IDLE, 0, 0, 0},
    {"max_length", IDLE, 0, 0, 0},
    {"min_length", IDLE, 0, 0, 0},
    {"do_sample", IDLE, 0, 0, 0},
    {"early_stopping", IDLE, 0, 0, 0},
    {"num_beams", IDLE, 0, 0, 0},
    {"num_beam_groups", IDLE, 0, 0, 0},
    {"diversity_penalty", IDLE, 0, 0, 0},
    {"remove_invalid_values", IDLE, 0, 0, 0},
    {"exponential_decay_length_penalty", IDLE, 0, 0, 0},
    {"suppress_tokens", IDLE, 0, 0, 0},
    {"begin_suppress_tokens", IDLE, 0, 0, 0},
    {"forced_bos_token_id", IDLE, 0, 0, 0},
    {"forced_eos_token_id", IDLE, 0, 0, 0},
    {"tf_legacy_loss", IDLE, 0, 0, 0},
};

static const struct key rope_key[] = {
    {"type", READ, 's', 0, 0},
    {"rope_type", READ, 's', 0, 0},
    {"rope_theta", READ, 'f', 0, 0},
    {"factor", READ, 'f', 0, 0},
    {"low_freq_factor", READ, 'f', 0, 0},
    {"high_freq_factor", READ, 'f', 0, 0},
    {"original_max_position_embeddings", READ, 'i', 0, 0},
    {"beta_fast", READ, 'f', 0, 0},
    {"beta_slow", READ, 'f', 0, 0},
    {"mscale", READ, 'f', 0, 0},
    {"mscale_all_dim", READ, 'f', 0, 0},
    {"attention_factor", READ, 'f', 0, 0},
    {"truncate", READ, 'b', 0, 0},
    {"partial_rotary_factor", OFF, 0, 1, 1},
    {"finetuned", IDLE, 0, 0, 0},
};

static const struct key gguf_key[] = {
    {"block_count", READ, 'i', 0, 0},
    {"context_length", READ, 'i', 0, 0},
    {"embedding_length", READ, 'i', 0, 0},
    {"feed_forward_length", READ, 'i', 0, 0},
    {"attention.head_count", READ, 'i', 0, 0},
    {"attention.head_count_kv", READ, 'i', 0, 0},
    {"attention.key_length", READ, 'i', 0, 0},
    {"attention.value_length", READ, 'i', 0, 0},
    {"attention.layer_norm_rms_epsilon", READ, 'f', 0, 0},
    {"rope.dimension_count", READ, 'i', 0, 0},
    {"rope.freq_base", READ, 'f', 0, 0},
    {"rope.scale_linear", READ, 'f', 0, 0},
    {"rope.scaling.type", READ, 's', 0, 0},
    {"rope.scaling.factor", READ, 'f', 0, 0},
    {"rope.scaling.original_context_length", READ, 'i', 0, 0},
    {"rope.scaling.attn_factor", READ, 'f', 0, 0},
    {"rope.scaling.yarn_beta_fast", READ, 'f', 0, 0},
    {"rope.scaling.yarn_beta_slow", READ, 'f', 0, 0},

    {"rope.scaling.yarn_ext_factor", OFF, 0, 1, 1},
    {"rope.scaling.yarn_attn_factor", OFF, 0, 1, 1},
    {"rope.scaling.yarn_log_multiplier", OFF, 0, 0, 0},
    {"expert_count", OFF, 0, 0, 0},
    {"expert_used_count", OFF, 0, 0, 0},
    {"leading_dense_block_count", OFF, 0, 0, 0},
    {"nextn_predict_layers", OFF, 0, 0, 0},
    {"use_parallel_residual", OFF, 0, 0, 0},
    {"attention.causal", OFF, 0, 1, 1},
    {"attention.max_alibi_bias", OFF, 0, 0, 0},
    {"attention.clamp_kqv", OFF, 0, 0, 0},
    {"attention.scale", OFF, 0, 0, 0},
    {"logit_scale", OFF, 0, 0, 1},
    {"embedding_scale", OFF, 0, 0, 1},
    {"residual_scale", OFF, 0, 0, 1},
    {"attn_logit_softcapping", OFF, 0, 0, 0},
    {"final_logit_softcapping", OFF, 0, 0, 0},

    /* llama.cpp reads no window of these architectures: its llama and qwen2 see everything. */
    {"attention.sliding_window", IDLE, 0, 0, 0},
    {"attention.layer_norm_epsilon", IDLE, 0, 0, 0},
    {"vocab_size", IDLE, 0, 0, 0},
    {"tensor_data_layout", IDLE, 0, 0, 0},
    {"rope.scaling.finetuned", IDLE, 0, 0, 0},
    {"pooling_type", IDLE, 0, 0, 0},
};

#define FIND(table, name) find(table, sizeof table / sizeof *(table), name)

static const struct key *find(const struct key *table, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(table[i].name, name))
            return &table[i];
    return NULL;
}

/* ---- JSON ---- */

static bool of_type(const cJSON *j, char type)
{
    switch (type) {
    case 'i': return cJSON_IsNumber(j) && j->valuedouble == floor(j->valuedouble);
    case 'f': return cJSON_IsNumber(j);
    case 'b': return cJSON_IsBool(j);
    case 's': return cJSON_IsString(j);
    default: return true;
    }
}

/* Nothing there, an empty list or block, a number that means "off", or (position_embedding_type) rotary positions by their names. */
static bool is_off(const cJSON *j, const struct key *k)
{
    if (cJSON_IsFalse(j) || ((cJSON_IsArray(j) || cJSON_IsObject(j)) && !j->child))
        return true;
    if (k->type == 'r' && cJSON_IsString(j))
        return !strcmp(j->valuestring, "rope") || !strcmp(j->valuestring, "rotary") || !strcmp(j->valuestring, "absolute");
    return cJSON_IsNumber(j) && (j->valuedouble == k->off || j->valuedouble == k->also);
}

static int check_json(const cJSON *j, const struct key *k, const char *what, struct err *err)
{
    static const char *const kind[] = { ['i'] = "whole number", ['f'] = "number", ['b'] = "true or false", ['s'] = "text" };
    if (cJSON_IsNull(j))
        return 0;
    if (k->use == READ && !of_type(j, k->type))
        return err_set(err, ERR_FORMAT, "%s is no %s; correct the file", k->name, kind[(unsigned char)k->type]);
    if (k->use != OFF || is_off(j, k))
        return 0;
    char *value = cJSON_PrintUnformatted(j);
    err_set(err, ERR_MODEL, "%s is %.60s; %s with it is not supported", k->name, value ? value : "something", what);
    cJSON_free(value);
    return -1;
}

int hf_keys_check(const cJSON *root, const struct arch *arch, struct err *err)
{
    struct buf unknown = {0};
    const cJSON *j;
    int rc = 0;
    cJSON_ArrayForEach(j, root)
    {
        const struct key *k = FIND(hf_key, j->string);
        if (k && rc == 0)
            rc = check_json(j, k, arch->hf_name, err);
        else if (!k && !cJSON_IsNull(j) && unknown.len < 200)
            buf_printf(&unknown, "%s%.40s", unknown.len ? ", " : "", j->string);
    }
    if (rc == 0 && unknown.len)
        log_note("config.json has keys that this program does not know, and computes as if they were not there: %s", unknown.data);
    buf_free(&unknown);
    return rc;
}

int rope_keys_check(const cJSON *block, const char *name, struct err *err)
{
    const cJSON *j;
    if (!cJSON_IsObject(block))
        return err_set(err, ERR_FORMAT, "%s is no block of keys; correct the file", name);
    cJSON_ArrayForEach(j, block)
    {
        const struct key *k = FIND(rope_key, j->string);
        if (!k && !cJSON_IsNull(j))
            return err_set(err, ERR_MODEL, "%s: its key %.40s is not supported", name, j->string);
        if (k && check_json(j, k, "a rotation", err) < 0)
            return err_wrap(err, "%s", name);
    }
    return 0;
}

/* ---- GGUF ---- */

static bool gguf_is(const struct gguf *g, const char *key, const struct key *k)
{
    int64_t i;
    double x;
    bool b;
    struct slice s;
    size_t n;
    int64_t *each;
    switch (k->type) {
    case 'i': each = gguf_ints(g, key, &n), free(each); return each != NULL;
    case 'f': return gguf_float(g, key, &x);
    case 's': return gguf_string(g, key, &s);
    default:
        if (gguf_bool(g, key, &b))
            return b ? k->off == 1 || k->also == 1 : k->off == 0;
        return (gguf_int(g, key, &i) && ((double)i == k->off || (double)i == k->also)) ||
               (gguf_float(g, key, &x) && (x == k->off || x == k->also));
    }
}

int gguf_keys_check(const struct gguf *g, const struct arch *arch, struct err *err)
{
    const size_t n_arch = strlen(arch->gguf_name);
    char key[128];
    for (size_t i = 0; i < g->n_values; i++) {
        struct slice name = g->value[i].key;
        if (name.len <= n_arch + 1 || memcmp(name.ptr, arch->gguf_name, n_arch) || name.ptr[n_arch] != '.')
            continue;
        snprintf(key, sizeof key, "%.*s", (int)(name.len < sizeof key ? name.len : sizeof key - 1), name.ptr);
        const struct key *k = FIND(gguf_key, key + n_arch + 1);
        if (!k)
            return err_set(err, ERR_MODEL, "key %s is not known, and may change what the model computes", key);
        if (k->use == READ && !gguf_is(g, key, k))
            return err_set(err, ERR_FORMAT, "key %s is of another kind than it must be", key);
        if (k->use == OFF && !gguf_is(g, key, k))
            return err_set(err, ERR_MODEL, "key %s says what is not supported for %s", key, arch->gguf_name);
    }
    return 0;
}
