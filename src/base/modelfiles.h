/* modelfiles.h - which files of a folder, or of a repository, are a model (private to base). Pure: names in, names out.
 * The one place that knows: modelpath.c asks it about what lies on disk, hubrepo.c about what is worth fetching. */
#ifndef MTB_MODELFILES_H
#define MTB_MODELFILES_H

#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>

#define ADAPTER_CONFIG "adapter_config.json"

/* ---- sets of names ---- */

struct names {
    char **at;                   /* (n) paths as seen from the folder; sorted by bytes wherever one is looked for */
    int n;
};

bool name_ends_in(const char *name, const char *suffix);
void names_add(struct names *s, char *name); /* owned from here on; at the end */
void names_sort(struct names *s);
bool names_have(const struct names *s, const char *name);
void names_free(struct names *s);

/* ---- beside the weights ---- */

/* The parts of a model. REST: configuration, weights and their index. */
enum { LIST_TOKENIZER = 1, LIST_REST = 2, LIST_ALL = 3 };

/* The part that a file belongs to that is read beside the weights; 0: nobody reads it. */
int modelfiles_part(const char *name);

/* ---- the weights ---- */

struct form {
    const char *whole, *table, *suffix; /* the usual name of a file; of the index of several; how their names end */
};

enum chosen { CHOSEN = 0, CHOSEN_NONE, CHOSEN_SEVERAL, CHOSEN_IN_PART };

struct choice {
    struct names weights;        /* in CHOSEN_IN_PART also those that are not there */
    const char *index;           /* that chose them; NULL: nobody had to ask one */
    const char *suffix, *first, *other;  /* SEVERAL: two that could be meant, and how they end */
    const struct form *form;     /* SEVERAL: usual names that would decide; NULL: this kind has none */
    const char *missing;         /* IN_PART: the first shard that is not there */
    int there, count;            /* IN_PART, without an index: shards that are there, and that 'first' counts */
};

/* As transformers chooses: a file of a usual name, else what the index names, safetensors before PyTorch; a stale index or other shards
 * beside them are no part of the model. Else only what cannot be misread, at the top: one file, or one set of shards, of .safetensors,
 * .gguf or .bin. 'index': the content of modelfiles_index(). Returns an enum chosen, for the caller to word; -1: err (format), about
 * c->index, without its path. names_free(&c->weights) in any case; other texts of 'c' are of 'all' or 'weights'. */
int modelfiles_choose(const struct names *all, const char *index, size_t n, struct choice *c, struct err *err);
/* All shards of the set that 'name' is of: CHOSEN or CHOSEN_IN_PART. */
int modelfiles_choose_set(const struct names *all, const char *name, const char *suffix, struct choice *c);

/* The file by whose name alone transformers knows a model's weights, or their index; NULL: none. */
const char *modelfiles_usual(const struct names *all);
/* The index whose content decides; NULL: none is needed. */
const char *modelfiles_index(const struct names *all);
/* An adapter's weights; NULL: none that peft would read. */
const char *modelfiles_adapter(const struct names *all);
#define ADAPTER_WEIGHTS "adapter_model.safetensors or adapter_model.bin" /* for messages */

/* "m-00002-of-00005.gguf": length of the stem, and the two numbers. False: not one of several. */
bool modelfiles_shard(const char *name, const char *suffix, int *stem, int *number, int *count);

#endif
