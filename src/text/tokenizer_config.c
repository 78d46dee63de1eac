/* tokenizer_config.c - what tokenizer_config.json and added_tokens.json say beside the vocabulary (room: text). */
#include "tokenizer_parts.h"

#include "mtbench/keys.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool flag(const cJSON *j, const char *name, bool otherwise)
{
    const cJSON *b = json_get(j, name);
    return cJSON_IsBool(b) ? cJSON_IsTrue(b) : otherwise;
}

/* ---- the files ---- */

/* In folders without added_tokens_decoder, special_tokens_map.json has the last word about the roles. */
static void roles_of_map(struct tokenizer_side *side, cJSON *map)
{
    if (!map || json_get(side->config, "added_tokens_decoder"))
        return;
    if (!side->config)
        side->config = cJSON_CreateObject();
    for (cJSON *j = map->child, *next; j; j = next) {
        /* Items are moved, not copied; 'next' is kept since detaching clears it. */
        next = j->next;
        cJSON_DetachItemViaPointer(map, j);
        cJSON_DeleteItemFromObjectCaseSensitive(side->config, j->string);
        char *key = xstrdup(j->string);          /* adding frees the item's own name */
        cJSON_AddItemToObject(side->config, key, j);
        free(key);
    }
}

static int parse_file(struct slice s, const char *name, cJSON **to, struct err *err)
{
    /* an empty file is no file, as for who made it */
    if (!s.ptr || !s.len)
        return 0;
    if (!(*to = json_parse(s.ptr, s.len, err)))
        return err_wrap(err, "%s", name);
    return cJSON_IsObject(*to) ? 0 : err_set(err, ERR_FORMAT, "%s: no JSON object", name);
}

int side_parse(const struct tokenizer_files *files, struct tokenizer_side *side, struct err *err)
{
    cJSON *map = NULL;
    int rc = parse_file(files->config, "tokenizer_config.json", &side->config, err);
    if (rc == 0)
        rc = parse_file(files->special_map, "special_tokens_map.json", &map, err);
    if (rc == 0)
        rc = parse_file(files->added, "added_tokens.json", &side->added, err);
    if (rc == 0)
        rc = parse_file(files->model, "config.json", &side->model, err);
    if (rc == 0) {
        roles_of_map(side, map);
        rc = keys_of_config(side->config, err) < 0 ? err_wrap(err, "tokenizer_config.json") : 0;
    }
    cJSON_Delete(map);
    return rc;
}

void side_free(struct tokenizer_side *side)
{
    cJSON_Delete(side->config);
    cJSON_Delete(side->added);
    cJSON_Delete(side->model);
}

/* ---- roles ---- */

static const char *const role_key[ROLE_COUNT] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};

