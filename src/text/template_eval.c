/* template_eval.c - the tree walked: statements write text, expressions give values.
 * Scopes as in jinja2: for, macro and filter blocks have their own, if has none; what a loop sets is gone after it unless it is kept in a
 * namespace. */
#include "template_priv.h"

#include <math.h>
#include <string.h>

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

static enum flow run_list(struct eval *e, struct node *const *list, int n);
static struct value eval(struct eval *e, const struct node *n);

static void at(struct eval *e, const struct node *n)
{
    e->w->line = n->line;
    if (++e->w->steps > MAX_STEPS)
        work_fail(e->w, "more than %d steps; does it loop for ever?", MAX_STEPS);
}

/* ---- names ---- */

static void set_var(struct eval *e, struct slice name, struct value v)
{
    dict_set(e->w, &e->frame->vars, v_slice(name), v);
}

static struct value get_var(struct eval *e, struct slice name)
{
    for (const struct frame *f = e->frame; f; f = f->up) {
        const struct value *v = dict_get(&f->vars, v_slice(name));
        if (v)
            return *v;
    }
    int which = builtin_find(name);
    return which >= 0 ? (struct value){ .type = V_BUILTIN, .builtin = which } : v_undefined(name);
}

static struct frame *push_frame(struct eval *e)
{
    struct frame *f = work_alloc(e->w, sizeof *f);
    f->up = e->frame;
    e->frame = f;
    return f;
}

static void unpack(struct eval *e, const struct slice *name, int n, struct value v)
{
    if (n == 1) {
        set_var(e, name[0], v);
        return;
    }
    struct list *items = v_items(e->w, v);
    if (items->n != n)
        work_fail(e->w, "%d values for %d names", items->n, n);
    for (int i = 0; i < n; i++)
        set_var(e, name[i], items->item[i]);
}

/* ---- attributes, items, slices ---- */

struct value value_attr(struct eval *e, struct value v, struct slice name)
{
    if (v.type == V_UNDEFINED)
        work_fail(e->w, "'%.*s' is undefined", (int)v.name.len, v.name.ptr ? v.name.ptr : "");
    if (v.type == V_DICT) {
        if (!v.dict->mutable && method_known(v, name))
            goto method;
        const struct value *item = dict_get(v.dict, v_slice(name));
        return item ? *item : v_undefined(name);
    }
    if (!method_known(v, name))
        return v_undefined(name);
method:;
    struct method *m = work_alloc(e->w, sizeof *m);
    *m = (struct method){ v, name };
    return (struct value){ .type = V_METHOD, .method = m };
}

struct value value_item(struct eval *e, struct value v, struct value key)
{
    if (v.type == V_UNDEFINED)
        work_fail(e->w, "'%.*s' is undefined", (int)v.name.len, v.name.ptr ? v.name.ptr : "");
    if (v.type == V_DICT) {
        const struct value *item = dict_get(v.dict, key);
        if (item)
            return *item;
        return key.type == V_STRING && method_known(v, key.s) ? value_attr(e, v, key.s) : v_undefined(v_string(e->w, key));
    }
    if (key.type == V_STRING)
        return value_attr(e, v, key.s);
    if (key.type != V_INT && key.type != V_BOOL)
        return v_undefined((struct slice){ "item", 4 });
    int64_t i = key.type == V_INT ? key.i : key.b;
    if (v.type == V_STRING) {
        int64_t n = text_length(v.s);
        i = i < 0 ? i + n : i;
        return i >= 0 && i < n ? v_slice(text_slice(v.s, i, i + 1)) : v_undefined((struct slice){ "item", 4 });
    }
    if (v.type != V_LIST)
        return v_undefined((struct slice){ "item", 4 });
    i = i < 0 ? i + v.list->n : i;
    return i >= 0 && i < v.list->n ? v.list->item[i] : v_undefined((struct slice){ "item", 4 });
}

