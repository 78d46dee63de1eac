/* grader.c - from matches to files without a network: what is asked, resumed, counted, written. A transport of the test's own gives canned
 * replies. */
#include "tap.h"

#include "mtbench/grader.h"
#include "mtbench/io.h"
#include "mtbench/mem.h"
#include "mtbench/transport.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/wait.h>
#include <unistd.h>

static struct err err;
static struct questions questions;
static struct judge_prompts prompts;
static char folder[] = "/tmp/mtbench-grader-XXXXXX";

#define Q(id, category, turns) "{\"question_id\": " id ", \"category\": \"" category "\", \"turns\": " turns "}\n"
#define P(name, type, template, \
    format) "{\"name\": \"" name "\", \"type\": \"" type "\", \"system_prompt\": \"system of " name "\", \"prompt_template\": \"" template \
    "\", \"output_format\": \"" format "\"}\n"
static const char question_file[] = Q("81", "writing", "[\"q81\", \"q81b\"]") Q("82", "stem", "[\"q82\", \"q82b\"]") Q("111", "math",
    "[\"q111\", \"q111b\"]");
static const char prompt_file[] = P("single-v1", "single", "{question}|{answer}",
                                    "[[rating]]") P("single-math-v1", "single", "{question}|{ref_answer_1}|{answer}", "[[rating]]")
    P("single-v1-multi-turn", "single", "{question_1}|{answer_1}|{question_2}|{answer_2}", "[[rating]]")
        P("single-math-v1-multi-turn", "single", "{question_1}|{ref_answer_1}|{question_2}|{ref_answer_2}|{answer_1}|{answer_2}",
          "[[rating]]") P("pair-v2", "pairwise", "{question}|{answer_a}|{answer_b}",
                          "[[A]]") P("pair-math-v1", "pairwise", "{question}|{ref_answer_1}|{answer_a}|{answer_b}", "[[A]]")
            P("pair-v2-multi-turn", "pairwise", "{question_1}|{answer_a_1}|{question_2}|{answer_a_2}|{answer_b_1}|{answer_b_2}", "[[A]]")
                P("pair-math-v1-multi-turn", "pairwise",
                  "{question_1}|{question_2}|{ref_answer_1}|{ref_answer_2}|{answer_a_1}|{answer_a_2}|{answer_b_1}|{answer_b_2}", "[[A]]");
static const char *const models[] = { "x", "y" };

/* ---- the test's transport: replies by what the user message holds, the last call first ---- */

struct canned { const char *when, *text; enum call_status status; };

struct stub {
    const struct canned *canned;         /* the first whose 'when' is in the message; the last has NULL */
    struct call_record waiting[8];
    int n_waiting, n_asked, most;        /* most: calls at a time */
    struct call_record back;
};

static int stub_room(void *ctx)
{
    const struct stub *s = ctx;
    return s->most - s->n_waiting;
}

static void stub_submit(void *ctx, const struct call *c)
{
    struct stub *s = ctx;
    const struct canned *a = s->canned;
    while (a->when && !strstr(c->message[c->n_messages - 1].content, a->when))
        a++;
    double stamp = 1.5e9 + (double)(c->content % 1000000);            /* the same for the same call, so that files can be compared */
    s->waiting[s->n_waiting++] = (struct call_record){ .key = xstrdup(c->key), .content = c->content, .status = a->status, .text = a->text,
        .tokens_in = 10,
        .tokens_out = 1, .cost = 0.25, .tries = 1, .tstamp = stamp, .reason = a->status == CALL_OK ? NULL : "canned" };
    s->n_asked++;
}

static int stub_step(void *ctx, double wait, struct err *e)
{
    (void)ctx, (void)wait, (void)e;
    return 0;
}

static const struct call_record *stub_collect(void *ctx)
{
    struct stub *s = ctx;
    free((char *)s->back.key);
    s->back.key = NULL;
    if (!s->n_waiting)
        return NULL;
    s->back = s->waiting[--s->n_waiting];
    return &s->back;
}

/* ---- a run ---- */

struct run {
    struct grader_opts o;
    struct matches matches;
    struct answer_set answers, reference;
    struct manifest manifest;
    struct grader *grader;
    struct stub stub;
};

static void fill_answers(struct run *r)
{
    for (int i = 0; i < questions.n; i++) {
        answer_set_add(&r->reference, "ref", questions.q[i].id, (const char *const[]){ "r1", "r2" }, 2);
        for (int m = 0; m < 2; m++) {
            char *turn[2] = { xasprintf("%s%lld", models[m], (long long)questions.q[i].id), xasprintf("%s%lldb", models[m],
                (long long)questions.q[i].id) };
            answer_set_add(&r->answers, models[m], questions.q[i].id, (const char *const *)turn, 2);
            free(turn[0]);
            free(turn[1]);
        }
    }
}

