/* answering.c - dealing, answering and writing, until every turn is done or a stop is ordered.
 * An item is one conversation. What earlier runs finished of it travels with the item list, so that any rank can go on with it. */
#include "mtbench/answering.h"

#include "mtbench/answer.h"
#include "mtbench/answer_file.h"
#include "mtbench/answer_place.h"
#include "mtbench/clock.h"
#include "mtbench/deal.h"
#include "mtbench/feed.h"
#include "mtbench/forecast.h"
#include "mtbench/journal.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the manifest: what strftime_now prints, in seconds since 1970 on the wall clock of rank 0. */
#define INSTANT "template_time"

struct item {
    int q, choice, n_done;               /* place in the questions, number of the answer, turns that are there */
    char **text;                         /* (n_done) answers of earlier runs */
};

struct run {
    struct job *job;
    const struct answer_opts *o;
    const struct questions *qs;          /* alike on all ranks */
    struct rig *rig;                     /* open; started only if something is left */
    struct manifest *manifest;           /* identity: what a resume must not differ in */
    struct answer_watch watch;           /* looks on, on rank 0 */
    struct item *item;                   /* (n_items) unfinished conversations, alike on all ranks */
    int n_items;
    struct map by_name;                  /* question and choice to item */
    struct feed *feed;                   /* this rank's engine and its conversations */
    struct deal *deal;                   /* who answers what */
    bool left;                           /* this rank answers no more; it stays for the collective end */
    /* rank 0 */
    char *answer_file, *journal_file;    /* owned */
    struct journal *journal;             /* the truth about what is done; locked */
    struct progress *progress;           /* NULL: quiet */
    long total, done, resumed, failed;   /* turns */
    long cut;                            /* of the done ones those that ran into the token limit or the context */
    uint64_t tokens;                     /* of finished turns */
    struct forecast *forecast;           /* of the time left */
    struct engine_stats seen;            /* of this rank's engine, when its last step ended */
    double step_ended, logged;           /* seconds of clock_now(); step_ended 0: the engine rests */
    double started;                      /* seconds of clock_now(), when the weights were there */
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
        if (r->watch.turn)
            r->watch.turn(r->watch.ctx, done);
    }
}

/* Rank 0: the unfinished conversations, as bytes for all ranks: q, choice, n_done, then length and text of each finished turn. */
static int list_items(struct run *r, struct buf *out, struct err *err)
{
    for (int i = 0; i < r->qs->n; i++) {
        const struct question *q = &r->qs->q[i];
        for (int c = 0; c < r->o->num_choices; c++) {
            int32_t head[3] = { i, c, 0 }; /* question, choice, turns that are done */
            /* By the hash of the question's text too: a turn that was answered when it read otherwise is refused, never taken
             * for this one. */
            if ((head[2] = journal_count(r->journal, q->id, q->sha256, c, q->n_turns, err)) < 0)
                return -1;
            resume_turns(r, q, c, head[2]);
            if (head[2] == q->n_turns)
                continue;
            buf_add(out, head, sizeof head); /* same machine, same program: no byte order to mind */
            for (int t = 0; t < head[2]; t++) {
                /* The texts travel, because the next turn's prompt holds them and only rank 0 has the journal. */
                const char *text = journal_find(r->journal, q->id, c, t + 1)->text;
                uint64_t n = strlen(text); /* journals spell NUL as C0 80 (nul.h): strlen() is its length */
                buf_add(out, &n, sizeof n);
                buf_add(out, text, n);
            }
        }
    }
    r->done = r->resumed;
    return 0;
}

/* Both ways through one key: with MAP_NONE it looks up, else it adds. */
static size_t name_item(struct run *r, int64_t question_id, int choice, size_t item)
{
    const int64_t name[2] = { question_id, choice };
    return item == MAP_NONE ? map_find(&r->by_name, name, sizeof name) : map_add(&r->by_name, name, sizeof name, item);
}

/* Every rank keeps all items: whichever the dealer gives it, the texts of its earlier turns are there. */
static void read_items(struct run *r, const struct buf *b)
{
    for (size_t at = 0; at < b->len;) {
        int32_t head[3];
        memcpy(head, b->data + at, sizeof head);
        at += sizeof head;
        r->item = xrealloc(r->item, (size_t)r->n_items + 1, sizeof *r->item);
        name_item(r, r->qs->q[head[0]].id, head[1], (size_t)r->n_items);
        struct item *it = &r->item[r->n_items++];
        *it = (struct item){ .q = head[0], .choice = head[1], .n_done = head[2], .text = xcalloc((size_t)head[2], sizeof *it->text) };
        for (int t = 0; t < it->n_done; t++) {
            uint64_t n;
            memcpy(&n, b->data + at, sizeof n);
            it->text[t] = xstrndup(b->data + at + sizeof n, n);
            at += sizeof n + n;
        }
    }
}

