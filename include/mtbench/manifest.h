/* manifest.h - what a run was made with: names and values, some of which may not change between a start and its resumption (room: bench).
 */
#ifndef MTB_MANIFEST_H
#define MTB_MANIFEST_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/json.h"

#include <stdbool.h>

struct manifest_entry {
    char *name, *value;
    bool identity;               /* answers depend on it */
};

struct manifest {
    struct manifest_entry *entry;
    int n;
};

/* Add an entry; the value is formatted and copied. */
void manifest_add(struct manifest *m, bool identity, const char *name, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void manifest_free(struct manifest *m);
/* One line: {"identity": {...}, "info": {...}}, values as strings. */
void manifest_put(struct buf *b, const struct manifest *m);
/* The value of an entry in a line that manifest_put() once wrote, wherever it stands. Caller frees; NULL: it has none. */
char *manifest_value(const char *line, const char *name);
/* What the head begins with. */
#define MANIFEST_HEAD "{\"journal\": "
/* The first line of a journal: the same, behind "journal" (its kind) and "version". */
void manifest_put_head(struct buf *b, const char *kind, const struct manifest *m);
/* Is this the first line of a journal of that kind? A journal without kind and version is an old one and fine. -1: err (format). */
int manifest_check(const char *line, size_t n, const char *kind, struct err *err);
/* Append every identity entry that differs from what manifest_put() once wrote, with both values: "seed was 0 and is 1, ..."; 0: none does.
 */
int manifest_differences(const struct manifest *now, const cJSON *stored, struct buf *out);
/* Compare with what manifest_put() once wrote. -1 (err: usage) naming every identity entry that differs, with both values. */
int manifest_compare(const struct manifest *now, const cJSON *stored, struct err *err);

#endif
