/* template_tests.c - "x is ...": tests by name. */
#include "template_priv.h"

#include <string.h>

/* ---- what a value is ---- */

static bool t_defined(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    /* An item that is not there is as undefined as a name; None is defined. */
    return v.type != V_UNDEFINED;
}

static bool t_undefined(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_UNDEFINED;
}

static bool t_none(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_NONE;
}

static bool t_boolean(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    /* isinstance(), not equality: 1 is no boolean, though 1 == true. */
    return v.type == V_BOOL;
}

static bool t_true(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_BOOL && v.b;
}

static bool t_false(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_BOOL && !v.b;
}

static bool t_integer(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    /* A bool is an int to Python and "number", but jinja2 takes true and false out of "integer". */
    return v.type == V_INT;
}

static bool t_float(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_FLOAT;
}

static bool t_number(struct eval *e, struct value v, const struct value *a)
{
    double x;
    (void)e, (void)a;
    /* numbers.Number, which bool is as well. */
    return v_number(v, &x);
}

static bool t_string(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_STRING;
}

static bool t_mapping(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    /* A namespace is no Mapping. */
    return v.type == V_DICT;
}

static bool t_iterable(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    /* Undefined can be walked as if empty, and templates rely on it: "for t in tools" without tools. */
    return v.type == V_STRING || v.type == V_LIST || v.type == V_DICT || v.type == V_UNDEFINED || v.type == V_ITER || v.type == V_LOOP;
}

/* Has it a length and an index? */
static bool t_sequence(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_STRING || (v.type == V_LIST && v.list->kind <= L_RANGE) || v.type == V_DICT || v.type == V_UNDEFINED;
}

/* jinja2's Undefined can be called too, if only to fail. */
static bool t_callable(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_MACRO || v.type == V_BUILTIN || v.type == V_METHOD || v.type == V_LOOP || v.type == V_UNDEFINED;
}

static bool t_escaped(struct eval *e, struct value v, const struct value *a)
{
    (void)e, (void)a;
    return v.type == V_STRING && v.safe;
}

static bool t_filter(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    /* "value in env.filters" looks the value up in a dict. */
    if (!v_hashable(e->w, v))
        work_fail(e->w, "unhashable type: '%s'", v_type_name(v));
    /* Anything else is no key of env.filters, whose keys are names. */
    return v.type == V_STRING && filter_known(v.s);
}

static bool t_test(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    if (!v_hashable(e->w, v))
        work_fail(e->w, "unhashable type: '%s'", v_type_name(v));
    return v.type == V_STRING && test_known(v.s);
}

/* ---- comparing ---- */

static bool t_equal(struct eval *e, struct value v, const struct value *a)
{
    return v_equal(e->w, v, a[0]);
}

static bool t_unequal(struct eval *e, struct value v, const struct value *a)
{
    return !v_equal(e->w, v, a[0]);
}

static bool t_less(struct eval *e, struct value v, const struct value *a)
{
    return v_order(e->w, LESS, v, a[0]);
}

static bool t_less_equal(struct eval *e, struct value v, const struct value *a)
{
    return v_order(e->w, LESS_EQUAL, v, a[0]);
}

static bool t_greater(struct eval *e, struct value v, const struct value *a)
{
    return v_order(e->w, GREATER, v, a[0]);
}

static bool t_greater_equal(struct eval *e, struct value v, const struct value *a)
{
    return v_order(e->w, GREATER_EQUAL, v, a[0]);
}

static bool t_in(struct eval *e, struct value v, const struct value *a)
{
    return v_contains(e, a[0], v);   /* operands change places: "x is in y" is x in y */
}

/* Python's "is". Whether equal strings and large numbers are one object is up to its memory: refused. */
static bool t_sameas(struct eval *e, struct value v, const struct value *a)
{
    if (v.type != a[0].type)         /* 1 is not true */
        return false;
    switch (v.type) {
    case V_NONE: return true;
    case V_BOOL: return v.b == a[0].b;
    case V_INT:
        if (v.i == a[0].i && (v.i < -5 || v.i > 256)) /* CPython keeps one object of each from -5 to 256 */
            break;
        return v.i == a[0].i;
    case V_LIST:
        if (v.list == a[0].list)
            return true;
        /* Equal constant tuples may be one object to the compiler. */
        if (v_is_tuple(v) && v_equal(e->w, v, a[0]))
            break;
        return false;
    case V_DICT:
    case V_SPACE: return v.dict == a[0].dict;
    default:
        if (!v_equal(e->w, v, a[0]))
            return false;
        break;
    }
    work_fail(e->w, "whether two equal values of type %s are the same object is not defined", v_type_name(v));
}