static char *path_of(const char *name)
{
    static char path[4][256];
    static int n;
    n = (n + 1) % 4;
    snprintf(path[n], sizeof path[n], "%s/%s", folder, name);
    return path[n];
}

static void start(struct run *r, const char *judge, enum judge_mode mode, const char *journal, int repeat, const struct canned *canned)
{
    *r = (struct run){ .stub = { .canned = canned, .most = 8 } };
    struct match_opts m = { &questions, models, 2, "y", mode, &prompts, NULL, 0 };
    fill_answers(r);
    if (matches_build(&m, &r->matches, &err) < 0)
        printf("Bail out! %s\n", err.text);
    r->o = (struct grader_opts){ .judge = judge, .matches = &r->matches, .answers = &r->answers, .reference = &r->reference.model[0],
        .repeat = repeat, .max_tokens = 2048 };
    r->o.journal = call_journal_open(path_of(journal), &r->manifest, &err);
    if (!r->o.journal)
        printf("Bail out! %s\n", err.text);
}

static void open_grader(struct run *r)
{
    r->grader = grader_create(&r->o, &err);
    if (!r->grader)
        printf("Bail out! %s\n", err.text);
}

/* Ask and take until nothing is left, or until 'most' replies were taken. */
static int go(struct run *r, int most)
{
    const struct transport t = { .ctx = &r->stub, .room = stub_room, .submit = stub_submit, .step = stub_step, .collect = stub_collect };
    const struct call_record *back;
    int taken = 0;
    for (bool more = true; more;) {
        const struct call *c;
        more = false;
        while (t.room(t.ctx) && (c = grader_next(r->grader)))
            t.submit(t.ctx, c);
        while ((back = t.collect(t.ctx))) {
            more = true;
            if (grader_take(r->grader, back, &err) < 0 || grader_flush(r->grader, &err) < 0)
                return -1;
            if (++taken == most)
                return taken;
        }
    }
    return taken;
}

static void end(struct run *r)
{
    while (stub_collect(&r->stub))
        ;
    grader_destroy(r->grader);
    call_journal_close(r->o.journal);
    matches_free(&r->matches);
    answer_set_free(&r->answers);
    answer_set_free(&r->reference);
    manifest_free(&r->manifest);
}

static char *file_of(const char *name)
{
    struct buf b = {0};
    if (io_read(path_of(name), &b, &err) < 0)
        buf_str(&b, err.text);
    return buf_steal(&b);
}

static void put_file(const char *name, const char *text)
{
    if (io_replace(path_of(name), text, strlen(text), &err) < 0)
        printf("Bail out! %s\n", err.text);
}

static const struct canned good[] = { { "x", "fine [[8]]", CALL_OK }, { NULL, "so so [[6.5]]", CALL_OK } };
static const struct canned letters[] = { { "|x", "[[A]]", CALL_OK }, { NULL, "[[C]]", CALL_OK } };

/* ---- tests ---- */

static void test_single(void)
{
    struct run r;
    start(&r, "gpt-4", MODE_SINGLE, "a.journal", 1, good);
    open_grader(&r);
    struct grader_now now = grader_now(r.grader);
    ok(now.total == 12 && now.done == 0 && now.calls_left == 12, "12 judgments to make");
    const struct call *c = grader_next(r.grader);
    ok(c && c->n_messages == 2 && !strcmp(c->message[0].role, "system") && !strcmp(c->message[0].content, "system of single-v1") &&
       !strcmp(c->message[1].content, "q81|x81") && c->temperature == 0 && c->max_tokens == 2048 && call_key_ok(c->key) &&
           c->content == call_content(c),
       "the first call is that of the first match");
    stub_submit(&r.stub, c);
    ok(go(&r, -1) == 12, "12 replies");
    now = grader_now(r.grader);
    ok(now.done == 12 && now.failed == 0 && now.by_status[JUDGMENT_OK] == 12 && now.calls_left == 0 &&
           now.paid.tokens_in + now.paid.tokens_out == 132 && now.paid.cost == 3,
       "all done, and paid");
    const char *line = grader_line(r.grader);
    int lines = 0, found = 0;
    for (; line; line = grader_line(r.grader), lines++)
        found += !strcmp(line, "question: 111, turn: 2, model: y, score: 6.5, judge: ('gpt-4', 'single-math-v1-multi-turn')") ||
                 !strcmp(line, "question: 81, turn: 1, model: x, score: 8, judge: ('gpt-4', 'single-v1')");
    ok(lines == 12 && found == 2, "12 lines as FastChat prints them");
    ok(grader_write(r.grader, 1, path_of("single.jsonl"), &err) == 0, "written");
    char *text = file_of("single.jsonl");
    const char *first =
        "{\"question_id\": 81, \"model\": \"x\", \"judge\": [\"gpt-4\", \"single-v1\"], \"user_prompt\": \"q81|x81\", "
        "\"judgment\": \"fine [[8]]\", \"score\": 8, \"turn\": 1, \"tstamp\": 15";
    const char *last = strstr(text,
        "{\"question_id\": 111, \"model\": \"y\", \"judge\": [\"gpt-4\", \"single-math-v1-multi-turn\"], "
        "\"user_prompt\": \"q111|r1|q111b|r2|y111|y111b\"");
    ok(!strncmp(text, first, strlen(first)) && last && strchr(last, '\n')[1] == '\0', "the file has the matches in their order");
    ok(grader_write(r.grader, 1, path_of("single.jsonl"), &err) == 0, "written again");
    char *again = file_of("single.jsonl");
    ok(!strcmp(text, again), "writing twice changes nothing");
    end(&r);
    free(text);
    free(again);
}

