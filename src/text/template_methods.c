/* template_methods.c - methods of strings, dicts and lists by name. */
#include "template_priv.h"

#include <string.h>

typedef struct value method_f(struct eval *e, struct value self, struct value *a, const struct call *c);
struct method_row {
    const char *name, *spec;             /* spec NULL: the method reads the call itself */
    method_f *call;
};

/* ---- strings: where something is ---- */

/* The part of s between two arguments as Python's slices take them. false: it begins behind its end. */
static bool part(struct eval *e, struct slice s, struct value begin, struct value end, struct slice *out, int64_t *from)
{
    /* None means "not given", as in a slice. */
    int64_t n = text_length(s);
    int64_t i = begin.type == V_NONE ? 0 : arg_int(e, begin, 0), k = end.type == V_NONE ? n : arg_int(e, end, n);
    work_charge(e->w, s.len / 32);
    k = k > n ? n : k < 0 ? k + n : k;
    i = i < 0 ? i + n : i;
    i = i < 0 ? 0 : i;
    k = k < 0 ? 0 : k;
    /* Not the empty part: 'abc'.find('', 5) is -1 and startswith('', 4) false, while find('', 3) is 3. */
    if (i > k)
        return false;
    *out = text_slice(s, i, k);
    *from = i;
    return true;
}

/* find(), rfind() and, with an error for -1, index() and rindex(). */
static int64_t find(struct eval *e, struct value self, const struct value *a, bool last)
{
    struct slice s;
    int64_t from, at = -1;
    struct slice what = arg_text(e, a[0]); /* a string and nothing else: no str() of numbers */
    if (part(e, self.s, a[1], a[2], &s, &from))
        at = text_find(e->w, s, what, last);
    /* text_find() counts bytes; templates count characters from the beginning of the whole text. */
    return at < 0 ? -1 : from + text_length((struct slice){ s.ptr, (size_t)at });
}

static struct value m_find(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return v_int(find(e, self, a, false));
}

static struct value m_rfind(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return v_int(find(e, self, a, true));
}

static struct value found(struct eval *e, int64_t at)
{
    if (at < 0)                      /* ValueError */
        work_fail(e->w, "substring not found");
    return v_int(at);
}

static struct value m_index(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return found(e, find(e, self, a, false));
}

static struct value m_rindex(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return found(e, find(e, self, a, true));
}

static struct value m_count(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct slice s, what = arg_text(e, a[0]);
    int64_t from, n = 0, at;
    (void)c;
    if (!part(e, self.s, a[1], a[2], &s, &from))
        return v_int(0);
    if (what.len == 0)
        return v_int(text_length(s) + 1); /* between all characters and at both ends */
    for (; (at = text_find(e->w, s, what, false)) >= 0; n++)
        s = (struct slice){ s.ptr + at + what.len, s.len - (size_t)at - what.len };
    return v_int(n);
}

/* startswith() and endswith(): one text, or a tuple of them of which any may fit. */
static bool affix(struct eval *e, struct slice s, struct value what, bool end)
{
    /* A list is a TypeError in Python, which arg_text() makes of it. */
    if (v_is_tuple(what)) {
        for (int i = 0; i < what.list->n; i++)
            if (affix(e, s, v_slice(arg_text(e, what.list->item[i])), end))
                return true;
        return false;
    }
    struct slice w = arg_text(e, what);
    return s.len >= w.len && (w.len == 0 || !memcmp(end ? s.ptr + s.len - w.len : s.ptr, w.ptr, w.len));
}

static struct value m_startswith(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct slice s = { "", 0 };
    int64_t from;
    (void)c;
    /* The prefix is looked at even where the part is none: a wrong type is an error all the same. */
    bool there = part(e, self.s, a[1], a[2], &s, &from);
    return v_bool(affix(e, s, a[0], false) && there);
}

static struct value m_endswith(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct slice s = { "", 0 };
    int64_t from;
    (void)c;
    bool there = part(e, self.s, a[1], a[2], &s, &from);
    return v_bool(affix(e, s, a[0], true) && there);
}

