/* template_filters.c - filters and tests by name. */
#include "template_priv.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* printf-style: %s %d %i %f %.Nf %x %%. */
static struct value format(struct eval *e, struct slice f, const struct call *c)
{
    struct buf *b = work_buf(e->w);
    int next = 0;
    for (size_t i = 0; i < f.len; i++) {
        char spec[16];
        size_t n = 1;
        if (f.ptr[i] != '%') {
            buf_char(b, f.ptr[i]);
            continue;
        }
        spec[0] = '%';
        while (i + n < f.len && n < sizeof spec - 3 && strchr("0123456789.-+ ", f.ptr[i + n])) {
            spec[n] = f.ptr[i + n];
            n++;
        }
        char k = i + n < f.len ? f.ptr[i + n] : '\0';
        i += n;
        if (k == '%') {
            buf_char(b, '%');
            continue;
        }
        double x = 0;
        if (!k || !strchr("sdifx", k) || next >= c->n_pos || (k != 's' && !v_number(c->pos[next], &x)) || fabs(x) > 9e18 || n > 6)
            work_fail(e->w, "format does not fit its arguments");
        struct value v = c->pos[next++];
        if (k == 's') {
            struct slice s = v_string(e->w, v);
            buf_add(b, s.ptr, s.len);
        } else if (k == 'f') {
            spec[n] = 'f', spec[n + 1] = '\0';
            buf_printf(b, spec, x);
        } else {
            spec[n] = 'l', spec[n + 1] = 'l', spec[n + 2] = k == 'i' ? 'd' : k, spec[n + 3] = '\0';
            buf_printf(b, spec, (long long)x);
        }
    }
    return v_slice(work_take(e->w, b));
}

static struct value indent(struct eval *e, struct slice s, const struct call *c)
{
    struct value width = call_arg(c, 0, "width", v_int(4));
    bool first = v_true(call_arg(c, 1, "first", v_bool(false))), blank = v_true(call_arg(c, 2, "blank", v_bool(false)));
    struct buf *pad = work_buf(e->w), *b = work_buf(e->w);
    if (width.type == V_STRING)
        buf_add(pad, width.s.ptr, width.s.len);
    else
        buf_printf(pad, "%*s", (int)(width.i < 0 ? 0 : width.i > 1000 ? 1000 : width.i), "");
    for (size_t i = 0; i <= s.len;) {
        const char *end = memchr(s.ptr + i, '\n', s.len - i);
        size_t n = end ? (size_t)(end - s.ptr) - i : s.len - i;
        if ((i ? n || blank : first) && pad->len)
            buf_add(b, pad->data, pad->len);
        buf_add(b, s.ptr + i, n);
        if (!end)
            break;
        buf_char(b, '\n');
        i += n + 1;
    }
    buf_free(pad);
    return v_slice(work_take(e->w, b));
}

static struct value escape_html(struct eval *e, struct slice s)
{
    static const char plain[] = "&<>'\"";
    static const char *const entity[] = { "&amp;", "&lt;", "&gt;", "&#39;", "&#34;" };
    struct buf *b = work_buf(e->w);
    for (size_t i = 0; i < s.len; i++) {
        const char *p = s.ptr[i] ? strchr(plain, s.ptr[i]) : NULL;
        if (p)
            buf_str(b, entity[p - plain]);
        else
            buf_char(b, s.ptr[i]);
    }
    return v_slice(work_take(e->w, b));
}

/* ---- lists ---- */

static struct value reversed(struct eval *e, struct value in)
{
    struct list *items = v_items(e->w, in);
    struct value out = v_list(e->w, false);
    for (int i = items->n - 1; i >= 0; i--)
        list_add(e->w, out.list, items->item[i]);
    return in.type == V_STRING ? items_join(e, out, (struct slice){ "", 0 }, v_nothing()) : out;
}

static struct value sort_key(struct eval *e, struct value v, struct value attribute, bool sensitive)
{
    if (attribute.type == V_STRING || attribute.type == V_INT)
        v = value_item(e, v, attribute);
    return v.type == V_STRING && !sensitive ? text_case(e, v.s, LOWER) : v;
}

