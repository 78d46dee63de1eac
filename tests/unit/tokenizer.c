/* tokenizer.c - ids and decoded texts of hard strings against Hugging Face's tokenizers (tests/golden/make_tokenizers.py made the goldens)
 * and against sentencepiece (make_spm.py), and what a hostile tokenizer.json or tokenizer.model is answered with. */
#include "src/rig/textfiles.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK = 50 };

static char **strings;
static int n_strings;

static void read_strings(void)
{
    struct buf b = { 0 };
    struct err err;
    if (io_read("tests/golden/tokenizers/strings.jsonl", &b, &err) < 0)
        return;
    for (char *p = b.data, *end; (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = cJSON_ParseWithLength(p, (size_t)(end - p));
        strings = xrealloc(strings, (size_t)n_strings + 1, sizeof *strings);
        strings[n_strings++] = xstrdup(cJSON_IsString(j) ? j->valuestring : "");
        cJSON_Delete(j);
    }
    buf_free(&b);
}

/* "ids newline decoded newline", as the scripts hash it. */
static void describe(const struct tokenizer *t, const char *s, int flags, bool decoded, struct buf *out)
{
    struct ids ids = { 0 };
    struct err err;
    if (tokenizer_encode(t, s, strlen(s), flags, &ids, &err) < 0)
        buf_printf(out, "error %s", err.text);
    for (size_t i = 0; i < ids.n; i++)
        buf_printf(out, "%s%d", i ? " " : "", ids.id[i]);
    buf_char(out, '\n');
    if (decoded) {
        tokenizer_decode(t, ids.id, ids.n, 0, out);
        buf_char(out, '\n');
    }
    ids_free(&ids);
}

/* MTB_TOKENIZER_FULL=FOLDER: what every string gives, to compare with what the scripts write into a folder. */
static void write_full(const char *golden, const struct tokenizer *t, int flags, bool decoded)
{
    const char *folder = getenv("MTB_TOKENIZER_FULL");
    char *path = folder ? xasprintf("%s/%s.got", folder, golden) : NULL;
    FILE *f = path ? fopen(path, "w") : NULL;
    for (int i = 0; f && i < n_strings; i++) {
        struct buf b = { 0 }, line = { 0 };
        describe(t, strings[i], flags, decoded, &b);
        buf_char(&line, '[');
        json_put_string(&line, strings[i], strlen(strings[i]));
        buf_str(&line, ", ");
        json_put_string(&line, b.data, b.len);
        fprintf(f, "%s]\n", line.data);
        buf_free(&b);
        buf_free(&line);
    }
    if (f)
        fclose(f);
    free(path);
}

/* All strings against tests/golden/tokenizers/GOLDEN.ids. 't' is destroyed. */
static void check_strings(const char *golden, struct tokenizer *t, int flags, bool decoded, const struct err *err)
{
    char *path = xasprintf("tests/golden/tokenizers/%s.ids", golden);
    struct buf want = { 0 }, got = { 0 };
    struct err ignored;
    ok(t != NULL && io_read(path, &want, &ignored) == 0, "%s loads: %s", golden, t ? "yes" : err->text);
    for (int i = 0, block = 0; t && i < n_strings; i += BLOCK, block++) {
        char hex[65];
        buf_clear(&got);
        for (int k = i; k < i + BLOCK && k < n_strings; k++)
            describe(t, strings[k], flags, decoded, &got);
        sha256_hex(got.data, got.len, hex);
        ok(want.len >= (size_t)(block + 1) * 65 && !memcmp(hex, want.data + block * 65, 64), "%s: strings %d to %d", golden, i,
           i + BLOCK - 1);
    }
    if (t)
        write_full(golden, t, flags, decoded);
    tokenizer_destroy(t);
    buf_free(&want);
    buf_free(&got);
    free(path);
}

static void check_kind(const char *kind)
{
    char *path = xasprintf("tests/golden/tokenizers/%s.json", kind);
    struct buf json = { 0 };
    struct err err = { 0 };
    struct tokenizer *t =
        io_read(path, &json, &err) == 0 ? tokenizer_from_json(&(struct tokenizer_files){.json = {json.data, json.len}}, &err) : NULL;
    check_strings(kind, t, ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, true, &err);
    buf_free(&json);
    free(path);
}

static struct tokenizer *from_model(const char *name, const char *config, struct err *err)
{
    char *path = xasprintf("tests/golden/tokenizers/%s.model", name);
    struct buf b = { 0 };
    struct tokenizer *t = NULL;
    if (io_read(path, &b, err) == 0)
        t = tokenizer_from_sentencepiece((struct slice){ b.data, b.len },
                                         &(struct tokenizer_files){ .config = { config, strlen(config) } }, err);
    buf_free(&b);
    free(path);
    return t;
}

static void check_sentencepiece(void)
{
    struct err err = { 0 };
    check_strings("spm_hard", from_model("spm_hard", "", &err), 0, true, &err);
    check_strings("spm_legacy", from_model("spm", "", &err), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, true, &err);
    check_strings("spm_first", from_model("spm", "{\"legacy\": false}", &err), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, true, &err);
}

static struct tokenizer *from_gguf(const char *path, struct err *err)
{
    struct buf b = { 0 };
    struct gguf g;
    struct tokenizer *t = NULL;
    if (io_read(path, &b, err) < 0)
        return NULL;
    if (gguf_parse(b.data, b.len, b.len, &g, err) == 0) {
        t = textfiles_gguf_tokenizer(&g, err);
        gguf_free(&g);
    }
    buf_free(&b);
    return t;
}

/* The vocabulary of a tokenizer.json as a GGUF file has it. */
struct gguf_twin {
    struct slice *token, *merge;
    int32_t *type;
    char **text;                         /* (n_merges) "A B" */
    size_t n_tokens, n_merges;
};

static void twin_read(struct gguf_twin *g, const cJSON *root)
{
    const cJSON *vocab = json_get(json_get(root, "model"), "vocab"), *merges = json_get(json_get(root, "model"), "merges"), *j;
    size_t n = (size_t)cJSON_GetArraySize(merges) + 1;
    *g = (struct gguf_twin){
        .n_tokens = (size_t)cJSON_GetArraySize(vocab), .merge = xcalloc(n, sizeof *g->merge), .text = xcalloc(n, sizeof *g->text)};
    g->token = xcalloc(g->n_tokens + 1, sizeof *g->token);
    g->type = xcalloc(g->n_tokens + 1, sizeof *g->type);
    cJSON_ArrayForEach(j, vocab)
    {
        g->token[j->valueint] = (struct slice){ j->string, strlen(j->string) };
        g->type[j->valueint] = TOKEN_NORMAL;
    }
    cJSON_ArrayForEach(j, json_get(root, "added_tokens"))
        g->type[json_get(j, "id")->valueint] = TOKEN_CONTROL;
    cJSON_ArrayForEach(j, merges)
    {
        char *text = xasprintf("%s %s", j->child->valuestring, j->child->next->valuestring);
        g->text[g->n_merges] = text;
        g->merge[g->n_merges++] = (struct slice){ text, strlen(text) };
    }
}

static void twin_free(struct gguf_twin *g)
{
    while (g->n_merges > 0)
        free(g->text[--g->n_merges]);
    free(g->text);
    free(g->merge);
    free(g->token);
    free(g->type);
}

/* KIND.json's twin with the name of a pre-tokenizer gives the ids of GOLDEN.ids. bos: id, or -1. */
static void check_named(const char *kind, const char *pre, const char *golden, int32_t bos)
{
    char *path = xasprintf("tests/golden/tokenizers/%s.json", kind);
    struct buf b = { 0 };
    struct err err = { 0 };
    struct gguf_twin g;
    cJSON *root = io_read(path, &b, &err) == 0 ? json_parse(b.data, b.len, &err) : NULL;
    twin_read(&g, root);
    const struct vocab v = {
        .kind = {"gpt2", 4},
        .pre = {pre, strlen(pre)},
        .n_tokens = g.n_tokens,
        .token = g.token,
        .type = g.type,
        .n_merges = g.n_merges,
        .merge = g.merge,
        .bos = bos,
        .eos = -1,
        .unk = -1,
        .sep = -1,
        .pad = -1,
        .cls = -1,
        .mask = -1,
        .eot = -1,
    };
    check_strings(golden, tokenizer_from_vocab(&v, &err), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, true, &err);
    twin_free(&g);
    cJSON_Delete(root);
    buf_free(&b);
    free(path);
}

static void check_gguf(void)
{
    static const char *const other[] = { "tekken", "gpt-4o", "deepseek-coder", "deepseek-v3" };
    static const char demo[] = "data/models/SmolLM2-135M-Instruct.Q4_1.gguf";
    struct err err = { 0 };
    check_named("gpt2", "gpt-2", "gpt2", -1);
    check_named("llama3", "llama-bpe", "llama3", 3);
    check_named("qwen2", "qwen2", "qwen2", -1);
    check_named("smollm", "smollm", "smollm", -1);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        check_named("gpt2", other[i], other[i], -1);
    check_strings("spm", from_gguf("tests/golden/tokenizers/spm.gguf", &err), 0, true, &err);
    if (access(demo, R_OK) == 0)
        check_strings("demo", from_gguf(demo, &err), ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, true, &err);
    else
        skip(1, "the demo model is not here; data/fetch.sh brings it");
}

static bool same_text(const cJSON *want, const char *got)
{
    return !strcmp(cJSON_IsString(want) ? want->valuestring : "", got);
}

/* [text, ids, decoded or null] */
static bool check_text(const struct tokenizer *t, const cJSON *row)
{
    const char *text = row->child->valuestring, *decoded = row->child->next->next->valuestring;
    struct buf got = { 0 }, want = { 0 };
    const cJSON *id;
    describe(t, text, ENC_ADD_SPECIAL | ENC_PARSE_SPECIAL, decoded != NULL, &got);
    cJSON_ArrayForEach(id, row->child->next)
        buf_printf(&want, "%s%d", want.len ? " " : "", id->valueint);
    buf_char(&want, '\n');
    if (decoded)
        buf_printf(&want, "%s\n", decoded);
    bool same = !strcmp(got.data, want.data);
    if (!same)
        printf("# \"%s\"\n# got  %s# want %s", text, got.data, want.data);
    buf_free(&got);
    buf_free(&want);
    return same;
}

static char *side_file(const cJSON *line, const char *name)
{
    return json_get(line, name) ? cJSON_PrintUnformatted(json_get(line, name)) : NULL;
}

/* KIND.json with the members that the line changes; freed by the caller. NULL: the kind is no such file. */
static char *changed_json(const cJSON *line, struct err *err)
{
    if (!strcmp(json_get(line, "kind")->valuestring, "spm"))
        return NULL;
    char *path = xasprintf("tests/golden/tokenizers/%s.json", json_get(line, "kind")->valuestring);
    struct buf b = { 0 };
    cJSON *root = io_read(path, &b, err) == 0 ? json_parse(b.data, b.len, err) : NULL;
    const cJSON *j;
    cJSON_ArrayForEach(j, json_get(line, "changes"))
        cJSON_ReplaceItemInObjectCaseSensitive(root, j->string, cJSON_Duplicate(j, true));
    char *text = cJSON_PrintUnformatted(root);
    cJSON_Delete(root);
    buf_free(&b);
    free(path);
    return text;
}

static struct slice text_slice(const char *s)
{
    return (struct slice){ s, s ? strlen(s) : 0 };
}

/* tokenizer_config.json beside tokenizer.json (make_tokenizer_configs.py). */
static void check_config(const cJSON *line)
{
    const cJSON *special = json_get(line, "special"), *row;
    char *config = side_file(line, "config"), *map = side_file(line, "map"), *added = side_file(line, "added"),
         *model = side_file(line, "model");
    struct err err = { 0 };
    char *json = changed_json(line, &err);
    const struct tokenizer_files files = { .json = text_slice(json), .config = text_slice(config), .special_map = text_slice(map),
                                           .added = text_slice(added), .model = text_slice(model) };
    struct buf spm = { 0 };
    struct tokenizer *t = json ? tokenizer_from_json(&files, &err) : NULL;
    if (!json && io_read("tests/golden/tokenizers/spm.model", &spm, &err) == 0)
        t = tokenizer_from_sentencepiece((struct slice){ spm.data, spm.len }, &files, &err);
    bool right = t != NULL;
    cJSON_ArrayForEach(row, json_get(line, "texts"))
        right = right && check_text(t, row);
    ok(right, "%s with %.110s %s %s", json_get(line, "kind")->valuestring, config ? config : "nothing", model ? model : "", err.text);
    static const char *const role[] = { "bos", "eos", "unk", "pad", "sep", "cls", "mask" };
    for (int i = 0; i < 7; i++)
        right = right && same_text(cJSON_GetArrayItem(special, i), tokenizer_role_text(t, role[i]));
    int n = 0;
    const char *const *additional = right ? tokenizer_additional(t, &n) : NULL;
    right = right && n == cJSON_GetArraySize(json_get(line, "additional"));
    for (int i = 0; right && i < n; i++)
        right = !strcmp(additional[i], cJSON_GetArrayItem(json_get(line, "additional"), i)->valuestring);
    ok(right, "its special tokens");
    tokenizer_destroy(t);
    buf_free(&spm);
    free(json);
    free(map);
    free(added);
    free(model);
    free(config);
}

static void check_configs(void)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    ok(io_read("tests/golden/tokenizers/configs.jsonl", &b, &err) == 0, "the golden of configurations is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        check_config(j);
        cJSON_Delete(j);
    }
    buf_free(&b);
}

