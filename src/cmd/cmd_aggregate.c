/* cmd_aggregate.c - the verb `aggregate`: runs into one HDF5 file, and FastChat's files out of it. */
#include "cmd.h"

#include "mtbench/campaign_file.h"
#include "mtbench/log.h"

#include <stdio.h>

static int check(const struct aggregating *o, struct err *err)
{
    if (!o->runs.n)
        return err_set(err, ERR_USAGE, "aggregate: no run is named; name data folders, or with --extract a campaign file");
    if (o->extract && o->output)
        return err_set(err, ERR_USAGE, "--output: not together with --extract, which writes to its own folder; leave it out");
    if (o->extract && o->runs.n != 1)
        return err_set(err, ERR_USAGE, "--extract: out of one campaign file; name one");
    if (!o->extract && o->models.n)
        return err_set(err, ERR_USAGE, "--model-list: only with --extract; name BENCH/model_answer/MODEL.jsonl to add one model");
    return o->extract || o->output ? 0 : err_set(err, ERR_USAGE, "--output: is missing; name the campaign file, -o campaign.h5");
}

int cmd_aggregate(struct job *job, int argc, char **argv)
{
    struct aggregating o = {0};
    struct buf out = {0};
    struct err err = {0};
    bool quiet = false;
    (void)job;
    const struct opt table[] = {
        { "", OPT_LIST, &o.runs, NULL, "RUN...", "data folders, folders of a bench in one, or BENCH/model_answer/MODEL.jsonl" },
        { "output", OPT_STRING, &o.output, NULL, "FILE", "the campaign file (HDF5); runs that are in it stay" },
        { "extract", OPT_STRING, &o.extract, NULL, "DIR", "the other way: FastChat's files out of the campaign file RUN, byte for byte" },
        { "model-list", OPT_LIST, &o.models, NULL, "NAME...", "extract these models only (all)" },
        { "quiet", OPT_FLAG, &quiet, NULL, NULL, "no notes" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, &err);
    if (rc == 1) {
        verb_help("aggregate", "Put any number of runs into one HDF5 file, or FastChat's files out of it into a folder.", table, n);
        return EXIT_COMPLETE;
    }
    if (rc == 0)
        rc = check(&o, &err);
    if (rc == 0 && quiet)
        log_init(LOG_QUIET, 1, NULL);
    if (rc == 0)
        rc = o.extract ? campaign_extract(&out, &o, &err) : campaign_aggregate(&out, &o, &err);
    if (rc == 0)
        fwrite(out.data, 1, out.len, stdout);
    else
        log_error("%s", err.text);
    buf_free(&out);
    return rc < 0 ? EXIT_INPUT : EXIT_COMPLETE;
}
