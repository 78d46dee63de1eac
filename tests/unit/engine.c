/* engine.c - the scheduler over a fake model. Its "K and V" of a position are a hash of all tokens up to there, its logits a hash of
 * all that the page table leads to, and its draws a hash of logits, key, counter and penalty bits: a wrong page, position, copy or
 * counter changes an answer. Expected answers come from a loop over one sequence that knows nothing of pages. */
#include "allocations.h"
#include "mtbench/watch.h"
#include "tap.h"

#include "mtbench/mem.h"
#include "src/engine/sched.h"

#include <stdlib.h>
#include <string.h>

enum { VOCAB = 61, CONTEXT = 512, MAX_TOKENS = 400, LEAST_PAGES = (MAX_TOKENS + KV_PAGE - 1) / KV_PAGE };

/* ---- the fake model: it replaces model/forward.c and the model's rope table ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15ull)) * 0xff51afd7ed558ccdull;
    x = (x ^ (x >> 32)) * 0xc4ceb9fe1a85ec53ull;
    return x ^ (x >> 29);
}

static uint64_t kv_of(uint64_t before, int pos, int32_t token)
{
    return mix(mix(before, (uint64_t)pos), (uint64_t)token) | 1;
}

static void logits_of(float *logits, uint64_t sum)
{
    for (int j = 0; j < VOCAB; j++)
        logits[j] = (float)(mix(sum, (uint64_t)j) >> 40) / 16777216.0f;
}

static int32_t draw_of(const float *logits, const struct sampling *how)
{
    uint64_t stream = mix(mix(how->key[0], how->key[1]), mix(mix(how->counter[0], how->counter[1]), mix(how->counter[2], how->counter[3])));
    float best = -100.0f;
    int32_t token = -1;
    for (int j = 0; j < VOCAB; j++) {
        bool seen = how->seen && how->seen[j / 64] >> (j % 64) & 1;
        float x =
            logits[j] + how->temperature * (float)(mix(stream, (uint64_t)j) >> 40) / 16777216.0f - (seen ? how->repetition_penalty : 0.0f);
        if (x > best) {
            best = x;
            token = j;
        }
    }
    return token;
}

struct forward { float *logits; int max_rows, max_out; bool (*interrupted)(void *ctx); void *ctx; };
static bool refuse_alloc, bad_step;
static int fail_draw;             /* the draw of this step from now on fails; 0: none */

int model_rope(struct model *m, int n_positions, struct err *err)
{
    (void)m;
    (void)err;
    return n_positions > CONTEXT;
}

size_t forward_bytes(const struct model *m, int max_rows, int max_out)
{
    (void)m;
    return (size_t)max_rows * 1000 + (size_t)max_out * VOCAB * 4;
}

struct forward *forward_create(const struct model *m, struct comm *comm, int max_rows, int max_out, struct err *err)
{
    (void)m;
    (void)comm;
    (void)err;
    struct forward *f = xcalloc(1, sizeof *f);
    *f = (struct forward){ .logits = xcalloc((size_t)max_out * VOCAB, sizeof(float)), .max_rows = max_rows, .max_out = max_out };
    return f;
}

void forward_destroy(struct forward *f)
{
    if (f)
        free(f->logits);
    free(f);
}

void forward_ask(struct forward *f, bool (*interrupted)(void *ctx), void *ctx)
{
    f->interrupted = interrupted;
    f->ctx = ctx;
}

static size_t fake_page_bytes(int n_layers, int n_kv, int head_dim)
{
    return (size_t)(n_layers * n_kv * head_dim * KV_PAGE) * sizeof(uint32_t);
}

static uint64_t *cell(const struct kv_view *kv, const struct seq_run *run, int pos)
{
    char *base = kv->base;
    return (uint64_t *)(void *)(base + (size_t)run->page[pos / KV_PAGE] * fake_page_bytes(kv->n_layers, kv->n_kv, kv->head_dim)) +
           pos % KV_PAGE;
}

/* Like the real one: all rows write, then all rows read. */
float *forward_step(struct forward *f, const struct kv_view *kv, const struct step *s)
{
    const int32_t *out_row = s->out_row;
    const int n_out = s->n_out;
    int row = 0, out = 0;
    bad_step |= s->n_rows < 1 || s->n_rows > f->max_rows || n_out > f->max_out;
    for (int i = 0; i < s->n_runs; i++) {
        const struct seq_run *run = &s->run[i];
        bad_step |= run->first_row != row || run->n_rows < 1;
        for (int k = 0; k < run->n_rows; k++, row++) {
            int p = run->pos + k;
            *cell(kv, run, p) = kv_of(p > 0 ? *cell(kv, run, p - 1) : 0, p, s->token[row]);
        }
    }
    if (f->interrupted && f->interrupted(f->ctx)) {
        for (int i = 0; i < s->n_runs; i++)
            for (int k = 0; k < s->run[i].n_rows; k++)
                *cell(kv, &s->run[i], s->run[i].pos + k) = 666;
        return NULL;
    }
    bad_step |= row != s->n_rows;
    for (int i = 0; i < s->n_runs; i++) {
        const struct seq_run *run = &s->run[i];
        int last = run->first_row + run->n_rows - 1;
        for (; out < n_out && out_row[out] <= last; out++) {
            uint64_t sum = 0;
            for (int p = 0; p <= run->pos + out_row[out] - run->first_row; p++)
                sum += mix(*cell(kv, run, p), (uint64_t)p);
            logits_of(f->logits + (size_t)out * VOCAB, sum);
        }
    }
    bad_step |= out != n_out;
    return f->logits;
}

