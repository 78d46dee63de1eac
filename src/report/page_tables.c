/* page_tables.c - the tables of a page: the sheets that `mtbench show` prints. */
#include "page_priv.h"

#include "html.h"
#include "sheet_html.h"

#include "mtbench/answer_facts.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/views.h"

#include <stdlib.h>
#include <string.h>

/* 'what' of whom and of which questions: "Scores by gpt-4, writing". */
static void put_sheet(struct page *p, const struct sheet *s, const char *kind, const char *what, int judge, int category)
{
    const struct gallery *g = p->g;
    char *attributes = xasprintf(" data-kind=\"%s\" data-judge=\"%d\" data-category=\"%d\"", kind, judge, category);
    struct buf caption = {0};
    buf_str(&caption, what);
    if (judge >= 0)
        buf_printf(&caption, " by %s", g->judge[judge].name);
    buf_printf(&caption, ", %s", category == ALL_CATEGORIES ? "all categories" : g->category[category]);
    const size_t from = p->b.len;
    sheet_put_html(&p->b, s, caption.data, attributes);
    page_drop_zeros(&p->b, from);
    buf_free(&caption);
    free(attributes);
    page_flow(p);
}

void page_put_fact(struct page *p, const char *text)
{
    buf_str(&p->b, "<p class=\"fact\">");
    html_put_text(&p->b, text, strlen(text));
    buf_str(&p->b, "</p>\n");
}

/* Facts of the answers that lie here, as `show` tells them. */
static int put_facts(struct sheet *sheet, const struct gallery *g, int source, struct err *err)
{
    struct answer_facts facts = {0};
    char *folder = bench_answers_folder(g->data_dir, g->bench);
    int rc = g->answers.n ? answer_facts_read(&facts, g->source[source].path, &g->answers, folder, err) : 0;
    if (rc == 0 && g->answers.n)
        view_answer_facts(sheet, &facts);
    answer_facts_free(&facts);
    free(folder);
    return rc;
}

static void put_view(struct page *p, void (*view)(struct sheet *, const struct scores *), const struct scores *s, const char *kind,
                     const char *what, int judge, int category)
{
    struct sheet sheet = {0};
    view(&sheet, s);
    put_sheet(p, &sheet, kind, what, judge, category);
    sheet_free(&sheet);
}

static void view_wide_categories(struct sheet *out, const struct scores *s)
{
    view_categories(out, s, true);
}

/* The table that `show` prints, with what it says under it. */
static int put_main(struct page *p, const struct scores *s, int judge, struct err *err)
{
    struct sheet sheet = {0};
    view_scores(&sheet, s);
    int rc = put_facts(&sheet, p->g, p->g->judge[judge].single, err);
    put_sheet(p, &sheet, "single", "Scores", judge, ALL_CATEGORIES);
    sheet_free(&sheet);
    return rc;
}

static void put_length(struct page *p, const struct scores *s, int judge)
{
    struct sheet sheet = {0};
    if (p->g->answers.n) {
        view_length(&sheet, s, &p->g->answers);
        put_sheet(p, &sheet, "length", "Length against score", judge, ALL_CATEGORIES);
    }
    sheet_free(&sheet);
}

static void put_category(struct page *p, int judge, int category)
{
    struct questions part = page_questions_of(p->g, category);
    struct scores s;
    struct err why = {0};
    if (page_has_rows(p->g, judge, false, category)) {
        if (page_count_all_scores(&s, p->g, judge, &part, &why) == 0)
            put_view(p, view_scores, &s, "single", "Scores", judge, category);
        else
            page_put_fact(p, why.text);
        scores_free(&s);
    }
    free(part.q);
}

static void put_opening(struct page *p, const char *summary)
{
    buf_str(&p->b, "<details><summary>");
    html_put_text(&p->b, summary, strlen(summary));
    buf_str(&p->b, "</summary>\n");
}

