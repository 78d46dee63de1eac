/* modelfiles.c - which files of a folder, or of a repository, are a model. */
#include "modelfiles.h"

#include "mtbench/hubrepo.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(a) (sizeof(a) / sizeof *(a))

/* ---- sets of names ---- */

bool name_ends_in(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && !strcmp(name + n - k, suffix);
}

static int by_name(const void *a, const void *b) /* bytes, not a locale's order: equal on all machines */
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void names_add(struct names *s, char *name)
{
    s->at = xrealloc(s->at, (size_t)s->n + 1, sizeof *s->at);
    s->at[s->n++] = name;
}

void names_sort(struct names *s)
{
    if (s->n)
        qsort(s->at, (size_t)s->n, sizeof *s->at, by_name);
}

/* Sorted, each once. */
static void names_unite(struct names *s)
{
    int kept = 0;
    names_sort(s);
    for (int i = 0; i < s->n; i++)
        if (kept && !strcmp(s->at[kept - 1], s->at[i]))
            free(s->at[i]);
        else
            s->at[kept++] = s->at[i];
    s->n = kept;
}

bool names_have(const struct names *s, const char *name)
{
    return s->n && bsearch(&name, s->at, (size_t)s->n, sizeof *s->at, by_name);
}

void names_free(struct names *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->at[i]);
    free(s->at);
}

/* ---- beside the weights ---- */

/* Only what somebody reads: a hash over a model's files must not change with its README. */
int modelfiles_part(const char *name)
{
    static const char *const rest[] = { "config.json", "generation_config.json" };
    static const char *const tokenizer[] = {
        "tokenizer.json",          "tokenizer_config.json", "tokenizer.model",    "added_tokens.json",
        "special_tokens_map.json", "chat_template.jinja",   "chat_template.json",
    };
    for (size_t i = 0; i < LENGTH(rest); i++)
        if (!strcmp(name, rest[i]))
            return LIST_REST;
    for (size_t i = 0; i < LENGTH(tokenizer); i++)
        if (!strcmp(name, tokenizer[i]))
            return LIST_TOKENIZER;
    /* Chat templates by name have a folder of their own. */
    bool named = !strncmp(name, "additional_chat_templates/", 26) && name_ends_in(name, ".jinja") && !strchr(name + 26, '/');
    return named ? LIST_TOKENIZER : 0;
}

const char *modelfiles_adapter(const struct names *all)
{
    static const char *const weights[] = { "adapter_model.safetensors", "adapter_model.bin" }; /* peft takes the first that is there */
    for (size_t i = 0; i < LENGTH(weights); i++)
        if (names_have(all, weights[i]))
            return weights[i];
    return NULL;
}

/* ---- weights of the usual names ---- */

/* In the order in which transformers looks: a whole file, or the index that says what shards there are. */
static const struct form forms[] = {
    { "model.safetensors", "model.safetensors.index.json", ".safetensors" },
    { "pytorch_model.bin", "pytorch_model.bin.index.json", ".bin" },
};

static const struct form *form_of(const struct names *all)
{
    for (size_t i = 0; i < LENGTH(forms); i++)
        if (names_have(all, forms[i].whole) || names_have(all, forms[i].table))
            return &forms[i];
    return NULL;
}

const char *modelfiles_usual(const struct names *all)
{
    const struct form *form = form_of(all);
    return !form ? NULL : names_have(all, form->whole) ? form->whole : form->table;
}

const char *modelfiles_index(const struct names *all)
{
    const struct form *form = form_of(all);
    return form && !names_have(all, form->whole) ? form->table : NULL;
}

/* The file that the index names for one tensor. */
static int choose_named(const struct names *all, const cJSON *tensor, const char *suffix, struct choice *c, struct err *err)
{
    const char *name = cJSON_IsString(tensor) ? tensor->valuestring : "";
    char shown[2][101];
    /* An index is a downloaded file: a name that leads out of the folder ("../x") is not followed. */
    if (!name_ends_in(name, suffix) || strchr(name, '/'))
        return err_set(err, ERR_FORMAT, "tensor %s lies in \"%s\", which is no %s file of this folder", hub_shown(tensor->string, shown[0]),
                       hub_shown(name, shown[1]), suffix);
    char *own = xstrdup(name);
    if (!c->missing && !names_have(all, name))
        c->missing = own;
    names_add(&c->weights, own);
    return 0;
}

/* The shards that the index names, and no other file. */
static int choose_indexed(const struct names *all, const char *index, size_t n, struct choice *c, struct err *err)
{
    cJSON *root = json_parse(index, n, err);
    const cJSON *map = json_get(root, "weight_map"), *j;
    int rc = root ? 0 : -1;
    if (root && !(cJSON_IsObject(map) && map->child))
        rc = err_set(err, ERR_FORMAT, "it names no file: there is no \"weight_map\" in it, or an empty one");
    if (rc == 0)
        cJSON_ArrayForEach(j, map)
            if (rc == 0 && !c->missing)
                rc = choose_named(all, j, form_of(all)->suffix, c, err);
    names_unite(&c->weights);            /* hundreds of tensors name the same few files; the missing one ended the search, so it stays */
    cJSON_Delete(root);
    return rc < 0 ? -1 : c->missing ? CHOSEN_IN_PART : CHOSEN;
}

