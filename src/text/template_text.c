/* template_text.c - what filters and methods of strings share. */
#include "template_priv.h"

#include <string.h>
#include <utf8proc.h>

struct value v_nothing(void)
{
    return v_undefined((struct slice){ "", 0 });
}

struct slice call_text(struct eval *e, const struct call *c, int i, const char *name, const char *otherwise)
{
    return v_string(e->w, call_arg(c, i, name, v_text(otherwise)));
}

static bool in_set(struct slice chars, const char *p, size_t n)
{
    if (chars.ptr)
        return memmem(chars.ptr, chars.len, p, n) != NULL;
    utf8proc_int32_t c;
    utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)n, &c);
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
           c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

/* text_strip(chars); chars.ptr NULL: white space. */
struct slice text_strip(struct slice s, struct slice chars, bool left, bool right)
{
    while (left && s.len) {
        size_t k = 1;
        while (k < s.len && ((unsigned char)s.ptr[k] & 0xc0) == 0x80)
            k++;
        if (!in_set(chars, s.ptr, k))
            break;
        s.ptr += k;
        s.len -= k;
    }
    while (right && s.len) {
        size_t at = s.len - 1;
        while (at && ((unsigned char)s.ptr[at] & 0xc0) == 0x80)
            at--;
        if (!in_set(chars, s.ptr + at, s.len - at))
            break;
        s.len = at;
    }
    return s;
}

struct value text_case(struct eval *e, struct slice s, enum letter_case how)
{
    struct buf *b = work_buf(e->w);
    bool start = true;
    for (size_t i = 0; i < s.len;) {
        utf8proc_int32_t c;
        utf8proc_uint8_t out[4];
        utf8proc_ssize_t k = utf8proc_iterate((const utf8proc_uint8_t *)s.ptr + i, (utf8proc_ssize_t)(s.len - i), &c);
        if (k < 1)
            k = 1, c = 0xfffd;
        bool upper = how == UPPER || (how != LOWER && start);
        utf8proc_category_t category = utf8proc_category(c);
        bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
        c = upper ? utf8proc_toupper(c) : utf8proc_tolower(c);
        buf_add(b, out, (size_t)utf8proc_encode_char(c, out));
        start = how == TITLE ? !letter : how == WORDS ? c < 128 && strchr("-({[< \t\n\r\f\v", (int)c) != NULL : false;
        i += (size_t)k;
    }
    return v_slice(work_take(e->w, b));
}

struct value text_replace(struct eval *e, struct slice s, struct slice old, struct slice new, int64_t count)
{
    struct buf *b = work_buf(e->w);
    if (old.len == 0)
        return v_slice(s);
    while (count != 0) {
        const char *p = memmem(s.ptr, s.len, old.ptr, old.len);
        if (!p)
            break;
        size_t n = (size_t)(p - s.ptr);
        buf_add(b, s.ptr, n);
        buf_add(b, new.ptr, new.len);
        s = (struct slice){ p + old.len, s.len - n - old.len };
        count -= count > 0;
        if (b->len > MAX_OUTPUT)
            break;
    }
    buf_add(b, s.ptr, s.len);
    return v_slice(work_take(e->w, b));
}

struct value text_split(struct eval *e, struct slice s, struct value sep, int64_t limit)
{
    struct value out = v_list(e->w, false);
    if (sep.type != V_STRING) {          /* runs of white space */
        s = text_strip(s, (struct slice){0}, true, false);
        while (s.len) {
            size_t n = 0;
            if (limit == 0)
                n = s.len;
            while (n < s.len && !in_set((struct slice){0}, s.ptr + n, 1))
                n++;
            list_add(e->w, out.list, v_slice((struct slice){ s.ptr, n }));
            s = text_strip((struct slice){ s.ptr + n, s.len - n }, (struct slice){0}, true, false);
            limit -= limit > 0;
        }
        return out;
    }
    if (sep.s.len == 0)
        work_fail(e->w, "empty separator");
    const char *p;
    while (limit != 0 && (p = memmem(s.ptr, s.len, sep.s.ptr, sep.s.len))) {
        list_add(e->w, out.list, v_slice((struct slice){ s.ptr, (size_t)(p - s.ptr) }));
        s = (struct slice){ p + sep.s.len, s.len - (size_t)(p - s.ptr) - sep.s.len };
        limit -= limit > 0;
    }
    list_add(e->w, out.list, v_slice(s));
    return out;
}

/* The last 'limit' separators cut; what is before them stays whole. */
struct value text_rsplit(struct eval *e, struct slice s, struct slice sep, int64_t limit)
{
    struct list *all = text_split(e, s, v_slice(sep), -1).list;
    int whole = limit < 0 || limit >= all->n ? 0 : (int)(all->n - 1 - limit);
    struct value out = v_list(e->w, false);
    const struct slice last = all->item[whole].s;
    list_add(e->w, out.list, v_slice((struct slice){ s.ptr, (size_t)(last.ptr + last.len - s.ptr) }));
    for (int i = whole + 1; i < all->n; i++)
        list_add(e->w, out.list, all->item[i]);
    return out;
}

bool text_affix(struct eval *e, struct slice s, struct value what, bool end)
{
    if (what.type == V_LIST) {
        for (int i = 0; i < what.list->n; i++)
            if (text_affix(e, s, what.list->item[i], end))
                return true;
        return false;
    }
    if (what.type != V_STRING)
        work_fail(e->w, "%s expects text, not %s", end ? "endswith" : "startswith", v_type_name(what));
    return s.len >= what.s.len && (what.s.len == 0 || !memcmp(end ? s.ptr + s.len - what.s.len : s.ptr, what.s.ptr, what.s.len));
}

struct value items_join(struct eval *e, struct value in, struct slice sep, struct value attribute)
{
    struct list *items = v_items(e->w, in);
    struct buf *b = work_buf(e->w);
    for (int i = 0; i < items->n; i++) {
        struct value v = items->item[i];
        if (attribute.type == V_STRING)
            v = value_item(e, v, attribute);
        struct slice s = v_string(e->w, v);
        if (i)
            buf_add(b, sep.ptr, sep.len);
        buf_add(b, s.ptr, s.len);
        if (b->len > MAX_OUTPUT)
            work_fail(e->w, "more than %d bytes of text", MAX_OUTPUT);
    }
    return v_slice(work_take(e->w, b));
}

struct value dict_items(struct eval *e, const struct dict *d)
{
    struct value out = v_list(e->w, false);
    for (int i = 0; i < d->n; i++) {
        struct value both = v_list(e->w, true);
        list_add(e->w, both.list, d->key[i]);
        list_add(e->w, both.list, d->value[i]);
        list_add(e->w, out.list, both);
    }
    return out;
}
