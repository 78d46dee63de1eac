/* lines.c - the lines of a JSONL file. */
#include "mtbench/lines.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

void lines_begin(struct lines *l, const char *data, size_t n)
{
    *l = (struct lines){ .data = data, .len = n };
}

/* Files with a mark that were joined have it before later lines too, and no JSON value starts with one. */
static struct slice trim(struct slice s)
{
    if (s.len >= 3 && !memcmp(s.ptr, "\xef\xbb\xbf", 3))
        s = (struct slice){ s.ptr + 3, s.len - 3 };
    if (s.len && s.ptr[s.len - 1] == '\r') /* a file from Windows */
        s.len--;
    return s;
}

static bool is_blank(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            return false;
    return true;
}

bool lines_next(struct lines *l, struct slice *line)
{
    while (l->at < l->len) {
        const char *start = l->data + l->at, *end = memchr(start, '\n', l->len - l->at);
        if (!end && l->whole_only)       /* of a block the rest of the line is still to be read */
            return false;
        size_t n = end ? (size_t)(end - start) : l->len - l->at;
        l->at += n + (end != NULL);      /* behind the newline, if there is one */
        l->number++;                     /* blank lines count: editors number them too */
        l->torn = !end;                  /* a writer was killed in this line, or it is the last of a file by hand */
        *line = trim((struct slice){ start, n });
        if (!is_blank(*line))
            return true;
    }
    return false;
}

/* ---- a file ---- */

enum { BLOCK = 1 << 20 };                /* bytes read at a time: large enough for network file systems */

struct lines_file {
    char *path;                          /* for messages; owned */
    int fd;
    struct buf block;                    /* a piece of the file that starts with a line */
    struct lines lines;                  /* what the block holds of the file */
    int64_t done;                        /* bytes of the file before the block */
};

struct lines_file *lines_open(const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err_errno(err, "%s: cannot open", path);
        return NULL;
    }
    struct lines_file *f = xcalloc(1, sizeof *f);
    *f = (struct lines_file){ .path = xstrdup(path), .fd = fd, .lines.whole_only = true }; /* until the file has ended */
    return f;
}

/* Behind what is left of the block comes the next piece. 0: the file has no more. */
static ssize_t refill(struct lines_file *f, struct err *err)
{
    ssize_t got;
    size_t done = f->lines.at;
    f->done += (int64_t)done;
    if (done) {
        memmove(f->block.data, f->block.data + done, f->block.len - done);
        f->block.len -= done;
    }
    do
        got = read(f->fd, buf_reserve(&f->block, BLOCK), BLOCK);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_errno(err, "%s: cannot read", f->path);
    f->block.len += (size_t)got;
    f->lines.data = f->block.data;
    f->lines.len = f->block.len;
    f->lines.at = 0;                     /* slices of the old block are void from here on */
    /* What is left of a block is the beginning of one line: a binary file without newlines must not be read into
     * memory whole. */
    if (f->block.len > LINES_LONGEST)
        return err_set(err, ERR_FORMAT, "%s:%ld: a line above %d MiB; is this a file of JSON lines?", f->path, f->lines.number + 1,
                       LINES_LONGEST >> 20);
    return got;
}

int lines_read(struct lines_file *f, struct slice *line, struct err *err)
{
    while (!lines_next(&f->lines, line)) {
        if (!f->lines.whole_only)        /* the last piece was given: that was all */
            return 0;
        ssize_t got = refill(f, err);
        if (got < 0)
            return -1;
        f->lines.whole_only = got > 0;   /* at the end of the file a line needs no newline */
    }
    return 1;
}

long lines_number(const struct lines_file *f)
{
    return f->lines.number;
}

int64_t lines_start(const struct lines_file *f, const struct slice *line)
{
    return f->done + (line->ptr - f->lines.data);
}

int lines_descriptor(const struct lines_file *f, struct err *err)
{
    int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
    return fd < 0 ? err_errno(err, "%s: cannot open", f->path) : fd;
}

void lines_close(struct lines_file *f)
{
    if (!f)
        return;
    close(f->fd);
    buf_free(&f->block);
    free(f->path);
    free(f);
}
