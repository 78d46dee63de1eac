/* gguf.c - a file that the package gguf wrote (tests/golden/make_gguf.py) is read whole; cut at every byte, and with every byte of its
 * header changed, it is refused or read, but never read beyond its end. */
#include "mtbench/gguf.h"

#include "mtbench/io.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;
static struct buf file;

static void test_values(const struct gguf *g)
{
    static const struct { const char *key; int64_t want; } ints[] = {
        { "t.u8", 200 }, { "t.i8", -100 }, { "t.u16", 60000 }, { "t.i16", -30000 }, { "t.u32", 4000000000 }, { "t.i32", -2000000000 },
        { "t.u64", (int64_t)1 << 60 }, { "t.i64", -((int64_t)1 << 60) },
    };
    int64_t i = 7;
    double x = 7;
    bool b = false;
    struct slice s;
    for (size_t k = 0; k < sizeof ints / sizeof *ints; k++)
        ok(gguf_int(g, ints[k].key, &i) && i == ints[k].want, "%s is %lld", ints[k].key, (long long)i);
    ok(gguf_float(g, "t.f32", &x) && x == 0.5 && gguf_float(g, "t.f64", &x) && x == 0.1 && gguf_float(g, "t.i8", &x) && x == -100,
       "floating-point numbers, and an integer as one");
    ok(gguf_bool(g, "t.yes", &b) && b && gguf_bool(g, "t.no", &b) && !b, "yes and no");
    ok(gguf_string(g, "t.string", &s) && slice_is(s, "h\u00e9llo \U0001f600"), "a string");
    i = 7;
    ok(!gguf_int(g, "t.string", &i) && !gguf_int(g, "t.ints", &i) && !gguf_int(g, "none", &i) && i == 7, "no integers");
    ok(!gguf_float(g, "t.string", &x) && !gguf_float(g, "none", &x) && !gguf_bool(g, "t.u8", &b) && !gguf_string(g, "t.u8", &s),
       "no numbers, truths, strings");
    ok(gguf_string(g, "general.architecture", &s) && slice_is(s, "llama"), "the architecture");
}

static void test_arrays(const struct gguf *g)
{
    size_t n = 0;
    struct slice *s = gguf_strings(g, "t.strings", &n);
    ok(s && n == 3 && slice_is(s[0], "a") && s[1].len == 0 && slice_is(s[2], "\u20ac uro"), "an array of strings");
    int32_t *i = gguf_int32s(g, "t.ints", &n);
    ok(i && n == 3 && i[0] == 1 && i[1] == -2 && i[2] == 3, "of integers");
    float *f = gguf_floats(g, "t.floats", &n);
    ok(f && n == 2 && f[0] == 0.5f && f[1] == -1.25f, "of floating-point numbers");
    ok(!gguf_strings(g, "t.ints", &n) && !gguf_int32s(g, "t.floats", &n) && !gguf_floats(g, "t.u8", &n) && !gguf_floats(g, "none", &n),
       "of others: none");
    free(s);
    free(i);
    free(f);
}

static void test_tensors(const struct gguf *g)
{
    const struct gguf_tensor *t = gguf_tensor_find(g, "one"), *half = gguf_tensor_find(g, "half"), *q = gguf_tensor_find(g, "quant");
    ok(g->n_tensors == 3 && !gguf_tensor_find(g, "two"), "three tensors");
    ok(t && t->dtype == DT_F32 && t->n_dims == 2 && t->dim[0] == 3 && t->dim[1] == 2 && t->bytes == 24, "3 columns, 2 rows of F32");
    ok(half && half->dtype == DT_F16 && half->n_dims == 1 && half->dim[0] == 5 && half->bytes == 10, "5 of F16");
    ok(q && q->dtype == DT_Q8_0 && q->dim[0] == 64 && q->dim[1] == 4 && q->bytes == 4 * 68, "4 rows of 64 in Q8_0");
    float x[6] = { 0 };
    if (t)
        memcpy(x, file.data + t->offset, sizeof x);
    ok(x[0] == 0 && x[3] == 3 && x[5] == 5, "the offset leads to the elements");
}

