/* gguf_keys.c - the keys of a GGUF file against a table of what is known of them. */
#include "mtbench/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the type that is read, or of the value that means "off". */
static bool is_as_asked(const struct gguf *g, const char *key, const struct key *k)
{
    int64_t i;
    double x;
    bool b;
    struct slice s;
    size_t n;
    int64_t *each;
    switch (k->type) {
    case '*': return true;
    case 'i': each = gguf_ints(g, key, &n), free(each); return each != NULL;
    case 'f': return gguf_float(g, key, &x);
    case 'b': return gguf_bool(g, key, &b);
    case 's': return gguf_string(g, key, &s);
    default:
        if (gguf_bool(g, key, &b))
            return b ? k->off == 1 || k->also == 1 : k->off == 0;
        return (gguf_int(g, key, &i) && ((double)i == k->off || (double)i == k->also)) ||
               (gguf_float(g, key, &x) && (x == k->off || x == k->also));
    }
}

int gguf_keys(const struct gguf *g, const char *prefix, struct keys t, struct buf *unknown, struct err *err)
{
    const size_t n_prefix = strlen(prefix);
    char key[128];
    for (size_t i = 0; i < g->n_values; i++) {
        struct slice name = g->value[i].key;
        if (name.len <= n_prefix + 1 || memcmp(name.ptr, prefix, n_prefix) || name.ptr[n_prefix] != '.')
            continue;
        snprintf(key, sizeof key, "%.*s", (int)(name.len < sizeof key ? name.len : sizeof key - 1), name.ptr);
        const struct key *k = keys_find(t, key + n_prefix + 1);
        if (!k && unknown->len < 200)
            buf_printf(unknown, "%s%s", unknown->len ? ", " : "", key);
        if (k && k->use == KEY_READ && !is_as_asked(g, key, k))
            return err_set(err, ERR_FORMAT, "key %s is of another kind than it must be", key);
        if (k && k->use == KEY_OFF && !is_as_asked(g, key, k))
            return err_set(err, ERR_MODEL, "key %s says what is not supported", key);
    }
    return 0;
}
