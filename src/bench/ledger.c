/* ledger.c - an append-only file of lines with one writer.
 * The file's bytes are in memory once: those on disk, and behind them what waits for the next sync. */
#include "ledger.h"

#include "fastcopy.h"
#include "holder.h"

#include "mtbench/buf.h"
#include "mtbench/io.h"
#include "mtbench/jobname.h"
#include "mtbench/lines.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ledger {
    char *path;
    int fd;                              /* -1: in memory alone */
    bool open;                           /* locked, read, in its place */
    bool torn;                           /* a failed write may have left bytes behind 'good', and lost some behind 'flushed' */
    size_t good;                         /* bytes that end in a whole line and count: on disk in the file, or in its copy */
    size_t flushed;                      /* of these what the file itself has on disk for sure; without a copy all */
    struct buf bytes;                    /* these, then the lines that were added since */
    struct fastcopy *fast;               /* NULL: none */
};

/* Both are named: which of the two is to go only whoever started them knows. */
static int refuse(const struct ledger *l, const char *who, const char *busy, struct err *err)
{
    struct holder own;
    char words[400];
    const char *own_job = jobname_own()->name;
    holder_own(&own);
    return err_set(err, ERR_BUSY, "%s: another run (%s) is %s%s%s%s", l->path, who, busy, *own_job ? " (this is " : "",
                   *own_job ? holder_words(&own, words) : "", *own_job ? ")" : "");
}

/* Seconds after which a writer on another machine, where there are no locks and nobody can look, is taken for gone: turns come faster. */
enum { LONG_SILENCE = 600 };

static double since_change(const struct ledger *l)
{
    struct stat st;
    return fstat(l->fd, &st) < 0 ? 0 : difftime(time(NULL), st.st_mtime);
}

/* Where the file system has no locks, the word of whoever writes has to do. A run that was killed leaves its word, and is not waited for.
 * */
static int ask_holder(const struct ledger *l, const char *busy, struct err *err)
{
    struct holder h;
    char words[400];
    if (!holder_read(l->path, &h) || holder_is_own(&h))
        return 0;
    const enum holder_state state = holder_state(&h);
    if (state == HOLDER_GONE || (state == HOLDER_ELSEWHERE && h.age > LONG_SILENCE && since_change(l) > LONG_SILENCE))
        return 0;
    refuse(l, holder_words(&h, words), busy, err);
    const struct err said = *err;
    if (state == HOLDER_ELSEWHERE)
        err_set(err, said.kind, "%s; if it has ended, remove %s.holder, as this file system has no locks", said.text, l->path);
    return -1;
}

static int lock(const struct ledger *l, const char *busy, struct err *err)
{
    /* the whole file, whatever it grows to: l_start and l_len are 0 */
    struct flock f = { .l_type = F_WRLCK, .l_whence = SEEK_SET }, who = f;
    struct holder h;
    char words[400];
    if (fcntl(l->fd, F_SETLK, &f) == 0)  /* never F_SETLKW: the other run may take days */
        return 0;
    if (errno != EACCES && errno != EAGAIN) /* ENOLCK, ENOSYS: no locks here, as on Lustre mounted without flock */
        return ask_holder(l, busy, err);
    if (holder_read(l->path, &h))
        return refuse(l, holder_words(&h, words), busy, err);
    if (fcntl(l->fd, F_GETLK, &who) < 0 || who.l_type == F_UNLCK) /* it has ended meanwhile; on another node the number may say nothing */
        who.l_pid = 0;
    snprintf(words, sizeof words, "process %ld", (long)who.l_pid);
    return refuse(l, words, busy, err);
}

/* Through our own descriptor: closing any other one of this file would drop the lock. */
static int slurp(const char *path, int fd, struct buf *out, struct err *err)
{
    ssize_t n;
    while ((n = pread(fd, buf_reserve(out, 1 << 16), 1 << 16, (off_t)out->len)) > 0 || (n < 0 && errno == EINTR))
        out->len += n > 0 ? (size_t)n : 0;
    return n < 0 ? err_errno(err, "%s: cannot read", path) : 0;
}

enum { PLACES_TOLD = 3 };

/* A line inside that does not read, the n-th of the file: what stands behind it is sound, and kept. Its work may have been paid for, so
 * nothing goes on without a word. */
static void tell_damage(const char *path, long number, int n, const struct err *why)
{
    /* the parser's advice, behind ';', is to correct the line, which nobody should do to a journal */
    if (n <= PLACES_TOLD)
        log_error("%s:%ld: the journal is damaged here: %.*s; this record is passed over, all others count", path, number,
                  (int)strcspn(why->text, ";"), why->text);
}

