/* journal.h - the append-only record of finished turns: what makes a killed run lose nothing (room: bench).
 * One writer. First line the manifest, with kind and version of the journal, then a JSON object per turn; a line counts once journal_sync()
 * has returned. */
#ifndef MTB_JOURNAL_H
#define MTB_JOURNAL_H

#include "mtbench/manifest.h"

#include <stdint.h>

enum turn_status { TURN_OK, TURN_FAILED, TURN_TOO_LONG };

struct turn_record {
    int64_t question_id;
    int choice, turn;                    /* turn counts from 1 */
    enum turn_status status;
    const char *reason;                  /* NULL when ok */
    const char *text;                    /* the answer; "" when it failed */
    const char *finish;                  /* "stop", "length", "context"; NULL when it failed */
    char question_sha256[65];            /* of the question's line */
    char prompt_sha256[65];              /* of the rendered prompt's text */
    int n_prompt, n_new, n_reused;       /* tokens */
    double temperature, top_p, min_p, repetition_penalty;
    int top_k;
    double seconds;                      /* from submission to the end of the turn */
    double tstamp;                       /* seconds since the epoch */
    int rank;
    double energy_j;                     /* joules that fall to it (feed.h); 0: not measured */
};

/* One JSON line without its newline, and back: record and strings are one block, free() it. NULL: err (format). */
void turn_put(struct buf *b, const struct turn_record *t);
struct turn_record *turn_parse(const char *line, size_t n, struct err *err);

struct journal;

/* Open or create the journal at 'path' for this run, lock it against a second run, replay it, and compare its manifest with 'm', which
 * need not have everything yet. A torn last line is cut off. NULL: err (busy: another run
 * holds it; usage: the manifest differs; format; io). */
struct journal *journal_open(const char *path, const struct manifest *m, struct err *err);
/* The same with a copy at 'fast', on a disk of this node: a line counts once it is on that disk and written to the journal's file, which
 * is flushed every few seconds, by journal_flush() and by journal_close(). Lines that a crash of the node has kept from the file come
 * back from the copy; a node that is lost with its disk takes the lines of the last few seconds along. */
struct journal *journal_open_fast(const char *path, const char *fast, const struct manifest *m, struct err *err);
/* Where the copy of a journal lies below a scratch folder; the same for all spellings of the journal's path once it is there. NULL: err
 * (io: no folder there that is this user's alone). Caller frees. */
char *journal_fast_path(const char *scratch, const char *path, struct err *err);
/* Look at a journal without writing or locking it, for journal_find(), journal_each() and what is made of them. Its manifest is compared
 * with 'm' if that is not NULL. One that is not there is empty, as is that of path NULL. NULL: err (format, io). */
struct journal *journal_peek(const char *path, const struct manifest *m, struct err *err);
/* Before the first journal_append(): 'm' is complete now. Compared with the journal's (-1: usage), or written as the first line (-1: io).
 */
int journal_begin(struct journal *j, const struct manifest *m, struct err *err);
/* The line that manifest_put() made of the manifest; NULL before the first journal_begin() on a new journal. */
const char *journal_manifest(const struct journal *j);
void journal_close(struct journal *j);
/* The finished (status ok) turn, or NULL. Valid until journal_close(). */
const struct turn_record *journal_find(const struct journal *j, int64_t question_id, int choice, int turn);
/* Append the finished turn's text to 'json' as a JSON string, in the journal's own bytes; 'tstamp' gets when it ended. False: there is
 * none. */
bool journal_text(const struct journal *j, int64_t question_id, int choice, int turn, struct buf *json, double *tstamp);
/* All records in the order of the file, failed ones and those that were made again too. 'counts': journal_find() gives this one. The record
 * lives during the call. A result other than 0 ends it and is returned. */
int journal_each(const struct journal *j, int (*see)(void *ctx, const struct turn_record *t, bool counts), void *ctx);
size_t journal_records(const struct journal *j);
/* How many turns of a conversation are finished, from the first on. -1 (err: usage): they were answered when the question's line, whose
 * SHA-256 this is, read otherwise. */
int journal_count(const struct journal *j, int64_t question_id, const char *question_sha256, int choice, int n_turns, struct err *err);
/* New tokens of all turns per second in which turns were being made, pauses between two starts left out; 0: there are none. */
double journal_rate(const struct journal *j);
/* Take a record in; it is copied. */
void journal_append(struct journal *j, const struct turn_record *t);
/* Take in a line that turn_put() made, on another rank perhaps: its bytes go into the file as they are. Returns the record, as
 * journal_find() does. NULL: err (format). */
const struct turn_record *journal_append_line(struct journal *j, const char *line, size_t n, struct err *err);
/* Write and flush what was appended. -1 (err: io): earlier records are safe, these are not on disk. */
int journal_sync(struct journal *j, struct err *err);
/* With a copy: the file itself onto its disk. -1: err (io). */
int journal_flush(struct journal *j, struct err *err);

/* The journal's path for an answer file: its name without ".jsonl", then ".journal". Caller frees. */
char *journal_path(const char *answer_file);

#endif
