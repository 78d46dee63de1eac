/* demo.c - the demo model against transformers: greedy answers to our smoke questions (tests/golden/make_demo.py made the golden: weights
 * dequantised, float32). All run together in the engine. An answer that differs must differ first where the two best logits nearly tie. */
#include "mtbench/rig.h"

#include "mtbench/feed.h"
#include "mtbench/io.h"
#include "mtbench/json.h"
#include "mtbench/mem.h"

#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX = 16 };
static const double near_tie = 0.02;     /* of logits whose spread is about 30: what an fp16 KV cache moves */
static const char model[] = "data/models/SmolLM2-135M-Instruct.Q4_1.gguf";

struct golden {
    cJSON *line[MAX];
    int n;
};

static void read_golden(struct golden *g)
{
    struct buf b = { 0 };
    struct err err = { 0 };
    ok(io_read("tests/golden/demo_greedy.jsonl", &b, &err) == 0, "the golden is there");
    for (char *p = b.data, *end; p && g->n < MAX && (end = strchr(p, '\n')); p = end + 1)
        if ((g->line[g->n] = json_parse(p, (size_t)(end - p), &err)))
            g->n++;
    ok(g->n >= 6, "%d answers", g->n);
    buf_free(&b);
}

static int32_t *numbers(const cJSON *list, int *n)
{
    int32_t *x = xcalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *x);
    const cJSON *j;
    *n = 0;
    cJSON_ArrayForEach(j, list)
        x[(*n)++] = (int32_t)j->valuedouble;
    return x;
}

/* The first turn of the question with this id, through template and tokenizer, gives transformers' ids. */
static void check_prompt(const struct rig *r, const struct questions *qs, int i, const int32_t *want, int n_want)
{
    struct prompt p = { 0 };
    struct err err = { 0 };
    const struct chat_message m = { "user", qs->q[i].turn[0], strlen(qs->q[i].turn[0]) };
    int rc = prompt_build(&p, r->tokenizer, r->chat, &m, 1, &err);
    ok(rc == 0 && (int)p.ids.n == n_want && !memcmp(p.ids.id, want, (size_t)n_want * sizeof *want), "question %lld: the prompt's %d ids",
       (long long)qs->q[i].id, n_want);
    prompt_free(&p);
}

static void submit(const struct rig *r, const struct questions *qs, const struct golden *g)
{
    struct err err = { 0 };
    for (int i = 0; i < g->n && i < qs->n; i++) {
        int n_prompt, n_ids = cJSON_GetArraySize(json_get(g->line[i], "ids"));
        int32_t *prompt = numbers(json_get(g->line[i], "prompt"), &n_prompt);
        check_prompt(r, qs, i, prompt, n_prompt);
        struct request q = { .tag = (uint64_t)i, .prompt = prompt, .n_prompt = n_prompt, .max_new = n_ids,
                             .how = { .top_p = 1, .repetition_penalty = 1 } };
        if (engine_submit(r->engine, &q, &err) < 0)
            ok(false, "submit: %s", err.text);
        free(prompt);
    }
}

/* 1: equal to the end. */
static int compare(const struct completion *c, const cJSON *line)
{
    int n;
    int32_t *want = numbers(json_get(line, "ids"), &n);
    int at = 0;
    while (at < n && at < c->n_token && want[at] == c->token[at])
        at++;
    const cJSON *gap = cJSON_GetArrayItem(json_get(line, "gap"), at);
    bool tie = at < n && gap && gap->valuedouble <= near_tie;
    if (at == n)
        ok(c->n_token == n, "answer %d: the %d tokens of transformers", (int)c->tag + 1, n);
    else
        ok(tie, "answer %d: %d of %d tokens, then a near-tie (gap of transformers' logits %g)", (int)c->tag + 1, at, n,
           gap ? gap->valuedouble : -1.0);
    free(want);
    return at == n;
}

static void check_answers(struct rig *r, const struct golden *g)
{
    struct questions qs = { 0 };
    struct buf b = { 0 };
    struct err err = { 0 };
    const struct completion *c;
    int equal = 0;
    ok(io_read("data/smoke/question.jsonl", &b, &err) == 0 && questions_parse("question.jsonl", b.data, b.len, &qs, &err) == 0 &&
           qs.n == g->n,
       "our questions");
    submit(r, &qs, g);
    while (engine_step(r->engine, NULL) > 0)
        ;
    while ((c = engine_collect(r->engine))) {
        equal += compare(c, g->line[c->tag]);
        engine_release(r->engine, c);
    }
    ok(equal * 2 > g->n, "%d of %d answers are equal to the end", equal, g->n);
    questions_free(&qs);
    buf_free(&b);
}

int main(void)
{
    struct golden g = { 0 };
    struct rig r = { 0 };
    struct err err = { 0 };
    read_golden(&g);
    if (access(model, R_OK) < 0) {
        skip(1, "the demo model is not here; data/fetch.sh brings it");
    } else {
        const struct rig_opts o = { .model_path = model, .threads = 2, .max_batch = MAX };
        if (ok(rig_open(&r, NULL, &o, &err) == 0 && rig_start(&r, &o, &err) == 0, "the demo model opens %s", err.text))
            check_answers(&r, &g);
        rig_close(&r);
    }
    for (int i = 0; i < g.n; i++)
        cJSON_Delete(g.line[i]);
    return done_testing();
}