/* Requests with this key get logits that are no numbers; then the fault is said to lie in layer 'pos' of the first row looked at. */
enum { POISON = 666 };

bool forward_find_fault(struct forward *f, const struct kv_view *kv, const struct step *s, struct forward_fault *fault)
{
    forward_step(f, kv, s);
    *fault = (struct forward_fault){ s->run[0].pos == 0 ? 3 : 2, PART_ATTENTION };
    return true;
}

static void *fake_alloc(struct backend *be, size_t bytes, struct err *err)
{
    (void)be;
    if (refuse_alloc)
        err_set(err, ERR_MEMORY, "memory: none");
    return refuse_alloc ? NULL : calloc(1, bytes);
}

static void fake_release(struct backend *be, void *p, size_t bytes)
{
    (void)be;
    (void)bytes;
    free(p);
}

static void fake_copy(struct backend *be, void *dst, const void *src, size_t bytes)
{
    (void)be;
    memcpy(dst, src, bytes);
}

int forward_draw(struct forward *f, const struct step *s, int32_t *token, struct err *err)
{
    if (fail_draw && --fail_draw == 0)
        return err_set(err, ERR_DEVICE, "the device is lost");
    for (int i = 0; i < s->n_out; i++) {
        const struct sampling *how = &s->how[i];
        token[i] = how->key[0] == POISON && how->counter[3] == 2 ? -1 : draw_of(f->logits + (size_t)i * VOCAB, how);
    }
    return 0;
}

static const struct ops fake_ops = {
    .name = "fake", .synchronous = true, .alloc = fake_alloc, .release = fake_release, .copy = fake_copy, .download = fake_copy,
    .kv_page_bytes = fake_page_bytes,
};
static struct model model = {
    .config = { .n_layers = 1, .n_kv = 1, .head_dim = 16, .n_vocab = VOCAB, .context = CONTEXT,
                .rope = { .dims = 16 } }, .local = { .n_kv = 1 }, .share = { 0, 1 },
    .ops = &fake_ops, .packed_bytes = 12345,
};

/* ---- the engine over a team of this one member ---- */

static struct team *team;
static bool (*stop)(void *ctx);
static void *stop_ctx;

static struct team *one_member(void)
{
    struct model *const member[] = { &model };
    team_destroy(team);
    return team = team_create(&(struct team_opts){ .member = member, .n = 1, .interrupted = stop, .interrupt_ctx = stop_ctx }, NULL);
}

/* ---- what must come out ---- */

struct answer {
    int32_t token[MAX_TOKENS];
    int n;
    enum finish finish;
};

/* The test's stop string: two tokens in a row that differ by one, found by the caller. */
static bool stop_string(const int32_t *t, int n)
{
    return n >= 2 && t[n - 1] == t[n - 2] + 1;
}

static void expect(struct answer *a, const struct request *r, bool strings)
{
    uint64_t state = 0, sum = 0, seen[1] = { 0 };
    float logits[VOCAB];
    int n = 0;
    *a = (struct answer){ 0 };
    for (int32_t next = r->prompt[0]; a->finish == FINISH_NONE;) {
        seen[0] |= 1ull << next;
        state = kv_of(state, n, next);
        sum += mix(state, (uint64_t)n);
        if (++n < r->n_prompt) {
            next = r->prompt[n];
            continue;
        }
        struct sampling how = r->how;
        how.counter[3] = (uint32_t)a->n;
        how.seen = how.repetition_penalty != 1.0f ? seen : NULL;
        logits_of(logits, sum);
        next = draw_of(logits, &how);
        for (int i = 0; i < r->n_stop; i++)
            if (next == r->stop_id[i])
                a->finish = FINISH_STOP;
        if (a->finish == FINISH_STOP)
            break;
        a->token[a->n++] = next;
        if (a->n == r->max_new)
            a->finish = FINISH_LENGTH;
        else if (n + 1 == MAX_TOKENS)
            a->finish = FINISH_CONTEXT;
        if (strings && stop_string(a->token, a->n)) {
            a->n -= 2;
            a->finish = FINISH_STOP;
        }
    }
}

/* ---- the requests: questions of two turns in three families of common beginnings ---- */

enum { QUESTIONS = 80 };

struct question {
    int32_t prompt[2][MAX_TOKENS];
    struct request turn[2];
    struct answer answer[2];
    int32_t stop[2][2];
    bool strings;
};

