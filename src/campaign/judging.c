/* judging.c - a judging under way on rank 0. The grader knows what to ask and what replies mean, the transport brings them. */
#include "mtbench/judging.h"

#include "mtbench/batch.h"
#include "mtbench/chat.h"
#include "mtbench/clock.h"
#include "mtbench/exit_code.h"
#include "mtbench/fallback.h"
#include "mtbench/io.h"
#include "mtbench/lines.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/price_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* In the manifest: what a local judge's template prints as the date, seconds on the wall clock of the start that
 * made the journal. */
#define INSTANT "template_time"

/* Before the journal is opened and locked: that of the start that made it, or now. */
static double first_instant(const char *journal)
{
    struct slice line = {0};
    struct lines_file *f = access(journal, R_OK) == 0 ? lines_open(journal, NULL) : NULL;
    char *text = f && lines_read(f, &line, NULL) == 1 ? xstrndup(line.ptr, line.len) : NULL, /* the manifest is the journal's first line */
         *kept = text ? manifest_value(text, INSTANT) : NULL;
    double at = kept ? strtod(kept, NULL) : chat_wall_clock(clock_unix());
    free(text);
    free(kept);
    lines_close(f);
    return at;
}

/* The pump's side of the grader; NULL: nothing can be asked right now. */
static const struct call *next(void *judging)
{
    return grader_next(((struct judging *)judging)->grader);
}

enum { MOST_TOLD = 3 };

/* Why a call failed, for the first few and each reason once: a server that refuses all calls is not to be learnt of from the journal alone.
 */
static void tell_failure(struct judging *j, const struct call_record *r)
{
    long long question;
    int turn;
    /* Filters and refusals are the judge's verdict on a text: they are counted at the end, not told one by one. */
    if (r->status != CALL_FAILED || j->n_told >= MOST_TOLD || (j->told && !strcmp(j->told, r->reason)))
        return;
    free(j->told);
    j->told = xstrdup(r->reason);
    j->n_told++;
    if (j->progress)
        progress_clear(j->progress);
    if (sscanf(r->key, "q%lld-t%d-", &question, &turn) == 2) /* game_key()'s form */
        log_error("judge %s, question %lld, turn %d: %s", j->o->judge_model, question, turn, r->reason);
}

static int take(void *judging, const struct call_record *r, struct err *err)
{
    struct judging *j = judging;
    forecast_call(&j->pace, r->seconds);
    tell_failure(j, r);
    return judging_take(j, r, err);
}

static int flush(void *judging, struct err *err)
{
    return judging_flush(judging, err);
}

/* What a file holds that no journal knows of was paid for: taken over where it judges what is asked here, else kept in a copy. */
static int take_over_file(struct judging *j, int repeat, const char *path, struct err *err)
{
    struct grader_taken t;
    char *copy = NULL;
    /* The copy is made before anything is asked, so that no later fault can lose the old verdicts. */
    if (grader_take_over(j->grader, repeat, path, &t, err) < 0 || (t.left && !j->o->export_file && io_keep_copy(path, &copy, err) < 0))
        return -1;
    if (t.taken)
        log_note("%ld judgments of %s are taken over: they judge what would be asked, word for word", t.taken, path);
    if (t.reread)                        /* FastChat takes a number out of thoughts, say */
        log_note("%ld of them say another verdict in their text than in their line; the text counts", t.reread);
    if (copy)
        log_note("%ld judgments of %s are of other answers or prompts, or double; what is there stays as %s", t.left, path, copy);
    free(copy);
    return 0;
}

static int take_over(struct judging *j, struct err *err) /* each repeat has a file of its own */
{
    int rc = 0;
    for (int r = 1; r <= j->o->repeat && rc == 0; r++) {
        char *path = judge_inputs_output(j->in, r);
        rc = take_over_file(j, r, path, err);
        free(path);
    }
    return rc;
}

/* An export sends nothing and has no record to keep, so that it may read where it must not write; a journal that can be locked is, for the
 * calls of a run that is at it are not to be sent a second time. */
