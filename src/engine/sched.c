/* sched.c - continuous batching over paged KV: who runs, on which pages, and which rows the next step has.
 *
 * The rules, in order, at every step:
 *   1. a running sequence that reaches the end of its last page gets another; when no page is free, cached ones are evicted from their
 *      end, least recently used sequence first; when nothing is cached, the youngest running sequence is preempted. It becomes cache
 *      itself, loses only the pages that others need, and computes those again when its turn comes;
 *   2. waiting sequences are admitted oldest first while there are rows and pages: pages for all tokens they have, and one to spare for
 *      each sequence that runs. The longest prefix that any sequence has in pages is shared, the part of the last page is copied;
 *   3. a sequence waits one step more if one that is being prefilled just now will share WAIT_GAIN tokens beyond that;
 *   4. rows: one for each decoding sequence, then prompts, oldest first, until max_rows.
 * None of this can change a bit of an answer: a row's result depends on its own sequence alone (ops.h). The oldest sequence is never
 * preempted, and the oldest prompt always gets a row (max_batch <= max_rows), so everything ends. */
#include "sched.h"

#include "mtbench/mem.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Fewer tokens than these are computed faster than waited for. */
enum { WAIT_GAIN = 16 };

static size_t table_entries(const struct sched_opts *o)
{
    return (size_t)o->n_seq * (size_t)kv_pages_for(o->max_tokens);
}

static size_t seen_words(int n_vocab)
{
    return ((size_t)n_vocab + 63) / 64;
}

size_t sched_bytes(const struct sched_opts *o)
{
    size_t batch = (size_t)o->max_batch;
    /* what sched_create() takes, for the plan made before: keep the two alike */
    return (size_t)o->n_seq * (sizeof(struct seq) + sizeof(struct seq *) + (size_t)o->max_tokens * sizeof(int32_t)) +
           table_entries(o) * sizeof(int32_t) +
           batch * (seen_words(o->n_vocab) * sizeof(uint64_t) + sizeof(struct seq_run) + 5 * sizeof(void *)) +
           (size_t)o->max_rows * sizeof(int32_t);
}

void sched_create(struct sched *s, const struct sched_opts *o, const struct kv *kv)
{
    const size_t n_seq = (size_t)o->n_seq, batch = (size_t)o->max_batch;
    *s = (struct sched){
        .kv = *kv, .n_seq = o->n_seq, .max_batch = o->max_batch, .max_rows = o->max_rows, .max_tokens = o->max_tokens,
        .no_reuse = o->no_reuse, .stats = o->stats, .seen_words = (int)seen_words(o->n_vocab),
    };
    s->seq = xcalloc(n_seq, sizeof *s->seq);
    s->waiting.at = xcalloc(n_seq, sizeof *s->waiting.at);
    s->running.at = xcalloc(batch, sizeof *s->running.at);
    s->page_table = xcalloc(table_entries(o), sizeof *s->page_table);
    s->tokens = xcalloc(n_seq * (size_t)o->max_tokens, sizeof *s->tokens);          /* touched as far as sequences are long */
    s->seen_bits = xcalloc(batch * seen_words(o->n_vocab), sizeof *s->seen_bits);   /* only who runs has one, so max_batch will do */
    s->seen_free = xcalloc(batch, sizeof *s->seen_free);
    s->token = xcalloc((size_t)o->max_rows, sizeof *s->token);
    s->run = xcalloc(batch, sizeof *s->run);
    s->run_seq = xcalloc(batch, sizeof *s->run_seq);
    s->out_row = xcalloc(batch, sizeof *s->out_row);
    s->out_seq = xcalloc(batch, sizeof *s->out_seq);
    for (int i = 0; i < o->n_seq; i++)
        s->seq[i].page = s->page_table + (size_t)i * (size_t)kv_pages_for(o->max_tokens);
    for (int i = 0; i < o->max_batch; i++)
        s->seen_free[s->n_seen_free++] = s->seen_bits + (size_t)i * seen_words(o->n_vocab);
}

void sched_destroy(struct sched *s)
{
    free(s->seq);
    free(s->tokens);
    free(s->waiting.at);
    free(s->running.at);
    free(s->page_table);
    free(s->seen_bits);
    free(s->seen_free);
    free(s->token);
    free(s->run);
    free(s->run_seq);
    free(s->out_row);
    free(s->out_seq);
    kv_destroy(&s->kv);
    *s = (struct sched){ 0 };
}

/* ---- lists ---- */

