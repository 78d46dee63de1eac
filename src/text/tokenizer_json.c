/* tokenizer_json.c - a tokenizer from Hugging Face's tokenizer.json: each component into steps, merges and tokens (room: text).
 * A component that is not known here is an error that names it: a tokenizer that is almost right gives silently worse answers. */
#include "tokenizer_parts.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char underline[] = "\xe2\x96\x81";           /* U+2581 */

static const char *text_of(const cJSON *j, const char *name)
{
    const cJSON *s = json_get(j, name);
    return cJSON_IsString(s) ? s->valuestring : NULL;
}

static bool flag(const cJSON *j, const char *name, bool otherwise)
{
    const cJSON *b = json_get(j, name);
    return cJSON_IsBool(b) ? cJSON_IsTrue(b) : otherwise;
}

static int number(const cJSON *j, const char *name, int otherwise)
{
    const cJSON *n = json_get(j, name);
    return cJSON_IsNumber(n) && n->valuedouble >= INT_MIN && n->valuedouble <= INT_MAX ? (int)n->valuedouble : otherwise;
}

static int unknown(const char *what, const char *name, struct err *err)
{
    return err_set(err, ERR_MODEL, "tokenizer.json: %s \"%.60s\" is not supported", what, name ? name : "(none)");
}

static void set_text(struct step *s, const char *text)
{
    s->text = xstrdup(text ? text : "");
    s->len = strlen(s->text);
}

/* {"String": s} is literal, {"Regex": s} a pattern; a bare string is literal. */
static struct pattern *pattern_of(const cJSON *j, struct err *err)
{
    const char *literal = cJSON_IsString(j) ? j->valuestring : text_of(j, "String"), *regex = text_of(j, "Regex");
    if (!literal && !regex) {
        err_set(err, ERR_FORMAT, "tokenizer.json: a pattern is neither String nor Regex");
        return NULL;
    }
    return pattern_create(literal ? literal : regex, strlen(literal ? literal : regex), literal != NULL, err);
}

static enum behaviour behaviour_of(const cJSON *j)
{
    static const char *const name[] = { "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous" };
    const char *s = text_of(j, "behavior");
    for (int i = 0; s && i < 5; i++)
        if (!strcmp(s, name[i]))
            return (enum behaviour)i;
    return SPLIT_ISOLATED;
}

typedef int read_component(struct steps *s, const cJSON *j, const char *type, struct err *err);

/* A component, or a Sequence of them under 'list'. */
static int read_steps(struct steps *s, const cJSON *j, const char *list, read_component *read, struct err *err)
{
    const cJSON *item;
    const char *type = text_of(j, "type");
    if (!j || cJSON_IsNull(j))
        return 0;
    if (!type)
        return err_set(err, ERR_FORMAT, "tokenizer.json: a component without a type");
    if (strcmp(type, "Sequence"))
        return read(s, j, type, err);
    cJSON_ArrayForEach(item, json_get(j, list))
        if (read_steps(s, item, list, read, err) < 0)
            return -1;
    return 0;
}

/* ---- normalizers ---- */

static int read_normalizer(struct steps *s, const cJSON *j, const char *type, struct err *err)
{
    static const char *const form[] = { "NFC", "NFD", "NFKC", "NFKD" };
    struct step *step;
    for (int i = 0; i < 4; i++) {
        if (!strcmp(type, form[i])) {
            steps_add(s, NORM_FORM)->form = (enum normal_form)i;
            return 0;
        }
    }
    if (!strcmp(type, "Lowercase")) {
        steps_add(s, NORM_LOWER);
    } else if (!strcmp(type, "StripAccents")) {
        steps_add(s, NORM_STRIP_ACCENTS);
    } else if (!strcmp(type, "ByteLevel")) {
        steps_add(s, NORM_BYTES);
    } else if (!strcmp(type, "Strip")) {
        step = steps_add(s, NORM_STRIP);
        step->left = flag(j, "strip_left", true);
        step->right = flag(j, "strip_right", true);
    } else if (!strcmp(type, "Prepend")) {
        set_text(steps_add(s, NORM_PREPEND), text_of(j, "prepend"));
    } else if (!strcmp(type, "Replace")) {
        step = steps_add(s, NORM_REPLACE);
        set_text(step, text_of(j, "content"));
        if (!(step->pattern = pattern_of(json_get(j, "pattern"), err)))
            return -1;
    } else {
        return unknown("normalizer", type, err);
    }
    return 0;
}

