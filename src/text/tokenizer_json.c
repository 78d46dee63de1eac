/* tokenizer_json.c - a tokenizer from Hugging Face's tokenizer.json: each component into steps, merges and tokens (room: text).
 * A component that is not known here is an error that names it: a tokenizer that is almost right gives silently worse answers. */
#include "tokenizer_parts.h"

#include "mtbench/keys.h"
#include "mtbench/mem.h"
#include "mtbench/nul.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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

/* Out of range counts as missing: what is read so are small counts, and their keys were checked as whole numbers. */
static int number(const cJSON *j, const char *name, int otherwise)
{
    const cJSON *n = json_get(j, name);
    return cJSON_IsNumber(n) && n->valuedouble >= INT_MIN && n->valuedouble <= INT_MAX ? (int)n->valuedouble : otherwise;
}

/* The message names the word in the file, so that a search finds it there. */
static int unknown(const char *what, const char *name, struct err *err)
{
    return err_set(err, ERR_MODEL, "tokenizer.json: %s \"%.60s\" is not supported", what, name ? name : "(none)");
}

static void set_text(struct step *s, const char *text)
{
    s->text = xstrdup(text ? text : "");
    s->len = nul_unspell(s->text);
}

/* U+0000 in a pattern is one character to match, so it is read before PCRE2 sees it. */
static struct pattern *spelled_pattern(const char *s, bool literal, struct err *err)
{
    char *text = xstrdup(s);
    struct pattern *p = pattern_create(text, nul_unspell(text), literal, err);
    free(text);
    return p;
}

/* {"String": s} is literal, {"Regex": s} a pattern; a bare string is literal. */
static struct pattern *pattern_of(const cJSON *j, struct err *err)
{
    const char *literal = cJSON_IsString(j) ? j->valuestring : text_of(j, "String"), *regex = text_of(j, "Regex");
    if (!literal && !regex) {
        err_set(err, ERR_FORMAT, "tokenizer.json: a pattern is neither String nor Regex");
        return NULL;
    }
    /* An empty literal matches between all characters, as the expression that tokenizers makes of it. */
    return spelled_pattern(literal ? literal : regex, literal && *literal, err);
}

static int behaviour_of(const cJSON *j, enum behaviour *to, struct err *err)
{
    static const char *const name[] = { "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous" };
    const char *s = text_of(j, "behavior");
    *to = SPLIT_ISOLATED;                /* Punctuation's, where nothing is said */
    for (int i = 0; s && i < 5; i++)
        if (!strcmp(s, name[i])) {
            *to = (enum behaviour)i;
            return 0;
        }
    return s ? unknown("behavior", s, err) : 0;
}

/* 'type' has been read; the keys were checked by their table, so what a capital asks for is there. */
typedef int read_component(struct steps *s, const cJSON *j, const char *type, struct err *err);

