/* holder.c - who writes a journal. */
#include "holder.h"

#include "mtbench/jobname.h"
#include "mtbench/mem.h"
#include "mtbench/procstat.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Numbers of processes come again; with the time of its birth one is meant. */
static unsigned long long born(long process)
{
    return procstat_of(process).born;
}

void holder_own(struct holder *h)
{
    const struct jobname *own = jobname_own();
    *h = (struct holder){ .process = (long)getpid(), .born = born((long)getpid()), .start = own->restart + 1 };
    gethostname(h->host, sizeof h->host - 1);
    snprintf(h->job, sizeof h->job, "%s", own->name);
}

void holder_format(const struct holder *h, char text[512])
{
    snprintf(text, 512, "process %ld at %llu on %s, job %s, start %ld", h->process, h->born, h->host, *h->job ? h->job : "none", h->start);
}

bool holder_parse(const char *text, struct holder *h)
{
    int end = 0;
    *h = (struct holder){ 0 };
    if (sscanf(text, "process %9ld at %18llu on %255[^, ], job %47[0-9_a-z], start %9ld%n", &h->process, &h->born, h->host, h->job,
               &h->start,
               &end) != 5 || text[end] || h->process < 1)
        return false;
    if (!strcmp(h->job, "none"))
        h->job[0] = '\0';
    return true;
}

static char *link_of(const char *path)
{
    return xasprintf("%s.holder", path);
}

bool holder_read(const char *path, struct holder *h)
{
    char *name = link_of(path), text[512];
    struct stat st;
    const ssize_t n = readlink(name, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    const bool there = n > 0 && holder_parse(text, h) && lstat(name, &st) == 0;
    if (there)
        h->age = difftime(time(NULL), st.st_mtime);
    free(name);
    return there;
}

void holder_put(const char *path)
{
    struct holder own;
    char *name = link_of(path), text[512];
    holder_own(&own);
    holder_format(&own, text);
    /* of two at once, where there are no locks, one fails here and leaves the other's word */
    if (symlink(text, name) < 0 && errno == EEXIST && unlink(name) == 0 && symlink(text, name) < 0)
        errno = 0;                       /* a file system without links: nobody can be named */
    free(name);
}

bool holder_is_own(const struct holder *h)
{
    struct holder own;
    holder_own(&own);
    return h->process == own.process && h->born == own.born && !strcmp(h->host, own.host);
}

void holder_drop(const char *path)
{
    struct holder h;
    char *name = link_of(path);
    if (holder_read(path, &h) && holder_is_own(&h))
        unlink(name);
    free(name);
}

enum holder_state holder_state(const struct holder *h)
{
    struct holder own;
    holder_own(&own);
    if (!strcmp(h->host, own.host))      /* another user's process may be there, too, and cannot be signalled */
        return born(h->process) == h->born && (kill((pid_t)h->process, 0) == 0 || errno == EPERM) ? HOLDER_LIVES : HOLDER_GONE;
    /* A job is requeued when its last start has ended. */
    return *h->job && !strcmp(h->job, own.job) && h->start < own.start ? HOLDER_GONE : HOLDER_ELSEWHERE;
}

const char *holder_words(const struct holder *h, char text[400])
{
    const int array = (int)strcspn(h->job, "_");
    int n = snprintf(text, 400, "process %ld on %s", h->process, h->host);
    if (h->job[array])
        snprintf(text + n, 400 - (size_t)n, ", task %s of array %.*s", h->job + array + 1, array, h->job);
    else if (*h->job)
        snprintf(text + n, 400 - (size_t)n, ", job %s", h->job);
    return text;
}
