/* campaign_file.h - any number of runs in one HDF5 file (room: report). data/CAMPAIGN.md says what is in it. One process.
 * The file is always whole: it grows behind its end, or is written beside and renamed. */
#ifndef MTB_CAMPAIGN_FILE_H
#define MTB_CAMPAIGN_FILE_H

#include "mtbench/buf.h"
#include "mtbench/opts.h"

#include <stdbool.h>

struct aggregating {
    struct opt_list runs;                /* data folders, folders of benches, or files of answers */
    const char *output;                  /* the campaign file, made if need be */
    const char *extract;                 /* a folder: FastChat's files go there, out of the one file among 'runs' */
    struct opt_list models;              /* of those that are extracted; none: all */
};

/* "1.10.8" */
const char *campaign_library(void);
/* Add runs: each that is there already stays, one that changed takes its old self's place. 'out' gets the lines for stdout. -1: err
 * (usage, io, format, busy); the file is as it was. */
int campaign_aggregate(struct buf *out, const struct aggregating *o, struct err *err);
/* FastChat's files out of the campaign, byte for byte. */
int campaign_extract(struct buf *out, const struct aggregating *o, struct err *err);

#endif