static struct question question[QUESTIONS];

static uint32_t rnd(uint64_t *state, uint32_t n)
{
    *state = mix(*state, 7);
    return (uint32_t)(*state >> 33) % n;
}

static void make_turn(struct question *q, int i, int turn, uint64_t *rng)
{
    static const int family[] = { 25, 64, 150 };
    int32_t *p = q->prompt[turn];
    int n = 0;
    for (; turn == 0 && n < family[i % 3]; n++)
        p[n] = (int32_t)(mix((uint64_t)n, (uint64_t)(i % 3)) % VOCAB);
    for (int k = 0; turn == 1 && k < q->turn[0].n_prompt; k++)
        p[n++] = q->prompt[0][k];
    for (int k = 0; turn == 1 && k < q->answer[0].n && n < MAX_TOKENS - 1; k++)
        p[n++] = q->answer[0].token[k];
    for (int k = 1 + (int)rnd(rng, i % 7 ? 30 : 90); k > 0 && n < MAX_TOKENS - 1; k--)
        p[n++] = (int32_t)rnd(rng, VOCAB);
    q->turn[turn] = (struct request){
        .tag = (uint64_t)(2 * i + turn),
        .prompt = p,
        .n_prompt = n,
        .max_new = i % 5 ? 1 + (int)rnd(rng, 90) : MAX_TOKENS,
        .n_stop = i % 4 ? 2 : 0,
        .stop_id = q->stop[turn],
        .how = {.temperature = i % 2 ? 0.7f : 0.0f,
                .top_p = 1.0f,
                .repetition_penalty = i % 3 == 1 ? 0.5f : 1.0f,
                .key = {1, 2},
                .counter = {(uint32_t)i, 0, (uint32_t)turn, 99}},
    };
    q->stop[turn][0] = 3;
    q->stop[turn][1] = (int32_t)rnd(rng, VOCAB);
    q->strings = i % 6 == 1;
    expect(&q->answer[turn], &q->turn[turn], q->strings);
}

static void make_questions(void)
{
    uint64_t rng = 42;
    for (int i = 0; i < QUESTIONS; i++)
        for (int turn = 0; turn < 2; turn++)
            make_turn(&question[i], i, turn, &rng);
}

/* ---- the engine's books, recounted ---- */

struct engine_head { const struct model_config *config; struct team *team; struct sched sched; };

static bool books_balance(struct engine *e)
{
    const struct sched *s = &((struct engine_head *)e)->sched;
    const struct kv *kv = &s->kv;
    int *ref = xcalloc((size_t)kv->n_pages, sizeof *ref), *pin = xcalloc((size_t)kv->n_pages, sizeof *pin), n_pinned = 0, n_held = 0;
    bool good = s->running.n <= s->max_batch;
    for (int i = 0; i < s->n_seq; i++) {
        const struct seq *q = &s->seq[i];
        for (int k = 0; k < q->n_pages; k++) {
            ref[q->page[k]]++;
            pin[q->page[k]] += q->state == SEQ_RUNNING;
        }
        good &= q->n_kv <= q->n_token && q->n_pages >= kv_pages_for(q->n_kv) && (q->state != SEQ_FREE || (!q->n_pages && !q->token));
        good &= q->state != SEQ_CACHED || q->n_pages > 0;
        good &= (q->state == SEQ_RUNNING && q->req.how.repetition_penalty != 1.0f) == (q->seen != NULL);
    }
    for (int i = 0; i < s->running.n; i++)      /* who writes to a page has it alone */
        for (const struct seq *q = s->running.at[i]; q && q->n_kv / KV_PAGE < q->n_pages; q = NULL)
            good &= ref[q->page[q->n_kv / KV_PAGE]] == 1;
    for (int i = 0; i < kv->n_pages; i++) {
        good &= ref[i] == kv->ref[i] && pin[i] == kv->pin[i];
        n_pinned += pin[i] > 0;
        n_held += ref[i] > 0;
    }
    good &= n_pinned == kv->n_pinned && n_held == kv->n_pages - kv->n_free;
    free(ref);
    free(pin);
    return good;
}

/* ---- the driver: what room 'answer' will do ---- */

struct result {
    int wrong, answered, reused;
    long allocations;                     /* by the engine */
    bool books;
    struct engine_stats stats;
};

static bool right(const struct completion *c, const struct answer *a)
{
    return c->finish == a->finish && c->n_token == a->n && !memcmp(c->token, a->token, (size_t)a->n * sizeof *a->token);
}

static void look_for_strings(struct engine *e, const int *live, int n_live)
{
    for (int i = 0; i < n_live; i++) {
        int n = 0;
        const int32_t *t = engine_peek(e, (uint64_t)live[i], &n);
        if (t && question[live[i] / 2].strings && stop_string(t, n))
            engine_stop(e, (uint64_t)live[i], n - 2);
    }
}

