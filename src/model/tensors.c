/* tensors.c - which tensors a model's files hold, and what to think of those that nobody asked for.
 * A tensor that the model has and this program does not use would change every answer in silence, so each is either in the table of those
 * that carry nothing, or refused by name. */
#include "model_priv.h"

#include "mtbench/keys.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_HEADER = 256 << 20, FIRST_READ = 4 << 20 };

/* modelpath.c lists one of them, of the weights that it chose. */
static const char *const index_name[] = { "model.safetensors.index.json", "pytorch_model.bin.index.json" };

/* Tensors that carry nothing a forward pass needs, whatever their type. */
static const struct {
    const char *pattern, *why;
} passed_over[] = {
    { "*rotary_emb.inv_freq", "frequencies that the configuration gives" },
    { "*rotary_emb.cos_cached", "a table that the configuration gives" },
    { "*rotary_emb.sin_cached", "a table that the configuration gives" },
    { "*.attn_rot_embd.*", "frequencies that the configuration gives" },
    { "*position_ids", "0, 1, 2 ..." },
    { "*causal_mask", "a mask" },
    { "*.masked_bias", "what masked scores are set to" },
};

/* Integers and truths are masks and positions; weights come in such types only together with a quantisation's own tensors. */
static const char *const buffer_types[] = { "BOOL", "I64" };

/* Masks in bytes; other bytes may be quantised weights. */
static const char *const byte_masks[] = { "*attention.bias", "*attn.bias", "*mask*" };

/* ---- reading directories ---- */

static struct stored *add_stored(struct weight_plan *p)
{
    p->stored = xrealloc(p->stored, p->n_stored + 1, sizeof *p->stored);
    p->stored[p->n_stored] = (struct stored){0};
    return &p->stored[p->n_stored++];
}

static struct buf *add_header(struct weight_plan *p)
{
    p->header = xrealloc(p->header, (size_t)p->n_header + 1, sizeof *p->header);
    p->header[p->n_header] = (struct buf){0};
    return &p->header[p->n_header++];
}

/* The header's length is only known at its end: read a prefix, and twice as much when it was too short. */
static int read_gguf(struct weight_plan *p, const struct source *s, int file, struct gguf *g, struct err *err)
{
    struct buf *b = add_header(p);
    uint64_t want = FIRST_READ, size = s->size[file];                               /* most headers fit into the first read */
    int rc;
    do {
        if (want > size)
            want = size;
        if (s->read(s->ctx, file, b->len, buf_reserve(b, want - b->len), want - b->len, err) < 0) /* only what is new */
            return -1;
        b->len = want;
        rc = gguf_parse(b->data, b->len, size, g, err);
        want *= 2;
    } while (rc == 1 && b->len < size && want <= MAX_HEADER);                       /* 1: it goes on behind these bytes */
    if (rc == 1)
        return err_set(err, ERR_FORMAT, "%s: the header does not end within %zu bytes; the file is cut short or damaged, copy it again",
                       s->path[file], b->len);
    return rc < 0 ? err_wrap(err, "%s", s->path[file]) : 0;
}

/* A split model says in each of its files which one it is, of how many. */
static int check_split(const struct gguf *g, const struct source *s, int file, struct err *err)
{
    int64_t count = 1, no = file;
    gguf_int(g, "split.count", &count);
    gguf_int(g, "split.no", &no);
    count = count ? count : 1; /* 0: a whole file */
    /* a part alone, or parts of two models, would load if its tensors had the right names */
    if (count == s->n_files && no == file)
        return 0;
    if (s->n_files == 1)
        return err_set(err, ERR_MODEL,
                       "%s: file %lld of %lld of a split model, under a name that does not say so; name the files as gguf-split does "
                       "(NAME-00001-of-%05lld.gguf ...) or merge them",
                       s->path[file], (long long)no + 1, (long long)count, (long long)count);
    return err_set(err, ERR_FORMAT, "%s: says that it is file %lld of %lld, its name says %d of %d; these files do not belong together",
                   s->path[file], (long long)no + 1, (long long)count, file + 1, s->n_files);
}

static void list_gguf(struct weight_plan *p, const struct gguf *g, int file)
{
    for (size_t i = 0; i < g->n_tensors; i++) {
        const struct gguf_tensor *t = &g->tensor[i];
        struct stored *d = add_stored(p);
        *d = (struct stored){
            .name = t->name, .file = file, .dtype = t->dtype, .offset = t->offset,
            .cols = t->dim[0], .rows = t->dim[1] * t->dim[2] * t->dim[3],           /* GGUF counts from the inside */
        };
        if (t->dtype == DT_COUNT)
            snprintf(d->type, sizeof d->type, "type %u of ggml", t->ggml);
    }
}

