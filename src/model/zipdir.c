/* zipdir.c - the directory of a zip archive, from hostile bytes.
 * Sizes and places come from the directory at the file's end, as PyTorch leaves those of the local headers empty; how long a local header
 * is comes from itself, as the padding that aligns the data is only there. */
#include "zipdir.h"

#include "mtbench/mem.h"
#include "little_endian.h"
#include "shown.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    END_RECORD = 0x06054b50, END_BYTES = 22,
    END64_LOCATOR = 0x07064b50, LOCATOR_BYTES = 20,
    END64_RECORD = 0x06064b50, END64_BYTES = 56,
    ENTRY = 0x02014b50, ENTRY_BYTES = 46,
    LOCAL = 0x04034b50,
    ZIP64_EXTRA = 1,
    FULL16 = 0xffff,
};
static const uint64_t full32 = 0xffffffff; /* "see the zip64 field" */

/* ---- the end of the file ---- */

/* The 32-bit field of a record that zip64 repeats in full: the same, or full to say so. */
static bool repeats(uint64_t small, uint64_t full, uint64_t whole)
{
    return small == full || small == whole;
}

/* The zip64 record 'before' bytes into the tail, whose first byte lies at 'tail_at' of the file. */
static int end64(const uint8_t *tail, size_t before, uint64_t tail_at, struct zip_end *end, struct err *err)
{
    const uint8_t *locator = tail + before - LOCATOR_BYTES;
    uint64_t at = number(locator + 8, 8);
    if (before < LOCATOR_BYTES + END64_BYTES || at != tail_at + before - LOCATOR_BYTES - END64_BYTES)
        return err_set(err, ERR_FORMAT, "zip64's record is not where its locator says; copy the file again");
    const uint8_t *record = locator - END64_BYTES;
    if (number(record, 4) != END64_RECORD || number(record + 4, 8) != END64_BYTES - 12)
        return err_set(err, ERR_FORMAT, "zip64's record is damaged; copy the file again");
    struct zip_end whole = { .n = number(record + 32, 8), .bytes = number(record + 40, 8), .at = number(record + 48, 8) };
    if (number(locator + 4, 4) || number(locator + 16, 4) > 1 || number(record + 16, 8) || number(record + 24, 8) != whole.n)
        return err_set(err, ERR_FORMAT, "a zip archive over several disks, which no weight file is; copy the file again");
    if (!repeats(end->n, FULL16, whole.n) || !repeats(end->bytes, full32, whole.bytes) || !repeats(end->at, full32, whole.at))
        return err_set(err, ERR_FORMAT, "the two end records of the zip archive differ; the file is damaged, copy it again");
    *end = whole;
    return 0;
}

int zipdir_end(const uint8_t *tail, size_t n, uint64_t size, struct zip_end *end, struct err *err)
{
    /* The last record whose comment ends where the file does: a comment may hold the signature, too. */
    size_t e = n < END_BYTES ? 0 : n - END_BYTES + 1;
    while (e > 0 && (number(tail + e - 1, 4) != END_RECORD || number(tail + e - 1 + 20, 2) != n - (e - 1) - END_BYTES))
        e--;
    if (e == 0)
        return err_set(err, ERR_FORMAT, "no end of its zip archive; the file is cut short, copy it again");
    const uint8_t *record = tail + --e;
    *end = (struct zip_end){ .n = number(record + 10, 2), .bytes = number(record + 12, 4), .at = number(record + 16, 4) };
    bool disks = number(record + 4, 2) || number(record + 6, 2) || number(record + 8, 2) != end->n;
    uint64_t begins = size - n + e;                                                 /* the end records' first byte */
    if (e >= LOCATOR_BYTES && number(record - LOCATOR_BYTES, 4) == END64_LOCATOR) {
        if (end64(tail, e, size - n, end, err) < 0)
            return -1;
        begins -= LOCATOR_BYTES + END64_BYTES;
    }
    if (disks)
        return err_set(err, ERR_FORMAT, "a zip archive over several disks, which no weight file is; copy the file again");
    if (end->at > begins || end->bytes != begins - end->at || end->n > end->bytes / ENTRY_BYTES)
        return err_set(err, ERR_FORMAT,
                       "a zip directory of %llu members in %llu bytes at byte %llu, which does not end where the end record begins (%llu); "
                       "the file is damaged, copy it again",
                       (unsigned long long)end->n, (unsigned long long)end->bytes, (unsigned long long)end->at,
                       (unsigned long long)begins);
    return 0;
}

