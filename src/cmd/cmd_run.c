/* cmd_run.c - the verb `run`: answers on all ranks, judgments by rank 0 as the answers arrive, then the table, in one launch.
 * A hosted judge is called between the steps of rank 0's engine; a local judge takes its turn on all ranks when the answers are there. */
#include "cmd.h"
#include "run_opts.h"

#include "mtbench/candidate.h"
#include "mtbench/judge_ranks.h"
#include "mtbench/judging.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAIN_SECONDS = 4, SMALL_JUDGE = 1000000000 };      /* parameters */

struct run {
    const struct run_opts *o;
    struct judge_inputs in;
    struct judging judging;
    struct progress_now beside;          /* the judgments, on the line of the answers */
    char ***turn;                        /* (questions)(turns) of choice 0, as far as they are there */
    bool judge_lost;                     /* nothing more can come of the judge; 'why' says so */
    struct err why;
};

/* ---- flags ---- */

static int parse(struct run_opts *o, int argc, char **argv, struct err *err)
{
    run_opts_default(o);
    int rc = run_opts_parse(o, "run", "Answer the questions on all ranks, judge the answers as they arrive, show the scores.", NULL, 0, argc, argv, err);
    if (rc)
        return rc;
    if (answer_opts_check(&o->answer, err) < 0 || judge_opts_check(&o->judge, err) < 0)
        return -1;
    if (o->answer.answer_file && *o->answer.answer_file)
        return err_set(err, ERR_USAGE, "--answer-file: run judges and shows the answers in their usual place; use answer, judge and show one by one");
    if (o->judge.mode == MODE_PAIRWISE_ALL)
        return err_set(err, ERR_USAGE, "--mode pairwise-all: run has one model; use single or pairwise-baseline");
    return 0;
}

/* ---- looking on while answers arrive ---- */

static void give_answer(struct run *r, int q)
{
    const struct question *question = &r->in.questions.q[q];
    const char **turn = xcalloc((size_t)question->n_turns, sizeof *turn);
    for (int t = 0; t < question->n_turns; t++)
        turn[t] = r->turn[q][t] ? r->turn[q][t] : "";
    answer_set_add(&r->in.answers, r->o->answer.name, question->id, turn, question->n_turns);
    free(turn);
    grader_wake(r->judging.grader);
}

/* A question can be judged when its last turn is there, or will never be. */
static void on_turn(void *ctx, const struct turn_record *t)
{
    struct run *r = ctx;
    int q = 0;
    if (t->choice != 0)
        return;
    while (r->in.questions.q[q].id != t->question_id)
        q++;
    free(r->turn[q][t->turn - 1]);
    r->turn[q][t->turn - 1] = xstrdup(t->status == TURN_OK ? t->text : "");
    if (t->status != TURN_OK || t->turn == r->in.questions.q[q].n_turns)
        give_answer(r, q);
}

static void lose_judge(struct run *r)
{
    r->judge_lost = true;
    log_note("%s; the answers go on without it", r->why.text);
}

static void on_tick(void *ctx)
{
    struct run *r = ctx;
    if (!r->judge_lost && job_poll(r->judging.job) == JOB_RUNNING && judging_tick(&r->judging, 0, &r->why) < 0)
        lose_judge(r);
    r->beside = judging_now(&r->judging);
    r->beside.left = 0;                  /* the answers that it waits for say how long */
}

/* ---- phases ---- */

static bool hosted(const struct run_opts *o)
{
    return !o->judge.judge_path;
}

/* Rank 0: what judging needs must be there before anything is computed. */
static int prepare(struct run *r, struct job *job, int *code, struct err *err)
{
    if (judge_inputs_read(&r->in, &r->o->judge, r->o->answer.name, err) < 0 || judging_open(&r->judging, job, &r->o->judge, &r->in, err) < 0)
        return -1;
    r->turn = xcalloc((size_t)r->in.questions.n, sizeof *r->turn);
    for (int q = 0; q < r->in.questions.n; q++)
        r->turn[q] = xcalloc((size_t)r->in.questions.q[q].n_turns, sizeof *r->turn[q]);
    if (hosted(r->o) && judging_connect(&r->judging, err) < 0) {
        *code = judge_exit_code(err);
        return -1;
    }
    return 0;
}

/* Rank 0: the calls that are still open when the last answer is there. */
static void finish_calls(struct run *r)
{
    struct judging *j = &r->judging;
    long open = 1;
    while (!r->judge_lost && open > 0 && job_poll(j->job) == JOB_RUNNING)
        if ((open = judging_tick(j, 0.2, &r->why)) < 0)
            lose_judge(r);
    if (!r->judge_lost && j->in_flight && judging_drain(j, DRAIN_SECONDS, &r->why) < 0)
        lose_judge(r);
}