static int open_journal(struct judging *j, struct err *err)
{
    const char *path = j->in->journal;
    if (io_make_parents(path, err) == 0 && (j->journal = call_journal_open(path, &j->manifest, err)))
        return 0;
    if (err->kind != ERR_IO)
        return -1;
    if (!j->o->export_file)
        return err_advise(err, "choose a place that can be written by --output or --data-dir");
    log_note("%s: cannot be written, and is only read; calls that another run makes at this moment are not known here", path);
    return (j->journal = call_journal_peek(path, err)) ? 0 : -1;
}

int judging_open(struct judging *j, struct job *job, const struct judge_opts *o, struct judge_inputs *in, struct err *err)
{
    *j = (struct judging){ .job = job, .o = o, .in = in, .started = clock_now(), .pump.asker = { j, next, take, flush } };
    /* Before the lock: reading the journal by another descriptor would drop it. */
    j->instant = first_instant(in->journal);
    judge_inputs_describe(in, o, &j->manifest);
    manifest_add(&j->manifest, false, INSTANT, "%.0f", j->instant);
    if (open_journal(j, err) < 0)
        return -1;
    struct grader_opts g = {
        .judge = o->judge_model, .matches = &in->matches, .answers = &in->answers, .reference = in->reference, .journal = j->journal,
        .repeat = (int)o->repeat, .max_tokens = (int)o->max_tokens, .constrained = o->constrained, .shuffle = o->parallel > 1,
        .ask_filtered = o->fallback != NULL,
    };
    return (j->grader = grader_create(&g, err)) ? take_over(j, err) : -1;
}

int judging_prices(const struct judge_opts *o, double *in, double *out, struct err *err)
{
    const struct price_flags f = {o->data_dir, o->judge_model,    o->price_in,       o->price_out,
                                  o->max_cost, o->given_price_in, o->given_price_out};
    struct price p;
    int rc = price_by_flags(&f, &p, err);
    *in = p.in;                          /* dollars per million tokens; -1: not known */
    *out = p.out;
    return rc;
}

/* Is there anything to ask? In a run whose answers are still to come calls_left counts them; a canary has no grader, and asks. */
static bool is_asking(const struct judging *j)
{
    return !j->grader || grader_now(j->grader).calls_left;
}

int judging_endpoint(struct judging *j, struct err *err)
{
    /* A key is needed by whoever sends: compute nodes export without one, and so does a file come anew from its journal. */
    struct endpoint_opts e = { .provider = j->o->provider, .base_url = j->o->base_url, .model = j->o->judge_model,
                               .offline = j->o->export_file || j->o->import_files.n || !is_asking(j) };
    return endpoint_resolve(&j->endpoint, &e, err);
}

int judging_check_import(struct judging *j, struct err *err)
{
    long n[BATCH_WANTED + 1] = {0}, all = 0;
    const char *id;
    for (; (id = batch_import_id(j->pump.transport, all)); all++)
        n[grader_batch_reply(j->grader, id)]++;
    /* A wrong --judge-model or --mode would turn every call into "the batch files have no result of it". */
    if (!n[BATCH_WANTED] && !n[BATCH_MERGED])
        return err_set(err, ERR_USAGE,
                       "--import: none of %ld replies is of a call that judge %s makes here%s; check --judge-model, --mode, --model-list "
                       "and the answers",
                       all, j->o->judge_model, n[BATCH_OLD_PROMPT] ? ", with these answers and prompts" : "");
    if (n[BATCH_MERGED])                 /* importing twice is harmless, and no error */
        log_note("--import: %ld replies were merged before", n[BATCH_MERGED]);
    if (n[BATCH_STRANGE] + n[BATCH_OLD_PROMPT])
        log_note("--import: %ld replies belong to calls that this run does not make (%ld of them to other answers or prompts than those "
                 "that are here): keep the files",
                 n[BATCH_STRANGE] + n[BATCH_OLD_PROMPT], n[BATCH_OLD_PROMPT]);
    return 0;
}

static bool is_stopped(void *job)        /* a signal must not wait for a smoke call's time-out */
{
    return job_poll(job) != JOB_RUNNING;
}

