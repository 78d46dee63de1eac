/* adapter_config.c - the keys of adapter_config.json as data, and its patterns over names of modules, as peft matches them. */
#include "adapter_config.h"

#include "mtbench/keys.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { MAX_RANK = 1 << 16, MAX_MATCH = 100000 };       /* steps of a match: names have some 50 bytes */

/* ---- the keys ---- */

static const struct key adapter_key[] = {
    READ_KEY("peft_type", 'S'), READ_KEY("task_type", 's'), READ_KEY("base_model_name_or_path", 's'), READ_KEY("revision", 's'),
    READ_KEY("r", 'i'), READ_KEY("lora_alpha", 'f'), READ_KEY("use_rslora", 'b'), READ_KEY("rank_pattern", 'o'),
    READ_KEY("alpha_pattern", 'o'), READ_KEY("target_modules", '*'), READ_KEY("exclude_modules", '*'), READ_KEY("modules_to_save", 'a'),
    READ_KEY("layers_to_transform", '*'), READ_KEY("layers_pattern", '*'), READ_KEY("bias", 's'), READ_KEY("init_lora_weights", '*'),

    /* ---- other arithmetic ---- */
    OFF_KEY("use_dora", 0, 0), OFF_KEY("lora_bias", 0, 0), OFF_KEY("use_qalora", 0, 0), OFF_KEY("layer_replication", 0, 0),
    OFF_KEY("trainable_token_indices", 0, 0), OFF_KEY("target_parameters", 0, 0), OFF_KEY("alora_invocation_tokens", 0, 0),
    OFF_KEY("use_bdlora", 0, 0), OFF_KEY("arrow_config", 0, 0), OFF_KEY("kasa_config", 0, 0), OFF_KEY("monteclora_config", 0, 0),
    OFF_KEY("velora_config", 0, 0), OFF_KEY("megatron_config", 0, 0), OFF_KEY("ensure_weight_tying", 0, 0), OFF_KEY("enable_lora", 0, 0),

    /* ---- training, and how the first values were found, which init_lora_weights tells ---- */
    IDLE_KEY("lora_dropout"), IDLE_KEY("inference_mode"), IDLE_KEY("auto_mapping"), IDLE_KEY("peft_version"), IDLE_KEY("megatron_core"),
    IDLE_KEY("qalora_group_size"), IDLE_KEY("runtime_config"), IDLE_KEY("loftq_config"), IDLE_KEY("eva_config"), IDLE_KEY("corda_config"),
    IDLE_KEY("lora_ga_config"), IDLE_KEY("merge_weights"),
    /* peft turns it off for linear layers, which store (out, in); Conv1D, which does not, is of no model here. */
    IDLE_KEY("fan_in_fan_out"),
};

/* Ways to begin that leave the base as it is. The others (pissa, olora, corda, loftq, lora_ga ...) change it, and peft changes it again
 * while it loads such an adapter. */
static const char *const harmless_init[] = { "gaussian", "eva", "orthogonal" };

struct pattern {
    pcre2_code *code;
    double value;                         /* rank or alpha */
};

struct patterns {
    struct pattern *at;                   /* (n) in the order of the file: the first that matches counts */
    size_t n;
};

struct adapter_config {
    cJSON *root;
    int r;
    double alpha;
    bool rslora, all_linear;
    struct patterns rank, alphas, target, exclude, saved,
        layer; /* target, exclude: at most one each, where the file has no list of names */
    pcre2_match_data *match;
};

/* ---- patterns ---- */

/* before TEXT after, from the beginning of a name. Python's patterns and PCRE2's are spelled alike as far as names of modules go. */
static int compile(struct patterns *p, const char *before, const char *text, const char *after, double value, const char *key,
                   struct err *err)
{
    int code;
    PCRE2_SIZE at;
    PCRE2_UCHAR words[120];
    char *whole = xasprintf("%s%s%s", before, text, after);
    pcre2_code *c = pcre2_compile((PCRE2_SPTR)whole, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY, &code, &at, NULL);
    free(whole);
    if (!c) {
        pcre2_get_error_message(code, words, sizeof words);
        return err_set(err, ERR_MODEL, "%s: \"%.*s\" is no pattern that this program can match: %s", key, utf8_fit(text, 100), text,
                       (const char *)words);
    }
    p->at = xrealloc(p->at, p->n + 1, sizeof *p->at);
    p->at[p->n++] = (struct pattern){ c, value };
    return 0;
}

static void patterns_free(struct patterns *p)
{
    for (size_t i = 0; i < p->n; i++)
        pcre2_code_free(p->at[i].code);
    free(p->at);
}

