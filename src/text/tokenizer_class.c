/* tokenizer_class.c - what the tokenizer classes of transformers (4.57.3) do beside what their files say (room: text).
 * A class has tokens that nobody wrote down, its own idea of BOS and EOS, and of a space before a text. Which class it is says
 * tokenizer_config.json, failing that config.json, failing that the kind of model. */
#include "tokenizer_parts.h"

#include "mtbench/log.h"

#include <string.h>

#define END_OF_TEXT "<|endoftext|>"
#define UNDERLINE "\xe2\x96\x81"

static const struct class classes[] = {
    { .name = "LlamaTokenizer", .frame = true, .add_bos = true, .keeps_prefix = true, .converts = true,
      .role = { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>" } },
    { .name = "CodeLlamaTokenizer", .frame = true, .add_bos = true,
      .role = { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>" },
      .more = { { "prefix_token", UNDERLINE "<PRE>" }, { "middle_token", UNDERLINE "<MID>" }, { "suffix_token", UNDERLINE "<SUF>" },
                { "eot_token", UNDERLINE "<EOT>" } } },
    { .name = "GemmaTokenizer", .frame = true, .add_bos = true,
      .role = { [ROLE_BOS] = "<bos>", [ROLE_EOS] = "<eos>", [ROLE_UNK] = "<unk>", [ROLE_PAD] = "<pad>" } },
    { .name = "GPTNeoXTokenizer", .frame = true,
      .role = { [ROLE_BOS] = END_OF_TEXT, [ROLE_EOS] = END_OF_TEXT, [ROLE_UNK] = END_OF_TEXT } },
    { .name = "GPT2Tokenizer", .role = { [ROLE_BOS] = END_OF_TEXT, [ROLE_EOS] = END_OF_TEXT, [ROLE_UNK] = END_OF_TEXT } },
    { .name = "Qwen2Tokenizer", .objects = true, .role = { [ROLE_EOS] = END_OF_TEXT, [ROLE_UNK] = END_OF_TEXT, [ROLE_PAD] = END_OF_TEXT } },
    { .name = "BloomTokenizer", .role = { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>", [ROLE_PAD] = "<pad>" } },
    { .name = "PreTrainedTokenizer" },
    { .name = "TokenizersBackend" },                 /* what transformers 5 calls PreTrainedTokenizerFast */
};

/* TOKENIZER_MAPPING_NAMES of transformers, for the kinds of model that arch.c has or that are near them. */
static const struct {
    const char *model_type, *class;
} of_model[] = {
    { "llama", "LlamaTokenizer" }, { "mistral", "LlamaTokenizer" }, { "ministral", "LlamaTokenizer" }, { "phi3", "LlamaTokenizer" },
    { "arcee", "LlamaTokenizer" }, { "qwen2", "Qwen2Tokenizer" }, { "qwen3", "Qwen2Tokenizer" },
};

/* "LlamaTokenizer" or "LlamaTokenizerFast": transformers takes the fast one for either. */
static const struct class *find(const char *name)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        size_t n = strlen(classes[i].name);
        /* exactly that or with "Fast": "LlamaTokenizerOdd" is another class */
        if (!strncmp(name, classes[i].name, n) && (!name[n] || !strcmp(name + n, "Fast")))
            return &classes[i];
    }
    return NULL;
}

const struct class *class_of(const cJSON *config, const cJSON *model)
{
    static const struct class plain = { 0 };
    const cJSON *name = json_get(config, "tokenizer_class"), *type = json_get(model, "model_type");
    if (!cJSON_IsString(name))
        name = json_get(model, "tokenizer_class");
    if (cJSON_IsString(name)) {
        const struct class *c = find(name->valuestring);
        if (!c)
            log_note("tokenizer_class %.60s is not known; its tokenizer is read as the files say, without rules of that class",
                     name->valuestring);
        return c ? c : &plain;
    }
    /* Nobody named a class: the kind of model does (AutoTokenizer's last resort). */
    for (size_t i = 0; cJSON_IsString(type) && i < sizeof of_model / sizeof *of_model; i++)
        if (!strcmp(type->valuestring, of_model[i].model_type))
            return find(of_model[i].class);
    return &plain;
}

/* ---- LlamaTokenizerFast made anew from tokenizer.model ---- */

static bool is_text(const struct step *s, enum step_kind kind, const char *text)
{
    return s->kind == kind && s->len == strlen(text) && !memcmp(s->text, text, s->len);
}

static bool is_replace(const struct step *s, enum step_kind kind, const char *what, const char *with)
{
    return is_text(s, kind, with) && pattern_is_literal(s->pattern) && pattern_is(s->pattern, what);
}

/* LlamaConverter.normalizer() and pre_tokenizer(). */
static bool converted_in(const struct tokenizer *t, bool legacy, bool prefix)
{
    const struct steps *n = &t->normalizer, *p = &t->pretokenizer;
    if (!legacy)
        return n->n == 0 && p->n == 1 && is_text(p->step, PRE_METASPACE, UNDERLINE) && !p->step->split &&
               p->step->prepend == (prefix ? PREPEND_FIRST : PREPEND_NEVER);
    return p->n == 0 && n->n == 1 + prefix && (!prefix || is_text(n->step, NORM_PREPEND, UNDERLINE)) &&
           is_replace(&n->step[prefix], NORM_REPLACE, " ", UNDERLINE);
}

/* LlamaConverter.decoder() */
static bool converted_out(const struct tokenizer *t, bool prefix)
{
    const struct step *s = t->decoder.step;
    return t->decoder.n == 3 + prefix && is_replace(s, DEC_REPLACE, UNDERLINE, " ") && s[1].kind == DEC_BYTE_FALLBACK &&
           s[2].kind == DEC_FUSE && (!prefix || (is_text(&s[3], DEC_STRIP, " ") && s[3].start == 1 && s[3].stop == 0));
}

int class_check_conversion(const struct class *c, const struct tokenizer *t, const cJSON *config, struct err *err)
{
    const cJSON *space = json_get(config, "add_prefix_space"), *file = json_get(config, "tokenizer_file");
    const bool asked = cJSON_IsBool(space), prefix = asked && cJSON_IsTrue(space), legacy = !cJSON_IsFalse(json_get(config, "legacy"));
    if (!c->converts || (!asked && !(file && cJSON_IsNull(file))) || (converted_in(t, legacy, prefix) && converted_out(t, prefix)))
        return 0;
    return err_set(err, ERR_MODEL, "tokenizer_config.json: %s makes transformers build a LlamaTokenizer anew from tokenizer.model, %s and "
                   "%s, and tokenizer.json is another; remove that key to use tokenizer.json",
                   asked ? "add_prefix_space" : "tokenizer_file null", legacy ? "the legacy way" : "not the legacy way",
                   prefix ? "with a space before the text" : "without a space before the text");
}
