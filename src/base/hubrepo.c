/* hubrepo.c - what a repository of the hub holds, and which of its files are a model. */
#include "mtbench/hubrepo.h"

#include "mtbench/hubcache.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FILES = 100000 };
static const int64_t largest = (int64_t)1 << 50; /* bytes of a file; sums of all files stay far from their limit */

static bool ends_in(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n > k && !strcmp(s + n - k, end);
}

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

static const char adapter[] = "adapter_config.json";

/* In the order that transformers asks for them. */
static const struct {
    const char *whole, *index, *suffix;
} forms[] = {
    { "model.safetensors", "model.safetensors.index.json", ".safetensors" },
    { "pytorch_model.bin", "pytorch_model.bin.index.json", ".bin" },
};
enum { FORMS = sizeof forms / sizeof *forms };

/* Without those names only what cannot be misread: one file, or one set of shards, of the first of these kinds. */
static const char *const alone[] = { ".safetensors", ".gguf", ".bin" };

const struct hub_file *hub_repo_index(const struct hub_repo *r, const struct opt_list *only)
{
    if (only->n || find(r, adapter))
        return NULL;
    for (int i = 0; i < FORMS; i++) {
        if (find(r, forms[i].whole))
            return NULL;
        if (find(r, forms[i].index))
            return find(r, forms[i].index);
    }
    return NULL;
}

static void choose(const struct hub_repo *r, const struct hub_file *f, bool *chosen)
{
    chosen[f - r->file] = true;
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

/* The shards that an index names. */
static int choose_indexed(const struct hub_repo *r, const char *index, size_t n, bool *chosen, struct err *err)
{
    cJSON *root = json_parse(index, n, err);
    const cJSON *map = json_get(root, "weight_map"), *j;
    char shown[101];
    int rc = root ? 0 : -1, shards = 0;
    cJSON_ArrayForEach(j, map)
    {
        const struct hub_file *f = cJSON_IsString(j) ? find(r, j->valuestring) : NULL;
        if (rc == 0 && !f)
            rc = err_set(err, ERR_FORMAT, "it names \"%s\", which the repository does not have",
                         hub_shown(cJSON_IsString(j) ? j->valuestring : "", shown));
        if (rc < 0)
            break;
        choose(r, f, chosen);
        shards++;
    }
    if (rc == 0 && !shards)
        rc = err_set(err, ERR_FORMAT, "its \"weight_map\" names no file");
    cJSON_Delete(root);
    return rc;
}

/* "m-00002-of-00005.gguf": length of what all shards begin with; the whole without the suffix for others. */
static size_t stem_of(const char *path, const char *suffix)
{
    static const char form[] = "-00000-of-00000";
    size_t n = strlen(path) - strlen(suffix), k = sizeof form - 1;
    if (n <= k)
        return n;
    for (size_t i = 0; i < k; i++)
        if (form[i] == '0' ? !strchr("0123456789", path[n - k + i]) : path[n - k + i] != form[i])
            return n;
    return n - k;
}

/* Are two different files shards of one set? All but the five digits in front of "-of-" is the same. */
static bool same_set(const char *a, const char *b, const char *suffix)
{
    size_t stem = stem_of(a, suffix);
    return strlen(a) == strlen(b) && stem == stem_of(b, suffix) && stem + strlen(suffix) < strlen(a) && !strncmp(a, b, stem) &&
           !strcmp(a + stem + 6, b + stem + 6);
}

static int several(const char *first, const char *path, const char *suffix, struct err *err)
{
    size_t stem = stem_of(path, suffix);
    bool shard = stem + strlen(suffix) < strlen(path); /* then all of its set */
    return err_set(err, ERR_USAGE, "several %s files, %.100s and %.100s among them; choose with --only, such as --only '%.*s%s%.100s'",
                   suffix, first, path, (int)(stem < 100 ? stem : 100), path, shard ? "-*" : "", path + stem + (shard ? 6 : 0));
}

/* The only file of this kind, or the only set of shards, of the repository's top. 1: done; 0: there is none; -1: err. */
static int choose_single(const struct hub_repo *r, const char *suffix, bool *chosen, struct err *err)
{
    const char *first = NULL;
    int n = 0;
    for (int i = 0; i < r->n; i++) {
        const char *path = r->file[i].path;
        if (!ends_in(path, suffix) || strchr(path, '/') || modelpath_no_model(path))
            continue;
        if (first && !same_set(first, path, suffix))
            return several(first, path, suffix, err);
        first = first ? first : path;
        chosen[i] = true;
        n++;
    }
    size_t stem = first ? stem_of(first, suffix) : 0;
    int count = first && stem + strlen(suffix) < strlen(first) ? atoi(first + stem + strlen("-00001-of-")) : n;
    if (n != count) /* gigabytes that could not run */
        return err_set(err, ERR_FORMAT, "the repository has %d of %d shards, %.200s among them; choose another revision", n, count, first);
    return n > 0;
}

static int choose_adapter(const struct hub_repo *r, bool *chosen, struct err *err)
{
    const struct hub_file *f = find(r, "adapter_model.safetensors");
    if (!f)
        f = find(r, "adapter_model.bin");
    if (!f)
        return err_set(err, ERR_MODEL, "%s and no adapter_model.safetensors or adapter_model.bin; no adapter that peft would read",
                       adapter);
    choose(r, f, chosen);
    choose(r, find(r, adapter), chosen);
    return 0;
}

static int choose_weights(const struct hub_repo *r, const char *index, size_t n_index, bool *chosen, struct err *err)
{
    if (find(r, adapter))
        return choose_adapter(r, chosen, err);
    for (int i = 0; i < FORMS; i++) {
        if (find(r, forms[i].whole)) {
            choose(r, find(r, forms[i].whole), chosen);
            return 0;
        }
        if (find(r, forms[i].index)) {
            choose(r, find(r, forms[i].index), chosen);
            return choose_indexed(r, index, n_index, chosen, err) < 0 ? err_wrap(err, "%s", forms[i].index) : 0;
        }
    }
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof alone / sizeof *alone; i++)
        rc = choose_single(r, alone[i], chosen, err);
    if (rc == 0)
        return err_set(err, ERR_MODEL, "no weights in it that this program reads (.safetensors, .bin, .gguf); is it a model?");
    return rc > 0 ? 0 : -1;
}

int hub_repo_choose(const struct hub_repo *r, const struct opt_list *only, const char *index, size_t n_index, bool *chosen, struct err *err)
{
    memset(chosen, 0, (size_t)r->n * sizeof *chosen);
    if (only->n)
        return choose_only(r, only, chosen, err);
    for (int i = 0; i < r->n; i++)
        chosen[i] = modelpath_reads_text(r->file[i].path);
    return choose_weights(r, index, n_index, chosen, err);
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
