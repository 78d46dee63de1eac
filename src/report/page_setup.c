/* page_setup.c - what the page was made of: files, and how answers and judgments were made as far as anybody wrote it down. */
#include "page_priv.h"

#include "html.h"

#include <stdlib.h>
#include <string.h>

static void put_text(struct buf *b, const char *s)
{
    html_put_text(b, s, strlen(s));
}

static void put_facts(struct buf *b, const struct origin_facts *f)
{
    buf_str(b, "<dl>\n");
    for (int i = 0; i < f->n; i++) {
        buf_str(b, "<dt>");
        put_text(b, f->fact[i].name);
        buf_str(b, "</dt><dd>");
        put_text(b, f->fact[i].value);
        buf_str(b, "</dd>\n");
    }
    buf_str(b, "</dl>\n");
}

static void put_model(struct buf *b, const struct gallery_model *m)
{
    const struct origin *o = &m->origin;
    buf_str(b, "<details><summary>");
    put_text(b, m->name);
    buf_printf(b, "</summary>\n<p>%d answers; ", m->n_lines);
    buf_str(b, o->kind == ORIGIN_NONE   ? "made elsewhere, or without a journal: how is not recorded"
               : o->kind == ORIGIN_CALLS ? "from a server"
                                         : "by this program");
    buf_str(b, "</p>\n");
    if (o->trouble) {
        buf_str(b, "<p class=\"fact\">");
        put_text(b, o->trouble);
        buf_str(b, "</p>\n");
    }
    if (o->facts.n)
        put_facts(b, &o->facts);
    buf_str(b, "</details>\n");
}

static void put_source(struct buf *b, const struct gallery_source *s)
{
    const char *slash = strrchr(s->path, '/');
    buf_str(b, "<li>");
    put_text(b, slash ? slash + 1 : s->path);
    buf_printf(b, ": %zu %s judgments", s->table.n, s->pairs ? "pair" : "single");
    if (s->n_repeats > 1)
        buf_printf(b, " in %d repeats", s->n_repeats);
    if (s->elsewhere)
        buf_printf(b, ", %ld of them of questions that are not on this page", s->elsewhere);
    buf_str(b, "</li>\n");
}

static void put_journal(struct buf *b, const struct origin_journal *j)
{
    buf_str(b, "<details><summary>");
    put_text(b, j->name);
    buf_str(b, "</summary>\n<p>");
    if (j->trouble)
        put_text(b, j->trouble);
    else {
        struct buf paid = {0};
        call_totals_put(&paid, &j->totals, &j->totals);       /* of the whole journal, and no more to tell */
        buf_printf(b, "%lld calls, ", (long long)j->totals.calls);
        put_text(b, paid.data);
        buf_free(&paid);
    }
    buf_str(b, "</p>\n");
    put_facts(b, &j->facts);
    buf_str(b, "</details>\n");
}

void page_put_setup(struct page *p)
{
    const struct gallery *g = p->g;
    struct buf *b = &p->b;
    buf_str(b, "<section id=\"setup\" aria-labelledby=\"setup-h\"><h2 id=\"setup-h\">Setup</h2>\n<ul>\n<li>");
    put_text(b, g->bench);
    buf_printf(b, ": %d questions of the file with SHA-256 %s</li>\n", g->questions.n, g->questions.sha256);
    for (int s = 0; s < g->n_sources; s++)
        put_source(b, &g->source[s]);
    buf_str(b, "</ul>\n<h3>Answers</h3>\n");
    for (int m = 0; m < g->n_models; m++)
        put_model(b, &g->model[m]);
    if (g->calls.n_journals)
        buf_str(b, "<h3>Judges' calls</h3>\n");
    for (int j = 0; j < g->calls.n_journals; j++)
        put_journal(b, &g->calls.journal[j]);
    buf_str(b, "</section>\n");
}
