/* answer.c - answer files in FastChat's form: short UUIDs, merging by the last line per question, the digest. */
#include "mtbench/answer.h"

#include "mtbench/hash.h"
#include "mtbench/io.h"

#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Vectors from running shortuuid 1.0.11. */
static void test_short_uuid(void)
{
    static const struct { uint8_t bits[16]; const char *want; } table[] = {
        { { 0 }, "2222222222222222222222" },
        { { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 }, "oZEq7ovRbLq6UnGMPwc8B5" },
        { { 0x3b, 0x1f, 0x8b, 0x40, 0x22, 0x2c, 0x4a, 0x6e, 0xb7, 0x7e, 0x77, 0x9d, 0x5a, 0x94, 0xe2, 0x1c }, "CXc85b4rqinB7s5J52TRYb" },
    };
    char id[23];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        short_uuid(table[i].bits, id);
        ok(!strcmp(id, table[i].want), "short UUID %s", id);
    }
}

/* Back from base 57: version 4 and the variant bits must be set, whatever the name. */
static void test_answer_id(void)
{
    static const char alphabet[] = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    char id[23], again[23], other[23];
    int wrong = 0;
    for (int q = 0; q < 200; q++) {
        unsigned __int128 v = 0;
        answer_id("vicuna-7b", q, 3, id);
        for (int i = 0; i < 22; i++)
            v = v * 57 + (unsigned)(strchr(alphabet, id[i]) - alphabet);
        wrong += strlen(id) != 22 || (int)(v >> 76 & 15) != 4 || (int)(v >> 62 & 3) != 2;
    }
    ok(wrong == 0, "200 ids are UUIDs of version 4");
    answer_id("m", 81, 0, id);
    answer_id("m", 81, 0, again);
    ok(!strcmp(id, again), "the same answer, the same id");
    answer_id("m", 81, 1, other);
    answer_id("m2", 81, 0, again);
    ok(strcmp(id, other) && strcmp(id, again) && strcmp(other, again), "another seed or model, another id");
}

static void put(struct buf *b, int64_t id, const char *text)
{
    buf_printf(b, "{\"question_id\": %lld, \"text\": \"%s\"}", (long long)id, text);
}

static bool holds(const char *path, const char *want)
{
    struct buf b = {0};
    bool same = io_read(path, &b, NULL) == 0 && b.len == strlen(want) && !memcmp(b.data, want, b.len);
    if (!same)
        printf("# the file: %s\n# wanted: %s\n", b.data ? b.data : "", want);
    buf_free(&b);
    return same;
}

static int merge(const char *path, int64_t id, const char *text, struct err *err)
{
    struct buf b = {0};
    put(&b, id, text);
    int rc = answers_merge(path, &(struct answer_line){ id, { b.data, b.len } }, 1, err);
    buf_free(&b);
    return rc;
}

static void test_merge(void)
{
    char dir[] = "/tmp/mtbench-answer-XXXXXX", path[100];
    struct err err = {0};
    struct buf want = {0};
    if (!mkdtemp(dir))
        return;
    snprintf(path, sizeof path, "%s/sub/m.jsonl", dir);
    put(&want, 100, "a");
    buf_char(&want, '\n');
    ok(merge(path, 100, "a", &err) == 0 && holds(path, want.data), "a new file in a new folder");
    /* As another program left it: not sorted, one question twice, other keys and spacing, no newline at the end. */
    static const char foreign[] = "{\"question_id\":  100, \"old\": 1}\n{\"question_id\": 9, \"mine\": [ ]}\n{\"question_id\": 100, "
                                  "\"old\": 2}\n{\"question_id\": 1000}";
    io_replace(path, foreign, strlen(foreign), &err);
    buf_clear(&want);
    buf_str(&want, "{\"question_id\": 9, \"mine\": [ ]}\n");
    put(&want, 50, "b");
    buf_char(&want, '\n');
    buf_str(&want, "{\"question_id\": 100, \"old\": 2}\n{\"question_id\": 1000}\n");
    ok(merge(path, 50, "b", &err) == 0 && holds(path, want.data), "sorted by number, the last line of each question, bytes unchanged");
    static const char marked[] = "\xef\xbb\xbf{\"question_id\": 9, \"mine\": []}\r\n\r\n";
    io_replace(path, marked, strlen(marked), &err);
    buf_clear(&want);
    buf_str(&want, "{\"question_id\": 9, \"mine\": []}\n");
    put(&want, 50, "b");
    buf_char(&want, '\n');
    ok(merge(path, 50, "b", &err) == 0 && holds(path, want.data), "a byte order mark, CR and blank lines are left out: %s", err.text);
    static const char broken[] = "{\"question_id\": 1}\n{broken\n";
    io_replace(path, broken, strlen(broken), &err);
    ok(merge(path, 2, "c", &err) == -1 && err.kind == ERR_FORMAT && strstr(err.text, "m.jsonl:2: "), "a broken line: %s", err.text);
    ok(holds(path, broken), "and the file is as it was");
    io_replace(path, "{\"id\": 1}\n", 10, &err);
    ok(merge(path, 2, "c", &err) == -1 && strstr(err.text, "m.jsonl:1: no ") && strstr(err.text, "question_id"), "no answer file: %s",
       err.text);
    unlink(path);
    snprintf(path, sizeof path, "%s/sub", dir);
    rmdir(path);
    ok(rmdir(dir) == 0, "nothing else was left");
    buf_free(&want);
}

/* The digest is the SHA-256 of what the header says, put together by hand. */
static void test_digest(void)
{
    static const char bytes[] = "81\0000\0001\0003\0abc" "82\0001\0002\0000\0";
    char want[65], got[65];
    sha256_hex(bytes, sizeof bytes - 1, want);
    struct digest *d = digest_begin();
    digest_turn(d, 81, 0, 1, "abc", 3);
    digest_turn(d, 82, 1, 2, "", 0);
    digest_end(d, got);
    ok(!strcmp(got, want), "digest %.16s", got);
}

int main(void)
{
    test_short_uuid();
    test_answer_id();
    test_merge();
    test_digest();
    return done_testing();
}
