/* template_parse.c - expressions into a tree, by recursive descent with jinja2's precedences.
 * Operands: E_IF a if b else c; E_SLICE a[b:c:list[0]]; E_ITEM a[b]; E_CALL a(arg); E_FILTER and E_TEST of a with arg; others a op b. */
#include "template_priv.h"

#include <string.h>

static struct node *unary(struct parser *p, bool with_filters);

struct node *parse_make(struct parser *p, enum node_kind kind)
{
    /* Zeroed: a kind sets the operands that it has and leaves the others NULL. */
    struct node *n = work_alloc(p->w, sizeof *n);
    n->kind = kind;
    n->line = p->t->line;
    return n;
}

void parse_fail(struct parser *p, const char *expected)
{
    /* Tokens know their lines; the work's line is still the lexer's last. */
    p->w->line = p->t->line;
    /* Strings and texts show their beginning, operators themselves; the end of a tag has no text. */
    work_fail(p->w, "expected %s near '%.*s'", expected, (int)(p->t->s.len < 40 ? p->t->s.len : 40), p->t->s.ptr ? p->t->s.ptr : "");
}

/* Operators and words are told by their text, which slices of the source hold: there is no token kind per operator. */
bool parse_is_op(const struct parser *p, const char *op)
{
    return p->t->kind == TOK_OP && slice_is(p->t->s, op);
}

bool parse_is_name(const struct parser *p, const char *name)
{
    return p->t->kind == TOK_NAME && slice_is(p->t->s, name);
}

bool parse_take_op(struct parser *p, const char *op)
{
    if (!parse_is_op(p, op))
        return false;
    p->t++;
    return true;
}

bool parse_take_name(struct parser *p, const char *name)
{
    if (!parse_is_name(p, name))
        return false;
    p->t++;
    return true;
}

void parse_need_op(struct parser *p, const char *op)
{
    if (!parse_take_op(p, op))
        parse_fail(p, op);
}

struct slice parse_name(struct parser *p)
{
    if (p->t->kind != TOK_NAME)
        parse_fail(p, "a name");
    return p->t++->s;
}

void parse_push(struct parser *p, struct node ***list, int *n, struct node *x)
{
    /* Full at each power of two: the list needs no capacity of its own. All sizes are kept by the arena. */
    if ((*n & (*n - 1)) == 0) {
        struct node **bigger = work_alloc(p->w, (size_t)(*n ? 2 * *n : 1) * sizeof *bigger);
        if (*n)
            memcpy(bigger, *list, (size_t)*n * sizeof *bigger);
        *list = bigger;
    }
    (*list)[(*n)++] = x;
}

/* One more at a time: comparisons and parameters are few. */
void parse_push_name(struct parser *p, struct slice **list, int *n, struct slice s)
{
    struct slice *bigger = work_alloc(p->w, (size_t)(*n + 1) * sizeof *bigger);
    if (*n)
        memcpy(bigger, *list, (size_t)*n * sizeof *bigger);
    bigger[(*n)++] = s;
    *list = bigger;
}

/* ---- arguments ---- */

static struct arg *push_arg(struct parser *p, struct node *call)
{
    struct arg *bigger = work_alloc(p->w, (size_t)(call->n_args + 1) * sizeof *bigger);
    if (call->n_args)
        memcpy(bigger, call->arg, (size_t)call->n_args * sizeof *bigger);
    call->arg = bigger;
    return &bigger[call->n_args++];
}

/* As jinja2 orders them: positions, then names, then *x and **x, each of these once. */
static void check_order(struct parser *p, const struct node *call, const struct arg *a)
{
    /* Python takes more orders (f(*a, b)), jinja2 refuses them when it parses. */
    for (const struct arg *b = call->arg; b < a; b++) {
        bool late = a->kind == ARG_POSITION ? b->kind != ARG_POSITION : a->kind == ARG_LIST ? b->kind >= ARG_LIST : b->kind == ARG_DICT;
        bool twice = a->kind == ARG_NAMED && b->kind == ARG_NAMED && a->name.len == b->name.len &&
                !memcmp(a->name.ptr, b->name.ptr, a->name.len);
        if (late || twice)
            parse_fail(p, twice ? "each argument once" : "positions before names");
    }
}

