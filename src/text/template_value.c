/* template_value.c - values of the template language: Python's, as far as templates can tell. */
#include "template_priv.h"

#include "mtbench/json.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- arena ---- */

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    _Alignas(16) char data[];
};

void *work_alloc(struct work *w, size_t n)
{
    n = (n + 15) & ~(size_t)15;
    if (n > MAX_ARENA || (w->used += n) > MAX_ARENA)
        work_fail(w, "more than %d MB of memory; does it loop for ever?", MAX_ARENA >> 20);
    if (!w->block || w->block->size - w->block->used < n) {
        size_t size = n > 64 << 10 ? n : 64 << 10;
        struct arena_block *b = xcalloc(1, sizeof *b + size);
        b->size = size;
        b->next = w->block;
        w->block = b;
    }
    void *p = w->block->data + w->block->used;
    w->block->used += n;
    return p;
}

struct arena_buf {
    struct buf b;                        /* first */
    struct arena_buf *next;
};

struct buf *work_buf(struct work *w)
{
    struct arena_buf *b = work_alloc(w, sizeof *b);
    b->next = w->buf;
    w->buf = b;
    return &b->b;
}

void work_free(struct work *w)
{
    for (struct arena_buf *b = w->buf; b; b = b->next)
        buf_free(&b->b);
    w->buf = NULL;
    while (w->block) {
        struct arena_block *next = w->block->next;
        free(w->block);
        w->block = next;
    }
}

void work_fail(struct work *w, const char *fmt, ...)
{
    char text[320];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(w->err, ERR_MODEL, "chat template line %d: %s", w->line, text);
    longjmp(w->fail, 1);
}

struct slice work_copy(struct work *w, const char *s, size_t n)
{
    char *p = work_alloc(w, n + 1);
    if (n)
        memcpy(p, s, n);
    return (struct slice){ p, n };
}

struct slice work_take(struct work *w, struct buf *b)
{
    struct slice s = work_copy(w, b->data, b->len);
    buf_free(b);
    return s;
}

void work_deeper(struct work *w)
{
    if (++w->depth > MAX_DEPTH)
        work_fail(w, "nested more than %d deep", MAX_DEPTH);
}

/* ---- making ---- */

struct value v_none(void)
{
    return (struct value){ .type = V_NONE };
}

struct value v_bool(bool b)
{
    return (struct value){ .type = V_BOOL, .b = b };
}

struct value v_int(int64_t i)
{
    return (struct value){ .type = V_INT, .i = i };
}

struct value v_float(double f)
{
    return (struct value){ .type = V_FLOAT, .f = f };
}

struct value v_slice(struct slice s)
{
    return (struct value){ .type = V_STRING, .s = s };
}

struct value v_text(const char *s)
{
    return v_slice((struct slice){ s, strlen(s) });
}

struct value v_undefined(struct slice name)
{
    return (struct value){ .type = V_UNDEFINED, .name = name };
}

struct value v_list(struct work *w, bool tuple)
{
    struct list *l = work_alloc(w, sizeof *l);
    l->tuple = tuple;
    return (struct value){ .type = V_LIST, .list = l };
}

struct value v_dict(struct work *w, bool mutable)
{
    struct dict *d = work_alloc(w, sizeof *d);
    d->mutable = mutable;
    return (struct value){ .type = V_DICT, .dict = d };
}

static struct value *grow(struct work *w, struct value *old, int n, int cap)
{
    struct value *p = work_alloc(w, (size_t)cap * sizeof *p);
    if (n)
        memcpy(p, old, (size_t)n * sizeof *p);
    return p;
}

void list_add(struct work *w, struct list *l, struct value v)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 8;
        l->item = grow(w, l->item, l->n, l->cap);
    }
    l->item[l->n++] = v;
}

static int dict_index(const struct dict *d, struct value key)
{
    for (int i = 0; i < d->n; i++)
        if (v_equal(d->key[i], key))
            return i;
    return -1;
}

