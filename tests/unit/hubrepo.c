/* hubrepo.c - the hub's list of files is believed only where it makes sense, and of a repository's many forms of the same weights one is
 * chosen: what a run reads out of a folder that held them all. */
#include "mtbench/hubrepo.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"

#include "folder.h"
#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* ---- the reply ---- */

static void refuse(const char *siblings, const char *says)
{
    struct hub_repo r;
    struct err err = { 0 };
    char *text = xasprintf("{\"sha\": \"%s\", \"siblings\": [%s]}", COMMIT, siblings);
    bool refused = hub_repo_parse(text, strlen(text), &r, &err) < 0;
    ok(refused && strstr(err.text, says) && !strchr(err.text, '\n'), "refused: %.60s: %.120s", siblings, err.text);
    free(text);
}

static void parsing(void)
{
    struct hub_repo r;
    struct err err = { 0 };
    const char *text =
        "{\"sha\": \"" COMMIT "\", \"gated\": \"auto\", \"siblings\": ["
        "{\"rfilename\": \"z.bin\", \"size\": 134, \"blobId\": \"" COMMIT "\", \"lfs\": {\"sha256\": \"" SHA "\", \"size\": 13000000000}},"
        "{\"rfilename\": \"a/b c.json\", \"size\": 0, \"blobId\": \"" COMMIT "\"}, {\"rfilename\": \"old\"}]}";
    ok(hub_repo_parse(text, strlen(text), &r, &err) == 0 && r.n == 3 && r.gated && !strcmp(r.commit, COMMIT), "a reply is read: %s",
       err.text);
    ok(!strcmp(r.file[0].path, "a/b c.json") && r.file[0].size == 0 && !strcmp(hub_etag(&r.file[0]), COMMIT), "a file of git");
    ok(!strcmp(r.file[2].path, "z.bin") && r.file[2].size == 13000000000 && !strcmp(hub_etag(&r.file[2]), SHA) && !r.file[2].git_sha1,
       "a file of LFS: its own size and hash, not its pointer's");
    ok(r.file[1].size == -1 && !hub_etag(&r.file[1]), "a file of which nothing is stated");
    hub_repo_free(&r);
    static const char *const path[] = { "../x", "/x", "a/../../x", "a/./x",   "a//x",     "",      "x/",
                                        ".",    "..", "a\\\\x",    "\\u0000", "a\\u0000", "a\\nb", "\\u007f" };
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        char *file = xasprintf("{\"rfilename\": \"%s\"}", path[i]);
        refuse(file, "is no path of a file");
        free(file);
    }
    refuse("{\"rfilename\": 1}", "is no path");
    refuse("7", "is no path");
    refuse("{\"rfilename\": \"x\"}, {\"rfilename\": \"x\"}", "x: stands there twice");
    refuse("{\"rfilename\": \"x/y\"}, {\"rfilename\": \"x-\"}, {\"rfilename\": \"x\"}", "x/y: lies in what is a file");
    refuse("{\"rfilename\": \"x\", \"size\": -1}", "\"size\"");
    refuse("{\"rfilename\": \"x\", \"size\": 1e19}", "\"size\"");
    refuse("{\"rfilename\": \"x\", \"size\": \"1\"}", "\"size\"");
    refuse("{\"rfilename\": \"x\", \"blobId\": \"../../../x\"}", "\"blobId\"");
    refuse("{\"rfilename\": \"x\", \"lfs\": {\"sha256\": \"" COMMIT "\"}}", "SHA-256");
    refuse("", "no files");
    for (int i = 0; i < 3; i++) {
        const char *bad[] = { "{\"sha\": \"main\", \"siblings\": [{\"rfilename\": \"x\"}]}", "[]", "{" };
        ok(hub_repo_parse(bad[i], strlen(bad[i]), &r, &err) < 0, "refused: %s: %s", bad[i], err.text);
    }
}

/* ---- the choice ---- */

enum { MAX_FILES = 14 };

#define INDEX "model.safetensors.index.json"
#define BIN_INDEX "pytorch_model.bin.index.json"
#define MAP(file) "{\"weight_map\": {\"a\": \"" file "\"}}"