void parse_arguments(struct parser *p, struct node *call)
{
    while (!parse_take_op(p, ")")) {
        struct arg *a = push_arg(p, call);
        if (parse_take_op(p, "*")) {
            a->kind = ARG_LIST;
        } else if (parse_take_op(p, "**")) {
            a->kind = ARG_DICT;
        } else if (p->t->kind == TOK_NAME && p->t[1].kind == TOK_OP && slice_is(p->t[1].s, "=")) {
            /* Whatever the name is: "f(true=1)" is an argument named true. */
            a->kind = ARG_NAMED;
            a->name = p->t->s;
            p->t += 2;
        }
        check_order(p, call, a);
        /* push_arg() may have moved the array; 'a' is not used from here on. */
        struct node *value = parse_expression(p);
        call->arg[call->n_args - 1].value = value;
        if (!parse_is_op(p, ")"))
            parse_need_op(p, ",");
    }
}

/* ---- primaries ---- */

static struct node *constant(struct parser *p, struct value v)
{
    struct node *n = parse_make(p, E_CONST);
    n->constant = v;
    p->t++;
    return n;
}

unsigned parse_special(struct slice name)
{
    return slice_is(name, "varargs") ? VARARGS : slice_is(name, "kwargs") ? KWARGS : slice_is(name, "caller") ? CALLER : 0;
}

/* A macro takes surplus arguments only if its body reads their name before anything in it sets that name: jinja2's find_undeclared(). */
static void note_name(struct parser *p, struct slice name)
{
    if (p->macro)
        p->macro->takes |= parse_special(name) & ~p->macro->hides;
}

static struct node *named(struct parser *p)
{
    static const struct {
        const char *name;
        enum value_type type;
        bool b;
    } word[] = {
        { "true", V_BOOL, true }, { "True", V_BOOL, true }, { "false", V_BOOL, false }, { "False", V_BOOL, false },
        { "none", V_NONE, false }, { "None", V_NONE, false },
    };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (slice_is(p->t->s, word[i].name))
            return constant(p, (struct value){ .type = word[i].type, .b = word[i].b });
    /* "True" and "true" are constants that nothing can set; "TRUE" is a name. */
    struct node *n = parse_make(p, E_NAME);
    n->name = parse_name(p);
    note_name(p, n->name);
    return n;
}

/* Items up to 'close'; a trailing comma is fine. */
static struct node *sequence(struct parser *p, enum node_kind kind, const char *close)
{
    struct node *n = parse_make(p, kind);
    /* An item must come before each comma, so "[,]" is an error and "[1,]" none. */
    while (!parse_take_op(p, close)) {
        parse_push(p, &n->list, &n->n, parse_expression(p));
        if (kind == E_DICT) {
            parse_need_op(p, ":");
            parse_push(p, &n->list, &n->n, parse_expression(p));
        }
        if (!parse_is_op(p, close))
            parse_need_op(p, ",");
    }
    return n;
}

/* Adjacent strings join. */
static struct node *strings(struct parser *p)
{
    struct buf *b = work_buf(p->w);
    struct node *n = parse_make(p, E_CONST);
    for (; p->t->kind == TOK_STRING; p->t++) /* joined here, never at run time */
        work_add(p->w, b, p->t->s);
    n->constant = v_slice(work_take(p->w, b));
    return n;
}

static struct node *parenthesis(struct parser *p)
{
    struct node *n = parse_make(p, E_TUPLE);
    if (parse_take_op(p, ")"))       /* "()" alone is an empty tuple */
        return n;
    /* "(a)" is a, "(a,)" a tuple: the comma makes it. */
    n = parse_tuple(p, true);
    parse_need_op(p, ")");
    return n;
}

static struct node *primary(struct parser *p)
{
    switch (p->t->kind) {
    case TOK_NAME: return named(p);
    case TOK_INT: return constant(p, v_int(p->t->i));
    case TOK_FLOAT: return constant(p, v_float(p->t->f));
    case TOK_STRING: return strings(p);
    default: break;                  /* brackets, or nothing that begins an expression */
    }
    if (parse_take_op(p, "("))
        return parenthesis(p);
    if (parse_take_op(p, "["))
        return sequence(p, E_LIST, "]");
    if (parse_take_op(p, "{"))
        return sequence(p, E_DICT, "}");
    parse_fail(p, "an expression");
}

/* ---- behind a primary ---- */

/* One index or slice. */
static struct node *subscripted(struct parser *p, struct node *of)
{
    struct node *n = parse_make(p, E_ITEM), *begin = NULL;
    n->a = of;
    if (!parse_is_op(p, ":"))
        begin = parse_expression(p);
    n->b = begin;
    /* Left out, an end is NULL and evaluates to None, which slices take for "not given". */
    if (!parse_take_op(p, ":"))
        return n;
    n->kind = E_SLICE;
    if (!parse_is_op(p, "]") && !parse_is_op(p, ":") && !parse_is_op(p, ","))
        n->c = parse_expression(p);
    if (parse_take_op(p, ":") && !parse_is_op(p, "]") && !parse_is_op(p, ","))
        parse_push(p, &n->list, &n->n, parse_expression(p));
    return n;
}

