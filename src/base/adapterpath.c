/* adapterpath.c - from an adapter's folder to its files and those of the model that it belongs to. */
#include "modelpath_priv.h"

#include "mtbench/buf.h"
#include "mtbench/hubcache.h"
#include "mtbench/hubrepo.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the adapter's own files ---- */

/* Enough to make a tokenizer of without the base's files, as transformers sees it. Said aloud where there is a part of one: its user may
 * think that it counts. */
static bool own_tokenizer(const char *folder)
{
    static const char *const part[] = { "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "added_tokens.json",
                                        "chat_template.jinja", "vocab.json" };
    const bool vocabulary = modelpath_has(folder, part[0]) || modelpath_has(folder, part[1]);
    if (vocabulary && modelpath_has(folder, part[2]))
        return true;
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (modelpath_has(folder, part[i])) {
            log_note("%s/%s: no whole tokenizer with it (tokenizer_config.json and tokenizer.json or tokenizer.model); tokenizer and chat "
                     "template are the base model's", folder, part[i]);
            break;
        }
    return false;
}

static int list_own(const char *folder, bool tokenizer, struct modelpath *m, struct err *err)
{
    struct names all;
    int rc = modelpath_names(folder, &all, err);
    const char *weights = modelfiles_adapter(&all), *full = modelfiles_usual(&all);
    names_free(&all);
    if (rc < 0)
        return -1;
    if (!weights)
        return err_set(err, ERR_MODEL, "%s: " ADAPTER_CONFIG " without its weights (" ADAPTER_WEIGHTS "); copy them, or remove it if the "
                       "folder is a whole model's", folder);
    if (full)
        log_note("%s: an adapter beside %s: as in transformers, what runs is the adapter on the base that it names; remove " ADAPTER_CONFIG
                 " to run the whole model", folder, full);
    modelpath_add(m, xasprintf("%s/" ADAPTER_CONFIG, folder)); /* before the weights in the order of names, too */
    modelpath_add(m, xasprintf("%s/%s", folder, weights));
    return tokenizer ? modelpath_list(folder, LIST_TOKENIZER, m, err) : 0;
}

/* ---- its base ---- */

/* 'name' is what adapter_config.json says. */
static int no_base(const char *folder, const char *name, const char *revision, const char *cache, struct err *err)
{
    char shown[101];
    if (!hub_id(name))
        return err_set(err, ERR_IO, "%s/" ADAPTER_CONFIG ": the base model %s is no folder here; copy it, and name its folder by "
                       "--base-model-path", folder, hub_shown(name, shown));
    return err_set(err, ERR_IO,
                   "%s/" ADAPTER_CONFIG ": the base model %s is no folder here, and revision %s of it is not in the hub cache %s; "
                   "\"mtbench fetch --model %s%s%s\", on a machine with internet, brings it there, or name its folder by --base-model-path",
                   folder, name, revision ? revision : "main", cache, name, revision ? " --revision " : "", revision ? revision : "");
}

/* The folder that --base-model-path or, without it, adapter_config.json names; NULL: err. */
static char *find_base(const char *folder, const char *flag, const char *name, const char *revision, struct err *err)
{
    struct stat st;
    const char *wanted = flag ? flag : name;
    char *cache = hub_cache(), *found = NULL;
    if (stat(wanted, &st) == 0 && S_ISDIR(st.st_mode))
        found = xstrdup(wanted);
    else if (stat(wanted, &st) == 0)
        err_set(err, ERR_MODEL, "%s%s: the base of an adapter is a folder with config.json and weights; a GGUF file or another single file "
                "cannot be one", flag ? "--base-model-path " : "", wanted);
    else if (hub_id(wanted) && (!revision || hub_revision(revision)))
        found = hub_snapshot(cache, wanted, revision);
    if (!found && stat(wanted, &st) < 0) {
        if (flag)
            err_set(err, ERR_IO, "--base-model-path %s: no such folder, and it is not in the hub cache %s; check the path", flag, cache);
        else
            no_base(folder, name, revision, cache, err);
    }
    free(cache);
    return found;
}

static int check_base(const char *folder, const char *base, struct err *err)
{
    if (modelpath_has(base, ADAPTER_CONFIG))
        return err_set(err, ERR_MODEL,
                       "%s: the base of the adapter %s is an adapter itself; merge that one first (peft: merge_and_unload), "
                       "or name a whole model by --base-model-path",
                       base, folder);
    if (!modelpath_has(base, "config.json"))
        return err_set(err, ERR_MODEL, "%s: the base of the adapter %s has no config.json (a GGUF file cannot be one); name a folder with "
                       "config.json and weights by --base-model-path", base, folder);
    return 0;
}

static char *named_base(const char *folder, struct err *err)
{
    struct buf b = {0};
    char *path = xasprintf("%s/" ADAPTER_CONFIG, folder), *name = NULL, *revision = NULL, *found = NULL;
    if (io_read(path, &b, err) < 0 || hub_adapter_base(b.data, b.len, &name, &revision, err) < 0)
        err_wrap(err, "%s", path);
    else if (!name)
        err_set(err, ERR_MODEL, "%s: no \"base_model_name_or_path\" in it; name the base model's folder by --base-model-path", path);
    else
        found = find_base(folder, NULL, name, revision, err);
    free(name);
    free(revision);
    buf_free(&b);
    free(path);
    return found;
}

int adapterpath_list(const char *folder, const char *base, struct modelpath *m, struct err *err)
{
    const bool tokenizer = own_tokenizer(folder);
    char *path = base ? find_base(folder, base, NULL, NULL, err) : named_base(folder, err);
    int rc = !path || check_base(folder, path, err) < 0 || list_own(folder, tokenizer, m, err) < 0 ? -1 : 0;
    /* only one of the two may bring a tokenizer: files are known by their base names from here on */
    if (rc == 0)
        rc = modelpath_list(path, tokenizer ? LIST_REST : LIST_ALL, m, err);
    if (rc == 0 && strlen(m->path[m->n - 1]) > 5 && !strcmp(m->path[m->n - 1] + strlen(m->path[m->n - 1]) - 5, ".gguf"))
        rc = err_set(err, ERR_MODEL,
                     "%s: the base of the adapter %s is a GGUF file, which cannot be one; name a folder with config.json and "
                     "weights by --base-model-path",
                     m->path[m->n - 1], folder);
    if (rc == 0)
        log_verbose("%s: an adapter; its base is %s, tokenizer and chat template are %s", folder, path,
                    tokenizer ? "its own" : "the base's");
    free(path);
    return rc;
}
