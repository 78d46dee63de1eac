/* fastcopy.h - a second copy of a ledger's bytes on a disk of this node, which is flushed at once while the ledger's own file, in a folder
 * that all nodes share, is flushed now and then (room: bench, the ledger's own).
 * A line is written to both before it counts. It survives the death of the process in either, and a crash of the node in the copy, from
 * which the next start on this node brings it back; a node that is lost with its disk takes the lines since the last flush of the shared
 * file along, FASTCOPY_SECONDS at most, and they are made again. */
#ifndef MTB_FASTCOPY_H
#define MTB_FASTCOPY_H

#include "mtbench/buf.h"
#include "mtbench/err.h"

#include <stdbool.h>

struct fastcopy;

enum { FASTCOPY_SECONDS = 5 };           /* between two flushes of the shared file */

/* What the copy at 'path' has more than the 'n' bytes of whole lines that the shared file has: appended to 'more', up to its last whole
 * line; returns where that belongs, which is n, or before it where a crash has left zeros. A copy of another content, or of a shared file
 * that is gone (n 0), which somebody has removed or put aside, gets the name PATH.old and adds nothing; a note says so. A copy that is not
 * there adds nothing. */
size_t fastcopy_catch_up(const char *path, const char *shared, size_t n, struct buf *more);
/* Begin with these bytes, on disk. NULL: err (io); the caller goes on without. */
struct fastcopy *fastcopy_begin(const char *path, const char *bytes, size_t n, struct err *err);
/* Bytes at 'at', on disk. -1: err (io). */
int fastcopy_write(struct fastcopy *f, const char *bytes, size_t n, size_t at, struct err *err);
/* Is it time for a flush of the shared file? fastcopy_flushed() says that there was one. */
bool fastcopy_due(const struct fastcopy *f);
void fastcopy_flushed(struct fastcopy *f);
/* 'safe': the shared file is flushed, and the copy goes. NULL is fine. */
void fastcopy_end(struct fastcopy *f, bool safe);

#endif
