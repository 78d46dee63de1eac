/* io.h - files as wholes (room: base). */
#ifndef MTB_IO_H
#define MTB_IO_H

#include "mtbench/buf.h"
#include "mtbench/err.h"
#include "mtbench/slice.h"

/* Append the bytes of a file. -1: err (io). */
int io_read(const char *path, struct buf *out, struct err *err);
/* Is there something of that name? 1, or 0: there is not. -1 (err: io): the system does not let us look, which is no "no". */
int io_exists(const char *path, struct err *err);
/* Write beside, flush to disk, rename over 'path': readers see the old bytes or the new ones. A link stays one, its target is replaced; the
 * mode of an old file is kept. -1: err (io); the old file is untouched. */
int io_replace(const char *path, const void *data, size_t n, struct err *err);
/* The same of n pieces, one behind the other. */
int io_replace_pieces(const char *path, const struct slice *piece, size_t n, struct err *err);
/* Copy a file to the first free of PATH.old1, PATH.old2, ...; '*copy' (the caller frees) is its name. -1: err (io). */
int io_keep_copy(const char *path, char **copy, struct err *err);
/* Flush what was written as 'beside' and give it the name 'path', in the same folder; the mode of an old file is kept. -1: err (io); the
 * old file is untouched, and what was beside is gone. */
int io_put_in_place(const char *beside, const char *path, struct err *err);
/* The same where there is no old file. -1, with kind ERR_BUSY: there is one by now; it is untouched. */
int io_put_new(const char *beside, const char *path, struct err *err);
/* Create the folders that 'path' lies in. -1: err (io). */
int io_make_parents(const char *path, struct err *err);
/* The folder of this user's own in one that many share, ROOT/mtbench-UID: made where it is not there, and refused where somebody else could
 * have put something into it, under names that anybody can work out. NULL: err (io). Caller frees. */
char *io_own_folder(const char *root, struct err *err);
/* Flush the folder of 'path', so that a new name survives a crash. Best effort. */
void io_sync_parent(const char *path);

#endif
