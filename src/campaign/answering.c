/* answering.c - dealing, answering and writing, until every turn is done or a stop is ordered.
 * An item is one conversation. What earlier runs finished of it travels with the item list, so that any rank can go on with it. */
#include "mtbench/answering.h"

#include "phase_file.h"

#include "mtbench/answer.h"
#include "mtbench/answer_file.h"
#include "mtbench/answer_place.h"
#include "mtbench/clock.h"
#include "mtbench/crew.h"
#include "mtbench/energy.h"
#include "mtbench/forecast.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/progress.h"
#include "mtbench/speed.h"
#include "mtbench/typical.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the manifest: what strftime_now prints, in seconds since 1970 on the wall clock of rank 0. */
#define INSTANT "template_time"

struct run {
    struct job *job;
    const struct answer_opts *o;
    const struct questions *qs;          /* alike on all ranks */
    struct rig *rig;                     /* open; started only if something is left */
    struct manifest *manifest;           /* identity: what a resume must not differ in */
    struct answer_watch watch;           /* looks on, on rank 0 */
    struct energy *energy;               /* NULL: nothing is left to do */
    struct energy_phase loading, answering;
    struct crew_item *item;              /* (n_items) unfinished conversations, alike on all ranks */
    int n_items;
    /* rank 0 */
    char *answer_file, *journal_file;    /* owned */
    struct journal *journal;             /* the truth about what is done; locked */
    struct progress *progress;           /* NULL: quiet */
    long total, done, resumed, failed;   /* turns */
    long cut;                            /* of the done ones those that ran into the token limit or the context */
    uint64_t tokens, made;               /* of finished turns; of all turns, as far as rank 0 has heard */
    uint64_t kept;                       /* tokens of turns that earlier starts finished */
    struct forecast *forecast;           /* of the time left */
    double logged;                       /* seconds of clock_now(), when the log file last heard of the work */
    double opened, started;              /* seconds of clock_now(), at the beginning and when the weights were there */
};

/* The journal, the answer file, and all that is said are rank 0's; the other ranks only answer. */
static bool root(const struct run *r)
{
    return job_info(r->job).rank == 0;
}

/* ---- what is left to do ---- */

/* An answer all the same, as in FastChat; people are told how many there are. */
static bool is_cut(const struct turn_record *t)
{
    return t->status == TURN_OK && t->finish && strcmp(t->finish, "stop");
}

/* Rank 0: turns that earlier starts finished. */
static void resume_turns(struct run *r, const struct question *q, int choice, int n_done)
{
    r->total += q->n_turns;
    r->resumed += n_done;
    for (int t = 0; t < n_done; t++) {
        const struct turn_record *done = journal_find(r->journal, q->id, choice, t + 1);
        r->cut += is_cut(done);
        r->kept += (uint64_t)done->n_new;
        if (r->watch.turn)
            r->watch.turn(r->watch.ctx, done);
    }
}

/* Rank 0: the unfinished conversations. The texts go along, because the next turn's prompt holds them and only rank 0 has the journal. */
static int list_items(struct run *r, struct err *err)
{
    for (int i = 0; i < r->qs->n; i++) {
        const struct question *q = &r->qs->q[i];
        const char **text = xcalloc((size_t)q->n_turns, sizeof *text);
        int n = 0;
        for (int c = 0; n >= 0 && c < r->o->num_choices; c++) {
            /* By the hash of the question's text too: a turn that was answered when it read otherwise is refused, never taken
             * for this one. */
            if ((n = journal_count(r->journal, q->id, q->sha256, c, q->n_turns, err)) < 0)
                break;
            resume_turns(r, q, c, n);
            for (int t = 0; t < n; t++)
                text[t] = journal_find(r->journal, q->id, c, t + 1)->text;
            if (n < q->n_turns)
                crew_add(&r->item, &r->n_items, i, c, n, text);
        }
        free(text);
        if (n < 0)
            return -1;
    }
    r->done = r->resumed;
    return 0;
}

