/* phases.c - the lines that tell what phases took: numbers where there are some, and each line alone. */
#include "mtbench/phases.h"

#include "folder.h"
#include "tap.h"

#include "mtbench/io.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is(const char *path, const char *want)
{
    struct buf b = {0};
    struct err err;
    const bool same = io_read(path, &b, &err) == 0 && !strcmp(b.data, want);
    if (!same)
        printf("# %s\n", b.data ? b.data : err.text);
    buf_free(&b);
    return same;
}

int main(void)
{
    static const char first[] = "{\"phase\": \"load\", \"started\": 5.5, \"seconds\": 2.0, \"tokens\": 0, \"nodes\": 1, "
                                "\"energy_reason\": \"none\"}\n",
                      second[] = "{\"phase\": \"answers\", \"started\": 7.5, \"seconds\": 4.0, \"tokens\": 9, \"nodes\": 2, "
                                 "\"energy_j\": 1.5, \"energy_source\": \"RAPL\"}\n";
    const struct phase load = { .name = "load", .started = 5.5, .seconds = 2, .nodes = 1, .joules = NAN, .reason = "none" },
                       answers = { .name = "answers", .started = 7.5, .seconds = 4, .tokens = 9, .nodes = 2, .joules = 1.5,
                                   .source = "RAPL" };
    struct err err;
    char path[512], want[1000];
    snprintf(path, sizeof path, "%s", own("x.phases"));
    ok(phase_append(path, &load, &err) == 0 && is(path, first), "what was not measured has a reason and no number");
    snprintf(want, sizeof want, "%s%s", first, second);
    ok(phase_append(path, &answers, &err) == 0 && is(path, want), "a second line behind it");
    own_put("x.phases", "{\"phase\": \"lo");
    snprintf(want, sizeof want, "{\"phase\": \"lo\n%s", second);
    ok(phase_append(path, &answers, &err) == 0 && is(path, want), "behind one that a crash has cut off a line of its own");
    ok(phase_append("/proc/none/x", &answers, &err) < 0 && err.kind == ERR_IO, "%s", err.text);
    return done_testing();
}
