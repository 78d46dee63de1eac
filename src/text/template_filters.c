/* template_filters.c - filters of strings and numbers, and how a filter is found and called. */
#include "template_priv.h"

#include <math.h>
#include <string.h>

/* ---- strings ---- */

/* As jinja2's soft_str() and Markup's own methods: what was safe stays safe through upper, lower, trim and the like. */
static struct value soft(struct eval *e, struct value in, struct slice s)
{
    (void)e;
    return (struct value){ .type = V_STRING, .safe = in.type == V_STRING && in.safe, .s = s };
}

static struct value f_string(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return in.type == V_STRING ? in : v_slice(v_string(e->w, in)); /* keeps Markup */
}

static struct value f_upper(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return soft(e, in, text_case(e, v_string(e->w, in), UPPER));
}

static struct value f_lower(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return soft(e, in, text_case(e, v_string(e->w, in), LOWER));
}

static struct value f_title(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    /* Joined from pieces with a plain "", so the mark of a safe string is lost. */
    return v_slice(text_case(e, v_string(e->w, in), WORDS));
}

static struct value f_capitalize(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return soft(e, in, text_case(e, v_string(e->w, in), CAPITALIZE));
}

static struct value f_trim(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    struct slice chars = { 0 };      /* without a pointer: white space */
    if (a[0].type != V_ABSENT && a[0].type != V_NONE)
        chars = arg_text(e, a[0]);
    return soft(e, in, text_strip(e->w, v_string(e->w, in), chars, true, true));
}

static struct value f_replace(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    /* None is the filter's default and means all, which the method replace() refuses. */
    int64_t count = a[2].type == V_NONE ? -1 : arg_int(e, a[2], -1);
    return v_slice(text_replace(e, v_string(e->w, in), v_string(e->w, a[0]), v_string(e->w, a[1]), count));
}

static struct value f_center(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return soft(e, in, text_center(e, v_string(e->w, in), arg_int(e, a[0], 80), (struct slice){ " ", 1 }));
}

static struct value f_safe(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return (struct value){ .type = V_STRING, .safe = true, .s = v_string(e->w, in) };
}

static struct value f_escape(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    /* Escaping twice would show "&amp;lt;"; forceescape does it all the same. */
    bool done = in.type == V_STRING && in.safe;
    return (struct value){ .type = V_STRING, .safe = true, .s = done ? in.s : text_escape(e, v_string(e->w, in)) };
}

static struct value f_forceescape(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return (struct value){ .type = V_STRING, .safe = true, .s = text_escape(e, v_string(e->w, in)) };
}

/* Lines are joined by line feeds; an empty line is indented only where 'blank' says so. */
static struct value f_indent(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* width is a text or a number of blanks. */
    struct slice pad = a[0].type == V_STRING ? a[0].s : text_repeat(e, (struct slice){ " ", 1 }, arg_int(e, a[0], 4));
    bool first = arg_true(a[1], false), blank = arg_true(a[2], false);
    struct buf *b = work_buf(e->w), *text = work_buf(e->w);
    (void)c;
    if (in.type == V_UNDEFINED)
        v_complain(e->w, in);
    /* A line feed is added before the text is split, so that one at its end makes an empty last line and "" has a line at all. */
    work_add(e->w, text, arg_text(e, in));
    buf_char(text, '\n');
    struct list *lines = text_lines(e, work_take(e->w, text), false).list;
    for (int i = 0; i < lines->n; i++) {
        if (i)
            buf_char(b, '\n');
        /* 'first' asks for the pad before the first line even if that is empty. */
        if (i ? blank || lines->item[i].s.len : first)
            work_add(e->w, b, pad);
        work_add(e->w, b, lines->item[i].s);
    }
    return soft(e, in, work_take(e->w, b));
}

static struct value f_truncate(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* jinja2's policy truncate.leeway is 5: texts that are too long by less stay whole. */
    int64_t length = arg_int(e, a[0], 255), leeway = a[3].type == V_NONE ? 5 : arg_int(e, a[3], 5);
    struct slice end = a[2].type == V_ABSENT ? (struct slice){ "...", 3 } : arg_text(e, a[2]), s;
    struct buf *b = work_buf(e->w);
    int64_t n_end = text_length(end), last;
    (void)c;
    if (length < n_end || leeway < 0) /* assertions in jinja2 */
        work_fail(e->w, "truncate expects a length of at least %lld and a leeway of at least 0", (long long)n_end);
    if (value_length(e, in) - leeway <= length)
        return in;
    /* The end counts towards the length. A word that is cut in two goes altogether, if there is a blank before it. */
    s = text_slice(arg_text(e, in), 0, length - n_end);
    if (in.safe)
        work_fail(e->w, "truncate of a string that is marked as safe is not supported");
    if (!arg_true(a[1], false) && (last = text_find(e->w, s, (struct slice){ " ", 1 }, true)) >= 0)
        s.len = (size_t)last;
    work_add(e->w, b, s);
    work_add(e->w, b, end);
    return v_slice(work_take(e->w, b));
}

