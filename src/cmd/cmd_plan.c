/* cmd_plan.c - the verb `plan`: what a run with these flags would take, before anything is computed or sent. */
#include "cmd.h"
#include "run_opts.h"

#include "mtbench/log.h"
#include "mtbench/plan.h"

#include <stdio.h>

static int parse(struct run_opts *o, const char **judge_tokenizer, double *calibrate, long *simulate, int argc, char **argv,
                 struct err *err)
{
    run_opts_default(o);
    struct judge_opts *j = &o->judge;
    const struct answer_opts *a = &o->answer;
    const struct opt more[] = {
        {"model-list", OPT_LIST, &j->model_list, NULL, "NAME...",
         "without --model-path: models whose answers are there (all in model_answer/)"},
        {"judge-tokenizer", OPT_STRING, judge_tokenizer, NULL, "PATH",
         "model whose tokenizer and template count a hosted judge's tokens (estimated from bytes)"},
        {"calibrate", OPT_DOUBLE, calibrate, NULL, "SECONDS",
         "read the weights and answer beginnings for so long on these ranks, to know the time; nothing is kept"},
        {"simulate", OPT_INT, simulate, NULL, "RANKS", "play the answers on so many ranks, on paper, by the code that deals them"},
    };
    static const char about[] = "Say what answering (--model-path) and judging with these flags would take; compute and send nothing.";
    int rc = run_opts_parse(o, "plan", about, more, sizeof more / sizeof *more, argc, argv, err);
    /* Without --model-path nothing is answered, and the flags of answering need not make sense. */
    if (rc || judge_opts_check(j, err) < 0 || (a->model_path && answer_opts_check(&o->answer, err) < 0))
        return rc ? rc : -1;
    if (!(*calibrate >= 0 && *calibrate <= 3600))
        return err_set(err, ERR_USAGE, "--calibrate %g: is out of range; give 1 to 3600 seconds", *calibrate);
    if (*calibrate > 0 && !a->model_path)
        return err_set(err, ERR_USAGE, "--calibrate: --model-path is missing; it is the answers of a model that are timed");
    if (*simulate < 0 || *simulate > 4096)
        return err_set(err, ERR_USAGE, "--simulate %ld: is out of range; give 1 to 4096 ranks", *simulate);
    if (*simulate && !a->model_path)
        return err_set(err, ERR_USAGE, "--simulate: --model-path is missing; it is the answers of a model that are played");
    if (a->model_id && !a->model_path)
        return err_set(err, ERR_USAGE,
                       "--model-id: --model-path is missing; give the weights, or choose models whose answers are there with --model-list");
    if (a->model_path && j->model_list.n)
        return err_set(err, ERR_USAGE, "--model-list: with --model-path that model is the one to judge; leave one of them out");
    if (a->model_path && j->mode == MODE_PAIRWISE_ALL)
        return err_set(err, ERR_USAGE,
                       "--mode pairwise-all: run has one model; use single or pairwise-baseline, or leave --model-path out");
    return 0;
}

int cmd_plan(struct job *job, int argc, char **argv)
{
    struct run_opts o;
    const char *judge_tokenizer = NULL;
    double calibrate = 0;
    long simulate = 0;
    struct buf text = {0};
    struct err err = {0};
    int rc = parse(&o, &judge_tokenizer, &calibrate, &simulate, argc, argv, &err);
    if (rc > 0)
        return EXIT_COMPLETE;
    const struct plan_opts plan = { o.answer.model_path ? &o.answer : NULL, &o.judge, calibrate, (int)simulate, judge_tokenizer };
    if (rc == 0 && (rc = verb_log(job, o.answer.log_dir, o.answer.quiet, o.answer.verbose, &err)) == 0)
        rc = plan_make(job, &plan, &text, &err);
    /* Rank 0's only: others have no text. */
    if (text.len)
        fwrite(text.data, 1, text.len, stdout);
    if (rc < 0 && job_info(job).rank == 0)
        log_error("%s", err.text);
    buf_free(&text);
    if (rc < 0 && err.kind == ERR_CANCELLED)
        return EXIT_RESUME;
    return rc == 0 ? EXIT_COMPLETE : err.kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
}