/* Converters leave marks of turns as normal tokens of a GGUF vocabulary; the template's own text needs them whole. */
static void check_control_looking(void)
{
    static const struct { const char *text; bool whole;
    } token[] = {
        {"<|im_end|>", true}, {"<|x-y_2|>", true}, {"<end_of_turn>", true}, {"<|a b|>", false},
        {"<||>", false},      {"<|>", false},      {"ab", false},
    };
    for (size_t i = 0; i < sizeof token / sizeof *token; i++) {
        const struct slice text[] = {{"a", 1}, {"|", 1}, {"<", 1}, {">", 1}, {"<|", 2}, {token[i].text, strlen(token[i].text)}};
        const struct slice merge[] = { { "< |", 3 } };
        struct vocab v = { .kind = { "gpt2", 4 }, .pre = { "gpt-2", 5 }, .n_tokens = 6, .token = text, .n_merges = 1, .merge = merge,
                           .bos = -1, .eos = -1, .unk = -1, .sep = -1, .pad = -1, .cls = -1, .mask = -1, .eot = -1 };
        struct err err = { 0 };
        struct ids ids = { 0 };
        struct tokenizer *t = tokenizer_from_vocab(&v, &err);
        struct buf s = { 0 };
        buf_printf(&s, "a%sa", token[i].text);
        ok(t && tokenizer_encode(t, s.data, s.len, ENC_PARSE_SPECIAL, &ids, &err) == 0 && (ids.n == 3 && ids.id[1] == 5) == token[i].whole,
           "typed as normal, %s is%s one token", token[i].text, token[i].whole ? "" : " not");
        ids_free(&ids);
        buf_free(&s);
        tokenizer_destroy(t);
    }
}

