/* cmd_answer.c - the verb `answer`. */
#include "answer_opts.h"
#include "cmd.h"

#include "mtbench/candidate.h"
#include "mtbench/log.h"

int cmd_answer(struct job *job, int argc, char **argv)
{
    struct answer_opts o;
    struct err err = {0};
    int rc = answer_opts_parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && verb_log(job, o.log_dir, o.quiet, o.verbose, &err) == 0)
        code = answer_all(job, &o, &(struct answer_watch){0}, &err);
    if ((code == EXIT_INPUT || code == EXIT_PREFLIGHT) && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
