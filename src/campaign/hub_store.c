/* hub_store.c - one repository's place in the hub cache: as huggingface_hub writes it, so that each takes the other's files as its own. */
#include "hub_store.h"

#include "mtbench/buf.h"
#include "mtbench/hubcache.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void hub_store_open(struct hub_store *s, const char *id)
{
    s->cache = hub_cache();
    s->folder = hub_folder(s->cache, id);
    s->locks = xasprintf("%s/.locks%s", s->cache, strrchr(s->folder, '/'));
}

void hub_store_close(struct hub_store *s)
{
    free(s->cache);
    free(s->folder);
    free(s->locks);
}

char *hub_store_blob(const struct hub_store *s, const char *name, const char *suffix)
{
    return xasprintf("%s/blobs/%s%s", s->folder, name, suffix);
}

static char *pointer_of(const struct hub_store *s, const char *commit, const char *path)
{
    return xasprintf("%s/snapshots/%s/%s", s->folder, commit, path);
}

/* ---- what is there ---- */

/* 1: right, 0: not there or not right, -1: cancelled. */
static int check(const char *path, const struct hub_file *f, const struct filehash_watch *watch, struct err *wrong, struct err *err)
{
    struct err why = { 0 };
    struct stat st;
    char hex[65] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        goto out;
    if (f->size >= 0 && st.st_size != f->size)
        err_set(&why, ERR_FORMAT, "%lld bytes instead of %lld", (long long)st.st_size, (long long)f->size);
    else if (hub_etag(f) && filehash(fd, st.st_size, f->sha256 ? FILEHASH_SHA256 : FILEHASH_GIT, watch, hex, &why) == 0 &&
             strcmp(hex, hub_etag(f)))
        err_set(&why, ERR_FORMAT, "its hash is %s", hex);
    rc = why.kind == ERR_NONE;
    if (!rc)
        *(why.kind == ERR_CANCELLED ? err : wrong) = why;
    if (why.kind == ERR_CANCELLED)
        rc = -1;
    else if (!rc)
        err_wrap(wrong, "%s", path);
out:
    if (fd >= 0)
        close(fd);
    return rc;
}

int hub_store_has(const struct hub_store *s, const char *commit, const struct hub_file *f, const struct filehash_watch *watch,
                  struct err *wrong, struct err *err)
{
    char *blob = hub_etag(f) ? hub_store_blob(s, hub_etag(f), "") : NULL, *pointer = pointer_of(s, commit, f->path);
    struct stat st;
    int rc = blob ? check(blob, f, watch, wrong, err) : 0;
    /* A link leads to the blob that was just looked at, or to another one that is none of this commit's. */
    if (rc == 0 && lstat(pointer, &st) == 0 && (S_ISREG(st.st_mode) || !blob))
        rc = check(pointer, f, watch, wrong, err);
    free(blob);
    free(pointer);
    return rc;
}

int64_t hub_store_part(const struct hub_store *s, const struct hub_file *f)
{
    struct stat st;
    char *part = hub_etag(f) ? hub_store_blob(s, hub_etag(f), ".incomplete") : NULL;
    int64_t n = part && stat(part, &st) == 0 && st.st_size <= f->size ? st.st_size : 0;
    free(part);
    return n;
}

int64_t hub_store_room(const struct hub_store *s)
{
    struct statvfs fs;
    char *at = xstrdup(s->folder), *slash;
    int rc;
    /* The cache may not be there yet: the first folder above it that is tells. */
    while ((rc = statvfs(at, &fs)) < 0 && (slash = strrchr(at, '/')) && slash != at)
        *slash = '\0';
    if (rc < 0)
        rc = statvfs(*at == '/' ? "/" : ".", &fs);
    free(at);
    return rc < 0 ? -1 : (int64_t)((double)fs.f_bavail * (double)fs.f_frsize);
}

/* ---- writing ---- */

