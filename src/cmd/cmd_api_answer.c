/* cmd_api_answer.c - the verb `api-answer`. Rank 0 works, the others wait. */
#include "api_opts.h"
#include "cmd.h"

#include "mtbench/log.h"

int cmd_api_answer(struct job *job, int argc, char **argv)
{
    struct api_opts o;
    struct err err = {0};
    int rc = api_opts_parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    bool root = job_info(job).rank == 0;
    /* Nothing between here and the broadcast may be collective: the other ranks wait in it, asleep, until the last call is back. */
    if (rc == 0 && verb_log(job, o.log_dir, o.quiet, o.verbose, &err) == 0 && root)
        code = api_answers(job, &o, &err);
    job_bcast(job, &code, sizeof code);
    if (root && err.kind != ERR_NONE)
        log_error("%s", err.text);
    api_opts_free(&o);
    return code;
}
