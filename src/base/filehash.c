/* filehash.c - the hash of a file's bytes. */
#include "mtbench/filehash.h"

#include "mtbench/hash.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 1 << 20 };

/* As far as it goes; the number of bytes that were added. '*failed': errno of a read. */
static int64_t add_all(int fd, int64_t size, struct sha256 *sha, struct git_blob *git, const struct filehash_watch *watch, int *stop,
                       int *failed)
{
    char *piece = xcalloc(1, PIECE);
    int64_t at = 0;
    while (at < size && !*stop) {
        int64_t left = size - at;
        ssize_t n = pread(fd, piece, left < PIECE ? (size_t)left : PIECE, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) { /* 0: shorter than it should be */
            *failed = n < 0 ? errno : 0;
            break;
        }
        if (sha)
            sha256_add(sha, piece, (size_t)n);
        else
            git_blob_add(git, piece, (size_t)n);
        at += n;
        *stop = watch && watch->progress && watch->progress(watch->ctx, at, size);
    }
    free(piece);
    return at;
}

int filehash(int fd, int64_t size, enum filehash_kind kind, const struct filehash_watch *watch, char hex[65], struct err *err)
{
    struct sha256 *sha = kind == FILEHASH_SHA256 ? sha256_begin() : NULL;
    struct git_blob *git = sha ? NULL : git_blob_begin((uint64_t)size);
    uint8_t digest[32];
    int stop = 0, failed = 0;
    int64_t at = add_all(fd, size, sha, git, watch, &stop, &failed);
    if (sha)
        sha256_end(sha, digest);
    else
        git_blob_end(git, digest);
    hex_of(digest, sha ? 32 : 20, hex);
    if (stop)
        return err_set(err, ERR_CANCELLED, "stopped; start again to go on");
    errno = failed;
    if (at < size)
        return failed ? err_errno(err, "cannot read") : err_set(err, ERR_FORMAT, "it is shorter than %lld bytes", (long long)size);
    return 0;
}
