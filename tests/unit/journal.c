/* journal.c - the record of finished turns: what was synced is found again, a torn line is cut off, a second writer and a changed run are
 * refused, and a full disk loses nothing that was synced. */
#include "mtbench/journal.h"

#include "mtbench/io.h"
#include "mtbench/log.h"

#include "tap.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[] = "/tmp/mtbench-journal-XXXXXX", path[100], log_path[100];
static struct err err;

static struct manifest manifest(const char *sampler)
{
    struct manifest m = {0};
    manifest_add(&m, true, "model_sha256", "%s", "abc");
    manifest_add(&m, true, "sampler", "%s", sampler);
    manifest_add(&m, false, "program", "%s", sampler);      /* no identity: may change */
    return m;
}

static struct turn_record turn(int64_t question, int choice, int number, const char *text)
{
    return (struct turn_record){
        .question_id = question,
        .choice = choice,
        .turn = number,
        .text = text,
        .finish = "stop",
        .question_sha256 = "q",
        .prompt_sha256 = "p",
        .n_prompt = 10,
        .n_new = 20,
        .n_reused = 5,
        .temperature = 0.7,
        .top_p = 0.9,
        .min_p = 0.1,
        .repetition_penalty = 1.1,
        .top_k = 50,
        .seconds = 1.25,
        .tstamp = 1686286924.844282,
        .rank = 3,
        .energy_j = 12.5,
    };
}

static struct journal *open_journal(const char *sampler, bool fresh)
{
    struct manifest m = manifest(sampler);
    err = (struct err){0};
    if (fresh && unlink(path) < 0 && errno != ENOENT)
        return NULL;
    struct journal *j = journal_open(path, &m, &err);
    if (j && journal_begin(j, &m, &err) < 0) {
        journal_close(j);
        j = NULL;
    }
    manifest_free(&m);
    return j;
}

static bool same(const struct turn_record *a, const struct turn_record *b)
{
    return a && a->question_id == b->question_id && a->choice == b->choice && a->turn == b->turn && a->status == b->status &&
           !strcmp(a->text, b->text) && (a->finish ? b->finish && !strcmp(a->finish, b->finish) : !b->finish) &&
           !strcmp(a->question_sha256, b->question_sha256) && !strcmp(a->prompt_sha256, b->prompt_sha256) && a->n_prompt == b->n_prompt &&
           a->n_new == b->n_new && a->n_reused == b->n_reused && a->temperature == b->temperature && a->top_p == b->top_p &&
           a->min_p == b->min_p && a->repetition_penalty == b->repetition_penalty && a->top_k == b->top_k && a->seconds == b->seconds &&
           a->tstamp == b->tstamp && a->rank == b->rank && a->energy_j == b->energy_j &&
           (a->reason ? b->reason && !strcmp(a->reason, b->reason) : !b->reason);
}

static void test_records(void)
{
    struct turn_record t = turn(-9007199254740991, 7, 2, "a\n\"\u00e9\" \U0001f600"), failed = turn(5, 0, 1, ""), *back;
    struct buf b = {0};
    turn_put(&b, &t);
    ok((back = turn_parse(b.data, b.len, &err)) && same(back, &t) && !strchr(b.data, '\n'), "a turn there and back: %s", b.data);
    free(back);
    buf_clear(&b);
    failed.status = TURN_TOO_LONG;
    failed.finish = NULL;
    failed.reason = "prompt: too long";
    failed.energy_j = 0;
    turn_put(&b, &failed);
    ok(!strstr(b.data, "energy"), "what was not measured has no number");
    ok((back = turn_parse(b.data, b.len, &err)) && same(back, &failed), "a failed one");
    free(back);
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"question_id\": 1, \"turn\": 1, \"status\": \"ok\"}",
        "{\"question_id\": 1, \"turn\": 0, \"text\": \"\", \"status\": \"ok\"}",
        "{\"question_id\": 1, \"turn\": 1, \"text\": \"\"}",
        "{\"question_id\": 1, \"turn\": 1, \"text\": \"\", \"status\": \"fine\"}",
        "{\"question_id\": 1e300, \"turn\": 1, \"text\": \"\", \"status\": \"ok\"}",
        "{\"question_id\": 1.5, \"turn\": 1, \"text\": \"\", \"status\": \"ok\"}",
        "{\"question_id\": \"1\", \"turn\": 1, \"text\": \"\", \"status\": \"ok\"}",
        "{\"question_id\": 1, \"turn\": 1, \"text\": 5, \"status\": \"ok\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!turn_parse(bad[i], strlen(bad[i]), &err) && err.kind == ERR_FORMAT, "refused: %s: %s", bad[i], err.text);
    buf_free(&b);
}

