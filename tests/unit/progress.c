/* progress.c - the progress line: what it says, what it leaves out, and that it never overflows. */
#include "mtbench/progress.h"

#include "tap.h"

#include <string.h>

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
    { { .what = "answers", .unit = "turns", .done = 160, .total = 160, .tokens = 1000, .seconds = 10 },
      "answers 160/160 turns, 100.0 tok/s" },
};

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
    ok(progress_parse("auto") == PROGRESS_AUTO && progress_parse("plain") == PROGRESS_PLAIN && progress_parse("none") == PROGRESS_NONE,
       "modes have names");
    ok(progress_parse("loud") == -1 && progress_parse("") == -1, "other words are refused");
    return done_testing();
}
