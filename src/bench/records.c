/* records.c - the records of a journal. */
#include "records.h"

#include "mtbench/json_scan.h"
#include "mtbench/mem.h"

#include <stdlib.h>
#include <string.h>

size_t records_add(struct records *r, struct slice line, const void *key, size_t n_key)
{
    if ((r->n & (r->n - 1)) == 0)        /* doubles at powers of two */
        r->line = xrealloc(r->line, r->n ? 2 * r->n : 1, sizeof *r->line);
    r->line[r->n] = (struct records_line){ r->bytes.len, line.len, NULL };
    buf_add(&r->bytes, line.ptr, line.len);
    if (key)
        map_set(&r->last, key, n_key, r->n);
    return r->n++;
}

size_t records_find(const struct records *r, const void *key, size_t n_key)
{
    return map_find(&r->last, key, n_key);
}

struct slice records_line(const struct records *r, size_t i)
{
    return (struct slice){ r->bytes.data + r->line[i].at, r->line[i].len };
}

const void *records_get(const struct records *r, size_t i)
{
    struct records_line *l = &r->line[i];
    if (!l->decoded)
        l->decoded = r->decode(records_line(r, i));
    return l->decoded;
}

void records_free(struct records *r)
{
    for (size_t i = 0; i < r->n; i++)
        free(r->line[i].decoded);
    free(r->line);
    buf_free(&r->bytes);
    map_free(&r->last);
    *r = (struct records){ .decode = r->decode };
}

/* ---- decoding ---- */

enum { NONE = -1, BROKEN = -2 };

/* The member's bytes; the block was zeroed, so a NUL follows. */
static long put_text(const struct records_text *t, char *out)
{
    struct json_text raw;
    if (t->object) {
        bool is_object = t->value.ptr && *t->value.ptr == '{';
        if (is_object)
            memcpy(out, t->value.ptr, t->value.len);
        return is_object ? (long)t->value.len : NONE;
    }
    if (!json_member_string(t->value, &raw))
        return NONE;
    long n = json_text_decode(&raw, out);
    return n < 0 ? BROKEN : n;
}

void *records_block(const void *record, size_t size, const struct records_text *text, int n_texts, struct err *err)
{
    size_t total = size;
    for (int i = 0; i < n_texts; i++)
        total += text[i].value.len + 1;  /* escapes only shrink */
    char *block = xcalloc(total, 1), *at = block + size;
    memcpy(block, record, size);
    for (int i = 0; i < n_texts; i++) {
        long n = put_text(&text[i], at);
        if (n == NONE)
            continue;
        if (n == BROKEN) {
            free(block);
            err_set(err, ERR_FORMAT, "a text holds half a surrogate pair");
            return NULL;
        }
        memcpy(block + text[i].offset, &at, sizeof at);
        at += n + 1;
    }
    return block;
}
