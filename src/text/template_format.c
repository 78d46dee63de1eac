/* template_format.c - Python's two ways of filling a string: "..." % args, and "...".format(args) with its little language of
 * specifications. */
#include "template_priv.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_PRECISION = 400 };            /* digits; a float has 309 before its point */

/* How one value is to be written. */
struct form {                        /* shared by % and format(): '%-5d' and '{:<5d}' end in the same code */
    struct slice fill;                   /* one character */
    char align, sign, type, group;       /* '\0': not given */
    bool alternate, zero;
    int64_t width, precision;            /* -1: not given */
};

/* A slice has no NUL behind it; one inside is C0 80 and never '\0'. */
static char text_char(struct slice s, size_t i)
{
    return i < s.len ? s.ptr[i] : '\0';
}

/* ---- digits ---- */

static struct slice digits_of(struct eval *e, uint64_t n, char type)
{
    char text[72];
    size_t at = sizeof text;
    unsigned base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
    do                               /* once for 0 */
        text[--at] = (type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef")[n % base];
    while ((n /= base) > 0);
    return work_copy(e->w, text + at, sizeof text - at);
}

/* A float's digits without its sign; type 'r' is repr's, 'n' a specification with a precision and no type. */
static struct slice float_digits(struct eval *e, double x, char type, int64_t precision, bool alternate)
{
    char text[MAX_PRECISION + 330], how[8];
    if (precision > MAX_PRECISION)
        work_fail(e->w, "a precision of more than %d digits", MAX_PRECISION);
    x = fabs(x);
    /* "nan" and "inf" have no digits to round; the upper case types shout them. */
    if (!isfinite(x)) {
        const char *word = isnan(x) ? "nanNAN" : "infINF";
        return work_copy(e->w, word + (type == 'F' || type == 'E' || type == 'G' ? 3 : 0), 3);
    }
    if (type == 'r')                 /* str(): the digits that give x again */
        return v_string(e->w, v_float(x));
    /* format(x, '.3'): like %g, but it goes over to an exponent one digit earlier and keeps ".0": 'r' and a precision in CPython's
     * terms. */
    if (type == 'n') {
        int p = precision < 1 ? 1 : (int)precision, exponent; /* %.0g has one digit as well */
        snprintf(text, sizeof text, "%.*e", p - 1, x); /* the exponent after rounding: 9.99 may be 1e+01 */
        sscanf(strchr(text, 'e') + 1, "%d", &exponent);
        snprintf(text, sizeof text, "%.*g", p, x);
        if (exponent + 1 > p - 1 && !strchr(text, 'e')) {
            snprintf(text, sizeof text, "%.*e", p - 1, x);
            char *e_at = strchr(text, 'e'), *last;
            /* Zeros behind the point go, and then the point. */
            for (last = e_at; strchr(text, '.') && last[-1] == '0';)
                last--;
            last -= last[-1] == '.';
            memmove(last, e_at, strlen(e_at) + 1);
        } else if (!strpbrk(text, ".e")) {
            strcat(text, ".0");
        }
        return work_copy(e->w, text, strlen(text));
    }
    /* The C library agrees with Python in all that is left. */
    snprintf(how, sizeof how, alternate ? "%%#.*%c" : "%%.*%c", type);
    snprintf(text, sizeof text, how, (int)(precision < 0 ? 6 : precision), x);
    return work_copy(e->w, text, strlen(text));
}

/* The digits before a point or exponent, separated by 'group' every 'size'; at least 'width' characters of them by zeros in front. */
static struct slice grouped(struct eval *e, struct slice digits, char group, int64_t width, size_t size)
{
    size_t whole = 0;
    /* Only the whole part is grouped. In groups of 4 digits are hexadecimal, and an 'e' is one of them. */
    while (whole < digits.len && strchr("0123456789abcdefABCDEF", digits.ptr[whole]) && (size == 4 || (digits.ptr[whole] | 32) != 'e'))
        whole++;
    /* Built from the last digit, as groups are counted from there, and turned round in the end. */
    struct buf *b = work_buf(e->w), *back = work_buf(e->w);
    /* Zeros in front are grouped like digits, so the width may be passed by one: a separator never comes first. */
    int64_t tail = (int64_t)(digits.len - whole);
    size_t n = 0;
    for (size_t i = whole; i > 0 || (int64_t)back->len + tail < width; n++) {
        if (group && n && n % size == 0)
            buf_char(back, group);
        buf_char(back, i > 0 ? digits.ptr[--i] : '0');
        if (back->len > MAX_OUTPUT)
            work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    }
    work_charge(e->w, back->len);
    for (size_t i = back->len; i-- > 0;)
        buf_char(b, back->data[i]);
    work_add(e->w, b, (struct slice){ digits.ptr + whole, digits.len - whole });
    return work_take(e->w, b);
}

/* A number: sign, prefix, digits; zeros or the fill between them and at the sides. */
static struct slice put_number(struct eval *e, const struct form *f, bool minus, const char *prefix, struct slice digits)
{
    struct buf *b = work_buf(e->w), *lead = work_buf(e->w);
    /* "0" before the width is fill '0' and align '=', unless the specification gave its own. */
    char align = f->align ? f->align : f->zero ? '=' : '>';
    struct slice fill = f->fill.len ? f->fill : f->zero ? (struct slice){ "0", 1 } : (struct slice){ " ", 1 };
    if (minus || f->sign == '+' || f->sign == ' ') /* '-' alone, the default, writes none for others */
        buf_char(lead, minus ? '-' : f->sign);
    buf_str(lead, prefix);
    /* Only then does padding count as digits, with separators among them. */
    bool zeros = align == '=' && slice_is(fill, "0");
    /* "_" groups hexadecimal, octal and binary digits by four. */
    size_t size = *prefix || f->type == 'b' || f->type == 'o' || f->type == 'x' || f->type == 'X' ? 4 : 3;
    if (f->group || zeros)
        digits = grouped(e, digits, f->group, zeros ? f->width - (int64_t)lead->len : 0, size);
    struct slice front = work_take(e->w, lead);
    int64_t used = (int64_t)front.len + text_length(digits);
    if (align != '=')
        work_add(e->w, b, front);
    if (align == '=') {
        work_add(e->w, b, front);
        work_add(e->w, b, text_repeat(e, fill, f->width - used));
    }
    work_add(e->w, b, digits);
    struct slice all = work_take(e->w, b);
    return align == '=' ? all : text_pad(e, all, f->width, fill, align == '<' ? 0 : align == '>' ? 2 : 1);
}

static const char *prefix_of(char type)
{
    return type == 'x' ? "0x" : type == 'X' ? "0X" : type == 'o' ? "0o" : type == 'b' ? "0b" : "";
}

static uint64_t magnitude(int64_t i)
{
    return i < 0 ? 0 - (uint64_t)i : (uint64_t)i; /* the smallest number, too */
}

static struct slice put_float(struct eval *e, const struct form *f, double x)
{
    struct buf *b = work_buf(e->w);
    struct slice digits;
    if (f->type == '%')
        /* Multiplied first, as CPython does, with its rounding. */
        digits = float_digits(e, x * 100, 'f', f->precision, f->alternate);
    else
        digits = float_digits(e, x, f->type ? f->type : f->precision < 0 ? 'r' : 'n', f->precision, f->alternate);
    work_add(e->w, b, digits);
    if (f->type == '%')
        buf_char(b, '%');
    return put_number(e, f, signbit(x) && !isnan(x), "", work_take(e->w, b)); /* -0.0 has a sign, a nan none */
}

static struct slice put_text(struct eval *e, const struct form *f, struct slice s)
{
    if (f->precision >= 0)           /* cuts, never pads */
        s = text_slice(s, 0, f->precision);
    char align = f->align ? f->align : '<'; /* format()'s default for text */
    struct slice fill = f->fill.len ? f->fill : f->zero ? (struct slice){ "0", 1 } : (struct slice){ " ", 1 };
    return text_pad(e, s, f->width, fill, align == '<' ? 0 : align == '>' ? 2 : 1);
}

/* repr() with everything beyond ASCII escaped. */
static struct slice ascii(struct eval *e, struct value v)
{
    struct buf *b = work_buf(e->w), *out = work_buf(e->w);
    v_print(e->w, b, v, true);
    struct slice s = work_take(e->w, b);
    for (size_t i = 0, n; i < s.len; i += n) {
        uint32_t c = char_at(s, i, &n);
        if (c < 0x80)
            buf_char(out, (char)c);
        else
            buf_printf(out, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c);
    }
    return work_take(e->w, out);
}

static struct slice repr(struct eval *e, struct value v)
{
    struct buf *b = work_buf(e->w);
    v_print(e->w, b, v, true);
    return work_take(e->w, b);
}

/* ---- "..." % args ---- */

struct percent {
    struct eval *e;
    struct value args;
    int next;
    bool mapping;                        /* the arguments have keys: nothing is left over */
};

static struct value next_value(struct percent *p)
{
    /* Anything else is the one argument, lists included: '%s' % [1, 2]. */
    bool tuple = v_is_tuple(p->args);
    if (p->next >= (tuple ? p->args.list->n : 1))
        work_fail(p->e->w, "not enough arguments for the format");
    p->next++;
    return tuple ? p->args.list->item[p->next - 1] : p->args;
}

/* "(name)" behind the percent sign: the value under that name becomes the argument. */
static bool take_name(struct percent *p, struct slice f, size_t *at, struct value *out)
{
    size_t open = 1, i = *at + 1;
    if (text_char(f, *at) != '(')
        return false;
    /* Brackets nest within a name. */
    for (; i < f.len && open; i++)
        open += (f.ptr[i] == '(') - (f.ptr[i] == ')');
    if (open || p->args.type != V_DICT)
        work_fail(p->e->w, open ? "incomplete key in a format" : "a format with names requires a dict");
    struct slice name = { f.ptr + *at + 1, i - *at - 2 };
    const struct value *v = dict_get(p->e->w, p->args.dict, v_slice(name));
    if (!v)
        work_fail(p->e->w, "the format's '%.*s' is not in its dict", (int)name.len, name.ptr);
    *out = *v;
    *at = i;
    return true;
}

static int64_t take_count(struct percent *p, struct slice f, size_t *at)
{
    int64_t n = 0;
    if (text_char(f, *at) == '*') {
        ++*at;
        /* "*" takes a width or precision out of the arguments. */
        struct value v = next_value(p);
        if (v.type != V_INT && v.type != V_BOOL) /* "*" takes no float */
            work_fail(p->e->w, "* in a format wants a whole number");
        return v_whole(v);
    }
    for (; text_char(f, *at) >= '0' && text_char(f, *at) <= '9'; ++*at)
        if ((n = 10 * n + f.ptr[*at] - '0') > MAX_OUTPUT)
            work_fail(p->e->w, "a format wider than %d", MAX_OUTPUT);
    return n;
}

static struct slice percent_int(struct percent *p, struct form *f, struct value v)
{
    struct eval *e = p->e;
    double x;
    /* %d cuts a float to a whole number; %x and %o refuse it. */
    bool decimal = strchr("diu", f->type) != NULL;
    if (!v_number(v, &x) || (v.type == V_FLOAT && !decimal)) /* strings are not converted: '%d' % '3' fails */
        work_fail(e->w, "%%%c format: a number is required, not %s", f->type, v_type_name(v));
    int64_t i = v.type == V_FLOAT ? float_int(e, x).i : v_whole(v);
    f->type = decimal ? 'd' : f->type;
    struct slice digits = digits_of(e, magnitude(i), f->type);
    /* A precision is a least number of digits, put in before sign and padding. */
    if (f->precision > (int64_t)digits.len)
        digits = text_pad(e, digits, f->precision, (struct slice){ "0", 1 }, 2);
    return put_number(e, f, i < 0, f->alternate ? prefix_of(f->type) : "", digits);
}

static struct slice percent_char(struct percent *p, const struct form *f, struct value v)
{
    struct buf *b = work_buf(p->e->w);
    /* A number is a code point, and no half of a surrogate pair could be encoded. */
    if (v.type == V_STRING && text_length(v.s) == 1)
        return put_text(p->e, f, v.s);
    if ((v.type != V_INT && v.type != V_BOOL) || v_whole(v) < 0 || v_whole(v) > 0x10ffff || (v_whole(v) >= 0xd800 && v_whole(v) < 0xe000))
        work_fail(p->e->w, "%%c requires an int or a character");
    char_put(b, (uint32_t)v_whole(v));
    return put_text(p->e, f, work_take(p->e->w, b));
}

static struct slice percent_one(struct percent *p, struct form *f, struct value v)
{
    struct eval *e = p->e;
    double x;
    if (strchr("sra", f->type)) {
        /* Texts stand to the right here, to the left in format(); zeros are ignored. */
        f->align = f->align ? f->align : '>';
        f->zero = false;
        return put_text(e, f, f->type == 's' ? v_string(e->w, v) : f->type == 'r' ? repr(e, v) : ascii(e, v));
    }
    if (f->type == 'c') {
        f->align = f->align ? f->align : '>';
        f->zero = false;
        f->precision = -1;
        return percent_char(p, f, v);
    }
    if (f->align == '<')             /* "-" overrides "0" */
        f->zero = false;
    if (strchr("diuoxX", f->type))
        return percent_int(p, f, v);
    if (!v_number(v, &x))            /* %f of an int is its float */
        work_fail(e->w, "%%%c format: must be a real number, not %s", f->type, v_type_name(v));
    return put_float(e, f, x);
}

/* One conversion behind its percent sign. */
static struct slice percent_field(struct percent *p, struct slice f, size_t *at)
{
    /* Flags, width, precision and a length that means nothing, in C's order; all values after their flags are taken from left to
     * right. */
    struct form form = { .precision = -1 };
    struct value named;
    bool has_name = take_name(p, f, at, &named);
    size_t start = *at;
    for (char c; (c = text_char(f, *at)) && strchr("-+ #0", c); ++*at) {
        form.align = c == '-' ? '<' : form.align;
        form.sign = c == '+' || (c == ' ' && form.sign != '+') ? c : form.sign; /* "+" overrides " " */
        form.alternate |= c == '#';
        form.zero |= c == '0';
    }
    form.width = take_count(p, f, at);
    if (form.width < 0) {            /* only "*" can give one */
        form.align = '<';
        form.width = -form.width;
    }
    if (text_char(f, *at) == '.') {
        ++*at;
        form.precision = take_count(p, f, at);
        form.precision = form.precision < 0 ? 0 : form.precision;
    }
    if (text_char(f, *at) && strchr("hlL", f.ptr[*at]))
        ++*at;
    form.type = text_char(f, (*at)++);
    /* "%%" alone; "%5%" is an unsupported format in Python as well. */
    if (form.type == '%' && start == *at - 1 && !has_name)
        return (struct slice){ "%", 1 };
    if (!form.type || !strchr("diuoxXeEfFgGcrsa", form.type)) /* the end of the format, too */
        work_fail(p->e->w, "unsupported format character '%c'", form.type ? form.type : '?');
    return percent_one(p, &form, has_name ? named : next_value(p));
}

struct value text_percent(struct eval *e, struct value format, struct value args)
{
    struct percent p = { .e = e, .args = args };
    struct buf *b = work_buf(e->w);
    struct slice f = format.s;
    if (format.safe)
        work_fail(e->w, "a format that was marked as safe is not supported");
    /* PyMapping_Check(): what has keys or items is not counted as unused, so 'x' % [1] is "x" and 'x' % 1 an error. Undefined has
     * __getitem__, too. */
    p.mapping = args.type == V_DICT || args.type == V_UNDEFINED || (args.type == V_LIST &&
            (args.list->kind == L_LIST || args.list->kind == L_RANGE));
    for (size_t i = 0; i < f.len;) { /* text up to a percent sign, then its conversion */
        const char *percent = memchr(f.ptr + i, '%', f.len - i);
        size_t n = percent ? (size_t)(percent - f.ptr) - i : f.len - i;
        work_add(e->w, b, (struct slice){ f.ptr + i, n });
        i += n + 1;
        if (percent)
            work_add(e->w, b, percent_field(&p, f, &i));
    }
    if (!p.mapping && p.next < (v_is_tuple(args) ? args.list->n : 1))
        work_fail(e->w, "not all arguments are used by the format");
    return v_slice(work_take(e->w, b));
}

/* ---- format(value, specification) ---- */

static int64_t spec_number(struct eval *e, struct slice s, size_t *at)
{
    int64_t n = 0;
    for (; text_char(s, *at) >= '0' && text_char(s, *at) <= '9'; ++*at)
        if ((n = 10 * n + s.ptr[*at] - '0') > MAX_OUTPUT) /* no overflow, as it ends here */
            work_fail(e->w, "a format wider than %d", MAX_OUTPUT);
    return n;
}

static struct form read_form(struct eval *e, struct slice s)
{
    /* [[fill]align][sign][#][0][width][,_][.precision][type] */
    struct form f = { .precision = -1 };
    size_t i = 0, n = s.len ? text_offset(s, 1) : 0;
    /* The fill is any character, an align letter included; known by the align letter behind it. */
    if (s.len > n && strchr("<>=^", s.ptr[n])) {
        f.fill = (struct slice){ s.ptr, n };
        f.align = s.ptr[n];
        i = n + 1;
    } else if (s.len && strchr("<>=^", *s.ptr)) {
        f.align = s.ptr[i++];
    }
    if (text_char(s, i) && strchr("+- ", s.ptr[i]))
        f.sign = s.ptr[i++];
    if (text_char(s, i) == 'z')      /* Python 3.11's "no negative zero" */
        work_fail(e->w, "'z' in a format is not supported");
    f.alternate = text_char(s, i) == '#';
    i += f.alternate;
    f.zero = text_char(s, i) == '0';
    i += f.zero;
    f.width = spec_number(e, s, &i);
    if (text_char(s, i) == ',' || text_char(s, i) == '_')
        f.group = s.ptr[i++];
    if (text_char(s, i) == '.') {
        size_t digits = ++i;
        f.precision = spec_number(e, s, &i);
        if (digits == i)             /* "." needs digits */
            work_fail(e->w, "a format lacks its precision");
    }
    if (i < s.len)
        f.type = s.ptr[i++];
    if (i != s.len)                  /* something behind the type */
        work_fail(e->w, "invalid format specification '%.*s'", (int)(s.len < 60 ? s.len : 60), s.ptr);
    return f;
}

static struct slice spec_text(struct eval *e, struct form *f, struct slice s)
{
    if ((f->type && f->type != 's') || f->sign || f->alternate || f->group || f->align == '=')
        work_fail(e->w, "a format specification that strings do not have");
    return put_text(e, f, s);
}

static struct slice spec_int(struct eval *e, struct form *f, int64_t i)
{
    if (f->type && strchr("eEfFgG%", f->type)) {
        /* Beyond 2**53 Python converts to a float as well. */
        return put_float(e, f, (double)i);
    } else if (f->type == 'c' || f->type == 'n') {
        work_fail(e->w, "'%c' in a format is not supported", f->type);
    }
    if (f->precision >= 0 || (f->type && !strchr("bdoxX", f->type)) || (f->group == ',' && f->type && f->type != 'd'))
        work_fail(e->w, "a format specification that whole numbers do not have");
    return put_number(e, f, i < 0, f->alternate ? prefix_of(f->type) : "", digits_of(e, magnitude(i), f->type));
}

static struct slice format_value(struct eval *e, struct value v, struct slice spec)
{
    double x;
    /* Any value has an empty specification: it is str(value). */
    if (spec.len == 0)
        return v_string(e->w, v);
    /* object.__format__ refuses others: None, lists, dicts. */
    if (!v_number(v, &x) && v.type != V_STRING)
        work_fail(e->w, "%s takes no format specification", v_type_name(v));
    struct form f = read_form(e, spec);
    if (v.type == V_STRING)
        return spec_text(e, &f, v.s);
    /* A bool with a specification is written as an int. */
    if (v.type != V_FLOAT)
        return spec_int(e, &f, v_whole(v));
    if (f.type && !strchr("eEfFgG%", f.type)) /* no 'd' for floats */
        work_fail(e->w, "a format specification that floats do not have");
    if (!f.type && f.alternate)
        work_fail(e->w, "'#' without a type in a format is not supported");
    return put_float(e, &f, x);
}

/* ---- "...".format(...) ---- */

struct fields {
    struct eval *e;
    const struct call *c;
    int64_t next;                        /* of "{}"; -1: fields have numbers */
};

static struct slice fill(struct fields *p, struct slice f, int depth);

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return s.len > 0;
}

