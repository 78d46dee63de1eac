/* json.c - JSON out against Python's json.dumps and repr to the byte (tests/golden/make_base.py made the golden), JSON in against
 * json.loads. */
#include "mtbench/json.h"
#include "mtbench/json_scan.h"
#include "mtbench/nul.h"

#include "golden.h"
#include "tap.h"

#include <math.h>

static int bad;

static void check_string(char *hex)
{
    const char *want = golden_next(hex);
    size_t n;
    struct buf b = {0};
    struct err err = {0};
    char *s = golden_bytes(hex, &n);
    json_put_string(&b, s, n);
    cJSON *back = json_parse(want, strlen(want), &err);
    if (strcmp(b.data, want) || !cJSON_IsString(back) || strlen(back->valuestring) != n || memcmp(back->valuestring, s, n)) {
        bad++;
        printf("# string %s: %s, Python writes %s; read back: %s\n", hex, b.data, want, back ? "another" : err.text);
    }
    cJSON_Delete(back);
    buf_free(&b);
    free(s);
}

static void check_double(char *hex)
{
    const char *want = golden_next(hex);
    struct buf b = {0};
    uint64_t bits = strtoull(hex, NULL, 16);
    double v;
    memcpy(&v, &bits, sizeof v);
    json_put_double(&b, v);
    if (strcmp(b.data, want)) {
        bad++;
        printf("# double %s: %s, Python writes %s\n", hex, b.data, want);
    }
    buf_free(&b);
}

static void check_document(char *hex)
{
    const char *want = golden_next(hex);
    struct err err = {0};
    size_t n;
    char *s = golden_bytes(hex, &n);
    cJSON *j = json_parse(s, n, &err);
    if ((j != NULL) != (*want == '1') || (!j && !strstr(err.text, "; "))) {
        bad++;
        printf("# document %.*s: %s, Python says %s\n", (int)n, s, j ? "taken" : err.text, want);
    }
    cJSON_Delete(j);
    free(s);
}

static void all(char kind, const char *name, golden_line_f check)
{
    bad = 0;
    int n = golden_lines("tests/golden/base.txt", kind, check);
    ok(n > 25 && bad == 0, "%s: %d of %d as Python", name, n - bad, n);
}

/* How many significant digits a number's text has: those that read back. */
static int significant(const char *text)
{
    int n = 0, zeros = 0;
    for (bool begun = false; *text && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (!begun && *text == '0'))
            continue;
        begun = true;
        n += *text == '0' ? 0 : zeros + 1;
        zeros = *text == '0' ? zeros + 1 : 0;
    }
    return n;
}

static bool is_shortest(double v, bool narrow)
{
    struct buf b = {0};
    char fewer[40];
    narrow ? json_put_float(&b, (float)v) : json_put_double(&b, v);
    int n = significant(b.data);
    snprintf(fewer, sizeof fewer, "%.*e", n > 1 ? n - 2 : 0, v);
    bool back = narrow ? strtof(b.data, NULL) == (float)v : strtod(b.data, NULL) == v;
    bool enough = n <= 1 || (narrow ? strtof(fewer, NULL) != (float)v : strtod(fewer, NULL) != v);
    /* A whole number is written to its last digit. */
    if (!back || (!enough && v != floor(v)))
        printf("# %.17g as a %s: %s\n", v, narrow ? "float" : "double", b.data);
    buf_free(&b);
    return back && (enough || v == floor(v));
}

/* The law of both: it reads back to the same number, and no text with fewer digits does. */
static void test_shortest(void)
{
    uint64_t dice = 1;
    int wrong = 0, n = 0;
    for (int i = 0; i < 30000; i++) {
        double v, few;
        float f;
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        uint32_t half = (uint32_t)(dice >> 32);
        memcpy(&v, &dice, sizeof v);
        memcpy(&f, &half, sizeof f);
        few = (double)(half % 2000000) / pow(10, (double)(half >> 29));
        if (isfinite(v))
            n++, wrong += !is_shortest(v, false);
        if (isfinite(f))
            n++, wrong += !is_shortest((double)f, true);
        n += 2, wrong += !is_shortest(few, false) + !is_shortest((double)(float)few, true);
    }
    ok(n > 100000 && wrong == 0, "%d numbers, doubles and floats: each reads back, and none with a digit less would", n);
}

static void test_numbers(void)
{
    struct buf b = {0};
    json_put_double(&b, (double)NAN);
    json_put_double(&b, (double)INFINITY);
    json_put_double(&b, -(double)INFINITY);
    json_put_int(&b, INT64_MIN);
    ok(!strcmp(b.data, "NaNInfinity-Infinity-9223372036854775808"), "what has no digits, and the least integer: %s", b.data);
    buf_free(&b);
}

