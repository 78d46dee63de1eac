/* modelpath.c - which files of a folder are the model: what transformers would read, whatever lies beside it. */
#include "mtbench/modelpath.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include "folder.h"
#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILES = 9 };

#define MAP(...) "{\"metadata\": {}, \"weight_map\": {" __VA_ARGS__ "}}"
#define INDEX "model.safetensors.index.json"
#define BIN_INDEX "pytorch_model.bin.index.json"

static const struct {
    const char *what;
    struct { const char *name, *text; } file[MAX_FILES];
    const char *named;                   /* the file that the user names; NULL: the folder */
    const char *want, *says;             /* names in order, or part of the error */
} table[] = {
    {"one file", {{"config.json", "{}"}, {"model.safetensors", ""}, {"notes.txt", ""}}, NULL, "config.json model.safetensors", NULL},
    {"a whole file before an old index and its shards",
     {{"model.safetensors", ""}, {INDEX, MAP("\"a\": \"model-00001-of-00002.safetensors\"")}, {"model-00001-of-00002.safetensors", ""}},
     NULL,
     "model.safetensors",
     NULL},
    {"a whole file before an index that is damaged", {{"model.safetensors", ""}, {INDEX, "{"}}, NULL, "model.safetensors", NULL},
    {"what the index names",
     {{"m-1.safetensors", ""},
      {"m-2.safetensors", ""},
      {"old.safetensors", ""},
      {INDEX, MAP("\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\", \"c\": \"m-1.safetensors\"")}},
     NULL,
     "m-1.safetensors m-2.safetensors " INDEX,
     NULL},
    {"a shard that is missing",
     {{"m-1.safetensors", ""}, {INDEX, MAP("\"a\": \"m-1.safetensors\", \"b\": \"m-2.safetensors\"")}},
     NULL,
     NULL,
     "names m-2.safetensors, which is not in the folder"},
    {"an index with escapes for a terminal",
     {{INDEX, MAP("\"a\": \"\\u001b[2J.safetensors\"")}},
     NULL,
     NULL,
     "names ?[2J.safetensors, which"},
    {"an index that leads out of the folder",
     {{INDEX, MAP("\"a\": \"../m.safetensors\"")}},
     NULL,
     NULL,
     "tensor a lies in \"../m.safetensors\""},
    {"an index without a map", {{INDEX, "{}"}, {"m.safetensors", ""}}, NULL, NULL, "no \"weight_map\""},
    {"an index whose map is empty", {{INDEX, MAP("")}, {"m.safetensors", ""}}, NULL, NULL, "names no file"},
    {"an index that is no JSON", {{INDEX, "{"}, {"m.safetensors", ""}}, NULL, NULL, INDEX},
    {"shards without an index",
     {{"m-00001-of-00002.safetensors", ""}, {"m-00002-of-00002.safetensors", ""}},
     NULL,
     "m-00001-of-00002.safetensors m-00002-of-00002.safetensors",
     NULL},
    {"one shard of two", {{"m-00001-of-00002.safetensors", ""}}, NULL, NULL, "m-00002-of-00002.safetensors is not beside it"},
    {"two sets of shards",
     {{"m-00001-of-00002.safetensors", ""}, {"m-00002-of-00002.safetensors", ""}, {"m-00001-of-00001.safetensors", ""}},
     NULL,
     NULL,
     "several .safetensors files"},
    {"a file of another name",
     {{"config.json", "{}"}, {"consolidated.safetensors", ""}},
     NULL,
     "config.json consolidated.safetensors",
     NULL},
    {"two files of other names",
     {{"a.safetensors", ""}, {"b.safetensors", ""}},
     NULL,
     NULL,
     "several .safetensors files, b.safetensors among them"},
    {"a GGUF file, which holds all", {{"m.gguf", ""}, {"config.json", "{}"}}, NULL, "m.gguf", NULL},
    {"two GGUF files", {{"a.gguf", ""}, {"b.gguf", ""}}, NULL, NULL, "several .gguf files"},
    {"one of two GGUF files", {{"a.gguf", ""}, {"b.gguf", ""}}, "b.gguf", "b.gguf", NULL},
    {"a split GGUF file",
     {{"m-00001-of-00002.gguf", ""}, {"m-00002-of-00002.gguf", ""}},
     NULL,
     "m-00001-of-00002.gguf m-00002-of-00002.gguf",
     NULL},
    {"by its second part",
     {{"m-00001-of-00002.gguf", ""}, {"m-00002-of-00002.gguf", ""}, {"n.gguf", ""}},
     "m-00002-of-00002.gguf",
     "m-00001-of-00002.gguf m-00002-of-00002.gguf",
     NULL},
    {"a split GGUF file in pieces",
     {{"m-00001-of-00003.gguf", ""}, {"m-00003-of-00003.gguf", ""}},
     "m-00001-of-00003.gguf",
     NULL,
     "m-00002-of-00003.gguf is not beside it"},
    {"numbers that are none", {{"m-0000x-of-00003.gguf", ""}}, NULL, "m-0000x-of-00003.gguf", NULL},
    {"the third of two", {{"m-00003-of-00002.gguf", ""}}, NULL, "m-00003-of-00002.gguf", NULL},
    {"PyTorch weights", {{"pytorch_model.bin", ""}, {"config.json", "{}"}}, NULL, "config.json pytorch_model.bin", NULL},
    {"safetensors before PyTorch weights",
     {{"pytorch_model.bin", ""}, {"model.safetensors", ""}, {BIN_INDEX, "{"}},
     NULL,
     "model.safetensors",
     NULL},
    {"an index of safetensors before PyTorch weights",
     {{"pytorch_model.bin", ""}, {"m.safetensors", ""}, {INDEX, MAP("\"a\": \"m.safetensors\"")}},
     NULL,
     "m.safetensors " INDEX,
     NULL},
    {"PyTorch weights of the usual name before safetensors of another",
     {{"pytorch_model.bin", ""}, {"consolidated.safetensors", ""}, {BIN_INDEX, "{"}},
     NULL,
     "pytorch_model.bin",
     NULL},
    {"PyTorch weights before a GGUF file", {{"pytorch_model.bin", ""}, {"m.gguf", ""}}, NULL, "pytorch_model.bin", NULL},
    {"PyTorch shards that the index names",
     {{"p-1.bin", ""}, {"p-2.bin", ""}, {"training_args.bin", ""}, {BIN_INDEX, MAP("\"a\": \"p-2.bin\", \"b\": \"p-1.bin\"")}},
     NULL,
     "p-1.bin p-2.bin " BIN_INDEX,
     NULL},
    {"a PyTorch shard that is missing", {{BIN_INDEX, MAP("\"a\": \"p-1.bin\"")}}, NULL, NULL, "names p-1.bin, which is not in the folder"},
    {"an index of PyTorch shards that names another kind",
     {{"m.safetensors", ""}, {BIN_INDEX, MAP("\"a\": \"m.safetensors\"")}},
     NULL,
     NULL,
     "which is no .bin file of this folder"},
    {"PyTorch weights of another name among what a training leaves",
     {{"model_new.bin", ""}, {"training_args.bin", ""}, {"optimizer.bin", ""}, {"scheduler.bin", ""}, {"rng_state_0.bin", ""}},
     NULL,
     "model_new.bin",
     NULL},
    {"what a training leaves, alone", {{"training_args.bin", ""}, {"optimizer.bin", ""}}, NULL, NULL, "is it a model's folder?"},
    {"PyTorch shards without an index",
     {{"p-00001-of-00002.bin", ""}, {"p-00002-of-00002.bin", ""}, {"training_args.bin", ""}},
     NULL,
     "p-00001-of-00002.bin p-00002-of-00002.bin",
     NULL},
    {"two PyTorch files of other names",
     {{"a_model.bin", ""}, {"weights.bin", ""}},
     NULL,
     NULL,
     "several .bin files, weights.bin among them"},
    {"numbers that are no weights", {{"logits.bin", ""}, {"config.json", "{}"}}, NULL, NULL, "is it a model's folder?"},
    {"Meta's own files", {{"consolidated.00.pth", ""}, {"consolidated.01.pth", ""}, {"params.json", "{}"}}, NULL, NULL,
     "convert_llama_weights"},
    {"no weights", {{"config.json", "{}"}}, NULL, NULL, "is it a model's folder?"},
    {"a file that is no model", {{"config.json", "{}"}}, "config.json", NULL, "is no .gguf"},
};