/* ---- the directory ---- */

/* Numbers of the zip64 field, in its order, in the place of those that are full. */
static int widen(const uint8_t *extra, size_t n, uint64_t *const value[3])
{
    const uint8_t *field = NULL;
    size_t left = 0;
    while (n) {
        size_t bytes = n < 4 ? n : 4 + number(extra + 2, 2);
        if (n < 4 || bytes > n)
            return -1;
        if (number(extra, 2) == ZIP64_EXTRA && field)
            return -1;
        if (number(extra, 2) == ZIP64_EXTRA)
            field = extra + 4, left = bytes - 4;
        extra += bytes, n -= bytes;
    }
    for (int i = 0; i < 3; i++) {
        if (*value[i] != full32)
            continue;
        if (left < 8)
            return -1;
        *value[i] = number(field, 8);
        field += 8, left -= 8;
    }
    return 0;
}

/* One entry of at most 'n' bytes; returns how many it has. 0: err. */
static size_t parse_entry(const uint8_t *p, size_t n, struct zip_member *m, struct err *err)
{
    if (n < ENTRY_BYTES || number(p, 4) != ENTRY) {
        err_set(err, ERR_FORMAT, "the zip directory is damaged; copy the file again");
        return 0;
    }
    size_t name = number(p + 28, 2), extra = number(p + 30, 2), bytes = ENTRY_BYTES + name + extra + number(p + 32, 2);
    if (bytes > n) {
        err_set(err, ERR_FORMAT, "the zip directory is damaged: an entry is longer than the directory; copy the file again");
        return 0;
    }
    uint64_t flags = number(p + 8, 2), in_file = number(p + 20, 4);
    m->name = (struct slice){ (const char *)p + ENTRY_BYTES, name };
    m->bytes = number(p + 24, 4), m->at = number(p + 42, 4);
    m->packed = flags & 1 ? "encrypted" : number(p + 10, 2) ? "compressed" : NULL;
    if (widen(p + ENTRY_BYTES + name, extra, (uint64_t *const[]){ &m->bytes, &in_file, &m->at }) < 0) {
        err_set(err, ERR_FORMAT, "zip member %s: its extra fields are damaged; copy the file again", shown(m->name).text);
        return 0;
    }
    if (!m->packed && in_file != m->bytes) {
        err_set(err, ERR_FORMAT,
                "zip member %s: %llu bytes that are %llu in the archive although it is not compressed; copy the file again",
                shown(m->name).text, (unsigned long long)m->bytes, (unsigned long long)in_file);
        return 0;
    }
    m->end = in_file;                                                               /* until bound() knows what follows */
    return bytes;
}