/* A token is a string or an object with its content. */
static const char *token_text(const cJSON *j)
{
    const cJSON *s = cJSON_IsObject(j) ? json_get(j, "content") : j;
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

static int check_token(const cJSON *j, const char *name, struct err *err)
{
    if (!j || cJSON_IsNull(j))
        return 0;
    if (!token_text(j))
        return err_set(err, ERR_FORMAT, "tokenizer_config.json: %s is neither a text nor a token; correct the file", name);
    if (nul_spelled(token_text(j), strlen(token_text(j))))
        return err_set(err, ERR_MODEL, "tokenizer_config.json: %s has a character U+0000, which is not supported", name);
    struct buf foreign = {0};
    int rc = cJSON_IsObject(j) ? keys_of_token(j, &foreign, err) : 0;
    buf_free(&foreign);
    return rc < 0 ? err_wrap(err, "tokenizer_config.json: %s", name) : 0;
}

/* In the order of the files: FastChat deletes special tokens in this order. */
static void add_additional(struct tokenizer *t, const char *text)
{
    if (!text || !*text)
        return;
    t->additional = xrealloc(t->additional, (size_t)t->n_additional + 1, sizeof *t->additional);
    t->additional[t->n_additional++] = xstrdup(text);
    tokenizer_order(t, text);
}

/* What a class calls otherwise, as given or by default; NULL: none. */
static const char *more_text(const struct class *c, int i, const cJSON *config)
{
    const cJSON *given = c->more[i].key ? json_get(config, c->more[i].key) : NULL;
    return given ? token_text(given) : c->more[i].text;
}

static int additional_tokens(struct tokenizer *t, const struct class *c, const cJSON *config, struct err *err)
{
    /* transformers 5 writes the list under the second name. */
    static const char *const key[] = { "additional_special_tokens", "extra_special_tokens" };
    const cJSON *item;
    for (size_t i = 0; i < sizeof key / sizeof *key; i++) {
        const cJSON *list = json_get(config, key[i]);
        cJSON_ArrayForEach(item, list)
        {
            if (!cJSON_IsArray(list))
                break;
            if (cJSON_IsNull(item) || check_token(item, key[i], err) < 0)
                return cJSON_IsNull(item) ? err_set(err, ERR_FORMAT, "tokenizer_config.json: %s has a null; correct the file", key[i]) : -1;
            add_additional(t, token_text(item));
        }
    }
    for (int i = 0; i < MORE_TOKENS; i++)
        add_additional(t, more_text(c, i, config));
    return 0;
}

int config_roles(struct tokenizer *t, const struct class *c, const cJSON *config, struct err *err)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        const cJSON *given = json_get(config, role_key[i]);
        const char *text = given ? token_text(given) : c->role[i];
        if (check_token(given, role_key[i], err) < 0)
            return -1;
        if (!given && !text)
            continue;                                /* what the vocabulary's own file says stays */
        free(t->role[i]);
        t->role[i] = text && *text ? xstrdup(text) : NULL;
    }
    for (int i = 0; i < ROLE_COUNT; i++)
        if (t->role[i])
            tokenizer_order(t, t->role[i]);
    /* PreTrainedTokenizerBase's default is false */
    t->clean_up = flag(config, "clean_up_tokenization_spaces", false);
    return additional_tokens(t, c, config, err);
}

bool config_has_empty_role(const cJSON *config)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        const char *given = token_text(json_get(config, role_key[i]));
        if (given && !*given)
            return true;
    }
    return false;
}

/* Conversions of early 2023 say "" for every role. No token has that text, and the slow LlamaTokenizer then asks SentencePiece for its id,
 * which is the unknown piece's: what those models have seen before every text. */
static int32_t frame_id(const struct tokenizer *t, const cJSON *config, enum role role)
{
    const char *given = token_text(json_get(config, role_key[role]));
    return t->slow.on && given && !*given ? t->spm.unk : t->role[role] ? tokenizer_id(t, t->role[role], strlen(t->role[role])) : -1;
}

int config_frame(struct tokenizer *t, const struct class *c, const cJSON *config, struct err *err)
{
    static const char *const name[] = { "bos", "eos" };
    const int32_t id[] = { frame_id(t, config, ROLE_BOS), frame_id(t, config, ROLE_EOS) };
    struct ids *const to[] = { &t->lead, &t->tail };
    if (!c->frame)
        return 0;
    for (int i = 0; i < 2; i++) {
        const cJSON *asked = json_get(config, i ? "add_eos_token" : "add_bos_token");
        ids_clear(to[i]);
        if (asked ? !cJSON_IsTrue(asked) : i || !c->add_bos)      /* null is no, as in Python */
            continue;
        if (id[i] < 0)
            return err_set(err, ERR_FORMAT, "tokenizer_config.json: add_%s_token asks for a token that %s_token does not name; "
                           "name it, or say false", name[i], name[i]);
        ids_add(to[i], id[i]);
    }
    return 0;
}

/* ---- tokens beside tokenizer.json ---- */

/* By text, as transformers compares: an object and a text of one content are one token. */
static bool is_role(const struct tokenizer *t, const char *text)
{
    for (int i = 0; i < t->n_order; i++)
        if (!strcmp(t->role_order[i], text))
            return true;
    return false;
}

/* As AddedVocabulary of tokenizers counts: behind the last that was added, but never inside the vocabulary. */
int32_t config_new_id(const struct tokenizer *t, const char *text, size_t n)
{
    /* Counted in tokens, not in ids: a vocabulary with holes gives a new token the number of tokens it has, though ids beyond
     * are in use. */
    int32_t id = tokenizer_id(t, text, n), next = t->lexicon.n_tokens;
    for (int i = 0; id < 0 && i < t->added.n; i++)
        next = t->added.token[i].id >= next ? t->added.token[i].id + 1 : next;
    return id >= 0 ? id : next;
}

