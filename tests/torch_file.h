/* torch_file.h - writes PyTorch files byte by byte, so that tests can lie in any field: the state dict's pickle, and around it the zip form
 * or the old one, as torch.save() lays them out. Where each record went is kept. */
#ifndef MTB_TEST_TORCH_FILE_H
#define MTB_TEST_TORCH_FILE_H

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct torch_spec {
    const char *name, *storage_class;     /* "HalfStorage" */
    const char *key;
    int64_t n, first;                     /* elements of the storage, and where the tensor begins in it */
    int n_dims;
    int64_t dim[3], stride[3];
    const void *data;                     /* of the storage, n * width bytes; NULL: all zero, a hole in the file */
    int width;
};

enum { TORCH_MEMBERS = 40 };

struct torch_file {
    struct buf b;                         /* the file without its hole */
    uint64_t hole_at, hole;               /* bytes of zeros that lie at this place */
    size_t n;                             /* members, or storages of the old form */
    const char *member[TORCH_MEMBERS];
    uint64_t local[TORCH_MEMBERS];        /* places in the file: of local headers, or of the storages' numbers */
    uint64_t data_at[TORCH_MEMBERS];
    uint64_t size[TORCH_MEMBERS];
    size_t entry[TORCH_MEMBERS];          /* places in 'b' */
    size_t pickle, pickle_end, directory, end64, locator, end;
};

static inline void torch_number(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_char(b, (char)(v >> (8 * i)));
}

/* ---- pickles ---- */

static inline void torch_text(struct buf *b, const char *s)
{
    buf_char(b, 'X');
    torch_number(b, strlen(s), 4);
    buf_str(b, s);
}

static inline void torch_int(struct buf *b, int64_t v)
{
    if (v >= INT32_MIN && v <= INT32_MAX) {
        buf_char(b, 'J');
        torch_number(b, (uint64_t)v, 4);
    } else {
        buf_add(b, "\x8a\x08", 2);
        torch_number(b, (uint64_t)v, 8);
    }
}

static inline void torch_tuple(struct buf *b, const int64_t *v, int n)
{
    buf_char(b, '(');
    for (int i = 0; i < n; i++)
        torch_int(b, v[i]);
    buf_char(b, 't');
}

