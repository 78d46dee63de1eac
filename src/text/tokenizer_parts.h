/* tokenizer_parts.h - what a tokenizer is made of (private to room text).
 * A text passes: added tokens, normalizer steps, added tokens again, pre-tokenizer steps, model (lexicon and merges), template. */
#ifndef MTB_TOKENIZER_PARTS_H
#define MTB_TOKENIZER_PARTS_H

#include "mtbench/json.h"
#include "mtbench/tokenizer.h"
#include "unicode.h"

/* ---- tokenizer_lexicon.c: the model's tokens, by text and by id ---- */
struct lexicon {
    struct slice *text;              /* (n_ids) len 0: no such token; bytes lie in the arena */
    int32_t n_ids;
    int32_t n_tokens;                /* different texts; less than n_ids where ids are left out or texts come twice */
    char *arena;
    size_t used;
    struct lexicon_slot { uint32_t tag; int32_t id; } *slot;   /* open addressing; id -1: free */
    uint32_t mask;
};

/* Room for ids below n_ids, n_tokens tokens and their bytes in all. */
void lexicon_init(struct lexicon *x, int32_t n_ids, size_t n_tokens, size_t bytes);
/* The caller keeps to what it promised lexicon_init(). A token that is not 'findable' has a text but no id by text. Of equal texts the
 * last is found. */
void lexicon_set(struct lexicon *x, int32_t id, const char *s, size_t n, bool findable);
/* -1: none. */
int32_t lexicon_find(const struct lexicon *x, const char *s, size_t n);
void lexicon_free(struct lexicon *x);

/* ---- bpe.c: symbols merged pair by pair, lowest rank first, leftmost of equals ---- */
struct symbol { int32_t prev, next; uint32_t start, len; int32_t id; };     /* bytes [start, start + len) of the word; len 0: merged away */
struct merge_pair { uint32_t rank, pos, size; int32_t id; };
struct word {
    const char *text;
    struct symbol *sym;
    size_t n, cap;
    struct merge_pair *heap;
    size_t n_heap, cap_heap;
};

/* Rank (lower merges earlier) and id of the symbol that a and b make, or false. */
typedef bool pair_rule(const void *ctx, const struct word *w, const struct symbol *a, const struct symbol *b, uint32_t *rank, int32_t *id);
void word_add(struct word *w, size_t start, size_t len, int32_t id);
void word_merge(struct word *w, pair_rule *rule, const void *ctx);
void word_free(struct word *w);

struct bpe {
    struct merge_slot { uint64_t key; uint32_t rank; int32_t id; } *merge;  /* key: left id << 32 | right id */
    uint32_t mask;                   /* merge slots - 1 */
    int32_t unk;                     /* -1: what the lexicon lacks is dropped */
    bool byte_fallback, fuse_unk, ignore_merges;
    bool lacks_unk;                  /* the file names an unknown token that the lexicon lacks */
    char *prefix, *suffix;           /* continuing_subword_prefix, end_of_word_suffix; NULL: none */
    int32_t byte_id[256];            /* "<0x0A>" and so on; -1: none */
};

void bpe_init(struct bpe *b, size_t n_merges);
/* Merge number 'rank' is A B. -1: err, one of A, B, AB is no token. */
int bpe_merge(struct bpe *b, const struct lexicon *x, uint32_t rank, struct slice left, struct slice right, struct err *err);
void bpe_bytes(struct bpe *b, const struct lexicon *x);
/* False: the text has what the lexicon lacks, and so has the unknown token that would stand for it. */
bool bpe_encode(const struct bpe *b, const struct lexicon *x, const char *s, size_t n, struct word *w, struct ids *out);
void bpe_free(struct bpe *b);

/* ---- spm.c: SentencePiece models, where a token's score decides ---- */
struct spm {
    float *score;                    /* (lexicon n_ids) */
    uint8_t *type;                   /* (lexicon n_ids) enum token_type */
    bool has_unused;
    bool user_first[256];            /* first bytes of user-defined tokens */
    uint32_t user_len;               /* bytes of the longest */
    int32_t unk;
    bool byte_fallback;
    int32_t byte_id[256];
    bool fuse_unk;
    float unk_score;                 /* unigram: lowest score - 10 */
    uint32_t max_len;                /* unigram: bytes of the longest token */
};