static struct value m_removeprefix(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    size_t n = arg_text(e, a[0]).len; /* no tuples here, unlike startswith() */
    (void)c;
    return v_slice(affix(e, self.s, a[0], false) ? (struct slice){ self.s.ptr + n, self.s.len - n } : self.s);
}

static struct value m_removesuffix(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    size_t n = arg_text(e, a[0]).len;
    (void)c;
    return v_slice(affix(e, self.s, a[0], true) ? (struct slice){ self.s.ptr, self.s.len - n } : self.s);
}

/* ---- strings: what they become ---- */

/* None as the set means white space, as if it were not there. */
static struct value strip(struct eval *e, struct value self, const struct value *a, bool left, bool right)
{
    struct slice chars = { 0 };
    if (a[0].type != V_ABSENT && a[0].type != V_NONE)
        chars = arg_text(e, a[0]);
    return v_slice(text_strip(e->w, self.s, chars, left, right));
}

static struct value m_strip(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return strip(e, self, a, true, true);
}

static struct value m_lstrip(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return strip(e, self, a, true, false);
}

static struct value m_rstrip(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return strip(e, self, a, false, true);
}

static struct value m_split(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return text_split(e, self.s, a[0].type == V_ABSENT ? v_none() : a[0], arg_int(e, a[1], -1), false);
}

static struct value m_rsplit(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return text_split(e, self.s, a[0].type == V_ABSENT ? v_none() : a[0], arg_int(e, a[1], -1), true);
}

static struct value m_splitlines(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return text_lines(e, self.s, arg_true(a[0], false));
}

/* (before, sep, after); without sep in it, the whole stands at the end that was searched last. */
static struct value partition(struct eval *e, struct value self, struct value sep, bool last)
{
    struct value out = v_list(e->w, L_TUPLE), none = v_text("");
    /* Always three, so that they can be unpacked without asking whether the separator was there. */
    struct slice s = self.s, what = arg_text(e, sep);
    if (what.len == 0)
        work_fail(e->w, "empty separator");
    int64_t at = text_find(e->w, s, what, last);
    size_t behind = (size_t)at + what.len;
    list_add(e->w, out.list, at >= 0 ? v_slice((struct slice){ s.ptr, (size_t)at }) : last ? none : self);
    list_add(e->w, out.list, at >= 0 ? sep : none);
    list_add(e->w, out.list, at >= 0 ? v_slice((struct slice){ s.ptr + behind, s.len - behind }) : last ? self : none);
    return out;
}

static struct value m_partition(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return partition(e, self, a[0], false);
}

static struct value m_rpartition(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return partition(e, self, a[0], true);
}

static struct value m_replace(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    /* Strings alone, where the filter of that name takes str() of anything. */
    return v_slice(text_replace(e, self.s, arg_text(e, a[0]), arg_text(e, a[1]), arg_int(e, a[2], -1)));
}

static struct value m_join(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    /* No attribute and no str(): those are the filter's. */
    return v_slice(text_join(e, self.s, value_iter(e, a[0]), v_none(), true));
}

static struct value m_format(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a;
    return text_format(e, self.s, c);
}

static struct value m_upper(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_case(e, self.s, UPPER));
}

static struct value m_lower(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_case(e, self.s, LOWER));
}

static struct value m_title(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_case(e, self.s, TITLE));
}

static struct value m_capitalize(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_case(e, self.s, CAPITALIZE));
}

static struct value m_swapcase(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_case(e, self.s, SWAP));
}

static struct value m_casefold(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return v_slice(text_casefold(e, self.s));
}

static struct slice fill_of(struct eval *e, struct value v)
{
    return v.type == V_ABSENT ? (struct slice){ " ", 1 } : arg_text(e, v);
}

static struct value m_center(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return v_slice(text_center(e, self.s, arg_int(e, a[0], 0), fill_of(e, a[1])));
}

static struct value m_ljust(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return v_slice(text_pad(e, self.s, arg_int(e, a[0], 0), fill_of(e, a[1]), 0));
}

static struct value m_rjust(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    return v_slice(text_pad(e, self.s, arg_int(e, a[0], 0), fill_of(e, a[1]), 2));
}

