/* engine.c - tokens to tokens: the public face over the scheduler, one forward pass and one draw per step.
 * What surprises: a prompt, a decoding sequence and one that comes back from preemption are the same thing here, see sched.h. */
#include "mtbench/engine.h"

#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/watch.h"
#include "sched.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct engine {
    const struct model_config *config;
    struct team *team;
    struct sched sched;
    struct engine_stats stats;
    struct sampling *how;      /* (max_batch) */
    int32_t *drawn;            /* (max_batch) */
    int n_requests, n_alive;   /* alive: submitted, not released */
};

/* ---- plan ---- */

enum { MAX_BATCH = 1024, MAX_ROWS = 1 << 16, MAX_REQUESTS = 1 << 20 };

/* "812.0 MB", "12.3 GB". */
static const char *human(char text[24], uint64_t bytes)
{
    if (bytes < 1000000000)
        snprintf(text, 24, "%.1f MB", (double)bytes / 1e6);
    else
        snprintf(text, 24, "%.1f GB", (double)bytes / 1e9);
    return text;
}

/* 'o' with its zeros replaced. */
static int settle(const struct model_config *c, const struct engine_opts *o, struct engine_opts *full, struct err *err)
{
    /* in the order of dependence: batch before requests, context before everything that is measured in tokens */
    *full = *o;
    if (full->max_batch < 1 || full->max_batch > MAX_BATCH)
        return err_set(err, ERR_USAGE, "--max-batch %d: not a number of sequences; choose 1 to %d", o->max_batch, MAX_BATCH);
    if (full->max_rows == 0)
        full->max_rows = 256;
    if (full->max_rows < 1 || full->max_rows > MAX_ROWS)
        return err_set(err, ERR_USAGE, "engine: %d rows in a step; choose 1 to %d", o->max_rows, MAX_ROWS);
    if (full->max_tokens == 0)
        full->max_tokens = c->context;
    if (full->max_tokens < 2 || full->max_tokens > c->context)
        return err_set(err, ERR_USAGE, "engine: sequences of %d tokens; this model was made for 2 to %d", o->max_tokens, c->context);
    if (full->n_requests == 0)
        full->n_requests = 4 * full->max_batch; /* enough to keep the batch full while answers are collected */
    if (full->n_requests < 1 || full->n_requests > MAX_REQUESTS)
        return err_set(err, ERR_USAGE, "engine: %d requests; choose 1 to %d", o->n_requests, MAX_REQUESTS);
    if (full->max_batch > full->max_rows)                                           /* sched.h: the oldest prompt always gets a row */
        full->max_batch = full->max_rows;
    return 0;
}

static struct sched_opts sched_opts_of(const struct model_config *c, const struct engine_opts *full)
{
    return (struct sched_opts){
        .n_seq = 2 * full->n_requests,      /* every live request, and as many to remember */
        .n_vocab = c->n_vocab, .max_batch = full->max_batch, .max_rows = full->max_rows, .max_tokens = full->max_tokens,
        .no_reuse = full->no_reuse,
    };
}

/* Bytes that the KV cache may take: what is available beside 'taken', less a sixteenth for all that nobody counts. */
static uint64_t kv_room(uint64_t available, uint64_t taken)
{
    available -= available / 16;                                                    /* malloc, stacks, page tables */
    return available > taken ? available - taken : 0;
}