static bool bound(struct eval *e, const struct node *n, int64_t *out)
{
    struct value v = n ? eval(e, n) : v_none();
    if (v.type == V_NONE)
        return false;
    if (v.type != V_INT)
        work_fail(e->w, "slice indices must be whole numbers, not %s", v_type_name(v));
    *out = v.i;
    return true;
}

static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* v[b:c:step] with Python's rules. */
static struct value slice_value(struct eval *e, const struct node *n)
{
    struct value v = eval(e, n->a);
    int64_t step = 1, begin = 0, end = 0;
    if (v.type != V_STRING && v.type != V_LIST)
        work_fail(e->w, "%s cannot be sliced", v_type_name(v));
    if (n->n)
        bound(e, n->list[0], &step);
    if (step == 0)
        work_fail(e->w, "slice step cannot be zero");
    struct list *items = v_items(e->w, v);
    int64_t count = items->n, low = step < 0 ? -1 : 0, high = step < 0 ? count - 1 : count;
    if (bound(e, n->b, &begin))
        begin = clamp(begin < 0 ? begin + count : begin, low, high);
    else
        begin = step < 0 ? high : low;
    if (bound(e, n->c, &end))
        end = clamp(end < 0 ? end + count : end, low, high);
    else
        end = step < 0 ? low : high;
    struct value out = v_list(e->w, v.type == V_LIST && v.list->tuple);
    struct buf *text = work_buf(e->w);
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step) {
        if (v.type == V_LIST)
            list_add(e->w, out.list, items->item[i]);
        else
            buf_add(text, items->item[i].s.ptr, items->item[i].s.len);
        if (step > count || step < -count)
            break;
    }
    return v.type == V_LIST ? out : v_slice(work_take(e->w, text));
}

/* ---- operators ---- */

static struct value repeat(struct eval *e, struct value what, int64_t times)
{
    struct buf *b = work_buf(e->w);
    struct value out = v_list(e->w, what.type == V_LIST && what.list->tuple);
    size_t unit = what.type == V_STRING ? what.s.len : (size_t)what.list->n * sizeof(struct value);
    if (times > 0 && unit && (uint64_t)times > MAX_OUTPUT / unit)
        work_fail(e->w, "a repetition of more than %d bytes", MAX_OUTPUT);
    for (int64_t i = 0; unit && i < times; i++) {
        if (what.type == V_STRING)
            buf_add(b, what.s.ptr, what.s.len);
        else
            for (int k = 0; k < what.list->n; k++)
                list_add(e->w, out.list, what.list->item[k]);
    }
    return what.type == V_STRING ? v_slice(work_take(e->w, b)) : out;
}

static struct value plus(struct eval *e, struct value a, struct value b)
{
    if (a.type == V_STRING && b.type == V_STRING) {
        struct buf *t = work_buf(e->w);
        if (a.s.len + b.s.len > MAX_OUTPUT)
            work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
        buf_add(t, a.s.ptr, a.s.len);
        buf_add(t, b.s.ptr, b.s.len);
        return v_slice(work_take(e->w, t));
    }
    if (a.type == V_LIST && b.type == V_LIST && a.list->tuple == b.list->tuple) {
        struct value out = v_list(e->w, a.list->tuple);
        for (int i = 0; i < a.list->n; i++)
            list_add(e->w, out.list, a.list->item[i]);
        for (int i = 0; i < b.list->n; i++)
            list_add(e->w, out.list, b.list->item[i]);
        return out;
    }
    work_fail(e->w, "cannot add %s and %s", v_type_name(a), v_type_name(b));
}

static int64_t whole(struct value v)
{
    return v.type == V_BOOL ? v.b : v.i;
}

