/* saboteur.c - preloaded into the ranks of a test: makes one call of one rank fail, or kills the rank there; logs file writes.
 *   SABOTAGE=RANK:CALL:NTH:ACTION[:LEAST]   the NTH call (from 1; 0: all) of CALL on rank RANK; ACTION is an errno name, a signal's, SHORT,
 *                                           NAP (half a second, then the call is made) or SLEEP (five); calls for fewer than LEAST bytes
 *                                           do not count
 *   SABOTAGE_PATH=TEXT                      calls on files count only if their path holds TEXT
 *   SABOTAGE_LOG=FILE                       rank RANK appends a line "CALL PATH" per pwrite, fsync, fdatasync, rename
 * Only calls by the program itself count, not those of its libraries. Calls: malloc calloc mmap open pread pwrite fsync fdatasync rename
 * symlink pthread_create. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);

static struct { int rank, nth, error, sig, nap; size_t least; char call[32]; const char *path; } plan = { .rank = -1 };
static int log_fd = -1;
static atomic_int count;

__attribute__((constructor)) static void read_plan(void)
{
    static const struct { const char *name; int error, sig, nap;
    } actions[] = {
        {"EIO", EIO, 0, 0},  {"ENOSPC", ENOSPC, 0, 0}, {"ENOMEM", ENOMEM, 0, 0}, {"EACCES", EACCES, 0, 0}, {"EAGAIN", EAGAIN, 0, 0},
        {"EPERM", EPERM, 0, 0},
        {"SHORT", -1, 0, 0}, {"KILL", 0, SIGKILL, 0},  {"TERM", 0, SIGTERM, 0},  {"USR1", 0, SIGUSR1, 0},  {"STOP", 0, SIGSTOP, 0},
        {"NAP", 0, 0, 500000}, {"SLEEP", 0, 0, 5000000},
    };
    const char *text = getenv("SABOTAGE"), *me = getenv("OMPI_COMM_WORLD_RANK"), *log = getenv("SABOTAGE_LOG");
    char action[16] = "";
    int rank = -1;
    if (!text || sscanf(text, "%d:%31[^:]:%d:%15[^:]:%zu", &rank, plan.call, &plan.nth, action, &plan.least) < 4 ||
        rank != (me ? atoi(me) : 0))
        return;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (!strcmp(action, actions[i].name))
            plan.error = actions[i].error, plan.sig = actions[i].sig, plan.nap = actions[i].nap;
    plan.path = getenv("SABOTAGE_PATH");
    if (log)
        log_fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    plan.rank = rank;
}

static int is_program(const void *caller)
{
    Dl_info at;
    return dladdr(caller, &at) && at.dli_fname && !strcmp(basename(at.dli_fname), program_invocation_short_name);
}

/* Whether this call fails. */
static int strikes_from(const void *caller, const char *call, size_t bytes, const char *path)
{
    if (plan.rank < 0 || strcmp(call, plan.call) || bytes < plan.least || (path && plan.path && !strstr(path, plan.path)) ||
        !is_program(caller))
        return 0;
    if (atomic_fetch_add(&count, 1) + 1 != plan.nth && plan.nth)
        return 0;
    if (plan.sig)
        raise(plan.sig);
    if (plan.nap)
        usleep((useconds_t)plan.nap);
    errno = plan.error;
    return plan.error;
}

static void note(const char *call, const char *path)
{
    char line[600];
    int n = snprintf(line, sizeof line, "%s %s\n", call, path);
    if (log_fd >= 0 && write(log_fd, line, (size_t)n) != n)
        log_fd = -1;
}

static const char *path_of(int fd, char path[256])
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, 255);
    path[n < 0 ? 0 : n] = '\0';
    return path;
}

#define strikes(call, bytes, path) strikes_from(__builtin_return_address(0), call, bytes, path)
#define on_file(call, fd, bytes, logged) on_file_from(__builtin_return_address(0), call, fd, bytes, logged)

static int on_file_from(const void *caller, const char *call, int fd, size_t bytes, int logged)
{
    char path[256];
    if (plan.rank < 0)
        return 0;
    if (logged)
        note(call, path_of(fd, path));
    return !strcmp(call, plan.call) ? strikes_from(caller, call, bytes, path_of(fd, path)) : 0;
}

#define NEXT(name) __typeof__(&name) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

void *malloc(size_t n)
{
    return strikes("malloc", n, NULL) ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return strikes("calloc", n * size, NULL) ? NULL : __libc_calloc(n, size);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
    NEXT(mmap);
    return strikes("mmap", n, NULL) ? MAP_FAILED : next(at, n, prot, flags, fd, off);
}

int open(const char *path, int flags, ...)
{
    NEXT(open);
    va_list ap;
    va_start(ap, flags);
    int mode = flags & O_CREAT ? va_arg(ap, int) : 0;
    va_end(ap);
    return strikes("open", 0, path) ? -1 : next(path, flags, mode);
}

ssize_t pread(int fd, void *p, size_t n, off_t off)
{
    NEXT(pread);
    int e = on_file("pread", fd, n, 0);
    return e == -1 ? 0 : e ? -1 : next(fd, p, n, off);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t off)
{
    NEXT(pwrite);
    return on_file("pwrite", fd, n, 1) ? -1 : next(fd, p, n, off);
}

int fsync(int fd)
{
    NEXT(fsync);
    return on_file("fsync", fd, 0, 1) ? -1 : next(fd);
}

int fdatasync(int fd)
{
    NEXT(fdatasync);
    return on_file("fdatasync", fd, 0, 1) ? -1 : next(fd);
}

int rename(const char *from, const char *to)
{
    NEXT(rename);
    note("rename", to);
    return strikes("rename", 0, to) ? -1 : next(from, to);
}

int symlink(const char *to, const char *path)
{
    NEXT(symlink);
    return strikes("symlink", 0, path) ? -1 : next(to, path);
}

int pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *arg)
{
    NEXT(pthread_create);
    return strikes("pthread_create", 0, NULL) ? errno : next(t, a, f, arg);
}
