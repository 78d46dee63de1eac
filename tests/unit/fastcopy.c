/* fastcopy.c - the copy of a journal on a node's own disk: what it gives back, and when it is not believed. */
#include "../../src/bench/fastcopy.h"

#include "mtbench/io.h"

#include "tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root[] = "/tmp/fastcopy-XXXXXX", path[64], old[80];
static struct err err;

static void put(const char *text)
{
    if (io_replace(path, text, strlen(text), &err) < 0)
        abort();
    unlink(old);
}

/* What the copy adds to these bytes of the shared file. */
static bool gives(const char *shared, const char *expected)
{
    struct buf more = {0};
    fastcopy_catch_up(path, shared, strlen(shared), &more);
    const bool good = more.len == strlen(expected) && (!more.len || !memcmp(more.data, expected, more.len));
    buf_free(&more);
    return good;
}

static void test_catch_up(void)
{
    ok(gives("a\n", "") && gives("", ""), "no copy adds nothing");
    put("a\nb\nc");
    ok(gives("a\n", "b\n"), "whole lines that the file lacks, and no torn one");
    ok(gives("a\nb\n", "") && access(old, F_OK), "nothing where both are alike");
    ok(gives("a\nb\nx\n", "") && access(old, F_OK), "nor where the file has more");
    ok(gives("z\n", "") && access(path, F_OK) && access(old, F_OK) == 0, "another content is put aside");
    put("a\nb\n");
    ok(gives("", "") && access(path, F_OK) && access(old, F_OK) == 0, "so is the copy of a file that is gone");
    put("a");
    ok(gives("", "") && access(old, F_OK), "a torn first line alone is nothing");
    struct buf more = {0};
    put("a\nbb\ncc\nd\n");
    const size_t at = fastcopy_catch_up(path, "a\nb\0\0cc\n", 8, &more);
    ok(at == 3 && more.len == 7 && !memcmp(more.data, "b\ncc\nd\n", 7) && access(old, F_OK),
       "pages that a crash kept from the shared file come back, and what is behind them: from %zu on", at);
    buf_clear(&more);
    put("a\nbb\n");
    fastcopy_catch_up(path, "a\n\0\0\nc\n", 7, &more);
    ok(more.len == 3 && !memcmp(more.data, "bb\n", 3), "also where the shared file is longer");
    buf_clear(&more);
    fastcopy_catch_up(path, "a\n\0x\nc\n", 7, &more);
    ok(!more.len && access(old, F_OK) == 0, "but not into other text");
    buf_free(&more);
}

static void test_writing(void)
{
    struct buf b = {0};
    struct fastcopy *f = fastcopy_begin(path, "a\n", 2, &err);
    ok(f && fastcopy_write(f, "b\nc\n", 4, 2, &err) == 0 && io_read(path, &b, &err) == 0 && !strcmp(b.data, "a\nb\nc\n"),
       "lines behind it");
    ok(!fastcopy_due(f), "the shared file may wait");
    fastcopy_end(f, false);
    ok(access(path, F_OK) == 0, "kept while the shared file is not safe");
    f = fastcopy_begin(path, "", 0, &err);
    fastcopy_end(f, true);
    ok(access(path, F_OK), "gone when it is");
    ok(!fastcopy_begin("/proc/none/x", "", 0, &err) && err.kind == ERR_IO, "%s", err.text);
    fastcopy_end(NULL, true);
    buf_free(&b);
}

int main(void)
{
    if (!mkdtemp(root))
        abort();
    snprintf(path, sizeof path, "%s/x.journal", root);
    snprintf(old, sizeof old, "%s.old", path);
    test_catch_up();
    test_writing();
    unlink(old);
    rmdir(root);
    return done_testing();
}
