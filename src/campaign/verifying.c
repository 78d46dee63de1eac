/* verifying.c - turns of a run computed anew and compared.
 * A turn is asked alone, behind the stored answers to the turns before it: whether its bytes come out says nothing about theirs. */
#include "mtbench/verifying.h"

#include "mtbench/answer_file.h"
#include "mtbench/candidate.h"
#include "mtbench/clock.h"
#include "mtbench/crew.h"
#include "mtbench/difference.h"
#include "mtbench/exit_code.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/turn_sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct outcome {
    enum { WAITING, EQUAL, DIFFERS, FAILED } is;
    struct buf why;
};

struct verifying {
    struct job *job;
    const struct verify_opts *o;
    const struct past_run *past;
    struct questions qs;
    struct rig rig;
    struct crew_item *item;              /* (n_items) a turn each, alike on all ranks */
    int n_items;
    double started;                      /* seconds of clock_now(), when the weights were there */
    /* rank 0 */
    struct turn_name *turn;              /* (n_turns) finished ones; the first n_items are the sample */
    size_t n_turns;
    long failed_there, missing;          /* turns of these questions that failed in the run, that it has not */
    long others;                         /* finished ones of other questions */
    struct outcome *outcome;             /* (n_items) */
    long count[FAILED + 1];              /* of them, by what they are */
    uint64_t tokens;
    struct progress *progress;
    struct buf altered;                  /* lines about turns that stand otherwise in the answer file */
    long n_altered;
};

static bool root(const struct verifying *v)
{
    return job_info(v->job).rank == 0;
}

/* ---- which turns ---- */

static const struct turn_record *stored(const struct verifying *v, const struct turn_name *t)
{
    return journal_find(past_run_journal(v->past), v->qs.q[t->q].id, t->choice, t->turn);
}

/* Turns that are finished from the first on: a later one was answered with the earlier ones in its prompt. */
static int list_conversation(struct verifying *v, int q, int choice, struct err *err)
{
    const struct question *question = &v->qs.q[q];
    for (int t = 1; t <= question->n_turns; t++) {
        const struct turn_name name = { q, choice, t };
        const struct turn_record *r = stored(v, &name);
        if (!r)
            break;
        if (strcmp(r->question_sha256, question->sha256))
            return err_set(err, ERR_USAGE,
                           "question %" PRId64 ": read otherwise when it was answered; verify with the question file of then",
                           question->id);
        v->turn = xrealloc(v->turn, v->n_turns + 1, sizeof *v->turn);
        v->turn[v->n_turns++] = name;
    }
    return 0;
}

struct failures {
    struct verifying *v;
    struct map seen;                     /* a turn may have failed at several starts */
};

static int see_absent(void *ctx, const struct turn_record *t, bool counts)
{
    struct failures *f = ctx;
    const int64_t name[3] = { t->question_id, t->choice, t->turn };
    const bool ours = questions_find(&f->v->qs, t->question_id) >= 0;
    f->v->others += counts && !ours;
    if (!counts && ours &&
        !journal_find(past_run_journal(f->v->past), t->question_id, t->choice, t->turn))
        map_add(&f->seen, name, sizeof name, 1);
    return 0;
}

/* Failed turns have no answer to compare, and those that were never asked neither: they are counted, and named as that. So are turns of
 * questions that the file does not have, or that the user has not chosen. */
static void count_absent(struct verifying *v)
{
    struct failures f = { .v = v };
    long all = 0;
    for (int i = 0; i < v->qs.n; i++)
        all += v->qs.q[i].n_turns * v->o->answer.num_choices;
    journal_each(past_run_journal(v->past), see_absent, &f);
    v->failed_there = (long)f.seen.n;
    v->missing = all - (long)v->n_turns - v->failed_there;
    map_free(&f.seen);
}

static int choose(struct verifying *v, struct err *err)
{
    const struct verify_opts *o = v->o;
    for (int q = 0; q < v->qs.n; q++)
        for (int c = 0; c < o->answer.num_choices; c++)
            if (list_conversation(v, q, c, err) < 0)
                return -1;
    if (v->n_turns == 0)
        return err_set(err, ERR_USAGE, "that run has no finished turn of these questions; choose others by --question-ids, or none");
    count_absent(v);
    size_t n = turn_sample(&v->qs, v->turn, v->n_turns, o->all ? v->n_turns : (size_t)o->sample, (uint64_t)o->sample_seed);
    for (size_t i = 0; i < n; i++) {
        const struct turn_name *t = &v->turn[i];
        const char **text = xcalloc((size_t)t->turn, sizeof *text);
        for (int k = 1; k < t->turn; k++)
            text[k - 1] = stored(v, &(struct turn_name){ t->q, t->choice, k })->text;
        crew_add(&v->item, &v->n_items, t->q, t->choice, t->turn - 1, text);
        free(text);
    }
    v->outcome = xcalloc(n, sizeof *v->outcome);
    return 0;
}