/* All scores 0, all tokens normal. */
void spm_init(struct spm *m, const struct lexicon *x);
void spm_type(struct spm *m, const struct lexicon *x, int32_t id, enum token_type type);
/* False, as bpe_encode(). */
bool spm_encode(const struct spm *m, const struct lexicon *x, const char *s, size_t n, struct word *w, struct ids *out);
bool unigram_encode(const struct spm *m, const struct lexicon *x, const char *s, size_t n, struct ids *out);
void spm_free(struct spm *m);

/* ---- tokenizer_pattern.c: a literal or a regular expression in Oniguruma's dialect ---- */
struct pattern;
struct matcher;                      /* scratch of one thread */

struct matcher *matcher_create(void);
void matcher_free(struct matcher *m);
struct pattern *pattern_create(const char *s, size_t n, bool literal, struct err *err);
void pattern_free(struct pattern *p);
/* First match at or after 'from': 1 and [*start, *end), 0 for none, -1 (err) when the match limit was reached. Empty matches count. */
int pattern_find(const struct pattern *p, struct matcher *m, const char *s, size_t n, size_t from, size_t *start, size_t *end,
                 struct err *err);
/* Was it made of this text? */
bool pattern_is(const struct pattern *p, const char *s);
bool pattern_is_literal(const struct pattern *p);
/* Append s with every match replaced. */
int pattern_replace(const struct pattern *p, struct matcher *m, const char *s, size_t n, struct slice with, struct buf *out,
                    struct err *err);

/* ---- steps: normalizers, pre-tokenizers and decoders as data ---- */
enum step_kind {
    NORM_FORM, NORM_LOWER, NORM_STRIP, NORM_STRIP_ACCENTS, NORM_SPACES, NORM_PREPEND, NORM_REPLACE, NORM_BYTES,
    PRE_SPLIT, PRE_CLASS, PRE_BYTES, PRE_METASPACE,
    DEC_BYTES, DEC_METASPACE, DEC_REPLACE, DEC_BYTE_FALLBACK, DEC_FUSE, DEC_STRIP, DEC_SUFFIX
};
enum behaviour { SPLIT_ISOLATED, SPLIT_REMOVED, SPLIT_PREVIOUS, SPLIT_NEXT, SPLIT_CONTIGUOUS };
enum prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

struct step {
    enum step_kind kind;
    struct pattern *pattern;         /* PRE_SPLIT, PRE_BYTES (NULL: uncut), NORM_REPLACE, DEC_REPLACE */
    char *text;                      /* what is prepended, put in place, stripped, or stands for a space; owned */
    size_t len;
    bool (*is)(uint32_t c);          /* PRE_CLASS: each such character is a match */
    enum normal_form form;
    enum behaviour behaviour;
    enum prepend prepend;            /* NORM_PREPEND, PRE_METASPACE, DEC_METASPACE */
    bool invert;                     /* PRE_SPLIT: the text between matches counts as the match */
    bool split;                      /* PRE_METASPACE */
    bool prefix_space;               /* PRE_BYTES */
    bool left, right;                /* NORM_STRIP */
    int start, stop;                 /* DEC_STRIP: most characters cut from either end */
};
struct steps { struct step *step; int n; };

/* A zeroed step at the end of s, to be filled in. */
struct step *steps_add(struct steps *s, enum step_kind kind);
void steps_free(struct steps *s);

/* ---- tokenizer_normalize.c ---- */
/* Run the steps over valid UTF-8 in 'text', in place; first: it begins where the whole text begins. */
int normalize(const struct steps *s, struct matcher *m, bool first, struct buf *text, struct err *err);

/* ---- pretok.c: texts cut into pieces ---- */
struct piece { size_t off, len; bool first; };        /* first: begins where the whole text begins */
struct pieces {
    struct buf text;
    struct piece *piece;
    size_t n, cap;
};

