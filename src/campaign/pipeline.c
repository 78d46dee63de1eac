/* pipeline.c - answers on all ranks, judgments by rank 0 as the answers arrive or by all ranks behind them. */
#include "mtbench/pipeline.h"

#include "mtbench/candidate.h"
#include "mtbench/exit_code.h"
#include "mtbench/judge_ranks.h"
#include "mtbench/judging.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <stdlib.h>
#include <string.h>

enum { DRAIN_SECONDS = 4 };              /* shorter than judge's: ranks have files to write within the same 10 */

static const char no_answer[] = "$ERROR$";           /* FastChat's word for a turn that failed; it is never judged */

struct pipeline {
    const struct answer_opts *answer;
    const struct judge_opts *o;
    struct judge_inputs in;              /* what judging reads; answers are added as they come */
    struct judging judging;              /* rank 0 */
    struct progress_now beside;          /* the judgments, on the line of the answers */
    struct map by_id;                    /* question to its place in in.questions */
    char ***turn;                        /* (questions)(turns) of choice 0, as far as they are there */
    bool judge_lost;                     /* nothing more can come of the judge; 'why' says so */
    struct err why;                      /* of judge_lost */
};

static bool hosted(const struct pipeline *p)
{
    return !p->o->judge_path;
}

/* ---- looking on while answers arrive ---- */

static void give_answer(struct pipeline *p, int q)
{
    const struct question *question = &p->in.questions.q[q];
    const char **turn = xcalloc((size_t)question->n_turns, sizeof *turn);
    for (int t = 0; t < question->n_turns; t++)
        turn[t] = p->turn[q][t] ? p->turn[q][t] : no_answer; /* behind a failed turn nothing was asked */
    answer_set_add(&p->in.answers, p->answer->name, question->id, turn, question->n_turns); /* copies the texts */
    free(turn);
    grader_wake(p->judging.grader, question->id);
}

/* A question can be judged when its last turn is there, or will never be: a turn that failed takes those behind it along. */
static void on_turn(void *ctx, const struct turn_record *t)
{
    struct pipeline *p = ctx;
    size_t q = t->choice == 0 ? map_find_int(&p->by_id, t->question_id) : MAP_NONE;
    if (q == MAP_NONE)
        return;                          /* another choice: answered, never judged */
    free(p->turn[q][t->turn - 1]);       /* a turn of an earlier start may come once more */
    p->turn[q][t->turn - 1] = xstrdup(t->status == TURN_OK ? t->text : no_answer);
    if (t->status != TURN_OK || t->turn == p->in.questions.q[q].n_turns)
        give_answer(p, (int)q);
}

static void lose_judge(struct pipeline *p)
{
    p->judge_lost = true;
    log_note("%s; the answers go on without it", p->why.text);
}

static void on_tick(void *ctx)
{
    struct pipeline *p = ctx;
    /* No wait: this runs inside the loop of the answers, between two steps of the engine. A judge that fails must not
     * end them. */
    if (!p->judge_lost && job_poll(p->judging.job) == JOB_RUNNING && judging_tick(&p->judging, 0, &p->why) < 0)
        lose_judge(p);
    p->beside = judging_now(&p->judging);
    p->beside.left = 0;                  /* the answers that it waits for say how long */
}

/* ---- phases ---- */

/* Rank 0: what judging needs must be there before anything is computed. */
static int prepare(struct pipeline *p, struct job *job, int *code, struct err *err)
{
    if (judge_inputs_read(&p->in, p->o, p->answer->name, err) < 0 || judging_open(&p->judging, job, p->o, &p->in, err) < 0)
        return -1;
    p->turn = xcalloc((size_t)p->in.questions.n, sizeof *p->turn);
    for (int q = 0; q < p->in.questions.n; q++) {
        map_add_int(&p->by_id, p->in.questions.q[q].id, (size_t)q);
        p->turn[q] = xcalloc((size_t)p->in.questions.q[q].n_turns, sizeof *p->turn[q]);
    }
    if (hosted(p) && judging_connect(&p->judging, err) < 0) { /* a wrong key is told before hours of answering */
        *code = judge_exit_code(err);
        return -1;
    }
    p->beside = judging_now(&p->judging);
    return 0;
}

