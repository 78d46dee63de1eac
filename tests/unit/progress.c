/* progress.c - the progress line: what it says, what it leaves out, and that it never overflows. */
#include "mtbench/progress.h"

#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct progress_now judged = { .what = "judgments", .unit = "judged", .done = 3, .total = 160, .left = 65, .dollars = 0.5 };

static const struct { struct progress_now p; const char *line;
} table[] = {
    {{.what = "answers", .unit = "turns", .total = 160}, "answers 0/160 turns"},
    {{.what = "answers", .unit = "turns", .done = 40, .total = 160, .tokens = 4123, .seconds = 10, .left = 30},
     "answers 40/160 turns, 412.3 tok/s, 30s left"},
    {{.what = "answers", .unit = "turns", .done = 40, .total = 160, .tokens = 4123, .seconds = 10, .rate = 99, .left = 220},
     "answers 40/160 turns, 99.0 tok/s, 3m40s left"},
    {{.what = "answers", .unit = "turns", .done = 40, .total = 160, .seconds = 10}, "answers 40/160 turns"},
    {{.what = "answers", .unit = "turns", .done = 50, .total = 160, .tokens = 50, .seconds = 20, .left = NAN},
     "answers 50/160 turns, 2.5 tok/s"},
    {{.what = "judgments", .unit = "calls", .done = 1, .total = 160, .seconds = 100, .failed = 3, .dollars = 1.5, .left = 15900},
     "judgments 1/160 calls, 4h25m left, $1.50, 3 failed"},
    {{.what = "answers", .unit = "turns", .done = 4, .total = 160, .tokens = 2000, .seconds = 5, .left = 100, .failed = 1, .also = &judged},
     "answers 4/160 turns, 400.0 tok/s, 1m40s left, 1 failed; judgments 3/160 judged, 1m05s left, $0.50"},
    {{.what = "answers", .unit = "turns", .done = 160, .total = 160, .tokens = 1000, .seconds = 10, .left = 3},
     "answers 160/160 turns, 100.0 tok/s"},
};

/* Lines on a stderr that is no terminal, over ten minutes of calls every 50 ms. */
static void test_plain(enum progress_mode mode, int lines)
{
    char name[] = "/tmp/mtbench-progress-XXXXXX", text[8192];
    int fd = mkstemp(name), old = dup(STDERR_FILENO), n = 0;
    dup2(fd, STDERR_FILENO);
    struct progress *p = progress_create(mode, 1);
    struct progress_now now = { .what = "answers", .unit = "turns", .total = 160 };
    for (int i = 0; i <= 12000; i++) {
        now.tokens = (uint64_t)(i * 20);
        now.left = (14000 - i) * 0.05;
        progress_update_at(p, &now, i * 0.05);
    }
    progress_destroy(p);
    dup2(old, STDERR_FILENO);
    ssize_t size = pread(fd, text, sizeof text - 1, 0);
    text[size > 0 ? size : 0] = '\0';
    for (char *s = text; *s; s++)
        n += *s == '\n';
    ok(n == lines, "ten minutes, %d lines", n);
    ok(!lines || strstr(text, "mtbench: answers 0/160 turns, 400.0 tok/s, 11m10s left\n") == text, "the first: %.54s", text);
    unlink(name);
    close(fd);
    close(old);
}

int main(void)
{
    char line[200];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        size_t n = progress_format(line, sizeof line, &table[i].p);
        ok(!strcmp(line, table[i].line) && n == strlen(line), "row %zu: %s", i, line);
    }
    size_t size;
    for (size = 0; size < 60; size++) {
        memset(line, 'x', sizeof line);
        size_t n = progress_format(line, size, &table[4].p);
        size_t whole = strlen(table[4].line), wanted = size == 0 ? 0 : size - 1 < whole ? size - 1 : whole;
        if (n != wanted || (size > 0 && (line[n] != '\0' || memcmp(line, table[4].line, n))) || line[size] != 'x')
            break;
    }
    ok(size == 60, "cut lines are beginnings of the whole line (%zu of 60 sizes)", size);
    unsetenv("TERM");
    test_plain(PROGRESS_PLAIN, 20);
    test_plain(PROGRESS_AUTO, 20);
    test_plain(PROGRESS_NONE, 0);
    return done_testing();
}
