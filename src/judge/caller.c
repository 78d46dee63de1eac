/* caller.c - many calls at once to one endpoint. A call waits, flies, and ends as a receipt; replies say which way it goes. */
#include "mtbench/caller.h"

#include "pace.h"
#include "receipt.h"

#include "mtbench/clock.h"
#include "mtbench/http.h"
#include "mtbench/log.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct job {
    struct job *next;                    /* in the list of those that wait */
    struct call call;                    /* our own copy */
    struct asked asked;                  /* of the last try */
    char *sent;                          /* parameters of the last try, as JSON */
    int max_tokens, max_tries;           /* of the next try: max_tokens may have been doubled */
    int64_t prompt_tokens;               /* our own count */
    struct bill worst;                   /* what the try that flies may come to */
    struct tally tally;                  /* what all its tries came to */
    int faults;                          /* tries that ended in an error that may pass */
    int fruitless;                       /* rate limits in a row while nobody was answered */
    int64_t answered_before;             /* calls answered when it was limited last */
    double started, tried, due;          /* first try, last try, when it may start: seconds of clock_now() */
    struct reply cut;                    /* what the first limit left, in case that the second try brings less */
    char *cut_sent;                      /* the first try's parameters */
};

/* A call is in one of three places: 'waiting' (a list in the order of asking), flying (the tag of a transfer),
 * 'done' (a receipt). */
struct caller {
    struct transport transport;          /* what caller_create() hands out; its ctx is this */
    struct caller_opts o;                /* defaults filled in */
    struct http *http;                   /* owned */
    struct pace pace;                    /* how many at once, and when again */
    struct budget budget;                /* prices, and the caller's purse */
    struct counter counter;              /* tokens where the server does not tell */
    struct dialect dialect;              /* what the server has taught so far */
    struct job *waiting, **last_waiting; /* the list and the address of its last link */
    struct receipt *done, **last_done, *lent; /* 'lent': what collect() handed out, freed by the next one */
    int n_waiting, n_flying;             /* lengths: of the list; of what is in http */
    int64_t n_done, n_retries, answered, answered_at_refusal; /* answered: whole replies of any status, over all calls */
    int64_t tokens_in, tokens_out;       /* of all that ended, for the line of progress */
    bool stopping, budget_bound;         /* the end is near; nothing starts until a flying call tells what it cost */
    struct err why;                      /* of 'stopping'; told by step() when nothing flies any more */
};

/* ---- jobs ---- */

static struct job *job_make(const struct caller *c, const struct call *call)
{
    struct job *j = xcalloc(1, sizeof *j);
    j->call = call_copy(call);
    j->max_tokens = call->max_tokens;
    j->max_tries = c->o.max_tries;
    j->asked.cut_is_fine = call->cut_is_fine;
    /* A refusal of the system role can be meant only then. */
    j->asked.has_system = call->n_messages > 0 && !strcmp(call->message[0].role, "system");
    j->prompt_tokens = count_prompt(&c->counter, j->call.message, call->n_messages); /* for budget, and for servers that do not bill */
    return j;
}

static void job_free(struct job *j)
{
    call_copy_free(&j->call);
    reply_free(&j->cut);
    free(j->cut_sent);
    free(j->sent);
    free(j);
}

static void wait_until(struct caller *c, struct job *j, double due)
{
    j->due = due;
    j->next = NULL;
    *c->last_waiting = j;
    c->last_waiting = &j->next;
    c->n_waiting++;
}

/* The first waiting call that is due; NULL: none. */
static struct job *take_due(struct caller *c, double now)
{
    /* One that backs off does not hold up those behind it. */
    for (struct job **p = &c->waiting; *p; p = &(*p)->next) {
        struct job *j = *p;
        if (j->due > now)
            continue;
        *p = j->next;
        if (!j->next)                    /* it was the last: the end moves back */
            c->last_waiting = p;
        c->n_waiting--;
        return j;
    }
    return NULL;
}

/* To the front: it has waited its turn already, or is in the middle of its tries. */
static void give_back(struct caller *c, struct job *j)
{
    if (!c->waiting)
        c->last_waiting = &j->next;
    j->next = c->waiting;
    c->waiting = j;
    c->n_waiting++;
}

