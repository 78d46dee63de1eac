/* template_eval.c - expressions give values: names, attributes, items, operators, calls. */
#include "template_priv.h"

#include <string.h>

void eval_at(struct eval *e, const struct node *n)
{
    /* Lines are for messages: an error names the line of what is being evaluated, not where its operand ended. */
    e->w->line = n->line;
    work_charge(e->w, 1);
}

static struct value get_var(struct eval *e, struct slice name)
{
    /* Innermost first. A name that is set to an undefined value is found, too: it hides an outer one, as in jinja2. */
    for (const struct frame *f = e->frame; f; f = f->up) {
        const struct value *v = dict_get(e->w, &f->vars, v_slice(name));
        if (v)
            return *v;
    }
    /* jinja2 has it in every template, for blocks; as an undefined name it would be false in silence. */
    if (slice_is(name, "self"))
        work_fail(e->w, "self is not supported");
    /* Functions come last, so that a template may set a variable of their name. */
    int which = builtin_find(name);
    return which >= 0 ? (struct value){ .type = V_BUILTIN, .builtin = which } : v_undefined(name);
}

/* ---- attributes, items, slices ---- */

struct value value_attr(struct eval *e, struct value v, struct slice name)
{
    if (v.type == V_UNDEFINED)
        v_complain(e->w, v);
    /* The sandbox makes these undefined instead of failing: "x.append is defined" is false. */
    if (method_forbidden(v, name))
        return v_undefined(name);
    /* obj.name: Python's attributes come before a dict's keys, so that {'items': 1}.items is the method. value_item() has it the other
     * way round. */
    struct value m = method_find(e, v, name);
    /* method_find() fails by name for what Python has and we do not, so nothing known is undefined by mistake. */
    if (m.type != V_ABSENT)
        return m;
    if (v.type == V_LOOP)
        return loop_attr(e, v.loop, name);
    /* _GroupTuple's names; any other tuple has none. */
    if (v.type == V_LIST && v.list->kind == L_GROUP && (slice_is(name, "grouper") || slice_is(name, "list")))
        return v.list->item[slice_is(name, "list")];
    const struct value *item = v.type == V_DICT || v.type == V_SPACE ? dict_get(e->w, v.dict, v_slice(name)) : NULL;
    return item ? *item : v_undefined(name); /* the name is for the message of whoever uses it */
}

struct value value_item(struct eval *e, struct value v, struct value key)
{
    const struct slice nameless = { "item", 4 };
    if (v.type == V_UNDEFINED)
        v_complain(e->w, v);
    /* obj['name']: keys first, then attributes. A key that cannot be hashed is no error here: jinja2 catches the TypeError and gives
     * undefined. */
    const struct value *item = v.type == V_DICT && v_hashable(e->w, key) ? dict_get(e->w, v.dict, key) : NULL;
    if (item)
        return *item;
    if (key.type == V_STRING)
        return value_attr(e, v, key.s);
    /* Views of dicts have no index. */
    bool sequence = v.type == V_STRING || (v.type == V_LIST && v.list->kind <= L_RANGE);
    if (!sequence || (key.type != V_INT && key.type != V_BOOL))
        return v_undefined(nameless);
    /* Out of range is undefined, not an error, so templates may ask for messages[0] of none. */
    int64_t i = v_whole(key), n = value_length(e, v);
    i = i < 0 ? i + n : i;
    if (i < 0 || i >= n)
        return v_undefined(nameless);
    if (v.type == V_LIST)            /* ranges too: their items are there */
        return v.list->item[i];
    /* Characters are counted from the front: an index costs the text before it, and a loop over all indices the square. */
    work_charge(e->w, v.s.len / 32);
    return (struct value){ .type = V_STRING, .safe = v.safe, .s = text_slice(v.s, i, i + 1) };
}

static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

static bool is_index(struct value v)
{
    return v.type == V_NONE || v.type == V_INT || v.type == V_BOOL; /* a slice's ends may be None, an index may not */
}

