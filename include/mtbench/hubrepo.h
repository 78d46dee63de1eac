/* hubrepo.h - what a repository of the hub holds, and which of its files are a model (room: base). Pure: bytes of a server in, names out.
 */
#ifndef MTB_HUBREPO_H
#define MTB_HUBREPO_H

#include "mtbench/err.h"
#include "mtbench/opts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hub_file {
    char *path;     /* hub_path() of it is true */
    int64_t size;   /* bytes; -1: not stated */
    char *sha256;   /* of large files: 64 lower-case hex digits; NULL: not stated */
    char *git_sha1; /* of the others (hash.h): 40; NULL: not stated */
};

struct hub_repo {
    char commit[41];
    bool gated;            /* its licence has to be accepted before its files are given out */
    struct hub_file *file; /* (n) sorted by path, each there once */
    int n;
};

/* The name that the cache has for a file's bytes; NULL: not stated. */
const char *hub_etag(const struct hub_file *f);

/* The hub's reply to /api/models/ID/revision/REVISION?blobs=true. Names that lead out of the folder, or stand there twice, are refused with
 * all the rest: a hub that says so is none. -1: err (format); nothing is to be released then. */
int hub_repo_parse(const char *text, size_t n, struct hub_repo *out, struct err *err);
void hub_repo_free(struct hub_repo *r);

/* Add a file; text is copied. For repositories that are a folder. hub_repo_finish() sorts them. -1: err (format). */
void hub_repo_add(struct hub_repo *r, const struct hub_file *f);
int hub_repo_finish(struct hub_repo *r, struct err *err);

/* The file whose content decides which shards are the weights; NULL: none is needed. */
const struct hub_file *hub_repo_index(const struct hub_repo *r, const struct opt_list *only);

/* Which files to bring: chosen[i] of file[i]. With 'only' those whose path fits one of its globs; else an adapter's files, or texts and one
 * set of weights, by the choice that modelpath.h makes, too (modelfiles.c). 'index': the content of hub_repo_index(). -1: err (usage:
 * several could be meant; model: no weights; format). */
int hub_repo_choose(const struct hub_repo *r, const struct opt_list *only, const char *index, size_t n_index, bool *chosen,
                    struct err *err);

/* What a stranger wrote, for a message: at most 100 characters on one line, '?' for what is no printable ASCII. Returns 'out'. */
const char *hub_shown(const char *s, char out[101]);

/* The model that an adapter belongs to, of its adapter_config.json; the caller frees '*base' and '*revision' (NULL: none is named). -1: err
 * (format). */
int hub_adapter_base(const char *text, size_t n, char **base, char **revision, struct err *err);

#endif