/* 1 or 0; -1: it took too long. */
static int matches(const struct adapter_config *c, const struct pattern *p, const char *module, struct err *err)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    pcre2_set_match_limit(limits, MAX_MATCH); /* a file's pattern may try all ways to cut a name up */
    int rc = pcre2_match(p->code, (PCRE2_SPTR)module, PCRE2_ZERO_TERMINATED, 0, 0, c->match, limits);
    pcre2_match_context_free(limits);
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        return err_set(err, ERR_MODEL, "a pattern in it takes too long to match %s", module);
    return rc >= 0;
}

/* *value of the first pattern that matches; it stays where none does. */
static int first_match(const struct adapter_config *c, const struct patterns *p, const char *module, double *value, struct err *err)
{
    for (size_t i = 0; i < p->n; i++) {
        int rc = matches(c, &p->at[i], module, err);
        if (rc == 1)
            *value = p->at[i].value;
        if (rc)
            return rc;
    }
    return 0;
}

/* "rank_pattern", "alpha_pattern": an object of numbers by pattern over the end of a name. */
static int read_values(struct adapter_config *c, const char *key, struct patterns *p, struct err *err)
{
    const cJSON *all = json_get(c->root, key), *j;
    cJSON_ArrayForEach(j, all)
    {
        if (!cJSON_IsNumber(j))
            return err_set(err, ERR_FORMAT, "%s: the value of \"%.60s\" is no number; correct the file", key, j->string);
        /* of a pattern that is there twice the last value, in the first's place, as in Python's dictionaries */
        if (compile(p, "(?:.*\\.)?(?:", j->string, ")$", json_get(all, j->string)->valuedouble, key, err) < 0)
            return -1;
    }
    return 0;
}

/* A key that is a list of texts or one text; false: something else. */
static bool is_texts(const cJSON *j, bool one)
{
    const cJSON *item;
    if (cJSON_IsArray(j))
        cJSON_ArrayForEach(item, j)
            if (!cJSON_IsString(item))
                return false;
    return !j || cJSON_IsNull(j) || cJSON_IsArray(j) || (one && cJSON_IsString(j));
}

/* ---- reading ---- */

static int check_words(const struct adapter_config *c, struct err *err)
{
    const char *type = cJSON_GetStringValue(json_get(c->root, "peft_type")), *task = cJSON_GetStringValue(json_get(c->root, "task_type"));
    const char *bias = cJSON_GetStringValue(json_get(c->root, "bias"));
    if (!type || strcmp(type, "LORA"))
        return err_set(err, ERR_MODEL, "peft_type is %.40s; only LORA is supported", type ? type : "null");
    if (task && strcmp(task, "CAUSAL_LM"))
        return err_set(err, ERR_MODEL, "task_type is %.40s; only CAUSAL_LM is supported", task);
    if (bias && strcmp(bias, "none") && strcmp(bias, "all") && strcmp(bias, "lora_only"))
        return err_set(err, ERR_MODEL, "bias is %.40s; there are none, all and lora_only", bias);
    return 0;
}

static int check_init(const struct adapter_config *c, struct err *err)
{
    const cJSON *j = json_get(c->root, "init_lora_weights");
    const char *word = cJSON_GetStringValue(j);
    /* true and false say how A and B began, which the file's values have replaced */
    if (!j || cJSON_IsNull(j) || cJSON_IsBool(j))
        return 0;
    for (size_t i = 0; word && i < sizeof harmless_init / sizeof *harmless_init; i++)
        if (!strcmp(word, harmless_init[i]))
            return 0;
    return err_set(err, ERR_MODEL,
                   "init_lora_weights is %.40s: such an adapter belongs to a base that was changed when its training began; "
                   "convert it to a plain one with peft (save_pretrained with path_initial_model_for_weight_conversion)",
                   word ? word : "no word");
}

static int check_lists(const struct adapter_config *c, struct err *err)
{
    static const struct { const char *name; bool one; } texts[] = {
        { "target_modules", true }, { "exclude_modules", true }, { "modules_to_save", false }, { "layers_pattern", true },
    };
    const cJSON *layers = json_get(c->root, "layers_to_transform"), *item;
    int64_t ignored;
    bool numbers = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!is_texts(json_get(c->root, texts[i].name), texts[i].one))
            return err_set(err, ERR_FORMAT, "%s is no list of names; correct the file", texts[i].name);
    if (cJSON_IsArray(layers))
        cJSON_ArrayForEach(item, layers)
            numbers &= json_whole(item, &ignored);
    else
        numbers = !layers || cJSON_IsNull(layers) || json_whole(layers, &ignored);
    return numbers ? 0 : err_set(err, ERR_FORMAT, "layers_to_transform is no list of whole numbers; correct the file");
}

