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

static int by_place(const void *a, const void *b)
{
    const struct stored *x = ((const struct slot *)a)->from, *y = ((const struct slot *)b)->from;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The tensors that a configuration might ask for, in the order in which model_load() reads. */
static void want_all(struct weight_plan *p)
{
    uint64_t left = 1 << 18, elements;
    p->slot = calloc(p->n_stored, sizeof *p->slot);
    for (size_t i = 0; i < p->n_stored; i++) {
        const struct stored *t = &p->stored[i];
        if (t->dtype == DT_COUNT || t->rows == 0 || t->cols == 0 || __builtin_mul_overflow(t->rows, t->cols, &elements) || elements > left)
            continue;
        left -= elements;
        p->slot[p->n_slots++].from = t;
    }
    qsort(p->slot, p->n_slots, sizeof *p->slot, by_place);
}

static void read_all(struct weight_plan *p, const struct source *s)
{
    struct err err;
    for (size_t i = 0; i < p->n_slots; i++) {
        const struct stored *t = p->slot[i].from;
        uint8_t *row = malloc(dtype_row_bytes(t->dtype, t->cols));
        for (uint64_t r = 0; r < t->rows; r++)
            if (stored_read(p, s, t, r, 1, row, &err) < 0)
                break;
        free(row);
    }
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
    if (tensors_open(&p, &s, &err) == 0) {
        want_all(&p);
        read_all(&p, &s);
    }
    free(p.slot);
    tensors_close(&p);
    return 0;
}
