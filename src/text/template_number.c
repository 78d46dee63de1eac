/* template_number.c - Python's arithmetic. Whole numbers have 64 bits; what would need more is refused. */
#include "template_priv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void too_large(struct eval *e)
{
    work_fail(e->w, "a whole number of more than 64 bits");
}

/* ---- operators ---- */

/* a / b, correctly rounded: enough bits of the quotient for a double, and whether any were lost. */
static double int_quotient(int64_t a, int64_t b)
{
    /* Both exact as doubles: one division rounds once. Else the quotient is made in 128 bits, as converting the operands first would
     * round twice. */
    const int64_t exact = 1LL << 53;
    if (a > -exact && a < exact && b > -exact && b < exact)
        return (double)a / (double)b;
    /* Negated as unsigned: the smallest number has no positive of its own. */
    unsigned __int128 x = a < 0 ? -(unsigned __int128)a : (unsigned __int128)a, y = b < 0 ? -(unsigned __int128)b : (unsigned __int128)b;
    int shift = 0;
    while (x && !(x >> 126)) {       /* as many bits of quotient as there are */
        x <<= 1;
        shift++;
    }
    unsigned __int128 q = x / y;
    /* A sticky bit: what was lost decides between two doubles that are equally near. */
    q |= x % y != 0;
    double r = ldexp((double)q, -shift);
    return (a < 0) != (b < 0) ? -r : r;
}

static int64_t int_power(struct eval *e, int64_t a, int64_t n)
{
    int64_t r = 1;
    /* These never overflow, so the loop below would run n times. */
    if (a == 1 || a == 0 || a == -1)
        return n == 0 || a == 1 ? 1 : a == 0 ? 0 : n % 2 ? -1 : 1;
    for (int64_t i = 0; i < n; i++)  /* at most 63 times */
        if (__builtin_mul_overflow(r, a, &r))
            too_large(e);
    return r;
}

static struct value int_arithmetic(struct eval *e, struct slice op, int64_t a, int64_t b)
{
    int64_t r = 0;
    bool over = false;
    /* Python's // and % round towards minus infinity, C's / and % towards zero. */
    if (slice_is(op, "+"))
        over = __builtin_add_overflow(a, b, &r);
    else if (slice_is(op, "-"))
        over = __builtin_sub_overflow(a, b, &r);
    else if (slice_is(op, "*"))
        over = __builtin_mul_overflow(a, b, &r);
    else if (slice_is(op, "**"))
        r = int_power(e, a, b);
    else if (b == 0)
        work_fail(e->w, "division by zero");
    else if (slice_is(op, "/"))
        return v_float(int_quotient(a, b));
    /* a % -1 is 0; a / -1 is -a, but the hardware traps on the smallest number. */
    else if (b == -1)
        over = !slice_is(op, "%") && __builtin_sub_overflow((int64_t)0, a, &r);
    else if (slice_is(op, "//"))
        r = a / b - (a % b != 0 && (a % b < 0) != (b < 0));
    else if ((r = a % b) != 0 && (r < 0) != (b < 0))
        r += b;
    if (over)
        too_large(e);
    return v_int(r);
}

/* Quotient and remainder as float.__divmod__ has them: the remainder takes the sign of the divisor, zeros included. */
static double float_floor(double a, double b, double *mod)
{
    /* In the steps of CPython's float_divmod(), since each of them rounds. */
    double m = fmod(a, b), div = (a - m) / b;
    if (m != 0 && (b < 0) != (m < 0)) {
        m += b;
        div -= 1;
    } else if (m == 0) {
        m = copysign(0.0, b);
    }
    *mod = m;
    if (div == 0)
        return copysign(0.0, a / b);
    double down = floor(div);
    /* div is a whole number but for rounding: the nearest one is meant. */
    return div - down > 0.5 ? down + 1 : down;
}

