/* judge_ranks.c - a local judge on all ranks: rank 0 lists the calls, every rank gets their texts, the dealer says who answers which. */
#include "mtbench/judge_ranks.h"

#include "members.h"
#include "pacing.h"
#include "phase_file.h"

#include "mtbench/clock.h"
#include "mtbench/deal.h"
#include "mtbench/forecast.h"
#include "mtbench/local.h"
#include "mtbench/log.h"
#include "mtbench/map.h"
#include "mtbench/mem.h"
#include "mtbench/plan_judge.h"
#include "mtbench/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ranks {
    struct job *job;
    struct judging *j;                   /* rank 0 */
    const struct rig *rig;               /* its engine counts rows; none on ranks that follow */
    struct engine_stats first;           /* of this rank's engine, before its first step */
    struct transport *local;             /* this rank's judge */
    struct deal *deal;                   /* who answers which call */
    struct call *call;                   /* (n) the same on all ranks; strings point into 'bytes' */
    double *cost, *steps;                /* (n) rank 0: rows and tokens that are likely of each */
    int n;                               /* calls */
    struct map by_key;                   /* key to place in 'call' */
    struct call_work work;               /* rank 0 */
    double started, logged;              /* seconds of clock_now() */
    struct buf bytes;                    /* the list as it was sent: strings of the calls */
    bool left;                           /* this rank answers no more */
    bool rests;                          /* and as long as it has nothing to do */
};

/* ---- the list of calls, as bytes ---- */

static void put_string(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s) + 1);        /* with its NUL, so that strings can point into the bytes */
}

static void list_calls(struct judging *j, struct buf *b)
{
    const struct call *c;
    /* All of them, now: answers are complete, and each call is handed out once. What is not answered in this start is
     * asked by the next. */
    while ((c = grader_next(j->grader))) {
        int32_t head[3] = { c->n_messages, c->max_tokens, c->verdict };
        buf_add(b, &c->content, sizeof c->content);
        buf_add(b, head, sizeof head);
        put_string(b, c->key);
        for (int i = 0; i < c->n_messages; i++) {
            put_string(b, c->message[i].role);
            put_string(b, c->message[i].content);
        }
    }
}

static const char *take_string(const char **at) /* of rank 0's own making: whole and ended */
{
    const char *s = *at;
    *at += strlen(s) + 1;
    return s;
}

static void read_calls(struct ranks *r)
{
    const char *at = r->bytes.data, *end = at + r->bytes.len;
    while (at < end) {
        int32_t head[3];
        struct call c = {0};
        memcpy(&c.content, at, sizeof c.content); /* at any address: copied, not cast */
        memcpy(head, at + sizeof c.content, sizeof head);
        at += sizeof c.content + sizeof head;
        c.n_messages = head[0];
        c.max_tokens = head[1];
        c.verdict = head[2];
        c.key = take_string(&at);
        struct call_message *m = xcalloc((size_t)c.n_messages, sizeof *m);
        for (int i = 0; i < c.n_messages; i++) {
            m[i].role = take_string(&at);
            m[i].content = take_string(&at);
        }
        c.message = m;
        r->call = xrealloc(r->call, (size_t)r->n + 1, sizeof *r->call);
        map_add_text(&r->by_key, c.key, (size_t)r->n);
        r->call[r->n++] = c;
    }
}

static void share_calls(struct ranks *r)
{
    if (r->j)
        list_calls(r->j, &r->bytes);
    job_bcast_buf(r->job, &r->bytes);
    read_calls(r);
}

/* ---- answering ---- */

/* Records come from calls of this very list, so there is one. */
static int find_call(const struct ranks *r, const char *key)
{
    return (int)map_find_text(&r->by_key, key);
}

static void count_record(struct ranks *r, const struct call_record *rec)
{
    r->work.back++;
    r->work.reply_back += (double)rec->tokens_out;
}

static int take_records(struct ranks *r, struct err *err)
{
    const void *data;
    size_t n;
    int from, taken = 0;
    for (; deal_receive(r->deal, &data, &n, &from); taken++) {
        struct call_record *rec = call_record_parse(data, n, err);
        if (!rec)
            return err_wrap(err, "record of rank %d", from);
        int rc = judging_take(r->j, rec, err);
        count_record(r, rec);
        free(rec);
        if (rc < 0)
            return -1;
    }
    return taken ? judging_flush(r->j, err) : 0; /* on disk before they count, one flush for all */
}

static int send_records(struct ranks *r)
{
    const struct call_record *rec;
    struct buf line = {0};
    int n = 0;
    for (; (rec = r->local->collect(r->local->ctx)); n++) {
        buf_clear(&line);
        call_record_put(&line, rec);
        deal_send(r->deal, line.data, line.len); /* the record before the farewell: deal_done() lets the item go */
        deal_done(r->deal, find_call(r, rec->key));
    }
    buf_free(&line);
    return n;
}

