/* records.h - what a journal holds: a manifest, then a record a line, and which of them is the last word on its key (room: bench, the
 * journals' own). A record is a slice of its line's bytes, which the ledger has; it is decoded when somebody asks for it, and stays
 * decoded, so that pointers to it hold. */
#ifndef MTB_RECORDS_H
#define MTB_RECORDS_H

#include "mtbench/err.h"
#include "mtbench/manifest.h"
#include "mtbench/slice.h"

#include <stdbool.h>
#include <stddef.h>

enum { RECORDS_KEY_MAX = 80 };

struct records_kind {
    const char *name;                    /* in the first line of the journal: "turns" */
    const char *busy;                    /* what a second run is told that this one is doing (ledger.h) */
    /* A line as a record, one block that free() releases. NULL: err (format). */
    void *(*parse)(const char *line, size_t n, struct err *err);
    /* The bytes of its key, at most RECORDS_KEY_MAX; returns how many. 0: it is no last word on anything (it failed). Records of the same
     * bytes are of the same thing, and the later one counts. */
    size_t (*key)(const void *record, char *key);
    /* Sees each record once as it comes in, replayed ones too; 'i' is its number. NULL: nobody looks. */
    void (*note)(void *ctx, const void *record, size_t i);
};

struct records;

/* Open or create the journal at 'path', lock and replay it; 'fast' is its copy on this node (ledger.h), or NULL; 'ctx' is note()'s. A
 * manifest there is compared with 'm', which need not have
 * everything yet. NULL: err (busy, usage, format, io). */
struct records *records_open(const struct records_kind *kind, void *ctx, const char *path, const char *fast, const struct manifest *m,
                             struct err *err);
/* Look without writing or locking; what is added stays in memory. A file that is not there, or that of path NULL, is empty. The manifest is
 * compared if 'm' is not NULL. */
struct records *records_peek(const struct records_kind *kind, void *ctx, const char *path, const struct manifest *m, struct err *err);
/* Before the first record is added to a journal that was opened: 'm' is complete now. It is compared with the one that is there (-1:
 * usage), or becomes the first line (-1: io). */
int records_begin(struct records *r, const struct manifest *m, struct err *err);
/* The first line; NULL: there is none yet. */
const char *records_head(const struct records *r);
/* NULL is fine. */
void records_close(struct records *r);
/* Close it and remove the file. */
void records_discard(struct records *r);

const char *records_path(const struct records *r);
size_t records_count(const struct records *r);
/* The number of the last word on a key, or MAP_NONE (map.h). */
size_t records_find(const struct records *r, const char *key, size_t n);
/* Record i, decoded. Valid until it is closed. */
const void *records_get(const struct records *r, size_t i);
/* Its line. Valid until the next records_add(). */
struct slice records_line(const struct records *r, size_t i);
/* All records in the order of the file; 'counts': it is the last word on its key. A record lives during the call. A result other than 0
 * ends it and is returned. */
int records_each(const struct records *r, int (*see)(void *ctx, const void *record, bool counts), void *ctx);
/* Take a line in, whose bytes go into the file as they are. Returns its record, as records_get() does. NULL: err (format). */
const void *records_add(struct records *r, const char *line, size_t n, struct err *err);
/* Write and flush what was added. -1 (err: io): earlier records are safe. */
int records_sync(struct records *r, struct err *err);
/* As ledger_flush(). */
int records_flush(struct records *r, struct err *err);

/* ---- parsing ---- */

/* A member of a line, and where in the record its 'const char *' stands (offsetof): a string, or with 'object' an object's JSON as it
 * stands. */
struct records_text {
    struct slice value;
    size_t offset;
    bool object;
};

/* A copy of the record with its strings behind it, in one block that free() releases. A member that is something else is NULL. NULL: err
 * (format). */
void *records_block(const void *record, size_t size, const struct records_text *text, int n_texts, struct err *err);
/* Which of the words a member's string is, or -1. */
int records_word(struct slice value, const char *const *word, int n_words);
/* A member's number, or 'otherwise' where it has none. */
double records_number(struct slice value, double otherwise);

#endif