/* Collective. Rank 0 alone reads and locks the files; the list of what is left goes to all as one message. */
static int share_items(struct run *r, struct err *err)
{
    struct buf b = {0};
    int rc = 0;
    /* The order: first whose answers lie there, then whether they are readable, then the journal, which locks. Nothing
     * is moved before it is known that it may be. */
    if (root(r)) {
        if (answer_place_claim(r->answer_file, MADE_BY_ENGINE, r->o->fresh, err) == 0 && answers_check(r->answer_file, err) == 0)
            r->journal = journal_open(r->journal_file, r->manifest, err);
        rc = r->journal ? list_items(r, &b, err) : err_advise(err, "choose a place that can be written by --answer-file or --data-dir");
    }
    /* Law 4: rank 0 may have failed alone; without this the others would wait in the broadcast. */
    if ((rc = job_agree(r->job, rc, err)) == 0) {
        job_bcast_buf(r->job, &b);
        read_items(r, &b);
    }
    buf_free(&b);
    return rc;
}

/* ---- rank 0: records ---- */

/* Records come from items of this very list, so there is one. */
static int find_item(struct run *r, const struct turn_record *t)
{
    return (int)name_item(r, t->question_id, t->choice, MAP_NONE);
}

static void count_turn(struct run *r, const struct turn_record *t)
{
    r->tokens += (uint64_t)t->n_new;
    forecast_turn(r->forecast, find_item(r, t), t->n_new, t->status != TURN_OK);
    r->done++;
    r->failed += t->status != TURN_OK;
    r->cut += is_cut(t);
}

static int take_records(struct run *r, struct err *err)
{
    const void *data;
    size_t n;
    int from, taken = 0;
    while (deal_receive(r->deal, &data, &n, &from)) {
        /* The line goes from rank to file as bytes: parsed once, written as it came. */
        const struct turn_record *t = journal_append_line(r->journal, data, n, err);
        if (!t)
            return err_wrap(err, "record of rank %d", from);
        count_turn(r, t);
        if (r->watch.turn)
            r->watch.turn(r->watch.ctx, t);
        if (t->status != TURN_OK)
            log_error("question %" PRId64 ", choice %d, turn %d: %s", t->question_id, t->choice, t->turn, t->reason);
        taken++;
    }
    /* One flush for all that came together. Law 3: only what is on disk is shown as done, judged, or counted in a
     * resume. */
    if (taken && journal_sync(r->journal, err) < 0)
        return -1;
    /* Also without records: a hosted judge that works beside must be stepped while the engines are busy. */
    if (r->watch.tick)
        r->watch.tick(r->watch.ctx);
    return 0;
}

/* What rank 0 knows of the ranks' work, before the records that came with it. */
static void watch_work(struct run *r)
{
    forecast_made(r->forecast, deal_tally_sum(r->deal));
    for (int i; (i = deal_given(r->deal)) != DEAL_NONE;) /* a conversation that runs is censored data to the forecast */
        forecast_begin(r->forecast, i);
}

/* From step to step, what rank 0 does in between included: that belongs to the time that is left. Once a second it goes into the log file,
 * from which tests/golden/make_times.py makes runs that forecasts are held to. */
static void watch_step(struct run *r)
{
    struct engine_stats s = engine_stats(r->rig->engine);
    double now = clock_now();
    if (r->step_ended > 0)
        forecast_steps(r->forecast, now - r->step_ended, (long)(s.steps - r->seen.steps), (long)(s.rows - r->seen.rows),
                       (long)(s.new_tokens - r->seen.new_tokens));
    r->step_ended = now;
    r->seen = s;
    if (now - r->logged < 1)
        return;
    r->logged = now;
    log_file("work: %.3f s, here %" PRIu64 " steps, %" PRIu64 " rows, %" PRIu64 " tokens, by all %" PRIu64, now - r->started, s.steps,
             s.rows, s.new_tokens, deal_tally_sum(r->deal));
}

static void show_progress(const struct run *r)
{
    struct progress_now now = {
        .what = "answers", .unit = "turns", .done = r->done, .total = r->total, .failed = r->failed, .tokens = deal_tally_sum(r->deal),
        .left = forecast_left(r->forecast, clock_now()), .also = r->watch.beside,
    };
    progress_update(r->progress, &now);
}

