/* markdown.c - Markdown as HTML: what people write looks as they meant it, what attackers write is text, and time grows with the text
 * alone. */
#include "src/report/markdown.h"

#include "html_check.h"
#include "tap.h"

#include "mtbench/io.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct buf html;

static const char *made(const char *text, size_t n)
{
    buf_clear(&html);
    buf_str(&html, "");
    markdown_put(&html, text, n);
    return html.data;
}

static void check(const char *text, const char *want)
{
    made(text, strlen(text));
    ok(!strcmp(html.data, want) && !*html_check(html.data, html.len), "%s", want);
    if (strcmp(html.data, want))
        printf("# got %s\n", html.data);
}

#define LINK(url, text) "<a href=\"" url "\" rel=\"noopener noreferrer\">" text "</a>"

static void check_markdown(void)
{
    check("# A\n## B\n\na *b* __c__ ~~d~~ `e<`",
          "<h5 class=\"l1\">A</h5>\n<h6 class=\"l2\">B</h6>\n<p>a <em>b</em> <strong>c</strong> <del>d</del> "
          "<code>e&lt;</code></p>\n");
    check("- a\n- [x] b\n  1. c\n3) d",
          "<ul>\n<li>a</li>\n<li>\xe2\x98\x91 b<ol>\n<li>c</li>\n</ol>\n</li>\n</ul>\n<ol start=\"3\">\n<li>d</li>\n</ol>\n");
    check("|a|b|\n|-|-:|\n|1|*2*|", "<table>\n<thead>\n<tr><th>a</th><th class=\"right\">b</th></tr>\n</thead>\n<tbody>\n<tr><td>1</td>"
                                       "<td class=\"right\"><em>2</em></td></tr>\n</tbody>\n</table>\n");
    check("a\nb  \nc\\\nd", "<p>a\nb<br>\nc<br>\nd</p>\n");
    check("> a\n\n---", "<blockquote>\n<p>a</p>\n</blockquote>\n<hr>\n");
    check("a & \"b\" &amp; &lt;i&gt; &eacute; &foo; &#65; &notit;",
          "<p>a &amp; \"b\" &amp; &lt;i&gt; \xc3\xa9 &amp;foo; A &amp;notit;</p>\n");
    check("", "");
}

static void check_code(void)
{
    check("```c++\na < b\n```",
          "<div class=\"code\"><span class=\"code-language\">c++</span><pre><code class=\"language-c++\">a &lt; b\n</code></pre></div>\n");
    check("    x\n", "<pre><code>x\n</code></pre>\n");
    check("~~~ \"><b>\n~~~", "<div class=\"code\"><span class=\"code-language\">\"&gt;&lt;b&gt;</span><pre><code></code></pre></div>\n");
    check("```a&quot;b c\n```", "<div class=\"code\"><span class=\"code-language\">a\"b</span><pre><code></code></pre></div>\n");
}

static void check_links(void)
{
    check("[a](http://x.example/?b=1&c=\"d\")", "<p>" LINK("http://x.example/?b=1&amp;c=%22d%22", "a") "</p>\n");
    check("[a](https://x.example 'it\"s') <mailto:a@b.example> www.x.example",
          "<p><a href=\"https://x.example\" rel=\"noopener noreferrer\" title=\"it&quot;s\">a</a> " LINK(
              "mailto:a@b.example", "mailto:a@b.example") " " LINK("http://www.x.example", "www.x.example") "</p>\n");
    check("[a](javascript&colon;x) [b](#c)",
          "<p><span class=\"link\" title=\"javascript:x\">a</span> <span class=\"link\" title=\"#c\">b</span></p>\n");
    check("![a *b*](http://x.example/p.png) ![](data:x) [](http://y.example)",
          "<p>" LINK("http://x.example/p.png", "[image: a <em>b</em>]") " <span class=\"link\" title=\"data:x\">[image: ]</span> " LINK(
              "http://y.example", "http://y.example") "</p>\n");
    check("[![c](http://x.example/i.png)](http://x.example)", "<p>" LINK("http://x.example", "[image: c]") "</p>\n");
}

