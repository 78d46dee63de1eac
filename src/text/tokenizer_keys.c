/* tokenizer_keys.c - what this program thinks of each key of tokenizer.json and of the files beside it, as data (keys.h).
 * The types are those that the package tokenizers insists on; it, too, refuses a component that lacks what a capital asks for. */
#include "tokenizer_parts.h"

#include "mtbench/keys.h"

#include <string.h>

/* ---- tokenizer.json ---- */

static const struct key root_key[] = {
    READ_KEY("version", 's'), READ_KEY("added_tokens", 'a'), READ_KEY("normalizer", 'o'), READ_KEY("pre_tokenizer", 'o'),
    READ_KEY("model", 'O'), READ_KEY("post_processor", 'o'), READ_KEY("decoder", 'o'),
    READ_KEY("padding", 'o'),                /* names the pad token; transformers pads and truncates only where a caller asks */
    IDLE_KEY("truncation"),
};

static const struct key token_key[] = {
    READ_KEY("content", 'S'), READ_KEY("single_word", 'b'), READ_KEY("lstrip", 'b'), READ_KEY("rstrip", 'b'),
    READ_KEY("normalized", 'b'), READ_KEY("special", 'b'), READ_KEY("id", 'i'),
    IDLE_KEY("__type"),
};

enum { MOST_KEYS = 6 };

/* Components by the list that several of them form; those whose keys are none stand here all the same. */
static const struct component {
    const char *list, *type;
    struct key key[MOST_KEYS];
} component[] = {
    {"normalizers", "NFC", {{0}}},
    {"normalizers", "NFD", {{0}}},
    {"normalizers", "NFKC", {{0}}},
    {"normalizers", "NFKD", {{0}}},
    {"normalizers", "Lowercase", {{0}}},
    {"normalizers", "StripAccents", {{0}}},
    {"normalizers", "ByteLevel", {{0}}},
    {"normalizers", "Strip", {READ_KEY("strip_left", 'B'), READ_KEY("strip_right", 'B')}},
    {"normalizers", "Prepend", {READ_KEY("prepend", 'S')}},
    {"normalizers", "Replace", {READ_KEY("pattern", 'O'), READ_KEY("content", 'S')}},
    {"normalizers", "Sequence", {READ_KEY("normalizers", 'A')}},

    {"pretokenizers", "ByteLevel",
     {READ_KEY("add_prefix_space", 'B'), READ_KEY("use_regex", 'b'), IDLE_KEY("trim_offsets")}},
    {"pretokenizers", "Split", {READ_KEY("pattern", 'O'), READ_KEY("behavior", 'S'), READ_KEY("invert", 'B')}},
    {"pretokenizers", "Digits", {READ_KEY("individual_digits", 'B')}},
    {"pretokenizers", "Punctuation", {READ_KEY("behavior", 's')}},
    {"pretokenizers", "WhitespaceSplit", {{0}}},
    {"pretokenizers", "Whitespace", {{0}}},
    {"pretokenizers", "Metaspace",
     {READ_KEY("replacement", 'S'), READ_KEY("add_prefix_space", 'b'), READ_KEY("prepend_scheme", 's'),
      READ_KEY("split", 'b'), IDLE_KEY("str_rep")}},
    {"pretokenizers", "Sequence", {READ_KEY("pretokenizers", 'A')}},

    {"decoders", "ByteLevel", {IDLE_KEY("add_prefix_space"), IDLE_KEY("use_regex"), IDLE_KEY("trim_offsets")}},
    {"decoders", "ByteFallback", {{0}}},
    {"decoders", "Fuse", {{0}}},
    {"decoders", "Metaspace",
     {READ_KEY("replacement", 'S'), READ_KEY("add_prefix_space", 'b'), READ_KEY("prepend_scheme", 's'),
      IDLE_KEY("split"), IDLE_KEY("str_rep")}},
    {"decoders", "Strip", {READ_KEY("content", 'S'), READ_KEY("start", 'I'), READ_KEY("stop", 'I')}},
    {"decoders", "Replace", {READ_KEY("pattern", 'O'), READ_KEY("content", 'S')}},
    {"decoders", "BPEDecoder", {READ_KEY("suffix", 'S')}},
    {"decoders", "Sequence", {READ_KEY("decoders", 'A')}},

    /* "pair" is for two texts at once. */
    {"processors", "TemplateProcessing",
     {READ_KEY("single", 'A'), IDLE_KEY("pair"), READ_KEY("special_tokens", 'O')}},
    {"processors", "ByteLevel", {IDLE_KEY("add_prefix_space"), IDLE_KEY("use_regex"), IDLE_KEY("trim_offsets")}},
    {"processors", "Sequence", {READ_KEY("processors", 'A')}},
};

