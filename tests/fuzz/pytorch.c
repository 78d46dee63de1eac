/* pytorch.c - fuzz target: the bytes as a pickle, and as a PyTorch file whose small tensors are then read. */
#include "src/model/model_priv.h"
#include "src/model/pickle.h"

#include <stdlib.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    size_t size;
};

static int read_bytes(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    const struct bytes *b = ctx;
    (void)file;
    if (off > b->size || n > b->size - off)
        return err_set(err, ERR_FORMAT, "beyond the end");
    if (n)
        memcpy(dst, b->data + off, n);
    return 0;
}

/* As load_matrix() reads: rows in order, of a shape that a configuration asked for. */
static void read_tensor(struct weight_plan *p, const struct source *s, const struct stored *t)
{
    struct err err;
    uint64_t elements;
    if (t->dtype == DT_COUNT || t->rows == 0 || t->cols == 0 || __builtin_mul_overflow(t->rows, t->cols, &elements) || elements > 1 << 16)
        return;
    uint8_t *row = malloc(dtype_row_bytes(t->dtype, t->cols));
    for (uint64_t r = 0; r < t->rows; r++)
        if (stored_read(p, s, t, r, 1, row, &err) < 0)
            break;
    free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes b = { data, size };
    const struct source s = { .n_files = 1, .path = (const char *const[]){ "m/x.bin" }, .size = (const uint64_t[]){ size }, .ctx = &b,
                              .read = read_bytes };
    struct weight_plan p = {0};
    struct pickle m = {0};
    struct value v;
    struct err err;
    size_t used;
    pickle_run(&m, data, size, &used, &v, &err);
    pickle_free(&m);
    if (tensors_open(&p, &s, &err) == 0)
        for (size_t i = 0; i < p.n_stored; i++)
            read_tensor(&p, &s, &p.stored[i]);
    tensors_close(&p);
    return 0;
}
