/* hdf5_priv.h - what the files that know HDF5 share (room: report, theirs alone): hdf5.c the file, its groups and attributes, hdf5_tables.c
 * rows, hdf5_append.c the driver by which a file is read, and grows in place. */
#ifndef MTB_HDF5_PRIV_H
#define MTB_HDF5_PRIV_H

#include "h5_table.h"

#include <hdf5.h>

enum { HDF5_MOST_TABLES = 16, HDF5_HASH_SIZE = 64 };

struct h5 {
    hid_t file, text, hash, transfer;    /* text: variable-length UTF-8 */
    hid_t root;                          /* the group that paths begin at: the file's own, or the one that will be */
    char *buffer;                        /* of 'transfer' */
    struct appending *appending;         /* NULL: the file is written as libraries do */
    char *path;
    /* Of the tables that were written: their rows in memory and in the file, made once for thousands of datasets. */
    struct known_table { const struct h5_table *table; hid_t memory, file; } known[HDF5_MOST_TABLES];
    int n_known;
};

/* A handle without a file. */
struct h5 *hdf5_begin(const char *path);
hid_t hdf5_access(void);
bool hdf5_open_root(struct h5 *h);
int hdf5_close_file(struct h5 *h, struct err *err);
void hdf5_free(struct h5 *h);
/* -1, with the library's or the system's last word in err. */
int hdf5_fail(const struct h5 *h, struct err *err, const char *what, const char *where);
/* Of a path that begins with a slash, as the library wants it from a group on. */
const char *hdf5_below(const char *path);
int hdf5_put_attribute(hid_t object, const char *name, hid_t type, const void *value);

struct names {
    char **name;
    int n;
};
/* For H5Literate(): into the names 'ctx'. */
herr_t hdf5_add_name(hid_t group, const char *name, const H5L_info_t *info, void *ctx);

/* errno of a write that failed; 0 */
int appending_error(const struct appending *a);
/* NULL is fine. What was not committed goes. */
void appending_free(struct appending *a);

#endif