static void test_resume(void)
{
    struct journal *j = open_journal("greedy", false);
    struct turn_record a = turn(81, 0, 1, "first"), b = turn(81, 0, 2, "second"), c = turn(82, 0, 1, "");
    ok(j && !journal_find(j, 81, 0, 1), "a new journal is empty");
    journal_append(j, &a);
    journal_append(j, &b);
    c.status = TURN_FAILED;
    c.reason = "no memory";
    journal_append(j, &c);
    ok(same(journal_find(j, 81, 0, 2), &b), "what was taken in is found at once");
    ok(journal_sync(j, &err) == 0, "synced");
    c = turn(83, 0, 1, "lost");
    journal_append(j, &c);
    journal_close(j);                                       /* not synced: does not count */
    j = open_journal("greedy", false);
    ok(j && same(journal_find(j, 81, 0, 1), &a) && same(journal_find(j, 81, 0, 2), &b), "synced turns are found after a restart");
    ok(!journal_find(j, 82, 0, 1) && !journal_find(j, 83, 0, 1) && !journal_find(j, 81, 1, 1), "failed and unsynced ones are not");
    c = turn(82, 0, 1, "now it went well");
    journal_append(j, &c);
    a.text = "again";
    journal_append(j, &a);
    journal_sync(j, &err);
    journal_close(j);
    j = open_journal("greedy", false);
    ok(j && same(journal_find(j, 82, 0, 1), &c), "a turn that failed first can be finished later");
    ok(j && same(journal_find(j, 81, 0, 1), &a), "of two records of a turn the later one counts");
    journal_close(j);
}

static void test_peek(void)
{
    struct journal *none = journal_peek(NULL, NULL, &err), *missing = journal_peek("none/such.journal", NULL, &err),
                   *j = open_journal("other sampler", true);
    ok(none && missing && !journal_find(missing, 81, 0, 1) && journal_rate(none) == 0, "a journal that is not there is empty to the eye");
    journal_close(none);
    journal_close(missing);
    static const struct { double tstamp, seconds; int n_new; } made[] = { { 105, 10, 50 }, { 100, 10, 50 }, { 1005, 5, 100 } };
    for (int i = 0; i < 3; i++) {
        struct turn_record t = turn(90 + i, 0, 1, "a");
        t.tstamp = made[i].tstamp;
        t.seconds = made[i].seconds;
        t.n_new = made[i].n_new;
        journal_append(j, &t);
    }
    journal_sync(j, &err);
    struct journal *seen = journal_peek(path, NULL, &err);        /* while its writer has it open, and whatever it was made with */
    ok(seen && journal_find(seen, 91, 0, 1) && !journal_find(seen, 93, 0, 1), "the turns of a run under way are seen");
    ok(seen && journal_rate(seen) == 200.0 / 20, "200 tokens in the 20 s in which turns were made");
    journal_close(seen);
    journal_close(j);
}

struct listed {
    struct buf text;
    int stop;
};

static int list_one(void *ctx, const struct turn_record *t, bool counts)
{
    struct listed *l = ctx;
    buf_printf(&l->text, "%lld.%d.%d%s%s ", (long long)t->question_id, t->choice, t->turn, t->status == TURN_OK ? "" : "-",
               counts ? "!" : "");
    return --l->stop == 0 ? 5 : 0;
}

