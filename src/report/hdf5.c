/* hdf5.c - tables of rows in an HDF5 file. */
#include "h5_table.h"

#include "mtbench/buf.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 16, BUFFER_BYTES = 1 << 16, DEFLATE = 1, MOST_ROWS = 1 << 24, HASH_SIZE = 64 };

enum { MOST_TABLES = 16 };

struct h5 {
    hid_t file, text, hash, transfer;    /* text: variable-length UTF-8 */
    hid_t root;                          /* the group that paths begin at: the file's own, or the one that will be */
    struct appending *appending;         /* NULL: the file is written as libraries do */
    char *path;
    /* Of the tables that were written: their rows in memory and in the file, made once for thousands of datasets. */
    struct known_table { const struct h5_table *table; hid_t memory, file; } known[MOST_TABLES];
    int n_known;
};

const char *h5_library(void)
{
    static char version[40];
    unsigned major = 0, minor = 0, patch = 0;
    H5get_libversion(&major, &minor, &patch);
    snprintf(version, sizeof version, "%u.%u.%u", major, minor, patch);
    return version;
}

/* ---- the file ---- */

static void appending_free(struct appending *a);

static hid_t access_list(void)
{
    hid_t p = H5Pcreate(H5P_FILE_ACCESS);
    /* Of 1.10 and later: small tables without an index of their chunks. */
    H5Pset_libver_bounds(p, H5F_LIBVER_V110, H5F_LIBVER_V110);
#if H5_VERSION_GE(1, 10, 7)
    /* Parallel file systems often have no locks; HDF5 would refuse the file. The environment variable has the last word in the library. */
    H5Pset_file_locking(p, 0, 1);
#endif
    return p;
}

static struct h5 *begin(const char *path)
{
    struct h5 *h = xcalloc(1, sizeof *h);
    /* A file that could not be written to its end stays open in the library, which would try once more at exit, and crash. */
    H5dont_atexit();
    h->file = h->root = -1;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);       /* its stack of errors is no line for people */
    h->path = xstrdup(path);
    h->text = H5Tcopy(H5T_C_S1);
    H5Tset_size(h->text, H5T_VARIABLE);
    H5Tset_cset(h->text, H5T_CSET_UTF8);
    h->hash = H5Tcopy(H5T_C_S1);
    H5Tset_size(h->hash, HASH_SIZE);
    H5Tset_strpad(h->hash, H5T_STR_NULLPAD);
    /* The library clears its buffers for each table: a megabyte each is more than most tables are. */
    h->transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_buffer(h->transfer, BUFFER_BYTES, NULL, NULL);
    return h;
}

/* The innermost message of the library's stack is the one that says what the system did, among much else: "... error message = 'File too
 * large', buf = ...". */
static herr_t last_words(unsigned n, const H5E_error2_t *e, void *ctx)
{
    static const char before[] = "error message = '";
    const char *desc = e->desc ? e->desc : "", *system = strstr(desc, before);
    (void)n;
    if (system)
        snprintf(ctx, 160, "%.*s", (int)strcspn(system + strlen(before), "'"), system + strlen(before));
    else
        snprintf(ctx, 160, "%.*s", (int)strcspn(desc, "\n"), desc);
    return 0;
}

static int driver_error(const struct appending *a);

static int fail(const struct h5 *h, struct err *err, const char *what, const char *where)
{
    char why[160] = "";
    if (h->appending && driver_error(h->appending))
        return err_set(err, ERR_IO, "%s: cannot write: %s; make room and start again, the file is as it was", h->path,
                       strerror(driver_error(h->appending)));
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, last_words, why);
    return err_set(err, ERR_IO, "%s: cannot %s %s%s%s", h->path, what, where, *why ? ": " : "", why);
}

static bool open_root(struct h5 *h)
{
    h->root = h->file < 0 ? -1 : H5Gopen2(h->file, "/", H5P_DEFAULT);
    return h->root >= 0;
}

/* Of a path that begins with a slash, as the library wants it from a group on. */
static const char *below_root(const char *path)
{
    return path[1] ? path + 1 : ".";
}

