/* zipdir.h - the directory of a zip archive: which member lies where. Source: PKWARE's APPNOTE, sections 4.3 and 4.5.3 (zip64).
 * Pure functions over bytes that the caller read; nothing is unpacked, members that are not simply stored are only marked. */
#ifndef MTB_ZIPDIR_H
#define MTB_ZIPDIR_H

#include "mtbench/err.h"
#include "mtbench/slice.h"

#include <stdint.h>

enum {
    ZIPDIR_TAIL = 22 + 65535 + 20 + 56,   /* the end record, its longest comment, and zip64's two records before it */
    ZIPDIR_LOCAL = 30,                    /* a local header without the name behind it */
};

struct zip_end {
    uint64_t at, bytes, n;                /* of the directory: place, size, members */
};

struct zip_member {
    struct slice name;                    /* into the directory's bytes */
    uint64_t at;                          /* of its local header */
    uint64_t end;                         /* where the next member or the directory begins */
    uint64_t bytes;                       /* of its data */
    const char *packed;                   /* why its data are not simply there: "compressed", "encrypted"; NULL: they are */
};

struct zipdir {
    struct zip_member *member;            /* (n) by name */
    size_t n;
};

/* Find the directory from the last 'n' bytes of a file: min(ZIPDIR_TAIL, size) of them. -1: err (format). */
int zipdir_end(const uint8_t *tail, size_t n, uint64_t size, struct zip_end *end, struct err *err);
/* Parse the 'end->bytes' bytes of the directory, which must outlive 'z'. Members have names of their own, lie before the directory and do
 * not overlap. -1: err (format); on 0 release with zipdir_free(). */
int zipdir_parse(const uint8_t *bytes, const struct zip_end *end, struct zipdir *z, struct err *err);
/* NULL: there is none. */
const struct zip_member *zipdir_find(const struct zipdir *z, struct slice name);
/* Where a member's data begin, from its local header and the name behind it: ZIPDIR_LOCAL + name.len bytes from m->at on, which lie inside
 * the file. -1: err (format): it is none, is another member's, or the data reach into what follows. */
int zip_member_data(const struct zip_member *m, const uint8_t *local, uint64_t *data, struct err *err);
void zipdir_free(struct zipdir *z);

#endif
