/* textfiles.c - tokenizer and chat template from a model's files. */
#include "textfiles.h"

#include "mtbench/keys.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 256 << 20 };

/* ---- GGUF ---- */

static const struct key tokenizer_key[] = {
    READ_KEY("ggml.model", 's'), READ_KEY("ggml.pre", 's'), READ_KEY("ggml.tokens", '*'), READ_KEY("ggml.scores", '*'),
    READ_KEY("ggml.token_type", '*'), READ_KEY("ggml.merges", '*'),
    READ_KEY("ggml.bos_token_id", 'i'), READ_KEY("ggml.eos_token_id", 'i'), READ_KEY("ggml.eot_token_id", 'i'),
    READ_KEY("ggml.eom_token_id", 'i'), READ_KEY("ggml.unknown_token_id", 'i'), READ_KEY("ggml.padding_token_id", 'i'),
    READ_KEY("ggml.seperator_token_id", 'i'), READ_KEY("ggml.cls_token_id", 'i'), READ_KEY("ggml.mask_token_id", 'i'),
    READ_KEY("ggml.add_bos_token", 'b'), READ_KEY("ggml.add_eos_token", 'b'), READ_KEY("ggml.add_space_prefix", 'b'),
    READ_KEY("chat_template", 's'), READ_KEY("chat_templates", '*'),

    /* SentencePiece's own ways with white space and characters, which llama.cpp has for Unigram models only */
    OFF_KEY("ggml.normalizer.lowercase", 0, 0), OFF_KEY("ggml.remove_extra_whitespaces", 0, 0), OFF_KEY("ggml.escape_whitespaces", 1, 1),
    OFF_KEY("ggml.treat_whitespace_as_suffix", 0, 0), OFF_KEY("ggml.precompiled_charsmap", 0, 0), OFF_KEY("rwkv.world", 0, 0),

    IDLE_KEY("ggml.add_sep_token"), IDLE_KEY("ggml.token_type_count"), IDLE_KEY("ggml.added_tokens"), IDLE_KEY("huggingface.json"),
    IDLE_KEY("ggml.prefix_token_id"), IDLE_KEY("ggml.suffix_token_id"), IDLE_KEY("ggml.middle_token_id"),
    IDLE_KEY("ggml.fim_pre_token_id"), IDLE_KEY("ggml.fim_suf_token_id"), IDLE_KEY("ggml.fim_mid_token_id"),
    IDLE_KEY("ggml.fim_pad_token_id"), IDLE_KEY("ggml.fim_rep_token_id"), IDLE_KEY("ggml.fim_sep_token_id"),
};

/* The key of a chat template with a name. */
static bool is_named_template(struct slice key)
{
    static const char prefix[] = "tokenizer.chat_template.";
    return key.len >= sizeof prefix && !memcmp(key.ptr, prefix, sizeof prefix - 1);
}

static int check_keys(const struct gguf *g, struct err *err)
{
    struct buf unknown = {0}, others = {0};
    int rc = gguf_keys(g, "tokenizer", KEYS(tokenizer_key), &unknown, err);
    char *saved = NULL;
    for (char *name = unknown.len ? strtok_r(unknown.data, ", ", &saved) : NULL; name; name = strtok_r(NULL, ", ", &saved))
        if (!is_named_template((struct slice){ name, strlen(name) }))
            buf_printf(&others, "%s%s", others.len ? ", " : "", name);
    if (rc == 0)
        keys_note("the GGUF file", &others);
    buf_free(&unknown);
    buf_free(&others);
    return rc;
}

/* As many values as tokens, or none at all. */
static int check_count(const struct gguf *g, const char *key, bool read, size_t n, size_t n_tokens, struct err *err)
{
    if (!gguf_find(g, key) || (read && n == n_tokens))
        return 0;
    return err_set(err, ERR_FORMAT, "%s: %zu values for %zu tokens; the file is damaged, fetch it again", key, read ? n : 0, n_tokens);
}

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
    return v >= 0 && v < INT32_MAX ? (int32_t)v : -1;     /* 2^32 - 1 is how some files say that there is none */
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
    v.score = score;
    v.type = type;
    struct tokenizer *t = NULL;
    if (!token)
        err_set(err, ERR_MODEL, "tokenizer.ggml.tokens is missing; the file has no vocabulary");
    else if (check_keys(g, err) == 0 && check_count(g, "tokenizer.ggml.scores", score, n_scores, v.n_tokens, err) == 0 &&
             check_count(g, "tokenizer.ggml.token_type", type, n_types, v.n_tokens, err) == 0)
        t = tokenizer_from_vocab(&v, err);
    free(token);
    free(merge);
    free(score);
    free(type);
    return t;
}

/* Named ones (tokenizer.chat_template.NAME, which tokenizer.chat_templates lists or not) are never taken in silence for the one without a
 * name. */
