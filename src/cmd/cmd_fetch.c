/* cmd_fetch.c - the verb `fetch`: official data, published answers and judgments into their places. */
#include "cmd.h"

#include "mtbench/fetching.h"
#include "mtbench/job.h"
#include "mtbench/log.h"
#include "mtbench/signal.h"

#include <string.h>
#include <unistd.h>

static int parse(struct fetch_opts *o, int argc, char **argv, struct err *err)
{
    *o = (struct fetch_opts){ .data_dir = "data" };
    const struct opt table[] = {
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where the files go (data)" },
        { "manifest", OPT_STRING, &o->manifest, NULL, "FILE", "list of SHA-256, bytes, path and URL (DATA/pregenerated.txt)" },
        { "from", OPT_STRING, &o->from, NULL, "DIR|URL", "a folder or web server with the same paths below it (each file's own URL)" },
        { "only", OPT_LIST, &o->only, NULL, "GLOB...", "only files whose path fits, such as '*/gpt-4*' (all)" },
        { "progress", OPT_CHOICE, &o->progress, NULL, PROGRESS_MODES, "(auto)" },
        { "quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("fetch", "Bring official data, published answers and judgments into place, checked; goes on where it was stopped.", table,
                  n);
    if (rc)
        return rc;
    if (o->from && !strncmp(o->from, "file://", 7))
        o->from += 7;
    if (!*o->data_dir || (o->from && !*o->from))
        return err_set(err, ERR_USAGE, "%s: empty; give a folder%s", *o->data_dir ? "--from" : "--data-dir",
                       *o->data_dir ? " or a URL" : "");
    if (o->from && !fetch_from_http(o->from) && access(o->from, R_OK | X_OK) < 0)
        return err_errno(err, "--from %s: cannot open this folder", o->from);
    return 0;
}

int cmd_fetch(struct job *job, int argc, char **argv)
{
    struct fetch_opts o;
    struct err err = {0};
    (void)job;
    int rc = parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0 || job_launch_rank(NULL) != 0) /* of many tasks one is enough */
        return EXIT_COMPLETE;
    log_init(o.quiet ? LOG_QUIET : LOG_NORMAL, 1, NULL);
    signal_install();
    if (rc == 0)
        code = fetching_run(&o, &err);
    if (err.kind != ERR_NONE)
        log_error("%s", err.text);
    return code;
}