const struct value *dict_get(const struct dict *d, struct value key)
{
    int i = dict_index(d, key);
    return i < 0 ? NULL : &d->value[i];
}

const struct value *dict_text(const struct dict *d, const char *key)
{
    return dict_get(d, v_text(key));
}

void dict_set(struct work *w, struct dict *d, struct value key, struct value v)
{
    int i = dict_index(d, key);
    if (i < 0) {
        if (d->n == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 8;
            d->key = grow(w, d->key, d->n, d->cap);
            d->value = grow(w, d->value, d->n, d->cap);
        }
        i = d->n++;
        d->key[i] = key;
    }
    d->value[i] = v;
}

/* ---- comparing ---- */

bool v_number(struct value v, double *f)
{
    *f = v.type == V_INT ? (double)v.i : v.type == V_FLOAT ? v.f : v.type == V_BOOL ? (double)v.b : 0.0;
    return v.type == V_INT || v.type == V_FLOAT || v.type == V_BOOL;
}

bool v_true(struct value v)
{
    switch (v.type) {
    case V_UNDEFINED:
    case V_NONE: return false;
    case V_BOOL: return v.b;
    case V_INT: return v.i != 0;
    case V_FLOAT: return v.f != 0;
    case V_STRING: return v.s.len != 0;
    case V_LIST: return v.list->n != 0;
    case V_DICT: return v.dict->n != 0 || v.dict->mutable;
    default: return true;
    }
}

static bool slices_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || !memcmp(a.ptr, b.ptr, a.len));
}

static bool lists_equal(const struct list *a, const struct list *b)
{
    if (a->n != b->n || a->tuple != b->tuple)
        return false;
    for (int i = 0; i < a->n; i++)
        if (!v_equal(a->item[i], b->item[i]))
            return false;
    return true;
}

static bool dicts_equal(const struct dict *a, const struct dict *b)
{
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        const struct value *v = dict_get(b, a->key[i]);
        if (!v || !v_equal(a->value[i], *v))
            return false;
    }
    return true;
}

bool v_equal(struct value a, struct value b)
{
    double x, y;
    if (v_number(a, &x) && v_number(b, &y))
        return a.type == V_INT && b.type == V_INT ? a.i == b.i : x == y;
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case V_UNDEFINED:
    case V_NONE: return true;
    case V_STRING: return slices_equal(a.s, b.s);
    case V_LIST: return a.list == b.list || lists_equal(a.list, b.list);
    case V_DICT: return a.dict == b.dict || (!a.dict->mutable && !b.dict->mutable && dicts_equal(a.dict, b.dict));
    case V_BUILTIN: return a.builtin == b.builtin;
    default: return a.macro == b.macro;
    }
}

const char *v_type_name(struct value v)
{
    static const char *const name[] = { "undefined", "NoneType", "bool", "int", "float", "str", "list", "dict", "macro", "function", "method" };
    return v.type == V_LIST && v.list->tuple ? "tuple" : name[v.type];
}

int v_compare(struct work *w, struct value a, struct value b)
{
    double x, y;
    if (v_number(a, &x) && v_number(b, &y))
        return (x > y) - (x < y);
    if (a.type == V_STRING && b.type == V_STRING) {
        size_t n = a.s.len < b.s.len ? a.s.len : b.s.len;
        int c = n ? memcmp(a.s.ptr, b.s.ptr, n) : 0;      /* UTF-8 order is code point order */
        return c ? c : (a.s.len > b.s.len) - (a.s.len < b.s.len);
    }
    if (a.type == V_LIST && b.type == V_LIST) {
        for (int i = 0; i < a.list->n && i < b.list->n; i++) {
            int c = v_equal(a.list->item[i], b.list->item[i]) ? 0 : v_compare(w, a.list->item[i], b.list->item[i]);
            if (c)
                return c;
        }
        return (a.list->n > b.list->n) - (a.list->n < b.list->n);
    }
    work_fail(w, "%s and %s cannot be ordered", v_type_name(a), v_type_name(b));
}

