/* modelpath.c - from what the user calls a model to its files. */
#include "mtbench/modelpath.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <dirent.h>
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

static bool matters(const char *name)
{
    static const char *const exact[] = {
        "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "added_tokens.json", "special_tokens_map.json",
        "chat_template.jinja", "chat_template.json", "model.safetensors.index.json",
    };
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (!strcmp(name, exact[i]))
            return true;
    return has_suffix(name, ".safetensors");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add(struct modelpath *m, char *path)
{
    m->path = xrealloc(m->path, (size_t)m->n + 1, sizeof *m->path);
    m->path[m->n++] = path;
}

static int list_folder(const char *folder, struct modelpath *m, struct err *err)
{
    DIR *d = opendir(folder);
    struct dirent *e;
    struct modelpath gguf = {0};
    bool pytorch = false, weights = false;
    if (!d)
        return err_errno(err, "%s: cannot open the folder", folder);
    while ((e = readdir(d))) {
        if (has_suffix(e->d_name, ".gguf"))
            add(&gguf, xasprintf("%s/%s", folder, e->d_name));
        else if (matters(e->d_name))
            add(m, xasprintf("%s/%s", folder, e->d_name));
        weights |= has_suffix(e->d_name, ".safetensors");
        pytorch |= !strncmp(e->d_name, "pytorch_model", 13) && has_suffix(e->d_name, ".bin");
    }
    closedir(d);
    int rc = 0;
    if (!weights && gguf.n == 1) {
        modelpath_free(m);
        *m = gguf;
        return 0;
    }
    if (!weights && gguf.n > 1)
        rc = err_set(err, ERR_USAGE, "%s: %d .gguf files, %s and others; name the one you mean", folder, gguf.n, gguf.path[0]);
    else if (!weights)
        rc = err_set(err, ERR_MODEL, "%s: no .safetensors and no .gguf file in the folder%s", folder,
                     pytorch ? "; pytorch_model.bin is not read, convert it to safetensors" : "; is it a model's folder?");
    modelpath_free(&gguf);
    if (m->n)
        qsort(m->path, (size_t)m->n, sizeof *m->path, by_name);
    return rc;
}

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* A leading ~ is the home folder, also inside a variable. */
static char *expand(char *path)
{
    const char *home = variable("HOME");
    if (path[0] != '~' || (path[1] && path[1] != '/') || !home)
        return path;
    char *full = xasprintf("%s%s", home, path + 1);
    free(path);
    return full;
}

/* Where huggingface_hub looks, in its order. */
static char *hub_cache(void)
{
    const char *cache = variable("HF_HUB_CACHE"), *base = variable("HF_HOME"), *user = variable("XDG_CACHE_HOME");
    if (!cache)
        cache = variable("HUGGINGFACE_HUB_CACHE");
    if (cache)
        return expand(xstrdup(cache));
    if (base)
        return expand(xasprintf("%s/hub", base));
    return expand(xasprintf("%s/huggingface/hub", user ? user : "~/.cache"));
}

/* CACHE/models--ORG--NAME/refs/REVISION holds the commit of snapshots/COMMIT. */
static char *snapshot(const char *cache, const char *id, const char *revision)
{
    struct buf folder = {0}, commit = {0};
    struct err ignored;
    struct stat st;
    buf_printf(&folder, "%s/models--", cache);
    for (const char *p = id; *p; p++)
        buf_str(&folder, *p == '/' ? "--" : (char[]){ *p, '\0' });
    char *ref = xasprintf("%s/refs/%s", folder.data, revision);
    if (io_read(ref, &commit, &ignored) == 0 && commit.len)
        commit.data[strcspn(commit.data, "\r\n")] = '\0';
    char *path = xasprintf("%s/snapshots/%s", folder.data, commit.len ? commit.data : revision);
    if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode)) {
        free(path);
        path = NULL;
    }
    free(ref);
    buf_free(&folder);
    buf_free(&commit);
    return path;
}

int modelpath_resolve(const char *name, const char *revision, struct modelpath *out, struct err *err)
{
    struct stat st;
    *out = (struct modelpath){0};
    int rc;
    if (stat(name, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = list_folder(name, out, err);
    } else if (stat(name, &st) == 0) {
        if (!has_suffix(name, ".gguf"))
            return err_set(err, ERR_MODEL, "--model-path %s: a file that is no .gguf; give a .gguf file, a folder with config.json and .safetensors, or a hub id", name);
        add(out, xstrdup(name));
        return 0;
    } else {
        char *cache = hub_cache(), *folder = snapshot(cache, name, revision ? revision : "main");
        rc = folder ? list_folder(folder, out, err)
                    : err_set(err, ERR_IO, "--model-path %s: no such file or folder, and revision %s of it is not in the hub cache %s; download it on a machine with internet",
                              name, revision ? revision : "main", cache);
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