/* A caller that has made sure its judge is there. NULL: err. */
static struct transport *connect_to(struct judging *j, const struct endpoint *e, double price_in, double price_out, bool smoke,
                                    struct err *err)
{
    const struct judge_opts *o = j->o;
    struct caller_opts c = {
        .endpoint = e,
        .parallel = (int)o->parallel,
        .ahead = (int)o->parallel,       /* a wave in hand, so that no line waits for disk or answers */
        .timeout = o->timeout,
        .price_in = price_in,
        .price_out = price_out,
        .purse = &j->purse,
        .with_system = true,             /* all of FastChat's judge prompts have a system text */
        .stopped = is_stopped,
        .stopped_ctx = j->job,
    };
    struct transport *t = caller_create(&c, err);
    if (t && smoke && caller_smoke(t, err) < 0) {
        t->destroy(t->ctx);              /* whoever failed to connect has nothing to drain */
        return NULL;
    }
    return t;
}

/* The other judge, in front of which the first one stands. */
static int add_fallback(struct judging *j, bool smoke, struct err *err)
{
    static const struct endpoint_words words = {
        "fallback judge", "--fallback-provider", "--fallback-base-url", "--fallback-judge", "MTBENCH_FALLBACK_KEY_FILE", true,
    };
    const struct judge_opts *o = j->o;
    struct endpoint_opts e = { .provider = o->fallback_provider, .base_url = o->fallback_base_url, .model = o->fallback, .words = &words,
                               .offline = !smoke };
    struct price p;
    if (price_by_flags(&(struct price_flags){ .data_dir = o->data_dir, .model = o->fallback }, &p, err) < 0 ||
        endpoint_resolve(&j->fallback_endpoint, &e, err) < 0)
        return -1;
    struct transport *second = connect_to(j, &j->fallback_endpoint, p.in, p.out, smoke, err);
    if (!second)
        return -1;
    /* The fallback owns both from here on: judging_close() destroys one transport. */
    j->pump.transport = fallback_create(&(struct fallback_opts){ j->pump.transport, second, o->fallback });
    return 0;
}

int judging_connect(struct judging *j, struct err *err)
{
    double in, out;
    const bool smoke = is_asking(j) && !j->o->heard;
    /* Of earlier starts too: --max-cost is for the judging, however often it is started. */
    j->purse = (struct purse){ .max = j->o->max_cost, .spent = j->o->spent_before + (j->grader ? grader_now(j->grader).paid.cost : 0) };
    if (judging_prices(j->o, &in, &out, err) < 0 || judging_endpoint(j, err) < 0)
        return -1;
    if (!(j->pump.transport = connect_to(j, &j->endpoint, in, out, smoke, err)))
        return -1;
    return j->o->fallback ? add_fallback(j, smoke, err) : 0;
}

int judging_confirm(struct err *err)
{
    int c;
    printf("Press Enter to confirm..."); /* FastChat's words; without --confirm nobody waits, as batch jobs need it */
    fflush(stdout);                      /* the line has no newline */
    while ((c = getchar()) != '\n' && c != EOF)
        ;
    return c == EOF
               ? err_set(err, ERR_USAGE, "--confirm: stdin ended before Enter was pressed; leave --confirm out where nobody can press it")
               : 0;
}

struct progress_now judging_now(const struct judging *j)
{
    struct grader_now g = grader_now(j->grader);
    return (struct progress_now){
        .what = "judgments", .unit = "judged", .tokens = j->tokens, .done = g.done, .total = g.total, .failed = g.failed,
        /* A hosted judge's; a local one's is set by judge_ranks.c. */
        .left = j->pump.transport ? forecast_calls(&j->pace, g.calls_left + j->pump.in_flight, (int)j->o->parallel) : j->left,
        .dollars = g.paid.cost,
    };
}

void judging_show(const struct judging *j)
{
    if (!j->progress)
        return;
    struct progress_now now = judging_now(j);
    progress_update(j->progress, &now);
}

