/* hub.h - a model of the Hugging Face hub, from the hub, a mirror or a folder, into the hub cache of this machine (room: campaign). */
#ifndef MTB_HUB_H
#define MTB_HUB_H

#include "mtbench/err.h"
#include "mtbench/opts.h"
#include "mtbench/progress.h"

struct hub_opts {
    const char *model;    /* "org/name" */
    const char *revision; /* a branch, tag or commit; NULL: main */
    const char *from;     /* a mirror's URL; a folder with the model's files; another machine's hub cache; NULL: HF_ENDPOINT */
    struct opt_list only; /* globs of paths; none: what a run reads */
    enum progress_mode progress;
    bool quiet;
};

/* Local. Brings what is not there, an adapter's base model too, each file checked by size and hash before it has its name; the branch's
 * name comes last, so that a half is never taken for a model. Prints the closing lines. Returns an exit code with err: input, failures,
 * resume (a signal came), preflight (offline, no access, no room); complete. */
int hub_fetch(const struct hub_opts *o, struct err *err);

#endif
