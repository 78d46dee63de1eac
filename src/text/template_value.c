/* template_value.c - values of the template language: Python's, as far as templates can tell. Lists and dicts are made, compared and
 * walked. */
#include "template_priv.h"

#include <string.h>

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

struct value v_nothing(void)
{
    return v_undefined((struct slice){ "", 0 }); /* v_complain() has words of its own for it */
}

struct value v_list(struct work *w, enum list_kind kind)
{
    struct list *l = work_alloc(w, sizeof *l);
    l->kind = kind;
    return (struct value){ .type = V_LIST, .list = l };
}

struct value v_dict(struct work *w)
{
    return (struct value){ .type = V_DICT, .dict = work_alloc(w, sizeof(struct dict)) };
}

static struct value *grow(struct work *w, struct value *old, int n, int cap) /* the arena has no realloc() */
{
    /* The old array stays in the arena: iterators and views that walk it are not disturbed. */
    struct value *p = work_alloc(w, (size_t)cap * sizeof *p);
    if (n)
        memcpy(p, old, (size_t)n * sizeof *p);
    return p;
}

void list_add(struct work *w, struct list *l, struct value v)
{
    /* What has no other bound, such as a product of two long lists, ends here. */
    work_charge(w, 1);
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 4;
        l->item = grow(w, l->item, l->n, l->cap);
    }
    l->item[l->n++] = v;
}

static int dict_index(struct work *w, const struct dict *d, struct value key)
{
    work_charge(w, (size_t)d->n / 8);
    /* In order of insertion, as Python keeps it, and searched from the front: dicts of templates are small, large ones pay in steps. */
    for (int i = 0; i < d->n; i++) {
        const struct value k = d->key[i];
        /* By equality, so that 1, 1.0 and true are one key. Strings are compared here, as nearly all are. */
        if (k.type == V_STRING && key.type == V_STRING ? k.s.len == key.s.len &&
                (k.s.len == 0 || !memcmp(k.s.ptr, key.s.ptr, k.s.len)) : v_equal(w, k, key))
            return i;
    }
    return -1;
}

static void need_hashable(struct work *w, struct value key)
{
    if (!v_hashable(w, key))
        work_fail(w, "unhashable type: '%s'", v_type_name(key));
}

const struct value *dict_get(struct work *w, const struct dict *d, struct value key)
{
    int i = dict_index(w, d, key);
    return i < 0 ? NULL : &d->value[i];
}

void dict_set(struct work *w, struct dict *d, struct value key, struct value v)
{
    /* dict_get() leaves this to its callers: some must fail for such a key, some must not find it. */
    need_hashable(w, key);
    int i = dict_index(w, d, key);
    if (i < 0) {
        if (d->n == d->cap) {
            d->cap = d->cap ? 2 * d->cap : 4;
            d->key = grow(w, d->key, d->n, d->cap);
            d->value = grow(w, d->value, d->n, d->cap);
        }
        i = d->n++;
        d->key[i] = key;             /* the first spelling of equal keys stays */
    }
    d->value[i] = v;
}

struct value dict_view(struct work *w, const struct dict *d, enum list_kind kind)
{
    /* A copy is as good as a view: no dict changes while a template can see it, but a namespace's, which has no views. */
    struct value out = v_list(w, kind);
    for (int i = 0; i < d->n; i++) {
        struct value both = kind == L_KEYS ? d->key[i] : d->value[i];
        if (kind == L_ITEMS) {       /* pairs */
            both = v_list(w, L_TUPLE);
            list_add(w, both.list, d->key[i]);
            list_add(w, both.list, d->value[i]);
        }
        list_add(w, out.list, both);
    }
    return out;
}

/* ---- asking ---- */

bool v_number(struct value v, double *f)
{
    /* For calculating. Whole numbers beyond 2**53 lose digits so, which is why comparing does not use it. */
    *f = v.type == V_INT ? (double)v.i : v.type == V_FLOAT ? v.f : v.type == V_BOOL ? (double)v.b : 0.0;
    return v.type == V_INT || v.type == V_FLOAT || v.type == V_BOOL;
}

