/* paper.c - a document of sections, sentences, tables and pictures, written as it grows. */
#include "paper.h"

#include "html.h"
#include "sheet_html.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"
#include "mtbench/outfile.h"
#include "mtbench/plot.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The style is a file that editors know, and a part of the program. */
__asm__(".pushsection .rodata, \"a\"\n"
        "report_css:\n"
        ".incbin \"src/report/report.css\"\n"
        "report_css_end:\n"
        ".popsection\n");
extern const char report_css[], report_css_end[];

struct paper {
    struct outfile *out;
    struct buf b;                        /* what is not in the file yet */
    enum paper_form form;
    struct paper_section *section;       /* (n) texts are the caller's */
    int n, at;                           /* at: sections begun */
    bool list;                           /* the last piece is an item */
};

/* ---- pieces of both forms ---- */

static void flush(struct paper *p)
{
    outfile_add(p->out, p->b.data ? p->b.data : "", p->b.len);
    buf_clear(&p->b);
}

static void put_html(struct paper *p, const char *text)
{
    html_put_text(&p->b, text, strlen(text));
}

static void put_markdown(struct paper *p, const char *text)
{
    sheet_put_markdown_words(&p->b, text);
}

static void end_list(struct paper *p)
{
    if (p->list)
        buf_str(&p->b, p->form == PAPER_HTML ? "</ul>\n" : "\n");
    p->list = false;
}

/* ---- the frame ---- */

static void put_style(struct paper *p)
{
    struct buf css = {0};
    char hash[45];
    buf_add(&css, report_css, (size_t)(report_css_end - report_css));
    plot_style_put(&css);
    sha256_base64(css.data, css.len, hash);
    buf_printf(&p->b, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; "
                      "form-action 'none'\">\n<style>", hash);
    buf_add(&p->b, css.data, css.len);
    buf_str(&p->b, "</style>\n");
    buf_free(&css);
}

static void put_html_head(struct paper *p, const struct paper_head *h)
{
    buf_str(&p->b, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    put_style(p);
    buf_str(&p->b,
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n"
            "<meta name=\"generator\" content=\"");
    put_html(p, h->generator);
    buf_str(&p->b, "\">\n<title>");
    put_html(p, h->title);
    buf_str(&p->b, "</title></head>\n<body><a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><h1>");
    put_html(p, h->title);
    buf_str(&p->b, "</h1><p class=\"about\">");
    put_html(p, h->about);
    buf_str(&p->b, "</p>\n<nav aria-label=\"Sections\">");
    for (int i = 0; i < h->n_sections; i++)
        buf_printf(&p->b, "<a href=\"#%s\">%s</a> ", h->section[i].id, h->section[i].title);
    buf_str(&p->b, "</nav></header>\n<main id=\"main\">\n");
}

static void put_markdown_head(struct paper *p, const struct paper_head *h)
{
    buf_str(&p->b, "# ");
    put_markdown(p, h->title);
    buf_str(&p->b, "\n\n");
    put_markdown(p, h->about);
    buf_str(&p->b, "\n\n");
}

struct paper *paper_begin(const char *path, enum paper_form form, const struct paper_head *head, struct err *err)
{
    struct outfile *out = outfile_begin(path, err);
    if (!out)
        return NULL;
    struct paper *p = xcalloc(1, sizeof *p);
    p->out = out;
    p->form = form;
    p->n = head->n_sections;
    p->section = xcalloc((size_t)p->n + 1, sizeof *p->section);
    memcpy(p->section, head->section, (size_t)p->n * sizeof *p->section);
    (form == PAPER_HTML ? put_html_head : put_markdown_head)(p, head);
    return p;
}

void paper_section(struct paper *p)
{
    end_list(p);
    if (p->at && p->form == PAPER_HTML)
        buf_str(&p->b, "</section>\n");
    flush(p);
    if (p->at == p->n)
        return;
    const struct paper_section *s = &p->section[p->at++];
    if (p->form == PAPER_HTML)
        buf_printf(&p->b, "<section id=\"%s\" aria-labelledby=\"%s-h\"><h2 id=\"%s-h\">%s</h2>\n", s->id, s->id, s->id, s->title);
    else
        buf_printf(&p->b, "## %s\n\n", s->title);
}

static void paper_free(struct paper *p)
{
    buf_free(&p->b);
    free(p->section);
    free(p);
}

int paper_end(struct paper *p, struct err *err)
{
    end_list(p);
    if (p->form == PAPER_HTML)
        buf_str(&p->b, "</section>\n</main></body></html>\n");
    flush(p);
    int rc = outfile_end(p->out, err);
    paper_free(p);
    return rc;
}

void paper_drop(struct paper *p)
{
    if (!p)
        return;
    outfile_drop(p->out);
    paper_free(p);
}

/* ---- what stands in a section ---- */

void paper_heading(struct paper *p, const char *text)
{
    end_list(p);
    buf_str(&p->b, p->form == PAPER_HTML ? "<h3>" : "### ");
    (p->form == PAPER_HTML ? put_html : put_markdown)(p, text);
    buf_str(&p->b, p->form == PAPER_HTML ? "</h3>\n" : "\n\n");
}

static void put_words(struct paper *p, const char *html, const char *markdown, const char *fmt, va_list ap)
{
    char *text = NULL;
    if (vasprintf(&text, fmt, ap) < 0)   /* 'text' is undefined then */
        text = xstrdup("");
    buf_str(&p->b, p->form == PAPER_HTML ? html : markdown);
    (p->form == PAPER_HTML ? put_html : put_markdown)(p, text);
    free(text);
}

void paper_text(struct paper *p, const char *fmt, ...)
{
    va_list ap;
    end_list(p);
    va_start(ap, fmt);
    put_words(p, "<p>", "", fmt, ap);
    va_end(ap);
    buf_str(&p->b, p->form == PAPER_HTML ? "</p>\n" : "\n\n");
}

void paper_item(struct paper *p, const char *fmt, ...)
{
    va_list ap;
    if (!p->list && p->form == PAPER_HTML)
        buf_str(&p->b, "<ul>\n");
    p->list = true;
    va_start(ap, fmt);
    put_words(p, "<li>", "- ", fmt, ap);
    va_end(ap);
    buf_str(&p->b, p->form == PAPER_HTML ? "</li>\n" : "\n");
}

void paper_sheet(struct paper *p, const struct sheet *s, const char *caption, const char *data)
{
    end_list(p);
    if (p->form == PAPER_MARKDOWN)
        sheet_put_markdown(s, caption, &p->b);
    else {
        char *attributes = xasprintf(" data-table=\"%s\"", data);
        sheet_put_html(&p->b, s, caption, attributes);
        free(attributes);
    }
    buf_char(&p->b, '\n');
    flush(p);
}

void paper_picture(struct paper *p, const struct buf *svg)
{
    if (p->form == PAPER_MARKDOWN)
        return;
    end_list(p);
    buf_str(&p->b, "<figure>");
    buf_add(&p->b, svg->data ? svg->data : "", svg->len);
    buf_str(&p->b, "</figure>\n");
    flush(p);
}
