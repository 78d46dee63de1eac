/* judge_run.c - a whole judging: by a hosted judge, over batch files, by the engines of this job, or once more as a canary. */
#include "mtbench/judge_run.h"

#include "mtbench/batch.h"
#include "mtbench/exit_code.h"
#include "mtbench/judge_ranks.h"
#include "mtbench/judging.h"
#include "mtbench/log.h"
#include "mtbench/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { DRAIN_SECONDS = 8 };              /* after a signal; the limit for ending is 10 */

/* Rank 0 alone, over HTTP. Returns an exit code. */
static int judge_hosted(struct judging *j, struct err *err)
{
    long open = 1;
    if (judging_connect(j, err) < 0)
        return judge_exit_code(err);
    watch_begin(WATCH_WORKS, "waiting for replies of judge %s", j->o->judge_model);
    while (open > 0 && job_poll(j->job) == JOB_RUNNING)
        open = judging_tick(j, 0.2, err);
    watch_end();
    if (open > 0 && judging_drain(j, DRAIN_SECONDS, err) < 0)
        open = -1;
    /* The journal itself could not be written: files made from it would pretend to more than is safe. */
    if (open < 0 && judge_exit_code(err) == EXIT_INPUT)
        return EXIT_INPUT;
    struct err more = {0};
    /* Whatever ended the calls, the verdicts that came are written: of a run without quota or budget they are what was
     * paid for. */
    if (judging_finish(j, &more) < 0) {
        *err = more;
        return EXIT_INPUT;
    }
    if (open < 0)
        return judge_exit_code(err);
    struct grader_now now = grader_now(j->grader);
    if (now.done < now.total) {
        log_note("interrupted with %ld of %ld judgments done; start again to go on from there", now.done, now.total);
        return EXIT_RESUME;
    }
    return judging_error_rate(j) > j->o->max_error_rate ? EXIT_FAILURES : EXIT_COMPLETE;
}

/* Rank 0: every call that is still to be made becomes a line of a batch file. */
static int export_calls(struct judging *j, struct err *err)
{
    if (judging_endpoint(j, err) < 0)
        return EXIT_INPUT;
    const struct batch_export_opts o = { &j->endpoint, j->o->export_file };
    /* One tick takes them all: this transport's room never ends. */
    if (!(j->pump.transport = batch_export_create(&o, err)) || judging_tick(j, 0, err) < 0 ||
        batch_export_finish(j->pump.transport, err) < 0)
        return EXIT_INPUT;
    printf("exported  %" PRId64 " calls in %d file%s\nwrote     %s\n", batch_export_count(j->pump.transport),
           batch_export_files(j->pump.transport), batch_export_files(j->pump.transport) == 1 ? "" : "s", j->o->export_file);
    char *left = batch_export_leftover(j->pump.transport);
    if (left)
        log_note("%s is of an earlier export: do not send it with these, its calls would be paid for again", left);
    free(left);
    return EXIT_COMPLETE;
}

/* Rank 0: the replies of a batch, by their ids. */
static int import_calls(struct judging *j, struct err *err)
{
    double in, out;
    /* A batch is billed too: what it cost belongs into the journal. */
    if (judging_endpoint(j, err) < 0 || judging_prices(j->o, &in, &out, err) < 0)
        return EXIT_INPUT;
    const struct batch_import_opts o = {.endpoint = &j->endpoint,
                                        .path = (const char *const *)j->o->import_files.word,
                                        .n = j->o->import_files.n,
                                        .price_in = in,
                                        .price_out = out};
    if (!(j->pump.transport = batch_import_create(&o, err)))
        return EXIT_INPUT;
    long open = judging_check_import(j, err) < 0 ? -1 : 1; /* before anything is taken: a wrong file must leave no failures behind */
    while (open > 0)
        open = judging_tick(j, 0, err);
    if (open < 0)
        return EXIT_INPUT;
    if (judging_finish(j, err) < 0)
        return EXIT_INPUT;
    return judging_error_rate(j) > j->o->max_error_rate ? EXIT_FAILURES : EXIT_COMPLETE;
}

/* All ranks. Returns an exit code. */
static int judge_local(struct job *job, const struct judge_opts *o, struct judging *j, struct err *err)
{
    double parameters;
    int code = EXIT_INPUT;
    if (judge_on_ranks(job, o, j, &parameters, err) == 0)
        code = job_poll(job) == JOB_STOPPED ? EXIT_RESUME : EXIT_COMPLETE;
    else if (err->kind == ERR_CANCELLED)
        code = EXIT_RESUME;
    else if (err->kind == ERR_DEVICE)
        code = EXIT_PREFLIGHT;
    /* j is NULL on the other ranks */
    if (code != EXIT_INPUT && code != EXIT_PREFLIGHT && job_agree(job, j ? judging_finish(j, err) : 0, err) < 0)
        code = EXIT_INPUT;
    if (code == EXIT_COMPLETE && j && judging_error_rate(j) > o->max_error_rate)
        code = EXIT_FAILURES;
    job_bcast(job, &code, sizeof code);  /* all ranks exit alike, or mpirun reports a failure */
    return code;
}

static int open_rank_0(struct judging *j, struct job *job, const struct judge_opts *o, struct judge_inputs *in, struct err *err)
{
    /* NULL: no model is still to come, so whoever waits for an answer can be told that there is none. */
    if (judge_inputs_read(in, o, NULL, err) < 0 || judging_open(j, job, o, in, err) < 0)
        return -1;
    judging_close_answers(j);
    j->progress = progress_create(o->progress, !o->quiet);
    if (!o->quiet)
        judge_inputs_stats(in, o);
    return o->confirm ? judging_confirm(err) : 0;
}

int judge_run(struct job *job, const struct judge_opts *o, struct err *err)
{
    struct judge_inputs in = {0};
    struct judging j = {0};
    bool root = job_info(job).rank == 0;
    int code = EXIT_INPUT, rc = root ? open_rank_0(&j, job, o, &in, err) : 0;
    if (job_agree(job, rc, err) == 0) {  /* law 4: rank 0 may have failed alone */
        if (o->judge_path)
            code = judge_local(job, o, root ? &j : NULL, err);
        else if (root)
            code = o->export_file ? export_calls(&j, err) : o->import_files.n ? import_calls(&j, err) : judge_hosted(&j, err);
        job_barrier(job);                /* a hosted judge works on rank 0 alone, for hours; the others sleep here */
        job_bcast(job, &code, sizeof code);
    }
    judging_close(&j);
    judge_inputs_free(&in);
    return code;
}