static struct result drive(const struct engine_opts *o, int n_questions, uint64_t shuffle)
{
    struct result r = { .books = true };
    struct err err = { 0 };
    struct engine *e = engine_create(one_member(), o, &err);
    int order[QUESTIONS], live[QUESTIONS], n_live = 0, next = 0, width = o->n_requests ? o->n_requests : 4 * o->max_batch;
    for (int i = 0; i < n_questions; i++) {
        int k = shuffle ? (int)rnd(&shuffle, (uint32_t)i + 1) : i;
        order[i] = order[k];
        order[k] = i;
    }
    for (int busy = 1; e && (busy || n_live || next < n_questions); ) {
        for (; next < n_questions && n_live < width; next++) {
            live[n_live++] = 2 * order[next];
            r.wrong += engine_submit(e, &question[order[next]].turn[0], &err) != 0;
        }
        long before = n_allocations;
        busy = engine_step(e, NULL);
        r.allocations += n_allocations - before;
        r.books &= books_balance(e);
        before = n_allocations;
        look_for_strings(e, live, n_live);
        for (const struct completion *c; (c = engine_collect(e));) {
            int tag = (int)c->tag, at = 0;
            struct question *q = &question[tag / 2];
            r.wrong += !right(c, &q->answer[tag % 2]) || c->n_prompt != q->turn[tag % 2].n_prompt;
            r.reused += c->n_reused;
            r.answered++;
            engine_release(e, c);
            while (live[at] != tag)
                at++;
            live[at] = live[--n_live];
            if (tag % 2 == 0) {
                live[n_live++] = tag + 1;
                r.wrong += engine_submit(e, &q->turn[1], &err) != 0;
            }
        }
        r.allocations += n_allocations - before;
        r.books &= books_balance(e);
    }
    if (e)
        r.stats = engine_stats(e);
    engine_destroy(e);
    return r;
}

static uint64_t page_budget(int pages)
{
    return (uint64_t)pages * fake_page_bytes(1, 1, 16);
}

static void test_layouts(void)
{
    static const struct { int batch, rows, pages, requests, questions; uint64_t shuffle; bool no_reuse; } table[] = {
        { 1, 1, LEAST_PAGES, 1, 12, 0, true },     { 1, 256, LEAST_PAGES, 1, 40, 0, false },    { 1, 64, 100, 4, 40, 5, false },
        { 2, 2, LEAST_PAGES, 0, 40, 0, false },    { 3, 7, LEAST_PAGES, 20, 40, 1, false },     { 8, 256, LEAST_PAGES, 0, 80, 2, false },
        { 8, 8, LEAST_PAGES + 1, 0, 80, 3, true }, { 8, 64, 12, 0, 80, 4, true },               { 8, 33, 20, 0, 80, 5, false },
        { 16, 16, 30, 16, 80, 6, false },          { 33, 50, 40, 0, 80, 7, false },             { 80, 1, 100, 0, 20, 8, false },
        { 80, 79, 100, 0, 80, 9, false },          { 80, 256, LEAST_PAGES, 0, 80, 10, false },  { 80, 256, 60, 0, 80, 0, true },
        { 80, 256, 60, 0, 80, 0, false },          { 80, 256, 0, 0, 80, 11, false },            { 80, 256, 0, 0, 80, 0, true },
        { 80, 100, 0, 80, 80, 12, false },         { 79, 3, 0, 0, 30, 0, false },               { 1024, 1024, 90, 0, 80, 13, false },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct engine_opts o = { .max_batch = table[i].batch, .max_rows = table[i].rows, .max_tokens = MAX_TOKENS,
                                 .kv_bytes = page_budget(table[i].pages), .n_requests = table[i].requests, .no_reuse = table[i].no_reuse };
        struct result r = drive(&o, table[i].questions, table[i].shuffle);
        ok(r.wrong == 0 && r.answered == 2 * table[i].questions && !bad_step,
           "same answers: batch %d, rows %d, pages %d, %d alive, order %d, %s (%llu steps, %llu preemptions, %llu of %llu prompt tokens "
           "reused)",
           o.max_batch, o.max_rows, r.stats.pages_total, o.n_requests, (int)table[i].shuffle, o.no_reuse ? "no reuse" : "reuse",
           (unsigned long long)r.stats.steps, (unsigned long long)r.stats.preemptions, (unsigned long long)r.stats.reused_tokens,
           (unsigned long long)r.stats.prompt_tokens);
        ok(r.books && r.stats.live == 0 && r.stats.pages_running == 0, "books balance after every step");
        ok(r.allocations == 0, "submitting, stepping, collecting: %ld allocations", r.allocations);
        ok(o.no_reuse ? r.reused == 0 && r.stats.pages_cached == 0 : r.reused > 0, "%d tokens reused", r.reused);
        if (!o.no_reuse && table[i].pages == 0)
            ok(r.stats.rows == r.stats.prompt_tokens - r.stats.reused_tokens + r.stats.new_tokens - 2u * (unsigned)table[i].questions,
               "with room for all, each token is computed once");
    }
}

static bool now_and_then(void *ctx)
{
    int *n = ctx;
    return (*n)++ % 3 != 0;
}

