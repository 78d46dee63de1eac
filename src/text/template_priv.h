/* template_priv.h - the inside of the template interpreter: arena, values, syntax tree.
 * An error deep in an expression jumps straight back to template_parse() or template_render(): everything between them lives in an arena,
 * so nothing leaks, and no function in between has to pass the failure on. */
#ifndef MTB_TEMPLATE_PRIV_H
#define MTB_TEMPLATE_PRIV_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"
#include "mtbench/template.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

/* MAX_RANGE is jinja2's sandbox's. A step is a node of the tree, a member looked at, or some bytes moved: MAX_STEPS take well under a
 * second. */
enum { MAX_DEPTH = 400, MAX_STEPS = 5000000, MAX_OUTPUT = 16 << 20, MAX_ARENA = 256 << 20, MAX_SOURCE = 1 << 20, MAX_RANGE = 100000,
        MAX_PARAMETERS = 6 };

/* ---- memory and errors of one parse or render ---- */

struct arena_block;
struct arena_buf;

struct work {
    struct arena_block *block;
    struct arena_buf *buf;               /* growing strings that are in use */
    size_t used;                         /* bytes in all blocks */
    jmp_buf fail;
    struct err *err;
    int line;                            /* of the template, where we are */
    int depth;
    size_t steps;
};

