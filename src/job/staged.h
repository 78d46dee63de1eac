/* staged.h - copies of a model's files on a disk of this node (private to job). Local.
 * SCRATCH/mtbench-UID/weights/KEY/NAME, with NAME.sha256 beside it; the key is made of the file's real path, size and times, so
 * that a file that was replaced has another one. Copies stay for later jobs; whoever wants the room removes the folder, which this user
 * alone may write: weights that somebody else has put there would be believed. Parts that killed jobs have left go with the next copy. */
#ifndef MTB_STAGED_H
#define MTB_STAGED_H

#include "mtbench/filehash.h"

#include <stdbool.h>

/* The copy of a file: one that is there, of the right size and hash, or a new one, whose name appears when it is whole and on disk.
 * '*made' says which. Returns its path, which the caller frees. NULL: err (io: no room, no rights, the file is not as large as 'size';
 * cancelled). */
char *staged_file(const char *scratch, const char *path, uint64_t size, const struct filehash_watch *watch, bool *made, struct err *err);

#endif