static bool at_once(void *ctx)
{
    (void)ctx;
    return true;
}

static void test_interruption(void)
{
    int n = 0;
    struct engine_opts o = { .max_batch = 40, .max_rows = 64, .max_tokens = MAX_TOKENS, .kv_bytes = page_budget(40) };
    stop = now_and_then, stop_ctx = &n;
    struct result r = drive(&o, 80, 4);
    ok(r.wrong == 0 && r.answered == 160 && r.books && n > 2 * (int)r.stats.steps, "two steps of three are interrupted: same answers");
    stop = at_once;
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct err err = { 0 };
    float logits[VOCAB];
    engine_submit(e, &question[0].turn[0], NULL);
    ok(engine_step(e, NULL) == 1 && engine_stats(e).steps == 0 && books_balance(e), "an interrupted step has not happened");
    ok(engine_logits(e, question[1].turn[0].prompt, 3, logits, &err) == -1 && err.kind == ERR_CANCELLED && books_balance(e), "%s",
       err.text);
    engine_destroy(e);
    stop = NULL;
}

static void test_preemption_happens(void)
{
    struct engine_opts o = {
        .max_batch = 40, .max_rows = 256, .max_tokens = MAX_TOKENS, .kv_bytes = page_budget(LEAST_PAGES), .no_reuse = true};
    ok(drive(&o, 80, 0).stats.preemptions > 5, "a budget of one sequence forces preemption");
}

/* Eighty prompts that begin alike: the beginning is computed once although all come at the same time. */
static void test_common_beginning(void)
{
    enum { N = 40, COMMON = 100 };
    struct engine_opts o = { .max_batch = N, .max_tokens = MAX_TOKENS, .n_requests = N };
    struct engine *e = engine_create(one_member(), &o, NULL);
    int32_t prompt[COMMON + 2] = { 0 };
    for (int i = 0; i < COMMON; i++)
        prompt[i] = i % 50;
    for (int i = 0; i < N; i++) {
        prompt[COMMON] = i;
        engine_submit(e, &(struct request){ .tag = (uint64_t)i, .prompt = prompt, .n_prompt = COMMON + 2, .max_new = 3,
                                            .how = { .repetition_penalty = 1.0f } }, NULL);
    }
    engine_step(e, NULL);
    ok(engine_stats(e).rows == COMMON + 2 && engine_stats(e).waiting == N - 1, "the others wait for the first");
    engine_step(e, NULL);
    ok(engine_stats(e).reused_tokens == (N - 1) * COMMON && engine_stats(e).waiting == 0, "then all start from its pages");
    ok(engine_stats(e).pages_running == 1 + N, "the full page is one page for all, the other is copied");
    engine_destroy(e);
}

static void test_follow_up(void)
{
    struct engine_opts o = { .max_batch = 2, .max_tokens = MAX_TOKENS };
    struct engine *e = engine_create(one_member(), &o, NULL);
    const struct question *q = &question[5];
    engine_submit(e, &q->turn[0], NULL);
    while (engine_step(e, NULL) > 0)
        continue;
    engine_release(e, engine_collect(e));
    engine_submit(e, &q->turn[1], NULL);
    while (engine_step(e, NULL) > 0)
        continue;
    const struct completion *c = engine_collect(e);
    int most = q->turn[0].n_prompt + q->answer[0].n;
    ok(c && right(c, &q->answer[1]) && c->n_reused >= most - 1, "turn 2 starts from turn 1: %d of %d tokens", c ? c->n_reused : -1, most);
    engine_destroy(e);
}

static void test_stop_and_cancel(void)
{
    struct engine_opts o = { .max_batch = 4, .max_tokens = MAX_TOKENS, .n_requests = 8 };
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct request r = question[0].turn[0];
    struct answer a;
    int n = 0;
    r.max_new = 30;
    r.n_stop = 0;
    expect(&a, &r, false);
    for (r.tag = 100; r.tag < 106; r.tag++)
        engine_submit(e, &r, NULL);
    ok(!engine_peek(e, 7, &n), "no such request");
    ok(engine_peek(e, 105, &n) && n == 0, "a waiting request has nothing to show");
    for (int i = 0; i < 12; i++)
        engine_step(e, NULL);
    const int32_t *t = engine_peek(e, 100, &n);
    ok(t && n >= 10 && !memcmp(t, a.token, (size_t)n * sizeof *t), "%d tokens to look at", n);
    engine_stop(e, 100, 4);
    engine_stop(e, 101, 1000);
    engine_stop(e, 105, 3);
    engine_stop(e, 7, 0);
    ok(engine_peek(e, 100, &n) && n == 4, "cut to 4 and still there");
    const struct completion *c = engine_collect(e), *d = engine_collect(e), *f = engine_collect(e);
    ok(c && c->tag == 100 && c->finish == FINISH_STOP && c->n_token == 4 && !memcmp(c->token, a.token, 4 * sizeof *t), "stopped, 4 kept");
    ok(d && d->tag == 101 && d->finish == FINISH_STOP && d->n_token >= 9, "stopped, all kept");
    ok(f && f->tag == 105 && f->finish == FINISH_STOP && f->n_token == 0, "stopped before it ran");
    ok(!engine_collect(e) && !engine_peek(e, 100, &n), "nothing else has ended, what was collected is gone");
    engine_release(e, c);
    engine_release(e, d);
    engine_release(e, f);
    ok(books_balance(e), "books balance");
    engine_cancel(e);
    ok(engine_step(e, NULL) == 0, "after a cancel nothing is live");
    int cancelled = 0;
    while ((c = engine_collect(e))) {
        cancelled += c->finish == FINISH_CANCELLED && !memcmp(c->token, a.token, (size_t)c->n_token * sizeof *t);
        engine_release(e, c);
    }
    ok(cancelled == 3 && books_balance(e), "three were cancelled, with what they had");
    r.tag = 100;
    ok(engine_submit(e, &r, NULL) == 0, "a name may be used again");
    while (engine_step(e, NULL) > 0)
        continue;
    c = engine_collect(e);
    engine_stop(e, 100, 1);
    ok(c && right(c, &a), "and a stop after the collection does nothing");
    engine_destroy(e);
}