int64_t v_whole(struct value v)
{
    return v.type == V_BOOL ? v.b : v.i;
}

bool v_is_tuple(struct value v)
{
    return v.type == V_LIST && (v.list->kind == L_TUPLE || v.list->kind == L_GROUP);
}

bool v_hashable(struct work *w, struct value v)
{
    /* A tuple is as hashable as its items; a loop can nest tuples deeper than the C stack goes. */
    if (v_is_tuple(v)) {
        bool all = true;
        work_deeper(w);
        for (int i = 0; i < v.list->n && all; i++)
            all = v_hashable(w, v.list->item[i]);
        w->depth--;
        return all;
    }
    /* dict_values inherit object's hash; keys and items compare as sets and have none. */
    return v.type == V_LIST ? v.list->kind == L_RANGE || v.list->kind == L_VALUES : v.type != V_DICT;
}

bool v_true(struct value v)
{
    switch (v.type) {
    case V_ABSENT:
    case V_UNDEFINED:
    case V_NONE: return false;
    case V_BOOL: return v.b;
    case V_INT: return v.i != 0;
    case V_FLOAT: return v.f != 0;   /* nan is true */
    case V_STRING: return v.s.len != 0;
    case V_LIST: return v.list->n != 0;
    case V_DICT: return v.dict->n != 0;
    default: return true;            /* macros, generators, namespaces: objects */
    }
}

const char *v_type_name(struct value v)
{
    /* By enum value_type: Python's names, since messages quote its errors. */
    static const char *const name[] = { "nothing", "undefined", "NoneType", "bool", "int", "float", "str", "list", "dict",
                                        "Namespace", "generator", "Macro", "function", "method", "LoopContext" };
    static const char *const list[] = { "list", "tuple", "tuple", "range", "dict_keys", "dict_values", "dict_items" };
    return v.type == V_LIST ? list[v.list->kind] : name[v.type];
}

void v_complain(struct work *w, struct value v)
{
    if (v.name.len == 0)
        work_fail(w, "a value that is not there is used");
    work_fail(w, "'%.*s' is undefined", (int)v.name.len, v.name.ptr);
}

/* ---- comparing ---- */

/* Is it compared as a list, as a tuple, as a range? Views of dicts only with themselves. */
static enum list_kind family(const struct list *l)
{
    /* groupby's pairs are named tuples, equal to plain ones. */
    return l->kind == L_GROUP ? L_TUPLE : l->kind;
}

static bool lists_equal(struct work *w, const struct list *a, const struct list *b)
{
    if (family(a) != family(b))      /* [1] == (1,) is false in Python */
        return false;
    /* They compare as sets in Python. */
    if (a->kind == L_KEYS || a->kind == L_ITEMS)
        work_fail(w, "views of dicts cannot be compared here; compare lists");
    /* Two views of values are equal only if one object. */
    if (a->kind == L_VALUES || a->n != b->n)
        return a == b;
    for (int i = 0; i < a->n; i++)
        if (!v_equal(w, a->item[i], b->item[i]))
            return false;
    return true;
}

static bool dicts_equal(struct work *w, const struct dict *a, const struct dict *b)
{
    /* The order of keys does not count. */
    if (a->n != b->n)
        return false;
    for (int i = 0; i < a->n; i++) {
        const struct value *v = dict_get(w, b, a->key[i]);
        if (!v || !v_equal(w, a->value[i], *v)) /* keys are hashable already */
            return false;
    }
    return true;
}

