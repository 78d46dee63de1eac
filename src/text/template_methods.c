/* template_methods.c - methods and global functions by name. */
#include "template_priv.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- methods ---- */

enum method_id { M_STRIP, M_LSTRIP, M_RSTRIP, M_SPLIT, M_RSPLIT, M_SPLITLINES, M_STARTSWITH, M_ENDSWITH, M_UPPER, M_LOWER, M_TITLE, M_CAPITALIZE, M_REPLACE,
                 M_JOIN, M_FIND, M_COUNT, M_FORMAT, M_ISDIGIT, M_REMOVEPREFIX, M_REMOVESUFFIX, M_GET, M_ITEMS, M_KEYS, M_VALUES, M_INDEX, M_CYCLE };

static const struct {
    const char *name;
    enum value_type of;
    enum method_id id;
} method_table[] = {
    { "strip", V_STRING, M_STRIP }, { "lstrip", V_STRING, M_LSTRIP }, { "rstrip", V_STRING, M_RSTRIP }, { "split", V_STRING, M_SPLIT },
    { "rsplit", V_STRING, M_RSPLIT }, { "splitlines", V_STRING, M_SPLITLINES }, { "startswith", V_STRING, M_STARTSWITH }, { "endswith", V_STRING, M_ENDSWITH },
    { "upper", V_STRING, M_UPPER }, { "lower", V_STRING, M_LOWER }, { "title", V_STRING, M_TITLE }, { "capitalize", V_STRING, M_CAPITALIZE },
    { "replace", V_STRING, M_REPLACE }, { "join", V_STRING, M_JOIN }, { "find", V_STRING, M_FIND }, { "count", V_STRING, M_COUNT },
    { "format", V_STRING, M_FORMAT }, { "isdigit", V_STRING, M_ISDIGIT }, { "removeprefix", V_STRING, M_REMOVEPREFIX },
    { "removesuffix", V_STRING, M_REMOVESUFFIX }, { "get", V_DICT, M_GET }, { "items", V_DICT, M_ITEMS }, { "keys", V_DICT, M_KEYS },
    { "values", V_DICT, M_VALUES }, { "index", V_LIST, M_INDEX }, { "count", V_LIST, M_COUNT }, { "cycle", V_INT, M_CYCLE },
};

static int method_find(struct value self, struct slice name)
{
    for (size_t i = 0; i < sizeof method_table / sizeof *method_table; i++)
        if (method_table[i].of == self.type && slice_is(name, method_table[i].name))
            return (int)method_table[i].id;
    return -1;
}

bool method_known(struct value self, struct slice name)
{
    return self.type != V_INT && method_find(self, name) >= 0;
}

static struct value dict_method(struct eval *e, const struct dict *d, enum method_id id, const struct call *c)
{
    if (id == M_GET) {
        const struct value *v = dict_get(d, call_arg(c, 0, "key", v_none()));
        return v ? *v : call_arg(c, 1, "default", v_none());
    }
    if (id == M_ITEMS)
        return dict_items(e, d);
    struct value out = v_list(e->w, false);
    for (int i = 0; i < d->n; i++)
        list_add(e->w, out.list, id == M_KEYS ? d->key[i] : d->value[i]);
    return out;
}

static struct value list_method(struct eval *e, const struct list *l, enum method_id id, const struct call *c)
{
    struct value x = call_arg(c, 0, "value", v_none());
    int64_t n = 0;
    for (int i = 0; i < l->n; i++) {
        if (!v_equal(l->item[i], x))
            continue;
        if (id == M_INDEX)
            return v_int(i);
        n++;
    }
    if (id == M_INDEX)
        work_fail(e->w, "the value is not in the list");
    return v_int(n);
}

static struct value count_text(struct slice s, struct slice what)
{
    int64_t n = 0;
    const char *p;
    if (what.len == 0)
        return v_int(text_length(s) + 1);
    while ((p = memmem(s.ptr, s.len, what.ptr, what.len))) {
        n++;
        s = (struct slice){ p + what.len, s.len - (size_t)(p - s.ptr) - what.len };
    }
    return v_int(n);
}

