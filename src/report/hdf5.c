/* hdf5.c - an HDF5 file: made and closed, its groups and attributes. */
#include "hdf5_priv.h"

#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 1 << 16 };

const char *h5_library(void)
{
    static char version[40];
    unsigned major = 0, minor = 0, patch = 0;
    H5get_libversion(&major, &minor, &patch);
    snprintf(version, sizeof version, "%u.%u.%u", major, minor, patch);
    return version;
}

/* ---- the file ---- */

hid_t hdf5_access(void)
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

struct h5 *hdf5_begin(const char *path)
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
    H5Tset_size(h->hash, HDF5_HASH_SIZE);
    H5Tset_strpad(h->hash, H5T_STR_NULLPAD);
    /* The library's own buffers are a megabyte each, more than most tables are, and are made and cleared for every one. */
    h->buffer = xcalloc(2, BUFFER_BYTES);
    h->transfer = H5Pcreate(H5P_DATASET_XFER);
    H5Pset_buffer(h->transfer, BUFFER_BYTES, h->buffer, h->buffer + BUFFER_BYTES);
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

int hdf5_fail(const struct h5 *h, struct err *err, const char *what, const char *where)
{
    char why[160] = "";
    if (h->appending && appending_error(h->appending))
        return err_set(err, ERR_IO, "%s: cannot write: %s; make room and start again, the file is as it was", h->path,
                       strerror(appending_error(h->appending)));
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, last_words, why);
    return err_set(err, ERR_IO, "%s: cannot %s %s%s%s", h->path, what, where, *why ? ": " : "", why);
}

bool hdf5_open_root(struct h5 *h)
{
    h->root = h->file < 0 ? -1 : H5Gopen2(h->file, "/", H5P_DEFAULT);
    return h->root >= 0;
}

const char *hdf5_below(const char *path)
{
    return path[1] ? path + 1 : ".";
}

struct h5 *h5_create(const char *path, struct err *err)
{
    struct h5 *h = hdf5_begin(path);
    hid_t create = H5Pcreate(H5P_FILE_CREATE), access = hdf5_access();
    H5Pset_obj_track_times(create, 0);           /* what is in it says nothing of when it was written */
    /* No place is used twice: what was once written stays what it is, which appending stands on. */
    H5Pset_file_space_strategy(create, H5F_FSPACE_STRATEGY_NONE, 0, 1);
    h->file = H5Fcreate(path, H5F_ACC_TRUNC, create, access);
    H5Pclose(access);
    H5Pclose(create);
    if (hdf5_open_root(h))
        return h;
    hdf5_fail(h, err, "write", "the file");
    h5_close(h, NULL);
    return NULL;
}

int hdf5_close_file(struct h5 *h, struct err *err)
{
    int rc = 0;
    if (h->root >= 0)
        H5Gclose(h->root);
    if (h->file >= 0 && (H5Fflush(h->file, H5F_SCOPE_LOCAL) < 0 || H5Fclose(h->file) < 0))
        rc = hdf5_fail(h, err, "finish", "the file");
    return rc;
}

void hdf5_free(struct h5 *h)
{
    for (int i = 0; i < h->n_known; i++) {
        H5Tclose(h->known[i].memory);
        H5Tclose(h->known[i].file);
    }
    H5Tclose(h->text);
    H5Tclose(h->hash);
    H5Pclose(h->transfer);
    free(h->buffer);
    appending_free(h->appending);
    free(h->path);
    free(h);
}

int h5_close(struct h5 *h, struct err *err)
{
    if (!h)
        return 0;
    int rc = hdf5_close_file(h, err);
    hdf5_free(h);
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
    hid_t g = H5Gcreate2(h->root, hdf5_below(group), link, create, H5P_DEFAULT);
    if (g < 0)
        rc = hdf5_fail(h, err, "make the group", group);
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
        there = H5Lexists(h->root, hdf5_below(copy), H5P_DEFAULT) > 0;
        if (p)
            *p = '/';
    }
    free(copy);
    return there;
}

int h5_remove(struct h5 *h, const char *path, struct err *err)
{
    return !h5_there(h, path) || H5Ldelete(h->root, hdf5_below(path), H5P_DEFAULT) >= 0 ? 0 : hdf5_fail(h, err, "remove", path);
}

herr_t hdf5_add_name(hid_t group, const char *name, const H5L_info_t *info, void *ctx)
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
    hid_t g = H5Gopen2(h->root, hdf5_below(group), H5P_DEFAULT);
    herr_t rc = g < 0 ? -1 : H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, hdf5_add_name, &all);
    if (g >= 0)
        H5Gclose(g);
    *name = all.name;
    return rc < 0 ? hdf5_fail(h, err, "list", group) : all.n;
}

int h5_copy(struct h5 *from, struct h5 *to, const char *path, struct err *err)
{
    hid_t link = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_create_intermediate_group(link, 1);
    const char *name = hdf5_below(path);
    int rc = H5Ocopy(from->root, name, to->root, name, H5P_DEFAULT, link) < 0 ? hdf5_fail(to, err, "copy", path) : 0;
    H5Pclose(link);
    return rc;
}

/* ---- attributes ---- */

int hdf5_put_attribute(hid_t object, const char *name, hid_t type, const void *value)
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

static int put_value(struct h5 *h, const char *path, const char *name, hid_t type, const void *value, struct err *err)
{
    hid_t o = H5Oopen(h->root, hdf5_below(path), H5P_DEFAULT);
    int rc = o < 0 || hdf5_put_attribute(o, name, type, value) < 0 ? hdf5_fail(h, err, "write the attribute", name) : 0;
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
    if (!h5_there(h, path) || H5Aexists_by_name(h->root, hdf5_below(path), name, H5P_DEFAULT) <= 0)
        return false;
    hid_t a = H5Aopen_by_name(h->root, hdf5_below(path), name, H5P_DEFAULT, H5P_DEFAULT);
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