/* ---- the answer file ---- */

static void say_turn(const struct verifying *v, struct buf *b, const char *word, int64_t question_id, int choice, int turn)
{
    buf_printf(b, "%-9s question %" PRId64 ", ", word, question_id);
    if (v->o->answer.num_choices > 1)
        buf_printf(b, "choice %d, ", choice);
    buf_printf(b, "turn %d: ", turn);
}

static bool finished_text(void *ctx, const struct question *q, int choice, int turn, struct buf *json, double *tstamp)
{
    const struct verifying *v = ctx;
    return journal_text(past_run_journal(v->past), q->id, choice, turn, json, tstamp);
}

static void see_altered(void *ctx, const struct question *q, int choice, int turn, const char *text)
{
    struct verifying *v = ctx;
    const struct turn_record *t = journal_find(past_run_journal(v->past), q->id, choice, turn);
    struct ids ids = {0};
    v->n_altered++;
    say_turn(v, &v->altered, "altered", q->id, choice, turn);
    if (!text || tokenizer_encode(v->rig.tokenizer, t->text, strlen(t->text), 0, &ids, NULL) < 0) {
        buf_str(&v->altered, text ? "the file has another answer than the journal\n" : "the file has no such answer, the journal has\n");
        return;
    }
    struct difference d;
    difference_find(v->rig.tokenizer, v->rig.chat, text, ids.id, (int)ids.n, &d);
    difference_put(&v->altered, v->rig.tokenizer, &d, "in the journal", "in the answer file");
    buf_char(&v->altered, '\n');
    ids_free(&ids);
}

/* The journal is what the run did; the file is what people and judges read. */
static int check_file(struct verifying *v, struct err *err)
{
    const struct answered run = {
        .questions = &v->qs, .model_id = v->o->answer.name, .n_choices = (int)v->o->answer.num_choices,
        .text = finished_text, .ctx = v,
    };
    return answer_file_check(past_run_answer_file(v->past), &run, see_altered, v, err);
}

/* ---- every rank: computing ---- */

/* The record, and behind its line the tokens: rank 0 has what they are compared with. */
static void put_turn(void *ctx, int item, const struct turn_record *t, const struct feed *feed, struct buf *out)
{
    int n;
    const int32_t *token = feed_tokens(feed, &n);
    (void)ctx, (void)item;
    turn_put(out, t);
    buf_char(out, '\0');
    buf_add(out, token, (size_t)n * sizeof *token);
}

/* ---- rank 0: comparing ---- */

static bool same_sampler(const struct turn_record *a, const struct turn_record *b)
{
    /* as the sampler computes: in float */
    return (float)a->temperature == (float)b->temperature && a->top_k == b->top_k && (float)a->top_p == (float)b->top_p &&
           (float)a->min_p == (float)b->min_p && (float)a->repetition_penalty == (float)b->repetition_penalty;
}

/* What differs, in words; nothing: all is equal. The text comes last: where the prompt is another one, other words are no wonder. */
static void compare(const struct verifying *v, const struct turn_record *was, const struct turn_record *is, const int32_t *token,
                    struct buf *why)
{
    struct difference d;
    if (strcmp(was->prompt_sha256, is->prompt_sha256)) {
        buf_str(why, "its prompt is another one than the run's: a question, the template or an answer before it was changed since");
    } else if (!same_sampler(was, is)) {
        buf_printf(why, "its record has another sampler than the run: temperature %g, top_k %d, top_p %g, min_p %g, repetition_penalty %g",
                   was->temperature, was->top_k, was->top_p, was->min_p, was->repetition_penalty);
    } else if (strcmp(was->text, is->text)) {
        difference_find(v->rig.tokenizer, v->rig.chat, was->text, token, is->n_new, &d);
        difference_put(why, v->rig.tokenizer, &d, "here", "in the run");
    } else if (was->n_new != is->n_new || strcmp(was->finish ? was->finish : "", is->finish)) {
        /* What cleaning cuts off is not in the text, and was computed all the same. */
        buf_printf(why, "the text is the same, but %d tokens ending in \"%s\" are %d ending in \"%s\" here", was->n_new,
                   was->finish ? was->finish : "", is->n_new, is->finish);
    }
}

