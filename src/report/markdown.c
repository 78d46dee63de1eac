/* markdown.c - Markdown as HTML that can do nothing but be read: md4c says what is what, this writes it. */
#include "markdown.h"

#include "table_rule.h"
#include "tex.h"

#include "mtbench/json.h"

#include <limits.h>
#include <md4c-html.h>
#include <md4c.h>
#include <string.h>
#include <strings.h>

enum { SPANS = MARKDOWN_NESTED / 2 };

struct open_span { MD_SPANTYPE type; const char *end; };

struct writer {
    struct buf *html;
    size_t limit;                        /* of html->len: more than any text of this size explains */
    const char *source;                  /* the text that TeX is a part of */
    const struct tex *tex;
    int containers;                      /* open quotes and lists */
    struct open_span open[SPANS];        /* (n_open) spans that were written */
    int n_open, unwritten;               /* further ones, too deep or links in a link */
    size_t link_text;                    /* where the text of the open link begins */
    bool in_language;                    /* the open code block has its language above it */
};

/* ---- characters ---- */

static void put_tex(struct writer *w, const struct tex_part *part, bool marked)
{
    if (marked)
        buf_str(w->html, part->display ? "<span class=\"tex display\">" : "<span class=\"tex\">");
    html_escape_content(w->html, w->source + part->begin, part->end - part->begin);
    if (marked)
        buf_str(w->html, "</span>");
}

/* The text with its TeX again; 'marked': as an element of its own. */
static void put_text(struct writer *w, const char *text, size_t n, bool marked)
{
    size_t from = 0, mark;
    for (const char *at; (at = n > from ? memchr(text + from, '\1', n - from) : NULL); from = (size_t)(at - text) + mark) {
        const struct tex_part *part = tex_hidden(w->tex, at, n - (size_t)(at - text), &mark);
        html_escape_content(w->html, text + from, (size_t)(at - text) - from);
        if (part)
            put_tex(w, part, marked);
        else
            mark = 1;
    }
    html_escape_content(w->html, text + from, n - from);
}

static void collect(const MD_CHAR *text, MD_SIZE n, void *to)
{
    buf_add(to, text, n);
}

/* What an entity stands for, cleaned. The library's table of names is seen through the HTML that it makes alone. */
static void read_entity(struct buf *out, const char *text, size_t n)
{
    static const struct { const char *entity; char is; } basic[] = {
        { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }
    };
    enum { HEAD = sizeof "<p>" - 1, TAIL = sizeof "</p>\n" - 1 };
    struct buf html = {0}, said = {0};
    md_html(text, (MD_SIZE)n, collect, &html, MD_FLAG_NOHTML, 0);
    for (size_t i = HEAD, len; i + TAIL < html.len; i += len) {
        len = 1;
        char c = html.data[i];
        for (size_t k = 0; c == '&' && k < sizeof basic / sizeof *basic; k++)
            if (!strncmp(html.data + i, basic[k].entity, strlen(basic[k].entity))) {
                len = strlen(basic[k].entity);
                c = basic[k].is;
                break;
            }
        buf_char(&said, c);
    }
    html_clean(out, said.data, said.len);
    buf_free(&html);
    buf_free(&said);
}

static void put_entity(struct writer *w, const char *text, size_t n)
{
    struct buf said = {0};
    read_entity(&said, text, n);
    html_escape_content(w->html, said.data, said.len);
    buf_free(&said);
}

/* A target or a word of the parser's as its characters; TeX in it as it was written. */
static void read_attribute(struct buf *out, const struct writer *w, const MD_ATTRIBUTE *a)
{
    for (int i = 0; a->size && a->substr_offsets[i] < a->size; i++) {
        const char *text = a->text + a->substr_offsets[i];
        const size_t n = a->substr_offsets[i + 1] - a->substr_offsets[i];
        if (a->substr_types[i] == MD_TEXT_ENTITY) {
            read_entity(out, text, n);
            continue;
        }
        for (size_t k = 0, mark; k < n; k += mark) {
            const struct tex_part *part = tex_hidden(w->tex, text + k, n - k, &mark);
            if (part)
                buf_add(out, w->source + part->begin, part->end - part->begin);
            else
                buf_add(out, text + k, mark = 1);
        }
    }
}

