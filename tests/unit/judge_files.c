/* judge_files.c - which file is whose: the usual judge, the only one, several, and one who judged for another. */
#include "mtbench/judge_files.h"

#include "mtbench/io.h"

#include "folder.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[] = "/tmp/mtbench-judges-XXXXXX";
static struct judge_files f;
static struct err err;

static void put(const char *name, const char *judge, const char *second)
{
    char path[300], text[400] = "";
    struct err why;
    const char *who[] = { judge, second };
    for (int i = 0; i < 2; i++)
        if (who[i])
            snprintf(text + strlen(text), sizeof text - strlen(text),
                     "{\"question_id\": %d, \"model\": \"m\", \"judge\": [\"%s\", \"single-v1\"], \"judgment\": \"\", \"score\": 5, "
                     "\"turn\": 1}\n",
                     i, who[i]);
    snprintf(path, sizeof path, "%s/b/model_judgment/%s", folder, name);
    if (io_make_parents(path, &why) < 0 || io_replace(path, text, strlen(text), &why) < 0)
        printf("# %s\n", why.text);
}

static int find(const char *a, const char *b)
{
    const char *judge[] = { a, b };
    judge_files_free(&f);
    err = (struct err){0};
    return judge_files_find(&f, folder, "b", false, "gpt-4", judge, a ? b ? 2 : 1 : 0, &err);
}

static bool is(int i, const char *judge, const char *file)
{
    size_t n = strlen(f.file[i].path), k = strlen(file);
    return !strcmp(f.file[i].judge, judge) && n > k && !strcmp(f.file[i].path + n - k, file);
}

static void test_one(void)
{
    ok(find(NULL, NULL) == -1 && strstr(err.text, "judge first"), "nothing there: %s", err.text);
    put("claude_single.jsonl", "claude", NULL);
    put("claude_single.repeat2.jsonl", "claude", NULL);
    ok(find(NULL, NULL) == 0 && f.n == 1 && f.fallen_back && is(0, "claude", "/claude_single.jsonl"),
       "the only judge stands in for the usual one");
    ok(find("gpt-4", NULL) == -1 && strstr(err.text, "those by claude"), "who was asked for is not replaced: %s", err.text);
    ok(judge_files_find(&f, folder, "b", true, "gpt-4", NULL, 0, &err) == -1 && strstr(err.text, "--mode single"), "pairs: %s", err.text);
    ok(judge_files_find(&f, own("no-such-folder"), "b", false, "gpt-4", NULL, 0, &err) == -1 && strstr(err.text, "--data-dir"),
       "the wrong folder: %s", err.text);
}

/* A folder that cannot be looked at, for root too: a link to itself. */
static void test_unreadable(void)
{
    char from[300];
    snprintf(from, sizeof from, "%s/c/model_judgment", folder);
    ok(io_make_parents(from, &err) == 0 && symlink("model_judgment", from) == 0, "a folder that leads nowhere");
    err = (struct err){0};
    ok(judge_files_find(&f, folder, "c", false, "gpt-4", NULL, 0, &err) == 0 && f.n == 1, "its usual file is left to whoever reads it");
    const char *all = "all";
    judge_files_free(&f);
    ok(judge_files_find(&f, folder, "c", false, "gpt-4", &all, 1, &err) == -1 && err.kind == ERR_IO &&
       strstr(err.text, "cannot read the folder of judgments"), "who wants all of them is told why there are none: %s", err.text);
    unlink(from);
}

static void test_several(void)
{
    put("other_single.jsonl", "other", "spare");
    ok(find(NULL, NULL) == -1 && strstr(err.text, "claude, other") && strstr(err.text, "choose"), "two, and none is the usual one: %s",
       err.text);
    put("gpt-4_single.jsonl", "gpt-4", NULL);
    ok(find(NULL, NULL) == 0 && f.n == 1 && !f.fallen_back && is(0, "gpt-4", "/gpt-4_single.jsonl"), "the usual one goes first");
    ok(find("spare", NULL) == 0 && f.n == 1 && is(0, "spare", "/other_single.jsonl"),
       "a fallback's judgments lie with those of the judge it stood in for");
    ok(find("other", "gpt-4") == 0 && f.n == 2 && is(0, "other", "/other_single.jsonl") && is(1, "gpt-4", "/gpt-4_single.jsonl"),
       "two, as they were named");
    ok(find("all", NULL) == 0 && f.n == 3 && is(0, "claude", "/claude_single.jsonl"), "all of them");
    ok(find("claude", "nobody") == -1 && strstr(err.text, "nobody"), "one of two is not there: %s", err.text);
    put("org_name_single.jsonl", "org/name", NULL);
    ok(find("org/name", NULL) == 0 && is(0, "org/name", "/org_name_single.jsonl"), "ORG/NAME has the file ORG_NAME");
}

int main(void)
{
    char command[100];
    if (!mkdtemp(folder))
        return 1;
    test_one();
    test_unreadable();
    test_several();
    judge_files_free(&f);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ok(system(command) == 0, "swept");
    return done_testing();
}