/* The argument that a field begins with. string.Formatter, which jinja2's sandbox uses, counts only fields that are nothing but it
 * ('whole'): "{}" is the next one, "{[a]}" one with an empty name, and only "{0}" forbids "{}" beside it, not "{0.a}". */
static struct value argument(struct fields *p, struct slice name, bool whole)
{
    struct eval *e = p->e;
    int64_t i = 0;
    bool number = all_digits(name) && text_int(e, name, 10, &i), counted = whole && name.len == 0;
    if (counted || number) {
        if (whole && (p->next < 0 ? counted : number && p->next > 0))
            work_fail(e->w, "a format cannot mix numbered and unnumbered fields");
        if (counted)
            i = p->next++;
        else if (whole)
            p->next = -1;
        if (i >= p->c->n_pos)        /* IndexError */
            work_fail(e->w, "a format lacks argument %lld", (long long)i);
        return p->c->pos[i];
    }
    /* Names are taken as they stand, blanks included. */
    for (int k = 0; k < p->c->n_named; k++)
        if (p->c->name[k].len == name.len && !memcmp(p->c->name[k].ptr, name.ptr, name.len))
            return p->c->named[k];
    work_fail(e->w, "a format lacks argument '%.*s'", (int)name.len, name.ptr);
}

/* "name.attribute[item]". */
static struct value field(struct fields *p, struct slice s)
{
    struct eval *e = p->e;
    size_t i = 0;
    while (i < s.len && s.ptr[i] != '.' && s.ptr[i] != '[')
        i++;
    struct value v = argument(p, (struct slice){ s.ptr, i }, i == s.len);
    while (i < s.len) {
        /* Through value_attr() and value_item(), as jinja2's sandbox replaces getattr: a format is no way around it. */
        bool item = s.ptr[i++] == '[';
        size_t start = i;
        while (i < s.len && (item ? s.ptr[i] != ']' : s.ptr[i] != '.' && s.ptr[i] != '['))
            i++;
        struct slice name = { s.ptr + start, i - start };
        if (name.len == 0 || (item && i == s.len) || (item && i + 1 < s.len && !strchr(".[", s.ptr[i + 1])))
            work_fail(e->w, "a field of a format is incomplete");
        i += item;
        struct value key = v_slice(name);
        int64_t n;
        /* In brackets digits are an index and anything else a key, without quotes. */
        if (item && all_digits(name) && text_int(e, name, 10, &n))
            key = v_int(n);
        v = item ? value_item(e, v, key) : value_attr(e, v, name);
    }
    return v;
}

