/* source.c - a plain, local source of file bytes, and what all sources share. */
#include "mtbench/source.h"

#include "mtbench/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int source_find(const struct source *s, const char *name)
{
    for (int i = 0; i < s->n_files; i++) {
        const char *slash = strrchr(s->path[i], '/');
        if (!strcmp(slash ? slash + 1 : s->path[i], name)) /* a model's files lie in one folder: base names are unique */
            return i;
    }
    return -1;
}

int source_slurp(const struct source *s, int file, size_t limit, struct buf *out, struct err *err)
{
    uint64_t size = s->size[file];
    /* A "config.json" of gigabytes is a wrong file, or a hostile one. */
    if (size > limit)
        return err_set(err, ERR_FORMAT, "%s: %llu bytes are more than the %zu that such a file may have; is it the right file?",
                       s->path[file], (unsigned long long)size, limit);
    if (s->read(s->ctx, file, 0, buf_reserve(out, size), size, err) < 0)
        return -1;
    out->len += size;
    out->data[out->len] = '\0';          /* a text too, for whoever parses it as one */
    return 0;
}

struct files {
    struct source source;     /* first: what the caller holds */
    int *fd;                             /* (n_files) -1: not open */
    char **path;                         /* (n_files) owned */
    uint64_t *size;                      /* (n_files) bytes, when it was opened */
};

static int files_read(void *ctx, int file, uint64_t off, void *dst, size_t n, struct err *err)
{
    struct files *f = ctx;
    for (size_t done = 0; done < n;) {   /* network file systems give less than was asked for */
        ssize_t got = pread(f->fd[file], (char *)dst + done, n - done, (off_t)(off + done)); /* by offset: threads may read side by side */
        if (got < 0)
            return err_errno(err, "%s: cannot read", f->path[file]);
        /* The size was taken at open: a file that ends before is being copied, or was cut. */
        if (got == 0)
            return err_set(err, ERR_FORMAT, "%s: ends at byte %llu, but bytes up to %llu are needed; copy the file again", f->path[file],
                           (unsigned long long)(off + done), (unsigned long long)(off + n));
        done += (size_t)got;
    }
    return 0;
}

struct source *source_files_open(const char *const *path, int n, struct err *err)
{
    struct files *f = xcalloc(1, sizeof *f);
    f->fd = xcalloc((size_t)n, sizeof *f->fd);
    f->path = xcalloc((size_t)n, sizeof *f->path);
    f->size = xcalloc((size_t)n, sizeof *f->size);
    f->source = (struct source){ .path = (const char *const *)f->path, .size = f->size, .ctx = f, .read = files_read };
    for (int i = 0; i < n; i++) {
        struct stat st;
        f->path[i] = xstrdup(path[i]);
        f->fd[i] = open(path[i], O_RDONLY | O_CLOEXEC);
        f->source.n_files = i + 1;       /* so that a failure closes exactly what was opened */
        if (f->fd[i] < 0 || fstat(f->fd[i], &st) < 0) {
            err_errno(err, "%s: cannot open", path[i]);
            source_files_close(&f->source);
            return NULL;
        }
        f->size[i] = (uint64_t)st.st_size;
    }
    return &f->source;
}

void source_files_close(struct source *s)
{
    if (!s)
        return;
    struct files *f = s->ctx;
    for (int i = 0; i < s->n_files; i++) {
        if (f->fd[i] >= 0)               /* the one that could not be opened has none */
            close(f->fd[i]);
        free(f->path[i]);
    }
    free(f->fd);
    free(f->path);
    free(f->size);
    free(f);
}