/* ---- pre-tokenizers ---- */

static enum prepend prepend_of(const cJSON *j)
{
    const char *scheme = text_of(j, "prepend_scheme");
    if (!scheme)
        return flag(j, "add_prefix_space", true) ? PREPEND_ALWAYS : PREPEND_NEVER;
    return !strcmp(scheme, "always") ? PREPEND_ALWAYS : !strcmp(scheme, "first") ? PREPEND_FIRST : PREPEND_NEVER;
}

static int read_metaspace(struct step *step, const cJSON *j, struct err *err)
{
    const char *replacement = text_of(j, "replacement");
    set_text(step, replacement && *replacement ? replacement : underline);
    step->prepend = prepend_of(j);
    step->split = flag(j, "split", true);
    step->pattern = pattern_create(step->text, step->len, true, err);      /* where pieces are cut */
    return step->pattern ? 0 : -1;
}

static int add_split(struct steps *s, const char *regex, enum behaviour behaviour, bool invert, struct err *err)
{
    struct step *step = steps_add(s, PRE_SPLIT);
    step->behaviour = behaviour;
    step->invert = invert;
    step->pattern = pattern_create(regex, strlen(regex), false, err);
    return step->pattern ? 0 : -1;
}

static void add_class(struct steps *s, bool (*is)(uint32_t), enum behaviour behaviour)
{
    struct step *step = steps_add(s, PRE_CLASS);
    step->is = is;
    step->behaviour = behaviour;
}

static int read_byte_level(struct steps *s, const cJSON *j, struct err *err)
{
    struct step *step = steps_add(s, PRE_BYTES);
    step->prefix_space = flag(j, "add_prefix_space", true);
    if (flag(j, "use_regex", true) && !(step->pattern = pattern_create(gpt2_pattern, strlen(gpt2_pattern), false, err)))
        return -1;
    return 0;
}

static int read_pretokenizer(struct steps *s, const cJSON *j, const char *type, struct err *err)
{
    if (!strcmp(type, "ByteLevel"))
        return read_byte_level(s, j, err);
    if (!strcmp(type, "Split")) {
        struct step *step = steps_add(s, PRE_SPLIT);
        step->behaviour = behaviour_of(j);
        step->invert = flag(j, "invert", false);
        step->pattern = pattern_of(json_get(j, "pattern"), err);
        return step->pattern ? 0 : -1;
    }
    if (!strcmp(type, "Digits"))
        add_class(s, uc_is_number, flag(j, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS);
    else if (!strcmp(type, "Punctuation"))
        add_class(s, uc_is_punct, behaviour_of(j));
    else if (!strcmp(type, "WhitespaceSplit"))
        add_class(s, uc_is_space, SPLIT_REMOVED);
    else if (!strcmp(type, "Whitespace"))
        return add_split(s, "\\w+|[^\\w\\s]+", SPLIT_REMOVED, true, err);
    else if (!strcmp(type, "Metaspace"))
        return read_metaspace(steps_add(s, PRE_METASPACE), j, err);
    else
        return unknown("pre_tokenizer", type, err);
    return 0;
}

/* ---- decoders ---- */

static int read_decoder(struct steps *s, const cJSON *j, const char *type, struct err *err)
{
    struct step *step;
    if (!strcmp(type, "ByteLevel")) {
        steps_add(s, DEC_BYTES);
    } else if (!strcmp(type, "ByteFallback")) {
        steps_add(s, DEC_BYTE_FALLBACK);
    } else if (!strcmp(type, "Fuse")) {
        steps_add(s, DEC_FUSE);
    } else if (!strcmp(type, "Metaspace")) {
        return read_metaspace(steps_add(s, DEC_METASPACE), j, err);
    } else if (!strcmp(type, "Strip")) {
        step = steps_add(s, DEC_STRIP);
        set_text(step, text_of(j, "content"));
        step->start = number(j, "start", 0);
        step->stop = number(j, "stop", 0);
    } else if (!strcmp(type, "Replace")) {
        step = steps_add(s, DEC_REPLACE);
        set_text(step, text_of(j, "content"));
        if (!(step->pattern = pattern_of(json_get(j, "pattern"), err)))
            return -1;
    } else if (!strcmp(type, "BPEDecoder")) {
        const char *suffix = text_of(j, "suffix");
        step = steps_add(s, DEC_SUFFIX);
        if (!(step->pattern = pattern_create(suffix ? suffix : "</w>", strlen(suffix ? suffix : "</w>"), true, err)))
            return -1;
    } else {
        return unknown("decoder", type, err);
    }
    return 0;
}

/* ---- the model ---- */

static int bad_id(const char *text, double id, struct err *err)
{
    return err_set(err, ERR_FORMAT, "tokenizer.json: token \"%.40s\" has the id %g, which is impossible", text, id);
}

enum { MAX_ID = 1 << 24 };

static int read_vocab_object(struct tokenizer *t, const cJSON *vocab, struct err *err)
{
    const cJSON *j;
    size_t bytes = 0, n = 0;
    int32_t top = -1;
    cJSON_ArrayForEach(j, vocab)
    {
        if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0 && j->valuedouble < MAX_ID) || j->valuedouble != floor(j->valuedouble))
            return bad_id(j->string, j->valuedouble, err);
        top = (int32_t)j->valuedouble > top ? (int32_t)j->valuedouble : top;
        bytes += strlen(j->string);
        n++;
    }
    lexicon_init(&t->lexicon, top + 1, n, bytes);
    cJSON_ArrayForEach(j, vocab)
        lexicon_set(&t->lexicon, (int32_t)j->valuedouble, j->string, strlen(j->string), true);
    return 0;
}