/* Stable insertion sort: lists in templates are short, and the step limit is charged. */
static struct value sorted(struct eval *e, struct value in, struct value attribute, bool sensitive, bool reverse)
{
    struct list *items = v_items(e->w, in);
    struct value out = v_list(e->w, false);
    for (int i = 0; i < items->n; i++) {
        struct value k = sort_key(e, items->item[i], attribute, sensitive);
        int at = out.list->n;
        list_add(e->w, out.list, items->item[i]);
        while (at > 0) {
            int c = v_compare(e->w, sort_key(e, out.list->item[at - 1], attribute, sensitive), k);
            if (reverse ? c >= 0 : c <= 0)
                break;
            out.list->item[at] = out.list->item[at - 1];
            at--;
            if (++e->w->steps > MAX_STEPS)
                work_fail(e->w, "more than %d steps; does it loop for ever?", MAX_STEPS);
        }
        out.list->item[at] = items->item[i];
    }
    return out;
}

static struct value unique(struct eval *e, struct value in)
{
    struct list *items = v_items(e->w, in);
    struct value out = v_list(e->w, false), seen = v_list(e->w, false);
    for (int i = 0; i < items->n; i++) {
        struct value k = sort_key(e, items->item[i], v_nothing(), false);
        if (!v_contains(e->w, seen, k)) {
            list_add(e->w, seen.list, k);
            list_add(e->w, out.list, items->item[i]);
        }
    }
    return out;
}

static struct call rest_of(const struct call *c, int from)
{
    struct call r = *c;
    r.pos += from < c->n_pos ? from : c->n_pos;
    r.n_pos = from < c->n_pos ? c->n_pos - from : 0;
    return r;
}

/* select, reject (attribute false), selectattr, rejectattr. */
static struct value choose(struct eval *e, struct value in, const struct call *c, bool attribute, bool keep)
{
    struct list *items = v_items(e->w, in);
    struct value out = v_list(e->w, false);
    int first = attribute ? 1 : 0;
    if (attribute && c->n_pos == 0)
        work_fail(e->w, "the name of an attribute is missing");
    struct call rest = rest_of(c, first + 1);
    for (int i = 0; i < items->n; i++) {
        struct value v = attribute ? value_item(e, items->item[i], c->pos[0]) : items->item[i];
        bool yes = c->n_pos > first ? test_apply(e, v_string(e->w, c->pos[first]), v, &rest) : v_true(v);
        if (yes == keep)
            list_add(e->w, out.list, items->item[i]);
    }
    return out;
}

static struct value map(struct eval *e, struct value in, const struct call *c)
{
    struct list *items = v_items(e->w, in);
    struct value out = v_list(e->w, false), attribute = call_arg(&(struct call){ .name = c->name, .named = c->named, .n_named = c->n_named }, 0, "attribute", v_nothing());
    struct value otherwise = call_arg(&(struct call){ .name = c->name, .named = c->named, .n_named = c->n_named }, 0, "default", v_nothing());
    struct call rest = rest_of(c, 1);
    for (int i = 0; i < items->n; i++) {
        struct value v;
        if (attribute.type != V_UNDEFINED) {
            v = value_item(e, items->item[i], attribute);
            v = v.type == V_UNDEFINED ? otherwise : v;
        } else {
            v = filter_apply(e, v_string(e->w, call_arg(c, 0, "", v_text("string"))), items->item[i], &rest);
        }
        list_add(e->w, out.list, v);
    }
    return out;
}

static struct value length_of(struct eval *e, struct value v)
{
    if (v.type == V_STRING)
        return v_int(text_length(v.s));
    if (v.type == V_LIST)
        return v_int(v.list->n);
    if (v.type == V_DICT)
        return v_int(v.dict->n);
    if (v.type == V_UNDEFINED)
        return v_int(0);
    work_fail(e->w, "%s has no length", v_type_name(v));
}

static struct value to_int(struct eval *e, struct value v, struct value otherwise)
{
    double x;
    if (v_number(v, &x))
        return fabs(x) < 9e18 ? v_int(v.type == V_INT ? v.i : (int64_t)x) : otherwise;
    if (v.type != V_STRING || v.s.len == 0 || v.s.len > 60)
        return otherwise;
    char *end, *text = (char *)work_copy(e->w, v.s.ptr, v.s.len).ptr;
    int64_t i = strtoll(text, &end, 10);
    if (!*end)
        return v_int(i);
    x = strtod(text, &end);
    return *end || !(fabs(x) < 9e18) ? otherwise : v_int((int64_t)x);
}

