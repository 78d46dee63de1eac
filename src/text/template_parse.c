/* template_parse.c - tokens into a tree, by recursive descent with jinja2's precedences.
 * Operands: IF a=test, list=then, b=else; FOR a=iterable, b=filter, list=body, c=else (a GROUP), ops=targets; SET ops=targets or a=target
 * (attribute), b=value; MACRO name, ops=parameters, arg=defaults, list=body; E_IF a if b else c; E_SLICE a[b:c:list[0]]. */
#include "template_priv.h"

#include <string.h>

struct parser {
    struct work *w;
    const struct tok *t;
};

static struct node *expression(struct parser *p);
static struct node *unary(struct parser *p);
static struct node **statements(struct parser *p, int *n, const char *const *stop);

static struct node *make(struct parser *p, enum node_kind kind)
{
    struct node *n = work_alloc(p->w, sizeof *n);
    n->kind = kind;
    n->line = p->t->line;
    return n;
}

static void syntax(struct parser *p, const char *expected)
{
    p->w->line = p->t->line;
    work_fail(p->w, "expected %s near '%.*s'", expected, (int)(p->t->s.len < 40 ? p->t->s.len : 40), p->t->s.ptr ? p->t->s.ptr : "");
}

static bool is_op(const struct parser *p, const char *op)
{
    return p->t->kind == TOK_OP && slice_is(p->t->s, op);
}

static bool is_name(const struct parser *p, const char *name)
{
    return p->t->kind == TOK_NAME && slice_is(p->t->s, name);
}

static bool take_op(struct parser *p, const char *op)
{
    if (!is_op(p, op))
        return false;
    p->t++;
    return true;
}

static bool take_name(struct parser *p, const char *name)
{
    if (!is_name(p, name))
        return false;
    p->t++;
    return true;
}

static void need_op(struct parser *p, const char *op)
{
    if (!take_op(p, op))
        syntax(p, op);
}

static struct slice need_name(struct parser *p)
{
    if (p->t->kind != TOK_NAME)
        syntax(p, "a name");
    return p->t++->s;
}

static void push_node(struct parser *p, struct node ***list, int *n, struct node *x)
{
    if ((*n & (*n - 1)) == 0) {
        struct node **bigger = work_alloc(p->w, (size_t)(*n ? 2 * *n : 1) * sizeof *bigger);
        if (*n)
            memcpy(bigger, *list, (size_t)*n * sizeof *bigger);
        *list = bigger;
    }
    (*list)[(*n)++] = x;
}

static void push_slice(struct parser *p, struct slice **list, int *n, struct slice s)
{
    struct slice *bigger = work_alloc(p->w, (size_t)(*n + 1) * sizeof *bigger);
    if (*n)
        memcpy(bigger, *list, (size_t)*n * sizeof *bigger);
    bigger[(*n)++] = s;
    *list = bigger;
}

/* ---- expressions ---- */

static void arguments(struct parser *p, struct node *call)
{
    while (!take_op(p, ")")) {
        struct arg *bigger = work_alloc(p->w, (size_t)(call->n_args + 1) * sizeof *bigger);
        if (call->n_args)
            memcpy(bigger, call->arg, (size_t)call->n_args * sizeof *bigger);
        call->arg = bigger;
        struct arg *a = &bigger[call->n_args++];
        if (p->t->kind == TOK_NAME && p->t[1].kind == TOK_OP && slice_is(p->t[1].s, "=")) {
            a->name = p->t->s;
            p->t += 2;
        }
        a->value = expression(p);
        if (!is_op(p, ")"))
            need_op(p, ",");
    }
}

static struct node *constant(struct parser *p, struct value v)
{
    struct node *n = make(p, E_CONST);
    n->constant = v;
    p->t++;
    return n;
}

static struct node *named(struct parser *p)
{
    static const struct {
        const char *name;
        enum value_type type;
        bool b;
    } word[] = {
        { "true", V_BOOL, true }, { "True", V_BOOL, true }, { "false", V_BOOL, false }, { "False", V_BOOL, false }, { "none", V_NONE, false }, { "None", V_NONE, false },
    };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (slice_is(p->t->s, word[i].name))
            return constant(p, (struct value){ .type = word[i].type, .b = word[i].b });
    struct node *n = make(p, E_NAME);
    n->name = need_name(p);
    return n;
}