static void say_lines(struct judging *j)
{
    const char *line;
    while ((line = grader_line(j->grader))) /* taken off its queue even when nobody wants to see them */
        if (j->o->verbose) {
            if (j->progress)
                progress_clear(j->progress);
            printf("%s\n", line);
        }
}

int judging_take(struct judging *j, const struct call_record *r, struct err *err)
{
    return grader_take(j->grader, r, err);
}

int judging_flush(struct judging *j, struct err *err)
{
    if (grader_flush(j->grader, err) < 0)
        return -1;
    say_lines(j);
    return 0;
}

/* Also on an error the lines of what came before it are said: their verdicts are in the journal. */
long judging_tick(struct judging *j, double wait, struct err *err)
{
    int in_flight = pump_tick(&j->pump, wait, err);
    say_lines(j);
    if (in_flight < 0)
        return -1;
    judging_show(j);
    return in_flight + grader_now(j->grader).calls_left; /* 0: nothing more will ever come */
}

int judging_drain(struct judging *j, double seconds, struct err *err)
{
    return pump_drain(&j->pump, seconds, err);
}

void judging_close_answers(struct judging *j)
{
    grader_close(j->grader);
}

static void say_failures(const struct grader_now *g)
{
    struct buf b = {0};
    for (int s = JUDGMENT_OK + 1; s <= JUDGMENT_NO_ANSWER; s++)
        if (g->by_status[s])
            buf_printf(&b, "%s%ld %s", b.len ? ", " : "", g->by_status[s], judgment_status_name((enum judgment_status)s));
    if (b.len)
        log_note("judgments that do not count: %s; the reasons are in the journal", b.data);
    if (g->no_reference)
        log_note(
            "%ld of them have a reference answer that is an error text (ERROR, $ERROR$ or null): choose a complete file with --reference",
            g->no_reference);
    if (g->empty)                        /* law 5: 16 of FastChat's own judgments are of such, and look like any other */
        log_note("%ld of the judged answers are empty: they are judged as what the model said", g->empty);
    buf_free(&b);
}

int judging_finish(struct judging *j, struct err *err)
{
    if (j->progress)
        progress_clear(j->progress);
    for (int r = 1; r <= j->o->repeat; r++) {
        char *path = judge_inputs_output(j->in, r);
        int rc = grader_write(j->grader, r, path, err);
        free(path);
        if (rc < 0)
            return -1;
    }
    struct grader_now g = grader_now(j->grader);
    say_failures(&g);
    struct call_totals all = call_journal_totals(j->journal); /* of the file; g.paid is of these judgments */
    struct buf dollars = {0};
    call_totals_put(&dollars, &g.paid, &all);
    /* Grep-stable: scripts read these lines, so their words and order are part of the interface. */
    printf("judgments %ld/%ld   %ld failed   %" PRId64 " tokens   %s\n", g.done - g.failed, g.total, g.failed,
           g.paid.tokens_in + g.paid.tokens_out, dollars.data);
    buf_free(&dollars);
    for (int r = 1; r <= j->o->repeat; r++) {
        char *path = judge_inputs_output(j->in, r);
        printf("wrote     %s\n", path);
        free(path);
    }
    return 0;
}

/* Unreachable (77) and try again later (75) are told apart, so that batch scripts can act on them. */
int judge_exit_code(const struct err *err)
{
    return err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : err->kind == ERR_CANCELLED ? EXIT_RESUME : EXIT_INPUT;
}

double judging_error_rate(const struct judging *j)
{
    struct grader_now g = grader_now(j->grader);
    return g.total ? (double)g.failed / (double)g.total : 0;
}

void judging_close(struct judging *j)
{
    if (j->pump.transport)
        j->pump.transport->destroy(j->pump.transport->ctx);
    grader_destroy(j->grader);
    call_journal_close(j->journal);      /* behind the grader, which points into it */
    endpoint_free(&j->endpoint);
    endpoint_free(&j->fallback_endpoint);
    manifest_free(&j->manifest);
    progress_destroy(j->progress);
    free(j->told);
    *j = (struct judging){0};
}