static int by_at(const void *a, const void *b)
{
    const struct zip_member *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static int order(struct slice a, struct slice b)
{
    int less = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return less ? less : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *a, const void *b)
{
    return order(((const struct zip_member *)a)->name, ((const struct zip_member *)b)->name);
}

/* Each member ends before the next begins, the last before the directory. */
static int bound(struct zipdir *z, uint64_t directory, struct err *err)
{
    qsort(z->member, z->n, sizeof *z->member, by_at);
    for (size_t i = 0; i < z->n; i++) {
        struct zip_member *m = &z->member[i];
        uint64_t end = i + 1 < z->n ? z->member[i + 1].at : directory, head = ZIPDIR_LOCAL + m->name.len, in_file = m->end;
        if (end > directory || m->at > end || end - m->at < head || end - m->at - head < in_file)
            return err_set(
                err, ERR_FORMAT,
                "zip member %s: %llu bytes from byte %llu on reach beyond byte %llu, where %s begins; the file is damaged, copy it "
                "again",
                shown(m->name).text, (unsigned long long)in_file, (unsigned long long)m->at, (unsigned long long)end,
                end == directory ? "the directory" : shown(z->member[i + 1].name).text);
        m->end = end;
    }
    return 0;
}

int zipdir_parse(const uint8_t *bytes, const struct zip_end *end, struct zipdir *z, struct err *err)
{
    size_t left = end->bytes;
    *z = (struct zipdir){ .member = xcalloc(end->n ? end->n : 1, sizeof *z->member) };
    while (z->n < end->n) {
        size_t n = parse_entry(bytes, left, &z->member[z->n], err);
        if (n == 0)
            goto error;
        z->n++, bytes += n, left -= n;
    }
    if (left) {
        err_set(err, ERR_FORMAT, "the zip directory has more than its %llu members; the file is damaged, copy it again",
                (unsigned long long)end->n);
        goto error;
    }
    if (bound(z, end->at, err) < 0)
        goto error;
    qsort(z->member, z->n, sizeof *z->member, by_name);
    for (size_t i = 1; i < z->n; i++)
        if (order(z->member[i - 1].name, z->member[i].name) == 0) {
            err_set(err, ERR_FORMAT, "zip member %s is there twice; the file is damaged, copy it again", shown(z->member[i].name).text);
            goto error;
        }
    return 0;
error:
    zipdir_free(z);
    return -1;
}

const struct zip_member *zipdir_find(const struct zipdir *z, struct slice name)
{
    struct zip_member key = { .name = name };
    return z->n ? bsearch(&key, z->member, z->n, sizeof *z->member, by_name) : NULL;
}

int zip_member_data(const struct zip_member *m, const uint8_t *local, uint64_t *data, struct err *err)
{
    uint64_t name = number(local + 26, 2), extra = number(local + 28, 2), size = number(local + 22, 4);
    bool later = number(local + 6, 2) & 8;                                          /* sizes follow behind the data */
    if (number(local, 4) != LOCAL || name != m->name.len || memcmp(local + ZIPDIR_LOCAL, m->name.ptr, m->name.len) != 0)
        return err_set(err, ERR_FORMAT, "zip member %s: at byte %llu, where the directory says, it does not begin; copy the file again",
                       shown(m->name).text, (unsigned long long)m->at);
    if ((number(local + 6, 2) & 1) || number(local + 8, 2))
        return err_set(err, ERR_FORMAT, "zip member %s: compressed or encrypted, which the directory does not say; copy the file again",
                       shown(m->name).text);
    if (size != m->bytes && size != full32 && !(later && size == 0))
        return err_set(err, ERR_FORMAT, "zip member %s: %llu bytes, the directory says %llu; the file is damaged, copy it again",
                       shown(m->name).text, (unsigned long long)size, (unsigned long long)m->bytes);
    *data = m->at + ZIPDIR_LOCAL + name + extra; /* 'at' is below 2^63: bound() compared it with the file */
    /* Behind the data come, where the header says so, 16 bytes that repeat their size (24 beyond 4 GiB), and then the next member at once:
     * a header that lies about its own length would shift the data. */
    uint64_t left = *data > m->end || m->bytes > m->end - *data ? UINT64_MAX : m->end - *data - m->bytes;
    bool wide = m->bytes >= full32 || m->at >= full32;
    if (left != 0 && !(later && left == 16) && !(later && wide && left == 24))
        return err_set(err, ERR_FORMAT,
                       "zip member %s: its %llu bytes from byte %llu on do not end before what follows at byte %llu; the file is damaged, "
                       "copy it again",
                       shown(m->name).text, (unsigned long long)m->bytes, (unsigned long long)*data, (unsigned long long)m->end);
    return 0;
}

void zipdir_free(struct zipdir *z)
{
    free(z->member);
    *z = (struct zipdir){0};
}