/* A copy of n bytes of the file of its own, so that a sanitizer sees a step beyond. */
static int parse_copy(size_t n, uint64_t file_size, size_t flip, int bits, struct gguf *g)
{
    unsigned char *copy = malloc(n ? n : 1);
    memcpy(copy, file.data, n);
    if (flip < n)
        copy[flip] ^= (unsigned char)bits;
    err = (struct err){0};
    int rc = gguf_parse(copy, n, file_size, g, &err);
    if (rc == 0) {
        size_t count;
        free(gguf_strings(g, "t.strings", &count));
        free(gguf_int32s(g, "t.ints", &count));
        free(gguf_floats(g, "t.floats", &count));
    }
    gguf_free(g);
    free(copy);
    return rc;
}

static void test_cut(size_t header)
{
    struct gguf g;
    int more = 0, refused = 0, silent = 0;
    for (size_t n = 0; n < header; n++) {
        more += parse_copy(n, file.len, n, 0, &g) == 1;
        int rc = parse_copy(n, n, n, 0, &g);
        refused += rc == -1;
        silent += rc == -1 && !*err.text;
    }
    ok(more == (int)header, "a prefix of the header asks for more (%d of %zu)", more, header);
    ok(refused == (int)header && silent == 0, "a file that ends there is refused with words");
    ok(parse_copy(header, file.len, header, 0, &g) == 0, "the header alone is enough");
    ok(parse_copy(file.len - 17, file.len - 17, file.len, 0, &g) == -1 && strstr(err.text, "do not lie in the file"),
       "a tensor that is cut: %s", err.text);
}

static void test_changed(size_t header)
{
    struct gguf g;
    int refused = 0, read = 0, silent = 0;
    for (size_t at = 0; at < header; at++) {
        for (int bit = 0; bit < 8; bit++) {
            int rc = parse_copy(file.len, file.len, at, 1 << bit, &g);
            refused += rc != 0;
            read += rc == 0;
            silent += rc == -1 && !*err.text;
        }
    }
    ok(silent == 0 && refused > 500 && read > 500, "each bit of the header changed: %d refused with words, %d read", refused, read);
}

/* GGUF's own limit: a key has at most 65535 bytes. */
static void test_longest_key(void)
{
    for (size_t n = 65535; n <= 65536; n++) {
        struct { uint32_t version; uint64_t tensors, keys, length; } __attribute__((packed)) head = { 3, 0, 1, n };
        struct buf b = {0};
        struct gguf g;
        buf_add(&b, "GGUF", 4);
        buf_add(&b, &head, sizeof head);
        memset(buf_reserve(&b, n), 'k', n);
        b.len += n;
        buf_add(&b, "\0\0\0\0\7", 5);              /* type 0, one byte */
        int rc = gguf_parse(b.data, b.len, b.len, &g, &err);
        ok(rc == (n > 65535 ? -1 : 0), "a key of %zu bytes is %s", n, rc < 0 ? err.text : "read");
        if (rc == 0)
            gguf_free(&g);
        buf_free(&b);
    }
}

int main(void)
{
    struct gguf g;
    if (io_read("tests/golden/tiny.gguf", &file, &err) < 0) {
        ok(0, "%s", err.text);
        return done_testing();
    }
    ok(gguf_parse(file.data, file.len, file.len, &g, &err) == 0 && g.version == 3, "the package's file is read: %s", err.text);
    test_values(&g);
    test_arrays(&g);
    test_tensors(&g);
    size_t header = g.n_tensors ? (size_t)((const uint8_t *)g.tensor[2].name.ptr - (const uint8_t *)file.data) + g.tensor[2].name.len + 4 +
                                      8 * (size_t)g.tensor[2].n_dims + 12
                                : 0;
    gguf_free(&g);
    gguf_free(&g);
    test_cut(header);
    test_changed(header);
    test_longest_key();
    buf_free(&file);
    return done_testing();
}
