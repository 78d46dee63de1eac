/* task_list.c - the list file of a campaign: words as a shell splits them, remarks, and what is refused by its line. */
#include "mtbench/task_list.h"

#include "mtbench/buf.h"

#include "tap.h"

#include <string.h>

/* The words of the only line, each in brackets. */
static void words(const char *line, const char *expected)
{
    struct task_list l;
    struct err err = {0};
    struct buf b = {0};
    int rc = task_list_parse("list", line, strlen(line), &l, &err);
    for (int i = 0; rc == 0 && i < l.line[0].n; i++)
        buf_printf(&b, "[%s]", l.line[0].word[i]);
    ok(rc == 0 && l.n == 1 && b.data && !strcmp(b.data, expected) && !l.line[0].word[l.line[0].n], "%s: %s%s", line, b.data ? b.data : "",
       err.text);
    buf_free(&b);
    if (rc == 0)
        task_list_free(&l);
}

static void refused(const char *text, size_t n, const char *said)
{
    struct task_list l;
    struct err err = {0};
    ok(task_list_parse("list", text, n, &l, &err) < 0 && err.kind == ERR_FORMAT && strstr(err.text, said), "refused: %s", err.text);
}

static void test_words(void)
{
    words("--model-path /m/a --seed 1", "[--model-path][/m/a][--seed][1]");
    words(" \t--a\t\tb  \r\n", "[--a][b]");
    words("--a 'x y'\"z w\"v", "[--a][x yz wv]");
    words("--a 'x\"$y' \"it's\" '' \"\\\"\\\\\\n\"", "[--a][x\"$y][it's][][\"\\\\n]");
    words("--a x\\ y\\'", "[--a][x y']");
    words("--a x#y # a remark that's not closed", "[--a][x#y]");
    words("--a=b,c:d/e.f-g_h%i@j+k^l", "[--a=b,c:d/e.f-g_h%i@j+k^l]");
    words("# \n\n  \n#--x\n\xef\xbb\xbf--a b\n", "[--a][b]");
}

static void test_lines(void)
{
    static const char text[] = "--a 1\n\n# remark\n--b 2 3";
    struct task_list l;
    struct err err = {0};
    ok(task_list_parse("list", text, strlen(text), &l, &err) == 0 && l.n == 2, "two tasks");
    ok(l.line[0].number == 1 && l.line[1].number == 4 && l.line[1].n == 3 && !strcmp(l.line[1].word[2], "3"), "numbers are the file's");
    task_list_free(&l);
    ok(l.n == 0 && !l.line, "freed");
}

static void test_refusals(void)
{
    static const char *const bad[][2] = {
        { "--a 'x", "list:1: a ' that is never closed" }, { "--a 1\n--b \"x\\\"\n", "list:2: a \" that is never closed" },
        { "--a x\\", "list:1: a \\ at its end" }, { "\n--a $HOME", "list:2: a $ outside quotes" }, { "--a *.gguf", "a * outside quotes" },
        { "--a \"$x\"", "a $ inside" }, { "--a `x`", "a ` outside" }, { "--a x; rm", "a ; outside" }, { "", "no tasks" },
        { "# only\n\n", "no tasks" },
        { "--a '\n--b '\n--c 1\n--d '\n--e '\n", "list:4: a ' that is never closed; close it on the same line | and 1 more" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        refused(bad[i][0], strlen(bad[i][0]), bad[i][1]);
    refused("--a b\0c", 7, "list:1: a NUL byte");
}

int main(void)
{
    test_words();
    test_lines();
    test_refusals();
    return done_testing();
}
