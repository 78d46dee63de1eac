/* err.c - how a failure travels: a kind for the caller, a line for the user. */
#include "mtbench/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* All of these return -1, so that "return err_set(...)" says and fails in one line; a NULL error means that nobody
 * wants to know. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    if (!e)
        return -1;
    va_list ap;
    va_start(ap, fmt);
    e->kind = kind;
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    return -1;
}

int err_errno(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    int saved = errno;                   /* formatting may change it */
    va_list ap;
    va_start(ap, fmt);
    e->kind = ERR_IO;
    int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text)
        snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerror(saved));
    return -1;
}

/* From the inside out: "question.jsonl:14: no number". Each caller adds where it was. */
int err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return -1;
    char inner[sizeof e->text];
    memcpy(inner, e->text, sizeof inner); /* the text is read and written: a copy first */
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof e->text)
        snprintf(e->text + n, sizeof e->text - (size_t)n, ": %.*s", (int)sizeof e->text - n, inner); /* cut what does not fit */
    return -1;
}

int err_advise(struct err *e, const char *fmt, ...)
{
    /* A message that says already what to do gets no second advice: one line, one next step. */
    if (!e || strstr(e->text, "; "))
        return -1;
    size_t n = strlen(e->text);
    va_list ap;
    va_start(ap, fmt);
    n += (size_t)snprintf(e->text + n, sizeof e->text - n, "; ");
    if (n < sizeof e->text)
        vsnprintf(e->text + n, sizeof e->text - n, fmt, ap);
    va_end(ap);
    return -1;
}