static int open_gguf(struct weight_plan *p, const struct source *s, struct err *err)
{
    int64_t whole;
    for (int i = 0; i < s->n_files; i++) {
        struct gguf part, *g = i == 0 ? &p->gguf : &part;                           /* keys are those of the first file */
        if (read_gguf(p, s, i, g, err) < 0)
            return -1;
        list_gguf(p, g, i);
        int rc = check_split(g, s, i, err);
        if (i)
            gguf_free(&part);                                                       /* names still point into its header, which stays */
        if (rc < 0)
            return -1;
    }
    if (gguf_int(&p->gguf, "split.tensors.count", &whole) && whole != (int64_t)p->n_stored)
        return err_set(err, ERR_FORMAT,
                       "%s: %zu tensors in %d files, split.tensors.count says %lld; a file is not of this model, copy them again",
                       s->path[0], p->n_stored, s->n_files, (long long)whole);
    return 0;
}

static void list_safetensors(struct weight_plan *p, const struct safetensors *st, int file)
{
    for (size_t i = 0; i < st->n_tensors; i++) {
        const struct safetensor *t = &st->tensor[i];
        struct stored *d = add_stored(p);
        *d = (struct stored){
            .name = { t->name, strlen(t->name) }, .file = file, .dtype = t->dtype, .offset = t->offset,
            /* of three dimensions nothing fits: cols 0 */
            .rows = t->n_dims == 2 ? t->dim[0] : 1, .cols = t->n_dims == 2 ? t->dim[1] : t->n_dims == 1 ? t->dim[0] : 0,
        };
        if (t->dtype == DT_COUNT)
            snprintf(d->type, sizeof d->type, "dtype %s", t->type);
    }
}

static int open_safetensors(struct weight_plan *p, const struct source *s, int file, struct err *err)
{
    uint8_t prefix[SAFETENSORS_PREFIX] = {0};
    uint64_t length;
    struct buf b = {0};
    size_t n_prefix = s->size[file] < sizeof prefix ? (size_t)s->size[file] : sizeof prefix;
    p->st = xrealloc(p->st, (size_t)p->n_st + 1, sizeof *p->st);
    struct safetensors *st = &p->st[p->n_st];
    int rc = -1;
    if (s->read(s->ctx, file, 0, prefix, n_prefix, err) < 0 || safetensors_header(prefix, s->size[file], &length, err) < 0 ||
        s->read(s->ctx, file, SAFETENSORS_PREFIX, buf_reserve(&b, length), length, err) < 0)
        goto out;
    if (safetensors_parse(b.data, length, s->size[file], st, err) < 0)
        goto out;
    p->n_st++;
    list_safetensors(p, st, file);
    rc = 0;
out:
    buf_free(&b);
    return rc < 0 ? err_wrap(err, "%s", s->path[file]) : 0;
}

static void list_pytorch(struct weight_plan *p, struct pytorch *torch, int file)
{
    for (size_t i = 0; i < torch->n_tensors; i++) {
        const struct pytorch_tensor *t = &torch->tensor[i];
        struct stored *d = add_stored(p);
        *d = (struct stored){
            .name = t->name, .file = file, .dtype = t->dtype, .offset = t->place, .torch = torch, .view = t,
            .rows = t->n_dims == 2 ? t->dim[0] : 1, .cols = t->n_dims == 2 ? t->dim[1] : t->n_dims == 1 ? t->dim[0] : 0,
        };
        if (t->dtype == DT_COUNT)
            snprintf(d->type, sizeof d->type, "dtype %s", t->type);
    }
}

static int open_pytorch(struct weight_plan *p, const struct source *s, int file, struct err *err)
{
    struct pytorch *torch = xcalloc(1, sizeof *torch);
    p->torch = xrealloc(p->torch, (size_t)p->n_torch + 1, sizeof *p->torch);
    p->torch[p->n_torch++] = torch;                                                 /* one by one: tensors point to theirs */
    if (pytorch_open(torch, s, file, err) < 0)
        return err_wrap(err, "%s", s->path[file]);
    list_pytorch(p, torch, file);
    return 0;
}

