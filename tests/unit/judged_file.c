/* judged_file.c - whose the lines of a file of judgments are: in their order, with what stands between them, and with a hash that is that
 * of the same lines in another file. */
#include "src/report/judged_file.h"

#include "folder.h"
#include "tap.h"

#include "mtbench/mem.h"

#include <string.h>

#define A1 "{\"model\": \"a\", \"turn\": 1}\n"
#define A2 "{\"model\": \"a\", \"turn\": 2}\n"
#define B1 "{\"model_1\": \"b\", \"model\": \"x\"}\n"

static struct err err;

static int number(void *ctx, const char *model)
{
    (void)ctx;
    return *model - 'a';
}

static int look(struct judged_file *f, const char *bytes)
{
    judged_name(f, "j_single.jsonl");
    own_put("j_single.jsonl", bytes);
    f->path = xstrdup(own("j_single.jsonl"));
    return judged_index(f, number, NULL, &err);
}

static void test_names(void)
{
    struct judged_file f;
    ok(judged_name(&f, "gpt-4_single.jsonl") && f.kind == 1 && f.repeat == 1, "single");
    ok(judged_name(&f, "gpt-4_pair.repeat12.jsonl") && f.kind == 2 && f.repeat == 12, "pair, a repeat");
    ok(!judged_name(&f, "gpt-4.jsonl") && !judged_name(&f, "_single.jsonl") && !judged_name(&f, "j_single.repeat0.jsonl") &&
           !judged_name(&f, "j_single.repeat256.jsonl") && !judged_name(&f, "j.repeat2_single.jsonl"), "none of these");
}

static void test_parts(void)
{
    struct judged_file alone, mixed, blank;
    struct buf b = {0};
    ok(look(&alone, A1 A2) == 0 && look(&mixed, A1 "\n " B1 A2 "{\"mod") == 0 && look(&blank, "\n" A1) == 0, "read: %s", err.text);
    const struct judged_part *a = judged_part(&mixed, 0), *b1 = judged_part(&mixed, 1);
    ok(a && b1 && !judged_part(&mixed, 2) && a->first == 0 && mixed.line[0].next == 2 && mixed.line[2].next == -1 && b1->first == 1,
       "each model's lines in their order");
    ok(!strcmp(a->sha256, judged_part(&alone, 0)->sha256) && strcmp(a->sha256, b1->sha256), "the same lines have the same hash");
    ok(judged_read(&mixed, mixed.line[1].start, mixed.line[1].end, &b, &err) == 0 && !strcmp(b.data, "\n " B1), "a region has its blanks");
    ok(mixed.bytes - mixed.tail == 5 && judged_read(&mixed, mixed.tail, mixed.bytes, &b, &err) == 0 && !strcmp(b.data, "{\"mod"),
       "half a line is kept");
    judged_renumber(&mixed, (const int[]){ 1, 0 });
    ok(judged_part(&mixed, 1)->first == 0 && judged_part(&mixed, 0)->first == 1, "models get other numbers");
    judged_free(&alone);
    judged_free(&mixed);
    judged_free(&blank);
    buf_free(&b);
}

static void test_refused(void)
{
    struct judged_file f;
    ok(look(&f, A1 "{}\n" A2) < 0 && strstr(err.text, "j_single.jsonl:2: no text \"model\""), "%s", err.text);
    judged_free(&f);
}

int main(void)
{
    test_names();
    test_parts();
    test_refused();
    return done_testing();
}
