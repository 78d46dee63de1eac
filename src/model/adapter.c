/* adapter.c - an adapter's tensors by what they change, and the change itself: W + alpha/r * B A, while the rows of W are loaded.
 * A tensor of the adapter that found no place would be a change left out in silence, so each is used or refused by name. */
#include "adapter.h"

#include "adapter_config.h"
#include "model_priv.h"

#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CONFIG = 16 << 20, PIECE = 16 << 20, PANEL = 16 };

static const char config_name[] = "adapter_config.json", embed_module[] = "model.embed_tokens", head_module[] = "lm_head";

/* The last three are added to the first two. */
enum kind {
    KIND_WEIGHT,
    KIND_BIAS,
    KIND_A,
    KIND_B,
    KIND_EMBED_A,
    KIND_EMBED_B,
    KIND_INNER,
    KIND_COPY = KIND_INNER + 2,
    KIND_ORIGINAL = KIND_COPY + 2
};

/* A tensor of the adapter: what it is to which module of the base. */
struct entry {
    char *module;                         /* "model.layers.0.self_attn.q_proj" */
    enum kind kind;
    const struct stored *stored;
    bool used, idle;                      /* it found its place; one that is there and counts for nothing */
};

struct adapter {
    struct adapter_config *config;
    struct adapter_facts facts;
    char *folder;                         /* facts.folder */
    struct weight_plan plan;              /* its own directory */
    struct entry *entry;                  /* (n) by module and kind */
    size_t n;
    uint8_t **data;                       /* (plan.n_stored) rows one behind the other; NULL: not loaded */
    size_t room;                          /* bytes of each of 'panels' and 'rows', for the largest change */
    const struct change *of;              /* what 'panels' were filled for */
    float *panels, *rows;                 /* a in panels of 16 columns; rows of b */
};

/* ---- names ---- */

static const struct {
    const char *end;
    enum kind kind;
    const char *refused;                  /* the key that it belongs to; NULL: it is computed */
} ends[] = {
    { ".lora_A.weight", KIND_A, NULL }, { ".lora_B.weight", KIND_B, NULL },
    { ".lora_embedding_A", KIND_EMBED_A, NULL }, { ".lora_embedding_B", KIND_EMBED_B, NULL },
    { ".lora_B.bias", KIND_BIAS, "lora_bias" },
    { ".lora_magnitude_vector", KIND_WEIGHT, "use_dora" }, { ".lora_magnitude_vector.weight", KIND_WEIGHT, "use_dora" },
    { ".trainable_tokens_delta", KIND_WEIGHT, "trainable_token_indices" },
    { ".base_layer.weight", KIND_INNER + KIND_WEIGHT, NULL }, { ".base_layer.bias", KIND_INNER + KIND_BIAS, NULL },
    { ".modules_to_save.weight", KIND_COPY + KIND_WEIGHT, NULL }, { ".modules_to_save.bias", KIND_COPY + KIND_BIAS, NULL },
    { ".original_module.weight", KIND_ORIGINAL + KIND_WEIGHT, NULL }, { ".original_module.bias", KIND_ORIGINAL + KIND_BIAS, NULL },
    { ".weight", KIND_WEIGHT, NULL }, { ".bias", KIND_BIAS, NULL },
};

/* Put 'with' in the place of 'end', where the name ends so. */
static bool change_end(char *name, const char *end, const char *with)
{
    const size_t n = strlen(name), k = strlen(end);
    if (n <= k || strcmp(name + n - k, end))
        return false;
    strcpy(name + n - k, with);           /* which is never longer */
    return true;
}

