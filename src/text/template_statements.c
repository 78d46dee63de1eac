/* template_statements.c - statements into a tree.
 * Operands: OUTPUT a; IF a=test, list=then, b=else; FOR target, a=iterable, b=condition, list=body, c=else (a GROUP); SET target, b=value;
 * SET_BLOCK and FILTER_BLOCK list=body, b=filters around a HOLE (or NULL); MACRO name, ops=parameters, arg=their defaults, list=body; CALL
 * a=the call and a macro without a name, the caller; WITH target=a tuple, list=its values, c=body (a GROUP). */
#include "template_priv.h"

#include <string.h>

static struct node **statements(struct parser *p, int *n, const char *const *stop);

static void end_tag(struct parser *p)
{
    if (p->t->kind != TOK_BLOCK_END)
        parse_fail(p, "the end of the tag");
    p->t++;
}

/* The end of a tag that opens a block, where jinja2 also takes Python's colon. */
static void open_block(struct parser *p)
{
    parse_take_op(p, ":");
    end_tag(p);
}

/* The tag that closes a block: its word is next, after BLOCK_BEGIN has been taken. */
static void close_block(struct parser *p, const char *word)
{
    if (!parse_take_name(p, word))
        parse_fail(p, word);
    end_tag(p);
}

/* The statements of a branch or of else, as one node without a scope of its own. */
static struct node *group(struct parser *p, const char *word)
{
    struct node *n = parse_make(p, N_GROUP);
    n->list = statements(p, &n->n, (const char *const[]){ word, NULL });
    return n;
}

/* Statements that a loop around them does not see: break and continue mean loops inside. */
static void body_apart(struct parser *p, struct node *n, const char *word)
{
    /* jinja2 compiles such a body to a Python function or captured buffer, where break would be a syntax error. */
    int loops = p->loops;
    p->loops = 0;
    n->list = statements(p, &n->n, (const char *const[]){ word, NULL });
    p->loops = loops;
}

/* ---- if, for ---- */

static struct node *statement_if(struct parser *p)
{
    struct node *n = parse_make(p, N_IF);
    work_deeper(p->w);               /* a chain of elif recurses */
    /* "if a, b" tests a tuple, which is true. */
    n->a = parse_tuple(p, false);
    open_block(p);
    n->list = statements(p, &n->n, (const char *const[]){ "elif", "else", "endif", NULL });
    if (parse_take_name(p, "elif")) {
        /* One endif closes the whole chain: the innermost takes it. */
        n->b = statement_if(p);
        p->w->depth--;
        return n;
    }
    if (parse_take_name(p, "else")) {
        open_block(p);
        n->b = group(p, "endif");
    }
    close_block(p, "endif");         /* else is the last branch: no elif behind it */
    p->w->depth--;
    return n;
}

/* A name that may stand on the left; what a macro's or namespace's name may be, too. */
static struct node *settable_name(struct parser *p)
{
    /* nodes.Name.can_assign(): these are names to the lexer only. */
    static const char *const constant[] = { "true", "false", "none", "True", "False", "None" };
    struct node *n = parse_make(p, E_NAME);
    n->name = parse_name(p);
    for (size_t i = 0; i < sizeof constant / sizeof *constant; i++)
        if (slice_is(n->name, constant[i]))
            parse_fail(p, "a name that can be set");
    return n;
}

static struct node *target_name(struct parser *p)
{
    struct node *n = settable_name(p);
    if (p->macro)
        /* From here on the body's own variable is meant: see note_name(). */
        p->macro->hides |= parse_special(n->name);
    return n;
}

static struct node *target(struct parser *p, bool spaces);

/* One of several: a name, with 'spaces' the attribute of a namespace, or in parentheses a target, in which jinja2 wants names only. */
static struct node *target_one(struct parser *p, bool spaces)
{
    struct node *n;
    if (parse_take_op(p, "(")) {
        work_deeper(p->w);
        n = target(p, false);
        p->w->depth--;
        parse_need_op(p, ")");
    } else if (spaces && p->t->kind == TOK_NAME && p->t[1].kind == TOK_OP && slice_is(p->t[1].s, ".")) {
        n = parse_make(p, E_ATTR);
        n->a = settable_name(p);
        p->t++;
        n->name = parse_name(p);
    } else {
        n = target_name(p);
    }
    return n;
}

