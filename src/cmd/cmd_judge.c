/* cmd_judge.c - the verb `judge`. */
#include "cmd.h"
#include "judge_opts.h"

#include "mtbench/drift.h"
#include "mtbench/judge_run.h"
#include "mtbench/log.h"
#include "mtbench/recheck.h"

#include <stdio.h>

/* Collective; rank 0 asks and tells. */
static int canary(struct job *job, const struct judge_opts *o, struct err *err)
{
    struct recheck r = {0};
    struct buf text = {0};
    int code = EXIT_COMPLETE;
    if (job_info(job).rank == 0)
        code = judge_canary(job, o, &r, err);
    if (r.calls) {                       /* only rank 0 has any */
        const struct moves moves = { r.single, r.n, r.question_id, r.by };
        const struct drift d = drift_of(&moves);
        drift_put(&d, &text);
        printf("verdicts  %ld/%d   %d failed   %d equal   %ld changed\n%s", r.n, r.calls, r.failed, r.equal, r.n - r.equal, text.data);
        code = d.moved ? EXIT_FAILURES : code;       /* so that a script can watch a judge */
    }
    recheck_free(&r);
    buf_free(&text);
    /* A long wait for the others: the barrier sleeps, a broadcast of the MPI library may spin. */
    job_barrier(job);
    job_bcast(job, &code, sizeof code);
    return code;
}

int cmd_judge(struct job *job, int argc, char **argv)
{
    struct judge_opts o;
    struct err err = {0};
    int rc = judge_opts_parse(&o, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    int code = EXIT_INPUT;
    /* Parsing says the same everywhere; from verb_log() on failures are agreed on, so that no rank goes alone into a collective. */
    if (rc == 0 && verb_log(job, o.log_dir, o.quiet, o.verbose, &err) == 0)
        code = o.canary ? canary(job, &o, &err) : judge_run(job, &o, &err);
    if (err.kind != ERR_NONE && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
