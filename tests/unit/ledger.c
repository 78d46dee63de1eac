/* ledger.c - the file of lines: what was synced is there after any end, one writer at a time, a torn line goes. */
#include "folder.h"
#include "tap.h"

#include "src/bench/ledger.h"

#include "mtbench/io.h"
#include "mtbench/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[512];
static bool no_locks;                    /* as on Lustre mounted without flock */

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (no_locks && (command == F_SETLK || command == F_GETLK)) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, arg);
}

static int flushes, bad_flush;           /* of the shared file; the number of the one that fails, from 1 */

int fdatasync(int fd)
{
    char link[64], name[600] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const bool shared = readlink(link, name, sizeof name - 1) > 0 && !strcmp(name, path);
    if (shared && ++flushes == bad_flush) {
        if (ftruncate(fd, 4) < 0)        /* as if the pages behind were lost: they are clean, and the next flush succeeds */
            abort();
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

struct seen { int n; size_t last; struct buf text; int refuse; };

static int see(void *ctx, int number, size_t at, struct slice line, struct err *err)
{
    struct seen *s = ctx;
    if (number == s->refuse)
        return err_set(err, ERR_FORMAT, "refused");
    s->n = number;
    s->last = at;
    buf_add(&s->text, line.ptr, line.len);
    buf_char(&s->text, '|');
    return 0;
}

static struct ledger *open_it(struct seen *s, bool fresh, struct err *err)
{
    buf_free(&s->text);
    *s = (struct seen){ .refuse = s->refuse };
    if (fresh && ledger_put_aside(path, (const char *const[]){ NULL }, "at it", err) < 0)
        return NULL;
    return ledger_open(&(struct ledger_opts){ .path = path, .busy = "at it", .replay = see, .ctx = s }, err);
}

static void put(const char *bytes, const char *mode)
{
    FILE *f = fopen(path, mode);
    fputs(bytes, f);
    fclose(f);
}

static void is_file(const char *want, const char *what)
{
    struct buf b = {0};
    struct err err;
    ok(io_read(path, &b, &err) == 0 && !strcmp(b.data, want), "%s", what);
    buf_free(&b);
}

static int second_writer_is_refused(void)
{
    pid_t child = fork();
    int status = 0;
    if (child == 0) {
        struct seen s = {0};
        struct err err = {0};
        struct ledger *l = open_it(&s, false, &err);
        _exit(!l && err.kind == ERR_BUSY && strstr(err.text, "at it") ? 7 : 1);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status) == 7;
}

/* Is it the last line of the file of this name? Another start may have come and gone between the putting aside and
 * the opening. Read by a child: closing the file here would drop our lock. */
static bool child_reads_last(const char *want)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0) {
        struct buf b = {0};
        const size_t n = strlen(want);
        _exit(io_read(path, &b, NULL) == 0 && b.len >= n && !memcmp(b.data + b.len - n, want, n) &&
                      (b.len == n || b.data[b.len - n - 1] == '\n') ? 0 : 1);
    }
    waitpid(child, &status, 0);
    return status == 0;
}

/* One of several that start anew over and over: what it has written stays in its place as long as it holds the file. Exits 1 if not. */
static void race(int me)
{
    int lost = 0;
    for (int i = 0; i < 50; i++) {
        struct seen s = {0};
        struct ledger *l = open_it(&s, true, NULL);
        char line[32], want[33];
        int n = snprintf(line, sizeof line, "%d %d", me, i);
        if (!l)
            continue;                    /* somebody else has it */
        snprintf(want, sizeof want, "%s\n", line);
        ledger_add(l, line, (size_t)n);
        lost += ledger_sync(l, NULL) != 0 || !child_reads_last(want);
        ledger_close(l);
    }
    _exit(lost != 0);
}

static void test_race(void)
{
    pid_t child[6];
    int lost = 0;
    for (int i = 0; i < 6; i++)
        if ((child[i] = fork()) == 0)
            race(i);
    for (int i = 0; i < 6; i++) {
        int status = 1;
        waitpid(child[i], &status, 0);
        lost += status != 0;
    }
    for (int i = 1; i <= 400; i++) {
        char old[600];
        snprintf(old, sizeof old, "%s.old%d", path, i);
        unlink(old);
    }
    ok(lost == 0, "of many that start anew at once none takes another's file away");
}