/* A merge is "A B" or ["A", "B"]. */
static int read_merge(struct tokenizer *t, const cJSON *m, uint32_t rank, struct err *err)
{
    struct slice left = { 0 }, right = { 0 };
    if (cJSON_IsArray(m) && cJSON_GetArraySize(m) == 2 && cJSON_IsString(m->child) && cJSON_IsString(m->child->next)) {
        left = (struct slice){ m->child->valuestring, strlen(m->child->valuestring) };
        right = (struct slice){ m->child->next->valuestring, strlen(m->child->next->valuestring) };
    } else if (cJSON_IsString(m)) {
        const char *blank = strchr(m->valuestring, ' ');
        if (blank) {
            left = (struct slice){ m->valuestring, (size_t)(blank - m->valuestring) };
            right = (struct slice){ blank + 1, strlen(blank + 1) };
        }
    }
    if (left.len == 0 || right.len == 0)
        return err_set(err, ERR_FORMAT, "tokenizer.json: merge %u is no pair of symbols", rank);
    return bpe_merge(&t->bpe, &t->lexicon, rank, left, right, err) < 0 ? err_wrap(err, "tokenizer.json: merge %u", rank) : 0;
}

static char *optional(const cJSON *j, const char *name)
{
    const char *s = text_of(j, name);
    return s && *s ? xstrdup(s) : NULL;
}

static int read_bpe(struct tokenizer *t, const cJSON *model, struct err *err)
{
    const cJSON *merges = json_get(model, "merges"), *m, *dropout = json_get(model, "dropout");
    uint32_t rank = 0;
    if (!cJSON_IsObject(json_get(model, "vocab")) || !cJSON_IsArray(merges))
        return err_set(err, ERR_FORMAT, "tokenizer.json: the BPE model lacks vocab or merges");
    if (cJSON_IsNumber(dropout) && dropout->valuedouble != 0)
        return err_set(err, ERR_MODEL, "tokenizer.json: BPE dropout makes ids random; remove it");
    if (read_vocab_object(t, json_get(model, "vocab"), err) < 0)
        return -1;
    bpe_init(&t->bpe, (size_t)cJSON_GetArraySize(merges));
    t->bpe.prefix = optional(model, "continuing_subword_prefix");
    t->bpe.suffix = optional(model, "end_of_word_suffix");
    t->bpe.byte_fallback = flag(model, "byte_fallback", false);
    t->bpe.fuse_unk = flag(model, "fuse_unk", false);
    t->bpe.ignore_merges = flag(model, "ignore_merges", false);
    const char *unk = text_of(model, "unk_token");
    t->bpe.unk = unk ? lexicon_find(&t->lexicon, unk, strlen(unk)) : -1;
    bpe_bytes(&t->bpe, &t->lexicon);
    cJSON_ArrayForEach(m, merges)
        if (read_merge(t, m, rank++, err) < 0)
            return -1;
    return 0;
}