static char *make_folder(size_t i)
{
    char *folder = xstrdup("/tmp/mtbench-modelpath-XXXXXX");
    if (!mkdtemp(folder))
        abort();
    for (int k = 0; k < MAX_FILES && table[i].file[k].name; k++) {
        char *path = xasprintf("%s/%s", folder, table[i].file[k].name);
        FILE *out = fopen(path, "w");
        if (!out)
            abort();
        fputs(table[i].file[k].text, out);
        fclose(out);
        free(path);
    }
    return folder;
}

static void remove_folder(char *folder, size_t i)
{
    for (int k = 0; k < MAX_FILES && table[i].file[k].name; k++) {
        char *path = xasprintf("%s/%s", folder, table[i].file[k].name);
        unlink(path);
        free(path);
    }
    rmdir(folder);
    free(folder);
}

static void test_folders(void)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *folder = make_folder(i), *name = table[i].named ? xasprintf("%s/%s", folder, table[i].named) : xstrdup(folder);
        struct modelpath m;
        struct err err = {0};
        struct buf got = {0};
        int rc = modelpath_resolve(name, NULL, NULL, &m, &err);
        for (int k = 0; rc == 0 && k < m.n; k++)
            buf_printf(&got, "%s%s", k ? " " : "", strrchr(m.path[k], '/') + 1);
        if (table[i].want)
            ok(rc == 0 && !strcmp(got.data, table[i].want), "%s: %s", table[i].what, rc ? err.text : got.data);
        else
            ok(rc < 0 && strstr(err.text, table[i].says) && m.n == 0, "%s: refused: %s", table[i].what,
               rc ? err.text + strlen(folder) : got.data);
        modelpath_free(&m);
        buf_free(&got);
        free(name);
        remove_folder(folder, i);
    }
}

