/* hubcache.h - where the Hugging Face hub's files lie on this machine, as huggingface_hub lays them out (room: base).
 *   CACHE/models--ORG--NAME/blobs/ETAG                 bytes, by the hash that the hub knows them by
 *                           snapshots/COMMIT/PATH      a link to a blob
 *                           refs/REVISION              the commit of a branch or tag
 *   CACHE/.locks/models--ORG--NAME/ETAG.lock           held (flock) by whoever fetches that blob */
#ifndef MTB_HUBCACHE_H
#define MTB_HUBCACHE_H

#include <stdbool.h>

/* Results are strings that the caller frees. */

/* A variable of the environment, not to be freed. NULL: it is not set, or set to nothing, which huggingface_hub takes for the same. */
const char *hub_variable(const char *name);

/* CACHE: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_HOME/hub, XDG_CACHE_HOME/huggingface/hub, ~/.cache/huggingface/hub, the first one that is
 * set; set to nothing is not set. */
char *hub_cache(void);
/* Could this be a repository's name, "org/name" or "name", by the hub's own rules? */
bool hub_id(const char *name);
/* Could this be a branch, tag, "refs/pr/N" or commit? What leads out of the folder of refs is none. */
bool hub_revision(const char *name);
/* Is it a commit: 40 lower-case hex digits? */
bool hub_commit(const char *name);
/* Is this a file's path in a repository: relative, without empty parts, "." or "..", control characters, backslashes or parts that no file
 * system takes? */
bool hub_path(const char *path);

/* CACHE/models--ORG--NAME. */
char *hub_folder(const char *cache, const char *id);
/* The folder of a snapshot that is there; NULL: it is not. 'revision': NULL is main. */
char *hub_snapshot(const char *cache, const char *id, const char *revision);
/* The link in CACHE/models--ORG--NAME/snapshots/COMMIT/PATH: "../../blobs/ETAG", with a further "../" for each folder in the path. */
char *hub_link(const char *path, const char *etag);

#endif