static void show_progress(struct ranks *r)
{
    r->j->tokens = deal_tally_sum(r->deal);
    r->work.made = (double)r->j->tokens;
    r->work.seconds = clock_now() - r->started;
    r->j->left = forecast_work(&r->work);
    judging_show(r->j);
    if (r->work.seconds < r->logged + 1)
        return;
    r->logged = r->work.seconds;         /* what forecasts are held to, as in answering.c */
    log_file("calls: %.3f s, %ld of %ld back, %.0f tokens of prompts, %.0f of replies back of at most %.0f each, %.0f made",
             r->work.seconds, r->work.back, r->work.calls, r->work.prompts, r->work.reply_back, r->work.max_reply, r->work.made);
}

/* As in crew.c. */
static void rest(struct ranks *r, bool rests)
{
    if (rests && !r->rests)
        watch_begin(WATCH_WAITS, "waiting for calls to answer");
    else if (!rests && r->rests)
        watch_end();
    r->rests = rests;
}

/* One step of this rank, if it has something to do. -1: err, its engine is at its end. */
static int step(struct ranks *r, int *live, struct err *err)
{
    if (team_beat(r->rig->team, err) < 0)
        return -1;
    deal_want(r->deal, r->local->room(r->local->ctx));
    for (int i; (i = deal_next(r->deal)) != DEAL_NONE; ++*live)
        r->local->submit(r->local->ctx, &r->call[i]);
    rest(r, *live == 0);
    if (*live == 0) {
        deal_idle(r->deal);
        return 0;
    }
    const int rc = r->local->step(r->local->ctx, 0, err) < 0 ? -1 : 0;
    watch_moved();
    /* Prompt rows too, or the count would stand still for minutes; and what was found read, since prompts count whole. */
    const struct engine_stats now = engine_stats(r->rig->engine);
    deal_tally(r->deal, now.rows - r->first.rows + now.reused_tokens - r->first.reused_tokens, now.steps - r->first.steps);
    *live -= send_records(r);            /* also of a step that failed: what had ended before it is judged */
    return rc;
}

static void leave(struct ranks *r)
{
    if (r->left)
        return;
    deal_leave(r->deal);                 /* open calls are dropped: they cost time, no money */
    team_end(r->rig->team);              /* other ranks of the replica leave only then */
    r->left = true;
}

static int work(struct ranks *r, struct err *err)
{
    enum deal_state state;
    struct err late = { 0 };             /* of what goes wrong behind the first error, which is the one to be told */
    int live = 0, taken = 0;             /* rank 0 takes what others have judged also when its own engine is at its end */
    int rc = pace_matters(r->rig) ? pace_tell(r->rig, r->deal, err) : 0;
    if (rc < 0)
        job_fail(r->job, err);
    r->first = engine_stats(r->rig->engine);
    /* As in crew.c: every rank stays until the dealer ends the round for all. */
    while ((state = deal_poll(r->deal)) != DEAL_OVER) {
        if (r->j && taken == 0 && (taken = take_records(r, rc < 0 ? &late : err)) < 0) { /* a full disk on rank 0 stops all ranks */
            rc = -1;
            job_fail(r->job, err);
        }
        if (state == DEAL_STOPPING || rc < 0)
            leave(r);
        if (r->j)
            show_progress(r);
        if (r->left)
            rest(r, true), deal_idle(r->deal);
        else if ((rc = step(r, &live, err)) < 0)
            job_fail(r->job, err);
    }
    rest(r, false);
    if (!r->left)
        team_end(r->rig->team);
    if (r->j && taken == 0 && take_records(r, rc < 0 ? &late : err) < 0)
        rc = -1;
    return rc;
}

static int answer_calls(struct ranks *r, const struct judge_opts *o, const struct rig *rig, int max_batch, struct err *err)
{
    struct local_opts l = {
        .engine = rig->engine, .tokenizer = rig->tokenizer, .chat = rig->chat, .stop_id = rig->stops.id, .n_stop = (int)rig->stops.n,
        .n_vocab = rig->model->config.n_vocab, .max_batch = max_batch, .model = o->judge_model,
        .weights = rig->model_sha256,
    };
    r->rig = rig;
    r->started = clock_now();
    r->local = rig->engine ? local_create(&l) : NULL;
    r->deal = deal_create(r->job, &(struct deal_opts){ .n_items = r->n, .cost = r->cost, .steps = r->steps,
                                                       .want = r->local ? max_batch : 0, .paced = pace_matters(rig) });
    watch_begin(WATCH_WORKS, "judging with %s", o->judge_path);
    int rc = r->local ? work(r, err) : members_follow(r->job, rig, r->deal, err);
    watch_end();
    rc = job_agree(r->job, rc, err);
    deal_destroy(r->deal);
    if (r->local)
        r->local->destroy(r->local->ctx);
    if (rc < 0 && err->kind == ERR_DEVICE)
        err->kind = ERR_CANCELLED;       /* in the middle of the work: what is judged is kept, and the next start goes on */
    return rc;
}