static struct journal *open_journal(const struct run *r, struct err *err)
{
    struct err why;
    char *fast = r->o->scratch ? journal_fast_path(r->o->scratch, r->journal_file, &why) : NULL;
    if (r->o->scratch && !fast)
        log_note("--scratch: %s; each turn is flushed to %s instead", why.text, r->journal_file);
    struct journal *j = journal_open_fast(r->journal_file, fast, r->manifest, err);
    free(fast);
    return j;
}

/* Collective. Rank 0 alone reads and locks the files; the list of what is left goes to all as one message. */
static int share_items(struct run *r, struct err *err)
{
    int rc = 0;
    /* The order: first whose answers lie there, then whether they are readable, then the journal, which locks. Nothing
     * is moved before it is known that it may be. */
    if (root(r)) {
        if (answer_place_claim(r->answer_file, MADE_BY_ENGINE, r->o->fresh, err) == 0 && answers_check(r->answer_file, err) == 0)
            r->journal = open_journal(r, err);
        rc = r->journal ? list_items(r, err) : err_advise(err, "choose a place that can be written by --answer-file or --data-dir");
    }
    /* Law 4: rank 0 may have failed alone; without this the others would wait in the broadcast. */
    if ((rc = job_agree(r->job, rc, err)) == 0)
        crew_share(r->job, &r->item, &r->n_items);
    return rc;
}

/* ---- rank 0: records ---- */

static void count_turn(struct run *r, int item, const struct turn_record *t)
{
    r->tokens += (uint64_t)t->n_new;
    forecast_turn(r->forecast, item, t->n_new, t->status != TURN_OK);
    r->done++;
    r->failed += t->status != TURN_OK;
    r->cut += is_cut(t);
}

static int take_records(struct run *r, struct crew *c, struct err *err)
{
    const void *data;
    size_t n;
    int from;
    while (deal_receive(crew_deal(c), &data, &n, &from)) {
        /* The line goes from rank to file as bytes: parsed once, written as it came. */
        const struct turn_record *t = journal_append_line(r->journal, data, n, err);
        if (!t)
            return err_wrap(err, "record of rank %d", from);
        count_turn(r, crew_find(c, t), t);
        if (r->watch.turn)
            r->watch.turn(r->watch.ctx, t);
        if (t->status != TURN_OK)
            log_error("question %" PRId64 ", choice %d, turn %d: %s", t->question_id, t->choice, t->turn, t->reason);
    }
    /* One flush for all that came together. Law 3: only what is on disk is shown as done, judged, or counted in a
     * resume. Also where nothing came: with --scratch the journal's own file may be due. */
    if (journal_sync(r->journal, err) < 0)
        return -1;
    /* Also without records: a hosted judge that works beside must be stepped while the engines are busy. */
    if (r->watch.tick)
        r->watch.tick(r->watch.ctx);
    return 0;
}

/* What rank 0 knows of the ranks' work, before the records that came with it. */
static void watch_work(struct run *r, struct deal *d)
{
    r->made = deal_tally_sum(d);
    forecast_made(r->forecast, r->made);
    for (int i; (i = deal_given(d)) != DEAL_NONE;) /* a conversation that runs is censored data to the forecast */
        forecast_begin(r->forecast, i);
}

/* Once a second the work goes into the log file, from which tests/golden/make_times.py makes runs that forecasts are held to. */
static void watch_step(void *ctx, double seconds, const struct engine_stats *then, const struct engine_stats *s)
{
    struct run *r = ctx;
    double now = clock_now();
    forecast_steps(r->forecast, seconds, (long)(s->steps - then->steps), (long)(s->rows - then->rows),
                   (long)(s->new_tokens - then->new_tokens));
    if (now - r->logged < 1)
        return;
    r->logged = now;
    log_file("work: %.3f s, here %" PRIu64 " steps, %" PRIu64 " rows, %" PRIu64 " tokens, by all %" PRIu64, now - r->started, s->steps,
             s->rows, s->new_tokens, r->made);
}

