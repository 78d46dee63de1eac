/* memory.h - a source whose files lie in memory, for tests that spoil a model's files. */
#ifndef MTB_TEST_MEMORY_H
#define MTB_TEST_MEMORY_H

#include "mtbench/buf.h"
#include "mtbench/source.h"

#include <string.h>

enum { MEMORY_FILES = 4 };

struct memory {
    const char *path[MEMORY_FILES];
    uint64_t size[MEMORY_FILES];
    struct buf data[MEMORY_FILES];
    int n;
};

static int memory_read(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    const struct memory *m = ctx;
    if (off + n > m->data[file].len)
        return err_set(err, ERR_FORMAT, "beyond the end");
    memcpy(dst, m->data[file].data + off, n);
    return 0;
}

/* The bytes of one more file, to be filled. */
static inline struct buf *memory_add(struct memory *m, const char *path)
{
    m->path[m->n] = path;
    return &m->data[m->n++];
}

static inline void memory_text(struct memory *m, const char *path, const char *text)
{
    buf_str(memory_add(m, path), text);
}

static inline struct source memory_source(struct memory *m)
{
    for (int i = 0; i < m->n; i++)
        m->size[i] = m->data[i].len;
    return (struct source){ .n_files = m->n, .path = m->path, .size = m->size, .ctx = m, .read = memory_read };
}

static inline void memory_free(struct memory *m)
{
    for (int i = 0; i < m->n; i++)
        buf_free(&m->data[i]);
    *m = (struct memory){ .n = 0 };
}

#endif
