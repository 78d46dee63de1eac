/* hub_store.h - one repository's place in the hub cache, to be written (private to campaign). */
#ifndef MTB_HUB_STORE_H
#define MTB_HUB_STORE_H

#include "mtbench/err.h"
#include "mtbench/filehash.h"
#include "mtbench/hubrepo.h"

struct hub_store {
    char *cache, *folder; /* CACHE, CACHE/models--ORG--NAME */
    char *locks;          /* CACHE/.locks/models--ORG--NAME */
};

void hub_store_open(struct hub_store *s, const char *id);
void hub_store_close(struct hub_store *s);

/* FOLDER/blobs/NAME with 'suffix' behind it; the caller frees. */
char *hub_store_blob(const struct hub_store *s, const char *name, const char *suffix);
/* Is the file there, with the size and the hash that are stated? As a blob, or, where links cannot be made, as a file of the snapshot. 1,
 * or 0: it is not, or differs ('*wrong', zeroed before, says how). -1: err (cancelled). */
int hub_store_has(const struct hub_store *s, const char *commit, const struct hub_file *f, const struct filehash_watch *watch,
                  struct err *wrong, struct err *err);
/* Bytes of the file that an earlier fetch has left. */
int64_t hub_store_part(const struct hub_store *s, const struct hub_file *f);
/* Hold what huggingface_hub holds too while it brings this blob; waits for whoever does, and says so. Returns a descriptor to close, -2
 * where the file system has no locks, or -1: err (io, cancelled). */
int hub_store_lock(const struct hub_store *s, const char *name, const char *path, const struct filehash_watch *watch, struct err *err);
/* The blob's name in the snapshot. 'twin': a file with the same bytes that has its name already, NULL: none. -1: err (io). */
int hub_store_link(const struct hub_store *s, const char *commit, const struct hub_file *f, const struct hub_file *twin, struct err *err);
/* The revision's commit. -1: err (io). */
int hub_store_ref(const struct hub_store *s, const char *revision, const char *commit, struct err *err);
/* Bytes that may still be written to the cache's file system; -1: unknown. */
int64_t hub_store_room(const struct hub_store *s);

#endif