/* e->module and e->kind, by the name of its tensor. */
static int read_name(struct entry *e, struct err *err)
{
    static const char prefix[] = "base_model.model.";
    const struct slice name = e->stored->name;
    const size_t skip =
        name.len > strlen(prefix) && !memcmp(name.ptr, prefix, strlen(prefix)) ? strlen(prefix) : 0; /* transformers writes none */
    e->module = xstrndup(name.ptr + skip, name.len - skip);
    /* older files have the adapter's name in those of its tensors */
    if (!change_end(e->module, ".default", "") && !change_end(e->module, ".default.weight", ".weight"))
        change_end(e->module, ".default.bias", ".bias");
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!change_end(e->module, ends[i].end, ""))
            continue;
        e->kind = ends[i].kind;
        return ends[i].refused
                   ? err_set(err, ERR_MODEL, "tensor %.200s: %s; an adapter with it is not supported", e->module, ends[i].refused)
                   : 0;
    }
    return err_set(err, ERR_MODEL, "tensor %.200s is none that this program knows of an adapter", e->module);
}

static int by_module(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    const int order = strcmp(x->module, y->module);
    return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
}

static struct entry *find(const struct adapter *ad, const char *module, enum kind kind)
{
    const struct entry key = { .module = (char *)module, .kind = kind };
    return ad->n ? bsearch(&key, ad->entry, ad->n, sizeof key, by_module) : NULL;
}

/* A tensor that takes the place of the base's. Where its module's name is there twice, peft reads the plain one; base_layer is a part of
 * modules with two factors, and of no others: weights of theirs under the plain name are dropped by peft without a word, and stay unused
 * here, so that they are refused. A bias under it is one that older files hold. */
static struct entry *find_whole(const struct adapter *ad, const char *module, enum kind kind)
{
    const bool factors = find(ad, module, KIND_A) || find(ad, module, KIND_EMBED_A);
    const bool dropped = factors && kind == KIND_WEIGHT && !adapter_config_saves(ad->config, module);
    struct entry *e = dropped ? NULL : find(ad, module, kind);
    if (!e && factors)
        e = find(ad, module, KIND_INNER + kind);
    return e ? e : find(ad, module, KIND_COPY + kind);
}

static const struct stored *stored_of(const struct entry *e)
{
    return e ? e->stored : NULL;
}

static const struct stored *use(struct entry *e)
{
    if (e)
        e->used = true;
    return stored_of(e);
}

static int list_entries(struct adapter *ad, struct err *err)
{
    ad->entry = xcalloc(ad->plan.n_stored, sizeof *ad->entry);
    for (; ad->n < ad->plan.n_stored; ad->n++) {
        const struct stored *t = &ad->plan.stored[ad->n];
        ad->entry[ad->n] = (struct entry){ .stored = t };
        if (read_name(&ad->entry[ad->n], err) < 0)
            return ad->n++, -1;           /* its name is there to be freed */
        if (t->dtype > DT_BF16)
            return ad->n++, err_set(err, ERR_MODEL, "tensor %.200s: %s is not supported; an adapter in F32, F16 or BF16 is",
                                    ad->entry[ad->n - 1].module, t->dtype == DT_COUNT ? t->type : dtype_info[t->dtype].name);
    }
    qsort(ad->entry, ad->n, sizeof *ad->entry, by_module);
    for (size_t i = 1; i < ad->n; i++)
        if (by_module(&ad->entry[i - 1], &ad->entry[i]) == 0)
            return err_set(err, ERR_FORMAT, "tensors %.*s and %.*s are the same thing twice", (int)ad->entry[i - 1].stored->name.len,
                           ad->entry[i - 1].stored->name.ptr, (int)ad->entry[i].stored->name.len, ad->entry[i].stored->name.ptr);
    return 0;
}

/* ---- open and close ---- */

bool adapter_file(const struct source *s, int file)
{
    return source_find(s, config_name) >= 0 && !strncmp(tensors_file_name(s->path[file]), "adapter_model.", strlen("adapter_model."));
}

/* The path of its weights, for messages. */
static const char *weights_of(const struct source *s)
{
    for (int i = 0; i < s->n_files; i++)
        if (adapter_file(s, i))
            return s->path[i];
    return config_name;
}

