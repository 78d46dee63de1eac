/* h5_table.h - tables of rows, and texts as attributes, in an HDF5 file (room: report, its own). The only files that know the library are
 * hdf5*.[ch]. A table is an array of C structs and a schema that says where each field lies in the struct and what it means. In the file
 * it is a one-dimensional compound dataset, in chunks, shuffled and deflated; texts are variable-length UTF-8. Fields that a file lacks
 * read as 0, NaN or NULL, and those that a schema does not know are passed over: that is how files of other versions are read. */
#ifndef MTB_H5_TABLE_H
#define MTB_H5_TABLE_H

#include "mtbench/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum h5_type {
    H5_INT,                              /* int64_t */
    H5_INT32,                            /* int32_t */
    H5_WORD,                             /* uint8_t, one of 'words' */
    H5_FLAG,                             /* uint8_t, 0 or 1 */
    H5_REAL,                             /* double; NaN: not known */
    H5_HASH,                             /* char [65]: 64 hex digits, or nothing */
    H5_TEXT                              /* char *, UTF-8 without NUL; NULL is written as "" */
};

struct h5_field {
    const char *name;
    enum h5_type type;
    size_t at;                           /* offsetof() in the row */
    const char *unit;                    /* NULL: none */
    const char *about;
    const char *const *words;            /* of H5_WORD, NULL-ended */
};

struct h5_table {
    const char *name;                    /* of the dataset */
    const char *about;
    const struct h5_field *field;
    int n_fields;
    size_t size;                         /* of a row */
};

struct h5;

/* "1.10.8" */
const char *h5_library(void);
/* Locks are not asked for unless HDF5_USE_FILE_LOCKING says so. NULL: err (io, format). */
struct h5 *h5_create(const char *path, struct err *err);
struct h5 *h5_open(const char *path, struct err *err);
/* Write behind what is there, in place: the file is the old one until h5_commit(), and the new one behind it, whatever happens in between.
 * 'group': those of "/" (NULL-ended, "/run") whose children come and go, each as a whole: one that is to change is removed first. What else
 * is replaced lies in "/" itself. Whoever calls holds a
 * lock against others who do. NULL, with err's kind ERR_NONE: this file was not made for it. */
struct h5 *h5_append(const char *path, const char *const *group, struct err *err);
/* Closes 'h' too. -1: err (io); the file is the old one. */
int h5_commit(struct h5 *h, struct err *err);
/* The group or table, with all that is in it, to the same path of another file. */
int h5_copy(struct h5 *from, struct h5 *to, const char *path, struct err *err);
/* -1: err (io): what was written may not be there. NULL is fine. */
int h5_close(struct h5 *h, struct err *err);

/* Paths in the file are "/runs/KEY"; the groups above are made. All: -1: err (io, format). */
int h5_group(struct h5 *h, const char *group, struct err *err);
bool h5_there(struct h5 *h, const char *path);
/* What is not there is fine. */
int h5_remove(struct h5 *h, const char *path, struct err *err);
/* The names in a group, in order; '*name' and the names are the caller's. Returns how many. */
int h5_names(struct h5 *h, const char *group, char ***name, struct err *err);

/* The table becomes GROUP/table->name. */
int h5_write(struct h5 *h, const char *group, const struct h5_table *t, const void *row, size_t n, struct err *err);
/* '*row' is xcalloc'ed, its texts too: h5_free(). A table that is not there has no rows. */
int h5_read(struct h5 *h, const char *group, const struct h5_table *t, void **row, size_t *n, struct err *err);
/* The table's fields before this one: what a reader wants that needs no texts. */
struct h5_table h5_before(const struct h5_table *t, const char *field);
void h5_free(const struct h5_table *t, void *row, size_t n);

int h5_put_text(struct h5 *h, const char *path, const char *name, const char *text, struct err *err);
int h5_put_int(struct h5 *h, const char *path, const char *name, int64_t v, struct err *err);
/* NULL, and false: it is not there, or something else. The text is the caller's. */
char *h5_get_text(struct h5 *h, const char *path, const char *name);
bool h5_get_int(struct h5 *h, const char *path, const char *name, int64_t *v);

#endif