static int read_unigram(struct tokenizer *t, const cJSON *model, struct err *err)
{
    const cJSON *vocab = json_get(model, "vocab"), *j;
    size_t bytes = 0, n = 0;
    double least = 0;
    cJSON_ArrayForEach(j, vocab)
    {
        if (!cJSON_IsArray(j) || !cJSON_IsString(j->child) || !cJSON_IsNumber(j->child->next))
            return err_set(err, ERR_FORMAT, "tokenizer.json: Unigram token %zu is no pair of text and score", n);
        bytes += strlen(j->child->valuestring);
        n++;
    }
    if (n == 0 || n > MAX_ID)
        return err_set(err, ERR_FORMAT, "tokenizer.json: the Unigram model has %zu tokens", n);
    t->kind = MODEL_UNIGRAM;
    lexicon_init(&t->lexicon, (int32_t)n, n, bytes);
    n = 0;
    cJSON_ArrayForEach(j, vocab)
        lexicon_set(&t->lexicon, (int32_t)n++, j->child->valuestring, strlen(j->child->valuestring), true);
    spm_init(&t->spm, &t->lexicon);
    n = 0;
    cJSON_ArrayForEach(j, vocab)
    {
        double score = j->child->next->valuedouble;
        t->spm.score[n++] = (float)score;
        least = score < least ? score : least;
    }
    t->spm.unk_score = (float)(least - 10);
    t->spm.unk = number(model, "unk_id", -1);
    if (t->spm.unk >= t->lexicon.n_ids)
        return err_set(err, ERR_FORMAT, "tokenizer.json: unk_id %d is outside the vocabulary", t->spm.unk);
    t->spm.byte_fallback = flag(model, "byte_fallback", false);
    t->spm.fuse_unk = true;
    return 0;
}

static int read_model(struct tokenizer *t, const cJSON *model, struct err *err)
{
    const char *type = text_of(model, "type");
    if (!type)
        type = json_get(model, "merges") ? "BPE" : NULL;
    if (type && !strcmp(type, "BPE"))
        return read_bpe(t, model, err);
    if (type && !strcmp(type, "Unigram"))
        return read_unigram(t, model, err);
    return unknown("model", type, err);
}

/* ---- added tokens, post-processor ---- */

static int read_added(struct tokenizer *t, const cJSON *list, struct err *err)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, list)
    {
        const char *content = text_of(j, "content");
        const cJSON *id = json_get(j, "id");
        if (!content || !cJSON_IsNumber(id) || !(id->valuedouble >= 0 && id->valuedouble < MAX_ID))
            return err_set(err, ERR_FORMAT, "tokenizer.json: an added token lacks content or id");
        added_add(&t->added, &(struct added_token){
            .text = (char *)content, .len = strlen(content), .id = (int32_t)id->valuedouble, .special = flag(j, "special", false),
            .lstrip = flag(j, "lstrip", false), .rstrip = flag(j, "rstrip", false), .single_word = flag(j, "single_word", false),
            .normalized = flag(j, "normalized", false),
        });
    }
    return 0;
}

static int add_special(struct tokenizer *t, const char *text, struct ids *out, struct err *err)
{
    int32_t id = tokenizer_id(t, text, strlen(text));
    if (id < 0)
        return err_set(err, ERR_FORMAT, "tokenizer.json: the post_processor's token \"%.40s\" is not in the vocabulary", text);
    ids_add(out, id);
    return 0;
}

/* TemplateProcessing for one sequence: special tokens before and after it. */
static int read_template(struct tokenizer *t, const cJSON *j, struct err *err)
{
    const cJSON *item;
    bool behind = false;
    cJSON_ArrayForEach(item, json_get(j, "single"))
    {
        const char *special = text_of(json_get(item, "SpecialToken"), "id");
        if (json_get(item, "Sequence"))
            behind = true;
        else if (special && add_special(t, special, behind ? &t->tail : &t->lead, err) < 0)
            return -1;
    }
    return 0;
}

