/* outfile.c - a file that is written beside its place, and gets its name when it is whole. */
#include "mtbench/outfile.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 20 };                /* bytes written at a time */

struct outfile {
    char *path;                          /* as it was given, for messages */
    char *target, *beside;               /* where it comes to lie; beside NULL: written in place */
    int fd, wrong;                       /* wrong: errno of what failed first, 0 */
    struct buf block;
    uint64_t size;                       /* of all pieces */
    off_t written;
};

static void outfile_free(struct outfile *f)
{
    if (f->fd >= 0)
        close(f->fd);
    buf_free(&f->block);
    free(f->path);
    free(f->target);
    free(f->beside);
    free(f);
}

struct outfile *outfile_begin(const char *path, struct err *err)
{
    struct stat st;
    const size_t n = strlen(path);
    const bool there = stat(path, &st) == 0;
    if ((there && S_ISDIR(st.st_mode)) || (n && path[n - 1] == '/')) {
        err_set(err, ERR_IO, "%s: is a folder; name a file in it", path);
        return NULL;
    }
    struct outfile *f = xcalloc(1, sizeof *f);
    /* A device or a pipe has no old bytes to keep, and no name that could be given to another file. */
    const bool as_it_comes = there && !S_ISREG(st.st_mode);
    char *real = as_it_comes ? NULL : realpath(path, NULL);
    f->path = xstrdup(path);
    f->target = real ? real : xstrdup(path);
    if (!as_it_comes)
        f->beside = xasprintf("%s.%ld.tmp", f->target, (long)getpid());
    f->fd = open(f->beside ? f->beside : f->target, O_WRONLY | O_CLOEXEC | (f->beside ? O_CREAT | O_TRUNC : 0), 0666);
    if (f->fd >= 0)
        return f;
    err_errno(err, "%s: cannot write", path);
    err_advise(err, "name a place that can be written");
    outfile_free(f);
    return NULL;
}

static void write_block(struct outfile *f)
{
    for (size_t at = 0; at < f->block.len && !f->wrong;) {
        const char *p = f->block.data + at;
        const ssize_t k = f->beside ? pwrite(f->fd, p, f->block.len - at, f->written) : write(f->fd, p, f->block.len - at);
        if (k == 0 || (k < 0 && errno != EINTR))
            f->wrong = k ? errno : ENOSPC;
        if (k > 0) {
            at += (size_t)k;
            f->written += k;
        }
    }
    buf_clear(&f->block);
}

void outfile_add(struct outfile *f, const void *data, size_t n)
{
    if (f->wrong)
        return;
    buf_add(&f->block, data, n);
    f->size += n;
    if (f->block.len >= BLOCK)
        write_block(f);
}

uint64_t outfile_size(const struct outfile *f)
{
    return f->size;
}

int outfile_end(struct outfile *f, struct err *err)
{
    int rc = 0;
    write_block(f);
    if (close(f->fd) < 0 && !f->wrong)   /* some file systems tell of a full disk here */
        f->wrong = errno;
    f->fd = -1;
    if (f->wrong) {
        errno = f->wrong;
        rc = err_errno(err, "%s: cannot write", f->path);
        err_advise(err, "make room, or name another place");
        if (f->beside)
            unlink(f->beside);
    } else if (f->beside) {
        rc = io_put_in_place(f->beside, f->target, err);
    }
    outfile_free(f);
    return rc;
}

void outfile_drop(struct outfile *f)
{
    if (!f)
        return;
    if (f->beside)
        unlink(f->beside);
    outfile_free(f);
}