/* A call ended; takes job and reply. */
static void finish(struct caller *c, struct job *j, struct reply *r)
{
    j->tally.seconds = clock_now() - j->started; /* from the first try on, waits between tries included */
    struct receipt *t = receipt_make(j->call.key, j->call.content, r, &j->tally, j->sent, &c->budget, c->o.endpoint->key);
    *c->last_done = t;
    c->last_done = &t->next;
    c->n_done++;
    c->tokens_in += j->tally.tokens_in;
    c->tokens_out += j->tally.tokens_out;
    job_free(j);
}

/* What the first limit left, with what was sent for it. false: there was no second try. */
static bool take_back_cut(struct job *j, struct reply *r)
{
    if (!j->cut_sent)
        return false;
    *r = j->cut;
    j->cut = (struct reply){0};          /* its strings moved */
    free(j->sent);
    j->sent = j->cut_sent;
    j->cut_sent = NULL;
    return true;
}

/* A call that will not be asked any more in this run. What came of it is paid for and goes on record: a text that the first limit cut as it
 * is, since nobody will ask with a larger one. */
static void abandon(struct caller *c, struct job *j)
{
    struct reply cut;
    if (take_back_cut(j, &cut)) {
        finish(c, j, &cut);
    } else if (j->tally.tokens_in + j->tally.tokens_out > 0) {
        struct reply r = { .status = CALL_FAILED, .reason = xstrdup("the run was stopped before the next try") };
        finish(c, j, &r);
    } else {
        job_free(j);
    }
}

static void stop(struct caller *c, enum err_kind kind, const char *reason)
{
    if (c->stopping)
        return;
    const char *url = c->o.endpoint->url;
    char *said = xstrdup(reason);        /* servers quote the key that they refuse: blotted before it is kept */
    blot(said, c->o.endpoint->key);
    c->stopping = true;
    err_set(&c->why, kind, "%s %s at %.*s: %s", c->o.endpoint->words->who, c->o.endpoint->model, (int)strcspn(url, "?"), url, said);
    free(said);
    /* Calls that fly are paid for and still end; those that wait never will. */
    for (struct job *j = c->waiting, *next; j; j = next) {
        next = j->next;
        abandon(c, j);
    }
    c->waiting = NULL;
    c->last_waiting = &c->waiting;
    c->n_waiting = 0;
}

/* ---- starting ---- */

/* A try at worst. Our own count may be another tokenizer's; bytes / 4 is no more than a guess. */
static struct bill worst_case(const struct caller *c, const struct job *j)
{
    double in = (double)j->prompt_tokens * (c->counter.count ? 1.25 : 2) + 16; /* 16: the template around the messages */
    return (struct bill){ (int64_t)in, j->max_tokens, true };
}

static double price(const struct caller *c, const struct bill *b)
{
    return budget_price(&c->budget, b->tokens_in, b->tokens_out);
}

static void launch(struct caller *c, struct job *j, double now)
{
    const struct endpoint *e = c->o.endpoint;
    struct http_request request;
    j->asked.dialect = c->dialect;       /* a refusal is judged against what this try sent, not what was learnt since */
    e->provider->build(e, &c->dialect, &j->call, j->max_tokens, &request);
    free(j->sent);
    j->sent = request.sent;
    request.sent = NULL;                 /* moved */
    j->started = j->tally.tries ? j->started : now;
    j->tried = now;
    j->tally.tries++;
    http_start(c->http, &request, c->o.timeout, j); /* copies what it needs of the request */
    http_request_free(&request);
    c->n_flying++;
}

static void stop_broke(struct caller *c)
{
    char *reason = xasprintf("the next call might pass --max-cost, $ %.4f are spent; raise it and start again to go on", c->o.purse->spent);
    stop(c, ERR_CANCELLED, reason);
    free(reason);
}

/* As many as the pace allows. Called before and behind the wait of a step, so that a line that became free is
 * taken at once. */
static void start_due(struct caller *c)
{
    double now = clock_now();
    for (int room = pace_room(&c->pace, now, c->n_flying); room > 0 && !c->stopping && !c->budget_bound; room--) {
        struct job *j = take_due(c, now);
        if (!j)
            return;
        j->worst = worst_case(c, j);     /* anew for every try: the limit may have been doubled */
        if (budget_reserve(&c->budget, price(c, &j->worst))) {
            launch(c, j, now);
            continue;
        }
        give_back(c, j);
        /* What flies is set aside at its worst and mostly costs less: there may be room when it lands. With nothing in
         * flight there will be none. */
        if (c->n_flying)
            c->budget_bound = true;
        else
            stop_broke(c);
    }
}