/* Items up to 'close'; a trailing comma is fine. */
static struct node *sequence(struct parser *p, enum node_kind kind, const char *close)
{
    struct node *n = make(p, kind);
    while (!take_op(p, close)) {
        push_node(p, &n->list, &n->n, expression(p));
        if (kind == E_DICT) {
            need_op(p, ":");
            push_node(p, &n->list, &n->n, expression(p));
        }
        if (!is_op(p, close))
            need_op(p, ",");
    }
    return n;
}

/* ( a ), ( a, b ) or ( ). */
static struct node *parenthesis(struct parser *p)
{
    struct node *n = make(p, E_TUPLE);
    if (take_op(p, ")"))
        return n;
    struct node *first = expression(p);
    if (take_op(p, ")"))
        return first;
    push_node(p, &n->list, &n->n, first);
    while (take_op(p, ",")) {
        if (is_op(p, ")"))
            break;
        push_node(p, &n->list, &n->n, expression(p));
    }
    need_op(p, ")");
    return n;
}

static struct node *primary(struct parser *p)
{
    switch (p->t->kind) {
    case TOK_NAME: return named(p);
    case TOK_INT: return constant(p, v_int(p->t->i));
    case TOK_FLOAT: return constant(p, v_float(p->t->f));
    case TOK_STRING: {
        struct buf *b = work_buf(p->w);
        struct node *n = make(p, E_CONST);
        if (p->t[1].kind != TOK_STRING)
            return constant(p, v_slice(p->t->s));
        for (; p->t->kind == TOK_STRING; p->t++)         /* adjacent strings join */
            buf_add(b, p->t->s.ptr, p->t->s.len);
        n->constant = v_slice(work_take(p->w, b));
        return n;
    }
    default: break;
    }
    if (take_op(p, "("))
        return parenthesis(p);
    if (take_op(p, "["))
        return sequence(p, E_LIST, "]");
    if (take_op(p, "{"))
        return sequence(p, E_DICT, "}");
    syntax(p, "an expression");
    return NULL;
}

static struct node *subscript(struct parser *p, struct node *of)
{
    struct node *n = make(p, E_ITEM), *begin = NULL;
    n->a = of;
    if (!is_op(p, ":"))
        begin = expression(p);
    if (!is_op(p, ":")) {
        n->b = begin;
        need_op(p, "]");
        return n;
    }
    need_op(p, ":");
    n->kind = E_SLICE;
    n->b = begin;
    if (!is_op(p, "]") && !is_op(p, ":"))
        n->c = expression(p);
    if (take_op(p, ":") && !is_op(p, "]"))
        push_node(p, &n->list, &n->n, expression(p));
    need_op(p, "]");
    return n;
}

static struct node *postfix(struct parser *p, struct node *a)
{
    for (;;) {
        struct node *n;
        if (take_op(p, ".")) {
            n = make(p, p->t->kind == TOK_INT ? E_ITEM : E_ATTR);
            n->a = a;
            if (p->t->kind == TOK_INT)
                n->b = constant(p, v_int(p->t->i));
            else
                n->name = need_name(p);
        } else if (take_op(p, "[")) {
            n = subscript(p, a);
        } else if (take_op(p, "(")) {
            n = make(p, E_CALL);
            n->a = a;
            arguments(p, n);
        } else {
            return a;
        }
        a = n;
    }
}

static bool starts_argument(const struct parser *p)
{
    static const char *const no[] = { "else", "or", "and", "is", "in", "not", "if" };
    if (p->t->kind == TOK_INT || p->t->kind == TOK_FLOAT || p->t->kind == TOK_STRING)
        return true;
    if (p->t->kind == TOK_OP)
        return is_op(p, "[") || is_op(p, "{");
    if (p->t->kind != TOK_NAME)
        return false;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (is_name(p, no[i]))
            return false;
    return true;
}