/* The process dies after k replies; a new one asks only for the rest and writes what an undisturbed run writes. */
static void test_kill(void)
{
    char *whole = file_of("single.jsonl");
    for (int k = 1; k <= 12; k += 5) {
        struct run r;
        unlink(path_of("killed.journal"));
        unlink(path_of("killed.jsonl"));
        fflush(stdout);
        pid_t child = fork();
        if (child == 0) {
            start(&r, "gpt-4", MODE_SINGLE, "killed.journal", 1, good);
            open_grader(&r);
            go(&r, k);
            kill(getpid(), SIGKILL);
        }
        int status;
        waitpid(child, &status, 0);
        start(&r, "gpt-4", MODE_SINGLE, "killed.journal", 1, good);
        r.o.shuffle = true;
        open_grader(&r);
        struct grader_now now = grader_now(r.grader);
        ok(WIFSIGNALED(status) && now.done == k && now.calls_left == 12 - k, "killed after %d replies: %ld are known", k, now.done);
        int taken = go(&r, -1);
        ok(taken == 12 - k && r.stub.n_asked == 12 - k && grader_now(r.grader).paid.cost == 3, "only the other %d are asked", 12 - k);
        ok(!grader_next(r.grader) && grader_write(r.grader, 1, path_of("killed.jsonl"), &err) == 0, "nothing is left");
        char *text = file_of("killed.jsonl");
        ok(!strcmp(text, whole), "the file is that of an undisturbed run, though asked in another order");
        free(text);
        end(&r);
    }
    free(whole);
}

static void test_pairs(void)
{
    struct run r;
    start(&r, "gpt-4", MODE_PAIRWISE_ALL, "a.journal", 1, letters);   /* the journal of the single judgments */
    open_grader(&r);
    ok(grader_now(r.grader).calls_left == 12 && go(&r, -1) == 12 && grader_now(r.grader).done == 6,
        "6 pairs are 12 calls; single ones do not stand for them");
    ok(grader_write(r.grader, 1, path_of("pair.jsonl"), &err) == 0, "written");
    struct judgment_table t = {0};
    ok(judgment_table_read(&t, path_of("pair.jsonl"), &err) == 0 && t.pairs && t.n == 6 && t.row[0].g1 == WINNER_MODEL_1 &&
        t.row[0].g2 == WINNER_MODEL_2,
       "who is shown first wins: A is model_1 in game 1, model_2 in game 2");
    judgment_table_free(&t);
    const char *line = grader_line(r.grader);                         /* the last of the first eight calls came first: the fourth match */
    ok(!strcmp(
           line,
           "question: 81, turn: 2, model_1: x, model_2: y, g1_winner: model_1, g2_winner: model_2, judge: ('gpt-4', 'pair-v2-multi-turn')"),
       "%s", line);
    ok(grader_write(r.grader, 1, path_of("single.jsonl"), &err) < 0 && err.kind == ERR_FORMAT && strstr(err.text, "single judgments"),
        "not into a file of singles: %s", err.text);
    end(&r);
    start(&r, "gpt-4", MODE_PAIRWISE_BASELINE, "a.journal", 1, letters);
    open_grader(&r);
    ok(grader_now(r.grader).total == 6 && grader_now(r.grader).calls_left == 0,
       "x against the baseline y is the pair that is judged already");
    end(&r);
}