/* [i], [b:c:d]; [i, k] is an index by a tuple. */
static struct node *subscript(struct parser *p, struct node *of)
{
    struct node *n = subscripted(p, of), *tuple;
    if (parse_take_op(p, "]"))
        return n;
    if (n->kind == E_SLICE)
        parse_fail(p, "]");
    tuple = parse_make(p, E_TUPLE);
    parse_push(p, &tuple->list, &tuple->n, n->b);
    while (!parse_take_op(p, "]")) {
        parse_need_op(p, ",");           /* an item follows: unlike a tuple's, this comma may not be the last */
        parse_push(p, &tuple->list, &tuple->n, parse_expression(p));
    }
    n->b = tuple;
    return n;
}

static struct node *call(struct parser *p, struct node *a)
{
    struct node *n = parse_make(p, E_CALL);
    n->a = a;
    parse_arguments(p, n);
    return n;
}

static struct node *postfix(struct parser *p, struct node *a)
{
    for (;;) {
        struct node *n;
        if (parse_take_op(p, ".")) {
            /* x.0 is x[0]; the lexer has made no float of "x.0.1". */
            n = parse_make(p, p->t->kind == TOK_INT ? E_ITEM : E_ATTR);
            n->a = a;
            if (p->t->kind == TOK_INT)
                n->b = constant(p, v_int(p->t->i));
            else
                n->name = parse_name(p);
        } else if (parse_take_op(p, "[")) {
            n = subscript(p, a);
        } else if (parse_take_op(p, "(")) {
            n = call(p, a);
        } else {
            return a;
        }
        a = n;
    }
}

/* What may follow a test's name as its argument without parentheses. */
static bool starts_argument(struct parser *p)
{
    if (p->t->kind == TOK_INT || p->t->kind == TOK_FLOAT || p->t->kind == TOK_STRING)
        return true;
    if (p->t->kind == TOK_OP)
        return parse_is_op(p, "[") || parse_is_op(p, "{");
    /* "x is defined is true" might be meant to test the test: jinja2 does not let it be guessed. */
    if (parse_is_name(p, "is"))
        parse_fail(p, "one test, not a chain");
    /* Any other name is an argument, "if" included: "a if x is defined if y" is an error in jinja2, too. */
    return p->t->kind == TOK_NAME && !parse_is_name(p, "else") && !parse_is_name(p, "or") && !parse_is_name(p, "and");
}

static struct slice dotted_name(struct parser *p)
{
    struct slice name = parse_name(p);
    while (parse_take_op(p, ".")) {
        struct slice more = parse_name(p);
        /* One slice over all parts: names and points lie side by side in the source. No filter or test here has a point in its name. */
        name.len = (size_t)(more.ptr + more.len - name.ptr);
    }
    return name;
}

/* "x is divisibleby 3", "x is not defined", "x is equalto(y)". */
static struct node *test(struct parser *p, struct node *a)
{
    struct node *n = parse_make(p, E_TEST);
    n->a = a;
    n->negated = parse_take_name(p, "not");
    /* Whether there is such a filter is asked of the whole tree, in check_names(). */
    n->name = dotted_name(p);
    if (parse_take_op(p, "(")) {
        parse_arguments(p, n);
    } else if (starts_argument(p)) {
        struct arg *x = push_arg(p, n);
        /* A primary, no expression: "x is divisibleby 2 + 1" adds to the test's result. No filters either. */
        x->value = postfix(p, primary(p));
    }
    return n;
}

struct node *parse_filter(struct parser *p, struct node *a)
{
    struct node *n = parse_make(p, E_FILTER);
    n->a = a;
    n->name = dotted_name(p);
    if (parse_take_op(p, "("))
        parse_arguments(p, n);
    return n;
}

struct node *parse_filters(struct parser *p, struct node *a)
{
    while (parse_take_op(p, "|"))
        a = parse_filter(p, a);
    return a;
}

/* ---- operators ---- */

/* Filters and tests bind tighter than any operator but the sign: "-1|abs" is (-1)|abs, "1 + 2|f" is 1 + (2|f). */
static struct node *unary(struct parser *p, bool with_filters)
{
    struct node *n;
    work_deeper(p->w);               /* "((((" recurses through here */
    if (parse_is_op(p, "-") || parse_is_op(p, "+")) {
        n = parse_make(p, parse_is_op(p, "-") ? E_NEG : E_POS);
        p->t++;
        n->a = unary(p, false);
    } else {
        n = primary(p);
    }
    n = postfix(p, n);
    while (with_filters) {
        if (parse_take_op(p, "|"))
            n = parse_filter(p, n);
        else if (parse_take_name(p, "is"))
            n = test(p, n);
        else if (parse_take_op(p, "("))
            n = call(p, n);
        else
            break;
    }
    p->w->depth--;
    return n;
}