/* Is all that there is the beginning of a first line? */
static bool begins_as(const char *head, const struct buf *b)
{
    size_t at = 0, n = strlen(head);
    while (at < b->len && strchr(" \t\r\n", b->data[at]))
        at++;
    return !memcmp(head, b->data + at, b->len - at < n ? b->len - at : n);
}

/* Read the file of the descriptor, and show its whole lines. */
static int replay_lines(struct ledger *l, const struct ledger_opts *o, int fd, struct err *err)
{
    struct lines lines;
    struct slice line;
    struct err why = {0};
    int rc = slurp(o->path, fd, &l->bytes, err), number = 0, broken = 0;
    if (rc < 0)
        return -1;
    lines_begin(&lines, l->bytes.data, l->bytes.len);
    lines.whole_only = true;             /* a line without its newline was never promised to anybody */
    while (rc == 0 && lines_next(&lines, &line)) {
        rc = o->replay(o->ctx, ++number, (size_t)(line.ptr - l->bytes.data), line, &why);
        if (rc < 0 && number > 1 && why.kind == ERR_FORMAT) {
            tell_damage(o->path, lines.number, ++broken, &why);
            rc = 0;
        }
    }
    if (broken > PLACES_TOLD)
        log_error("%s: and %d more of its records are damaged, and passed over", o->path, broken - PLACES_TOLD);
    while (rc > 0 && lines_next(&lines, &line))
        ;                                /* whoever has seen enough has not said that the rest may go */
    if (number == 0 && l->bytes.len && o->head && !begins_as(o->head, &l->bytes))
        return err_set(err, ERR_FORMAT, "%s: is no journal; put the file aside, or choose another name", o->path);
    /* A torn line is as if it had never been. Blanks alone are no line: the manifest is still to come. */
    l->good = l->flushed = l->bytes.len = number ? lines.at : 0;
    if (rc >= 0)
        return 0;
    /* A first line that does not fit makes it another kind of file. */
    if (err)
        *err = why;
    return err_wrap(err, "%s", o->path);
}

struct ledger *ledger_peek(const struct ledger_opts *o, struct err *err)
{
    struct ledger *l = xcalloc(1, sizeof *l);
    /* Not created: looking must work in folders that are read-only. */
    int fd = o->path ? open(o->path, O_RDONLY | O_CLOEXEC) : -1, rc = 0;
    l->fd = -1;
    if (fd >= 0)
        rc = replay_lines(l, o, fd, err);
    else if (o->path && errno != ENOENT)
        rc = err_errno(err, "%s: cannot read", o->path);
    if (fd >= 0)
        close(fd);
    if (rc == 0)
        return l;
    ledger_close(l);
    return NULL;
}

/* Lines that only the copy of this node has, from a start whose node crashed: into the file they belong to, before it is replayed. */
static int catch_up(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    struct buf shared = {0}, more = {0};
    int rc = slurp(l->path, l->fd, &shared, err);
    const char *last = shared.len ? memrchr(shared.data, '\n', shared.len) : NULL;
    const size_t whole = last ? (size_t)(last - shared.data) + 1 : 0;
    const size_t at = rc == 0 ? fastcopy_catch_up(o->fast, shared.data, whole, &more) : 0;
    if (more.len && (pwrite(l->fd, more.data, more.len, (off_t)at) != (ssize_t)more.len || fdatasync(l->fd) < 0))
        rc = err_errno(err, "%s: cannot write what %s has more", l->path, o->fast);
    else if (more.len)
        log_note("%s: %zu bytes that a crash had kept from it come from %s", l->path, more.len, o->fast);
    buf_free(&shared);
    buf_free(&more);
    return rc;
}

static void begin_fast(struct ledger *l, const char *path)
{
    struct err err;
    if (!(l->fast = fastcopy_begin(path, l->bytes.data ? l->bytes.data : "", l->good, &err)))
        log_note("--scratch: %s; each turn is flushed to %s instead", err.text, l->path);
}

static int replay(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    if (o->fast && catch_up(l, o, err) < 0)
        return -1;
    if (replay_lines(l, o, l->fd, err) < 0)
        return -1;
    /* Before the first line goes behind it: a torn half and a new line would read as one broken line. */
    if (ftruncate(l->fd, (off_t)l->good) < 0)
        return err_errno(err, "%s: cannot cut off a torn line", l->path);
    /* What a run that was killed had not flushed yet: its copy is written anew, and is not whole for a moment. */
    if (o->fast && l->good && fdatasync(l->fd) < 0)
        return err_errno(err, "%s: cannot write", l->path);
    if (o->fast)
        begin_fast(l, o->fast);
    return 0;
}