static void check_tex(void)
{
    check("$a_1*b*c$ *d*", "<p><span class=\"tex\">$a_1*b*c$</span> <em>d</em></p>\n");
    check("\\(x<y\\)\n\n\\[\n- a \\\\\n\n= b\n\\]", "<p><span class=\"tex\">\\(x&lt;y\\)</span></p>\n"
                                                    "<p><span class=\"tex display\">\\[\n- a \\\\\n\n= b\n\\]</span></p>\n");
    check("`$a$` [b]($c$)", "<p><code>$a$</code> [b](<span class=\"tex\">$c$</span>)</p>\n");
}

/* ---- attacks ---- */

static void check_corpus(void)
{
    static const char folder[] = "tests/fuzz/corpus/markdown";
    DIR *d = opendir(folder);
    int n = 0, bad = 0;
    for (struct dirent *e; d && (e = readdir(d));) {
        char path[400];
        struct buf text = { 0 };
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (*e->d_name == '.' || io_read(path, &text, NULL) < 0)
            continue;
        made(text.len ? text.data : "", text.len);
        const char *fault = html_check(html.data, html.len);
        if (*fault && ++bad)
            printf("# %s: %s\n# %s\n", e->d_name, fault, html.data);
        n++;
        buf_free(&text);
    }
    if (d)
        closedir(d);
    ok(n >= 40 && bad == 0, "%d attacks are text, %d are not", n, bad);
}

/* So many bytes of a shape: 'head', then 'unit' again and again, with a number in place of "%d", then 'tail'. */
struct shape {
    const char *name, *head, *unit, *tail;
};

static double seconds_of(const struct shape *s, size_t size)
{
    struct buf text = { 0 };
    buf_str(&text, s->head);
    for (int i = 0; text.len < size; i++) {
        char unit[200];
        snprintf(unit, sizeof unit, s->unit, i);
        buf_str(&text, unit);
    }
    buf_str(&text, s->tail);
    const clock_t from = clock();
    made(text.data, text.len);
    const double seconds = (double)(clock() - from) / CLOCKS_PER_SEC;
    const char *fault = html_check(html.data, html.len);
    if (*fault)
        printf("# %s, %zu bytes: %s\n", s->name, size, fault);
    if (*fault || html.len > 17 * text.len + 65536 + 100)
        tap_failed++;
    buf_free(&text);
    return seconds;
}

