/* modelpath.c - from what the user calls a model to its files. */
#include "modelpath_priv.h"

#include "mtbench/buf.h"
#include "mtbench/hubcache.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcmp(s + n - k, suffix);
}

/* ---- names of a folder ---- */

struct names {
    char **at;                   /* (n) sorted */
    int n;
};

static int by_name(const void *a, const void *b) /* bytes, not a locale's order: equal on all machines */
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_free(struct names *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->at[i]);
    free(s->at);
}

static void names_add(struct names *s, char *name)
{
    s->at = xrealloc(s->at, (size_t)s->n + 1, sizeof *s->at);
    s->at[s->n++] = name;
}

/* The folder is listed once: all choices below look at one picture of it, and a network file system is asked once. */
static int names_read(struct names *s, const char *folder, struct err *err)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    if (!d)
        return err_errno(err, "%s: cannot open the folder", folder);
    while ((e = readdir(d)))
        names_add(s, xstrdup(e->d_name));
    closedir(d);
    qsort(s->at, (size_t)s->n, sizeof *s->at, by_name); /* for has(), and so that no choice depends on a disk's order */
    return 0;
}

static bool has(const struct names *s, const char *name)
{
    return s->n && bsearch(&name, s->at, (size_t)s->n, sizeof *s->at, by_name);
}

/* ---- which of them hold the weights ---- */

/* In the order in which transformers looks: a whole file, or the index that says what shards there are. */
static const struct form {
    const char *whole, *table, *suffix;
} usual[] = {
    { "model.safetensors", "model.safetensors.index.json", ".safetensors" },
    { "pytorch_model.bin", "pytorch_model.bin.index.json", ".bin" },
};
enum { N_FORMS = sizeof usual / sizeof *usual };

struct folder {
    const char *path;                    /* the caller's */
    struct names names;                  /* all that lies there */
    struct names weights;        /* those that were chosen; owned */
    const char *table;                   /* the index that says so; NULL: nobody had to ask one */
};

/* "m-00002-of-00005.gguf": length of the stem, and the two numbers. False: not one of several. */
static bool shard_of(const char *name, const char *suffix, int *stem, int *number, int *count)
{
    size_t n = strlen(name), tail = strlen("-00001-of-00002") + strlen(suffix);
    char form[8];
    if (!has_suffix(name, suffix) || n <= tail)
        return false;
    const char *p = name + n - tail;
    *stem = (int)(p - name);
    for (int i = 0; i < 15; i++)
        /* Digits of both numbers; all else as in the pattern. */
        if ((i >= 1 && i <= 5) || i >= 10 ? p[i] < '0' || p[i] > '9' : p[i] != "-00001-of-00002"[i])
            return false;
    memcpy(form, p + 1, 5), form[5] = '\0', *number = atoi(form); /* five digits: they fit */
    memcpy(form, p + 10, 5), *count = atoi(form);
    return *number >= 1 && *number <= *count;
}

/* All shards of the set that 'name' is of, each of which must be there. */
static int choose_set(struct folder *f, const char *name, const char *suffix, struct err *err)
{
    int stem = 0, number = 0, count = 0;
    shard_of(name, suffix, &stem, &number, &count);
    for (int i = 1; i <= count; i++) {
        char *one = xasprintf("%.*s-%05d-of-%05d%s", stem, name, i, count, suffix);
        names_add(&f->weights, one);
        /* A missing shard would only show as missing tensors, by a name that says nothing to its user. */
        if (!has(&f->names, one))
            return err_set(err, ERR_IO, "%s/%s: one of %d files of a model, but %s is not beside it; copy the missing one", f->path, name,
                           count, one);
    }
    return 0;
}

static bool matches(const char *name, const char *const *pattern, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(pattern[i], name, 0) == 0)
            return true;
    return false;
}

/* Anything may end in .bin: without the usual name or an index a file must look like weights, and like no other's. */
bool modelpath_no_model(const char *name)
{
    static const char *const weights[] = { "*model*", "*weight*", "consolidated*", "*-[0-9][0-9][0-9][0-9][0-9]-of-*" };
    static const char *const others[] = {
        "training_args.bin",  "optimizer*.bin", "scheduler*.bin",     "rng_state*.bin",          "random_states*.bin",
        "adapter_model*.bin", "scaler*.bin",    "trainer_state*.bin", "non_lora_trainables.bin", "mm_projector.bin",
    };
    return has_suffix(name, ".bin") && (!matches(name, weights, sizeof weights / sizeof *weights) ||
                                        matches(name, others, sizeof others / sizeof *others));
}