struct h5 *h5_create(const char *path, struct err *err)
{
    struct h5 *h = begin(path);
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = access_list();
    H5Pset_obj_track_times(create, 0);           /* the same runs are the same bytes, whenever they are written */
    /* No place is used twice: what was once written stays what it is, which appending stands on. */
    H5Pset_file_space_strategy(create, H5F_FSPACE_STRATEGY_NONE, 0, 1);
    h->file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    H5Pclose(access);
    H5Pclose(create);
    if (open_root(h))
        return h;
    fail(h, err, "write", "the file");
    h5_close(h, NULL);
    return NULL;
}

static int close_file(struct h5 *h, struct err *err)
{
    int rc = 0;
    if (h->root >= 0)
        H5Gclose(h->root);
    if (h->file >= 0 && (H5Fflush(h->file, H5F_SCOPE_LOCAL) < 0 || H5Fclose(h->file) < 0))
        rc = fail(h, err, "finish", "the file");
    return rc;
}

static void handle_free(struct h5 *h)
{
    for (int i = 0; i < h->n_known; i++) {
        H5Tclose(h->known[i].memory);
        H5Tclose(h->known[i].file);
    }
    H5Tclose(h->text);
    H5Tclose(h->hash);
    H5Pclose(h->transfer);
    appending_free(h->appending);
    free(h->path);
    free(h);
}

int h5_close(struct h5 *h, struct err *err)
{
    if (!h)
        return 0;
    int rc = close_file(h, err);
    handle_free(h);
    return rc;
}

/* ---- groups ---- */

int h5_group(struct h5 *h, const char *group, struct err *err)
{
    int rc = 0;
    if (h5_there(h, group))
        return 0;
    hid_t link = H5Pcreate(H5P_LINK_CREATE), create = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    H5Pset_obj_track_times(create, 0);
    hid_t g = H5Gcreate2(h->root, below_root(group), link, create, H5P_DEFAULT);
    if (g < 0)
        rc = fail(h, err, "make the group", group);
    else
        H5Gclose(g);
    H5Pclose(create);
    H5Pclose(link);
    return rc;
}

/* H5Lexists() wants each group on the way to be there. */
bool h5_there(struct h5 *h, const char *path)
{
    char *copy = xstrdup(path), *p = copy;
    bool there = true;
    while (there && p && p[1]) {
        p = strchr(p + 1, '/');
        if (p)
            *p = '\0';
        there = H5Lexists(h->root, below_root(copy), H5P_DEFAULT) > 0;
        if (p)
            *p = '/';
    }
    free(copy);
    return there;
}

int h5_remove(struct h5 *h, const char *path, struct err *err)
{
    return !h5_there(h, path) || H5Ldelete(h->root, below_root(path), H5P_DEFAULT) >= 0 ? 0 : fail(h, err, "remove", path);
}

struct names {
    char **name;
    int n;
};

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
{
    struct names *all = ctx;
    (void)group, (void)info;
    if ((all->n & (all->n - 1)) == 0)
        all->name = xrealloc(all->name, all->n ? 2 * (size_t)all->n : 1, sizeof *all->name);
    all->name[all->n++] = xstrdup(name);
    return 0;
}

int h5_names(struct h5 *h, const char *group, char ***name, struct err *err)
{
    struct names all = {0};
    *name = NULL;
    if (!h5_there(h, group))
        return 0;
    hid_t g = H5Gopen2(h->root, below_root(group), H5P_DEFAULT);
    herr_t rc = g < 0 ? -1 : H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &all);
    if (g >= 0)
        H5Gclose(g);
    *name = all.name;
    return rc < 0 ? fail(h, err, "list", group) : all.n;
}

/* ---- tables ---- */

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
    if (i == h->n_known && h->n_known < MOST_TABLES) {
        const hid_t memory = row_type(h, t, -1, &any), file = H5Tcopy(memory);
        H5Tpack(file);                   /* without the gaps of C structs */
        h->known[h->n_known++] = (struct known_table){ t, memory, file };
    }
    return &h->known[i];
}