static void test_side_by_side(void)
{
    struct run r;
    char *old = file_of("single.jsonl");
    start(&r, "claude \"c\" 'd'", MODE_SINGLE, "a.journal", 1, good);
    open_grader(&r);
    ok(go(&r, -1) == 12, "another judge asks all of its own");
    ok(strstr(grader_line(r.grader), "judge: ('claude \"c\" \\'d\\'', 'single-"), "its name as Python prints it");
    ok(grader_write(r.grader, 1, path_of("single.jsonl"), &err) == 0, "written into the same file");
    char *text = file_of("single.jsonl");
    ok(!strncmp(text, old, strlen(old)) && strlen(text) > 2 * strlen(old), "the first judge's lines stay, byte for byte");
    end(&r);
    start(&r, "gpt-4", MODE_SINGLE, "a.journal", 3, good);
    open_grader(&r);
    struct grader_now now = grader_now(r.grader);
    ok(now.total == 36 && now.done == 12 && now.calls_left == 24, "three repeats: the first is done");
    r.stub.canned = letters;
    r.stub.most = 4;
    ok(go(&r, 12) == 12 && grader_write(r.grader, 1, path_of("again.jsonl"), &err) == 0, "the second repeat comes before the third");
    char *again = file_of("again.jsonl");
    ok(!strcmp(again, old), "the first repeat's file is what it was");
    ok(grader_write(r.grader, 2, path_of("second.jsonl"), &err) == 0 && grader_write(r.grader, 3, path_of("third.jsonl"), &err) == 0 &&
       access(path_of("third.jsonl"), F_OK) != 0, "no file for a repeat without judgments");
    struct judgment_table t = {0};
    ok(judgment_table_read(&t, path_of("second.jsonl"), &err) == 0 && t.n == 12 && t.row[3].status == JUDGMENT_UNPARSABLE,
        "the second has replies of its own");
    judgment_table_free(&t);
    end(&r);
    free(old);
    free(text);
    free(again);
}

static const struct { const char *prompt; struct canned canned; enum judgment_status status; const char *judgment, *score; } states[] = {
    { "q81|x81\"", { "q81|x81", "", CALL_FAILED }, JUDGMENT_FAILED, "$ERROR$", "-1" },
    { "q81|y81\"", { "q81|y81", "no number", CALL_OK }, JUDGMENT_UNPARSABLE, "no number", "-1" },
    { "q82|x82\"", { "q82|x82", "[[85]]", CALL_OK }, JUDGMENT_OUT_OF_RANGE, "[[85]]", "-1" },
    { "q82|y82\"", { "q82|y82", "so far [[", CALL_TRUNCATED }, JUDGMENT_TRUNCATED, "so far [[", "-1" },
    { "q111|r1|x111\"", { "q111|r1|x111", "", CALL_FILTERED }, JUDGMENT_FILTERED, "$ERROR$", "-1" },
    { "q111|r1|y111\"", { "q111|r1|y111", "I will not", CALL_REFUSED }, JUDGMENT_REFUSED, "I will not", "-1" },
};
enum { N_STATES = sizeof states / sizeof *states };

static void check_states(const struct run *r, const char *file)
{
    char *text = file_of(file);
    for (int i = 0; i < N_STATES; i++) {
        char *expected = xasprintf("\"user_prompt\": \"%s, \"judgment\": \"%s\", \"score\": %s, \"turn\": 1", states[i].prompt,
                                   states[i].judgment, states[i].score);
        ok(strstr(text, expected) && grader_now(r->grader).by_status[states[i].status] >= 1, "%s is written with %s",
            judgment_status_name(states[i].status), expected);
        free(expected);
    }
    free(text);
}

static void test_states(void)
{
    struct run r;
    struct canned canned[N_STATES + 1];
    /* second turns hold the first question too: only whole prompts may match */
    for (int i = 0; i < N_STATES; i++)
        canned[i] = states[i].canned;
    canned[N_STATES] = (struct canned){ NULL, "[[5]]", CALL_OK };
    struct canned second[N_STATES + 2];
    second[0] = (struct canned){ "b", "[[5]] and then", CALL_TRUNCATED };    /* cut behind its verdict: counts */
    memcpy(second + 1, canned, sizeof canned);
    start(&r, "j", MODE_SINGLE, "states.journal", 1, second);
    answer_set_add(&r.answers, "y", 111, (const char *const[]){ "y111", "$ERROR$" }, 2);
    answer_set_add(&r.answers, "x", 111, (const char *const[]){ "x111", "ERROR" }, 2);
    open_grader(&r);
    struct grader_now now = grader_now(r.grader);
    ok(now.done == 2 && now.by_status[JUDGMENT_NO_ANSWER] == 2 && now.calls_left == 10, "failed answers are not asked about");
    ok(go(&r, -1) == 10, "ten replies");
    now = grader_now(r.grader);
    ok(now.done == 12 && now.failed == 8 && now.by_status[JUDGMENT_OK] == 4, "8 of 12 do not count");
    ok(grader_write(r.grader, 1, path_of("states.jsonl"), &err) == 0, "written");
    check_states(&r, "states.jsonl");
    char *text = file_of("states.jsonl");
    ok(strstr(text, "\"user_prompt\": \"q111|r1|q111b|r2|x111|ERROR\", \"judgment\": \"$ERROR$\", \"score\": -1, \"turn\": 2"),
        "a failed answer is written without a score");
    free(text);
    end(&r);
    start(&r, "j", MODE_SINGLE, "states.journal", 1, good);
    open_grader(&r);
    now = grader_now(r.grader);
    ok(now.calls_left == 3 && now.by_status[JUDGMENT_FAILED] == 0 && now.by_status[JUDGMENT_OUT_OF_RANGE] == 1,
        "a new start asks what failed, and the two answers that came");
    ok(go(&r, -1) == 3 && grader_write(r.grader, 1, path_of("states.jsonl"), &err) == 0, "the new replies are written");
    text = file_of("states.jsonl");
    ok(strstr(text,
        "\"user_prompt\": \"q81|x81\", \"judgment\": \"fine [[8]]\", \"score\": 8, \"turn\": 1") ==
       text + strlen("{\"question_id\": 81, \"model\": \"x\", \"judge\": [\"j\", \"single-v1\"], "),
       "in the place of the failed one");
    free(text);
    end(&r);
}

