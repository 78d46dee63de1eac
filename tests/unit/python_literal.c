/* python_literal.c - literals of Python against what Python makes of them (literals.jsonl), and what is none. */
#include "src/text/python_literal.h"

#include "mtbench/io.h"
#include "mtbench/json.h"

#include "tap.h"

#include <string.h>

static bool same(const struct python_value *v, const cJSON *want)
{
    const cJSON *x;
    int i = 0;
    if (cJSON_IsString(want))
        return v->kind == PYTHON_TEXT && !strcmp(v->text.data, want->valuestring);
    if (cJSON_IsNumber(want))
        return v->kind == PYTHON_WHOLE && (double)v->whole == want->valuedouble;
    if (cJSON_IsNull(want))
        return v->kind == PYTHON_NONE;
    if (v->kind != PYTHON_ROW || v->n != cJSON_GetArraySize(want))
        return false;
    cJSON_ArrayForEach(x, want)
        if (!same(&v->item[i++], x))
            return false;
    return true;
}

static int read(const char *source, size_t n, struct python_reader *r, struct python_value *v, struct err *err)
{
    *err = (struct err){0};
    *v = (struct python_value){0};
    python_begin(r, source, n);
    return python_next(r, err) < 0 ? -1 : python_value_read(r, v, err);
}

static void test_values(void)
{
    struct buf b = {0};
    struct err err = {0};
    struct python_reader r;
    struct python_value v;
    int n = 0;
    ok(io_read("tests/golden/literals.jsonl", &b, &err) == 0, "the golden of literals is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1, n++) {
        cJSON *line = json_parse(p, (size_t)(end - p), &err);
        const char *source = line->child->valuestring;
        int rc = read(source, strlen(source), &r, &v, &err);
        ok(rc == 0 && r.kind == PYTHON_END && same(&v, line->child->next), "%.*s %s", (int)strcspn(source, "\r\n"), source, err.text);
        python_value_free(&v);
        cJSON_Delete(line);
    }
    ok(n > 40, "%d literals", n);
    buf_free(&b);
}

static void test_refused(void)
{
    static const struct { const char *source, *why; } row[] = {
        { "f'{x}'", "an f-string" },          { "'a' f'b'", "an f-string" },   { "b'a'", "bytes" },           { "Rb'a'", "bytes" },
        { "'a", "without an end" },
        { "'a\nb'", "without an end" },  { "'''a''", "without an end" }, { "'\\", "without an end" },
        { "'\\N{DIGIT ONE}'", "\\N" },        { "'\\x4'", "\\x" },             { "'\\ud800'", "\\u" },        { "'\\U00110000'", "\\U" },
        { "'\\0'", "\\0" },                   { "-1", "\"-\"" },               { "1.5", NULL },               { "0x10", "whole number" },
        { "{'a': 1}", "\"{\"" },              { "('a' + 'b')", "\"+\"" },      { "('a'", "should end" },    { "(,)", "\",\"" },
        { "('a' 1)", "\"1\"" },               { "a.1", "no name" },            { "", "\"\"" },                { "'\xff'", "no UTF-8" },
        { "lambda: 0", NULL },                { "((((((((((1))))))))))", "tuples in each other" },
        { "99999999999999999", "whole" },
    };
    struct err err;
    struct python_reader r;
    struct python_value v;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        int rc = read(row[i].source, strlen(row[i].source), &r, &v, &err);
        /* What follows a literal is its reader's business: it stands at a token that is not the end. */
        ok(row[i].why ? rc < 0 && strstr(err.text, row[i].why) : rc == 0 && r.kind != PYTHON_END, "%.*s: %s",
           (int)strcspn(row[i].source, "\n"), row[i].source, err.text);
        python_value_free(&v);
    }
    ok(read("'a\0b'", 5, &r, &v, &err) < 0, "a NUL within a string: %s", err.text);
    python_value_free(&v);
    ok(read("'a\\\0b'", 6, &r, &v, &err) < 0, "and behind a backslash: %s", err.text);
    python_value_free(&v);
    ok(read("\0", 1, &r, &v, &err) < 0 && strstr(err.text, "NUL"), "and alone: %s", err.text);
}

/* A module is walked without losing the place: comments with quotes, strings with brackets, lines that are joined. */
static void test_walk(void)
{
    static const char source[] = "\xef\xbb\xbf# it's\r\nx = f\"{a['b']}\" # \"\r\n\r\n\"\"\"three\nlines\n\"\"\"\ny\\\n= r'\\'' ;ok";
    struct python_reader r;
    struct err err = {0};
    int n = 0;
    long line_of_y = 0;
    python_begin(&r, source, sizeof source - 1);
    while (python_next(&r, &err) == 0 && r.kind != PYTHON_END) {
        n++;
        if (python_is(&r, "y"))
            line_of_y = r.line;
    }
    ok(n == 9 && line_of_y == 7 && err.kind == ERR_NONE, "%d tokens; y stands in line %ld", n, line_of_y);
    python_begin(&r, "", 0);
    ok(python_next(&r, &err) == 0 && r.kind == PYTHON_END && python_next(&r, &err) == 0 && r.kind == PYTHON_END, "nothing is nothing");
}

int main(void)
{
    test_values();
    test_refused();
    test_walk();
    return done_testing();
}