static struct value float_power(struct eval *e, double a, double b)
{
    double r = pow(a, b);
    /* Where C gives an infinity or a nan, Python raises; an operand that was one already passes. */
    if (a == 0 && b < 0)
        work_fail(e->w, "0.0 cannot be raised to a negative power");
    if (isnan(r) && !isnan(a) && !isnan(b)) /* (-8) ** 0.5 */
        work_fail(e->w, "a power that is a complex number");
    if (isinf(r) && isfinite(a) && isfinite(b))
        work_fail(e->w, "a number too large for a float");
    return v_float(r);
}

static struct value float_arithmetic(struct eval *e, struct slice op, double a, double b)
{
    double mod;
    if (slice_is(op, "+"))
        return v_float(a + b);
    if (slice_is(op, "-"))
        return v_float(a - b);
    if (slice_is(op, "*"))
        return v_float(a * b);
    if (slice_is(op, "**"))
        return float_power(e, a, b);
    if (b == 0)
        work_fail(e->w, "division by zero");
    if (slice_is(op, "/"))
        return v_float(a / b);
    double div = float_floor(a, b, &mod);
    return v_float(slice_is(op, "//") ? div : mod);
}

static bool is_plain_list(struct value v)
{
    return v.type == V_LIST && v.list->kind <= L_GROUP; /* ranges and views have no + and * */
}

static struct value repeat(struct eval *e, struct value what, int64_t times)
{
    if (what.type == V_STRING)
        return (struct value){ .type = V_STRING, .safe = what.safe, .s = text_repeat(e, what.s, times) };
    struct value out = v_list(e->w, what.list->kind == L_LIST ? L_LIST : L_TUPLE);
    /* An empty list repeated is empty at once, however many times: list_add() would count no steps. */
    if (what.list->n)
        for (int64_t i = 0; i < times; i++)
            for (int k = 0; k < what.list->n; k++)
                list_add(e->w, out.list, what.list->item[k]);
    return out;
}

static struct value join_lists(struct eval *e, const struct list *a, const struct list *b)
{
    struct value out = v_list(e->w, a->kind == L_LIST ? L_LIST : L_TUPLE);
    for (int i = 0; i < a->n; i++)
        list_add(e->w, out.list, a->item[i]);
    for (int i = 0; i < b->n; i++)
        list_add(e->w, out.list, b->item[i]);
    return out;
}

struct value value_add(struct eval *e, struct value a, struct value b)
{
    if (a.type == V_STRING && b.type == V_STRING) {
        struct buf *t = work_buf(e->w);
        bool safe = a.safe || b.safe;    /* Markup escapes what is added to it, on either side */
        work_add(e->w, t, safe && !a.safe ? text_escape(e, a.s) : a.s);
        work_add(e->w, t, safe && !b.safe ? text_escape(e, b.s) : b.s);
        return (struct value){ .type = V_STRING, .safe = safe, .s = work_take(e->w, t) };
    }
    /* A list and a tuple do not add. */
    if (is_plain_list(a) && is_plain_list(b) && v_is_tuple(a) == v_is_tuple(b))
        return join_lists(e, a.list, b.list);
    work_fail(e->w, "cannot add %s and %s", v_type_name(a), v_type_name(b));
}

struct value value_binary(struct eval *e, struct slice op, struct value a, struct value b)
{
    double x, y;
    /* Before the operands are asked whether they are undefined: '%s' % nope prints nothing. */
    if (slice_is(op, "%") && a.type == V_STRING)
        return text_percent(e, a, b);
    if (a.type == V_UNDEFINED || b.type == V_UNDEFINED)
        v_complain(e->w, a.type == V_UNDEFINED ? a : b);
    if (v_number(a, &x) && v_number(b, &y)) {
        bool whole = a.type != V_FLOAT && b.type != V_FLOAT;
        /* An int to a negative power is a float. */
        if (whole && !(slice_is(op, "**") && v_whole(b) < 0))
            return int_arithmetic(e, op, v_whole(a), v_whole(b));
        return float_arithmetic(e, op, x, y);
    }
    if (slice_is(op, "+"))
        return value_add(e, a, b);
    /* bool too: 'ab' * true is 'ab'. */
    bool count_right = b.type == V_INT || b.type == V_BOOL, count_left = a.type == V_INT || a.type == V_BOOL;
    if (slice_is(op, "*") && count_right && (a.type == V_STRING || is_plain_list(a)))
        return repeat(e, a, v_whole(b));
    if (slice_is(op, "*") && count_left && (b.type == V_STRING || is_plain_list(b)))
        return repeat(e, b, v_whole(a));
    /* Python has -, & and so on for views; what would be a TypeError elsewhere is no error there, so it is refused by name. */
    if (a.type == V_LIST && a.list->kind > L_RANGE && strchr("-", *op.ptr))
        work_fail(e->w, "set operations on views of dicts are not supported");
    work_fail(e->w, "cannot use %.*s with %s and %s", (int)op.len, op.ptr, v_type_name(a), v_type_name(b));
}

