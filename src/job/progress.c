/* progress.c - the line that shows how far the work is.
 * mpirun gives its ranks a pipe for stderr, so that a terminal is also looked for behind the parent process. */
#include "mtbench/progress.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the text ---- */

struct line { char *text; size_t size, len; };

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *fmt, ...)
{
    va_list ap;
    if (l->len + 1 >= l->size)           /* one byte stays for the NUL */
        return;
    va_start(ap, fmt);
    int n = vsnprintf(l->text + l->len, l->size - l->len, fmt, ap);
    va_end(ap);
    /* vsnprintf() returns what it would have written; 'len' is what is there. */
    l->len = n < 0 ? l->len : (size_t)n < l->size - l->len ? l->len + (size_t)n : l->size - 1;
}

static void add_time(struct line *l, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        add(l, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else if (s >= 60)
        add(l, "%ldm%02lds", s / 60, s % 60);
    else
        add(l, "%lds", s);
}

static void add_part(struct line *l, const struct progress_now *p)
{
    double rate = p->rate > 0 ? p->rate : p->seconds > 0 ? (double)p->tokens / p->seconds : 0;
    add(l, "%s %ld/%ld %s", p->what, p->done, p->total, p->unit);
    if (p->tokens > 0)
        add(l, ", %.1f tok/s", rate);
    if (p->left > 0 && p->done < p->total) { /* done or unknown: no time is better than a wrong one */
        add(l, ", ");
        add_time(l, p->left < 1e9 ? p->left : 1e9);
        add(l, " left");
    }
    if (p->dollars > 0)
        add(l, ", $%.2f", p->dollars);
    if (p->failed > 0)
        add(l, ", %ld failed", p->failed);
}

size_t progress_format(char *line, size_t size, const struct progress_now *p)
{
    struct line l = { line, size, 0 };   /* a line of no room has not even a NUL */
    if (size == 0)
        return 0;
    *line = '\0';
    add_part(&l, p);
    for (p = p->also; p; p = p->also) {
        add(&l, "; ");
        add_part(&l, p);
    }
    return l.len;
}

/* ---- showing it ---- */

enum { N_SAMPLES = 32 };                  /* one a second or so: the rate is that of the last half minute */

struct progress {
    bool on;
    int terminal;                         /* a descriptor to ask for the width; -1: plain lines */
    bool drawn;                           /* a redrawn line is there now */
    double start, shown;                  /* shown: seconds since the start */
    struct { double at; uint64_t tokens; } sample[N_SAMPLES];
    unsigned n_samples;
};

static int find_terminal(void)
{
    const char *term = getenv("TERM");
    char path[64];
    if (!term || !strcmp(term, "dumb"))
        return -1;
    if (isatty(STDERR_FILENO))
        return dup(STDERR_FILENO);       /* a copy, so that destroy closes it whoever it was */
    if (!getenv("OMPI_COMM_WORLD_SIZE")) /* a pipe of anybody else is a log, and gets plain lines */
        return -1;
    /* mpirun, or its daemon on another node, which has no terminal. Only asked whether and how wide; the line itself goes through the
     * pipe. */
    snprintf(path, sizeof path, "/proc/%ld/fd/2", (long)getppid());
    int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC); /* a terminal that does not answer must not stop the run */
    if (fd >= 0 && !isatty(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

struct progress *progress_create(enum progress_mode mode, int speaker)
{
    struct progress *p = xcalloc(1, sizeof *p);
    p->on = speaker && mode != PROGRESS_NONE;
    p->terminal = p->on && mode == PROGRESS_AUTO ? find_terminal() : -1;
    p->start = clock_now();
    return p;
}

static size_t width(const struct progress *p)
{
    struct winsize w;
    return ioctl(p->terminal, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

/* Tokens per second since the oldest sample. */
static double recent_rate(struct progress *p, double t, uint64_t tokens)
{
    unsigned last = (p->n_samples + N_SAMPLES - 1) % N_SAMPLES;
    if (p->n_samples == 0 || t - p->sample[last].at >= 1) { /* at most one a second */
        p->sample[p->n_samples % N_SAMPLES].at = t;
        p->sample[p->n_samples++ % N_SAMPLES].tokens = tokens;
    }
    /* The slot that is written next holds the oldest, once all are in use. */
    unsigned oldest = p->n_samples > N_SAMPLES ? p->n_samples % N_SAMPLES : 0;
    double dt = t - p->sample[oldest].at;
    return dt > 0.5 ? (double)(tokens - p->sample[oldest].tokens) / dt : 0; /* so little time says nothing */
}

void progress_update(struct progress *p, const struct progress_now *now)
{
    progress_update_at(p, now, clock_now() - p->start);
}

void progress_update_at(struct progress *p, const struct progress_now *now, double t)
{
    char line[300];
    if (!p->on)
        return;
    /* Sampled on every call, shown or not: the rate needs regular samples. */
    double rate = recent_rate(p, t, now->tokens);
    if (t - p->shown < (p->terminal >= 0 ? 0.2 : 30)) /* five times a second for eyes, twice a minute for a log */
        return;
    p->shown = t;
    struct progress_now full = *now;
    full.seconds = t;
    full.rate = rate;
    size_t cut = p->terminal >= 0 ? width(p) : sizeof line, n;
    n = progress_format(line, cut < sizeof line ? cut : sizeof line, &full);
    p->drawn = p->terminal >= 0;
    /* Back to the start, the line, and away with what is left of a longer one. */
    if (dprintf(STDERR_FILENO, p->drawn ? "\r%.*s\033[K" : "mtbench: %.*s\n", (int)n, line) < 0)
        p->on = false; /* nobody listens any more */
}

void progress_clear(struct progress *p)
{
    if (p->drawn && dprintf(STDERR_FILENO, "\r\033[K") < 0)
        p->on = false;
    p->drawn = false;
}

void progress_destroy(struct progress *p)
{
    if (!p)
        return;
    progress_clear(p);
    if (p->terminal >= 0)
        close(p->terminal);
    free(p);
}