void *work_alloc(struct work *w, size_t n);                                    /* zeroed */
void work_free(struct work *w);
void work_fail(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
void work_charge(struct work *w, size_t steps);                                /* fails beyond MAX_STEPS */
struct slice work_copy(struct work *w, const char *s, size_t n);
struct buf *work_buf(struct work *w);                                          /* empty; freed with the work */
struct slice work_take(struct work *w, struct buf *b);                          /* copy of the buf's bytes; empties the buf */
/* Append to a text that may not pass MAX_OUTPUT. */
void work_add(struct work *w, struct buf *b, struct slice s);
void work_deeper(struct work *w);                                               /* fails beyond MAX_DEPTH */

/* ---- values ---- */

enum value_type { V_ABSENT, V_UNDEFINED, V_NONE, V_BOOL, V_INT, V_FLOAT, V_STRING, V_LIST, V_DICT,
                  V_SPACE, V_ITER, V_MACRO, V_BUILTIN, V_METHOD, V_LOOP };

struct value;
struct eval;

/* Sequences that Python tells apart. L_GROUP is groupby's tuple; the last three are views of a dict, which have no index. */
enum list_kind { L_LIST, L_TUPLE, L_GROUP, L_RANGE, L_KEYS, L_VALUES, L_ITEMS };

struct list {
    struct value *item;
    int n, cap;
    enum list_kind kind;
    int64_t start, stop, step;           /* of a range */
};

struct dict {
    struct value *key, *value;           /* (n) */
    int n, cap;
};

struct value {
    enum value_type type;
    bool safe;                           /* of a string: jinja2's Markup, which escapes what is added to it */
    union {
        bool b;
        int64_t i;
        double f;
        struct slice s;
        struct list *list;
        struct dict *dict;               /* of V_SPACE, too */
        struct iter *iter;
        struct macro *macro;
        struct loop *loop;
        struct method *method;
        int builtin;
        struct slice name;               /* of what is undefined, for messages */
    };
};

struct method {
    struct value self;
    const struct method_row *row;
};

struct macro {
    const struct node *node;
    struct frame *frame;                 /* where it was defined: what its body sees */
};

struct value v_none(void);
struct value v_bool(bool b);
struct value v_int(int64_t i);
struct value v_float(double f);
struct value v_slice(struct slice s);
struct value v_text(const char *s);
struct value v_undefined(struct slice name);
struct value v_nothing(void);                                                   /* undefined without a name */
struct value v_list(struct work *w, enum list_kind kind);
struct value v_dict(struct work *w);
void list_add(struct work *w, struct list *l, struct value v);
/* Fails for keys that Python cannot hash. */
void dict_set(struct work *w, struct dict *d, struct value key, struct value v);
const struct value *dict_get(struct work *w, const struct dict *d, struct value key);
/* The members as a view: L_KEYS, L_VALUES, L_ITEMS. */
struct value dict_view(struct work *w, const struct dict *d, enum list_kind kind);

bool v_true(struct value v);
bool v_is_tuple(struct value v);
bool v_number(struct value v, double *f);                                       /* int, float, bool */
int64_t v_whole(struct value v);                                                /* of an int or a bool */
bool v_hashable(struct work *w, struct value v);
bool v_equal(struct work *w, struct value a, struct value b);
enum order { LESS, LESS_EQUAL, GREATER, GREATER_EQUAL };
/* a < b and so on; fails for values that have no order. */
bool v_order(struct work *w, enum order op, struct value a, struct value b);
const char *v_type_name(struct value v);
/* Fails: 'v' is undefined. */
void v_complain(struct work *w, struct value v) __attribute__((noreturn));
/* str(v), or repr(v) for 'quoted'. */
void v_print(struct work *w, struct buf *b, struct value v, bool quoted);
struct slice v_string(struct work *w, struct value v);
/* json.dumps(v, ...) */
struct json_form { struct slice indent, comma, colon; bool lines, sorted, ascii; };
void v_json(struct work *w, struct buf *b, struct value v, const struct json_form *f, int level);

/* ---- iterating ---- */

/* One pass over something. What filters such as map() give is computed as it is asked for, as jinja2's generators are. */
struct iter {
    bool (*next)(struct eval *e, struct iter *it, struct value *out);
    struct list *list;                   /* what a list's iterator walks; seen keys, rows and the like of a filter's */
    int at;
    struct slice text;
    struct value in;                     /* of a filter: what it was given ... */
    struct iter *from;                   /* ... and its iterator, once begun */
    struct call *call;                   /* its arguments */
    struct value a, b;                   /* its settings, as each filter has them */
    bool attribute, keep;
    const struct node *node;             /* of "for x in y if z" */
    struct frame *frame;
};

/* Fails for what cannot be iterated. */
struct iter *value_iter(struct eval *e, struct value v);
bool iter_next(struct eval *e, struct iter *it, struct value *out);
struct value v_iter(struct work *w, struct iter it);
struct iter *list_iter(struct work *w, struct list *l);
/* All items; of a list, itself. */
struct list *value_items(struct eval *e, struct value v);
bool v_contains(struct eval *e, struct value in, struct value x);

/* ---- tokens and tree ---- */

enum token_kind { TOK_END, TOK_TEXT, TOK_NAME, TOK_INT, TOK_FLOAT, TOK_STRING, TOK_OP, TOK_VAR_BEGIN, TOK_VAR_END, TOK_BLOCK_BEGIN,
        TOK_BLOCK_END };

struct tok {
    enum token_kind kind;
    struct slice s;                      /* text of it; unescaped for strings */
    int64_t i;
    double f;
    int line;
};

/* All tokens of a template, ending in TOK_END. */
struct tok *template_lex(struct work *w, struct slice src);

enum node_kind {
    N_TEXT, N_OUTPUT, N_IF, N_FOR, N_SET, N_SET_BLOCK, N_MACRO, N_CALL, N_FILTER_BLOCK, N_WITH, N_SCOPE, N_GROUP, N_BREAK, N_CONTINUE,
    E_CONST, E_HOLE, E_NAME, E_LIST, E_TUPLE, E_DICT, E_ATTR, E_ITEM, E_SLICE, E_CALL, E_FILTER, E_TEST, E_NOT, E_NEG, E_POS, E_AND,
            E_OR, E_IF, E_BINARY, E_COMPARE
};

enum arg_kind { ARG_POSITION, ARG_NAMED, ARG_LIST, ARG_DICT };                  /* x, name=x, *x, **x */

struct arg {
    enum arg_kind kind;
    struct slice name;
    struct node *value;
};

/* Names that a macro's body has without a parameter. */
enum special { VARARGS = 1, KWARGS = 2, CALLER = 4 };

struct node {
    enum node_kind kind;
    int line;
    struct slice name;                   /* names, attributes, operators */
    struct value constant;
    struct node *a, *b, *c;              /* operands; see template_parse.c and template_statements.c */
    struct node *target;                 /* what for, set and with assign to: names, tuples, a namespace's attribute */
    struct node **list;                  /* (n) statements, items, comparisons */
    int n;
    struct slice *ops;                   /* (n_ops) of E_COMPARE; names of macro parameters */
    int n_ops;
    struct arg *arg;
    int n_args;
    bool negated, recursive;
    unsigned takes;                      /* of a macro: which of enum special its body reads and so its calls may give ... */
    unsigned hides;                      /* ... and which it sets before, which are names like any other from there on */
};

/* Where the parser stands. */
struct parser {
    struct work *w;
    const struct tok *t;
    int loops;                           /* loops that break and continue may mean */
    struct node *macro;                  /* innermost */
};

struct node *template_tree(struct work *w, struct tok *tok);
/* Expressions, for the statements: with and without "a if b else c", as jinja2 allows; "a, b" is a tuple. */
struct node *parse_expression(struct parser *p);
struct node *parse_tuple(struct parser *p, bool conditional);
struct node *parse_filters(struct parser *p, struct node *a);                  /* "| f | g" behind a */
struct node *parse_filter(struct parser *p, struct node *a);                   /* f, with its arguments */
void parse_arguments(struct parser *p, struct node *call);                     /* behind "(" */
struct node *parse_make(struct parser *p, enum node_kind kind);
void parse_fail(struct parser *p, const char *expected) __attribute__((noreturn));
bool parse_is_op(const struct parser *p, const char *op);
bool parse_is_name(const struct parser *p, const char *name);
bool parse_take_op(struct parser *p, const char *op);
bool parse_take_name(struct parser *p, const char *name);
void parse_need_op(struct parser *p, const char *op);
struct slice parse_name(struct parser *p);
void parse_push(struct parser *p, struct node ***list, int *n, struct node *x);
void parse_push_name(struct parser *p, struct slice **list, int *n, struct slice s);
unsigned parse_special(struct slice name);                                      /* its enum special, 0: none */

/* ---- evaluation ---- */

struct frame {                           /* variables of one scope */
    struct frame *up;
    struct dict vars;
};

struct eval {
    struct work *w;
    struct frame *frame;
    struct buf *out;
    const struct template_vars *vars;
    size_t out_start;
    struct value hole;                   /* the text of the block whose filters are applied */
};

struct call {                            /* evaluated arguments */
    struct value *pos;
    int n_pos;
    struct slice *name;
    struct value *named;
    int n_named;
};

/* One pass of a for loop, as `loop` sees it. */
struct loop {
    const struct node *node;
    struct frame *outer;
    struct iter *it;
    struct value over;                   /* what is iterated, for its length */
    int64_t index0, length;              /* length -1: not asked for */
    int depth0;
    struct value before, current, after; /* after V_ABSENT: not looked at */
    bool ended;
    struct list *changed;
};

/* Arguments against the parameters of 'spec': names in their order, "?" behind those that may be left out, "/" in front of all where none
 * may be given by name. out[i] is V_ABSENT for what was not given. Fails as Python does: too many, unknown, twice, missing. */
void args_bind(struct eval *e, const char *what, const char *spec, const struct call *c, struct value *out);
void args_none(struct eval *e, const char *what, const struct call *c);
int64_t arg_int(struct eval *e, struct value v, int64_t otherwise);             /* otherwise: for V_ABSENT */
bool arg_true(struct value v, bool otherwise);
struct slice arg_text(struct eval *e, struct value v);                          /* fails for what is no string */

struct value eval_node(struct eval *e, const struct node *n);
void eval_args(struct eval *e, const struct node *n, struct call *c);
struct value eval_call(struct eval *e, struct value f, const struct call *c);
void eval_at(struct eval *e, const struct node *n);                             /* counts a step */
struct value call_macro(struct eval *e, const struct macro *m, const struct call *c);
struct value call_loop(struct eval *e, const struct loop *l, const struct call *c);

struct value value_attr(struct eval *e, struct value v, struct slice name);
struct value value_item(struct eval *e, struct value v, struct value key);
/* v[begin:end:step]; V_NONE: left out. */
struct value value_slice(struct eval *e, struct value v, struct value begin, struct value end, struct value step);
struct value loop_cycle(struct eval *e, const struct loop *l, const struct call *c);
bool loop_changed(struct eval *e, struct loop *l, const struct call *c);
struct value loop_attr(struct eval *e, struct loop *l, struct slice name);
int64_t loop_length(struct eval *e, struct loop *l);
bool loop_step(struct eval *e, struct loop *l, struct value *out);

typedef struct value filter_f(struct eval *e, struct value in, struct value *a, const struct call *c);
struct filter_row {
    const char *name, *spec;             /* spec NULL: the filter reads the call itself */
    filter_f *apply;                     /* NULL: known to jinja2 and not here */
};
extern const struct filter_row text_filters[], list_filters[];                  /* both end in an empty row */
struct value filter_apply(struct eval *e, struct slice name, struct value in, const struct call *c);
bool filter_known(struct slice name);
bool test_apply(struct eval *e, struct slice name, struct value in, const struct call *c);
bool test_known(struct slice name);
struct value method_call(struct eval *e, const struct method *m, const struct call *c);
/* The method 'name' of v as a value; V_ABSENT: there is none. Fails for one of Python's that is not here. */
struct value method_find(struct eval *e, struct value v, struct slice name);
/* Does the sandbox forbid it, so that it is undefined? */
bool method_forbidden(struct value v, struct slice name);
struct value builtin_call(struct eval *e, int which, const struct call *c);
int builtin_find(struct slice name);                                            /* -1: none */
struct value strftime_now(struct eval *e, struct slice format);
int64_t value_length(struct eval *e, struct value v);

/* ---- operators ---- */

struct value value_add(struct eval *e, struct value a, struct value b);
struct value value_binary(struct eval *e, struct slice op, struct value a, struct value b);
struct value value_negative(struct eval *e, struct value v, bool minus);
struct value text_percent(struct eval *e, struct value format, struct value args);          /* format % args */
struct value text_format(struct eval *e, struct slice format, const struct call *c);        /* format.format(...) */
/* int(text, base), float(text); false: ValueError. */
bool text_int(struct eval *e, struct slice s, int64_t base, int64_t *out);
bool text_float(struct eval *e, struct slice s, double *out);
struct value value_round(struct eval *e, struct value v, struct value digits);
struct value float_int(struct eval *e, double x);                               /* int(x); fails beyond 64 bits */

/* ---- characters and strings; positions count characters ---- */

/* The character at s[i], which is *bytes long; C0 80 is NUL. */
uint32_t char_at(struct slice s, size_t i, size_t *bytes);
void char_put(struct buf *b, uint32_t c);
bool char_space(uint32_t c);
bool char_alpha(uint32_t c);
bool char_alnum(uint32_t c);
bool char_decimal(uint32_t c);
bool char_digit(uint32_t c);
bool char_lower(uint32_t c);
bool char_upper(uint32_t c);
bool char_title(uint32_t c);
bool char_printable(uint32_t c);

int64_t text_length(struct slice s);
size_t text_offset(struct slice s, int64_t chars);                              /* bytes before character 'chars', at most all */
struct slice text_slice(struct slice s, int64_t begin, int64_t end);            /* already clamped */
/* Byte offset of the first (last) place, -1: none. */
int64_t text_find(struct work *w, struct slice s, struct slice what, bool last);
struct slice text_strip(struct work *w, struct slice s, struct slice chars, bool left, bool right);    /* chars.ptr NULL: white space */
/* TITLE: str.title(); WORDS: jinja2's filter of that name */
enum letter_case { LOWER, UPPER, TITLE, WORDS, CAPITALIZE, SWAP };
struct slice text_case(struct eval *e, struct slice s, enum letter_case how);
struct slice text_casefold(struct eval *e, struct slice s);
struct slice text_replace(struct eval *e, struct slice s, struct slice old, struct slice new, int64_t count);
/* limit < 0: no limit. A sep that is V_NONE splits at white space. */
struct value text_split(struct eval *e, struct slice s, struct value sep, int64_t limit, bool from_right);
struct value text_lines(struct eval *e, struct slice s, bool keep_ends);
struct slice text_join(struct eval *e, struct slice sep, struct iter *it, struct value attribute, bool strings_only);
struct slice text_pad(struct eval *e, struct slice s, int64_t width, struct slice fill, int64_t left_share);    /* of 2: 0 ljust, 2 rjust */
struct slice text_center(struct eval *e, struct slice s, int64_t width, struct slice fill);     /* as str.center() */
struct slice text_repeat(struct eval *e, struct slice s, int64_t times);
struct slice text_escape(struct eval *e, struct slice s);                       /* for HTML */
/* An attribute's path as filters take it ("a.0.b", 1), and what it gives. */
struct list *attribute_parts(struct eval *e, struct value path);
struct value attribute_get(struct eval *e, struct value v, const struct list *parts, struct value otherwise);

void template_run(struct eval *e, const struct node *root);

#endif
