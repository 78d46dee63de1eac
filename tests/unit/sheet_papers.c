/* sheet_papers.c - tables in Markdown and LaTeX: aligned, all that is in a cell is text, with the title and the sentences. */
#include "mtbench/sheet.h"

#include "tap.h"

#include "src/report/markdown.h"

#include <math.h>
#include <string.h>

static struct buf b;

static bool says(const char *words)
{
    return b.data && strstr(b.data, words);
}

static void small(struct sheet *s, const char *name)
{
    sheet_column(s, "model", NULL, 0, SHEET_ALL);
    sheet_column(s, "score", NULL, 2, SHEET_ALL);
    sheet_column(s, "low", NULL, 2, SHEET_DATA);
    sheet_column(s, "interval", "95 % interval", 0, SHEET_TEXT);
    sheet_column(s, "n", NULL, 0, SHEET_ALL);
    sheet_column(s, "judge", NULL, 0, SHEET_ALL);
    sheet_text(s, name);
    sheet_number(s, -0.5);
    sheet_number(s, 1);
    sheet_printf(s, "%.2f .. %.2f", -1.0, 9.0);
    sheet_int(s, 160);
    sheet_text(s, "j_1");
    sheet_text(s, "b");
    sheet_number(s, NAN);
    sheet_number(s, 2);
    sheet_empty(s);
    sheet_int(s, 0);
    sheet_text(s, "j");
    sheet_fact_text(s, "judge", "x", "judge: %s", "a_b|c");
    sheet_fact_int(s, "failed", 3, "failed: %d", 3);
    sheet_fact_int(s, "games", 3, NULL);
}

static void check_markdown(void)
{
    struct sheet s = { 0 };
    small(&s, "a*b|c\\\n\xc3\xa9");
    buf_clear(&b);
    sheet_put_markdown(&s, "Scores, my_bench", &b);
    ok(says("**Scores, my\\_bench**\n\n| model ") && says("| -0.50 | -1.00 .. 9.00 | 160 | j\\_1 ") && says("a\\*b\\|c\\\\?\xc3\xa9 |"),
       "title, figures, and what a name holds is text");
    ok(says("| :--") && says("-: |") && says("|     - |             - |   0 |"),
       "names to the left, figures to the right, nothing is a dash");
    ok(says("|\n\n- judge: a\\_b\\|c\n- failed: 3\n") && !says("games") && !says("low"), "sentences, without those for programs");
    sheet_free(&s);
}

/* Our own Markdown, read by md4c, has each name as it was. */
static void check_read_back(void)
{
    static const char *const name[] = { "<script>alert(1)</script>",
                                        "a|b",
                                        "`x` *y* __z__ ~~w~~",
                                        "[a](b)",
                                        "\\",
                                        "&amp; $x$ #1 @a",
                                        "- b",
                                        "!",
                                        "\xe2\x80\xae"
                                        "abc",
                                        "\\|\\",
                                        "| a |\n| - |" };
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        struct sheet s = { 0 };
        struct buf html = { 0 }, want = { 0 }, clean = { 0 };
        small(&s, name[i]);
        buf_clear(&b);
        sheet_put_markdown(&s, name[i], &b);
        markdown_put(&html, b.data, b.len);
        html_clean(&clean, name[i], strlen(name[i]));
        for (size_t k = 0; k < clean.len; k++)
            clean.data[k] = clean.data[k] == '\n' ? '?' : clean.data[k];
        buf_str(&want, "<td class=\"left\">");
        html_escape_content(&want, clean.data, clean.len);
        buf_str(&want, "</td><td class=\"right\">-0.50</td>");
        ok(html.data && strstr(html.data, want.data), "a cell reads back: %s", want.data);
        if (!html.data || !strstr(html.data, want.data))
            printf("# %s\n# %s\n", b.data, html.data);
        sheet_free(&s);
        buf_free(&html);
        buf_free(&want);
        buf_free(&clean);
    }
}

static void check_latex(void)
{
    struct sheet s = { 0 };
    small(&s, "\\ { } _ % & # $ ^ ~ < > | \" [ ] * a--b ''c ,,d -1 \x01\xff\xc3\xa9 \xe2\x80\xae");
    buf_clear(&b);
    sheet_put_latex(&s, "Scores, my_bench", &b);
    ok(says("\\caption{Scores, my\\_bench}\n\\begin{tabular}{lrrrl}\n\\toprule\nmodel & score & 95 \\% interval & n & judge "
            "\\\\\n\\midrule\n"),
       "a caption, columns, heads between booktabs' rules");
    ok(says("\n\\textbackslash{} \\{ \\} \\_ \\% \\& \\# \\$ \\textasciicircum{} \\textasciitilde{} \\textless{} \\textgreater{} "
            "\\textbar{} "
            "\\char34{} {[} {]} {*} a-{}-b '{}'c ,{},d $-$1 ??\xc3\xa9 ? & $-$0.50 & $-$1.00 .. 9.00 & 160 & j\\_1 \\\\\n"),
       "what is special is text, what nobody sees is ?, minus is one");
    ok(says("\nb & -- & -- & 0 & j \\\\\n\\bottomrule\n\\end{tabular}\n"), "nothing is a dash");
    ok(says("{\\footnotesize judge: a\\_b\\textbar{}c}\n") && says("{\\footnotesize failed: 3}\n\\end{table}\n") && !says("games"),
       "sentences under it");
    sheet_free(&s);
}

static void check_forms(void)
{
    struct sheet s = { 0 };
    struct buf same = { 0 };
    small(&s, "a");
    for (int form = 0; form < SHEET_FORM_COUNT; form++) {
        buf_clear(&b);
        buf_clear(&same);
        sheet_put(&s, (enum sheet_form)form, "t", &b);
        form == SHEET_AS_TEXT       ? sheet_put_text(&s, &same)
        : form == SHEET_AS_CSV      ? sheet_put_csv(&s, &same)
        : form == SHEET_AS_JSON     ? sheet_put_json(&s, &same)
        : form == SHEET_AS_MARKDOWN ? sheet_put_markdown(&s, "t", &same)
                                    : sheet_put_latex(&s, "t", &same);
        ok(!strcmp(b.data, same.data), "form %d by its number", form);
    }
    sheet_free(&s);
    buf_free(&same);
}

int main(void)
{
    check_markdown();
    check_read_back();
    check_latex();
    check_forms();
    buf_free(&b);
    return done_testing();
}