static void settle(struct verifying *v, int i, const struct turn_record *is, const int32_t *token)
{
    struct outcome *out = &v->outcome[i];
    v->tokens += (uint64_t)is->n_new;
    if (is->status != TURN_OK)
        buf_printf(&out->why, "fails here: %s", is->reason);
    else
        compare(v, stored(v, &v->turn[i]), is, token, &out->why);
    out->is = is->status != TURN_OK ? FAILED : out->why.len ? DIFFERS : EQUAL;
    v->count[out->is]++;
}

static int take_turn(struct verifying *v, struct crew *c, const char *data, size_t n, struct err *err)
{
    size_t line = strnlen(data, n);
    struct turn_record *t = turn_parse(data, line, err);
    if (!t)
        return -1;
    if (t->n_new < 0 || n - line != 1 + (size_t)t->n_new * sizeof(int32_t)) {
        free(t);
        return err_set(err, ERR_FORMAT, "not as many tokens as it says; this is a fault of the program");
    }
    int32_t *token = xcalloc((size_t)t->n_new, sizeof *token); /* aligned, as bytes behind a line are not */
    memcpy(token, data + line + 1, (size_t)t->n_new * sizeof *token);
    settle(v, crew_find(c, t), t, token);
    free(token);
    free(t);
    return 0;
}

static int go_round(void *ctx, struct crew *c, struct err *err)
{
    struct verifying *v = ctx;
    const void *data;
    size_t n;
    int from;
    while (deal_receive(crew_deal(c), &data, &n, &from))
        if (take_turn(v, c, data, n, err) < 0)
            return err_wrap(err, "record of rank %d", from);
    struct progress_now now = {
        .what = "verified", .unit = "turns", .done = v->count[EQUAL] + v->count[DIFFERS] + v->count[FAILED], .total = v->n_items,
        .failed = v->count[DIFFERS] + v->count[FAILED], .tokens = deal_tally_sum(crew_deal(c)),
    };
    progress_update(v->progress, &now);
    return 0;
}

static int compute(struct verifying *v, struct err *err)
{
    const struct answer_opts *a = &v->o->answer;
    double *cost = xcalloc((size_t)v->n_items, sizeof *cost);
    if (root(v))
        for (int i = 0; i < v->n_items; i++) /* known, for once */
            cost[i] = stored(v, &v->turn[i])->n_new;
    int rc = crew_work(&(struct crew_opts){
        .job = v->job, .rig = &v->rig, .bench_name = a->bench_name, .question = v->qs.q, .item = v->item, .n_items = v->n_items,
        .one_turn = true, .cost = cost, .sampling = sampler_common(&a->sampler, &v->rig.model->config),
        .max_new_token = a->max_new_token, .max_batch = a->max_batch, .seed = (uint64_t)a->seed,
        .ctx = v, .put = put_turn, .round = go_round,
    }, err);
    free(cost);
    return rc;
}

/* ---- the whole ---- */

/* Collective. All that can refuse comes before the weights are read. */
static int open_all(struct verifying *v, struct rig_opts *ro, struct err *err)
{
    struct manifest now = {0};
    int rc = answer_open(v->job, &v->o->answer, &v->qs, &v->rig, ro, err);
    if (rc == 0) {
        answer_describe(&now, &v->o->answer, &v->qs, &v->rig);
        if (root(v) && (rc = past_run_check(v->past, &now, err)) == 0 && (rc = choose(v, err)) == 0)
            rc = check_file(v, err);
        rc = job_agree(v->job, rc, err);
    }
    manifest_free(&now);
    return rc;
}

static int start(struct verifying *v, struct rig_opts *ro, struct err *err)
{
    struct manifest now = {0};
    ro->max_batch = v->n_items < ro->max_batch ? v->n_items : ro->max_batch;
    if (rig_start(&v->rig, ro, err) < 0)
        return -1;
    answer_keep_instant(v->job, &v->rig, past_run_manifest(v->past), &now);
    manifest_add(&now, true, "model_sha256", "%s", v->rig.model_sha256); /* known only when the weights have been read */
    int rc = job_agree(v->job, root(v) ? past_run_check(v->past, &now, err) : 0, err);
    manifest_free(&now);
    v->started = clock_now();
    return rc;
}

