/* filehash.c - the hash of a file as it lies on disk: both kinds, a file that is shorter than it should be, and one who says stop. */
#include "mtbench/filehash.h"

#include "mtbench/hash.h"

#include "folder.h"
#include "tap.h"

#include <fcntl.h>
#include <string.h>

enum { SIZE = (3 << 20) + 17 };

static struct { int told, stop_at; int64_t last; } seen;

static int look_on(void *ctx, int64_t have, int64_t total)
{
    (void)ctx;
    seen.last = total == SIZE && have > seen.last ? have : -1;
    return ++seen.told == seen.stop_at;
}

int main(void)
{
    const struct filehash_watch watch = { look_on, NULL };
    struct err err = {0};
    char *data = malloc(SIZE), want[65], got[65];
    for (int i = 0; i < SIZE; i++)
        data[i] = (char)(i * 7 + (i >> 12));
    int fd = open(own("file"), O_RDWR | O_CREAT, 0666);
    ok(write(fd, data, SIZE) == SIZE, "a file of some pieces, whose descriptor stands at its end");
    sha256_hex(data, SIZE, want);
    ok(filehash(fd, SIZE, FILEHASH_SHA256, &watch, got, &err) == 0 && !strcmp(got, want), "SHA-256: %.16s", got);
    ok(seen.told == 4 && seen.last == SIZE, "who looks on is told after each piece");
    uint8_t digest[20];
    struct git_blob *h = git_blob_begin(SIZE - 1);
    git_blob_add(h, data, SIZE - 1);
    git_blob_end(h, digest);
    hex_of(digest, sizeof digest, want);
    ok(filehash(fd, SIZE - 1, FILEHASH_GIT, NULL, got, &err) == 0 && !strcmp(got, want), "git's, of all but the last byte: %.16s", got);
    ok(filehash(fd, SIZE + 1, FILEHASH_SHA256, NULL, got, &err) < 0 && err.kind == ERR_FORMAT, "shorter than it should be: %s", err.text);
    seen.told = 0, seen.stop_at = 2;
    ok(filehash(fd, SIZE, FILEHASH_SHA256, &watch, got, &err) < 0 && err.kind == ERR_CANCELLED && seen.told == 2, "stopped: %s", err.text);
    close(fd);
    ok(filehash(fd, SIZE, FILEHASH_SHA256, NULL, got, &err) < 0 && err.kind == ERR_IO, "unreadable: %s", err.text);
    free(data);
    return done_testing();
}