struct value value_negative(struct eval *e, struct value v, bool minus)
{
    double x;
    int64_t r;
    if (v.type == V_UNDEFINED)       /* its own error, not a TypeError */
        v_complain(e->w, v);
    if (!v_number(v, &x))
        work_fail(e->w, "bad operand type for unary %c: '%s'", minus ? '-' : '+', v_type_name(v));
    if (v.type == V_FLOAT)           /* -0.0 stays one */
        return v_float(minus ? -x : x);
    if (minus && __builtin_sub_overflow((int64_t)0, v_whole(v), &r))
        too_large(e);
    return v_int(minus ? r : v_whole(v));
}

/* ---- conversions ---- */

struct value float_int(struct eval *e, double x)
{
    if (isnan(x) || isinf(x))
        work_fail(e->w, "cannot convert float %s to integer", isnan(x) ? "NaN" : "infinity");
    if (fabs(x) >= 9223372036854775808.0) /* 2**63; -2**63 itself is refused, too */
        too_large(e);
    return v_int((int64_t)x);
}

/* The text without blanks around it and without the underscores that Python allows between digits. NULL: not such a text. */
static char *number_text(struct eval *e, struct slice s, bool hex)
{
    s = text_strip(e->w, s, (struct slice){ 0 }, true, true);
    char *out = work_alloc(e->w, s.len + 1), *to = out;
    for (size_t i = 0; i < s.len; i++) {
        char before = i ? s.ptr[i - 1] : '\0', after = i + 1 < s.len ? s.ptr[i + 1] : '\0';
        /* Python reads digits of any script. C0 80, a NUL, is none: it makes the text no number, as there. */
        if ((unsigned char)s.ptr[i] >= 0x80 && s.ptr[i] != '\xc0' && !(s.ptr[i] == '\x80' && before == '\xc0'))
            work_fail(e->w, "numbers in digits other than 0 to 9 are not supported");
        if (s.ptr[i] == '_') {
            /* For whole numbers an underscore goes between any two digits of the base, and behind a prefix: digit_of() judges the
             * rest. Floats have decimal digits. */
            bool joined = hex ? before != '_' && after != '_' && before && after && !strchr("+-", before)
                              : before >= '0' && before <= '9' && after >= '0' && after <= '9';
            if (!joined)
                return NULL;
            continue;
        }
        if (!s.ptr[i])
            return NULL;
        *to++ = s.ptr[i];
    }
    return out;
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : c >= 'A' && c <= 'Z' ? c - 'A' + 10 : 99;
}

/* "0x", "0o", "0b": its base, 0 for none. */
static int prefix_base(const char *p)
{
    if (p[0] != '0')
        return 0;
    char k = p[1] | 32;              /* lower case; a NUL becomes a blank */
    return k == 'x' ? 16 : k == 'o' ? 8 : k == 'b' ? 2 : 0;
}

/* "0_x1": number_text() takes the underscore away, but what is left over is no prefix. */
static bool parted_prefix(struct eval *e, struct slice s)
{
    s = text_strip(e->w, s, (struct slice){ 0 }, true, true);
    size_t sign = s.len && (*s.ptr == '-' || *s.ptr == '+');
    return s.len > sign + 1 && s.ptr[sign + 1] == '_';
}

