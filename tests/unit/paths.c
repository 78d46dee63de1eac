/* paths.c - the files of a bench have one place each, whoever asks. */
#include "mtbench/paths.h"

#include "mtbench/io.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is(char *got, const char *want)
{
    int same = !strcmp(got, want);
    if (!same)
        printf("# %s\n", got);
    free(got);
    return same;
}

static void test_names(void)
{
    struct err err = {0};
    char longest[BENCH_NAME_MAX + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[BENCH_NAME_MAX + 1] = '\0';
    ok(bench_name_check("--model-id", longest, &err) < 0 && err.kind == ERR_USAGE, "too long: %.40s", err.text);
    longest[BENCH_NAME_MAX] = '\0';
    ok(bench_name_check("--model-id", longest, &err) == 0, "the longest that fits");
    static const char *const good[] = { "a", "org/name", "/models/a.gguf", "a b", "\xc3\xa9 \xe5\x90\x8d", "a:b", "a..b", "a/b/" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(bench_name_check("--model", good[i], &err) == 0, "%s is a name", good[i]);
    static const char *const bad[] = { "", "..", "../a", "a/../b", "a/..", ".a", "a\nb", "a\x7f", "a\xff" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(bench_name_check("--model", bad[i], &err) < 0 && err.kind == ERR_USAGE && !strncmp(err.text, "--model \"", 9), "refused: %s",
           i > 5 ? "bytes" : err.text);
    ok(is(bench_name_plain("org/sub/name"), "org_sub_name") && is(bench_name_plain("../x"), "_._x"), "no name leads out of its folder");
}

static void test_places(void)
{
    ok(is(bench_questions_path("d", "b"), "d/b/question.jsonl"), "questions");
    ok(is(bench_answers_folder("d", "b"), "d/b/model_answer") && is(bench_references_folder("d", "b"), "d/b/reference_answer"),
       "answers, references");
    ok(is(bench_judgments_path("d", "b", "org/j", false), "d/b/model_judgment/org_j_single.jsonl"), "single judgments of ORG/NAME");
    ok(is(bench_judgments_path("d", "b", "j", true), "d/b/model_judgment/j_pair.jsonl"), "pairs");
    ok(is(bench_beside("d/m.jsonl", ".journal"), "d/m.journal") && is(bench_beside("m.txt", ".journal"), "m.txt.journal") &&
           is(bench_beside(".jsonl", ".journal"), ".jsonl.journal"), "what lies beside");
    ok(is(bench_repeat_path("j.jsonl", 1), "j.jsonl") && is(bench_repeat_path("j.jsonl", 12), "j.repeat12.jsonl"), "repeats");
}

static void test_what_is_there(void)
{
    char folder[] = "/tmp/mtb-paths-XXXXXX";
    struct err err = {0};
    ok(mkdtemp(folder) != NULL, "a folder");
    char *answers = xasprintf("%s/b/model_answer", folder), *below = xasprintf("%s/org/m.jsonl", answers),
         *flat = xasprintf("%s/org_m.jsonl", answers);
    char *own = xasprintf("%s/b/judge_prompts.jsonl", folder), *shared = xasprintf("%s/judge_prompts.jsonl", folder);
    ok(is(bench_answers_file(answers, "org/m"), flat), "ORG/NAME without a file: beside the others");
    ok(io_make_parents(below, &err) == 0 && io_replace(below, "", 0, &err) == 0 && is(bench_answers_file(answers, "org/m"), below),
       "the file that FastChat wrote");
    ok(io_replace(flat, "", 0, &err) == 0 && is(bench_answers_file(answers, "org/m"), flat), "ours first");
    ok(is(bench_prompts_path(folder, "b"), shared), "the judge prompts of all benches");
    ok(io_replace(own, "", 0, &err) == 0 && is(bench_prompts_path(folder, "b"), own), "the bench's own");
    ok(unlink(own) == 0 && symlink("gone", own) == 0 && is(bench_prompts_path(folder, "b"), own),
       "one that cannot be read is not passed by");
    char *clean = xasprintf("rm -r %s", folder);
    ok(system(clean) == 0, "cleaned up");
    free(answers), free(below), free(flat), free(own), free(shared), free(clean);
}

static void test_outputs(void)
{
    static const char *const good[] = { "p.html", "a/b.svg", "/dev/stdout", "x.jsonl.html", "jsonl" };
    static const char *const bad[] = { "", "-", "mt_bench/question.jsonl", "a.journal", "a.manifest", "campaign.h5" };
    struct err err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ok(bench_output_check(good[i], &err) == 0, "%s can be written", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(bench_output_check(bad[i], &err) < 0 && err.kind == ERR_USAGE && !strncmp(err.text, "--output ", 9), "not there: %s", err.text);
}

int main(void)
{
    test_names();
    test_outputs();
    test_places();
    test_what_is_there();
    return done_testing();
}
