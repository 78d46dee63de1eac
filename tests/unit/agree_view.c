/* agree_view.c - what is shown of votes: which judges are compared, in which form, and what is refused. */
#include "mtbench/agree_view.h"

#include "mtbench/io.h"

#include "tests/folder.h"
#include "tests/tap.h"

#include <string.h>

static struct buf out;
static struct err err;

/* Two judges, three questions of one turn: the same on two of them. */
static const char votes[] =
    "{\"question_id\": 1, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"model_a\", \"judge\": \"ann\", \"turn\": 1}\n"
    "{\"question_id\": 1, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"model_a\", \"judge\": \"bob\", \"turn\": 1}\n"
    "{\"question_id\": 2, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"model_b\", \"judge\": \"ann\", \"turn\": 1}\n"
    "{\"question_id\": 2, \"model_a\": \"y\", \"model_b\": \"x\", \"winner\": \"model_a\", \"judge\": \"bob\", \"turn\": 1}\n"
    "{\"question_id\": 3, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"tie\", \"judge\": \"ann\", \"turn\": 1}\n"
    "{\"question_id\": 3, \"model_a\": \"x\", \"model_b\": \"y\", \"winner\": \"model_b\", \"judge\": \"bob\", \"turn\": 1}\n";

static int view(enum agree_format format, int n, char **judge)
{
    char *file[] = { own("votes.jsonl") };
    const struct agree_view o = { .judges = { judge, n }, .votefiles = { file, 1 }, .format = format };
    buf_clear(&out);
    return agree_view_put(&out, &o, &err);
}

int main(void)
{
    char *pair[] = { "ann", "bob" }, *stranger[] = { "ann", "eve" }, *missing[] = { own("none.jsonl") };
    if (io_replace(own("votes.jsonl"), votes, strlen(votes), &err) < 0)
        return 1;
    int rc = view(AGREE_FASTCHAT, 2, pair);
    ok(rc == 0 && !strcmp(out.data, "turn 1 with tie. #total: 3, #agree: 2, ratio: 0.67\n"
                                                               "turn 1 without tie. #total: 2, #agree: 2, ratio: 1.00\n"
                                                               "turn 2 with tie. #total: 0, #agree: 0, ratio: nan\n"
                                                               "turn 2 without tie. #total: 0, #agree: 0, ratio: nan\n"),
       "FastChat's four lines: %s", rc ? err.text : out.data);
    rc = view(AGREE_CSV, 2, pair);
    ok(rc == 0 && strstr(out.data, "\nann,bob,1,with,3,2,0.66"), "a row a turn, with ties: %s", rc ? err.text : out.data);
    ok(strstr(out.data, "\nann,bob,all,without,2,2,1") && !strstr(out.data, ",2,with,"), "and without; none of a turn without votes");
    ok(view(AGREE_JSON, 0, NULL) == 0 && strstr(out.data, "\"judge_b\": \"bob\"") && strstr(out.data, "\"failed\": 0"),
       "nobody named: all that the votes are of");
    rc = view(AGREE_TABLE, 2, stranger);
    ok(rc < 0 && strstr(err.text, "eve") && strstr(err.text, "ann") && out.len == 0,
       "a judge who did not vote, and those who did: %s", err.text);
    rc = view(AGREE_TABLE, 1, pair);
    ok(rc < 0 && strstr(err.text, "no two votes") && out.len == 0, "nobody to agree with: %s", err.text);
    const struct agree_view o = { .votefiles = { missing, 1 } };
    rc = agree_view_put(&out, &o, &err);
    ok(rc < 0 && !strncmp(err.text, "--votefiles", 11) && strstr(err.text, "name files of votes"),
       "a missing file: %s", err.text);
    buf_free(&out);
    return done_testing();
}