#define OLD(model, prompt, \
    score) "{\"question_id\": 81, \"model\": \"" model "\", \"judge\": [\"j\", \"single-v1\"],  \"user_prompt\": \"" prompt \
    "\", \"judgment\": \"old\", \"score\": " score ", \"turn\": 1, \"tstamp\": 1.0}"

static void test_old_lines(void)
{
    static const struct canned fails[] = { { "q81|x81", "", CALL_FAILED }, { NULL, "[[5]]", CALL_OK } };
    struct run r;
    put_file("old.jsonl", OLD("x", "q81|x81", "3") "\n"
                                                   "{\"score\":1,\"model\":\"zz\",\"question_id\":7,\"odd\":[1,{}]}\n\n" OLD(
                                                       "y", "q81|y81", "3") "\n" OLD("other", "p", "9") "\n" OLD("y", "q81|y81", "4"));
    start(&r, "j", MODE_SINGLE, "old.journal", 1, fails);
    open_grader(&r);
    ok(go(&r, -1) == 12 && grader_write(r.grader, 1, path_of("old.jsonl"), &err) == 0, "written: %s", err.text);
    char *text = file_of("old.jsonl");
    const char *start_of = OLD("x", "q81|x81", "3") "\n" "{\"score\":1,\"model\":\"zz\",\"question_id\":7,\"odd\":[1,{}]}\n"
        "{\"question_id\": 81, \"model\": \"y\", \"judge\": [\"j\", \"single-v1\"], \"user_prompt\": \"q81|y81\", "
        "\"judgment\": \"[[5]]\", \"score\": 5";
    ok(!strncmp(text, start_of, strlen(start_of)),
        "a failed call leaves the old line, a new judgment takes the place of the first of its key, others stay");
    const char *next = strchr(text + strlen(start_of), '\n') + 1,
               *other = OLD("other", "p", "9") "\n{\"question_id\": 82, \"model\": \"x\"";
    ok(!strncmp(next, other, strlen(other)), "a second line of the key goes; new ones follow");
    free(text);
    put_file("old.jsonl", OLD("x", "q81|another answer", "3") "\n");
    ok(grader_write(r.grader, 1, path_of("old.jsonl"), &err) == 0, "written");
    text = file_of("old.jsonl");
    ok(strstr(text, "\"user_prompt\": \"q81|x81\", \"judgment\": \"$ERROR$\"") && !strstr(text, "another answer"),
        "an old judgment of another answer goes even when the call failed");
    free(text);
    put_file("old.jsonl", OLD("x", "p", "3") "\nnonsense\n");
    ok(grader_write(r.grader, 1, path_of("old.jsonl"), &err) < 0 && strstr(err.text, "old.jsonl:2"), "a broken file is not touched: %s",
       err.text);
    text = file_of("old.jsonl");
    ok(!strcmp(text, OLD("x", "p", "3") "\nnonsense\n"), "not a byte");
    free(text);
    end(&r);
}

static void test_arrival(void)
{
    struct run r;
    start(&r, "late", MODE_PAIRWISE_ALL, "late.journal", 1, letters);
    answer_set_free(&r.answers);
    open_grader(&r);
    ok(!grader_next(r.grader) && grader_now(r.grader).calls_left == 12, "no answers, no calls");
    answer_set_add(&r.answers, "x", 82, (const char *const[]){ "x82", "x82b" }, 2);
    grader_wake(r.grader, 82);
    ok(!grader_next(r.grader), "one of two is not enough");
    answer_set_add(&r.answers, "y", 82, (const char *const[]){ "y82", "ERROR" }, 2);
    grader_wake(r.grader, 82);
    ok(go(&r, -1) == 2 && grader_now(r.grader).done == 2 && grader_now(r.grader).by_status[JUDGMENT_NO_ANSWER] == 1 &&
        grader_now(r.grader).calls_left == 8,
       "two games of the first turn; the second turn has nothing to judge");
    fill_answers(&r);
    for (int q = 0; q < questions.n; q++)
        grader_wake(r.grader, questions.q[q].id);
    ok(go(&r, -1) == 8 && grader_now(r.grader).done == 6, "the rest came");
    end(&r);
}