/* When the next waiting call may start, if nothing comes back before. */
static double next_start(const struct caller *c)
{
    double due = INFINITY;
    /* Only a landing changes anything then; the wait ends with it. */
    if (c->budget_bound || pace_room(&c->pace, INFINITY, c->n_flying) == 0)
        return due;
    for (const struct job *j = c->waiting; j; j = j->next)
        due = fmin(due, j->due);
    return fmax(due, c->pace.hold);      /* a server that asked for peace holds up all calls */
}

/* ---- replies ---- */

/* A try that is to be followed by another, unless the run is ending. */
static void again(struct caller *c, struct job *j, double due)
{
    if (c->stopping)
        abandon(c, j);
    else if (due > 0)
        wait_until(c, j, due);
    else {                               /* at once, in front of those that were never asked */
        j->due = 0;
        give_back(c, j);
    }
}

/* Is it of use to try once more? */
static bool worth_another(struct caller *c, struct job *j, const struct reply *r)
{
    /* A rate limit is no fault of the call: it counts only while nobody else gets through, or a busy account would
     * lose calls for good. */
    if (!r->slow_down)
        return ++j->faults < j->max_tries;
    j->fruitless = c->answered > j->answered_before ? 1 : j->fruitless + 1;
    j->answered_before = c->answered;
    return j->fruitless < j->max_tries;
}

/* The second try may bring less than the first: a doubled limit may not fit the model. */
static void end_call(struct caller *c, struct job *j, struct reply *r)
{
    /* A cut text may hold its verdict all the same; an error holds nothing. */
    if (j->cut_sent && (r->status == CALL_FAILED || r->status == CALL_TOO_LONG)) {
        reply_free(r);
        take_back_cut(j, r);
    }
    finish(c, j, r);
}

static void retry(struct caller *c, struct job *j, struct reply *r)
{
    double now = clock_now();
    double due = r->slow_down ? pace_complaint(&c->pace, j->tried, now, r->after)
                              : now + (r->after >= 0 ? r->after : pace_backoff(&c->pace, j->faults + 1));
    blot(r->reason, c->o.endpoint->key); /* it goes into the log */
    if (!worth_another(c, j, r)) {
        char *reason = xasprintf("%s (the last of %d tries)", r->reason, j->tally.tries);
        free(r->reason);
        r->reason = reason;
        r->status = CALL_FAILED;         /* a state in the journal, which the next start asks again */
        end_call(c, j, r);
        return;
    }
    c->n_retries++;
    log_verbose("call %s: %s%s%s; try %d in %.1f s", j->call.key, r->reason, r->request_id ? ", request " : "",
                r->request_id ? r->request_id : "", j->tally.tries + 1, due - now);
    reply_free(r);
    again(c, j, due);
}

static void ask_for_more(struct caller *c, struct job *j, struct reply *r)
{
    j->cut = *r;                         /* moved; 'r' is the caller's local copy and is not freed */
    j->cut_sent = xstrdup(j->sent);
    j->asked.doubled = true;
    j->max_tokens *= 2;                  /* once per call ('doubled'); callers bound it far below INT_MAX / 2 */
    again(c, j, 0);
}

static void refused(struct caller *c, struct job *j, struct reply *r)
{
    /* A gateway answers 403 or 404 for one call that its rules dislike. As long as others are answered between two of
     * those, only the call fails; two in a row, or a wrong key, end the run before every call has been refused. */
    bool others_fare_better = r->passing && c->answered > c->answered_at_refusal;
    c->answered_at_refusal = c->answered;
    if (others_fare_better) {
        r->status = CALL_FAILED;
        end_call(c, j, r);
        return;
    }
    stop(c, r->quota ? ERR_CANCELLED : ERR_DEVICE, r->reason); /* exit 75 (start again later) or 77 (mend the flags) */
    reply_free(r);
    abandon(c, j);
}

