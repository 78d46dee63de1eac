/* hub_source.h - where a repository's files come from: a server with the hub's paths, or a folder (private to campaign). */
#ifndef MTB_HUB_SOURCE_H
#define MTB_HUB_SOURCE_H

#include "mtbench/exit_code.h"
#include "mtbench/filehash.h"
#include "mtbench/hub.h"
#include "mtbench/hubrepo.h"

struct hub_source {
    const char *model, *revision; /* the caller's; revision: never NULL */
    char *endpoint;               /* "https://huggingface.co", without a slash behind it; NULL: a folder */
    char *shown;                  /* the same for messages */
    bool mirror;                  /* the endpoint is --from's: it gets no token */
    char *token;                  /* for the endpoint; NULL: none */
    char *folder;                 /* of the repository's files; NULL: a server */
    struct filehash_watch watch;
    enum exit_code code;          /* what the last error means for the process */
};

/* ---- a server ---- */

/* 'endpoint': NULL is HF_ENDPOINT, or the hub itself. -1: err (usage, device: offline). */
int hub_web_open(struct hub_source *s, const char *endpoint, struct err *err);
int hub_web_list(struct hub_source *s, struct hub_repo *repo, struct err *err);
/* Ask for what the list does not state: size and hash of a file. */
int hub_web_state(struct hub_source *s, const struct hub_repo *repo, struct hub_file *f, struct err *err);
/* Into 'path', growing as 'part', checked. */
int hub_web_bring(struct hub_source *s, const struct hub_repo *repo, const struct hub_file *f, const char *part, const char *path,
                  struct err *err);

/* ---- a folder: of the files themselves, or a hub cache ---- */

int hub_folder_open(struct hub_source *s, const char *from, struct err *err);
int hub_folder_list(struct hub_source *s, struct hub_repo *repo, struct err *err);
int hub_folder_state(struct hub_source *s, struct hub_file *f, struct err *err);
int hub_folder_bring(struct hub_source *s, const struct hub_file *f, const char *part, const char *path, struct err *err);
/* A folder without a commit is named by its content. */
void hub_folder_commit(struct hub_repo *repo, const bool *chosen);

void hub_source_close(struct hub_source *s);

#endif