/* A line of another rank goes into the file as the bytes it is; each() tells all records in order and which of them count. */
static void test_lines(void)
{
    struct journal *j = open_journal("other", true);
    static const char foreign[] =
        "{\"turn\": 1,  \"question_id\": 7, \"choice\": 2, \"status\": \"ok\", \"text\": \"\\u00e9\", \"rank\": 5, \"more\": [1]}";
    const struct turn_record *t = journal_append_line(j, foreign, strlen(foreign), &err);
    ok(t && !strcmp(t->text, "\u00e9") && t->rank == 5 && journal_find(j, 7, 2, 1) == t, "a line is taken in, and its record found");
    ok(!journal_append_line(j, "{\"turn\": 1}", 11, &err) && !journal_append_line(j, foreign, strlen(foreign) - 1, &err) &&
           err.kind == ERR_FORMAT,
       "what is no record is not: %s", err.text);
    static const char two[] = "{\"turn\": 1, \"question_id\": 8, \"status\": \"ok\",\n\"text\": \"\"}";
    ok(!journal_append_line(j, two, strlen(two), &err) && err.kind == ERR_FORMAT && !journal_find(j, 8, 0, 1), "nor are two lines: %s",
       err.text);
    struct turn_record a = turn(9, 0, 1, "a"), failed = turn(9, 0, 1, "");
    failed.status = TURN_FAILED;
    journal_append(j, &failed);
    journal_append(j, &a);
    journal_append(j, &a);
    journal_append(j, &failed);
    ok(journal_sync(j, &err) == 0, "synced");
    struct listed l = {0};
    buf_str(&l.text, "");
    ok(journal_records(j) == 5 && journal_each(j, list_one, &l) == 0 && !strcmp(l.text.data, "7.2.1! 9.0.1- 9.0.1 9.0.1! 9.0.1- "),
       "in order: %s", l.text.data);
    ok(same(journal_find(j, 9, 0, 1), &a), "the last one that is ok counts, whatever failed behind it");
    buf_clear(&l.text);
    l.stop = 2;
    ok(journal_each(j, list_one, &l) == 5 && !strcmp(l.text.data, "7.2.1! 9.0.1- "), "and it ends when it is told to");
    journal_close(j);
    struct buf b = {0};
    io_read(path, &b, &err);
    ok(strstr(b.data, foreign) && strstr(b.data, foreign)[strlen(foreign)] == '\n', "the line stands in the file as it came");
    buf_free(&b);
    buf_free(&l.text);
}

static bool opens(const char *bytes, size_t n)
{
    io_replace(path, bytes, n, &err);
    struct journal *j = open_journal("greedy", false);
    bool good = j != NULL;
    journal_close(j);
    return good;
}

