/* template_run.c - the tree walked: statements write text.
 * Scopes as in jinja2: for, with, macro, call, filter and set blocks have their own, if has none; what a loop sets is gone after it unless
 * it is kept in a namespace. A macro sees the scope that it was defined in as it is when it is called. */
#include "template_priv.h"

#include <string.h>

enum flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE };

static enum flow run_list(struct eval *e, struct node *const *list, int n);

/* ---- names ---- */

static void set_var(struct eval *e, struct slice name, struct value v)
{
    dict_set(e->w, &e->frame->vars, v_slice(name), v);
}

static void set_named(struct eval *e, const char *name, struct value v)
{
    dict_set(e->w, &e->frame->vars, v_text(name), v);
}

static void push_frame(struct eval *e)
{
    /* Never given back before the render ends: a macro that was defined in it may still be called. */
    struct frame *f = work_alloc(e->w, sizeof *f);
    f->up = e->frame;
    e->frame = f;
}

/* jinja2 asks this of all targets before it sets one: {% set ns, ns.a = namespace(), 1 %} means the ns from before. */
static void check_spaces(struct eval *e, const struct node *target)
{
    for (int i = 0; target->kind == E_TUPLE && i < target->n; i++)
        check_spaces(e, target->list[i]);
    struct value object = target->kind == E_ATTR ? eval_node(e, target->a) : (struct value){ .type = V_SPACE };
    if (object.type != V_SPACE)
        work_fail(e->w, "cannot set an attribute of %s; only a namespace has settable ones", v_type_name(object));
}

static void assign(struct eval *e, const struct node *target, struct value v)
{
    /* Always in the innermost scope: what a loop's pass sets hides outer names and changes none. */
    if (target->kind == E_NAME) {
        set_var(e, target->name, v);
    } else if (target->kind == E_ATTR) {
        struct value object = eval_node(e, target->a);
        /* The sandbox: values are immutable for templates, so they may be shared without copying. */
        if (object.type != V_SPACE)      /* a target before this one took its name */
            work_fail(e->w, "cannot set an attribute of %s; only a namespace has settable ones", v_type_name(object));
        dict_set(e->w, object.dict, v_slice(target->name), v);
    } else {
        struct list *items = value_items(e, v);
        if (items->n != target->n)   /* too few as well as too many */
            work_fail(e->w, "%d values for %d names", items->n, target->n);
        for (int i = 0; i < target->n; i++)
            assign(e, target->list[i], items->item[i]);
    }
}

/* ---- output ---- */

static void write_text(struct eval *e, struct slice s)
{
    /* Only what this block or render has written: the caller's buffer may have held other prompts before. */
    if (e->out->len - e->out_start + s.len > MAX_OUTPUT)
        work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    work_charge(e->w, s.len / 64);
    buf_add(e->out, s.ptr, s.len);
}

/* What a call or filter block gives; jinja2 joins it with the text around and so fails for all but strings. */
static void write_value(struct eval *e, struct value v)
{
    if (v.type != V_STRING)
        work_fail(e->w, "a block gives a value of type %s, not a string", v_type_name(v));
    write_text(e, v.s);
}

static struct slice capture(struct eval *e, struct node *const *list, int n)
{
    struct buf *out = e->out;
    size_t start = e->out_start;
    e->out = work_buf(e->w);
    e->out_start = 0;
    /* break and continue do not get through: the parser refuses them within captured blocks. */
    run_list(e, list, n);
    struct slice text = work_take(e->w, e->out);
    /* Not restored where the block fails: work_fail() leaves the whole render. */
    e->out = out;
    e->out_start = start;
    return text;
}

/* ---- macros ---- */

static int parameter(const struct node *m, struct slice name)
{
    for (int i = 0; i < m->n_ops; i++) /* few: a search is as good as a table */
        if (m->ops[i].len == name.len && !memcmp(m->ops[i].ptr, name.ptr, name.len))
            return i;
    return -1;
}

/* Names that are no parameter, or one that a position has filled: `caller`, `kwargs`, or an error. */
static void set_named_rest(struct eval *e, const struct node *m, const struct call *c)
{
    struct value rest = v_dict(e->w), caller = v_nothing();
    for (int k = 0; k < c->n_named; k++) {
        int i = parameter(m, c->name[k]);
        if (i >= c->n_pos)           /* a parameter that no position has filled */
            continue;
        /* Macro.__call__ takes caller out of the named arguments before it looks what is left over. */
        if ((m->takes & CALLER) && slice_is(c->name[k], "caller") && parameter(m, c->name[k]) < 0)
            caller = c->named[k];
        else if (m->takes & KWARGS)
            dict_set(e->w, rest.dict, v_slice(c->name[k]), c->named[k]);
        else
            work_fail(e->w, "macro '%.*s' takes no argument '%.*s'", (int)m->name.len, m->name.ptr
                    ? m->name.ptr : "", (int)c->name[k].len, c->name[k].ptr);
    }
    if ((m->takes & CALLER) && parameter(m, (struct slice){ "caller", 6 }) < 0)
        set_named(e, "caller", caller);
    if (m->takes & KWARGS)
        set_named(e, "kwargs", rest);
}