static struct value to_float(struct eval *e, struct value v, struct value otherwise)
{
    double x;
    if (v_number(v, &x))
        return v_float(x);
    if (v.type != V_STRING || v.s.len == 0 || v.s.len > 60)
        return otherwise;
    char *end, *text = (char *)work_copy(e->w, v.s.ptr, v.s.len).ptr;
    x = strtod(text, &end);
    return *end ? otherwise : v_float(x);
}

/* tojson(ensure_ascii, indent, separators, sort_keys), all by name. */
static struct value tojson(struct eval *e, struct value in, const struct call *c)
{
    const struct call named = { .name = c->name, .named = c->named, .n_named = c->n_named };
    struct value width = call_arg(&named, 0, "indent", v_none()), separators = call_arg(&named, 0, "separators", v_none());
    struct json_form f = { .indent = -1, .comma = { ", ", 2 }, .colon = { ": ", 2 } };
    f.sorted = v_true(call_arg(&named, 0, "sort_keys", v_bool(false)));
    if (width.type == V_INT) {
        f.indent = (int)(width.i < 0 ? 0 : width.i > 64 ? 64 : width.i);
        f.comma = (struct slice){ ",", 1 };
    }
    if (separators.type == V_LIST && separators.list->n == 2) {
        f.comma = v_string(e->w, separators.list->item[0]);
        f.colon = v_string(e->w, separators.list->item[1]);
    }
    struct buf *b = work_buf(e->w);
    v_json(e->w, b, in, &f, 0);
    return v_slice(work_take(e->w, b));
}

/* ---- filters ---- */

enum filter { F_TRIM, F_LENGTH, F_TOJSON, F_JOIN, F_DEFAULT, F_UPPER, F_LOWER, F_TITLE, F_CAPITALIZE, F_REPLACE, F_FIRST, F_LAST, F_LIST, F_ITEMS, F_DICTSORT,
              F_SELECTATTR, F_REJECTATTR, F_SELECT, F_REJECT, F_MAP, F_UNIQUE, F_SORT, F_REVERSE, F_INT, F_FLOAT, F_STRING, F_SAFE, F_ESCAPE, F_INDENT,
              F_FORMAT, F_ABS, F_SUM, F_MIN, F_MAX, F_ROUND };

static const struct {
    const char *name;
    enum filter f;
} filter_table[] = {
    { "trim", F_TRIM }, { "strip", F_TRIM }, { "length", F_LENGTH }, { "count", F_LENGTH }, { "tojson", F_TOJSON }, { "join", F_JOIN }, { "default", F_DEFAULT },
    { "d", F_DEFAULT }, { "upper", F_UPPER }, { "lower", F_LOWER }, { "title", F_TITLE }, { "capitalize", F_CAPITALIZE }, { "replace", F_REPLACE },
    { "first", F_FIRST }, { "last", F_LAST }, { "list", F_LIST }, { "items", F_ITEMS }, { "dictsort", F_DICTSORT }, { "selectattr", F_SELECTATTR },
    { "rejectattr", F_REJECTATTR }, { "select", F_SELECT }, { "reject", F_REJECT }, { "map", F_MAP }, { "unique", F_UNIQUE }, { "sort", F_SORT },
    { "reverse", F_REVERSE }, { "int", F_INT }, { "float", F_FLOAT }, { "string", F_STRING }, { "safe", F_SAFE }, { "e", F_ESCAPE }, { "escape", F_ESCAPE },
    { "indent", F_INDENT }, { "format", F_FORMAT }, { "abs", F_ABS }, { "sum", F_SUM }, { "min", F_MIN }, { "max", F_MAX }, { "round", F_ROUND },
};

static struct value extreme(struct eval *e, struct value in, int sign)
{
    struct list *items = v_items(e->w, in);
    struct value best = items->n ? items->item[0] : v_nothing();
    for (int i = 1; i < items->n; i++)
        if (sign * v_compare(e->w, items->item[i], best) > 0)
            best = items->item[i];
    return best;
}

