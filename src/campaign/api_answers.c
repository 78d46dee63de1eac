/* api_answers.c - answering by a hosted model. The dialogs know what to ask and what came, the transport brings it. */
#include "mtbench/api_answers.h"

#include "mtbench/answer.h"
#include "mtbench/answer_file.h"
#include "mtbench/answer_place.h"
#include "mtbench/bench.h"
#include "mtbench/caller.h"
#include "mtbench/chat.h"
#include "mtbench/clock.h"
#include "mtbench/dialogs.h"
#include "mtbench/exit_code.h"
#include "mtbench/forecast.h"
#include "mtbench/io.h"
#include "mtbench/journal.h"
#include "mtbench/log.h"
#include "mtbench/manifest.h"
#include "mtbench/mem.h"
#include "mtbench/paths.h"
#include "mtbench/price.h"
#include "mtbench/price_list.h"
#include "mtbench/progress.h"
#include "mtbench/pump.h"
#include "mtbench/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DRAIN_SECONDS = 8 };              /* after a signal; the limit for ending is 10 */

struct api_run {
    struct job *job;                     /* for its signal only: one rank works */
    const struct api_opts *o;
    const struct questions *questions;
    char *answer_file, *journal_file;    /* owned */
    struct manifest manifest;            /* what the answers are made with */
    struct call_journal *journal;        /* the truth about what was asked; locked */
    struct dialogs *dialogs;             /* which turn is next */
    struct endpoint endpoint;            /* with the key */
    struct price price;                  /* dollars per million tokens; negative: unknown */
    struct purse purse;                  /* --max-cost, earlier starts included */
    struct pump pump;                    /* its transport is NULL until connected */
    struct progress *progress;           /* NULL: quiet */
    struct call_pace pace;               /* for the time that is left */
    bool has_system;                     /* a system message is sent */
    double started;                      /* seconds of clock_now() */
};

/* ---- opening ---- */

static int check_temperatures(const struct api_opts *o, const struct questions *qs, struct err *err)
{
    for (int i = 0; o->has_temperature && i < qs->n; i++)
        /* FastChat asserts this in the middle of its threads; here it is found before anything is sent. */
        if (qs->q[i].required_temperature)
            return err_set(err, ERR_USAGE,
                           "--force-temperature: question %" PRId64 " has a required_temperature; leave out the flag, or the question",
                           qs->q[i].id);
    return 0;
}

/* FastChat's for this name, unless the user gave one. */
static const char *choose_system(const struct api_opts *o)
{
    char template[64];
    if (o->system)
        return o->system;
    const char *system = chat_hosted_system(o->model, template);
    if (!system)
        log_note("--model %s: the system message of FastChat's template %s is not part of this program, none is sent; give one by "
                 "--system, \"\" for none",
                 o->model, template);
    return system ? system : "";
}

static void describe(struct api_run *r, const char *system)
{
    const struct api_opts *o = r->o;
    struct manifest *m = &r->manifest;
    manifest_add(m, false, "program", "mtbench %s", MTB_VERSION);
    manifest_add(m, true, "model", "%s", o->model); /* true: identity, a resume with another value is refused */
    manifest_add(m, false, "model_id", "%s", o->id);
    manifest_add(m, false, "provider", "%s", r->endpoint.provider->name);
    manifest_add(m, false, "url", "%.*s", (int)strcspn(r->endpoint.url, "?"), r->endpoint.url); /* a query may hold secrets */
    manifest_add(m, true, "system", "%s", system);
    manifest_add(m, true, "max_tokens", "%ld", o->max_tokens);
    if (o->has_temperature)
        manifest_add(m, true, "temperature", "%g", o->force_temperature);
    else
        manifest_add(m, true, "temperature", "by question and category");
    manifest_add(m, false, "question_file_sha256", "%s", r->questions->sha256);
}

static int open_journal(struct api_run *r, struct err *err)
{
    const struct api_opts *o = r->o;
    bool given = o->answer_file && *o->answer_file; /* an empty word counts as not given, as in FastChat */
    char *folder = bench_answers_folder(o->data_dir, o->bench_name);
    r->answer_file = given ? xstrdup(o->answer_file) : bench_answers_file(folder, o->id);
    free(folder);
    r->journal_file = journal_path(r->answer_file);
    if (answer_place_claim(r->answer_file, MADE_BY_CALLS, o->fresh, err) < 0 || answers_check(r->answer_file, err) < 0 ||
        !(r->journal = call_journal_open(r->journal_file, &r->manifest, err)))
        return err_advise(err, "choose a place that can be written by --answer-file or --data-dir");
    return 0;
}

static const struct call *next(void *run)
{
    return dialogs_next(((struct api_run *)run)->dialogs);
}

