/* recheck.c - `judge --canary`: stored judgments are asked for once more; how far have the verdicts moved? */
#include "mtbench/recheck.h"

#include "mtbench/canary.h"
#include "mtbench/clock.h"
#include "mtbench/exit_code.h"
#include "mtbench/io.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <stdio.h>
#include <stdlib.h>

enum { DRAIN_SECONDS = 8, GO_ON_SECONDS = 12 * 3600 };     /* a reply of yesterday says nothing about the judge of today */

static int open_canary(struct judging *j, struct canary **canary, struct err *err)
{
    const struct judge_opts *o = j->o;
    struct buf b = {0};
    char run[11];
    /* Hundredths of a second: two canaries never share a name, and ten digits last for three centuries. */
    snprintf(run, sizeof run, "%010llx", (unsigned long long)(clock_unix() * 100) & 0xffffffffff);
    if (io_read(j->in->output, &b, err) < 0) {
        err_advise(err, "judge first: a canary asks for stored judgments once more");
    } else if (judge_inputs_describe(j->in, o, &j->manifest), (j->journal = call_journal_open(j->in->journal, &j->manifest, err))) {
        struct canary_opts c = {.judge = o->judge_model,
                                .prompts = &j->in->prompts,
                                .n = (int)o->canary,
                                .max_tokens = (int)o->max_tokens,
                                .run = run,
                                .since = clock_unix() - GO_ON_SECONDS,
                                .journal = j->journal};
        *canary = canary_create(&c, j->in->output, b.data ? b.data : "", b.len, err);
    }
    buf_free(&b);
    return *canary ? 0 : -1;
}

/* What it will cost is said first: a pair is two calls. */
static int confirm(const struct judging *j, const struct canary *c, struct err *err)
{
    printf("canary    %d judgments of %s, %d calls to %s\n", canary_now(c).judgments, j->in->output, canary_now(c).calls,
           j->o->judge_model);
    if (canary_now(c).done)
        log_note("--canary: goes on with the run that was interrupted; %d calls were answered then", canary_now(c).done);
    return j->o->confirm ? judging_confirm(err) : 0;
}

struct asking {
    struct judging *j;
    struct canary *c;
};

static const struct call *next(void *asking)
{
    return canary_next(((struct asking *)asking)->c);
}

static int take(void *asking, const struct call_record *r, struct err *err)
{
    return canary_take(((struct asking *)asking)->c, r, err);
}

static void show_progress(const struct judging *j, const struct canary *c)
{
    struct canary_now now = canary_now(c);
    if (j->progress)
        progress_update(j->progress, &(struct progress_now){.what = "canary",
                                                            .unit = "judged",
                                                            .done = now.done,
                                                            .total = now.calls,
                                                            .failed = now.failed,
                                                            .left = forecast_calls(&j->pace, now.calls - now.done, (int)j->o->parallel)});
}

static int ask_each(struct judging *j, struct canary *c, struct err *err)
{
    struct asking a = { j, c };
    j->pump.asker = (struct asker){ &a, next, take, NULL }; /* no flush: canary_take() puts each reply on disk by itself */
    while (canary_now(c).done < canary_now(c).calls) {
        if (job_poll(j->job) != JOB_RUNNING) {
            if (pump_drain(&j->pump, DRAIN_SECONDS, err) < 0)
                return -1;
            break;
        }
        if (pump_tick(&j->pump, 0.2, err) < 0)
            return -1;
        show_progress(j, c);
    }
    /* No half canary is reported: the sample would be another one. What was answered is in the journal for the next start. */
    if (canary_now(c).done < canary_now(c).calls)
        return err_set(err, ERR_CANCELLED, "--canary: stopped; start again to ask for all of them");
    return 0;
}

static int ask_all(struct judging *j, struct canary *c, struct err *err)
{
    watch_begin(WATCH_WORKS, "waiting for replies of judge %s", j->o->judge_model);
    const int rc = ask_each(j, c, err);
    watch_end();
    return rc;
}

/* What came of it. A call without a verdict has not moved: it counts as failed. */
static void collect(const struct judging *j, const struct canary *c, struct recheck *r)
{
    const struct canary_now now = canary_now(c);
    const bool single = j->o->mode == MODE_SINGLE;
    *r = (struct recheck){ .single = single, .calls = now.calls, .failed = now.failed };
    r->question_id = xcalloc((size_t)now.calls + 1, sizeof *r->question_id);
    r->by = xcalloc((size_t)now.calls + 1, sizeof *r->by);
    for (int i = 0; i < now.calls; i++) {
        const struct canary_verdict v = canary_verdict(c, i);
        if (!v.read)
            continue;                    /* says nothing about drift: failed, not changed */
        r->question_id[r->n] = v.question_id;
        r->by[r->n] = single ? v.score_is - v.score_was : v.winner_is != v.winner_was; /* points, signed; of pairs 1 for another winner */
        r->equal += r->by[r->n++] == 0;
    }
}

static int ask(struct judging *j, struct recheck *r, struct err *err)
{
    struct canary *c = NULL;
    int code = EXIT_COMPLETE;
    if (open_canary(j, &c, err) < 0 || confirm(j, c, err) < 0)
        code = EXIT_INPUT;
    else if (canary_now(c).judgments < j->o->canary)
        log_note("--canary %ld: only %d judgments can be asked for again", j->o->canary, canary_now(c).judgments);
    if (code == EXIT_COMPLETE && (judging_connect(j, err) < 0 || ask_all(j, c, err) < 0))
        code = judge_exit_code(err);
    if (j->progress)
        progress_clear(j->progress);
    if (code == EXIT_COMPLETE) {
        collect(j, c, r);
        /* A judge that gives no verdicts any more has changed too, even if those that are left agree. */
        code = r->failed > j->o->max_error_rate * r->calls ? EXIT_FAILURES : EXIT_COMPLETE;
    }
    canary_destroy(c);
    return code;
}

int judge_canary(struct job *job, const struct judge_opts *o, struct recheck *r, struct err *err)
{
    struct judge_inputs in = {0};
    struct judging j = { .job = job, .o = o, .in = &in, .started = clock_now() }; /* no grader: the canary asks, the rest is a judging's */
    j.progress = progress_create(o->progress, !o->quiet);
    int code = judge_inputs_canary(&in, o, err) < 0 ? EXIT_INPUT : ask(&j, r, err);
    judging_close(&j);
    judge_inputs_free(&in);
    return code;
}

void recheck_free(struct recheck *r)
{
    free(r->question_id);
    free(r->by);
    *r = (struct recheck){0};
}
