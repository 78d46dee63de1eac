/* staged.c - copies of a model's files on a disk of this node. */
#include "staged.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 4 << 20, SPARE = 64 << 20 };  /* bytes: at a time; left free for others */
enum { YOUNG = 60 };                     /* seconds since the last write of a part */

struct place { char *copy, *sum, *part; };   /* the copy, its hash, and what it is while it grows */

static void place_free(struct place *p)
{
    free(p->copy);
    free(p->sum);
    free(p->part);
}

static int find_place(struct place *p, const char *scratch, const char *path, uint64_t size, struct err *err)
{
    struct stat s;
    char hex[65], *real = realpath(path, NULL);
    if (!real || stat(real, &s) < 0) {
        free(real);
        return err_errno(err, "%s: cannot open", path);
    }
    char *own = io_own_folder(scratch, err);
    if (!own) {
        free(real);
        return -1;
    }
    const char *slash = strrchr(path, '/');
    /* st_ctim too: cp -p and rsync give a new file the time of the one that they copy. */
    char *name = xasprintf("%s %" PRIu64 " %lld.%09ld %lld.%09ld", real, size, (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                           (long long)s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    sha256_hex(name, strlen(name), hex);
    p->copy = xasprintf("%s/weights/%.16s/%s", own, hex, slash ? slash + 1 : path);
    p->sum = xasprintf("%s.sha256", p->copy);
    p->part = xasprintf("%s.partXXXXXX", p->copy); /* another job, or node, may copy the same file this very moment */
    free(real);
    free(name);
    free(own);
    return (uint64_t)s.st_size == size ? 0 : err_set(err, ERR_IO, "%s: has changed its size", path);
}

/* Is a whole copy there? Every byte is looked at: a disk that lost some would give other answers without a word. */
static bool is_there(const struct place *p, uint64_t size, const struct filehash_watch *watch, struct err *err)
{
    struct buf sum = {0};
    struct stat s;
    char hex[65] = "";
    const int fd = open(p->copy, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &s) == 0 && (uint64_t)s.st_size == size && io_read(p->sum, &sum, NULL) == 0;
    if (good && filehash(fd, (int64_t)size, FILEHASH_SHA256, watch, hex, err) < 0)
        good = false;
    else if (good && (sum.len < 64 || memcmp(sum.data, hex, 64))) {
        log_note("%s: is not what was copied; it is copied again", p->copy);
        good = false;
    }
    if (fd >= 0)
        close(fd);
    buf_free(&sum);
    return good;
}

static int check_room(const char *file, uint64_t size, struct err *err)
{
    struct statvfs v;
    if (io_make_parents(file, err) < 0)
        return -1;
    char *folder = xstrndup(file, (size_t)(strrchr(file, '/') - file));
    const int rc = statvfs(folder, &v);
    const uint64_t room = rc == 0 ? (uint64_t)v.f_bavail * v.f_frsize : UINT64_MAX; /* unknown: writing will tell */
    free(folder);
    return room >= size + SPARE ? 0 : err_set(err, ERR_IO, "%s: has room for %.1f MB, the file has %.1f MB", file, (double)room / 1e6,
                                              (double)size / 1e6);
}

static int copy_piece(int from, int to, uint64_t at, char *piece, size_t n, struct sha256 *h)
{
    for (size_t done = 0; done < n;) {
        const ssize_t got = pread(from, piece + done, n - done, (off_t)(at + done));
        if (got <= 0 && !(got < 0 && errno == EINTR))
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    sha256_add(h, piece, n);
    for (size_t done = 0; done < n;) {
        const ssize_t put = pwrite(to, piece + done, n - done, (off_t)(at + done));
        if (put <= 0 && !(put < 0 && errno == EINTR))
            return -1;
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int copy_bytes(int from, int to, uint64_t size, const struct filehash_watch *w, char hex[65], struct err *err)
{
    struct sha256 *h = sha256_begin();
    unsigned char digest[32];
    char *piece = xcalloc(1, PIECE);
    int rc = 0;
    for (uint64_t at = 0; at < size && rc == 0; at += PIECE) {
        errno = 0;
        if (w->progress && w->progress(w->ctx, (int64_t)at, (int64_t)size))
            rc = err_set(err, ERR_CANCELLED, "interrupted while weights were copied; the same command goes on from there");
        else if (copy_piece(from, to, at, piece, size - at < PIECE ? (size_t)(size - at) : PIECE, h) < 0)
            rc = errno ? err_errno(err, "cannot copy") : err_set(err, ERR_IO, "cannot copy: the file became shorter");
    }
    sha256_end(h, digest);
    hex_of(digest, sizeof digest, hex);
    free(piece);
    return rc;
}

/* A part that nobody holds any more: whoever wrote it was killed. A young one may not have its lock yet. */
static void sweep_one(int folder, const char *name)
{
    struct stat s;
    const int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &s) == 0 && time(NULL) - s.st_mtime > YOUNG && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    if (fd >= 0)
        close(fd);
}

/* Parts of models would fill the disk with time. */
static void sweep_parts(const struct place *p)
{
    const char *slash = strrchr(p->part, '/');
    const size_t n = strlen(slash + 1) - strlen("XXXXXX");
    char *path = xstrndup(p->part, (size_t)(slash - p->part));
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (!strncmp(e->d_name, slash + 1, n))
            sweep_one(dirfd(folder), e->d_name);
    if (folder)
        closedir(folder);
    free(path);
}

static int make_copy(struct place *p, const char *path, uint64_t size, const struct filehash_watch *watch, struct err *err)
{
    char hex[65];
    int from = -1, to = -1, rc;
    sweep_parts(p);                      /* first: they may have the room that is wanted */
    rc = check_room(p->part, size, err);
    if (rc == 0 && (from = open(path, O_RDONLY | O_CLOEXEC)) < 0)
        rc = err_errno(err, "%s: cannot open", path);
    if (rc == 0 && (to = mkostemp(p->part, O_CLOEXEC)) < 0)
        rc = err_errno(err, "%s: cannot write", p->part);
    if (rc == 0)
        flock(to, LOCK_EX | LOCK_NB);    /* until its end, whatever that is */
    if (rc == 0 && (rc = copy_bytes(from, to, size, watch, hex, err)) < 0)
        err_wrap(err, "%s", p->part);
    /* The hash before the name: a copy without one is not believed. */
    if (rc == 0 && (fdatasync(to) < 0 || io_replace(p->sum, hex, 64, err) < 0 || rename(p->part, p->copy) < 0))
        rc = err_errno(err, "%s: cannot write", p->copy);
    if (rc < 0 && to >= 0)
        unlink(p->part);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    return rc;
}

char *staged_file(const char *scratch, const char *path, uint64_t size, const struct filehash_watch *watch, bool *made, struct err *err)
{
    struct place p = {0};
    struct err why = {0};
    char *copy = NULL;
    int rc = find_place(&p, scratch, path, size, err);
    *made = false;
    if (rc == 0 && !is_there(&p, size, watch, &why)) {
        *made = true;
        rc = why.kind == ERR_CANCELLED ? err_set(err, why.kind, "%s", why.text) : make_copy(&p, path, size, watch, err);
    }
    if (rc == 0)
        copy = xstrdup(p.copy);
    place_free(&p);
    return copy;
}