int engine_plan(const struct team *t, const struct engine_opts *o, struct engine_plan *plan, struct err *err)
{
    struct engine_opts full;
    char need[24], have[24];
    const struct model_config *c = &team_model(t)->config;
    if (settle(c, o, &full, err))
        return -1;
    const struct sched_opts so = sched_opts_of(c, &full);
    const uint64_t page = team_page_bytes(t);
    /* a sequence must be able to reach its limit alone, or the oldest could starve */
    const uint64_t per_sequence = (uint64_t)kv_pages_for(full.max_tokens);
    *plan = (struct engine_plan){
        .weights = team_weight_bytes(t), .activations = team_activation_bytes(t, full.max_rows, full.max_batch),
        .kv_sequence = per_sequence * page, .rotations = team_rotation_bytes(t, full.max_tokens), .other = sched_bytes(&so),
        .max_tokens = full.max_tokens, .max_batch = full.max_batch, .max_rows = full.max_rows,
    };
    const uint64_t taken = plan->activations + plan->rotations + plan->other;
    const uint64_t room = full.mem_available ? kv_room(full.mem_available, taken) : UINT64_MAX;
    if (full.kv_bytes > room)
        return err_set(err, ERR_MEMORY,
                       "KV cache: %s were asked for, %s can be had beside weights and activations; ask for less, or use fewer "
                       "ranks on a machine",
                       human(need, full.kv_bytes), human(have, room));
    const uint64_t budget = full.kv_bytes ? full.kv_bytes : room, want = per_sequence * (uint64_t)full.max_batch;
    uint64_t pages = budget / page;
    if (!full.kv_bytes && pages > want)                                             /* nobody asked for more than all of them can fill */
        pages = want;
    pages = pages > INT32_MAX ? INT32_MAX : pages;                                  /* page numbers are int32 */
    if (pages < per_sequence)
        return err_set(err, ERR_MEMORY,
                       "KV cache: one sequence of %d tokens takes %s, the budget is %s; use a smaller --max-batch or --max-new-token, "
                       "fewer ranks on a machine, or more memory",
                       full.max_tokens, human(need, plan->kv_sequence), human(have, budget));
    plan->pages = (int)pages;
    plan->kv = pages * page;
    return 0;
}

/* ---- create, destroy ---- */

struct team_sizes engine_sizes(const struct engine_plan *plan)
{
    /* at most one row of a sequence draws in a step, so max_batch rows of logits */
    return (struct team_sizes){
        .max_rows = plan->max_rows, .max_out = plan->max_batch, .max_tokens = plan->max_tokens, .n_pages = plan->pages };
}

struct engine *engine_create(struct team *t, const struct engine_opts *o, struct err *err)
{
    const struct model_config *c = &team_model(t)->config;
    struct engine_plan plan;
    struct engine_opts full;
    struct kv kv;
    if (engine_plan(t, o, &plan, err) || settle(c, o, &full, err))
        return NULL;
    const struct team_sizes sizes = engine_sizes(&plan);
    if (team_start(t, &sizes, err) < 0) {
        team_stop(t);
        return NULL;
    }
    struct engine *e = xcalloc(1, sizeof *e);
    struct sched_opts so = sched_opts_of(c, &full);
    e->config = c;
    e->team = t;
    e->n_requests = full.n_requests;
    e->how = xcalloc((size_t)full.max_batch, sizeof *e->how);
    e->drawn = xcalloc((size_t)full.max_batch, sizeof *e->drawn);
    so.stats = &e->stats;
    kv_create(&kv, t, plan.pages);
    sched_create(&e->sched, &so, &kv);                                              /* owns the pages from here on */
    return e;
}

void engine_destroy(struct engine *e)
{
    if (!e)
        return;
    sched_destroy(&e->sched);
    team_stop(e->team);
    free(e->how);
    free(e->drawn);
    free(e);
}

/* ---- requests ---- */

static bool is_open(const struct seq *q)
{
    return q->state == SEQ_WAITING || q->state == SEQ_RUNNING || q->state == SEQ_ENDED;
}

/* The request of that name that was not collected. */
static struct seq *find(const struct engine *e, uint64_t tag)
{
    for (int i = 0; i < e->sched.n_seq; i++) {
        struct seq *q = &e->sched.seq[i];
        /* engine_logits() has no name, so nobody finds it by one */
        if (is_open(q) && !q->collected && !q->logits && q->req.tag == tag)
            return q;
    }
    return NULL;
}