/* ---- adapters ---- */

#define BASE_IS(name) "{\"base_model_name_or_path\": \"" name "\"}"

/* Files of a few folders: a whole model, the same in a hub cache (revision main and "v2"), and adapters. */
static void put_models(void)
{
    static const char *const whole[] = { "config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors" };
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        char *in[] = { xasprintf("base/%s", whole[i]), xasprintf("hub/models--org--base/snapshots/c1/%s", whole[i]),
                       xasprintf("hub/models--org--base/snapshots/c2/%s", whole[i]) };
        for (int k = 0; k < 3; k++)
            own_put(in[k], "{}"), free(in[k]);
    }
    own_put("hub/models--org--base/refs/main", "c1");
    own_put("hub/models--org--base/refs/v2", "c2\n");
    own_put("gguf/m.gguf", ""), own_put("gguf/config.json", "{}");
    own_put("plain/adapter_config.json", BASE_IS("org/base")), own_put("plain/adapter_model.safetensors", "");
    own_put("plain/config.json", "{}"), own_put("plain/generation_config.json", "{}");
    own_put("v2/adapter_config.json", "{\"base_model_name_or_path\": \"org/base\", \"revision\": \"v2\"}"),
        own_put("v2/adapter_model.bin", "");
    own_put("both/adapter_config.json", BASE_IS("org/base")), own_put("both/adapter_model.bin", ""),
        own_put("both/adapter_model.safetensors", "");
    own_put("words/adapter_config.json", BASE_IS("org/base")), own_put("words/adapter_model.safetensors", "");
    own_put("words/tokenizer_config.json", "{}"), own_put("words/tokenizer.model", ""), own_put("words/chat_template.jinja", "");
    own_put("half/adapter_config.json", BASE_IS("org/base")), own_put("half/adapter_model.safetensors", ""),
        own_put("half/tokenizer_config.json", "{}");
    own_put("full/adapter_config.json", BASE_IS("org/base")), own_put("full/adapter_model.safetensors", ""),
        own_put("full/model.safetensors", "");
    own_put("bare/adapter_config.json", BASE_IS("org/base"));
    own_put("nameless/adapter_config.json", "{\"base_model_name_or_path\": null}"), own_put("nameless/adapter_model.safetensors", "");
    own_put("broken/adapter_config.json", "{"), own_put("broken/adapter_model.safetensors", "");
    own_put("far/adapter_config.json", BASE_IS("/home/someone/llama")), own_put("far/adapter_model.safetensors", "");
    own_put("gone/adapter_config.json", "{\"base_model_name_or_path\": \"org/other\", \"revision\": \"v3\"}"),
        own_put("gone/adapter_model.safetensors", "");
    own_put("relative/adapter_config.json", BASE_IS("base")), own_put("relative/adapter_model.safetensors", "");
}

