/* hub_folder.c - a repository's files from a folder: the files as they are, or another machine's hub cache. */
#include "hub_source.h"

#include "mtbench/buf.h"
#include "mtbench/hash.h"
#include "mtbench/hubcache.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEEPEST = 8, PIECE = 1 << 20, LARGE = 10 << 20 };

/* ---- which folder ---- */

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A cache, or a folder with one in it as HF_HOME has: its snapshot of the model. 1: found; 0: it is no cache of this model; -1: err. */
static int find_snapshot(struct hub_source *s, const char *cache, struct err *err)
{
    char *folder = hub_folder(cache, s->model);
    int rc = is_folder(folder);
    if (rc && !(s->folder = hub_snapshot(cache, s->model, s->revision)))
        rc = err_set(err, ERR_USAGE, "--from %s: this cache has no revision %s of %s; choose another with --revision", cache, s->revision,
                     s->model);
    free(folder);
    return rc;
}

int hub_folder_open(struct hub_source *s, const char *from, struct err *err)
{
    char *inner = xasprintf("%s/hub", from), *outer = xasprintf("%s/..", from), *own = hub_folder("", s->model);
    char *real = realpath(from, NULL);
    const char *base = real ? strrchr(real, '/') : NULL;
    s->code = EXIT_INPUT;
    int rc = find_snapshot(s, from, err);
    if (rc == 0)
        rc = find_snapshot(s, inner, err);
    if (rc == 0 && base && !strcmp(base, own)) /* the model's own folder in a cache */
        rc = find_snapshot(s, outer, err);
    if (rc == 0)
        s->folder = xstrdup(from);
    free(inner);
    free(outer);
    free(own);
    free(real);
    return rc < 0 ? -1 : 0;
}

/* ---- what is in it ---- */

/* A link into a cache's blobs says the hash of what it leads to. */
static void take_link(struct hub_file *f, const char *path)
{
    char target[1000];
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0)
        return;
    target[n] = '\0';
    char *name = strrchr(target, '/');
    if (!name || name - target < 5 || strncmp(name - 5, "blobs", 5))
        return;
    name++;
    size_t k = strspn(name, "0123456789abcdef");
    if (k == strlen(name) && k == 64)
        f->sha256 = name;
    else if (k == strlen(name) && k == 40)
        f->git_sha1 = name;
    if (hub_etag(f)) /* 'name' dies with this function */
        f->sha256 ? (f->sha256 = xstrdup(name)) : (f->git_sha1 = xstrdup(name));
}

static int list(const struct hub_source *s, const char *below, int depth, struct hub_repo *repo, struct err *err);

static int list_one(const struct hub_source *s, const char *path, int depth, struct hub_repo *repo, struct err *err)
{
    char *full = xasprintf("%s/%s", s->folder, path);
    struct hub_file f = { .path = (char *)path };
    struct stat st;
    int rc = 0;
    if (stat(full, &st) == 0 && S_ISDIR(st.st_mode)) {
        rc = depth < DEEPEST ? list(s, path, depth + 1, repo, err) : 0;
    } else if (stat(full, &st) == 0 && S_ISREG(st.st_mode) && hub_path(path)) {
        f.size = st.st_size;
        take_link(&f, full);
        hub_repo_add(repo, &f);
        free(f.sha256);
        free(f.git_sha1);
    }
    free(full);
    return rc;
}

static int list(const struct hub_source *s, const char *below, int depth, struct hub_repo *repo, struct err *err)
{
    char *full = *below ? xasprintf("%s/%s", s->folder, below) : xstrdup(s->folder);
    DIR *d = opendir(full);
    struct dirent *e;
    int rc = d ? 0 : err_errno(err, "--from %s: cannot open this folder", full);
    while (rc == 0 && (e = readdir(d))) {
        if (*e->d_name == '.') /* . and .., .git, .cache: no part of a model */
            continue;
        char *path = *below ? xasprintf("%s/%s", below, e->d_name) : xstrdup(e->d_name);
        rc = list_one(s, path, depth, repo, err);
        free(path);
    }
    if (d)
        closedir(d);
    free(full);
    return rc;
}

int hub_folder_list(struct hub_source *s, struct hub_repo *repo, struct err *err)
{
    char *real = realpath(s->folder, NULL), *name = real ? strrchr(real, '/') : NULL;
    *repo = (struct hub_repo){ 0 };
    int rc = list(s, "", 0, repo, err);
    if (rc == 0 && (rc = hub_repo_finish(repo, err)) < 0)
        err_wrap(err, "--from %s", s->folder);
    /* A snapshot's folder is its commit; or the user says it. */
    if (name && hub_commit(name + 1))
        snprintf(repo->commit, sizeof repo->commit, "%s", name + 1);
    else if (hub_commit(s->revision))
        snprintf(repo->commit, sizeof repo->commit, "%s", s->revision);
    free(real);
    return rc;
}

/* Files that the hub keeps in LFS, and so knows by their SHA-256: large ones, and those of some names. */
static bool in_lfs(const struct hub_file *f)
{
    static const char *const suffix[] = { ".safetensors", ".bin", ".gguf", ".model", ".pt", ".pth", ".h5", ".onnx", ".msgpack" };
    size_t n = strlen(f->path);
    for (size_t i = 0; i < sizeof suffix / sizeof *suffix; i++)
        if (n > strlen(suffix[i]) && !strcmp(f->path + n - strlen(suffix[i]), suffix[i]))
            return true;
    return f->size > LARGE;
}