/* 'j': an AddedToken's object, or NULL for one that has a text only. */
static void put_token(struct tokenizer *t, const cJSON *j, const char *text, bool special)
{
    special = special || flag(j, "special", false);
    added_put(&t->added, &(struct added_token){
                             .text = (char *)text,
                             .len = strlen(text),
                             .id = config_new_id(t, text, strlen(text)),
                             .special = special || is_role(t, text),
                             .lstrip = flag(j, "lstrip", false),
                             .rstrip = flag(j, "rstrip", false),
                             .single_word = flag(j, "single_word", false),
                             /* AddedToken's default in Python: special tokens see the raw text, others the normalised one. */
                             .normalized = flag(j, "normalized", !special),
                         });
}

struct side_token {
    long id;
    const cJSON *j;
    const char *text;
};

static int by_id(const void *a, const void *b)
{
    const struct side_token *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* In the list added_tokens of tokenizer.json, by the id that stands there, or by text. */
static const cJSON *own_token(const cJSON *own, long id, const char *text)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, own)
    {
        const cJSON *its = json_get(j, "id");
        if (text ? token_text(j) && !strcmp(token_text(j), text) : cJSON_IsNumber(its) && (long)its->valuedouble == id)
            return j;
    }
    return NULL;
}

static int read_side(struct side_token *side, const cJSON *j, struct err *err)
{
    char *end = "";
    const bool plain = cJSON_IsNumber(j);        /* added_tokens.json: text to id */
    /* keys of added_tokens_decoder are ids as text */
    *side = (struct side_token){ plain ? (long)j->valuedouble : strtol(j->string, &end, 10), j, plain ? j->string : token_text(j) };
    if (!side->text || !*side->text || *end || (!plain && end == j->string) || side->id < 0)
        return err_set(err, ERR_FORMAT, "added token \"%.40s\": no pair of a text and an id", j->string);
    if (nul_spelled(side->text, strlen(side->text)))
        return err_set(err, ERR_MODEL, "added token \"%.40s\" has a character U+0000, which is not supported", j->string);
    return 0;
}

/* In the order of the ids that the file gives, which only says who comes first: what is new gets the next free id. An id of
 * added_tokens.json that tokenizer.json gives as well is tokenizer.json's. */
static int put_list(struct tokenizer *t, const cJSON *list, const cJSON *own, struct err *err)
{
    const int n = cJSON_GetArraySize(list);
    struct side_token *side = xcalloc((size_t)n + 1, sizeof *side);
    struct buf foreign = {0};
    const cJSON *j;
    int i = 0, rc = 0;
    cJSON_ArrayForEach(j, list)
        if (rc == 0 && (rc = read_side(&side[i], j, err)) == 0 && cJSON_IsObject(side[i++].j))
            rc = keys_of_token(j, &foreign, err);
    keys_note("tokenizer_config.json", &foreign);
    if (rc == 0)
        /* JSON's order says nothing; transformers sorts by id before it adds, and the order decides about new ids. */
        qsort(side, (size_t)n, sizeof *side, by_id);
    for (i = 0; i < n && rc == 0; i++) {
        const bool plain = cJSON_IsNumber(side[i].j);
        if (!plain || !own_token(own, side[i].id, NULL))
            put_token(t, plain ? NULL : side[i].j, side[i].text, plain && is_role(t, side[i].text));
    }
    buf_free(&foreign);
    free(side);
    return rc;
}

struct beside {
    const struct class *class;
    const cJSON *config, *decoder, *own;      /* decoder: added_tokens_decoder, or NULL */
};

static const cJSON *in_decoder(const struct beside *b, const char *text)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, b->decoder)
        if (token_text(j) && !strcmp(token_text(j), text))
            return j;
    return NULL;
}

/* A role's token, given as 'j' or, NULL, by the class. One that a list names has that list's flags, an object its own; a bare text is added
 * with none where nobody has added it yet. Either way it is special from here on, but for a bare text that was there. */