/* A component, or a Sequence of them under 'list'. */
static int read_steps(struct steps *s, const cJSON *j, const char *list, read_component *read, struct err *err)
{
    const cJSON *item;
    const char *type = text_of(j, "type");
    /* null is "no such part": a tokenizer without normalizer is the rule */
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
    /* in the order of enum normal_form */
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

/* Files from before prepend_scheme have add_prefix_space alone; where both are, tokenizers wants them to agree. */
static int prepend_of(const cJSON *j, enum prepend *to, struct err *err)
{
    static const char *const name[] = { [PREPEND_ALWAYS] = "always", [PREPEND_FIRST] = "first", [PREPEND_NEVER] = "never" };
    const char *scheme = text_of(j, "prepend_scheme");
    *to = PREPEND_ALWAYS;
    for (int i = 0; scheme; i++) {
        if (i == 3)
            return unknown("prepend_scheme", scheme, err);
        *to = (enum prepend)i;
        if (!strcmp(scheme, name[i]))
            break;
    }
    if (!flag(j, "add_prefix_space", true) && *to != PREPEND_NEVER)
        return err_set(err, ERR_FORMAT, "tokenizer.json: Metaspace: add_prefix_space is false, and prepend_scheme is not \"never\"; "
                       "correct the file");
    return 0;
}

/* For both sides: the pre-tokenizer cuts and prepends, the decoder takes away again. */
static int read_metaspace(struct step *step, const cJSON *j, struct err *err)
{
    set_text(step, text_of(j, "replacement"));
    if (step->len == 0 || step->len != utf8_len(*step->text))
        return err_set(err, ERR_FORMAT, "tokenizer.json: Metaspace: replacement is no single character; correct the file");
    if (prepend_of(j, &step->prepend, err) < 0)
        return -1;
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
    /* What the file says; prefix_space() may overrule it by the configuration, as transformers does on loading. */
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
        step->invert = flag(j, "invert", false);
        step->pattern = pattern_of(json_get(j, "pattern"), err);
        return step->pattern ? behaviour_of(j, &step->behaviour, err) : -1;
    }
    enum behaviour behaviour;
    if (behaviour_of(j, &behaviour, err) < 0)
        return -1;
    if (!strcmp(type, "Digits"))
        add_class(s, uc_is_number, flag(j, "individual_digits", false) ? SPLIT_ISOLATED : SPLIT_CONTIGUOUS);
    else if (!strcmp(type, "Punctuation"))
        add_class(s, uc_is_punct, behaviour);
    else if (!strcmp(type, "WhitespaceSplit"))
        add_class(s, uc_is_space, SPLIT_REMOVED);
    else if (!strcmp(type, "Whitespace"))
        /* Rust's regex, not Oniguruma: its \w has the joiners, and of numbers decimal digits only, as the member of a class has here. */
        return add_split(s, "[\\w\\x{200c}\\x{200d}]+|[^\\w\\s\\x{200c}\\x{200d}]+", SPLIT_REMOVED, true, err);
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
        step = steps_add(s, DEC_SUFFIX);
        if (!(step->pattern = spelled_pattern(text_of(j, "suffix"), true, err)))
            return -1;
    } else {
        return unknown("decoder", type, err);
    }
    return 0;
}

/* ---- the model ---- */

/* Ids come as JSON numbers, that is doubles: fractions and infinities are possible. */
static int bad_id(const char *text, double id, struct err *err)
{
    return err_set(err, ERR_FORMAT, "tokenizer.json: token \"%.40s\" has the id %g, which is impossible", text, id);
}

enum { MAX_ID = 1 << 24 };

/* Two passes over the object; cJSON's list is in the file's order. */
static int read_vocab_object(struct tokenizer *t, const cJSON *vocab, struct err *err)
{
    const cJSON *j;
    size_t bytes = 0, n = 0;
    /* First pass: how much there is. The lexicon's memory is taken once and never moves. */
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
        lexicon_set(&t->lexicon, (int32_t)j->valuedouble, j->string, nul_unspell(j->string), true);
    return 0;
}

/* A merge is "A B" or ["A", "B"]. */
static int read_merge(struct tokenizer *t, const cJSON *m, uint32_t rank, struct err *err)
{
    struct slice left = { 0 }, right = { 0 };
    if (cJSON_IsArray(m) && cJSON_GetArraySize(m) == 2 && cJSON_IsString(m->child) && cJSON_IsString(m->child->next)) {
        left = (struct slice){ m->child->valuestring, nul_unspell(m->child->valuestring) };
        right = (struct slice){ m->child->next->valuestring, nul_unspell(m->child->next->valuestring) };
    } else if (cJSON_IsString(m)) {
        char *blank = strchr(m->valuestring, ' ');
        if (blank) {
            right = (struct slice){ blank + 1, nul_unspell(blank + 1) };
            *blank = '\0';
            left = (struct slice){ m->valuestring, nul_unspell(m->valuestring) };
        }
    }
    if (left.len == 0 || right.len == 0)
        return err_set(err, ERR_FORMAT, "tokenizer.json: merge %u is no pair of symbols", rank);
    return bpe_merge(&t->bpe, &t->lexicon, rank, left, right, err) < 0 ? err_wrap(err, "tokenizer.json: merge %u", rank) : 0;
}

/* These stay C strings. */
static int optional(const cJSON *j, const char *name, char **to, struct err *err)
{
    const char *s = text_of(j, name);
    if (s && nul_spelled(s, strlen(s)))
        return err_set(err, ERR_MODEL, "tokenizer.json: %s has a character U+0000, which is not supported", name);
    *to = s && *s ? xstrdup(s) : NULL;
    return 0;
}