static void show_progress(const struct run *r)
{
    struct progress_now now = {
        .what = "answers", .unit = "turns", .done = r->done, .total = r->total, .failed = r->failed, .tokens = r->made,
        .left = forecast_left(r->forecast, clock_now()), .also = r->watch.beside,
    };
    progress_update(r->progress, &now);
}

static int go_round(void *ctx, struct crew *c, struct err *err)
{
    struct run *r = ctx;
    watch_work(r, crew_deal(c));
    int rc = take_records(r, c, err);
    show_progress(r);
    return rc;
}

/* ---- every rank: answering ---- */

static void put_turn(void *ctx, int item, const struct turn_record *t, const struct feed *feed, struct buf *out)
{
    const struct run *r = ctx;
    struct turn_record signed_one = *t;
    (void)item, (void)feed;
    signed_one.rank = job_info(r->job).rank; /* who answered it, for people; never part of the answer */
    turn_put(out, &signed_one);
}

void answer_keep_instant(struct job *job, struct rig *rig, const char *manifest_line, struct manifest *m)
{
    if (!chat_uses_time(rig->chat))
        return;
    char *kept = manifest_line ? manifest_value(manifest_line, INSTANT) : NULL;
    double at = kept ? strtod(kept, NULL) : rig_instant(rig);
    free(kept);
    job_bcast(job, &at, sizeof at);      /* rank 0's: clocks of nodes differ */
    rig_set_instant(rig, at);
    manifest_add(m, true, INSTANT, "%.0f", at);
}

/* Unless it is for more work than this, which has made its sizes. */
static int start_rig(struct run *r, const struct rig_opts *all, struct err *err)
{
    struct rig_opts left = *all;         /* what earlier starts finished takes no memory */
    if (r->rig->team)
        return 0;
    if (!all->shared && r->n_items < left.max_batch)
        left.max_batch = r->n_items;
    energy_begin(r->energy, &r->loading);
    if (rig_start(r->rig, &left, err) < 0)
        return -1;
    energy_end(r->energy, &r->loading);
    return 0;
}

static int start(struct run *r, const struct rig_opts *all, struct err *err)
{
    if (start_rig(r, all, err) < 0)
        return -1;
    answer_keep_instant(r->job, r->rig, root(r) ? journal_manifest(r->journal) : NULL, r->manifest);
    manifest_add(r->manifest, true, "model_sha256", "%s", r->rig->model_sha256); /* known only when the weights have been read */
    r->started = clock_now();
    /* The identity goes into the journal before the first turn: other weights under the same name are refused by a
     * resume. */
    return job_agree(r->job, root(r) ? journal_begin(r->journal, r->manifest, err) : 0, err);
}

double answer_expected_tokens(const struct answer_opts *o, const struct question *q)
{
    double sum = 0;
    for (int t = 1; t <= q->n_turns; t++)
        sum += fmin(typical_tokens(q, t), (double)o->max_new_token);
    return sum / q->n_turns;
}

double answer_prompt_tokens(const struct question *q)
{
    const double bytes = 4, around = 10;  /* of a token; tokens of the template around a turn */
    double n = 0;
    for (int t = 0; t < q->n_turns; t++)
        n += (double)strlen(q->turn[t]) / bytes + around;
    return n;
}

void answer_allow_for(double *steps, const int *turns, int n, long max_new_token)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += steps[i];
    for (int i = 0; i < n; i++)
        steps[i] = fmin(steps[i] + sum / n, (double)turns[i] * (double)max_new_token);
}