static void check_refusals(void)
{
    static const struct {
        const char *json, *says;
    } bad[] = {
        { "{", "JSON" },
        { "{\"model\": {\"type\": \"WordPiece\"}}", "WordPiece" },
        { "{\"model\": {\"type\": \"BPE\"}}", "BPE: \"vocab\" is missing" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": [], \"byte_fallback\": 1}}", "byte_fallback is no true or false" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {}, \"merges\": [], \"unk_token\": \"\\u0000\"}}", "U+0000" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": -1}, \"merges\": []}}", "impossible" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 1e300}, \"merges\": []}}", "impossible" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a b\"]}}", "merge 0" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [\"a\"]}}", "no pair" },
        { "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"dropout\": 0.1}}", "dropout" },
        { "{\"normalizer\": {\"type\": \"Precompiled\"}, \"model\": {}}", "Precompiled" },
        { "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"(\"}, \"behavior\": \"Isolated\", \"invert\": "
          "false}, \"model\": {}}", "pattern (" },
        { "{\"version\": \"2.0\", \"model\": {}}", "2.0" },
        { "{\"model\": {}, \"more\": 1}", "key more" },
        { "{\"normalizer\": {}, \"model\": {}}", "without a type" },
        { "{\"normalizer\": {\"type\": \"Prepend\"}, \"model\": {}}", "Prepend: \"prepend\" is missing" },
        { "{\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": [{\"type\": \"Strip\", \"strip_left\": 1, \"strip_right\": true}]}, "
          "\"model\": {}}", "Strip: strip_left is no true or false" },
        { "{\"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"isolated\", \"invert\": false}, "
          "\"model\": {}}", "behavior \"isolated\"" },
        { "{\"pre_tokenizer\": {\"type\": \"Punctuation\", \"behavior\": \"Odd\"}, \"model\": {}}", "behavior \"Odd\"" },
        { "{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"ab\"}, \"model\": {}}", "no single character" },
        { "{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"prepend_scheme\": \"odd\"}, \"model\": {}}", "\"odd\"" },
        { "{\"pre_tokenizer\": {\"type\": \"Metaspace\", \"replacement\": \"_\", \"add_prefix_space\": false}, \"model\": {}}", "never" },
        { "{\"decoder\": {\"type\": \"Strip\", \"content\": \" \", \"start\": 1.5, \"stop\": 0}, \"model\": {}}", "start is no whole" },
        { "{\"decoder\": {\"type\": \"CTC\"}, \"model\": {}}", "CTC" },
        { "{\"post_processor\": {\"type\": \"Odd\"}, \"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}}", "Odd" },
        { "{\"model\": {\"type\": \"Unigram\", \"vocab\": [[\"a\"]]}}", "pair" },
        { "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 7, \"vocab\": [[\"a\", -1]]}}", "unk_id" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        struct tokenizer *t = tokenizer_from_json(&(struct tokenizer_files){ .json = { bad[i].json, strlen(bad[i].json) } }, &err);
        ok(!t && strstr(err.text, bad[i].says), "refused: %s", t ? bad[i].json : err.text);
        tokenizer_destroy(t);
    }
}

/* What stands beside a good tokenizer.json and is not obeyed is refused by its name. */
static void check_config_refusals(void)
{
    static const struct {
        const char *kind, *config, *says;
    } bad[] = {
        { "gpt2", "{\"split_special_tokens\": true}", "split_special_tokens is true" },
        { "gpt2", "{\"fast_tokenizer_files\": [\"tokenizer.4.0.json\"]}", "fast_tokenizer_files" },
        { "gpt2", "{\"extra_special_tokens\": {\"image_token\": \"<image>\"}}", "image_token" },
        { "gpt2", "{\"add_bos_token\": \"false\"}", "add_bos_token is no true or false" },
        { "gpt2", "{\"bos_token\": 5}", "bos_token is neither" },
        { "gpt2", "{\"bos_token\": {\"lstrip\": true}}", "bos_token is neither" },
        { "gpt2", "{\"bos_token\": {\"content\": \"<s>\", \"lstrip\": 1}}", "lstrip is no true or false" },
        { "gpt2", "{\"bos_token\": \"a\\u0000\"}", "U+0000" },
        { "gpt2", "{\"additional_special_tokens\": [1]}", "additional_special_tokens is neither" },
        { "gpt2", "{\"additional_special_tokens\": [null]}", "null" },
        { "gpt2", "{\"added_tokens_decoder\": {\"900\": {\"content\": \"<t>\", \"rstrip\": \"yes\"}}}", "rstrip" },
        { "gpt2", "{\"added_tokens_decoder\": {\"900\": \"<t>\", \"x\": \"<u>\"}}", "\"x\"" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"bos_token\": null}", "add_bos_token" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_eos_token\": true, \"eos_token\": null}", "add_eos_token" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_prefix_space\": false}", "add_prefix_space" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_prefix_space\": true, \"legacy\": false}", "not the legacy way" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"tokenizer_file\": null}", "tokenizer_file null" },
        { "llama2", "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_prefix_space\": true}", NULL },
        { "mistral", "{\"tokenizer_class\": \"LlamaTokenizer\", \"add_prefix_space\": true, \"legacy\": false}", NULL },
        { "gpt2", "{\"fix_mistral_regex\": true, \"fast_tokenizer_files\": [], \"extra_special_tokens\": {}, \"my_own\": 1}", NULL },
        { "gpt2", "{\"tokenizer_class\": \"OddTokenizer\"}", NULL },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *path = xasprintf("tests/golden/tokenizers/%s.json", bad[i].kind);
        struct buf json = { 0 };
        struct err err = { 0 };
        struct tokenizer *t = NULL;
        if (io_read(path, &json, &err) == 0)
            t = tokenizer_from_json(
                &(struct tokenizer_files){ .json = { json.data, json.len }, .config = text_slice(bad[i].config) }, &err);
        ok(bad[i].says ? !t && strstr(err.text, bad[i].says) : t != NULL, "%s: %s", bad[i].config, t ? "taken" : err.text);
        tokenizer_destroy(t);
        buf_free(&json);
        free(path);
    }
}

/* U+0000 in a vocabulary, a merge, an added token and a pattern is that character, however JSON spells it. */
static void check_nul_tokens(void)
{
    static const char json[] =
        "{\"added_tokens\": [{\"id\": 5, \"content\": \"<\\u0000>\", \"special\": true, \"normalized\": false}], "
        "\"normalizer\": {\"type\": \"Replace\", \"pattern\": {\"Regex\": \"z\\u0000+\"}, \"content\": \"b\\u0000\"}, "
        "\"decoder\": {\"type\": \"Fuse\"}, "
        "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"\\u0000\": 1, \"a\\u0000\": 2, \"b\": 3, \"b\\u0000\": 4}, "
        "\"merges\": [\"a \\u0000\", [\"b\", \"\\u0000\"]]}}";
    static const char text[] = "a\0ba\0\0<\0>z\0\0a";
    static const int32_t want[] = { 2, 3, 2, 1, 5, 4, 0 };           /* as tokenizers 0.22 gives them */
    struct err err = { 0 };
    struct ids ids = { 0 };
    struct buf back = { 0 };
    struct tokenizer *t = tokenizer_from_json(&(struct tokenizer_files){ .json = text_slice(json) }, &err);
    ok(t && tokenizer_encode(t, text, sizeof text - 1, ENC_PARSE_SPECIAL, &ids, &err) == 0 && ids.n == sizeof want / sizeof *want &&
           !memcmp(ids.id, want, sizeof want),
       "tokens with U+0000: %zu ids %s", ids.n, err.text);
    if (t)
        tokenizer_decode(t, ids.id, ids.n, 0, &back);
    ok(back.len == 12 && !memcmp(back.data, "a\0ba\0\0<\0>b\0a", 12), "and back: %zu bytes", back.len);
    ids_free(&ids);
    buf_free(&back);
    tokenizer_destroy(t);
}

/* What the package tokenizers (0.22) gives for parts that are easily taken for others. */
static void check_parts(void)
{
#define BPE "\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"\\u00bd\": 2, \"ab\": 3, \"\\u200d\": 4, "       \
            "\"a\\u200d\": 5, \"a\\u00bd\": 6, \"-\": 7}, \"merges\": [\"a b\", \"a \\u200d\", \"a \\u00bd\"]}"
#define TEMPLATE(single, table) \
    "{\"type\": \"TemplateProcessing\", \"single\": [" single "], \"pair\": [], \"special_tokens\": {" table "}}"
#define TOKEN "{\"SpecialToken\": {\"id\": \"x\", \"type_id\": 0}}"
#define TEXT "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}"
#define IDS "\"x\": {\"id\": \"x\", \"ids\": [7, 1], \"tokens\": [\"-\", \"b\"]}"
#define WITH(name, part) "{\"" name "\": " part ", " BPE "}"
#define POST(processor) WITH("post_processor", processor)
#define WHITESPACE WITH("pre_tokenizer", "{\"type\": \"Whitespace\"}")
#define EMPTY "\"pattern\": {\"String\": \"\"}"
    static const struct {
        const char *what, *json, *text, *want;       /* want: ids, or part of the error */
    } part[] = {
        { "Whitespace: Rust's \\w has no numbers but digits", WHITESPACE, "a\xc2\xbd", "0 2" },
        { "Whitespace: and it has the joiners", WHITESPACE, "a\xe2\x80\x8d", "5" },
        { "an empty literal cuts everywhere",
          WITH("pre_tokenizer", "{\"type\": \"Split\", " EMPTY ", \"behavior\": \"Isolated\", \"invert\": false}"), "ab", "0 1" },
        { "and is replaced everywhere", WITH("normalizer", "{\"type\": \"Replace\", " EMPTY ", \"content\": \"-\"}"), "ab", "7 0 7 1 7" },
        { "a template's ids are its own", POST(TEMPLATE(TOKEN ", " TEXT, IDS)), "a", "7 1 0" },
        { "behind the text", POST(TEMPLATE(TEXT ", " TOKEN, IDS)), "a", "0 7 1" },
        { "of equal tokens the last", "{\"model\": {\"type\": \"Unigram\", \"unk_id\": 0, \"vocab\": [[\"<u>\", 0.0], [\"a\", -1.0], "
          "[\"b\", -1.0], [\"a\", -2.0]]}}", "ab", "3 2" },
        { "of equal keys the last", "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1, \"a\": 5}, \"merges\": []}}",
          "ab", "5 1" },
        { "a template without ids", POST(TEMPLATE(TOKEN ", " TEXT, "")), "a", "no ids" },
        { "an id that is none", POST(TEMPLATE(TOKEN ", " TEXT, "\"x\": {\"ids\": [99]}")), "a", "not in the vocab" },
        { "the text twice", POST(TEMPLATE(TEXT ", " TEXT, IDS)), "a", "around one text" },
        { "no text", POST(TEMPLATE(TOKEN, IDS)), "a", "without the text" },
        { "two templates", POST("{\"type\": \"Sequence\", \"processors\": [" TEMPLATE(TEXT, "") ", " TEMPLATE(TEXT, "") "]}"), "a",
          "two TemplateProcessing" },
    };
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        struct err err = { 0 };
        struct buf got = { 0 };
        struct tokenizer *t = tokenizer_from_json(&(struct tokenizer_files){ .json = text_slice(part[i].json) }, &err);
        if (t)
            describe(t, part[i].text, ENC_ADD_SPECIAL, false, &got);
        if (t)
            got.data[got.len - 1] = '\0';             /* the line's end */
        ok(t ? !strcmp(got.data, part[i].want) : strstr(err.text, part[i].want) != NULL, "%s: %s", part[i].what, t ? got.data : err.text);
        buf_free(&got);
        tokenizer_destroy(t);
    }
}

/* Where a character is in no way part of the vocabulary and no token stands for it, the text is refused, as by tokenizers. */
static void check_unknown(void)
{
    static const struct {
        const char *model;
        bool fails;
    } file[] = {
        { "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": [], \"unk_token\": \"<u>\"}", true },
        { "{\"type\": \"BPE\", \"vocab\": {\"a\": 0}, \"merges\": []}", false },
        { "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0.0]]}", true },
        { "{\"type\": \"Unigram\", \"vocab\": [[\"a\", 0.0], [\"<u>\", 0.0]], \"unk_id\": 1}", false },
    };
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct err err = { 0 };
        struct ids ids = { 0 };
        char *json = xasprintf("{\"model\": %s}", file[i].model);
        struct tokenizer *t = tokenizer_from_json(&(struct tokenizer_files){ .json = text_slice(json) }, &err);
        ok(t && tokenizer_encode(t, "aa", 2, 0, &ids, &err) == 0 && ids.n == 2, "a text of known characters with %s", file[i].model);
        int rc = t ? tokenizer_encode(t, "az", 2, 0, &ids, &err) : 0;
        ok(file[i].fails ? rc < 0 && strstr(err.text, "unknown token") : t && rc == 0, "an unknown one: %s", rc < 0 ? err.text : "taken");
        tokenizer_destroy(t);
        ids_free(&ids);
        free(json);
    }
}

/* Two pieces and what a test puts behind them. */
#define PIECES "\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x03\x0a\x01" "a"

static void check_model_refusals(void)
{
    static const struct {
        const char *what, *bytes;
        size_t n;
        const char *says;
    } bad[] = {
        { "an empty file", "", 0, "damaged" },
        { "text", "not a model", 11, "damaged" },
        { "a piece that ends behind the file", "\x0a\x7f", 2, "damaged" },
        { "an endless number", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, "damaged" },
        { "a group", "\x0b", 1, "damaged" },
        { "pieces as a number", "\x08\x01", 2, "damaged" },
        { "a piece without text", "\x0a\x02\x18\x01", 4, "damaged" },
        { "a piece of no known type", "\x0a\x05\x0a\x01" "a\x18\x09", 7, "damaged" },
        { "unigram by default", PIECES, 16, "unigram" },
        { "unigram", PIECES "\x12\x02\x18\x01", 20, "unigram" },
        { "word", PIECES "\x12\x02\x18\x03", 20, "word" },
        { "a table of normalisation", PIECES "\x12\x02\x18\x02\x1a\x03\x12\x01x", 25, "normalisation" },
        { "space behind words", PIECES "\x12\x05\x18\x02\xc0\x01\x01", 23, "white space" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        struct tokenizer *t =
            tokenizer_from_sentencepiece((struct slice){ bad[i].bytes, bad[i].n }, &(struct tokenizer_files){ 0 }, &err);
        ok(!t && strstr(err.text, bad[i].says) && strstr(err.text, "tokenizer.model"), "%s is refused: %s", bad[i].what,
           t ? "taken" : err.text);
        tokenizer_destroy(t);
    }
}

/* Cut anywhere, the model is refused or is a smaller one; nothing is read outside it. */
static void check_cuts(void)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    int taken = 0, refused = 0;
    ok(io_read("tests/golden/tokenizers/spm.model", &b, &err) == 0, "a model to cut");
    for (size_t n = 0; n < b.len; n += 7) {
        char *cut = xstrndup("", 0);
        cut = xrealloc(cut, n + 1, 1);
        memcpy(cut, b.data, n);
        struct tokenizer *t = tokenizer_from_sentencepiece((struct slice){ cut, n }, &(struct tokenizer_files){ 0 }, &err);
        taken += t != NULL;
        refused += t == NULL;
        tokenizer_destroy(t);
        free(cut);
    }
    ok(refused > 1000, "%d cuts are refused, %d leave a model", refused, taken);
    buf_free(&b);
}

/* A NUL goes in as byte 0 or as nul.h spells it, and comes out as byte 0. */
static void check_nul(void)
{
    struct buf json = { 0 }, text = { 0 };
    struct err err = { 0 };
    struct ids a = { 0 }, b = { 0 };
    struct tokenizer *t = io_read("tests/golden/tokenizers/gpt2.json", &json, &err) == 0
                              ? tokenizer_from_json(&(struct tokenizer_files){.json = {json.data, json.len}}, &err)
                              : NULL;
    ok(t && tokenizer_encode(t, "O\0K", 3, 0, &a, &err) == 0 && tokenizer_encode(t, "O\xc0\x80K", 4, 0, &b, &err) == 0 && a.n == 3 &&
           b.n == 3 && !memcmp(a.id, b.id, 3 * sizeof *a.id),
       "both spellings of NUL are one token of byte 0");
    tokenizer_decode(t, a.id, a.n, 0, &text);
    ok(text.len == 3 && !memcmp(text.data, "O\0K", 3), "decoded: 3 bytes");
    ids_free(&a);
    ids_free(&b);
    buf_free(&json);
    buf_free(&text);
    tokenizer_destroy(t);
}

int main(void)
{
    static const char *const kind[] = { "gpt2", "llama3", "qwen2", "smollm", "llama2", "mistral", "unigram" };
    read_strings();
    ok(n_strings >= 2000, "%d strings", n_strings);
    for (size_t i = 0; i < sizeof kind / sizeof *kind; i++)
        check_kind(kind[i]);
    check_sentencepiece();
    check_gguf();
    check_configs();
    check_control_looking();
    check_refusals();
    check_config_refusals();
    check_nul_tokens();
    check_unknown();
    check_parts();
    check_model_refusals();
    check_cuts();
    check_nul();
    for (int i = 0; i < n_strings; i++)
        free(strings[i]);
    free(strings);
    return done_testing();
}