static void put_role(struct tokenizer *t, const struct beside *b, const cJSON *j, const char *text, bool alone)
{
    /* transformers replaces the role's text by the listed token of that text before the class sees it. */
    const cJSON *listed = j && alone ? b->decoder ? in_decoder(b, text) : own_token(b->own, 0, text) : NULL;
    if (listed)
        j = listed;
    if (cJSON_IsObject(j) || (alone && b->class->objects) || !added_find(&t->added, text, strlen(text)))
        put_token(t, cJSON_IsObject(j) ? j : NULL, text, true);
}

/* Of two roles with one text the first counts. */
static bool is_first(const struct tokenizer *t, int role)
{
    for (int i = 0; i < role; i++)
        if (t->role[i] && !strcmp(t->role[i], t->role[role]))
            return false;
    return true;
}

/* The object or text of an additional token, NULL: it is of the class. */
static const cJSON *additional_json(const cJSON *config, const char *text)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, json_get(config, "additional_special_tokens"))
        if (token_text(item) && !strcmp(token_text(item), text))
            return item;
    return NULL;
}

int config_side_tokens(struct tokenizer *t, const struct class *c, const struct tokenizer_side *side, const cJSON *own, struct err *err)
{
    const cJSON *config = side->config, *decoder = json_get(config, "added_tokens_decoder");
    const struct beside b = { c, config, cJSON_IsObject(decoder) ? decoder : NULL, own };
    if (put_list(t, b.decoder ? b.decoder : side->added, b.decoder ? NULL : own, err) < 0)
        return -1;
    for (int i = 0; i < ROLE_COUNT; i++)
        if (t->role[i] && is_first(t, i))
            put_role(t, &b, json_get(config, role_key[i]), t->role[i], true);
    for (int i = 0; i < t->n_additional; i++)
        put_role(t, &b, additional_json(config, t->additional[i]), t->additional[i], false);
    return 0;
}

enum { MAX_ID = 1 << 24 };

/* For LlamaTokenizer, the slow one: there the ids of the files count, not the order. */
int config_added(struct tokenizer *t, const cJSON *list, struct err *err)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, list)
    {
        const char *text = cJSON_IsNumber(j) ? j->string : token_text(j);
        char *end = NULL;
        double id = cJSON_IsNumber(j) ? j->valuedouble : strtod(j->string ? j->string : "x", &end);
        if (!text || !*text || (end && (*end || end == j->string)) || !(id >= 0 && id < MAX_ID) || id != floor(id))
            return err_set(err, ERR_FORMAT, "added token \"%.40s\": no pair of a text and an id", j->string ? j->string : "");
        added_add(&t->added, &(struct added_token){
            .text = (char *)text, .len = strlen(text), .id = (int32_t)id, .special = cJSON_IsObject(j) && flag(j, "special", false),
            .lstrip = flag(j, "lstrip", false), .rstrip = flag(j, "rstrip", false), .single_word = flag(j, "single_word", false),
        });
    }
    return 0;
}

/* The object that a role's or an additional token's flags come from; NULL: all are off. */
static const cJSON *flags_of(const struct tokenizer *t, const cJSON *config, const char *text)
{
    const struct beside b = { .decoder = json_get(config, "added_tokens_decoder") };
    const cJSON *j = in_decoder(&b, text);
    for (int i = 0; i < ROLE_COUNT && !j; i++)
        if (t->role[i] && !strcmp(t->role[i], text))
            j = json_get(config, role_key[i]);
    j = j ? j : additional_json(config, text);
    return cJSON_IsObject(j) ? j : NULL;
}

/* Ids as PreTrainedTokenizer of transformers counts them: as many as there are texts. */
void config_missing(struct tokenizer *t, const cJSON *config)
{
    for (int i = 0; i < t->n_order; i++) {
        const char *text = t->role_order[i];
        const cJSON *j = flags_of(t, config, text);
        int32_t id = tokenizer_id(t, text, strlen(text)), beyond = 0;
        for (int k = 0; k < t->added.n; k++)
            beyond += lexicon_find(&t->lexicon, t->added.token[k].text, t->added.token[k].len) < 0;
        added_put(&t->added, &(struct added_token){
            .text = (char *)text, .len = strlen(text), .id = id >= 0 ? id : t->lexicon.n_tokens + beyond, .special = true,
            .lstrip = flag(j, "lstrip", false), .rstrip = flag(j, "rstrip", false), .single_word = flag(j, "single_word", false),
        });
    }
}
