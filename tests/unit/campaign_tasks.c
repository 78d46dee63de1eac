/* campaign_tasks.c - which tasks of a campaign go together, and which would write one file. */
#include "mtbench/campaign.h"

#include "src/campaign/campaign_judges.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct campaign_task task(long number, const char *model, const char *id)
{
    struct campaign_task t = { .number = number, .answer = { .model_path = model, .model_id = id, .bench_name = "b", .data_dir = "data" } };
    strcpy(t.answer.name, id);
    return t;
}

static void test_order(void)
{
    struct campaign_task t[] = { task(1, "a", "a1"), task(2, "b", "b1"), task(3, "a", "a2"), task(4, "c", "c1"), task(5, "b", "b2"),
                                 task(6, "a", "a3"), task(7, "a", "a4"), task(8, "a", "a5") };
    static const int expected[] = { 0, 2, 5, 1, 4, 3, 6, 7 };
    int order[8];
    t[6].answer.revision = "old";
    t[7].answer.devices.per_model = 2;
    campaign_order(t, 8, order);
    ok(!memcmp(order, expected, sizeof order), "same weights side by side, first come first: %d %d %d %d %d %d %d %d", order[0], order[1],
       order[2], order[3], order[4], order[5], order[6], order[7]);
    ok(campaign_same_model(&t[0], &t[2]) && !campaign_same_model(&t[0], &t[6]) && !campaign_same_model(&t[0], &t[7]),
       "another revision is another model, another layout too");
    t[2].answer.base_path = "base";
    ok(!campaign_same_model(&t[0], &t[2]), "so is one on another base");
    t[2] = task(3, "a", "a2");
    t[2].answer.seed = 7, t[2].answer.bench_name = "other", t[2].answer.max_batch = 3, t[2].answer.chat_template = "raw";
    ok(campaign_same_model(&t[0], &t[2]), "seed, questions, batch and template are not the model's");
}

static void test_judges(void)
{
    struct campaign_task a = task(1, "a", "x"), b = task(2, "a", "y");
    a.judged = b.judged = true;
    a.judge.judge_path = b.judge.judge_path = "weights";
    ok(campaign_same_judge(&a, &b), "one judge for two lines");
    b.judge.devices.device = DEVICE_CPU;
    ok(!campaign_same_judge(&a, &b), "not where it is to compute on another device");
    b.judge.devices = a.judge.devices;
    b.judge.max_error_rate = 0.5;
    ok(!campaign_same_judge(&a, &b), "nor where more may fail");
    a.judge.judge_path = b.judge.judge_path = NULL;
    ok(campaign_same_judge(&a, &b), "which is no matter of a hosted one's");
    b.judge.fallback_base_url = "http://other";
    ok(!campaign_same_judge(&a, &b), "but where its calls go is");
}

static void test_places(void)
{
    struct campaign_task t[] = { task(3, "a", "x"), task(4, "a", "y"), task(9, "b", "x") };
    struct err err = {0};
    char folder[] = "/tmp/campaign-XXXXXX", *file, *link_file;
    ok(campaign_check_places("list", t, 2, &err) == 0, "two names");
    ok(campaign_check_places("list", t, 3, &err) < 0 && err.kind == ERR_USAGE &&
           !strncmp(err.text, "list:9: would write data/b/model_answer/x.jsonl, which line 3 writes", 60), "%s", err.text);
    t[2].answer.model_path = "a";
    t[0].judged = t[2].judged = true;
    t[0].judge.judge_model = "one", t[2].judge.judge_model = "two";
    ok(campaign_check_places("list", t, 3, &err) == 0, "the same answers for a second judge");
    t[2].answer.seed = 1;
    ok(campaign_check_places("list", t, 3, &err) < 0, "but not answers of another seed");
    t[2].answer.seed = 0, t[2].answer.sampler.has_temperature = true;
    ok(campaign_check_places("list", t, 3, &err) < 0, "or temperature");
    t[2].answer.sampler.has_temperature = false, t[2].answer.slicing.first_n = 3;
    ok(campaign_check_places("list", t, 3, &err) < 0, "or to other questions");
    t[2].answer.slicing.first_n = 0, t[2].judge.judge_model = "one";
    ok(campaign_check_places("list", t, 3, &err) < 0, "nor twice for one judge");
    t[0].judged = t[2].judged = false;
    t[2].answer.bench_name = "c";
    ok(campaign_check_places("list", t, 3, &err) == 0, "the same name of another bench");
    if (!mkdtemp(folder) || asprintf(&file, "%s/real/x.jsonl", folder) < 0 || asprintf(&link_file, "%s/./link/x.jsonl", folder) < 0)
        abort();
    char *real = strndup(file, strlen(file) - strlen("/x.jsonl")), *other = strndup(link_file, strlen(link_file) - strlen("/x.jsonl"));
    ok(mkdir(real, 0777) == 0 && symlink("real", other) == 0, "a link to a folder");
    t[0].answer.answer_file = file;
    t[1].answer.answer_file = link_file;
    ok(campaign_check_places("list", t, 2, &err) < 0 && strstr(err.text, "list:4: "), "one file by two names: %s", err.text);
    unlink(other), rmdir(real), rmdir(folder);
    free(file), free(link_file), free(real), free(other);
}

int main(void)
{
    test_order();
    test_judges();
    test_places();
    return done_testing();
}