static void set_parameters(struct eval *e, const struct node *m, const struct call *c)
{
    struct value absent = { .type = V_ABSENT };
    struct value *given = work_alloc(e->w, ((size_t)m->n_ops + 1) * sizeof *given);
    /* Two rounds: all parameters exist, if undefined, before the first default is evaluated, so that "v=1, w=v" sees v and "v=w, w=1"
     * an undefined w. */
    for (int i = 0; i < m->n_ops; i++)
        given[i] = i < c->n_pos ? c->pos[i] : absent;
    for (int k = 0; k < c->n_named; k++) {
        int i = parameter(m, c->name[k]);
        if (i >= c->n_pos)
            given[i] = c->named[k];
    }
    for (int i = 0; i < m->n_ops; i++)
        set_var(e, m->ops[i], given[i].type == V_ABSENT ? v_undefined(m->ops[i]) : given[i]);
    for (int i = 0; i < m->n_ops; i++)
        if (given[i].type == V_ABSENT && m->arg[i].value)
            set_var(e, m->ops[i], eval_node(e, m->arg[i].value));
}

struct value call_macro(struct eval *e, const struct macro *macro, const struct call *c)
{
    const struct node *m = macro->node;
    /* The caller's names are out of reach: the frame chain goes on where the macro was defined. */
    struct frame *outer = e->frame;
    struct value more = v_list(e->w, L_TUPLE);
    for (int i = m->n_ops; i < c->n_pos; i++)
        list_add(e->w, more.list, c->pos[i]);
    if (more.list->n && !(m->takes & VARARGS))
        work_fail(e->w, "macro '%.*s' takes not more than %d arguments", (int)m->name.len, m->name.ptr ? m->name.ptr : "", m->n_ops);
    e->frame = macro->frame;
    push_frame(e);
    /* Before the parameters, so that one of that name wins. */
    if (m->takes & VARARGS)
        set_named(e, "varargs", more);
    set_named_rest(e, m, c);
    set_parameters(e, m, c);
    struct slice text = capture(e, m->list, m->n);
    e->frame = outer;
    return v_slice(text);
}

static struct value make_macro(struct eval *e, const struct node *n)
{
    /* The frame, not a copy of it: what the scope sets later, the macro's own name included, is seen by the body. */
    struct macro *m = work_alloc(e->w, sizeof *m);
    *m = (struct macro){ n, e->frame };
    return (struct value){ .type = V_MACRO, .macro = m };
}

/* {% call f(x) %}: f(x, caller=the block). */
static void run_call(struct eval *e, const struct node *n)
{
    struct value f = eval_node(e, n->a->a);
    struct call c, with;
    eval_args(e, n->a, &c);
    with = c;
    /* eval_args() made arrays without room for one more. */
    with.name = work_alloc(e->w, ((size_t)c.n_named + 1) * sizeof *with.name);
    with.named = work_alloc(e->w, ((size_t)c.n_named + 1) * sizeof *with.named);
    for (int i = 0; i < c.n_named; i++) {
        with.name[i] = c.name[i];
        with.named[i] = c.named[i];
    }
    with.name[c.n_named] = (struct slice){ "caller", 6 };
    /* The block is a macro without a name; where the call is, is its scope. */
    with.named[with.n_named++] = make_macro(e, n);
    write_value(e, eval_call(e, f, &with));
}

/* ---- loops ---- */

/* What was assigned to a target: jinja2 hands the items of a loop with a condition on as tuples of its names. */
static struct value target_value(struct eval *e, const struct node *target, struct value v)
{
    if (target->kind == E_NAME)
        return v;
    /* The names as a tuple, whatever kind of sequence was unpacked. */
    struct value out = v_list(e->w, L_TUPLE);
    struct list *items = value_items(e, v);
    for (int i = 0; i < target->n; i++)
        list_add(e->w, out.list, target_value(e, target->list[i], items->item[i]));
    return out;
}

/* The items for which "if" of the loop holds, asked as the loop goes on. */
static bool condition_next(struct eval *e, struct iter *it, struct value *out)
{
    struct frame *outer = e->frame;
    bool found = false;
    while (!found && iter_next(e, it->from, out)) {
        /* The condition sees the target and the scope around the loop, not what a pass of its body has set. */
        e->frame = it->frame;
        push_frame(e);
        assign(e, it->node->target, *out);
        found = v_true(eval_node(e, it->node->b));
        /* The pass assigns from the item again, which may have been a generator that is empty by then. */
        *out = target_value(e, it->node->target, *out);
        e->frame = outer;
    }
    return found;
}