/* Rank 0: the calls that are still open when the last answer is there. */
static void finish_calls(struct pipeline *p)
{
    struct judging *j = &p->judging;
    long open = 1;
    watch_begin(WATCH_WORKS, "waiting for replies of judge %s", p->o->judge_model);
    while (!p->judge_lost && open > 0 && job_poll(j->job) == JOB_RUNNING)
        if ((open = judging_tick(j, 0.2, &p->why)) < 0)
            lose_judge(p);
    watch_end();
    if (!p->judge_lost && j->pump.in_flight && judging_drain(j, DRAIN_SECONDS, &p->why) < 0)
        lose_judge(p);
}

/* Rank 0, when all is over: files and closing lines. Returns an exit code. */
static int conclude(struct pipeline *p, bool stopped, struct pipeline_result *res, struct err *err)
{
    if (judging_finish(&p->judging, err) < 0)
        return EXIT_INPUT;
    struct grader_now g = grader_now(p->judging.grader);
    res->judged = g.done > g.failed;
    res->cost = g.paid.cost;
    /* Behind judging_finish(): what it judged before it was lost is in the files. */
    if (p->judge_lost) {
        *err = p->why;
        return judge_exit_code(err);
    }
    if (stopped || g.done < g.total)
        return EXIT_RESUME;
    return judging_error_rate(&p->judging) > p->o->max_error_rate ? EXIT_FAILURES : EXIT_COMPLETE;
}

/* Answers are done or broken off with 'code'; judge what there is. Returns an exit code. */
static int judge_rest(struct pipeline *p, struct job *job, int code, struct pipeline_result *res, struct err *err)
{
    bool root = job_info(job).rank == 0, stopped = code == EXIT_RESUME;
    if (root) {
        p->judging.progress = progress_create(p->o->progress, !p->o->quiet);
        if (!stopped)
            judging_close_answers(&p->judging);      /* whoever still waits for an answer would wait for ever */
    }
    if (root && hosted(p) && !p->judge_lost)
        finish_calls(p);
    /* Behind the answers: both engines at once would not fit into memory. */
    if (!hosted(p) && !stopped && judge_on_ranks(job, p->o, root ? &p->judging : NULL, &res->parameters, err) < 0)
        return judge_exit_code(err);
    int judged = root ? conclude(p, stopped || job_poll(job) == JOB_STOPPED, res, err) : EXIT_COMPLETE;
    job_barrier(job);
    job_bcast(job, &judged, sizeof judged);
    return judged == EXIT_COMPLETE ? code : judged; /* the worse of both halves */
}

static void pipeline_free(struct pipeline *p)
{
    judging_close(&p->judging);          /* first: grader and transport point into the inputs */
    for (int q = 0; p->turn && q < p->in.questions.n; q++) {
        for (int t = 0; t < p->in.questions.q[q].n_turns; t++)
            free(p->turn[q][t]);
        free(p->turn[q]);
    }
    free(p->turn);
    map_free(&p->by_id);
    judge_inputs_free(&p->in);
}

static int answer_alone(void *answer, struct job *job, const struct answer_watch *watch, struct err *err)
{
    return answer_all(job, answer, watch, err);
}

int pipeline_run(struct job *job, const struct answer_opts *answer, const struct judge_opts *judge, struct pipeline_result *res,
                 struct err *err)
{
    return pipeline_around(job, answer, judge, answer_alone, (void *)answer, res, err);
}

int pipeline_around(struct job *job, const struct answer_opts *answer, const struct judge_opts *judge, pipeline_work work, void *ctx,
                    struct pipeline_result *res, struct err *err)
{
    struct pipeline p = { .answer = answer, .o = judge };
    bool root = job_info(job).rank == 0, beside = root && hosted(&p); /* a local judge works behind the answers, not beside them */
    int code = EXIT_INPUT, rc = root ? prepare(&p, job, &code, err) : 0;
    struct answer_watch watch = {
        .ctx = &p, .turn = root ? on_turn : NULL, .tick = beside ? on_tick : NULL, .beside = beside ? &p.beside : NULL};
    *res = (struct pipeline_result){0};
    if (job_agree(job, rc, err) == 0) {
        code = work(ctx, job, &watch, err);
        if (code != EXIT_INPUT && code != EXIT_PREFLIGHT) /* the other codes leave answers to judge */
            code = judge_rest(&p, job, code, res, err);
    }
    job_bcast(job, &code, sizeof code);
    pipeline_free(&p);
    return code;
}
