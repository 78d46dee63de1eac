/* template.c - chat templates against Jinja2 (tests/golden/make_templates.py made the golden), and the limits of hostile ones. */
#include "mtbench/template.h"

#include "mtbench/io.h"
#include "mtbench/json.h"

#include "tap.h"

#include <string.h>

static int render(const char *src, const struct template_message *m, int n, bool prompt, struct buf *out, struct err *err)
{
    static const struct template_token tokens[] = { { "bos_token", "<s>" }, { "eos_token", "</s>" } };
    const struct template_vars v = { .message = m, .n_messages = n, .add_generation_prompt = prompt, .token = tokens, .n_tokens = 2 };
    struct template *t = template_parse(src, strlen(src), err);
    int rc = t ? template_render(t, &v, out, err) : -1;
    template_destroy(t);
    return rc;
}

static void check_line(const cJSON *j)
{
    struct template_message m[8];
    struct buf out = { 0 };
    struct err err = { 0 };
    const cJSON *src = j->child, *list = src->next, *prompt = list->next, *want = prompt->next, *x;
    int n = 0;
    cJSON_ArrayForEach(x, list)
    {
        const char *role = json_get(x, "role")->valuestring, *content = json_get(x, "content")->valuestring;
        m[n++] = (struct template_message){ { role, strlen(role) }, { content, strlen(content) } };
    }
    int rc = render(src->valuestring, m, n, cJSON_IsTrue(prompt), &out, &err);
    const char *got = rc < 0 ? err.text : out.data ? out.data : "";
    bool right = cJSON_IsNull(want) ? rc < 0 : rc == 0 && !strcmp(got, want->valuestring);
    char label[101];
    snprintf(label, sizeof label, "%s", src->valuestring);
    for (char *p = label; (p = strchr(p, '\n'));)
        *p = ' ';
    ok(right, "%s", label);
    if (!right)
        printf("#   got  %s\n#   want %s\n", got, cJSON_IsNull(want) ? "(an error)" : want->valuestring);
    buf_free(&out);
}

/* ---- generated templates ---- */

/* What this program refuses although Jinja2 renders it: by name, never another text. */
static bool declared(const char *refusal)
{
    static const char *const words[] = {
        "is not supported",
        "are not supported",
        "more than 64 bits",
        "is not defined",
        "is an address in Python's memory",
        "views of dicts cannot be compared",
        "nested more than",
        "more than 5000000 steps",
        "half a surrogate pair",
        "no filter named",
        "no test named",
        "cannot be sliced so", /* in constants, which Jinja2 folds by other rules than it runs */
        "expected a statement",
        "a complex number", /* not reached, or a number that nobody looks at */
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strstr(refusal, words[i]))
            return true;
    return false;
}

struct tally { int equal, errors, refused, wrong; };

static void check_generated(const cJSON *j, struct tally *t)
{
    static const struct template_message m[] = {
        {{"user", 4}, {"Q1", 2}}, {{"assistant", 9}, {"<think>hm</think>\n\nA1", 21}}, {{"user", 4}, {" Q2\n", 4}}};
    struct buf out = { 0 };
    struct err err = { 0 };
    const cJSON *src = j->child, *want = src->next;
    int rc = render(src->valuestring, m, 3, true, &out, &err);
    const char *got = rc < 0 ? err.text : out.data ? out.data : "";
    if (rc == 0 && cJSON_IsString(want) && !strcmp(got, want->valuestring))
        t->equal++;
    else if (rc < 0 && cJSON_IsNull(want))
        t->errors++;
    else if (rc < 0 && declared(got))
        t->refused++;
    else if (t->wrong++ < 20)
        printf("# %s\n#   got  %.300s\n#   want %.300s\n", src->valuestring, got, cJSON_IsNull(want) ? "(an error)" : want->valuestring);
    buf_free(&out);
}

/* Each line [template, text or null]. At most one in 50 may be refused where Jinja2 has a text. */
static void check_file(const char *path)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    struct tally t = { 0 };
    int n = 0;
    ok(io_read(path, &b, &err) == 0, "%s is there", path);
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1, n++) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        if (j)
            check_generated(j, &t);
        cJSON_Delete(j);
    }
    ok(n > 100 && t.wrong == 0 && t.equal + t.errors + t.refused == n && 50 * t.refused <= n,
       "%d generated templates: %d the same text, %d errors in both, %d refused here by name, %d wrong", n, t.equal, t.errors, t.refused,
       t.wrong);
    buf_free(&b);
}

/* What Jinja2 3.1.6 says where the goldens, which models' templates and a grammar made, do not go. */
static void check_said(void)
{
    static const char *const said[][2] = {
        {"{{ dict(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8, i=9) }}",
         "{'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'g': 7, 'h': 8, 'i': 9}"},
        {"{{ '%d %x %o' % (10, 31, 15) }} {{ '{:b} {:X}'.format(5, 27) }} {{ '%d' % 1 }}", "10 1f 17 101 1B 1"},
        {"{{ '\u0391\u03a3 \u03a3 \u03a3\u0391' | lower }} {{ '\u03a3'.lower() }}", "\u03b1\u03c2 \u03c3 \u03c3\u03b1 \u03c3"},
        {"{{ 'odd' is test }} {{ 'nosuch' is test }} {{ 1 is test }} {{ 'upper' is filter }} {{ 1 is filter }}",
         "True False False True False"},
    };
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct buf out = { 0 };
        struct err err = { 0 };
        int rc = render(said[i][0], NULL, 0, false, &out, &err);
        ok(rc == 0 && !strcmp(out.data, said[i][1]), "%s", rc < 0 ? err.text : out.data);
        buf_free(&out);
    }
}

