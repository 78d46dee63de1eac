/* tokenizer.h - text to token ids and back (room: text).
 * Ids and texts are those of Hugging Face's fast tokenizers for the same files: every fragment between added tokens is normalised, cut
 * and merged on its own. A tokenizer is read-only once made; any number of threads may use it. */
#ifndef MTB_TOKENIZER_H
#define MTB_TOKENIZER_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum token_type { TOKEN_NORMAL = 1, TOKEN_UNKNOWN, TOKEN_CONTROL, TOKEN_USER, TOKEN_UNUSED, TOKEN_BYTE };

/* The vocabulary of a GGUF file, as its reader finds it (tokenizer.ggml.*), or of a SentencePiece model. The tokenizer copies what it
 * keeps. */
struct vocab {
    struct slice kind;             /* "gpt2" or "llama" (tokenizer.ggml.model) */
    struct slice pre;              /* "smollm" (tokenizer.ggml.pre); ptr NULL when absent */
    size_t n_tokens;
    const struct slice *token;     /* (n_tokens) as stored: byte-level or SentencePiece spelling */
    const float *score;            /* (n_tokens); needed by "llama", else may be NULL */
    const int32_t *type;           /* (n_tokens) enum token_type; NULL: all normal */
    size_t n_merges;
    const struct slice *merge;     /* (n_merges) "A B"; needed by "gpt2" */
    int32_t bos, eos, unk, sep, pad, cls, mask, eot;     /* -1: none (0 is an id: set all of them) */
    bool has_add_bos, add_bos, has_add_eos, add_eos, has_add_space_prefix, add_space_prefix;
    bool prefix_once;              /* the space goes before the whole text only, not before what follows an added token as well */
    bool remove_extra_spaces;      /* SentencePiece's remove_extra_whitespaces */
};

/* A growing list of token ids. Zeroed is empty; id is owned. */
struct ids {
    int32_t *id;
    size_t n, cap;
};

void ids_add(struct ids *s, int32_t id);
void ids_clear(struct ids *s);       /* keeps the memory */
void ids_free(struct ids *s);

struct tokenizer;

/* The files of a Hugging Face folder that say what a tokenizer is; zeroed: not there. */
struct tokenizer_files {
    struct slice json;             /* tokenizer.json; needed */
    struct slice config;           /* tokenizer_config.json: its added_tokens_decoder and roles win over tokenizer.json's flags */
    struct slice special_map;      /* special_tokens_map.json: read where the configuration has no added_tokens_decoder */
    struct slice added;            /* added_tokens.json: likewise */
    struct slice model;            /* config.json: its tokenizer_class or model_type, where the configuration names no class */
};

/* As transformers' AutoTokenizer loads the folder. NULL: err (format for bytes that are not such a file, model for a component that this
 * program does not know; the text names it). */
struct tokenizer *tokenizer_from_json(const struct tokenizer_files *f, struct err *err);
/* From a GGUF vocabulary. NULL: err (model for an unknown kind or pre-tokenizer, format for ids or merges outside the vocabulary). */
struct tokenizer *tokenizer_from_vocab(const struct vocab *v, struct err *err);
/* From a SentencePiece model file (tokenizer.model) of kind BPE, with the files beside it (tokenizer.json is not read). Ids are those of
 * Hugging Face's LlamaTokenizer (the slow one), which FastChat uses: 'legacy' of the configuration counts. NULL: err, as above. */
struct tokenizer *tokenizer_from_sentencepiece(struct slice model, const struct tokenizer_files *files, struct err *err);
void tokenizer_destroy(struct tokenizer *t);

enum {
    ENC_ADD_SPECIAL = 1,             /* put BOS, EOS or the post-processor's template around the text */
    ENC_PARSE_SPECIAL = 2            /* special tokens written in the text become their ids; without it they are plain text.
                                      * Added tokens that are not special are recognised either way. */
};

/* Append the ids of text to 'out'. Invalid UTF-8 is read as U+FFFD, one per maximal bad part, and
 * nul.h's spelling of U+0000 as that character. -1: err (format: the vocabulary lacks
 * what the text needs, or a pattern of the file ran out of its match limit). */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t n, int flags, struct ids *out, struct err *err);

enum { DEC_SKIP_SPECIAL = 1 };

/* Append the text of the ids to 'out': valid UTF-8, U+FFFD for bytes that are not. Ids outside the vocabulary give nothing.
 * Hugging Face's clean_up_tokenization_spaces is applied when tokenizer_config.json asks for it. */
void tokenizer_decode(const struct tokenizer *t, const int32_t *id, size_t n, int flags, struct buf *out);

/* Ids are 0 .. n_vocab-1; some of them may have no text. */
int tokenizer_n_vocab(const struct tokenizer *t);
/* -1: none. */
int32_t tokenizer_bos(const struct tokenizer *t);
int32_t tokenizer_eos(const struct tokenizer *t);
/* Id of a token by its stored text, added tokens first; -1: no such token. */
int32_t tokenizer_id(const struct tokenizer *t, const char *text, size_t n);
/* Is it a token that no text is merged to: a special one, or one that was added to the vocabulary as a whole? */
bool tokenizer_is_control(const struct tokenizer *t, int32_t id);
/* The special tokens by role: bos, eos, unk, sep, pad, cls, mask, then the additional ones, each text once; NULL past the end.
 * FastChat removes these texts from answers in this order. */
const char *tokenizer_special(const struct tokenizer *t, int i);
/* The text of a role for chat templates: "bos", "eos", "unk", "sep", "pad", "cls", "mask"; "" where there is none. */
const char *tokenizer_role_text(const struct tokenizer *t, const char *role);
/* additional_special_tokens, *n of them; the tokenizer's. */
const char *const *tokenizer_additional(const struct tokenizer *t, int *n);

#endif