static const struct {
    const char *what;
    const char *file[MAX_FILES];
    const char *index;       /* content of the index, where one decides */
    const char *want, *says; /* names in order, or part of the error */
} table[] = {
    { "a model as it is published, in all forms",
      { ".gitattributes", "README.md", "config.json", "consolidated.safetensors", "flax_model.msgpack", "generation_config.json",
        "model.safetensors", "onnx/model.onnx", "original/tokenizer.model", "pytorch_model.bin", "tf_model.h5", "tokenizer.json",
        "vocab.json" },
      NULL,
      "config.json generation_config.json model.safetensors tokenizer.json",
      NULL },
    { "shards by the index, whatever lies beside them",
      { INDEX, "a.safetensors", "b.safetensors", BIN_INDEX, "p.bin" },
      MAP("b.safetensors"),
      "b.safetensors " INDEX,
      NULL },
    { "a whole file before an index", { INDEX, "a.safetensors", "model.safetensors" }, NULL, "model.safetensors", NULL },
    { "PyTorch",
      { "config.json", "pytorch_model.bin", "training_args.bin", "optimizer.bin" },
      NULL,
      "config.json pytorch_model.bin",
      NULL },
    { "PyTorch in shards",
      { BIN_INDEX, "pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin", "tokenizer.model" },
      "{\"weight_map\": {\"a\": \"pytorch_model-00002-of-00002.bin\", \"b\": \"pytorch_model-00001-of-00002.bin\"}}",
      "pytorch_model-00001-of-00002.bin pytorch_model-00002-of-00002.bin " BIN_INDEX " tokenizer.model",
      NULL },
    { "an index that names what is not there", { INDEX, "a.safetensors" }, MAP("c.safetensors"), NULL, "names \"c.safetensors\"" },
    { "an index that leads out", { INDEX, "a.safetensors" }, MAP("../c"), NULL, "tensor a lies in \"../c\"" },
    { "an index that leads into a folder, which a run would not follow",
      { INDEX, "c/a.safetensors" },
      MAP("c/a.safetensors"),
      NULL,
      "tensor a lies in \"c/a.safetensors\"" },
    { "an index of another kind of files", { INDEX, "a.bin" }, MAP("a.bin"), NULL, "which is no .safetensors file" },
    { "an index with escapes for a terminal", { INDEX }, MAP("\\u001b[2J\\n"), NULL, "lies in \"?[2J?\"" },
    { "one with the look of a shard", { INDEX }, MAP("\\u001b[2J.safetensors"), NULL, "names \"?[2J.safetensors\"" },
    { "an index that names nothing", { INDEX, "a.safetensors" }, "{}", NULL, "names no file" },
    { "an index that is no JSON", { INDEX, "a.safetensors" }, "{", NULL, INDEX ": " },
    { "one GGUF file", { "README.md", "m.gguf", "config.json" }, NULL, "config.json m.gguf", NULL },
    { "one GGUF file in parts",
      { "m-00001-of-00002.gguf", "m-00002-of-00002.gguf" },
      NULL,
      "m-00001-of-00002.gguf m-00002-of-00002.gguf",
      NULL },
    { "several GGUF files", { "m-Q4.gguf", "m-Q8.gguf" }, NULL, NULL, "--only 'm-Q8.gguf'" },
    { "two sets of GGUF files", { "m-00001-of-00002.gguf", "m-00001-of-00003.gguf" }, NULL, NULL, "--only 'm-*-of-00003.gguf'" },
    { "shards without an index",
      { "m-00001-of-00002.safetensors", "m-00002-of-00002.safetensors" },
      NULL,
      "m-00001-of-00002.safetensors m-00002-of-00002.safetensors",
      NULL },
    { "a PyTorch file of another name",
      { "config.json", "optimizer.bin", "training_args.bin", "weights.bin" },
      NULL,
      "config.json weights.bin",
      NULL },
    { "no PyTorch file but of training", { "config.json", "optimizer.bin", "training_args.bin" }, NULL, NULL, "no weights" },
    { "a GGUF file before a PyTorch file of another name", { "m.gguf", "weights.bin" }, NULL, "m.gguf", NULL },
    { "Mistral's own form alone", { "consolidated.safetensors", "params.json" }, NULL, "consolidated.safetensors", NULL },
    { "shards without an index, one of them missing",
      { "m-00001-of-00003.safetensors", "m-00003-of-00003.safetensors" },
      NULL,
      NULL,
      "2 of 3" },
    { "weights in folders alone", { "config.json", "Q4/m.gguf" }, NULL, NULL, "no weights" },
    { "an adapter",
      { "README.md", "adapter_config.json", "adapter_model.bin", "tokenizer.model" },
      NULL,
      "adapter_config.json adapter_model.bin tokenizer.model",
      NULL },
    { "an adapter in both forms",
      { "adapter_config.json", "adapter_model.bin", "adapter_model.safetensors" },
      NULL,
      "adapter_config.json adapter_model.safetensors",
      NULL },
    { "an adapter without weights", { "adapter_config.json" }, NULL, NULL, "no adapter that peft would read" },
    { "templates by name",
      { "additional_chat_templates/a.jinja", "additional_chat_templates/x/a.jinja", "chat_template.jinja", "model.safetensors" },
      NULL,
      "additional_chat_templates/a.jinja chat_template.jinja model.safetensors",
      NULL },
};