/* ---- every rank: answering ---- */

static void send_turns(struct run *r)
{
    const struct turn_record *t;
    struct buf line = {0};
    while ((t = feed_collect(r->feed))) {
        struct turn_record signed_one = *t;
        signed_one.rank = job_info(r->job).rank; /* who answered it, for people; never part of the answer */
        int i = find_item(r, t);
        buf_clear(&line);
        turn_put(&line, &signed_one);
        deal_send(r->deal, line.data, line.len);
        /* A turn that failed takes the later ones along: their prompts would hold an answer that never was. */
        if (t->status != TURN_OK || t->turn == r->qs->q[r->item[i].q].n_turns)
            deal_done(r->deal, i);
    }
    buf_free(&line);
}

static void leave(struct run *r)
{
    if (r->left)
        return;
    feed_cancel(r->feed);                /* open turns are dropped; finished ones are still in its queue */
    send_turns(r);
    deal_leave(r->deal);                 /* tells rank 0 that nothing more comes from here */
    r->left = true;
}

static int work(struct run *r, struct err *err)
{
    enum deal_state state;
    int live = 0, rc = 0;
    /* Every rank goes round until the dealer says that all have left, also when it failed itself: whoever stopped
     * earlier would strand the rest. */
    while ((state = deal_poll(r->deal)) != DEAL_OVER) {
        if (root(r))
            watch_work(r);
        if (root(r) && rc == 0 && (rc = take_records(r, err)) < 0) /* a full disk on rank 0 stops all ranks */
            job_raise(r->job, JOB_FAILED);
        if (state == DEAL_STOPPING || rc < 0)
            leave(r);
        if (root(r))
            show_progress(r);
        if (r->left) {
            deal_idle(r->deal);
            continue;
        }
        deal_want(r->deal, feed_room(r->feed)); /* places that are free now; what was granted and not taken counts against them */
        for (int i; (i = deal_next(r->deal)) != DEAL_NONE; live++)
            feed_add(r->feed, r->item[i].q, r->item[i].choice, (const char *const *)r->item[i].text, r->item[i].n_done);
        if (live == 0) {
            r->step_ended = 0;
            deal_idle(r->deal);
            continue;
        }
        if (r->step_ended == 0)
            r->step_ended = clock_now();
        live = feed_step(r->feed);
        if (root(r))
            watch_step(r);
        deal_tally(r->deal, engine_stats(r->rig->engine).new_tokens);
        send_turns(r);
    }
    if (root(r) && rc == 0)
        rc = take_records(r, err);       /* what came with the last farewell */
    return job_agree(r->job, rc, err);
}

/* Templates that print the date: a run that goes on prints that of its first start, or the turns of one file would stand on two days. */
static void keep_instant(struct run *r)
{
    if (!chat_uses_time(r->rig->chat))
        return;
    const char *line = root(r) ? journal_manifest(r->journal) : NULL;
    char *kept = line ? manifest_value(line, INSTANT) : NULL;
    double at = kept ? strtod(kept, NULL) : rig_instant(r->rig);
    free(kept);
    job_bcast(r->job, &at, sizeof at);   /* rank 0's: clocks of nodes differ */
    rig_set_instant(r->rig, at);
    manifest_add(r->manifest, true, INSTANT, "%.0f", at);
}

static int start(struct run *r, const struct rig_opts *all, struct err *err)
{
    struct rig_opts left = *all;         /* what earlier starts finished takes no memory */
    left.max_batch = r->n_items < left.max_batch ? r->n_items : left.max_batch;
    if (rig_start(r->rig, &left, err) < 0)
        return -1;
    keep_instant(r);
    manifest_add(r->manifest, true, "model_sha256", "%s", r->rig->model_sha256); /* known only when the weights have been read */
    r->started = clock_now();
    /* The identity goes into the journal before the first turn: other weights under the same name are refused by a
     * resume. */
    return job_agree(r->job, root(r) ? journal_begin(r->journal, r->manifest, err) : 0, err);
}

double answer_expected_tokens(const struct answer_opts *o, const struct question *q)
{
    double n = category_length(q->category);
    return n < (double)o->max_new_token ? n : (double)o->max_new_token;
}

/* 'cost' gets the tokens that are likely of each item. */
static struct forecast *expect(const struct run *r, double *cost)
{
    int *turns = xcalloc((size_t)r->n_items, sizeof *turns), n = 0;
    double sum = 0;
    for (int i = 0; i < r->n_items; i++) {
        const struct question *q = &r->qs->q[r->item[i].q];
        turns[i] = q->n_turns - r->item[i].n_done;
        cost[i] = answer_expected_tokens(r->o, q) * turns[i];
        sum += cost[i];
        n += turns[i];
    }
    /* n > 0: an item has a turn left. */
    struct forecast *f = forecast_create(r->n_items, turns, (int)r->o->max_new_token, sum / n, job_info(r->job).size);
    free(turns);
    return f;
}