static void list_insert(struct seq_list *l, struct seq *q)
{
    int i = l->n++;
    /* mostly the youngest goes in, so the search from the end is short; a preempted one comes back to its place */
    for (; i > 0 && l->at[i - 1]->order > q->order; i--)
        l->at[i] = l->at[i - 1];
    l->at[i] = q;
}

static void list_remove(struct seq_list *l, const struct seq *q)
{
    int i = 0;
    while (l->at[i] != q)
        i++;
    for (l->n--; i < l->n; i++)
        l->at[i] = l->at[i + 1];
}

/* ---- pages of a sequence ---- */

static void give_page(struct sched *s, struct seq *q, int32_t page)
{
    q->page[q->n_pages++] = page;
    if (q->state == SEQ_RUNNING)
        kv_pin(&s->kv, page);
}

static void drop_last_page(struct sched *s, struct seq *q)
{
    kv_drop(&s->kv, q->page[--q->n_pages]);
    /* what lay in that page has to be computed again */
    if (q->n_kv > q->n_pages * KV_PAGE)
        q->n_kv = q->n_pages * KV_PAGE;
}

static void drop_pages(struct sched *s, struct seq *q, int n_keep)
{
    while (q->n_pages > n_keep)
        drop_last_page(s, q);
}

static void seq_free(struct sched *s, struct seq *q)
{
    int32_t *page = q->page;                                                        /* its part of the page table stays */
    drop_pages(s, q, 0);
    *q = (struct seq){ .page = page };
}

/* Take the last page of the sequence that has not run for the longest time. False: everything left is running. */
static bool evict(struct sched *s)
{
    struct seq *victim = NULL;
    for (int i = 0; i < s->n_seq; i++) {
        struct seq *q = &s->seq[i];
        /* waiting ones too: a preempted sequence is cache until it runs again */
        if (q->n_pages > 0 && q->state != SEQ_RUNNING && (!victim || q->used < victim->used))
            victim = q;
    }
    if (!victim)
        return false;
    /* from the end: what is left is still a prefix. The page comes free only if nobody shares it, so callers loop. */
    drop_last_page(s, victim);
    if (victim->n_pages == 0 && victim->state == SEQ_CACHED)
        seq_free(s, victim);
    return true;
}

/* The caller has made sure that enough is available. */
static int32_t take_page(struct sched *s)
{
    while (s->kv.n_free == 0 && evict(s))                                           /* one eviction may only lower a count of users */
        continue;
    int32_t page = kv_take(&s->kv);
    assert(page >= 0);
    return page;
}

/* A page of one's own with the content of 'page': a copy, or the page itself once evictions have left it to nobody else. */
static int32_t own_page(struct sched *s, int32_t page)
{
    kv_hold(&s->kv, page);                                                          /* evict() below may take the sequence that lent it */
    /* evicting may leave us its only holder: then there is nothing to copy */
    while (s->kv.n_free == 0 && s->kv.ref[page] > 1 && evict(s))
        continue;
    if (s->kv.ref[page] == 1)
        return page;
    int32_t own = take_page(s);
    kv_copy(&s->kv, own, page);
    kv_drop(&s->kv, page);
    return own;
}

/* ---- queue, run, preempt, end ---- */

static struct seq *free_seq(struct sched *s)
{
    struct seq *oldest = NULL;
    for (int i = 0; i < s->n_seq; i++) {
        struct seq *q = &s->seq[i];
        if (q->state == SEQ_FREE)
            return q;
        if (q->state == SEQ_CACHED && (!oldest || q->used < oldest->used))
            oldest = q;
    }
    assert(oldest);                                                                 /* n_seq is twice the requests that may be alive */
    seq_free(s, oldest);
    return oldest;
}

static struct seq *submit(struct sched *s, const struct request *r, uint64_t order)
{
    struct seq *q = free_seq(s);
    q->state = SEQ_WAITING;
    q->order = order;
    q->used = ++s->clock;
    q->n_token = q->n_prompt = r->n_prompt;
    /* compared by subtraction: max_new may be as large as an int */
    q->room = r->max_new < s->max_tokens - r->n_prompt ? r->n_prompt + r->max_new : s->max_tokens;
    q->token = s->tokens + (size_t)(q - s->seq) * (size_t)s->max_tokens;
    memcpy(q->token, r->prompt, (size_t)r->n_prompt * sizeof *q->token);
    q->req = *r;
    q->req.prompt = NULL;                                                           /* the caller's memory, not ours from here on */
    list_insert(&s->waiting, q);
    return q;
}