bool text_int(struct eval *e, struct slice s, int64_t base, int64_t *out)
{
    /* ValueError in Python, which all callers turn into their default. */
    if (base != 0 && (base < 2 || base > 36))
        return false;
    char *p = number_text(e, s, true);
    if (!p)
        return false;
    bool minus = *p == '-';
    p += *p == '-' || *p == '+';
    int marked = parted_prefix(e, s) ? 0 : prefix_base(p);
    /* "0b1" to base 16 is three digits, no prefix. */
    if (marked && (base == 0 || base == marked)) {
        base = marked;
        p += 2;
    } else if (base == 0) {
        base = 10;
        if (*p == '0' && strspn(p, "0") != strlen(p)) /* int("010", 0) is a ValueError */
            return false;
    }
    if (!*p)
        return false;
    int64_t r = 0;
    bool over = false;
    /* Summed up as negative, so that the smallest number can be read. A wrong digit further on still makes it no number rather than
     * too large a one. */
    for (; *p; p++) {
        if (digit_of(*p) >= base)
            return false;
        over |= __builtin_mul_overflow(r, base, &r) || __builtin_sub_overflow(r, (int64_t)digit_of(*p), &r);
    }
    if (over || (!minus && r == INT64_MIN))
        too_large(e);
    *out = minus ? r : -r;
    return true;
}

bool text_float(struct eval *e, struct slice s, double *out)
{
    char *p = number_text(e, s, false), *end;
    if (!p || !*p)
        return false;
    const char *body = p + (*p == '-' || *p == '+');
    bool word = !strcasecmp(body, "inf") || !strcasecmp(body, "infinity") || !strcasecmp(body, "nan"); /* float() knows these in any case */
    if (!word && strspn(body, "0123456789.eE+-") != strlen(body))      /* strtod also reads hexadecimal */
        return false;
    if (*body == '+' || *body == '-') /* strtod() would take a second sign */
        return false;
    *out = strtod(p, &end);
    return !*end;
}

/* Half to even at a power of ten. */
static int64_t round_whole(struct eval *e, int64_t i, int64_t digits)
{
    int64_t unit = digits <= -19 ? 0 : int_power(e, 10, -digits), rest, down; /* 10**19 has more than 63 bits */
    if (unit == 0) {                     /* 10**19 has 65 bits: all whole numbers of 64 round to it, to its negative, or to 0 */
        if (digits < -19 || (i >= -5000000000000000000 && i <= 5000000000000000000))
            return 0;
        too_large(e);
    }
    rest = i % unit;
    /* The remainder counts up from the multiple below, for negative numbers too. */
    rest += rest < 0 ? unit : 0;
    if (__builtin_sub_overflow(i, rest, &down))
        too_large(e);
    /* Not 2 * rest > unit, which overflows for 10**18 and more. */
    bool up = rest > unit - rest || (rest == unit - rest && (down / unit) % 2 != 0);
    if (up && __builtin_add_overflow(down, unit, &down))
        too_large(e);
    return down;
}

struct value value_round(struct eval *e, struct value v, struct value digits)
{
    char text[400];
    double x;
    /* round() wants __round__, which Undefined has not: not its own error but a TypeError. */
    if (v.type == V_UNDEFINED || !v_number(v, &x))
        work_fail(e->w, "type %s cannot be rounded", v_type_name(v));
    if (v.type != V_FLOAT) {
        int64_t n = digits.type == V_NONE ? 0 : arg_int(e, digits, 0);
        return v_int(n >= 0 ? v_whole(v) : round_whole(e, v_whole(v), n));
    }
    if (digits.type == V_NONE)       /* round(x, none) is an int */
        return float_int(e, rint(x));
    int64_t n = arg_int(e, digits, 0);
    if (!isfinite(x) || n > 323)     /* no double has a digit there */
        return v;
    if (n < 0)
        work_fail(e->w, "rounding a float to tens is not supported");
    snprintf(text, sizeof text, "%.*f", (int)(n > 60 ? 60 : n), x);    /* exact decimal digits, half to even: what Python does */
    if (n > 60 && fabs(x) < 1e-30)
        work_fail(e->w, "rounding to %lld digits is not supported", (long long)n);
    /* Both conversions are exact in glibc: the decimal text is rounded correctly, and so is the double nearest to it. */
    return v_float(strtod(text, NULL));
}