static const struct shape shapes[] = {
    { "letters", "", "a", "" },
    { "words", "", "a ", "" },
    { "lines", "", "a\n", "" },
    { "paragraphs", "", "a\n\n", "" },
    { "quotes in quotes", "", ">", "a" },
    { "quotes, lines", "", "> > > > a\n", "" },
    { "lists in lists", "", "- ", "a" },
    { "lists in lists, blank lines", "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -", "\n", "a" },
    { "items", "", "- a\n", "" },
    { "items apart", "", "- a\n\n", "" },
    { "numbers in numbers", "", "1. ", "a" },
    { "fences", "", "```\n", "" },
    { "fences with words", "", "```a%d\n", "" },
    { "backticks", "", "`", "" },
    { "backticks apart", "", "` ``", "" },
    { "stars", "", "*", "" },
    { "stars apart", "", "*a ", "" },
    { "stars both ways", "", "*a_", "" },
    { "strong", "", "**a ", "" },
    { "underscores", "", "_a_ b", "" },
    { "tildes", "", "~~a ~", "" },
    { "brackets", "", "[", "" },
    { "brackets closed", "", "]", "" },
    { "brackets and words", "", "[a", "" },
    { "links open", "", "[a](", "" },
    { "links open with blanks", "", "[a](<b", "" },
    { "images open", "", "![", "" },
    { "links in links", "", "[a ", "](b)" },
    { "links", "", "[a](http://b.example) ", "" },
    { "parentheses", "[a](", "(", ")" },
    { "references", "", "[a%d]: b\n", "" },
    { "references used", "[a]: http://b.example/cccccccccccccccccccccccccccccccccccccccccc\n\n", "[a] ", "" },
    { "references unknown", "", "[a][b] ", "" },
    { "references, same", "", "[a]: b\n", "[a]" },
    { "autolinks", "", "<a:", "" },
    { "autolinks whole", "", "<http://a.b>", "" },
    { "addresses", "", "a@b.example ", "" },
    { "addresses open", "", "a@", "" },
    { "addresses without end", "", "a.b-c@d_", "" },
    { "bare links", "", "http://a.b", "" },
    { "bare links apart", "", "http://a.b/( ", "" },
    { "www", "", "www.a.b ", "" },
    { "www open", "", "www.", "" },
    { "colons", "", "a:", "" },
    { "at", "", "@", "" },
    { "tags open", "", "<a ", "" },
    { "tags with values", "", "<a b=\"", "" },
    { "comments open", "", "<!--", "" },
    { "instructions", "", "<?", "" },
    { "declarations", "", "<!A", "" },
    { "cdata", "", "<![CDATA[", "" },
    { "entities", "", "&eacute;", "" },
    { "entities unknown", "", "&aaaaaaaaa;", "" },
    { "ampersands", "", "&", "" },
    { "table, rows", "|a|b|\n|-|-|\n", "|c|d|\n", "" },
    { "table, empty rows", "|a|b|c|d|e|f|g|h|i|j|k|l|\n|-|-|-|-|-|-|-|-|-|-|-|-|\n", "|\n", "" },
    { "table, columns", "|", "a|", "\n" },
    { "table, rule", "a\n|", "-|", "\n" },
    { "pipes", "", "|", "" },
    { "tables", "", "|a|\n|-|\n\n", "" },
    { "headings", "", "# a\n", "" },
    { "setext", "", "a\n=\n", "" },
    { "rules", "", "***\n", "" },
    { "rule long", "", "* ", "" },
    { "backslashes", "", "\\", "" },
    { "hard breaks", "", "a  \n", "" },
    { "blanks", "a", " ", "b" },
    { "tabs", "", "\t", "a" },
    { "indented", "", "    a\n", "" },
    { "dollars", "", "$", "" },
    { "dollars apart", "", "$a ", "" },
    { "dollars with digits", "", "$1 ", "a$" },
    { "dollars closed", "", "a$ ", "" },
    { "tex", "", "$a$ ", "" },
    { "tex, display", "", "$$a", "" },
    { "tex, brackets", "", "\\[a", "" },
    { "tex, parentheses", "", "\\(a", "\\)" },
    { "tex, backslashes", "\\(", "\\", ")" },
    { "tex and ticks", "", "$`", "" },
    { "tex and fences", "", "$$\n```\n", "" },
    { "nul", "", "\xc0\x80", "" },
    { "broken", "", "\xe2\x82", "" },
    { "bidi", "", "\xe2\x80\xae", "" },
    { "less", "", "<", "" },
    { "double quotes", "", "\"", "" },
    { "task items", "", "- [ ] a\n", "" },
    { "colons and slashes", "", "://", "" },
    { "emphasis deep", "", "*_", "a" },
    { "strong deep", "", "**a", "**" },
    { "mixed", "", "*[`<a@\\", "" },
    { "brackets and bangs", "", "[]![](", "" },
    { "titles open", "", "[a](b \"", "" },
    { "titles open, ticks", "", "[a](b 'c", "" },
    { "definitions open", "", "[a", "]: b" },
    { "definitions broken", "", "[a]:\n", "" },
};

/* Four times the text may take a few times four times as long, and no more: CPU time, so that other work does not count. */
static void check_time(void)
{
    enum { SMALL = 32768, LARGE = 4 * SMALL };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const double a = seconds_of(&shapes[i], SMALL), b = seconds_of(&shapes[i], LARGE);
        ok(b < 0.05 + 8 * a, "%s: %.3f s, of four times as much %.3f s", shapes[i].name, a, b);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) { /* a time of one shape at many sizes */
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            for (size_t n = 16384; n <= (size_t)atol(argv[1]); n *= 4)
                if (argc < 3 || !strcmp(argv[2], shapes[i].name))
                    printf("%s %zu %.4f\n", shapes[i].name, n, seconds_of(&shapes[i], n));
        return 0;
    }
    check_markdown();
    check_code();
    check_links();
    check_tex();
    check_corpus();
    check_time();
    buf_free(&html);
    return done_testing();
}
