/* unicode.c - normal forms against Python's unicodedata, the UTF-8 decoder against the Unicode standard's tables 3-7 and 3-8. */
#include "src/text/unicode.h"

#include "golden.h"
#include "tap.h"

static int bad;

static void check_form(char *name)
{
    static const char *const names[] = { [FORM_NFC] = "NFC", [FORM_NFD] = "NFD", [FORM_NFKC] = "NFKC", [FORM_NFKD] = "NFKD" };
    char *hex = golden_next(name), *want_hex = golden_next(hex);
    size_t n, n_want;
    char *s = golden_bytes(hex, &n), *want = golden_bytes(want_hex, &n_want);
    for (int f = 0; f < 4; f++) {
        struct buf b = {0};
        if (strcmp(names[f], name))
            continue;
        if (utf8_normal_form(&b, s, n, (enum normal_form)f) < 0 || b.len != n_want || memcmp(b.data, want, n_want)) {
            bad++;
            printf("# %s of %s is not %s\n", name, hex, want_hex);
        }
        buf_free(&b);
    }
    free(s);
    free(want);
}

/* Table 3-8: one U+FFFD for each maximal subpart of what is ill-formed. */
static void test_lossy(void)
{
    static const struct { const char *bytes, *want; } table[] = {
        { "\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64", "a\ufffd\ufffd\ufffdb\ufffdc\ufffd\ufffdd" },
        { "\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA" },
        { "\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA" },
        { "\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB" },
        { "\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "\ufffd\ufffd\ufffd\ufffdA" },
        { "good \xe2\x82\xac", "good \u20ac" }, { "cut \xf0\x9f\x98", "cut \ufffd" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct buf b = {0};
        utf8_lossy(&b, table[i].bytes, strlen(table[i].bytes));
        ok(b.data && !strcmp(b.data, table[i].want), "ill-formed bytes %zu: %s", i, b.data);
        ok(utf8_valid(table[i].bytes, strlen(table[i].bytes)) == !strcmp(table[i].bytes, table[i].want), "and whether they are valid");
        buf_free(&b);
    }
}

/* Every code point there and back. */
static void test_round_trip(void)
{
    int wrong = 0, surrogates = 0;
    for (uint32_t c = 0; c < 0x110000; c++) {
        struct buf b = {0};
        utf8_put(&b, c);
        const char *p = b.data, *end = b.data + b.len;
        uint32_t back = utf8_next(&p, end);
        if (c >= 0xd800 && c < 0xe000)
            surrogates += back == 0xfffd;
        else
            wrong += back != c || p != end || utf8_len(b.data[0]) != b.len;
        buf_free(&b);
    }
    ok(wrong == 0, "1112064 code points there and back");
    ok(surrogates == 2048, "surrogates are refused");
}

static void test_lower(void)
{
    struct buf b = {0};
    utf8_lower(&b, "\u00c4\u0130\u03a3A\U00010400", strlen("\u00c4\u0130\u03a3A\U00010400"));
    ok(b.data && !strcmp(b.data, "\u00e4i\u0307\u03c3a\U00010428"), "lower case: %s", b.data);
    buf_free(&b);
}

int main(void)
{
    int n = golden_lines("tests/golden/base.txt", 'n', check_form);
    ok(n > 60 && bad == 0, "normal forms: %d of %d as Python", n - bad, n);
    test_lossy();
    test_round_trip();
    test_lower();
    ok(uc_is_space(0x3000) && uc_is_space(0x85) && !uc_is_space(0x200b) && !uc_is_space(0x180e), "white space");
    ok(uc_is_number(0x0663) && uc_is_number(0xbd) && uc_is_number(0x2167) && !uc_is_number('a'), "numbers");
    ok(uc_is_punct('$') && uc_is_punct(0x3001) && !uc_is_punct(0x20ac) && !uc_is_punct('a'), "punctuation: ASCII symbols too, others not");
    ok(uc_is_word('_') && uc_is_word(0xe9) && uc_is_word(0x301) && uc_is_word(0x24b6) && !uc_is_word('-'), "word characters");
    ok(uc_is_mark(0x301) && !uc_is_mark('a'), "marks");
    return done_testing();
}
