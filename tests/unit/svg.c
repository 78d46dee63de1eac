/* svg.c - elements, escapes, and words: how wide they are, where they are cut. */
#include "src/report/svg.h"

#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool cleaned(const char *words, const char *want)
{
    char *got = svg_clean(words);
    const bool same = !strcmp(got, want);
    if (!same)
        printf("# got %s\n", got);
    free(got);
    return same;
}

static void test_clean(void)
{
    ok(cleaned("llama-2 7b", "llama-2 7b"), "usual names stay");
    ok(cleaned("a\tb\nc\x7f", "a\xe2\x90\x89" "b\xe2\x90\x8a" "c\xe2\x90\xa1"), "control characters are seen, and do nothing");
    ok(cleaned("a\xff" "b\xc3", "a\xef\xbf\xbd" "b\xef\xbf\xbd"), "bytes that are no UTF-8");
    ok(cleaned("gpt\xe2\x80\xae" "4", "gpt\xef\xbf\xbd" "4"), "no right-to-left override");
    ok(cleaned("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac", "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac"), "joined emoji stay joined");
    ok(cleaned("z\xcc\x81\xcc\x82\xcc\x83\xcc\x84!", "z\xcc\x81\xcc\x82!"), "of many accents two stay");
    ok(cleaned("\xef\xbf\xbe" "x", "\xef\xbf\xbd" "x"), "what XML forbids");
}

static void test_escape(void)
{
    struct buf b = {0};
    svg_escape(&b, "<a href='x'>\"&\"</a>");
    ok(!strcmp(b.data, "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;"), "nothing is left that means something: %s", b.data);
    buf_clear(&b);
    svg_escape_exact(&b, "a\nb\x01\xe2\x80\xae<z\xcc\x81\xcc\x82\xcc\x83");
    ok(!strcmp(b.data, "a&#xa;b\xef\xbf\xbd&#x202e;&lt;z\xcc\x81\xcc\x82\xcc\x83"), "for programs: all that XML can hold: %s", b.data);
    buf_clear(&b);
    svg_exact(&b, "v", 8.1);
    svg_exact(&b, "w", 0.0 / 0.0);
    svg_length(&b, "x", -0.001);
    svg_length(&b, "y", 12.50);
    ok(!strcmp(b.data, " v=\"8.1\" x=\"0\" y=\"12.5\""), "numbers: %s", b.data);
    buf_free(&b);
}

static void test_width(void)
{
    ok(svg_text_width("", 10) == 0 && svg_text_width("mm", 10) > 19 && svg_text_width("ii", 10) < 6, "an m is wider than an i");
    ok(svg_text_width("\xe6\x97\xa5", 10) > 10 && svg_text_width("\xf0\x9f\x98\x80", 10) >= 14, "ideographs and emoji are wide");
    ok(svg_text_width("e\xcc\x81", 10) == svg_text_width("e", 10), "an accent has no width");
}

static bool fits(const char *words, double most)
{
    char *cut = svg_fit(words, 11, most);
    const bool good = svg_text_width(cut, 11) <= most;
    if (!good)
        printf("# %s is %g wide\n", cut, svg_text_width(cut, 11));
    free(cut);
    return good;
}

static void test_fit(void)
{
    struct buf b = {0};
    for (int i = 0; i < 300; i++)
        buf_char(&b, (char)('a' + i % 26));
    char *cut = svg_fit(b.data, 11, 100), *whole = svg_fit("short", 11, 100);
    ok(!strcmp(whole, "short"), "what has room stays");
    ok(svg_text_width(cut, 11) <= 100 && !strncmp(cut, "abc", 3) && !strcmp(cut + strlen(cut) - 2, "mn") && strstr(cut, "\xe2\x80\xa6"),
       "300 letters are cut in the middle: %s", cut);
    free(cut);
    free(whole);
    buf_clear(&b);
    for (int i = 0; i < 40; i++)
        buf_str(&b, "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x94\xac");
    ok(fits(b.data, 100), "a row of joined emoji");
    cut = svg_fit(b.data, 11, 100);
    ok(!strstr(cut, "\xe2\x80\x8d\xe2\x80\xa6") && !strstr(cut, "\xe2\x80\xa6\xe2\x80\x8d"), "is cut between them, not inside: %s", cut);
    free(cut);
    ok(fits("\xef\xb7\xbd\xef\xb7\xbd\xef\xb7\xbd", 120) && fits("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd7\xa2\xd7\x95\xd7\x9c\xd7\x9d", 40),
       "the widest ligature, and letters from right to left");
    const char *line = "the quick brown fox";
    const size_t n = svg_line_of(line, 11, svg_text_width("the quick b", 11));
    ok(n == 9, "a line breaks at a blank: %.*s", (int)n, line);
    ok(svg_line_of("mmmmmm", 11, 5) == 1, "where there is none, inside; one letter at least");
    ok(svg_line_of("all of it", 11, 500) == 9, "a line that has room is whole");
    buf_free(&b);
}

static void test_elements(void)
{
    struct svg s = {0};
    svg_text_turned(&s, 10, 20, SVG_END, 11, NULL, "a<b");
    ok(!strcmp(s.body.data, "<text x=\"10\" y=\"20\" font-size=\"11\" text-anchor=\"end\" transform=\"rotate(-90 10 20)\">a&lt;b</text>\n"),
       "a text: %s", s.body.data);
    buf_clear(&s.body);
    for (int k = 0; k < SVG_SHAPES; k++)
        svg_shape(&s, (enum svg_shape)k, 5, 5, 3);
    ok(strstr(s.body.data, "<circle") && strstr(s.body.data, "<path") && !strstr(s.body.data, "nan"), "shapes");
    buf_free(&s.body);
}

int main(void)
{
    test_clean();
    test_escape();
    test_width();
    test_fit();
    test_elements();
    return done_testing();
}