static bool equal(struct work *w, struct value a, struct value b)
{
    double x, y;
    if (v_number(a, &x) && v_number(b, &y)) {
        /* x86's long double has 64 bits of mantissa: all int64_t and all doubles are exact in it, so 2**53 + 1 is not 2.0**53. */
        if (a.type != V_FLOAT && b.type != V_FLOAT)
            return v_whole(a) == v_whole(b);
        return (a.type == V_FLOAT ? (long double)a.f : (long double)v_whole(a)) == (b.type == V_FLOAT
                ? (long double)b.f : (long double)v_whole(b));
    }
    /* Numbers were before: of what is left nothing equals another type. */
    if (a.type != b.type)
        return false;
    switch (a.type) {
    case V_ABSENT:
    case V_UNDEFINED:                /* any two are equal, whatever their names */
    case V_NONE: return true;
    case V_STRING: return a.s.len == b.s.len && (a.s.len == 0 || !memcmp(a.s.ptr, b.s.ptr, a.s.len));
    case V_LIST: return a.list == b.list || lists_equal(w, a.list, b.list);
    case V_DICT: return a.dict == b.dict || dicts_equal(w, a.dict, b.dict);
    case V_BUILTIN: return a.builtin == b.builtin;
    case V_METHOD: return a.method->row == b.method->row && v_equal(w, a.method->self, b.method->self);
    default: return a.dict == b.dict;    /* the same object: all pointers of the union */
    }
}

bool v_equal(struct work *w, struct value a, struct value b)
{
    work_charge(w, 1 + (a.type == V_STRING ? a.s.len / 64 : 0));
    /* Nested lists; namespaces compare by identity and so cannot recurse. */
    work_deeper(w);
    bool same = equal(w, a, b);
    w->depth--;
    return same;
}

static bool holds(enum order op, int c) /* c: as strcmp() gives it */
{
    return op == LESS ? c < 0 : op == LESS_EQUAL ? c <= 0 : op == GREATER ? c > 0 : c >= 0;
}

/* UTF-8 order is code point order, but for NUL, which is spelled C0 80. */
static int text_order(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len, i = 0;
    while (i < n && a.ptr[i] == b.ptr[i])
        i++;
    if (i == n)
        return (a.len > b.len) - (a.len < b.len);
    unsigned char x = (unsigned char)a.ptr[i], y = (unsigned char)b.ptr[i];
    /* C0 begins no other character, and NUL comes before all. */
    return (x == 0xc0 ? -1 : x) - (y == 0xc0 ? -1 : y);
}

static bool numbers_order(enum order op, struct value a, struct value b)
{
    /* As in equal(): exact. All four orders of a nan are false. */
    long double x = a.type == V_FLOAT ? (long double)a.f : (long double)v_whole(a), y = b.type == V_FLOAT
            ? (long double)b.f : (long double)v_whole(b);
    return op == LESS ? x < y : op == LESS_EQUAL ? x <= y : op == GREATER ? x > y : x >= y;
}

bool v_order(struct work *w, enum order op, struct value a, struct value b)
{
    double x, y;
    work_charge(w, 1 + (a.type == V_STRING ? a.s.len / 64 : 0));
    if (v_number(a, &x) && v_number(b, &y))
        return numbers_order(op, a, b);
    if (a.type == V_STRING && b.type == V_STRING) /* by code points, as Python */
        return holds(op, text_order(a.s, b.s));
    if (a.type == V_LIST && b.type == V_LIST && family(a.list) == family(b.list) && family(a.list) <= L_TUPLE) {
        /* The first items that differ decide, and they alone must have an order: [1, 'a'] < [2, 3] holds. */
        for (int i = 0; i < a.list->n && i < b.list->n; i++)
            if (!v_equal(w, a.list->item[i], b.list->item[i])) {
                work_deeper(w);
                bool yes = v_order(w, op, a.list->item[i], b.list->item[i]);
                w->depth--;
                return yes;
            }
        return holds(op, (a.list->n > b.list->n) - (a.list->n < b.list->n));
    }
    if (a.type == V_UNDEFINED || b.type == V_UNDEFINED)
        v_complain(w, a.type == V_UNDEFINED ? a : b); /* names what is missing */
    work_fail(w, "%s and %s cannot be ordered", v_type_name(a), v_type_name(b));
}

/* ---- iterating ---- */

static bool list_next(struct eval *e, struct iter *it, struct value *out)
{
    (void)e;
    if (it->at >= it->list->n)
        return false;
    *out = it->list->item[it->at++];
    return true;
}

