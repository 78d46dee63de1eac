/* records.h - the records of a journal: its lines in order, and the last word on each key (room: bench, the journals' own).
 * A record is a slice of its line's bytes; it is decoded when somebody asks for it, and stays decoded, so that pointers to it hold. */
#ifndef MTB_RECORDS_H
#define MTB_RECORDS_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/map.h"
#include "mtbench/slice.h"

#include <stdbool.h>

struct records {                         /* zeroed but for 'decode' is empty */
    void *(*decode)(struct slice line);  /* one block that free() releases; the line was checked before it came in */
    struct buf bytes;                    /* the lines, one behind the other */
    struct records_line { size_t at, len; void *decoded; } *line;
    size_t n;
    struct map last;
};

/* Take a line in; under the key (of n_key bytes; NULL: it is nobody's last word) it takes the place of the one before. Returns its number.
 */
size_t records_add(struct records *r, struct slice line, const void *key, size_t n_key);
/* The number of the last word on a key, or MAP_NONE. */
size_t records_find(const struct records *r, const void *key, size_t n_key);
/* Valid until the next records_add(). */
struct slice records_line(const struct records *r, size_t i);
/* Decoded; valid until records_free(). */
const void *records_get(const struct records *r, size_t i);
void records_free(struct records *r);

/* ---- decoding ---- */

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

#endif
