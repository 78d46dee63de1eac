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
        /* From here on all ranks go together: each way out of answer_all() has been agreed on. */
        code = answer_all(job, &o, &(struct answer_watch){0}, &err);
    /* Other codes have had their words already, from where they arose. */
    if ((code == EXIT_INPUT || code == EXIT_PREFLIGHT || err.kind == ERR_DEVICE) && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