/* Another's file, another kind, another version, damage inside and a torn end are five things, and are told apart. */
static void test_told_apart(void)
{
    struct manifest m = manifest("greedy");
    struct buf head = {0}, plain = {0}, whole = {0}, file = {0};
    struct turn_record t = turn(1, 0, 1, "a");
    manifest_put_head(&head, "turns", &m);
    manifest_put(&plain, &m);
    turn_put(&whole, &t);
    ok(!opens("# notes\n", 8) && strstr(err.text, "m.journal: is no journal of mtbench"), "a file of somebody: %s", err.text);
    ok(!opens("{\"a\": 1}\n", 9) && strstr(err.text, "is no journal of mtbench"), "JSON of somebody");
    io_read(path, &file, &err);
    ok(file.len == 9 && !memcmp(file.data, "{\"a\": 1}\n", 9), "it is left as it was");
    manifest_put_head(&file, "calls", &m);
    buf_char(&file, '\n');
    ok(!opens(file.data + 9, file.len - 9) && strstr(err.text, "is a journal of calls and not of turns"), "another kind: %s", err.text);
    buf_clear(&file);
    buf_printf(&file, "{\"journal\": \"turns\", \"version\": 2, %s\n", plain.data + 1);
    ok(!opens(file.data, file.len) && strstr(err.text, "is a journal of another version (2, this program knows 1)"), "another version: %s",
       err.text);
    buf_clear(&file);
    buf_printf(&file, "%s\n%s\n", plain.data, whole.data);
    ok(opens(file.data, file.len), "one that was written before there were kinds is read: %s", err.text);
    buf_clear(&file);
    buf_printf(&file, "%s\n\n%s\n%.40s\n%s\n", head.data, whole.data, whole.data, whole.data);
    struct journal *j = NULL;
    struct turn_record behind = turn(1, 0, 2, "behind");
    buf_clear(&file);
    buf_printf(&file, "%s\n\n%.40s\n%s\n", head.data, whole.data, whole.data);
    buf_add(&file, "\0\0\0garbage\n", 11);
    turn_put(&file, &behind);
    buf_char(&file, '\n');
    io_replace(path, file.data, file.len, &err);
    log_init(LOG_NORMAL, 1, log_path);
    j = open_journal("greedy", false);
    log_init(LOG_NORMAL, 1, NULL);
    buf_clear(&plain);
    io_read(log_path, &plain, &err);
    ok(j && strstr(plain.data, "m.journal:3: the journal is damaged here") &&
           strstr(plain.data, "m.journal:5: the journal is damaged here"),
       "half a line and zeros inside are told, with their places: %s", plain.data);
    ok(j && journal_records(j) == 2 && journal_find(j, 1, 0, 1) && journal_find(j, 1, 0, 2), "what is sound before and behind them counts");
    if (j) {
        behind = turn(1, 0, 3, "new");
        journal_append(j, &behind);
    }
    ok(j && journal_sync(j, &err) == 0, "and the run goes on");
    journal_close(j);
    j = journal_peek(path, NULL, &err);
    ok(j && journal_records(j) == 3 && journal_find(j, 1, 0, 3), "behind them");
    journal_close(j);
    buf_clear(&plain);
    manifest_put(&plain, &m);
    buf_clear(&file);
    buf_printf(&file, "%s\n%s\n", head.data, whole.data);
    size_t good = file.len;
    for (int i = 0; i < 600; i++)
        buf_char(&file, '\0');
    ok(opens(file.data, file.len), "a tail of zeros, as a machine leaves that lost its power, is a torn line: %s", err.text);
    buf_clear(&plain);
    io_read(path, &plain, &err);
    ok(plain.len == good && !memcmp(plain.data, file.data, good), "and is cut off");
    buf_char(&file, '\n');
    ok(opens(file.data, file.len), "zeros that somebody wrote behind are damage, and what is before them counts");
    buf_free(&head), buf_free(&plain), buf_free(&whole), buf_free(&file);
    manifest_free(&m);
    unlink(path);
}

/* Cut the file at both sides of every line's end and at many bytes between: what was whole is found, the rest is cut off, and appending
 * goes on. */
static void test_torn(void)
{
    struct buf whole = {0};
    int wrong = 0;
    io_read(path, &whole, &err);
    const char *first = strchr(whole.data, '\n') + 1, *second = strchr(first, '\n') + 1;
    size_t end_first = (size_t)(first - whole.data), end_second = (size_t)(second - whole.data);
    for (size_t cut = 0; cut <= whole.len; cut++) {
        bool edge = cut == 0 || cut == whole.len || whole.data[cut - 1] == '\n' || whole.data[cut] == '\n';
        if (!edge && cut % 23)
            continue;
        io_replace(path, whole.data, cut, &err);
        struct journal *j = open_journal("greedy", false);
        struct turn_record t = turn(99, 0, 1, "new");
        if (!j) {
            wrong++;
            continue;
        }
        wrong += (journal_find(j, 81, 0, 1) != NULL) != (cut >= end_second);
        journal_append(j, &t);
        wrong += journal_sync(j, &err) != 0;
        journal_close(j);
        struct buf now = {0};
        io_read(path, &now, &err);
        size_t kept = cut >= end_first ? cut : 0;
        while (kept > end_first && whole.data[kept - 1] != '\n')
            kept--;
        wrong += now.len < kept || memcmp(now.data, whole.data, kept) || now.data[now.len - 1] != '\n';
        buf_free(&now);
        j = open_journal("greedy", false);
        wrong += !j || !same(journal_find(j, 99, 0, 1), &t);
        journal_close(j);
    }
    ok(wrong == 0, "cut at many of %zu bytes: whole lines stay, torn ones go, the next run goes on", whole.len);
    io_replace(path, whole.data, whole.len, &err);
    buf_free(&whole);
}