/* ---- spans ---- */

/* md4c 0.4.8 can leave a span that it never entered, and the other way round (where a bare link swallows a star): whatever it says, what is
 * written is closed in its order, at the latest at the end of its block. */
static void open_span(struct writer *w, MD_SPANTYPE type, const char *begin, const char *end)
{
    if (w->n_open == SPANS) {
        w->unwritten++;
        return;
    }
    buf_str(w->html, begin);
    w->open[w->n_open++] = (struct open_span){ type, end };
}

static void close_spans(struct writer *w, int down_to)
{
    while (w->n_open > down_to)
        buf_str(w->html, w->open[--w->n_open].end);
}

/* Where the innermost open one of this type is; -1: nowhere. */
static int find_span(const struct writer *w, MD_SPANTYPE type)
{
    int i = w->n_open - 1;
    while (i >= 0 && w->open[i].type != type)
        i--;
    return i;
}

static void close_span(struct writer *w, MD_SPANTYPE type)
{
    const int at = find_span(w, type);
    if (w->unwritten)
        w->unwritten--;
    else if (at >= 0)
        close_spans(w, at);
}

static void end_spans(struct writer *w)  /* of a block */
{
    close_spans(w, 0);
    w->unwritten = 0;
}

static bool may_open(const char *url)
{
    return !strncasecmp(url, "https://", 8) || !strncasecmp(url, "http://", 7) || !strncasecmp(url, "mailto:", 7);
}