/* The only file of this kind, or the shards of the only set of them. 1: there are others; *other names one. */
static int choose_only(struct folder *f, const char *suffix, const char **other, struct err *err)
{
    const char *first = NULL;
    int stem = 0, number, count = 0;
    for (int i = 0; i < f->names.n; i++) {
        const char *name = f->names.at[i];
        int s, k, of;
        if (!has_suffix(name, suffix) || modelpath_no_model(name))
            continue;
        bool shard = shard_of(name, suffix, &s, &k, &of);
        /* Neither is preferred: which of two models is meant is the user's to say, not the alphabet's. */
        if (first && !(shard && count == of && stem == s && !strncmp(first, name, (size_t)s))) {
            *other = name;
            return 1;
        }
        if (!first && !shard_of(first = name, suffix, &stem, &number, &count))
            count = 0;
    }
    if (!first)
        return 0;
    if (count)
        return choose_set(f, first, suffix, err);
    names_add(&f->weights, xstrdup(first));
    return 0;
}

/* The shards that the index names, and no other file. */
static int choose_indexed(struct folder *f, const struct form *form, struct err *err)
{
    struct buf b = {0};
    char *path = xasprintf("%s/%s", f->path, form->table);
    cJSON *root = io_read(path, &b, err) < 0 ? NULL : json_parse(b.data, b.len, err);
    const cJSON *map = json_get(root, "weight_map"), *j;
    int rc = root ? 0 : err_wrap(err, "%s", path);
    if (root && !cJSON_IsObject(map))
        rc = err_set(err, ERR_FORMAT, "%s: no \"weight_map\" in it; copy the file again", path);
    cJSON_ArrayForEach(j, map)
    {
        const char *name = cJSON_IsString(j) ? j->valuestring : "";
        if (rc < 0 || has(&f->weights, name)) /* hundreds of tensors name the same few files */
            continue;
        /* An index is a downloaded file: a name that leads out of the folder ("../x") is not followed. */
        if (!has_suffix(name, form->suffix) || strchr(name, '/'))
            rc = err_set(err, ERR_FORMAT, "%s: tensor %s lies in \"%s\", which is no %s file of this folder; copy the file again", path,
                         j->string, name, form->suffix);
        else if (!has(&f->names, name))
            rc = err_set(err, ERR_IO, "%s: names %s, which is not in the folder; copy the missing shard", path, name);
        names_add(&f->weights, xstrdup(name));
        qsort(f->weights.at, (size_t)f->weights.n, sizeof *f->weights.at, by_name); /* for has(), above */
    }
    if (rc == 0 && f->weights.n == 0)
        rc = err_set(err, ERR_FORMAT, "%s: its \"weight_map\" names no file; copy the file again", path);
    cJSON_Delete(root);
    buf_free(&b);
    free(path);
    return rc;
}

/* As transformers chooses: a file of the usual name alone, else what the index names; a stale index or other shards beside them are no part
 * of the model. 1: there is neither. */
static int choose_usual(struct folder *f, struct err *err)
{
    for (const struct form *k = usual; k < usual + N_FORMS; k++) {
        if (has(&f->names, k->whole)) {
            names_add(&f->weights, xstrdup(k->whole));
            return 0;
        }
        if (has(&f->names, k->table)) {
            f->table = k->table;
            return choose_indexed(f, k, err);
        }
    }
    return 1;
}

static int choose_weights(struct folder *f, struct err *err)
{
    static const char *const suffix[] = { ".safetensors", ".gguf", ".bin" };
    const char *other = NULL;
    int i = 0;
    int rc = choose_usual(f, err);
    if (rc <= 0)
        return rc;
    /* Without an order to go by, only what cannot be misread: one file, or one set of shards. */
    for (rc = 0; rc == 0 && f->weights.n == 0 && i < 3; i++)
        rc = choose_only(f, suffix[i], &other, err);
    if (rc == 1 && has_suffix(other, ".gguf"))
        return err_set(err, ERR_USAGE, "%s: several .gguf files, %s among them; name the one you mean", f->path, other);
    if (rc == 1)
        return err_set(err, ERR_USAGE,
                       "%s: several %s files, %s among them, and neither %s nor an index that says which are the model; copy %s", f->path,
                       suffix[i - 1], other, usual[i == 3].whole, usual[i == 3].table);
    if (rc == 0 && f->weights.n == 0 && has(&f->names, "consolidated.00.pth"))
        return err_set(err, ERR_MODEL, "%s/consolidated.00.pth: weights in Meta's own form are not read; convert the folder by "
                       "transformers' convert_llama_weights_to_hf, or take a repository whose name ends in -hf", f->path);
    if (rc == 0 && f->weights.n == 0)
        return err_set(err, ERR_IO, "%s: no .safetensors, .bin or .gguf file with weights in the folder; is it a model's folder?",
                       f->path);
    return rc;
}

