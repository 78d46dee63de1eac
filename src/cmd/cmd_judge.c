/* cmd_judge.c - the verb `judge`. */
#include "cmd.h"
#include "judge_opts.h"

#include "mtbench/judge_run.h"
#include "mtbench/log.h"

int cmd_judge(struct job *job, int argc, char **argv)
{
    struct judge_opts o;
    struct err err = {0};
    int rc = judge_opts_parse(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    int code = EXIT_INPUT;
    if (rc == 0 && verb_log(job, o.log_dir, o.quiet, o.verbose, &err) == 0)
        code = judge_run(job, &o, &err);
    if (err.kind != ERR_NONE && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