/* a; a, b; (a, (b, c)); with 'spaces', as set has them: ns.a, b. A comma may end the list only where the list itself ends. */
static struct node *target(struct parser *p, bool spaces)
{
    struct node *first = target_one(p, spaces), *n;
    if (!parse_is_op(p, ","))
        return first;
    n = parse_make(p, E_TUPLE);
    parse_push(p, &n->list, &n->n, first);
    while (parse_take_op(p, ",") && !parse_is_op(p, ")") && p->t->kind != TOK_BLOCK_END)
        parse_push(p, &n->list, &n->n, target_one(p, spaces));
    return n;
}

static bool sets_loop(const struct node *n)
{
    if (n->kind == E_NAME)
        return slice_is(n->name, "loop");
    for (int i = 0; i < n->n; i++)
        if (sets_loop(n->list[i]))
            return true;
    return false;
}

static struct node *statement_for(struct parser *p)
{
    struct node *n = parse_make(p, N_FOR);
    n->target = target(p, false);
    /* The loop's own variable has that name. */
    if (sets_loop(n->target))
        parse_fail(p, "another name than loop");
    if (!parse_take_name(p, "in"))
        parse_fail(p, "in");
    n->a = parse_tuple(p, false);
    if (parse_take_name(p, "if"))
        n->b = parse_expression(p);  /* the loop's condition, asked per item */
    n->recursive = parse_take_name(p, "recursive");
    open_block(p);
    /* Only in the body: else is run after the loop, and a break in it means the one around. */
    p->loops++;
    n->list = statements(p, &n->n, (const char *const[]){ "else", "endfor", NULL });
    p->loops--;
    if (parse_take_name(p, "else")) {
        open_block(p);
        int loops = p->loops;
        p->loops = n->recursive ? 0 : loops;               /* a recursive loop is a function in jinja2: no way out of it */
        n->c = group(p, "endfor");
        p->loops = loops;
    }
    close_block(p, "endfor");
    return n;
}

static struct node *statement_jump(struct parser *p, enum node_kind kind)
{
    struct node *n = parse_make(p, kind);
    /* Python's compiler refuses it in what jinja2 generates. */
    if (p->loops == 0)
        parse_fail(p, "break and continue inside a loop, and outside of blocks in it");
    end_tag(p);
    return n;
}

/* ---- set, with ---- */

static struct node *statement_set(struct parser *p)
{
    struct node *n = parse_make(p, N_SET);
    n->target = target(p, true);
    if (parse_take_op(p, "=")) {
        /* "set x = 1, 2" is a tuple. */
        n->b = parse_tuple(p, true);
        end_tag(p);
        return n;
    }
    /* Without "=" the value is the text up to endset. */
    n->kind = N_SET_BLOCK;
    if (parse_is_op(p, "|"))
        n->b = parse_filters(p, parse_make(p, E_HOLE)); /* {% set x | trim %} */
    open_block(p);
    body_apart(p, n, "endset");
    close_block(p, "endset");
    return n;
}

static struct node *statement_with(struct parser *p)
{
    struct node *n = parse_make(p, N_WITH);
    n->target = parse_make(p, E_TUPLE);
    /* No assignment at all is allowed: a scope and nothing more. */
    while (p->t->kind != TOK_BLOCK_END) {
        if (n->n)
            parse_need_op(p, ",");
        parse_push(p, &n->target->list, &n->target->n, target_name(p));
        parse_need_op(p, "=");
        parse_push(p, &n->list, &n->n, parse_expression(p));
    }
    open_block(p);
    n->c = group(p, "endwith");
    close_block(p, "endwith");
    return n;
}

/* ---- macros and calls ---- */