/* The answer ended by its length in the very step that completed a stop string. */
static void test_stop_after_end(void)
{
    struct engine_opts o = { .max_batch = 1, .max_tokens = MAX_TOKENS };
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct request r = question[0].turn[0];
    r.max_new = 5;
    r.n_stop = 0;
    engine_submit(e, &r, NULL);
    while (engine_step(e, NULL) > 0)
        continue;
    engine_stop(e, r.tag, 3);
    const struct completion *c = engine_collect(e);
    ok(c && c->finish == FINISH_STOP && c->n_token == 3, "an ended request can be cut until it is collected");
    engine_destroy(e);
}

static void test_logits(void)
{
    struct engine_opts o = { .max_batch = 2, .max_rows = 16, .max_tokens = MAX_TOKENS };
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct request r = question[2].turn[0];
    float logits[VOCAB], again[VOCAB], want[VOCAB];
    uint64_t state = 0, sum = 0;
    struct err err = { 0 };
    for (int i = 0; i < r.n_prompt; i++) {
        state = kv_of(state, i, r.prompt[i]);
        sum += mix(state, (uint64_t)i);
    }
    logits_of(want, sum);
    engine_submit(e, &r, NULL);
    ok(engine_logits(e, r.prompt, r.n_prompt, logits, &err) == 0 && !memcmp(logits, want, sizeof want), "logits of the last position");
    ok(engine_logits(e, r.prompt, r.n_prompt, again, &err) == 0 && !memcmp(again, want, sizeof want), "and again, from the cache");
    while (engine_step(e, NULL) > 0)
        continue;
    const struct completion *c = engine_collect(e);
    ok(c && right(c, &question[2].answer[0]), "a live request is not disturbed");
    ok(!engine_collect(e) && books_balance(e), "and nothing else is left");
    ok(engine_logits(e, r.prompt, 0, logits, &err) == -1 && err.kind == ERR_USAGE, "%s", err.text);
    engine_destroy(e);
}

static void test_pace(void)
{
    static const struct { int rows, tokens, tries; } table[] = { { 16, MAX_TOKENS, 2 }, { 4, MAX_TOKENS, 3 }, { 16, 2, 1 } };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct engine_opts o = { .max_batch = 2, .max_rows = table[i].rows, .max_tokens = table[i].tokens };
        struct engine *e = engine_create(one_member(), &o, NULL);
        double step = -1, row = -1;
        struct err err = { 0 };
        watch_start(NULL, 0);
        atomic_store(&watch_own()->moved, 0);
        const int most = table[i].tokens - 1 < table[i].rows ? table[i].tokens - 1 : table[i].rows, rows = most < 8 ? most : 8;
        const bool told = engine_pace(e, table[i].tries, 8, &step, &row, &err) == 0 && step >= 0 && row >= 0 && step + row > 0;
        const struct engine_stats s = engine_stats(e);
        ok(told && s.steps == 2 * (uint64_t)table[i].tries && s.rows == (uint64_t)(table[i].tries * (1 + rows)),
           "pace: steps of 1 and %d rows, each computed whole (%llu rows)", rows, (unsigned long long)s.rows);
        ok(!engine_collect(e) && books_balance(e) && s.prompt_tokens == 0 && atomic_load(&watch_own()->moved) > 0,
           "and nobody sees them but the watchdog");
        engine_destroy(e);
    }
    stop = at_once;
    struct engine *e = engine_create(one_member(), &(struct engine_opts){ .max_batch = 2, .max_rows = 16, .max_tokens = MAX_TOKENS }, NULL);
    double step = -1, row = -1;
    struct err err = { 0 };
    ok(engine_pace(e, 2, 8, &step, &row, &err) == 0 && step == 0 && row == 0 && books_balance(e) && !*err.text,
       "interrupted: not measured, and nothing to tell");
    engine_destroy(e);
    stop = NULL;
}

