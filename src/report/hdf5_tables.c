/* hdf5_tables.c - tables of rows in an HDF5 file. */
#include "hdf5_priv.h"

#include "mtbench/buf.h"
#include "mtbench/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 1 << 16, DEFLATE = 1, MOST_ROWS = 1 << 24 };

static hid_t words_type(const char *const *words)
{
    hid_t t = H5Tenum_create(H5T_NATIVE_UINT8);
    for (uint8_t i = 0; words[i]; i++)
        H5Tenum_insert(t, words[i], &i);
    return t;
}

/* A type of our own to close afterwards, or one of the library's or of 'h'. */
static hid_t field_type(const struct h5 *h, const struct h5_field *f)
{
    switch (f->type) {
    case H5_INT: return H5Tcopy(H5T_NATIVE_INT64);
    case H5_INT32: return H5Tcopy(H5T_NATIVE_INT32);
    case H5_WORD: return words_type(f->words);
    case H5_FLAG: return H5Tcopy(H5T_NATIVE_UINT8);
    case H5_REAL: return H5Tcopy(H5T_NATIVE_DOUBLE);
    case H5_HASH: return H5Tcopy(h->hash);
    case H5_TEXT: return H5Tcopy(h->text);
    }
    return -1;
}

/* The type of a row in memory; 'only' (may be -1): a dataset's type, whose fields alone go in. */
static hid_t row_type(const struct h5 *h, const struct h5_table *t, hid_t only, bool *any)
{
    hid_t row = H5Tcreate(H5T_COMPOUND, t->size);
    *any = false;
    for (int i = 0; i < t->n_fields; i++) {
        if (only >= 0 && H5Tget_member_index(only, t->field[i].name) < 0)
            continue;
        hid_t type = field_type(h, &t->field[i]);
        H5Tinsert(row, t->field[i].name, t->field[i].at, type);
        H5Tclose(type);
        *any = true;
    }
    return row;
}

static const struct known_table *known_table(struct h5 *h, const struct h5_table *t)
{
    bool any;
    int i = 0;
    while (i < h->n_known && h->known[i].table != t)
        i++;
    if (i == h->n_known && h->n_known < HDF5_MOST_TABLES) {
        const hid_t memory = row_type(h, t, -1, &any), file = H5Tcopy(memory);
        H5Tpack(file);                   /* without the gaps of C structs */
        h->known[h->n_known++] = (struct known_table){ t, memory, file };
    }
    return &h->known[i];
}

/* "units": one attribute, "seconds: s, energy_j: J", as long as it is: those of a thousand runs take no room beside the tables. */
static int put_units(hid_t set, const struct h5_table *t)
{
    struct buf b = {0};
    for (int i = 0; i < t->n_fields; i++)
        if (t->field[i].unit)
            buf_printf(&b, "%s%s: %s", b.len ? ", " : "", t->field[i].name, t->field[i].unit);
    int rc = 0;
    if (b.len) {
        hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, b.len);
        H5Tset_cset(type, H5T_CSET_UTF8);
        H5Tset_strpad(type, H5T_STR_NULLPAD);
        rc = hdf5_put_attribute(set, "units", type, b.data);
        H5Tclose(type);
    }
    buf_free(&b);
    return rc;
}

static hid_t table_layout(const struct h5_table *t, size_t n)
{
    hid_t p = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk = CHUNK_BYTES / t->size + 1;
    if (n && n < chunk)
        chunk = n;                       /* a small table is one chunk, and has no empty rest */
    H5Pset_chunk(p, 1, &chunk);
    H5Pset_shuffle(p);
    H5Pset_deflate(p, DEFLATE);
    H5Pset_obj_track_times(p, 0);
    return p;
}