static int64_t int_power(struct eval *e, int64_t a, int64_t n)
{
    int64_t r = 1;
    for (int64_t i = 0; i < n; i++) {
        if (i > 64 && (a > 1 || a < -1))
            work_fail(e->w, "number too large");
        if (i > 64)
            return n % 2 || a >= 0 ? a : -a;
        if (__builtin_mul_overflow(r, a, &r))
            work_fail(e->w, "number too large");
    }
    return r;
}

static struct value int_arithmetic(struct eval *e, struct slice op, int64_t a, int64_t b)
{
    int64_t r = 0;
    bool over = false;
    if (slice_is(op, "+"))
        over = __builtin_add_overflow(a, b, &r);
    else if (slice_is(op, "-"))
        over = __builtin_sub_overflow(a, b, &r);
    else if (slice_is(op, "*"))
        over = __builtin_mul_overflow(a, b, &r);
    else if (slice_is(op, "**"))
        r = int_power(e, a, b);
    else if (b == 0)
        work_fail(e->w, "division by zero");
    else if (slice_is(op, "/"))
        return v_float((double)a / (double)b);
    else if (b == -1)
        r = slice_is(op, "%") ? 0 : (int64_t)(0 - (uint64_t)a);
    else if (slice_is(op, "//"))
        r = a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    else if ((r = a % b) != 0 && (r < 0) != (b < 0))
        r += b;
    if (over)
        work_fail(e->w, "number too large");
    return v_int(r);
}

static struct value float_arithmetic(struct eval *e, struct slice op, double a, double b)
{
    if (slice_is(op, "+"))
        return v_float(a + b);
    if (slice_is(op, "-"))
        return v_float(a - b);
    if (slice_is(op, "*"))
        return v_float(a * b);
    if (slice_is(op, "**"))
        return v_float(pow(a, b));
    if (b == 0)
        work_fail(e->w, "division by zero");
    if (slice_is(op, "/"))
        return v_float(a / b);
    return v_float(slice_is(op, "//") ? floor(a / b) : a - b * floor(a / b));
}

static struct value binary(struct eval *e, const struct node *n)
{
    struct value a = eval(e, n->a), b = eval(e, n->b);
    double x, y;
    e->w->line = n->line;
    if (slice_is(n->name, "~")) {
        struct value text[2] = { v_slice(v_string(e->w, a)), v_slice(v_string(e->w, b)) };
        return plus(e, text[0], text[1]);
    }
    if (a.type == V_UNDEFINED || b.type == V_UNDEFINED) {
        struct slice name = a.type == V_UNDEFINED ? a.name : b.name;
        work_fail(e->w, "'%.*s' is undefined", (int)name.len, name.ptr ? name.ptr : "");
    }
    if (v_number(a, &x) && v_number(b, &y)) {
        if (a.type != V_FLOAT && b.type != V_FLOAT && !(slice_is(n->name, "**") && whole(b) < 0))
            return int_arithmetic(e, n->name, whole(a), whole(b));
        return float_arithmetic(e, n->name, x, y);
    }
    if (slice_is(n->name, "+"))
        return plus(e, a, b);
    if (slice_is(n->name, "*") && b.type == V_INT && (a.type == V_STRING || a.type == V_LIST))
        return repeat(e, a, b.i);
    if (slice_is(n->name, "*") && a.type == V_INT && (b.type == V_STRING || b.type == V_LIST))
        return repeat(e, b, a.i);
    if (slice_is(n->name, "%") && a.type == V_STRING)
        return filter_apply(e, (struct slice){ "format", 6 }, a, &(struct call){ .pos = b.type == V_LIST && b.list->tuple ? b.list->item : &b,
                                                                                .n_pos = b.type == V_LIST && b.list->tuple ? b.list->n : 1 });
    work_fail(e->w, "cannot use %.*s with %s and %s", (int)n->name.len, n->name.ptr, v_type_name(a), v_type_name(b));
}