bool v_contains(struct work *w, struct value in, struct value x)
{
    if (in.type == V_STRING) {
        if (x.type != V_STRING)
            work_fail(w, "'in <string>' requires a string on the left, not %s", v_type_name(x));
        return x.s.len == 0 || memmem(in.s.ptr, in.s.len, x.s.ptr, x.s.len);
    }
    if (in.type == V_DICT)
        return dict_get(in.dict, x) != NULL;
    if (in.type == V_UNDEFINED)
        return false;
    if (in.type != V_LIST)
        work_fail(w, "'in' cannot search in %s", v_type_name(in));
    for (int i = 0; i < in.list->n; i++)
        if (v_equal(in.list->item[i], x))
            return true;
    return false;
}

/* ---- text ---- */

static size_t char_bytes(const char *p, size_t left)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)left, &c);
    return k < 1 ? 1 : (size_t)k;
}

int64_t text_length(struct slice s)
{
    int64_t n = 0;
    for (size_t i = 0; i < s.len; n++)
        i += char_bytes(s.ptr + i, s.len - i);
    return n;
}

struct slice text_slice(struct slice s, int64_t begin, int64_t end)
{
    size_t i = 0, start;
    int64_t n = 0;
    for (; i < s.len && n < begin; n++)
        i += char_bytes(s.ptr + i, s.len - i);
    start = i;
    for (; i < s.len && n < end; n++)
        i += char_bytes(s.ptr + i, s.len - i);
    return (struct slice){ s.ptr + start, i - start };
}

/* Python's repr of a string. */
static void print_quoted(struct buf *b, struct slice s)
{
    char quote = memchr(s.ptr ? s.ptr : "", '\'', s.len) && !memchr(s.ptr, '"', s.len) ? '"' : '\'';
    buf_char(b, quote);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\n')
            buf_str(b, "\\n");
        else if (c == '\t')
            buf_str(b, "\\t");
        else if (c == '\r')
            buf_str(b, "\\r");
        else if (c == '\\' || c == quote)
            buf_printf(b, "\\%c", c);
        else if ((unsigned char)c < 0x20 || c == 0x7f)
            buf_printf(b, "\\x%02x", (unsigned char)c);
        else
            buf_char(b, c);
    }
    buf_char(b, quote);
}

static void print_list(struct work *w, struct buf *b, const struct list *l)
{
    buf_char(b, l->tuple ? '(' : '[');
    for (int i = 0; i < l->n; i++) {
        buf_str(b, i ? ", " : "");
        v_print(w, b, l->item[i], true);
    }
    buf_str(b, l->tuple ? (l->n == 1 ? ",)" : ")") : "]");
}

static void print_dict(struct work *w, struct buf *b, const struct dict *d)
{
    buf_char(b, '{');
    for (int i = 0; i < d->n; i++) {
        buf_str(b, i ? ", " : "");
        v_print(w, b, d->key[i], true);
        buf_str(b, ": ");
        v_print(w, b, d->value[i], true);
    }
    buf_char(b, '}');
}

void v_print(struct work *w, struct buf *b, struct value v, bool quoted)
{
    if (b->len > MAX_OUTPUT)
        work_fail(w, "more than %d bytes of text", MAX_OUTPUT);
    work_deeper(w);
    switch (v.type) {
    case V_UNDEFINED: buf_str(b, quoted ? "Undefined" : ""); break;
    case V_NONE: buf_str(b, "None"); break;
    case V_BOOL: buf_str(b, v.b ? "True" : "False"); break;
    case V_INT: buf_printf(b, "%lld", (long long)v.i); break;
    case V_FLOAT: json_put_double(b, v.f); break;
    case V_STRING:
        if (quoted)
            print_quoted(b, v.s);
        else
            buf_add(b, v.s.ptr, v.s.len);
        break;
    case V_LIST: print_list(w, b, v.list); break;
    case V_DICT: print_dict(w, b, v.dict); break;
    default: buf_printf(b, "<%s>", v_type_name(v)); break;
    }
    w->depth--;
}

