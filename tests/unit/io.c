/* io.c - files as wholes: replaced or untouched, never half. */
#include "mtbench/io.h"

#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64] = "/tmp/mtbench-io-XXXXXX";

static const char *in(const char *name)
{
    static char path[4][200];
    static int at;
    at = (at + 1) % 4;
    snprintf(path[at], sizeof path[at], "%s/%s", dir, name);
    return path[at];
}

static bool holds(const char *path, const char *want)
{
    struct buf b = {0};
    bool same = io_read(path, &b, NULL) == 0 && b.len == strlen(want) && !memcmp(b.data, want, b.len);
    buf_free(&b);
    return same;
}

static int entries(void)
{
    DIR *d = opendir(dir);
    int n = -2;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void test_replace(void)
{
    struct err err = {0};
    struct stat before, after;
    ok(io_replace(in("a"), "first", 5, &err) == 0 && holds(in("a"), "first"), "written");
    stat(in("a"), &before);
    int old = open(in("a"), O_RDONLY);
    char seen[8] = "";
    ok(io_replace(in("a"), "second", 6, &err) == 0 && holds(in("a"), "second"), "replaced");
    stat(in("a"), &after);
    ok(before.st_ino != after.st_ino && read(old, seen, 7) == 5 && !strcmp(seen, "first"), "who had it open still reads the old bytes");
    close(old);
    ok(io_replace(in("a"), "", 0, &err) == 0 && holds(in("a"), ""), "replaced by nothing");
    ok(entries() == 1, "nothing is left beside it");
}

/* A write that fails in the middle, by a limit on the size of files. */
static void test_new(void)
{
    struct err err;
    struct buf b = {0};
    io_replace(in("beside"), "one", 3, NULL);
    ok(io_put_new(in("beside"), in("new"), &err) == 0 && access(in("beside"), F_OK) < 0, "a new file gets its name");
    io_replace(in("beside"), "two", 3, NULL);
    ok(io_put_new(in("beside"), in("new"), &err) < 0 && err.kind == ERR_BUSY && io_read(in("new"), &b, NULL) == 0 &&
           !strcmp(b.data, "one") && access(in("beside"), F_OK) < 0, "but never another one's: %s", err.text);
    io_replace(in("beside"), "two", 3, NULL);
    ok(io_put_in_place(in("beside"), in("new"), &err) == 0, "which is put in place of it where that is meant");
    unlink(in("new"));
    buf_free(&b);
}

static void test_no_room(void)
{
    struct rlimit old, small = { 4096, RLIM_INFINITY };
    struct err err = {0};
    char big[10000];
    memset(big, 'x', sizeof big);
    io_replace(in("a"), "stays", 5, &err);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = io_replace(in("a"), big, sizeof big, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    ok(rc == -1 && err.kind == ERR_IO && strstr(err.text, "cannot write: File too large"), "no room: %s", err.text);
    ok(holds(in("a"), "stays") && entries() == 1, "the old file is untouched, and no half file is left");
}

static void test_refusals(void)
{
    struct err err = {0};
    struct buf b = {0};
    ok(io_read(in("none"), &b, &err) == -1 && strstr(err.text, "none: cannot open: No such file"), "no such file: %s", err.text);
    ok(io_read(dir, &b, &err) == -1 && strstr(err.text, "cannot read: Is a directory"), "a folder: %s", err.text);
    ok(io_replace(in("none/x"), "x", 1, &err) == -1 && strstr(err.text, "none/x: cannot write"), "no such folder: %s", err.text);
    mkdir(in("folder"), 0777);
    ok(io_replace(in("folder"), "x", 1, &err) == -1 && strstr(err.text, "folder: cannot rename"), "a folder in the way: %s", err.text);
    rmdir(in("folder"));
    ok(io_make_parents(in("a/b/c"), &err) == -1 && strstr(err.text, "cannot create the folder: Not a directory"), "a file in the way: %s",
       err.text);
    char name[400];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    ok(io_exists(in("none"), &err) == 0 && io_exists(name, &err) == 0 && io_exists(dir, &err) == 1,
       "what is not there, and a name that no file can have, are no errors");
    buf_free(&b);
}

static void test_parents(void)
{
    struct err err = {0};
    ok(io_make_parents(in("p/q//r/file"), &err) == 0 && access(in("p/q/r"), F_OK) == 0 && access(in("p/q/r/file"), F_OK) < 0,
       "folders are made, the file is not");
    ok(io_make_parents(in("p/q/r/file"), &err) == 0 && io_make_parents("file", &err) == 0, "made already, and none to make");
    io_sync_parent(in("p/q/r/file"));
    io_sync_parent("file");
    rmdir(in("p/q/r"));
    rmdir(in("p/q"));
    rmdir(in("p"));
}

static void heard(int signal)
{
    (void)signal;
}

/* A signal while a read waits, as a scheduler's warning comes: no error, and no byte lost. */
static void test_signal(void)
{
    struct buf b = {0};
    struct err err = {0};
    struct sigaction act = { .sa_handler = heard };          /* without SA_RESTART */
    struct itimerval soon = { { 0, 0 }, { 0, 50000 } };
    mkfifo(in("pipe"), 0600);
    pid_t child = fork();
    if (child == 0) {
        int fd = open(in("pipe"), O_WRONLY);
        usleep(300000);
        _exit(write(fd, "late", 4) != 4);
    }
    int keep = open(in("pipe"), O_RDONLY);           /* so that io_read()'s own open does not wait */
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    ok(io_read(in("pipe"), &b, &err) == 0 && b.len == 4 && !memcmp(b.data, "late", 4), "a signal in the middle of a read%s", err.text);
    waitpid(child, NULL, 0);
    close(keep);
    unlink(in("pipe"));
    buf_free(&b);
}

int main(void)
{
    struct buf b = {0};
    if (!mkdtemp(dir))
        return 1;
    test_replace();
    test_new();
    test_no_room();
    test_refusals();
    test_parents();
    test_signal();
    buf_str(&b, "kept ");
    io_replace(in("a"), "added", 5, NULL);
    ok(io_read(in("a"), &b, NULL) == 0 && !strcmp(b.data, "kept added"), "reading appends");
    buf_free(&b);
    unlink(in("a"));
    ok(rmdir(dir) == 0, "the folder is empty at the end");
    return done_testing();
}
