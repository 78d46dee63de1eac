/* records.c - seconds that the records of a large campaign cost, with texts of the usual length.
 *
 *   records [folder]
 *
 * What is linear per record shows here as a minute instead of a second. */
#include "mtbench/answer_file.h"
#include "mtbench/answer_set.h"
#include "mtbench/call.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/judgment.h"
#include "mtbench/mem.h"
#include "mtbench/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    QUESTIONS = 50000,
    ASKED = 20000,
    TURNS = 2 * QUESTIONS,
    JUDGMENTS = 100000,
    TEXT = 1500,
    SCATTER = 7919
}; /* a prime: an order as of dealing */

static char text[TEXT + 1];
static struct err err;

static void fail(void)
{
    fprintf(stderr, "records: %s\n", err.text);
    exit(1);
}

/* Seconds of work: a disk's flushes are another matter, and another machine's load too. */
static double work_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void say(const char *what, int n, double start)
{
    printf("  %-58s %7d   %6.2f s\n", what, n, work_now() - start);
    fflush(stdout);
}

static struct questions read_questions(void)
{
    struct buf b = {0};
    struct questions qs;
    for (int i = 0; i < QUESTIONS; i++)
        buf_printf(&b, "{\"question_id\": %d, \"category\": \"writing\", \"turns\": [\"%.59s\", \"%.59s\"]}\n", i, text, text);
    double start = work_now();
    if (questions_parse("questions", b.data, b.len, &qs, &err) < 0)
        fail();
    say("questions read", qs.n, start);
    buf_free(&b);
    return qs;
}

static bool finished(void *journal, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    return journal_text(journal, q->id, choice, turn, json, tstamp);
}

static void turns(const struct questions *qs, const char *folder)
{
    char *path = xasprintf("%s/m.journal", folder), *answers = xasprintf("%s/m.jsonl", folder), hex[65];
    struct manifest m = {0};
    struct journal *j = journal_open(path, &m, &err);
    struct buf line = {0};
    double start = work_now();
    if (!j || journal_begin(j, &m, &err) < 0)
        fail();
    for (int i = 0; i < TURNS; i++) {
        const struct turn_record t = {
            .question_id = (int64_t)i * SCATTER % QUESTIONS, .turn = 1 + i / QUESTIONS, .text = text, .finish = "stop", .tstamp = i};
        buf_clear(&line);
        turn_put(&line, &t);
        if (!journal_append_line(j, line.data, line.len, &err) || (i % 1024 == 0 && journal_sync(j, &err) < 0))
            fail();
    }
    if (journal_sync(j, &err) < 0)
        fail();
    say("turns taken from ranks, flushed in batches of 1024", TURNS, start);
    journal_close(j);
    start = work_now();
    long done = 0;
    if (!(j = journal_open(path, &m, &err)))
        fail();
    for (int i = 0; i < qs->n; i++)
        done += journal_count(j, qs->q[i].id, "", 0, 2, &err);
    say("turns resumed", (int)done, start);
    const struct answered a = { .questions = qs, .model_id = "m", .n_choices = 1, .text = finished, .ctx = j };
    start = work_now();
    if (answer_file_write(answers, &a, &err) < 0)
        fail();
    answer_file_digest(&a, hex);
    say("answers written, and their digest", qs->n, start);
    journal_close(j);
    unlink(path);
    unlink(answers);
    buf_free(&line);
    free(path);
    free(answers);
}

static void answers_come(void)
{
    struct answer_set s = {0};
    const char *turn[2] = { text, text };
    double start = work_now();
    for (int i = 0; i < ASKED; i++)
        answer_set_add(&s, "m", (int64_t)i * SCATTER % ASKED, turn, 2);
    say("answers that arrive while judging", ASKED, start);
    answer_set_free(&s);
}

static void calls(const char *folder)
{
    char *path = xasprintf("%s/j.journal", folder), key[CALL_KEY_MAX + 1];
    struct manifest m = {0};
    double start = work_now();
    struct call_journal *j = call_journal_open(path, &m, &err);
    if (!j)
        fail();
    for (int i = 0; i < JUDGMENTS; i++) {
        snprintf(key, sizeof key, "q%d-t1", i);
        const struct call_record r = { .key = key, .content = (uint64_t)i, .text = text, .finish = "stop", .cost = -1 };
        call_journal_add(j, &r);
        if (i % 1024 == 0 && call_journal_sync(j, &err) < 0)
            fail();
    }
    if (call_journal_sync(j, &err) < 0)
        fail();
    say("judgments taken, flushed in batches of 1024", JUDGMENTS, start);
    call_journal_close(j);
    start = work_now();
    int found = 0;
    if (!(j = call_journal_peek(path, &err)))
        fail();
    for (int i = 0; i < JUDGMENTS; i++) {
        snprintf(key, sizeof key, "q%d-t1", i);
        found += call_journal_find(j, key, (uint64_t)i) != NULL && !call_journal_stood_in(j, key, "other");
    }
    say("judgments found again", found, start);
    call_journal_close(j);
    unlink(path);
    free(path);
}

int main(int argc, char **argv)
{
    char own[] = "/tmp/mtbench-records-XXXXXX";
    const char *folder = argc > 1 ? argv[1] : mkdtemp(own);
    for (int i = 0; i < TEXT; i++)
        text[i] = (char)(i % 61 == 60 ? '\n' : 'a' + i % 26);
    struct questions qs = read_questions();
    turns(&qs, folder);
    answers_come();
    calls(folder);
    questions_free(&qs);
    if (folder == own)
        rmdir(own);
    return 0;
}
