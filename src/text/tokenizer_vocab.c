/* tokenizer_vocab.c - a tokenizer from a GGUF vocabulary: byte-level BPE ("gpt2") or SentencePiece by scores ("llama") (room: text). */
#include "tokenizer_parts.h"

#include "mtbench/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char underline[] = "\xe2\x96\x81";           /* U+2581 */

static int check(const struct vocab *v, struct err *err)
{
    const struct {
        const char *name;
        int32_t id;
    } role[] = { { "bos", v->bos }, { "eos", v->eos }, { "unknown", v->unk }, { "eot", v->eot } };     /* the others are never fed */
    /* half of INT_MAX leaves room for added tokens and doubling tables */
    if (v->n_tokens == 0 || v->n_tokens > INT_MAX / 2)
        return err_set(err, ERR_FORMAT, "tokenizer.ggml.tokens: %zu tokens are impossible", v->n_tokens);
    for (size_t i = 0; i < sizeof role / sizeof *role; i++)
        /* -1 (none) passes; an id beyond the vocabulary would index outside every table */
        if (role[i].id >= (int32_t)v->n_tokens)
            return err_set(err, ERR_FORMAT, "tokenizer.ggml.%s_token_id %d: the vocabulary has only %zu tokens", role[i].name, role[i].id,
                           v->n_tokens);
    return 0;
}

static void fill_lexicon(struct tokenizer *t, const struct vocab *v)
{
    size_t bytes = 0;
    for (size_t i = 0; i < v->n_tokens; i++)
        bytes += v->token[i].len;
    lexicon_init(&t->lexicon, (int32_t)v->n_tokens, v->n_tokens, bytes);
    for (size_t i = 0; i < v->n_tokens; i++)
        lexicon_set(&t->lexicon, (int32_t)i, v->token[i].ptr, v->token[i].len, true);
}

/* What GGUF writers give the tokens that a Hugging Face folder adds to its SentencePiece model. */
static const float added_score = -1000;

/* A user-defined token of the SentencePiece model itself is found by the model, in the prepared text. */
static bool is_models_own(const struct tokenizer *t, const struct vocab *v, size_t i)
{
    /* convert_hf_to_gguf.py writes both kinds as user-defined and tells them apart by nothing but this score. */
    return t->kind == MODEL_SPM && v->type[i] == TOKEN_USER && v->score[i] > added_score;
}

/* Marks of turns, texts and code that converters have left as normal tokens. Beside these, whatever is written <|so|>. */
static const char *const control_text[] = {
    "<end_of_turn>",
    "<start_of_turn>",
    "<EOT>",
    "_<EOT>",
    "< EOT >",
    "<end_of_utterance>",
    ("<\xef\xbd\x9c"                     /* a digit of hex would go on with the escape */
     "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>"),
    "<fim_prefix>",
    "<fim_suffix>",
    "<fim_middle>",
    "<fim_pad>",
    "<fim-prefix>",
    "<fim-suffix>",
    "<fim-middle>",
    "<fim-pad>",
    "<fim-repo>",
    "<PRE>",
    "<SUF>",
    "<MID>",
    "<PAD>",
    "<REPO>",
    "<reponame>",
    "\xe2\x96\x81<PRE>",
    "\xe2\x96\x81<SUF>",
    "\xe2\x96\x81<MID>",
};

/* Does a token that is typed as normal look like a control token? Then it is one: no merge was learnt across such a mark, so that it would
 * be spelt out piece by piece, in the template's own text too. */
static bool looks_like_control(struct slice s)
{
    for (size_t i = 0; i < sizeof control_text / sizeof *control_text; i++)
        if (slice_is(s, control_text[i]))
            return true;
    /* at least one letter between the bars: "<||>" is an operator of some languages */
    if (s.len < 5 || memcmp(s.ptr, "<|", 2) || memcmp(s.ptr + s.len - 2, "|>", 2))
        return false;
    for (size_t i = 2; i < s.len - 2; i++)
        if (!((s.ptr[i] | 32) >= 'a' && (s.ptr[i] | 32) <= 'z') && !(s.ptr[i] >= '0' && s.ptr[i] <= '9') && !memchr("_-", s.ptr[i], 2))
            return false;
    return true;
}

