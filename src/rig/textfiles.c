/* textfiles.c - tokenizer and chat template from a model's files. */
#include "textfiles.h"

#include "mtbench/json.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 256 << 20 };

/* ---- GGUF ---- */

static struct slice gguf_slice(const struct gguf *g, const char *key)
{
    struct slice s = {0};
    gguf_string(g, key, &s);
    return s;
}

static int32_t gguf_id(const struct gguf *g, const char *key)
{
    int64_t v = -1;
    gguf_int(g, key, &v);
    return v < INT32_MAX ? (int32_t)v : -1;
}

struct tokenizer *textfiles_gguf_tokenizer(const struct gguf *g, struct err *err)
{
    size_t n_scores = 0, n_types = 0;
    struct vocab v = {
        .kind = gguf_slice(g, "tokenizer.ggml.model"), .pre = gguf_slice(g, "tokenizer.ggml.pre"),
        .bos = gguf_id(g, "tokenizer.ggml.bos_token_id"), .eos = gguf_id(g, "tokenizer.ggml.eos_token_id"),
        .unk = gguf_id(g, "tokenizer.ggml.unknown_token_id"), .pad = gguf_id(g, "tokenizer.ggml.padding_token_id"),
        .sep = gguf_id(g, "tokenizer.ggml.seperator_token_id"), .cls = gguf_id(g, "tokenizer.ggml.cls_token_id"),
        .mask = gguf_id(g, "tokenizer.ggml.mask_token_id"), .eot = gguf_id(g, "tokenizer.ggml.eot_token_id"),
    };
    v.has_add_bos = gguf_bool(g, "tokenizer.ggml.add_bos_token", &v.add_bos);
    v.has_add_eos = gguf_bool(g, "tokenizer.ggml.add_eos_token", &v.add_eos);
    v.has_add_space_prefix = gguf_bool(g, "tokenizer.ggml.add_space_prefix", &v.add_space_prefix);
    struct slice *token = gguf_strings(g, "tokenizer.ggml.tokens", &v.n_tokens),
                 *merge = gguf_strings(g, "tokenizer.ggml.merges", &v.n_merges);
    float *score = gguf_floats(g, "tokenizer.ggml.scores", &n_scores);
    int32_t *type = gguf_int32s(g, "tokenizer.ggml.token_type", &n_types);
    v.token = token;
    v.merge = merge;
    v.score = n_scores == v.n_tokens ? score : NULL;
    v.type = n_types == v.n_tokens ? type : NULL;
    struct tokenizer *t = NULL;
    if (!token)
        err_set(err, ERR_MODEL, "tokenizer.ggml.tokens is missing; the file has no vocabulary");
    else
        t = tokenizer_from_vocab(&v, err);
    free(token);
    free(merge);
    free(score);
    free(type);
    return t;
}

/* Named ones (tokenizer.chat_template.NAME) are never taken in silence for the one without a name. */
int textfiles_gguf_template(const struct gguf *g, struct buf *out, struct err *err)
{
    struct slice own;
    size_t n = 0;
    struct slice *name = gguf_strings(g, "tokenizer.chat_templates", &n);
    bool there = gguf_string(g, "tokenizer.chat_template", &own), named = n > 0;
    free(name);
    if (there)
        buf_add(out, own.ptr, own.len);
    else if (named)
        return err_set(
            err, ERR_MODEL,
            "tokenizer.chat_templates: its chat templates have names, none is the default; choose one with --chat-template FILE");
    return 0;
}

/* ---- a Hugging Face folder ---- */

static int read_text(const struct source *s, const char *name, struct buf *b, struct err *err)
{
    int file = source_find(s, name);
    return file < 0 ? 0 : source_slurp(s, file, MAX_TEXT, b, err);
}

static struct slice all(const struct buf *b)
{
    return (struct slice){ b->data, b->len };
}

struct tokenizer *textfiles_tokenizer(const struct source *s, struct err *err)
{
    struct buf json = {0}, model = {0}, config = {0}, added = {0}, map = {0};
    struct tokenizer *t = NULL;
    if (read_text(s, "tokenizer.json", &json, err) < 0 || read_text(s, "tokenizer_config.json", &config, err) < 0 ||
        read_text(s, "added_tokens.json", &added, err) < 0 || read_text(s, "special_tokens_map.json", &map, err) < 0)
        goto out;
    if (json.len) {
        t = tokenizer_from_json(&(struct tokenizer_files){ all(&json), all(&config), all(&map), all(&added) }, err);
        goto out;
    }
    if (read_text(s, "tokenizer.model", &model, err) < 0)
        goto out;
    if (model.len)
        t = tokenizer_from_sentencepiece(all(&model), all(&config), all(&added), err);
    else
        err_set(err, ERR_MODEL,
                "neither tokenizer.json nor tokenizer.model beside the weights; save the model's tokenizer into the folder");
out:
    buf_free(&json);
    buf_free(&model);
    buf_free(&config);
    buf_free(&added);
    buf_free(&map);
    return t;
}

/* "chat_template": a string, or a list of {name, template}, the last "default" of which counts; or an object of templates by name. */
static int default_template(const cJSON *t, const char *file, struct buf *out, struct err *err)
{
    const cJSON *item, *found = cJSON_IsString(t) ? t : NULL;
    struct buf names = {0};
    int rc = 0;
    cJSON_ArrayForEach(item, t)
    {
        const cJSON *named = json_get(item, "name"), *text = item->string ? item : json_get(item, "template");
        const char *name = item->string ? item->string : cJSON_GetStringValue(named);
        if (!name || !cJSON_IsString(text))
            continue;
        buf_printf(&names, "%s%.40s", names.len ? ", " : "", name);
        if (!strcmp(name, "default"))
            found = text;
    }
    if (found)
        buf_str(out, found->valuestring);
    else if (names.len)
        rc = err_set(err, ERR_MODEL, "%s: its chat templates are %.200s, none is the default; choose one with --chat-template FILE", file,
                     names.data);
    buf_free(&names);
    return rc;
}

static int template_of_json(const struct source *s, const char *name, struct buf *out, struct err *err)
{
    struct buf b = {0};
    int rc = read_text(s, name, &b, err);
    if (rc == 0 && b.len) {
        cJSON *root = json_parse(b.data, b.len, err);
        rc = root ? default_template(json_get(root, "chat_template"), name, out, err) : err_wrap(err, "%s", name);
        cJSON_Delete(root);
    }
    buf_free(&b);
    return rc;
}

/* As transformers' tokenizers do; chat_template.json belongs to processors, and is asked last. */
int textfiles_template(const struct source *s, struct buf *out, struct err *err)
{
    if (source_find(s, "chat_template.jinja") >= 0)
        return read_text(s, "chat_template.jinja", out, err);
    if (template_of_json(s, "tokenizer_config.json", out, err) < 0)
        return -1;
    return out->len ? 0 : template_of_json(s, "chat_template.json", out, err);
}
