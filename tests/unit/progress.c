/* progress.c - the progress line: what it says, what it leaves out, and that it never overflows. */
#include "mtbench/progress.h"

#include "tap.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct { struct progress_now p; const char *line; } table[] = {
    { { .what = "answers", .unit = "turns", .total = 160 }, "answers 0/160 turns" },
    { { .what = "answers", .unit = "turns", .done = 40, .total = 160, .tokens = 4123, .seconds = 10 },
      "answers 40/160 turns, 412.3 tok/s, 30s left" },
    { { .what = "answers", .unit = "turns", .done = 40, .total = 160, .tokens = 4123, .seconds = 10, .rate = 99 },
      "answers 40/160 turns, 99.0 tok/s, 30s left" },
    { { .what = "answers", .unit = "turns", .done = 40, .resumed = 40, .total = 160, .seconds = 10 }, "answers 40/160 turns" },
    { { .what = "answers", .unit = "turns", .done = 50, .resumed = 40, .total = 160, .tokens = 50, .seconds = 20 },
      "answers 50/160 turns, 2.5 tok/s, 3m40s left" },
    { { .what = "judgments", .unit = "calls", .done = 1, .total = 160, .seconds = 100, .failed = 3, .dollars = 1.5 },
      "judgments 1/160 calls, 4h25m left, $1.50, 3 failed" },
    { { .what = "answers", .unit = "turns", .total = 160, .tokens = 2000, .seconds = 5, .tokens_left = 40000 },
      "answers 0/160 turns, 400.0 tok/s, 1m40s left" },
    { { .what = "answers", .unit = "turns", .done = 10, .total = 160, .tokens = 2000, .seconds = 5, .rate = 100, .tokens_left = 6000 },
      "answers 10/160 turns, 100.0 tok/s, 1m00s left" },
    { { .what = "answers", .unit = "turns", .done = 160, .total = 160, .tokens = 1000, .seconds = 10 },
      "answers 160/160 turns, 100.0 tok/s" },
};

/* 160 turns of which every one comes to 'factor' times what was expected, 80 at a time, each step one token of each. */
static void test_forecast(double factor, double tolerance)
{
    enum { N = 160, WIDE = 80 };
    double expected[N], length[N], left[WIDE] = { 0 }, all = 0, worst = 0;
    int turn[WIDE], next = 0, live = WIDE;
    struct forecast f = { 0 };
    uint64_t made = 0;
    for (int i = 0; i < N; i++) {
        expected[i] = 100 + 37 * (i % 17);
        length[i] = (double)(long)(expected[i] * factor);
        f.expected_left += expected[i];
        all += length[i];
    }
    for (int i = 0; i < WIDE; i++, next++)
        turn[i] = next, left[i] = length[next];
    for (bool first = true; live > 0; first = false) {
        f.made_left = made - f.made_done;
        double wrong = (forecast_left(&f) - (all - (double)made)) / all;
        if (!first && (double)made > 0.5 * all)
            worst = wrong < 0 ? (-wrong > worst ? -wrong : worst) : wrong > worst ? wrong : worst;
        for (int i = 0; i < WIDE; i++) {
            if (left[i] <= 0)
                continue;
            made++;
            if (--left[i] > 0)
                continue;
            f.expected_done += expected[turn[i]], f.expected_left -= expected[turn[i]], f.made_done += (uint64_t)length[turn[i]];
            if (next < N)
                turn[i] = next, left[i] = length[next], next++;
            else
                live--;
        }
    }
    ok(worst < tolerance, "turns of %.1f times the expected length: the forecast errs by at most %.0f %% of the run after its first half", factor, 100 * worst);
}

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
        now.tokens_left = 20 * (14000 - i);
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
    test_forecast(1, 0.05);
    test_forecast(0.4, 0.25);
    test_forecast(1.8, 0.1);
    ok(forecast_left(&(struct forecast){ 0 }) == 0, "nothing expected, nothing left");
    unsetenv("TERM");
    test_plain(PROGRESS_PLAIN, 20);
    test_plain(PROGRESS_AUTO, 20);
    test_plain(PROGRESS_NONE, 0);
    ok(progress_parse("auto") == PROGRESS_AUTO && progress_parse("plain") == PROGRESS_PLAIN && progress_parse("none") == PROGRESS_NONE,
       "modes have names");
    ok(progress_parse("loud") == -1 && progress_parse("") == -1, "other words are refused");
    return done_testing();
}
