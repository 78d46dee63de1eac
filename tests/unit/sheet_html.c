/* sheet_html.c - a sheet as an HTML table: what people read, and all that CSV and JSON have in attributes. */
#include "../../src/report/sheet_html.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct sheet example(void)
{
    struct sheet s = {0};
    sheet_column(&s, "model", NULL, 0, SHEET_ALL);
    sheet_column(&s, "score", NULL, 2, SHEET_ALL);
    sheet_column(&s, "interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(&s, "low", NULL, 2, SHEET_DATA);
    sheet_column(&s, "n", NULL, 0, SHEET_ALL);
    sheet_column(&s, "reason", "why <", 0, SHEET_ALL);
    sheet_text(&s, "a<b>&\"'");
    sheet_number(&s, 1.0 / 3);
    sheet_text(&s, "0.10 .. 0.50");
    sheet_number(&s, 0.1);
    sheet_int(&s, 12);
    sheet_text(&s, "</td><script>alert(1)</script>");
    sheet_text(&s, "b");
    sheet_number(&s, NAN);
    sheet_empty(&s);
    sheet_number(&s, NAN);
    sheet_int(&s, 0);
    sheet_empty(&s);
    sheet_fact_int(&s, "failed", 1, "failed: %d & told", 1);
    sheet_fact_int(&s, "quiet", 2, NULL);
    return s;
}

int main(void)
{
    struct sheet s = example();
    struct buf b = {0};
    sheet_put_html(&b, &s, "Scores \"by\" <j>", " data-judge=\"0\"");
    const char *html = b.data;
    ok(strstr(html, "aria-label=\"Scores &quot;by&quot; &lt;j&gt;\"><table class=\"sheet\" data-judge=\"0\"><caption>") != NULL,
       "a region with a name, a table with a caption");
    ok(strstr(html, "<th scope=\"col\" data-name=\"reason\">why &lt;</th>") && strstr(html, "data-name=\"score\">score</th>"), "heads");
    ok(!strstr(html, "data-name=\"low\"") && strstr(html, "<tr data-low=\"0.1\">"), "a column for programs is an attribute of the row");
    ok(strstr(html, "<td data-v=\"0.3333333333333333\">0.33</td>") != NULL, "numbers as in the text, and all digits");
    ok(strstr(html, "<td>0.10 .. 0.50</td>") && strstr(html, "<td data-v=\"12\">12</td>"), "intervals, whole numbers");
    ok(strstr(html, "<td class=\"text\">&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;</td>") && !strstr(html, "<script"),
       "words are words, whatever they say");
    ok(strstr(html, "<th scope=\"row\" data-v=\"a&lt;b&gt;&amp;&quot;") != NULL, "the first column names the row");
    ok(strstr(html, "<tr>\n<th") == NULL &&
           strstr(html, "<tr><th scope=\"row\" data-v=\"b\">b</th><td></td><td></td><td data-v=\"0\">0</td>"),
       "what is not known is an empty cell, and 0 is 0");
    ok(strstr(html, "<p class=\"fact\">failed: 1 &amp; told</p>") && !strstr(html, "quiet"), "facts with a sentence stand below");
    buf_free(&b);
    sheet_free(&s);
    return done_testing();
}