static bool holds(struct eval *e, struct slice op, struct value a, struct value b)
{
    if (slice_is(op, "=="))
        return v_equal(a, b);
    if (slice_is(op, "!="))
        return !v_equal(a, b);
    if (slice_is(op, "in"))
        return v_contains(e->w, b, a);
    if (slice_is(op, "not in"))
        return !v_contains(e->w, b, a);
    int c = v_compare(e->w, a, b);
    if (slice_is(op, "<"))
        return c < 0;
    if (slice_is(op, "<="))
        return c <= 0;
    return slice_is(op, ">") ? c > 0 : c >= 0;
}

static struct value compare(struct eval *e, const struct node *n)
{
    struct value a = eval(e, n->a);
    for (int i = 0; i < n->n; i++) {
        struct value b = eval(e, n->list[i]);
        e->w->line = n->line;
        if (!holds(e, n->ops[i], a, b))
            return v_bool(false);
        a = b;
    }
    return v_bool(true);
}

/* ---- calls ---- */

struct value call_arg(const struct call *c, int i, const char *name, struct value otherwise)
{
    if (i < c->n_pos)
        return c->pos[i];
    for (int k = 0; k < c->n_named; k++)
        if (slice_is(c->name[k], name))
            return c->named[k];
    return otherwise;
}

static void eval_args(struct eval *e, const struct node *n, struct call *c)
{
    *c = (struct call){ .pos = work_alloc(e->w, (size_t)n->n_args * sizeof *c->pos), .named = work_alloc(e->w, (size_t)n->n_args * sizeof *c->named),
                        .name = work_alloc(e->w, (size_t)n->n_args * sizeof *c->name) };
    for (int i = 0; i < n->n_args; i++) {
        struct value v = eval(e, n->arg[i].value);
        if (n->arg[i].name.len == 0) {
            c->pos[c->n_pos++] = v;
        } else {
            c->name[c->n_named] = n->arg[i].name;
            c->named[c->n_named++] = v;
        }
    }
}

static struct slice capture(struct eval *e, struct node *const *list, int n)
{
    struct buf *out = e->out;
    size_t start = e->out_start;
    e->out = work_buf(e->w);
    e->out_start = 0;
    run_list(e, list, n);
    struct slice text = work_take(e->w, e->out);
    e->out = out;
    e->out_start = start;
    return text;
}

static struct value call_macro(struct eval *e, const struct node *m, const struct call *c)
{
    struct frame *outer = e->frame;
    if (c->n_pos > m->n_ops)
        work_fail(e->w, "macro %.*s takes %d arguments, not %d", (int)m->name.len, m->name.ptr, m->n_ops, c->n_pos);
    struct frame *global = outer;
    while (global->up)
        global = global->up;
    e->frame = global;                   /* a macro sees what the template sets (itself, too) and is given, not its caller's variables */
    push_frame(e);
    for (int i = 0; i < m->n_ops; i++) {
        struct value v = i < c->n_pos ? c->pos[i] : v_undefined(m->ops[i]);
        bool given = i < c->n_pos;
        for (int k = 0; k < c->n_named; k++) {
            if (c->name[k].len == m->ops[i].len && !memcmp(c->name[k].ptr, m->ops[i].ptr, m->ops[i].len)) {
                v = c->named[k];
                given = true;
            }
        }
        if (!given && i < m->n_args && m->arg[i].value)
            v = eval(e, m->arg[i].value);
        set_var(e, m->ops[i], v);
    }
    struct slice text = capture(e, m->list, m->n);
    e->frame = outer;
    return v_slice(text);
}

