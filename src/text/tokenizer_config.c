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

static bool follows_flags(const cJSON *class)
{
    static const char *const name[] = { "LlamaTokenizer", "LlamaTokenizerFast", "CodeLlamaTokenizer", "CodeLlamaTokenizerFast", "GemmaTokenizer", "GemmaTokenizerFast" };
    for (size_t i = 0; cJSON_IsString(class) && i < sizeof name / sizeof *name; i++)
        if (!strcmp(class->valuestring, name[i]))
            return true;
    return false;
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
    const cJSON *item;
    for (int i = 0; i < ROLE_COUNT; i++) {
        const char *text = token_text(json_get(config, role[i]));
        if (!text || !*text)
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
    if (follows || follows_flags(json_get(config, "tokenizer_class")))
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