static struct node *operand(struct parser *p)
{
    return unary(p, true);
}

/* Binary operators of one level, left to right. */
/* Binary operators of one level of precedence; 'next' parses the level that binds tighter. */
static struct node *level(struct parser *p, struct node *(*next)(struct parser *), const char *const *op)
{
    /* Left to right even for **, where Python goes from the right: 2 ** 3 ** 2 is 64 here. */
    struct node *a = next(p);
    for (;;) {
        const char *const *o = op;
        while (*o && !parse_is_op(p, *o))
            o++;
        if (!*o)
            return a;
        struct node *n = parse_make(p, E_BINARY);
        n->name = p->t++->s;
        n->a = a;
        n->b = next(p);
        a = n;
    }
}

static struct node *power(struct parser *p)
{
    return level(p, operand, (const char *const[]){ "**", NULL });
}

static struct node *product(struct parser *p)
{
    return level(p, power, (const char *const[]){ "*", "/", "//", "%", NULL });
}

/* jinja2 puts ~ between sums and products: 1 ~ 2 * 3 is "16", 1 + 2 ~ 3 is 1 + "23", an error. */
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
    /* Longer ones need not come first: tokens are whole. */
    static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">" };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (parse_is_op(p, ops[i])) {
            *op = p->t++->s;
            return true;
        }
    }
    if (parse_is_name(p, "in")) {
        *op = p->t++->s;
        return true;
    }
    /* Two tokens: "a not in b". Behind an operand "not" means nothing else; there is always a next token, as TOK_END is the last. */
    if (parse_is_name(p, "not") && p->t[1].kind == TOK_NAME && slice_is(p->t[1].s, "in")) {
        *op = (struct slice){ "not in", 6 };
        p->t += 2;
        return true;
    }
    return false;
}

/* A chain, not a left-associative operator: a < b < c is a < b and b < c. */
static struct node *comparison(struct parser *p)
{
    /* A chain is one node, so that each operand is evaluated once. */
    struct node *a = sum(p), *n = NULL;
    struct slice op;
    while (take_comparison(p, &op)) {
        if (!n) {
            n = parse_make(p, E_COMPARE);
            n->a = a;                /* a and b are evaluated lazily */
        }
        parse_push_name(p, &n->ops, &n->n_ops, op);
        parse_push(p, &n->list, &n->n, sum(p));
    }
    return n ? n : a;
}

static struct node *negation(struct parser *p)
{
    if (!parse_is_name(p, "not"))
        return comparison(p);
    /* "not" binds looser than comparisons, tighter than "and". */
    struct node *n = parse_make(p, E_NOT);
    p->t++;
    work_deeper(p->w);
    n->a = negation(p);
    p->w->depth--;
    return n;
}

static struct node *logical(struct parser *p, const char *word, enum node_kind kind, struct node *(*next)(struct parser *))
{
    struct node *a = next(p);
    while (parse_take_name(p, word)) {
        struct node *n = parse_make(p, kind);
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

/* a if b else c */
struct node *parse_expression(struct parser *p)
{
    work_deeper(p->w);
    struct node *a = disjunction(p);
    /* "a if b if c" nests to the left; else belongs to the nearest if. */
    while (parse_take_name(p, "if")) {
        struct node *n = parse_make(p, E_IF);
        n->a = a;
        n->b = disjunction(p);
        n->c = parse_take_name(p, "else") ? parse_expression(p) : NULL;
        a = n;
    }
    p->w->depth--;
    return a;
}

/* Commas without brackets, where jinja2 takes them: prints, sets, conditions, what a loop walks. The comma makes the tuple. */
struct node *parse_tuple(struct parser *p, bool conditional)
{
    /* Without 'conditional' an "if" is left to the statement: "for x in a if b". */
    struct node *first = conditional ? parse_expression(p) : disjunction(p), *n;
    if (!parse_is_op(p, ","))
        return first;
    n = parse_make(p, E_TUPLE);
    parse_push(p, &n->list, &n->n, first);
    while (parse_take_op(p, ",")) {
        /* A trailing comma: what ends a tuple in any place that one may stand in. */
        if (p->t->kind == TOK_BLOCK_END || p->t->kind == TOK_VAR_END || parse_is_op(p, ")") || parse_is_name(p, "recursive"))
            break;
        parse_push(p, &n->list, &n->n, conditional ? parse_expression(p) : disjunction(p));
    }
    return n;
}