static struct value call(struct eval *e, const struct node *n)
{
    struct value f = eval(e, n->a);
    struct call c;
    eval_args(e, n, &c);
    e->w->line = n->line;
    switch (f.type) {
    case V_MACRO: return call_macro(e, f.macro, &c);
    case V_BUILTIN: return builtin_call(e, f.builtin, &c);
    case V_METHOD: return method_call(e, f.method, &c);
    case V_UNDEFINED: work_fail(e->w, "'%.*s' is undefined", (int)f.name.len, f.name.ptr ? f.name.ptr : "");
    default: work_fail(e->w, "%s cannot be called", v_type_name(f));
    }
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
    struct value v = n->kind == E_DICT ? v_dict(e->w, false) : v_list(e->w, n->kind == E_TUPLE);
    for (int i = 0; i < n->n; i += n->kind == E_DICT ? 2 : 1) {
        if (n->kind == E_DICT)
            dict_set(e->w, v.dict, eval(e, n->list[i]), eval(e, n->list[i + 1]));
        else
            list_add(e->w, v.list, eval(e, n->list[i]));
    }
    return v;
}

static struct value negative(struct eval *e, const struct node *n)
{
    struct value v = eval(e, n->a);
    double x;
    if (!v_number(v, &x))
        work_fail(e->w, "bad operand for unary %s: %s", n->kind == E_NEG ? "-" : "+", v_type_name(v));
    if (v.type == V_FLOAT)
        return v_float(n->kind == E_NEG ? -x : x);
    return v_int(n->kind == E_NEG ? (int64_t)(0 - (uint64_t)whole(v)) : whole(v));
}

static struct value choose(struct eval *e, const struct node *n)
{
    if (v_true(eval(e, n->b)))
        return eval(e, n->a);
    return n->c ? eval(e, n->c) : v_undefined((struct slice){ "", 0 });
}

static struct value eval_one(struct eval *e, const struct node *n)
{
    struct value a;
    switch (n->kind) {
    case E_CONST: return n->constant;
    case E_NAME: return get_var(e, n->name);
    case E_LIST:
    case E_TUPLE:
    case E_DICT: return collection(e, n);
    case E_ATTR: return value_attr(e, eval(e, n->a), n->name);
    case E_ITEM:
        a = eval(e, n->a);
        return value_item(e, a, eval(e, n->b));
    case E_SLICE: return slice_value(e, n);
    case E_CALL: return call(e, n);
    case E_FILTER:
    case E_TEST: return apply(e, n, eval(e, n->a));
    case E_NOT: return v_bool(!v_true(eval(e, n->a)));
    case E_NEG:
    case E_POS: return negative(e, n);
    case E_AND:
        a = eval(e, n->a);
        return v_true(a) ? eval(e, n->b) : a;
    case E_OR:
        a = eval(e, n->a);
        return v_true(a) ? a : eval(e, n->b);
    case E_IF: return choose(e, n);
    case E_BINARY: return binary(e, n);
    default: return compare(e, n);
    }
}

static struct value eval(struct eval *e, const struct node *n)
{
    at(e, n);
    work_deeper(e->w);
    struct value v = eval_one(e, n);
    e->w->depth--;
    return v;
}

/* ---- statements ---- */

static void write_text(struct eval *e, struct slice s)
{
    if (e->out->len - e->out_start + s.len > MAX_OUTPUT)
        work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    buf_add(e->out, s.ptr, s.len);
}

static struct value loop_info(struct eval *e, const struct list *items, int i)
{
    struct value v = v_dict(e->w, true);
    const struct slice nothing = { "item", 4 };
    const struct {
        const char *name;
        struct value v;
    } field[] = {
        { "index", v_int(i + 1) }, { "index0", v_int(i) }, { "revindex", v_int(items->n - i) }, { "revindex0", v_int(items->n - i - 1) },
        { "first", v_bool(i == 0) }, { "last", v_bool(i == items->n - 1) }, { "length", v_int(items->n) },
        { "previtem", i ? items->item[i - 1] : v_undefined(nothing) }, { "nextitem", i + 1 < items->n ? items->item[i + 1] : v_undefined(nothing) },
        { "depth", v_int(1) }, { "depth0", v_int(0) },
    };
    for (size_t k = 0; k < sizeof field / sizeof *field; k++)
        dict_set(e->w, v.dict, v_text(field[k].name), field[k].v);
    struct method *m = work_alloc(e->w, sizeof *m);
    *m = (struct method){ v_int(i), { "cycle", 5 } };
    dict_set(e->w, v.dict, v_text("cycle"), (struct value){ .type = V_METHOD, .method = m });
    return v;
}