static int answer_items(struct run *r, struct err *err)
{
    double *cost = xcalloc((size_t)r->n_items, sizeof *cost);
    long batch = r->n_items < r->o->max_batch ? r->n_items : r->o->max_batch; /* per rank: one rank alone may have to take them all */
    /* Law 1: random numbers are named by weights, bench, seed, question, choice, turn, position; never by rank, batch
     * or time. */
    char *stream = xasprintf("%s %s", r->rig->model_sha256, r->o->bench_name);
    r->forecast = expect(r, cost);
    r->feed = feed_create(&(struct feed_opts){
        .engine = r->rig->engine,
        .tokenizer = r->rig->tokenizer,
        .chat = r->rig->chat,
        .stop_id = r->rig->stops.id,
        .n_stop = (int)r->rig->stops.n,
        .question = r->qs->q,
        .sampling = sampler_common(&r->o->sampler, &r->rig->model->config),
        .max_new_token = (int)r->o->max_new_token,
        .max_batch = (int)batch,
        .seed = (uint64_t)r->o->seed,
        .stream = stream,
    });
    /* The longest conversations are dealt first: one that begins last would keep all other ranks waiting. */
    r->deal = deal_create(r->job, &(struct deal_opts){ .n_items = r->n_items, .cost = cost, .want = (int)batch });
    int rc = work(r, err);
    if (rc == 0)
        rig_say_peak(r->rig);
    deal_destroy(r->deal);
    feed_destroy(r->feed);
    free(stream);
    free(cost);
    return rc;
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
    /* Of a stopped run too: whole conversations are usable, and the journal holds the rest. */
    int written = answer_file_write(r->answer_file, &run, err);
    if (written < 0 || write_manifest(r, err) < 0)
        return err_advise(err, "all answers are safe in %s; make room there and start again", r->journal_file);
    answer_file_digest(&run, hex);       /* of the texts: equal on every layout, or law 1 is broken */
    printf("answers   %ld/%ld turns   %ld failed   %" PRIu64 " tokens   %.1f tok/s   %.1f s\n", r->done - r->failed, r->total,
           n_failed(r, stopped), r->tokens, seconds > 0 ? (double)r->tokens / seconds : 0.0, seconds);
    if (written)                         /* scripts take the name for a file that is there */
        printf("wrote     %s\n", r->answer_file);
    printf("digest    %s\n", hex);
    if (r->cut)
        printf("cut       %ld answer%s ran into --max-new-token %ld or the end of the context\n", r->cut, r->cut == 1 ? "" : "s",
               r->o->max_new_token);
    if (stopped)
        log_note("interrupted with %ld of %ld turns done; the same command goes on from there", r->done - r->failed, r->total);
    return 0;
}

static void run_free(struct run *r)
{
    for (int i = 0; i < r->n_items; i++) {
        for (int t = 0; t < r->item[i].n_done; t++)
            free(r->item[i].text[t]);
        free(r->item[i].text);
    }
    free(r->item);
    map_free(&r->by_name);
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
    struct run r = { .job = job, .o = o, .qs = qs, .rig = rig, .manifest = manifest, .watch = *watch, .started = clock_now() };
    r.answer_file = answer_opts_path(o);
    r.journal_file = journal_path(r.answer_file);
    r.progress = progress_create(o->progress, root(&r) && !o->quiet);
    int rc = share_items(&r, err);
    /* With everything done the weights are not even read. */
    if (rc == 0 && r.n_items && (rc = start(&r, ro, err)) == 0)
        rc = answer_items(&r, err);
    /* A signal while the weights are read ends rig_start() with ERR_CANCELLED; it is a stop like any other, and files
     * are written. */
    bool cancelled = rc < 0 && err->kind == ERR_CANCELLED, stopped = cancelled || job_poll(job) == JOB_STOPPED;
    progress_clear(r.progress);
    if (rc == 0 || cancelled)
        rc = job_agree(job, root(&r) ? finish(&r, stopped, err) : 0, err);
    *res = (struct answer_result){ .total = r.total, .failed = n_failed(&r, stopped), .stopped = stopped };
    if (rc == 0)
        job_bcast(job, res, sizeof *res);    /* one answer: a signal may have reached some ranks only */
    run_free(&r);
    return rc;
}