static int take(void *run, const struct call_record *c, struct err *err)
{
    struct api_run *r = run;
    struct dialogs_turn t;
    forecast_call(&r->pace, c->seconds);
    if (dialogs_take(r->dialogs, c, &t, err) < 0) /* into the journal first; what is said of it comes behind */
        return -1;
    /* Failures are told as they come: a model that refuses all is not to be learnt of an hour later. */
    if (c->status != CALL_OK) {
        progress_clear(r->progress);
        log_error("question %" PRId64 ", choice %d, turn %d: %s: %s", t.question_id, t.choice, t.turn, call_status_name(c->status),
                  c->reason);
    } else {
        log_verbose("question %" PRId64 ", choice %d, turn %d: %" PRId64 " tokens in %.1f s, %d tries, %s", t.question_id, t.choice, t.turn,
                    c->tokens_out, c->seconds, c->tries, c->finish ? c->finish : "no finish reason");
    }
    return 0;
}

/* Files, journal, endpoint and prices; nothing is sent. -1: err (device: no key). api_run_close() either way. */
static int api_run_open(struct api_run *r, struct job *job, const struct api_opts *o, const struct questions *qs, struct err *err)
{
    static const struct endpoint_words words = {
        "model", "--provider", "--base-url", "--model", "MTBENCH_JUDGE_KEY_FILE", false,
    };
    const struct endpoint_opts e = { .provider = o->provider, .base_url = o->base_url, .model = o->model, .words = &words };
    const struct price_flags f = { o->data_dir, o->model, o->price_in, o->price_out, o->max_cost, o->given_price_in, o->given_price_out };
    *r = (struct api_run){ .job = job, .o = o, .questions = qs, .started = clock_now(), .pump.asker = { r, next, take, NULL } };
    /* From cheap to lasting: flags, prices and key are looked at before the journal is made. */
    if (check_temperatures(o, qs, err) < 0 || price_by_flags(&f, &r->price, err) < 0 || endpoint_resolve(&r->endpoint, &e, err) < 0)
        return -1;
    const char *system = choose_system(o);
    r->has_system = *system != '\0';
    describe(r, system);
    if (open_journal(r, err) < 0)
        return -1;
    const struct dialogs_opts d = {
        .questions = qs,
        .model = o->model,
        .system = system,
        .n_choices = (int)o->num_choices,
        .temperature = o->has_temperature ? o->force_temperature : -1, /* -1: FastChat's, by required_temperature and category */
        .max_tokens = (int)o->max_tokens,
        .journal = r->journal,
    };
    if (!(r->dialogs = dialogs_create(&d, err)))
        return err_wrap(err, "%s", r->journal_file);
    r->progress = progress_create(o->progress, !o->quiet);
    return 0;
}

static bool is_stopped(void *job)
{
    return job_poll(job) != JOB_RUNNING;
}

/* One short call, if there is anything to ask: does the model answer? -1: err (device; cancelled: out of quota). */
static int api_run_connect(struct api_run *r, struct err *err)
{
    const struct api_opts *o = r->o;
    const struct caller_opts c = {
        .endpoint = &r->endpoint, .parallel = (int)o->parallel, .timeout = o->timeout, .price_in = r->price.in, .price_out = r->price.out,
        .purse = &r->purse, .with_system = r->has_system, .stopped = is_stopped, .stopped_ctx = r->job,
    };
    if (dialogs_now(r->dialogs).open == 0) /* all is answered: no key or network is needed */
        return 0;
    r->purse = (struct purse){ .max = o->max_cost, .spent = dialogs_now(r->dialogs).paid.cost };
    if (!(r->pump.transport = caller_create(&c, err)))
        return -1;
    return caller_smoke(r->pump.transport, err);
}

/* ---- running ---- */

static void show(const struct api_run *r)
{
    struct dialogs_now d = dialogs_now(r->dialogs);
    const struct progress_now now = {
        .what = "answers", .unit = "turns", .done = d.done + d.failed, .total = d.total, .failed = d.failed, .tokens = (uint64_t)d.tokens,
        .left = forecast_calls(&r->pace, d.total - d.done - d.failed, (int)r->o->parallel), .dollars = d.paid.cost,
    };
    progress_update(r->progress, &now);
}

/* Returns how many conversations are open, -1: err (cancelled: start again later; device: the server refuses this client; io). */
static long api_run_tick(struct api_run *r, double wait, struct err *err)
{
    if (pump_tick(&r->pump, wait, err) < 0)
        return -1;
    show(r);
    return dialogs_now(r->dialogs).open;
}

/* ---- the end ---- */

/* A whole conversation, or the question has no line. */
static bool finished_text(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    const char *text = dialogs_text(ctx, q, choice, turn, tstamp);
    if (text)
        json_put_string(json, text, strlen(text));
    return text != NULL;
}