/* Is our descriptor's file still the one of this name? Another run may have put it aside between our opening and locking it. */
static bool in_place(const struct ledger *l)
{
    struct stat ours, there;
    return fstat(l->fd, &ours) == 0 && stat(l->path, &there) == 0 && ours.st_ino == there.st_ino && ours.st_dev == there.st_dev;
}

/* Does the file end where we left it? Where the file system has no locks this is what tells that another run writes it, too. */
static bool is_ours(const struct ledger *l)
{
    struct stat st;
    return l->torn || fstat(l->fd, &st) < 0 || st.st_size == (off_t)l->good;
}

static int open_locked(struct ledger *l, const struct ledger_opts *o, struct err *err)
{
    for (;;) {
        l->fd = open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666); /* a write lock needs a descriptor that writes */
        if (l->fd < 0)
            return err_errno(err, "%s: cannot write", l->path);
        if (lock(l, o->busy, err) < 0)   /* before it is read: what is replayed does not change any more */
            return -1;
        /* else it was put aside while we waited for the lock: once more, by name */
        if (in_place(l)) {
            holder_put(l->path);
            return 0;
        }
        close(l->fd);
    }
}

/* ---- putting aside ---- */

enum { MOST_BESIDE = 7 };

static bool is_worth_keeping(const char *path)
{
    struct stat st;
    /* Of a link what it leads to: left in place, it would mix the old records with new ones. The link itself gets the other name. */
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0;
}

static char *numbered(const char *path, int number)
{
    return xasprintf("%s.old%d", path, number);
}

/* One number for all of them, so that one sees what belongs together. */
static int free_number(const char *const *path, int n)
{
    struct stat st;
    /* not the count of what is there: numbers of files that were removed may be free in between */
    for (int number = 1;; number++) {
        bool taken = false;
        for (int i = 0; i < n; i++) {
            char *to = numbered(path[i], number);
            taken |= lstat(to, &st) == 0;
            free(to);
        }
        if (!taken)
            return number;
    }
}

/* From the first on that is ours to rename. */
static int rename_all(const char *const *path, int first, int n, struct err *err)
{
    int number = free_number(path, n), rc = 0;
    for (int i = first; i < n && rc == 0; i++) {
        char *to = numbered(path[i], number);
        if (is_worth_keeping(path[i]) && rename(path[i], to) < 0)
            rc = err_errno(err, "%s: cannot be put aside as %s", path[i], to);
        free(to);
    }
    io_sync_parent(path[0]);             /* until then a crash may bring the old names back */
    return rc;
}

/* Its lock is held while it gets another name, so that no run is robbed of a file that it writes. */
int ledger_put_aside(const char *path, const char *const *beside, const char *busy, struct err *err)
{
    struct ledger l = { .path = (char *)path };
    const char *all[MOST_BESIDE + 1] = { path };
    int n = 1, rc = 0;
    for (; beside[n - 1] && n <= MOST_BESIDE; n++)
        all[n] = beside[n - 1];
    l.fd = open(path, O_RDWR | O_CLOEXEC);
    if (l.fd < 0 && errno != ENOENT)
        return err_errno(err, "%s: cannot write", path);
    if (l.fd >= 0 && lock(&l, busy, err) < 0)
        rc = -1;
    else if (l.fd < 0 || in_place(&l))   /* else another start was faster, and made room */
        rc = rename_all(all, l.fd < 0, n, err);          /* what was not there may be another start's by now */
    if (l.fd >= 0)
        close(l.fd);
    return rc;
}

struct ledger *ledger_open(const struct ledger_opts *o, struct err *err)
{
    struct ledger *l = xcalloc(1, sizeof *l);
    l->fd = -1;
    l->path = xstrdup(o->path);
    watch_begin(WATCH_WORKS, "locking and reading %s", o->path);
    const bool good = io_make_parents(o->path, err) == 0 && open_locked(l, o, err) == 0 && replay(l, o, err) == 0;
    watch_end();
    if (good) {
        l->open = true;
        return l;
    }
    ledger_close(l);
    return NULL;
}

/* Nothing in it is worth keeping. Whoever waits for its lock looks whether the name still means it. */
static void take_away(const struct ledger *l)
{
    if (l->open && in_place(l) && is_ours(l))    /* never another run's lines, where no lock keeps it out */
        unlink(l->path);
}