int textfiles_gguf_template(const struct gguf *g, struct buf *out, struct err *err)
{
    struct slice own;
    struct buf names = {0};
    int rc = 0;
    for (size_t i = 0; i < g->n_values; i++)
        if (is_named_template(g->value[i].key) && names.len < 200)
            buf_printf(&names, "%s%.*s", names.len ? ", " : "", (int)g->value[i].key.len, g->value[i].key.ptr);
    if (gguf_string(g, "tokenizer.chat_template", &own))
        buf_add(out, own.ptr, own.len);
    else if (names.len || gguf_find(g, "tokenizer.chat_templates"))
        rc = err_set(err, ERR_MODEL, "%s: the file's chat templates have names, none is the default; choose one with --chat-template FILE",
                     names.len ? names.data : "tokenizer.chat_templates");
    buf_free(&names);
    return rc;
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
    static const char *const name[] = { "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                                        "config.json", "tokenizer.model" };
    enum { N = sizeof name / sizeof *name };
    struct buf b[N] = {0};
    struct tokenizer *t = NULL;
    int rc = 0;
    for (int i = 0; i < N && rc == 0; i++)
        rc = i == N - 1 && b[0].len ? 0 : read_text(s, name[i], &b[i], err);
    const struct tokenizer_files files = { all(&b[0]), all(&b[1]), all(&b[2]), all(&b[3]), all(&b[4]) };
    if (rc == 0 && files.json.len)
        t = tokenizer_from_json(&files, err);
    else if (rc == 0 && b[N - 1].len)
        t = tokenizer_from_sentencepiece(all(&b[N - 1]), &files, err);
    else if (rc == 0)
        err_set(err, ERR_MODEL,
                "neither tokenizer.json nor tokenizer.model beside the weights; save the model's tokenizer into the folder");
    for (int i = 0; i < N; i++)
        buf_free(&b[i]);
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

static void note_others(const cJSON *root, const char *file)
{
    static const struct key key[] = { READ_KEY("chat_template", '*') };
    struct buf unknown = {0};
    struct err ignored;
    keys_check(KEYS(key), root, file, &unknown, &ignored);
    keys_note(file, &unknown);
    buf_free(&unknown);
}

static int template_of_json(const struct source *s, const char *name, struct buf *out, struct err *err)
{
    struct buf b = {0};
    int rc = read_text(s, name, &b, err);
    if (rc == 0 && b.len) {
        cJSON *root = json_parse(b.data, b.len, err);
        rc = root ? default_template(json_get(root, "chat_template"), name, out, err) : err_wrap(err, "%s", name);
        if (rc == 0 && !strcmp(name, "chat_template.json"))
            note_others(root, name);
        cJSON_Delete(root);
    }
    buf_free(&b);
    return rc;
}

static const char named_folder[] = "additional_chat_templates/";

/* Index of NAME.jinja in the folder of named templates or, not 'named', beside the weights; -1: not there. */
static int find_jinja(const struct source *s, const char *name, bool named)
{
    for (int i = 0; i < s->n_files; i++) {
        const char *slash = strrchr(s->path[i], '/'), *base = slash ? slash + 1 : s->path[i];
        const size_t before = (size_t)(base - s->path[i]), n = sizeof named_folder - 1;
        if (!strcmp(base, name) && named == (before >= n && !memcmp(base - n, named_folder, n)))
            return i;
    }
    return -1;
}

/* "a, b" of additional_chat_templates/a.jinja and b.jinja. */
static void list_named(const struct source *s, struct buf *names)
{
    for (int i = 0; i < s->n_files; i++) {
        const char *slash = strrchr(s->path[i], '/'), *base = slash ? slash + 1 : s->path[i], *end = strstr(base, ".jinja");
        if (end && !end[6] && find_jinja(s, base, true) == i)
            buf_printf(names, "%s%.*s", names->len ? ", " : "", (int)(end - base), base);
    }
}

/* As transformers' tokenizers do: files of their own come before tokenizer_config.json, even where none of them is the default, and one
 * that is named so before the one without a name; chat_template.json belongs to processors, and is asked last. */
int textfiles_template(const struct source *s, struct buf *out, struct err *err)
{
    struct buf names = {0};
    int file = find_jinja(s, "default.jinja", true), rc = 0;
    if (file < 0)
        file = find_jinja(s, "chat_template.jinja", false);
    list_named(s, &names);
    if (file >= 0)
        rc = source_slurp(s, file, MAX_TEXT, out, err);
    else if (names.len)
        rc = err_set(err, ERR_MODEL, "additional_chat_templates: its chat templates are %.200s, none is the default; choose one with "
                     "--chat-template FILE", names.data);
    else if ((rc = template_of_json(s, "tokenizer_config.json", out, err)) == 0 && !out->len)
        rc = template_of_json(s, "chat_template.json", out, err);
    buf_free(&names);
    return rc;
}
