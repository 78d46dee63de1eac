/* lines.h - the lines of a JSONL file, as people's editors and other programs leave them (room: base).
 * A UTF-8 byte order mark before a line, a CR before its newline, and lines of blanks alone are passed over; line numbers count them all.
 * A NUL is a byte like others: whoever reads the line refuses it. */
#ifndef MTB_LINES_H
#define MTB_LINES_H

#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- over bytes ---- */

struct lines {
    const char *data;
    size_t len, at;                      /* bytes; those before 'at' are done with */
    long number;                         /* of the line that came last, from 1 */
    bool whole_only;                     /* leave a last line without its newline alone: it may be torn */
    bool torn;                           /* the line that came last had no newline */
};

void lines_begin(struct lines *l, const char *data, size_t n);
/* The next line that is not blank, without mark and line end. False: there are no more. */
bool lines_next(struct lines *l, struct slice *line);

/* ---- over a file, in memory for its longest line only ---- */

enum { LINES_LONGEST = 1 << 28 };        /* bytes; a longer line is an error: it is another kind of file */

struct lines_file;

/* NULL: err (io). */
struct lines_file *lines_open(const char *path, struct err *err);
/* 1: a line, valid until the next call; 0: the end; -1: err (io, format), with the path in front. */
int lines_read(struct lines_file *f, struct slice *line, struct err *err);
/* The number of the line that came last. */
long lines_number(const struct lines_file *f);
/* Where the slice that came last begins in the file, in bytes. */
int64_t lines_start(const struct lines_file *f, const struct slice *line);
/* The file once more, for whoever reads pieces of it when this is closed, though another one may have its name by then. The caller's to
 * close. -1: err (io). */
int lines_descriptor(const struct lines_file *f, struct err *err);
/* NULL is fine. */
void lines_close(struct lines_file *f);

#endif
