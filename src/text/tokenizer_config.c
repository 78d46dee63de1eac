/* tokenizer_config.c - what tokenizer_config.json and added_tokens.json say beside the vocabulary (room: text). */
#include "tokenizer_parts.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool flag(const cJSON *j, const char *name, bool otherwise)
{
    const cJSON *b = json_get(j, name);
    return cJSON_IsBool(b) ? cJSON_IsTrue(b) : otherwise;
}

/* A token is a string or an object with its content. */
static const char *token_text(const cJSON *j)
{
    const cJSON *s = cJSON_IsObject(j) ? json_get(j, "content") : j;
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

/* Classes of transformers: whether add_bos_token and add_eos_token count, and the roles that they have where the file is silent. */
static const struct class {
    const char *name;
    bool flags;
    const char *role[ROLE_COUNT];
} classes[] = {
    { "LlamaTokenizer", true, { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>" } },
    { "CodeLlamaTokenizer", true, { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>" } },
    { "GemmaTokenizer", true, { [ROLE_BOS] = "<bos>", [ROLE_EOS] = "<eos>", [ROLE_UNK] = "<unk>", [ROLE_PAD] = "<pad>" } },
    { "GPT2Tokenizer", false, { [ROLE_BOS] = "<|endoftext|>", [ROLE_EOS] = "<|endoftext|>", [ROLE_UNK] = "<|endoftext|>" } },
    { "Qwen2Tokenizer", false, { [ROLE_EOS] = "<|endoftext|>", [ROLE_UNK] = "<|endoftext|>", [ROLE_PAD] = "<|endoftext|>" } },
};

/* "LlamaTokenizer" or "LlamaTokenizerFast". */
static const struct class *class_of(const cJSON *config)
{
    static const struct class other = { 0 };
    const cJSON *j = json_get(config, "tokenizer_class");
    for (size_t i = 0; cJSON_IsString(j) && i < sizeof classes / sizeof *classes; i++) {
        size_t n = strlen(classes[i].name);
        if (!strncmp(j->valuestring, classes[i].name, n) && (!j->valuestring[n] || !strcmp(j->valuestring + n, "Fast")))
            return &classes[i];
    }
    return &other;
}

static void rebuild_template(struct tokenizer *t, const cJSON *config)
{
    int32_t bos = tokenizer_bos(t), eos = tokenizer_eos(t);
    if (!json_get(config, "add_bos_token") && !json_get(config, "add_eos_token"))
        return;
    ids_clear(&t->lead);
    ids_clear(&t->tail);
    if (bos >= 0 && flag(config, "add_bos_token", true))
        ids_add(&t->lead, bos);
    if (eos >= 0 && flag(config, "add_eos_token", false))
        ids_add(&t->tail, eos);
}

void config_apply(struct tokenizer *t, const cJSON *config, bool follows)
{
    static const char *const role[ROLE_COUNT] = { "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token" };
    const struct class *class = class_of(config);
    const cJSON *item;
    for (int i = 0; i < ROLE_COUNT; i++) {
        const cJSON *given = json_get(config, role[i]);
        const char *text = given ? token_text(given) : class->role[i];
        if (!text || !*text || (!given && tokenizer_id(t, text, strlen(text)) < 0))
            continue;
        free(t->role[i]);
        t->role[i] = xstrdup(text);
    }
    for (int i = 0; i < ROLE_COUNT; i++)
        if (t->role[i])
            tokenizer_order(t, t->role[i]);
    cJSON_ArrayForEach(item, json_get(config, "additional_special_tokens"))
        if (token_text(item))
            tokenizer_order(t, token_text(item));
    t->clean_up = flag(config, "clean_up_tokenization_spaces", false);
    if (follows || class->flags)
        rebuild_template(t, config);
}

enum { MAX_ID = 1 << 24 };

int config_added(struct tokenizer *t, const cJSON *list, struct err *err)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, list)
    {
        const char *text = cJSON_IsNumber(j) ? j->string : token_text(j);
        char *end = NULL;
        double id = cJSON_IsNumber(j) ? j->valuedouble : strtod(j->string ? j->string : "x", &end);
        if (!text || !*text || (end && (*end || end == j->string)) || !(id >= 0 && id < MAX_ID) || id != floor(id))
            return err_set(err, ERR_FORMAT, "added token \"%.40s\": no pair of a text and an id", j->string ? j->string : "");
        added_add(&t->added, &(struct added_token){
            .text = (char *)text, .len = strlen(text), .id = (int32_t)id, .special = cJSON_IsObject(j) && flag(j, "special", false),
            .lstrip = flag(j, "lstrip", false), .rstrip = flag(j, "rstrip", false), .single_word = flag(j, "single_word", false),
        });
    }
    return 0;
}