static int show(const struct run *r, double parameters)
{
    const struct judge_opts *o = &r->o->judge;
    char *word[] = { "show", "--data-dir", (char *)o->data_dir, "--bench-name", (char *)o->bench_name, "--judge-model", (char *)o->judge_model, "--mode",
                     (char *)o->mode_name, "--baseline-model", (char *)o->baseline_model, "--model-list", (char *)r->o->answer.name };
    printf("\n");
    int code = cmd_show(NULL, (int)(sizeof word / sizeof *word) - 1, word + 1);
    if (parameters > 0 && parameters < SMALL_JUDGE)
        printf("The judge has %.0f million parameters: these scores show that the pipeline runs, and nothing about the model.\n", parameters / 1e6);
    return code;
}

/* Rank 0, when all is over: files, closing lines, table. Returns an exit code. */
static int conclude(struct run *r, double parameters, bool stopped, struct err *err)
{
    if (judging_finish(&r->judging, err) < 0)
        return EXIT_INPUT;
    struct grader_now g = grader_now(r->judging.grader);
    if (g.done > g.failed && show(r, parameters) != EXIT_COMPLETE)
        return EXIT_INPUT;
    if (r->judge_lost) {
        *err = r->why;
        return judge_exit_code(err);
    }
    if (stopped || g.done < g.total)
        return EXIT_RESUME;
    return judging_error_rate(&r->judging) > r->o->judge.max_error_rate ? EXIT_FAILURES : EXIT_COMPLETE;
}

/* Answers are done or broken off with 'code'; judge what there is. Collective. Returns an exit code. */
static int judge_rest(struct run *r, struct job *job, int code, struct err *err)
{
    bool root = job_info(job).rank == 0, stopped = code == EXIT_RESUME;
    double parameters = 0;
    if (root)
        r->judging.progress = progress_create((enum progress_mode)progress_parse(r->o->judge.progress), !r->o->judge.quiet);
    if (root && hosted(r->o) && !r->judge_lost)
        finish_calls(r);
    if (!hosted(r->o) && !stopped && judge_on_ranks(job, &r->o->judge, root ? &r->judging : NULL, &parameters, err) < 0)
        return err->kind == ERR_CANCELLED ? EXIT_RESUME : EXIT_INPUT;
    int judged = root ? conclude(r, parameters, stopped || job_poll(job) == JOB_STOPPED, err) : EXIT_COMPLETE;
    job_barrier(job);
    job_bcast(job, &judged, sizeof judged);
    return judged == EXIT_COMPLETE ? code : judged;
}

static void run_free(struct run *r)
{
    judging_close(&r->judging);
    for (int q = 0; r->turn && q < r->in.questions.n; q++) {
        for (int t = 0; t < r->in.questions.q[q].n_turns; t++)
            free(r->turn[q][t]);
        free(r->turn[q]);
    }
    free(r->turn);
    judge_inputs_free(&r->in);
}

static int run(struct job *job, const struct run_opts *o, struct err *err)
{
    struct run r = { .o = o };
    bool root = job_info(job).rank == 0;
    int code = EXIT_INPUT, rc = root ? prepare(&r, job, &code, err) : 0;
    r.beside = root && hosted(o) && rc == 0 ? judging_now(&r.judging) : r.beside;
    struct answer_watch watch = { .ctx = &r, .turn = root ? on_turn : NULL, .tick = root && hosted(o) ? on_tick : NULL,
                                  .beside = root && hosted(o) ? &r.beside : NULL };
    if (job_agree(job, rc, err) == 0) {
        code = answer_all(job, &o->answer, &watch, err);
        if (code != EXIT_INPUT && code != EXIT_PREFLIGHT)
            code = judge_rest(&r, job, code, err);
    }
    job_bcast(job, &code, sizeof code);
    run_free(&r);
    return code;
}

int cmd_run(struct job *job, int argc, char **argv)
{
    struct run_opts o;
    struct err err = {0};
    int rc = parse(&o, argc, argv, &err), code = EXIT_INPUT;
    if (rc > 0)
        return EXIT_COMPLETE;
    if (rc == 0 && verb_log(job, o.answer.log_dir, o.answer.quiet, o.answer.verbose, &err) == 0)
        code = run(job, &o, &err);
    if (err.kind != ERR_NONE && job_info(job).rank == 0)
        log_error("%s", err.text);
    return code;
}