static int read_config(struct adapter *ad, const struct source *s, struct err *err)
{
    const int file = source_find(s, config_name), base = source_find(s, "config.json");
    struct buf b = {0};
    int rc = source_slurp(s, file, MAX_CONFIG, &b, err);
    if (rc == 0 && !(ad->config = adapter_config_parse(b.data, b.len, err)))
        rc = err_wrap(err, "%s", s->path[file]);
    buf_free(&b);
    if (rc < 0)
        return -1;
    const char *path = base < 0 ? "" : s->path[base];
    ad->folder = xstrndup(path, (size_t)(tensors_file_name(path) - path) - (tensors_file_name(path) > path));
    ad->facts = (struct adapter_facts){ .base = adapter_config_base(ad->config), .folder = ad->folder,
                                        .r = adapter_config_rank(ad->config), .alpha = adapter_config_alpha(ad->config) };
    return 0;
}

static size_t bytes_of(const struct stored *t)
{
    return (size_t)t->rows * dtype_row_bytes(t->dtype, (size_t)t->cols);
}

struct adapter *adapter_open(const struct source *s, struct err *err)
{
    struct adapter *ad = xcalloc(1, sizeof *ad);
    ad->plan.of_adapter = true;
    if (read_config(ad, s, err) < 0 || tensors_open(&ad->plan, s, err) < 0) {
        adapter_close(ad);
        return NULL;
    }
    if (list_entries(ad, err) < 0) {
        err_wrap(err, "%s", weights_of(s));
        adapter_close(ad);
        return NULL;
    }
    for (size_t i = 0; i < ad->plan.n_stored; i++)
        ad->facts.bytes += bytes_of(&ad->plan.stored[i]);
    return ad;
}

void adapter_close(struct adapter *ad)
{
    if (!ad)
        return;
    adapter_unload(ad);
    for (size_t i = 0; i < ad->n; i++)
        free(ad->entry[i].module);
    tensors_close(&ad->plan);
    adapter_config_free(ad->config);
    free(ad->entry);
    free(ad->folder);
    free(ad);
}

const struct adapter_facts *adapter_facts(const struct adapter *ad)
{
    return &ad->facts;
}

/* ---- what happens to which tensor of the base ---- */

/* Whole tensors of embedding and head. Where they were one matrix in the base, they still are in peft's model, so that a new one is of
 * both, the head's if the file has two, as it is loaded last; but a module that modules_to_save names is a copy of its own. */
static const struct stored *whole_of(const struct adapter *ad, const char *module, bool tied)
{
    const struct stored *own = stored_of(find_whole(ad, module, KIND_WEIGHT));
    const char *const both[] = { head_module, embed_module };
    if (!tied || (own && adapter_config_saves(ad->config, module)))
        return own;
    for (int i = 0; i < 2; i++) {
        const struct stored *t = stored_of(find_whole(ad, both[i], KIND_WEIGHT));
        if (t && !adapter_config_saves(ad->config, both[i]))
            return t;
    }
    return NULL;
}

static bool has_change(const struct adapter *ad, const char *module)
{
    for (enum kind k = KIND_A; k <= KIND_EMBED_B; k++)
        if (find(ad, module, k))
            return true;
    return false;
}

static int check_saved(const struct adapter *ad, const char *module, enum kind kind, struct err *err)
{
    if (!adapter_config_saves(ad->config, module) || find_whole(ad, module, kind))
        return 0;
    return err_set(err, ERR_MODEL, "modules_to_save names %s, but its %s is not in the adapter's file", module,
                   kind == KIND_BIAS ? "bias" : "weight");
}

