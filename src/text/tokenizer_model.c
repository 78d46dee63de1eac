/* tokenizer_model.c - a tokenizer from tokenizer.model, SentencePiece's own file (room: text).
 * The file is a protocol buffer (sentencepiece_model.proto): pieces, trainer_spec, normalizer_spec. Fields that do not matter are skipped.
 */
#include "tokenizer_parts.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- the wire format ---- */

struct wire {
    const uint8_t *p, *end;
};

struct field {
    uint32_t number;
    uint64_t value;                      /* wire types 0, 1 and 5 */
    struct wire bytes;                   /* wire type 2 */
};

static bool varint(struct wire *w, uint64_t *v)
{
    /* Little end first, seven bits a byte, the high bit says "more"; ten bytes are the most that 64 bits take. */
    *v = 0;
    for (int shift = 0; shift < 64 && w->p < w->end; shift += 7) {
        uint8_t b = *w->p++;
        *v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80)
            return true;
    }
    return false;
}

static bool fixed(struct wire *w, size_t n, uint64_t *v)
{
    *v = 0;
    if ((size_t)(w->end - w->p) < n)
        return false;
    memcpy(v, w->p, n);                  /* little-endian, as this program's machines are */
    w->p += n;
    return true;
}

/* 1: a field; 0: the end; -1: no protocol buffer. */
static int next_field(struct wire *w, struct field *f)
{
    uint64_t key;
    *f = (struct field){ 0 };
    /* between fields only: inside one, the end is damage */
    if (w->p == w->end)
        return 0;
    /* A key is number << 3 | wire type; number 0 is reserved, groups (3, 4) have been dead since proto2 and are in no model. */
    if (!varint(w, &key) || key >> 3 == 0 || key >> 3 > UINT32_MAX)
        return -1;
    f->number = (uint32_t)(key >> 3);
    switch (key & 7) {
    case 0: return varint(w, &f->value) ? 1 : -1;
    case 1: return fixed(w, 8, &f->value) ? 1 : -1;
    case 5: return fixed(w, 4, &f->value) ? 1 : -1;
    case 2:
        /* the length is checked before a pointer is made of it */
        if (!varint(w, &f->value) || f->value > (uint64_t)(w->end - w->p))
            return -1;
        f->bytes = (struct wire){ w->p, w->p + f->value };
        w->p += f->value;
        return 1;
    default: return -1;
    }
}

/* ---- the message ---- */

enum { PIECE = 1, TRAINER = 2, NORMALIZER = 3 };
enum { PIECE_TEXT = 1, PIECE_SCORE = 2, PIECE_TYPE = 3 };
enum { TRAINER_KIND = 3, TRAINER_SUFFIX = 24, TRAINER_BYTES = 35, TRAINER_UNK = 40, TRAINER_BOS = 41, TRAINER_EOS = 42, TRAINER_PAD = 43 };
enum { NORMALIZER_MAP = 2, NORMALIZER_PREFIX = 3, NORMALIZER_SPACES = 4, NORMALIZER_ESCAPE = 5 };
enum { KIND_UNIGRAM = 1, KIND_BPE = 2, MAX_PIECES = 1 << 22 };

struct spm_file {
    struct vocab vocab;
    struct slice *token;
    float *score;
    int32_t *type;
    size_t cap;
    uint64_t kind;
    bool suffix, bytes, map, escape;
};

static int damaged(struct err *err)
{
    return err_set(err, ERR_FORMAT, "tokenizer.model: the file is damaged or no SentencePiece model; fetch it again");
}

static void grow(struct spm_file *f)
{
    if (f->vocab.n_tokens < f->cap)
        return;
    f->cap = f->cap ? 2 * f->cap : 1024;
    f->token = xrealloc(f->token, f->cap, sizeof *f->token);
    f->score = xrealloc(f->score, f->cap, sizeof *f->score);
    f->type = xrealloc(f->type, f->cap, sizeof *f->type);
}

static int read_piece(struct spm_file *f, struct wire w)
{
    struct field x;
    int rc;
    grow(f);
    size_t i = f->vocab.n_tokens++;
    /* proto2's defaults, should a field be missing */
    f->token[i] = (struct slice){ "", 0 };
    f->score[i] = 0;
    f->type[i] = TOKEN_NORMAL;
    while ((rc = next_field(&w, &x)) > 0) {
        if (x.number == PIECE_TEXT && x.bytes.p)
            f->token[i] = (struct slice){ (const char *)x.bytes.p, (size_t)(x.bytes.end - x.bytes.p) };
        else if (x.number == PIECE_SCORE)
            /* a float's bits came as a fixed32 */
            memcpy(&f->score[i], &x.value, sizeof f->score[i]);
        else if (x.number == PIECE_TYPE)
            f->type[i] = x.value >= TOKEN_NORMAL && x.value <= TOKEN_BYTE ? (int32_t)x.value : 0;
    }
    /* An empty piece or an unknown type would be refused by SentencePiece itself when it loads the model. */
    return rc < 0 || f->token[i].len == 0 || f->type[i] == 0 || i >= MAX_PIECES ? -1 : 0;
}

