/* fastcopy.c - a ledger's bytes once more, on a disk of this node. */
#include "fastcopy.h"

#include "mtbench/clock.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fastcopy {
    char *path;
    int fd;
    double flushed;                      /* the shared file, in seconds of clock_now() */
};

static void put_aside(const char *path, const char *why)
{
    char *old = xasprintf("%s.old", path);
    if (rename(path, old) == 0)
        log_note("%s: %s; it is kept as %s and not used", path, why, old);
    free(old);
}

/* Up to the last newline: a line without one was never promised. */
static size_t whole_lines(const struct buf *b)
{
    const char *last = b->len ? memrchr(b->data, '\n', b->len) : NULL;
    return last ? (size_t)(last - b->data) + 1 : 0;
}

/* A crash leaves zeros in a shared file where pages were not written yet; a journal's text has none. Are the first n bytes alike but for
 * them? '*first' is where the first of these stands, else n. */
static bool agrees(const char *copy, const char *shared, size_t n, size_t *first)
{
    *first = n;
    for (size_t i = 0; i < n; i++) {
        if (copy[i] != shared[i] && shared[i])
            return false;
        if (copy[i] != shared[i] && *first == n)
            *first = i;
    }
    return true;
}

size_t fastcopy_catch_up(const char *path, const char *shared, size_t n, struct buf *more)
{
    struct buf copy = {0};
    size_t at = n;
    if (access(path, F_OK) == 0 && io_read(path, &copy, NULL) == 0) {
        const size_t whole = whole_lines(&copy);
        if (n == 0 && whole)
            put_aside(path, "is the copy of a journal that is gone");
        else if (whole && !agrees(copy.data, shared, whole < n ? whole : n, &at))
            put_aside(path, "differs from the journal");
        else if (at < whole)
            buf_add(more, copy.data + at, whole - at);
    }
    buf_free(&copy);
    return at;
}

struct fastcopy *fastcopy_begin(const char *path, const char *bytes, size_t n, struct err *err)
{
    struct fastcopy *f = xcalloc(1, sizeof *f);
    f->path = xstrdup(path);
    f->flushed = clock_now();
    f->fd = -1;
    int rc = io_make_parents(path, err);
    if (rc == 0 && (f->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
        rc = err_errno(err, "%s: cannot write", path);
    if (rc == 0 && (rc = fastcopy_write(f, bytes, n, 0, err)) == 0) {
        io_sync_parent(path);
        return f;
    }
    fastcopy_end(f, f->fd >= 0);         /* the shared file has all of it */
    return NULL;
}

int fastcopy_write(struct fastcopy *f, const char *bytes, size_t n, size_t at, struct err *err)
{
    for (size_t done = 0; done < n;) {
        const ssize_t wrote = pwrite(f->fd, bytes + done, n - done, (off_t)(at + done));
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return err_errno(err, "%s: cannot write", f->path);
        done += (size_t)wrote;
    }
    return fdatasync(f->fd) < 0 ? err_errno(err, "%s: cannot write", f->path) : 0;
}

bool fastcopy_due(const struct fastcopy *f)
{
    return clock_now() - f->flushed >= FASTCOPY_SECONDS;
}

void fastcopy_flushed(struct fastcopy *f)
{
    f->flushed = clock_now();
}

void fastcopy_end(struct fastcopy *f, bool safe)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    if (safe)
        unlink(f->path);
    free(f->path);
    free(f);
}