/* str.format with {} and {0}. */
static struct value brace_format(struct eval *e, struct slice f, const struct call *c)
{
    struct buf *b = work_buf(e->w);
    int next = 0;
    for (size_t i = 0; i < f.len; i++) {
        if (i + 1 < f.len && (f.ptr[i] == '{' || f.ptr[i] == '}') && f.ptr[i + 1] == f.ptr[i]) {
            buf_char(b, f.ptr[i++]);
            continue;
        }
        if (f.ptr[i] != '{') {
            buf_char(b, f.ptr[i]);
            continue;
        }
        int which = next++;
        if (i + 1 < f.len && f.ptr[i + 1] >= '0' && f.ptr[i + 1] <= '9')
            which = f.ptr[++i] - '0';
        if (i + 1 >= f.len || f.ptr[i + 1] != '}' || which >= c->n_pos)
            work_fail(e->w, "format does not fit its arguments");
        i++;
        struct slice s = v_string(e->w, c->pos[which]);
        buf_add(b, s.ptr, s.len);
    }
    return v_slice(work_take(e->w, b));
}

static struct value split_lines(struct eval *e, struct slice s)
{
    struct value out = v_list(e->w, false);
    while (s.len) {
        const char *p = memchr(s.ptr, '\n', s.len);
        size_t n = p ? (size_t)(p - s.ptr) : s.len;
        list_add(e->w, out.list, v_slice((struct slice){ s.ptr, n && s.ptr[n - 1] == '\r' ? n - 1 : n }));
        s = p ? (struct slice){ p + 1, s.len - n - 1 } : (struct slice){ s.ptr, 0 };
    }
    return out;
}

static int64_t int_arg(struct eval *e, const struct call *c, int i, const char *name, int64_t otherwise)
{
    struct value v = call_arg(c, i, name, v_int(otherwise));
    if (v.type != V_INT)
        work_fail(e->w, "%s must be a whole number, not %s", name, v_type_name(v));
    return v.i;
}

static struct value text_method(struct eval *e, struct slice s, enum method_id id, const struct call *c)
{
    struct value arg = call_arg(c, 0, "", v_none());
    struct slice chars = arg.type == V_STRING ? arg.s : (struct slice){0};
    const char *p;
    switch (id) {
    case M_STRIP: return v_slice(text_strip(s, chars, true, true));
    case M_LSTRIP: return v_slice(text_strip(s, chars, true, false));
    case M_RSTRIP: return v_slice(text_strip(s, chars, false, true));
    case M_SPLIT: return text_split(e, s, call_arg(c, 0, "sep", v_none()), int_arg(e, c, 1, "maxsplit", -1));
    case M_RSPLIT: return text_rsplit(e, s, call_text(e, c, 0, "sep", " "), int_arg(e, c, 1, "maxsplit", -1));
    case M_SPLITLINES: return split_lines(e, s);
    case M_STARTSWITH: return v_bool(text_affix(e, s, arg, false));
    case M_ENDSWITH: return v_bool(text_affix(e, s, arg, true));
    case M_UPPER: return text_case(e, s, UPPER);
    case M_LOWER: return text_case(e, s, LOWER);
    case M_TITLE: return text_case(e, s, TITLE);
    case M_CAPITALIZE: return text_case(e, s, CAPITALIZE);
    case M_REPLACE: return text_replace(e, s, call_text(e, c, 0, "old", ""), call_text(e, c, 1, "new", ""), int_arg(e, c, 2, "count", -1));
    case M_JOIN: return items_join(e, arg, s, v_nothing());
    case M_FIND:
        p = chars.len ? memmem(s.ptr, s.len, chars.ptr, chars.len) : s.ptr;
        return v_int(p ? text_length((struct slice){ s.ptr, (size_t)(p - s.ptr) }) : -1);
    case M_COUNT: return count_text(s, chars);
    case M_FORMAT: return brace_format(e, s, c);
    case M_ISDIGIT:
        for (size_t i = 0; i < s.len; i++)
            if (s.ptr[i] < '0' || s.ptr[i] > '9')
                return v_bool(false);
        return v_bool(s.len > 0);
    case M_REMOVEPREFIX: return v_slice(text_affix(e, s, arg, false) ? (struct slice){ s.ptr + chars.len, s.len - chars.len } : s);
    default: return v_slice(text_affix(e, s, arg, true) ? (struct slice){ s.ptr, s.len - chars.len } : s);
    }
}