/* "x is divisibleby 3", "x is not defined", "x is equalto(y)". */
static struct node *test(struct parser *p, struct node *a)
{
    struct node *n = make(p, E_TEST);
    n->a = a;
    n->negated = take_name(p, "not");
    n->name = need_name(p);
    if (take_op(p, "(")) {
        arguments(p, n);
    } else if (starts_argument(p)) {
        n->arg = work_alloc(p->w, sizeof *n->arg);
        n->n_args = 1;
        n->arg[0].value = postfix(p, primary(p));
    }
    return n;
}

static struct node *filters(struct parser *p, struct node *a)
{
    for (;;) {
        if (take_op(p, "|")) {
            struct node *n = make(p, E_FILTER);
            n->a = a;
            n->name = need_name(p);
            if (take_op(p, "("))
                arguments(p, n);
            a = n;
        } else if (take_name(p, "is")) {
            a = test(p, a);
        } else if (take_op(p, "(")) {
            struct node *n = make(p, E_CALL);
            n->a = a;
            arguments(p, n);
            a = n;
        } else {
            return a;
        }
    }
}

static struct node *signed_operand(struct parser *p, bool with_filters)
{
    struct node *n;
    work_deeper(p->w);
    if (is_op(p, "-") || is_op(p, "+")) {
        n = make(p, is_op(p, "-") ? E_NEG : E_POS);
        p->t++;
        n->a = signed_operand(p, false);
    } else {
        n = postfix(p, primary(p));
    }
    p->w->depth--;
    return with_filters ? filters(p, n) : n;
}

static struct node *unary(struct parser *p)
{
    return signed_operand(p, true);
}

/* Binary operators of one level, left to right. */
static struct node *level(struct parser *p, struct node *(*next)(struct parser *), const char *const *op)
{
    struct node *a = next(p);
    for (;;) {
        const char *const *o = op;
        while (*o && !is_op(p, *o))
            o++;
        if (!*o)
            return a;
        struct node *n = make(p, E_BINARY);
        n->name = p->t++->s;
        n->a = a;
        n->b = next(p);
        a = n;
    }
}

static struct node *power(struct parser *p)
{
    return level(p, unary, (const char *const[]){ "**", NULL });
}

static struct node *product(struct parser *p)
{
    return level(p, power, (const char *const[]){ "*", "/", "//", "%", NULL });
}

static struct node *concat(struct parser *p)
{
    return level(p, product, (const char *const[]){ "~", NULL });
}

static struct node *sum(struct parser *p)
{
    return level(p, concat, (const char *const[]){ "+", "-", NULL });
}

static bool take_comparison(struct parser *p, struct slice *op)
{
    static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (is_op(p, ops[i])) {
            *op = p->t++->s;
            return true;
        }
    }
    if (is_name(p, "in")) {
        *op = p->t++->s;
        return true;
    }
    if (is_name(p, "not") && p->t[1].kind == TOK_NAME && slice_is(p->t[1].s, "in")) {
        *op = (struct slice){ "not in", 6 };
        p->t += 2;
        return true;
    }
    return false;
}

static struct node *comparison(struct parser *p)
{
    struct node *a = sum(p), *n = NULL;
    struct slice op;
    while (take_comparison(p, &op)) {
        if (!n) {
            n = make(p, E_COMPARE);
            n->a = a;
        }
        push_slice(p, &n->ops, &n->n_ops, op);
        push_node(p, &n->list, &n->n, sum(p));
    }
    return n ? n : a;
}

static struct node *negation(struct parser *p)
{
    if (!is_name(p, "not"))
        return comparison(p);
    struct node *n = make(p, E_NOT);
    p->t++;
    work_deeper(p->w);
    n->a = negation(p);
    p->w->depth--;
    return n;
}

static struct node *logical(struct parser *p, const char *word, enum node_kind kind, struct node *(*next)(struct parser *))
{
    struct node *a = next(p);
    while (take_name(p, word)) {
        struct node *n = make(p, kind);
        n->a = a;
        n->b = next(p);
        a = n;
    }
    return a;
}

