/* folderprobe.c - what a folder can do, tried on folders that can all, little and nothing. */
#include "folder.h"
#include "tap.h"

#include "mtbench/folderprobe.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>

static bool no_locks;

int fcntl(int fd, int command, ...)
{
    va_list ap;
    va_start(ap, command);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (no_locks && command == F_SETLK) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_fcntl, fd, command, arg);
}

static int entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

int main(void)
{
    struct folderprobe p;
    folderprobe(own_dir(), &p);
    ok(p.there && p.writable && p.locks && p.links && *p.system && p.room > 0, "a folder of our own: %s, %.0f MB free", p.system,
       (double)p.room / 1e6);
    ok(p.megabytes_per_second > 0 && p.flush >= 0 && p.clock_ahead > -5 && p.clock_ahead < 5, "%.0f MB/s, %.1f ms a flush, clock %+.3f s",
       p.megabytes_per_second, p.flush * 1e3, p.clock_ahead);
    ok(entries(own_dir()) == 2, "nothing is left in it");
    folderprobe(own("none/deep"), &p);
    ok(!p.there && p.writable && entries(own_dir()) == 2, "one that is not there could be made, and is not");
    folderprobe("/proc/none", &p);
    ok(!p.there && !p.writable && *p.why, "one that cannot be made: %s", p.why);
    own_put("file", "");
    folderprobe(own("file"), &p);
    ok(!p.there && !p.writable && *p.why, "a file is no folder: %s", p.why);
    folderprobe("", &p);
    ok(!p.there, "an empty name is none");
    char deep[900];
    int n = snprintf(deep, sizeof deep, "%s", own_dir());
    for (int i = 0; i < 3; i++) {        /* deeper than a message has room for */
        n += snprintf(deep + n, sizeof deep - (size_t)n, "/%0200d", i);
        mkdir(deep, 0700);
    }
    folderprobe(deep, &p);
    ok(p.there && p.writable && p.locks && entries(deep) == 2, "a path of %d bytes", n);
    for (int i = 0; i < 3; i++, *strrchr(deep, '/') = '\0')
        rmdir(deep);
    no_locks = true;
    folderprobe(own_dir(), &p);
    ok(p.writable && !p.locks && *p.why, "without locks: %s", p.why);
    return done_testing();
}