static void put_url(struct buf *html, const char *url)
{
    static const char kept[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~!*();:@=+$,/?#%";
    for (; *url; url++)
        if (*url == '&')
            buf_str(html, "&amp;");
        else
            buf_printf(html, strchr(kept, *url) ? "%c" : "%%%02X", (unsigned char)*url);
}

/* A link in a link is its text alone, and so is a picture in one: MD_SPAN_A stands for both. */
static void open_link(struct writer *w, const MD_ATTRIBUTE *target, const MD_ATTRIBUTE *title)
{
    struct buf url = {0}, words = {0}, begin = {0};
    read_attribute(&url, w, target);
    read_attribute(&words, w, title);
    const bool opens = url.len && may_open(url.data);
    if (opens) {
        buf_str(&begin, "<a href=\"");
        put_url(&begin, url.data);
        buf_str(&begin, "\" rel=\"noopener noreferrer\"");
    } else {
        buf_str(&begin, "<span class=\"link\"");
    }
    if (words.len || !opens) {
        buf_str(&begin, " title=\"");
        html_escape(&begin, words.len ? words.data : url.data, words.len ? words.len : url.len);
        buf_char(&begin, '"');
    }
    buf_char(&begin, '>');
    if (find_span(w, MD_SPAN_A) >= 0)
        w->unwritten++;
    else
        open_span(w, MD_SPAN_A, begin.data, opens ? "</a>" : "</span>");
    w->link_text = w->html->len;
    buf_free(&url);
    buf_free(&words);
    buf_free(&begin);
}

static void close_link(struct writer *w, const MD_ATTRIBUTE *target)
{
    if (w->html->len == w->link_text) {  /* nothing to click on: its target is its text */
        struct buf url = {0};
        read_attribute(&url, w, target);
        html_escape_content(w->html, url.data, url.len);
        buf_free(&url);
    }
    close_span(w, MD_SPAN_A);
}

/* ---- blocks ---- */

static void put_code_begin(struct writer *w, const MD_BLOCK_CODE_DETAIL *d)
{
    enum { LONGEST = 64 };               /* of what is shown; names of languages are short */
    static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+#.-";
    struct buf lang = {0};
    read_attribute(&lang, w, &d->lang);
    if (lang.len) {
        const size_t n = (size_t)utf8_fit(lang.data, LONGEST);
        buf_str(w->html, "<div class=\"code\"><span class=\"code-language\">");
        html_escape_content(w->html, lang.data, n);
        buf_str(w->html, "</span>");
        lang.data[n] = '\0';
    }
    buf_str(w->html, "<pre><code");
    if (lang.len && lang.data[strspn(lang.data, usual)] == '\0')
        buf_printf(w->html, " class=\"language-%s\"", lang.data);
    buf_char(w->html, '>');
    w->in_language = lang.len > 0;
    buf_free(&lang);
}

static const char *aligned(const MD_BLOCK_TD_DETAIL *d)
{
    return d->align == MD_ALIGN_LEFT     ? " class=\"left\""
           : d->align == MD_ALIGN_CENTER ? " class=\"center\""
           : d->align == MD_ALIGN_RIGHT  ? " class=\"right\""
                                         : "";
}

static void open_list(struct writer *w, MD_BLOCKTYPE type, const void *detail)
{
    if (w->containers++ >= MARKDOWN_NESTED)
        return;
    if (type == MD_BLOCK_QUOTE)
        buf_str(w->html, "<blockquote>\n");
    else if (type == MD_BLOCK_UL)
        buf_str(w->html, "<ul>\n");
    else if (((const MD_BLOCK_OL_DETAIL *)detail)->start == 1)
        buf_str(w->html, "<ol>\n");
    else
        buf_printf(w->html, "<ol start=\"%u\">\n", ((const MD_BLOCK_OL_DETAIL *)detail)->start);
}

static void open_item(struct writer *w, const MD_BLOCK_LI_DETAIL *d)
{
    if (w->containers <= MARKDOWN_NESTED)
        buf_str(w->html, "<li>");
    if (d->is_task)
        buf_str(w->html, d->task_mark == ' ' ? "\xe2\x98\x90 " : "\xe2\x98\x91 "); /* a box, empty or ticked */
}

static int heading(const void *detail) /* below those of the page */
{
    return ((const MD_BLOCK_H_DETAIL *)detail)->level == 1 ? 5 : 6;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *to)
{
    struct writer *w = to;
    end_spans(w);
    switch (type) {
    case MD_BLOCK_QUOTE: case MD_BLOCK_UL: case MD_BLOCK_OL: open_list(w, type, detail); break;
    case MD_BLOCK_LI: open_item(w, detail); break;
    case MD_BLOCK_HR: buf_str(w->html, "<hr>\n"); break;
    case MD_BLOCK_H: buf_printf(w->html, "<h%d class=\"l%u\">", heading(detail), ((MD_BLOCK_H_DETAIL *)detail)->level); break;
    case MD_BLOCK_CODE: put_code_begin(w, detail); break;
    case MD_BLOCK_P: buf_str(w->html, "<p>"); break;
    case MD_BLOCK_TABLE: buf_str(w->html, "<table>\n"); break;
    case MD_BLOCK_THEAD: buf_str(w->html, "<thead>\n"); break;
    case MD_BLOCK_TBODY: buf_str(w->html, "<tbody>\n"); break;
    case MD_BLOCK_TR: buf_str(w->html, "<tr>"); break;
    case MD_BLOCK_TH: buf_printf(w->html, "<th%s>", aligned(detail)); break;
    case MD_BLOCK_TD: buf_printf(w->html, "<td%s>", aligned(detail)); break;
    default: break;                      /* the document; raw HTML is off */
    }
    return w->html->len > w->limit ? -1 : 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *to)
{
    struct writer *w = to;
    end_spans(w);
    switch (type) {
    case MD_BLOCK_QUOTE: case MD_BLOCK_UL: case MD_BLOCK_OL:
        if (--w->containers < MARKDOWN_NESTED)
            buf_str(w->html, type == MD_BLOCK_QUOTE ? "</blockquote>\n" : type == MD_BLOCK_UL ? "</ul>\n" : "</ol>\n");
        break;
    case MD_BLOCK_LI: buf_str(w->html, w->containers <= MARKDOWN_NESTED ? "</li>\n" : "\n"); break;
    case MD_BLOCK_H: buf_printf(w->html, "</h%d>\n", heading(detail)); break;
    case MD_BLOCK_CODE: buf_str(w->html, w->in_language ? "</code></pre></div>\n" : "</code></pre>\n"); break;
    case MD_BLOCK_P: buf_str(w->html, "</p>\n"); break;
    case MD_BLOCK_TABLE: buf_str(w->html, "</table>\n"); break;
    case MD_BLOCK_THEAD: buf_str(w->html, "</thead>\n"); break;
    case MD_BLOCK_TBODY: buf_str(w->html, "</tbody>\n"); break;
    case MD_BLOCK_TR: buf_str(w->html, "</tr>\n"); break;
    case MD_BLOCK_TH: buf_str(w->html, "</th>"); break;
    case MD_BLOCK_TD: buf_str(w->html, "</td>"); break;
    default: break;
    }
    return 0;
}

/* ---- what md4c calls within a block ---- */

static int enter_span(MD_SPANTYPE type, void *detail, void *to)
{
    struct writer *w = to;
    const MD_SPAN_A_DETAIL *a = detail;
    const MD_SPAN_IMG_DETAIL *img = detail;
    switch (type) {
    case MD_SPAN_A: open_link(w, &a->href, &a->title); break;
    case MD_SPAN_IMG:
        open_link(w, &img->src, &img->title);
        buf_str(w->html, "[image: ");
        break;
    case MD_SPAN_CODE: open_span(w, type, "<code>", "</code>"); break;
    case MD_SPAN_EM: open_span(w, type, "<em>", "</em>"); break;
    case MD_SPAN_STRONG: open_span(w, type, "<strong>", "</strong>"); break;
    case MD_SPAN_DEL: open_span(w, type, "<del>", "</del>"); break;
    default: break;                      /* of flags that are off */
    }
    return w->html->len > w->limit ? -1 : 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *to)
{
    struct writer *w = to;
    switch (type) {
    case MD_SPAN_A: close_link(w, &((MD_SPAN_A_DETAIL *)detail)->href); break;
    case MD_SPAN_IMG:
        buf_char(w->html, ']');
        close_link(w, &((MD_SPAN_IMG_DETAIL *)detail)->src);
        break;
    default: close_span(w, type); break;
    }
    return 0;
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE n, void *to)
{
    struct writer *w = to;
    if (type == MD_TEXT_BR)
        buf_str(w->html, "<br>\n");
    else if (type == MD_TEXT_SOFTBR)
        buf_char(w->html, '\n');
    else if (type == MD_TEXT_ENTITY)
        put_entity(w, text, n);
    else
        put_text(w, text, n, type != MD_TEXT_CODE);
    return w->html->len > w->limit ? -1 : 0;
}

/* ---- the whole ---- */

/* md4c 0.4.8 looks through all links before for each bare one ("www.", "http:"): more than a text for people has are left as text. */
static unsigned bare_links(const struct buf *text)
{
    enum { MOST = 500 };
    int n = 0;
    for (size_t i = 0; i + 4 < text->len && n <= MOST; i++)
        n += !memcmp(text->data + i, "www.", 4) || !memcmp(text->data + i, "://", 3);
    return n <= MOST ? MD_FLAG_PERMISSIVEAUTOLINKS : 0;
}

static bool put_parsed(struct buf *html, const struct buf *clean)
{
    const MD_PARSER parser = {
        .flags = MD_FLAG_NOHTML | MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | bare_links(clean),
        .enter_block = enter_block, .leave_block = leave_block, .enter_span = enter_span, .leave_span = leave_span, .text = on_text,
    };
    struct tex tex = {0};
    struct buf hidden = {0}, ruled = {0};
    struct writer w = { .html = html, .limit = html->len + 16 * clean->len + 65536, .source = clean->data, .tex = &tex };
    tex_hide(&tex, &hidden, clean->data, clean->len);
    table_rules_widen(&ruled, hidden.data, hidden.len);
    const bool good = ruled.len < UINT_MAX / 4 && md_parse(ruled.data, (MD_SIZE)ruled.len, &parser, &w) == 0;
    tex_free(&tex);
    buf_free(&hidden);
    buf_free(&ruled);
    return good;
}

void markdown_put(struct buf *html, const char *text, size_t n)
{
    const size_t start = html->len;
    struct buf clean = {0};
    html_clean(&clean, text, n);
    if (clean.len && !put_parsed(html, &clean)) {
        html->len = start;
        buf_str(html, "<pre class=\"plain\">");
        html_escape_content(html, clean.data, clean.len);
        buf_str(html, "</pre>\n");
    }
    buf_free(&clean);
}
