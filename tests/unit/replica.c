/* replica.c - a rig whose replica has several members: the same answers, memory for all of them, and what cannot be spread. */
#include "mtbench/team.h"

#include "tap.h"
#include "tiny.h"

enum { REQUESTS = 3, NEW = 24 };

struct answers {
    int32_t token[REQUESTS][NEW];
    int n[REQUESTS];
};

static void answer(struct rig *r, struct answers *a)
{
    struct err err = { 0 };
    int32_t prompt[50];
    for (int i = 0; i < REQUESTS; i++) {
        for (int k = 0; k < 50; k++)
            prompt[k] = (k * (i + 5) + 3) % 90;
        engine_submit(r->engine, &(struct request){ .tag = (uint64_t)i, .prompt = prompt, .n_prompt = 40 + i, .max_new = NEW,
                                                    .how = { .top_p = 1, .repetition_penalty = 1, .temperature = i ? 0.7f : 0 } }, &err);
    }
    while (engine_step(r->engine, &err) > 0)
        continue;
    for (const struct completion *c; (c = engine_collect(r->engine)); engine_release(r->engine, c)) {
        a->n[c->tag] = c->n_token;
        memcpy(a->token[c->tag], c->token, (size_t)c->n_token * sizeof *c->token);
    }
}

static void test_spread(void)
{
    static struct answers one, got;
    uint64_t kv = 0;
    for (int members = 1; members <= 8; members *= 2) {
        struct err err = { 0 };
        struct tiny t;
        memset(&got, 0, sizeof got);
        const struct rig_opts o = { .max_batch = 4, .threads = 2, .devices.per_model = members, .devices.device = DEVICE_CPU };
        if (ok(tiny_open_of(&t, "llama_shards", NULL, NULL, o, &err) == 0, "a rig of %d members %s", members, err.text)) {
            answer(&t.rig, members == 1 ? &one : &got);
            struct engine_plan plan;
            engine_plan(t.rig.team, &(struct engine_opts){ .max_batch = 4 }, &plan, &err);
            kv = members == 1 ? plan.kv : kv;
            ok(members == 1 ? one.n[0] == NEW : !memcmp(&one, &got, sizeof one), "%d members: the same answers", members);
            ok(t.rig.n_threads == (members > 2 ? members : 2), "%d members: %d threads", members, t.rig.n_threads);
            /* 4 KV heads are dealt to up to 4 members, and held twice by 8 */
            ok(plan.kv == kv * (members == 8 ? 2 : 1), "%d members: a KV cache of %.1f MB", members, (double)plan.kv / 1e6);
        }
        tiny_close(&t);
    }
}

/* Three panels of a vocabulary on two members: the second has two of them. */
static void test_limit(void)
{
    struct rig_opts o = { .max_batch = 1, .threads = 1, .devices.per_model = 2, .devices.device = DEVICE_CPU };
    struct err err = { 0 };
    struct tiny t;
    double first = 0;
    if (ok(tiny_open_of(&t, "llama_shards", NULL, NULL, o, &err) == 0, "two members without a limit %s", err.text))
        first = (double)t.rig.model->packed_bytes;
    tiny_close(&t);
    o.devices.bytes = first + 64;
    const int rc = tiny_open_of(&t, "llama_shards", NULL, NULL, o, &err);
    ok(rc < 0 && err.kind == ERR_MEMORY && strstr(err.text, "--max-gpu-memory: the weights take"), "the limit is every member's: %s",
       err.text);
    tiny_close(&t);
}

static void test_refusals(void)
{
    static const struct { const char *model; struct rig_opts o; const char *says; } table[] = {
        { "smollm", { .devices.per_model = 2 }, "--num-gpus-per-model 2: this model of 3 heads, 1 KV heads" },
        { "llama_shards", { .devices.per_model = 3 }, "a model is cut in halves only; give 1, 2, 4 or 8" },
        { "llama_shards", { .devices.per_model = 16 }, "a model is cut in halves only; give 1, 2, 4 or 8" },
        { "llama_shards", { .devices.per_model = 1000000 }, "a model is cut in halves only; give 1, 2, 4 or 8" },
        { "llama_shards", { .devices.per_model = -1 }, "a model is cut in halves only; give 1, 2, 4 or 8" },
        { "llama_shards", { .devices.per_model = 2, .trace = true }, "--trace: looks at one device" },
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct err err = { 0 };
        struct tiny t;
        struct rig_opts o = table[i].o;
        o.max_batch = 1, o.devices.device = DEVICE_CPU;
        const int rc = tiny_open_of(&t, table[i].model, NULL, NULL, o, &err);
        ok(rc < 0 && err.kind == ERR_USAGE && strstr(err.text, table[i].says), "%s", err.text);
        tiny_close(&t);
    }
}

int main(void)
{
    test_spread();
    test_limit();
    test_refusals();
    return done_testing();
}
