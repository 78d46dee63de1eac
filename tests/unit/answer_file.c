/* answer_file.c - from turns to the answer file: records as json.dumps writes them, questions that are not done left out, and file and
 * digest that do not depend on the order in which the ranks' records came. */
#include "mtbench/answer_file.h"

#include "mtbench/answer.h"
#include "mtbench/hash.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/json.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64], journal[64];
static struct err err;

enum { QUESTIONS = 12, CHOICES = 2, TURNS = 2 };

static struct question question[QUESTIONS];
static struct questions questions = { .q = question, .n = QUESTIONS };

static bool from_journal(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    return journal_text(ctx, q->id, choice, turn, json, tstamp);
}

/* What a file and a digest come to; the file is removed. */
struct outcome { struct buf file; char digest[65]; };

static struct outcome outcome(const struct answered *a)
{
    struct outcome o = {0};
    int n = answer_file_write(path, a, &err), lines = 0;
    io_read(path, &o.file, NULL);
    for (size_t i = 0; i < o.file.len; i++)
        lines += o.file.data[i] == '\n';
    ok(n == lines && n > 0, "as many written as it says: %d", n);
    answer_file_digest(a, o.digest);
    unlink(path);
    return o;
}

/* ---- the record ---- */

static bool plain(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    static const char *const text[2][2] = { { "A\n<b>\u00e9\U0001f600", "" }, { "\\", "x" } };
    const char *t = text[choice][turn - 1];
    if (q->id == *(const int64_t *)ctx && choice == 1 && turn == 2)
        return false;
    json_put_string(json, t, strlen(t));
    *tstamp = choice == 0 && turn == 2 ? 1686286924.844282 : 5;
    return true;
}

static void test_record(void)
{
    struct question q[2] = { { .id = 82, .n_turns = 2 }, { .id = 81, .n_turns = 2 } };
    struct questions two = { .q = q, .n = 2 };
    int64_t missing = 82;
    struct answered a = { .questions = &two, .model_id = "m \"\u00e9\"", .n_choices = 2, .seed = 7, .text = plain, .ctx = &missing };
    struct buf want = {0};
    char id[23];
    answer_id(a.model_id, 81, 7, id);
    buf_printf(&want,
               "{\"question_id\": 81, \"answer_id\": \"%s\", \"model_id\": \"m \\\"\\u00e9\\\"\", \"choices\": [{\"index\": 0, \"turns\": "
               "[\"A\\n<b>\\u00e9\\ud83d\\ude00\", \"\"]}, {\"index\": 1, \"turns\": [\"\\\\\", \"x\"]}], \"tstamp\": 1686286924.844282}\n",
               id);
    struct outcome o = outcome(&a);
    ok(o.file.data && !strcmp(o.file.data, want.data), "the record of the question that is done, alone: %s", o.file.data);
    buf_free(&o.file);
    buf_free(&want);
}

static bool nothing(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    (void)ctx, (void)q, (void)choice, (void)turn, (void)json, (void)tstamp;
    return false;
}

static void test_none(void)
{
    struct question q = { .id = 81, .n_turns = 2 };
    struct questions one = { .q = &q, .n = 1 };
    struct answered a = { .questions = &one, .model_id = "m", .n_choices = 1, .text = nothing };
    unlink(path);
    ok(answer_file_write(path, &a, &err) == 0 && access(path, F_OK) < 0, "no question is done: 0, and no file");
}

/* ---- the order of records ---- */

struct turn { int64_t question_id; int choice, turn; char text[64]; };

static void shuffle(struct turn *t, int n, uint32_t *dice)
{
    for (int i = n - 1; i > 0; i--) {
        *dice = *dice * 1664525u + 1013904223u;
        int j = (int)((*dice >> 8) % (uint32_t)(i + 1));
        struct turn swap = t[i];
        t[i] = t[j];
        t[j] = swap;
    }
}

/* Through a journal in the given order; half of them before it is closed and opened again. */
static struct outcome by_journal(const struct turn *t, int n)
{
    struct manifest m = {0};
    struct outcome o = {0};
    for (int half = 0; half < 2; half++) {
        struct journal *j = journal_open(journal, &m, &err);
        if (!j || journal_begin(j, &m, &err) < 0)
            return o;
        for (int i = half * n / 2; i < (half + 1) * n / 2; i++) {
            const struct turn_record failed = { .question_id = t[i].question_id, .choice = t[i].choice, .turn = t[i].turn, .text = "",
                .status = TURN_FAILED, .reason = "lost", .tstamp = 90 }, r = { .question_id = t[i].question_id, .choice = t[i].choice,
                .turn = t[i].turn, .text = t[i].text, .finish = "stop", .tstamp = (double)t[i].question_id + t[i].turn };
            if (i % 5 == 0)
                journal_append(j, &failed);
            journal_append(j, &r);
            if (i % 7 == 0)
                journal_append(j, &failed);
        }
        journal_sync(j, &err);
        if (half)
            o = outcome(&(struct answered){
                .questions = &questions, .model_id = "m", .n_choices = CHOICES, .text = from_journal, .ctx = j });
        journal_close(j);
    }
    unlink(journal);
    return o;
}