/* What stands between the braces: field!conversion:specification. */
static struct slice replacement(struct fields *p, struct slice s, int depth)
{
    struct eval *e = p->e;
    size_t end = 0;
    bool item = false;
    /* Within brackets "!" and ":" belong to the key. */
    for (; end < s.len && (item || (s.ptr[end] != '!' && s.ptr[end] != ':')); end++)
        item = s.ptr[end] == '[' || (item && s.ptr[end] != ']');
    struct value v = field(p, (struct slice){ s.ptr, end });
    char conversion = '\0';
    if (text_char(s, end) == '!') {
        conversion = text_char(s, end + 1);
        end += 2;
        if (!conversion || !strchr("rsa", conversion) || (end < s.len && s.ptr[end] != ':'))
            work_fail(e->w, "an unknown conversion in a format");
    }
    /* A converted value is a string, and its specification a string's. */
    if (conversion)
        v = v_slice(conversion == 'r' ? repr(e, v) : conversion == 'a' ? ascii(e, v) : v_string(e->w, v));
    struct slice spec = { "", 0 };
    if (end < s.len)
        /* Fields within a specification take from the same arguments, and count on. */
        spec = fill(p, (struct slice){ s.ptr + end + 1, s.len - end - 1 }, depth + 1);
    return format_value(e, v, spec);
}

