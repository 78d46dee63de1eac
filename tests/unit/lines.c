/* lines.c - lines as editors and other programs leave them. */
#include "mtbench/lines.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"

#include "tap.h"

#include <stdlib.h>
#include <unistd.h>

#define BOM "\xef\xbb\xbf"
#define TEXT(s) s, sizeof(s) - 1

/* "NUMBER:LINE|" for each line, and "torn" behind the last one if it had no newline. */
static const char *list(const char *data, size_t n, bool whole_only)
{
    static struct buf b;
    struct lines l;
    struct slice line;
    buf_clear(&b);
    buf_str(&b, "");
    lines_begin(&l, data, n);
    l.whole_only = whole_only;
    while (lines_next(&l, &line)) {
        buf_printf(&b, "%ld:", l.number);
        for (size_t i = 0; i < line.len; i++)
            buf_char(&b, line.ptr[i] ? line.ptr[i] : '0');
        buf_str(&b, l.torn ? "|torn" : "|");
    }
    return b.data;
}

static void test_core(void)
{
    ok(!strcmp(list("", 0, false), ""), "nothing");
    ok(!strcmp(list(TEXT("{1}\n{2}\n"), false), "1:{1}|2:{2}|"), "two lines");
    ok(!strcmp(list(TEXT(BOM "{1}\r\n\r\n \t\r\n{4}\r\n" BOM "\n" BOM "{6}\r\n\n"), false), "1:{1}|4:{4}|6:{6}|"),
       "marks, blank lines and CR are passed over and counted: %s",
       list(TEXT(BOM "{1}\r\n\r\n \t\r\n{4}\r\n" BOM "\n" BOM "{6}\r\n\n"), false));
    ok(!strcmp(list(TEXT("{1}\n{2"), false), "1:{1}|2:{2|torn"), "a last line without newline is told");
    ok(!strcmp(list(TEXT("{1}\n{2"), true), "1:{1}|"), "or left alone");
    ok(!strcmp(list(TEXT("{\0}\n\0\0\n"), false), "1:{0}|2:00|"), "a NUL ends no line, and is no blank");
    ok(!strcmp(list(TEXT("\xef\xbb\n"), false), "1:\xef\xbb|"), "half a mark is not one");
}

static void test_file(void)
{
    char path[] = "/tmp/mtb-lines-XXXXXX";
    int fd = mkstemp(path), n = 0, rc;
    struct buf b = {0};
    struct err err = {0};
    struct slice line;
    for (int i = 0; i < 300000; i++)
        buf_printf(&b, "%d%s", i, i % 3 ? "\n" : "\r\n\n");
    buf_str(&b, "end");
    for (int i = 0; i < 3 << 20; i++)    /* longer than a block */
        buf_char(&b, 'x');
    ok(io_replace(path, b.data, b.len, &err) == 0, "a file of %zu bytes", b.len);
    struct lines_file *f = lines_open(path, &err);
    bool found = true;                   /* each line again at the place that is told */
    char again[8] = "";
    const int second = lines_descriptor(f, &err);
    while ((rc = lines_read(f, &line, &err)) == 1 && n < 300000 && strtol(line.ptr, NULL, 10) == n && line.len < 7) {
        const ssize_t got = n++ % 100 ? -1 : pread(second, again, line.len, (off_t)lines_start(f, &line));
        found &= got < 0 || !memcmp(again, line.ptr, line.len);
    }
    found &= pread(second, again, 4, (off_t)lines_start(f, &line)) == 4 && !memcmp(again, "endx", 4);
    ok(found, "each line lies where it is said to begin");
    ok(rc == 1 && n == 300000 && line.len == 3 + (3 << 20) && !memcmp(line.ptr, "endx", 4) && lines_number(f) == 400001,
       "all lines in order, the last one longer than a block");
    ok(lines_read(f, &line, &err) == 0 && lines_read(f, &line, &err) == 0, "and the end, as often as it is asked for");
    lines_close(f);
    lines_close(NULL);
    ok(pread(second, again, 1, 0) == 1 && again[0] == '0', "a descriptor outlives the reader");
    close(second);
    ok(!lines_open("no/such/file", &err) && err.kind == ERR_IO && strstr(err.text, "no/such/file"), "no file: %s", err.text);
    f = lines_open(".", &err);
    ok(f && lines_read(f, &line, &err) == -1 && err.kind == ERR_IO, "a folder: %s", err.text);
    lines_close(f);
    unlink(path);
    close(fd);
    buf_free(&b);
}

int main(void)
{
    test_core();
    test_file();
    return done_testing();
}