/* Zeros behind a sign. */
static struct value m_zfill(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct buf *b = work_buf(e->w);
    /* One sign stays in front of the zeros; strchr() would find the NUL. */
    bool sign = self.s.len && strchr("+-", *self.s.ptr) && *self.s.ptr;
    struct slice digits = { self.s.ptr + sign, self.s.len - sign };
    (void)c;
    work_add(e->w, b, (struct slice){ self.s.ptr, sign });
    work_add(e->w, b, text_pad(e, digits, arg_int(e, a[0], 0) - sign, (struct slice){ "0", 1 }, 2));
    return v_slice(work_take(e->w, b));
}

static struct value m_expandtabs(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct buf *b = work_buf(e->w);
    int64_t size = arg_int(e, a[0], 8), column = 0;
    (void)c;
    for (size_t i = 0, n; i < self.s.len; i += n) {
        uint32_t x = char_at(self.s, i, &n);
        /* Columns count characters since the last line end; a tab size of 0 or less takes tabs away. */
        if (x == '\t') {
            int64_t more = size > 0 ? size - column % size : 0;
            work_add(e->w, b, text_repeat(e, (struct slice){ " ", 1 }, more));
            column += more;
        } else {
            work_add(e->w, b, (struct slice){ self.s.ptr + i, n });
            column = x == '\n' || x == '\r' ? 0 : column + 1;
        }
    }
    return v_slice(work_take(e->w, b));
}

/* ---- strings: what they are ---- */

/* str.isdigit() and its kin. */
static struct value all_chars(struct eval *e, struct slice s, bool (*is)(uint32_t), bool empty)
{
    work_charge(e->w, s.len / 8);
    for (size_t i = 0, n; i < s.len; i += n)
        /* The first one that is not decides; of an empty text only isascii() and isprintable() hold. */
        if (!is(char_at(s, i, &n)))
            return v_bool(false);
    return v_bool(s.len || empty);
}

static struct value m_isdigit(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_digit, false);
}

static struct value m_isdecimal(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_decimal, false);
}

static struct value m_isalpha(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_alpha, false);
}

static struct value m_isalnum(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_alnum, false);
}

static struct value m_isspace(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_space, false);
}

static struct value m_isprintable(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, char_printable, true);
}

static bool is_ascii(uint32_t c)
{
    return c < 0x80;
}

static struct value m_isascii(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return all_chars(e, self.s, is_ascii, true);
}

static struct value m_islower(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a;
    /* The test is defined by the method in jinja2; it refuses arguments, too. */
    return v_bool(test_apply(e, (struct slice){ "lower", 5 }, self, c));
}

static struct value m_isupper(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a;
    return v_bool(test_apply(e, (struct slice){ "upper", 5 }, self, c));
}

/* Capitals begin words and nothing else does. */
static struct value m_istitle(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    bool some = false, within = false;
    (void)a, (void)c;
    work_charge(e->w, self.s.len / 8);
    for (size_t i = 0, n; i < self.s.len; i += n) {
        uint32_t x = char_at(self.s, i, &n);
        bool capital = char_upper(x) || char_title(x), small = char_lower(x);
        /* Letters without case, digits and marks end a word here: "A1B" is a title, "AB" none. */
        if ((capital && within) || (small && !within))
            return v_bool(false);
        within = capital || small;
        some |= within;
    }
    return v_bool(some);
}