static struct slice fill(struct fields *p, struct slice f, int depth)
{
    struct eval *e = p->e;
    struct buf *b = work_buf(e->w);
    for (size_t i = 0; i < f.len;) {
        char c = f.ptr[i];
        if (c != '{' && c != '}') {
            size_t n = 1;
            while (i + n < f.len && f.ptr[i + n] != '{' && f.ptr[i + n] != '}')
                n++;
            work_add(e->w, b, (struct slice){ f.ptr + i, n });
            i += n;
        } else if (text_char(f, i + 1) == c) { /* "{{" and "}}" */
            buf_char(b, c);
            i += 2;
        } else {
            size_t start = ++i, open = 1;
            if (c == '}')
                work_fail(e->w, "a single '}' in a format");
            if (depth > 1)               /* a specification's own specification may be text, but holds no field */
                work_fail(e->w, "a format is nested too deeply");
            /* Braces are matched first, and what is between them read afterwards. */
            for (; i < f.len && open; i++)
                open += (f.ptr[i] == '{') - (f.ptr[i] == '}');
            if (open)
                work_fail(e->w, "a single '{' in a format");
            work_add(e->w, b, replacement(p, (struct slice){ f.ptr + start, i - 1 - start }, depth));
        }
    }
    return work_take(e->w, b);
}

struct value text_format(struct eval *e, struct slice format, const struct call *c)
{
    struct fields p = { .e = e, .c = c };
    return v_slice(fill(&p, format, 0));
}
