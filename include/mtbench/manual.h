/* manual.h - manual page and shell completion, made of the very tables that --help prints (room: base). Pure: text into buffers. */
#ifndef MTB_MANUAL_H
#define MTB_MANUAL_H

#include "mtbench/opts.h"

struct manual_verb {
    const char *name, *peer;             /* peer: another name of it, or NULL */
    const char *summary, *about;
    const struct opt *table;             /* (n) */
    int n;
};

/* The page is a head, each verb's section, and a tail. Troff with the macros of man(7). */
void manual_head(struct buf *out, const char *version, const char *synopsis);
void manual_put_verb(struct buf *out, const struct manual_verb *v);
void manual_section(struct buf *out, const char *title);
/* A term and what it means, in the section that is open. */
void manual_put_item(struct buf *out, const char *term, const char *meaning);
void manual_put_text(struct buf *out, const char *text);

/* A shell's completion is a head, each verb, and a tail. */
enum manual_shell { MANUAL_BASH, MANUAL_ZSH };
#define MANUAL_SHELLS "bash|zsh"
void completion_head(struct buf *out, enum manual_shell shell);
void completion_put_verb(struct buf *out, enum manual_shell shell, const struct manual_verb *v);
/* 'verbs' as they were put. */
void completion_tail(struct buf *out, enum manual_shell shell, const struct manual_verb *verbs, int n);

#endif
