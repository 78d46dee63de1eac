/* io.c - files as wholes. */
#include "mtbench/io.h"

#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_whole(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
    ssize_t n;
    if (fd < 0)
        return err_errno(err, "%s: cannot open", path);
    /* Until the end, not by st_size: pipes and /proc have no size, and a file may grow while it is read. */
    while ((n = read(fd, buf_reserve(out, 1 << 16), 1 << 16)) > 0 || (n < 0 && errno == EINTR))
        out->len += n > 0 ? (size_t)n : 0;
    if (n < 0) {
        err_errno(err, "%s: cannot read", path);
        goto out;
    }
    buf_reserve(out, 0)[0] = '\0';       /* an empty file gives a text too, never NULL */
    rc = 0;
out:
    close(fd);
    return rc;
}

int io_read(const char *path, struct buf *out, struct err *err)
{
    watch_begin(WATCH_WORKS, "reading %s", path);
    const int rc = read_whole(path, out, err);
    watch_end();
    return rc;
}

int io_exists(const char *path, struct err *err)
{
    if (access(path, F_OK) == 0)
        return 1;
    if (errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG)    /* a name that no file can have */
        return 0;
    err_errno(err, "%s: cannot be looked at", path);
    return err_advise(err, "check who may read the folders above it");
}

int io_make_parents(const char *path, struct err *err)
{
    char *copy = xstrdup(path);
    int rc = 0;
    /* Folder by folder, each may be there: another rank or program may make the same one this very moment. */
    for (char *p = copy + (*copy == '/'); rc == 0 && (p = strchr(p, '/')); p++) {
        *p = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            rc = err_errno(err, "%s: cannot create the folder", copy);
        *p = '/';
    }
    free(copy);
    return rc;
}

char *io_own_folder(const char *root, struct err *err)
{
    char *folder = xasprintf("%s/mtbench-%ld", root, (long)geteuid());
    struct stat s;
    int rc = io_make_parents(folder, err);
    if (rc == 0 && ((mkdir(folder, 0700) < 0 && errno != EEXIST) || lstat(folder, &s) < 0))
        rc = err_errno(err, "%s: cannot create the folder", folder);
    /* lstat(): a link may lead to a folder of ours that is not meant. */
    else if (rc == 0 && (!S_ISDIR(s.st_mode) || s.st_uid != geteuid() || s.st_mode & (S_IWGRP | S_IWOTH)))
        rc = err_set(err, ERR_IO, "%s: is not a folder that this user alone can write; remove it or use another one", folder);
    if (rc == 0)
        return folder;
    free(folder);
    return NULL;
}

/* A rename is on disk when its folder is. Best effort: some file systems cannot sync folders, and the file itself
 * is safe. */
void io_sync_parent(const char *path)
{
    char *copy = xstrdup(path), *slash = strrchr(copy, '/');
    if (slash)
        slash[slash == copy] = '\0';     /* "/x" lies in "/" */
    int fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(copy);
}

/* write() may take a part: of a pipe, near a full disk, at a signal. */
static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);
        if (k < 0 && errno != EINTR)
            return -1;
        if (k > 0) {
            p += k;
            n -= (size_t)k;
        }
    }
    return 0;
}

/* Small pieces share a write. */
static int write_pieces(int fd, const struct slice *piece, size_t n)
{
    enum { BLOCK = 1 << 20 };
    struct buf b = {0};
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (b.len + piece[i].len > BLOCK) {
            rc = write_all(fd, b.data, b.len);
            buf_clear(&b);
        }
        if (piece[i].len <= BLOCK)
            buf_add(&b, piece[i].ptr, piece[i].len);
        else if (rc == 0)
            rc = write_all(fd, piece[i].ptr, piece[i].len);
    }
    if (rc == 0)
        rc = write_all(fd, b.data, b.len);
    buf_free(&b);
    return rc;
}