static struct value f_wordcount(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct slice s = v_string(e->w, in);
    int64_t count = 0;
    bool before = false;
    (void)a, (void)c;
    work_charge(e->w, s.len / 8);
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t x = char_at(s, i, &n);
        bool word = x == '_' || char_alnum(x); /* \w of Python's re */
        count += word && !before;
        before = word;
    }
    return v_int(count);
}

/* text % args: either positions or names. */
static struct value f_format(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* A tuple even for one argument, so that a list among them is one value. */
    struct value args = v_list(e->w, L_TUPLE);
    (void)a;
    if (c->n_pos && c->n_named)
        work_fail(e->w, "format takes positions or names, not both");
    for (int i = 0; i < c->n_pos; i++)
        list_add(e->w, args.list, c->pos[i]);
    if (c->n_named)
        args = v_dict(e->w);
    for (int i = 0; i < c->n_named; i++)
        dict_set(e->w, args.dict, v_slice(c->name[i]), c->named[i]);
    return text_percent(e, f_string(e, in, NULL, NULL), args);
}

static struct value f_tojson(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* transformers replaces jinja2's tojson: no HTML escapes, ensure_ascii off, order as given. */
    struct json_form f = { .comma = { ", ", 2 }, .colon = { ": ", 2 } };
    struct buf *b = work_buf(e->w);
    (void)c;
    f.ascii = arg_true(a[0], false);
    f.sorted = arg_true(a[3], false);
    if (a[1].type != V_ABSENT && a[1].type != V_NONE) {
        f.lines = true;
        int64_t width = a[1].type == V_STRING ? 0 : arg_int(e, a[1], 0);
        f.indent = a[1].type == V_STRING ? a[1].s : text_repeat(e, (struct slice){ " ", 1 }, width < MAX_OUTPUT ? width : MAX_OUTPUT);
        /* json.dumps() leaves the blank behind a comma out where lines end there. */
        f.comma.len = 1;
    }
    if (a[2].type != V_ABSENT && a[2].type != V_NONE) {
        struct list *two = value_items(e, a[2]);
        if (two->n != 2)
            work_fail(e->w, "tojson expects two separators, not %d", two->n);
        f.comma = arg_text(e, two->item[0]);
        f.colon = arg_text(e, two->item[1]);
    }
    v_json(e->w, b, in, &f, 0);
    return v_slice(work_take(e->w, b));
}

/* ---- anything ---- */

static struct value f_default(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)e, (void)c;
    /* None is a value: only boolean=true replaces it. */
    bool missing = in.type == V_UNDEFINED || (arg_true(a[1], false) && !v_true(in));
    return !missing ? in : a[0].type == V_ABSENT ? v_text("") : a[0];
}

/* The attribute alone, never an item. */
static struct value f_attr(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct slice name = arg_text(e, a[0]);
    (void)c;
    if (in.type == V_DICT || in.type == V_STRING || in.type == V_LIST) {
        /* value_attr() would go on to the keys of a dict. */
        struct value m = method_forbidden(in, name) ? v_nothing() : method_find(e, in, name);
        return m.type == V_ABSENT ? v_undefined(name) : m;
    }
    return value_attr(e, in, name);
}

/* ---- numbers ---- */

static struct value f_abs(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    double x;                        /* of v_number(), for the question alone */
    (void)a, (void)c;
    if (!v_number(in, &x))           /* undefined has no __abs__: a TypeError, too */
        work_fail(e->w, "bad operand type for abs(): '%s'", v_type_name(in));
    if (in.type == V_FLOAT)
        return v_float(fabs(in.f));
    return v_whole(in) < 0 ? value_negative(e, in, true) : v_int(v_whole(in)); /* fails for the smallest */
}

static struct value f_int(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct value otherwise = a[0].type == V_ABSENT ? v_int(0) : a[0];
    int64_t base = 10, i;
    double x;
    (void)c;
    /* int() of it raises UndefinedError, which the filter does not catch, unlike ValueError and TypeError. */
    if (in.type == V_UNDEFINED)
        v_complain(e->w, in);
    if (in.type == V_FLOAT)
        /* int(nan) is a ValueError and gives the default, int(inf) an OverflowError that gets through. */
        return isnan(in.f) ? otherwise : float_int(e, in.f);
    if (in.type == V_INT || in.type == V_BOOL)
        return v_int(v_whole(in));
    /* None, lists: int() is a TypeError, float() another, and the default is left. */
    if (in.type != V_STRING)
        return otherwise;
    if (a[1].type != V_ABSENT)
        /* A base of the wrong type is a TypeError inside: what is left is float(text), cut to a whole number. */
        base = a[1].type == V_INT || a[1].type == V_BOOL ? v_whole(a[1]) : -1;
    if (text_int(e, in.s, base, &i))
        return v_int(i);
    /* "3.7" is no int but a float: 3. The second attempt catches the overflow of "inf". */
    return text_float(e, in.s, &x) && isfinite(x) ? float_int(e, x) : otherwise;
}