struct iter *list_iter(struct work *w, struct list *l)
{
    struct iter *it = work_alloc(w, sizeof *it);
    it->next = list_next;
    it->list = l;
    return it;
}

struct value v_iter(struct work *w, struct iter it)
{
    struct iter *p = work_alloc(w, sizeof *p); /* one state, whoever holds the value: a generator is walked once */
    *p = it;
    return (struct value){ .type = V_ITER, .iter = p };
}

static bool text_next(struct eval *e, struct iter *it, struct value *out)
{
    size_t n;
    (void)e;
    if (it->text.len == 0)
        return false;
    char_at(it->text, 0, &n);
    *out = v_slice((struct slice){ it->text.ptr, n }); /* characters are slices of the text */
    it->text = (struct slice){ it->text.ptr + n, it->text.len - n };
    return true;
}

static bool loop_next(struct eval *e, struct iter *it, struct value *out)
{
    return loop_step(e, it->in.loop, out);
}

struct iter *value_iter(struct eval *e, struct value v)
{
    struct iter *it;
    switch (v.type) {
    case V_LIST: return list_iter(e->w, v.list);
    /* Walking a dict gives its keys. */
    case V_DICT: return list_iter(e->w, dict_view(e->w, v.dict, L_KEYS).list);
    /* Its own state: a second walk goes on where the first one stopped, and finds nothing behind the end. */
    case V_ITER: return v.iter;
    /* No error, unlike asking it for an attribute. */
    case V_UNDEFINED: return list_iter(e->w, v_list(e->w, L_LIST).list);
    case V_STRING:
    case V_LOOP:
        it = work_alloc(e->w, sizeof *it);
        it->next = v.type == V_STRING ? text_next : loop_next;
        it->text = v.type == V_STRING ? v.s : (struct slice){ 0 };
        it->in = v;
        return it;
    default: work_fail(e->w, "'%s' object is not iterable", v_type_name(v));
    }
}

bool iter_next(struct eval *e, struct iter *it, struct value *out)
{
    work_charge(e->w, 1);
    /* Filters over filters over filters: each generator calls the next. */
    work_deeper(e->w);
    bool more = it->next(e, it, out);
    e->w->depth--;
    return more;
}

struct list *value_items(struct eval *e, struct value v)
{
    /* The list itself, not to be changed by who gets it. */
    if (v.type == V_LIST)
        return v.list;
    struct list *all = v_list(e->w, L_LIST).list;
    struct iter *it = value_iter(e, v);
    for (struct value x; iter_next(e, it, &x);)
        list_add(e->w, all, x);
    return all;
}

bool v_contains(struct eval *e, struct value in, struct value x)
{
    if (in.type == V_STRING) {
        if (x.type != V_STRING)      /* "1 in 'a1'" is a TypeError */
            work_fail(e->w, "'in <string>' requires a string on the left, not %s", v_type_name(x));
        return text_find(e->w, in.s, x.s, false) >= 0;
    }
    /* "[] in {}" is an error for dicts and their keys, which look a hash up; items of lists are compared. */
    if (in.type == V_DICT || (in.type == V_LIST && in.list->kind == L_KEYS)) {
        need_hashable(e->w, x);
        if (in.type == V_DICT)
            return dict_get(e->w, in.dict, x) != NULL;
    }
    struct iter *it = value_iter(e, in);
    for (struct value y; iter_next(e, it, &y);)
        /* A generator is left behind its match, as by Python's "in". */
        if (v_equal(e->w, y, x))
            return true;
    return false;
}

int64_t value_length(struct eval *e, struct value v)
{
    switch (v.type) {
    case V_STRING: work_charge(e->w, v.s.len / 64); return text_length(v.s);
    case V_LIST: return v.list->n;
    case V_DICT: return v.dict->n;
    case V_UNDEFINED: return 0;      /* "messages2|length" of a misspelt name is 0 */
    case V_LOOP: return loop_length(e, v.loop);
    default: work_fail(e->w, "object of type '%s' has no len()", v_type_name(v));
    }
}
