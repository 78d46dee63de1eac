/* cmd_fetch.c - the verb `fetch`: official data, published answers and judgments, and models, into their places. */
#include "cmd.h"

#include "mtbench/fetching.h"
#include "mtbench/hub.h"
#include "mtbench/job.h"
#include "mtbench/log.h"
#include "mtbench/signal.h"

#include <string.h>
#include <unistd.h>

struct fetch_flags {
    struct fetch_opts list; /* without --model */
    struct hub_opts hub;    /* with it */
};

static int check(const struct fetch_flags *f, struct err *err)
{
    const char *from = f->list.from;
    if (!f->hub.model && f->hub.revision)
        return err_set(err, ERR_USAGE, "--revision: is of a model; name it by --model");
    if (f->hub.model && f->list.manifest)
        return err_set(err, ERR_USAGE, "--manifest: is a list of data, and --model names a model; leave one of them out");
    if (!*f->list.data_dir || (from && !*from))
        return err_set(err, ERR_USAGE, "%s: empty; give a folder%s", *f->list.data_dir ? "--from" : "--data-dir",
                       *f->list.data_dir ? " or a URL" : "");
    if (from && !fetch_from_http(from) && access(from, R_OK | X_OK) < 0)
        return err_errno(err, "--from %s: cannot open this folder", from);
    return 0;
}

static int parse(struct fetch_flags *f, int argc, char **argv, struct err *err)
{
    *f = (struct fetch_flags){ .list.data_dir = "data" };
    struct fetch_opts *o = &f->list;
    const struct opt table[] = {
        { "data-dir", OPT_STRING, &o->data_dir, NULL, "DIR", "where the files of a list go (data)" },
        { "manifest", OPT_STRING, &o->manifest, NULL, "FILE", "list of SHA-256, bytes, path and URL (DATA/pregenerated.txt)" },
        { "model", OPT_STRING, &f->hub.model, NULL, "ORG/NAME", "a model of the Hugging Face hub, into the hub cache, instead of a list" },
        { "revision", OPT_STRING, &f->hub.revision, NULL, "NAME", "its branch, tag or commit (main)" },
        { "from", OPT_STRING, &o->from, NULL, "DIR|URL",
          "a folder or web server with the same paths; of a model: a mirror, its files, or a hub cache (each file's own URL)" },
        { "only", OPT_LIST, &o->only, NULL, "GLOB...",
          "only files whose path fits, such as '*/gpt-4*' (all; of a model: what a run reads)" },
        { "progress", OPT_CHOICE, &o->progress, NULL, PROGRESS_MODES, "(auto)" },
        { "quiet", OPT_FLAG, &o->quiet, NULL, NULL, "only results and errors" },
    };
    const int n = sizeof table / sizeof *table;
    int rc = opts_parse(table, n, argc, argv, err);
    if (rc == 1)
        verb_help("fetch",
                  "Bring official data, published answers and judgments, or a model, into place, checked; goes on where it was stopped.",
                  table, n);
    if (rc)
        return rc;
    if (o->from && !strncmp(o->from, "file://", 7))
        o->from += 7;
    f->hub.from = o->from;
    f->hub.only = o->only;
    f->hub.progress = o->progress;
    f->hub.quiet = o->quiet;
    return check(f, err);
}

int cmd_fetch(struct job *job, int argc, char **argv)
{
    struct fetch_flags f;
    struct err err = { 0 };
    (void)job;
    int rc = parse(&f, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0 || job_launch_rank(NULL) != 0) /* of many tasks one is enough */
        return EXIT_COMPLETE;
    log_init(f.list.quiet ? LOG_QUIET : LOG_NORMAL, 1, NULL);
    signal_install();
    if (rc == 0)
        code = f.hub.model ? hub_fetch(&f.hub, &err) : fetching_run(&f.list, &err);
    if (err.kind != ERR_NONE)
        log_error("%s", err.text);
    return code;
}
