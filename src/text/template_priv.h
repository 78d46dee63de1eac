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

enum { MAX_DEPTH = 150, MAX_STEPS = 4000000, MAX_OUTPUT = 16 << 20, MAX_ARENA = 256 << 20, MAX_SOURCE = 1 << 20 };

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
    long steps;
};

void *work_alloc(struct work *w, size_t n);                                    /* zeroed */
void work_free(struct work *w);
void work_fail(struct work *w, const char *fmt, ...) __attribute__((format(printf, 2, 3), noreturn));
struct slice work_copy(struct work *w, const char *s, size_t n);
struct buf *work_buf(struct work *w);                                          /* empty; freed with the work */
struct slice work_take(struct work *w, struct buf *b);                          /* copy of the buf's bytes; empties the buf */
void work_deeper(struct work *w);                                               /* fails beyond MAX_DEPTH */

/* ---- values ---- */

enum value_type { V_UNDEFINED, V_NONE, V_BOOL, V_INT, V_FLOAT, V_STRING, V_LIST, V_DICT, V_MACRO, V_BUILTIN, V_METHOD };

struct value;

struct list {
    struct value *item;
    int n, cap;
    bool tuple;
};

struct dict {
    struct value *key, *value;           /* (n) */
    int n, cap;
    bool mutable;                        /* namespace() */
};

struct value {
    enum value_type type;
    union {
        bool b;
        int64_t i;
        double f;
        struct slice s;
        struct list *list;
        struct dict *dict;
        const struct node *macro;
        int builtin;
        struct method *method;
        struct slice name;               /* of what is undefined, for messages */
    };
};

struct method {
    struct value self;
    struct slice name;
};

struct value v_none(void);
struct value v_bool(bool b);
struct value v_int(int64_t i);
struct value v_float(double f);
struct value v_slice(struct slice s);
struct value v_text(const char *s);
struct value v_undefined(struct slice name);
struct value v_list(struct work *w, bool tuple);
struct value v_dict(struct work *w, bool mutable);
void list_add(struct work *w, struct list *l, struct value v);
void dict_set(struct work *w, struct dict *d, struct value key, struct value v);
const struct value *dict_get(const struct dict *d, struct value key);
const struct value *dict_text(const struct dict *d, const char *key);

bool v_true(struct value v);
bool v_equal(struct value a, struct value b);
/* <0, 0, >0; fails for values that have no order. */
int v_compare(struct work *w, struct value a, struct value b);
bool v_contains(struct work *w, struct value in, struct value x);
bool v_number(struct value v, double *f);                                       /* int, float, bool */
const char *v_type_name(struct value v);
/* str(v), or repr(v) for 'quoted'. */
void v_print(struct work *w, struct buf *b, struct value v, bool quoted);
struct slice v_string(struct work *w, struct value v);
/* json.dumps(v, ensure_ascii=False, ...) */
struct json_form { int indent; struct slice comma, colon; bool sorted; };       /* indent < 0: one line */
void v_json(struct work *w, struct buf *b, struct value v, const struct json_form *f, int level);
/* Items of a list, keys of a dict, characters of a string. Fails for what cannot be iterated. */
struct list *v_items(struct work *w, struct value v);

/* Code points. */
int64_t text_length(struct slice s);
struct slice text_slice(struct slice s, int64_t begin, int64_t end);            /* by code point, already clamped */

/* ---- tokens and tree ---- */

enum token_kind { TOK_END, TOK_TEXT, TOK_NAME, TOK_INT, TOK_FLOAT, TOK_STRING, TOK_OP, TOK_VAR_BEGIN, TOK_VAR_END, TOK_BLOCK_BEGIN, TOK_BLOCK_END };

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
    N_TEXT, N_OUTPUT, N_IF, N_FOR, N_SET, N_SET_BLOCK, N_MACRO, N_FILTER_BLOCK, N_SCOPE, N_GROUP, N_BREAK, N_CONTINUE,
    E_CONST, E_NAME, E_LIST, E_TUPLE, E_DICT, E_ATTR, E_ITEM, E_SLICE, E_CALL, E_FILTER, E_TEST, E_NOT, E_NEG, E_POS, E_AND, E_OR, E_IF, E_BINARY, E_COMPARE
};

struct arg {
    struct slice name;                   /* empty: positional */
    struct node *value;
};

struct node {
    enum node_kind kind;
    int line;
    struct slice name;                   /* names, attributes, operators */
    struct value constant;
    struct node *a, *b, *c;              /* operands; see template_parse.c */
    struct node **list;                  /* (n) statements, items, comparisons */
    int n;
    struct slice *ops;                   /* (n) of E_COMPARE; names of macro parameters and loop targets */
    int n_ops;
    struct arg *arg;
    int n_args;
    bool negated;
};

struct node *template_tree(struct work *w, struct tok *tok);

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
};

struct call {                            /* evaluated arguments */
    struct value *pos;
    int n_pos;
    struct slice *name;
    struct value *named;
    int n_named;
};

/* Argument 'i', or the one called 'name'; 'otherwise' when neither was given. */
struct value call_arg(const struct call *c, int i, const char *name, struct value otherwise);

struct value filter_apply(struct eval *e, struct slice name, struct value in, const struct call *c);
bool test_apply(struct eval *e, struct slice name, struct value in, const struct call *c);
struct value method_call(struct eval *e, const struct method *m, const struct call *c);
bool method_known(struct value self, struct slice name);
struct value builtin_call(struct eval *e, int which, const struct call *c);
int builtin_find(struct slice name);                                            /* -1: none */
struct value value_attr(struct eval *e, struct value v, struct slice name);
struct value value_item(struct eval *e, struct value v, struct value key);

/* ---- strings, for filters and methods ---- */

enum letter_case { LOWER, UPPER, TITLE, WORDS, CAPITALIZE };    /* TITLE: str.title(); WORDS: jinja2's filter of that name */

struct value v_nothing(void);                                                   /* undefined without a name */
/* call_arg() as a string. */
struct slice call_text(struct eval *e, const struct call *c, int i, const char *name, const char *otherwise);
/* chars.ptr NULL: white space. */
struct slice text_strip(struct slice s, struct slice chars, bool left, bool right);
struct value text_case(struct eval *e, struct slice s, enum letter_case how);
/* count, limit < 0: no limit. A sep that is no string splits at white space. */
struct value text_replace(struct eval *e, struct slice s, struct slice old, struct slice new, int64_t count);
struct value text_split(struct eval *e, struct slice s, struct value sep, int64_t limit);
struct value text_rsplit(struct eval *e, struct slice s, struct slice sep, int64_t limit);
/* startswith or endswith, of a string or any of a tuple. */
bool text_affix(struct eval *e, struct slice s, struct value what, bool end);
/* Items, or their attribute when it is defined, as strings. */
struct value items_join(struct eval *e, struct value in, struct slice sep, struct value attribute);
/* List of (key, value). */
struct value dict_items(struct eval *e, const struct dict *d);

void template_run(struct eval *e, const struct node *root);

#endif
