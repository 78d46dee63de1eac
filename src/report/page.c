/* page.c - a gallery as one HTML file, or as a folder of them. */
#include "page_priv.h"

#include "markdown.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/plot.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 1 << 16 };

void page_flow(struct page *p)
{
    if (p->b.len < BLOCK)
        return;
    outfile_add(p->out, p->b.data, p->b.len);
    buf_clear(&p->b);
}

void page_drop(struct buf *b, size_t from, const char *const *words)
{
    char *to = b->data + from;
    for (const char *at = to, *stop = b->data + b->len; at < stop;) {
        size_t skip = 0;
        for (int i = 0; *at == **words && words[i] && !skip; i++)        /* all begin alike */
            skip = strncmp(at, words[i], strlen(words[i])) ? 0 : strlen(words[i]);
        if (skip)
            at += skip;
        else
            *to++ = *at++;
    }
    b->len = (size_t)(to - b->data);
    *to = '\0';
}

void page_drop_zeros(struct buf *b, size_t from)
{
    static const char *const zeros[] = { " data-failed_unparsable=\"0\"", " data-failed_out_of_range=\"0\"", " data-failed_truncated=\"0\"",
                                         " data-failed_filtered=\"0\"", " data-failed_refused=\"0\"", " data-failed_too_long=\"0\"",
                                         " data-failed_call=\"0\"", " data-failed_no_answer=\"0\"", " data-empty_answers=\"0\"", NULL };
    if (b->len > from)
        page_drop(b, from, zeros);
}

/* ---- names and addresses ---- */

static void put_encoded(struct buf *b, const char *name)
{
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        if (isalnum(*c) || strchr("-_.!~*()", *c))       /* ' is encoded too, which decodes as well */
            buf_char(b, (char)*c);
        else
            buf_printf(b, "%%%02X", *c);
}

void page_put_view(struct buf *b, const struct gallery *g, int question, int a, int b_model)
{
    buf_printf(b, "q=%lld", (long long)g->questions.q[question].id);
    if (a >= 0) {
        buf_str(b, "&amp;a=");
        put_encoded(b, g->model[a].name);
    }
    if (b_model >= 0) {
        buf_str(b, "&amp;b=");
        put_encoded(b, g->model[b_model].name);
    }
}

void page_put_link(struct page *p, int question, int a, int b_model)
{
    buf_char(&p->b, '"');
    if (p->split && p->question != question)
        buf_printf(&p->b, "q%lld.html", (long long)p->g->questions.q[question].id);
    buf_char(&p->b, '#');
    page_put_view(&p->b, p->g, question, a, b_model);
    buf_char(&p->b, '"');
}

void page_put_json(struct buf *b, const char *text)
{
    const size_t from = b->len;
    json_put_string(b, text, strlen(text));
    size_t extra = 0;
    for (size_t i = from; i < b->len; i++)
        extra += b->data[i] == '<' ? 5 : 0;
    buf_reserve(b, extra + 1);
    size_t to = b->len + extra;
    b->data[to] = '\0';
    for (size_t i = b->len; extra && i-- > from;)         /* from the end on, in place */
        if (b->data[i] == '<')
            memcpy(b->data + (to -= 6), "\\u003c", 6);
        else
            b->data[--to] = b->data[i];
    b->len += extra;
}

/* ---- the frame ---- */

static void put_policy(struct buf *b, const struct buf *css)
{
    char style[45], script[45];
    sha256_base64(css->data, css->len, style);
    sha256_base64(page_js, (size_t)(page_js_end - page_js), script);
    buf_printf(b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src 'sha256-%s'; "
                  "style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; "
                  "trusted-types mtbench\">\n", script, style);
}

static void put_head(struct page *p)
{
    struct buf *b = &p->b, css = {0};
    buf_add(&css, page_css, (size_t)(page_css_end - page_css));
    plot_style_put(&css);
    buf_str(b, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    put_policy(b, &css);
    buf_str(b, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
               "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"
               "<meta name=\"generator\" content=\"mtbench " MTB_VERSION "\">\n<title>");
    html_put_text(b, p->g->bench, strlen(p->g->bench));
    if (p->question >= 0)
        buf_printf(b, ", question %lld", (long long)p->g->questions.q[p->question].id);
    buf_str(b, "</title>\n<style>");
    buf_add(b, css.data, css.len);
    buf_str(b, "</style>\n</head>\n");
    buf_free(&css);
}

static void put_count(struct buf *b, long n, const char *what)
{
    buf_printf(b, "%ld %s%s", n, what, n == 1 ? "" : "s");
}

static void put_nav(struct page *p)
{
    static const char *const part[][2] = { { "scores", "Scores" }, { "heat", "Heat map" }, { "plots", "Plots" }, { "find", "Find" },
                                           { "read", "Read" }, { "setup", "Setup" }, { "texts", "Texts" } };
    struct buf *b = &p->b;
    buf_str(b, "<nav aria-label=\"Views\">");
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        const bool texts = !strcmp(part[i][0], "texts"), read = !strcmp(part[i][0], "read");
        if (p->question < 0 ? !(p->split && texts) : texts || read)
            buf_printf(b, "<a href=\"#%s\">%s</a> ", part[i][0], part[i][1]);
    }
    if (p->question >= 0) {
        const struct questions *qs = &p->g->questions;
        buf_str(b, "<a href=\"index.html\">All questions</a> ");
        if (p->question > 0)
            buf_printf(b, "<a rel=\"prev\" href=\"q%lld.html\">Previous</a> ", (long long)qs->q[p->question - 1].id);
        if (p->question + 1 < qs->n)
            buf_printf(b, "<a rel=\"next\" href=\"q%lld.html\">Next</a> ", (long long)qs->q[p->question + 1].id);
    }
    buf_str(b, "</nav>");
}