/* The judgments under a name are one judge's. */
static int check_weights(const struct ranks *r, const struct rig *rig, struct err *err)
{
    int rc = r->j ? local_check_weights(r->j->journal, rig->model_sha256, err) : 0;
    if (rc < 0)
        err_wrap(err, "%s", r->j->in->journal);
    return job_agree(r->job, rc, err);
}

/* Weights, then calls, with what both took. Collective. */
static int judge_measured(struct ranks *r, const struct judge_opts *o, struct rig *rig, struct rig_opts *ro, struct err *err)
{
    struct energy *e = energy_open(r->job, rig);
    struct energy_phase loading, judging = { 0 };
    energy_begin(e, &loading);
    int rc = rig_start(rig, ro, err);
    if (rc == 0) {
        energy_end(e, &loading);
        rc = check_weights(r, rig, err);
    }
    if (rc == 0) {
        energy_begin(e, &judging);
        rc = answer_calls(r, o, rig, (int)ro->max_batch, err);
        energy_end(e, &judging);         /* answer_calls() has been agreed on */
    }
    if (r->j && judging.nodes) {
        phase_file_add(r->j->in->output, "load", &loading, 0);
        phase_file_add(r->j->in->output, "judging", &judging, r->j->tokens);
        if (r->j->progress)
            progress_clear(r->j->progress);
        phase_say(&judging, "judging", &loading, 0);
    }
    energy_close(e);
    return rc;
}

/* Collective: the longest sequence that these calls can need, so that a judge with a context of 128k tokens gets memory for what it will
 * read and write, and no more. Rank 0 counts. */
static long longest(struct ranks *r, const struct rig *rig)
{
    const double reply = fmin(PLAN_JUDGMENT_TOKENS, r->work.max_reply);
    long most = 1;
    r->cost = xcalloc((size_t)r->n + 1, sizeof *r->cost);
    r->steps = xcalloc((size_t)r->n + 1, sizeof *r->steps);
    for (int i = 0; r->j && i < r->n; i++) {
        long prompt = 0, tokens = local_tokens(rig->tokenizer, rig->chat, &r->call[i], &prompt);
        most = tokens > most ? tokens : most;
        r->cost[i] = (double)prompt + reply; /* with the longest reply allowed for all would seem alike */
        r->steps[i] = reply;
        r->work.prompts += (double)prompt;
    }
    r->work.calls = r->n;
    job_bcast(r->job, &most, sizeof most);
    return most;
}

static void ranks_free(struct ranks *r)
{
    for (int i = 0; i < r->n; i++)
        free((void *)r->call[i].message);
    free(r->call);
    free(r->steps);
    free(r->cost);
    map_free(&r->by_key);
    buf_free(&r->bytes);
}

/* The judge's templates print one instant on all ranks, in all starts. */
static void keep_instant(struct rig *rig, struct job *job, const struct judging *j)
{
    double at = j ? j->instant : 0;
    job_bcast(job, &at, sizeof at);
    rig_set_instant(rig, at);
}

int judge_on_ranks(struct job *job, const struct judge_opts *o, struct judging *j, double *parameters, struct err *err)
{
    struct rig rig = {0};
    struct ranks r = { .job = job, .j = j };
    struct rig_opts ro = { .model_path = o->judge_path, .flag = "--judge-path", .model_id = o->judge_model, .fastchat = o->fastchat,
                           .data_dir = o->data_dir, .base_path = o->judge_base_path, .threads = o->threads, .scratch = o->scratch,
                           .devices = o->devices, .interruptible = true };
    int rc = rig_open(&rig, job, &ro, err); /* header and tokenizer; the weights come with rig_start() */
    if (rc == 0) {
        *parameters = model_parameters(&rig.model->config);
        keep_instant(&rig, job, j);
        /* Only when the judge's files are known to be good: grader_next() hands each call out once. */
        share_calls(&r);
        r.work.max_reply = (double)o->max_tokens;            /* bounds the guess while no reply has come */
        ro.max_batch = r.n < o->max_batch ? r.n : o->max_batch;
        ro.max_tokens = longest(&r, &rig);
        if (r.n > 0)
            rc = judge_measured(&r, o, &rig, &ro, err);
    }
    ranks_free(&r);
    rig_close(&rig);
    return rc;
}