static int check_request(const struct engine *e, const struct request *r, struct err *err)
{
    const int n_vocab = e->config->n_vocab;
    if (r->n_prompt < 1)
        return err_set(err, ERR_USAGE, "prompt: it is empty; give at least one token");
    if (r->n_prompt >= e->sched.max_tokens)                                         /* room for one new token at least */
        return err_set(err, ERR_USAGE, "prompt: %d tokens leave no room for an answer in %d; shorten it", r->n_prompt, e->sched.max_tokens);
    if (r->max_new < 1)
        return err_set(err, ERR_USAGE, "request: %d new tokens; ask for at least one", r->max_new);
    for (int i = 0; i < r->n_prompt; i++)
        /* an embedding kernel would read outside of the weights */
        if (r->prompt[i] < 0 || r->prompt[i] >= n_vocab)
            return err_set(err, ERR_MODEL,
                           "prompt token %d: id %d, and the embedding of this model has %d rows; the text holds a token that it was "
                           "never given, or the tokenizer is not its own",
                           i, (int)r->prompt[i], n_vocab);
    if (e->n_alive >= e->n_requests)
        return err_set(err, ERR_USAGE, "request: %d are alive already; collect and release some first", e->n_alive);
    return 0;
}

int engine_submit(struct engine *e, const struct request *r, struct err *err)
{
    if (check_request(e, r, err))
        return -1;
    if (find(e, r->tag))
        return err_set(err, ERR_USAGE, "request %llu: one of this name is alive; choose another name", (unsigned long long)r->tag);
    sched_submit(&e->sched, r);
    e->n_alive++;
    return 0;
}

const int32_t *engine_peek(const struct engine *e, uint64_t tag, int *n)
{
    const struct seq *q = find(e, tag);
    *n = q ? q->n_token - q->n_prompt : 0;
    return q ? q->token + q->n_prompt : NULL;
}

void engine_stop(struct engine *e, uint64_t tag, int n_keep)
{
    struct seq *q = find(e, tag);
    if (!q)
        return;
    /* a stop string found in what came before makes it no success */
    if (q->state == SEQ_ENDED && q->done.finish == FINISH_NOT_FINITE)
        return;
    int n = q->n_token - q->n_prompt;
    n = q->n_prompt + (n_keep < 0 ? 0 : n_keep < n ? n_keep : n);                   /* of the answer's tokens */
    if (q->state != SEQ_ENDED) {
        sched_end(&e->sched, q, FINISH_STOP, n);
        return;
    }
    q->done.finish = FINISH_STOP; /* ended by itself meanwhile; the caller's word comes later and wins */
    sched_truncate(&e->sched, q, n);
}

const struct completion *engine_collect(struct engine *e)
{
    struct seq *first = NULL;
    for (int i = 0; i < e->sched.n_seq; i++) {
        struct seq *q = &e->sched.seq[i];
        /* the order of ending, not of places: independent of who sat where */
        if (q->state == SEQ_ENDED && !q->collected && !q->logits && (!first || q->ended < first->ended))
            first = q;
    }
    if (!first)
        return NULL;
    first->collected = true;
    first->done.tag = first->req.tag;
    first->done.token = first->token + first->n_prompt; /* valid until it is released */
    first->done.n_token = first->n_token - first->n_prompt;
    first->done.n_prompt = first->n_prompt;
    return &first->done;
}

static void release(struct engine *e, struct seq *q)
{
    sched_retire(&e->sched, q);
    e->n_alive--;
}

void engine_release(struct engine *e, const struct completion *c)
{
    if (c)
        release(e, (struct seq *)((char *)(uintptr_t)c - offsetof(struct seq, done))); /* a completion lies inside its sequence */
}

void engine_cancel(struct engine *e)
{
    for (int i = 0; i < e->sched.n_seq; i++) {
        struct seq *q = &e->sched.seq[i];
        if (q->state == SEQ_WAITING || q->state == SEQ_RUNNING)
            sched_end(&e->sched, q, FINISH_CANCELLED, q->n_token);
    }
}

struct engine_stats engine_stats(const struct engine *e)
{
    const struct kv *kv = &e->sched.kv;
    struct engine_stats s = e->stats;
    s.waiting = e->sched.waiting.n;
    s.live = s.waiting + e->sched.running.n;
    s.pages_total = kv->n_pages;
    s.pages_running = kv->n_pinned;
    s.pages_touched = kv->n_pages - kv->least_free; /* memory that was really used, as pages are touched lazily */
    s.pages_cached = kv->n_pages - kv->n_pinned - kv->n_free;
    return s;
}

/* ---- a step ---- */