int adapter_vocabulary(const struct adapter *ad, int n, bool tied, int *n_with, struct err *err)
{
    /* here, as a head that stays one with the embedding is planned with it and not for itself */
    if (check_saved(ad, embed_module, KIND_WEIGHT, err) < 0 || check_saved(ad, head_module, KIND_WEIGHT, err) < 0)
        return -1;
    const struct stored *embed = whole_of(ad, embed_module, tied), *head = whole_of(ad, head_module, tied);
    const uint64_t rows = embed ? embed->rows : (uint64_t)n, head_rows = head ? head->rows : (uint64_t)n;
    if (rows != head_rows)
        return err_set(err, ERR_MODEL, "the embedding has %llu rows with it and the head %llu; an adapter to a model of another vocabulary "
                       "must hold both", (unsigned long long)rows, (unsigned long long)head_rows);
    if (rows < 1 || rows > INT32_MAX)
        return err_set(err, ERR_MODEL, "its embedding has %llu rows", (unsigned long long)rows);
    *n_with = (int)rows;
    return 0;
}

bool adapter_splits(const struct adapter *ad, bool tied)
{
    struct err later;                     /* what is to have a change and has none is refused where that is planned */
    return adapter_config_targets(ad->config, head_module, false, &later) != 0 ||
           whole_of(ad, embed_module, tied) != whole_of(ad, head_module, tied) || has_change(ad, embed_module) ||
           has_change(ad, head_module);
}

static int check_shape(const struct stored *t, size_t rows, size_t cols, const char *what, struct err *err)
{
    if (t->rows == rows && t->cols == cols)
        return 0;
    return err_set(err, ERR_MODEL,
                   "tensor %.*s has the shape %llu x %llu, %s needs %zu x %zu; the adapter is of another base, or its files do "
                   "not belong together",
                   (int)t->name.len, t->name.ptr, (unsigned long long)t->rows, (unsigned long long)t->cols, what, rows, cols);
}

static void pass_over(struct adapter *ad, struct entry *e)
{
    if (!e || e->idle)
        return;
    e->used = e->idle = true;
    ad->facts.bytes -= bytes_of(e->stored);
}

/* Where peft saves embedding and head because the vocabulary is another, a module of modules_to_save is in the file three times: by its own
 * name, as the copy that was trained, and as what it was before. Only the first counts. */
static void pass_over_copies(struct adapter *ad, const char *module, enum kind kind, const char *partner)
{
    const bool kept = partner && !adapter_config_saves(ad->config, partner) && !find_whole(ad, partner, kind);
    if (find(ad, module, kind))
        pass_over(ad, find(ad, module, KIND_COPY + kind));
    if (!kept && adapter_config_saves(ad->config, module)) /* else it would be another one's, which is tied to it */
        pass_over(ad, find(ad, module, KIND_ORIGINAL + kind));
}

static int plan_whole(struct adapter *ad, const char *module, enum kind kind, size_t n, size_t k, bool tied, struct change *c,
                      struct err *err)
{
    const bool one_of_two = kind == KIND_WEIGHT && (!strcmp(module, embed_module) || !strcmp(module, head_module));
    const char *partner = !one_of_two || !tied ? NULL : !strcmp(module, embed_module) ? head_module : embed_module;
    struct entry *own = find_whole(ad, module, kind);
    use(own);
    pass_over_copies(ad, module, kind, partner);
    c->whole = one_of_two ? whole_of(ad, module, tied) : stored_of(own);
    if (partner) {                        /* where they stay one matrix, the other one's was looked at, too */
        use(find_whole(ad, partner, kind));
        pass_over_copies(ad, partner, kind, module);
    }
    if (check_saved(ad, module, kind, err) < 0)
        return -1;
    /* its own too where the other one's takes its place: both are loaded */
    if (own && check_shape(own->stored, k ? n : 1, k ? k : n, "the base", err) < 0)
        return -1;
    return c->whole ? check_shape(c->whole, k ? n : 1, k ? k : n, "the base", err) : 0;
}

