/* reporting_plots.c - the pictures of a report, from the sheets that show draws. */
#include "reporting_priv.h"

#include "mtbench/mem.h"
#include "mtbench/plot.h"
#include "mtbench/views.h"

#include <stdlib.h>
#include <string.h>

/* Takes the sheet. One without rows has no picture. */
static int draw(struct report *r, enum plot_kind kind, struct sheet *s, int judge, struct err *err)
{
    struct buf svg = {0};
    char *prefix = xasprintf("%s-%d", plot_name(kind), judge);
    const struct plot_look look = { .bench = r->o->bench_name, .prefix = prefix, .inside = true };
    int rc = s->n_cells ? plot_put(&svg, kind, s, &look, err) : 0;
    if (rc == 0 && svg.len)
        paper_picture(r->p, &svg);
    buf_free(&svg);
    free(prefix);
    sheet_free(s);
    return rc;
}

static bool answered(const struct review *v, const char *model)
{
    const struct review_model *m = review_model(v, model);
    return m && m->answered;
}

/* Lengths are of the answers, which may lie elsewhere: of those models there is no mark, and of none no picture. */
static int draw_length(struct report *r, int judge, struct err *err)
{
    const struct scores *all = &r->v.judge[judge].scores;
    struct showing what = report_showing(r, &r->v.judge[judge]);
    struct sheet s = {0};
    struct err why = { .text = "the answers are not here." };
    what.model_list.word = xcalloc((size_t)all->n_models + 1, sizeof *what.model_list.word);
    for (int m = 0; m < all->n_models; m++)
        if (answered(&r->v, all->model[m]))
            what.model_list.word[what.model_list.n++] = all->model[m];
    what.length_slope = true;
    int rc = 0;
    if (what.model_list.n && showing_sheet(&s, &what, &why) == 0)
        rc = draw(r, PLOT_LENGTH, &s, judge, err);
    else {
        char *words = review_words(&r->v, why.text);
        paper_text(r->p, "No picture of lengths: %s", words);
        free(words);
        sheet_free(&s);
    }
    free(what.model_list.word);
    return rc;
}

static int draw_single(struct report *r, int judge, struct err *err)
{
    const struct review_judge *j = &r->v.judge[judge];
    struct sheet scores = {0}, categories = {0}, turns = {0};
    view_scores(&scores, &j->scores);
    int rc = draw(r, PLOT_SCORES, &scores, judge, err);
    if (rc == 0 && r->v.has_questions) {
        view_categories(&categories, &j->by_category, false);
        rc = draw(r, PLOT_RADAR, &categories, judge, err);
    }
    if (rc == 0) {
        view_turns(&turns, &j->scores);
        rc = draw(r, PLOT_TURNS, &turns, judge, err);
    }
    return rc < 0 ? -1 : draw_length(r, judge, err);
}

static int draw_pairs(struct report *r, int judge, struct err *err)
{
    struct sheet s = {0};
    view_pair_matrix(&s, &r->v.judge[judge].pairwise);
    return draw(r, PLOT_WINRATE, &s, judge, err);
}

int report_plots(struct report *r, struct err *err)
{
    int rc = 0;
    if (!r->v.n_judges)
        paper_text(r->p, "Nothing was judged.");
    else if (r->o->format == REPORT_MARKDOWN)
        paper_text(r->p, "mtbench show --plot KIND -o FILE.svg draws them; the HTML report has them in it.");
    else
        for (int i = 0; i < r->v.n_judges && rc == 0; i++)
            rc = (r->v.judge[i].pairs ? draw_pairs : draw_single)(r, i, err);
    return rc;
}
