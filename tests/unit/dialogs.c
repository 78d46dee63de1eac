/* dialogs.c - the conversations with a hosted model: who is asked what, in which order, and what a restart asks again. */
#include "mtbench/dialogs.h"

#include "mtbench/mem.h"

#include "tap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/dialogs.XXXXXX";
static struct questions qs;
static struct err err;

static struct dialogs *start(struct call_journal **j, const char *system, int n_choices, double temperature)
{
    struct manifest m = {0};
    *j = call_journal_open(path, &m, &err);
    const struct dialogs_opts o = { &qs, "model", system, n_choices, temperature, 64, *j };
    return *j ? dialogs_create(&o, &err) : NULL;
}

static void stop(struct dialogs *d, struct call_journal *j)
{
    dialogs_destroy(d);
    call_journal_close(j);
}

static int reply(struct dialogs *d, const struct call *c, enum call_status status, const char *text, struct dialogs_turn *turn)
{
    const struct call_record r = {.key = c->key,
                                  .content = c->content,
                                  .status = status,
                                  .reason = status ? "why" : NULL,
                                  .text = text,
                                  .tokens_out = 5,
                                  .tstamp = 7};
    char *key = xstrdup(c->key);
    struct call_record copy = r;
    copy.key = key;
    int rc = dialogs_take(d, &copy, turn, &err);
    free(key);
    return rc;
}

/* "user:A assistant:B user:C" */
static bool says(const struct call *c, const char *want)
{
    struct buf b = {0};
    for (int i = 0; c && i < c->n_messages; i++)
        buf_printf(&b, "%s%s:%s", i ? " " : "", c->message[i].role, c->message[i].content);
    bool same = c && !strcmp(b.data, want);
    if (!same)
        printf("# %s\n", b.data ? b.data : "(no call)");
    buf_free(&b);
    return same;
}

static void test_order(void)
{
    struct call_journal *j;
    struct dialogs *d = start(&j, "S", 2, -1);
    const struct call *c = dialogs_next(d);
    struct dialogs_turn t;
    double when = 0;
    ok(says(c, "system:S user:a1") && c->temperature == 0.3 && c->max_tokens == 64 && c->verdict == -1 && c->cut_is_fine &&
           call_key_ok(c->key),
       "the first turn of the first question");
    ok(reply(d, c, CALL_OK, " x ", &t) == 0 && t.question_id == 1 && t.choice == 0 && t.turn == 1, "its reply");
    c = dialogs_next(d);
    ok(says(c, "system:S user:a1 assistant: x  user:a2"), "its second turn comes next, with the reply as it was");
    char *second = xstrdup(c->key);
    const struct call *other = dialogs_next(d);
    ok(says(other, "system:S user:a1") && strcmp(other->key, second), "more at a time: the other choice");
    ok(reply(d, other, CALL_FAILED, "", &t) == 0 && t.choice == 1 && dialogs_now(d).failed == 1, "which fails");
    ok(says(dialogs_next(d), "system:S user:b1"), "and has no second turn; the next question");
    ok(dialogs_text(d, &qs.q[0], 0, 1, &when) && when == 7 && !dialogs_text(d, &qs.q[0], 0, 2, &when) &&
           !dialogs_text(d, &qs.q[0], 1, 1, &when),
       "what has a text");
    struct call_record stranger = { .key = "q9-c0-t1-x", .text = "" };
    ok(dialogs_take(d, &stranger, NULL, &err) < 0 && err.kind == ERR_FORMAT, "%s", err.text);
    struct dialogs_now n = dialogs_now(d);
    ok(n.total == 6 && n.done == 1 && n.failed == 1 && n.open == 3 && n.tokens == 10 && n.resumed == 0, "counts: %ld of %ld, %ld open",
       n.done, n.total, n.open);
    free(second);
    stop(d, j);
}

static void test_resume(void)
{
    struct call_journal *j;
    struct dialogs *d = start(&j, "S", 2, -1);
    struct dialogs_now n = dialogs_now(d);
    ok(n.resumed == 1 && n.done == 1 && n.failed == 0 && n.open == 4, "a new start knows what is done; what failed is open again");
    ok(says(dialogs_next(d), "system:S user:a1 assistant: x  user:a2") && says(dialogs_next(d), "system:S user:a1"),
       "and asks the rest, what failed among it");
    ok(reply(d, dialogs_next(d), CALL_REFUSED, "no", NULL) == 0 && dialogs_now(d).by_status[CALL_REFUSED] == 1, "a refusal");
    stop(d, j);
    d = start(&j, "S", 2, -1);
    n = dialogs_now(d);
    ok(n.failed == 1 && n.open == 3 && n.by_status[CALL_REFUSED] == 1, "is final: asking again would not better it");
    stop(d, j);
    char *was = qs.q[0].turn[0];
    qs.q[0].turn[0] = xstrdup("changed");
    err = (struct err){0};
    d = start(&j, "S", 1, -1);
    ok(!d && err.kind == ERR_USAGE && strstr(err.text, "question 1, turn 1: was answered when it read otherwise"),
       "a question that was changed since is not mixed in: %s", err.text);
    stop(d, j);
    free(qs.q[0].turn[0]);
    qs.q[0].turn[0] = was;
    d = start(&j, "S", 1, -1);
    ok(d && dialogs_now(d).resumed == 1, "as it was it goes on");
    stop(d, j);
    unlink(path);
}

static void test_whole(void)
{
    struct call_journal *j;
    struct dialogs *d = start(&j, "", 1, 0);
    const struct call *c;
    int calls = 0;
    while ((c = dialogs_next(d)) && ++calls)
        reply(d, c, CALL_OK, c->n_messages == 1 ? "one" : "two", NULL);
    struct dialogs_now n = dialogs_now(d);
    double when;
    ok(calls == 3 && n.done == 3 && n.open == 0 && !strcmp(dialogs_text(d, &qs.q[0], 0, 2, &when), "two") &&
           !strcmp(dialogs_text(d, &qs.q[1], 0, 1, &when), "one"),
       "to the end");
    stop(d, j);
    d = start(&j, "", 1, 0);
    ok(!dialogs_next(d) && dialogs_now(d).resumed == 3 && dialogs_now(d).open == 0, "nothing is left for another start");
    stop(d, j);
}

int main(void)
{
    char text[300];
    snprintf(text, sizeof text, "{\"question_id\": 1, \"category\": \"math\", \"turns\": [\"a1\", \"a2\"], \"required_temperature\": 0.3}\n"
             "{\"question_id\": %" PRId64 ", \"category\": \"x\", \"turns\": [\"b1\"]}\n", -((INT64_C(1) << 53) - 1));
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    ok(questions_parse("q", text, strlen(text), &qs, &err) == 0 && qs.q[0].required_temperature && !qs.q[1].required_temperature,
       "a question's own temperature is known: %s", err.text);
    test_order();
    test_resume();
    test_whole();
    questions_free(&qs);
    unlink(path);
    return done_testing();
}
