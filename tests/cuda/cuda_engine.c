/* cuda_engine.c - the engine on the CUDA executor: requests draw the same tokens one at a time and together, with a cache that is too small
 * for all (some are preempted and computed again), in steps of few rows, with prompts that begin alike computed once or each whole. */
#include "golden_source.h"
#include "side.h"

#include "mtbench/engine.h"
#include "mtbench/mem.h"

enum { REQUESTS = 6, VOCAB = 96, LONG = 200, MAX_NEW = 70, ROWS = 64 };

struct way {
    const char *what;
    int batch, rows, pages;           /* pages of the cache; 0: as many as are of use */
    bool whole;                       /* no part of a prompt is taken from another's */
};

struct drawn { int n[REQUESTS]; int32_t token[REQUESTS][MAX_NEW]; };

static int n_new(int i)
{
    return side_looked_at() ? 12 : MAX_NEW - i;
}

/* All begin alike for more than a page; what follows differs. */
static int prompt_of(int i, int32_t prompt[LONG])
{
    const int n = 70 + 9 * i;
    for (int k = 0; k < n; k++)
        prompt[k] = 3 + (k < 66 ? k * 37 + 11 : k * 29 + 17 * i) % (VOCAB - 3);
    return n;
}

static void answer(struct engine *e, struct drawn *d)
{
    struct err err = { 0 };
    int32_t prompt[LONG];
    for (int i = 0; i < REQUESTS; i++) {
        const struct request r = { .tag = (uint64_t)i, .prompt = prompt, .n_prompt = prompt_of(i, prompt), .max_new = n_new(i),
                                   .how = { .temperature = i % 2 ? 0.9f : 0, .top_p = 0.95f, .repetition_penalty = i == 3 ? 1.2f : 1,
                                            .key = { 7, (uint32_t)i } } };
        if (engine_submit(e, &r, &err) < 0)
            printf("# %s\n", err.text);
    }
    while (engine_step(e, &err) > 0)
        continue;
    for (const struct completion *c; (c = engine_collect(e)); engine_release(e, c)) {
        d->n[c->tag] = c->n_token;
        memcpy(d->token[c->tag], c->token, (size_t)c->n_token * sizeof *c->token);
    }
}

static struct model *open_model(const struct side *side, struct source *source, void **packed, struct err *err)
{
    struct model *m = model_open(source, side->ops, NULL, err);
    if (!m)
        return NULL;
    m->be = side->be;
    if ((*packed = side->ops->alloc(side->be, m->packed_bytes, err)))
        model_attach(m, *packed);
    return *packed && model_load(&m, 1, source, err) == 0 ? m : NULL;
}

/* All requests that way; what the engine counted. */
static struct engine_stats run(const struct side *side, struct model *m, const struct way *w, struct drawn *d)
{
    struct err err = { 0 };
    const size_t page = side->ops->kv_page_bytes(m->config.n_layers, m->local.n_kv, m->config.head_dim);
    struct team *team = team_create(&(struct team_opts){ .member = &m, .n = 1 }, &err);
    const struct engine_opts o = { .max_batch = w->batch, .max_rows = w->rows, .max_tokens = 256, .no_reuse = w->whole,
                                   .kv_bytes = (size_t)w->pages * page, .n_requests = REQUESTS };
    struct engine *e = engine_create(team, &o, &err);
    struct engine_stats stats = { 0 };
    *d = (struct drawn){ 0 };
    if (e) {
        answer(e, d);
        stats = engine_stats(e);
    } else
        printf("# %s\n", err.text);
    engine_destroy(e);
    team_destroy(team);
    return stats;
}

static void check(const char *name)
{
    static const struct way ways[] = {
        { "one at a time, each prompt whole", 1, ROWS, 0, true },
        { "together", REQUESTS, ROWS, 0, false },
        { "together, each prompt whole", REQUESTS, ROWS, 0, true },
        { "in steps of 7 rows", REQUESTS, 7, 0, false },
        { "with 6 pages", REQUESTS, ROWS, 6, false },
    };
    static struct drawn want, have;
    struct err err = { 0 };
    struct source *source = golden_source(name, &err);
    struct side side = side_open(executor_find("cuda"));
    void *packed = NULL;
    struct model *m = source ? open_model(&side, source, &packed, &err) : NULL;
    ok(m != NULL, "%s: %s", name, m ? "loaded" : err.text);
    for (size_t i = 0; m && i < sizeof ways / sizeof *ways; i++) {
        const struct engine_stats s = run(&side, m, &ways[i], i ? &have : &want);
        bool all = true;
        for (int r = 0; r < REQUESTS; r++)
            all &= (i ? have : want).n[r] == n_new(r);
        ok(all && (!i || !memcmp(&want, &have, sizeof want)) && !*side_report(), "%s: %s: the same tokens%s", name, ways[i].what,
           side_report());
        ok((s.reused_tokens > 0) == !ways[i].whole && (s.preemptions > 0) == (ways[i].pages && !side_looked_at()),
           "%s: %s: %llu tokens of prompts taken from others, %llu preempted", name, ways[i].what, (unsigned long long)s.reused_tokens,
           (unsigned long long)s.preemptions);
    }
    if (m) {
        side_drop(&side, packed, m->packed_bytes);
        model_close(m);
    }
    side_close(&side);
    source_files_close(source);
    side_reset();
}

int main(void)
{
    check("llama_gqa_tied");
    check("mistral_window");
    return done_testing();
}