/* Nobody else is heard meanwhile, so logits wait for the prompt that is being read, and not for all those of a full engine. */
static void test_logits_first(void)
{
    enum { ROWS = 4, OTHERS = 6 };
    struct engine_opts o = { .max_batch = OTHERS + 1, .max_rows = ROWS, .max_tokens = MAX_TOKENS };
    struct engine *e = engine_create(one_member(), &o, NULL);
    float logits[VOCAB];
    int unread = 0;
    for (int i = 0; i < OTHERS; i++) {
        engine_submit(e, &question[i].turn[0], NULL);
        unread += question[i].turn[0].n_prompt;
    }
    engine_step(e, NULL);
    const struct request *r = &question[OTHERS].turn[0];
    uint64_t before = engine_stats(e).steps;
    int rc = engine_logits(e, r->prompt, r->n_prompt, logits, NULL), most = (r->n_prompt + question[0].turn[0].n_prompt) / ROWS + 3;
    uint64_t steps = engine_stats(e).steps - before;
    ok(rc == 0 && unread / ROWS > most && steps <= (uint64_t)most, "logits of %d tokens after %d steps, while %d tokens of others wait",
       r->n_prompt, (int)steps, unread);
    engine_destroy(e);
}

/* An executor that fails: the step says so and has not happened, what ended before it is there to be collected. */
static void test_lost_device(void)
{
    struct engine_opts o = { .max_batch = 2, .max_tokens = MAX_TOKENS, .max_rows = 64 };
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct request r = question[2].turn[0], s = question[3].turn[0];
    struct err err = { 0 };
    r.tag = 1, r.n_stop = 0, r.max_new = 1;
    s.tag = 2, s.n_stop = 0, s.max_new = 9;
    engine_submit(e, &r, NULL);
    engine_submit(e, &s, NULL);
    while (engine_stats(e).new_tokens < 2)
        engine_step(e, NULL);
    const struct engine_stats before = engine_stats(e);
    fail_draw = 1;
    ok(engine_step(e, &err) == -1 && err.kind == ERR_DEVICE, "a step on a lost device: %s", err.text);
    ok(engine_stats(e).steps == before.steps && engine_stats(e).new_tokens == before.new_tokens && books_balance(e), "has not happened");
    const struct completion *c = engine_collect(e);
    ok(c && c->tag == 1 && c->finish == FINISH_LENGTH && c->n_token == 1, "what had ended is there");
    engine_release(e, c);
    engine_destroy(e);
}

/* A sequence whose logits are no numbers fails and says where; a stop that comes too late does not turn it into an answer; its neighbour
 * goes on. */
static void test_not_finite(void)
{
    struct engine_opts o = { .max_batch = 2, .max_tokens = MAX_TOKENS, .max_rows = 16 };
    struct engine *e = engine_create(one_member(), &o, NULL);
    struct request r = question[2].turn[0], s = question[3].turn[0];
    struct answer a;
    const struct completion *c;
    int failed = 0, right = 0;
    r.tag = 1, r.n_stop = 0, r.max_new = 9, r.how.key[0] = POISON;
    s.tag = 2, s.n_stop = 0, s.max_new = 9;
    expect(&a, &s, false);
    engine_submit(e, &r, NULL);
    engine_submit(e, &s, NULL);
    while (engine_step(e, NULL) > 0)
        continue;
    engine_stop(e, 1, 1);
    while ((c = engine_collect(e))) {
        failed += c->tag == 1 && c->finish == FINISH_NOT_FINITE && c->n_token == 2 && strstr(c->reason, "first in layer 2 (of 0 to") &&
                  strstr(c->reason, "attention");
        right +=
            c->tag == 2 && c->finish == FINISH_LENGTH && c->n_token == 9 && !c->reason && !memcmp(c->token, a.token, 9 * sizeof *a.token);
        engine_release(e, c);
    }
    ok(failed == 1, "it fails at the third token, in the earliest layer of all its rows");
    ok(right == 1, "and the other one has the answer that it has alone");
    engine_destroy(e);
}

