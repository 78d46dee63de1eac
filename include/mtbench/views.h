/* views.h - what `mtbench show` can show, as sheets (room: report). */
#ifndef MTB_VIEWS_H
#define MTB_VIEWS_H

#include "mtbench/answer_facts.h"
#include "mtbench/pairwise.h"
#include "mtbench/score.h"
#include "mtbench/sheet.h"

/* Facts for under the table: judgments of answers that were made anew, answers that were cut. */
void view_answer_facts(struct sheet *out, const struct answer_facts *f);

/* A line per model: score, interval, n, failed, turns; with several repeats, how they spread. */
void view_scores(struct sheet *out, const struct scores *s);
void view_turns(struct sheet *out, const struct scores *s);
/* 'wide': a line per model with all categories; else a line per model and category. */
void view_categories(struct sheet *out, const struct scores *s, bool wide);
/* Several judges, s[j] by judge[j]. 'wide': a line per model with all judges; else a line per model and judge. */
void view_panel(struct sheet *out, const struct scores *s, const char *const *judge, int n_judges, bool wide);
/* Says under it that of judges who were asked more than once the first repeat alone counts. */
void view_panel_repeats(struct sheet *out);
void view_compare(struct sheet *out, const struct scores *s, int a, int b);
/* A line per model, and one for all within each question, whose name is VIEW_LENGTH_ALL. */
#define VIEW_LENGTH_ALL "(all, within each question)"
void view_length(struct sheet *out, const struct scores *s, const struct answer_set *answers);
void view_pairs(struct sheet *out, const struct pairwise *p, const char *baseline);
/* A line per model and opponent, of p->pair. */
void view_pair_matrix(struct sheet *out, const struct pairwise *p);
/* The games of two models against each other, seen from A. */
void view_pair_compare(struct sheet *out, const struct pairwise *p, const char *a, const char *b);

#endif