static const struct key bpe_key[] = {
    READ_KEY("type", 's'), READ_KEY("vocab", 'O'), READ_KEY("merges", 'A'), READ_KEY("unk_token", 's'),
    READ_KEY("continuing_subword_prefix", 's'), READ_KEY("end_of_word_suffix", 's'), READ_KEY("fuse_unk", 'b'),
    READ_KEY("byte_fallback", 'b'), READ_KEY("ignore_merges", 'b'),
    {"dropout", KEY_OFF, 0, 0, 0},                   /* makes ids random */
};

static const struct key unigram_key[] = {
    READ_KEY("type", 's'), READ_KEY("vocab", 'A'), READ_KEY("unk_id", 'i'), READ_KEY("byte_fallback", 'b'),
};

/* Appends to 'unknown' as "NAME: a, b; OTHER: c". */
static int check(struct keys t, const cJSON *j, const char *name, struct buf *unknown, struct err *err)
{
    struct buf others = {0};
    int rc = keys_check(t, j, "a tokenizer", &others, err);
    if (rc < 0)
        err_wrap(err, "tokenizer.json: %s", name);
    if (rc == 0 && others.len)
        buf_printf(unknown, "%s%s: %s", unknown->len ? "; " : "", name, others.data);
    buf_free(&others);
    return rc;
}

static int keys_of_component(const cJSON *j, const char *list, const char *type, struct buf *unknown, struct err *err)
{
    struct key key[MOST_KEYS + 1] = { READ_KEY("type", 'S') };
    for (size_t i = 0; i < sizeof component / sizeof *component; i++) {
        const struct component *c = &component[i];
        if (strcmp(c->list, list) || strcmp(c->type, type))
            continue;
        size_t n = 1;
        for (const struct key *k = c->key; k < c->key + MOST_KEYS && k->name; k++)
            key[n++] = *k;
        return check((struct keys){ .key = key, .n = n }, j, type, unknown, err);
    }
    return 0;                            /* one that nothing here reads is refused where it would be */
}

int keys_of_components(const cJSON *j, const char *list, struct buf *unknown, struct err *err)
{
    const cJSON *type = json_get(j, "type"), *item;
    if (!cJSON_IsString(type))
        return !j || cJSON_IsNull(j) ? 0 : err_set(err, ERR_FORMAT, "tokenizer.json: a component without a type");
    if (keys_of_component(j, list, type->valuestring, unknown, err) < 0)
        return -1;
    if (!strcmp(type->valuestring, "Sequence"))
        cJSON_ArrayForEach(item, json_get(j, list))
            if (keys_of_components(item, list, unknown, err) < 0)
                return -1;
    return 0;
}

int keys_of_root(const cJSON *root, struct err *err)
{
    struct buf unknown = {0};
    int rc = keys_check(KEYS(root_key), root, "tokenizer.json", &unknown, err);
    const cJSON *version = json_get(root, "version");
    if (rc == 0 && unknown.len)
        rc = err_set(err, ERR_MODEL, "not supported is its key %s", unknown.data);       /* so does tokenizers */
    if (rc == 0 && cJSON_IsString(version) && strcmp(version->valuestring, "1.0"))
        rc = err_set(err, ERR_MODEL, "version \"%.*s\" is not supported; known is 1.0", utf8_fit(version->valuestring, 20),
                     version->valuestring);
    buf_free(&unknown);
    return rc;
}

int keys_of_model(const cJSON *model, bool unigram, struct buf *unknown, struct err *err)
{
    return unigram ? check(KEYS(unigram_key), model, "Unigram", unknown, err) : check(KEYS(bpe_key), model, "BPE", unknown, err);
}

int keys_of_token(const cJSON *token, struct buf *unknown, struct err *err)
{
    struct buf others = {0};
    int rc = keys_check(KEYS(token_key), token, "an added token", &others, err);
    if (rc == 0 && others.len && !(unknown->len && strstr(unknown->data, others.data)))      /* once for all of its kind */
        buf_printf(unknown, "%sadded tokens: %s", unknown->len ? "; " : "", others.data);
    buf_free(&others);
    return rc;
}