/* "git clone" without LFS leaves a few lines in the place of each large file. */
static bool is_pointer(int fd)
{
    static const char begin[] = "version https://git-lfs.github.com/spec/";
    char head[sizeof begin - 1];
    return pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head && !memcmp(head, begin, sizeof head);
}

int hub_folder_state(struct hub_source *s, struct hub_file *f, struct err *err)
{
    char *path = xasprintf("%s/%s", s->folder, f->path), hex[65];
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = fd < 0 ? err_errno(err, "%s: cannot open", path) : 0;
    const bool lfs = in_lfs(f);
    s->code = EXIT_FAILURES;
    if (rc == 0 && is_pointer(fd))
        rc = err_set(err, ERR_FORMAT, "%s: a pointer of Git LFS, not the file; bring the files there with \"git lfs pull\"", path);
    else if (rc == 0 && (rc = filehash(fd, f->size, lfs ? FILEHASH_SHA256 : FILEHASH_GIT, &s->watch, hex, err)) < 0)
        err_wrap(err, "%s", path);
    else if (rc == 0)
        *(lfs ? &f->sha256 : &f->git_sha1) = xstrdup(hex);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

void hub_folder_commit(struct hub_repo *repo, const bool *chosen)
{
    struct buf b = { 0 };
    uint8_t digest[20];
    for (int i = 0; i < repo->n; i++)
        if (chosen[i])
            buf_printf(&b, "%s %s\n", hub_etag(&repo->file[i]), repo->file[i].path);
    struct git_blob *h = git_blob_begin(b.len);
    git_blob_add(h, b.data, b.len);
    git_blob_end(h, digest);
    hex_of(digest, sizeof digest, repo->commit);
    buf_free(&b);
}

/* ---- copying ---- */

/* From where 'to' ends on. */
static int copy(struct hub_source *s, int from, int to, int64_t have, int64_t size, struct err *err)
{
    char *piece = xcalloc(1, PIECE);
    int rc = 0;
    while (rc == 0 && have < size) {
        ssize_t n = pread(from, piece, PIECE, (off_t)have), done = 0;
        while (n > 0 && done < n) {
            ssize_t k = pwrite(to, piece + done, (size_t)(n - done), (off_t)(have + done));
            if (k < 0 && errno != EINTR)
                break;
            done += k > 0 ? k : 0;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            rc = n < 0 ? err_errno(err, "cannot read") : err_set(err, ERR_FORMAT, "it became shorter while it was read; start again");
        else if (done < n)
            rc = err_errno(err, "cannot write the copy");
        have += n > 0 ? n : 0;
        if (rc == 0 && s->watch.progress(s->watch.ctx, have, size))
            rc = err_set(err, ERR_CANCELLED, "stopped; start again to go on");
    }
    free(piece);
    return rc;
}

/* Copy and check. 1: it went on behind another file's part, and has to begin anew. */
static int copy_checked(struct hub_source *s, const struct hub_file *f, int from, int to, struct err *err)
{
    struct stat st;
    char hex[65];
    if (fstat(to, &st) < 0 || (st.st_size > f->size && ftruncate(to, 0) < 0))
        return err_errno(err, "cannot write the copy");
    int64_t have = st.st_size > f->size ? 0 : st.st_size;
    if (copy(s, from, to, have, f->size, err) < 0)
        return -1;
    if (filehash(to, f->size, f->sha256 ? FILEHASH_SHA256 : FILEHASH_GIT, NULL, hex, err) < 0)
        return -1;
    if (!strcmp(hex, hub_etag(f)))
        return fsync(to) < 0 ? err_errno(err, "cannot write the copy") : 0;
    if (ftruncate(to, 0) < 0)
        return err_errno(err, "cannot write the copy");
    return have > 0 ? 1 : err_set(err, ERR_FORMAT, "its hash is %s instead of %s; bring it from another place", hex, hub_etag(f));
}

int hub_folder_bring(struct hub_source *s, const struct hub_file *f, const char *part, const char *path, struct err *err)
{
    char *source = xasprintf("%s/%s", s->folder, f->path);
    int from = open(source, O_RDONLY | O_CLOEXEC), to = -1, rc = 0;
    s->code = EXIT_FAILURES;
    if (from < 0)
        rc = err_errno(err, "cannot open");
    else if (io_make_parents(part, err) < 0)
        rc = -1;
    else if ((to = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666)) < 0)
        rc = err_errno(err, "cannot write %s", part);
    if (rc == 0 && (rc = copy_checked(s, f, from, to, err)) == 1)
        rc = copy_checked(s, f, from, to, err);
    if (rc == 0 && rename(part, path) < 0)
        rc = err_errno(err, "cannot put it into place as %s", path);
    if (rc == 0)
        io_sync_parent(path);
    else
        err_wrap(err, "%s", source);
    if (rc < 0 && err->kind == ERR_FORMAT)
        unlink(part);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    free(source);
    return rc;
}
