/* hubrepo.c - what a repository of the hub holds, and which of its files are a model. */
#include "mtbench/hubrepo.h"

#include "modelfiles.h"

#include "mtbench/hubcache.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 100000 };
static const int64_t largest = (int64_t)1 << 50; /* bytes of a file; sums of all files stay far from their limit */

/* ---- the hub's reply ---- */

static const char *text_of(const cJSON *object, const char *name)
{
    const cJSON *j = json_get(object, name);
    return cJSON_IsString(j) ? j->valuestring : NULL;
}

const char *hub_shown(const char *s, char out[101])
{
    size_t n = 0;
    for (; s[n] && n < 100; n++)
        out[n] = s[n] >= ' ' && s[n] <= '~' ? s[n] : '?';
    out[n] = '\0';
    return out;
}

static bool is_hex(const char *s, size_t n)
{
    return s && strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

const char *hub_etag(const struct hub_file *f)
{
    return f->sha256 ? f->sha256 : f->git_sha1;
}

void hub_repo_add(struct hub_repo *r, const struct hub_file *f)
{
    r->file = xrealloc(r->file, (size_t)r->n + 1, sizeof *r->file);
    r->file[r->n++] =
        (struct hub_file){ xstrdup(f->path), f->size, f->sha256 ? xstrdup(f->sha256) : NULL, f->git_sha1 ? xstrdup(f->git_sha1) : NULL };
}

/* One of the reply's "siblings". What is stated has to make sense: a name in the cache is made of it. */
static int parse_file(const cJSON *j, struct hub_repo *r, struct err *err)
{
    const cJSON *lfs = json_get(j, "lfs"), *size = json_get(j, "size");
    struct hub_file f = { .size = -1, .path = (char *)text_of(j, "rfilename"), .git_sha1 = (char *)text_of(j, "blobId") };
    char shown[101];
    if (!f.path || !hub_path(f.path))
        return err_set(err, ERR_FORMAT, "\"%s\" is no path of a file in a repository", hub_shown(f.path ? f.path : "", shown));
    if (cJSON_IsObject(lfs)) {
        f.sha256 = (char *)(text_of(lfs, "sha256") ? text_of(lfs, "sha256") : text_of(lfs, "oid"));
        f.git_sha1 = NULL; /* that is of the pointer, not of the file */
        size = json_get(lfs, "size") ? json_get(lfs, "size") : size;
        if (!is_hex(f.sha256, 64))
            return err_set(err, ERR_FORMAT, "%.200s: a file in LFS without its SHA-256", f.path);
    }
    if (f.git_sha1 && !is_hex(f.git_sha1, 40))
        return err_set(err, ERR_FORMAT, "%.200s: \"blobId\" is not what git calls a file", f.path);
    if (size && !cJSON_IsNull(size) && (!json_whole(size, &f.size) || f.size < 0 || f.size > largest))
        return err_set(err, ERR_FORMAT, "%.200s: \"size\" is no number of bytes", f.path);
    hub_repo_add(r, &f);
    return 0;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct hub_file *)a)->path, ((const struct hub_file *)b)->path);
}

static const struct hub_file *find(const struct hub_repo *r, const char *path)
{
    const struct hub_file key = { .path = (char *)path };
    return r->n ? bsearch(&key, r->file, (size_t)r->n, sizeof *r->file, by_path) : NULL;
}

/* No path may stand there twice, or be both a file and a folder of others. */
static int refuse_clashes(const struct hub_repo *r, struct err *err)
{
    for (int i = 1; i < r->n; i++)
        if (!strcmp(r->file[i].path, r->file[i - 1].path))
            return err_set(err, ERR_FORMAT, "%.200s: stands there twice", r->file[i].path);
    for (int i = 0; i < r->n; i++) {
        char *above = xstrdup(r->file[i].path), *slash;
        bool clash = false;
        while (!clash && (slash = strrchr(above, '/'))) {
            *slash = '\0';
            clash = find(r, above) != NULL;
        }
        free(above);
        if (clash)
            return err_set(err, ERR_FORMAT, "%.200s: lies in what is a file", r->file[i].path);
    }
    return 0;
}

int hub_repo_finish(struct hub_repo *r, struct err *err)
{
    if (r->n == 0)
        return err_set(err, ERR_FORMAT, "it holds no files");
    qsort(r->file, (size_t)r->n, sizeof *r->file, by_path);
    return refuse_clashes(r, err);
}

static int parse_repo(const cJSON *root, struct hub_repo *r, struct err *err)
{
    const cJSON *files = json_get(root, "siblings"), *gated = json_get(root, "gated"), *j;
    const char *commit = text_of(root, "sha");
    if (!commit || !hub_commit(commit))
        return err_set(err, ERR_FORMAT, "no commit in \"sha\"");
    snprintf(r->commit, sizeof r->commit, "%s", commit);
    r->gated = cJSON_IsString(gated) || cJSON_IsTrue(gated); /* false, or "auto", "manual" */
    cJSON_ArrayForEach(j, files)
    {
        if (r->n == MOST_FILES)
            return err_set(err, ERR_FORMAT, "more than %d files", MOST_FILES);
        if (parse_file(j, r, err) < 0)
            return -1;
    }
    return hub_repo_finish(r, err);
}

