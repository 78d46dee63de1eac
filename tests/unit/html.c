/* html.c - texts of others in HTML: nothing is markup, nothing is unseen, all is UTF-8. */
#include "src/report/html.h"

#include "tap.h"

#include "mtbench/json.h"

#include <stdlib.h>
#include <string.h>

static struct buf b;

/* From a block of exactly its size, so that a sanitizer sees a read behind it. */
static const char *cleaned(const char *text, size_t n)
{
    char *s = malloc(n ? n : 1);
    memcpy(s, text, n);
    buf_clear(&b);
    buf_str(&b, "");
    html_clean(&b, s, n);
    free(s);
    return b.data;
}

#define U "\xef\xbf\xbd"

static void check_utf8(void)
{
    static const struct {
        const char *in, *out;
    } t[] = {
        /* as Python decodes with errors='replace' */
        { "caf\xc3\xa9 \xf0\x9f\x98\x80", "caf\xc3\xa9 \xf0\x9f\x98\x80" },
        { "\x80", U },
        { "\xbf\xbf", U U },
        { "\xff\xfe", U U },
        { "\xc3(", U "(" },
        { "\xc3", U },
        { "\xe2\x82", U },
        { "\xe2\x82(", U "(" },
        { "\xf0\x9f\x98", U },
        { "\xf0\x9f\x98<", U "<" },
        { "\xc0\xbc", U U },
        { "\xc1\xbf", U U },
        { "\xe0\x80\xbc", U U U },
        { "\xe0\x9f\xbf", U U U },
        { "\xf0\x8f\xbf\xbf", U U U U },
        { "\xed\xa0\x80", U U U },
        { "\xed\x9f\xbf", "\xed\x9f\xbf" },
        { "\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd" },
        { "\xf4\x90\x80\x80", U U U U },
        { "\xf5\x80", U U },
        { "\xfc\x80\x80\x80\x80\xaf", U U U U U U },
    };
    for (size_t i = 0; i < sizeof t / sizeof *t; i++)
        ok(!strcmp(cleaned(t[i].in, strlen(t[i].in)), t[i].out), "bytes of case %zu: %s", i, b.data);
}

static void check_seen(void)
{
    ok(!strcmp(cleaned("a\0b", 3), "a\xe2\x90\x80"
                                   "b"),
       "a NUL has its picture");
    ok(!strcmp(cleaned("a\xc0\x80", 3), "a\xe2\x90\x80"), "spelled as in C strings, too");
    ok(!strcmp(cleaned("\x1b[1m\x7f\x08", 6), "\xe2\x90\x9b[1m\xe2\x90\xa1\xe2\x90\x88"), "controls have theirs");
    ok(!strcmp(cleaned("a\r\nb\rc\n\td", 9), "a\nb\nc\n\td"), "newlines are newlines, tabs are tabs");
    ok(!strcmp(cleaned("\xe2\x80\xae"
                       "abc",
                       6),
               "\xe2\x9f\xa8U+202E\xe2\x9f\xa9"
               "abc"),
       "what turns a line around is told");
    ok(!strcmp(cleaned("\xc2\x9b\xef\xbf\xbe\xf3\xa0\x81\x81", 9),
               "\xe2\x9f\xa8U+009B\xe2\x9f\xa9\xe2\x9f\xa8U+FFFE\xe2\x9f\xa9\xe2\x9f\xa8U+E0041\xe2\x9f\xa9"),
       "and what nobody sees");
    int wrong = 0;
    for (unsigned c = 0; c < 0x110000; c++) { /* every character but the surrogates: itself, or made visible */
        char s[5] = { 0 };
        int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (int k = n - 1; k > 0; k--)
            s[k] = (char)(0x80 | ((c >> (6 * (n - 1 - k))) & 0x3f));
        s[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c >> (6 * (n - 1)));
        if (c >= 0xd800 && c < 0xe000)
            continue;
        const char *out = cleaned(s, (size_t)n);
        const bool kept = b.len == (size_t)n && !memcmp(out, s, b.len), told = out[0] == '\xe2' || c == '\r';
        wrong += utf8_bad(out, b.len) >= 0 || kept == (html_unseen(c) && c != '\n' && c != '\t') || (!kept && !told);
    }
    ok(wrong == 0, "each character of Unicode stays, or is told: %d do not", wrong);
}

static void check_markup(void)
{
    buf_clear(&b);
    html_put_text(&b, "<a b=\"c\">&amp;'\xff", 16);
    ok(!strcmp(b.data, "&lt;a b=&quot;c&quot;&gt;&amp;amp;'" U), "markup is text");
    buf_clear(&b);
    html_escape_content(&b, "\"<", 2);
    ok(!strcmp(b.data, "\"&lt;"), "quotes stay in content");
    buf_clear(&b);
    html_put_text(&b, NULL, 0);
    ok(b.len == 0, "nothing is nothing");
}

int main(void)
{
    check_utf8();
    check_seen();
    check_markup();
    buf_free(&b);
    return done_testing();
}