static struct node *conjunction(struct parser *p)
{
    return logical(p, "and", E_AND, negation);
}

static struct node *disjunction(struct parser *p)
{
    return logical(p, "or", E_OR, conjunction);
}

static struct node *expression(struct parser *p)
{
    work_deeper(p->w);
    struct node *a = disjunction(p);
    while (take_name(p, "if")) {
        struct node *n = make(p, E_IF);
        n->a = a;
        n->b = disjunction(p);
        n->c = take_name(p, "else") ? expression(p) : NULL;
        a = n;
    }
    p->w->depth--;
    return a;
}

/* a, b, c without parentheses is a tuple. */
static struct node *expressions(struct parser *p)
{
    struct node *first = expression(p), *n;
    if (!is_op(p, ","))
        return first;
    n = make(p, E_TUPLE);
    push_node(p, &n->list, &n->n, first);
    while (take_op(p, ",") && p->t->kind != TOK_BLOCK_END)
        push_node(p, &n->list, &n->n, expression(p));
    return n;
}

/* ---- statements ---- */

static void end_tag(struct parser *p)
{
    if (p->t->kind != TOK_BLOCK_END)
        syntax(p, "the end of the tag");
    p->t++;
}

/* The tag that closes a block: its word is next, after BLOCK_BEGIN has been taken. */
static void close_block(struct parser *p, const char *word)
{
    if (!take_name(p, word))
        syntax(p, word);
    if (p->t->kind == TOK_NAME)
        p->t++;                          /* endmacro NAME */
    end_tag(p);
}

static struct node *statement_if(struct parser *p)
{
    struct node *n = make(p, N_IF);
    n->a = expression(p);
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "elif", "else", "endif", NULL });
    if (take_name(p, "elif")) {
        n->b = statement_if(p);
        return n;
    }
    if (take_name(p, "else")) {
        end_tag(p);
        n->b = make(p, N_GROUP);
        n->b->list = statements(p, &n->b->n, (const char *const[]){ "endif", NULL });
    }
    close_block(p, "endif");
    return n;
}

static void targets(struct parser *p, struct node *n)
{
    bool open = take_op(p, "(");
    do
        push_slice(p, &n->ops, &n->n_ops, need_name(p));
    while (take_op(p, ","));
    if (open)
        need_op(p, ")");
}

static struct node *statement_for(struct parser *p)
{
    struct node *n = make(p, N_FOR);
    targets(p, n);
    if (!take_name(p, "in"))
        syntax(p, "in");
    n->a = disjunction(p);
    if (is_op(p, ",")) {
        struct node *tuple = make(p, E_TUPLE);
        push_node(p, &tuple->list, &tuple->n, n->a);
        while (take_op(p, ","))
            push_node(p, &tuple->list, &tuple->n, disjunction(p));
        n->a = tuple;
    }
    if (take_name(p, "if"))
        n->b = expression(p);
    take_name(p, "recursive");
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "else", "endfor", NULL });
    if (take_name(p, "else")) {
        end_tag(p);
        n->c = make(p, N_GROUP);
        n->c->list = statements(p, &n->c->n, (const char *const[]){ "endfor", NULL });
    }
    close_block(p, "endfor");
    return n;
}

static struct node *statement_set(struct parser *p)
{
    struct node *n = make(p, N_SET);
    targets(p, n);
    if (n->n_ops == 1 && is_op(p, ".")) {
        struct node *object = make(p, E_NAME);
        object->name = n->ops[0];
        p->t++;
        n->a = make(p, E_ATTR);
        n->a->a = object;
        n->a->name = need_name(p);
    }
    if (take_op(p, "=")) {
        n->b = expressions(p);
        end_tag(p);
        return n;
    }
    n->kind = N_SET_BLOCK;
    if (is_op(p, "|")) {
        struct node *hole = make(p, E_CONST);           /* its constant is the block's text at run time */
        n->c = hole;
        n->b = filters(p, hole);
    }
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "endset", NULL });
    close_block(p, "endset");
    return n;
}

