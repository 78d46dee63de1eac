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

static const char *const role_key[ROLE_COUNT] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};

void config_roles(struct tokenizer *t, const cJSON *config)
{
    const struct class *class = class_of(config);
    const cJSON *item;
    for (int i = 0; i < ROLE_COUNT; i++) {
        const cJSON *given = json_get(config, role_key[i]);
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
        if (token_text(item)) {
            t->additional = xrealloc(t->additional, (size_t)t->n_additional + 1, sizeof *t->additional);
            t->additional[t->n_additional++] = xstrdup(token_text(item));
            tokenizer_order(t, token_text(item));
        }
    t->clean_up = flag(config, "clean_up_tokenization_spaces", false);
}

void config_frame(struct tokenizer *t, const cJSON *config, bool follows)
{
    if (follows || class_of(config)->flags)
        rebuild_template(t, config);
}

/* ---- tokens beside tokenizer.json ---- */

static bool is_role(const struct tokenizer *t, const char *text)
{
    for (int i = 0; i < t->n_order; i++)
        if (!strcmp(t->role_order[i], text))
            return true;
    return false;
}

/* The id that a text has, or the next one behind all that are there. */
static int32_t id_for(const struct tokenizer *t, const char *text)
{
    int32_t id = tokenizer_id(t, text, strlen(text)), next = t->lexicon.n_ids;
    for (int i = 0; id < 0 && i < t->added.n; i++)
        next = t->added.token[i].id >= next ? t->added.token[i].id + 1 : next;
    return id >= 0 ? id : next;
}

/* 'j': an AddedToken's object, or NULL for one that has a text only. */
static void put_token(struct tokenizer *t, const cJSON *j, const char *text, bool special)
{
    special = special || flag(j, "special", false);
    added_put(&t->added, &(struct added_token){
                             .text = (char *)text,
                             .len = strlen(text),
                             .id = id_for(t, text),
                             .special = special || is_role(t, text),
                             .lstrip = flag(j, "lstrip", false),
                             .rstrip = flag(j, "rstrip", false),
                             .single_word = flag(j, "single_word", false),
                             .normalized = flag(j, "normalized", !special),
                         });
}

struct side_token {
    long id;
    const cJSON *j;
    const char *text;
};

static int by_id(const void *a, const void *b)
{
    const struct side_token *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In the order of the ids that the file gives, which only says who comes first: what is new gets the next free id. */
static int put_list(struct tokenizer *t, const cJSON *list, struct err *err)
{
    const int n = cJSON_GetArraySize(list);
    struct side_token *side = xcalloc((size_t)n + 1, sizeof *side);
    const cJSON *j;
    int i = 0, rc = 0;
    cJSON_ArrayForEach(j, list)
    {
        char *end = "";
        const bool plain = cJSON_IsNumber(j);        /* added_tokens.json: text to id */
        side[i] = (struct side_token){ plain ? (long)j->valuedouble : strtol(j->string, &end, 10), j, plain ? j->string : token_text(j) };
        if (!side[i].text || !*side[i].text || *end || (!plain && end == j->string) || side[i].id < 0) {
            rc = err_set(err, ERR_FORMAT, "added token \"%.40s\": no pair of a text and an id", j->string);
            goto out;
        }
        i++;
    }
    qsort(side, (size_t)n, sizeof *side, by_id);
    for (i = 0; i < n; i++)
        put_token(t, cJSON_IsNumber(side[i].j) ? NULL : side[i].j, side[i].text, cJSON_IsNumber(side[i].j) && is_role(t, side[i].text));
out:
    free(side);
    return rc;
}

/* A role's token: a bare text counts where nobody has added it yet, an object's flags count unless added_tokens_decoder has the token. */
static void put_role(struct tokenizer *t, const cJSON *j, const cJSON *decoder)
{
    const char *text = token_text(j);
    const cJSON *other;
    bool there = text && !cJSON_IsObject(j) && added_find(&t->added, text, strlen(text));
    cJSON_ArrayForEach(other, decoder)
        there = there || (text && token_text(other) && !strcmp(token_text(other), text));
    if (text && *text && !there)
        put_token(t, cJSON_IsObject(j) ? j : NULL, text, true);
}

int config_side_tokens(struct tokenizer *t, const cJSON *config, const cJSON *added, struct err *err)
{
    const cJSON *decoder = json_get(config, "added_tokens_decoder"), *item;
    if (put_list(t, cJSON_IsObject(decoder) ? decoder : added, err) < 0)
        return -1;
    for (int i = 0; !cJSON_IsObject(decoder) && i < t->added.n; i++)
        t->added.token[i].special |= is_role(t, t->added.token[i].text);
    for (int i = 0; i < ROLE_COUNT; i++)
        put_role(t, json_get(config, role_key[i]), decoder);
    cJSON_ArrayForEach(item, json_get(config, "additional_special_tokens"))
        put_role(t, item, decoder);
    return 0;
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
