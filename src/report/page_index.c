/* page_index.c - what the script reads: names, numbers and states as JSON. Numbers in rows are places in the lists. */
#include "page_priv.h"

#include "browser_text.h"

#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- how answers were made ---- */

static void put_number(struct buf *b, const char *name, double v)
{
    json_put_number_member(b, name, v);
}

/* What all answers of a model have in common, and the sampler of this turn's category. */
static void put_origin(struct buf *b, const struct origin_facts *f, const struct origin_turn *o)
{
    const char *comma = "{";
    for (int i = 0; i < f->n; i++) {
        buf_str(b, comma);
        page_put_json(b, f->fact[i].name);
        buf_str(b, ": ");
        page_put_json(b, f->fact[i].value);
        comma = ", ";
    }
    if (*comma == '{')
        buf_str(b, "{\"journal\": \"yes\"");
    if (o->sent) {
        buf_str(b, ", \"sent\": ");
        page_put_json(b, o->sent);
    } else {
        put_number(b, "temperature", o->temperature);
        put_number(b, "top_p", o->top_p);
        put_number(b, "top_k", o->top_k);
        put_number(b, "min_p", o->min_p);
        put_number(b, "repetition_penalty", o->repetition_penalty);
    }
    if (o->server_model) {
        buf_str(b, ", \"server_model\": ");
        page_put_json(b, o->server_model);
    }
    buf_char(b, '}');
}

int page_origin(struct page *p, int model, const struct origin_turn *o)
{
    struct buf b = {0};
    if (!o)
        return -1;
    put_origin(&b, &p->g->model[model].origin.facts, o);
    const size_t n = p->origin_of.n, at = map_add_text(&p->origin_of, b.data, n);
    if (at == n)
        buf_printf(&p->origins, "%s%s", n ? ",\n" : "", b.data);
    buf_free(&b);
    return (int)at;
}

void page_put_made(struct buf *b, const struct origin_turn *o)
{
    buf_str(b, ",{\"status\": ");
    page_put_json(b, o->status);
    if (o->finish) {
        buf_str(b, ", \"ended\": ");
        page_put_json(b, o->finish);
    }
    if (o->n_prompt >= 0)
        put_number(b, "tokens of the prompt", (double)o->n_prompt);
    if (o->n_new >= 0)
        put_number(b, "tokens", (double)o->n_new);
    if (isfinite(o->seconds))
        put_number(b, "seconds", o->seconds);
    if (isfinite(o->cost) && o->cost > 0)
        put_number(b, "US dollars", o->cost);
    if (o->records > 1)
        put_number(b, "tries", o->records);
    buf_char(b, '}');
}

/* ---- lists ---- */

static void put_list(struct buf *b, const char *name, const char *(*at)(const struct gallery *, int), const struct gallery *g, int n)
{
    buf_printf(b, ",\n\"%s\": [", name);
    for (int i = 0; i < n; i++) {
        buf_str(b, i ? "," : "");
        page_put_json(b, at(g, i));
    }
    buf_char(b, ']');
}

static const char *model_at(const struct gallery *g, int i)
{
    return g->model[i].name;
}

static const char *judge_at(const struct gallery *g, int i)
{
    return g->judge[i].name;
}

static const char *category_at(const struct gallery *g, int i)
{
    return g->category[i];
}

static const char *status_at(const struct gallery *g, int i)
{
    (void)g;
    return judgment_status_name((enum judgment_status)i);
}

static int category_of(const struct gallery *g, int q)
{
    int c = 0;
    while (strcmp(g->category[c], g->questions.q[q].category))
        c++;
    return c;
}

static void put_questions(struct buf *b, const struct gallery *g)
{
    struct buf entry = {0};
    buf_str(b, ",\n\"questions\": [");
    for (int q = 0; q < g->questions.n; q++) {
        const struct question *question = &g->questions.q[q];
        buf_clear(&entry);
        browser_put_question(&entry, question);
        buf_printf(b, "%s[\"%lld\",%d,%d,", q ? ",\n" : "", (long long)question->id, category_of(g, q), question->n_turns);
        page_put_json(b, entry.data);
        buf_char(b, ']');
    }
    buf_char(b, ']');
    buf_free(&entry);
}

/* ---- judgments ---- */

static void put_single(struct buf *b, const struct gallery *g, const struct gallery_row *r)
{
    const struct judgment_row *t = gallery_table_row(g, r);
    const char *reason;
    buf_printf(b, "[%d,%d,%d,%d,%d,", r->question, r->a, r->judge, r->turn, r->repeat);
    if (isfinite(t->score))
        score_put(b, t->score, t->score_is_int);
    else
        buf_str(b, "null");
    buf_printf(b, ",%d", (int)gallery_status(g, r, 1, &reason));
}

/* Of the lesser model's side: 0 it wins, 1 the other one, 2 a tie, 3 none. */
static int seen_from_a(const struct gallery_row *r, enum winner w)
{
    return w == WINNER_TIE ? 2 : w == WINNER_ERROR ? 3 : (w == WINNER_MODEL_1) == !r->swapped ? 0 : 1;
}

static void put_pair(struct buf *b, const struct gallery *g, const struct gallery_row *r)
{
    const struct judgment_row *t = gallery_table_row(g, r);
    const char *reason;
    const enum judgment_status status = judgment_worse(gallery_status(g, r, 1, &reason), gallery_status(g, r, 2, &reason));
    buf_printf(b, "[%d,%d,%d,%d,%d,%d,%d,%d,%d,%d", r->question, r->a, r->b, r->judge, r->turn, r->repeat,
               seen_from_a(r, (enum winner)t->g1), seen_from_a(r, (enum winner)t->g2), (int)status, r->swapped);
}

static void put_judgments(struct page *p, const char *name, bool pairs)
{
    const struct gallery *g = p->g;
    const char *comma = "";
    buf_printf(&p->b, ",\n\"%s\": [", name);
    for (size_t i = 0; i < g->n_rows; i++) {
        const struct gallery_row *r = &g->row[i];
        if ((r->b >= 0) != pairs || (p->question >= 0 && r->question != p->question))
            continue;
        buf_str(&p->b, comma);
        comma = ",";
        if (pairs)
            put_pair(&p->b, g, r);
        else
            put_single(&p->b, g, r);
        buf_str(&p->b, p->remade[i] ? ",1]" : "]");
        page_flow(p);
    }
    buf_char(&p->b, ']');
}

void page_put_index(struct page *p)
{
    const struct gallery *g = p->g;
    struct buf *b = &p->b;
    buf_str(b, "<script type=\"application/json\" id=\"index\">{\"bench\": ");
    page_put_json(b, g->bench);
    if (p->split)                        /* texts of the index lie in q81.html and so on */
        buf_printf(b, ",\n\"split\": true,\n\"question\": %d", p->question);
    put_list(b, "models", model_at, g, g->n_models);
    put_list(b, "judges", judge_at, g, g->n_judges);
    put_list(b, "categories", category_at, g, g->n_categories);
    put_list(b, "statuses", status_at, g, JUDGMENT_STATUSES);
    put_questions(b, g);
    put_judgments(p, "single", false);
    put_judgments(p, "pairs", true);
    buf_str(b, ",\n\"answers\": [");
    if (p->answers.len > p->answers_from)        /* without the last comma */
        buf_add(b, p->answers.data + p->answers_from, p->answers.len - p->answers_from - 1);
    buf_str(b, "],\n\"origins\": [");
    buf_add(b, p->origins.data, p->origins.len);
    buf_str(b, "]}</script>\n");
}
