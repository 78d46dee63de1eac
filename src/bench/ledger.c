/* ledger.c - an append-only file of lines with one writer. */
#include "ledger.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ledger {
    char *path;
    int fd;
    bool open;                           /* locked, read, in its place */
    off_t good;                          /* bytes on disk that end in a whole line */
    struct buf pending;
};

static int lock(struct ledger *l, const char *busy, struct err *err)
{
    struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET }, who = f;
    if (fcntl(l->fd, F_SETLK, &f) == 0)
        return 0;
    if (errno != EACCES && errno != EAGAIN)
        return 0;
    if (fcntl(l->fd, F_GETLK, &who) < 0 || who.l_type == F_UNLCK)
        who.l_pid = 0;
    return err_set(err, ERR_BUSY, "%s: another run (process %ld) is %s", l->path, (long)who.l_pid, busy);
}

/* Through our own descriptor: closing any other one of this file would drop the lock. */
static int slurp(const char *path, int fd, struct buf *out, struct err *err)
{
    ssize_t n;
    while ((n = pread(fd, buf_reserve(out, 1 << 16), 1 << 16, (off_t)out->len)) > 0)
        out->len += (size_t)n;
    return n < 0 ? err_errno(err, "%s: cannot read", path) : 0;
}

/* The whole lines of an open file; *good: where they end. */
static int replay_lines(const struct ledger_opts *o, int fd, off_t *good, struct err *err)
{
    struct buf b = {0};
    int rc = slurp(o->path, fd, &b, err), number = 0;
    *good = 0;
    while (rc == 0 && *good < (off_t)b.len) {
        const char *line = b.data + *good, *end = memchr(line, '\n', b.len - (size_t)*good);
        if (!end)
            break;
        number++;
        rc = o->replay(o->ctx, number, line, (size_t)(end - line), err);
        *good = end + 1 - b.data;
    }
    buf_free(&b);
    if (rc < 0 && err_advise(err, "the file is damaged there; remove the line, or start anew with --fresh"))
        return number > 1 ? err_wrap(err, "%s:%d", o->path, number) : err_wrap(err, "%s", o->path);
    return rc;
}

int ledger_peek(const struct ledger_opts *o, struct err *err)
{
    off_t good;
    int fd = open(o->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s: cannot read", o->path);
    int rc = replay_lines(o, fd, &good, err);
    close(fd);
    return rc;
}

static int replay(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    if (replay_lines(o, l->fd, &l->good, err) < 0)
        return -1;
    if (ftruncate(l->fd, l->good) < 0)
        return err_errno(err, "%s: cannot cut off a torn line", l->path);
    return 0;
}

/* An empty file is not worth the place of the last one that was put aside. */
static int put_aside(const struct ledger *l, struct err *err)
{
    struct stat st;
    if (fstat(l->fd, &st) == 0 && st.st_size == 0)
        return 0;
    char *old = xasprintf("%s.old", l->path);
    int rc = rename(l->path, old) < 0 ? err_errno(err, "%s: cannot be put aside as %s", l->path, old) : 0;
    free(old);
    return rc;
}

/* Is our descriptor's file still the one of this name? Another run may have put it aside between our opening and locking it. */
static bool in_place(const struct ledger *l)
{
    struct stat ours, there;
    return fstat(l->fd, &ours) == 0 && stat(l->path, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

static int open_locked(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    for (;;) {
        l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (l->fd < 0)
            return err_errno(err, "%s: cannot write", l->path);
        if (lock(l, o->busy, err) < 0)
            return -1;
        if (in_place(l))
            return 0;
        close(l->fd);
    }
}

/* Put the old file aside and hold its lock until the new one is locked. */
static int start_anew(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    int old = l->fd;
    if (put_aside(l, err) < 0)
        return -1;
    if (in_place(l))                     /* it was empty and stays */
        return 0;
    int rc = open_locked(l, o, err);
    close(old);
    return rc;
}

struct ledger *ledger_open(const struct ledger_opts *o, struct err *err)
{
    struct ledger *l = xcalloc(1, sizeof *l);
    l->fd = -1;
    l->path = xstrdup(o->path);
    if (io_make_parents(o->path, err) == 0 && open_locked(l, o, err) == 0 && (!o->fresh || start_anew(l, o, err) == 0) && replay(l, o, err) == 0) {
        l->open = true;
        return l;
    }
    ledger_close(l);
    return NULL;
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->open && l->good == 0)
        unlink(l->path);                 /* nothing was written, and whoever waits for its lock looks whether the name still means it */
    if (l->fd >= 0)
        close(l->fd);
    buf_free(&l->pending);
    free(l->path);
    free(l);
}

void ledger_discard(struct ledger *l)
{
    l->good = 0;
    ledger_close(l);
}

bool ledger_empty(const struct ledger *l)
{
    return l->good == 0;
}

void ledger_add(struct ledger *l, const char *line, size_t n)
{
    buf_add(&l->pending, line, n);
    buf_char(&l->pending, '\n');
}

int ledger_sync(struct ledger *l, struct err *err)
{
    size_t done = 0;
    while (done < l->pending.len) {
        ssize_t n = pwrite(l->fd, l->pending.data + done, l->pending.len - done, l->good + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            goto error;
        done += (size_t)n;
    }
    if (done && fdatasync(l->fd) < 0)
        goto error;
    if (done && l->good == 0)
        io_sync_parent(l->path);
    l->good += (off_t)done;
    buf_clear(&l->pending);
    return 0;
error:
    err_errno(err, "%s: cannot write", l->path);
    err_advise(err, "make room and start again, what was finished before this is safe");
    if (ftruncate(l->fd, l->good) < 0)
        err_wrap(err, "and the torn line stays");
    return -1;
}