/* One end of a slice: counted from the back where negative, then cut to [low, high], so that no slice is out of range. */
static int64_t bound(struct value v, int64_t count, int64_t otherwise, int64_t low, int64_t high)
{
    int64_t i = v.type == V_NONE ? otherwise : v_whole(v);
    return v.type == V_NONE ? otherwise : clamp(i < 0 ? i + count : i, low, high);
}

static struct value text_part(struct eval *e, struct value v, int64_t begin, int64_t end, int64_t step)
{
    struct buf *b = work_buf(e->w);
    struct value out = { .type = V_STRING, .safe = v.safe };
    work_charge(e->w, v.s.len / 16);
    /* The common case shares the text's bytes. */
    if (step == 1) {
        out.s = text_slice(v.s, begin, end > begin ? end : begin);
        return out;
    }
    struct list *chars = value_items(e, v); /* one value per character */
    for (int64_t i = begin; step > 0 ? i < end : i > end;) {
        work_add(e->w, b, chars->item[i].s);
        if (__builtin_add_overflow(i, step, &i)) /* a step may be as large as 64 bits allow */
            break;
    }
    out.s = work_take(e->w, b);
    return out;
}

/* A slice of a range is one, and prints as one: its ends may lie beyond all of its numbers, and so beyond 64 bits. */
static void slice_range(struct eval *e, const struct list *l, int64_t begin, int64_t end, int64_t step, struct list *out)
{
    int64_t first, last;
    bool over = __builtin_mul_overflow(begin, l->step, &first) || __builtin_add_overflow(l->start, first, &out->start);
    over = __builtin_mul_overflow(end, l->step, &last) || __builtin_add_overflow(l->start, last, &out->stop) || over;
    if (__builtin_mul_overflow(l->step, step, &out->step) || over)
        work_fail(e->w, "a range of whole numbers of more than 64 bits");
}