static int see_first(void *ctx, int number, size_t at, struct slice line, struct err *err)
{
    (void)ctx, (void)number, (void)at, (void)line, (void)err;
    return 1;
}

/* Files that are not as a ledger leaves them. */
static void test_odd_files(void)
{
    struct seen s = {0};
    struct err err = {0};
    char target[600], old[600], want[600] = "";
    snprintf(path, sizeof path, "%s", own("odd"));
    put("one\ntwo\ntorn", "w");
    struct ledger *l = ledger_open(&(struct ledger_opts){ .path = path, .busy = "at it", .replay = see_first }, &err);
    ok(l && !ledger_empty(l), "a reader that has seen enough");
    ledger_close(l);
    is_file("one\ntwo\n", "leaves the lines that it did not see");
    const struct ledger_opts headed = { .path = path, .busy = "at it", .replay = see, .ctx = &s, .head = "{\"journal\": " };
    put("notes of somebody, in one line", "w");
    ok(!ledger_open(&headed, &err) && err.kind == ERR_FORMAT && strstr(err.text, "is no journal"), "another file: %s", err.text);
    is_file("notes of somebody, in one line", "is left as it is");
    put("{\"jour", "w");
    l = ledger_open(&headed, &err);
    ok(l && ledger_empty(l), "a first line that was torn is cut off");
    ledger_close(l);
    put(" \n\n", "w");
    l = open_it(&s, false, &err);
    ok(l && ledger_empty(l), "blanks are no line");
    ledger_add(l, "one", 3);
    ok(ledger_sync(l, &err) == 0, "and the first line");
    is_file("one\n", "comes in their place");
    put("theirs\n", "a");                /* as on a file system without locks */
    ledger_add(l, "ours", 4);
    ok(ledger_sync(l, &err) < 0 && err.kind == ERR_BUSY && strstr(err.text, "another run writes"),
       "a second writer is noticed: %s", err.text);
    ledger_close(l);
    is_file("one\ntheirs\n", "and its lines stay");
    unlink(path);
    l = open_it(&s, false, &err);
    put("theirs\n", "a");
    ledger_close(l);
    is_file("theirs\n", "closing an empty one takes no line of another away");
    snprintf(target, sizeof target, "%s.target", path);
    snprintf(old, sizeof old, "%s.old1", path);
    ok(rename(path, target) == 0 && symlink(target, path) == 0, "a link to a file");
    l = open_it(&s, true, &err);
    ok(l && ledger_empty(l) && s.n == 0, "starts anew like the file itself");
    ok(readlink(old, want, sizeof want - 1) > 0 && !strcmp(want, target), "since the link was put aside: %s", want);
    ledger_close(l);
    unlink(old), unlink(target);
    buf_free(&s.text);
}