/* 'cost' gets the rows that are likely of each item, 'steps' what it may take. */
static struct forecast *expect(const struct run *r, double *cost, double *steps)
{
    int *turns = xcalloc((size_t)r->n_items, sizeof *turns), n = 0;
    double sum = 0;
    for (int i = 0; i < r->n_items; i++) {
        const struct question *q = &r->qs->q[r->item[i].q];
        turns[i] = q->n_turns - r->item[i].n_done;
        steps[i] = answer_expected_tokens(r->o, q) * turns[i];
        sum += steps[i];
        n += turns[i];
        cost[i] = steps[i] + answer_prompt_tokens(q);
    }
    /* n > 0: an item has a turn left. */
    answer_allow_for(steps, turns, r->n_items, r->o->max_new_token);
    struct forecast *f = forecast_create(r->n_items, turns, (int)r->o->max_new_token, sum / n, r->rig->place.n_replicas);
    free(turns);
    return f;
}

static int answer_items(struct run *r, struct err *err)
{
    double *cost = xcalloc((size_t)r->n_items, sizeof *cost), *steps = xcalloc((size_t)r->n_items, sizeof *steps);
    r->forecast = expect(r, cost, steps);
    if (r->watch.begun)
        r->watch.begun(r->watch.begun_ctx);
    energy_begin(r->energy, &r->answering);
    int rc = crew_work(&(struct crew_opts){
        .job = r->job,
        .rig = r->rig,
        .bench_name = r->o->bench_name,
        .question = r->qs->q,
        .item = r->item,
        .n_items = r->n_items,
        .cost = cost,
        .steps = steps,
        .sampling = sampler_common(&r->o->sampler, &r->rig->model->config),
        .max_new_token = r->o->max_new_token,
        .max_batch = r->o->max_batch,
        .seed = (uint64_t)r->o->seed,
        .energy = r->energy,
        .ctx = r,
        .put = put_turn,
        .round = go_round,
        .stepped = watch_step,
    }, err);
    energy_end(r->energy, &r->answering); /* crew_work() has been agreed on, whatever came of it */
    free(steps);
    free(cost);
    return rc;
}

/* ---- rank 0: time and energy ---- */

static void say_energy(const struct run *r)
{
    phase_file_add(r->answer_file, "load", &r->loading, 0);
    phase_file_add(r->answer_file, "answers", &r->answering, r->tokens);
    phase_say(&r->answering, "answers", &r->loading, r->tokens);
}

/* ---- rank 0: the answer file ---- */

static bool finished_text(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    return journal_text(ctx, q->id, choice, turn, json, tstamp);
}

/* What the answers were made with, as the journal has it: a run that finds all of them done has not seen the weights. */
static int write_manifest(const struct run *r, struct err *err)
{
    const char *line = journal_manifest(r->journal);
    return line ? answer_file_manifest(r->journal_file, line, err) : 0;
}

/* A turn whose predecessor failed cannot be asked: at the end of a whole run it has failed as well. */
static long n_failed(const struct run *r, bool stopped)
{
    return stopped ? r->failed : r->total - (r->done - r->failed);
}

/* For plans. Not worth a failure: without it they know less. */
static void leave_speed(const struct run *r)
{
    struct speed s = { .threads = r->rig->n_threads, .members = r->rig->place.size, .load = r->started - r->opened };
    struct buf line = { 0 };
    struct err err = { 0 };
    /* Steps that differed in their context alone may leave all to that: the next plan would refuse it. */
    if (!r->forecast || !forecast_costs(r->forecast, &s.step, &s.row, &s.context) || s.step + s.row <= 0)
        return;
    snprintf(s.model, sizeof s.model, "%s", r->rig->header_sha256);
    snprintf(s.device, sizeof s.device, "%s", r->rig->isa);
    char *path = speed_path(r->answer_file);
    speed_put(&line, &s);
    if (io_replace(path, line.data, line.len, &err) < 0)
        log_verbose("%s", err.text);
    buf_free(&line);
    free(path);
}