/* Whoever waits for an answer that will never come is counted, not waited for. */
static void test_close(void)
{
    struct run r;
    start(&r, "closed", MODE_SINGLE, "closed.journal", 2, good);
    answer_set_free(&r.answers);
    open_grader(&r);
    long total = grader_now(r.grader).total;
    answer_set_add(&r.answers, "x", 82, (const char *const[]){ "x82", "x82b" }, 2);
    grader_wake(r.grader, 82);
    grader_wake(r.grader, 4711);
    ok(grader_now(r.grader).done == 0 && grader_now(r.grader).calls_left == total, "one answer of many is there");
    grader_close(r.grader);
    struct grader_now now = grader_now(r.grader);
    ok(now.by_status[JUDGMENT_NO_ANSWER] == total - 4 && now.calls_left == 4,
       "both turns of it, twice, are left to ask for; the rest has no answer");
    ok(go(&r, -1) == 4 && grader_now(r.grader).done == total && grader_now(r.grader).calls_left == 0, "and all are done");
    end(&r);
}

/* A turn that was there and is gone when its call's turn comes: counted as not answered, or calls_left would never come to 0. */
static void test_taken_away(void)
{
    struct run r;
    start(&r, "away", MODE_SINGLE, "away.journal", 1, good);
    open_grader(&r);
    long total = grader_now(r.grader).total;
    for (int i = 0; i < questions.n; i++)
        answer_set_add(&r.answers, "x", questions.q[i].id, (const char *const[]){ "shorter" }, 1);
    go(&r, -1);
    struct grader_now now = grader_now(r.grader);
    ok(now.calls_left == 0 && now.done == total && now.by_status[JUDGMENT_NO_ANSWER] == questions.n,
       "second turns that were taken away: %ld of %ld", now.by_status[JUDGMENT_NO_ANSWER], total);
    end(&r);
}

/* Calls become ready in any order and are asked in that of the matches. */
static void test_order_of_arrival(void)
{
    struct run r, late;
    const struct call *a, *b;
    int n = 0, equal = 0;
    start(&r, "order", MODE_PAIRWISE_ALL, "order.journal", 2, good);
    start(&late, "order", MODE_PAIRWISE_ALL, "order_late.journal", 2, good);
    answer_set_free(&late.answers);
    open_grader(&r);
    open_grader(&late);
    fill_answers(&late);
    for (int q = questions.n - 1; q >= 0; q--)
        grader_wake(late.grader, questions.q[q].id);
    for (; (a = grader_next(r.grader)); n++)
        equal += (b = grader_next(late.grader)) && !strcmp(a->key, b->key);
    ok(n == grader_now(r.grader).total * 2 && equal == n && !grader_next(late.grader),
       "%d calls in one order, whichever answers came first", n);
    end(&r);
    end(&late);
}

/* The work per answer that arrives does not grow with the bench: 20,000 questions in less than 2 s of this processor, whoever else uses it.
 */
static void test_many(void)
{
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    enum { MANY = 20000, MOST = 30 };    /* seconds; sanitizers are slow */
#else
    enum { MANY = 20000, MOST = 2 };
#endif
    static char *turn[] = { "a", "b" };
    struct questions many = { .n = MANY, .q = xcalloc(MANY, sizeof *many.q) };
    struct matches matches;
    struct answer_set answers = {0};
    struct manifest none = {0};
    for (int i = 0; i < MANY; i++)
        many.q[i] = (struct question){ .id = i + 1, .category = "writing", .n_turns = 2, .turn = turn };
    struct match_opts m = { .questions = &many, .model = models, .n_models = 1, .mode = MODE_SINGLE, .prompts = &prompts };
    matches_build(&m, &matches, &err);
    struct grader_opts o = {.judge = "many",
                            .matches = &matches,
                            .answers = &answers,
                            .journal = call_journal_open(path_of("many.journal"), &none, &err),
                            .repeat = 1,
                            .max_tokens = 10};
    clock_t start = clock();
    struct grader *g = grader_create(&o, &err);
    int asked = 0;
    for (int i = 0; g && i < MANY; i++) {
        int64_t id = (int64_t)(i * 7919ll % MANY) + 1;       /* 7919 is a prime: every question once, in no order */
        answer_set_add(&answers, models[0], id, (const char *const[]){ "x", "y" }, 2);
        grader_wake(g, id);
        while (grader_next(g))
            asked++;
    }
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    ok(asked == 2 * MANY && seconds < MOST, "%d calls of %d answers as they arrive: %.2f s", asked, MANY, seconds);
    grader_destroy(g);
    call_journal_close(o.journal);
    answer_set_free(&answers);
    matches_free(&matches);
    free(many.q);
}

