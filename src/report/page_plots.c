/* page_plots.c - the pictures of a page, each drawn from the sheet that `mtbench show --plot` draws it from. */
#include "page_priv.h"

#include "html.h"

#include "mtbench/mem.h"
#include "mtbench/plot.h"
#include "mtbench/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Takes the sheet. */
static void put_plot(struct page *p, enum plot_kind kind, struct sheet *sheet, int judge)
{
    char prefix[64];
    struct err why = {0};
    snprintf(prefix, sizeof prefix, "plot-%s-%d", plot_name(kind), judge);
    const struct plot_look look = { .bench = p->g->bench, .prefix = prefix, .inside = true };
    buf_printf(&p->b, "<figure data-plot=\"%s\" data-judge=\"%d\">\n", plot_name(kind), judge);
    const size_t from = p->b.len;
    if (plot_put(&p->b, kind, sheet, &look, &why) < 0)
        page_put_fact(p, why.text);
    page_drop_zeros(&p->b, from);
    buf_str(&p->b, "</figure>\n");
    sheet_free(sheet);
    page_flow(p);
}

static void put_single(struct page *p, int judge)
{
    const struct gallery *g = p->g;
    struct scores all, by_question;
    struct sheet scores = {0}, turns = {0}, categories = {0}, length = {0};
    struct err why = {0};
    if (page_count_all_scores(&all, g, judge, g->sliced ? &g->questions : NULL, &why) == 0) {
        view_scores(&scores, &all);
        put_plot(p, PLOT_SCORES, &scores, judge);
        view_turns(&turns, &all);
        put_plot(p, PLOT_TURNS, &turns, judge);
        if (g->answers.n) {
            view_length(&length, &all, &g->answers);
            put_plot(p, PLOT_LENGTH, &length, judge);
        }
    }
    if (page_count_all_scores(&by_question, g, judge, &g->questions, &why) == 0) {
        view_categories(&categories, &by_question, false);
        put_plot(p, PLOT_RADAR, &categories, judge);
    }
    scores_free(&all);
    scores_free(&by_question);
}

static void put_pairs(struct page *p, int judge)
{
    const struct gallery *g = p->g;
    struct pairwise pairs;
    struct sheet sheet = {0};
    struct err why = {0};
    if (page_count_pairs(&pairs, g, judge, g->sliced ? &g->questions : NULL, &why) == 0) {
        view_pair_matrix(&sheet, &pairs);
        put_plot(p, PLOT_WINRATE, &sheet, judge);
    }
    pairwise_free(&pairs);
}

void page_put_plots(struct page *p)
{
    const struct gallery *g = p->g;
    struct buf *b = &p->b;
    buf_str(b, "<section id=\"plots\" aria-labelledby=\"plots-h\"><h2 id=\"plots-h\">Plots</h2>\n");
    for (int j = 0; j < g->n_judges; j++) {
        const bool single = page_has_rows(g, j, false, ALL_CATEGORIES), pairs = page_has_rows(g, j, true, ALL_CATEGORIES);
        if (g->n_judges > 1 && (single || pairs)) {
            buf_str(b, "<h3>By ");
            html_put_text(b, g->judge[j].name, strlen(g->judge[j].name));
            buf_str(b, "</h3>\n");
        }
        if (single)
            put_single(p, j);
        if (pairs)
            put_pairs(p, j);
    }
    if (g->n_judges == 0)
        page_put_fact(p, "Nothing was judged yet.");
    buf_str(b, "</section>\n");
}