/* Parts of Jinja's language that chat templates do without: refused by name, never rendered otherwise. */
static void check_unknown(void)
{
    static const char *const src[][2] = {
        {"{% include 'x' %}", "statement"},
        {"{% block b %}{% endblock %}", "statement"},
        {"{% import 'x' as y %}", "statement"},
        {"{{ [1] | pprint }}", "pprint"},
        {"{{ cycler('a').next() }}", "cycler"},
        {"{{ 'a'.encode() }}", "str.encode"},
        {"{{ self }}", "self"},
        {"{% macro m() %}{% endmacro %}{{ m(1) }}", "'m' takes not more than 0"},
        {"{{ 'a' | trim(width=3) }}", "'width'"},
        {"{{ [] | sort(key=1) }}", "'key'"},
        {"{{ 'a'.split(limit=1) }}", "'limit'"},
        {"{{ 1 is odd(3) }}", "odd takes at most 0"},
        {"{{ 'a' | upper | nosuch }}", "no filter named 'nosuch'"},
        {"{% if false %}{{ 1 is nosuch }}{% endif %}{{ 1 is nosuch }}", "no test named 'nosuch'"},
        {"{{ 9223372036854775807 + 1 }}", "64 bits"},
        {"{{ (3).real }}", "int.real"},
        {"{{ {}.items }}", "address"},
        {"{% break %}", "inside a loop"},
        {"{% for a in [1] %}{% filter upper %}{% break %}{% endfilter %}{% endfor %}", "inside a loop"},
        {"{{ strftime_now('%s') }}", "%s in a time"},
        {"{{ strftime_now('%-G') }}", "%G in a time"},
        {"{{ strftime_now('%____Y') }}", "%Y in a time"},
        {"{{ strftime_now('a\\x00b') }}", "null character in a time"},
        {"\xff", "UTF-8"},
        { "{{ range(0, 6, 2)[::9223372036854775807] }}", "more than 64 bits" },
        { "{{ range(9223372036854775806, 9223372036854775807, 5)[:] }}", "more than 64 bits" },
        { "{{ (-9223372036854775807 - 1)|round(-19) }}", "more than 64 bits" },
    };
    for (size_t i = 0; i < sizeof src / sizeof *src; i++) {
        struct buf out = { 0 };
        struct err err = { 0 };
        int rc = render(src[i][0], NULL, 0, false, &out, &err);
        ok(rc < 0 && strstr(err.text, src[i][1]), "refused: %s", err.text);
        buf_free(&out);
    }
}

static void check_limits(void)
{
    static const char *const hostile[] = {
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% set n = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(40) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
        "{{ 'x' * 999999999 }}",
        "{{ range(999999999) | list }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% if",
        "{{ (",
        "{{ 'a }}",
        "{% for x in y %}",
        "{% endfor %}",
        "{# x",
        "{% raw %}",
        "{{ a b }}",
        "{% unknown %}",
        "{{ 1 + }}",
        "{{ 99999999999 * 99999999999 }}",
        "{% set n = namespace(i=0) %}{% for a in range(9999) %}{% for b in range(9999) %}{% set n.i = n.i + 1 %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ "
        "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
        " * 99 }}{% endfor %}",
        "{% set n = namespace(l=[1]) %}{% for a in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
        "{% macro f(n) %}{{ f(n + 1) }}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(30) }}",
        "{{ 'a' | center(10 ** 9) }}",
        "{{ ('a\n' * 10 ** 6) | indent(10 ** 6) }}",
        "{{ '%*d' % (10 ** 9, 1) }}",
        "{{ '{:>{1}}'.format(1, 10 ** 8) }}",
        "{% set s = 'ab' * 5000000 %}{% for i in range(99999) %}{{ s.find('zz') }}{{ s.upper() }}{{ s == s ~ '' }}{% endfor %}",
        "{% set s = 'ab' * 5000000 %}{% for i in range(99999) %}{% set l = s.split('zz') %}{% endfor %}",
        "{{ range(99999) | unique | list }}",
        "{% set s = 'b' * 8000000 %}{{ s.strip('a' * 8000000 ~ 'b') }}",
        "{{ 10 ** 9 ** 9 }}",
        "{{ [range(99999) | list] * 9999 }}",
        "{{ 'a'.ljust(10 ** 7).replace(' ', 'c' * 10 ** 6) }}",
        "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}",
        "{% set l = range(99999) | list %}{% for i in l %}{{ i in l }}{% endfor %}",
        "{% set n = namespace() %}{% set n.me = n %}{{ n }}{{ n.me.me.me | tojson }}",
        /* tuples within tuples, as a key: deeper than any C stack */
        ("{% set ns = namespace(t=()) %}{% for j in range(4) %}{% for i in range(90000) %}{% set ns.t = (ns.t,) %}{% endfor %}{% endfor %}"
         "{{ {ns.t: 1}|length }}"),
    };
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct buf out = { 0 };
        struct err err = { 0 };
        int rc = render(hostile[i], NULL, 0, false, &out, &err);
        ok(rc < 0 && strstr(err.text, "line "), "refused: %.40s: %s", hostile[i], err.text);
        buf_free(&out);
    }
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        check_file(argv[1]);
        return done_testing();
    }
    struct buf b = { 0 };
    struct err err = { 0 };
    ok(io_read("tests/golden/templates.jsonl", &b, &err) == 0, "the golden is there");
    for (char *p = b.data, *end; p && (end = strchr(p, '\n')); p = end + 1) {
        cJSON *j = json_parse(p, (size_t)(end - p), &err);
        if (j)
            check_line(j);
        cJSON_Delete(j);
    }
    check_file("tests/golden/expressions.jsonl");
    check_said();
    check_unknown();
    check_limits();
    buf_free(&b);
    return done_testing();
}
