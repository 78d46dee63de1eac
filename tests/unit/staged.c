/* staged.c - copies of a model's files in a scratch folder: made once, believed by size and hash, made anew where they are damaged. */
#include "../../src/job/staged.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"

#include "tap.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 9 << 20 };                 /* more than two pieces */

static char root[] = "/tmp/staged-XXXXXX", file[64], scratch[64];
static struct err err;

static void put(const char *path, size_t n, char first)
{
    char *bytes = malloc(n);
    if (!bytes)
        abort();
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(first + (char)(i % 251));
    if (io_replace(path, bytes, n, &err) < 0)
        abort();
    free(bytes);
}

static bool same(const char *a, const char *b)
{
    struct buf x = {0}, y = {0};
    bool equal = io_read(a, &x, NULL) == 0 && io_read(b, &y, NULL) == 0 && x.len == y.len && !memcmp(x.data, y.data, x.len);
    buf_free(&x);
    buf_free(&y);
    return equal;
}

/* 1: stop. */
static int steps_left;
static int count(void *ctx, int64_t have, int64_t total)
{
    (void)ctx, (void)have, (void)total;
    return steps_left-- <= 0;
}

static char *stage(const char *in, int steps, bool *made)
{
    static const struct filehash_watch watch = { .progress = count };
    err = (struct err){0};
    steps_left = steps;
    return staged_file(in, file, SIZE, &watch, made, &err);
}

static void test_copies(void)
{
    bool made;
    char *copy = stage(scratch, 1000, &made), *again;
    ok(copy && made && same(copy, file) && !strncmp(copy, scratch, strlen(scratch)), "copied: %s %s", copy ? copy : "", err.text);
    again = stage(scratch, 1000, &made);
    ok(again && !made && !strcmp(again, copy), "there is one already");
    free(again);
    FILE *f = fopen(copy, "r+");
    if (!f || fseek(f, 5 << 20, SEEK_SET) || fputc('?', f) == EOF || fclose(f))
        abort();
    again = stage(scratch, 1000, &made);
    ok(again && made && same(again, file), "one byte is another: copied again");
    free(again);
    if (truncate(copy, 100))
        abort();
    again = stage(scratch, 1000, &made);
    ok(again && made && same(again, file), "a part of it: copied again");
    free(again);
    put(file, SIZE, 'b');      /* replaced: another time of change */
    again = stage(scratch, 1000, &made);
    ok(again && made && strcmp(again, copy) && same(again, file), "another file of the same name has a copy of its own");
    free(again);
    struct stat was;
    if (stat(file, &was) < 0)
        abort();
    put(file, SIZE, 'c');
    utimensat(AT_FDCWD, file, (const struct timespec[]){ was.st_atim, was.st_mtim }, 0);
    again = stage(scratch, 1000, &made);
    ok(again && made && same(again, file), "also one that was given the old one's time");
    free(again);
    free(copy);
}

/* Beside a copy that is made: what killed jobs left of theirs, and what another one is writing. */
static void test_parts(void)
{
    const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    bool made;
    char *copy = stage(scratch, 1000, &made), left[300], held[300], young[300];
    snprintf(left, sizeof left, "%s.partAAAAAA", copy);
    snprintf(held, sizeof held, "%s.partBBBBBB", copy);
    snprintf(young, sizeof young, "%s.partCCCCCC", copy);
    put(left, 10, 'l'), put(held, 10, 'h'), put(young, 10, 'y');
    utimensat(AT_FDCWD, left, old, 0), utimensat(AT_FDCWD, held, old, 0);
    const int fd = open(held, O_RDWR);
    ok(fd >= 0 && flock(fd, LOCK_EX) == 0 && unlink(copy) == 0, "a copy is wanted again");
    char *again = stage(scratch, 1000, &made);
    ok(again && made && access(left, F_OK) != 0, "a part that was left goes");
    ok(access(held, F_OK) == 0 && access(young, F_OK) == 0, "one that somebody writes stays");
    close(fd);
    free(copy);
    free(again);
}

/* In a folder where somebody else could have put weights under a name that is easy to work out. */
static void test_foreign(void)
{
    bool made;
    char shared[80], own[120], target[80];
    snprintf(shared, sizeof shared, "%s/tmp", root);
    snprintf(own, sizeof own, "%s/mtbench-%ld", shared, (long)geteuid());
    snprintf(target, sizeof target, "%s/target", root);
    ok(mkdir(shared, 0777) == 0 && mkdir(own, 0700) == 0 && chmod(own, 0777) == 0, "a folder that all may write");
    ok(!stage(shared, 1000, &made) && err.kind == ERR_IO && strstr(err.text, "this user alone"), "%s", err.text);
    ok(rmdir(own) == 0 && mkdir(target, 0700) == 0 && symlink(target, own) == 0, "a link");
    ok(!stage(shared, 1000, &made) && strstr(err.text, "this user alone"), "%s", err.text);
    unlink(own);
    char *copy = stage(shared, 1000, &made);
    struct stat s;
    ok(copy && stat(own, &s) == 0 && (s.st_mode & 0777) == 0700, "one of its own is made");
    free(copy);
    if (geteuid() == 0 && chown(own, 65534, 65534) == 0)
        ok(!stage(shared, 1000, &made) && strstr(err.text, "this user alone"), "another user's: %s", err.text);
    else
        skip(1, "only root can give a folder away");
}

static void test_refusals(void)
{
    bool made;
    char other[80], command[200];
    ok(!stage("/proc/none", 1000, &made) && err.kind == ERR_IO, "no folder can be made: %s", err.text);
    ok(!stage(file, 1000, &made) && err.kind == ERR_IO, "a file in its place: %s", err.text);
    snprintf(other, sizeof other, "%s/other", root);
    ok(!stage(other, 1, &made) && err.kind == ERR_CANCELLED, "stopped: %s", err.text);
    snprintf(command, sizeof command, "test -z \"$(find %s -type f)\"", other);
    ok(system(command) == 0, "nothing of it is left");
    ok(!staged_file(scratch, file, SIZE + 1, &(struct filehash_watch){0}, &made, &err) && strstr(err.text, "changed its size"), "%s",
       err.text);
    unlink(file);
    ok(!stage(scratch, 1000, &made) && err.kind == ERR_IO, "%s", err.text);
}

int main(void)
{
    char remove_all[64];
    if (!mkdtemp(root))
        abort();
    snprintf(file, sizeof file, "%s/model.safetensors", root);
    snprintf(scratch, sizeof scratch, "%s/scratch", root);
    put(file, SIZE, 'a');
    test_copies();
    test_parts();
    test_foreign();
    test_refusals();
    snprintf(remove_all, sizeof remove_all, "rm -rf %s", root);
    return system(remove_all) ? 1 : done_testing();
}