static void put_header(struct page *p)
{
    struct buf *b = &p->b;
    buf_str(b, "<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><h1>");
    html_put_text(b, p->g->bench, strlen(p->g->bench));
    if (p->question >= 0)
        buf_printf(b, ", question %lld", (long long)p->g->questions.q[p->question].id);
    buf_str(b, "</h1><p class=\"sum\">");
    put_count(b, p->g->n_models, "model");
    buf_str(b, ", ");
    put_count(b, p->g->questions.n, "question");
    buf_str(b, ", ");
    put_count(b, p->g->n_judges, "judge");
    buf_str(b, "</p>");
    put_nav(p);
    buf_str(b, "</header>\n<main id=\"main\">\n");
}

/* A part that the script fills; without one it is not shown. */
static void put_place(struct buf *b, const char *id, const char *name)
{
    buf_printf(b, "<section id=\"%s\" class=\"js\" aria-labelledby=\"%s-h\"><h2 id=\"%s-h\">%s</h2></section>\n", id, id, id, name);
}

/* Of a split page the index has the tables, and a question's page its texts. */
static int put_body(struct page *p, struct err *err)
{
    const bool tables = p->question < 0, texts = !p->split || p->question >= 0;
    int rc = 0;
    put_header(p);
    if (tables) {
        rc = page_put_scores(p, err);
        page_put_heat(p);
        page_put_plots(p);
        put_place(&p->b, "find", "Find");
    }
    put_place(&p->b, "read", "Read");
    if (tables)
        page_put_setup(p);
    if (texts && rc == 0)
        rc = page_put_texts(p, err);
    buf_str(&p->b, "</main>\n");
    page_put_index(p);
    buf_str(&p->b, "<script>");
    buf_add(&p->b, page_js, (size_t)(page_js_end - page_js));
    buf_str(&p->b, "</script>\n</body>\n</html>\n");
    return rc;
}

static int put_file(struct page *p, int question, const char *path, struct err *err)
{
    p->out = outfile_begin(path, err);
    if (!p->out)
        return -1;
    p->question = question;
    put_head(p);
    int rc = put_body(p, err);
    outfile_add(p->out, p->b.data, p->b.len);
    buf_clear(&p->b);
    p->size->bytes += outfile_size(p->out);
    if (rc == 0)
        rc = outfile_end(p->out, err);
    else
        outfile_drop(p->out);
    return rc;
}

static void page_free(struct page *p)
{
    buf_free(&p->b);
    buf_free(&p->answers);
    buf_free(&p->origins);
    map_free(&p->origin_of);
    free(p->remade);
}

int page_put(const struct gallery *g, const char *path, struct page_size *size, struct err *err)
{
    struct page p = { .g = g, .size = size, .remade = xcalloc(g->n_rows + 1, sizeof *p.remade) };
    *size = (struct page_size){0};
    int rc = put_file(&p, ALL_QUESTIONS, path, err);
    page_free(&p);
    return rc;
}

int page_put_split(const struct gallery *g, const char *folder, struct page_size *size, struct err *err)
{
    struct page p = { .g = g, .split = true, .size = size, .remade = xcalloc(g->n_rows + 1, sizeof *p.remade) };
    char *index = xasprintf("%s/index.html", folder);
    int rc = io_make_parents(index, err);
    *size = (struct page_size){0};
    for (int q = 0; q < g->questions.n && rc == 0; q++) {
        char *path = xasprintf("%s/q%lld.html", folder, (long long)g->questions.q[q].id);
        p.answers_from = p.answers.len;
        rc = put_file(&p, q, path, err);
        free(path);
    }
    p.answers_from = 0;                  /* the index has those of all files */
    if (rc == 0)                         /* it comes last: whoever sees it finds all that it links to */
        rc = put_file(&p, ALL_QUESTIONS, index, err);
    page_free(&p);
    free(index);
    return rc;
}
