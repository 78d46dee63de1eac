/* textfiles.c - which template and tokenizer a model's folder gives: the spellings of Hugging Face through the years. */
#include "src/rig/textfiles.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 5 };

struct file {
    const char *name, *text;
};

/* A new folder with these files and empty weights. */
static char *make_folder(const struct file *f)
{
    char *folder = xstrdup("/tmp/mtbench-textfiles-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    for (int i = -1; i < MAX_FILES && (i < 0 || f[i].name); i++) {
        char *path = xasprintf("%s/%s", folder, i < 0 ? "model.safetensors" : f[i].name), *slash = strrchr(path, '/');
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
        FILE *out = fopen(path, "w");
        if (!out)
            abort();
        if (i >= 0)
            fputs(f[i].text, out);
        fclose(out);
        free(path);
    }
    return folder;
}

static void remove_folder(char *folder, const struct file *f)
{
    char *path = xasprintf("%s/model.safetensors", folder);
    unlink(path);
    free(path);
    for (int i = 0; i < MAX_FILES && f[i].name; i++) {
        path = xasprintf("%s/%s", folder, f[i].name);
        unlink(path);
        char *slash = strrchr(path, '/');
        *slash = '\0';
        if (strcmp(path, folder))
            rmdir(path);
        free(path);
    }
    rmdir(folder);
    free(folder);
}

static struct source *open_folder(const char *folder, struct err *err)
{
    struct modelpath m;
    if (modelpath_resolve(folder, NULL, NULL, &m, err) < 0)
        return NULL;
    struct source *s = source_files_open((const char *const *)m.path, m.n, err);
    modelpath_free(&m);
    return s;
}

#define NAMED(a, b)                                                                                                                        \
    "{\"chat_template\": [{\"name\": \"" a "\", \"template\": \"T-" a "\"}, {\"name\": \"" b "\", \"template\": \"T-" b "\"}]}"

static const struct {
    const char *what;
    struct file file[MAX_FILES];
    const char *want, *says;             /* the template ("": none), or part of the error */
} templates[] = {
    {"a string", {{"tokenizer_config.json", "{\"chat_template\": \"T\"}"}}, "T", NULL},
    {"no template", {{"tokenizer_config.json", "{\"chat_template\": null}"}}, "", NULL},
    {"no files", {{NULL, NULL}}, "", NULL},
    {"a list of named ones", {{"tokenizer_config.json", NAMED("tool_use", "default")}}, "T-default", NULL},
    {"a list without a default", {{"tokenizer_config.json", NAMED("tool_use", "rag")}}, NULL, "tool_use, rag"},
    {"the last default of two",
     {{"tokenizer_config.json",
       "{\"chat_template\": [{\"name\": \"default\", \"template\": \"A\"}, {\"name\": \"default\", \"template\": \"B\"}]}"}},
     "B",
     NULL},
    {"a list of other things", {{"tokenizer_config.json", "{\"chat_template\": [1, {\"name\": 2}, \"x\"]}"}}, "", NULL},
    {"chat_template.jinja before tokenizer_config.json",
     {{"chat_template.jinja", "J"}, {"tokenizer_config.json", "{\"chat_template\": \"T\"}"}},
     "J",
     NULL},
    {"chat_template.jinja beside additional ones",
     {{"chat_template.jinja", "J"}, {"additional_chat_templates/tool_use.jinja", "X"}},
     "J",
     NULL},
    {"additional ones alone",
     {{"additional_chat_templates/tool_use.jinja", "X"}, {"additional_chat_templates/rag.jinja", "Y"},
      {"tokenizer_config.json", "{\"chat_template\": \"T\"}"}},
     NULL,
     "rag, tool_use"},
    {"an additional one that is the default",
     {{"additional_chat_templates/default.jinja", "D"}, {"chat_template.jinja", "J"}},
     "D",
     NULL},
    {"an additional one by the name of the plain file",
     {{"additional_chat_templates/chat_template.jinja", "D"}, {"tokenizer_config.json", "{\"chat_template\": \"T\"}"}},
     NULL,
     "chat_template"},
    {"a folder without templates",
     {{"additional_chat_templates/README", "D"}, {"tokenizer_config.json", "{\"chat_template\": \"T\"}"}},
     "T",
     NULL},
    {"chat_template.json", {{"chat_template.json", "{\"chat_template\": \"P\"}"}, {"tokenizer_config.json", "{}"}}, "P", NULL},
    {"tokenizer_config.json before chat_template.json",
     {{"chat_template.json", "{\"chat_template\": \"P\"}"}, {"tokenizer_config.json", "{\"chat_template\": \"T\"}"}},
     "T",
     NULL},
    {"templates by name", {{"tokenizer_config.json", "{\"chat_template\": {\"rag\": \"R\", \"default\": \"D\"}}"}}, "D", NULL},
    {"templates by other names", {{"tokenizer_config.json", "{\"chat_template\": {\"rag\": \"R\"}}"}}, NULL, "rag"},
    {"broken JSON", {{"tokenizer_config.json", "{\"chat_template\": "}}, NULL, "tokenizer_config.json"},
};

