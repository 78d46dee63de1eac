/* template_lists.c - filters of sequences. Those that are generators in jinja2 compute their items when they are asked for, here too. */
#include "template_priv.h"

#include <string.h>

/* ---- attributes ---- */

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* jinja2's make_attrgetter(): a path is split at its points, and parts of digits are indices. Digits that a dict has as a string key
 * are not found, there neither. */
struct list *attribute_parts(struct eval *e, struct value path)
{
    if (path.type == V_NONE || path.type == V_ABSENT) /* NULL: the item itself */
        return NULL;
    struct list *parts = v_list(e->w, L_LIST).list;
    if (path.type != V_STRING) {
        list_add(e->w, parts, path);
        return parts;
    }
    struct list *names = text_split(e, path.s, v_text("."), -1, false).list;
    for (int i = 0; i < names->n; i++) {
        int64_t n;
        struct slice s = names->item[i].s;
        /* Plain digits: str.isdigit() takes others that int() reads, which no template has. */
        list_add(e->w, parts, all_digits(s) && text_int(e, s, 10, &n) ? v_int(n) : v_slice(s));
    }
    return parts;
}

struct value attribute_get(struct eval *e, struct value v, const struct list *parts, struct value otherwise)
{
    for (int i = 0; parts && i < parts->n; i++) {
        v = value_item(e, v, parts->item[i]); /* obj[part], then obj.part */
        /* After each step, so a default may be gone through by the rest of the path; None is no default, as in jinja2. */
        if (v.type == V_UNDEFINED && otherwise.type != V_NONE)
            v = otherwise;
    }
    return v;
}

static struct value fold(struct eval *e, struct value v, bool sensitive)
{
    /* jinja2's ignore_case(): strings alone are lowered, and only to compare: what is given out is the item as it was. */
    return v.type == V_STRING && !sensitive ? v_slice(text_case(e, v.s, LOWER)) : v;
}

/* ---- sorting ---- */

struct keyed { struct value key, value; };

/* Merge sort, stable; 'reverse' keeps equal items in their order, as Python does. */
static void merge_sort(struct eval *e, struct keyed *x, struct keyed *scratch, int n, bool reverse)
{
    if (n < 2)                       /* depth: log2 of the items */
        return;
    int half = n / 2, i = 0, k = half, to = 0;
    merge_sort(e, x, scratch, half, reverse);
    merge_sort(e, x + half, scratch, n - half, reverse);
    while (i < half && k < n) {
        /* Only "<" is asked, as Python's sort does: items need no other order. */
        bool right = reverse ? v_order(e->w, LESS, x[i].key, x[k].key) : v_order(e->w, LESS, x[k].key, x[i].key);
        scratch[to++] = right ? x[k++] : x[i++];
    }
    while (i < half)
        scratch[to++] = x[i++];
    memcpy(x, scratch, (size_t)to * sizeof *x);
}

static struct keyed *keyed_items(struct eval *e, const struct list *items)
{
    struct keyed *x = work_alloc(e->w, ((size_t)items->n + 1) * sizeof *x); /* never of size 0 */
    for (int i = 0; i < items->n; i++)
        x[i] = (struct keyed){ items->item[i], items->item[i] };
    return x;
}

/* Sorts x, which its callers go on using, and gives its values as a list. */
static struct value in_order(struct eval *e, struct keyed *x, int n, bool reverse)
{
    struct value out = v_list(e->w, L_LIST);
    merge_sort(e, x, work_alloc(e->w, ((size_t)n + 1) * sizeof *x), n, reverse);
    for (int i = 0; i < n; i++)
        list_add(e->w, out.list, x[i].value);
    return out;
}

