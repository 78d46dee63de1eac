/* fetch_list.c - the list of files that may be fetched, by people and from strangers; and whether bytes are the file. */
#include "mtbench/fetch_list.h"

#include "mtbench/io.h"

#include "tap.h"

#include <string.h>

#define SHA "119565adbab82227089cefdb44c8d7e2cf04dc0a0ec233634c82e7d4e2a944f7"

static void refused(const char *line, const char *words)
{
    struct fetch_list l;
    struct err err = {0};
    char text[512];
    snprintf(text, sizeof text, "# remark\n%s\n", line);
    ok(fetch_list_parse("list", text, strlen(text), &l, &err) < 0 && err.kind == ERR_FORMAT && strstr(err.text, "list:2: ") &&
           strstr(err.text, words),
       "refused: %s", err.text);
}

static void test_lines(void)
{
    static const char text[] =
        "# SHA-256 BYTES PATH URL\n\n  \t\r\n" SHA " 12 a/b-1_2.+x http://h/x?y=1\r\n- - c.jsonl\thttps://h/c\n - 0  d.jsonl  https://h/d";
    struct fetch_list l;
    struct err err = {0};
    ok(fetch_list_parse("list", text, strlen(text), &l, &err) == 0 && l.n == 3, "remarks, blanks, tabs, no last newline: %s", err.text);
    ok(!strcmp(l.item[0].sha256, SHA) && l.item[0].size == 12 && !strcmp(l.item[0].path, "a/b-1_2.+x") &&
           !strcmp(l.item[0].url, "http://h/x?y=1"),
       "an entry");
    ok(!l.item[1].sha256 && l.item[1].size == -1 && l.item[2].size == 0, "what is not known");
    fetch_list_free(&l);
    ok(l.n == 0 && !l.item, "freed");
    ok(fetch_list_parse("list", "#\n", 2, &l, &err) < 0 && strstr(err.text, "no entries"), "%s", err.text);
}

static void test_refusals(void)
{
    static const char *const path[] = {"/etc/passwd", "../x.jsonl", "a/../x.jsonl", "a//x.jsonl", "a/",  ".hidden", "a/.hidden",
                                       "a b",         "~/x",        "a%2e",         "a?b",        "a#b", "a\\b",    "\xc3\xa9"};
    char line[256];
    for (size_t i = 0; i < sizeof path / sizeof *path; i++) {
        snprintf(line, sizeof line, SHA " - %s http://h/x", path[i]);
        refused(line, strchr(path[i], ' ') ? "no entry" : "is no path");
    }
    refused(SHA " 1 x.jsonl", "no entry");
    refused("abc 1 x.jsonl http://h/x", "is no SHA-256");
    refused(SHA "0 1 x.jsonl http://h/x", "is no SHA-256");
    refused(SHA " -1 x.jsonl http://h/x", "is no number");
    refused(SHA " 1e3 x.jsonl http://h/x", "is no number");
    refused(SHA " 1234567890123456 x.jsonl http://h/x", "is no number");
    refused(SHA " 1 x.jsonl file:///etc/passwd", "is no URL");
    refused("- 5 x.gguf http://h/x", "needs its SHA-256");
    struct fetch_list l;
    struct err err = {0};
    const char twice[] = "- - x.jsonl http://h/1\n- - x.jsonl http://h/2\n", nul[] = "- - x.jsonl http://h/\0evil\n";
    ok(fetch_list_parse("list", twice, strlen(twice), &l, &err) < 0 && strstr(err.text, "list:2: x.jsonl: stands there twice"), "%s",
       err.text);
    ok(fetch_list_parse("list", nul, sizeof nul - 1, &l, &err) < 0, "a NUL: %s", err.text);
}

static void check(const struct fetch_item *item, const char *data, const char *words)
{
    struct err err = {0};
    int rc = fetch_item_check(item, data, strlen(data), &err);
    ok(words ? rc < 0 && strstr(err.text, words) : rc == 0, "%zu bytes: %s", strlen(data), rc ? err.text : "right");
}

static void test_check(void)
{
    /* sha256sum of "abc" */
    const struct fetch_item hashed = {"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3, "x", "http://h"},
                            plain = {NULL, -1, "x.jsonl", "http://h"}, sized = {NULL, 9, "x.jsonl", "http://h"};
    check(&hashed, "abc", NULL);
    check(&hashed, "abd", "SHA-256");
    check(&hashed, "abcd", "4 bytes instead of 3");
    check(&plain, "{\"a\": 1}\n[2]\n", NULL);
    check(&plain, "{\"a\": 1}\n{\"b\": ", "line 2");
    check(&plain, "{\"a\": 1}\n\n{}\n", NULL);
    check(&plain, "\n \n", "empty");
    check(&plain, "<html>\n", "line 1");
    check(&plain, "", "empty");
    check(&sized, "{\"a\": 1}\n", NULL);
    check(&sized, "{\"a\": 1}", "8 bytes instead of 9");
}

static void test_shipped(void)
{
    struct buf b = {0};
    struct fetch_list l = {0};
    struct err err = {0};
    int answers = 0, judgments = 0, texts = 0;
    ok(io_read("data/pregenerated.txt", &b, &err) == 0 && fetch_list_parse("data/pregenerated.txt", b.data, b.len, &l, &err) == 0,
       "the list that ships: %s", err.text);
    for (int i = 0; i < l.n; i++) {
        answers += strstr(l.item[i].path, "model_answer/") && l.item[i].sha256 && l.item[i].size > 0;
        judgments += strstr(l.item[i].path, "model_judgment/") != NULL;
        texts += !strcmp(l.item[i].path, "fastchat/conversation.py") && l.item[i].sha256;
    }
    ok(answers == 31 && judgments == 2 && texts == 1, "FastChat's %d answer files with their hashes, its %d judgment files, its templates",
       answers, judgments);
    fetch_list_free(&l);
    buf_free(&b);
}

int main(void)
{
    test_lines();
    test_refusals();
    test_check();
    test_shipped();
    return done_testing();
}