static void check_template(size_t i)
{
    char *folder = make_folder(templates[i].file);
    struct err err = { 0 };
    struct buf got = { 0 };
    struct source *s = open_folder(folder, &err);
    int rc = s ? textfiles_template(s, &got, &err) : -1;
    if (templates[i].want)
        ok(rc == 0 && !strcmp(got.data ? got.data : "", templates[i].want), "%s: %s", templates[i].what,
           rc < 0     ? err.text
           : got.data ? got.data
                      : "none");
    else
        ok(rc < 0 && strstr(err.text, templates[i].says), "%s is refused: %s", templates[i].what, err.text);
    source_files_close(s);
    buf_free(&got);
    remove_folder(folder, templates[i].file);
}

/* tokenizer.json counts before tokenizer.model; without both the error says what to do. */
static void check_tokenizer(const char *what, const struct file *f, int n_vocab, const char *says)
{
    char *folder = make_folder(f);
    struct err err = { 0 };
    struct source *s = open_folder(folder, &err);
    struct tokenizer *t = s ? textfiles_tokenizer(s, &err) : NULL;
    if (says)
        ok(!t && strstr(err.text, says), "%s: %s", what, t ? "taken" : err.text);
    else
        ok(t && tokenizer_n_vocab(t) == n_vocab, "%s: %d tokens, want %d %s", what, t ? tokenizer_n_vocab(t) : -1, n_vocab, err.text);
    tokenizer_destroy(t);
    source_files_close(s);
    remove_folder(folder, f);
}

/* ---- GGUF headers, made here ---- */

static void put(struct buf *b, uint64_t v, int bytes)
{
    buf_add(b, (const char *)&v, (size_t)bytes);
}

static void put_text(struct buf *b, const char *s)
{
    put(b, strlen(s), 8);
    buf_str(b, s);
}

/* A row is a key and a value: "s:TEXT", "b:0", "i:7" (u32), "t:a,b" (texts), "n:3" (as many i32), "f:3" (as many f32). */
static void put_row(struct buf *b, const char *key, const char *value)
{
    put_text(b, key);
    const char *v = value + 2;
    const int n = atoi(v);
    switch (*value) {
    case 's': put(b, GGUF_STRING, 4), put_text(b, v); break;
    case 'b': put(b, GGUF_BOOL, 4), put(b, (uint64_t)n, 1); break;
    case 'i': put(b, GGUF_U32, 4), put(b, (uint64_t)n, 4); break;
    case 'n':
    case 'f':
        put(b, GGUF_ARRAY, 4), put(b, *value == 'n' ? GGUF_I32 : GGUF_F32, 4), put(b, (uint64_t)n, 8);
        for (int i = 0; i < n; i++)
            put(b, *value == 'n', 4);
        break;
    default:
        put(b, GGUF_ARRAY, 4), put(b, GGUF_STRING, 4), put(b, strlen(v) / 2 + 1, 8);
        for (; *v; v += 1 + (v[1] == ','))
            put(b, 1, 8), buf_add(b, v, 1);
    }
}

struct row {
    const char *key, *value;
};

/* What textfiles_gguf_tokenizer() (or, 'template', textfiles_gguf_template()) says of a small vocabulary with two more rows. */
static void check_gguf(bool template, const struct row more[2], const char *says)
{
    static const struct row base[] = {
        {"tokenizer.ggml.model", "s:gpt2"}, {"tokenizer.ggml.pre", "s:gpt-2"}, {"tokenizer.ggml.tokens", "t:a,b,c"}};
    struct buf b = {0}, out = {0};
    struct err err = {0};
    struct gguf g;
    const int n = (more[0].key != NULL) + (more[1].key != NULL);
    buf_add(&b, "GGUF", 4), put(&b, 3, 4), put(&b, 0, 8), put(&b, 3 + (uint64_t)n, 8);
    for (int i = 0; i < 3; i++)
        put_row(&b, base[i].key, base[i].value);
    for (int i = 0; i < n; i++)
        put_row(&b, more[i].key, more[i].value);
    int rc = gguf_parse(b.data, b.len, b.len, &g, &err);
    struct tokenizer *t = NULL;
    if (rc == 0) {
        rc = template ? textfiles_gguf_template(&g, &out, &err) : (t = textfiles_gguf_tokenizer(&g, &err)) ? 0 : -1;
        gguf_free(&g);
    }
    ok(rc < 0 ? strstr(err.text, says) != NULL : template && !strcmp(out.len ? out.data : "", says), "%s %s: %s",
       more[0].key ? more[0].key : "", more[0].value ? more[0].value : "", rc < 0 ? err.text : out.len ? out.data : "taken");
    tokenizer_destroy(t);
    buf_free(&b);
    buf_free(&out);
}

