/* template.h - chat templates in the language of Jinja, as Hugging Face renders them (room: text).
 * Semantics: jinja2's sandboxed environment with trim_blocks, lstrip_blocks and loop controls, and the globals raise_exception,
 * strftime_now, namespace, range, dict. Hostile input: output, steps and depth are limited. */
#ifndef MTB_TEMPLATE_H
#define MTB_TEMPLATE_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>

struct template;

struct template_message {
    struct slice role, content;
};

struct template_token {
    const char *name, *text;             /* "bos_token", "<s>" */
};

struct template_vars {
    const struct template_message *message;
    int n_messages;
    bool add_generation_prompt;
    const struct template_token *token;
    int n_tokens;
    const char *const *additional;       /* (n_additional) additional_special_tokens, undefined where there are none */
    int n_additional;
    double now;                          /* what strftime_now prints, read as UTC */
};

/* Parse; 'src' is not kept. NULL: err (model) with the template's line. */
struct template *template_parse(const char *src, size_t n, struct err *err);
void template_destroy(struct template *t);
/* Append the rendered text. -1: err (model): raise_exception's message, an undefined operation, or a limit. */
int template_render(const struct template *t, const struct template_vars *v, struct buf *out, struct err *err);

#endif
