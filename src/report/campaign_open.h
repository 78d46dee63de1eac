/* campaign_open.h - a campaign file that is open: its runs, and the rows of one (room: report, the campaign file's own). */
#ifndef MTB_CAMPAIGN_OPEN_H
#define MTB_CAMPAIGN_OPEN_H

#include "collect.h"

struct campaign {
    struct h5 *h;
    char *path;
    struct run_row *run;                 /* (n) by bench, model, seed, key */
    size_t n;
};

/* NULL: err (io; format: it is no campaign file, or of a version that this program does not read). */
struct campaign *campaign_open(const char *path, struct err *err);
int campaign_close(struct campaign *c, struct err *err);
/* "/run/KEY" */
char *campaign_group(const struct run_row *run);
/* The rows of a run of the campaign; run_data_free(). */
int campaign_read(struct campaign *c, const struct run_row *run, struct run_data *d, struct err *err);
void run_row_copy(struct run_row *to, const struct run_row *from);

#endif
