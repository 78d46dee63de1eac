/* page.h - a gallery as HTML that needs nothing but a browser: one file, or a folder of them (room: report, the pages' own).
 * PAGE.md says what is in it and by which names. The same gallery gives the same bytes. Texts are written as they are read, so the page
 * needs no memory for them; the file has its name only when it is whole. */
#ifndef MTB_PAGE_H
#define MTB_PAGE_H

#include "gallery.h"

struct page_size {
    uint64_t bytes;                      /* of what was written */
    long answers, judgments;             /* turns, games */
};

/* One file at 'path'. -1: err (io, format); what was there is untouched. */
int page_put(const struct gallery *g, const char *path, struct page_size *size, struct err *err);
/* FOLDER/index.html with the tables, and a page per question beside it, FOLDER/q81.html. The folder is made; index.html comes last. */
int page_put_split(const struct gallery *g, const char *folder, struct page_size *size, struct err *err);

#endif
