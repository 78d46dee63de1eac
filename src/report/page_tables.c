/* page_tables.c - the tables of a page: the sheets that `mtbench show` prints, and the heat map. */
#include "page_priv.h"

#include "html.h"
#include "sheet_html.h"

#include "mtbench/answer_facts.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL_CATEGORIES = -1 };

/* ---- what is counted ---- */

/* Models of the list that this judge has judged; none: all there are in its file. The array is the caller's. */
static const char **chosen_models(const struct gallery *g, const struct gallery_judge *j, bool pairs, int *n)
{
    const char **name = xcalloc((size_t)g->n_models + 1, sizeof *name);
    bool *judged = xcalloc((size_t)g->n_models + 1, sizeof *judged);
    const int source = pairs ? j->pairs : j->single;
    *n = 0;
    for (size_t i = 0; i < g->n_rows && g->models.n; i++)
        if (g->row[i].source == source && &g->judge[g->row[i].judge] == j) {
            judged[g->row[i].a] = true;
            judged[g->row[i].b < 0 ? g->row[i].a : g->row[i].b] = true;
        }
    for (int m = 0; m < g->n_models; m++)
        if (judged[m])
            name[(*n)++] = g->model[m].name;
    free(judged);
    return name;
}

/* The questions of a category; their texts stay the gallery's. */
static struct questions of_category(const struct gallery *g, int category)
{
    struct questions part = { .q = xcalloc((size_t)g->questions.n, sizeof *part.q) };
    for (int q = 0; q < g->questions.n; q++)
        if (category == ALL_CATEGORIES || !strcmp(g->questions.q[q].category, g->category[category]))
            part.q[part.n++] = g->questions.q[q];
    return part;
}

/* Are there judgments to count? */
static bool has_rows(const struct gallery *g, int judge, bool pairs, int category)
{
    const int source = pairs ? g->judge[judge].pairs : g->judge[judge].single;
    for (size_t i = 0; i < g->n_rows; i++)
        if (g->row[i].judge == judge && g->row[i].source == source &&
            (category == ALL_CATEGORIES || !strcmp(g->questions.q[g->row[i].question].category, g->category[category])))
            return true;
    return false;
}

/* As `show --repeat` does it; 'questions' NULL: all of the file's. */
static int build_scores_of(struct scores *s, const struct gallery *g, int judge, int repeats, const struct questions *questions,
                           struct err *err)
{
    const struct gallery_judge *j = &g->judge[judge];
    const struct gallery_source *from = &g->source[j->single];
    int n;
    const char **model = chosen_models(g, j, false, &n);
    struct judgment_table table = from->table;   /* lent, cut behind the last repeat that counts */
    table.n = from->repeat_end[repeats - 1];
    const struct score_choice choice = { .model = model, .n_models = n, .judge = j->record, .questions = questions,
                                         .repeat_end = from->repeat_end, .n_repeats = repeats };
    int rc = scores_build(s, from->path, &table, &choice, err);
    free(model);
    return rc;
}

static int build_scores(struct scores *s, const struct gallery *g, int judge, const struct questions *questions, struct err *err)
{
    return build_scores_of(s, g, judge, g->source[g->judge[judge].single].n_repeats, questions, err);
}

static int build_pairs(struct pairwise *p, const struct gallery *g, int judge, const struct questions *questions, struct err *err)
{
    const struct gallery_judge *j = &g->judge[judge];
    const struct gallery_source *from = &g->source[j->pairs];
    int n;
    const char **model = chosen_models(g, j, true, &n);
    struct judgment_table first = from->table;   /* of pairs the first repeat counts, as in `show` */
    first.n = from->repeat_end[0];
    const struct pairwise_choice choice = { .model = model, .n_models = n, .judge = j->record, .questions = questions };
    int rc = pairwise_build(p, from->path, &first, &choice, err);
    free(model);
    return rc;
}

/* ---- sheets ---- */

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
    sheet_put_html(&p->b, s, caption.data, attributes);
    buf_free(&caption);
    free(attributes);
    page_flow(p);
}

static void put_trouble(struct page *p, struct err *err)
{
    buf_str(&p->b, "<p class=\"fact\">");
    html_put_text(&p->b, err->text, strlen(err->text));
    buf_str(&p->b, "</p>\n");
    *err = (struct err){0};
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
    struct questions part = of_category(p->g, category);
    struct scores s;
    struct err why = {0};
    if (has_rows(p->g, judge, false, category)) {
        if (build_scores(&s, p->g, judge, &part, &why) == 0)
            put_view(p, view_scores, &s, "single", "Scores", judge, category);
        else
            put_trouble(p, &why);
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
    if (build_scores(&all, g, judge, g->sliced ? &g->questions : NULL, &why) < 0) {
        put_trouble(p, &why);
        scores_free(&all);
        return 0;
    }
    int rc = put_main(p, &all, judge, err);
    put_opening(p, "By turn, by category, by length of the answer");
    put_view(p, view_turns, &all, "turns", "Turns", judge, ALL_CATEGORIES);
    if (build_scores(&by_question, g, judge, &g->questions, &why) == 0)
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
    struct questions part = of_category(g, category);
    struct pairwise pairs;
    struct sheet sheet = {0};
    struct err why = {0};
    int rc = 0;
    if (has_rows(g, judge, true, category)) {
        const bool all = category == ALL_CATEGORIES && !g->sliced;
        if (build_pairs(&pairs, g, judge, all ? NULL : &part, &why) == 0) {
            view_pairs(&sheet, &pairs, NULL);
            if (category == ALL_CATEGORIES)
                rc = put_facts(&sheet, g, g->judge[judge].pairs, err);
            put_sheet(p, &sheet, "pairs", "Pairs", judge, category);
        } else {
            put_trouble(p, &why);
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
    int n = 0;
    for (int j = 0; j < g->n_judges; j++) {
        if (!has_rows(g, j, false, ALL_CATEGORIES))
            continue;
        name[n] = g->judge[j].name;
        if (build_scores_of(&s[n], g, j, 1, g->sliced ? &g->questions : NULL, &why) == 0)
            n++;
        else
            scores_free(&s[n]);
    }
    if (n > 1) {
        view_panel(&sheet, s, name, n, true);
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
            buf_printf(&p->b, "<p class=\"fact\">%s: %ld judgments of questions that the question set does not have; only the tables "
                              "of all categories count them</p>\n", p->g->source[s].pairs ? "pairs" : "single", p->g->source[s].elsewhere);
}

int page_put_scores(struct page *p, struct err *err)
{
    const struct gallery *g = p->g;
    int rc = 0;
    buf_str(&p->b, "<section id=\"scores\" aria-labelledby=\"scores-h\"><h2 id=\"scores-h\">Scores</h2>\n");
    if (g->n_judges == 0)
        buf_str(&p->b, "<p class=\"fact\">Nothing was judged yet.</p>\n");
    for (int j = 0; j < g->n_judges && rc == 0; j++) {
        if (has_rows(g, j, false, ALL_CATEGORIES))
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

/* ---- the heat map ---- */

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
        buf_printf(b, "<td class=h%d", (int)floor(mean));
        snprintf(shown, sizeof shown, "%.3g", mean);
        if (strtod(shown, NULL) != mean) {
            buf_str(b, " data-v=");
            json_put_double(b, mean);
        }
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
    if (build_scores(&s, g, judge, &g->questions, &why) < 0) {
        put_trouble(p, &why);
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
        if (has_rows(p->g, j, false, ALL_CATEGORIES))
            put_heat(p, j);
    buf_str(&p->b, "</section>\n");
}
