/* page_priv.h - the parts of a page (room: report, the pages' own). */
#ifndef MTB_PAGE_PRIV_H
#define MTB_PAGE_PRIV_H

#include "page.h"

#include "mtbench/outfile.h"
#include "mtbench/pairwise.h"
#include "mtbench/score.h"

/* Put into the program when it is built: page/page.css, and the parts of the script in their order. */
extern const char page_css[], page_css_end[], page_js[], page_js_end[];

enum { ALL_QUESTIONS = -1, ALL_CATEGORIES = -1 };

struct page {
    const struct gallery *g;
    bool split;                          /* links lead to a file per question */
    int question;                        /* this file's; ALL_QUESTIONS */
    struct outfile *out;
    struct buf b;                        /* what is not yet in 'out' */
    struct buf answers;                  /* of the index, row by row as their texts are written; a comma behind each */
    size_t answers_from;                 /* where those of this file begin */
    struct buf origins;                  /* of the index: how answers were made, each way once */
    struct map origin_of;
    bool *remade;                        /* (g->n_rows) was another answer judged than the one that lies here? As their texts are written */
    struct page_size *size;
};

/* Give what is there to the file, if it is long enough to be worth it. */
void page_flow(struct page *p);
/* The fragment of a view, and the id of what it shows: "q=81&a=NAME&b=NAME", names as encodeURIComponent() has them; a, b -1: without.
 * Attributes and texts of HTML alike. */
void page_put_view(struct buf *b, const struct gallery *g, int question, int a, int b_model);
/* The same as the address of a link, in quotes. */
void page_put_link(struct page *p, int question, int a, int b_model);
/* A C string as JSON that may stand in a script element. */
void page_put_json(struct buf *b, const char *text);
/* "the judge's text holds no verdict that can be read" */
const char *page_status_words(enum judgment_status s);

/* Takes all of these words out of what was put since 'from': markup, in which no text of others can look like it. NULL-ended. */
void page_drop(struct buf *b, size_t from, const char *const *words);
/* The same of counts in data- attributes that are 0, of a table's rows or a picture's marks: nearly all are. */
void page_drop_zeros(struct buf *b, size_t from);
/* A sentence about what is shown, or why it is not. */
void page_put_fact(struct page *p, const char *text);
/* section#scores, section#heat, section#plots */
int page_put_scores(struct page *p, struct err *err);
void page_put_heat(struct page *p);
void page_put_plots(struct page *p);
/* section#setup */
void page_put_setup(struct page *p);
/* section#texts */
int page_put_texts(struct page *p, struct err *err);
/* The number in the index of how this turn was made; 'o' NULL: nobody knows, -1. */
int page_origin(struct page *p, int model, const struct origin_turn *o);
/* ", {...}" behind an answer of the index: what is this turn's alone. */
void page_put_made(struct buf *b, const struct origin_turn *o);
/* script#index, with the answers that page_put_texts() saw */
void page_put_index(struct page *p);

/* ---- what is counted ---- */

/* Has this judge judged any answer, or pair, of a category? */
bool page_has_rows(const struct gallery *g, int judge, bool pairs, int category);
/* The questions of a category; .q is the caller's, their texts stay the gallery's. */
struct questions page_questions_of(const struct gallery *g, int category);
/* As `show --judge-model J --repeat N` does it; 'questions' NULL: all of the file's. -1: err; release either way. */
int page_count_scores(struct scores *s, const struct gallery *g, int judge, int repeats, const struct questions *questions,
                      struct err *err);
/* With all repeats. */
int page_count_all_scores(struct scores *s, const struct gallery *g, int judge, const struct questions *questions, struct err *err);
int page_count_pairs(struct pairwise *p, const struct gallery *g, int judge, const struct questions *questions, struct err *err);

#endif