/* Control tokens are special; user-defined ones are found in the text as well. */
void vocab_added(struct tokenizer *t, const struct vocab *v)
{
    for (size_t i = 0; i < v->n_tokens; i++) {
        /* Unknown and control tokens are special in every library; byte tokens ("<0x0A>") are not: a user may write their names. */
        const int32_t type = v->type ? v->type[i] : TOKEN_NORMAL;
        bool special = type == TOKEN_CONTROL || type == TOKEN_UNKNOWN || (type == TOKEN_NORMAL && looks_like_control(v->token[i]));
        if ((!special && type != TOKEN_USER) || (type == TOKEN_USER && is_models_own(t, v, i)))
            continue;
        /* GGUF texts end with their length, not with a NUL */
        char *text = xstrndup(v->token[i].ptr, v->token[i].len);
        added_add(&t->added, &(struct added_token){ .text = text, .len = strlen(text), .id = (int32_t)i, .special = special });
        free(text);
    }
}

static void set_role(struct tokenizer *t, const struct vocab *v, enum role r, int32_t id)
{
    /* A pad id beyond the embedding is common and harmless, as nothing is ever padded here. */
    if (id < 0 || id >= (int32_t)v->n_tokens || v->token[id].len == 0)
        return;
    t->role[r] = xstrndup(v->token[id].ptr, v->token[id].len);
    tokenizer_order(t, t->role[r]);
}

void vocab_roles(struct tokenizer *t, const struct vocab *v, bool add_bos)
{
    set_role(t, v, ROLE_BOS, v->bos);
    set_role(t, v, ROLE_EOS, v->eos);
    set_role(t, v, ROLE_UNK, v->unk);
    set_role(t, v, ROLE_SEP, v->sep);
    set_role(t, v, ROLE_PAD, v->pad);
    set_role(t, v, ROLE_CLS, v->cls);
    set_role(t, v, ROLE_MASK, v->mask);
    /* The file's word, else the default of its kind: SentencePiece and Llama 3 vocabularies add BOS, GPT-2's do not. */
    if (v->bos >= 0 && (v->has_add_bos ? v->add_bos : add_bos))
        ids_add(&t->lead, v->bos);
    if (v->eos >= 0 && v->has_add_eos && v->add_eos)
        ids_add(&t->tail, v->eos);
}

static int fill_bpe(struct tokenizer *t, const struct vocab *v, bool *add_bos, struct err *err)
{
    if (v->n_merges == 0)
        return err_set(err, ERR_FORMAT, "tokenizer.ggml.merges: missing; a byte-level vocabulary cannot be used without");
    /* llama.cpp drops what such a vocabulary lacks; byte-level ones lack nothing */
    t->bpe.unk = -1;
    bpe_init(&t->bpe, v->n_merges);
    for (size_t i = 0; i < v->n_merges; i++) {
        struct slice m = v->merge[i];
        /* From the second byte on: a symbol may itself begin with a blank in odd files, never is one empty. */
        const char *blank = m.len > 2 ? memchr(m.ptr + 1, ' ', m.len - 1) : NULL;
        if (!blank)
            return err_set(err, ERR_FORMAT, "tokenizer.ggml.merges[%zu]: no two symbols", i);
        struct slice left = { m.ptr, (size_t)(blank - m.ptr) }, right = { blank + 1, m.len - (size_t)(blank - m.ptr) - 1 };
        if (bpe_merge(&t->bpe, &t->lexicon, (uint32_t)i, left, right, err) < 0)
            return err_wrap(err, "tokenizer.ggml.merges[%zu]", i);
    }
    if (pretok_named(v->pre, &t->normalizer, &t->pretokenizer, &t->bpe.ignore_merges, add_bos, err) < 0)
        return -1;
    /* GGUF says nothing of decoders: "gpt2" means bytes in disguise */
    steps_add(&t->decoder, DEC_BYTES);
    return 0;
}