static void say_sample(const struct verifying *v)
{
    const bool all = (size_t)v->n_items == v->n_turns;
    printf(all ? "sample    all %d finished turns" : "sample    %d of %zu finished turns", v->n_items, v->n_turns);
    for (int i = 0; i < v->n_items && !all; i++) {
        const struct turn_name *t = &v->turn[i];
        printf("%s %" PRId64, i ? "" : ":", v->qs.q[t->q].id);
        if (v->o->answer.num_choices > 1)
            printf("/%d", t->choice);
        printf(".%d", t->turn);
    }
    printf("\n");
    if (v->failed_there)
        printf("left out  %ld turn%s that failed in that run: no answer is there to compare\n", v->failed_there,
               v->failed_there == 1 ? "" : "s");
    if (v->missing)
        printf("left out  %ld turn%s of these questions that the run has not answered\n", v->missing, v->missing == 1 ? "" : "s");
    if (v->others)
        printf("left out  %ld finished turn%s of other questions\n", v->others, v->others == 1 ? "" : "s");
}

/* Rank 0. Returns the exit code. */
static int report(struct verifying *v, bool stopped)
{
    static const char *const word[] = { [DIFFERS] = "differs", [FAILED] = "failed" };
    double seconds = clock_now() - v->started;
    for (int i = 0; i < v->n_items; i++) {
        const struct turn_name *t = &v->turn[i];
        struct buf line = {0};
        if (v->outcome[i].is < DIFFERS)
            continue;
        say_turn(v, &line, word[v->outcome[i].is], v->qs.q[t->q].id, t->choice, t->turn);
        printf("%s%s\n", line.data, v->outcome[i].why.data);
        buf_free(&line);
    }
    if (v->n_altered)
        printf("%s", v->altered.data);
    say_sample(v);
    printf("verified  %ld/%d turns equal   %ld differ   %ld failed   %ld altered   %" PRIu64 " tokens   %.1f tok/s   %.1f s\n",
           v->count[EQUAL], v->n_items, v->count[DIFFERS], v->count[FAILED], v->n_altered, v->tokens,
           seconds > 0 ? (double)v->tokens / seconds : 0.0, seconds);
    if (v->count[DIFFERS] + v->count[FAILED] + v->n_altered)
        return EXIT_FAILURES;
    if (stopped)
        log_note("interrupted; the same command begins anew");
    return stopped ? EXIT_RESUME : EXIT_COMPLETE;
}

static void verifying_free(struct verifying *v)
{
    for (int i = 0; v->outcome && i < v->n_items; i++)
        buf_free(&v->outcome[i].why);
    free(v->outcome);
    free(v->turn);
    crew_items_free(v->item, v->n_items);
    buf_free(&v->altered);
    progress_destroy(v->progress);
    rig_close(&v->rig);
    questions_free(&v->qs);
}

int verify_all(struct job *job, const struct verify_opts *o, const struct past_run *past, struct err *err)
{
    struct verifying v = { .job = job, .o = o, .past = past, .started = clock_now() };
    struct rig_opts ro;
    int code = EXIT_INPUT;
    int rc = open_all(&v, &ro, err);
    v.progress = progress_create(o->answer.progress, root(&v) && !o->answer.quiet);
    bool begun = false;
    if (rc == 0) {
        crew_share(job, &v.item, &v.n_items);
        if ((rc = start(&v, &ro, err)) == 0) {
            begun = true;
            rc = compute(&v, err);
        }
    }
    progress_clear(v.progress);
    /* a device that fails in the middle is a stop, as it is for the run itself; what was compared is told */
    bool cancelled = rc < 0 && (err->kind == ERR_CANCELLED || (begun && err->kind == ERR_DEVICE));
    bool stopped = cancelled || job_poll(job) == JOB_STOPPED;
    if (rc < 0 && !cancelled) {
        code = err->kind == ERR_DEVICE ? EXIT_PREFLIGHT : EXIT_INPUT;
    } else {
        if (root(&v))
            code = report(&v, stopped);
        job_bcast(job, &code, sizeof code);  /* one answer: a signal may have reached some ranks only */
    }
    verifying_free(&v);
    return code;
}