/* "a,b.c" sorts by several attributes, so a key is a list. */
static struct value f_sort(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* Keys are made once per item; comparing then costs no attribute look-ups. */
    struct list *items = value_items(e, in), *paths = v_list(e->w, L_LIST).list;
    struct keyed *x = keyed_items(e, items);
    (void)c;
    /* A list of one key compares as the key does, so one path needs no case of its own. */
    if (a[2].type == V_STRING)
        paths = text_split(e, a[2].s, v_text(","), -1, false).list;
    else
        list_add(e->w, paths, a[2].type == V_ABSENT ? v_none() : a[2]);
    for (int i = 0; i < items->n; i++) {
        x[i].key = v_list(e->w, L_LIST);
        for (int k = 0; k < paths->n; k++) {
            struct value v = attribute_get(e, items->item[i], attribute_parts(e, paths->item[k]), v_none());
            list_add(e->w, x[i].key.list, fold(e, v, arg_true(a[1], false)));
        }
    }
    return in_order(e, x, items->n, arg_true(a[0], false));
}

static struct value f_dictsort(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    /* dictsort calls .items() at once; an undefined value fails there, where sort takes it for an empty list. */
    if (in.type == V_UNDEFINED)
        v_complain(e->w, in);
    if (in.type != V_DICT)
        work_fail(e->w, "%s has no items to sort", v_type_name(in));
    /* The pair's index: 0 the key, 1 the value. */
    bool by_value = a[1].type == V_STRING && slice_is(a[1].s, "value");
    if (a[1].type != V_ABSENT && !by_value && !(a[1].type == V_STRING && slice_is(a[1].s, "key")))
        work_fail(e->w, "dictsort sorts by 'key' or by 'value'");
    struct list *items = dict_view(e->w, in.dict, L_ITEMS).list;
    struct keyed *x = keyed_items(e, items);
    for (int i = 0; i < items->n; i++)
        x[i].key = fold(e, x[i].value.list->item[by_value], arg_true(a[0], false));
    return in_order(e, x, items->n, arg_true(a[2], false));
}

static struct value f_groupby(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    /* itertools.groupby() over the sorted items, so groups come in the order of their keys and each key once. */
    struct list *items = value_items(e, in), *parts = attribute_parts(e, a[0]);
    struct value out = v_list(e->w, L_LIST), otherwise = a[1].type == V_ABSENT ? v_none() : a[1];
    struct keyed *x = keyed_items(e, items);
    (void)c;
    for (int i = 0; i < items->n; i++)
        x[i].key = fold(e, attribute_get(e, items->item[i], parts, otherwise), arg_true(a[2], false));
    in_order(e, x, items->n, false); /* sorts x; its list is not needed */
    for (int i = 0; i < items->n;) {
        struct value group = v_list(e->w, L_GROUP), members = v_list(e->w, L_LIST);
        int first = i;
        for (; i < items->n && v_equal(e->w, x[i].key, x[first].key); i++)
            list_add(e->w, members.list, x[i].value);
        /* A nan equals nothing, itself included: the loop would not go on. */
        if (i == first)
            work_fail(e->w, "groupby by a value that does not equal itself");
        /* The grouper is the first item's own value, not the lowered key. */
        list_add(e->w, group.list, attribute_get(e, x[first].value, parts, otherwise));
        list_add(e->w, group.list, members);
        list_add(e->w, out.list, group);
    }
    return out;
}

static struct value extreme(struct eval *e, struct value in, struct value *a, enum order op)
{
    /* One pass; an empty sequence gives undefined, as jinja2's _min_or_max() does. */
    struct iter *it = value_iter(e, in);
    struct list *parts = attribute_parts(e, a[1]);
    struct value v, best = v_nothing(), best_key = v_nothing();
    for (bool first = true; iter_next(e, it, &v); first = false) {
        struct value key = fold(e, attribute_get(e, v, parts, v_none()), arg_true(a[0], false));
        /* Of equal items the first one stays, by max() too. */
        if (first || v_order(e->w, op, key, best_key)) {
            best = v;
            best_key = key;
        }
    }
    return best;
}

static struct value f_min(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return extreme(e, in, a, LESS);
}

static struct value f_max(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return extreme(e, in, a, GREATER);
}