static int put_single(struct page *p, int judge, struct err *err)
{
    const struct gallery *g = p->g;
    struct scores all, by_question;
    struct err why = {0};
    if (page_count_all_scores(&all, g, judge, g->sliced ? &g->questions : NULL, &why) < 0) {
        page_put_fact(p, why.text);
        scores_free(&all);
        return 0;
    }
    int rc = put_main(p, &all, judge, err);
    put_opening(p, "By turn, by category, by length of the answer");
    put_view(p, view_turns, &all, "turns", "Turns", judge, ALL_CATEGORIES);
    if (page_count_all_scores(&by_question, g, judge, &g->questions, &why) == 0)
        put_view(p, view_wide_categories, &by_question, "categories", "Categories", judge, ALL_CATEGORIES);
    scores_free(&by_question);
    put_length(p, &all, judge);
    scores_free(&all);
    for (int c = 0; c < g->n_categories && g->n_categories > 1; c++)
        put_category(p, judge, c);
    buf_str(&p->b, "</details>\n");
    return rc;
}

static int put_pairs(struct page *p, int judge, int category, struct err *err)
{
    const struct gallery *g = p->g;
    struct questions part = page_questions_of(g, category);
    struct pairwise pairs;
    struct sheet sheet = {0};
    struct err why = {0};
    int rc = 0;
    if (page_has_rows(g, judge, true, category)) {
        const bool all = category == ALL_CATEGORIES && !g->sliced;
        if (page_count_pairs(&pairs, g, judge, all ? NULL : &part, &why) == 0) {
            view_pairs(&sheet, &pairs, NULL);
            if (category == ALL_CATEGORIES)
                rc = put_facts(&sheet, g, g->judge[judge].pairs, err);
            put_sheet(p, &sheet, "pairs", "Pairs", judge, category);
        } else {
            page_put_fact(p, why.text);
        }
        pairwise_free(&pairs);
    }
    sheet_free(&sheet);
    free(part.q);
    return rc;
}

/* Side by side, of each the first repeat: `show` knows no other panel. */
static void put_panel(struct page *p)
{
    const struct gallery *g = p->g;
    struct scores *s = xcalloc((size_t)g->n_judges + 1, sizeof *s);
    const char **name = xcalloc((size_t)g->n_judges + 1, sizeof *name);
    struct sheet sheet = {0};
    struct err why = {0};
    bool repeated = false;
    int n = 0;
    for (int j = 0; j < g->n_judges; j++) {
        if (!page_has_rows(g, j, false, ALL_CATEGORIES))
            continue;
        name[n] = g->judge[j].name;
        repeated |= g->source[g->judge[j].single].n_repeats > 1;
        if (page_count_scores(&s[n], g, j, 1, g->sliced ? &g->questions : NULL, &why) == 0)
            n++;
        else
            scores_free(&s[n]);
    }
    if (n > 1) {
        view_panel(&sheet, s, name, n, true);
        if (repeated)
            view_panel_repeats(&sheet);
        put_sheet(p, &sheet, "panel", "All judges", -1, ALL_CATEGORIES);
    }
    for (int i = 0; i < n; i++)
        scores_free(&s[i]);
    sheet_free(&sheet);
    free(name);
    free(s);
}

static void put_elsewhere(struct page *p)
{
    for (int s = 0; s < p->g->n_sources; s++)
        if (p->g->source[s].elsewhere && !p->g->sliced)
            buf_printf(&p->b, "<p class=\"fact\">%s: of questions that the question set does not have: %ld; the tables of all "
                              "categories alone count them</p>\n", p->g->source[s].pairs ? "judgments of pairs" : "judgments",
                       p->g->source[s].elsewhere);
}

int page_put_scores(struct page *p, struct err *err)
{
    const struct gallery *g = p->g;
    int rc = 0;
    buf_str(&p->b, "<section id=\"scores\" aria-labelledby=\"scores-h\"><h2 id=\"scores-h\">Scores</h2>\n");
    if (g->n_judges == 0)
        buf_str(&p->b, "<p class=\"fact\">Nothing was judged yet.</p>\n");
    for (int j = 0; j < g->n_judges && rc == 0; j++) {
        if (page_has_rows(g, j, false, ALL_CATEGORIES))
            rc = put_single(p, j, err);
        if (rc == 0)
            rc = put_pairs(p, j, ALL_CATEGORIES, err);
        for (int c = 0; c < g->n_categories && g->n_categories > 1 && rc == 0; c++)
            rc = put_pairs(p, j, c, err);
    }
    put_panel(p);
    put_elsewhere(p);
    buf_str(&p->b, "</section>\n");
    return rc;
}
