/* fetching.h - the files of a list, from the web, a mirror or a folder, into a data folder (room: campaign). */
#ifndef MTB_FETCHING_H
#define MTB_FETCHING_H

#include "mtbench/opts.h"
#include "mtbench/progress.h"

struct fetch_opts {
    const char *data_dir;                /* where the files go */
    const char *manifest;                /* the list (fetch_list.h); NULL: pregenerated.txt of data_dir */
    const char *from;                    /* a folder, or a web server, with the same paths below it; NULL: each file's own address */
    struct opt_list only;                /* globs of paths; none: all */
    enum progress_mode progress;
    bool quiet;
};

/* Is this --from a web server? */
bool fetch_from_http(const char *from);
/* Local. Brings what is not there, prints the closing line. Returns an exit code: input (err; nothing was fetched when a file is there and
 * differs), failures, resume (a signal came), complete. */
int fetching_run(const struct fetch_opts *o, struct err *err);

#endif
