/* answer_place.c - whose answers lie at a place, and how they make room. */
#include "tap.h"

#include "mtbench/answer_place.h"
#include "mtbench/io.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CALLS "{\"identity\": {\"model\": \"m\"}, \"info\": {\"url\": \"http://h\"}}\n"
#define CALL "{\"key\": \"k\", \"content\": \"0000000000000000\", \"status\": \"ok\", \"text\": \"x\"}\n"
#define TURNS "{\"identity\": {\"model_header_sha256\": \"abc\"}, \"info\": {}}\n"
#define TURN "{\"question_id\": 1, \"choice\": 0, \"turn\": 1, \"status\": \"ok\", \"text\": \"x\"}\n"
#define ANSWER "{\"question_id\": 1, \"choices\": []}\n"

static char dir[] = "/tmp/answer_place.XXXXXX", path[64];

static const char *in(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text)
{
    if (text)
        io_replace(in(name), text, strlen(text), NULL);
    else
        unlink(in(name));
}

static bool is(const char *name, const char *want)
{
    struct buf b = {0};
    bool there = io_read(in(name), &b, NULL) == 0, same = want ? there && !strcmp(b.data, want) : !there;
    buf_free(&b);
    return same;
}

static void claim_is(const char *journal, const char *answers, enum answer_maker maker, const char *refusal)
{
    struct err err = {0};
    put("m.journal", journal);
    put("m.jsonl", answers);
    int rc = answer_place_claim(in("m.jsonl"), maker, false, &err);
    ok(refusal ? rc < 0 && err.kind == ERR_USAGE && strstr(err.text, refusal) && strstr(err.text, "--fresh") : rc == 0, "%s: %s%s",
       maker == MADE_BY_CALLS ? "api-answer" : "answer", refusal ? "refused: " : "goes on", err.text);
    ok(is("m.journal", journal) && is("m.jsonl", answers), "and nothing is touched");
}

static void test_owners(void)
{
    claim_is(NULL, NULL, MADE_BY_ENGINE, NULL);
    claim_is(NULL, "", MADE_BY_CALLS, NULL);
    claim_is(TURNS TURN, ANSWER, MADE_BY_ENGINE, NULL);
    claim_is(CALLS CALL, ANSWER, MADE_BY_CALLS, NULL);
    claim_is(CALLS, NULL, MADE_BY_CALLS, NULL);
    claim_is(NULL, ANSWER, MADE_BY_ENGINE, "another program");
    claim_is(NULL, ANSWER, MADE_BY_CALLS, "another program");
    claim_is("", ANSWER, MADE_BY_CALLS, "another program");
    claim_is(CALLS CALL, ANSWER, MADE_BY_ENGINE, "api-answer");
    claim_is(CALLS, ANSWER, MADE_BY_ENGINE, "api-answer");
    claim_is(TURNS TURN, ANSWER, MADE_BY_CALLS, "local weights");
    claim_is(TURNS, ANSWER, MADE_BY_CALLS, "local weights");
    claim_is("garbage\nmore\n", ANSWER, MADE_BY_CALLS, NULL);    /* damaged: whoever opens it says where */
}

static void test_fresh(void)
{
    struct err err = {0};
    put("m.journal", TURNS TURN);
    put("m.jsonl", ANSWER);
    put("m.manifest", "{}\n");
    put("m.phases", "{}\n");
    ok(answer_place_claim(in("m.jsonl"), MADE_BY_CALLS, true, &err) == 0 && is("m.journal", NULL) && is("m.jsonl", NULL) &&
           is("m.manifest", NULL),
       "fresh: room is made");
    ok(is("m.journal.old1", TURNS TURN) && is("m.jsonl.old1", ANSWER) && is("m.manifest.old1", "{}\n") &&
           is("m.phases.old1", "{}\n"), "all are kept under one number");
    put("m.jsonl", "other\n");
    ok(answer_place_claim(in("m.jsonl"), MADE_BY_ENGINE, true, &err) == 0 && is("m.jsonl.old2", "other\n") && is("m.jsonl.old1", ANSWER) &&
           is("m.journal.old2", NULL),
       "the next ones under the next, those before stay");
    put("m.jsonl.old3", "x");
    put("m.jsonl.old3", NULL);
    put("m.manifest.old3", "taken");
    put("m.jsonl", "third\n");
    ok(answer_place_claim(in("m.jsonl"), MADE_BY_ENGINE, true, &err) == 0 && is("m.jsonl.old3", NULL) && is("m.jsonl.old4", "third\n"),
       "which is free for all of them");
    ok(answer_place_claim(in("m.jsonl"), MADE_BY_ENGINE, true, &err) == 0 && is("m.jsonl.old5", NULL), "where nothing is nothing is kept");
}

/* A run that is under way is not robbed. */
static void test_busy(void)
{
    struct err err = {0};
    put("m.journal", TURNS);
    int fd = open(in("m.journal"), O_RDWR), status = 1;
    struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_SETLK, &f) < 0)
        exit(1);
    pid_t child = fork();
    if (child == 0)
        _exit(answer_place_claim(in("m.jsonl"), MADE_BY_ENGINE, true, &err) < 0 && err.kind == ERR_BUSY ? 7 : 1);
    waitpid(child, &status, 0);
    ok(WEXITSTATUS(status) == 7 && is("m.journal", TURNS), "a run that is under way keeps its files");
    close(fd);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    test_owners();
    test_fresh();
    test_busy();
    static const char *const left[] = {"m.journal",       "m.jsonl",      "m.manifest",   "m.journal.old1", "m.jsonl.old1",
                                       "m.manifest.old1", "m.jsonl.old2", "m.jsonl.old4", "m.manifest.old3", "m.phases.old1"};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++)
        put(left[i], NULL);
    ok(rmdir(dir) == 0, "no other file was left");
    return done_testing();
}
