/* config_keys.c - the keys of configurations, as data (keys.h). */
#include "config_keys.h"

#include "mtbench/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct key hf_key[] = {
    READ_KEY("architectures", '*'), READ_KEY("model_type", 's'), READ_KEY("hidden_size", 'i'), READ_KEY("intermediate_size", 'i'),
    READ_KEY("num_hidden_layers", 'i'), READ_KEY("num_attention_heads", 'i'), READ_KEY("num_key_value_heads", 'i'),
    READ_KEY("head_dim", 'i'), READ_KEY("vocab_size", 'i'), READ_KEY("max_position_embeddings", 'i'), READ_KEY("rms_norm_eps", 'f'),
    READ_KEY("hidden_act", 's'), READ_KEY("tie_word_embeddings", 'b'), READ_KEY("attention_bias", 'b'), READ_KEY("mlp_bias", 'b'),
    READ_KEY("bos_token_id", '*'), READ_KEY("eos_token_id", '*'), READ_KEY("rope_theta", 'f'), READ_KEY("rope_scaling", '*'),
    READ_KEY("rope_parameters", '*'), READ_KEY("sliding_window", 'i'), READ_KEY("use_sliding_window", 'b'),
    READ_KEY("max_window_layers", 'i'), READ_KEY("layer_types", '*'),

    /* ---- positions and attention of others ---- */
    OFF_KEY("partial_rotary_factor", 1, 1), OFF_KEY("rotary_pct", 1, 1), OFF_KEY("rotary_emb_base", 10000, 10000),
    OFF_KEY("rope_interleave", 0, 0), OFF_KEY("rope_interleaved", 0, 0), OFF_KEY("rope_ratio", 1, 1),
    OFF_KEY("rope_local_base_freq", 0, 0), OFF_KEY("use_mrope", 0, 0), OFF_KEY("alibi", 0, 0), OFF_KEY("no_rope_layers", 0, 0),
    OFF_KEY("no_rope_layer_interval", 0, 0),
    {"position_embedding_type", KEY_OFF, 'r', 0, 0},
    OFF_KEY("use_dynamic_ntk", 0, 0), OFF_KEY("use_logn_attn", 0, 0), OFF_KEY("use_qk_norm", 0, 0), OFF_KEY("qk_norm", 0, 0),
    OFF_KEY("qk_layernorm", 0, 0), OFF_KEY("clip_qkv", 0, 0), OFF_KEY("attention_multiplier", 0, 0),
    OFF_KEY("query_pre_attn_scalar", 0, 0), OFF_KEY("attn_logit_softcapping", 0, 0), OFF_KEY("attn_scale", 0, 0),
    OFF_KEY("attention_chunk_size", 0, 0), OFF_KEY("sliding_window_pattern", 0, 0), OFF_KEY("attention_out_bias", 0, 0),
    OFF_KEY("qkv_bias", 0, 0), OFF_KEY("bias", 0, 0), OFF_KEY("use_parallel_residual", 0, 0), OFF_KEY("parallel_attn", 0, 0),
    OFF_KEY("kv_lora_rank", 0, 0), OFF_KEY("q_lora_rank", 0, 0),
    /* ---- scalars of others ---- */
    OFF_KEY("logit_scale", 1, 1), OFF_KEY("logits_scaling", 1, 1), OFF_KEY("embedding_multiplier", 1, 1),
    OFF_KEY("residual_multiplier", 1, 1), OFF_KEY("scale_emb", 1, 1), OFF_KEY("scale_depth", 0, 0), OFF_KEY("dim_model_base", 0, 0),
    OFF_KEY("final_logit_softcapping", 0, 0),
    /* ---- experts, other halves, other numbers ---- */
    OFF_KEY("num_experts", 0, 1), OFF_KEY("num_local_experts", 0, 1), OFF_KEY("n_routed_experts", 0, 0),
    OFF_KEY("moe_intermediate_size", 0, 0), OFF_KEY("num_nextn_predict_layers", 0, 0), OFF_KEY("is_encoder_decoder", 0, 0),
    OFF_KEY("add_cross_attention", 0, 0), OFF_KEY("vision_config", 0, 0), OFF_KEY("text_config", 0, 0),
    OFF_KEY("quantization_config", 0, 0), OFF_KEY("compression_config", 0, 0), OFF_KEY("pruned_heads", 0, 0),

    /* ---- where the file comes from, training; what is about generation is in generation.c ---- */
    IDLE_KEY("_name_or_path"), IDLE_KEY("torch_dtype"), IDLE_KEY("dtype"), IDLE_KEY("initializer_range"),
    IDLE_KEY("pretraining_tp"), IDLE_KEY("attention_dropout"), IDLE_KEY("hidden_dropout"), IDLE_KEY("resid_pdrop"),
    IDLE_KEY("embd_pdrop"), IDLE_KEY("classifier_dropout"), IDLE_KEY("unk_token_id"), IDLE_KEY("sep_token_id"),
    IDLE_KEY("cls_token_id"), IDLE_KEY("model_max_length"), IDLE_KEY("max_sequence_length"), IDLE_KEY("seq_length"),
    IDLE_KEY("tokenizer_class"), IDLE_KEY("layer_norm_eps"), IDLE_KEY("type_vocab_size"), IDLE_KEY("_attn_implementation"),
    IDLE_KEY("_attn_implementation_autoset"), IDLE_KEY("attn_implementation"), IDLE_KEY("_flash_attn_2_enabled"),
    IDLE_KEY("use_flash_attn"), IDLE_KEY("unsloth_fixed"), IDLE_KEY("unsloth_version"), IDLE_KEY("neftune_noise_alpha"),
    IDLE_KEY("gradient_checkpointing"), IDLE_KEY("output_router_logits"), IDLE_KEY("return_dict"), IDLE_KEY("torchscript"),
    IDLE_KEY("use_bfloat16"), IDLE_KEY("chunk_size_feed_forward"), IDLE_KEY("tie_encoder_decoder"),
    IDLE_KEY("cross_attention_hidden_size"), IDLE_KEY("is_decoder"), IDLE_KEY("id2label"), IDLE_KEY("label2id"),
    IDLE_KEY("num_labels"), IDLE_KEY("problem_type"), IDLE_KEY("finetuning_task"), IDLE_KEY("task_specific_params"),
    IDLE_KEY("prefix"), IDLE_KEY("tf_legacy_loss"), IDLE_KEY("is_llama_config"), IDLE_KEY("transformers.js_config"),
    IDLE_KEY("keys_to_ignore_at_inference"), IDLE_KEY("onnx"), IDLE_KEY("model_parallel"),
};