/* ---- tokenizer_config.json, and special_tokens_map.json, which gives keys of it ---- */

static const struct key config_key[] = {
    READ_KEY("tokenizer_class", 's'), READ_KEY("bos_token", '*'), READ_KEY("eos_token", '*'), READ_KEY("unk_token", '*'),
    READ_KEY("sep_token", '*'), READ_KEY("pad_token", '*'), READ_KEY("cls_token", '*'), READ_KEY("mask_token", '*'),
    READ_KEY("additional_special_tokens", 'a'), READ_KEY("extra_special_tokens", '*'),
    READ_KEY("prefix_token", 's'),           /* these four: CodeLlama's */
    READ_KEY("middle_token", 's'), READ_KEY("suffix_token", 's'), READ_KEY("eot_token", 's'), READ_KEY("added_tokens_decoder", 'o'),
    READ_KEY("add_bos_token", 'b'), READ_KEY("add_eos_token", 'b'), READ_KEY("add_prefix_space", 'b'), READ_KEY("legacy", 'b'),
    READ_KEY("tokenizer_file", '*'), READ_KEY("clean_up_tokenization_spaces", 'b'), READ_KEY("chat_template", '*'),
    READ_KEY("fix_mistral_regex", 'b'), READ_KEY("sp_model_kwargs", 'o'),

    OFF_KEY("split_special_tokens", 0, 0), OFF_KEY("fast_tokenizer_files", 0, 0),

    /* ---- padding, cutting, training ---- */
    IDLE_KEY("model_max_length"), IDLE_KEY("max_len"), IDLE_KEY("max_length"), IDLE_KEY("padding"), IDLE_KEY("padding_side"),
    IDLE_KEY("pad_to_multiple_of"), IDLE_KEY("pad_token_type_id"), IDLE_KEY("truncation"), IDLE_KEY("truncation_side"),
    IDLE_KEY("truncation_strategy"), IDLE_KEY("stride"), IDLE_KEY("model_input_names"), IDLE_KEY("return_token_type_ids"),
    IDLE_KEY("max_lengths"), IDLE_KEY("vocab_size"),
    /* ---- where the file comes from, and who loads it ---- */
    IDLE_KEY("name_or_path"), IDLE_KEY("special_tokens_map_file"), IDLE_KEY("vocab_file"), IDLE_KEY("merges_file"),
    IDLE_KEY("auto_map"), IDLE_KEY("processor_class"), IDLE_KEY("tokenizer_type"), IDLE_KEY("init_inputs"), IDLE_KEY("use_fast"),
    OFF_KEY("from_slow", 0, 0),
    IDLE_KEY("backend"), IDLE_KEY("is_local"), IDLE_KEY("local_files_only"), IDLE_KEY("trust_remote_code"), IDLE_KEY("device_map"),
    IDLE_KEY("transformers_version"), IDLE_KEY("_commit_hash"),
    /* ---- of Python's own tokenizers, of other classes, or of templates that transformers no longer brings ---- */
    IDLE_KEY("errors"), IDLE_KEY("use_default_system_prompt"), IDLE_KEY("spaces_between_special_tokens"), IDLE_KEY("trim_offsets"),
    IDLE_KEY("fill_token"), IDLE_KEY("suffix_first"), IDLE_KEY("add_special_tokens"), IDLE_KEY("do_lower_case"),
    IDLE_KEY("bos_token_id"), IDLE_KEY("eos_token_id"), IDLE_KEY("unk_token_id"), IDLE_KEY("pad_token_id"),
    IDLE_KEY("response_schema"), IDLE_KEY("verbose"),
};

int keys_of_config(const cJSON *config, struct err *err)
{
    struct buf unknown = {0};
    const cJSON *extra = json_get(config, "extra_special_tokens");
    int rc = keys_check(KEYS(config_key), config, "a tokenizer", &unknown, err);
    if (rc == 0 && cJSON_IsObject(extra) && extra->child)
        rc = err_set(err, ERR_MODEL, "extra_special_tokens names tokens for templates (%.40s), which is not supported; choose a template "
                     "without them by --chat-template, and remove the key", extra->child->string);
    if (rc == 0)
        keys_note("tokenizer_config.json", &unknown);
    buf_free(&unknown);
    return rc;
}
