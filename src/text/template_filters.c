/* template_filters.c - filters, tests, methods and global functions by name. */
#include "template_priv.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

static const struct slice no_name = { "", 0 };

static struct value nothing(void)
{
    return v_undefined(no_name);
}

static struct slice text_arg(struct eval *e, const struct call *c, int i, const char *name, const char *otherwise)
{
    return v_string(e->w, call_arg(c, i, name, v_text(otherwise)));
}

/* ---- text ---- */

static bool in_set(struct slice chars, const char *p, size_t n)
{
    if (chars.ptr)
        return memmem(chars.ptr, chars.len, p, n) != NULL;
    utf8proc_int32_t c;
    utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &c);
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* strip(chars); chars.ptr NULL: white space. */
static struct slice strip(struct slice s, struct slice chars, bool left, bool right)
{
    while (left && s.len) {
        size_t k = 1;
        while (k < s.len && ((unsigned char)s.ptr[k] & 0xc0) == 0x80)
            k++;
        if (!in_set(chars, s.ptr, k))
            break;
        s.ptr += k;
        s.len -= k;
    }
    while (right && s.len) {
        size_t at = s.len - 1;
        while (at && ((unsigned char)s.ptr[at] & 0xc0) == 0x80)
            at--;
        if (!in_set(chars, s.ptr + at, s.len - at))
            break;
        s.len = at;
    }
    return s;
}

enum letter_case { LOWER, UPPER, TITLE, WORDS, CAPITALIZE };    /* TITLE: str.title(); WORDS: jinja2's filter of that name */

static struct value change_case(struct eval *e, struct slice s, enum letter_case how)
{
    struct buf *b = work_buf(e->w);
    bool start = true;
    for (size_t i = 0; i < s.len;) {
        utf8proc_int32_t c;
        utf8proc_uint8_t out[4];
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + i, (utf8proc_ssize_t)(s.len - i), &c);
        if (k < 1)
            k = 1, c = 0xfffd;
        bool upper = how == UPPER || (how != LOWER && start);
        utf8proc_category_t category = utf8proc_category(c);
        bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
        c = upper ? utf8proc_toupper(c) : utf8proc_tolower(c);
        buf_add(b, out, (size_t)utf8proc_encode_char(c, out));
        start = how == TITLE ? !letter : how == WORDS ? c < 128 && strchr("-({[< \t\n\r\f\v", (int)c) != NULL : false;
        i += (size_t)k;
    }
    return v_slice(work_take(e->w, b));
}

static struct value replace(struct eval *e, struct slice s, struct slice old, struct slice new, int64_t count)
{
    struct buf *b = work_buf(e->w);
    if (old.len == 0)
        return v_slice(s);
    while (count != 0) {
        const char *p = memmem(s.ptr, s.len, old.ptr, old.len);
        if (!p)
            break;
        size_t n = (size_t)(p - s.ptr);
        buf_add(b, s.ptr, n);
        buf_add(b, new.ptr, new.len);
        s = (struct slice){ p + old.len, s.len - n - old.len };
        count -= count > 0;
        if (b->len > MAX_OUTPUT)
            break;
    }
    buf_add(b, s.ptr, s.len);
    return v_slice(work_take(e->w, b));
}

static struct value split(struct eval *e, struct slice s, struct value sep, int64_t limit)
{
    struct value out = v_list(e->w, false);
    if (sep.type != V_STRING) {          /* runs of white space */
        s = strip(s, (struct slice){0}, true, false);
        while (s.len) {
            size_t n = 0;
            if (limit == 0)
                n = s.len;
            while (n < s.len && !in_set((struct slice){0}, s.ptr + n, 1))
                n++;
            list_add(e->w, out.list, v_slice((struct slice){ s.ptr, n }));
            s = strip((struct slice){ s.ptr + n, s.len - n }, (struct slice){0}, true, false);
            limit -= limit > 0;
        }
        return out;
    }
    if (sep.s.len == 0)
        work_fail(e->w, "empty separator");
    const char *p;
    while (limit != 0 && (p = memmem(s.ptr, s.len, sep.s.ptr, sep.s.len))) {
        list_add(e->w, out.list, v_slice((struct slice){ s.ptr, (size_t)(p - s.ptr) }));
        s = (struct slice){ p + sep.s.len, s.len - (size_t)(p - s.ptr) - sep.s.len };
        limit -= limit > 0;
    }
    list_add(e->w, out.list, v_slice(s));
    return out;
}

/* The last 'limit' separators cut; what is before them stays whole. */
static struct value rsplit(struct eval *e, struct slice s, struct slice sep, int64_t limit)
{
    struct list *all = split(e, s, v_slice(sep), -1).list;
    int whole = limit < 0 || limit >= all->n ? 0 : (int)(all->n - 1 - limit);
    struct value out = v_list(e->w, false);
    const struct slice last = all->item[whole].s;
    list_add(e->w, out.list, v_slice((struct slice){ s.ptr, (size_t)(last.ptr + last.len - s.ptr) }));
    for (int i = whole + 1; i < all->n; i++)
        list_add(e->w, out.list, all->item[i]);
    return out;
}

static bool affix(struct eval *e, struct slice s, struct value what, bool end)
{
    if (what.type == V_LIST) {
        for (int i = 0; i < what.list->n; i++)
            if (affix(e, s, what.list->item[i], end))
                return true;
        return false;
    }
    if (what.type != V_STRING)
        work_fail(e->w, "%s expects text, not %s", end ? "endswith" : "startswith", v_type_name(what));
    return s.len >= what.s.len && (what.s.len == 0 || !memcmp(end ? s.ptr + s.len - what.s.len : s.ptr, what.s.ptr, what.s.len));
}

