/* page_heat.c - the heat map of a page: models against questions, and a link to each answer. */
#include "page_priv.h"

#include "html.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct heat_cell { double sum; int n, failed[JUDGMENT_STATUSES]; };

static void put_reasons(struct buf *b, const struct heat_cell *c)
{
    buf_str(b, " title=\"failed: ");
    const char *comma = "";
    for (int s = JUDGMENT_OK + 1; s < JUDGMENT_STATUSES; s++)
        if (c->failed[s]) {
            buf_printf(b, "%s%d %s", comma, c->failed[s], judgment_status_name((enum judgment_status)s));
            comma = ", ";
        }
    buf_char(b, '"');
}

/* The mean of the question's judgments, as `show --question-ids` has it; all digits where they are more than are shown. */
static void put_cell(struct page *p, const struct heat_cell *c, int model, int question)
{
    struct buf *b = &p->b;
    char shown[16];
    int failed = 0;
    for (int s = JUDGMENT_OK + 1; s < JUDGMENT_STATUSES; s++)
        failed += c->failed[s];
    if (!c->n && !failed) {
        buf_str(b, "<td>");
        return;
    }
    const double mean = c->n ? c->sum / c->n : NAN;
    if (c->n) {
        buf_printf(b, "<td class=h%d data-v=", (int)floor(mean));
        score_put(b, mean, mean == floor(mean));
        snprintf(shown, sizeof shown, "%.3g", mean);
    } else {
        buf_str(b, "<td class=failed");
    }
    buf_str(b, "><a href=");
    page_put_link(p, question, model, -1);
    if (failed)
        put_reasons(b, c);
    buf_printf(b, ">%s%s</a>", c->n ? shown : "x", c->n && failed ? "*" : "");
}

static void put_row(struct page *p, const struct scores *s, int row, struct heat_cell *cell)
{
    const struct gallery *g = p->g;
    const size_t model = map_find_text(&g->model_of, s->model[row]);
    memset(cell, 0, (size_t)g->questions.n * sizeof *cell);
    for (size_t i = s->first[row]; i < s->first[row + 1]; i++) {
        struct heat_cell *c = &cell[questions_find(&g->questions, s->item[i].question_id)];
        if (s->item[i].status == JUDGMENT_OK) {
            c->sum += s->item[i].score;
            c->n++;
        } else {
            c->failed[s->item[i].status]++;
        }
    }
    buf_printf(&p->b, "<tr data-a=%zu><th scope=row>", model);
    html_put_text(&p->b, s->model[row], strlen(s->model[row]));
    for (int q = 0; q < g->questions.n; q++)
        put_cell(p, &cell[q], (int)model, q);
    buf_char(&p->b, '\n');
    page_flow(p);
}

static void put_columns(struct page *p)
{
    buf_str(&p->b, "<thead><tr><th scope=col>model");
    for (int q = 0; q < p->g->questions.n; q++) {
        buf_printf(&p->b, "<th scope=col data-q=%d><a href=", q);
        page_put_link(p, q, -1, -1);
        buf_printf(&p->b, ">%lld</a>", (long long)p->g->questions.q[q].id);
    }
    buf_str(&p->b, "\n<tbody>\n");
}

static void put_heat(struct page *p, int judge)
{
    const struct gallery *g = p->g;
    struct scores s;
    struct err why = {0};
    if (page_count_all_scores(&s, g, judge, &g->questions, &why) < 0) {
        page_put_fact(p, why.text);
        scores_free(&s);
        return;
    }
    struct heat_cell *cell = xcalloc((size_t)g->questions.n + 1, sizeof *cell);
    struct score *of = xcalloc((size_t)s.n_models + 1, sizeof *of);
    int *order = xcalloc((size_t)s.n_models + 1, sizeof *order);
    struct buf *b = &p->b;
    for (int m = 0; m < s.n_models; m++)
        of[m] = score_of(&s, m, SCORE_ALL);
    scores_rank(&s, of, order);
    buf_str(b, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Heat map by ");
    html_put_text(b, g->judge[judge].name, strlen(g->judge[judge].name));
    buf_printf(b, "\"><table class=\"heat\" data-judge=\"%d\"><caption>Mean score of each question by ", judge);
    html_put_text(b, g->judge[judge].name, strlen(g->judge[judge].name));
    buf_str(b, "; x: all failed, *: some failed, empty: not judged</caption>\n");
    put_columns(p);
    for (int m = 0; m < s.n_models; m++)
        put_row(p, &s, order[m], cell);
    buf_str(b, "</table></div>\n");
    free(order);
    free(of);
    free(cell);
    scores_free(&s);
}

void page_put_heat(struct page *p)
{
    buf_str(&p->b, "<section id=\"heat\" aria-labelledby=\"heat-h\"><h2 id=\"heat-h\">Heat map</h2>\n");
    for (int j = 0; j < p->g->n_judges; j++)
        if (page_has_rows(p->g, j, false, ALL_CATEGORIES))
            put_heat(p, j);
    buf_str(&p->b, "</section>\n");
}