/* ---- all files that matter ---- */

void modelpath_add(struct modelpath *m, char *path)
{
    m->path = xrealloc(m->path, (size_t)m->n + 1, sizeof *m->path);
    m->path[m->n++] = path;
}

/* Chat templates by name, in a folder of their own. */
static void add_named_templates(const struct folder *f, struct modelpath *m)
{
    static const char sub[] = "additional_chat_templates";
    const bool plain = has(&f->names, "chat_template.jinja");
    struct names names = {0};
    struct err none;
    char *path = xasprintf("%s/%s", f->path, sub);
    if (has(&f->names, sub) && names_read(&names, path, &none) == 0)
        for (int i = 0; i < names.n; i++)
            /* Beside the plain file only these two names could stand for it; what is listed is hashed. */
            if (has_suffix(names.at[i], ".jinja") &&
                (!plain || !strcmp(names.at[i], "default.jinja") || !strcmp(names.at[i], "chat_template.jinja")))
                modelpath_add(m, xasprintf("%s/%s", path, names.at[i]));
    names_free(&names);
    free(path);
}

/* What a folder says beside its weights: only what somebody reads, as a hash over a folder's files must not change with its README. */
static const struct text {
    const char *name;
    int part;
} texts[] = {
    { "config.json", LIST_REST }, { "generation_config.json", LIST_REST }, { "tokenizer.json", LIST_TOKENIZER },
    { "tokenizer_config.json", LIST_TOKENIZER }, { "tokenizer.model", LIST_TOKENIZER }, { "added_tokens.json", LIST_TOKENIZER },
    { "special_tokens_map.json", LIST_TOKENIZER }, { "chat_template.jinja", LIST_TOKENIZER }, { "chat_template.json", LIST_TOKENIZER },
};
enum { N_TEXTS = sizeof texts / sizeof *texts };

bool modelpath_reads_text(const char *name)
{
    for (const struct text *t = texts; t < texts + N_TEXTS; t++)
        if (!strcmp(name, t->name))
            return true;
    return !strncmp(name, "additional_chat_templates/", 26) && has_suffix(name, ".jinja") && !strchr(name + 26, '/');
}

static void add_texts(const struct folder *f, int parts, struct modelpath *m)
{
    for (const struct text *t = texts; t < texts + N_TEXTS; t++)
        if (parts & t->part && has(&f->names, t->name))
            modelpath_add(m, xasprintf("%s/%s", f->path, t->name));
    if (f->table)                        /* a stale index beside a whole file is nobody's business */
        modelpath_add(m, xasprintf("%s/%s", f->path, f->table));
    if (parts & LIST_TOKENIZER)
        add_named_templates(f, m);
}

/* The files of a folder; 'shard' (may be NULL): of those the set that this .gguf file is of. */
static int list_folder(const char *path, const char *shard, int parts, struct modelpath *m, struct err *err)
{
    struct folder f = { .path = path };
    const int before = m->n;
    int rc = names_read(&f.names, path, err);
    if (rc == 0 && parts & LIST_REST)
        rc = shard ? choose_set(&f, shard, ".gguf", err) : choose_weights(&f, err);
    if (rc == 0 && !(f.weights.n && has_suffix(f.weights.at[0], ".gguf"))) /* a GGUF file holds its own texts */
        add_texts(&f, parts, m);
    for (int i = 0; i < f.weights.n && rc == 0; i++)
        modelpath_add(m, xasprintf("%s/%s", path, f.weights.at[i]));
    if (m->n > before)                   /* so every machine reads, and hashes, them in one order */
        qsort(m->path + before, (size_t)(m->n - before), sizeof *m->path, by_name);
    names_free(&f.names);
    names_free(&f.weights);
    return rc;
}