struct seq *sched_submit(struct sched *s, const struct request *r)
{
    return submit(s, r, s->clock + 1);
}

struct seq *sched_submit_first(struct sched *s, const struct request *r)
{
    return submit(s, r, 0);
}

static void mark_seen(struct seq *q, int32_t token)
{
    q->seen[token / 64] |= 1ull << (token % 64);
}

void seq_append(struct seq *q, int32_t token)
{
    assert(q->n_token < q->room);
    q->token[q->n_token++] = token;
    if (q->seen)
        mark_seen(q, token);
}

static void start(struct sched *s, struct seq *q)
{
    list_remove(&s->waiting, q);
    list_insert(&s->running, q);
    q->state = SEQ_RUNNING;
    for (int i = 0; i < q->n_pages; i++)
        kv_pin(&s->kv, q->page[i]);
    /* the penalty counts the prompt as Hugging Face does; after a preemption the answer so far too */
    if (q->req.how.repetition_penalty != 1.0f) {
        q->seen = s->seen_free[--s->n_seen_free];
        memset(q->seen, 0, (size_t)s->seen_words * sizeof *q->seen);
        for (int i = 0; i < q->n_token; i++)
            mark_seen(q, q->token[i]);
    }
}

static void halt(struct sched *s, struct seq *q)
{
    list_remove(&s->running, q);
    for (int i = 0; i < q->n_pages; i++)
        kv_unpin(&s->kv, q->page[i]);
    if (q->seen)
        s->seen_free[s->n_seen_free++] = q->seen;
    q->seen = NULL;
    q->used = ++s->clock;
}

static void preempt(struct sched *s, struct seq *q)
{
    halt(s, q);
    q->state = SEQ_WAITING;
    drop_pages(s, q, kv_pages_for(q->n_kv)); /* a page that was taken for the next token and not filled */
    list_insert(&s->waiting, q);
    s->stats->preemptions++;
}

void sched_truncate(struct sched *s, struct seq *q, int n_token)
{
    q->n_token = n_token; /* tokens behind it are forgotten, their K and V with them */
    if (q->n_kv > n_token)
        q->n_kv = n_token;
    drop_pages(s, q, s->no_reuse ? 0 : kv_pages_for(q->n_kv));                      /* the rest is cache for whoever begins alike */
}

void sched_end(struct sched *s, struct seq *q, enum finish why, int n_token)
{
    if (q->state == SEQ_RUNNING)
        halt(s, q);
    else
        list_remove(&s->waiting, q);
    q->state = SEQ_ENDED;
    q->ended = ++s->clock;                                                          /* engine_collect() hands out in this order */
    q->done.finish = why;
    sched_truncate(s, q, n_token);
}

void sched_retire(struct sched *s, struct seq *q)
{
    q->state = SEQ_CACHED;
    if (q->n_pages == 0)
        seq_free(s, q);
}

/* ---- prefixes ---- */

static int common_prefix(const struct seq *a, int n_a, const struct seq *b, int n_b)
{
    int n = n_a < n_b ? n_a : n_b, i = 0;
    while (i < n && a->token[i] == b->token[i])
        i++;
    return i;
}

/* Who has most of q's tokens in pages, q itself included; the last token is always computed. */
static struct seq *find_prefix(struct sched *s, struct seq *q, int *n)
{
    struct seq *best = q;
    *n = q->n_kv;
    for (int i = 0; i < s->n_seq && !s->no_reuse; i++) {
        struct seq *p = &s->seq[i];
        /* n_token - 1: the last token's row must run, its logits are what is wanted */
        int k = p->n_kv > 0 ? common_prefix(q, q->n_token - 1, p, p->n_kv) : 0;
        if (k > *n) {
            best = p;
            *n = k;
        }
    }
    return best;
}

static bool worth_waiting(const struct sched *s, const struct seq *q, int n)
{
    for (int i = 0; i < s->running.n && !s->no_reuse; i++) {
        const struct seq *p = s->running.at[i];
        /* only who is being prefilled will have more of it in a step; a decoding one has all it can share */
        if (p->n_token - p->n_kv > 1 && common_prefix(q, q->n_token - 1, p, p->n_token) >= n + WAIT_GAIN)
            return true;
    }
    return false;
}

/* q is running. Full pages by reference, the rest of the prefix in a page of its own. */
static void take_prefix(struct sched *s, struct seq *q, struct seq *from, int n)
{
    for (int i = 0; i < n / KV_PAGE; i++) {
        kv_hold(&s->kv, from->page[i]);
        give_page(s, q, from->page[i]);
    }
    if (n % KV_PAGE)
        give_page(s, q, own_page(s, from->page[n / KV_PAGE]));
    q->n_kv = n;
}

