/* template_globals.c - functions that every template has. */
#include "template_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* In the order of the names below. */
enum builtin { B_RANGE, B_NAMESPACE, B_DICT, B_RAISE, B_STRFTIME, B_LIPSUM, B_CYCLER, B_JOINER };

static const char *const builtin_name[] = { "range", "namespace", "dict", "raise_exception", "strftime_now", "lipsum", "cycler", "joiner" };

int builtin_find(struct slice name)
{
    for (size_t i = 0; i < sizeof builtin_name / sizeof *builtin_name; i++)
        if (slice_is(name, builtin_name[i]))
            return (int)i;
    return -1;
}

static struct value range(struct eval *e, const struct call *c)
{
    struct value a[3], out = v_list(e->w, L_RANGE);
    args_bind(e, "range", "/start stop? step?", c, a);
    int64_t begin = arg_int(e, a[0], 0), end = arg_int(e, a[1], 0), step = arg_int(e, a[2], 1);
    if (a[1].type == V_ABSENT) {     /* range(stop) */
        end = begin;
        begin = 0;
    }
    if (step == 0)
        work_fail(e->w, "range() arg 3 must not be zero");
    /* The difference of two 64-bit numbers has 65 bits; the sandbox fails with OverflowError at the same size. */
    if (((long double)end - (long double)begin) / (long double)step > MAX_RANGE)
        work_fail(e->w, "a range of more than %d numbers", MAX_RANGE);
    *out.list = (struct list){ .kind = L_RANGE, .start = begin, .stop = end, .step = step };
    for (int64_t i = begin; step > 0 ? i < end : i > end;) {
        /* All numbers are made at once; MAX_RANGE bounds them. The three numbers stay beside them for printing and slicing. */
        list_add(e->w, out.list, v_int(i));
        if (__builtin_add_overflow(i, step, &i))
            break;
    }
    return out;
}

/* dict(mapping or pairs, name=value ...) */
static struct value make_dict(struct eval *e, const struct call *c)
{
    struct value d = v_dict(e->w), pair;
    if (c->n_pos > 1)
        work_fail(e->w, "dict expected at most 1 argument, got %d", c->n_pos);
    if (c->n_pos && c->pos[0].type == V_DICT) {
        for (int i = 0; i < c->pos[0].dict->n; i++)
            dict_set(e->w, d.dict, c->pos[0].dict->key[i], c->pos[0].dict->value[i]);
    /* Pairs are whatever has two items: "ab" is 'a': 'b'. */
    } else if (c->n_pos) {
        struct iter *it = value_iter(e, c->pos[0]);
        while (iter_next(e, it, &pair)) {
            struct list *two = value_items(e, pair);
            if (two->n != 2)
                work_fail(e->w, "dict expects pairs, not %d values", two->n);
            dict_set(e->w, d.dict, two->item[0], two->item[1]);
        }
    }
    /* Names come last and win over keys of the same name. */
    for (int i = 0; i < c->n_named; i++)
        dict_set(e->w, d.dict, v_slice(c->name[i]), c->named[i]);
    return d;
}

/* One directive of the format, or the text up to the next. What a datetime without a time zone has no answer for is empty. */
static size_t put_time(struct eval *e, struct buf *b, const char *f, const struct tm *tm, int micros)
{
    char text[512], one[16] = { 0 };
    size_t n = 1;
    if (*f != '%') {
        n = strcspn(f, "%");
        buf_add(b, f, n);
        return n;
    }
    /* datetime.strftime() answers these itself; now() has no time zone, so the last two are empty. All else goes to the C library's
     * strftime(), as in Python. */
    if (f[1] == 'f' || f[1] == 'z' || f[1] == 'Z') {
        if (f[1] == 'f')
            buf_printf(b, "%06d", micros);
        return 2;
    }
    while (f[n] && n < 8 && strchr("-_0^#EO123456789", f[n]))
        n++;
    /* %s depends on the zone of whoever renders, and widths beyond a few digits on the C library. */
    if (f[n] == 's' || f[n] == 'G' || n > 4)
        work_fail(e->w, "%%%c in a time is not supported", f[n] ? f[n] : ' ');
    n += f[n] != '\0';
    one[0] = ' ';                        /* tells an empty result from one that did not fit */
    memcpy(one + 1, f, n);
    /* The process never calls setlocale(), so names of days and months are English. */
    if (strftime(text, sizeof text, one, tm) > 0)
        buf_str(b, text + 1);
    return n;
}

struct value strftime_now(struct eval *e, struct slice format)
{
    struct buf *b = work_buf(e->w);
    /* One instant per run, handed in as a clock on the wall would show it: gmtime_r() then adds no zone of its own. */
    double whole = floor(e->vars->now);
    time_t now = (time_t)whole;
    struct tm tm;
    gmtime_r(&now, &tm);
    struct slice f = work_copy(e->w, format.ptr, format.len);          /* ends in a NUL */
    /* A NUL, which is spelled C0 80: Python 3.11 cuts the text there, which no template can mean. */
    if (strlen(f.ptr) != f.len || (f.len && memchr(f.ptr, '\xc0', f.len)))
        work_fail(e->w, "embedded null character in a time");
    work_charge(e->w, f.len);
    for (size_t i = 0; i < f.len;)
        i += put_time(e, b, f.ptr + i, &tm, (int)((e->vars->now - whole) * 1e6));
    return v_slice(work_take(e->w, b));
}

struct value builtin_call(struct eval *e, int which, const struct call *c)
{
    struct value a[1];
    switch ((enum builtin)which) {
    case B_RANGE: return range(e, c);
    case B_DICT: return make_dict(e, c);
    /* Its dict may be changed by "set ns.x = ..."; a V_DICT never is. */
    case B_NAMESPACE: return (struct value){ .type = V_SPACE, .dict = make_dict(e, c).dict };
    case B_STRFTIME:
        args_bind(e, "strftime_now", "format", c, a);
        return strftime_now(e, arg_text(e, a[0]));
    case B_RAISE:
        args_bind(e, "raise_exception", "message", c, a);
        /* The message is the template's text: cut, as errors are one short line. */
        struct slice s = v_string(e->w, a[0]);
        work_fail(e->w, "the template refuses these messages: %.*s", (int)(s.len < 200 ? s.len : 200), s.ptr);
    /* Known names that are refused when called, and only then: "cycler is defined" holds in jinja2. */
    default: work_fail(e->w, "%s() is not supported", builtin_name[which]);
    }
}