static void adapt(struct caller *c, struct job *j, struct reply *r)
{
    /* Of many calls in flight each is refused for the same reason: what another call has taught meanwhile is told
     * once. */
    const struct dialect *had = &j->asked.dialect, *has = &c->dialect;
    const struct { bool learnt; const char *what; } word[] = {
        { has->max_completion_tokens && !had->max_completion_tokens, "wants max_completion_tokens instead of max_tokens" },
        { has->no_temperature && !had->no_temperature, "takes no temperature but its own; none is sent from now on" },
        { has->no_system && !had->no_system, "takes no system message; its text goes in front of the user's from now on" },
        { has->no_n && !had->no_n, "takes no n; none is sent from now on" },
    };
    for (size_t i = 0; i < sizeof word / sizeof *word; i++)
        if (word[i].learnt)
            log_verbose("call %s: the model %s (%s)", j->call.key, word[i].what, r->reason);
    reply_free(r);
    again(c, j, 0);
}

/* What the try cost, as far as one can know. */
static void settle(struct caller *c, struct job *j, const struct reply *r)
{
    struct bill b = bill_of(r, j->prompt_tokens, &j->worst, &c->counter);
    tally_add(&j->tally, &b);
    budget_settle(&c->budget, price(c, &j->worst), price(c, &b)); /* the same worst case that was reserved */
    c->budget_bound = false;             /* what it cost is known now: try again */
}

static void take_reply(struct caller *c, struct job *j, const struct http_response *response)
{
    struct reply r;
    c->n_flying--;
    c->o.endpoint->provider->read(response, &j->asked, &c->dialect, &r);
    settle(c, j, &r);
    /* Whole replies of any status show that the server keeps up; refusals and faults do not. */
    if (r.action == REPLY_DONE || r.action == REPLY_DOUBLE) {
        c->answered++;
        pace_success(&c->pace);
    }
    switch (r.action) {
    case REPLY_DONE: end_call(c, j, &r); break;
    case REPLY_RETRY: retry(c, j, &r); break;
    case REPLY_ADAPT: adapt(c, j, &r); break;
    case REPLY_DOUBLE: ask_for_more(c, j, &r); break;
    case REPLY_FATAL: refused(c, j, &r); break;
    }
}

/* ---- the transport ---- */

static int room(void *ctx)
{
    const struct caller *c = ctx;
    /* 'ahead' waits in here, so that a free line never waits for the grader. */
    int n = c->o.parallel + c->o.ahead - c->n_flying - c->n_waiting;
    return c->stopping || n < 0 ? 0 : n;
}

static void submit(void *ctx, const struct call *call)
{
    struct caller *c = ctx;
    if (!c->stopping)
        wait_until(c, job_make(c, call), 0);
}

static int step(void *ctx, double wait, struct err *err)
{
    struct caller *c = ctx;
    struct http_response response;
    void *tag;
    start_due(c);
    /* The transport's law: -1 only when all that was under way has ended and was collected, or paid replies would be
     * lost. */
    if (c->stopping && c->n_flying == 0 && !c->done) {
        if (err)
            *err = c->why;
        return -1;
    }
    double left = fmin(wait, next_start(c) - clock_now()); /* seconds */
    http_wait(c->http, c->done || left < 0 ? 0 : left); /* somebody waits for what is done: look, do not sleep */
    while (http_next(c->http, &tag, &response))
        take_reply(c, tag, &response);
    start_due(c);
    return 0;
}

static const struct call_record *collect(void *ctx)
{
    struct caller *c = ctx;
    receipt_free(c->lent);
    struct receipt *t = c->lent = c->done;
    if (!t)
        return NULL;
    c->done = t->next;
    if (!c->done)
        c->last_done = &c->done;
    return &t->record;
}

static void drain(void *ctx)
{
    stop(ctx, ERR_CANCELLED, "stopped; start again to go on");
}

/* Calls that fly are forgotten: whoever wants them drains first. */
static void destroy(void *ctx)
{
    struct caller *c = ctx;
    struct http_response response;
    void *tag;
    while (collect(c))
        ;
    stop(c, ERR_CANCELLED, "");          /* moves what waits to 'done' or frees it */
    while (collect(c))
        ;
    http_cancel(c->http);                /* now all transfers end, and http_next() gives their tags back */
    while (http_next(c->http, &tag, &response))
        job_free(tag);
    http_destroy(c->http);
    free(c);
}

