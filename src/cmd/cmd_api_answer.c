/* cmd_api_answer.c - the verb `api-answer`: questions in, answers of a hosted model out. Rank 0 works, the others wait. */
#include "api_opts.h"
#include "cmd.h"

#include "mtbench/api_answers.h"
#include "mtbench/bench.h"
#include "mtbench/log.h"

enum { DRAIN_SECONDS = 8 };              /* after a signal; the limit for ending is 10 */

/* What an error that ends the work means for whoever started it. */
static enum exit_code code_of(const struct err *err)
{
    return err->kind == ERR_CANCELLED ? EXIT_RESUME : err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
}

/* Ask until all is asked or something ends it; then write what is complete, whatever ended it. */
static int converse(struct job *job, struct api_run *r, struct err *err)
{
    long open = 1;
    while (open > 0 && job_poll(job) == JOB_RUNNING)
        open = api_run_tick(r, 0.2, err);
    if (open > 0 && r->pump.transport && api_run_drain(r, DRAIN_SECONDS, err) < 0)
        open = -1;
    struct err more = {0};
    if (api_run_finish(r, &more) < 0) {
        *err = more;
        return EXIT_INPUT;
    }
    if (open < 0)
        return code_of(err);
    if (open > 0)
        return EXIT_RESUME;
    return api_run_error_rate(r) > r->o->max_error_rate ? EXIT_FAILURES : EXIT_COMPLETE;
}

static int answer(struct job *job, const struct api_opts *o, struct err *err)
{
    struct questions qs = {0};
    struct api_run r = {0};
    int code;
    if (bench_questions(o->data_dir, o->bench_name, &o->slicing, &qs, err) < 0)
        return EXIT_INPUT;
    if (api_run_open(&r, o, &qs, err) < 0 || api_run_connect(&r, err) < 0)
        code = code_of(err);
    else
        code = converse(job, &r, err);
    api_run_close(&r);
    questions_free(&qs);
    return code;
}

int cmd_api_answer(struct job *job, int argc, char **argv)
{
    struct api_opts o;
    struct err err = {0};
    int rc = api_opts_parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    bool root = job_info(job).rank == 0;
    if (rc == 0 && verb_log(job, o.log_dir, o.quiet, o.verbose, &err) == 0 && root)
        code = answer(job, &o, &err);
    job_bcast(job, &code, sizeof code);
    if (root && err.kind != ERR_NONE)
        log_error("%s", err.text);
    api_opts_free(&o);
    return code;
}
