/* safetensors.c - headers that the safetensors library wrote (tests/golden/tiny) are read whole; headers that lie are refused. */
#include "mtbench/safetensors.h"

#include "mtbench/io.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

static int parse(const char *json, uint64_t file_size, struct safetensors *s)
{
    size_t n = strlen(json);
    char *copy = malloc(n ? n : 1);
    memcpy(copy, json, n);
    err = (struct err){0};
    int rc = safetensors_parse(copy, n, file_size, s, &err);
    free(copy);
    return rc;
}

/* Tensors of the library lie side by side from the end of the header to the end of the file. */
static void test_library(const char *path, size_t n_tensors, const char *name, enum dtype dtype, uint64_t rows, uint64_t cols)
{
    struct buf b = {0};
    struct safetensors s;
    uint64_t length = 0, end, bytes = 0;
    const struct safetensor *found = NULL;
    ok(io_read(path, &b, &err) == 0 && safetensors_header(b.data, b.len, &length, &err) == 0 && length + 8 < b.len,
       "%s: a header of %d bytes", path, (int)length);
    ok(safetensors_parse(b.data + 8, length, b.len, &s, &err) == 0 && s.n_tensors == n_tensors, "%zu tensors", s.n_tensors);
    end = 8 + length;
    for (size_t i = 0; i < s.n_tensors; i++) {
        const struct safetensor *t = &s.tensor[i];
        end = t->offset + t->bytes > end ? t->offset + t->bytes : end;
        bytes += t->bytes;
        if (!strcmp(t->name, name))
            found = t;
    }
    ok(end == b.len && bytes == b.len - 8 - length, "they fill the file");
    ok(found && found->dtype == dtype && found->n_dims == 2 && found->dim[0] == rows && found->dim[1] == cols, "%s is %d x %d", name,
       (int)rows, (int)cols);
    safetensors_free(&s);
    ok(!s.tensor && s.n_tensors == 0, "freed");
    buf_free(&b);
}

static void refused(const char *json, const char *words)
{
    struct safetensors s;
    ok(parse(json, 1000, &s) == -1 && strstr(err.text, words) && !s.tensor, "refused: %s", err.text);
}

static void test_lies(void)
{
#define T(dtype, shape, offsets) "{\"w\": {\"dtype\": \"" dtype "\", \"shape\": " shape ", \"data_offsets\": " offsets "}}"
    refused("", "no JSON object");
    refused("[]", "no JSON object");
    refused("{\"w\": ", "no JSON object");
    refused("{\"w\": 1}", "tensor w: no dtype");
    refused("{\"w\": {\"shape\": [1], \"data_offsets\": [0, 4]}}", "tensor w: no dtype");
    refused(T("F8_E5M2", "[4]", "[990, 1006]"), "ends at byte");
    refused(T("F32", "4", "[0, 16]"), "shape");
    refused(T("F32", "[-1]", "[0, 4]"), "dimensions");
    refused(T("F32", "[1.5]", "[0, 6]"), "dimensions");
    refused(T("F32", "[\"4\"]", "[0, 16]"), "dimensions");
    refused(T("F32", "[4294967296, 4294967296]", "[0, 16]"), "dimensions");
    refused(T("F32", "[9007199254740993]", "[0, 16]"), "dimensions");
    refused(T("F32", "[4]", "[0]"), "data_offsets");
    refused(T("F32", "[4]", "[16, 0]"), "data_offsets");
    refused(T("F32", "[4]", "[-16, 0]"), "data_offsets");
    refused(T("F32", "[4]", "[0, 1e300]"), "data_offsets");
    refused(T("F32", "[4]", "[0, 15]"), "needs 16");
    refused(T("BF16", "[4]", "[0, 16]"), "needs 8");
    refused(T("F32", "[4]", "[990, 1006]"), "ends at byte");
    refused(T("F32", "[4]", "[9007199254740000, 9007199254740016]"), "ends at byte");
}

static void test_header(void)
{
    uint64_t n;
    static const struct { const char *prefix; uint64_t file_size; int rc;
    } table[] = {
        {"\x0a\0\0\0\0\0\0", 18, 0},
        {"\x0b\0\0\0\0\0\0", 18, -1},
        {"\0\0\0\0\0\0\0", 8, 0},
        {"\0\0\0\0\0\0\0", 7, -1},
        {"\0\0\0\0\0\0\0", 0, -1},
        {"\xff\xff\xff\xff\xff\xff\xff\xff", UINT64_MAX, -1},
        {"\0\0\0\x0a\0\0\0", 1ull << 40, -1},
        {"\0\0\0\x06\0\0\0", 1ull << 40, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        ok(safetensors_header(table[i].prefix, table[i].file_size, &n, &err) == table[i].rc, "prefix %zu in a file of %llu bytes", i,
           (unsigned long long)table[i].file_size);
}

int main(void)
{
    struct safetensors s;
    test_library("tests/golden/tiny/llama_gqa_tied/model.safetensors", 20, "model.layers.1.mlp.down_proj.weight", DT_BF16, 32, 64);
    test_library("tests/golden/tiny/llama3_scaling/model.safetensors", 21, "lm_head.weight", DT_F16, 96, 32);
    test_library("tests/golden/tiny/qwen2/model.safetensors", 27, "model.layers.0.self_attn.k_proj.weight", DT_F32, 16, 32);
    ok(parse("{\"__metadata__\": {\"format\": \"pt\"}}", 1000, &s) == 0 && s.n_tensors == 0, "metadata alone");
    safetensors_free(&s);
    ok(parse(T("F32", "[0, 5]", "[0, 0]"), 1000, &s) == 0 && s.tensor[0].bytes == 0, "a tensor without elements");
    safetensors_free(&s);
    ok(parse(T("F32", "[]", "[0, 4]"), 1000, &s) == 0 && s.tensor[0].n_dims == 0 && s.tensor[0].bytes == 4, "a number alone");
    safetensors_free(&s);
    ok(parse(T("I64", "[4]", "[0, 32]"), 1000, &s) == 0 && s.tensor[0].dtype == DT_COUNT && !strcmp(s.tensor[0].type, "I64") &&
           s.tensor[0].bytes == 32,
       "a type that is not run is told by its name");
    safetensors_free(&s);
    ok(parse(T("F32", "[1, 1, 1, 1, 2]", "[0, 8]"), 1000, &s) == 0 && s.tensor[0].n_dims == 5, "five dimensions");
    safetensors_free(&s);
    test_lies();
    test_header();
    return done_testing();
}