static inline void torch_tensor(struct buf *b, const struct torch_spec *t, bool old)
{
    buf_str(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    torch_text(b, "storage");
    buf_printf(b, "ctorch\n%s\n", t->storage_class);
    torch_text(b, t->key);
    torch_text(b, "cpu");
    torch_int(b, t->n);
    if (old)
        buf_char(b, 'N');                /* of what it is a view: nothing */
    buf_str(b, "tQ");
    torch_int(b, t->first);
    torch_tuple(b, t->dim, t->n_dims);
    torch_tuple(b, t->stride, t->n_dims);
    buf_str(b, "\x89" "ccollections\nOrderedDict\n)RtR");
}

/* A dictionary of these tensors and, first of all, one more entry whose value is made by 'value' (n). */
static inline void torch_dict(struct buf *b, const struct torch_spec *t, size_t n, const void *value, size_t n_value, bool old)
{
    buf_add(b, "\x80\2ccollections\nOrderedDict\n)R(", 2 + 27 + 1);
    if (n_value) {
        torch_text(b, "extra");
        buf_add(b, value, n_value);
    }
    for (size_t i = 0; i < n; i++) {
        torch_text(b, t[i].name);
        torch_tensor(b, &t[i], old);
    }
    buf_str(b, "u.");
}

/* ---- the zip form ---- */

static inline uint64_t torch_at(const struct torch_file *f)
{
    return f->b.len + f->hole;
}

static inline void torch_add(struct torch_file *f, const char *name, const void *data, uint64_t n)
{
    char *full = xasprintf("archive/%s", name);
    size_t k = f->n++, length = strlen(full), pad = (64 - (torch_at(f) + 30 + length + 4) % 64) % 64;
    f->member[k] = full, f->local[k] = torch_at(f), f->size[k] = n;
    buf_add(&f->b, "PK\3\4\0\0\10\10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 26);
    torch_number(&f->b, length, 2);
    torch_number(&f->b, pad + 4, 2);
    buf_str(&f->b, full);
    buf_str(&f->b, "FB");
    torch_number(&f->b, pad, 2);
    for (size_t i = 0; i < pad; i++)
        buf_char(&f->b, 'Z');
    f->data_at[k] = torch_at(f);
    if (data)
        buf_add(&f->b, data, n);
    else
        f->hole_at = f->b.len, f->hole = n;
    buf_add(&f->b, "PK\7\10\0\0\0\0", 8);
    bool wide = n >= UINT32_MAX || f->local[k] >= UINT32_MAX;
    torch_number(&f->b, n, wide ? 8 : 4);
    torch_number(&f->b, n, wide ? 8 : 4);
}

/* The directory and its end; zip64 fields where a number needs them, the zip64 end records always. */
static inline void torch_end(struct torch_file *f)
{
    uint64_t at = torch_at(f);
    f->directory = f->b.len;
    for (size_t i = 0; i < f->n; i++) {
        bool big = f->size[i] >= UINT32_MAX, far = f->local[i] >= UINT32_MAX;
        int extra = 16 * big + 8 * far;
        f->entry[i] = f->b.len;
        buf_add(&f->b, "PK\1\2\0\0\0\0\10\10\0\0\0\0\0\0\0\0\0\0", 20);
        torch_number(&f->b, big ? UINT32_MAX : f->size[i], 4);
        torch_number(&f->b, big ? UINT32_MAX : f->size[i], 4);
        torch_number(&f->b, strlen(f->member[i]), 2);
        torch_number(&f->b, extra ? (uint64_t)extra + 4 : 0, 2);
        torch_number(&f->b, 0, 6);                                                  /* comment, disk, attributes */
        torch_number(&f->b, 0, 4);
        torch_number(&f->b, far ? UINT32_MAX : f->local[i], 4);
        buf_str(&f->b, f->member[i]);
        if (extra) {
            torch_number(&f->b, 1, 2);
            torch_number(&f->b, (uint64_t)extra, 2);
        }
        if (big) {
            torch_number(&f->b, f->size[i], 8);
            torch_number(&f->b, f->size[i], 8);
        }
        if (far)
            torch_number(&f->b, f->local[i], 8);
    }
    uint64_t bytes = torch_at(f) - at, end64 = torch_at(f);
    f->end64 = f->b.len;
    buf_str(&f->b, "PK\6\6");
    torch_number(&f->b, 44, 8);
    torch_number(&f->b, 0x32d001e, 4);
    torch_number(&f->b, 0, 8);                                                      /* disks */
    torch_number(&f->b, f->n, 8);
    torch_number(&f->b, f->n, 8);
    torch_number(&f->b, bytes, 8);
    torch_number(&f->b, at, 8);
    f->locator = f->b.len;
    buf_str(&f->b, "PK\6\7");
    torch_number(&f->b, 0, 4);
    torch_number(&f->b, end64, 8);
    torch_number(&f->b, 1, 4);
    f->end = f->b.len;
    buf_str(&f->b, "PK\5\6");
    torch_number(&f->b, 0, 4);
    torch_number(&f->b, f->n, 2);
    torch_number(&f->b, f->n, 2);
    torch_number(&f->b, bytes, 4);
    torch_number(&f->b, at > UINT32_MAX ? UINT32_MAX : at, 4);
    torch_number(&f->b, 0, 2);
}

/* 'more' (may be NULL): the name of a member besides, with a few bytes. */
static inline void torch_zip(struct torch_file *f, const struct torch_spec *t, size_t n, const struct buf *pickle, const char *more,
                             const char *order)
{
    torch_add(f, "data.pkl", pickle->data, pickle->len);
    f->pickle = (size_t)f->data_at[0], f->pickle_end = f->pickle + pickle->len;
    torch_add(f, "byteorder", order, strlen(order));
    for (size_t i = 0; i < n; i++) {
        char *name = xasprintf("data/%s", t[i].key);
        torch_add(f, name, t[i].data, (uint64_t)t[i].n * (uint64_t)t[i].width);
        free(name);
    }
    if (more)
        torch_add(f, more, "more", 4);
    torch_add(f, "version", "3\n", 2);
    torch_end(f);
}

/* ---- the old form ---- */

static inline void torch_old(struct torch_file *f, const struct torch_spec *t, size_t n, const struct buf *pickle, bool little)
{
    buf_add(&f->b, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    buf_add(&f->b, "\x80\2M\xe9\3.", 6);
    buf_add(&f->b, "\x80\2}", 3);
    torch_text(&f->b, "little_endian");
    buf_add(&f->b, little ? "\x88s." : "\x89s.", 3);
    f->pickle = f->b.len;
    buf_add(&f->b, pickle->data, pickle->len);
    buf_add(&f->b, "\x80\2](", 4);
    for (size_t i = 0; i < n; i++)
        torch_text(&f->b, t[i].key);
    buf_str(&f->b, "e.");
    f->pickle_end = f->b.len;
    for (size_t i = 0; i < n; i++) {
        f->local[f->n++] = f->b.len;
        torch_number(&f->b, (uint64_t)t[i].n, 8);
        buf_add(&f->b, t[i].data, (size_t)t[i].n * (size_t)t[i].width);
    }
}

static inline void torch_free(struct torch_file *f)
{
    for (size_t i = 0; i < f->n; i++)
        free((char *)f->member[i]);
    buf_free(&f->b);
    *f = (struct torch_file){ .n = 0 };
}

#endif
