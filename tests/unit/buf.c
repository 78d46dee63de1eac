/* buf.c - the growing byte string, and errors that travel. */
#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void test_buf(void)
{
    struct buf b = {0};
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    ok(b.len == 3890 && strlen(b.data) == b.len && !strcmp(b.data + 3880, "7,998,999,"), "a thousand pieces: %zu bytes", b.len);
    buf_clear(&b);
    ok(b.len == 0 && b.data && b.data[0] == '\0', "cleared: empty, and still a string");
    buf_add(&b, "a\0b", 3);
    buf_char(&b, 'c');
    ok(b.len == 4 && !memcmp(b.data, "a\0bc", 5), "bytes that are no text");
    memcpy(buf_reserve(&b, 5000), "room", 4);
    ok(b.len == 4 && b.cap >= 5004, "reserving changes no length");
    char *s = buf_steal(&b);
    ok(!memcmp(s, "a\0bc", 5) && !b.data && b.len == 0, "stolen");
    free(s);
    s = buf_steal(&b);
    ok(s && *s == '\0', "an empty one can be stolen");
    free(s);
    buf_add(&b, NULL, 0);
    ok(b.data && b.len == 0, "no bytes from nowhere");
    buf_free(&b);
    buf_free(&b);
    ok(!b.data, "freed twice");
}

static jmp_buf back;

static void jump(size_t bytes)
{
    (void)bytes;
    longjmp(back, 1);
}

/* A size from a hostile file must neither wrap to a small one nor be doubled for ever. */
static void test_endless(void)
{
    static const size_t size[] = { SIZE_MAX, SIZE_MAX - 1, SIZE_MAX - 64, SIZE_MAX / 2 + 1 };
    mem_on_exhausted(jump);
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        struct buf b = {0};
        volatile bool refused = true;
        buf_str(&b, "some bytes");
        if (setjmp(back) == 0) {
            buf_reserve(&b, size[i]);
            refused = false;
        }
        ok(refused && b.len == 10 && !strcmp(b.data, "some bytes"), "room for %zx bytes is refused", size[i]);
        buf_free(&b);
    }
    /* A text that cannot be made is no text: the caller of xasprintf() never sees a pointer to nothing. */
    volatile bool refused = true;
    if (setjmp(back) == 0) {
        free(xasprintf("%ls", L"\x10ffff0"));
        refused = false;
    }
    ok(refused, "a text that cannot be spelled is refused");
}

static void test_err(void)
{
    struct err e = {0};
    ok(err_set(&e, ERR_MODEL, "tensor %s is %d", "x", 7) == -1 && e.kind == ERR_MODEL && !strcmp(e.text, "tensor x is 7"), "set: %s",
       e.text);
    err_wrap(&e, "%s", "model.gguf");
    ok(e.kind == ERR_MODEL && !strcmp(e.text, "model.gguf: tensor x is 7"), "wrapped: %s", e.text);
    err_advise(&e, "copy it %s", "again");
    ok(!strcmp(e.text, "model.gguf: tensor x is 7; copy it again"), "with advice: %s", e.text);
    err_advise(&e, "do something else");
    ok(!strcmp(e.text, "model.gguf: tensor x is 7; copy it again"), "the first advice stays");
    errno = ENOSPC;
    err_errno(&e, "out.txt: cannot write");
    ok(e.kind == ERR_IO && !strcmp(e.text, "out.txt: cannot write: No space left on device"), "from errno: %s", e.text);
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    err_set(&e, ERR_IO, "%s", longer);
    err_wrap(&e, "%s", longer);
    err_advise(&e, "%s", longer);
    ok(strlen(e.text) < sizeof e.text, "what is too long is cut");
    ok(err_set(NULL, ERR_IO, "x") == -1 && err_wrap(NULL, "x") == -1 && err_errno(NULL, "x") == -1 && err_advise(NULL, "x") == -1,
       "nobody listens: still -1");
}

int main(void)
{
    test_buf();
    test_endless();
    test_err();
    return done_testing();
}