static const struct key rope_key[] = {
    READ_KEY("type", 's'), READ_KEY("rope_type", 's'), READ_KEY("rope_theta", 'f'), READ_KEY("factor", 'f'),
    READ_KEY("low_freq_factor", 'f'), READ_KEY("high_freq_factor", 'f'), READ_KEY("original_max_position_embeddings", 'i'),
    READ_KEY("beta_fast", 'f'), READ_KEY("beta_slow", 'f'), READ_KEY("mscale", 'f'), READ_KEY("mscale_all_dim", 'f'),
    READ_KEY("attention_factor", 'f'), READ_KEY("truncate", 'b'),
    OFF_KEY("partial_rotary_factor", 1, 1),
    IDLE_KEY("finetuned"),
};

static const struct key gguf_key[] = {
    READ_KEY("block_count", 'i'), READ_KEY("context_length", 'i'), READ_KEY("embedding_length", 'i'),
    READ_KEY("feed_forward_length", 'i'), READ_KEY("attention.head_count", 'i'), READ_KEY("attention.head_count_kv", 'i'),
    READ_KEY("attention.key_length", 'i'), READ_KEY("attention.value_length", 'i'),
    READ_KEY("attention.layer_norm_rms_epsilon", 'f'), READ_KEY("rope.dimension_count", 'i'), READ_KEY("rope.freq_base", 'f'),
    READ_KEY("rope.scale_linear", 'f'), READ_KEY("rope.scaling.type", 's'), READ_KEY("rope.scaling.factor", 'f'),
    READ_KEY("rope.scaling.original_context_length", 'i'), READ_KEY("rope.scaling.attn_factor", 'f'),
    READ_KEY("rope.scaling.yarn_beta_fast", 'f'), READ_KEY("rope.scaling.yarn_beta_slow", 'f'),

    OFF_KEY("rope.scaling.yarn_ext_factor", 1, 1), OFF_KEY("rope.scaling.yarn_attn_factor", 1, 1),
    OFF_KEY("rope.scaling.yarn_log_multiplier", 0, 0), OFF_KEY("expert_count", 0, 0), OFF_KEY("expert_used_count", 0, 0),
    OFF_KEY("leading_dense_block_count", 0, 0), OFF_KEY("nextn_predict_layers", 0, 0), OFF_KEY("use_parallel_residual", 0, 0),
    OFF_KEY("attention.causal", 1, 1), OFF_KEY("attention.max_alibi_bias", 0, 0), OFF_KEY("attention.clamp_kqv", 0, 0),
    OFF_KEY("attention.scale", 0, 0), OFF_KEY("logit_scale", 0, 1), OFF_KEY("embedding_scale", 0, 1),
    OFF_KEY("residual_scale", 0, 1), OFF_KEY("attn_logit_softcapping", 0, 0), OFF_KEY("final_logit_softcapping", 0, 0),

    /* llama.cpp reads no window of these architectures: its llama and qwen2 see everything. */
    IDLE_KEY("attention.sliding_window"), IDLE_KEY("attention.layer_norm_epsilon"), IDLE_KEY("vocab_size"),
    IDLE_KEY("tensor_data_layout"), IDLE_KEY("rope.scaling.finetuned"), IDLE_KEY("pooling_type"),
};

/* ---- JSON ---- */

int hf_keys_check(const cJSON *root, const struct arch *arch, struct err *err)
{
    struct buf unknown = {0};
    struct keys keys = KEYS(hf_key);
    keys.beside = &generation_keys;      /* whether they count is the other file's business, or config_own_generation()'s */
    int rc = keys_check(keys, root, arch->hf_name, &unknown, err);
    if (rc == 0)
        keys_note("config.json", &unknown);
    buf_free(&unknown);
    return rc;
}

int rope_keys_check(const cJSON *block, const char *name, struct err *err)
{
    struct buf unknown = {0};
    if (!cJSON_IsObject(block))
        return err_set(err, ERR_FORMAT, "%s is no block of keys; correct the file", name);
    int rc = keys_check(KEYS(rope_key), block, "a rotation", &unknown, err);
    if (rc < 0)
        err_wrap(err, "%s", name);
    else if (unknown.len)
        rc = err_set(err, ERR_MODEL, "%s: not supported is its key %s", name, unknown.data);
    buf_free(&unknown);
    return rc;
}

/* ---- GGUF ---- */

int gguf_keys_check(const struct gguf *g, const struct arch *arch, struct err *err)
{
    struct buf unknown = {0};
    int rc = gguf_keys(g, arch->gguf_name, KEYS(gguf_key), &unknown, err);
    if (rc == 0 && unknown.len)
        rc = err_set(err, ERR_MODEL, "key %s is not known, and may change what the model computes", unknown.data);
    buf_free(&unknown);
    return rc;
}