static int read_numbers(struct adapter_config *c, struct err *err)
{
    const cJSON *r = json_get(c->root, "r"), *alpha = json_get(c->root, "lora_alpha");
    const double rank = cJSON_IsNumber(r) ? r->valuedouble : 8; /* peft's defaults, both */
    c->alpha = cJSON_IsNumber(alpha) ? alpha->valuedouble : 8;
    if (cJSON_IsNull(r) || cJSON_IsNull(alpha)) /* a default is for a key that is not there */
        return err_set(err, ERR_FORMAT, "%s is null; correct the file", cJSON_IsNull(r) ? "r" : "lora_alpha");
    c->rslora = cJSON_IsTrue(json_get(c->root, "use_rslora"));
    if (!(rank >= 1 && rank <= MAX_RANK))
        return err_set(err, ERR_MODEL, "r is %g; it must lie between 1 and %d", rank, MAX_RANK);
    c->r = (int)rank;
    return read_values(c, "rank_pattern", &c->rank, err) < 0 ? -1 : read_values(c, "alpha_pattern", &c->alphas, err);
}

static int compile_all(struct adapter_config *c, struct err *err)
{
    const cJSON *j, *layers = json_get(c->root, "layers_pattern");
    const char *target = cJSON_GetStringValue(json_get(c->root, "target_modules"));
    const char *exclude = cJSON_GetStringValue(json_get(c->root, "exclude_modules"));
    /* one text is a pattern over the whole name, but for this word */
    c->all_linear = target && !strcasecmp(target, "all-linear");
    if (target && !c->all_linear && compile(&c->target, "(?:", target, ")\\z", 0, "target_modules", err) < 0)
        return -1;
    if (exclude && *exclude && compile(&c->exclude, "(?:", exclude, ")\\z", 0, "exclude_modules", err) < 0)
        return -1;
    cJSON_ArrayForEach(j, json_get(c->root, "modules_to_save"))
        if (compile(&c->saved, "(?:^|.*\\.)", j->valuestring, "(?:$|\\..*)", 0, "modules_to_save", err) < 0)
            return -1;
    if (cJSON_IsString(layers) && *layers->valuestring)
        return compile(&c->layer, "(?:^|.*?\\.)", layers->valuestring, "\\.(?<idx>\\d+)\\.", 0, "layers_pattern", err);
    cJSON_ArrayForEach(j, layers)
        if (compile(&c->layer, "(?:^|.*?\\.)", j->valuestring, "\\.(?<idx>\\d+)\\.", 0, "layers_pattern", err) < 0)
            return -1;
    return c->layer.n ? 0 : compile(&c->layer, ".*?\\.", "[^.]*", "\\.(?<idx>\\d+)\\.", 0, "layers_pattern", err);
}

struct adapter_config *adapter_config_parse(const char *json, size_t n, struct err *err)
{
    struct adapter_config *c = xcalloc(1, sizeof *c);
    struct buf unknown = {0};
    int rc = (c->root = json_parse(json, n, err)) ? 0 : -1;
    if (rc == 0 && !cJSON_IsObject(c->root))
        rc = err_set(err, ERR_FORMAT, "no JSON object; copy the file again");
    /* the type first: another kind's keys would be refused for what they are not */
    if (rc == 0 && ((cJSON_IsString(json_get(c->root, "peft_type")) && check_words(c, err) < 0) ||
                    keys_check(KEYS(adapter_key), c->root, "an adapter", &unknown, err) < 0))
        rc = -1;
    if (rc == 0 && (check_words(c, err) < 0 || check_init(c, err) < 0 || check_lists(c, err) < 0 || read_numbers(c, err) < 0 ||
                    compile_all(c, err) < 0))
        rc = -1;
    if (rc == 0)
        keys_note("adapter_config.json", &unknown);
    if (rc == 0 && cJSON_IsTrue(json_get(c->root, "fan_in_fan_out")))
        log_note("adapter_config.json: fan_in_fan_out is true; it changes nothing for the linear layers of such a model, as in peft");
    buf_free(&unknown);
    c->match = pcre2_match_data_create(4, NULL);
    if (rc < 0) {
        adapter_config_free(c);
        return NULL;
    }
    return c;
}

void adapter_config_free(struct adapter_config *c)
{
    if (!c)
        return;
    struct patterns *const all[] = { &c->rank, &c->alphas, &c->target, &c->exclude, &c->saved, &c->layer };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        patterns_free(all[i]);
    pcre2_match_data_free(c->match);
    cJSON_Delete(c->root);
    free(c);
}