static bool is_stop(const struct request *r, int32_t token)
{
    for (int i = 0; i < r->n_stop; i++)
        if (r->stop_id[i] == token)
            return true;
    return false;
}

/* ---- logits that are no numbers ---- */

/* Of all that a sequence has, in steps as large as they may be: where did it begin? The earliest layer counts, not the first row. */
static bool find_fault(struct engine *e, const struct seq *q, struct forward_fault *first)
{
    struct sched *s = &e->sched;
    bool found = false;
    for (int at = 0, n; at < q->n_token; at += n) {
        n = q->n_token - at < s->max_rows ? q->n_token - at : s->max_rows;
        const struct seq_run run = { .n_rows = n, .pos = at, .page = q->page };
        /* its K and V are written again, with the same bits: harmless to whoever shares the pages */
        const int32_t last = n - 1;
        const struct sampling nothing = { .temperature = 0 };                       /* is drawn */
        const struct step step = { .n_rows = n, .token = q->token + at, .n_runs = 1, .run = &run,
                                   .n_out = at + n == q->n_token, .out_row = &last, .how = &nothing };
        struct forward_fault fault;
        bool more = team_find_fault(e->team, &step, &fault);
        /* a later row may go wrong in an earlier layer */
        if (more && (!found || fault.layer < first->layer || (fault.layer == first->layer && fault.part < first->part)))
            *first = fault;
        found |= more;
    }
    return found;
}

/* The sequence ends as failed. What others have in pages is theirs alone, so none of them is touched. */
static void fail_sequence(struct engine *e, struct seq *q)
{
    static const char *const part[] = {[PART_EMBEDDING] = "embedding",
                                       [PART_ATTENTION] = "attention",
                                       [PART_MLP] = "feed-forward",
                                       [PART_NORM] = "norm",
                                       [PART_HEAD] = "head"};
    const int n_layers = e->config->n_layers;
    struct forward_fault f = {0};
    char where[64] = "somewhere in it";
    bool found = find_fault(e, q, &f); /* not found: a stop came meanwhile */
    if (found && (f.layer < 0 || f.layer == n_layers))
        snprintf(where, sizeof where, "in its %s%s", f.part == PART_NORM ? "last " : "", part[f.part]);
    else if (found)
        snprintf(where, sizeof where, "in layer %d (of 0 to %d), %s", f.layer, n_layers - 1, part[f.part]);
    snprintf(q->reason, sizeof q->reason,
             "the model gave NaN or infinite logits after %d tokens, first %s; its weights are broken or overflow", q->n_token, where);
    q->done.reason = q->reason;
    sched_end(&e->sched, q, FINISH_NOT_FINITE, q->n_token);
}

static void take_token(struct engine *e, struct seq *q, int32_t token)
{
    if (token < 0) {                                                                /* the sampler saw NaN or infinity */
        fail_sequence(e, q);
        return;
    }
    e->stats.new_tokens++;                                                          /* a stop token was computed too */
    if (is_stop(&q->req, token)) {
        sched_end(&e->sched, q, FINISH_STOP, q->n_token);                           /* the stop token is no part of the answer */
        return;
    }
    seq_append(q, token);
    if (q->n_token - q->n_prompt == q->req.max_new)
        sched_end(&e->sched, q, FINISH_LENGTH, q->n_token);
    else if (q->n_token == e->sched.max_tokens)
        sched_end(&e->sched, q, FINISH_CONTEXT, q->n_token);
}

/* How the rows that end a sequence draw. */
static void prepare_draws(struct engine *e)
{
    const struct sched *s = &e->sched;
    for (int i = 0; i < s->step.n_out; i++) {
        const struct seq *q = s->out_seq[i];
        e->how[i] = q->req.how;
        /* the draw's place in the answer: the same after a preemption, a batch of another size, a resumed run */
        e->how[i].counter[3] = (uint32_t)(q->n_token - q->n_prompt);
        e->how[i].seen = q->seen;
    }
}

/* Logits that somebody asked for, before they are drawn from, which overwrites them. */
static void hand_out_logits(struct engine *e)
{
    for (int i = 0; i < e->sched.step.n_out; i++)
        if (e->sched.out_seq[i]->logits)
            team_logits(e->team, i, e->sched.out_seq[i]->logits);
}