static struct step *text_step(struct steps *s, enum step_kind kind, const char *text)
{
    struct step *step = steps_add(s, kind);
    step->text = xstrdup(text);
    step->len = strlen(text);
    return step;
}

/* Spaces to U+2581, one of them before the text. */
static int spm_steps(struct tokenizer *t, const struct vocab *v, struct err *err)
{
    bool prefix = !v->has_add_space_prefix || v->add_space_prefix;
    /* Before the prefix: the blanks in front would otherwise keep the sign that is put there. */
    if (v->remove_extra_spaces)
        text_step(&t->normalizer, NORM_SPACES, underline);
    /* In SentencePiece the prefix is part of the normaliser: it goes before every fragment, unless Hugging Face's newer way says once. */
    if (prefix)
        text_step(&t->normalizer, NORM_PREPEND, underline)->prepend = v->prefix_once ? PREPEND_FIRST : PREPEND_ALWAYS;
    struct step *space = text_step(&t->normalizer, NORM_REPLACE, underline);
    /* Decoding undoes this in reverse: signs to spaces, bytes to characters, one text, and the space in front away. */
    struct step *back = text_step(&t->decoder, DEC_REPLACE, " ");
    if (!(space->pattern = pattern_create(" ", 1, true, err)) || !(back->pattern = pattern_create(underline, 3, true, err)))
        return -1;
    steps_add(&t->decoder, DEC_BYTE_FALLBACK);
    /* DEC_STRIP cuts at every token; behind Fuse there is one, so only the first space goes */
    steps_add(&t->decoder, DEC_FUSE);
    if (prefix || v->remove_extra_spaces)
        text_step(&t->decoder, DEC_STRIP, " ")->start = 1;
    return 0;
}

static int fill_spm(struct tokenizer *t, const struct vocab *v, bool *add_bos, struct err *err)
{
    if (!v->score)
        return err_set(err, ERR_FORMAT, "tokenizer.ggml.scores: missing; a SentencePiece vocabulary cannot be used without");
    t->kind = MODEL_SPM;
    spm_init(&t->spm, &t->lexicon);
    /* checked by whoever read the file: as many scores as tokens */
    memcpy(t->spm.score, v->score, v->n_tokens * sizeof *v->score);
    t->spm.unk = v->unk;
    t->spm.byte_fallback = true;
    *add_bos = true;
    for (size_t i = 0; v->type && i < v->n_tokens; i++) {
        /* A token that the folder added is found in the raw text (added_index), and must not be merged to, as a control token must not. */
        bool added = v->type[i] == TOKEN_USER && !is_models_own(t, v, i);
        if (v->type[i] >= TOKEN_NORMAL && v->type[i] <= TOKEN_BYTE)
            spm_type(&t->spm, &t->lexicon, (int32_t)i, added ? TOKEN_CONTROL : (enum token_type)v->type[i]);
    }
    return spm_steps(t, v, err);
}

int vocab_fill(struct tokenizer *t, const struct vocab *v, bool *add_bos, struct err *err)
{
    t->has_decoder = true;
    if (check(v, err) < 0)
        return -1;
    fill_lexicon(t, v);
    if (slice_is(v->kind, "gpt2"))
        return fill_bpe(t, v, add_bos, err);
    if (slice_is(v->kind, "llama"))
        return fill_spm(t, v, add_bos, err);
    return err_set(err, ERR_MODEL, "tokenizer.ggml.model \"%.*s\" is not supported; known are gpt2 and llama",
                   (int)(v->kind.len < 40 ? v->kind.len : 40), v->kind.ptr ? v->kind.ptr : "");
}

struct tokenizer *tokenizer_from_vocab(const struct vocab *v, struct err *err)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    bool add_bos = false;
    /* The order below is forced: tries need the normalizer, sealing needs all added tokens, roles need texts by id. */
    if (vocab_fill(t, v, &add_bos, err) < 0)
        goto error;
    vocab_added(t, v);
    if (added_index(&t->added, &t->normalizer, err) < 0)
        goto error;
    tokenizer_seal(t, (int32_t)v->n_tokens);
    vocab_roles(t, v, add_bos);
    return t;
error:
    tokenizer_destroy(t);
    return NULL;
}