struct slice v_string(struct work *w, struct value v)
{
    struct buf *b = work_buf(w);
    if (v.type == V_STRING)
        return v.s;
    v_print(w, b, v, false);
    return work_take(w, b);
}

static void json_text(struct buf *b, struct slice s)
{
    static const char plain[] = "\"\\\n\r\t\b\f", letter[] = "\"\\nrtbf";
    buf_char(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        const char *p = s.ptr[i] ? strchr(plain, s.ptr[i]) : NULL;
        if (p)
            buf_printf(b, "\\%c", letter[p - plain]);
        else if ((unsigned char)s.ptr[i] < 0x20)
            buf_printf(b, "\\u%04x", (unsigned char)s.ptr[i]);
        else
            buf_char(b, s.ptr[i]);
    }
    buf_char(b, '"');
}

static void json_break(struct buf *b, int indent, int level)
{
    if (indent >= 0)
        buf_printf(b, "\n%*s", indent * level, "");
}

/* Positions of a dict's members as they are written: as they stand, or by key. */
static int *json_order(struct work *w, const struct value *key, int n, bool sorted)
{
    int *order = work_alloc(w, ((size_t)n + 1) * sizeof *order);
    for (int i = 0; i < n; i++) {
        int at = i;
        for (; sorted && at > 0 && v_compare(w, key[order[at - 1]], key[i]) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    return order;
}

static void json_members(struct work *w, struct buf *b, const struct value *key, const struct value *value, int n, const struct json_form *f,
                         int level)
{
    const int *order = key ? json_order(w, key, n, f->sorted) : NULL;
    for (int k = 0; k < n; k++) {
        int i = order ? order[k] : k;
        if (k)
            buf_add(b, f->comma.ptr, f->comma.len);
        json_break(b, f->indent, level + 1);
        if (key) {
            json_text(b, v_string(w, key[i]));
            buf_add(b, f->colon.ptr, f->colon.len);
        }
        v_json(w, b, value[i], f, level + 1);
    }
    if (n)
        json_break(b, f->indent, level);
}

void v_json(struct work *w, struct buf *b, struct value v, const struct json_form *f, int level)
{
    if (b->len > MAX_OUTPUT || level > MAX_DEPTH || v.type == V_UNDEFINED || v.type > V_DICT)
        work_fail(w, "%s cannot be written as JSON", v_type_name(v));
    switch (v.type) {
    case V_NONE: buf_str(b, "null"); break;
    case V_BOOL: buf_str(b, v.b ? "true" : "false"); break;
    case V_STRING: json_text(b, v.s); break;
    case V_LIST:
        buf_char(b, '[');
        json_members(w, b, NULL, v.list->item, v.list->n, f, level);
        buf_char(b, ']');
        break;
    case V_DICT:
        buf_char(b, '{');
        json_members(w, b, v.dict->key, v.dict->value, v.dict->n, f, level);
        buf_char(b, '}');
        break;
    default: v_print(w, b, v, false); break;
    }
}

struct list *v_items(struct work *w, struct value v)
{
    if (v.type == V_LIST)
        return v.list;
    struct list *l = v_list(w, false).list;
    if (v.type == V_DICT) {
        for (int i = 0; i < v.dict->n; i++)
            list_add(w, l, v.dict->key[i]);
    } else if (v.type == V_STRING) {
        for (size_t i = 0, k; i < v.s.len; i += k) {
            k = char_bytes(v.s.ptr + i, v.s.len - i);
            list_add(w, l, v_slice((struct slice){ v.s.ptr + i, k }));
        }
    } else if (v.type != V_UNDEFINED) {
        work_fail(w, "%s is not iterable", v_type_name(v));
    }
    return l;
}
