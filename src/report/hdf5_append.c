/* hdf5_append.c - an HDF5 file that grows in place.
 * A file of hundreds of MB gets one run more without a copy, and is whole at every moment. New objects are written behind the end that the
 * superblock tells: nobody reads there. What the library would change in the old part (counts of links, marks that the file is open) stays
 * in pages of memory. At the end the superblock, 48 bytes in one write, tells a new end and a new root group, which links the old groups
 * and the new ones: before it there is the old file, behind it the new one. Readers that have the file open go on seeing the old one. It
 * stands on three things: the library never uses an old place for something new (H5F_FSPACE_STRATEGY_NONE), reads no text of the old part
 * meanwhile, since it would put new texts in that one's heap, and nobody else appends (the caller's lock). */
#include "hdf5_priv.h"

#include "mtbench/map.h"
#include "mtbench/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>


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

int appending_error(const struct appending *a)
{
    return a->error;
}

static bool is_as_it_was(const struct appending *a);

void appending_free(struct appending *a)
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

/* ---- bytes ---- */

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

/* ---- the driver ---- */

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

/* ---- the superblock ---- */

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

/* ---- open, append, commit ---- */

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
    int rc = g < 0 || H5Literate(g, H5_INDEX_NAME, H5_ITER_INC, NULL, hdf5_add_name, &all) < 0 ? -1 : 0;
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
        rc = H5Ldelete(h->root, hdf5_below(group[i]), H5P_DEFAULT) < 0 || h5_group(h, group[i], NULL) < 0 ||
                     link_children(h, group[i], h->root) < 0
                 ? -1
                 : 0;
    }
    return rc;
}

struct h5 *h5_open(const char *path, struct err *err)
{
    struct h5 *h = hdf5_begin(path);
    struct stat st;
    hid_t access = hdf5_access(), driver = H5FDregister(&append_driver);
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
    if (hdf5_open_root(h))
        return h;
    hdf5_fail(h, err, "open", "it as HDF5");
    h5_close(h, NULL);
    return NULL;
}

struct h5 *h5_append(const char *path, const char *const *group, struct err *err)
{
    struct h5 *h = hdf5_begin(path);
    if (!(h->appending = appending_begin(path))) {
        h5_close(h, NULL);
        err_set(err, ERR_NONE, "%s", path);
        return NULL;
    }
    hid_t access = hdf5_access(), driver = H5FDregister(&append_driver);
    to_open = h->appending;
    H5Pset_driver(access, driver, NULL);
    h->file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    H5FDunregister(driver);
    const bool fits = h->file >= 0 && never_reuses(h->file);
    if (fits && make_root(h, group) == 0)
        return h;
    if (fits || h->file < 0)
        hdf5_fail(h, err, "append to", "it");
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
    int rc = H5Oget_info1(h->root, &info) < 0 ? hdf5_fail(h, err, "finish", "the file") : 0;
    char *path = xstrdup(h->path);
    if (hdf5_close_file(h, rc < 0 ? NULL : err) < 0)
        rc = -1;
    h->appending = NULL;                 /* ours from here on */
    hdf5_free(h);
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
