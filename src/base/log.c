/* log.c - lines for people on stderr; one write per line, so that lines of many ranks do not mix. */
#include "mtbench/log.h"

#include "mtbench/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* State of the process, set once at its start: a message must be possible from anywhere without an argument for
 * it. */
static enum log_level log_level = LOG_NORMAL;
static int log_speaker = 1;              /* ranks other than 0 say errors only */
static FILE *file;

int log_init(enum log_level level, int speaker, const char *path)
{
    log_level = level;
    log_speaker = speaker;
    if (path && !(file = fopen(path, "ae")))
        return -1;
    return 0;
}

/* Names in hostile files and the words of a template may hold anything; a message is one line all the same. */
static void blank_controls(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = ' ';
}

static void line(int to_stderr, const char *fmt, va_list ap)
{
    char text[4096];
    int n = vsnprintf(text, sizeof text - 1, fmt, ap);
    if (n < 0)
        return;
    blank_controls(text);
    if (to_stderr) {
        struct buf b = {0};
        buf_printf(&b, "mtbench: %s\n", text); /* one write(): pipes keep up to 4 kB together */
        if (write(STDERR_FILENO, b.data, b.len) < 0)
            log_speaker = 0; /* nobody listens any more */
        buf_free(&b);
    }
    if (file) {                      /* whatever the level says about the terminal is said here alike */
        char stamp[32];
        time_t now = time(NULL);
        struct tm utc;
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
        fprintf(file, "%s %s\n", stamp, text);
        fflush(file);                /* a killed job's last lines are the ones that matter */
    }
}

void log_note(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(log_speaker && log_level >= LOG_NORMAL, fmt, ap);
    va_end(ap);
}

void log_verbose(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(log_speaker && log_level >= LOG_VERBOSE, fmt, ap);
    va_end(ap);
}

void log_file(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(0, fmt, ap);
    va_end(ap);
}

void log_error(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    line(1, fmt, ap);                    /* from every rank: it may be the only one that knows */
    va_end(ap);
}
