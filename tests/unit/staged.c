/* staged.c - copies of a model's files in a scratch folder: made once, believed by size and hash, made anew where they are damaged. */
#include "../../src/job/staged.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    free(copy);
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
    test_refusals();
    snprintf(remove_all, sizeof remove_all, "rm -rf %s", root);
    return system(remove_all) ? 1 : done_testing();
}
