/* cmd_run.c - the verb `run`: answers, judgments and the table in one launch. */
#include "cmd.h"
#include "run_opts.h"

#include "mtbench/log.h"
#include "mtbench/look.h"
#include "mtbench/pipeline.h"
#include "mtbench/showing.h"

#include <stdio.h>

enum { SMALL_JUDGE = 1000000000 };       /* parameters */

static int parse(struct run_opts *o, int argc, char **argv, struct err *err)
{
    run_opts_default(o);
    int rc = run_opts_parse(o, "run", "Answer the questions on all ranks, judge the answers as they arrive, show the scores.", NULL, 0,
                            argc, argv, err);
    if (rc)
        return rc;
    return run_opts_check(o, err);
}

static int show(const struct run_opts *o, double parameters)
{
    const struct judge_opts *j = &o->judge;
    /* Lists of words point at words that may be changed; showing_put() leaves them. */
    char *judge = (char *)j->judge_model, *model = (char *)o->answer.name;
    struct buf text = {0};
    struct err err = {0};
    const struct showing what = {
        .bench_name = j->bench_name, .data_dir = j->data_dir, .baseline_model = j->baseline_model, .repeat = 1,
        .judges = { &judge, 1 }, .model_list = { &model, 1 }, .mode = j->mode == MODE_SINGLE ? SHOW_SINGLE : SHOW_BASELINE,
    };
    int rc = showing_put(&text, &what, &err);
    printf("\n");
    if (rc == 0)
        fwrite(text.data, 1, text.len, stdout);
    else
        log_error("%s", err.text);
    /* Below this size a judge's numbers are noise, and the quickstart's own judge is far below. */
    if (rc == 0 && parameters > 0 && parameters < SMALL_JUDGE)
        printf("The judge has %.0f million parameters: these scores show that the pipeline runs, and nothing about the model.\n",
               parameters / 1e6);
    buf_clear(&text);
    if (rc == 0 && !o->answer.quiet) {
        look_put(&text, &what);
        fwrite(text.data, 1, text.len, stdout);
    }
    buf_free(&text);
    return rc;
}

int cmd_run(struct job *job, int argc, char **argv)
{
    struct run_opts o;
    struct pipeline_result res = {0};
    struct err err = {0};
    int rc = parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && verb_log(job, o.answer.log_dir, o.answer.quiet, o.answer.verbose, &err) == 0)
        code = pipeline_run(job, &o.answer, &o.judge, &res, &err);
    /* Rank 0's alone, and later than all collectives. */
    if (res.judged && show(&o, res.parameters) < 0)
        code = EXIT_INPUT;
    if (err.kind != ERR_NONE && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