void ledger_close(struct ledger *l)
{
    if (!l)
        return;
    if (l->good == 0)
        take_away(l);
    fastcopy_end(l->fast, ledger_flush(l, NULL) == 0);
    if (l->fd >= 0) {
        holder_drop(l->path);            /* while the lock is still ours: nobody else has put a word there */
        close(l->fd);
    }
    buf_free(&l->bytes);
    free(l->path);
    free(l);
}

void ledger_discard(struct ledger *l)
{
    take_away(l);
    l->open = false;
    ledger_close(l);
}

bool ledger_empty(const struct ledger *l)
{
    return l->good == 0;
}

size_t ledger_add(struct ledger *l, const char *line, size_t n)
{
    size_t at = l->bytes.len;
    buf_add(&l->bytes, line, n);
    buf_char(&l->bytes, '\n');
    return at;
}

struct slice ledger_line(const struct ledger *l, size_t at, size_t n)
{
    return (struct slice){ l->bytes.data + at, n };
}

/* Our word is there unless the other one has put its own. */
static int intruded(const struct ledger *l, struct err *err)
{
    struct holder h;
    char words[400];
    const bool known = holder_read(l->path, &h) && !holder_is_own(&h);
    return err_set(err, ERR_BUSY, "%s: another run writes this file too%s%s%s; stop it and start again, or use another name", l->path,
                   known ? " (" : "", known ? holder_words(&h, words) : "", known ? ")" : "");
}

/* Are the bytes up to 'end' on the node's own disk, so that the shared one may be flushed later? A copy that cannot be written is given up:
 * the shared file alone is the journal then, as without --scratch. */
static bool is_safe_elsewhere(struct ledger *l, size_t end)
{
    struct err why;
    if (l->fast && fastcopy_write(l->fast, l->bytes.data + l->good, end - l->good, l->good, &why) < 0) {
        log_note("--scratch: %s; each turn is flushed to %s from here on", why.text, l->path);
        fastcopy_end(l->fast, false);
        l->fast = NULL;
    }
    /* The first line is flushed: a journal that is not there was taken away, and its copy is not believed. */
    return l->fast && l->good && !fastcopy_due(l->fast);
}

/* A failed flush leaves pages marked as clean, and the next one would succeed without them: after one they are written again. */
static int write_bytes(struct ledger *l, size_t end)
{
    /* From there on and not at the end: what a failed write left there is written over. */
    for (size_t done = l->torn ? l->flushed : l->good; done < end;) {
        const ssize_t n = pwrite(l->fd, l->bytes.data + done, end - done, (off_t)done);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* The file itself, up to 'end', which is written. */
static int flush_file(struct ledger *l, size_t end)
{
    if (fdatasync(l->fd) < 0)
        return -1;
    l->flushed = end;
    if (l->fast)
        fastcopy_flushed(l->fast);
    return 0;
}

static int write_on(struct ledger *l, struct err *err)
{
    const size_t end = l->bytes.len;     /* 'good' moves on only when all is on disk: what failed is written again from there */
    if (l->fd < 0)
        return 0;
    if (!is_ours(l))                     /* writing on would put our lines over theirs */
        return intruded(l, err);
    /* Only behind this a line counts: a run that is killed then finds it, and nobody pays for it twice. */
    if (write_bytes(l, end) < 0 || (!is_safe_elsewhere(l, end) && flush_file(l, end) < 0))
        goto error;
    if (l->good == 0)                    /* the first line: the file's name must survive, too */
        io_sync_parent(l->path);
    l->good = end;
    l->torn = false;
    return 0;
error:
    err_errno(err, "%s: cannot write", l->path);
    err_advise(err, "make room and start again, what was finished before this is safe");
    l->torn = true;
    if (ftruncate(l->fd, (off_t)l->good) < 0)
        err_wrap(err, "and the torn line stays");
    return -1;
}

int ledger_sync(struct ledger *l, struct err *err)
{
    if (l->good == l->bytes.len)         /* what only the copy has does not wait until the next turn ends, hours later maybe */
        return l->fast && fastcopy_due(l->fast) ? ledger_flush(l, err) : 0;
    watch_begin(WATCH_WORKS, "writing %s", l->path);
    const int rc = write_on(l, err);
    watch_end();
    return rc;
}

int ledger_flush(struct ledger *l, struct err *err)
{
    int rc = 0;
    if (l->flushed == l->good)
        return 0;
    watch_begin(WATCH_WORKS, "flushing %s", l->path);
    if ((l->torn && write_bytes(l, l->good) < 0) || flush_file(l, l->good) < 0) {
        rc = err_errno(err, "%s: cannot write", l->path);
        l->torn = true;
    }
    watch_end();
    return rc;
}