static int read_bpe(struct tokenizer *t, const cJSON *model, struct err *err)
{
    const cJSON *merges = json_get(model, "merges"), *m;
    uint32_t rank = 0;
    char *unk = NULL;
    if (read_vocab_object(t, json_get(model, "vocab"), err) < 0)
        return -1;
    bpe_init(&t->bpe, (size_t)cJSON_GetArraySize(merges));
    if (optional(model, "continuing_subword_prefix", &t->bpe.prefix, err) < 0 ||
        optional(model, "end_of_word_suffix", &t->bpe.suffix, err) < 0 || optional(model, "unk_token", &unk, err) < 0)
        return -1;
    t->bpe.byte_fallback = flag(model, "byte_fallback", false);
    t->bpe.fuse_unk = flag(model, "fuse_unk", false);
    t->bpe.ignore_merges = flag(model, "ignore_merges", false);
    t->bpe.unk = unk ? lexicon_find(&t->lexicon, unk, strlen(unk)) : -1;
    t->bpe.lacks_unk = unk && t->bpe.unk < 0;
    free(unk);
    bpe_bytes(&t->bpe, &t->lexicon);
    /* The place in the list is the rank: earlier merges win. */
    cJSON_ArrayForEach(m, merges)
        if (read_merge(t, m, rank++, err) < 0)
            return -1;
    return 0;
}

/* The place in the list is the id. */
static int read_unigram(struct tokenizer *t, const cJSON *model, struct err *err)
{
    const cJSON *vocab = json_get(model, "vocab"), *j;
    size_t bytes = 0, n = 0;
    /* scores are logarithms of probabilities, so below 0 */
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
        lexicon_set(&t->lexicon, (int32_t)n++, j->child->valuestring, nul_unspell(j->child->valuestring), true);
    spm_init(&t->spm, &t->lexicon);
    n = 0;
    cJSON_ArrayForEach(j, vocab)
    {
        double score = j->child->next->valuedouble;
        t->spm.score[n++] = (float)score;
        least = score < least ? score : least;
    }
    t->spm.unk_score = (float)(least - 10);      /* kUnkPenalty of SentencePiece: worse than any real token */
    t->spm.unk = number(model, "unk_id", -1);
    if (t->spm.unk >= t->lexicon.n_ids)
        return err_set(err, ERR_FORMAT, "tokenizer.json: unk_id %d is outside the vocabulary", t->spm.unk);
    t->spm.byte_fallback = flag(model, "byte_fallback", false);
    t->spm.fuse_unk = true;              /* Unigram::encode of tokenizers fuses by default */
    return 0;
}

static int read_model(struct tokenizer *t, const cJSON *model, struct buf *foreign, struct err *err)
{
    const char *type = text_of(model, "type");
    if (!type)
        type = json_get(model, "merges") ? "BPE" : NULL;
    /* Old files have no type; of the models here only BPE has merges. */
    const bool unigram = type && !strcmp(type, "Unigram");
    if (!type || (!unigram && strcmp(type, "BPE")))
        return unknown("model", type, err);
    if (keys_of_model(model, unigram, foreign, err) < 0)
        return -1;
    return unigram ? read_unigram(t, model, err) : read_bpe(t, model, err);
}

/* ---- added tokens, post-processor ---- */

/* Ids that stand there only say what was: tokenizers gives a token the id of its text, or the next one. */
static int read_added(struct tokenizer *t, const cJSON *list, struct buf *foreign, struct err *err)
{
    const cJSON *j;
    cJSON_ArrayForEach(j, list)
    {
        const cJSON *id = json_get(j, "id");
        char *content = cJSON_GetStringValue(json_get(j, "content"));
        if (!content || !cJSON_IsNumber(id) || !(id->valuedouble >= 0 && id->valuedouble < MAX_ID))
            return err_set(err, ERR_FORMAT, "tokenizer.json: an added token lacks content or id");
        if (keys_of_token(j, foreign, err) < 0)
            return err_wrap(err, "tokenizer.json: added token %.40s", content);
        char *text = xstrdup(content);
        const size_t len = nul_unspell(text);
        added_put(&t->added, &(struct added_token){
            .text = text, .len = len, .id = config_new_id(t, text, len), .special = flag(j, "special", false),
            .lstrip = flag(j, "lstrip", false), .rstrip = flag(j, "rstrip", false), .single_word = flag(j, "single_word", false),
            .normalized = flag(j, "normalized", false),
        });
        free(text);
    }
    return 0;
}

