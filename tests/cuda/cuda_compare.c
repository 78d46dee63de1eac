/* cuda_compare.c - the CPU and the CUDA executor side by side, op by op, on tiny models: heads that pages pad, pages that are copied
 * because a second prompt begins alike, products of 16-bit weights. What goes on is the first one's bits, and no op is beyond what 16-bit
 * operands cost; tokens and what both compute in fp32 are equal. */
#include "golden_engine.h"
#include "side.h"

#include "mtbench/wrappers.h"

static double largest(const char *text, const char *op)
{
    const char *at = strstr(text, op);
    at = at ? strstr(at, "largest difference ") : NULL;
    return at ? atof(at + strlen("largest difference ")) : INFINITY;
}

static bool compute(const struct executor *x, const char *name, float logits[2][GOLDEN_VOCAB], struct err *err)
{
    struct golden_engine g;
    const bool done = golden_engine_open(&g, x, name, err) && golden_engine_logits(&g, 40, 20, logits[0], err) &&
        golden_engine_logits(&g, 33, 20, logits[1], err);
    golden_engine_close(&g);
    return done;
}

static void check(const char *name, const struct executor *first, const struct executor *second)
{
    float want[2][GOLDEN_VOCAB], got[2][GOLDEN_VOCAB];
    struct err err = { 0 };
    struct buf text = { 0 };
    side_way(0);
    ok(compute(first, name, want, &err) && compute(executor_compared(first, second, 0.02), name, got, &err) &&
       !memcmp(want, got, sizeof want), "%s: %s beside %s: the bits of %s alone go on %s", name, first->name, second->name, first->name,
       err.text);
    compare_put(&text);
    const char *said = strstr(text.data, compare_failed() ? "first beyond" : "nothing differs");
    ok(!compare_failed(), "%s: %.*s", name, (int)strcspn(said, "\n"), said);
    ok(largest(text.data, "embed ") == 0 && largest(text.data, "rope_kv ") == 0 && largest(text.data, "sample ") == 0,
       "%s: embedding, rotation and tokens are equal", name);
    ok(!*side_report(), "the emulator has nothing to report: %s", side_report());
    buf_free(&text);
    side_reset();
}

int main(void)
{
    static const char *const names[] = { "llama_gqa_tied", "smollm", "qwen2_window", "mistral_nemo" };
    struct err err = { 0 };
    if (executor_find("cuda")->devices(&err) == 0)
        return printf("Bail out! %s\n", err.text), 1;
    for (size_t i = 0; i < sizeof names / sizeof *names; i += side_looked_at() ? 2 : 1) {
        check(names[i], &executor_cpu, executor_find("cuda"));
        check(names[i], executor_find("cuda"), &executor_cpu);
    }
    return done_testing();
}
