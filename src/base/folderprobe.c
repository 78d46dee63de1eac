/* folderprobe.c - what a folder can do. It is tried rather than asked: mount options, quotas and servers say less than a file does. */
#include "mtbench/folderprobe.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

static void name_system(const char *path, char name[16])
{
    static const struct { unsigned long magic; const char *name; } known[] = {
        { 0x6969, "nfs" }, { 0x0bd00bd0, "lustre" }, { 0x47504653, "gpfs" }, { 0x19830326, "beegfs" }, { 0x00c36400, "ceph" },
        { 0xef53, "ext4" }, { 0x58465342, "xfs" }, { 0x9123683e, "btrfs" }, { 0x2fc12fc1, "zfs" }, { 0x01021994, "tmpfs" },
        { 0x794c7630, "overlay" }, { 0x65735546, "fuse" }, { 0xff534d42, "cifs" }, { 0x01021997, "9p" }, { 0x7461636f, "ocfs2" },
    };
    struct statfs fs;
    if (statfs(path, &fs) < 0)
        return;
    snprintf(name, 16, "%lx", (unsigned long)fs.f_type & 0xffffffff);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].magic == ((unsigned long)fs.f_type & 0xffffffff))
            snprintf(name, 16, "%s", known[i].name);
}

/* The folder itself, or the lowest above it that is there: in it the missing ones would be made. */
static char *nearest(const char *path)
{
    char *at = xstrdup(*path ? path : "."), *slash;
    while (access(at, F_OK) < 0 && errno == ENOENT)
        if ((slash = strrchr(at, '/')) && slash != at)
            *slash = '\0';
        else
            strcpy(at, slash ? "/" : "."); /* both are there; a path has a byte at least */
    return at;
}

static double seconds_of_flush(int fd)
{
    const double begun = clock_now();
    return write(fd, "x\n", 2) == 2 && fdatasync(fd) == 0 ? clock_now() - begun : 0;
}

/* In pieces, until there is enough to tell or a second is over. */
static double speed(int fd)
{
    enum { PIECE = 1 << 20, PIECES = 16 };
    char *piece = xcalloc(PIECE, 1);
    const double begun = clock_now();
    double bytes = 0;
    for (int i = 0; i < PIECES && clock_now() - begun < 1; i++) {
        const ssize_t n = write(fd, piece, PIECE);
        bytes += n > 0 ? (double)n : 0;
        if (n != PIECE || fdatasync(fd) < 0)
            break;
    }
    free(piece);
    return bytes / 1e6 / (clock_now() - begun + 1e-9);
}

static void try_file(int fd, const char *name, struct folderprobe *out)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct stat st;
    char *link = xasprintf("%s.link", name);
    out->flush = seconds_of_flush(fd);
    if (fstat(fd, &st) == 0)             /* before the long write: its stamp is of now */
        out->clock_ahead = (double)st.st_mtim.tv_sec + (double)st.st_mtim.tv_nsec / 1e9 - clock_unix();
    out->locks = fcntl(fd, F_SETLK, &lock) == 0;
    if (!out->locks)
        snprintf(out->why, sizeof out->why, "%s", strerror(errno));
    out->links = symlink("nowhere", link) == 0 && unlink(link) == 0;
    free(link);
    out->megabytes_per_second = speed(fd);
}

void folderprobe(const char *path, struct folderprobe *out)
{
    char *at = nearest(path), host[64] = "";
    struct statvfs fs;
    struct stat st;
    *out = (struct folderprobe){ .there = stat(path, &st) == 0 && S_ISDIR(st.st_mode) };
    snprintf(out->path, sizeof out->path, "%s", path);
    gethostname(host, sizeof host - 1);
    char *name = xasprintf("%s/.mtbench-probe.%.60s.%ld", at, host, (long)getpid());
    name_system(at, out->system);
    out->room = statvfs(at, &fs) == 0 ? (uint64_t)fs.f_bavail * fs.f_frsize : 0;
    const int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    out->writable = fd >= 0;
    if (fd < 0)
        snprintf(out->why, sizeof out->why, "%s", strerror(errno));
    else
        try_file(fd, name, out);
    if (fd >= 0) {
        close(fd);
        unlink(name);
    }
    free(name);
    free(at);
}