int h5_write(struct h5 *h, const char *group, const struct h5_table *t, const void *row, size_t n, struct err *err)
{
    char *path = xasprintf("%s/%s", strcmp(group, "/") ? group : "", t->name);
    hsize_t size = n, most = H5S_UNLIMITED;
    if (h5_group(h, group, err) < 0 || h5_remove(h, path, err) < 0) {
        free(path);
        return -1;
    }
    const struct known_table *known = known_table(h, t);
    hid_t layout = table_layout(t, n), space = H5Screate_simple(1, &size, &most);
    hid_t set = H5Dcreate2(h->root, hdf5_below(path), known->file, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    int rc = set < 0 || (n && H5Dwrite(set, known->memory, H5S_ALL, H5S_ALL, h->transfer, row) < 0) || put_units(set, t) < 0 ? -1 : 0;
    if (rc < 0)
        hdf5_fail(h, err, "write", path);
    if (set >= 0)
        H5Dclose(set);
    H5Sclose(space);
    H5Pclose(layout);
    free(path);
    return rc;
}

static void *empty_rows(const struct h5_table *t, size_t n)
{
    char *row = xcalloc(n + 1, t->size);
    for (int f = 0; f < t->n_fields; f++)
        for (size_t i = 0; i < n && t->field[f].type == H5_REAL; i++)
            *(double *)(row + i * t->size + t->field[f].at) = NAN;
    return row;
}

/* Only what our program would write: bytes of a file decide nothing about memory beyond that. */
static int table_size(const struct h5 *h, hid_t set, const char *path, size_t *n, struct err *err)
{
    hid_t space = H5Dget_space(set), type = H5Dget_type(set);
    hsize_t size = 0;
    bool ours = H5Sget_simple_extent_ndims(space) == 1 && H5Sget_simple_extent_dims(space, &size, NULL) == 1 &&
                H5Tget_class(type) == H5T_COMPOUND && size <= MOST_ROWS;
    H5Sclose(space);
    H5Tclose(type);
    *n = (size_t)size;
    return ours ? 0 : err_set(err, ERR_FORMAT, "%s: %s is no table of a campaign; aggregate the runs anew", h->path, path);
}

/* A field of another kind (a text where a number belongs) would be converted to nonsense, or not at all. */
static int same_kinds(const struct h5 *h, hid_t type, const struct h5_table *t, const char *path, struct err *err)
{
    static const H5T_class_t kind[] = { [H5_INT] = H5T_INTEGER, [H5_INT32] = H5T_INTEGER, [H5_WORD] = H5T_ENUM, [H5_FLAG] = H5T_INTEGER,
                                        [H5_REAL] = H5T_FLOAT, [H5_HASH] = H5T_STRING, [H5_TEXT] = H5T_STRING };
    for (int f = 0; f < t->n_fields; f++) {
        int i = H5Tget_member_index(type, t->field[f].name);
        if (i < 0)
            continue;
        hid_t member = H5Tget_member_type(type, (unsigned)i);
        bool fits = H5Tget_class(member) == kind[t->field[f].type];
        if (fits && kind[t->field[f].type] == H5T_STRING)
            fits = (H5Tis_variable_str(member) > 0) == (t->field[f].type == H5_TEXT);
        H5Tclose(member);
        if (!fits)
            return err_set(err, ERR_FORMAT, "%s: %s: its field %s is of another kind; aggregate the runs anew", h->path, path,
                           t->field[f].name);
    }
    return 0;
}

/* Hashes came as 64 bytes; a word beyond the list would be read behind its end. */
static int tidy(const struct h5 *h, const struct h5_table *t, char *row, size_t n, const char *path, struct err *err)
{
    for (int f = 0; f < t->n_fields; f++) {
        const struct h5_field *field = &t->field[f];
        int words = 0;
        while (field->type == H5_WORD && field->words[words])
            words++;
        for (size_t i = 0; i < n && field->type == H5_WORD; i++)
            if (*(uint8_t *)(row + i * t->size + field->at) >= words)
                return err_set(err, ERR_FORMAT, "%s: %s: row %zu: its %s is unknown here; go on with the mtbench that wrote it", h->path,
                               path, i, field->name);
    }
    return 0;
}

int h5_read(struct h5 *h, const char *group, const struct h5_table *t, void **row, size_t *n, struct err *err)
{
    char *path = xasprintf("%s/%s", strcmp(group, "/") ? group : "", t->name);
    int rc = -1;
    bool any = false;
    *row = NULL;
    *n = 0;
    if (!h5_there(h, path)) {
        *row = empty_rows(t, 0);
        free(path);
        return 0;
    }
    hid_t set = H5Dopen2(h->root, hdf5_below(path), H5P_DEFAULT), in_file = set < 0 ? -1 : H5Dget_type(set), type = -1;
    if (set < 0)
        hdf5_fail(h, err, "read", path);
    else if (table_size(h, set, path, n, err) == 0 && same_kinds(h, in_file, t, path, err) == 0) {
        *row = empty_rows(t, *n);
        type = row_type(h, t, in_file, &any);
        rc = *n == 0 || !any || H5Dread(set, type, H5S_ALL, H5S_ALL, h->transfer, *row) >= 0 ? 0 : hdf5_fail(h, err, "read", path);
        if (rc == 0)
            rc = tidy(h, t, *row, *n, path, err);
    }
    if (rc < 0) {
        h5_free(t, *row, *row ? *n : 0);
        *row = NULL;
        *n = 0;
    }
    if (type >= 0)
        H5Tclose(type);
    if (in_file >= 0)
        H5Tclose(in_file);
    if (set >= 0)
        H5Dclose(set);
    free(path);
    return rc;
}

struct h5_table h5_before(const struct h5_table *t, const char *field)
{
    struct h5_table some = *t;
    for (some.n_fields = 0; some.n_fields < t->n_fields && strcmp(t->field[some.n_fields].name, field);)
        some.n_fields++;
    return some;
}

void h5_free(const struct h5_table *t, void *row, size_t n)
{
    for (int f = 0; f < t->n_fields; f++)
        for (size_t i = 0; i < n && t->field[f].type == H5_TEXT; i++)
            free(*(char **)((char *)row + i * t->size + t->field[f].at));      /* the library's come from malloc() too */
    free(row);
}