static int read_trainer(struct spm_file *f, struct wire w)
{
    struct field x;
    int rc;
    while ((rc = next_field(&w, &x)) > 0) {
        switch (x.number) {
        case TRAINER_KIND: f->kind = x.value; break;
        case TRAINER_SUFFIX: f->suffix = x.value != 0; break;
        case TRAINER_BYTES: f->bytes = x.value != 0; break;
        /* int32 fields travel as 64-bit varints, negative ones sign-extended: the low half is the number */
        case TRAINER_UNK: f->vocab.unk = (int32_t)(uint32_t)x.value; break;
        case TRAINER_BOS: f->vocab.bos = (int32_t)(uint32_t)x.value; break;
        case TRAINER_EOS: f->vocab.eos = (int32_t)(uint32_t)x.value; break;
        case TRAINER_PAD: f->vocab.pad = (int32_t)(uint32_t)x.value; break;
        default: break;
        }
    }
    return rc;
}

static int read_spm_normalizer(struct spm_file *f, struct wire w)
{
    struct field x;
    int rc;
    while ((rc = next_field(&w, &x)) > 0) {
        switch (x.number) {
        /* precompiled_charsmap: a trie of replacements (NFKC and the like), a program of its own */
        case NORMALIZER_MAP: f->map = x.bytes.p < x.bytes.end; break;
        case NORMALIZER_PREFIX: f->vocab.add_space_prefix = x.value != 0; break;
        case NORMALIZER_SPACES: f->vocab.remove_extra_spaces = x.value != 0; break;
        case NORMALIZER_ESCAPE: f->escape = x.value != 0; break;
        default: break;
        }
    }
    return rc;
}

/* What this program cannot do as SentencePiece does it. */
static int refuse(const struct spm_file *f, struct err *err)
{
    static const char advice[] = "save the model's fast tokenizer (tokenizer.json) into the folder";
    /* What is refused here has a way out: the same folder's fast tokenizer carries all of it in tokenizer.json. */
    if (f->kind != KIND_BPE)
        return err_set(err, ERR_MODEL, "tokenizer.model: a SentencePiece model of kind %s is not supported, only BPE; %s",
                       f->kind == KIND_UNIGRAM ? "unigram" : "word or char", advice);
    if (f->map)
        return err_set(err, ERR_MODEL, "tokenizer.model: a table of character normalisation is not supported; %s", advice);
    if (f->suffix || !f->escape)
        return err_set(err, ERR_MODEL, "tokenizer.model: white space that is kept or marks the end of words is not supported; %s", advice);
    return 0;
}

/* A role that the pieces do not bear out is none: trainer_spec's defaults name ids that a small model lacks. */
static int32_t role_of(const struct spm_file *f, int32_t id, enum token_type type)
{
    return id >= 0 && (size_t)id < f->vocab.n_tokens && f->type[id] == (int32_t)type ? id : -1;
}

static int read_file(struct spm_file *f, struct slice data, struct err *err)
{
    struct wire w = { (const uint8_t *)data.ptr, (const uint8_t *)data.ptr + data.len };
    struct field x;
    int rc;
    *f = (struct spm_file){
        .kind = KIND_UNIGRAM, .escape = true,      /* proto2's defaults: what a file that is silent means */
        .vocab = { .kind = { "llama", 5 }, .unk = 0, .bos = 1, .eos = 2, .pad = -1, .sep = -1, .cls = -1, .mask = -1, .eot = -1,
                   .has_add_space_prefix = true, .add_space_prefix = true, .remove_extra_spaces = true },
    };
    /* Protocol buffers allow any order and repeats; pieces are numbered as they come. */
    while ((rc = next_field(&w, &x)) > 0) {
        if (x.number >= PIECE && x.number <= NORMALIZER && !x.bytes.p)
            return damaged(err);
        if ((x.number == PIECE && read_piece(f, x.bytes) < 0) || (x.number == TRAINER && read_trainer(f, x.bytes) < 0) ||
            (x.number == NORMALIZER && read_spm_normalizer(f, x.bytes) < 0))
            return damaged(err);
    }
    f->vocab.unk = role_of(f, f->vocab.unk, TOKEN_UNKNOWN);
    f->vocab.bos = role_of(f, f->vocab.bos, TOKEN_CONTROL);
    f->vocab.eos = role_of(f, f->vocab.eos, TOKEN_CONTROL);
    f->vocab.pad = role_of(f, f->vocab.pad, TOKEN_CONTROL);
    f->vocab.token = f->token;
    f->vocab.score = f->score;
    f->vocab.type = f->type;
    return rc < 0 || f->vocab.n_tokens == 0 ? damaged(err) : refuse(f, err);
}