/* ---- finding ---- */

static int compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    const struct stored *x = a, *y = b;
    int order = compare(x->name, y->name);
    return order ? order : x->file - y->file;                                       /* of the same name the first file first */
}

/* Place of the first tensor that is not below 'name'. */
static size_t lower_bound(const struct weight_plan *p, struct slice name)
{
    size_t low = 0, high = p->n_stored;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(p->stored[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct stored *tensors_find(const struct weight_plan *p, const char *name)
{
    size_t at = lower_bound(p, (struct slice){ name, strlen(name) });
    return at < p->n_stored && slice_is(p->stored[at].name, name) ? &p->stored[at] : NULL;
}

const char *tensors_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- the index ---- */

/* Of the tensors of this name, which may lie in several shards, the one in the file that the index gives. */
static int keep_indexed(struct weight_plan *p, const struct source *s, const char *index, const cJSON *of, struct err *err)
{
    const char *name = of->string, *file = of->valuestring;
    bool found = false;
    for (size_t i = lower_bound(p, (struct slice){ name, strlen(name) }); i < p->n_stored && slice_is(p->stored[i].name, name); i++) {
        /* an old shard beside a new one may have the same tensor: the index says which counts */
        p->stored[i].elsewhere = strcmp(tensors_file_name(s->path[p->stored[i].file]), file) != 0;
        found |= !p->stored[i].elsewhere;
    }
    return found
               ? 0
               : err_set(err, ERR_FORMAT, "%s: tensor %s lies in %s, it says, but does not; copy the model again", index, name, file);
}

static const struct key index_key[] = { READ_KEY("weight_map", 'O'), IDLE_KEY("metadata") };

/* The table of the index: tensor to file. */
static int check_index(const cJSON *root, const char *index, struct err *err)
{
    struct buf unknown = {0};
    const cJSON *j;
    int rc = cJSON_IsObject(root) ? keys_check(KEYS(index_key), root, "an index", &unknown, err)
                                  : err_set(err, ERR_FORMAT, "no JSON object; copy the model again");
    cJSON_ArrayForEach(j, json_get(root, "weight_map"))
        if (rc == 0 && !cJSON_IsString(j))
            rc = err_set(err, ERR_FORMAT, "weight_map gives no file for %.80s; copy the model again", j->string);
    if (rc == 0)
        keys_note(index, &unknown);
    buf_free(&unknown);
    return rc;
}

static int apply_index(struct weight_plan *p, const struct source *s, struct err *err)
{
    struct buf b = {0};
    const char *index = index_name[source_find(s, index_name[0]) < 0];
    int file = source_find(s, index), rc = 0;
    const cJSON *j;
    if (file < 0 || p->of_adapter)
        return 0;
    if (source_slurp(s, file, MAX_HEADER, &b, err) < 0)
        return -1;
    cJSON *root = json_parse(b.data, b.len, err);
    if (!root || check_index(root, index, err) < 0)
        rc = err_wrap(err, "%s", s->path[file]);
    cJSON_ArrayForEach(j, json_get(root, "weight_map"))
        if (rc == 0)
            rc = keep_indexed(p, s, index, j, err);
    cJSON_Delete(root);
    buf_free(&b);
    size_t kept = 0;
    for (size_t i = 0; i < p->n_stored; i++)
        if (!p->stored[i].elsewhere)                                                /* those of other files are as if they were not there */
            p->stored[kept++] = p->stored[i];
    p->n_stored = kept;
    return rc;
}

/* ---- open ---- */

static bool has_suffix(const char *s, const char *suffix)
{
    size_t n = strlen(s), k = strlen(suffix);
    return n >= k && !strcmp(s + n - k, suffix);
}

bool tensors_gguf_file(const struct source *s, int file)
{
    return has_suffix(s->path[file], ".gguf");
}

static bool pytorch_file(const struct source *s, int file)
{
    return has_suffix(s->path[file], ".bin");
}

bool tensors_weight_file(const struct source *s, int file)
{
    return has_suffix(s->path[file], ".safetensors") || pytorch_file(s, file) || tensors_gguf_file(s, file);
}

static int no_tensors(const struct weight_plan *p, const struct source *s, struct err *err)
{
    for (int i = 0; i < s->n_files && p->of_adapter; i++) /* there is one such file, which a training may leave empty */
        if (adapter_file(s, i))
            return err_set(err, ERR_FORMAT, "%s: no tensors in it", s->path[i]);
    return err_set(err, ERR_FORMAT, "%s: no tensors in the model's files", s->n_files ? s->path[0] : "model");
}

int tensors_open(struct weight_plan *p, const struct source *s, struct err *err)
{
    if (p->is_gguf) {
        if (open_gguf(p, s, err) < 0)
            return -1;
    } else {
        for (int i = 0; i < s->n_files; i++)
            if (tensors_weight_file(s, i) && adapter_file(s, i) == p->of_adapter &&
                (pytorch_file(s, i) ? open_pytorch : open_safetensors)(p, s, i, err) < 0)
                return -1;
    }
    if (p->n_stored == 0)                                                           /* an index alone, or shards that hold nothing */
        return no_tensors(p, s, err);
    qsort(p->stored, p->n_stored, sizeof *p->stored, by_name); /* for tensors_find(), and so that doubles are neighbours */
    if (apply_index(p, s, err) < 0)
        return -1;
    for (size_t i = 1; i < p->n_stored; i++) {
        if (compare(p->stored[i - 1].name, p->stored[i].name) != 0)
            continue;
        if (p->stored[i - 1].file == p->stored[i].file)
            return err_set(err, ERR_FORMAT, "%s: tensor %.*s is there twice; the file is damaged, copy it again",
                           s->path[p->stored[i].file], (int)p->stored[i].name.len, p->stored[i].name.ptr);
        return err_set(err, ERR_FORMAT, "tensor %.*s occurs in %s and again in %s; remove the file that is not of this model",
                           (int)p->stored[i].name.len, p->stored[i].name.ptr, tensors_file_name(s->path[p->stored[i - 1].file]),
                           tensors_file_name(s->path[p->stored[i].file]));
    }
    return 0;
}

void tensors_close(struct weight_plan *p)
{
    stored_done(p);
    for (int i = 0; i < p->n_st; i++)
        safetensors_free(&p->st[i]);
    for (int i = 0; i < p->n_torch; i++) {
        pytorch_free(p->torch[i]);
        free(p->torch[i]);
    }
    for (int i = 0; i < p->n_header; i++)
        buf_free(&p->header[i]);
    gguf_free(&p->gguf);
    free(p->st);
    free(p->torch);
    free(p->header);
    free(p->stored);
}

/* ---- what nobody asked for ---- */

static bool carries_nothing(const struct stored *t, const char *name)
{
    for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
        if (fnmatch(passed_over[i].pattern, name, 0) == 0)
            return true;
    if (t->dtype != DT_COUNT || has_suffix(name, ".weight"))
        return false;
    for (size_t i = 0; i < sizeof buffer_types / sizeof *buffer_types; i++)
        if (has_suffix(t->type, buffer_types[i]))                                   /* "dtype I64": no weight */
            return true;
    for (size_t i = 0; i < sizeof byte_masks / sizeof *byte_masks; i++)
        if (has_suffix(t->type, "U8") && fnmatch(byte_masks[i], name, 0) == 0)
            return true;
    return false;
}

/* Names under which the language model itself lies; all of a GGUF file's are. */
static bool of_the_model(const struct weight_plan *p, const char *name)
{
    if (p->bare && (!strncmp(name, "layers.", 7) || !strncmp(name, "norm.", 5) || !strncmp(name, "embed_tokens.", 13)))
        return true;
    return p->is_gguf || !strncmp(name, "model.", 6) || !strncmp(name, "lm_head.", 8);
}

int tensors_unasked(const struct weight_plan *p, const struct source *s, struct err *err)
{
    int foreign = 0, rc = 0;
    char first[64] = "";
    for (size_t i = 0; i < p->n_stored && rc == 0; i++) {
        const struct stored *t = &p->stored[i];
        char *name = xstrndup(t->name.ptr, t->name.len);
        if (!t->used && !carries_nothing(t, name)) {
            /* a vision tower beside a language model is left out and said; a part of the language model is not */
            if (of_the_model(p, name))
                rc = err_set(
                    err, ERR_MODEL,
                    "%s: tensor %.200s is none that this program uses in such a model; without it the answers would be another model's",
                    s->path[t->file], name);
            else if (foreign++ == 0)
                snprintf(first, sizeof first, "%s", name);
        }
        free(name);
    }
    if (rc == 0 && foreign)
        log_note("%d tensors are not of the language model and are left out, %s among them", foreign, first);
    return rc;
}
