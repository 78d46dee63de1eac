/* ledger.h - an append-only file of lines with one writer: what the journals stand on (room: bench).
 * Locked by a POSIX record lock, which works on the parallel file systems that have locks at all. PATH.holder (holder.h) says which job,
 * task and process writes; where there are no locks that is what keeps a second one out. */
#ifndef MTB_LEDGER_H
#define MTB_LEDGER_H

#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdbool.h>

struct ledger;

struct ledger_opts {
    const char *path;
    const char *fast;                    /* a copy on a disk of this node, flushed at once (fastcopy.h); NULL: none */
    const char *busy;                    /* what a second run is told: "PATH: another run (process N on HOST, task T of array J) is BUSY" */
    /* Sees each whole line, without its newline, and where it stands (ledger_line()); number counts from 1. -1: err,
     * and opening ends; but a line behind the first that has another form than it should (err: format) is damage inside the file: it is
     * told on stderr with its place, passed over, and stays where it is. 1: it has seen enough, and the lines behind stay unseen in the
     * file. */
    int (*replay)(void *ctx, int number, size_t at, struct slice line, struct err *err);
    void *ctx;
    const char *head;                    /* what a first line begins with; NULL: anything */
};

/* Open or create, lock, replay; what follows the last newline was being written when its writer died, and is cut off; but a file without
 * a whole line that does not begin as a first line does is somebody else's, and stays. NULL: err (busy, io, format, or what replay said,
 * with the place in front). */
struct ledger *ledger_open(const struct ledger_opts *o, struct err *err);
/* Look without writing: replay the whole lines of the file, which another run may be writing, as far as they are there. Of 'o' only path,
 * replay and ctx count; a file that is not there, and that of path NULL, has no lines. What is added stays in memory. NULL: err (io, or
 * what replay said). */
struct ledger *ledger_peek(const struct ledger_opts *o, struct err *err);
/* Put the file aside, and with it those 'beside' it (NULL-ended), as PATH.old1, or the first number that is free for all of them. Empty
 * files and those that are not there stay; of a link the link goes. -1: err (busy: its writer is at work; io). */
int ledger_put_aside(const char *path, const char *const *beside, const char *busy, struct err *err);
/* Drops what was added and not synced; a file without a line is removed. NULL is fine. */
void ledger_close(struct ledger *l);
/* Close it and remove the file, whose lines are not worth keeping. */
void ledger_discard(struct ledger *l);
/* Has the file no line yet? */
bool ledger_empty(const struct ledger *l);
/* Take a line in, without its newline; returns where it stands. */
size_t ledger_add(struct ledger *l, const char *line, size_t n);
/* The n bytes of the line that stands there. Valid until the next ledger_add(). */
struct slice ledger_line(const struct ledger *l, size_t at, size_t n);
/* Write and flush what was added. -1 (err: io; busy: where there are no locks, another run has written meanwhile, whose lines stay):
 * earlier lines are safe, these are not on disk and are tried again by the next sync. */
int ledger_sync(struct ledger *l, struct err *err);
/* With a copy: flush the file itself, which is else flushed every few seconds and when it is closed. -1: err (io); the copy stays. */
int ledger_flush(struct ledger *l, struct err *err);

#endif