/* The ids that the template's own table gives a name; they need not be those of the vocabulary. */
static int add_special(struct tokenizer *t, const cJSON *table, const char *name, struct ids *out, struct err *err)
{
    const cJSON *ids = json_get(json_get(table, name), "ids"), *j;
    if (!cJSON_IsArray(ids))
        return err_set(err, ERR_FORMAT, "tokenizer.json: TemplateProcessing has no ids for its token \"%.40s\"", name);
    cJSON_ArrayForEach(j, ids)
    {
        if (!cJSON_IsNumber(j) || !(j->valuedouble >= 0 && j->valuedouble < t->n_vocab))
            return err_set(err, ERR_FORMAT, "tokenizer.json: TemplateProcessing: an id of \"%.40s\" is not in the vocabulary", name);
        ids_add(out, (int32_t)j->valuedouble);
    }
    return 0;
}

/* TemplateProcessing for one sequence: special tokens before and after it. */
static int read_template(struct tokenizer *t, const cJSON *j, struct err *err)
{
    const cJSON *item, *table = json_get(j, "special_tokens");
    bool behind = false;
    cJSON_ArrayForEach(item, json_get(j, "single"))
    {
        const char *special = text_of(json_get(item, "SpecialToken"), "id"), *text = text_of(json_get(item, "Sequence"), "id");
        if (special && add_special(t, table, special, behind ? &t->tail : &t->lead, err) < 0)
            return -1;
        if (!special && (!text || strcmp(text, "A") || behind))
            return err_set(err, ERR_MODEL, "tokenizer.json: TemplateProcessing: a template other than tokens around one text is not "
                           "supported");
        behind |= !special;
    }
    return behind ? 0 : err_set(err, ERR_MODEL, "tokenizer.json: TemplateProcessing: a template without the text is not supported");
}

/* *n: templates so far; of two, tokenizers itself makes nothing that could be followed. */
static int read_post(struct tokenizer *t, const cJSON *j, int *n, struct err *err)
{
    const cJSON *item;
    const char *type = text_of(j, "type");
    if (!type || !strcmp(type, "ByteLevel"))
        return 0;
    if (!strcmp(type, "TemplateProcessing"))
        return (*n)++ ? err_set(err, ERR_MODEL, "tokenizer.json: two TemplateProcessing are not supported") : read_template(t, j, err);
    if (strcmp(type, "Sequence"))
        return unknown("post_processor", type, err);
    cJSON_ArrayForEach(item, json_get(j, "processors"))
        if (read_post(t, item, n, err) < 0)
            return -1;
    return 0;
}

struct parsed {
    cJSON *json;                         /* tokenizer.json */
    struct tokenizer_side side;
    const struct class *class;
};

/* The components; all of them are checked before one is read. */
static int read_steps_of(struct tokenizer *t, const cJSON *root, struct buf *foreign, struct err *err)
{
    static const struct {
        const char *name, *list;
    } part[] = {
        {"normalizer", "normalizers"}, {"pre_tokenizer", "pretokenizers"}, {"decoder", "decoders"}, {"post_processor", "processors"},
    };
    for (size_t i = 0; i < sizeof part / sizeof *part; i++)
        if (keys_of_components(json_get(root, part[i].name), part[i].list, foreign, err) < 0)
            return -1;
    const cJSON *decoder = json_get(root, "decoder");
    t->has_decoder = decoder && !cJSON_IsNull(decoder);
    return read_steps(&t->normalizer, json_get(root, "normalizer"), "normalizers", read_normalizer, err) < 0 ||
                   read_steps(&t->pretokenizer, json_get(root, "pre_tokenizer"), "pretokenizers", read_pretokenizer, err) < 0 ||
                   read_steps(&t->decoder, decoder, "decoders", read_decoder, err) < 0
               ? -1
               : 0;
}