void pieces_add(struct pieces *p, const char *s, size_t n, bool first);      /* empty ones are dropped */
void pieces_clear(struct pieces *p);
void pieces_free(struct pieces *p);
/* Run the steps over 'p', in place; 'tmp' is scratch. */
int pretokenize(const struct steps *s, struct matcher *m, struct pieces *p, struct pieces *tmp, struct err *err);
/* GPT-2's bijection of bytes onto printable characters. */
extern const uint16_t byte_char[256];
/* The byte that character c stands for, or -1. */
int char_byte(uint32_t c);
/* The pattern that ByteLevel cuts with. */
extern const char gpt2_pattern[];
/* Append the steps of a GGUF pre-tokenizer name; sets *ignore_merges and the default of add_bos. -1: err lists the known names. */
int pretok_named(struct slice name, struct steps *norm, struct steps *pre, bool *ignore_merges, bool *add_bos, struct err *err);

/* ---- tokenizer_added.c: tokens that are found in the text before anything else ---- */
struct added_token {
    char *text;
    size_t len;
    int32_t id;
    bool special, lstrip, rstrip, single_word, normalized;
};
struct added {
    struct added_token *token;
    int n;
    struct trie { struct trie_node *node; int n, cap; } raw, normal;         /* raw: seen before the normalizer; normal: after it */
};
struct trie_node { int32_t child, sibling, token; char byte; };

/* 'a' is copied. Empty texts are ignored. */
void added_add(struct added *a, const struct added_token *token);
/* The same, in the place of a token with this text, if there is one. */
void added_put(struct added *a, const struct added_token *token);
/* Build the tries; texts of normalized tokens pass the normalizer. */
int added_index(struct added *a, const struct steps *norm, struct err *err);
void added_free(struct added *a);
/* A walk over s: zero 'at' and 'floor'. A special token is passed over unless 'specials'. */
struct added_scan { const struct trie *trie; const char *s; size_t n; bool specials; size_t at, floor; };
/* A token (NULL at the end of s), the text before it [gap, start) and its own [start, stop) with the white space that it swallows. */
struct added_match { const struct added_token *token; size_t gap, start, stop; };
void added_next(const struct added *a, struct added_scan *scan, struct added_match *m);
const struct added_token *added_find(const struct added *a, const char *s, size_t n);

/* ---- tokenizer_decode.c ---- */
void decode(const struct steps *s, struct pieces *p, struct buf *out);

/* ---- tokenizer.c ---- */
enum model_kind { MODEL_BPE, MODEL_SPM, MODEL_UNIGRAM };
enum role { ROLE_BOS, ROLE_EOS, ROLE_UNK, ROLE_SEP, ROLE_PAD, ROLE_CLS, ROLE_MASK, ROLE_COUNT };

struct tokenizer {
    enum model_kind kind;
    struct lexicon lexicon;
    struct bpe bpe;
    struct spm spm;
    struct steps normalizer, pretokenizer, decoder;
    bool has_decoder;                /* without one, tokens are joined by spaces */
    struct added added;
    struct ids lead, tail;           /* what the post-processor puts before and after */
    struct slice *text;              /* (n_vocab) of every id, added tokens included */
    bool *special;                   /* (n_vocab) */
    int n_vocab;
    char *role[ROLE_COUNT];          /* texts; NULL: none */
    char **role_order;               /* (n_order) as tokenizer_special() gives them */
    int n_order;
    char **additional;               /* (n_additional) */
    int n_additional;
    bool clean_up;
    struct {
        bool on;                     /* made from tokenizer.model: decoded as the slow LlamaTokenizer does */
        bool legacy, adds_prefix;    /* its settings of that name */
        bool strips, strips_all;     /* SentencePiece drops the first space of a text, the spaces in front of it */
        bool empty_role;             /* a role's text is "" */
    } slow;
};

/* Fill text, special and n_vocab from lexicon and added tokens. */
void tokenizer_seal(struct tokenizer *t, int32_t n_ids);
/* Append to role_order unless it is there. */
void tokenizer_order(struct tokenizer *t, const char *text);

/* ---- tokenizer_slow.c ---- */
/* Append the text of n ids, all of which the tokenizer knows. */
void slow_decode(const struct tokenizer *t, const int32_t *id, size_t n, struct buf *out);
/* Not legacy, a lone space before a special token at the start of a text is dropped: from the ids behind 'start'. */
void slow_trim(const struct tokenizer *t, size_t start, struct ids *ids);