static void test_refusals(void)
{
    ok(!open_journal("top_k 7", false) && err.kind == ERR_USAGE && strstr(err.text, "sampler was greedy and is top_k 7") &&
           !strstr(err.text, "program"),
       "another sampler: %s", err.text);
    struct journal *j = open_journal("greedy", false);
    pid_t child = fork();
    if (child == 0)
        _exit(!open_journal("greedy", false) && err.kind == ERR_BUSY && strstr(err.text, "another run (process") ? 0 : 1);
    int status = 1;
    waitpid(child, &status, 0);
    ok(status == 0, "a second process is refused while the first holds it");
    journal_close(j);
    struct buf b = {0};
    io_read(path, &b, &err);
    memcpy(strchr(b.data, '\n') + 1, "garbage", 7);
    io_replace(path, b.data, b.len, &err);
    j = open_journal("greedy", false);
    ok(j != NULL, "damage inside is gone on with: %s", err.text);
    journal_close(j);
    struct buf after = {0};
    io_read(path, &after, &err);
    ok(after.len == b.len && !memcmp(after.data, b.data, b.len), "and the file is as it was");
    buf_free(&b);
    buf_free(&after);
}

static void test_full_disk(void)
{
    struct rlimit before, small;
    struct journal *j = open_journal("top_k 7", true);
    struct turn_record t = turn(81, 0, 1, "kept"), big = turn(82, 0, 1, "");
    char text[6000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    big.text = text;
    journal_append(j, &t);
    journal_sync(j, &err);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){ 4096, before.rlim_max };
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    journal_append(j, &big);
    ok(journal_sync(j, &err) == -1 && err.kind == ERR_IO && strstr(err.text, ".journal: cannot write: File too large; make room"),
       "no room: %s", err.text);
    journal_close(j);
    setrlimit(RLIMIT_FSIZE, &before);
    struct stat st;
    stat(path, &st);
    j = open_journal("top_k 7", false);
    ok(st.st_size < 4096 && j && same(journal_find(j, 81, 0, 1), &t) && !journal_find(j, 82, 0, 1),
       "the turn before is there, no half line is");
    journal_append(j, &big);
    ok(journal_sync(j, &err) == 0, "with room it goes on");
    journal_close(j);
}

/* What is known before the weights are read is compared when the journal is opened, the rest before the first turn. */
static void test_manifest_in_two_steps(void)
{
    struct manifest part = {0}, whole = manifest("top_k 7"), other = manifest("top_k 7");
    struct buf line = {0};
    manifest_add(&part, true, "sampler", "%s", "top_k 7");
    manifest_add(&other, true, "model_sha256", "%s", "def");
    manifest_put_head(&line, "turns", &whole);
    struct journal *j = journal_open(path, &part, &err);
    ok(j && journal_find(j, 81, 0, 1) && !strcmp(journal_manifest(j), line.data), "an open journal has its turns and its manifest");
    ok(journal_begin(j, &other, &err) == -1 && err.kind == ERR_USAGE && strstr(err.text, "model_sha256 was abc and is def"),
       "another model: %s", err.text);
    ok(journal_begin(j, &whole, &err) == 0, "the same model");
    journal_close(j);
    unlink(path);
    j = journal_open(path, &part, &err);
    ok(j && !journal_manifest(j) && journal_begin(j, &whole, &err) == 0 && !strcmp(journal_manifest(j), line.data),
       "a new journal gets it as its first line");
    journal_close(j);
    manifest_free(&part);
    manifest_free(&whole);
    manifest_free(&other);
    buf_free(&line);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/sub/m.journal", dir);
    snprintf(log_path, sizeof log_path, "%s/log", dir);
    test_records();
    test_resume();
    test_torn();
    test_refusals();
    test_full_disk();
    test_manifest_in_two_steps();
    test_peek();
    test_lines();
    test_told_apart();
    char *p = journal_path("a/m.jsonl"), *q = journal_path("a/m.txt"), *r = journal_path(".jsonl");
    ok(!strcmp(p, "a/m.journal") && !strcmp(q, "a/m.txt.journal"), "names: %s, %s, %s", p, q, r);
    free(p);
    free(q);
    free(r);
    unlink(path);
    snprintf(path, sizeof path, "%s/sub", dir);
    rmdir(path);
    unlink(log_path);
    ok(rmdir(dir) == 0, "no other file was left");
    return done_testing();
}