static const struct {
    const char *name, *base, *want, *says;       /* want: folder/name of each file; base: in the test's folder, or a hub id */
} adapters[] = {
    { "plain", NULL,
      "plain/adapter_config.json plain/adapter_model.safetensors c1/config.json c1/model.safetensors c1/tokenizer.json "
      "c1/tokenizer_config.json",
      NULL },
    { "v2", NULL,
      "v2/adapter_config.json v2/adapter_model.bin c2/config.json c2/model.safetensors c2/tokenizer.json c2/tokenizer_config.json", NULL },
    { "both", NULL,
      "both/adapter_config.json both/adapter_model.safetensors c1/config.json c1/model.safetensors c1/tokenizer.json "
      "c1/tokenizer_config.json",
      NULL },
    { "words", NULL,
      "words/adapter_config.json words/adapter_model.safetensors words/chat_template.jinja words/tokenizer.model "
      "words/tokenizer_config.json c1/config.json c1/model.safetensors",
      NULL },
    { "half", NULL,
      "half/adapter_config.json half/adapter_model.safetensors c1/config.json c1/model.safetensors c1/tokenizer.json "
      "c1/tokenizer_config.json",
      NULL },
    { "full", NULL,
      "full/adapter_config.json full/adapter_model.safetensors c1/config.json c1/model.safetensors c1/tokenizer.json "
      "c1/tokenizer_config.json",
      NULL },
    { "relative", NULL,
      "relative/adapter_config.json relative/adapter_model.safetensors base/config.json base/model.safetensors "
      "base/tokenizer.json base/tokenizer_config.json",
      NULL },
    { "gone", "base",
      "gone/adapter_config.json gone/adapter_model.safetensors base/config.json base/model.safetensors base/tokenizer.json "
      "base/tokenizer_config.json",
      NULL },
    { "nameless", "org/base",
      "nameless/adapter_config.json nameless/adapter_model.safetensors c1/config.json c1/model.safetensors "
      "c1/tokenizer.json c1/tokenizer_config.json",
      NULL },
    { "gone", NULL, NULL, "the base model org/other is no folder here, and revision v3 of it is not in the hub cache" },
    { "gone", NULL, NULL,
      "\"mtbench fetch --model org/other --revision v3\", on a machine with internet, brings it there, or name its folder by "
      "--base-model-path" },
    { "far", NULL, NULL, "the base model /home/someone/llama is no folder here; copy it, and name its folder by --base-model-path" },
    { "nameless", NULL, NULL, "no \"base_model_name_or_path\" in it" },
    { "broken", NULL, NULL, "broken/adapter_config.json: " },
    { "bare", NULL, NULL, "without its weights" },
    { "plain", "v2", NULL, "v2: the base of the adapter" },
    { "plain", "plain", NULL, "is an adapter itself" },
    { "plain", "gguf/m.gguf", NULL, "a GGUF file or another single file cannot be one" },
    { "plain", "gguf", NULL, "is a GGUF file, which cannot be one" },
    { "plain", "hub", NULL, "has no config.json" },
    { "plain", "nowhere", NULL, "--base-model-path nowhere: no such folder" },
    { "base", "base", NULL, "has no adapter_config.json, so it is no adapter" },
    { "gguf/m.gguf", "base", NULL, "is a file, and no adapter's folder" },
};

static void test_adapters(void)
{
    put_models();
    setenv("HF_HUB_CACHE", own("hub"), 1);
    char *back = getcwd(NULL, 0);
    if (chdir(own_dir()) < 0)            /* names are as seen from the working folder */
        abort();
    for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++) {
        struct modelpath m;
        struct err err = {0};
        struct buf got = {0};
        int rc = modelpath_resolve(adapters[i].name, NULL, adapters[i].base, &m, &err);
        for (int k = 0; rc == 0 && k < m.n; k++) {
            const char *p = m.path[k] + strlen(m.path[k]);
            for (int slashes = 0; p > m.path[k] && (slashes += p[-1] == '/') < 2; p--)
                ;
            buf_printf(&got, "%s%s", k ? " " : "", p);
        }
        if (adapters[i].want)
            ok(rc == 0 && !strcmp(got.data, adapters[i].want), "%s on %s: %s", adapters[i].name,
               adapters[i].base ? adapters[i].base : "its base", rc ? err.text : got.data);
        else
            ok(rc < 0 && strstr(err.text, adapters[i].says) && m.n == 0, "%s: refused: %s", adapters[i].name, rc ? err.text : got.data);
        modelpath_free(&m);
        buf_free(&got);
    }
    if (chdir(back) < 0)
        abort();
    free(back);
}

int main(void)
{
    test_folders();
    test_adapters();
    return done_testing();
}
