/* filehash.h - the hash of a file's bytes, as they lie on disk (room: base). */
#ifndef MTB_FILEHASH_H
#define MTB_FILEHASH_H

#include "mtbench/err.h"

#include <stdint.h>

enum filehash_kind { FILEHASH_SHA256, FILEHASH_GIT }; /* 64 hex digits; what git calls it (hash.h), 40 */

/* Who looks on while bytes move, a few times a second: some gigabytes take minutes. Non-zero: stop. */
struct filehash_watch {
    int (*progress)(void *ctx, int64_t have, int64_t total); /* may be NULL */
    void *ctx;
};

/* Of the first 'size' bytes of a descriptor, which may be anywhere. -1: err (io; format: the file is shorter; cancelled). */
int filehash(int fd, int64_t size, enum filehash_kind kind, const struct filehash_watch *watch, char hex[65], struct err *err);

#endif