/* ---- the rules ---- */

enum verdict { ADMITTED, NOT_YET, NO_ROOM };

static enum verdict try_admit(struct sched *s, struct seq *q)
{
    int n = 0, need = kv_pages_for(q->n_token);
    struct seq *from = find_prefix(s, q, &n);
    if (worth_waiting(s, q, n))
        return NOT_YET;
    for (int i = 0; i < n / KV_PAGE; i++)
        need -= s->kv.pin[from->page[i]] > 0;                                       /* pages in use anyway cost nothing more */
    if (need + s->running.n > kv_available(&s->kv)) /* one to spare for each that runs, or it would be preempted at once */
        return NO_ROOM;
    from->used = ++s->clock;                                                        /* who lends is not evicted next */
    if (from != q)
        drop_pages(s, q, 0);
    start(s, q);
    if (from != q)
        take_prefix(s, q, from, n);
    /* cannot fail: room was counted above, and nothing has been taken since */
    while (q->n_pages < kv_pages_for(q->n_token))
        give_page(s, q, take_page(s));
    if (!q->admitted) { /* statistics count a prompt once, however often it is preempted */
        q->admitted = true;
        q->done.n_reused = n;
        /* Logits are asked of what has been a request already; counted again, it would be more than there is to do. */
        s->stats->reused_tokens += q->logits ? 0 : (uint64_t)n;
        s->stats->prompt_tokens += q->logits ? 0 : (uint64_t)q->n_prompt;
    }
    return ADMITTED;
}

static int rows_wanted(const struct sched *s)
{
    int n = 0;
    for (int i = 0; i < s->running.n; i++)
        n += s->running.at[i]->n_token - s->running.at[i]->n_kv;
    return n;
}

static void admit(struct sched *s)
{
    int rows = s->max_rows - rows_wanted(s);
    for (int i = 0; i < s->waiting.n && s->running.n < s->max_batch && rows > 0;) {
        struct seq *q = s->waiting.at[i];
        enum verdict v = try_admit(s, q);
        /* nobody overtakes: a younger one that fits would let the oldest starve */
        if (v == NO_ROOM)
            return;
        if (v == ADMITTED)
            rows -= q->n_token - q->n_kv;                                           /* it has left the list, so i stays */
        else
            i++;
    }
}

static void grow(struct sched *s)
{
    for (int i = 0; i < s->running.n; i++) {
        struct seq *q = s->running.at[i];
        while (q->state == SEQ_RUNNING && q->n_pages < kv_pages_for(q->n_token)) {
            if (kv_available(&s->kv) > 0)
                give_page(s, q, take_page(s));
            else
                /* the youngest, which may be q itself: then its state ends the loop */
                preempt(s, s->running.at[s->running.n - 1]);
        }
    }
}

static void add_run(struct sched *s, struct seq *q, int n)
{
    struct step *t = &s->step;
    memcpy(s->token + t->n_rows, q->token + q->n_kv, (size_t)n * sizeof *s->token);
    s->run_seq[t->n_runs] = q;
    s->run[t->n_runs++] = (struct seq_run){ .first_row = t->n_rows, .n_rows = n, .pos = q->n_kv, .page = q->page };
    t->n_rows += n;
    if (q->n_kv + n == q->n_token) {                                                /* its last token is among the rows: it draws */
        s->out_row[t->n_out] = t->n_rows - 1;
        s->out_seq[t->n_out++] = q;
    }
}

bool sched_next(struct sched *s)
{
    grow(s);
    admit(s);
    s->step = (struct step){ .token = s->token, .run = s->run, .out_row = s->out_row };
    /* decoding first: a long prompt fills what is left of the step and never holds an answer up */
    for (int prompts = 0; prompts <= 1; prompts++) {
        for (int i = 0; i < s->running.n; i++) {
            struct seq *q = s->running.at[i];
            int rows = q->n_token - q->n_kv, left = s->max_rows - s->step.n_rows;
            if (prompts == (rows > 1) && left > 0)
                add_run(s, q, rows < left ? rows : left);
        }
    }
    return s->step.n_rows > 0;
}

void sched_computed(struct sched *s)
{
    for (int i = 0; i < s->step.n_runs; i++)
        s->run_seq[i]->n_kv += s->run[i].n_rows;
}