/* The law: whatever the order in which ranks finish, the same file and the same digest. */
static void test_order(void)
{
    struct turn t[QUESTIONS * CHOICES * TURNS];
    int n = 0, other = 0;
    uint32_t dice = 5;
    for (int q = 0; q < QUESTIONS; q++) {
        question[q] = (struct question){ .id = 100 - q, .n_turns = TURNS };
        for (int c = 0; c < CHOICES; c++)
            for (int k = 1; k <= TURNS; k++, n++) {
                t[n] = (struct turn){ 100 - q, c, k, "" };
                snprintf(t[n].text, sizeof t[n].text, "q%d \"c%d\"\n\u00e9 t%d", q, c, k);
            }
    }
    struct outcome first = by_journal(t, n);
    for (int i = 0; i < 40; i++) {
        shuffle(t, n, &dice);
        struct outcome o = by_journal(t, n);
        other += !o.file.data || strcmp(o.file.data, first.file.data) || strcmp(o.digest, first.digest);
        buf_free(&o.file);
    }
    struct buf all = {0};
    for (int q = QUESTIONS - 1; q >= 0; q--)                 /* by id: 89 to 100 */
        for (int c = 0; c < CHOICES; c++)
            for (int k = 1; k <= TURNS; k++) {
                char text[64];
                int len = snprintf(text, sizeof text, "q%d \"c%d\"\n\u00e9 t%d", q, c, k);
                buf_printf(&all, "%d%c%d%c%d%c%d%c%s", 100 - q, 0, c, 0, k, 0, len, 0, text);
            }
    char want[65];
    sha256_hex(all.data, all.len, want);
    ok(first.file.data && strstr(first.file.data, "{\"question_id\": 89") == first.file.data && other == 0,
       "40 orders of %d records, failed ones between them: the same answer file and digest", n);
    ok(!strcmp(first.digest, want), "and the digest is that of the turns by question, choice and turn");
    buf_free(&first.file);
    buf_free(&all);
}

/* ---- U+0000 ---- */

static bool with_nul(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    (void)ctx, (void)q, (void)choice;
    *tstamp = 1;
    buf_str(json, turn == 1 ? "\"O\\u0000K\"" : "\"plain\"");
    return true;
}

static void test_nul(void)
{
    static const char bytes[] = "7\0000\0001\0003\0O\0K" "7\0000\0002\0005\0plain";
    struct question q = { .id = 7, .n_turns = 2 };
    struct questions one = { .q = &q, .n = 1 };
    char want[65];
    sha256_hex(bytes, sizeof bytes - 1, want);
    struct outcome o = outcome(&(struct answered){ .questions = &one, .model_id = "m", .n_choices = 1, .text = with_nul });
    ok(!strcmp(o.digest, want) && o.file.data && strstr(o.file.data, "\"O\\u0000K\""),
       "U+0000 is a byte 0 in the digest, and \\u0000 in the file");
    buf_free(&o.file);
}

/* ---- checking ---- */

struct seen { int n; char text[200]; };

static void see(void *ctx, const struct question *q, int choice, int turn, const char *text)
{
    struct seen *s = ctx;
    size_t n = strlen(s->text);
    s->n++;
    snprintf(s->text + n, sizeof s->text - n, "%lld/%d.%d=%s ", (long long)q->id, choice, turn, text ? text : "NULL");
}

static void check(const char *file, int rc, int n, const char *text, const char *what)
{
    struct question q = { .id = 7, .n_turns = 2 };
    struct questions one = { .q = &q, .n = 1 };
    struct seen s = {0};
    struct err e = {0};
    map_add_int(&one.by_id, 7, 0);
    unlink(path);
    if (file)
        io_replace(path, file, strlen(file), &e);
    const struct answered run = { .questions = &one, .model_id = "m", .n_choices = 1, .text = with_nul };
    int got = answer_file_check(path, &run, see, &s, &e);
    ok(got == rc && s.n == n && (rc == 0 ? !strcmp(s.text, text) : !!strstr(e.text, text)), "%s: %s%s", what, s.text, e.text);
    map_free(&one.by_id);
    unlink(path);
}

#define RECORD(id, turns) "{\"question_id\": " id ", \"choices\": [{\"index\": 0, \"turns\": [" turns "]}]}\n"

static void test_check(void)
{
    check(NULL, 0, 0, "", "no file");
    check(RECORD("7", "\"O\\u0000K\", \"plain\""), 0, 0, "", "what was written");
    check(RECORD("7", "\"O\\u0000k\", \"plain\""), 0, 1, "7/0.1=O\xc0\x80k ", "another text behind U+0000");
    check(RECORD("7", "\"O\\u0000K\""), 0, 1, "7/0.2=NULL ", "a turn that is gone");
    check(RECORD("7", "null, 5"), 0, 2, "7/0.1=NULL 7/0.2=NULL ", "turns that are no texts");
    check("{\"question_id\": 7}\n", 0, 2, "7/0.1=NULL 7/0.2=NULL ", "no choices");
    check(RECORD("7", "\"x\"") RECORD("7", "\"O\\u0000K\", \"plain\""), 0, 0, "", "the last line counts");
    check(RECORD("8", "\"x\""), 0, 0, "", "another question");
    check(RECORD("8", "\"x\"") "{\"question_id\": 7, \"choices\": [}\n", -1, 0, ":2", "a broken line");
}

int main(void)
{
    snprintf(path, sizeof path, "/tmp/answer_file.%ld.jsonl", (long)getpid());
    snprintf(journal, sizeof journal, "/tmp/answer_file.%ld.journal", (long)getpid());
    test_record();
    test_none();
    test_order();
    test_nul();
    test_check();
    return done_testing();
}