static enum flow run_loop(struct eval *e, const struct node *n, struct value over, int depth0)
{
    struct frame *outer = e->frame;
    struct value item;
    struct loop *l = work_alloc(e->w, sizeof *l);
    bool finished = false;
    /* A condition makes a generator of it, without a length until loop.length asks for one. */
    if (n->b)
        over = v_iter(e->w, (struct iter){ .next = condition_next, .from = value_iter(e, over), .node = n, .frame = outer });
    /* 'loop' outlives its pass: an inner loop's macro, or recursion, may ask it. */
    *l = (struct loop){ .node = n, .outer = outer, .it = value_iter(e, over), .over = over, .index0 = -1, .length = -1, .depth0 = depth0 };
    for (enum flow f = FLOW_ON; f != FLOW_BREAK && loop_step(e, l, &item);) {
        eval_at(e, n);
        /* A frame per pass: names set in one pass are not there in the next. */
        push_frame(e);
        set_named(e, "loop", (struct value){ .type = V_LOOP, .loop = l });
        assign(e, n->target, item);  /* after loop: a target of that name was refused */
        f = run_list(e, n->list, n->n);
        finished |= f == FLOW_ON;        /* jinja2 runs else unless a pass came to its end */
        e->frame = outer;
    }
    /* What else gives goes on, so that a break in it leaves the loop around. */
    if (n->c && !finished) {
        push_frame(e);
        enum flow f = run_list(e, n->c->list, n->c->n);
        e->frame = outer;
        return f;
    }
    return FLOW_ON;
}

struct value call_loop(struct eval *e, const struct loop *l, const struct call *c)
{
    struct value a[1];
    args_bind(e, "loop", "iterable", c, a);
    /* Any loop is callable, to fail so. */
    if (!l->node->recursive)
        work_fail(e->w, "the loop must be 'recursive' to be called");
    struct frame *outer = e->frame;
    struct buf *out = e->out;
    size_t start = e->out_start;
    /* Recursion begins in the scope around the outermost loop: what this pass has set is not seen inside. */
    e->frame = l->outer;
    e->out = work_buf(e->w);
    e->out_start = 0;
    /* eval_node() counts as well, but a loop that calls itself uses more stack per round than an expression. */
    work_deeper(e->w);
    run_loop(e, l->node, a[0], l->depth0 + 1);
    e->w->depth--;
    struct slice text = work_take(e->w, e->out);
    e->frame = outer;
    e->out = out;
    e->out_start = start;
    return v_slice(text);
}

/* ---- blocks ---- */

/* The text of a block through the filters around its hole, which see the block's names. */
static struct value block_value(struct eval *e, const struct node *n)
{
    struct frame *outer = e->frame;
    /* Filter blocks nest, in a macro that a filter's argument calls for one. */
    struct value hole = e->hole;
    push_frame(e);
    struct value text = v_slice(capture(e, n->list, n->n));
    /* The frame of the block is still there: {% filter replace('a', v) %} sees a v that the block has set. */
    if (n->b) {
        e->hole = text;
        text = eval_node(e, n->b);
        e->hole = hole;
    }
    e->frame = outer;
    return text;
}

static enum flow run_with(struct eval *e, const struct node *n)
{
    struct frame *outer = e->frame;
    struct list *values = v_list(e->w, L_LIST).list;
    for (int i = 0; i < n->n; i++)
        /* All values before the first name is set: "with a = 1, b = a" means an outer a. */
        list_add(e->w, values, eval_node(e, n->list[i]));
    push_frame(e);
    for (int i = 0; i < n->n; i++)
        assign(e, n->target->list[i], values->item[i]);
    enum flow f = run_list(e, n->c->list, n->c->n);
    e->frame = outer;
    return f;
}

static enum flow run_one(struct eval *e, const struct node *n)
{
    eval_at(e, n);
    switch (n->kind) {
    case N_TEXT: write_text(e, n->constant.s); return FLOW_ON;
    case N_OUTPUT: write_text(e, v_string(e->w, eval_node(e, n->a))); return FLOW_ON;
    case N_IF:
        if (v_true(eval_node(e, n->a)))
            return run_list(e, n->list, n->n);
        return n->b ? run_one(e, n->b) : FLOW_ON; /* an elif is an if in the else */
    case N_FOR: return run_loop(e, n, eval_node(e, n->a), 0);
    case N_SET:
        check_spaces(e, n->target);
        assign(e, n->target, eval_node(e, n->b));
        return FLOW_ON;
    case N_SET_BLOCK: assign(e, n->target, block_value(e, n)); return FLOW_ON;
    case N_FILTER_BLOCK:
    case N_SCOPE: write_value(e, block_value(e, n)); return FLOW_ON;
    case N_WITH: return run_with(e, n);
    /* A name like any other: it may be passed on, and an inner one hides an outer one. */
    case N_MACRO: set_var(e, n->name, make_macro(e, n)); return FLOW_ON;
    case N_CALL: run_call(e, n); return FLOW_ON;
    case N_BREAK: return FLOW_BREAK;
    case N_CONTINUE: return FLOW_CONTINUE;
    default: return run_list(e, n->list, n->n);
    }
}

static enum flow run_list(struct eval *e, struct node *const *list, int n)
{
    enum flow f = FLOW_ON;
    /* Nested statements use the C stack as expressions do. */
    work_deeper(e->w);
    /* Break and continue pass through if, with and else up to run_loop(); nothing else takes them. */
    for (int i = 0; i < n && f == FLOW_ON; i++)
        f = run_one(e, list[i]);
    e->w->depth--;
    return f;
}

void template_run(struct eval *e, const struct node *root)
{
    run_list(e, root->list, root->n);
}
