/* template_loop.c - for loops: their items, what `loop` knows, and recursion. As in jinja2, nothing is looked ahead for unasked. */
#include "template_priv.h"

static bool next_item(struct eval *e, struct loop *l, struct value *out)
{
    /* An iterator that ended is not asked again: what it would do is up to its filter. */
    return !l->ended && !(l->ended = !iter_next(e, l->it, out));
}

/* The item behind the current one. */
static bool peek(struct eval *e, struct loop *l)
{
    if (l->after.type != V_ABSENT)   /* looked at before: nothing is read twice */
        return true;
    return next_item(e, l, &l->after);
}

bool loop_step(struct eval *e, struct loop *l, struct value *out)
{
    struct value v;
    if (l->after.type != V_ABSENT) {
        v = l->after;
        l->after = (struct value){ .type = V_ABSENT };
    } else if (!next_item(e, l, &v)) {
        return false;
    }
    l->index0++;
    /* previtem is the item as it was given out, whatever its pass assigned to the loop's variable. */
    l->before = l->current;
    *out = l->current = v;
    return true;
}

/* Of what has no length, the rest is read now. */
int64_t loop_length(struct eval *e, struct loop *l)
{
    struct value v;
    if (l->length >= 0)
        return l->length;
    /* Lists, dicts, strings: their length is known, also before their items are. */
    if (l->over.type != V_ITER)
        return l->length = value_length(e, l->over);
    struct list *rest = v_list(e->w, L_LIST).list;
    while (next_item(e, l, &v))
        list_add(e->w, rest, v);
    /* The items that were read are walked from here; one that was looked at before still comes first, from l->after. */
    l->it = list_iter(e->w, rest);
    l->ended = false;
    /* Those behind, those given out, and the one looked at. Kept: asked again, some would be counted twice. */
    return l->length = rest->n + l->index0 + 1 + (l->after.type != V_ABSENT);
}

struct value loop_attr(struct eval *e, struct loop *l, struct slice name)
{
    if (slice_is(name, "index"))
        return v_int(l->index0 + 1);
    if (slice_is(name, "index0"))
        return v_int(l->index0);
    if (slice_is(name, "first"))
        return v_bool(l->index0 == 0);
    /* These two read one item ahead; revindex and length read a generator to its end. A template that asks for neither sees errors of
     * later items later. */
    if (slice_is(name, "last"))
        return v_bool(!peek(e, l));
    if (slice_is(name, "length"))
        return v_int(loop_length(e, l));
    if (slice_is(name, "revindex"))
        return v_int(loop_length(e, l) - l->index0);
    if (slice_is(name, "revindex0"))
        return v_int(loop_length(e, l) - l->index0 - 1);
    if (slice_is(name, "previtem"))
        return l->index0 == 0 ? v_undefined(name) : l->before;
    if (slice_is(name, "nextitem"))
        return peek(e, l) ? l->after : v_undefined(name);
    if (slice_is(name, "depth"))
        return v_int(l->depth0 + 1);
    if (slice_is(name, "depth0"))
        return v_int(l->depth0);
    /* An unknown attribute of loop is undefined, as any object's. */
    return v_undefined(name);
}

/* loop.cycle(...): the argument whose turn it is. */
struct value loop_cycle(struct eval *e, const struct loop *l, const struct call *c)
{
    if (c->n_named || c->n_pos == 0)
        work_fail(e->w, "no items for cycling given");
    return c->pos[l->index0 % c->n_pos];
}

/* loop.changed(...): are these other values than the last time? */
bool loop_changed(struct eval *e, struct loop *l, const struct call *c)
{
    struct list *values = v_list(e->w, L_TUPLE).list;
    if (c->n_named)
        work_fail(e->w, "changed() takes no names");
    for (int i = 0; i < c->n_pos; i++)
        list_add(e->w, values, c->pos[i]);
    const struct value new = { .type = V_LIST, .list = values }, old = { .type = V_LIST, .list = l->changed };
    /* The first pass has changed always; values are kept from the call before, not from the pass before. */
    bool same = l->changed && v_equal(e->w, new, old);
    l->changed = same ? l->changed : values;
    return !same;
}