/* huggingface_hub may remove a lock's file when it lets go: then ours is of nobody's. */
static bool still_named(int fd, const char *path)
{
    struct stat a, b;
    return fstat(fd, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* 0: got it, 1: another has it, -1: errno. */
static int try_lock(const char *path, int *fd)
{
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*fd < 0)
        return -1;
    int rc = flock(*fd, LOCK_EX | LOCK_NB), saved = errno;
    if (rc == 0 && still_named(*fd, path))
        return 0;
    close(*fd);
    *fd = -1;
    errno = saved;
    return rc == 0 || saved == EWOULDBLOCK || saved == EINTR ? 1 : -1;
}

int hub_store_lock(const struct hub_store *s, const char *name, const char *path, const struct filehash_watch *watch, struct err *err)
{
    char *lock = xasprintf("%s/%s.lock", s->locks, name);
    bool said = false;
    int fd = -1, rc = io_make_parents(lock, err);
    while (rc == 0 && (rc = try_lock(lock, &fd)) == 1) {
        if (!said)
            log_note("%s: another run fetches this; waiting for it", path);
        said = true;
        rc = watch->progress(watch->ctx, 0, 0) ? err_set(err, ERR_CANCELLED, "%s: stopped; start again to go on", path) : 0;
        usleep(100000);
    }
    if (rc < 0 && fd < 0 && !(err && err->kind != ERR_NONE)) {
        if (errno == ENOSYS || errno == ENOLCK || errno == EOPNOTSUPP) { /* some cluster file systems */
            log_note("%s: this file system has no locks; do not fetch a model twice at the same time", lock);
            fd = -2;
        } else {
            err_errno(err, "%s: cannot lock", lock);
        }
    }
    if (fd == -1)
        err_advise(err, "set HF_HUB_CACHE to a folder that can be written");
    free(lock);
    return fd;
}

/* Where links cannot be made the file itself takes the place, as huggingface_hub does it: no byte twice. Only for another file of the same
 * bytes they are copied. */
static int place_without_link(const struct hub_store *s, const char *commit, const char *blob, const char *pointer,
                              const struct hub_file *twin, struct err *err)
{
    if (rename(blob, pointer) == 0)
        return 0;
    if (errno != ENOENT || !twin)
        return err_errno(err, "%s: cannot put into place", pointer);
    char *other = pointer_of(s, commit, twin->path);
    struct buf b = { 0 };
    int rc = io_read(other, &b, err) < 0 || io_replace(pointer, b.data, b.len, err) < 0 ? -1 : 0;
    buf_free(&b);
    free(other);
    return rc;
}

/* Is the name there already: the right link, or the file itself? What else is there is of a spoiled fetch, and goes. */
static bool is_placed(const char *pointer, const char *target, const char *blob)
{
    char there[2500] = "";
    struct stat st;
    if (lstat(pointer, &st) < 0)
        return false;
    ssize_t n = readlink(pointer, there, sizeof there - 1);
    if ((n > 0 && !strcmp(there, target)) || (S_ISREG(st.st_mode) && access(blob, F_OK) < 0))
        return true;
    unlink(pointer);
    return false;
}

int hub_store_link(const struct hub_store *s, const char *commit, const struct hub_file *f, const struct hub_file *twin, struct err *err)
{
    char *pointer = pointer_of(s, commit, f->path), *target = hub_link(f->path, hub_etag(f)), *blob = hub_store_blob(s, hub_etag(f), "");
    int rc = 0;
    if (!is_placed(pointer, target, blob)) {
        rc = io_make_parents(pointer, err);
        if (rc == 0 && symlink(target, pointer) < 0) {
            if (errno != EEXIST)
                rc = place_without_link(s, commit, blob, pointer, twin, err);
            else if (!is_placed(pointer, target, blob)) /* another run that brings the same would have placed it */
                rc = err_set(err, ERR_IO, "%s: is there, and is no file; move it away", pointer);
        }
        if (rc == 0)
            io_sync_parent(pointer);
    }
    free(pointer);
    free(target);
    free(blob);
    return rc;
}

int hub_store_ref(const struct hub_store *s, const char *revision, const char *commit, struct err *err)
{
    char *ref = xasprintf("%s/refs/%s", s->folder, revision);
    struct buf b = { 0 };
    struct err ignored;
    bool same = io_read(ref, &b, &ignored) == 0 && b.len == strlen(commit) && !memcmp(b.data, commit, b.len);
    int rc = same ? 0 : io_make_parents(ref, err);
    if (rc == 0 && !same) /* the same is not written: the cache may be another user's, read-only */
        rc = io_replace(ref, commit, strlen(commit), err);
    buf_free(&b);
    free(ref);
    return rc;
}