static struct value f_sum(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct list *parts = attribute_parts(e, a[0]);
    struct value v, total = a[1].type == V_ABSENT ? v_int(0) : a[1];
    struct iter *it = value_iter(e, in);
    (void)c;
    if (total.type == V_STRING)      /* as sum() refuses it */
        work_fail(e->w, "strings cannot be summed; join them");
    while (iter_next(e, it, &v))
        /* Python's +, so start may be a list; undefined items fail. */
        total = value_binary(e, (struct slice){ "+", 1 }, total, attribute_get(e, v, parts, v_none()));
    return total;
}

/* ---- generators ---- */

/* Generators look at their input when the first item is asked for, so the mistakes in them show there, or never: "x|map('nosuch')"
 * that nobody walks is no error. */
/* A filter's first step: falsy input (none, too) has no items. */
static bool begin(struct eval *e, struct iter *it)
{
    if (!it->from)
        it->from = v_true(it->in) ? value_iter(e, it->in) : list_iter(e->w, v_list(e->w, L_LIST).list);
    return true;
}

/* The arguments behind the filter's or test's name. Their arrays are in the arena and outlive the call that they came with. */
static struct call *keep_call(struct eval *e, const struct call *c, int from)
{
    struct call *k = work_alloc(e->w, sizeof *k);
    *k = *c;
    k->n_pos = from < c->n_pos ? c->n_pos - from : 0;
    k->pos = k->n_pos ? c->pos + from : NULL; /* still the same array */
    return k;
}

/* map(attribute=..., default=...) and nothing else by name. */
static void map_attribute(struct eval *e, struct iter *it)
{
    struct value a[2];
    /* prepare_map(): any other name beside attribute is an error. */
    args_bind(e, "map", "attribute default?", it->call, a);
    it->list = attribute_parts(e, a[0]);
    it->list = it->list ? it->list : v_list(e->w, L_LIST).list;
    it->b = a[1].type == V_ABSENT ? v_none() : a[1];
}

static bool map_next(struct eval *e, struct iter *it, struct value *out)
{
    struct value v;
    bool attribute = false;
    for (int i = 0; i < it->call->n_named; i++)
        /* prepare_map(): "attribute" means something only where no filter is named by position. */
        attribute |= it->call->n_pos == 0 && slice_is(it->call->name[i], "attribute");
    /* Falsy input returns before the arguments are looked at: none|map() is empty and no error. */
    if (!it->from && v_true(it->in)) {
        if (attribute)
            map_attribute(e, it);
        else if (it->call->n_pos == 0)
            work_fail(e->w, "map requires a filter");
    }
    begin(e, it);
    if (!iter_next(e, it->from, &v))
        return false;
    if (attribute)
        *out = attribute_get(e, v, it->list, it->b);
    else
        /* An unknown filter fails here, at an item: its name is a value that the parser cannot check. */
        *out = filter_apply(e, arg_text(e, it->call->pos[0]), v, keep_call(e, it->call, 1));
    return true;
}

static struct value f_map(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a;
    return v_iter(e->w, (struct iter){ .next = map_next, .in = in, .call = keep_call(e, c, 0) });
}

/* select, reject, selectattr, rejectattr: a test, or truth, of the item or of its attribute. */
static bool select_next(struct eval *e, struct iter *it, struct value *out)
{
    const struct call *c = it->call;
    int first = it->attribute ? 1 : 0;
    if (!it->from && v_true(it->in) && it->attribute) {
        if (c->n_pos == 0)           /* FilterArgumentError, at the first item */
            work_fail(e->w, "the name of an attribute is missing");
        it->list = attribute_parts(e, c->pos[0]);
    }
    begin(e, it);
    /* One item per call: "first" behind a select tests no more than it needs. */
    while (iter_next(e, it->from, out)) {
        struct value v = attribute_get(e, *out, it->list, v_none());
        /* Without a test an item's truth counts. Arguments by name alone never name a test. */
        bool yes = c->n_pos > first ? test_apply(e, arg_text(e, c->pos[first]), v, keep_call(e, c, first + 1)) : v_true(v);
        if (yes == it->keep)
            return true;
    }
    return false;
}

static struct value selector(struct eval *e, struct value in, const struct call *c, bool attribute, bool keep)
{
    return v_iter(e->w, (struct iter){ .next = select_next, .in = in, .call = keep_call(e, c, 0), .attribute = attribute, .keep = keep });
}