static int read_post(struct tokenizer *t, const cJSON *j, struct err *err)
{
    const cJSON *item;
    const char *type = text_of(j, "type");
    if (!type || !strcmp(type, "ByteLevel"))
        return 0;
    if (!strcmp(type, "TemplateProcessing"))
        return read_template(t, j, err);
    if (strcmp(type, "Sequence"))
        return unknown("post_processor", type, err);
    cJSON_ArrayForEach(item, json_get(j, "processors"))
        if (read_post(t, item, err) < 0)
            return -1;
    return 0;
}

/* The files of a folder, parsed; NULL: not there. */
struct parsed {
    cJSON *json, *config, *special_map, *added;
};

static int read_root(struct tokenizer *t, const struct parsed *f, struct err *err)
{
    const cJSON *root = f->json;
    if (read_steps(&t->normalizer, json_get(root, "normalizer"), "normalizers", read_normalizer, err) < 0 ||
        read_steps(&t->pretokenizer, json_get(root, "pre_tokenizer"), "pretokenizers", read_pretokenizer, err) < 0 ||
        read_steps(&t->decoder, json_get(root, "decoder"), "decoders", read_decoder, err) < 0)
        return -1;
    const cJSON *decoder = json_get(root, "decoder");
    t->has_decoder = decoder && !cJSON_IsNull(decoder);
    if (read_model(t, json_get(root, "model"), err) < 0 || read_added(t, json_get(root, "added_tokens"), err) < 0)
        return -1;
    config_roles(t, f->config);
    if (config_side_tokens(t, f->config, f->added, err) < 0 || added_index(&t->added, &t->normalizer, err) < 0)
        return -1;
    tokenizer_seal(t, t->lexicon.n_ids);
    if (read_post(t, json_get(root, "post_processor"), err) < 0)
        return -1;
    config_frame(t, f->config, false);
    return 0;
}

/* A pre-tokenizer that is ByteLevel alone follows add_prefix_space of the configuration, whose default is false. */
static void prefix_space(struct tokenizer *t, const cJSON *pre, const cJSON *config)
{
    const char *type = text_of(pre, "type");
    if (type && !strcmp(type, "ByteLevel") && json_get(pre, "add_prefix_space"))
        t->pretokenizer.step[0].prefix_space = flag(config, "add_prefix_space", false);
}

/* In folders without added_tokens_decoder, special_tokens_map.json has the last word about the roles. */
static void roles_of_map(struct parsed *f)
{
    if (!f->special_map || json_get(f->config, "added_tokens_decoder"))
        return;
    if (!f->config)
        f->config = cJSON_CreateObject();
    for (cJSON *j = f->special_map->child, *next; j; j = next) {
        next = j->next;
        cJSON_DetachItemViaPointer(f->special_map, j);
        cJSON_DeleteItemFromObjectCaseSensitive(f->config, j->string);
        char *key = xstrdup(j->string);          /* adding frees the item's own name */
        cJSON_AddItemToObject(f->config, key, j);
        free(key);
    }
}

static int parse_file(struct slice s, const char *name, cJSON **to, struct err *err)
{
    if (!s.ptr || !s.len)
        return 0;
    if (!(*to = json_parse(s.ptr, s.len, err)))
        return err_wrap(err, "%s", name);
    return cJSON_IsObject(*to) ? 0 : err_set(err, ERR_FORMAT, "%s: no JSON object", name);
}

struct tokenizer *tokenizer_from_json(const struct tokenizer_files *files, struct err *err)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    struct parsed f = { 0 };
    int rc = -1;
    if (parse_file(files->config, "tokenizer_config.json", &f.config, err) < 0 ||
        parse_file(files->special_map, "special_tokens_map.json", &f.special_map, err) < 0 ||
        parse_file(files->added, "added_tokens.json", &f.added, err) < 0)
        goto out;
    if (!(f.json = json_parse(files->json.ptr ? files->json.ptr : "", files->json.len, err))) {
        err_wrap(err, "tokenizer.json");
        goto out;
    }
    roles_of_map(&f);
    if ((rc = read_root(t, &f, err)) == 0 && f.config)
        prefix_space(t, json_get(f.json, "pre_tokenizer"), f.config);
out:
    cJSON_Delete(f.json);
    cJSON_Delete(f.config);
    cJSON_Delete(f.special_map);
    cJSON_Delete(f.added);
    if (rc < 0) {
        tokenizer_destroy(t);
        return NULL;
    }
    return t;
}