struct value value_slice(struct eval *e, struct value v, struct value from, struct value to, struct value by)
{
    if (v.type == V_UNDEFINED)
        v_complain(e->w, v);
    bool sequence = v.type == V_STRING || (v.type == V_LIST && v.list->kind <= L_RANGE);
    if (!sequence || !is_index(from) || !is_index(to) || !is_index(by))
        work_fail(e->w, "%s cannot be sliced so", v_type_name(v));
    /* The smallest number has no negative; one more is as good, since no text is that long. */
    int64_t step = by.type == V_NONE ? 1 : clamp(v_whole(by), INT64_MIN + 1, INT64_MAX), count = value_length(e, v);
    if (step == 0)
        work_fail(e->w, "slice step cannot be zero");
    /* Backwards, a slice ends before the first item, at -1, and begins at the last one: PySlice_AdjustIndices. */
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? count - 1 : count;
    int64_t begin = bound(from, count, step < 0 ? high : low, low, high), end = bound(to, count, step < 0 ? low : high, low, high);
    if (v.type == V_STRING)          /* Markup's slices are Markup */
        return text_part(e, v, begin, end, step);
    /* A slice of groupby's named tuple is a plain tuple. */
    struct value out = v_list(e->w, v.list->kind == L_GROUP ? L_TUPLE : v.list->kind);
    if (v.list->kind == L_RANGE)
        slice_range(e, v.list, begin, end, step, out.list);
    for (int64_t i = begin; step > 0 ? i < end : i > end;) {
        list_add(e->w, out.list, v.list->item[i]);
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return out;
}

static struct value eval_or_none(struct eval *e, const struct node *n)
{
    return n ? eval_node(e, n) : v_none();
}

static struct value sliced(struct eval *e, const struct node *n)
{
    struct value v = eval_node(e, n->a), begin = eval_or_none(e, n->b), end = eval_or_none(e, n->c);
    struct value step = eval_or_none(e, n->n ? n->list[0] : NULL);
    /* Evaluating the parts has moved the line on. */
    e->w->line = n->line;
    return value_slice(e, v, begin, end, step);
}

/* ---- operators ---- */

static struct value binary(struct eval *e, const struct node *n)
{
    struct value a = eval_node(e, n->a), b = eval_node(e, n->b);
    e->w->line = n->line;
    if (!slice_is(n->name, "~"))
        return value_binary(e, n->name, a, b);
    /* ~ joins str() of both whatever they are; undefined is empty. It never marks its text as safe, as markup_join would with
     * autoescape on. */
    struct buf *t = work_buf(e->w);
    work_add(e->w, t, v_string(e->w, a));
    work_add(e->w, t, v_string(e->w, b));
    return v_slice(work_take(e->w, t));
}

static bool holds(struct eval *e, struct slice op, struct value a, struct value b)
{
    if (slice_is(op, "=="))
        return v_equal(e->w, a, b);
    if (slice_is(op, "!="))
        return !v_equal(e->w, a, b);
    if (slice_is(op, "in"))
        return v_contains(e, b, a);
    if (slice_is(op, "not in"))
        return !v_contains(e, b, a);
    /* For undefined operands ordering fails while == and != compare: jinja2's Undefined defines the latter only. */
    return v_order(e->w, slice_is(op, "<") ? LESS : slice_is(op, "<=") ? LESS_EQUAL : slice_is(op, ">") ? GREATER : GREATER_EQUAL, a, b);
}

static struct value compare(struct eval *e, const struct node *n)
{
    struct value a = eval_node(e, n->a);
    /* a < b < c asks for b once and for c only if a < b holds. */
    for (int i = 0; i < n->n; i++) {
        struct value b = eval_node(e, n->list[i]);
        e->w->line = n->line;
        if (!holds(e, n->ops[i], a, b))
            return v_bool(false);
        a = b;
    }
    return v_bool(true);
}

/* ---- calls ---- */

static void add_named(struct eval *e, struct call *c, int *cap, struct slice name, struct value v)
{
    /* The parser sees x=1, x=2; x=1, **{'x': 2} only shows here. */
    for (int i = 0; i < c->n_named; i++)
        if (c->name[i].len == name.len && !memcmp(c->name[i].ptr, name.ptr, name.len))
            work_fail(e->w, "the argument '%.*s' is given twice", (int)name.len, name.ptr);
    if (c->n_named == *cap) {
        *cap = *cap ? 2 * *cap : 4;
        struct slice *names = work_alloc(e->w, (size_t)*cap * sizeof *names);
        struct value *values = work_alloc(e->w, (size_t)*cap * sizeof *values);
        if (c->n_named) {
            memcpy(names, c->name, (size_t)c->n_named * sizeof *names);
            memcpy(values, c->named, (size_t)c->n_named * sizeof *values);
        }
        c->name = names;
        c->named = values;
    }
    c->name[c->n_named] = name;
    c->named[c->n_named++] = v;
}

void eval_args(struct eval *e, const struct node *n, struct call *c)
{
    struct list *pos = v_list(e->w, L_LIST).list;
    int cap = 0;
    *c = (struct call){ 0 };
    /* Left to right, arguments by name and from * and ** included: a later one may fail, and which error comes first is seen by who
     * reads it. */
    for (int i = 0; i < n->n_args; i++) {
        const struct arg *a = &n->arg[i];
        struct value v = eval_node(e, a->value), x;
        if (a->kind == ARG_POSITION) {
            list_add(e->w, pos, v);
        } else if (a->kind == ARG_NAMED) {
            add_named(e, c, &cap, a->name, v);
        } else if (a->kind == ARG_LIST) {
            for (struct iter *it = value_iter(e, v); iter_next(e, it, &x);)
                list_add(e->w, pos, x);
        } else {
            if (v.type != V_DICT)
                work_fail(e->w, "the argument after ** must be a mapping, not %s", v_type_name(v));
            for (int k = 0; k < v.dict->n; k++)
                add_named(e, c, &cap, arg_text(e, v.dict->key[k]), v.dict->value[k]);
        }
    }
    c->pos = pos->item;
    c->n_pos = pos->n;
}

struct value eval_call(struct eval *e, struct value f, const struct call *c)
{
    switch (f.type) {
    case V_MACRO: return call_macro(e, f.macro, c);
    case V_BUILTIN: return builtin_call(e, f.builtin, c);
    case V_METHOD: return method_call(e, f.method, c);
    case V_LOOP: return call_loop(e, f.loop, c);
    /* jinja2 names what is missing, not "object is not callable". */
    case V_UNDEFINED: v_complain(e->w, f);
    default: work_fail(e->w, "'%s' object is not callable", v_type_name(f));
    }
}

static struct value call(struct eval *e, const struct node *n)
{
    struct value f = eval_node(e, n->a);
    struct call c;
    eval_args(e, n, &c);             /* moves the line */
    e->w->line = n->line;
    return eval_call(e, f, &c);
}

static struct value apply(struct eval *e, const struct node *n, struct value in)
{
    struct call c;
    eval_args(e, n, &c);
    e->w->line = n->line;
    if (n->kind == E_FILTER)
        return filter_apply(e, n->name, in, &c);
    return v_bool(test_apply(e, n->name, in, &c) != n->negated);
}

/* ---- expressions ---- */

static struct value collection(struct eval *e, const struct node *n)
{
    struct value v = n->kind == E_DICT ? v_dict(e->w) : v_list(e->w, n->kind == E_TUPLE ? L_TUPLE : L_LIST);
    /* A dict's items are keys and values by turns. A key that comes again keeps its place and takes the later value. */
    for (int i = 0; i < n->n; i += n->kind == E_DICT ? 2 : 1) {
        if (n->kind == E_DICT) {
            struct value key = eval_node(e, n->list[i]);
            dict_set(e->w, v.dict, key, eval_node(e, n->list[i + 1]));
        } else {
            list_add(e->w, v.list, eval_node(e, n->list[i]));
        }
    }
    return v;
}

static struct value choose(struct eval *e, const struct node *n)
{
    if (v_true(eval_node(e, n->b)))
        return eval_node(e, n->a);
    /* Without else it is undefined, which prints as nothing, not None. */
    return n->c ? eval_node(e, n->c) : v_nothing();
}

static struct value eval_one(struct eval *e, const struct node *n)
{
    struct value a;
    switch (n->kind) {
    case E_CONST: return n->constant; /* evaluated by the parser */
    case E_HOLE: return e->hole;     /* inside of "filter" and "set x | f" */
    case E_NAME: return get_var(e, n->name);
    case E_LIST:
    case E_TUPLE:
    case E_DICT: return collection(e, n);
    case E_ATTR: return value_attr(e, eval_node(e, n->a), n->name);
    case E_ITEM:
        a = eval_node(e, n->a);
        return value_item(e, a, eval_node(e, n->b));
    case E_SLICE: return sliced(e, n);
    case E_CALL: return call(e, n);
    case E_FILTER:
    /* The operand comes before the arguments, as in jinja2's generated calls. */
    case E_TEST: return apply(e, n, eval_node(e, n->a));
    case E_NOT: return v_bool(!v_true(eval_node(e, n->a)));
    case E_NEG:
    case E_POS: return value_negative(e, eval_node(e, n->a), n->kind == E_NEG);
    /* The operand itself, not its truth, is the result: "x or 'default'". */
    case E_AND:
        a = eval_node(e, n->a);
        return v_true(a) ? eval_node(e, n->b) : a;
    case E_OR:
        a = eval_node(e, n->a);
        return v_true(a) ? a : eval_node(e, n->b);
    case E_IF: return choose(e, n);
    case E_BINARY: return binary(e, n);
    default: return compare(e, n);   /* E_COMPARE: no statement gets here */
    }
}

struct value eval_node(struct eval *e, const struct node *n)
{
    eval_at(e, n);
    /* The tree is only as deep as its source, but macros recurse: this is what keeps the C stack bounded. */
    work_deeper(e->w);
    struct value v = eval_one(e, n);
    e->w->depth--;
    return v;
}
