/* speed.c - what a run leaves about its speed, and typical lengths: there and back, and what is refused. */
#include "mtbench/speed.h"
#include "mtbench/typical.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>

static const struct speed one = { .model = "abc", .device = "avx2 \"x\"", .threads = 4, .members = 2,
                                 .step = 0.0125, .row = 1e-4, .context = 2.5e-8, .load = 3 };

#define START "{\"model_header_sha256\": \"a\", \"device\": \"b\", \"threads\": 1, \"members\": 1, "

static bool refused(const char *line)
{
    struct speed s;
    struct err err = { 0 };
    return speed_parse(line, strlen(line), &s, &err) < 0 && *err.text;
}

int main(void)
{
    struct buf b = { 0 };
    struct speed s, other;
    speed_put(&b, &one);
    ok(b.len > 0 && b.data[b.len - 1] == '\n' && speed_parse(b.data, b.len, &s, NULL) == 0, "there and back");
    ok(speed_fits(&s, &one) && s.step == one.step && s.row == one.row && s.context == one.context &&
       s.load == one.load, "the same numbers");
    other = s, other.threads = 3;
    ok(!speed_fits(&other, &one), "other threads are another layout");
    other = s, other.device[0] = 'x';
    ok(!speed_fits(&other, &one), "so is another device");
    int bad = 0;
    for (size_t n = 0; n + 2 < b.len; n++)                                   /* the last two are the brace and the newline */
        bad += speed_parse(b.data, n, &s, NULL) == 0;
    ok(bad == 0, "a torn line is none");
    ok(refused("{}") && refused("[]") && refused("{\"model_header_sha256\": 5}"), "what is missing or of another kind");
    ok(refused(START "\"step_s\": -1, \"row_s\": 1, \"context_s\": 0, \"load_s\": 0}"), "no negative times");
    ok(refused(START "\"step_s\": 0, \"row_s\": 0, \"context_s\": 0, \"load_s\": 0}"), "steps take time");
    buf_free(&b);
    char *path = speed_path("x/model_answer/m.jsonl");
    ok(!strcmp(path, "x/model_answer/m.speed"), "beside the answers");
    free(path);

    const struct question mine = { .id = 81, .category = "writing", .n_turns = 2 };
    const struct question last = { .id = 160, .category = "humanities", .n_turns = 2 };
    const struct question theirs = { .id = 81, .category = "coding", .n_turns = 2 };
    const struct question third = { .id = 161, .category = "humanities", .n_turns = 2 };
    ok(typical_tokens(&mine, 1) == 409 && typical_tokens(&mine, 2) == 323 && typical_tokens(&last, 2) == 148, "MT-bench's own questions");
    ok(typical_tokens(&theirs, 1) == category_length("coding") && typical_tokens(&third, 1) == category_length("humanities") &&
       typical_tokens(&mine, 3) == category_length("writing"), "others are of their category");
    return done_testing();
}