int hub_repo_parse(const char *text, size_t n, struct hub_repo *out, struct err *err)
{
    *out = (struct hub_repo){ 0 };
    cJSON *root = json_parse(text, n, err);
    int rc = root ? parse_repo(root, out, err) : -1;
    cJSON_Delete(root);
    if (rc < 0)
        hub_repo_free(out);
    return rc;
}

void hub_repo_free(struct hub_repo *r)
{
    for (int i = 0; i < r->n; i++) {
        free(r->file[i].path);
        free(r->file[i].sha256);
        free(r->file[i].git_sha1);
    }
    free(r->file);
    *r = (struct hub_repo){ 0 };
}

/* ---- which of them are the model ---- */

/* The paths alone, which stay the repository's; the caller frees 'at'. */
static struct names names_of(const struct hub_repo *r)
{
    struct names all = { xcalloc((size_t)r->n, sizeof *all.at), r->n };
    for (int i = 0; i < r->n; i++)
        all.at[i] = r->file[i].path;
    return all;
}

const struct hub_file *hub_repo_index(const struct hub_repo *r, const struct opt_list *only)
{
    struct names all = names_of(r);
    const char *index = only->n || names_have(&all, ADAPTER_CONFIG) ? NULL : modelfiles_index(&all);
    free(all.at);
    return index ? find(r, index) : NULL;
}

static void choose(const struct hub_repo *r, const char *path, bool *chosen)
{
    chosen[find(r, path) - r->file] = true;
}

static int choose_only(const struct hub_repo *r, const struct opt_list *only, bool *chosen, struct err *err)
{
    for (int k = 0; k < only->n; k++) {
        bool used = false;
        for (int i = 0; i < r->n; i++)
            if (fnmatch(only->word[k], r->file[i].path, 0) == 0)
                used = chosen[i] = true;
        if (!used)
            return err_set(err, ERR_USAGE, "--only %s: none of the repository's %d files fits, such as %.200s; * fits slashes too",
                           only->word[k], r->n, r->file[0].path);
    }
    return 0;
}

static int several(const struct choice *c, struct err *err)
{
    int stem, number, count;
    /* Of a shard: all of its set. */
    const char *rest = modelfiles_shard(c->other, c->suffix, &stem, &number, &count) ? c->other + stem + strlen("-00001") : NULL;
    return err_set(err, ERR_USAGE, "several %s files, %.100s and %.100s among them; choose with --only, such as --only '%.*s%s%.100s'",
                   c->suffix, c->first, c->other, rest && stem < 100 ? stem : 100, c->other, rest ? "-*" : "", rest ? rest : "");
}

/* Why nothing was chosen: better said ahead of gigabytes that could not run. */
static int not_chosen(enum chosen why, const struct choice *c, struct err *err)
{
    char shown[101];
    if (why == CHOSEN_SEVERAL)
        return several(c, err);
    if (why == CHOSEN_IN_PART && c->index)
        return err_set(err, ERR_FORMAT, "%s: it names \"%s\", which the repository does not have", c->index,
                       hub_shown(c->missing, shown));
    if (why == CHOSEN_IN_PART)
        return err_set(err, ERR_FORMAT, "the repository has %d of %d shards, %.200s among them; choose another revision", c->there,
                       c->count, c->first);
    return err_set(err, ERR_MODEL, "no weights in it that this program reads (.safetensors, .bin, .gguf); is it a model?");
}

static int choose_adapter(const struct hub_repo *r, const struct names *all, bool *chosen, struct err *err)
{
    const char *weights = modelfiles_adapter(all);
    if (!weights)
        return err_set(err, ERR_MODEL, ADAPTER_CONFIG " and no " ADAPTER_WEIGHTS "; no adapter that peft would read");
    choose(r, weights, chosen);
    choose(r, ADAPTER_CONFIG, chosen);
    return 0;
}

static int choose_model(const struct hub_repo *r, const struct names *all, const char *index, size_t n, bool *chosen, struct err *err)
{
    struct choice c;
    int rc = modelfiles_choose(all, index, n, &c, err);
    if (rc < 0)
        err_wrap(err, "%s", c.index);
    else if (rc > 0)
        rc = not_chosen(rc, &c, err);
    for (int i = 0; rc == 0 && i < c.weights.n; i++)
        choose(r, c.weights.at[i], chosen);
    if (rc == 0 && c.index)
        choose(r, c.index, chosen);
    names_free(&c.weights);
    return rc;
}

int hub_repo_choose(const struct hub_repo *r, const struct opt_list *only, const char *index, size_t n_index, bool *chosen, struct err *err)
{
    memset(chosen, 0, (size_t)r->n * sizeof *chosen);
    if (only->n)
        return choose_only(r, only, chosen, err);
    for (int i = 0; i < r->n; i++)
        chosen[i] = modelfiles_part(r->file[i].path) != 0;
    struct names all = names_of(r);
    int rc = names_have(&all, ADAPTER_CONFIG) ? choose_adapter(r, &all, chosen, err) : choose_model(r, &all, index, n_index, chosen, err);
    free(all.at);
    return rc;
}

int hub_adapter_base(const char *text, size_t n, char **base, char **revision, struct err *err)
{
    *base = *revision = NULL;
    cJSON *root = json_parse(text, n, err);
    const char *name = text_of(root, "base_model_name_or_path"), *commit = text_of(root, "revision");
    if (name && *name)
        *base = xstrdup(name);
    if (commit && *commit)
        *revision = xstrdup(commit);
    cJSON_Delete(root);
    return root ? 0 : -1;
}