static void free_file(struct spm_file *f)
{
    free(f->token);
    free(f->score);
    free(f->type);
}

/* ---- the tokenizer ---- */

static bool is_true(const cJSON *config, const char *name, bool otherwise)
{
    const cJSON *j = json_get(config, name);
    return cJSON_IsBool(j) ? cJSON_IsTrue(j) : otherwise;
}

/* A control piece that is nobody's token is not found in a text, as only roles and added tokens are, and SentencePiece decodes it to
 * nothing. */
static void silence_control(struct tokenizer *t, const struct vocab *v)
{
    for (size_t i = 0; i < v->n_tokens; i++)
        if (v->type[i] == TOKEN_CONTROL && !tokenizer_is_control(t, (int32_t)i))
            t->text[i] = (struct slice){ "", 0 };
}

/* Without 'legacy' Hugging Face takes its old way: SentencePiece's space goes before every fragment, not before the text only. */
static int build(struct tokenizer *t, struct spm_file *f, const cJSON *config, const cJSON *added, struct err *err)
{
    static const struct class llama = { .name = "LlamaTokenizer", .frame = true, .add_bos = true,
                                        .role = { [ROLE_BOS] = "<s>", [ROLE_EOS] = "</s>", [ROLE_UNK] = "<unk>" } };
    bool add_bos = false;
    t->slow.on = true;
    t->slow.legacy = is_true(config, "legacy", true);
    if (!t->slow.legacy && f->vocab.remove_extra_spaces)           /* there a space in front stays after all, and U+2581 is one */
        return err_set(err, ERR_MODEL,
                       "tokenizer_config.json: legacy false is not supported with a tokenizer.model that removes extra white space; say "
                       "true if the model was trained so, or save the model's fast tokenizer (tokenizer.json) into the folder");
    t->slow.adds_prefix = is_true(config, "add_prefix_space", true);
    t->slow.strips_all = f->vocab.remove_extra_spaces;
    t->slow.strips = t->slow.strips_all || (t->slow.legacy && f->vocab.add_space_prefix);
    if (!t->slow.legacy) {
        f->vocab.prefix_once = true;
        f->vocab.add_space_prefix = is_true(config, "add_prefix_space", true);
    }
    if (vocab_fill(t, &f->vocab, &add_bos, err) < 0)
        return err_wrap(err, "tokenizer.model");
    t->spm.byte_fallback = f->bytes;
    if (config_added(t, json_get(config, "added_tokens_decoder"), err) < 0)
        return err_wrap(err, "tokenizer_config.json");
    if (config_added(t, added, err) < 0)
        return err_wrap(err, "added_tokens.json");
    if (config_roles(t, &llama, config, err) < 0)
        return -1;
    t->slow.empty_role = config_has_empty_role(config);
    config_missing(t, config);
    if (added_index(&t->added, &t->normalizer, err) < 0)
        return -1;
    tokenizer_seal(t, (int32_t)f->vocab.n_tokens);
    silence_control(t, &f->vocab);
    return config_frame(t, &llama, config, err);
}

/* Sampling makes ids random. */
static int check_config(const cJSON *config, struct err *err)
{
    const cJSON *sp = json_get(config, "sp_model_kwargs");
    return cJSON_IsTrue(json_get(sp, "enable_sampling"))
               ? err_set(err, ERR_MODEL, "tokenizer_config.json: sp_model_kwargs asks for sampling, which makes ids random; remove it")
               : 0;
}

struct tokenizer *tokenizer_from_sentencepiece(struct slice model, const struct tokenizer_files *files, struct err *err)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);
    struct spm_file f;
    struct tokenizer_side side = { 0 };
    int rc = read_file(&f, model, err);
    if (rc == 0)
        rc = side_parse(files, &side, err);
    if (rc == 0 && (rc = check_config(side.config, err)) == 0)
        rc = build(t, &f, side.config, side.added, err);
    side_free(&side);
    free_file(&f);
    if (rc < 0) {
        tokenizer_destroy(t);
        return NULL;
    }
    return t;
}