static void list(struct hub_repo *r, int i)
{
    struct err err;
    *r = (struct hub_repo){ 0 };
    for (int k = 0; k < MAX_FILES && table[i].file[k]; k++)
        hub_repo_add(r, &(struct hub_file){ (char *)table[i].file[k], 1, NULL, NULL });
    hub_repo_finish(r, &err);
}

static void choosing(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct hub_repo r;
        struct err err = { 0 };
        struct buf got = { 0 };
        const struct opt_list all = { 0 };
        list(&r, (int)i);
        bool *chosen = xcalloc((size_t)r.n, sizeof *chosen);
        const char *index = table[i].index ? table[i].index : "";
        ok(!hub_repo_index(&r, &all) == !table[i].index, "%s: is an index needed?", table[i].what);
        int rc = hub_repo_choose(&r, &all, index, strlen(index), chosen, &err);
        for (int k = 0; k < r.n && rc == 0; k++)
            if (chosen[k])
                buf_printf(&got, "%s%s", got.len ? " " : "", r.file[k].path);
        if (table[i].want)
            ok(rc == 0 && got.data && !strcmp(got.data, table[i].want), "%s: %s%s", table[i].what, got.data ? got.data : "", err.text);
        else
            ok(rc < 0 && strstr(err.text, table[i].says), "%s: %s", table[i].what, err.text);
        buf_free(&got);
        free(chosen);
        hub_repo_free(&r);
    }
}

static void globs(void)
{
    struct hub_repo r;
    struct err err = { 0 };
    bool chosen[MAX_FILES];
    char *word[] = { "onnx/*", "*.h5", "*.zip" };
    list(&r, 0);
    const struct opt_list two = { word, 2 }, three = { word, 3 };
    ok(hub_repo_choose(&r, &two, "", 0, chosen, &err) == 0 && chosen[7] && chosen[10] && chosen[0] + chosen[2] + chosen[6] == 0,
       "--only chooses instead");
    ok(hub_repo_choose(&r, &three, "", 0, chosen, &err) < 0 && strstr(err.text, "--only *.zip"), "each of its globs must fit something: %s",
       err.text);
    hub_repo_free(&r);
}

/* ---- the same as a run would read ---- */

static void put(const char *folder, const struct hub_repo *r, const bool *chosen, const char *index)
{
    for (int k = 0; k < r->n; k++) {
        char *name = xasprintf("%s/%s", folder, r->file[k].path);
        if (!chosen || chosen[k])
            own_put(name, strstr(name, ".index.json") ? index : "{}");
        free(name);
    }
}

static void names(const char *folder, struct buf *out)
{
    struct modelpath m;
    struct err err = { 0 };
    const char *top = own(folder);
    if (modelpath_resolve(top, NULL, NULL, &m, &err) < 0) {
        buf_str(out, "refused");
        return;
    }
    for (int i = 0; i < m.n; i++)
        buf_printf(out, "%s ", m.path[i] + strlen(top) + 1);
    modelpath_free(&m);
}

/* A folder with all files of the repository, and one with those that are brought: a run reads the same of both. */
static void agreeing(void)
{
    int compared = 0;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct hub_repo r;
        struct err err;
        struct buf all = { 0 }, some = { 0 };
        bool chosen[MAX_FILES];
        const char *index = table[i].index ? table[i].index : "{}";
        char *a = xasprintf("all%zu", i), *b = xasprintf("some%zu", i);
        list(&r, (int)i);
        if (table[i].want && hub_repo_choose(&r, &(struct opt_list){ 0 }, index, strlen(index), chosen, &err) == 0) {
            put(a, &r, NULL, index), put(b, &r, chosen, index);
            names(a, &all), names(b, &some);
            compared += strcmp(all.data, "refused") != 0;
            ok(!strcmp(all.data, some.data), "%s: a run reads %s, and of what is brought %s", table[i].what, all.data, some.data);
        }
        buf_free(&all), buf_free(&some);
        free(a), free(b);
        hub_repo_free(&r);
    }
    ok(compared >= 12, "%d of them are models that run", compared);
}

static void adapters(void)
{
    char *base, *revision;
    struct err err;
    const char *full = "{\"base_model_name_or_path\": \"huggyllama/llama-30b\", \"revision\": \"v1\"}", *none = "{\"revision\": null}";
    ok(hub_adapter_base(full, strlen(full), &base, &revision, &err) == 0 && !strcmp(base, "huggyllama/llama-30b") &&
           !strcmp(revision, "v1"),
       "an adapter names its base");
    free(base), free(revision);
    ok(hub_adapter_base(none, strlen(none), &base, &revision, &err) == 0 && !base && !revision, "or does not");
    ok(hub_adapter_base("[", 1, &base, &revision, &err) < 0 && !base && !revision, "or is no JSON");
}

int main(void)
{
    parsing();
    choosing();
    globs();
    agreeing();
    adapters();
    return done_testing();
}
