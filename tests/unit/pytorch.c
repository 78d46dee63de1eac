/* pytorch.c - files that torch.save() wrote (tests/golden/make_pytorch.py): each tensor has its name, type, shape and numbers, whatever its
 * layout, read whole and row by row; and a model in PyTorch shards becomes the same packed bytes as its twin in safetensors. */
#include "src/model/model_priv.h"

#include "mtbench/executor.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/modelpath.h"

#include "memory.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

/* A source that minds the order of reads: how often one began before the end of the one before. */
struct watched {
    struct source source;
    const struct source *under;
    int file;
    uint64_t at;
    int backward;
};

static int watched_read(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *e)
{
    struct watched *w = ctx;
    w->backward += file == w->file && off < w->at;
    w->file = file, w->at = off + n;
    return w->under->read(w->under->ctx, file, off, dst, n, e);
}

/* The tensor's bytes as hex, its rows in pieces of 'step'. */
static char *hex_rows(struct weight_plan *p, const struct source *s, const struct stored *t, uint64_t step)
{
    struct buf b = {0};
    size_t row = dtype_row_bytes(t->dtype, t->cols);
    uint8_t *bytes = malloc(t->rows * row + 1);
    int rc = 0;
    stored_done(p);
    for (uint64_t r = 0; r < t->rows && rc == 0; r += step)
        rc = stored_read(p, s, t, r, t->rows - r < step ? t->rows - r : step, bytes + r * row, &err);
    for (size_t i = 0; i < t->rows * row; i++)
        buf_printf(&b, "%02x", bytes[i]);
    free(bytes);
    return rc == 0 ? buf_steal(&b) : (buf_free(&b), NULL);
}

/* One line of the golden text: "name type 2x3 hex". Returns what is wrong, NULL for nothing. */
static const char *compare(struct weight_plan *p, const struct source *s, const char *name, const char *type, const char *shape,
                           const char *hex)
{
    char dtype[40], got[64] = "1";
    const struct stored *t = tensors_find(p, name);
    if (!t)
        return "missing";
    const struct pytorch_tensor *v = t->view;
    for (int i = 0, at = 0; i < v->n_dims; i++)
        at += snprintf(got + at, sizeof got - (size_t)at, "%s%d", i ? "x" : "", (int)v->dim[i]);
    if (strcmp(got, shape) != 0)
        return "another shape";
    snprintf(dtype, sizeof dtype, "dtype %s", type);
    if (!strcmp(type, "odd"))
        return t->dtype == DT_COUNT && strstr(t->type, "conjugate or negated") ? NULL : "not odd";
    if (t->dtype == DT_COUNT ? strcmp(t->type, dtype) != 0 : strcmp(dtype_info[t->dtype].name, type) != 0)
        return "another type";
    if (*hex == '-' || v->n_dims < 1 || v->n_dims > 2)
        return NULL;
    for (uint64_t step = 1; step <= t->rows; step += t->rows > 1 ? t->rows - 1 : 1) {
        char *have = hex_rows(p, s, t, step);
        bool same = have && !strcmp(have, hex);
        free(have);
        if (!same)
            return step == 1 ? "other numbers row by row" : "other numbers";
    }
    return NULL;
}

static void test_golden(const char *name)
{
    char *path = xasprintf("tests/golden/pytorch/%s.bin", name), *text = xasprintf("tests/golden/pytorch/%s.txt", name);
    struct source *s = source_files_open((const char *const[]){ path }, 1, &err);
    struct weight_plan p = {0};
    struct buf b = {0};
    size_t n = 0;
    if (s && tensors_open(&p, s, &err) == 0 && io_read(text, &b, &err) == 0) {
        char *save, wrong[128] = "";
        for (char *line = strtok_r(b.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save), n++) {
            char *word, *key = strtok_r(line, " ", &word), *type = strtok_r(NULL, " ", &word), *shape = strtok_r(NULL, " ", &word);
            const char *says = compare(&p, s, key, type, shape, strtok_r(NULL, " ", &word));
            if (says)
                snprintf(wrong, sizeof wrong, "%s: %s", key, says);
        }
        ok(n > 0 && n == p.n_stored && !*wrong, "%s: %zu tensors as torch has them %s", name, n, wrong);
    } else {
        ok(0, "%s: %s", name, err.text);
    }
    tensors_close(&p);
    source_files_close(s);
    buf_free(&b);
    free(path);
    free(text);
}

/* Two names of one storage are the same numbers; a view that begins elsewhere, or has other strides, is not. */
static void test_same(void)
{
    struct source *s = source_files_open((const char *const[]){ "tests/golden/pytorch/views.zip.bin" }, 1, &err);
    struct weight_plan p = {0};
    tensors_open(&p, s, &err);
    const struct stored *whole = tensors_find(&p, "whole");
    ok(whole && stored_same(whole, tensors_find(&p, "same")) && !stored_same(whole, tensors_find(&p, "transposed")) &&
           !stored_same(whole, tensors_find(&p, "half")) && !stored_same(whole, tensors_find(&p, "rows")),
       "which names are of the same numbers");
    tensors_close(&p);
    source_files_close(s);
}

static void *load(const char *folder, size_t *bytes, struct watched *w)
{
    struct modelpath path;
    struct executor_opts o = { .threads = 1, .max_rows = 1, .max_k = 256 };
    void *packed = NULL;
    if (modelpath_resolve(folder, NULL, NULL, &path, &err) < 0)
        return NULL;
    struct source *s = source_files_open((const char *const *)path.path, path.n, &err);
    struct model *m = s ? model_open(s, executor_cpu.ops, NULL, &err) : NULL;
    if (m && (m->be = executor_cpu.open(&o, &err))) {
        struct backend *be = m->be;
        void *p = executor_cpu.ops->alloc(be, m->packed_bytes, &err);
        *w = (struct watched){ .source = *s, .under = s };
        w->source.ctx = w, w->source.read = watched_read;
        *bytes = m->packed_bytes;
        memset(p, 0, *bytes);
        model_attach(m, p);
        if (model_load(&m, 1, &w->source, &err) == 0)
            packed = memcpy(malloc(*bytes), p, *bytes);
        executor_cpu.ops->release(be, p, *bytes);
        executor_cpu.close(be);
    }
    model_close(m);
    source_files_close(s);
    modelpath_free(&path);
    return packed;
}

/* Shards of transformers, whose state dict has the tied head as a second name of the embedding. */
static void test_twin(void)
{
    size_t n = 0, k = 0;
    struct watched w, v;
    void *twin = load("tests/golden/tiny/smollm", &n, &w), *own = load("tests/golden/pytorch/smollm", &k, &v);
    ok(twin && own && n == k && !memcmp(twin, own, n), "PyTorch shards become the %zu packed bytes of their twin %s", k,
       own ? "" : err.text);
    ok(own && v.backward == 0, "read forward through each file");
    free(twin);
    free(own);
}

int main(void)
{
    static const char *const golden[] = {
        "module.zip", "module.old", "plain.zip", "plain.zip3", "plain.zip4", "plain.zip5", "plain.old", "plain.old3", "plain.old4",
        "plain.old5", "parameters.zip", "parameters.old", "views.zip", "views.old", "buffers.zip", "buffers.old", "newer_types.zip",
        "newer_types.old", "many.zip", "conjugate.zip", "negative.zip",
    };
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++)
        test_golden(golden[i]);
    test_same();
    test_twin();
    return done_testing();
}