/* ---- weights of other names ---- */

bool modelfiles_shard(const char *name, const char *suffix, int *stem, int *number, int *count)
{
    static const char pattern[] = "-00001-of-00002";
    size_t n = strlen(name), tail = strlen(pattern) + strlen(suffix);
    char form[8];
    if (!name_ends_in(name, suffix) || n <= tail)
        return false;
    const char *p = name + n - tail;
    *stem = (int)(p - name);
    for (int i = 0; i < 15; i++)
        /* Digits of both numbers; all else as in the pattern. */
        if ((i >= 1 && i <= 5) || i >= 10 ? p[i] < '0' || p[i] > '9' : p[i] != pattern[i])
            return false;
    memcpy(form, p + 1, 5), form[5] = '\0', *number = atoi(form); /* five digits: they fit */
    memcpy(form, p + 10, 5), *count = atoi(form);
    return *number >= 1 && *number <= *count;
}

int modelfiles_choose_set(const struct names *all, const char *name, const char *suffix, struct choice *c)
{
    int stem = 0, number = 0;
    *c = (struct choice){ .suffix = suffix, .first = name };
    modelfiles_shard(name, suffix, &stem, &number, &c->count);
    for (int i = 1; i <= c->count; i++) {
        char *one = xasprintf("%.*s-%05d-of-%05d%s", stem, name, i, c->count, suffix);
        const bool there = names_have(all, one);
        names_add(&c->weights, one);
        c->there += there;
        if (!there && !c->missing)
            c->missing = one;
    }
    /* A missing shard would only show as missing tensors, by a name that says nothing to its user. */
    return c->missing ? CHOSEN_IN_PART : CHOSEN;
}

static bool matches(const char *name, const char *const *pattern, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(pattern[i], name, 0) == 0)
            return true;
    return false;
}

/* Anything may end in .bin: without the usual name or an index a file must look like weights, and like no other's. */
static bool no_weights(const char *name)
{
    static const char *const weights[] = { "*model*", "*weight*", "consolidated*", "*-[0-9][0-9][0-9][0-9][0-9]-of-*" };
    static const char *const others[] = {
        "training_args.bin",  "optimizer*.bin", "scheduler*.bin",     "rng_state*.bin",          "random_states*.bin",
        "adapter_model*.bin", "scaler*.bin",    "trainer_state*.bin", "non_lora_trainables.bin", "mm_projector.bin",
    };
    return name_ends_in(name, ".bin") && (!matches(name, weights, LENGTH(weights)) || matches(name, others, LENGTH(others)));
}

/* The only file of this kind, or the shards of the only set of them. */
static int choose_only(const struct names *all, const char *suffix, struct choice *c)
{
    const char *first = NULL;
    int stem = 0, number, count = 0;
    for (int i = 0; i < all->n; i++) {
        const char *name = all->at[i];
        int s, k, of;
        if (!name_ends_in(name, suffix) || strchr(name, '/') || no_weights(name))
            continue;
        bool shard = modelfiles_shard(name, suffix, &s, &k, &of);
        /* Neither is preferred: which of two models is meant is the user's to say, not the alphabet's. */
        if (first && !(shard && count == of && stem == s && !strncmp(first, name, (size_t)s))) {
            *c = (struct choice){ .suffix = suffix, .first = first, .other = name };
            return CHOSEN_SEVERAL;
        }
        if (!first && !modelfiles_shard(first = name, suffix, &stem, &number, &count))
            count = 0;
    }
    if (count)
        return modelfiles_choose_set(all, first, suffix, c);
    if (first)
        names_add(&c->weights, xstrdup(first));
    return first ? CHOSEN : CHOSEN_NONE;
}

int modelfiles_choose(const struct names *all, const char *index, size_t n, struct choice *c, struct err *err)
{
    static const char *const suffix[] = { ".safetensors", ".gguf", ".bin" };
    int rc = CHOSEN_NONE;
    *c = (struct choice){ .index = modelfiles_index(all) };
    if (c->index)
        return choose_indexed(all, index, n, c, err);
    if (modelfiles_usual(all)) {
        names_add(&c->weights, xstrdup(modelfiles_usual(all)));
        return CHOSEN;
    }
    for (size_t i = 0; rc == CHOSEN_NONE && i < LENGTH(suffix); i++)
        rc = choose_only(all, suffix[i], c);
    for (size_t i = 0; rc == CHOSEN_SEVERAL && i < LENGTH(forms); i++)
        if (!strcmp(forms[i].suffix, c->suffix))
            c->form = &forms[i];
    return rc;
}