/* ---- what it says ---- */

const char *adapter_config_base(const struct adapter_config *c)
{
    const char *base = cJSON_GetStringValue(json_get(c->root, "base_model_name_or_path"));
    return base ? base : "";
}

int adapter_config_rank(const struct adapter_config *c)
{
    return c->r;
}

double adapter_config_alpha(const struct adapter_config *c)
{
    return c->alpha;
}

/* Does 'module' end in ".NAME", or is it NAME, for one of a list? *whole: is it NAME itself? */
static bool ends_in(const cJSON *list, const char *module, bool *whole)
{
    const cJSON *j;
    const size_t n = strlen(module);
    bool found = false;
    cJSON_ArrayForEach(j, list)
    {
        const size_t k = strlen(j->valuestring);
        /* both are gathered: the whole name may come behind an end of it */
        *whole |= !strcmp(module, j->valuestring);
        found |= n > k && module[n - k - 1] == '.' && !strcmp(module + n - k, j->valuestring);
    }
    return found || *whole;
}

/* Is its layer among layers_to_transform? A module outside layers is not. */
static int layer_counts(const struct adapter_config *c, const char *module, struct err *err)
{
    const cJSON *layers = json_get(c->root, "layers_to_transform"), *j;
    if (!layers || cJSON_IsNull(layers) || (cJSON_IsArray(layers) && !layers->child))
        return 1;
    for (size_t i = 0; i < c->layer.n; i++) {
        int rc = matches(c, &c->layer.at[i], module, err);
        PCRE2_UCHAR digits[16];
        PCRE2_SIZE n = sizeof digits;
        if (rc < 0)
            return -1;
        if (rc == 0 || pcre2_substring_copy_byname(c->match, (PCRE2_SPTR)"idx", digits, &n) != 0)
            continue;
        const double layer = atof((const char *)digits);
        cJSON_ArrayForEach(j, layers)
            if (j->valuedouble == layer)
                return 1;
        return cJSON_IsNumber(layers) && layers->valuedouble == layer;
    }
    return 0;
}

/* What peft has for Llama, Mistral and Qwen2 where the file names none. */
static bool by_default(const char *module)
{
    const size_t n = strlen(module), k = strlen(".q_proj");
    return n > k && (!strcmp(module + n - k, ".q_proj") || !strcmp(module + n - k, ".v_proj"));
}

int adapter_config_targets(const struct adapter_config *c, const char *module, bool linear, struct err *err)
{
    const cJSON *target = json_get(c->root, "target_modules"), *exclude = json_get(c->root, "exclude_modules");
    bool whole = false, named;
    double ignored;
    int rc = first_match(c, &c->exclude, module, &ignored, err);
    if (rc == 0 && cJSON_IsArray(exclude) && ends_in(exclude, module, &whole))
        rc = 1;
    if (rc == 0)                          /* one that is saved whole has no change beside it */
        rc = first_match(c, &c->saved, module, &ignored, err);
    if (rc)
        return rc < 0 ? -1 : 0;
    if (c->all_linear)
        return linear;
    if (c->target.n)
        return matches(c, &c->target.at[0], module, err);
    whole = false;
    /* a list names ends, at dots; only those ask for a layer, a whole name is meant as it is */
    named = cJSON_IsArray(target) ? ends_in(target, module, &whole) : by_default(module);
    return !named ? 0 : whole ? 1 : layer_counts(c, module, err);
}

int adapter_config_scale(const struct adapter_config *c, const char *module, int *r, float *scale, struct err *err)
{
    double rank = c->r, alpha = c->alpha;
    if (first_match(c, &c->rank, module, &rank, err) < 0 || first_match(c, &c->alphas, module, &alpha, err) < 0)
        return -1;
    if (!(rank >= 1 && rank <= MAX_RANK) || rank != floor(rank))
        return err_set(err, ERR_MODEL, "rank_pattern gives %s the rank %g; it must be a whole number from 1 to %d", module, rank, MAX_RANK);
    *r = (int)rank;
    /* in double, as Python computes it, and then once to fp32, as torch does where it multiplies */
    *scale = (float)(c->rslora ? alpha / sqrt(rank) : alpha / rank);
    return 0;
}

bool adapter_config_saves(const struct adapter_config *c, const char *module)
{
    const cJSON *j;
    const size_t n = strlen(module);
    /* peft wraps by the end of the name, with no regard to dots: "head" is lm_head as well */
    cJSON_ArrayForEach(j, json_get(c->root, "modules_to_save"))
    {
        const size_t k = strlen(j->valuestring);
        if (n >= k && !strcmp(module + n - k, j->valuestring))
            return true;
    }
    return false;
}