/* Law 2: the answer file simply lacks those questions, so why it does is said here, by the kind of failure. */
static void say_what_is_missing(const struct dialogs_now *d)
{
    struct buf b = {0};
    for (int s = CALL_OK + 1; s <= CALL_FAILED; s++)
        if (d->by_status[s])
            buf_printf(&b, "%s%ld %s", b.len ? ", " : "", d->by_status[s], call_status_name((enum call_status)s));
    if (b.len)
        log_note("turns without an answer: %s; their questions have none, the reasons are in the journal%s", b.data,
                 d->by_status[CALL_FAILED] ? ", what failed is asked again by the next start" : "");
    if (d->thoughtful)
        log_note("%ld answers came with thoughts, which are in the journal only", d->thoughtful);
    buf_free(&b);
}

static int write_manifest(const struct api_run *r, struct err *err)
{
    struct buf line = {0};
    manifest_put(&line, &r->manifest);
    int rc = answer_file_manifest(r->journal_file, line.data, err);
    buf_free(&line);
    return rc;
}

static int api_run_finish(struct api_run *r, struct err *err)
{
    const struct answered a = {
        .questions = r->questions, .model_id = r->o->id, .n_choices = (int)r->o->num_choices, .text = finished_text, .ctx = r->dialogs,
    };
    struct dialogs_now d = dialogs_now(r->dialogs);
    double seconds = clock_now() - r->started;
    char hex[65];
    progress_clear(r->progress);
    int written = answer_file_write(r->answer_file, &a, err);
    if (written < 0 || write_manifest(r, err) < 0)
        return err_advise(err, "all answers are safe in %s; make room there and start again", r->journal_file);
    answer_file_digest(&a, hex);
    say_what_is_missing(&d);
    struct call_totals all = call_journal_totals(r->journal); /* of the file; d.paid is of these questions */
    struct buf dollars = {0};
    call_totals_put(&dollars, &d.paid, &all);
    printf("answers   %ld/%ld turns   %ld failed   %" PRId64 " tokens   %.1f tok/s   %.1f s   %s\n", d.done, d.total,
           /* At the end of a whole run the turns behind a failed one have failed as well. */
           d.open ? d.failed : d.total - d.done, d.tokens, seconds > 0 ? (double)d.tokens / seconds : 0, seconds, dollars.data);
    buf_free(&dollars);
    if (written)                         /* scripts take the name for a file that is there */
        printf("wrote     %s\n", r->answer_file);
    printf("digest    %s\n", hex);
    if (d.open)
        log_note("stopped with %ld of %ld turns done; the same command goes on from there", d.done, d.total);
    return 0;
}

/* Share of the turns that have no answer. */
static double api_run_error_rate(const struct api_run *r)
{
    struct dialogs_now d = dialogs_now(r->dialogs);
    return (double)(d.total - d.done) / (double)d.total;
}

/* The transport first: what it still holds points to the endpoint; the dialogs point into the journal. */
static void api_run_close(struct api_run *r)
{
    if (r->pump.transport)
        r->pump.transport->destroy(r->pump.transport->ctx);
    dialogs_destroy(r->dialogs);
    call_journal_close(r->journal);
    endpoint_free(&r->endpoint);
    manifest_free(&r->manifest);
    progress_destroy(r->progress);
    free(r->answer_file);
    free(r->journal_file);
    *r = (struct api_run){0};
}

/* ---- the whole ---- */

/* What an error that ends the work means for whoever started it. */
static enum exit_code code_of(const struct err *err)
{
    return err->kind == ERR_CANCELLED ? EXIT_RESUME : err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
}

/* Ask until all is asked or something ends it; then write what is complete, whatever ended it. */
static int converse(struct api_run *r, struct err *err)
{
    long open = 1;
    watch_begin(WATCH_WORKS, "waiting for replies of model %s", r->o->model);
    while (open > 0 && job_poll(r->job) == JOB_RUNNING)
        open = api_run_tick(r, 0.2, err);
    watch_end();
    /* Calls in flight are paid for: some seconds more and most of them are in the journal. */
    if (open > 0 && pump_drain(&r->pump, DRAIN_SECONDS, err) < 0)
        open = -1;
    struct err more = {0};               /* writing must not overwrite why it ended */
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

int api_answers(struct job *job, const struct api_opts *o, struct err *err)
{
    struct questions qs = {0};
    struct api_run r = {0};
    int code;
    if (bench_questions(o->data_dir, o->bench_name, &o->slicing, &qs, err) < 0)
        return EXIT_INPUT;
    if (api_run_open(&r, job, o, &qs, err) < 0 || api_run_connect(&r, err) < 0)
        code = code_of(err);
    else
        code = converse(&r, err);
    api_run_close(&r);
    questions_free(&qs);
    return code;
}