/* The two factors of a change of the weights (n, k). */
static int plan_factors(struct adapter *ad, const char *module, size_t n, size_t k, size_t rows, struct change *c, struct err *err)
{
    c->embedding = !strcmp(module, embed_module);
    struct entry *a = find(ad, module, c->embedding ? KIND_EMBED_A : KIND_A), *b = find(ad, module, c->embedding ? KIND_EMBED_B : KIND_B);
    const bool linear = !c->embedding && strcmp(module, head_module) != 0;
    /* files and configuration are compared in both directions: what one of them lacks is a change that somebody meant */
    const int wanted = adapter_config_targets(ad->config, module, linear, err);
    if (wanted < 0)
        return -1;
    if (!a != !b)
        return err_set(err, ERR_MODEL, "%s: one factor of its change without the other; the adapter is incomplete", module);
    if (!wanted && a)
        return err_set(err, ERR_MODEL,
                       "%s has a change, but target_modules and its like in %s do not name it, so that peft would leave it out; "
                       "correct one of the files",
                       module, config_name);
    if (wanted && !a)
        return err_set(err, ERR_MODEL, "%s is to have a change by target_modules of %s, but there is none in the adapter's file; it is "
                       "incomplete", module, config_name);
    if (!a)
        return 0;
    c->a = use(a), c->b = use(b);
    if (adapter_config_scale(ad->config, module, &c->r, &c->scale, err) < 0)
        return -1;
    const size_t r = (size_t)c->r, panels = (k + PANEL - 1) / PANEL * PANEL * r, piece = (n < rows ? n : rows) * r;
    const size_t room = sizeof(float) * (panels > piece ? panels : piece);
    if (room > ad->room)
        ad->facts.bytes += 2 * (room - ad->room), ad->room = room;
    if (c->embedding)
        return check_shape(c->a, r, n, "r and the base", err) < 0 ? -1 : check_shape(c->b, k, r, "r and the base", err);
    return check_shape(c->a, r, k, "r and the base", err) < 0 ? -1 : check_shape(c->b, n, r, "r and the base", err);
}

int adapter_plan(struct adapter *ad, const char *name, size_t n, size_t k, size_t rows, bool tied, struct change *change, struct err *err)
{
    char *module = xstrdup(name);
    const enum kind kind = change_end(module, ".bias", "") ? KIND_BIAS : KIND_WEIGHT;
    change_end(module, ".weight", "");
    *change = (struct change){0};
    int rc = plan_whole(ad, module, kind, n, k, tied, change, err);
    if (rc == 0 && k)
        rc = plan_factors(ad, module, n, k, rows, change, err);
    free(module);
    return rc;
}

int adapter_all_used(const struct adapter *ad, const struct source *s, struct err *err)
{
    for (size_t i = 0; i < ad->n; i++)
        if (!ad->entry[i].used)
            return err_set(err, ERR_MODEL,
                           "%s: tensor %.*s changes nothing that the base has and this program computes; without it the answers "
                           "would be another model's",
                           weights_of(s), (int)ad->entry[i].stored->name.len, ad->entry[i].stored->name.ptr);
    return 0;
}

/* ---- loading ---- */

static int by_place(const void *a, const void *b)
{
    const struct stored *x = *(const struct stored *const *)a, *y = *(const struct stored *const *)b;
    return x->file != y->file ? (x->file > y->file) - (x->file < y->file) : (x->offset > y->offset) - (x->offset < y->offset);
}

/* All rows of a tensor, in pieces as a source gives them. */
static int load_one(struct adapter *ad, const struct source *s, const struct stored *t, struct err *err)
{
    uint8_t **to = &ad->data[t - ad->plan.stored];
    const size_t row = dtype_row_bytes(t->dtype, (size_t)t->cols), step = row < PIECE ? PIECE / row : 1;
    if (!(*to = malloc(bytes_of(t))))
        return err_set(err, ERR_MEMORY, "memory: no %zu MB for a tensor of the adapter", bytes_of(t) >> 20);
    for (uint64_t r = 0; r < t->rows; r += step) {
        const uint64_t n = t->rows - r < step ? t->rows - r : step;
        if (stored_read(&ad->plan, s, t, r, n, *to + r * row, err) < 0)
            return -1;
    }
    return 0;
}

