/* paper.h - a document of sections, sentences, tables and pictures, written as it grows: HTML or Markdown (room: report, its own).
 * The HTML is one file without scripts, fonts or addresses, under a Content-Security-Policy that allows nothing but its own style. Texts
 * are plain and may be anybody's: they are escaped here. */
#ifndef MTB_PAPER_H
#define MTB_PAPER_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/sheet.h"

enum paper_form { PAPER_HTML, PAPER_MARKDOWN };

struct paper_section { const char *id, *title; };

struct paper_head {
    const char *title, *about;           /* about: a sentence below the title */
    const char *generator;               /* the program and its version */
    const struct paper_section *section; /* (n_sections) all that come, in their order */
    int n_sections;
};

struct paper;

/* Nothing is at 'path' before paper_end(), or what was there stays. NULL: err (io). */
struct paper *paper_begin(const char *path, enum paper_form form, const struct paper_head *head, struct err *err);
/* The next section begins. */
void paper_section(struct paper *p);
void paper_heading(struct paper *p, const char *text);
void paper_text(struct paper *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Items behind one another are a list. */
void paper_item(struct paper *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* 'data': what a program finds the table by, of letters, digits and '-'. */
void paper_sheet(struct paper *p, const struct sheet *s, const char *caption, const char *data);
/* An SVG as it is; Markdown has no place for it. */
void paper_picture(struct paper *p, const struct buf *svg);
/* The file is whole. -1: err (io); the old one is untouched. Releases it either way. */
int paper_end(struct paper *p, struct err *err);
/* NULL is fine. */
void paper_drop(struct paper *p);

#endif
