/* cmd_verify.c - the verb `verify`. */
#include "cmd.h"
#include "verify_opts.h"

#include "mtbench/log.h"

int cmd_verify(struct job *job, int argc, char **argv)
{
    struct verify_opts o;
    struct past_run *past = NULL;
    struct err err = {0};
    int rc = verify_opts_parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && verb_log(job, o.answer.log_dir, o.answer.quiet, o.answer.verbose, &err) == 0 &&
        (past = past_run_open(job, &o.answer, &o.given, &err)) && verify_opts_check(&o, &err) == 0)
        code = verify_all(job, &o, past, &err);
    if ((code == EXIT_INPUT || code == EXIT_PREFLIGHT || err.kind == ERR_DEVICE) && job_info(job).rank == 0)
        log_error("%s", err.text);
    past_run_close(past);
    return code;
}