static void test_submit_refusals(void)
{
    struct engine_opts o = { .max_batch = 1, .max_tokens = 10, .n_requests = 2 };
    struct engine *e = engine_create(one_member(), &o, NULL);
    static const int32_t good[10] = { 1, 2, 3 }, high[] = { 1, VOCAB }, low[] = { -1 };
    static const struct { const char *what; struct request r; } table[] = {
        { "empty", { .tag = 1, .prompt = good, .n_prompt = 0, .max_new = 1 } },
        { "no room", { .tag = 1, .prompt = good, .n_prompt = 10, .max_new = 1 } },
        { "no tokens wanted", { .tag = 1, .prompt = good, .n_prompt = 3, .max_new = 0 } },
        { "id too high", { .tag = 1, .prompt = high, .n_prompt = 2, .max_new = 1 } },
        { "negative id", { .tag = 1, .prompt = low, .n_prompt = 1, .max_new = 1 } },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err err = { 0 };
        ok(engine_submit(e, &table[i].r, &err) == -1 && err.kind == (strstr(err.text, "prompt token") ? ERR_MODEL : ERR_USAGE) &&
               strchr(err.text, ';'),
           "%s: %s", table[i].what, err.text);
    }
    struct request r = { .tag = 1, .prompt = good, .n_prompt = 9, .max_new = 99, .how = { .repetition_penalty = 1.0f } };
    struct err err = { 0 };
    ok(engine_submit(e, &r, &err) == 0, "nine of ten tokens");
    ok(engine_submit(e, &r, &err) == -1 && strstr(err.text, "request 1"), "%s", err.text);
    r.tag = 2;
    ok(engine_submit(e, &r, &err) == 0, "another name");
    r.tag = 3;
    ok(engine_submit(e, &r, &err) == -1 && strstr(err.text, "alive"), "%s", err.text);
    while (engine_step(e, NULL) > 0)
        continue;
    const struct completion *c = engine_collect(e);
    ok(c && c->finish == FINISH_CONTEXT && c->n_token == 1, "the context ends it");
    ok(engine_submit(e, &r, &err) == -1, "collected is still alive");
    engine_release(e, c);
    ok(engine_submit(e, &r, &err) == 0, "released is not");
    engine_destroy(e);
}

static void test_plan(void)
{
    const uint64_t page = page_budget(1), mb = 1000000;
    static const struct { const char *what; struct engine_opts o; enum err_kind kind; const char *says; } table[] = {
        { "no batch", { .max_batch = 0 }, ERR_USAGE, "--max-batch 0" },
        { "batch too large", { .max_batch = 1025 }, ERR_USAGE, "--max-batch 1025" },
        { "negative rows", { .max_batch = 1, .max_rows = -1 }, ERR_USAGE, "-1 rows" },
        { "one token", { .max_batch = 1, .max_tokens = 1 }, ERR_USAGE, "sequences of 1 tokens" },
        { "beyond the context", { .max_batch = 1, .max_tokens = CONTEXT + 1 }, ERR_USAGE, "513" },
        { "negative requests", { .max_batch = 1, .n_requests = -3 }, ERR_USAGE, "-3 requests" },
        { "a page too few", { .max_batch = 1, .max_tokens = 400, .kv_bytes = 6 * 4096 + 4095 }, ERR_MEMORY, "400 tokens takes 0.0 MB" },
        { "more than there is", { .max_batch = 1, .kv_bytes = 3000000000u, .mem_available = 2000000000u }, ERR_MEMORY, "3.0 GB" },
        { "too little memory", { .max_batch = 1, .mem_available = 100000 }, ERR_MEMORY, "the budget is 0.0 MB" },
    };
    struct engine_plan p;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err err = { 0 };
        ok(engine_plan(one_member(), &table[i].o, &p, &err) == -1 && err.kind == table[i].kind && strstr(err.text, table[i].says) &&
               strchr(err.text, ';'),
           "%s: %s", table[i].what, err.text);
        ok(!engine_create(one_member(), &table[i].o, &err), "and nothing is created");
    }
    ok(engine_plan(one_member(), &(struct engine_opts){ .max_batch = 80 }, &p, NULL) == 0 && p.pages == 80 * 8 && p.max_tokens == CONTEXT &&
       p.max_rows == 256 && p.kv == 640 * page && p.kv_sequence == 8 * page && p.weights == 12345 &&
       p.rotations == CONTEXT * 16 * sizeof(float), "by default all sequences fit");
    ok(engine_plan(one_member(), &(struct engine_opts){.max_batch = 80, .max_rows = 20}, &p, NULL) == 0 && p.max_batch == 20,
       "a row for each that runs");
    ok(engine_plan(one_member(), &(struct engine_opts){.max_batch = 80, .mem_available = 3 * mb}, &p, NULL) == 0 && p.pages > 8 &&
           p.pages < 640 && p.kv + p.activations + p.rotations + p.other < 3 * mb,
       "less memory, fewer pages: %d", p.pages);
    ok(engine_plan(one_member(), &(struct engine_opts){.max_batch = 80, .kv_bytes = 9 * page}, &p, NULL) == 0 && p.pages == 9,
       "as many as asked for");
    struct err err = { 0 };
    refuse_alloc = true;
    ok(!engine_create(one_member(), &(struct engine_opts){ .max_batch = 80 }, &err) && err.kind == ERR_MEMORY, "%s", err.text);
    refuse_alloc = false;
    engine_destroy(NULL);
}

int main(void)
{
    make_questions();
    test_layouts();
    test_preemption_happens();
    test_interruption();
    test_common_beginning();
    test_follow_up();
    test_stop_and_cancel();
    test_stop_after_end();
    test_pace();
    test_logits();
    test_logits_first();
    test_lost_device();
    test_not_finite();
    test_submit_refusals();
    test_plan();
    team_destroy(team);
    return done_testing();
}