/* ---- tokenizer_vocab.c ---- */
/* Everything but added tokens and roles. *add_bos: the kind's default. */
int vocab_fill(struct tokenizer *t, const struct vocab *v, bool *add_bos, struct err *err);
void vocab_added(struct tokenizer *t, const struct vocab *v);
void vocab_roles(struct tokenizer *t, const struct vocab *v, bool add_bos);

/* ---- tokenizer_keys.c: the keys of tokenizer.json and tokenizer_config.json. -1: err (format, model) ---- */
int keys_of_root(const cJSON *root, struct err *err);
/* A component and, in a Sequence, those under 'list' ("normalizers"). Names that are not known are appended to 'unknown'. */
int keys_of_components(const cJSON *j, const char *list, struct buf *unknown, struct err *err);
int keys_of_model(const cJSON *model, bool unigram, struct buf *unknown, struct err *err);
int keys_of_token(const cJSON *token, struct buf *unknown, struct err *err);
/* Unknown ones are named in a note. */
int keys_of_config(const cJSON *config, struct err *err);

/* ---- tokenizer_class.c: the classes of transformers ---- */
enum { MORE_TOKENS = 4 };
struct class {
    const char *name;                /* without "Fast"; NULL: the plain one */
    bool frame;                      /* BOS and EOS by add_bos_token and add_eos_token, whatever the post-processor says */
    bool add_bos;                    /* the default of the first */
    bool keeps_prefix;               /* without add_prefix_space the pre-tokenizer's own counts; of other classes it is false then */
    bool converts;                   /* add_prefix_space is for a conversion of tokenizer.model */
    bool objects;                    /* the texts of roles are tokens with flags of their own, all off */
    const char *role[ROLE_COUNT];    /* where the file is silent */
    struct { const char *key, *text; } more[MORE_TOKENS];      /* additional special tokens by keys of their own, with their defaults */
};
/* By tokenizer_config.json, or config.json; NULL: there is none. */
const struct class *class_of(const cJSON *config, const cJSON *model);
/* Does the configuration ask for a conversion that gives something else than t, which tokenizer.json gave? -1: err (model). */
int class_check_conversion(const struct class *c, const struct tokenizer *t, const cJSON *config, struct err *err);

/* ---- tokenizer_config.c: what lies beside a vocabulary, parsed ---- */
struct tokenizer_side {
    cJSON *config;                   /* tokenizer_config.json, with the roles of special_tokens_map.json where those count */
    cJSON *added;                    /* added_tokens.json */
    cJSON *model;                    /* config.json */
};
/* NULL: not there; the keys of the first are checked. -1: err (format, model); side_free() either way. */
int side_parse(const struct tokenizer_files *files, struct tokenizer_side *side, struct err *err);
void side_free(struct tokenizer_side *side);

/* Texts of the roles, the additional special tokens, clean_up. -1: err (format): one is no token. */
int config_roles(struct tokenizer *t, const struct class *c, const cJSON *config, struct err *err);
bool config_has_empty_role(const cJSON *config);
/* For classes that have a frame: lead and tail. -1: err (format): there is no such token. */
int config_frame(struct tokenizer *t, const struct class *c, const cJSON *config, struct err *err);
/* What transformers adds to a tokenizer.json when it loads one: added_tokens_decoder of the configuration or, in folders from before it,
 * added_tokens.json, then the roles' tokens. A token that is there already takes the flags of the file beside. 'own': the list added_tokens
 * of tokenizer.json. After config_roles(). */
int config_side_tokens(struct tokenizer *t, const struct class *c, const struct tokenizer_side *side, const cJSON *own, struct err *err);
/* {"32000": {"content": "<pad>", "special": true ...}} (added_tokens_decoder), or {"<pad>": 32000} (added_tokens.json). NULL: none. */
int config_added(struct tokenizer *t, const cJSON *list, struct err *err);
/* The id that an added token gets: its text's, or the first behind the vocabulary and all that were added. */
int32_t config_new_id(const struct tokenizer *t, const char *text, size_t n);
/* Beside a SentencePiece model: roles' and additional tokens that it lacks get the next free ids, and all of them are special. */
void config_missing(struct tokenizer *t, const cJSON *config);

#endif