/* "/": by position only. Those without take names, as Python's do: split(maxsplit=1). */
static const struct method_row text_methods[] = {
    { "strip", "/chars?", m_strip }, { "lstrip", "/chars?", m_lstrip }, { "rstrip", "/chars?", m_rstrip },
    { "split", "sep? maxsplit?", m_split },
    { "rsplit", "sep? maxsplit?", m_rsplit }, { "splitlines", "keepends?", m_splitlines },
    { "startswith", "/prefix start? end?", m_startswith },
    { "endswith", "/suffix start? end?", m_endswith }, { "upper", "", m_upper }, { "lower", "", m_lower }, { "title", "", m_title },
    { "capitalize", "", m_capitalize }, { "swapcase", "", m_swapcase }, { "casefold", "", m_casefold },
    { "replace", "/old new count?", m_replace },
    { "join", "/iterable", m_join }, { "find", "/sub start? end?", m_find }, { "rfind", "/sub start? end?", m_rfind },
    { "index", "/sub start? end?", m_index }, { "rindex", "/sub start? end?", m_rindex }, { "count", "/sub start? end?", m_count },
    { "format", NULL, m_format }, { "removeprefix", "/prefix", m_removeprefix }, { "removesuffix", "/suffix", m_removesuffix },
    { "center", "/width fillchar?", m_center }, { "ljust", "/width fillchar?", m_ljust }, { "rjust", "/width fillchar?", m_rjust },
    { "zfill", "/width", m_zfill }, { "expandtabs", "tabsize?", m_expandtabs }, { "partition", "/sep", m_partition },
    { "rpartition", "/sep", m_rpartition },
    { "isdigit", "", m_isdigit }, { "isdecimal", "", m_isdecimal }, { "isalpha", "", m_isalpha }, { "isalnum", "", m_isalnum },
    { "isspace", "", m_isspace }, { "isprintable", "", m_isprintable }, { "isascii", "", m_isascii }, { "islower", NULL, m_islower },
    { "isupper", NULL, m_isupper }, { "istitle", "", m_istitle }, { NULL, NULL, NULL },
};

/* ---- dicts ---- */

static struct value m_get(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)c;
    /* Looked up by hash: an error even where a default is given. */
    if (!v_hashable(e->w, a[0]))
        work_fail(e->w, "unhashable type: '%s'", v_type_name(a[0]));
    const struct value *v = dict_get(e->w, self.dict, a[0]);
    return v ? *v : a[1].type == V_ABSENT ? v_none() : a[1];
}

static struct value m_items(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return dict_view(e->w, self.dict, L_ITEMS);
}

static struct value m_keys(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return dict_view(e->w, self.dict, L_KEYS);
}

static struct value m_values(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a, (void)c;
    return dict_view(e->w, self.dict, L_VALUES);
}

static struct value m_dict_copy(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct value out = v_dict(e->w);
    (void)a, (void)c;
    /* The sandbox leaves copy() to templates: it changes nothing. */
    for (int i = 0; i < self.dict->n; i++)
        dict_set(e->w, out.dict, self.dict->key[i], self.dict->value[i]);
    return out;
}

static const struct method_row dict_methods[] = {
    { "get", "/key default?", m_get }, { "items", "", m_items }, { "keys", "", m_keys }, { "values", "", m_values },
    { "copy", "", m_dict_copy },
    { NULL, NULL, NULL },
};

/* ---- lists, tuples, ranges ---- */

static struct value m_list_index(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    const struct list *l = self.list;
    int64_t from = arg_int(e, a[1], 0), to = arg_int(e, a[2], l->n);
    (void)c;
    /* Sequence's index(value, start, stop) is the list's and the tuple's. */
    if (l->kind == L_RANGE && (a[1].type != V_ABSENT || a[2].type != V_ABSENT))
        work_fail(e->w, "range.index() takes one argument");
    from = from < 0 ? from + l->n : from; /* from the back, and at most the beginning */
    to = to < 0 ? to + l->n : to;
    for (int64_t i = from < 0 ? 0 : from; i < to && i < l->n; i++)
        if (v_equal(e->w, l->item[i], a[0]))
            return v_int(i);
    work_fail(e->w, "the value is not in the list");
}

static struct value m_list_count(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    int64_t n = 0;
    (void)c;
    for (int i = 0; i < self.list->n; i++)
        n += v_equal(e->w, self.list->item[i], a[0]); /* by equality: [1].count(true) is 1 */
    return v_int(n);
}

static struct value m_list_copy(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    struct value out = v_list(e->w, L_LIST);
    (void)a, (void)c;
    for (int i = 0; i < self.list->n; i++)
        /* Shallow, as Python's: items are immutable here, so nobody can tell. */
        list_add(e->w, out.list, self.list->item[i]);
    return out;
}

static const struct method_row list_methods[] = {
    { "index", "/value start? stop?", m_list_index }, { "count", "/value", m_list_count }, { "copy", "", m_list_copy },
    { NULL, NULL, NULL },
};

