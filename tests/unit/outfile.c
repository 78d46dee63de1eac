/* outfile.c - a file that is written beside its place: its name comes with its last byte, whatever goes wrong before. */
#include "mtbench/outfile.h"

#include "folder.h"
#include "tap.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct err err;

static bool holds(const char *name, const char *text)
{
    struct buf b = {0};
    struct err none;
    const bool same = io_read(own(name), &b, &none) == 0 && b.len == strlen(text) && !memcmp(b.data, text, b.len);
    buf_free(&b);
    return same;
}

static int count_files(void)
{
    DIR *d = opendir(own_dir());
    int n = 0;
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void test_whole(void)
{
    own_put("page", "old");
    chmod(own("page"), 0640);
    struct outfile *f = outfile_begin(own("page"), &err);
    outfile_add(f, "one ", 4);
    outfile_add(f, "two", 3);
    ok(holds("page", "old"), "until the end the old bytes stand");
    ok(outfile_size(f) == 7, "and the size is known");
    ok(outfile_end(f, &err) == 0 && holds("page", "one two"), "then the new ones");
    struct stat st;
    ok(stat(own("page"), &st) == 0 && (st.st_mode & 0777) == 0640, "with the mode of the old file");
    f = outfile_begin(own("page"), &err);
    outfile_add(f, "three", 5);
    outfile_drop(f);
    ok(holds("page", "one two") && count_files() == 1, "who gives up leaves the old file and nothing beside it");
}

static void test_large(void)
{
    char block[70000];
    struct stat st;
    memset(block, 'x', sizeof block);
    struct outfile *f = outfile_begin(own("large"), &err);
    for (int i = 0; i < 100; i++)
        outfile_add(f, block, sizeof block);
    ok(outfile_end(f, &err) == 0 && stat(own("large"), &st) == 0 && st.st_size == 7000000, "7 MB in pieces");
    remove(own("large"));
}

/* A limit of the process stands for a disk that is full. */
static void test_full(void)
{
    struct rlimit old, small = { 1 << 20, 1 << 20 };
    char block[1 << 16] = "x";
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    struct outfile *f = outfile_begin(own("page"), &err);
    for (int i = 0; i < 64; i++)
        outfile_add(f, block, sizeof block);
    const int rc = outfile_end(f, &err);
    setrlimit(RLIMIT_FSIZE, &old);
    ok(rc == -1 && err.kind == ERR_IO && strstr(err.text, "page: cannot write: "), "no room: %s", err.text);
    ok(holds("page", "one two") && count_files() == 1, "the old file stands, and nothing is beside it");
}

static void test_links(void)
{
    ok(symlink(own("page"), own("link")) == 0, "a link");
    struct outfile *f = outfile_begin(own("link"), &err);
    outfile_add(f, "four", 4);
    struct stat st;
    ok(outfile_end(f, &err) == 0 && holds("page", "four"), "gets its target written");
    ok(lstat(own("link"), &st) == 0 && S_ISLNK(st.st_mode), "and stays a link");
    remove(own("link"));
}

static void test_places(void)
{
    struct stat st;
    ok(!outfile_begin(own_dir(), &err) && strstr(err.text, "is a folder"), "a folder: %s", err.text);
    ok(!outfile_begin(own("new/"), &err) && strstr(err.text, "is a folder"), "a name that means one: %s", err.text);
    ok(!outfile_begin(own("none/page"), &err) && strstr(err.text, "cannot write"), "no folder: %s", err.text);
    mkfifo(own("pipe"), 0600);
    const int fd = open(own("pipe"), O_RDONLY | O_NONBLOCK);
    char got[8] = "";
    struct outfile *f = outfile_begin(own("pipe"), &err);
    outfile_add(f, "five", 4);
    ok(f && outfile_end(f, &err) == 0 && read(fd, got, 8) == 4 && !strcmp(got, "five"), "a pipe gets it as it comes");
    ok(lstat(own("pipe"), &st) == 0 && S_ISFIFO(st.st_mode), "and stays one");
    close(fd);
    f = outfile_begin("/dev/full", &err);
    outfile_add(f, "six", 3);
    ok(f && outfile_end(f, &err) == -1 && strstr(err.text, "/dev/full: cannot write"), "a device that is full: %s", err.text);
}

int main(void)
{
    test_whole();
    test_large();
    test_full();
    test_links();
    test_places();
    return done_testing();
}
