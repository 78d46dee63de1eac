/* modelpath.c - from what the user calls a model to its files. */
#include "modelpath_priv.h"

#include "mtbench/buf.h"
#include "mtbench/hubcache.h"
#include "mtbench/hubrepo.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The folder is listed once: all choices below look at one picture of it, and a network file system is asked once. */
int modelpath_names(const char *folder, struct names *s, struct err *err)
{
    *s = (struct names){0};
    DIR *d = opendir(folder);
    struct dirent *e;
    if (!d)
        return err_errno(err, "%s: cannot open the folder", folder);
    while ((e = readdir(d)))
        names_add(s, xstrdup(e->d_name));
    closedir(d);
    names_sort(s);                       /* so that no choice depends on a disk's order */
    return 0;
}

/* ---- which of them hold the weights ---- */

/* Why nothing was chosen, for a user who has the folder at hand. */
static int not_chosen(const char *folder, const struct names *all, enum chosen why, const struct choice *c, struct err *err)
{
    char shown[101];
    if (why == CHOSEN_SEVERAL && !c->form)
        return err_set(err, ERR_USAGE, "%s: several %s files, %s among them; name the one you mean", folder, c->suffix, c->other);
    if (why == CHOSEN_SEVERAL)
        return err_set(err, ERR_USAGE,
                       "%s: several %s files, %s among them, and neither %s nor an index that says which are the model; copy %s", folder,
                       c->suffix, c->other, c->form->whole, c->form->table);
    if (why == CHOSEN_IN_PART && c->index)
        return err_set(err, ERR_IO, "%s/%s: names %s, which is not in the folder; copy the missing shard", folder, c->index,
                       hub_shown(c->missing, shown));
    if (why == CHOSEN_IN_PART)
        return err_set(err, ERR_IO, "%s/%s: one of %d files of a model, but %s is not beside it; copy the missing one", folder, c->first,
                       c->count, c->missing);
    if (names_have(all, "consolidated.00.pth"))
        return err_set(err, ERR_MODEL, "%s/consolidated.00.pth: weights in Meta's own form are not read; convert the folder by "
                       "transformers' convert_llama_weights_to_hf, or take a repository whose name ends in -hf", folder);
    return err_set(err, ERR_IO, "%s: no .safetensors, .bin or .gguf file with weights in the folder; is it a model's folder?", folder);
}

/* 'shard' (may be NULL): the set that this .gguf file is of. */
static int choose_weights(const char *folder, const struct names *all, const char *shard, struct choice *c, struct err *err)
{
    struct buf index = {0};
    const char *table = shard ? NULL : modelfiles_index(all);
    char *path = xasprintf("%s/%s", folder, table ? table : "");
    int rc = table ? io_read(path, &index, err) : 0;
    if (rc == 0) {
        rc = shard ? modelfiles_choose_set(all, shard, ".gguf", c) : modelfiles_choose(all, index.data, index.len, c, err);
        if (rc < 0)
            err_advise(err, "copy the file again");
    }
    if (rc < 0)
        err_wrap(err, "%s", path);
    buf_free(&index);
    free(path);
    return rc > 0 ? not_chosen(folder, all, rc, c, err) : rc;
}

/* ---- all files that matter ---- */

void modelpath_add(struct modelpath *m, char *path)
{
    m->path = xrealloc(m->path, (size_t)m->n + 1, sizeof *m->path);
    m->path[m->n++] = path;
}

/* Chat templates by name, in a folder of their own. */
static void add_named_templates(const char *folder, const struct names *all, struct modelpath *m)
{
    static const char sub[] = "additional_chat_templates";
    const bool plain = names_have(all, "chat_template.jinja");
    struct names names = {0};
    struct err none;
    char *path = xasprintf("%s/%s", folder, sub);
    if (names_have(all, sub) && modelpath_names(path, &names, &none) == 0)
        for (int i = 0; i < names.n; i++)
            /* Beside the plain file only these two names could stand for it; what is listed is hashed. */
            if (name_ends_in(names.at[i], ".jinja") &&
                (!plain || !strcmp(names.at[i], "default.jinja") || !strcmp(names.at[i], "chat_template.jinja")))
                modelpath_add(m, xasprintf("%s/%s", path, names.at[i]));
    names_free(&names);
    free(path);
}

static void add_texts(const char *folder, const struct names *all, int parts, struct modelpath *m)
{
    for (int i = 0; i < all->n; i++)
        if (parts & modelfiles_part(all->at[i]))
            modelpath_add(m, xasprintf("%s/%s", folder, all->at[i]));
    if (parts & LIST_TOKENIZER)
        add_named_templates(folder, all, m);
}

/* The files of a folder; 'shard' (may be NULL): of those the set that this .gguf file is of. */
static int list_folder(const char *path, const char *shard, int parts, struct modelpath *m, struct err *err)
{
    struct names all;
    struct choice c = {0};
    const int before = m->n;
    int rc = modelpath_names(path, &all, err);
    if (rc == 0 && parts & LIST_REST)
        rc = choose_weights(path, &all, shard, &c, err);
    if (rc == 0 && !(c.weights.n && name_ends_in(c.weights.at[0], ".gguf"))) /* a GGUF file holds its own texts */
        add_texts(path, &all, parts, m);
    if (rc == 0 && c.index)              /* a stale index beside a whole file is nobody's business */
        modelpath_add(m, xasprintf("%s/%s", path, c.index));
    for (int i = 0; i < c.weights.n && rc == 0; i++)
        modelpath_add(m, xasprintf("%s/%s", path, c.weights.at[i]));
    if (m->n > before)                   /* so every machine reads, and hashes, them in one order */
        names_sort(&(struct names){ m->path + before, m->n - before });
    names_free(&all);
    names_free(&c.weights);
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
    if (!name_ends_in(name, ".gguf"))
        return err_set(err, ERR_MODEL,
                       "--model-path %s: a file that is no .gguf; give a .gguf file, a folder with config.json and .safetensors or .bin "
                       "files, or a hub id",
                       name);
    if (!modelfiles_shard(base, ".gguf", &stem, &number, &count)) {
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
    int rc = io_exists(name, err);
    if (rc < 0)
        return err_wrap(err, "--model-path");
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