int io_replace(const char *path, const void *data, size_t n, struct err *err)
{
    return io_replace_pieces(path, &(struct slice){ data, n }, 1, err);
}

/* Law 3: whoever reads the path sees the old file or the new one, whole, whatever kills us in between. */
static int replace(const char *path, const struct slice *piece, size_t n, struct err *err)
{
    /* Through a symbolic link: the link stays, its target is replaced. */
    char *real = realpath(path, NULL), *target = real ? real : xstrdup(path);
    char *beside = xasprintf("%s.%ld.tmp", target, (long)getpid()); /* same folder, so that rename() is atomic */
    struct stat st;
    int rc = 0, fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        rc = err_errno(err, "%s: cannot write", path);
    /* On disk before the rename: after a crash there is the old file or the new one, never an empty one. */
    else if (write_pieces(fd, piece, n) < 0 || fsync(fd) < 0)
        rc = err_errno(err, "%s: cannot write", path);
    if (rc == 0 && real && stat(real, &st) == 0)
        fchmod(fd, st.st_mode & 0777); /* some file systems have no modes to keep */
    if (fd >= 0 && close(fd) < 0 && rc == 0) /* NFS tells of a full disk here */
        rc = err_errno(err, "%s: cannot write", path);
    if (rc == 0 && rename(beside, target) < 0)
        rc = err_errno(err, "%s: cannot rename into place", path);
    if (rc < 0)
        unlink(beside);                  /* nothing half is left lying about */
    else
        io_sync_parent(target);
    free(beside);
    free(target);
    return rc;
}

int io_replace_pieces(const char *path, const struct slice *piece, size_t n, struct err *err)
{
    watch_begin(WATCH_WORKS, "writing %s", path);
    const int rc = replace(path, piece, n, err);
    watch_end();
    return rc;
}

int io_keep_copy(const char *path, char **copy, struct err *err)
{
    struct buf b = {0};
    int number = 1;
    *copy = xasprintf("%s.old%d", path, number);
    while (access(*copy, F_OK) == 0) {   /* .old1, .old2 ...: no copy is ever overwritten */
        free(*copy);
        *copy = xasprintf("%s.old%d", path, ++number);
    }
    int rc = io_read(path, &b, err) < 0 || io_replace(*copy, b.data, b.len, err) < 0 ? -1 : 0;
    buf_free(&b);
    if (rc < 0) {
        free(*copy);
        *copy = NULL;
    }
    return rc;
}

/* What was written beside is on disk, with the mode of the file that it replaces. */
static int flush_beside(const char *beside, const char *path, struct err *err)
{
    struct stat st;
    int fd = open(beside, O_RDONLY | O_CLOEXEC), rc = 0;
    if (fd < 0 || fsync(fd) < 0)
        rc = err_errno(err, "%s: cannot write", path);
    if (rc == 0 && stat(path, &st) == 0)
        fchmod(fd, st.st_mode & 0777);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int end_beside(const char *beside, const char *path, int rc)
{
    if (rc < 0)
        unlink(beside);
    else
        io_sync_parent(path);
    return rc;
}

int io_put_in_place(const char *beside, const char *path, struct err *err)
{
    int rc = flush_beside(beside, path, err);
    if (rc == 0 && rename(beside, path) < 0)
        rc = err_errno(err, "%s: cannot rename into place", path);
    return end_beside(beside, path, rc);
}

int io_put_new(const char *beside, const char *path, struct err *err)
{
    int rc = flush_beside(beside, path, err);
    if (rc == 0 && link(beside, path) == 0)      /* as rename(), but never over another file */
        unlink(beside);
    else if (rc == 0 && errno == EEXIST)
        rc = err_set(err, ERR_BUSY, "%s: another program has made it meanwhile; start again", path);
    else if (rc == 0 && rename(beside, path) < 0)        /* a file system without links */
        rc = err_errno(err, "%s: cannot rename into place", path);
    return end_beside(beside, path, rc);
}
