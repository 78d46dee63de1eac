/* textfiles.h - what a model's files say about text: its tokenizer and its chat template (room: rig,
 * private; it alone sees both text and model). */
#ifndef MTB_TEXTFILES_H
#define MTB_TEXTFILES_H

#include "mtbench/gguf.h"
#include "mtbench/source.h"
#include "mtbench/tokenizer.h"

/* From tokenizer.json, else tokenizer.model, with what lies beside them. NULL: err. */
struct tokenizer *textfiles_tokenizer(const struct source *s, struct err *err);
struct tokenizer *textfiles_gguf_tokenizer(const struct gguf *g, struct err *err);

/* The model's own template, or nothing in 'out': chat_template.jinja, else tokenizer_config.json, else chat_template.json. Of several named
 * ones the "default" counts. -1: err, there are named ones and none is the default. */
int textfiles_template(const struct source *s, struct buf *out, struct err *err);
int textfiles_gguf_template(const struct gguf *g, struct buf *out, struct err *err);

#endif