static struct value f_select(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a;
    return selector(e, in, c, false, true);
}

static struct value f_reject(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a;
    return selector(e, in, c, false, false);
}

static struct value f_selectattr(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a;
    return selector(e, in, c, true, true);
}

static struct value f_rejectattr(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a;
    return selector(e, in, c, true, false);
}

static bool unique_next(struct eval *e, struct iter *it, struct value *out)
{
    /* unlike map and select, unique has no exception for falsy input: none is an error. */
    it->from = it->from ? it->from : value_iter(e, it->in);
    struct list *parts = attribute_parts(e, it->b);
    while (iter_next(e, it->from, out)) {
        struct value key = fold(e, attribute_get(e, *out, parts, v_none()), arg_true(it->a, false));
        if (!v_hashable(e->w, key))  /* the set's complaint */
            work_fail(e->w, "unhashable type: '%s'", v_type_name(key));
        bool seen = false;
        /* A set in Python, and so by equality: 1, 1.0 and true are one. The square is counted as steps. */
        for (int i = 0; i < it->list->n && !seen; i++)
            seen = v_equal(e->w, it->list->item[i], key);
        if (!seen) {
            list_add(e->w, it->list, key);
            return true;
        }
    }
    return false;
}

static struct value f_unique(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return v_iter(e->w, (struct iter){ .next = unique_next, .in = in, .a = a[0], .b = a[1], .list = v_list(e->w, L_LIST).list });
}

static bool batch_next(struct eval *e, struct iter *it, struct value *out)
{
    struct value v = v_list(e->w, L_LIST), x;
    it->from = it->from ? it->from : value_iter(e, it->in);
    if (it->list && it->list->n) {       /* jinja2 gives an empty row before the first item where a row has no room */
        list_add(e->w, v.list, it->list->item[0]);
        it->list->n = 0;
    }
    while (iter_next(e, it->from, &x)) {
        /* len(tmp) == linecount, looked at before an item is added: a row is given out when the next item is there, which waits in
         * it->list. */
        bool full = it->a.type == V_FLOAT ? it->a.f == v.list->n : v_whole(it->a) == v.list->n;
        if (full) {
            it->list = it->list ? it->list : v_list(e->w, L_LIST).list;
            list_add(e->w, it->list, x);
            *out = v;
            return true;
        }
        list_add(e->w, v.list, x);
    }
    if (v.list->n == 0)
        return false;
    /* The last row alone is filled up. */
    if (it->b.type != V_NONE && it->b.type != V_ABSENT)
        for (int64_t n = arg_int(e, it->a, 0); v.list->n < n;)
            list_add(e->w, v.list, it->b);
    *out = v;
    return true;
}

static struct value f_batch(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    double x;
    (void)c;
    if (!v_number(a[0], &x))
        a[0] = v_int(-1);                /* equals no length: all items in one row */
    return v_iter(e->w, (struct iter){ .next = batch_next, .in = in, .a = a[0], .b = a[1] });
}

static bool slice_next(struct eval *e, struct iter *it, struct value *out)
{
    /* list(value) first: how many go into a column depends on all. */
    if (!it->list)
        it->list = value_items(e, it->in);
    int64_t n = arg_int(e, it->a, 0), i = it->at++;
    if (n == 0)                      /* divmod() by 0, even for no items */
        work_fail(e->w, "integer division or modulo by zero");
    if (i >= n)
        return false;
    /* The first 'more' columns have one item more than the others; fill_with goes to the others. */
    int64_t each = it->list->n / n, more = it->list->n % n, from = i * each + (i < more ? i : more), to = from + each + (i < more);
    *out = v_list(e->w, L_LIST);
    for (int64_t k = from; k < to; k++)
        list_add(e->w, out->list, it->list->item[k]);
    if (it->b.type != V_NONE && it->b.type != V_ABSENT && i >= more)
        list_add(e->w, out->list, it->b);
    return true;
}

