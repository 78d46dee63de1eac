/* generation.c - what generation_config.json, or a flag, says about sampling: its keys, what is read of them, and what may be said. */
#include "config_keys.h"

#include "mtbench/keys.h"

#include <limits.h>
#include <math.h>

static const struct key generation_key[] = {
    READ_KEY("temperature", 'f'), READ_KEY("top_k", 'i'), READ_KEY("top_p", 'f'), READ_KEY("min_p", 'f'),
    READ_KEY("repetition_penalty", 'f'), READ_KEY("eos_token_id", '*'),

    /* ---- what else transformers does to the logits, or to where an answer ends ---- */
    OFF_KEY("typical_p", 1, 1), OFF_KEY("epsilon_cutoff", 0, 0), OFF_KEY("eta_cutoff", 0, 0), OFF_KEY("top_h", 0, 0),
    OFF_KEY("encoder_repetition_penalty", 1, 1), OFF_KEY("no_repeat_ngram_size", 0, 0),
    OFF_KEY("encoder_no_repeat_ngram_size", 0, 0), OFF_KEY("bad_words_ids", 0, 0), OFF_KEY("force_words_ids", 0, 0),
    OFF_KEY("constraints", 0, 0), OFF_KEY("sequence_bias", 0, 0), OFF_KEY("suppress_tokens", 0, 0),
    OFF_KEY("begin_suppress_tokens", 0, 0), OFF_KEY("forced_bos_token_id", -1, -1), OFF_KEY("forced_eos_token_id", -1, -1),
    OFF_KEY("forced_decoder_ids", 0, 0), OFF_KEY("exponential_decay_length_penalty", 0, 0), OFF_KEY("min_length", 0, 0),
    OFF_KEY("min_new_tokens", 0, 0), OFF_KEY("stop_strings", 0, 0), OFF_KEY("max_time", 0, 0), OFF_KEY("num_beams", 1, 1),
    OFF_KEY("num_beam_groups", 1, 1), OFF_KEY("penalty_alpha", 0, 0), OFF_KEY("guidance_scale", 1, 1),
    OFF_KEY("frequency_penalty", 0, 0), OFF_KEY("presence_penalty", 0, 0),
    OFF_KEY("watermarking_config", 0, 0), OFF_KEY("dola_layers", 0, 0), OFF_KEY("token_healing", 0, 0),

    /* ---- said by the command line, only for several beams or returns, or about memory and speed ---- */
    IDLE_KEY("do_sample"), IDLE_KEY("max_length"), IDLE_KEY("max_new_tokens"), IDLE_KEY("length_penalty"),
    IDLE_KEY("early_stopping"), IDLE_KEY("diversity_penalty"), IDLE_KEY("num_return_sequences"), IDLE_KEY("renormalize_logits"),
    IDLE_KEY("remove_invalid_values"), IDLE_KEY("use_cache"), IDLE_KEY("cache_implementation"), IDLE_KEY("cache_config"),
    IDLE_KEY("low_memory"), IDLE_KEY("compile_config"), IDLE_KEY("disable_compile"), IDLE_KEY("prefill_chunk_size"),
    IDLE_KEY("output_attentions"), IDLE_KEY("output_hidden_states"), IDLE_KEY("output_scores"), IDLE_KEY("output_logits"),
    IDLE_KEY("return_dict_in_generate"), IDLE_KEY("return_legacy_cache"), IDLE_KEY("is_assistant"),
    IDLE_KEY("num_assistant_tokens"), IDLE_KEY("num_assistant_tokens_schedule"), IDLE_KEY("assistant_confidence_threshold"),
    IDLE_KEY("assistant_early_exit"), IDLE_KEY("assistant_lookbehind"), IDLE_KEY("target_lookbehind"),
    IDLE_KEY("prompt_lookup_num_tokens"), IDLE_KEY("max_matching_ngram_size"), IDLE_KEY("pad_token_id"), IDLE_KEY("bos_token_id"),
    IDLE_KEY("decoder_start_token_id"), IDLE_KEY("user_token_id"), IDLE_KEY("assistant_token_id"), IDLE_KEY("chat_format"),
    IDLE_KEY("max_window_size"), IDLE_KEY("generation_kwargs"), IDLE_KEY("transformers_version"), IDLE_KEY("trust_remote_code"),
    READ_KEY("_from_model_config", 'b'), IDLE_KEY("_commit_hash"), IDLE_KEY("max_tokens"), IDLE_KEY("seed"),
};

const struct keys generation_keys = { generation_key, sizeof generation_key / sizeof *generation_key, NULL };

/* ---- what is said ---- */

struct limit {
    const char *flag, *key;
    bool has;
    double value, low, high;              /* high: HUGE_VAL: no limit */
    bool open;                            /* 'low' itself is out */
    const char *give;
};