static void parameters(struct parser *p, struct node *n)
{
    while (!parse_take_op(p, ")")) {
        parse_push_name(p, &n->ops, &n->n_ops, target_name(p)->name);
        n->hides |= parse_special(n->ops[n->n_ops - 1]) & ~(unsigned)CALLER;
        /* Names and defaults are parallel arrays: arg[i].value is NULL for a parameter without one. */
        struct arg *bigger = work_alloc(p->w, (size_t)n->n_ops * sizeof *bigger);
        if (n->n_args)
            memcpy(bigger, n->arg, (size_t)n->n_args * sizeof *bigger);
        n->arg = bigger;
        n->n_args = n->n_ops;
        if (parse_take_op(p, "="))
            n->arg[n->n_args - 1].value = parse_expression(p);
        else if (n->n_args > 1 && n->arg[n->n_args - 2].value)
            parse_fail(p, "a default, as the parameter before has one");
        if (!parse_is_op(p, ")"))
            parse_need_op(p, ",");
    }
}

static void macro_body(struct parser *p, struct node *n, const char *word)
{
    struct node *outer = p->macro;   /* macros nest */
    p->macro = n;
    body_apart(p, n, word);
    p->macro = outer;
    /* A call block gives caller by name, so a parameter of that name must do without in all other calls. Where the body never reads
     * it, jinja2 does not ask. */
    for (int i = 0; i < n->n_ops; i++)
        if ((n->takes & CALLER) && slice_is(n->ops[i], "caller") && !n->arg[i].value)
            parse_fail(p, "a default for the parameter caller, which the macro uses");
    if (outer) {                         /* what an inner macro asks for may be the outer one's */
        outer->takes |= n->takes & ~outer->hides;
        outer->hides |= n->hides;
    }
}

static struct node *statement_macro(struct parser *p)
{
    struct node *n = parse_make(p, N_MACRO);
    /* A macro's own name hides nothing in a macro around it: jinja2 keeps it as text, not as a variable. */
    n->name = settable_name(p)->name;
    parse_need_op(p, "(");
    parameters(p, n);
    open_block(p);
    macro_body(p, n, "endmacro");
    close_block(p, "endmacro");
    return n;
}

static struct node *statement_call(struct parser *p)
{
    struct node *n = parse_make(p, N_CALL);
    if (parse_take_op(p, "("))
        parameters(p, n);
    /* A filter behind the call would make it no call; jinja2 refuses that as well. */
    n->a = parse_expression(p);
    if (n->a->kind != E_CALL)
        parse_fail(p, "a call");
    open_block(p);
    macro_body(p, n, "endcall");
    close_block(p, "endcall");
    return n;
}

static struct node *statement_filter(struct parser *p)
{
    struct node *n = parse_make(p, N_FILTER_BLOCK);
    /* The hole stands for the text that is not there yet. */
    n->b = parse_filters(p, parse_filter(p, parse_make(p, E_HOLE)));
    open_block(p);
    body_apart(p, n, "endfilter");
    close_block(p, "endfilter");
    return n;
}

/* Hugging Face's tag around what the assistant said, for training masks: here a scope, since it is compiled as a call block. */
static struct node *statement_generation(struct parser *p)
{
    struct node *n = parse_make(p, N_SCOPE);
    open_block(p);
    body_apart(p, n, "endgeneration");
    close_block(p, "endgeneration");
    return n;
}

/* ---- all ---- */

static struct node *statement(struct parser *p)
{
    struct node *n = NULL;
    work_deeper(p->w);
    if (parse_take_name(p, "if"))
        n = statement_if(p);
    else if (parse_take_name(p, "for"))
        n = statement_for(p);
    else if (parse_take_name(p, "set"))
        n = statement_set(p);
    else if (parse_take_name(p, "macro"))
        n = statement_macro(p);
    else if (parse_take_name(p, "call"))
        n = statement_call(p);
    else if (parse_take_name(p, "filter"))
        n = statement_filter(p);
    else if (parse_take_name(p, "with"))
        n = statement_with(p);
    else if (parse_take_name(p, "generation"))
        n = statement_generation(p);
    else if (parse_take_name(p, "break"))
        n = statement_jump(p, N_BREAK);
    else if (parse_take_name(p, "continue"))
        n = statement_jump(p, N_CONTINUE);
    else
        /* include, import, extends and block need other templates or inheritance, which a model's template has not. */
        parse_fail(p, "a statement (if, for, set, macro, call, filter, with, generation, break, continue)");
    p->w->depth--;
    return n;
}