/* The pad token of the section that pads, where nobody else names one. */
static void pad_of(struct tokenizer *t, const struct parsed *f)
{
    const char *pad = text_of(json_get(f->json, "padding"), "pad_token");
    if (pad && *pad && !nul_spelled(pad, strlen(pad)) && !json_get(f->side.config, "pad_token") && !f->class->role[ROLE_PAD])
        t->role[ROLE_PAD] = xstrdup(pad);
}

static int read_root(struct tokenizer *t, const struct parsed *f, struct buf *foreign, struct err *err)
{
    const cJSON *root = f->json, *own = json_get(root, "added_tokens");
    if (keys_of_root(root, err) < 0)
        return err_wrap(err, "tokenizer.json");
    /* Forced order: added tokens need the vocabulary for their ids, tries the normalizer, the frame all ids. */
    if (read_steps_of(t, root, foreign, err) < 0 || read_model(t, json_get(root, "model"), foreign, err) < 0 ||
        read_added(t, own, foreign, err) < 0)
        return -1;
    pad_of(t, f);
    if (config_roles(t, f->class, f->side.config, err) < 0 || config_side_tokens(t, f->class, &f->side, own, err) < 0 ||
        added_index(&t->added, &t->normalizer, err) < 0)
        return -1;
    tokenizer_seal(t, t->lexicon.n_ids);
    int n_templates = 0;
    if (read_post(t, json_get(root, "post_processor"), &n_templates, err) < 0)
        return -1;
    return config_frame(t, f->class, f->side.config, err);
}

/* A pre-tokenizer that is ByteLevel alone follows add_prefix_space of the configuration, or of the class where that is silent. A null is
 * followed by none: the Python object that would have to take it fails, and the old one stays. */
static void prefix_space(struct tokenizer *t, const struct class *c, const cJSON *pre, const cJSON *config)
{
    const char *type = text_of(pre, "type");
    const cJSON *asked = json_get(config, "add_prefix_space");
    const bool kept = asked ? !cJSON_IsBool(asked) : c->keeps_prefix;
    if (type && !strcmp(type, "ByteLevel") && !kept)
        t->pretokenizer.step[0].prefix_space = cJSON_IsTrue(asked);
}

/* fix_mistral_regex puts this in the place of the first step of a large vocabulary. */
static int check_mistral(const struct tokenizer *t, const cJSON *config, struct err *err)
{
    static const char fixed[] =
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|"
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|"
        "\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    const struct step *first = t->pretokenizer.n ? t->pretokenizer.step : NULL;
    if (!flag(config, "fix_mistral_regex", false) || t->lexicon.n_tokens <= 100000 ||
        (first && first->kind == PRE_SPLIT && pattern_is(first->pattern, fixed)))
        return 0;
    return err_set(err, ERR_MODEL, "tokenizer_config.json: fix_mistral_regex is true, and tokenizer.json has another pattern; save the "
                   "tokenizer anew with the pattern that is meant, or remove the key");
}

static int parse_all(const struct tokenizer_files *files, struct parsed *f, struct err *err)
{
    if (side_parse(files, &f->side, err) < 0)
        return -1;
    if (!(f->json = json_parse(files->json.ptr ? files->json.ptr : "", files->json.len, err)))
        return err_wrap(err, "tokenizer.json");
    f->class = class_of(f->side.config, f->side.model);
    return 0;
}

struct tokenizer *tokenizer_from_json(const struct tokenizer_files *files, struct err *err)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    struct parsed f = { 0 };
    struct buf foreign = { 0 };
    int rc = parse_all(files, &f, err);
    if (rc == 0)
        rc = read_root(t, &f, &foreign, err);
    if (rc == 0 && (f.side.config || f.side.model))
        prefix_space(t, f.class, json_get(f.json, "pre_tokenizer"), f.side.config);
    if (rc == 0 && (rc = class_check_conversion(f.class, t, f.side.config, err)) == 0)
        rc = check_mistral(t, f.side.config, err);
    if (rc == 0)
        keys_note("tokenizer.json", &foreign);
    buf_free(&foreign);
    cJSON_Delete(f.json);
    side_free(&f.side);
    if (rc < 0) {
        tokenizer_destroy(t);
        return NULL;
    }
    return t;
}