static void test_reading(void)
{
    struct err err = {0};
    cJSON *j = json_parse("{\"a\": 1, \"b\": 2, \"a\": 3}", 24, &err);
    ok(json_get(j, "a") && json_get(j, "a")->valuedouble == 3, "of keys that repeat the last counts");
    ok(!json_get(j, "c") && !json_get(json_get(j, "a"), "x") && !json_get(NULL, "x"), "no such member, and members of what is no object");
    cJSON_Delete(j);
    ok(!json_parse("\"a\0b\"", 5, &err) && strstr(err.text, "byte 0"), "a plain NUL: %s", err.text);
    j = json_parse("\"a\\\\u0000b\"", 11, &err);
    ok(cJSON_IsString(j) && !strcmp(j->valuestring, "a\\u0000b"), "a backslash before u0000 is none");
    cJSON_Delete(j);
    ok(!json_parse("{\"a\": [1, 2,, 3]}", 17, &err) && strstr(err.text, "column 13"), "the column: %s", err.text);
    ok(utf8_bad("abc\xe2\x82\xac", 6) == -1 && utf8_bad("abc\xe2\x82", 5) == 3 && utf8_bad("\xed\xa0\x80", 3) == 0, "where UTF-8 is bad");
    char deep[4001];
    memset(deep, '[', 4000);
    ok(!json_parse(deep, 4000, &err), "4000 levels do not exhaust the stack");
}

/* U+0000 is \\u0000 in JSON, C0 80 in C strings, byte 0 in texts with a length, and no direction loses it. */
static void test_nul(void)
{
    static const char json[] = "[\"O\\u0000K\", \"\\u0000\", \"\\\\u0000\", \"\\u0000\\u0000\"]";
    static const char *const want[] = { "O\xc0\x80K", "\xc0\x80", "\\u0000", "\xc0\x80\xc0\x80" };
    struct err err = {0};
    struct buf b = {0};
    struct json_scan s;
    cJSON *j = json_parse(json, strlen(json), &err);
    bool first = true, trees = cJSON_GetArraySize(j) == 4, scans = true, back = true;
    json_scan_begin(&s, json, strlen(json));
    json_scan_open(&s, '[');
    for (int i = 0; i < 4; i++) {
        struct json_text text;
        char plain[16];
        trees = trees && !strcmp(cJSON_GetArrayItem(j, i)->valuestring, want[i]);
        long n = json_scan_item(&s, &first) == 1 && json_scan_string(&s, &text) ? json_text_decode(&text, plain) : -1;
        scans = scans && n == (long)strlen(want[i]) && !memcmp(plain, want[i], (size_t)n);
        buf_clear(&b);
        json_put_string(&b, want[i], strlen(want[i]));
        back = back && b.len == text.len + 2 && !memcmp(b.data + 1, text.ptr, text.len);
    }
    ok(trees, "json_parse spells \\u0000: %s", err.text);
    ok(scans, "json_text_decode too");
    ok(back, "and json_put_string gives it back");
    buf_clear(&b);
    nul_read(&b, want[0], 4);
    ok(b.len == 3 && !memcmp(b.data, "O\0K", 3), "byte 0 where there is a length");
    nul_spell(&b, 2);
    ok(b.len == 3, "before 'start' nothing changes");
    nul_spell(&b, 0);
    ok(b.len == 4 && !strcmp(b.data, want[0]) && nul_spelled(b.data, 4) && !nul_spelled("\xc3\x80", 2), "and back");
    cJSON_Delete(j);
    buf_free(&b);
}

static void test_fit(void)
{
    static const struct { const char *text; int most, fit;
    } row[] = {
        {"", 3, 0},
        {"abc", 3, 3},
        {"abcd", 3, 3},
        {"ab\xc3\xa9", 3, 2},
        {"ab\xc3\xa9", 4, 4},
        {"a\xe2\x82\xac", 3, 1},
        {"\xf0\x9f\x98\x80", 3, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        ok(utf8_fit(row[i].text, row[i].most) == row[i].fit, "%d of %zu bytes hold %d in whole characters", row[i].most,
           strlen(row[i].text), row[i].fit);
}

int main(void)
{
    all('s', "strings", check_string);
    all('d', "doubles", check_double);
    all('v', "documents", check_document);
    test_shortest();
    test_numbers();
    test_reading();
    test_nul();
    test_fit();
    return done_testing();
}