/* ---- loops ---- */

static struct value m_cycle(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a;
    return loop_cycle(e, self.loop, c);
}

static struct value m_changed(struct eval *e, struct value self, struct value *a, const struct call *c)
{
    (void)a;
    return v_bool(loop_changed(e, self.loop, c));
}

/* Both take any number of arguments and bind them themselves. */
static const struct method_row loop_methods[] = { { "cycle", NULL, m_cycle }, { "changed", NULL, m_changed }, { NULL, NULL, NULL } };

/* ---- by name ---- */

static bool in_words(const char *words, struct slice name)
{
    /* Words apart by single blanks; the table is written so. */
    for (size_t n; *words; words += n + (words[n] == ' ')) {
        n = strcspn(words, " ");
        if (n == name.len && !memcmp(words, name.ptr, n))
            return true;
    }
    return false;
}

/* What changes its object, and what begins with an underscore. */
bool method_forbidden(struct value v, struct slice name)
{
    /* ImmutableSandboxedEnvironment: internal attributes, and what its list of mutating methods names. A dict's key of such a name is
     * out of reach for "." as well. */
    if (name.len >= 4 && !memcmp(name.ptr, "__", 2) && !memcmp(name.ptr + name.len - 2, "__", 2))
        return true;
    return (v.type == V_DICT && in_words("clear pop popitem setdefault update", name)) ||
           (v.type == V_LIST && v.list->kind == L_LIST && in_words("append clear extend insert pop remove reverse sort", name));
}

/* Attributes that Python's objects have and ours have not. */
/* Without this "x.real is defined" would be false here and true in Python, in silence. */
static const char *elsewhere(struct value v)
{
    switch (v.type) {
    /* Of each type, what dir() has beyond the methods above and the underscored ones. */
    case V_STRING: return "encode format_map isidentifier isnumeric maketrans translate";
    case V_DICT: return "fromkeys";
    case V_BOOL:
    case V_INT: return "as_integer_ratio bit_count bit_length conjugate denominator from_bytes imag is_integer numerator real to_bytes";
    case V_FLOAT: return "as_integer_ratio conjugate fromhex hex imag is_integer real";
    case V_LIST: return v.list->kind == L_RANGE ? "start stop step" : v.list->kind > L_RANGE ? "isdisjoint mapping" : "";
    case V_ITER: return "close send throw gi_code gi_frame gi_running gi_suspended gi_yieldfrom";
    case V_MACRO: return "arguments caller catch_kwargs catch_varargs explicit_caller name";
    default: return "";
    }
}

struct value method_find(struct eval *e, struct value v, struct slice name)
{
    const struct method_row *r = v.type == V_STRING ? text_methods : v.type == V_DICT ? dict_methods : v.type == V_LIST ? list_methods
                               : v.type == V_LOOP ? loop_methods : NULL;
    /* Views have none of a list's methods; tuples and ranges all but copy(). */
    if (v.type == V_LIST && (v.list->kind > L_RANGE || (v.list->kind != L_LIST && slice_is(name, "copy"))))
        r = NULL;
    for (; r && r->name; r++) {
        if (!slice_is(name, r->name))
            continue;
        /* Bound to its object, as it may be passed on: "set f = x.upper", "f()". */
        struct method *m = work_alloc(e->w, sizeof *m);
        *m = (struct method){ v, r };
        return (struct value){ .type = V_METHOD, .method = m };
    }
    if (in_words(elsewhere(v), name))
        work_fail(e->w, "%s.%.*s is not supported", v_type_name(v), (int)name.len, name.ptr);
    return (struct value){ .type = V_ABSENT };
}

struct value method_call(struct eval *e, const struct method *m, const struct call *c)
{
    struct value a[MAX_PARAMETERS];
    if (m->row->spec)
        args_bind(e, m->row->name, m->row->spec, c, a);
    /* Markup's methods escape their arguments, each in its own way. */
    if (m->self.type == V_STRING && m->self.safe)
        work_fail(e->w, "methods of strings that are marked as safe are not supported");
    return m->row->call(e, m->self, a, c);
}
