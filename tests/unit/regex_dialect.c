/* regex_dialect.c - patterns cut texts where Hugging Face's tokenizers library cuts them (tests/golden/make_regex.py), or are refused by
 * name; and the letters of a pattern that is kept by number. */
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "src/text/regex_dialect.h"
#include "src/text/tokenizer_parts.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* What PCRE2 has no like for, or has under a name that would have to be guessed at. Nothing else may be refused. */
static const char *const refused[] = {"\\K",         "a\\Kb",       "(?<n>a)b",   "(?<n>a)\\k<n>", "(?~ab)", "\\N",
                                      "\\O",         "\\Qa\\E",     "\\C-a",      "\\y",           "\\X",    "(*FAIL)",
                                      "\\p{Punct}+", "\\p{Space}+", "\\p{Word}+", "\\p{Alnum}+"};

static bool may_be_refused(const char *p)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (!strcmp(refused[i], p))
            return true;
    return false;
}

static bool cuts_are(const struct steps *s, struct matcher *m, const char *text, const cJSON *want)
{
    struct pieces p = { 0 }, tmp = { 0 };
    struct err err = { 0 };
    pieces_add(&p, text, strlen(text), true);
    bool right = pretokenize(s, m, &p, &tmp, &err) == 0 && (int)p.n == cJSON_GetArraySize(want);
    const cJSON *at = want->child;
    for (size_t i = 0; right && i < p.n; i++, at = at->next)
        right = (double)p.piece[i].off == at->valuedouble;
    if (!right) {
        printf("# \"%s\" falls into %zu pieces, not %d:", text, p.n, cJSON_GetArraySize(want));
        for (size_t i = 0; i < p.n; i++)
            printf(" %zu", p.piece[i].off);
        printf("\n");
    }
    pieces_free(&p);
    pieces_free(&tmp);
    return right;
}

static void check_pattern(const cJSON *texts, const cJSON *line)
{
    const char *p = json_get(line, "p")->valuestring;
    struct err err = { 0 };
    struct steps s = { 0 };
    struct matcher *m = matcher_create();
    struct step *step = steps_add(&s, PRE_SPLIT);
    step->behaviour = SPLIT_ISOLATED;
    if (!(step->pattern = pattern_create(p, strlen(p), false, &err))) {
        ok(may_be_refused(p) && err.kind == ERR_MODEL && strstr(err.text, "pattern"), "refused: %s", err.text);
    } else {
        bool right = true;
        const cJSON *text = texts->child, *cuts;
        cJSON_ArrayForEach(cuts, json_get(line, "cuts"))
        {
            right = cuts_are(&s, m, text->valuestring, cuts) && right;
            text = text->next;
        }
        ok(right, "cuts as Oniguruma does: %.100s", p);
    }
    steps_free(&s);
    matcher_free(m);
}

static void check_golden(void)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    cJSON *first = NULL;
    const cJSON *texts = NULL;
    ok(io_read("tests/golden/regex.jsonl", &b, &err) == 0, "the golden is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        if (!first) {
            first = j;
            texts = json_get(j, "texts");
            continue;
        }
        check_pattern(texts, j);
        cJSON_Delete(j);
    }
    cJSON_Delete(first);
    buf_free(&b);
}

/* deepseek-llm lists its letters one by one: those with case, as some Unicode had them. Six of them normalise into others. */
static void check_letters(void)
{
    static const uint32_t fragile[] = { 0x1f7d, 0x1fbe, 0x1fd3, 0x1fdb, 0x2126, 0x212a };
    struct steps norm = { 0 }, pre = { 0 };
    struct err err = { 0 };
    struct matcher *m = matcher_create();
    bool ignore, bos;
    ok(pretok_named((struct slice){ "deepseek-llm", 12 }, &norm, &pre, &ignore, &bos, &err) == 0, "deepseek-llm is known");
    const struct pattern *letters = pre.step[1].pattern;
    long n = 0, other = 0;
    for (uint32_t c = 0x21; c < 0x20000; c++) {
        utf8proc_uint8_t s[4];
        size_t start, end;
        const size_t len = c >= 0xd800 && c < 0xe000 ? 0 : (size_t)utf8proc_encode_char((utf8proc_int32_t)c, s);
        if (!len || pattern_find(letters, m, (const char *)s, len, 0, &start, &end, &err) != 1)
            continue;
        const utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);
        n++;
        other += k != UTF8PROC_CATEGORY_LU && k != UTF8PROC_CATEGORY_LL && k != UTF8PROC_CATEGORY_LT;
    }
    ok(n == 2729 && other == 0, "its letters are 2729 (%ld), all of them with case (%ld not)", n, other);
    for (size_t i = 0; i < sizeof fragile / sizeof *fragile; i++) {
        char s[8] = "x";
        size_t start, end, len = 1 + (size_t)utf8proc_encode_char((utf8proc_int32_t)fragile[i], (utf8proc_uint8_t *)s + 1);
        ok(pattern_find(letters, m, s, len, 0, &start, &end, &err) == 1 && end == len, "U+%04X is one of them", fragile[i]);
    }
    steps_free(&norm);
    steps_free(&pre);
    matcher_free(m);
}

/* No constant of these files holds a character that an editor might change. */
static void check_ascii(void)
{
    static const char *const file[] = { "src/text/pretok.c", "src/text/regex_dialect.c", "src/text/tokenizer_vocab.c", "src/text/stop.c" };
    for (size_t i = 0; i < sizeof file / sizeof *file; i++) {
        struct buf b = { 0 };
        struct err err = { 0 };
        size_t high = io_read(file[i], &b, &err) == 0 ? 0 : 1;
        for (size_t k = 0; k < b.len; k++)
            high += (unsigned char)b.data[k] > 127;
        ok(high == 0, "%s is ASCII", file[i]);
        buf_free(&b);
    }
}

int main(void)
{
    check_golden();
    check_letters();
    check_ascii();
    return done_testing();
}