static struct value total(struct eval *e, struct value in)
{
    struct list *items = v_items(e->w, in);
    int64_t whole = 0;
    double sum = 0, x;
    bool real = false;
    for (int i = 0; i < items->n; i++) {
        if (!v_number(items->item[i], &x))
            work_fail(e->w, "cannot sum %s", v_type_name(items->item[i]));
        real |= items->item[i].type == V_FLOAT;
        whole += items->item[i].type == V_FLOAT ? 0 : (int64_t)x;
        sum += x;
    }
    return real ? v_float(sum) : v_int(whole);
}

static struct value filter_list(struct eval *e, enum filter f, struct value in, const struct call *c)
{
    struct list *items;
    switch (f) {
    case F_FIRST:
        items = v_items(e->w, in);
        return items->n ? items->item[0] : v_nothing();
    case F_LAST:
        items = v_items(e->w, in);
        return items->n ? items->item[items->n - 1] : v_nothing();
    case F_LIST: {
        struct value out = v_list(e->w, false);
        items = v_items(e->w, in);
        for (int i = 0; i < items->n; i++)
            list_add(e->w, out.list, items->item[i]);
        return out;
    }
    case F_ITEMS:
    case F_DICTSORT:
        if (in.type == V_UNDEFINED && f == F_ITEMS)
            return v_list(e->w, false);
        if (in.type != V_DICT)
            work_fail(e->w, "items of %s", v_type_name(in));
        return f == F_ITEMS ? dict_items(e, in.dict) : sorted(e, dict_items(e, in.dict), v_int(0), false, false);
    case F_SELECTATTR: return choose(e, in, c, true, true);
    case F_REJECTATTR: return choose(e, in, c, true, false);
    case F_SELECT: return choose(e, in, c, false, true);
    case F_REJECT: return choose(e, in, c, false, false);
    case F_MAP: return map(e, in, c);
    case F_UNIQUE: return unique(e, in);
    case F_SORT:
        return sorted(e, in, call_arg(c, 2, "attribute", v_nothing()), v_true(call_arg(c, 1, "case_sensitive", v_bool(false))),
                      v_true(call_arg(c, 0, "reverse", v_bool(false))));
    case F_REVERSE: return reversed(e, in);
    case F_SUM: return total(e, in);
    case F_MIN: return extreme(e, in, -1);
    default: return extreme(e, in, 1);
    }
}

static struct value filter_number(struct eval *e, enum filter f, struct value in, const struct call *c)
{
    double x = 0;
    if (f == F_INT)
        return to_int(e, in, call_arg(c, 0, "default", v_int(0)));
    if (f == F_FLOAT)
        return to_float(e, in, call_arg(c, 0, "default", v_float(0)));
    if (!v_number(in, &x))
        work_fail(e->w, "%s is no number", v_type_name(in));
    if (f == F_ABS)
        return in.type == V_FLOAT ? v_float(fabs(x)) : v_int(in.i < 0 ? -in.i : in.i);
    struct value digits = call_arg(c, 0, "precision", v_int(0));
    double scale = pow(10, digits.type == V_INT ? (double)digits.i : 0);
    return v_float(rint(x * scale) / scale);
}

struct value filter_apply(struct eval *e, struct slice name, struct value in, const struct call *c)
{
    size_t i = 0, n = sizeof filter_table / sizeof *filter_table;
    while (i < n && !slice_is(name, filter_table[i].name))
        i++;
    if (i == n)
        work_fail(e->w, "no filter named '%.*s'", (int)name.len, name.ptr);
    enum filter f = filter_table[i].f;
    struct value chars = call_arg(c, 0, "chars", v_none());
    switch (f) {
    case F_TRIM: return v_slice(text_strip(v_string(e->w, in), chars.type == V_STRING ? chars.s : (struct slice){0}, true, true));
    case F_LENGTH: return length_of(e, in);
    case F_TOJSON: return tojson(e, in, c);
    case F_JOIN: return items_join(e, in, call_text(e, c, 0, "d", ""), call_arg(c, 1, "attribute", v_nothing()));
    case F_DEFAULT:
        return in.type == V_UNDEFINED || (v_true(call_arg(c, 1, "boolean", v_bool(false))) && !v_true(in)) ? call_arg(c, 0, "default_value", v_text("")) : in;
    case F_UPPER: return text_case(e, v_string(e->w, in), UPPER);
    case F_LOWER: return text_case(e, v_string(e->w, in), LOWER);
    case F_TITLE: return text_case(e, v_string(e->w, in), WORDS);
    case F_CAPITALIZE: return text_case(e, v_string(e->w, in), CAPITALIZE);
    case F_REPLACE: return text_replace(e, v_string(e->w, in), call_text(e, c, 0, "old", ""), call_text(e, c, 1, "new", ""), -1);
    case F_STRING:
    case F_SAFE: return v_slice(v_string(e->w, in));
    case F_ESCAPE: return escape_html(e, v_string(e->w, in));
    case F_INDENT: return indent(e, v_string(e->w, in), c);
    case F_FORMAT: return format(e, v_string(e->w, in), c);
    case F_INT:
    case F_FLOAT:
    case F_ABS:
    case F_ROUND: return filter_number(e, f, in, c);
    default: return filter_list(e, f, in, c);
    }
}