static void check_ggufs(void)
{
    static const struct {
        struct row row[2];
        const char *says;
    } refused[] = {
        {{{"tokenizer.ggml.remove_extra_whitespaces", "b:1"}}, "remove_extra_whitespaces says what is not supported"},
        {{{"tokenizer.ggml.escape_whitespaces", "b:0"}}, "escape_whitespaces"},
        {{{"tokenizer.ggml.precompiled_charsmap", "n:4"}}, "precompiled_charsmap"},
        {{{"tokenizer.ggml.add_bos_token", "i:1"}}, "add_bos_token is of another kind"},
        {{{"tokenizer.ggml.add_space_prefix", "s:true"}}, "add_space_prefix is of another kind"},
        {{{"tokenizer.ggml.bos_token_id", "s:1"}}, "bos_token_id is of another kind"},
        {{{"tokenizer.ggml.token_type", "n:2"}}, "token_type: 2 values for 3 tokens"},
        {{{"tokenizer.ggml.scores", "f:4"}}, "scores: 4 values for 3 tokens"},
        {{{"tokenizer.ggml.scores", "n:3"}}, "scores: 0 values for 3 tokens"},
        /* good ones come to the merges, which are missing here */
        {{{"tokenizer.ggml.remove_extra_whitespaces", "b:0"}, {"tokenizer.ggml.fim_pre_token_id", "i:1"}}, "merges: missing"},
        {{{"tokenizer.ggml.token_type", "n:3"}, {"tokenizer.my_own", "i:1"}}, "merges: missing"},
        {{{"tokenizer.chat_template.rag", "s:R"}}, "merges: missing"},
    }, template[] = {
        {{{NULL, NULL}}, ""},
        {{{"tokenizer.chat_template", "s:T"}}, "T"},
        {{{"tokenizer.chat_template.rag", "s:R"}, {"tokenizer.chat_template", "s:T"}}, "T"},
        {{{"tokenizer.chat_template.rag", "s:R"}, {"tokenizer.chat_template.tool", "s:T"}}, "rag, tokenizer.chat_template.tool"},
        {{{"tokenizer.chat_templates", "t:a"}}, "tokenizer.chat_templates"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        check_gguf(false, refused[i].row, refused[i].says);
    for (size_t i = 0; i < sizeof template / sizeof *template; i++)
        check_gguf(true, template[i].row, template[i].says);
}

int main(void)
{
    static const char json[] = "{\"model\": {\"type\": \"BPE\", \"vocab\": {\"a\": 0, \"b\": 1}, \"merges\": []}}";
    /* One message of pieces "<unk>" (unknown), "<s>" and "</s>" (control), and "a", then trainer_spec with model_type BPE,
     * normalizer_spec {name "identity"}. */
    static const char model[] = "\x0a\x09\x0a\x05<unk>\x18\x02\x0a\x07\x0a\x03<s>\x18\x03"
                                "\x0a\x08\x0a\x04</s>\x18\x03\x0a\x03\x0a\x01" "a\x12\x02\x18\x02\x1a\x0a\x0a\x08identity";
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        check_template(i);
    check_tokenizer("tokenizer.json", (struct file[MAX_FILES]){ { "tokenizer.json", json }, { "tokenizer.model", "x" } }, 2, NULL);
    check_tokenizer("tokenizer.model", (struct file[MAX_FILES]){ { "tokenizer.model", model } }, 4, NULL);
    check_tokenizer("tokenizer.model with added_tokens.json",
                    (struct file[MAX_FILES]){{"tokenizer.model", model}, {"added_tokens.json", "{\"<pad>\": 4}"}}, 5, NULL);
    check_tokenizer("tokenizer.model with added_tokens_decoder",
                    (struct file[MAX_FILES]){
                        {"tokenizer.model", model},
                        {"tokenizer_config.json", "{\"added_tokens_decoder\": {\"7\": {\"content\": \"<x>\", \"special\": true}}}"}},
                    8, NULL);
    check_tokenizer("an added token without a text", (struct file[MAX_FILES]){ { "tokenizer.model", model },
                    { "tokenizer_config.json", "{\"added_tokens_decoder\": {\"7\": {}}}" } }, 0, "added token \"7\"");
    check_tokenizer("no tokenizer", (struct file[MAX_FILES]){ { "tokenizer_config.json", "{}" } }, 0, "tokenizer.model");
    check_ggufs();
    return done_testing();
}