int adapter_load(struct adapter *ad, const struct source *s, struct err *err)
{
    const struct stored **order = xcalloc(ad->n, sizeof *order);
    size_t n = 0;
    int rc = 0;
    ad->data = xcalloc(ad->plan.n_stored, sizeof *ad->data);
    for (size_t i = 0; i < ad->n; i++)
        if (!ad->entry[i].idle)
            order[n++] = ad->entry[i].stored;
    qsort(order, n, sizeof *order, by_place); /* forward through the file */
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = load_one(ad, s, order[i], err);
    stored_done(&ad->plan);
    ad->panels = malloc(ad->room);
    ad->rows = malloc(ad->room);
    if (rc == 0 && ad->room && !(ad->panels && ad->rows))
        rc = err_set(err, ERR_MEMORY, "memory: no %zu MB to add the adapter in", ad->room >> 20);
    free(order);
    return rc;
}

void adapter_unload(struct adapter *ad)
{
    for (size_t i = 0; ad->data && i < ad->plan.n_stored; i++)
        free(ad->data[i]);
    free(ad->data);
    free(ad->panels);
    free(ad->rows);
    ad->data = NULL;
    ad->panels = ad->rows = NULL;
    ad->of = NULL;
}

/* Number (i, j) of a tensor in memory. */
static float number(const struct adapter *ad, const struct stored *t, size_t i, size_t j)
{
    return dtype_number(t->dtype, ad->data[t - ad->plan.stored], i * (size_t)t->cols + j);
}

/* The factor (r, k) on the right, (k, j) at (j / 16 * r + k) * 16 + j % 16. */
static void fill_panels(struct adapter *ad, const struct change *c, size_t cols)
{
    const size_t r = (size_t)c->r;
    if (ad->of == c)
        return;
    for (size_t j = 0; j < (cols + PANEL - 1) / PANEL * PANEL; j++)
        for (size_t k = 0; k < r; k++) {
            float *to = &ad->panels[(j / PANEL * r + k) * PANEL + j % PANEL];
            *to = j >= cols ? 0 : c->embedding ? number(ad, c->b, j, k) : number(ad, c->a, k, j);
        }
    ad->of = c;
}

/* Rows of the factor (n, r) on the left. */
static void fill_rows(struct adapter *ad, const struct change *c, size_t row0, size_t n)
{
    const size_t r = (size_t)c->r;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < r; k++)
            ad->rows[i * r + k] = c->embedding ? number(ad, c->a, k, row0 + i) : number(ad, c->b, row0 + i, k);
}

int adapter_apply(struct adapter *ad, const struct model *m, const struct change *c, enum dtype t, size_t k, void *raw, size_t row0,
                  size_t n, struct err *err)
{
    const float none = 0;
    int infinite = 0;
    if (!c->whole && !c->a)
        return 0;
    if (c->a)
        fill_panels(ad, c, k), fill_rows(ad, c, row0, n);
    const enum dtype from_type = c->whole ? c->whole->dtype : t;
    const void *from = c->whole ? ad->data[c->whole - ad->plan.stored] + row0 * dtype_row_bytes(from_type, k) : raw;
    MTB_DO(m, low_rank_add, .rows = raw, .from = from, .dtype = t, .from_dtype = from_type, .b = c->a ? ad->rows : &none,
           .a = c->a ? ad->panels : &none, .scale = c->scale, .n_rows = (int)n, .n_cols = (int)k, .r = c->r, .infinite = &infinite);
    if (infinite)
        return err_set(err, ERR_MODEL,
                       "with the adapter a number is too large for %s, which is the base's type; merge the two in a wider type "
                       "(peft: merge_and_unload)",
                       dtype_info[t].name);
    return 0;
}