/* ---- tests ---- */

static bool test_type(struct slice name, struct value v, bool *known)
{
    const struct {
        const char *name;
        bool yes;
    } table[] = {
        { "defined", v.type != V_UNDEFINED }, { "undefined", v.type == V_UNDEFINED }, { "none", v.type == V_NONE }, { "string", v.type == V_STRING },
        { "mapping", v.type == V_DICT }, { "number", v.type == V_INT || v.type == V_FLOAT || v.type == V_BOOL }, { "boolean", v.type == V_BOOL },
        { "integer", v.type == V_INT }, { "float", v.type == V_FLOAT }, { "true", v.type == V_BOOL && v.b }, { "false", v.type == V_BOOL && !v.b },
        { "iterable", v.type == V_STRING || v.type == V_LIST || v.type == V_DICT || v.type == V_UNDEFINED },
        { "sequence", v.type == V_STRING || v.type == V_LIST || v.type == V_DICT || v.type == V_UNDEFINED },
        { "callable", v.type >= V_MACRO },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (slice_is(name, table[i].name)) {
            *known = true;
            return table[i].yes;
        }
    }
    *known = false;
    return false;
}

static bool test_order(struct eval *e, struct slice name, struct value a, struct value b, bool *known)
{
    static const struct {
        const char *name;
        int low, high;                   /* holds when low <= comparison <= high */
    } table[] = {
        { "lt", -1, -1 }, { "lessthan", -1, -1 }, { "<", -1, -1 }, { "le", -1, 0 }, { "<=", -1, 0 },
        { "gt", 1, 1 }, { "greaterthan", 1, 1 }, { ">", 1, 1 }, { "ge", 0, 1 }, { ">=", 0, 1 },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (slice_is(name, table[i].name)) {
            int c = v_compare(e->w, a, b);
            c = (c > 0) - (c < 0);
            *known = true;
            return c >= table[i].low && c <= table[i].high;
        }
    }
    *known = false;
    return false;
}

static bool is_case(struct eval *e, struct value v, enum letter_case how)
{
    struct slice s = v_string(e->w, v);
    return s.len && v_equal(v_slice(s), text_case(e, s, how));
}

bool test_apply(struct eval *e, struct slice name, struct value in, const struct call *c)
{
    bool known, yes = test_type(name, in, &known);
    struct value arg = call_arg(c, 0, "", v_nothing());
    if (known)
        return yes;
    if (slice_is(name, "equalto") || slice_is(name, "eq") || slice_is(name, "==") || slice_is(name, "sameas"))
        return v_equal(in, arg);
    if (slice_is(name, "ne") || slice_is(name, "!="))
        return !v_equal(in, arg);
    if (slice_is(name, "in"))
        return v_contains(e->w, arg, in);
    if (slice_is(name, "lower") || slice_is(name, "upper"))
        return is_case(e, in, slice_is(name, "upper") ? UPPER : LOWER);
    yes = test_order(e, name, in, arg, &known);
    if (known)
        return yes;
    int64_t by = slice_is(name, "divisibleby") && arg.type == V_INT ? arg.i : 2;
    if (slice_is(name, "even") || slice_is(name, "odd") || slice_is(name, "divisibleby")) {
        if (in.type != V_INT || by == 0)
            work_fail(e->w, "%s is no whole number", v_type_name(in));
        return (by == -1 || in.i % by == 0) != slice_is(name, "odd");
    }
    work_fail(e->w, "no test named '%.*s'", (int)name.len, name.ptr);
}