static void test_replies(void)
{
    struct run r;
    start(&r, "import", MODE_SINGLE, "import.journal", 1, good);
    open_grader(&r);
    const struct call *c = grader_next(r.grader);
    char *key = xstrdup(c->key);
    struct call_record back = { .key = key, .content = c->content + 1, .status = CALL_OK, .text = "[[9]]", .cost = 1 };
    ok(grader_take(r.grader, &back, &err) < 0 && err.kind == ERR_FORMAT, "a reply to another prompt: %s", err.text);
    back.content--;
    back.key = "q1-t1-g1-r1-0123456789abcdef";
    ok(grader_take(r.grader, &back, &err) < 0 && err.kind == ERR_FORMAT && grader_now(r.grader).paid.cost == 0, "a reply to nothing: %s",
       err.text);
    back.key = key;
    back.status = CALL_FAILED;
    ok(grader_take(r.grader, &back, &err) == 0 && grader_now(r.grader).by_status[JUDGMENT_FAILED] == 1, "a call that failed");
    back.status = CALL_OK;
    ok(grader_take(r.grader, &back, &err) == 0 && grader_now(r.grader).by_status[JUDGMENT_FAILED] == 0 &&
        grader_now(r.grader).by_status[JUDGMENT_OK] == 1 &&
       grader_now(r.grader).done == 1, "its later success counts");
    back.text = "[[1]]";
    ok(grader_take(r.grader, &back, &err) == 0 && grader_now(r.grader).paid.cost == 2 && grader_now(r.grader).done == 1,
       "a second success is left alone");
    free(key);
    end(&r);
    start(&r, "import", MODE_SINGLE, "import.journal", 1, good);
    r.o.reference = NULL;
    ok(!grader_create(&r.o, &err) && err.kind == ERR_USAGE && strstr(err.text, "question 111"), "no references: %s", err.text);
    end(&r);
}

/* Verdicts without a journal: of an older run, or of FastChat. */
static void test_take_over(void)
{
    static const enum judge_mode mode[] = { MODE_SINGLE, MODE_PAIRWISE_ALL };
    static const struct canned none[] = { { NULL, "must not be asked", CALL_OK } };
    for (int k = 0; k < 2; k++) {
        struct run r;
        struct grader_taken taken;
        char *file = xstrdup(path_of(k ? "mine_pair.jsonl" : "mine.jsonl"));
        int units = k ? 6 : 12;
        start(&r, "gpt-x", mode[k], k ? "mine_pair.journal" : "mine.journal", 1, k ? letters : good);
        open_grader(&r);
        ok(grader_take_over(r.grader, 1, file, &taken, &err) == 0 && !taken.taken && !taken.left,
           "a file that is not there holds no verdicts");
        ok(go(&r, -1) == 12 && grader_write(r.grader, 1, file, &err) == 0, "twelve replies, written");
        char *before = file_of(k ? "mine_pair.jsonl" : "mine.jsonl");
        ok(grader_take_over(r.grader, 1, file, &taken, &err) == 0 && !taken.taken && !taken.left,
           "what the journal knows is not taken twice");
        end(&r);
        start(&r, "gpt-x", mode[k], k ? "later_pair.journal" : "later.journal", 1, none);
        open_grader(&r);
        ok(grader_take_over(r.grader, 1, file, &taken, &err) == 0 && taken.taken == units && !taken.reread && !taken.left &&
               grader_now(r.grader).calls_left == 0 && grader_now(r.grader).paid.cost == 0,
           "a new journal takes over %ld judgments", taken.taken);
        ok(grader_write(r.grader, 1, file, &err) == 0, "written again");
        char *after = file_of(k ? "mine_pair.jsonl" : "mine.jsonl");
        ok(!strcmp(before, after), "the file is the same to the byte");
        end(&r);
        start(&r, "gpt-x", mode[k], k ? "later_pair.journal" : "later.journal", 1, none);
        open_grader(&r);
        ok(grader_now(r.grader).done == units && grader_now(r.grader).calls_left == 0, "and the journal keeps them");
        end(&r);
        free(before);
        free(after);
        free(file);
    }
}