/* ---- numbers and letters ---- */

/* v % by == rest, with Python's %: of strings, too. */
static bool remainder_is(struct eval *e, struct value v, struct value by, int64_t rest)
{
    /* jinja2 writes value % 2 == 1, so "%s" is a template for a string: '%d' is even asks '2' == 0. */
    return v_equal(e->w, value_binary(e, (struct slice){ "%", 1 }, v, by), v_int(rest));
}

static bool t_odd(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    return remainder_is(e, v, v_int(2), 1);
}

static bool t_even(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    return remainder_is(e, v, v_int(2), 0);
}

static bool t_divisible(struct eval *e, struct value v, const struct value *a)
{
    return remainder_is(e, v, a[0], 0);
}

/* str.islower(), str.isupper(): at least one such letter, none of the other kinds. */
static bool letters_are(struct eval *e, struct value v, bool upper)
{
    struct slice s = v_string(e->w, v); /* str(value): undefined is "" */
    bool some = false;
    work_charge(e->w, s.len / 8);
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c = char_at(s, i, &n);
        /* Titlecase letters are neither. */
        if (upper ? char_lower(c) || char_title(c) : char_upper(c) || char_title(c))
            return false;
        some |= upper ? char_upper(c) : char_lower(c);
    }
    return some;
}

static bool t_lower(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    return letters_are(e, v, false);
}

static bool t_upper(struct eval *e, struct value v, const struct value *a)
{
    (void)a;
    return letters_are(e, v, true);
}

/* ---- by name ---- */

static const struct {
    const char *name, *spec;
    bool (*holds)(struct eval *e, struct value v, const struct value *a);
} table[] = {
    { "defined", "", t_defined }, { "undefined", "", t_undefined }, { "none", "", t_none }, { "boolean", "", t_boolean },
    { "true", "", t_true },
    { "false", "", t_false }, { "integer", "", t_integer }, { "float", "", t_float }, { "number", "", t_number },
    { "string", "", t_string },
    { "mapping", "", t_mapping }, { "iterable", "", t_iterable }, { "sequence", "", t_sequence }, { "callable", "", t_callable },
    { "escaped", "", t_escaped }, { "filter", "", t_filter }, { "test", "", t_test }, { "sameas", "other", t_sameas },
    { "in", "seq", t_in },
    { "odd", "", t_odd }, { "even", "", t_even }, { "divisibleby", "num", t_divisible }, { "lower", "", t_lower }, { "upper", "", t_upper },
    /* From the operator module, which takes no names. */
    { "==", "/other", t_equal }, { "eq", "/other", t_equal }, { "equalto", "/other", t_equal }, { "!=", "/other", t_unequal },
    { "ne", "/other", t_unequal },
    { "<", "/other", t_less }, { "lt", "/other", t_less }, { "lessthan", "/other", t_less }, { "<=", "/other", t_less_equal },
    { "le", "/other", t_less_equal },
    { ">", "/other", t_greater }, { "gt", "/other", t_greater }, { "greaterthan", "/other", t_greater },
    { ">=", "/other", t_greater_equal },
    { "ge", "/other", t_greater_equal },
};

static int find(struct slice name)
{
    /* By position in the table, so that test_known() and the call search alike. */
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (slice_is(name, table[i].name))
            return (int)i;
    return -1;
}

bool test_known(struct slice name)
{
    return find(name) >= 0;
}

bool test_apply(struct eval *e, struct slice name, struct value in, const struct call *c)
{
    struct value a[MAX_PARAMETERS];
    int i = find(name);
    if (i < 0)
        work_fail(e->w, "no test named '%.*s'", (int)name.len, name.ptr);
    /* Bound even where a test looks at none, so that "x is odd(3)" is an error here, too. */
    args_bind(e, table[i].name, table[i].spec, c, a);
    return table[i].holds(e, in, a);
}