int generation_check(const struct generation *g, bool flags, struct err *err)
{
    /* transformers passes FastChat's temperature over a file's, and takes 0 and 1 for some of what a flag says by leaving it out. */
    const struct limit limit[] = {
        { "--temperature", "temperature", flags && g->has_temperature, (double)g->temperature, 0, 100, false, "0 (greedy) to 100" },
        { "--top-p", "top_p", g->has_top_p, (double)g->top_p, 0, 1, flags, "more than 0 and at most 1 (1 switches it off)" },
        { "--top-k", "top_k", g->has_top_k, (double)g->top_k, 0, INT_MAX, false, "0 (off) or more" },
        { "--min-p", "min_p", g->has_min_p, (double)g->min_p, 0, flags ? 1 - 0x1p-24 : 1, false, "0 (off) to less than 1" },
        { "--repetition-penalty", "repetition_penalty", g->has_repetition_penalty, (double)g->repetition_penalty, 0, 1e6, true,
          "more than 0 (1 switches it off)" },
    };
    for (const struct limit *l = limit; l < limit + sizeof limit / sizeof *limit; l++)
        if (l->has && !((l->open ? l->value > l->low : l->value >= l->low) && l->value <= l->high))
            return err_set(err, flags ? ERR_USAGE : ERR_MODEL, "%s %.10g: is out of range; %s %s", flags ? l->flag : l->key, l->value,
                           flags ? "give" : "it must be", l->give);
    return 0;
}

static void read_float(const cJSON *g, const char *name, bool *has, float *value)
{
    const cJSON *j = config_field(g, name);
    if ((*has = cJSON_IsNumber(j)))
        *value = (float)j->valuedouble;
}

static void read_keys(const cJSON *root, bool own, struct generation *g)
{
    const cJSON *top_k = own ? config_field(root, "top_k") : json_get(root, "top_k");
    read_float(root, "temperature", &g->has_temperature, &g->temperature);
    read_float(root, "top_p", &g->has_top_p, &g->top_p);
    read_float(root, "min_p", &g->has_min_p, &g->min_p);
    read_float(root, "repetition_penalty", &g->has_repetition_penalty, &g->repetition_penalty);
    g->has_top_k = top_k != NULL;
    if (cJSON_IsNumber(top_k))
        g->top_k = top_k->valuedouble >= INT_MIN && top_k->valuedouble <= INT_MAX ? (long)top_k->valuedouble : -1;
    else
        g->top_k = 0;                    /* null of generation_config.json is "off", and not the default of 50 */
}

/* ---- files ---- */

/* 'own': config.json itself, most of whose keys are not about sampling, so that unknown ones are not noticed. */
static int add_generation(const char *json, size_t n, bool own, struct model_config *c, struct err *err)
{
    cJSON *root = cJSON_ParseWithLength(json, n);
    struct buf unknown = {0};
    int rc =
        cJSON_IsObject(root) ? 0 : err_set(err, ERR_FORMAT, "no JSON object; correct the file, or remove it to sample by the defaults");
    if (rc == 0)
        rc = keys_check(generation_keys, root, "sampling", own ? NULL : &unknown, err);
    if (rc == 0) {
        keys_note("generation_config.json", &unknown);
        read_keys(root, own, &c->generation);
        config_read_eos(root, c);
        rc = generation_check(&c->generation, false, err);
    }
    buf_free(&unknown);
    cJSON_Delete(root);
    return rc;
}

int config_add_generation(const char *json, size_t n, struct model_config *c, struct err *err)
{
    return add_generation(json, n, false, c, err);
}

/* _get_non_default_generation_parameters() of transformers 4.57.3, for the keys that it knows. */
static bool says_generation(const cJSON *config)
{
    static const struct { const char *key; double usual; } row[] = {
        { "max_length", 20 }, { "min_length", 0 }, { "do_sample", 0 }, { "early_stopping", 0 }, { "num_beams", 1 }, { "temperature", 1 },
        { "top_k", 50 }, { "top_p", 1 }, { "typical_p", 1 }, { "repetition_penalty", 1 }, { "length_penalty", 1 },
        { "no_repeat_ngram_size", 0 }, { "encoder_no_repeat_ngram_size", 0 }, { "bad_words_ids", -1 }, { "num_return_sequences", 1 },
        { "output_scores", 0 }, { "return_dict_in_generate", 0 }, { "forced_bos_token_id", -1 }, { "forced_eos_token_id", -1 },
        { "remove_invalid_values", 0 }, { "exponential_decay_length_penalty", -1 }, { "suppress_tokens", -1 },
        { "begin_suppress_tokens", -1 }, { "num_beam_groups", 1 }, { "diversity_penalty", 0 },
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const cJSON *j = config_field(config, row[i].key); /* null is left to the other file */
        if (j && (cJSON_IsNumber(j) ? j->valuedouble : cJSON_IsBool(j) ? cJSON_IsTrue(j) : NAN) != row[i].usual)
            return true;
    }
    return false;
}

bool config_overrides_generation(const char *generation, size_t n, const char *config, size_t n_config)
{
    cJSON *g = cJSON_ParseWithLength(generation, n), *c = cJSON_ParseWithLength(config, n_config);
    bool yes = cJSON_IsTrue(json_get(g, "_from_model_config")) && says_generation(c);
    cJSON_Delete(g);
    cJSON_Delete(c);
    return yes;
}

int config_own_generation(const char *json, size_t n, struct model_config *c, struct err *err)
{
    return add_generation(json, n, true, c, err);
}