/* What a child that opens the file is told; "": it may. */
static const char *told(const char *array_task)
{
    static char text[480];
    int to[2];
    if (pipe(to) < 0)
        return "no pipe";
    pid_t child = fork();
    if (child == 0) {
        struct seen s = {0};
        struct err err = {0};
        setenv("SLURM_ARRAY_JOB_ID", "812", 1);
        setenv("SLURM_ARRAY_TASK_ID", array_task, 1);
        const bool may = open_it(&s, false, &err) != NULL;
        _exit(write(to[1], may ? "" : err.text, may ? 0 : strlen(err.text)) < 0);
    }
    close(to[1]);
    const ssize_t n = read(to[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    close(to[0]);
    waitpid(child, NULL, 0);
    return text;
}

static struct ledger *open_fast(struct seen *s, const char *fast, struct err *err)
{
    buf_free(&s->text);
    *s = (struct seen){ 0 };
    return ledger_open(&(struct ledger_opts){ .path = path, .fast = fast, .busy = "at it", .replay = see, .ctx = s }, err);
}

/* A flush of the shared file that fails takes lines along which only the copy has: they are written once more, or the copy stays. */
static void test_fast(void)
{
    struct seen s = {0};
    struct err err = {0};
    char fast[600], *real = realpath(own(""), NULL);
    snprintf(path, sizeof path, "%s/shared", real ? real : "");
    snprintf(fast, sizeof fast, "%s/copy", real ? real : "");
    free(real);
    for (int pass = 0; pass < 2; pass++) {
        unlink(path), unlink(fast);
        flushes = bad_flush = 0;
        struct ledger *l = open_fast(&s, fast, &err);
        ledger_add(l, "one", 3);
        ok(l && ledger_sync(l, &err) == 0 && flushes == 1, "the first line is flushed");
        ledger_add(l, "two", 3);
        ok(ledger_sync(l, &err) == 0 && flushes == 1, "the second one counts, as the copy has it");
        bad_flush = 2;
        ok(ledger_flush(l, &err) < 0 && err.kind == ERR_IO, "a flush that fails: %s", err.text);
        bad_flush = pass ? 3 : 0;
        ledger_close(l);
        if (pass) {
            ok(access(fast, F_OK) == 0, "fails again at the end: the copy stays");
            l = open_fast(&s, fast, &err);
            ok(l && s.n == 2, "and gives back what the file lacks");
            ledger_close(l);
        } else
            ok(access(fast, F_OK) != 0, "is made good at the end, and the copy goes");
        is_file("one\ntwo\n", "nothing is lost");
    }
    unlink(path);
    bad_flush = 0;
    buf_free(&s.text);
}

static void word_of(const char *text)
{
    char name[600];
    snprintf(name, sizeof name, "%s.holder", path);
    unlink(name);
    ok(symlink(text, name) == 0, "the word of %s", text);
}

static void holders(void)
{
    struct seen s = {0};
    struct err err = {0};
    char name[600], who[64], host[256] = "", text[512];
    struct stat st;
    gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "%s.holder", path);
    snprintf(who, sizeof who, "another run (process %ld on ", (long)getpid());
    for (int pass = 0; pass < 2; pass++) {
        no_locks = pass == 1;
        struct ledger *l = open_it(&s, false, &err);
        const char *said = told("6");
        ok(l && strstr(said, who) && strstr(said, "task 6 of array 812)"), "%s locks both are named: %s", no_locks ? "without" : "with",
           said);
        ledger_add(l, "line", 4);
        ok(ledger_sync(l, &err) == 0 && lstat(name, &st) == 0, "the first one goes on, and its word stays");
        ledger_close(l);
        ok(lstat(name, &st) < 0, "until it ends");
        snprintf(text, sizeof text, "process %ld at 1 on %s, job 812_5, start 1", (long)getpid(), host);
        word_of(text);
        ok(!*told("6"), "of a process that was killed, and whose number is another's now, nobody minds the word");
    }
    word_of("process 77 at 1 on elsewhere, job 812_5, start 1");
    const char *said = told("6");
    ok(strstr(said, "process 77 on elsewhere, task 5 of array 812") && strstr(said, "remove") && strstr(said, ".holder"),
       "without locks, a writer on another machine: %s", said);
    setenv("SLURM_RESTART_COUNT", "1", 1);
    ok(!*told("5"), "is not waited for by its own job, requeued");
    unsetenv("SLURM_RESTART_COUNT");
    word_of("process 77 at 1 on elsewhere, job 812_5, start 1");
    const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
    utimensat(AT_FDCWD, name, old, AT_SYMLINK_NOFOLLOW);
    ok(*told("6"), "nor passed over while its lines are young");
    utimensat(AT_FDCWD, path, old, 0);
    ok(!*told("6"), "but after a long silence");
    word_of("../../no/holder");
    ok(!*told("6"), "words that are none are passed over");
    struct ledger *l = open_it(&s, false, &err);
    word_of("process 77 at 1 on elsewhere, job 9, start 1");
    put("theirs\n", "a");
    ledger_add(l, "ours", 4);
    ok(ledger_sync(l, &err) < 0 && strstr(err.text, "(process 77 on elsewhere, job 9)"), "who wrote in between is named: %s", err.text);
    ledger_close(l);
    ok(lstat(name, &st) == 0, "and keeps its word");
    no_locks = false;
    unlink(name), unlink(path);
    buf_free(&s.text);
}

int main(void)
{
    struct seen s = {0};
    struct err err = {0};
    snprintf(path, sizeof path, "%s", own("deep/file"));
    struct ledger *l = open_it(&s, false, &err);
    ok(l && ledger_empty(l) && s.n == 0, "a new file is made, with its folders");
    ok(second_writer_is_refused(),
       "a second process is refused and told who writes"); /* before we read the file: closing it drops the lock */
    ok(access(path, F_OK) == 0, "and takes nothing away");
    ledger_add(l, "lost", 4);
    ledger_close(l);
    ok(access(path, F_OK) != 0, "a file without a line does not stay");
    l = open_it(&s, false, &err);
    ledger_add(l, "one", 3);
    ledger_add(l, "two", 3);
    is_file("", "what was added waits for the sync");
    ok(ledger_sync(l, &err) == 0 && !ledger_empty(l), "sync");
    is_file("one\ntwo\n", "and then it is there");
    ledger_add(l, "lost", 4);
    ledger_close(l);
    is_file("one\ntwo\n", "what was not synced is dropped");
    put("thr", "a");
    struct seen peeked = {0};
    struct ledger_opts look = { .path = path, .replay = see, .ctx = &peeked };
    l = ledger_peek(&look, &err);
    ok(l && peeked.n == 2 && !strcmp(peeked.text.data, "one|two|"), "a look sees the whole lines");
    size_t at = l ? ledger_add(l, "more", 4) : 0;
    ok(l && slice_is(ledger_line(l, peeked.last, 3), "two") && slice_is(ledger_line(l, at, 4), "more"),
       "which can be read again where they stand, and one that is added");
    ok(l && ledger_sync(l, &err) == 0, "in memory alone:");
    ledger_close(l);
    is_file("one\ntwo\nthr", "nothing is written");
    buf_free(&peeked.text);
    peeked = (struct seen){ .refuse = 2 };
    struct buf said = {0};
    log_init(LOG_NORMAL, 1, own("log"));
    l = ledger_peek(&look, &err);
    log_init(LOG_NORMAL, 1, NULL);
    ok(l && peeked.n == 1 && !strcmp(peeked.text.data, "one|") && io_read(own("log"), &said, &err) == 0 &&
           strstr(said.data, "file:2: the journal is damaged here: refused; this record is passed over"),
       "a line that is refused is passed over, which is told with its place: %s", said.data);
    ledger_close(l);
    buf_free(&said);
    peeked.refuse = 1;
    ok(!ledger_peek(&look, &err) && strstr(err.text, "file: refused"), "a refused first line ends it: %s", err.text);
    peeked.refuse = 0;
    look.path = "none/such";
    l = ledger_peek(&look, &err);
    ok(l && ledger_empty(l) && access("none", F_OK), "where no file is there are no lines, and none is made");
    ledger_close(l);
    buf_free(&peeked.text);
    l = open_it(&s, false, &err);
    ok(l && s.n == 2 && !strcmp(s.text.data, "one|two|"), "replay sees the whole lines");
    ok(second_writer_is_refused(), "and did not lose the lock");
    is_file("one\ntwo\n", "the torn one is cut off");
    ledger_add(l, "three", 5);
    ok(ledger_sync(l, &err) == 0, "a line more");
    is_file("one\ntwo\nthree\n", "goes behind the others");
    ledger_close(l);
    s.refuse = 2;
    l = open_it(&s, false, &err);
    ok(l && !strcmp(s.text.data, "one|three|"), "a line that is refused is passed over, the sound one behind it is not: %s", s.text.data);
    ledger_add(l, "four", 4);
    ok(ledger_sync(l, &err) == 0, "a further line");
    ledger_close(l);
    is_file("one\ntwo\nthree\nfour\n", "goes behind them, and nothing is cut off");
    s.refuse = 1;
    ok(!open_it(&s, false, &err) && err.kind == ERR_FORMAT, "a first line that is refused ends the opening");
    is_file("one\ntwo\nthree\nfour\n", "and changes nothing");
    s.refuse = 0;
    l = open_it(&s, true, &err);
    ok(l && ledger_empty(l) && s.n == 0, "fresh starts anew");
    ledger_close(l);
    strcat(path, ".old1");
    is_file("one\ntwo\nthree\nfour\n", "and the old file is put aside");

    *strrchr(path, '.') = '\0';
    l = open_it(&s, false, &err);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 8, RLIM_INFINITY });
    ledger_add(l, "fits", 4);
    ok(ledger_sync(l, &err) == 0, "a line that fits");
    ledger_add(l, "does not", 8);
    ok(ledger_sync(l, &err) < 0 && err.kind == ERR_IO && strstr(err.text, "make room"), "a full disk is an error: %s", err.text);
    is_file("fits\n", "that leaves no part of a line");
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
    ok(ledger_sync(l, &err) == 0, "with room again");
    is_file("fits\ndoes not\n", "it goes on");
    ledger_close(l);
    buf_free(&s.text);
    test_race();
    test_odd_files();
    holders();
    test_fast();
    return done_testing();
}