int modelpath_list(const char *folder, int parts, struct modelpath *m, struct err *err)
{
    return list_folder(folder, NULL, parts, m, err);
}

/* A file that the user named: a .gguf, or one of several of a split one. */
static int list_file(const char *name, struct modelpath *m, struct err *err)
{
    const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    int stem, number, count;
    if (!has_suffix(name, ".gguf"))
        return err_set(err, ERR_MODEL,
                       "--model-path %s: a file that is no .gguf; give a .gguf file, a folder with config.json and .safetensors or .bin "
                       "files, or a hub id",
                       name);
    if (!shard_of(base, ".gguf", &stem, &number, &count)) {
        modelpath_add(m, xstrdup(name));
        return 0;
    }
    char *folder = slash ? xstrndup(name, (size_t)(slash - name) + (slash == name)) : xstrdup("."); /* "/x.gguf" lies in "/" */
    int rc = list_folder(folder, base, LIST_ALL, m, err);
    free(folder);
    return rc;
}

/* ---- where they are ---- */

/* A hub id can be fetched, and is told the whole command; anything else is a path with a slip in it. */
static int not_there(const char *name, const char *revision, const char *cache, struct err *err)
{
    if (!hub_id(name) || !strchr(name, '/'))
        return err_set(err, ERR_IO, "--model-path %s: no such file or folder; give a folder, a .gguf file or a hub id (org/name)", name);
    return err_set(err, ERR_IO,
                   "--model-path %s: no such file or folder, and revision %s of it is not in the hub cache %s; \"mtbench fetch --model "
                   "%s%s%s\", on a machine with internet, brings it there",
                   name, revision ? revision : "main", cache, name, revision ? " --revision " : "", revision ? revision : "");
}

/* A snapshot of the cache that was filled in part, by huggingface_hub stopped on its way, say: the same command brings the rest. */
static int not_whole(const char *name, const char *revision, struct err *err)
{
    char *advice = NULL;
    for (char *p = err->text; (p = strstr(p, "; ")); p++) /* the last one: a folder's name may have others */
        advice = p;
    if (advice)
        *advice = '\0';
    return err_advise(err, "\"mtbench fetch --model %s%s%s\" brings what is missing", name, revision ? " --revision " : "",
                      revision ? revision : "");
}

bool modelpath_has(const char *folder, const char *name)
{
    struct stat st;
    char *path = xasprintf("%s/%s", folder, name);
    bool there = stat(path, &st) == 0;
    free(path);
    return there;
}

/* A folder of a model, or of an adapter to one. */
static int list_model(const char *folder, const char *base, struct modelpath *m, struct err *err)
{
    if (modelpath_has(folder, ADAPTER_CONFIG))
        return adapterpath_list(folder, base, m, err);
    if (base)
        return err_set(err, ERR_USAGE,
                       "--base-model-path %s: %s has no " ADAPTER_CONFIG ", so it is no adapter and has no base; leave the flag out", base,
                       folder);
    return list_folder(folder, NULL, LIST_ALL, m, err);
}

int modelpath_resolve(const char *name, const char *revision, const char *base, struct modelpath *out, struct err *err)
{
    struct stat st;
    *out = (struct modelpath){0};
    int rc;
    /* What is there wins over the cache: "org/name" may be a folder here. */
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = list_model(name, base, out, err);
    } else if (stat(name, &st) == 0) {
        rc = base ? err_set(err, ERR_USAGE, "--base-model-path %s: %s is a file, and no adapter's folder; leave the flag out", base, name)
                  : list_file(name, out, err);
    } else {
        /* Never the network: compute nodes have none. */
        char *cache = hub_cache(), *folder = hub_snapshot(cache, name, revision);
        rc = folder ? list_model(folder, base, out, err) : not_there(name, revision, cache, err);
        if (folder && rc < 0 && err->kind == ERR_IO && !modelpath_has(folder, ADAPTER_CONFIG)) /* an adapter's says what of its base */
            not_whole(name, revision, err);
        free(cache);
        free(folder);
    }
    if (rc < 0)
        modelpath_free(out);
    return rc;
}

void modelpath_free(struct modelpath *m)
{
    for (int i = 0; i < m->n; i++)
        free(m->path[i]);
    free(m->path);
    *m = (struct modelpath){0};
}