static struct node *output(struct parser *p)
{
    struct node *n = parse_make(p, N_OUTPUT);
    p->t++;
    /* {{ 1, 2 }} prints a tuple. */
    n->a = parse_tuple(p, true);
    if (p->t->kind != TOK_VAR_END)   /* something is left over behind the expression */
        parse_fail(p, "}}");
    p->t++;
    return n;
}

static bool at_any(const struct parser *p, const char *const *word)
{
    /* Looked at from before the tag: t[0] is BLOCK_BEGIN. */
    for (; word && *word; word++)
        if (p->t[1].kind == TOK_NAME && slice_is(p->t[1].s, *word))
            return true;
    return false;
}

/* Statements up to a block tag whose word is in 'stop'; its BLOCK_BEGIN is taken, its word is next. NULL: to the end. */
static struct node **statements(struct parser *p, int *n, const char *const *stop)
{
    /* Ends at the first tag that the caller waits for, whoever opened it: a stray endif is an unknown statement. */
    struct node **list = NULL;
    *n = 0;
    for (;;) {
        if (p->t->kind == TOK_TEXT) {
            struct node *text = parse_make(p, N_TEXT);
            text->constant = v_slice(p->t++->s);
            parse_push(p, &list, n, text);
        } else if (p->t->kind == TOK_VAR_BEGIN) {
            parse_push(p, &list, n, output(p));
        } else if (p->t->kind == TOK_BLOCK_BEGIN) {
            if (at_any(p, stop)) {
                p->t++;
                return list;
            }
            p->t++;
            parse_push(p, &list, n, statement(p));
        } else if (p->t->kind == TOK_END && !stop) {
            return list;
        } else {
            parse_fail(p, stop ? stop[0] : "the end");
        }
    }
}

/* ---- names of filters and tests ---- */

/* jinja2 compiles an unknown filter or test only behind an if, where it may never be reached ('soft'); a scope of its own begins anew. */
static void check_names(struct work *w, const struct node *n, bool soft)
{
    if (!n)
        return;
    work_deeper(w);
    w->line = n->line;
    if (!soft && ((n->kind == E_FILTER && !filter_known(n->name)) || (n->kind == E_TEST && !test_known(n->name))))
        work_fail(w, "no %s named '%.*s'", n->kind == E_FILTER ? "filter" : "test", (int)n->name.len, n->name.ptr);
    /* jinja2 fails at compile time for names outside of conditions: then no prompt is rendered with a misspelt filter that happened
     * not to be reached. */
    bool inner = n->kind == N_IF || n->kind == E_IF || (soft && n->kind >= E_CONST) || (soft &&
            (n->kind == N_OUTPUT || n->kind == N_SET || n->kind == N_GROUP));
    check_names(w, n->a, n->kind == N_FOR || n->kind == N_CALL ? soft : inner);
    check_names(w, n->b, inner);
    check_names(w, n->c, inner);
    for (int i = 0; i < n->n; i++)
        check_names(w, n->list[i], inner);
    for (int i = 0; i < n->n_args; i++)
        check_names(w, n->arg[i].value, inner);
    w->depth--;
}

struct node *template_tree(struct work *w, struct tok *tok)
{
    struct parser p = { .w = w, .t = tok };
    struct node *root = parse_make(&p, N_GROUP);
    root->list = statements(&p, &root->n, NULL);
    /* After parsing, as the order of errors is jinja2's: syntax first. */
    check_names(w, root, false);
    return root;
}