static struct list *loop_items(struct eval *e, const struct node *n)
{
    struct value over = eval(e, n->a);
    struct list *all = v_items(e->w, over), *kept;
    if (!n->b)
        return all;
    kept = v_list(e->w, false).list;
    struct frame *outer = e->frame;
    for (int i = 0; i < all->n; i++) {
        push_frame(e);
        unpack(e, n->ops, n->n_ops, all->item[i]);
        if (v_true(eval(e, n->b)))
            list_add(e->w, kept, all->item[i]);
        e->frame = outer;
    }
    return kept;
}

static enum flow run_for(struct eval *e, const struct node *n)
{
    struct list *items = loop_items(e, n);
    struct frame *outer = e->frame;
    if (items->n == 0 && n->c)
        return run_list(e, n->c->list, n->c->n);
    for (int i = 0; i < items->n; i++) {
        at(e, n);
        push_frame(e);
        set_var(e, (struct slice){ "loop", 4 }, loop_info(e, items, i));
        unpack(e, n->ops, n->n_ops, items->item[i]);
        enum flow f = run_list(e, n->list, n->n);
        e->frame = outer;
        if (f == FLOW_BREAK)
            break;
    }
    return FLOW_ON;
}

static void run_set(struct eval *e, const struct node *n, struct value v)
{
    if (!n->a) {
        unpack(e, n->ops, n->n_ops, v);
        return;
    }
    struct value object = eval(e, n->a->a);
    if (object.type != V_DICT || !object.dict->mutable)
        work_fail(e->w, "cannot set an attribute of %s; only a namespace has settable ones", v_type_name(object));
    dict_set(e->w, object.dict, v_slice(n->a->name), v);
}

/* The text of a block through the filters around its hole. */
static struct value block_value(struct eval *e, const struct node *n)
{
    struct frame *outer = e->frame;
    push_frame(e);
    struct value text = v_slice(capture(e, n->list, n->n));
    e->frame = outer;
    if (!n->b)
        return text;
    n->c->constant = text;
    return eval(e, n->b);
}

static enum flow run_one(struct eval *e, const struct node *n)
{
    at(e, n);
    switch (n->kind) {
    case N_TEXT: write_text(e, n->constant.s); return FLOW_ON;
    case N_OUTPUT: write_text(e, v_string(e->w, eval(e, n->a))); return FLOW_ON;
    case N_IF:
        if (v_true(eval(e, n->a)))
            return run_list(e, n->list, n->n);
        return n->b ? run_one(e, n->b) : FLOW_ON;
    case N_FOR: return run_for(e, n);
    case N_SET: run_set(e, n, eval(e, n->b)); return FLOW_ON;
    case N_SET_BLOCK: run_set(e, n, block_value(e, n)); return FLOW_ON;
    case N_FILTER_BLOCK:
    case N_SCOPE: write_text(e, v_string(e->w, block_value(e, n))); return FLOW_ON;
    case N_MACRO: set_var(e, n->name, (struct value){ .type = V_MACRO, .macro = n }); return FLOW_ON;
    case N_BREAK: return FLOW_BREAK;
    case N_CONTINUE: return FLOW_CONTINUE;
    default: return run_list(e, n->list, n->n);
    }
}

static enum flow run_list(struct eval *e, struct node *const *list, int n)
{
    enum flow f = FLOW_ON;
    work_deeper(e->w);
    for (int i = 0; i < n && f == FLOW_ON; i++)
        f = run_one(e, list[i]);
    e->w->depth--;
    return f;
}

void template_run(struct eval *e, const struct node *root)
{
    run_list(e, root->list, root->n);
}
