/* campaign_opts.h - the command line of `mtbench campaign`, and the lines of its list (room: cmd). */
#ifndef MTB_CAMPAIGN_OPTS_H
#define MTB_CAMPAIGN_OPTS_H

#include "run_opts.h"

#include "mtbench/campaign.h"
#include "mtbench/summary.h"
#include "mtbench/task_list.h"

struct campaign_opts {
    const char *list;                    /* the file */
    struct run_opts common;              /* what the command line says for all lines */
    enum sheet_form format;
    long alone;                          /* the task of a job array, from 1; 0: all of them */
    bool given_alone;
    struct campaign_task *task;          /* (n) in the order of the list */
    int n;
    /* what the tasks' strings point into */
    struct task_list lines;
    char ***words;                       /* (n) common words, then the line's */
    char **copy;                         /* (n_copies) of the common words, for each line its own: names in them are written to */
    int n_copies;
};

/* Collective: rank 0 reads the list. 0; 1: help was printed; -1 everywhere: err (usage, io, format; with the list's line). Release either
 * way. */
int campaign_opts_parse(struct campaign_opts *o, struct job *job, int argc, char **argv, struct err *err);
void campaign_opts_free(struct campaign_opts *o);

#endif
