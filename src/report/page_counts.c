/* page_counts.c - what the tables and pictures of a page count, which is what `show` counts of the same files. */
#include "page_priv.h"

#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

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

struct questions page_questions_of(const struct gallery *g, int category)
{
    struct questions part = { .q = xcalloc((size_t)g->questions.n, sizeof *part.q) };
    for (int q = 0; q < g->questions.n; q++)
        if (category == ALL_CATEGORIES || !strcmp(g->questions.q[q].category, g->category[category]))
            part.q[part.n++] = g->questions.q[q];
    return part;
}

bool page_has_rows(const struct gallery *g, int judge, bool pairs, int category)
{
    const int source = pairs ? g->judge[judge].pairs : g->judge[judge].single;
    for (size_t i = 0; i < g->n_rows; i++)
        if (g->row[i].judge == judge && g->row[i].source == source &&
            (category == ALL_CATEGORIES || !strcmp(g->questions.q[g->row[i].question].category, g->category[category])))
            return true;
    return false;
}

int page_count_scores(struct scores *s, const struct gallery *g, int judge, int repeats, const struct questions *questions,
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

int page_count_all_scores(struct scores *s, const struct gallery *g, int judge, const struct questions *questions, struct err *err)
{
    return page_count_scores(s, g, judge, g->source[g->judge[judge].single].n_repeats, questions, err);
}

int page_count_pairs(struct pairwise *p, const struct gallery *g, int judge, const struct questions *questions, struct err *err)
{
    const struct gallery_judge *j = &g->judge[judge];
    const struct gallery_source *from = &g->source[j->pairs];
    int n;
    const char **model = chosen_models(g, j, true, &n);
    struct judgment_table first = from->table;   /* of pairs the first repeat counts, as in `show` */
    first.n = from->repeat_end[0];
    const struct pairwise_choice choice = { .model = model, .n_models = n, .judge = j->record, .questions = questions, .by_pair = true };
    int rc = pairwise_build(p, from->path, &first, &choice, err);
    free(model);
    return rc;
}