struct transport *caller_create(const struct caller_opts *o, struct err *err)
{
    if (o->purse && o->purse->max > 0 && (o->price_in < 0 || o->price_out < 0)) {
        err_set(err, ERR_USAGE, "--max-cost needs prices; give --price-in and --price-out, in dollars per million tokens");
        return NULL;
    }
    struct caller *c = xcalloc(1, sizeof *c);
    c->o = *o;
    c->o.parallel = o->parallel > 0 ? o->parallel : 1;
    c->o.timeout = o->timeout > 0 ? o->timeout : 300; /* seconds per try: a reasoning judge may take minutes */
    c->o.max_tries = o->max_tries > 0 ? o->max_tries : 8; /* FastChat's 16 tries of 10 s each took 160 s for a wrong key */
    c->http = http_create(c->o.parallel, err);
    if (!c->http) {
        free(c);
        return NULL;
    }
    pace_init(&c->pace, c->o.parallel, o->backoff > 0 ? o->backoff : 1, o->jitter_seed);
    c->budget = (struct budget){ .price_in = o->price_in, .price_out = o->price_out, .purse = o->purse };
    c->counter = (struct counter){ o->count_tokens, o->count_ctx };
    c->last_waiting = &c->waiting;
    c->last_done = &c->done;
    c->transport =
        (struct transport){.ctx = c, .room = room, .submit = submit, .step = step, .collect = collect, .drain = drain, .destroy = destroy};
    return &c->transport;
}

struct caller_now caller_now(const struct transport *t)
{
    const struct caller *c = t->ctx;
    return (struct caller_now){
        .in_flight = c->n_flying, .waiting = c->n_waiting, .limit = (int)c->pace.limit, .done = c->n_done, .retries = c->n_retries,
        .cost = budget_price(&c->budget, c->tokens_in, c->tokens_out), .tokens_in = c->tokens_in, .tokens_out = c->tokens_out,
    };
}

/* Truncated, filtered or refused: it was reached all the same. What to check depends on whether anybody spoke there. */
static int judge_smoke(const struct caller *c, const struct call_record *r, struct err *err)
{
    if (r->status != CALL_FAILED && r->status != CALL_TOO_LONG)
        return 0;
    /* The model was reached and had nothing to say to a 1: that is no fault of address, key or name. */
    if (!strcmp(r->reason, "the reply is empty"))
        return 0;
    const struct endpoint *e = c->o.endpoint;
    bool spoke = !strncmp(r->reason, "HTTP ", 5); /* then the network is fine */
    return err_set(err, ERR_DEVICE, "%s %s at %.*s: %s; check %s, %s%s", e->words->who, e->model, (int)strcspn(e->url, "?"), e->url,
                   r->reason, e->words->base_url, e->words->model, spoke ? " and what the server takes" : ", the network and HTTPS_PROXY");
}

static int try_once(struct caller *c, struct err *err)
{
    const struct call_message m[] = { { "system", "You are a helpful assistant." }, { "user", "Reply with the number 1." } };
    const bool all = c->o.with_system;   /* a server that refuses system messages tells now */
    struct call call = {
        .key = "smoke", .message = all ? m : m + 1, .n_messages = all ? 2 : 1, .max_tokens = 16, .verdict = -1, .cut_is_fine = true,
    };
    struct job *j = job_make(c, &call);
    const struct call_record *r = NULL;
    j->max_tries = j->max_tries < 3 ? j->max_tries : 3; /* a person waits */
    j->asked.doubled = true; /* a cut reply will do */
    wait_until(c, j, 0);
    while (!(r = collect(c))) {
        if (step(c, 0.2, err) < 0)
            return -1;
        if (c->o.stopped && c->o.stopped(c->o.stopped_ctx))
            return err_set(err, ERR_CANCELLED, "%s %s: stopped before it answered; start again to go on", c->o.endpoint->words->who,
                           c->o.endpoint->model);
    }
    c->n_done--;                         /* it is none of the user's calls; what it cost stays counted */
    return judge_smoke(c, r, err);
}

int caller_smoke(struct transport *t, struct err *err)
{
    struct caller *c = t->ctx;
    watch_begin(WATCH_WORKS, "waiting for the first reply of %s %s", c->o.endpoint->words->who, c->o.endpoint->model);
    const int rc = try_once(c, err);
    watch_end();
    return rc;
}