static struct node *statement_macro(struct parser *p)
{
    struct node *n = make(p, N_MACRO);
    n->name = need_name(p);
    need_op(p, "(");
    while (!take_op(p, ")")) {
        push_slice(p, &n->ops, &n->n_ops, need_name(p));
        struct arg *bigger = work_alloc(p->w, (size_t)n->n_ops * sizeof *bigger);
        if (n->n_args)
            memcpy(bigger, n->arg, (size_t)n->n_args * sizeof *bigger);
        n->arg = bigger;
        n->n_args = n->n_ops;
        if (take_op(p, "="))
            n->arg[n->n_args - 1].value = expression(p);
        if (!is_op(p, ")"))
            need_op(p, ",");
    }
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "endmacro", NULL });
    close_block(p, "endmacro");
    return n;
}

static struct node *statement_filter(struct parser *p)
{
    struct node *n = make(p, N_FILTER_BLOCK), *hole = make(p, E_CONST), *f = make(p, E_FILTER);
    f->a = hole;
    f->name = need_name(p);
    if (take_op(p, "("))
        arguments(p, f);
    n->c = hole;
    n->b = filters(p, f);
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "endfilter", NULL });
    close_block(p, "endfilter");
    return n;
}

static struct node *statement_generation(struct parser *p)
{
    struct node *n = make(p, N_SCOPE);
    end_tag(p);
    n->list = statements(p, &n->n, (const char *const[]){ "endgeneration", NULL });
    close_block(p, "endgeneration");
    return n;
}

static struct node *statement_plain(struct parser *p, enum node_kind kind)
{
    struct node *n = make(p, kind);
    end_tag(p);
    return n;
}

static struct node *statement(struct parser *p)
{
    struct node *n = NULL;
    work_deeper(p->w);
    if (take_name(p, "if"))
        n = statement_if(p);
    else if (take_name(p, "for"))
        n = statement_for(p);
    else if (take_name(p, "set"))
        n = statement_set(p);
    else if (take_name(p, "macro"))
        n = statement_macro(p);
    else if (take_name(p, "filter"))
        n = statement_filter(p);
    else if (take_name(p, "generation"))
        n = statement_generation(p);
    else if (take_name(p, "break"))
        n = statement_plain(p, N_BREAK);
    else if (take_name(p, "continue"))
        n = statement_plain(p, N_CONTINUE);
    else
        syntax(p, "a statement (if, for, set, macro, filter, generation, break, continue)");
    p->w->depth--;
    return n;
}

static struct node *output(struct parser *p)
{
    struct node *n = make(p, N_OUTPUT);
    p->t++;
    n->a = expressions(p);
    if (p->t->kind != TOK_VAR_END)
        syntax(p, "}}");
    p->t++;
    return n;
}

static bool at_any(const struct parser *p, const char *const *word)
{
    for (; word && *word; word++)
        if (p->t[1].kind == TOK_NAME && slice_is(p->t[1].s, *word))
            return true;
    return false;
}

/* Statements up to a block tag whose word is in 'stop'; its BLOCK_BEGIN is taken, its word is next. NULL: to the end. */
static struct node **statements(struct parser *p, int *n, const char *const *stop)
{
    struct node **list = NULL;
    *n = 0;
    for (;;) {
        if (p->t->kind == TOK_TEXT) {
            struct node *text = make(p, N_TEXT);
            text->constant = v_slice(p->t++->s);
            push_node(p, &list, n, text);
        } else if (p->t->kind == TOK_VAR_BEGIN) {
            push_node(p, &list, n, output(p));
        } else if (p->t->kind == TOK_BLOCK_BEGIN) {
            if (at_any(p, stop)) {
                p->t++;
                return list;
            }
            p->t++;
            push_node(p, &list, n, statement(p));
        } else if (p->t->kind == TOK_END && !stop) {
            return list;
        } else {
            syntax(p, stop ? stop[0] : "the end");
        }
    }
}

struct node *template_tree(struct work *w, struct tok *tok)
{
    struct parser p = { w, tok };
    struct node *root = make(&p, N_GROUP);
    root->list = statements(&p, &root->n, NULL);
    return root;
}
