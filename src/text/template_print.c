/* template_print.c - values as text: str(), repr() and json.dumps(). */
#include "template_priv.h"

#include "mtbench/json.h"

#include <math.h>
#include <string.h>

/* ---- str and repr ---- */

/* Python's repr of a string. */
static void print_quoted(struct work *w, struct buf *b, struct slice s)
{
    /* Single quotes unless only double ones save escaping. */
    char quote = s.len && memchr(s.ptr, '\'', s.len) && !memchr(s.ptr, '"', s.len) ? '"' : '\'';
    work_charge(w, s.len / 8);       /* buf_add() below does not count */
    buf_char(b, quote);
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c = char_at(s, i, &n);
        if (c == '\n' || c == '\t' || c == '\r')
            buf_printf(b, "\\%c", c == '\n' ? 'n' : c == '\t' ? 't' : 'r');
        else if (c == '\\' || c == (uint32_t)quote)
            buf_printf(b, "\\%c", (char)c);
        /* isprintable() decides, so that é stands as it is and U+00A0 is \xa0. */
        else if (char_printable(c))
            buf_add(b, s.ptr + i, n);
        else
            buf_printf(b, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    buf_char(b, quote);
}

static void print_items(struct work *w, struct buf *b, const struct list *l)
{
    for (int i = 0; i < l->n; i++) {
        buf_str(b, i ? ", " : "");
        v_print(w, b, l->item[i], true); /* repr() within any collection */
    }
}

static void print_list(struct work *w, struct buf *b, const struct list *l)
{
    /* By enum list_kind; a range has its own form. */
    static const char *const open[] = { "[", "(", "(", "", "dict_keys([", "dict_values([", "dict_items([" };
    static const char *const close[] = { "]", ")", ")", "", "])", "])", "])" };
    if (l->kind == L_RANGE) {
        buf_printf(b, l->step == 1 ? "range(%lld, %lld)"
                : "range(%lld, %lld, %lld)", (long long)l->start, (long long)l->stop, (long long)l->step);
        return;
    }
    buf_str(b, open[l->kind]);
    print_items(w, b, l);
    /* (1,) */
    buf_str(b, (l->kind == L_TUPLE || l->kind == L_GROUP) && l->n == 1 ? ",)" : close[l->kind]);
}

static void print_dict(struct work *w, struct buf *b, const struct dict *d)
{
    buf_char(b, '{');
    /* In order of insertion. */
    for (int i = 0; i < d->n; i++) {
        buf_str(b, i ? ", " : "");
        v_print(w, b, d->key[i], true);
        buf_str(b, ": ");
        v_print(w, b, d->value[i], true);
    }
    buf_char(b, '}');
}

static void print_string(struct work *w, struct buf *b, struct value v, bool quoted)
{
    if (!quoted) {                   /* str(): as it is */
        work_add(w, b, v.s);
        return;
    }
    /* A list of escaped texts shows that they are Markup. */
    buf_str(b, v.safe ? "Markup(" : "");
    print_quoted(w, b, v.s);
    buf_str(b, v.safe ? ")" : "");
}

static void print_float(struct buf *b, double f)
{
    if (isfinite(f))
        json_put_double(b, f);       /* the shortest digits, with Python's ".0" and exponents */
    else
        buf_str(b, isnan(f) ? "nan" : f < 0 ? "-inf" : "inf");
}

void v_print(struct work *w, struct buf *b, struct value v, bool quoted)
{
    /* Checked per value, not per byte: buf_add() and its kin above write past it by one value at most. */
    if (b->len > MAX_OUTPUT)
        work_fail(w, "more than %d bytes of text", MAX_OUTPUT);
    work_charge(w, 1);
    /* A namespace may hold itself: without this it would print for ever. Python raises RecursionError. */
    work_deeper(w);
    switch (v.type) {
    case V_ABSENT: break;
    /* Nothing as text, but a name of its own within a list. */
    case V_UNDEFINED: buf_str(b, quoted ? "Undefined" : ""); break;
    case V_NONE: buf_str(b, "None"); break;
    case V_BOOL: buf_str(b, v.b ? "True" : "False"); break;
    case V_INT: buf_printf(b, "%lld", (long long)v.i); break;
    case V_FLOAT: print_float(b, v.f); break;
    case V_STRING: print_string(w, b, v, quoted); break;
    case V_LIST: print_list(w, b, v.list); break;
    case V_DICT: print_dict(w, b, v.dict); break;
    case V_SPACE:
        buf_str(b, "<Namespace ");
        print_dict(w, b, v.dict);
        buf_char(b, '>');
        break;
    /* A macro without its parentheses, a generator: jinja2 would print "<Macro 'm'>" or an address, which nobody can mean in a prompt. */
    default: work_fail(w, "a %s is printed, whose text is an address in Python's memory", v_type_name(v));
    }
    w->depth--;
}

struct slice v_string(struct work *w, struct value v)
{
    if (v.type == V_STRING)          /* shared, not copied */
        return v.s;
    struct buf *b = work_buf(w);
    v_print(w, b, v, false);
    return work_take(w, b);
}

/* ---- JSON ---- */

static void json_ascii(struct buf *b, uint32_t c)
{
    if (c > 0xffff)                  /* a surrogate pair */
        buf_printf(b, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        buf_printf(b, "\\u%04x", c);
}

static void json_text(struct work *w, struct buf *b, struct slice s, bool ascii)
{
    static const char plain[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
    work_charge(w, s.len / 8);
    buf_char(b, '"');
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c = char_at(s, i, &n);
        /* Short escapes are json.dumps()'s; "/" stays. */
        const char *p = c && c < 0x80 ? strchr(plain, (int)c) : NULL;
        if (p)
            buf_printf(b, "\\%c", letter[p - plain]);
        /* ensure_ascii keeps blank to tilde, so DEL is escaped with it and not without. */
        else if (c < 0x20 || (ascii && c > 0x7e))
            json_ascii(b, c);
        else
            buf_add(b, s.ptr + i, n);
    }
    buf_char(b, '"');
}

static void json_break(struct work *w, struct buf *b, const struct json_form *f, int level)
{
    if (!f->lines)
        return;
    buf_char(b, '\n');
    /* The indent may be any text; work_add() bounds what depth times indent makes. */
    for (int i = 0; i < level; i++)
        work_add(w, b, f->indent);
}

static void json_number(struct buf *b, double x)
{
    /* Words of json.dumps(), not of str(), and not JSON: allow_nan is on. */
    if (isfinite(x))
        json_put_double(b, x);
    else
        buf_str(b, isnan(x) ? "NaN" : x < 0 ? "-Infinity" : "Infinity");
}

static void json_key(struct work *w, struct buf *b, struct value key, const struct json_form *f)
{
    struct buf *text = work_buf(w);
    if (key.type == V_STRING) {
        json_text(w, b, key.s, f->ascii);
    } else if (key.type >= V_NONE && key.type <= V_FLOAT) {
        /* Keys that are no strings are written as their JSON in quotes: true is "true", None "null". */
        v_json(w, text, key, f, 0);
        json_text(w, b, work_take(w, text), f->ascii);
    } else {
        work_fail(w, "keys of JSON must be str, int, float, bool or None, not %s", v_type_name(key));
    }
}

/* Positions of a dict's members as they are written: as they stand, or by key. */
static int *json_order(struct work *w, const struct value *key, int n, bool sorted)
{
    int *order = work_alloc(w, ((size_t)n + 1) * sizeof *order);
    for (int i = 0; i < n; i++) {
        int at = i;
        /* Insertion, since dicts are small; each comparison is counted. Keys of different types fail, as sorted() does. */
        for (; sorted && at > 0 && v_order(w, LESS, key[i], key[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

static void json_members(struct work *w, struct buf *b, const struct value *key, const struct value *value, int n,
        const struct json_form *f,
                         int level)
{
    const int *order = key ? json_order(w, key, n, f->sorted) : NULL; /* NULL: a list */
    for (int k = 0; k < n; k++) {
        int i = order ? order[k] : k;
        if (k)
            work_add(w, b, f->comma);
        json_break(w, b, f, level + 1);
        if (key) {
            json_key(w, b, key[i], f);
            work_add(w, b, f->colon);
        }
        v_json(w, b, value[i], f, level + 1);
    }
    /* An empty list or dict has no line within it: [] even with indent. */
    if (n)
        json_break(w, b, f, level);
}

void v_json(struct work *w, struct buf *b, struct value v, const struct json_form *f, int level)
{
    work_charge(w, 1);
    if (level > MAX_DEPTH || b->len > MAX_OUTPUT)
        work_fail(w, "JSON of more than %d bytes or %d levels", MAX_OUTPUT, MAX_DEPTH);
    switch (v.type) {
    case V_NONE: buf_str(b, "null"); return;
    case V_BOOL: buf_str(b, v.b ? "true" : "false"); return;
    case V_INT: buf_printf(b, "%lld", (long long)v.i); return;
    case V_FLOAT: json_number(b, v.f); return;
    case V_STRING: json_text(w, b, v.s, f->ascii); return;
    case V_LIST:
        /* Tuples are lists in JSON; ranges and views are TypeErrors. */
        if (v.list->kind > L_GROUP)
            break;
        buf_char(b, '[');
        json_members(w, b, NULL, v.list->item, v.list->n, f, level);
        buf_char(b, ']');
        return;
    case V_DICT:
        buf_char(b, '{');
        json_members(w, b, v.dict->key, v.dict->value, v.dict->n, f, level);
        buf_char(b, '}');
        return;
    default: break;
    }
    /* Undefined values as well: json.dumps() does not know them. */
    work_fail(w, "%s cannot be written as JSON", v_type_name(v));
}