static struct value join(struct eval *e, struct value in, struct slice sep, struct value attribute)
{
    struct list *items = v_items(e->w, in);
    struct buf *b = work_buf(e->w);
    for (int i = 0; i < items->n; i++) {
        struct value v = items->item[i];
        if (attribute.type == V_STRING)
            v = value_item(e, v, attribute);
        struct slice s = v_string(e->w, v);
        if (i)
            buf_add(b, sep.ptr, sep.len);
        buf_add(b, s.ptr, s.len);
        if (b->len > MAX_OUTPUT)
            work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    }
    return v_slice(work_take(e->w, b));
}

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
    return in.type == V_STRING ? join(e, out, no_name, nothing()) : out;
}

static struct value dict_items(struct eval *e, const struct dict *d)
{
    struct value out = v_list(e->w, false);
    for (int i = 0; i < d->n; i++) {
        struct value both = v_list(e->w, true);
        list_add(e->w, both.list, d->key[i]);
        list_add(e->w, both.list, d->value[i]);
        list_add(e->w, out.list, both);
    }
    return out;
}

static struct value sort_key(struct eval *e, struct value v, struct value attribute, bool sensitive)
{
    if (attribute.type == V_STRING || attribute.type == V_INT)
        v = value_item(e, v, attribute);
    return v.type == V_STRING && !sensitive ? change_case(e, v.s, LOWER) : v;
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
        struct value k = sort_key(e, items->item[i], nothing(), false);
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
    struct value out = v_list(e->w, false), attribute = call_arg(&(struct call){ .name = c->name, .named = c->named, .n_named = c->n_named }, 0, "attribute", nothing());
    struct value otherwise = call_arg(&(struct call){ .name = c->name, .named = c->named, .n_named = c->n_named }, 0, "default", nothing());
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

static struct value tojson(struct eval *e, struct value in, const struct call *c)
{
    struct value width = call_arg(&(struct call){ .name = c->name, .named = c->named, .n_named = c->n_named }, 0, "indent", v_none());
    struct buf *b = work_buf(e->w);
    v_json(e->w, b, in, width.type == V_INT ? (int)(width.i < 0 ? 0 : width.i > 64 ? 64 : width.i) : -1, 0);
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
    struct value best = items->n ? items->item[0] : nothing();
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
        return items->n ? items->item[0] : nothing();
    case F_LAST:
        items = v_items(e->w, in);
        return items->n ? items->item[items->n - 1] : nothing();
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
        return sorted(e, in, call_arg(c, 2, "attribute", nothing()), v_true(call_arg(c, 1, "case_sensitive", v_bool(false))),
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
    case F_TRIM: return v_slice(strip(v_string(e->w, in), chars.type == V_STRING ? chars.s : (struct slice){0}, true, true));
    case F_LENGTH: return length_of(e, in);
    case F_TOJSON: return tojson(e, in, c);
    case F_JOIN: return join(e, in, text_arg(e, c, 0, "d", ""), call_arg(c, 1, "attribute", nothing()));
    case F_DEFAULT:
        return in.type == V_UNDEFINED || (v_true(call_arg(c, 1, "boolean", v_bool(false))) && !v_true(in)) ? call_arg(c, 0, "default_value", v_text("")) : in;
    case F_UPPER: return change_case(e, v_string(e->w, in), UPPER);
    case F_LOWER: return change_case(e, v_string(e->w, in), LOWER);
    case F_TITLE: return change_case(e, v_string(e->w, in), WORDS);
    case F_CAPITALIZE: return change_case(e, v_string(e->w, in), CAPITALIZE);
    case F_REPLACE: return replace(e, v_string(e->w, in), text_arg(e, c, 0, "old", ""), text_arg(e, c, 1, "new", ""), -1);
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
    return s.len && v_equal(v_slice(s), change_case(e, s, how));
}

bool test_apply(struct eval *e, struct slice name, struct value in, const struct call *c)
{
    bool known, yes = test_type(name, in, &known);
    struct value arg = call_arg(c, 0, "", nothing());
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
    case M_STRIP: return v_slice(strip(s, chars, true, true));
    case M_LSTRIP: return v_slice(strip(s, chars, true, false));
    case M_RSTRIP: return v_slice(strip(s, chars, false, true));
    case M_SPLIT: return split(e, s, call_arg(c, 0, "sep", v_none()), int_arg(e, c, 1, "maxsplit", -1));
    case M_RSPLIT: return rsplit(e, s, text_arg(e, c, 0, "sep", " "), int_arg(e, c, 1, "maxsplit", -1));
    case M_SPLITLINES: return split_lines(e, s);
    case M_STARTSWITH: return v_bool(affix(e, s, arg, false));
    case M_ENDSWITH: return v_bool(affix(e, s, arg, true));
    case M_UPPER: return change_case(e, s, UPPER);
    case M_LOWER: return change_case(e, s, LOWER);
    case M_TITLE: return change_case(e, s, TITLE);
    case M_CAPITALIZE: return change_case(e, s, CAPITALIZE);
    case M_REPLACE: return replace(e, s, text_arg(e, c, 0, "old", ""), text_arg(e, c, 1, "new", ""), int_arg(e, c, 2, "count", -1));
    case M_JOIN: return join(e, arg, s, nothing());
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
    case M_REMOVEPREFIX: return v_slice(affix(e, s, arg, false) ? (struct slice){ s.ptr + chars.len, s.len - chars.len } : s);
    default: return v_slice(affix(e, s, arg, true) ? (struct slice){ s.ptr, s.len - chars.len } : s);
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
    struct slice s = text_arg(e, c, 0, "format", "");
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
        s = text_arg(e, c, 0, "message", "");
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