static struct value f_slice(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return v_iter(e->w, (struct iter){ .next = slice_next, .in = in, .a = a[0], .b = a[1] });
}

static bool items_next(struct eval *e, struct iter *it, struct value *out)
{
    if (!it->from) {
        /* A generator, too: the complaint comes with the first item. */
        if (it->in.type != V_UNDEFINED && it->in.type != V_DICT)
            work_fail(e->w, "%s has no pairs of items", v_type_name(it->in));
        it->from = list_iter(e->w, it->in.type == V_DICT ? dict_view(e->w, it->in.dict, L_ITEMS).list : v_list(e->w, L_LIST).list);
    }
    return iter_next(e, it->from, out);
}

static struct value f_items(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_iter(e->w, (struct iter){ .next = items_next, .in = in });
}

/* ---- ends, turning round, joining ---- */

static struct value f_first(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct value v;
    (void)a, (void)c;
    return iter_next(e, value_iter(e, in), &v) ? v : v_nothing();
}

static struct list *reversed(struct eval *e, struct value in)
{
    struct list *items = value_items(e, in), *out = v_list(e->w, L_LIST).list;
    for (int i = items->n - 1; i >= 0; i--)
        list_add(e->w, out, items->item[i]);
    return out;
}

static struct value f_last(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    /* last() is the first of reversed(), which generators do not have. */
    if (in.type == V_ITER || in.type == V_LOOP)
        work_fail(e->w, "'%s' object is not reversible", v_type_name(in));
    struct list *items = reversed(e, in);
    return items->n ? items->item[0] : v_nothing(); /* "last" of nothing is undefined */
}

static struct value f_reverse(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    struct list *items = reversed(e, in);
    /* A string's reverse is a string; of other sequences it is an iterator, which has no length; of generators a list. As jinja2's
     * do_reverse(). */
    if (in.type == V_STRING)
        return (struct value){ .type = V_STRING, .safe = in.safe, .s = text_join(e, (struct slice){ "", 0 }, list_iter(e->w, items),
                v_none(), false) };
    if (in.type == V_ITER || in.type == V_LOOP)
        return (struct value){ .type = V_LIST, .list = items };
    return (struct value){ .type = V_ITER, .iter = list_iter(e->w, items) };
}

static struct value f_list(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    struct value out = v_list(e->w, L_LIST), v;
    struct iter *it = value_iter(e, in);
    (void)a, (void)c;
    /* Always a copy, so that "x|list" of a tuple compares as a list. */
    while (iter_next(e, it, &v))
        list_add(e->w, out.list, v);
    return out;
}

static struct value f_join(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)c;
    return v_slice(text_join(e, a[0].type == V_ABSENT ? (struct slice){ "", 0 } : v_string(e->w, a[0]), value_iter(e, in), a[1], false));
}

static struct value f_length(struct eval *e, struct value in, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    /* Generators have no length: "x|select|length" is an error in jinja2. */
    return v_int(value_length(e, in));
}

const struct filter_row list_filters[] = {
    { "length", "", f_length }, { "count", "", f_length }, { "join", "d? attribute?", f_join }, { "first", "", f_first },
    { "last", "", f_last },
    { "list", "", f_list }, { "items", "", f_items }, { "dictsort", "case_sensitive? by? reverse?", f_dictsort },
    { "select", NULL, f_select },
    { "reject", NULL, f_reject }, { "selectattr", NULL, f_selectattr }, { "rejectattr", NULL, f_rejectattr }, { "map", NULL, f_map },
    { "unique", "case_sensitive? attribute?", f_unique }, { "sort", "reverse? case_sensitive? attribute?", f_sort },
    { "reverse", "", f_reverse },
    { "sum", "attribute? start?", f_sum }, { "min", "case_sensitive? attribute?", f_min }, { "max", "case_sensitive? attribute?", f_max },
    { "groupby", "attribute default? case_sensitive?", f_groupby }, { "batch", "linecount fill_with?", f_batch },
    { "slice", "slices fill_with?", f_slice },
    { "random", NULL, NULL }, { NULL, NULL, NULL },
};