struct value method_call(struct eval *e, const struct method *m, const struct call *c)
{
    int id = method_find(m->self, m->name);
    if (id == M_CYCLE) {
        if (c->n_pos == 0)
            work_fail(e->w, "nothing to cycle through");
        return c->pos[m->self.i % c->n_pos];
    }
    if (m->self.type == V_STRING)
        return text_method(e, m->self.s, (enum method_id)id, c);
    if (m->self.type == V_DICT)
        return dict_method(e, m->self.dict, (enum method_id)id, c);
    return list_method(e, m->self.list, (enum method_id)id, c);
}

/* ---- global functions ---- */

enum builtin { B_RANGE, B_NAMESPACE, B_DICT, B_RAISE, B_STRFTIME };

static const char *const builtin_name[] = { "range", "namespace", "dict", "raise_exception", "strftime_now" };

int builtin_find(struct slice name)
{
    for (size_t i = 0; i < sizeof builtin_name / sizeof *builtin_name; i++)
        if (slice_is(name, builtin_name[i]))
            return (int)i;
    return -1;
}

static struct value range(struct eval *e, const struct call *c)
{
    int64_t a = int_arg(e, c, 0, "start", 0), b = int_arg(e, c, 1, "stop", 0), step = int_arg(e, c, 2, "step", 1);
    struct value out = v_list(e->w, false);
    if (c->n_pos == 1) {
        b = a;
        a = 0;
    }
    if (step == 0)
        work_fail(e->w, "range with step zero");
    double n = ((double)b - (double)a) / (double)step;
    if (n > 100000)
        work_fail(e->w, "a range of more than 100000 numbers");
    for (int64_t i = a; step > 0 ? i < b : i > b; i += step)
        list_add(e->w, out.list, v_int(i));
    return out;
}

static struct value strftime_now(struct eval *e, const struct call *c)
{
    char text[256], *f;
    struct slice s = call_text(e, c, 0, "format", "");
    time_t now = (time_t)e->vars->now;
    struct tm tm;
    gmtime_r(&now, &tm);
    f = (char *)work_copy(e->w, s.ptr, s.len).ptr;
    size_t n = strftime(text, sizeof text, f, &tm);
    return v_slice(work_copy(e->w, text, n));
}

struct value builtin_call(struct eval *e, int which, const struct call *c)
{
    struct slice s;
    if (which == B_RANGE)
        return range(e, c);
    if (which == B_STRFTIME)
        return strftime_now(e, c);
    if (which == B_RAISE) {
        s = call_text(e, c, 0, "message", "");
        work_fail(e->w, "the template refuses these messages: %.*s", (int)(s.len < 200 ? s.len : 200), s.ptr);
    }
    struct value d = v_dict(e->w, which == B_NAMESPACE);
    if (c->n_pos && c->pos[0].type == V_DICT)
        for (int i = 0; i < c->pos[0].dict->n; i++)
            dict_set(e->w, d.dict, c->pos[0].dict->key[i], c->pos[0].dict->value[i]);
    for (int i = 0; i < c->n_named; i++)
        dict_set(e->w, d.dict, v_slice(c->name[i]), c->named[i]);
    return d;
}
