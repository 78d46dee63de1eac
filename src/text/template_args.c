/* template_args.c - arguments of filters, tests, methods and functions against their parameters, by Python's rules. */
#include "template_priv.h"

#include <string.h>

struct parameters {                  /* a specification, read */
    struct slice name[MAX_PARAMETERS];
    bool optional[MAX_PARAMETERS], unnamed;
    int n;
};

/* Specifications are constants of this program's tables, read anew at each call: six names at most, next to an evaluation that
 * allocates anyway. */
static struct parameters read_spec(const char *spec)
{
    struct parameters p = { 0 };
    /* "/old new count?": no names may be used, two are needed, the third may be left out. */
    if (*spec == '/') {
        p.unnamed = true;
        spec++;
    }
    while (*spec) {
        size_t n = strcspn(spec, " ?");
        p.name[p.n] = (struct slice){ spec, n };
        p.optional[p.n++] = spec[n] == '?';
        spec += n + (spec[n] == '?');
        spec += *spec == ' ';
    }
    return p;
}

static int find_parameter(const struct parameters *p, struct slice name)
{
    /* "/": functions of Python that are written in C take no names ("a".strip(chars="x") is an error there, trim(chars="x") is none). */
    for (int i = 0; i < p->n && !p->unnamed; i++)
        if (p->name[i].len == name.len && !memcmp(p->name[i].ptr, name.ptr, name.len))
            return i;
    return -1;
}

void args_bind(struct eval *e, const char *what, const char *spec, const struct call *c, struct value *out)
{
    const struct parameters p = read_spec(spec);
    /* Every argument is bound or refused, never passed over: one that is not looked at would change the text in silence. */
    if (c->n_pos > p.n)
        work_fail(e->w, "%s takes at most %d arguments, not %d", what, p.n, c->n_pos);
    for (int i = 0; i < p.n; i++)
        /* V_ABSENT is not None: many parameters take None and mean something by it. */
        out[i] = i < c->n_pos ? c->pos[i] : (struct value){ .type = V_ABSENT };
    for (int k = 0; k < c->n_named; k++) {
        int i = find_parameter(&p, c->name[k]);
        if (i < 0)
            work_fail(e->w, "%s has no argument '%.*s'", what, (int)c->name[k].len, c->name[k].ptr);
        if (out[i].type != V_ABSENT)
            work_fail(e->w, "%s was given '%.*s' twice", what, (int)c->name[k].len, c->name[k].ptr);
        out[i] = c->named[k];
    }
    for (int i = 0; i < p.n; i++)
        /* Last, so that a misspelt name is named rather than the one it should have been. */
        if (out[i].type == V_ABSENT && !p.optional[i])
            work_fail(e->w, "%s lacks its argument '%.*s'", what, (int)p.name[i].len, p.name[i].ptr);
}

void args_none(struct eval *e, const char *what, const struct call *c)
{
    args_bind(e, what, "", c, NULL); /* nothing is written without parameters */
}

int64_t arg_int(struct eval *e, struct value v, int64_t otherwise)
{
    if (v.type == V_ABSENT)
        return otherwise;
    /* A bool is an int in Python, a float with a whole value is none. */
    if (v.type != V_INT && v.type != V_BOOL)
        work_fail(e->w, "a whole number is expected, not %s", v_type_name(v));
    return v_whole(v);
}

bool arg_true(struct value v, bool otherwise)
{
    return v.type == V_ABSENT ? otherwise : v_true(v);
}

struct slice arg_text(struct eval *e, struct value v)
{
    if (v.type != V_STRING)
        work_fail(e->w, "a string is expected, not %s", v_type_name(v));
    return v.s;
}