int engine_step(struct engine *e, struct err *err)
{
    struct sched *s = &e->sched;
    if (sched_next(s)) {
        s->step.how = e->how;
        prepare_draws(e);
        /* 0 when interrupted: then nothing is counted as computed, and the next step writes those rows again */
        const int rc = team_step(e->team, &s->step, err);
        if (rc <= 0)
            return rc < 0 ? -1 : s->waiting.n + s->running.n;
        hand_out_logits(e);
        if (team_draw(e->team, &s->step, e->drawn, err) < 0)
            return -1;
        sched_computed(s);                                                          /* before take_token(), which may end sequences */
        for (int i = 0; i < s->step.n_out; i++)
            take_token(e, s->out_seq[i], e->drawn[i]);
        e->stats.steps++;
        e->stats.rows += (uint64_t)s->step.n_rows;
    }
    return s->waiting.n + s->running.n;
}

int engine_logits(struct engine *e, const int32_t *prompt, int n_prompt, float *logits, struct err *err)
{
    const struct request r = { .prompt = prompt, .n_prompt = n_prompt, .max_new = 1, .how = { .top_p = 1.0f, .repetition_penalty = 1.0f } };
    if (check_request(e, &r, err))
        return -1;
    /* Nobody else is heard until it has ended: behind the prompts of a full engine that would be minutes. */
    struct seq *q = sched_submit_first(&e->sched, &r);
    q->logits = logits;                  /* makes engine_collect() and find() pass it over */
    e->n_alive++;
    /* others' sequences move on in these steps as in any */
    int rc = 0;
    while (rc >= 0 && q->state != SEQ_ENDED && !team_interrupted(e->team))
        rc = engine_step(e, err);
    bool whole = q->state == SEQ_ENDED, finite = q->done.finish != FINISH_NOT_FINITE;
    if (!finite)
        err_set(err, ERR_MODEL, "%s", q->reason);
    if (!whole)
        sched_end(&e->sched, q, FINISH_CANCELLED, q->n_token);
    release(e, q);
    if (!finite || rc < 0)
        return -1;
    return whole ? 0 : err_set(err, ERR_CANCELLED, "logits: interrupted; ask again");
}

/* Of a prompt that begins as none before, so that all of its rows are computed. INFINITY: interrupted, or not finite. -1: err (device). */
static double seconds_of(struct engine *e, int32_t first, int rows, float *logits, struct err *err)
{
    const int n_vocab = e->config->n_vocab;
    int32_t *token = xcalloc((size_t)rows, sizeof *token);
    for (int i = 0; i < rows; i++)
        token[i] = (first + i) % n_vocab;
    struct err why = { 0 };
    const double begun = clock_now();
    const int rc = engine_logits(e, token, rows, logits, &why);
    const double took = clock_now() - begun;
    watch_moved();
    free(token);
    if (rc < 0 && why.kind == ERR_DEVICE)
        return err_set(err, why.kind, "%s", why.text);
    return rc == 0 ? took : INFINITY;    /* why is nobody's business: the work itself meets it again */
}

int engine_pace(struct engine *e, int tries, int rows, double *step, double *row, struct err *err)
{
    float *logits = xcalloc((size_t)e->config->n_vocab, sizeof *logits);
    const int room = e->sched.max_tokens - 1 < e->sched.max_rows ? e->sched.max_tokens - 1 : e->sched.max_rows;
    const int n[2] = { 1, rows < room ? rows : room };
    double least[2] = { INFINITY, INFINITY };
    int rc = 0;
    for (int i = 0; rc == 0 && i < 2 * tries; i++) {
        const double t = seconds_of(e, i, n[i % 2], logits, err);
        rc = t < 0 ? -1 : 0;
        least[i % 2] = fmin(least[i % 2], t);
    }
    free(logits);
    const bool told = rc == 0 && isfinite(least[0]) && isfinite(least[1]);
    *row = told && n[1] > 1 ? fmax(0, (least[1] - least[0]) / (n[1] - 1)) : 0;
    *step = told ? fmax(0, least[0] - *row) : 0;
    return rc;
}