/* Lines that judge something else, or twice, or nothing. */
static void test_leave(void)
{
    struct run r;
    struct grader_taken taken;
    start(&r, "gpt-x", MODE_SINGLE, "left.journal", 1, good);
    answer_set_add(&r.answers, "x", 81, (const char *const[]){ "another", "x81b" }, 2);
    struct buf b = {0};
    char *text = file_of("mine.jsonl");
    buf_str(&b, text);
    struct single_judgment twice = { 82, "x", "gpt-x", "single-v1", "q82|x82", "[[4]]", 4, true, 1, 1 },
                           says = { 82, "y", "hand", "single-v1", "q82|y82", "[[4]]", 5, true, 1, 1 };
    single_judgment_put(&b, &twice);
    buf_char(&b, '\n');
    put_file("left.jsonl", b.data);
    open_grader(&r);
    ok(grader_take_over(r.grader, 1, path_of("left.jsonl"), &taken, &err) == 0 && taken.taken == 10 && taken.left == 3 &&
           grader_now(r.grader).calls_left == 2,
       "ten of twelve are taken over; two judge another answer, one comes twice: %ld, %ld", taken.taken, taken.left);
    end(&r);
    start(&r, "hand", MODE_SINGLE, "hand.journal", 1, good);
    buf_clear(&b);
    single_judgment_put(&b, &says);
    says.question_id = 81;
    says.user_prompt = "q81|y81";
    says.judgment = "$ERROR$";
    says.score = -1;
    buf_char(&b, '\n');
    single_judgment_put(&b, &says);
    put_file("hand.jsonl", b.data);
    open_grader(&r);
    ok(grader_take_over(r.grader, 1, path_of("hand.jsonl"), &taken, &err) == 0 && taken.taken == 1 && taken.reread == 1 &&
           taken.left == 0 && grader_now(r.grader).calls_left == 11,
       "the text counts where a line says another verdict; a failed call is none: %ld %ld %ld", taken.taken, taken.reread, taken.left);
    end(&r);
    put_file("nan.jsonl", "{\"question_id\": 82, \"model\": \"y\", \"judge\": [\"odd\", \"single-v1\"], \"user_prompt\": \"q82|y82\", "
                          "\"judgment\": \"[[4]]\", \"score\": NaN, \"turn\": 1, \"tstamp\": 1.0}\n");
    start(&r, "odd", MODE_SINGLE, "odd.journal", 1, good);
    open_grader(&r);
    ok(grader_take_over(r.grader, 1, path_of("nan.jsonl"), &taken, &err) == 0 && taken.taken == 0 && taken.left == 1,
       "a line with NaN is replaced, so it is told of: %ld", taken.left);
    end(&r);
    start(&r, "hand", MODE_SINGLE, "forced.journal", 1, good);
    r.o.constrained = true;
    open_grader(&r);
    ok(grader_take_over(r.grader, 1, path_of("hand.jsonl"), &taken, &err) == 0 && taken.taken == 0,
       "a free text is no constrained verdict");
    end(&r);
    buf_free(&b);
    free(text);
}

/* pairwise-all after pairwise-baseline, the models named the other way round. */
static void test_exchanged(void)
{
    static const struct canned first_x[] = { { "q81|x81", "[[A]]", CALL_OK }, { NULL, "[[C]]", CALL_OK } };
    struct run r;
    start(&r, "both", MODE_PAIRWISE_BASELINE, "both.journal", 1, first_x);
    open_grader(&r);
    ok(go(&r, -1) == 12, "x against the baseline y: twelve games");
    end(&r);
    start(&r, "both", MODE_PAIRWISE_ALL, "both.journal", 1, letters);
    matches_free(&r.matches);
    static const char *const turned[] = { "y", "x" };
    struct match_opts m = { .questions = &questions, .model = turned, .n_models = 2, .mode = MODE_PAIRWISE_ALL, .prompts = &prompts };
    matches_build(&m, &r.matches, &err);
    r.o.matches = &r.matches;
    open_grader(&r);
    struct grader_now now = grader_now(r.grader);
    ok(now.done == 6 && now.calls_left == 0 && now.paid.cost == 0, "y against x asks for nothing and costs nothing");
    ok(grader_write(r.grader, 1, path_of("both.jsonl"), &err) == 0, "written");
    char *text = file_of("both.jsonl");
    ok(strstr(text, "\"model_1\": \"y\", \"model_2\": \"x\", \"g1_winner\": \"tie\", \"g2_winner\": \"model_2\"") &&
        strstr(text, "\"g1_user_prompt\": \"q81|y81|x81\""), "each game with its own winner: %.300s", text);
    free(text);
    end(&r);
}

int main(void)
{
    if (!mkdtemp(folder) || questions_parse("q", question_file, strlen(question_file), &questions, &err) < 0 ||
        judge_prompts_parse("p", prompt_file, strlen(prompt_file), &prompts, &err) < 0) {
        printf("Bail out! %s\n", err.text);
        return 1;
    }
    test_single();
    test_kill();
    test_pairs();
    test_side_by_side();
    test_states();
    test_old_lines();
    test_arrival();
    test_close();
    test_taken_away();
    test_many();
    test_order_of_arrival();
    test_take_over();
    test_leave();
    test_exchanged();
    test_replies();
    questions_free(&questions);
    judge_prompts_free(&prompts);
    char *rm = xasprintf("rm -r %s", folder);
    ok(system(rm) == 0, "the folder is gone");
    free(rm);
    return done_testing();
}