static int put_attribute(hid_t object, const char *name, hid_t type, const void *value)
{
    hid_t space = H5Screate(H5S_SCALAR);
    if (H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    hid_t a = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t rc = a < 0 ? -1 : H5Awrite(a, type, value);
    if (a >= 0)
        H5Aclose(a);
    H5Sclose(space);
    return rc < 0 ? -1 : 0;
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
        rc = put_attribute(set, "units", type, b.data);
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
    hid_t set = H5Dcreate2(h->root, below_root(path), known->file, space, H5P_DEFAULT, layout, H5P_DEFAULT);
    int rc = set < 0 || (n && H5Dwrite(set, known->memory, H5S_ALL, H5S_ALL, h->transfer, row) < 0) || put_units(set, t) < 0 ? -1 : 0;
    if (rc < 0)
        fail(h, err, "write", path);
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
    hid_t set = H5Dopen2(h->root, below_root(path), H5P_DEFAULT), in_file = set < 0 ? -1 : H5Dget_type(set), type = -1;
    if (set < 0)
        fail(h, err, "read", path);
    else if (table_size(h, set, path, n, err) == 0 && same_kinds(h, in_file, t, path, err) == 0) {
        *row = empty_rows(t, *n);
        type = row_type(h, t, in_file, &any);
        rc = *n == 0 || !any || H5Dread(set, type, H5S_ALL, H5S_ALL, h->transfer, *row) >= 0 ? 0 : fail(h, err, "read", path);
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

/* ---- attributes ---- */

static int put_value(struct h5 *h, const char *path, const char *name, hid_t type, const void *value, struct err *err)
{
    hid_t o = H5Oopen(h->root, below_root(path), H5P_DEFAULT);
    int rc = o < 0 || put_attribute(o, name, type, value) < 0 ? fail(h, err, "write the attribute", name) : 0;
    if (o >= 0)
        H5Oclose(o);
    return rc;
}

int h5_put_text(struct h5 *h, const char *path, const char *name, const char *text, struct err *err)
{
    return put_value(h, path, name, h->text, &text, err);
}

int h5_put_int(struct h5 *h, const char *path, const char *name, int64_t v, struct err *err)
{
    return put_value(h, path, name, H5T_NATIVE_INT64, &v, err);
}

/* The attribute's single value, if it is of this class. */
static bool get_value(struct h5 *h, const char *path, const char *name, H5T_class_t kind, hid_t type, void *value)
{
    if (!h5_there(h, path) || H5Aexists_by_name(h->root, below_root(path), name, H5P_DEFAULT) <= 0)
        return false;
    hid_t a = H5Aopen_by_name(h->root, below_root(path), name, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = a < 0 ? -1 : H5Aget_space(a), in_file = a < 0 ? -1 : H5Aget_type(a);
    bool fine = a >= 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(in_file) == kind &&
                (kind != H5T_STRING || H5Tis_variable_str(in_file) > 0) && H5Aread(a, type, value) >= 0;
    if (space >= 0)
        H5Sclose(space);
    if (in_file >= 0)
        H5Tclose(in_file);
    if (a >= 0)
        H5Aclose(a);
    return fine;
}

char *h5_get_text(struct h5 *h, const char *path, const char *name)
{
    char *text = NULL;
    return get_value(h, path, name, H5T_STRING, h->text, &text) ? text : NULL;
}

bool h5_get_int(struct h5 *h, const char *path, const char *name, int64_t *v)
{
    return get_value(h, path, name, H5T_INTEGER, H5T_NATIVE_INT64, v);
}

/* ---- appending ----
 * A file of hundreds of MB gets one run more without a copy, and is whole at every moment. New objects are written behind the end that the
 * superblock tells: nobody reads there. What the library would change in the old part (counts of links, marks that the file is open) stays
 * in pages of memory. At the end the superblock, 48 bytes in one write, tells a new end and a new root group, which links the old groups
 * and the new ones: before it there is the old file, behind it the new one. Readers that have the file open go on seeing the old one. It
 * stands on three things: the library never uses an old place for something new (H5F_FSPACE_STRATEGY_NONE), reads no text of the old part
 * meanwhile, since it would put new texts in that one's heap, and nobody else appends (the caller's lock). */

enum { PAGE = 4096, SUPERBLOCK = 48 };

struct appending {
    int fd;
    haddr_t old_end, new_end;            /* behind the old part (0: only read from); behind the new one, once it is closed */
    haddr_t size;                        /* of the file as it was opened */
    bool committed;
    int error;                           /* errno of a write that failed */
    haddr_t root;                        /* of the new root group */
    struct map page;                     /* of the old part: its place in 'bytes' */
    unsigned char **bytes;               /* (page.n) PAGE each, as the library wants them to be */
};

/* The library's own view of the file; it makes and frees it. */
struct append_file {
    H5FD_t pub;
    struct appending *a;
    haddr_t eoa;
};

static struct appending *to_open;        /* what the driver's open() is about: it has no other way to be told */

static int driver_error(const struct appending *a)
{
    return a->error;
}

static bool is_as_it_was(const struct appending *a);

static void appending_free(struct appending *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->page.n; i++)
        free(a->bytes[i]);
    free(a->bytes);
    map_free(&a->page);
    /* Nobody knows of what was written behind the end; a full disk needs the room. */
    if (a->old_end && !a->committed && is_as_it_was(a) && ftruncate(a->fd, (off_t)a->old_end) < 0)
        errno = 0;                       /* then it stays, and the next one writes over it */
    if (a->fd >= 0)
        close(a->fd);
    free(a);
}

/* Zeros behind the end, as a file that grew has them. */
static int read_at(int fd, void *out, size_t n, haddr_t at)
{
    char *to = out;
    while (n) {
        ssize_t k = pread(fd, to, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        if (k == 0) {
            memset(to, 0, n);
            return 0;
        }
        to += k, at += (haddr_t)k, n -= (size_t)k;
    }
    return 0;
}

static int write_at(int fd, const void *data, size_t n, haddr_t at)
{
    const char *from = data;
    while (n) {
        ssize_t k = pwrite(fd, from, n, (off_t)at);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return -1;
        from += k, at += (haddr_t)k, n -= (size_t)k;
    }
    return 0;
}

static unsigned char *page_of(struct appending *a, haddr_t number, bool make)
{
    size_t i = map_find_int(&a->page, (int64_t)number);
    if (i != MAP_NONE || !make)
        return i == MAP_NONE ? NULL : a->bytes[i];
    unsigned char *page = xcalloc(1, PAGE);
    if (read_at(a->fd, page, PAGE, number * PAGE) < 0) {
        free(page);
        return NULL;
    }
    i = a->page.n;
    if ((i & (i - 1)) == 0)
        a->bytes = xrealloc(a->bytes, i ? 2 * i : 1, sizeof *a->bytes);
    a->bytes[i] = page;
    map_add_int(&a->page, (int64_t)number, i);
    return page;
}

/* How many of n bytes at 'at' lie in one page of the old part. */
static size_t piece_of(const struct appending *a, haddr_t at, size_t n)
{
    const haddr_t page_end = (at / PAGE + 1) * PAGE, end = page_end < a->old_end ? page_end : a->old_end;
    return end - at < n ? (size_t)(end - at) : n;
}

/* Little-endian numbers of n bytes. */
static uint64_t number_at(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

/* Do the objects of a heap of texts lie within its n bytes? */
static bool objects_fit(const unsigned char *heap, uint64_t n)
{
    enum { HEAD = 16 };                  /* "GCOL", version, size; of an object: number, count, size, then its bytes */
    for (uint64_t at = HEAD; at + HEAD <= n;) {
        const uint64_t number = number_at(heap + at, 2), length = number_at(heap + at + 8, 8);
        /* number 0 is what is free, its head with it */
        const uint64_t step = number ? HEAD + (length + 7) / 8 * 8 : length;
        if (length > n || step > n - at)
            return false;
        if (!number)
            return true;
        at += step;
    }
    return true;
}

/* A heap of texts is the one part of a file that has no checksum, and the library believes the lengths in it: a bent one would have it read
 * far beyond. It reads a heap's beginning first, by which we look at the whole. */
static bool heap_is_sound(const struct appending *a, haddr_t at, const unsigned char *heap, size_t n)
{
    if (n < 16 || memcmp(heap, "GCOL", 4))
        return true;                     /* the rest of one, or nothing that the library would take for one */
    const uint64_t size = number_at(heap + 8, 8);
    if (size <= n)
        return objects_fit(heap, size);
    if (at > a->size || size > a->size - at)
        return false;
    unsigned char *whole = malloc(size);
    const bool sound = whole && read_at(a->fd, whole, size, at) == 0 && objects_fit(whole, size);
    free(whole);
    return sound;
}

static herr_t append_read(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t at, size_t n, void *out)
{
    struct appending *a = ((struct append_file *)file)->a;
    unsigned char *to = out;
    (void)dxpl;
    if (a->old_end == 0)
        return read_at(a->fd, out, n, at) < 0 || (type == H5FD_MEM_DRAW && !heap_is_sound(a, at, out, n)) ? -1
                                                                                                          : 0; /* as which heaps are read */
    while (n && at < a->old_end) {
        const size_t k = piece_of(a, at, n);
        const unsigned char *page = page_of(a, at / PAGE, false);
        if (page)
            memcpy(to, page + at % PAGE, k);
        else if (read_at(a->fd, to, k, at) < 0)
            return -1;
        to += k, at += k, n -= k;
    }
    return n && read_at(a->fd, to, n, at) < 0 ? -1 : 0;
}

static herr_t append_write(H5FD_t *file, H5FD_mem_t type, hid_t dxpl, haddr_t at, size_t n, const void *data)
{
    struct appending *a = ((struct append_file *)file)->a;
    const unsigned char *from = data;
    (void)type, (void)dxpl;
    while (n && at < a->old_end) {
        const size_t k = piece_of(a, at, n);
        unsigned char *page = page_of(a, at / PAGE, true);
        if (!page)
            return -1;
        memcpy(page + at % PAGE, from, k);
        from += k, at += k, n -= k;
    }
    if (n == 0 || write_at(a->fd, from, n, at) == 0)
        return 0;
    a->error = errno ? errno : ENOSPC;
    return -1;
}

static H5FD_t *append_open(const char *name, unsigned flags, hid_t fapl, haddr_t most)
{
    struct append_file *f = to_open ? calloc(1, sizeof *f) : NULL;
    (void)name, (void)flags, (void)fapl, (void)most;
    if (f)
        f->a = to_open;
    to_open = NULL;
    return f ? &f->pub : NULL;
}

static herr_t append_close(H5FD_t *file)
{
    struct append_file *f = (struct append_file *)file;
    f->a->new_end = f->eoa;
    free(f);
    return 0;
}

static herr_t append_query(const H5FD_t *file, unsigned long *flags)
{
    /* Who only reads wants each heap to come by append_read(), in one piece. A NULL comes before there is a file. */
    const bool reads = file && ((const struct append_file *)file)->a->old_end == 0;
    *flags = reads ? 0 : H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE;
    return 0;
}

static haddr_t append_eoa(const H5FD_t *file, H5FD_mem_t type)
{
    (void)type;
    return ((const struct append_file *)file)->eoa;
}

static herr_t append_set_eoa(H5FD_t *file, H5FD_mem_t type, haddr_t at)
{
    (void)type;
    ((struct append_file *)file)->eoa = at;
    return 0;
}

/* What a killed writer left behind the end is nobody's. */
static haddr_t append_eof(const H5FD_t *file, H5FD_mem_t type)
{
    const struct append_file *f = (const struct append_file *)file;
    (void)type;
    if (f->a->old_end == 0)
        return f->a->size;
    return f->eoa > f->a->old_end ? f->eoa : f->a->old_end;
}

static const H5FD_class_t append_driver = {
#ifdef H5FD_CLASS_VERSION
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)600,
#endif
    .name = "append", .maxaddr = (haddr_t)1 << 62, .fc_degree = H5F_CLOSE_WEAK, .open = append_open, .close = append_close,
    .query = append_query, .get_eoa = append_eoa, .set_eoa = append_set_eoa, .get_eof = append_eof, .read = append_read,
    .write = append_write, .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* The checksum of HDF5's metadata: Bob Jenkins' lookup3, hashlittle(), of public domain, with 0 to begin with. */
static uint32_t lookup3(const unsigned char *k, size_t n)
{
    uint32_t a = 0xdeadbeef + (uint32_t)n, b = a, c = a;
    unsigned char last[12] = {0};
#define ROTATE(x, r) ((x) << (r) | (x) >> (32 - (r)))
#define WORD(p) ((uint32_t)(p)[0] | (uint32_t)(p)[1] << 8 | (uint32_t)(p)[2] << 16 | (uint32_t)(p)[3] << 24)
    for (; n > 12; n -= 12, k += 12) {
        a += WORD(k), b += WORD(k + 4), c += WORD(k + 8);
        a -= c, a ^= ROTATE(c, 4), c += b;
        b -= a, b ^= ROTATE(a, 6), a += c;
        c -= b, c ^= ROTATE(b, 8), b += a;
        a -= c, a ^= ROTATE(c, 16), c += b;
        b -= a, b ^= ROTATE(a, 19), a += c;
        c -= b, c ^= ROTATE(b, 4), b += a;
    }
    memcpy(last, k, n);
    a += WORD(last), b += WORD(last + 4), c += WORD(last + 8);
    c ^= b, c -= ROTATE(b, 14);
    a ^= c, a -= ROTATE(c, 11);
    b ^= a, b -= ROTATE(a, 25);
    c ^= b, c -= ROTATE(b, 16);
    a ^= c, a -= ROTATE(c, 4);
    b ^= a, b -= ROTATE(a, 14);
    c ^= b, c -= ROTATE(b, 24);
#undef ROTATE
#undef WORD
    return c;
}

static void put_number(unsigned char *p, int n, uint64_t v)
{
    for (int i = 0; i < n; i++)
        p[i] = (unsigned char)(v >> 8 * i);
}

/* Places in a superblock of version 2 or 3 (HDF5 File Format Specification, II.A). */
enum { SB_VERSION = 8, SB_OFFSETS = 9, SB_LENGTHS = 10, SB_FLAGS = 11, SB_BASE = 12, SB_END = 28, SB_ROOT = 36, SB_CHECKSUM = 44 };

static bool superblock_is_plain(const unsigned char *sb)
{
    return !memcmp(sb, "\x89HDF\r\n\x1a\n", 8) && (sb[SB_VERSION] == 2 || sb[SB_VERSION] == 3) && sb[SB_OFFSETS] == 8 &&
           sb[SB_LENGTHS] == 8 && sb[SB_FLAGS] == 0 && number_at(sb + SB_BASE, 8) == 0 &&
           number_at(sb + SB_CHECKSUM, 4) == lookup3(sb, SB_CHECKSUM);
}

/* Does the file still end where it did? Some locks keep out nobody on other machines, and what is behind that end is another's then. */
static bool is_as_it_was(const struct appending *a)
{
    unsigned char sb[SUPERBLOCK];
    return read_at(a->fd, sb, SUPERBLOCK, 0) == 0 && superblock_is_plain(sb) && number_at(sb + SB_END, 8) == a->old_end;
}

/* NULL: it is no file that can be appended to. */
static struct appending *appending_begin(const char *path)
{
    unsigned char sb[SUPERBLOCK];
    struct stat st;
    struct appending *a = xcalloc(1, sizeof *a);
    a->fd = open(path, O_RDWR | O_CLOEXEC);
    if (a->fd >= 0 && fstat(a->fd, &st) == 0 && st.st_size >= SUPERBLOCK && read_at(a->fd, sb, SUPERBLOCK, 0) == 0 &&
        superblock_is_plain(sb)) {
        a->old_end = number_at(sb + SB_END, 8);
        if (a->old_end >= SUPERBLOCK && a->old_end <= (haddr_t)st.st_size)
            return a;
    }
    if (a->fd >= 0)
        close(a->fd);
    free(a);
    return NULL;
}

static bool never_reuses(hid_t file)
{
    H5F_fspace_strategy_t strategy = H5F_FSPACE_STRATEGY_FSM_AGGR;
    hbool_t persist = 0;
    hsize_t threshold = 0;
    hid_t create = H5Fget_create_plist(file);
    bool never = H5Pget_file_space_strategy(create, &strategy, &persist, &threshold) >= 0 && strategy == H5F_FSPACE_STRATEGY_NONE;
    H5Pclose(create);
    return never;
}

/* Links what is in a group of the old root into the new one; '*n' of them. */
static int link_children(struct h5 *h, const char *group, hid_t to)
{
    struct names all = {0};
    char from[300];
    hid_t g = H5Gopen2(h->file, group, H5P_DEFAULT);
    int rc = g < 0 || H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &all) < 0 ? -1 : 0;
    for (int i = 0; i < all.n; i++) {
        snprintf(from, sizeof from, "%s/%s", strcmp(group, "/") ? group : "", all.name[i]);
        if (rc == 0 && H5Lcreate_hard(h->file, from, to, from + 1, H5P_DEFAULT, H5P_DEFAULT) < 0)
            rc = -1;
        free(all.name[i]);
    }
    free(all.name);
    if (g >= 0)
        H5Gclose(g);
    return rc;
}

/* A new root with new groups of these names, in which stands what stood in the old ones. */
static int make_root(struct h5 *h, const char *const *group)
{
    hid_t create = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_obj_track_times(create, 0);
    h->root = H5Gcreate_anon(h->file, create, H5P_DEFAULT);
    H5Pclose(create);
    /* counted as linked, or closing it would remove what nothing leads to yet */
    int rc = h->root < 0 || H5Oincr_refcount(h->root) < 0 ? -1 : link_children(h, "/", h->root);
    for (int i = 0; group[i] && rc == 0; i++) {
        if (H5Lexists(h->file, group[i], H5P_DEFAULT) <= 0)
            continue;
        rc = H5Ldelete(h->root, below_root(group[i]), H5P_DEFAULT) < 0 || h5_group(h, group[i], NULL) < 0 ||
                     link_children(h, group[i], h->root) < 0
                 ? -1
                 : 0;
    }
    return rc;
}

struct h5 *h5_open(const char *path, struct err *err)
{
    struct h5 *h = begin(path);
    struct stat st;
    hid_t access = access_list(), driver = H5FDregister(&append_driver);
    h->appending = xcalloc(1, sizeof *h->appending);
    h->appending->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (h->appending->fd >= 0 && fstat(h->appending->fd, &st) == 0) {
        h->appending->size = (haddr_t)st.st_size;
        to_open = h->appending;
        H5Pset_driver(access, driver, NULL);
        h->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    }
    H5Pclose(access);
    H5FDunregister(driver);
    if (open_root(h))
        return h;
    fail(h, err, "open", "it as HDF5");
    h5_close(h, NULL);
    return NULL;
}

struct h5 *h5_append(const char *path, const char *const *group, struct err *err)
{
    struct h5 *h = begin(path);
    if (!(h->appending = appending_begin(path))) {
        h5_close(h, NULL);
        err_set(err, ERR_NONE, "%s", path);
        return NULL;
    }
    hid_t access = access_list(), driver = H5FDregister(&append_driver);
    to_open = h->appending;
    H5Pset_driver(access, driver, NULL);
    h->file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    H5FDunregister(driver);
    const bool fits = h->file >= 0 && never_reuses(h->file);
    if (fits && make_root(h, group) == 0)
        return h;
    if (fits || h->file < 0)
        fail(h, err, "append to", "it");
    else
        err_set(err, ERR_NONE, "%s", path);
    h5_close(h, NULL);
    return NULL;
}

int h5_commit(struct h5 *h, struct err *err)
{
    struct appending *a = h->appending;
    unsigned char sb[SUPERBLOCK];
    H5O_info_t info;
    int rc = H5Oget_info1(h->root, &info) < 0 ? fail(h, err, "finish", "the file") : 0;
    char *path = xstrdup(h->path);
    if (close_file(h, rc < 0 ? NULL : err) < 0)
        rc = -1;
    h->appending = NULL;                 /* ours from here on */
    handle_free(h);
    /* all of the new part is on disk before anything says that it is there */
    if (rc == 0 && a->new_end < a->old_end)      /* something in it is still open */
        rc = err_set(err, ERR_IO, "%s: cannot finish the file; start again, the file is as it was", path);
    if (rc == 0 && !is_as_it_was(a))
        rc = err_set(err, ERR_BUSY, "%s: another program has written it meanwhile; start again", path);
    if (rc == 0 && (ftruncate(a->fd, (off_t)a->new_end) < 0 || fsync(a->fd) < 0 || read_at(a->fd, sb, SUPERBLOCK, 0) < 0))
        rc = err_errno(err, "%s: cannot write", path);
    if (rc == 0) {
        put_number(sb + SB_END, 8, a->new_end);
        put_number(sb + SB_ROOT, 8, info.addr);
        put_number(sb + SB_CHECKSUM, 4, lookup3(sb, SB_CHECKSUM));
        if (write_at(a->fd, sb, SUPERBLOCK, 0) < 0 || fsync(a->fd) < 0)
            rc = err_errno(err, "%s: cannot write", path);
        a->committed = true;             /* or it may be: the new part stays */
    }
    appending_free(a);
    free(path);
    return rc;
}

int h5_copy(struct h5 *from, struct h5 *to, const char *path, struct err *err)
{
    hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    int rc = H5Ocopy(from->root, below_root(path), to->root, below_root(path), H5P_DEFAULT, link) < 0 ? fail(to, err, "copy", path) : 0;
    H5Pclose(link);
    return rc;
}