static int finish(const struct run *r, bool stopped, struct err *err)
{
    char hex[65];
    double seconds = clock_now() - r->started;
    const struct answered run = {
        .questions = r->qs,
        .model_id = r->o->name,
        .n_choices = (int)r->o->num_choices,
        .seed = (uint64_t)r->o->seed,
        .text = finished_text,
        .ctx = r->journal,
    };
    if (journal_flush(r->journal, err) < 0)
        return err_advise(err, "the answers since the last flush are safe in --scratch; make room and start again on this node");
    /* Of a stopped run too: whole conversations are usable, and the journal holds the rest. */
    int written = answer_file_write(r->answer_file, &run, err);
    if (written < 0 || write_manifest(r, err) < 0)
        return err_advise(err, "all answers are safe in %s; make room there and start again", r->journal_file);
    leave_speed(r);
    answer_file_digest(&run, hex);       /* of the texts: equal on every layout, or law 1 is broken */
    printf("answers   %ld/%ld turns   %ld failed   %" PRIu64 " tokens   %.1f tok/s   %.1f s\n", r->done - r->failed, r->total,
           n_failed(r, stopped), r->tokens, seconds > 0 ? (double)r->tokens / seconds : 0.0, seconds);
    if (written)                         /* scripts take the name for a file that is there */
        printf("wrote     %s\n", r->answer_file);
    printf("digest    %s\n", hex);
    say_energy(r);
    if (r->cut)
        printf("cut       %ld answer%s ran into --max-new-token %ld or the end of the context\n", r->cut, r->cut == 1 ? "" : "s",
               r->o->max_new_token);
    if (stopped)
        log_note("interrupted with %ld of %ld turns done; the same command goes on from there", r->done - r->failed, r->total);
    return 0;
}

static void run_free(struct run *r)
{
    energy_close(r->energy);
    crew_items_free(r->item, r->n_items);
    progress_destroy(r->progress);
    forecast_destroy(r->forecast);
    journal_close(r->journal);
    free(r->answer_file);
    free(r->journal_file);
}

char *answer_opts_path(const struct answer_opts *o)
{
    if (o->answer_file && *o->answer_file)
        return xstrdup(o->answer_file);
    char *folder = bench_answers_folder(o->data_dir, o->bench_name), *path = bench_answers_file(folder, o->name);
    free(folder);
    return path;
}

int answer_run(struct job *job, const struct answer_opts *o, const struct questions *qs, struct rig *rig, const struct rig_opts *ro,
               const struct answer_watch *watch, struct manifest *manifest, struct answer_result *res, struct err *err)
{
    struct run r = { .job = job, .o = o, .qs = qs, .rig = rig, .manifest = manifest, .watch = *watch };
    r.opened = r.started = clock_now();
    r.answer_file = answer_opts_path(o);
    r.journal_file = journal_path(r.answer_file);
    r.progress = progress_create(o->progress, root(&r) && !o->quiet);
    bool begun = false;
    int rc = share_items(&r, err);
    if (rc == 0 && r.n_items)
        r.energy = energy_open(job, rig);
    /* With everything done the weights are not even read. */
    if (rc == 0 && r.n_items && (rc = start(&r, ro, err)) == 0) {
        begun = true;
        rc = answer_items(&r, err);
    }
    /* A signal while the weights are read ends rig_start() with ERR_CANCELLED; it is a stop like any other, and files
     * are written. So is a device that fails in the middle of the work, with its line. */
    bool cancelled = rc < 0 && (err->kind == ERR_CANCELLED || (begun && err->kind == ERR_DEVICE));
    bool stopped = cancelled || job_poll(job) == JOB_STOPPED;
    progress_clear(r.progress);
    if (rc == 0 || cancelled)
        rc = job_agree(job, root(&r) ? finish(&r, stopped, err) : 0, err);
    *res = (struct answer_result){
        .total = r.total, .done = r.done - r.failed, .failed = n_failed(&r, stopped), .tokens = r.kept + r.tokens, .stopped = stopped,
    };
    if (rc == 0)
        job_bcast(job, res, sizeof *res);    /* one answer: a signal may have reached some ranks only */
    run_free(&r);
    return rc;
}