static struct value f_float(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    double x;
    (void)c;
    /* float() of it raises UndefinedError, as int() does. */
    if (in.type == V_UNDEFINED)
        v_complain(e->w, in);
    if (v_number(in, &x) || (in.type == V_STRING && text_float(e, in.s, &x)))
        return v_float(x);
    return a[0].type == V_ABSENT ? v_float(0) : a[0];
}

/* value * 10**precision, down or up, and back: in whole numbers as long as Python would. */
static struct value f_round(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct value precision = a[0].type == V_ABSENT ? v_int(0) : a[0];
    struct slice method = a[1].type == V_ABSENT ? (struct slice){ "common", 6 } : arg_text(e, a[1]);
    double x;
    (void)c;
    if (slice_is(method, "common"))  /* Python's round(), half to even */
        return value_round(e, in, precision);
    if (!slice_is(method, "ceil") && !slice_is(method, "floor"))
        work_fail(e->w, "the method of round must be common, ceil or floor");
    /* 10**precision is a float where precision is negative, and the quotient is one always: 7|round(0, 'ceil') is 7.0. */
    struct value unit = value_binary(e, (struct slice){ "**", 2 }, v_int(10), precision);
    struct value scaled = value_binary(e, (struct slice){ "*", 1 }, in, unit);
    if (!v_number(scaled, &x))
        work_fail(e->w, "must be real number, not %s", v_type_name(scaled));
    if (scaled.type == V_FLOAT)      /* ceil() and floor() of an int are itself */
        scaled = float_int(e, slice_is(method, "ceil") ? ceil(x) : floor(x));
    return value_binary(e, (struct slice){ "/", 1 }, scaled, unit);
}

/* A row without a function is a filter that jinja2 has: known when a template is parsed, refused where it is reached. */
const struct filter_row text_filters[] = {
    { "trim", "chars?", f_trim }, { "tojson", "ensure_ascii? indent? separators? sort_keys?", f_tojson },
    { "default", "default_value? boolean?", f_default },
    { "d", "default_value? boolean?", f_default }, { "upper", "", f_upper }, { "lower", "", f_lower }, { "title", "", f_title },
    { "capitalize", "", f_capitalize }, { "replace", "old new count?", f_replace }, { "string", "", f_string }, { "safe", "", f_safe },
    { "e", "", f_escape }, { "escape", "", f_escape }, { "forceescape", "", f_forceescape }, { "indent", "width? first? blank?", f_indent },
    { "format", NULL, f_format }, { "center", "width?", f_center }, { "truncate", "length? killwords? end? leeway?", f_truncate },
    { "wordcount", "", f_wordcount }, { "attr", "name", f_attr }, { "abs", "", f_abs }, { "int", "default? base?", f_int },
    { "float", "default?", f_float },
    { "round", "precision? method?", f_round }, { "filesizeformat", NULL, NULL }, { "pprint", NULL, NULL }, { "striptags", NULL, NULL },
    { "urlencode", NULL, NULL }, { "urlize", NULL, NULL }, { "wordwrap", NULL, NULL }, { "xmlattr", NULL, NULL }, { NULL, NULL, NULL },
};

/* ---- calling ---- */

static const struct filter_row *find(struct slice name)
{
    /* A linear search through strings: templates apply a handful of filters to a handful of messages. */
    const struct filter_row *const table[] = { text_filters, list_filters };
    for (int t = 0; t < 2; t++)
        for (const struct filter_row *r = table[t]; r->name; r++)
            if (slice_is(name, r->name))
                return r;
    return NULL;
}

bool filter_known(struct slice name)
{
    return find(name) != NULL;
}

struct value filter_apply(struct eval *e, struct slice name, struct value in, const struct call *c)
{
    struct value a[MAX_PARAMETERS];
    const struct filter_row *r = find(name);
    if (!r)                          /* only by a name that is a value: the parser knows the others */
        work_fail(e->w, "no filter named '%.*s'", (int)name.len, name.ptr);
    /* Refused when it is applied: a template may have such a filter in a branch for other messages. */
    if (!r->apply)
        work_fail(e->w, "the filter '%s' is not supported", r->name);
    /* format, map and select have parameters that no list of names describes. */
    if (r->spec)
        args_bind(e, r->name, r->spec, c, a);
    return r->apply(e, in, a, c);
}
