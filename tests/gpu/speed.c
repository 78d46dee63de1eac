/* speed.c - tokens per second of the engine on a folder of weights, prompts and answers apart.
 *
 *   speed FOLDER DEVICE CONTEXT NEW SEQUENCES... [trace]
 *
 * For each number of sequences: prompts of CONTEXT tokens, all alike in length and none in content, are submitted at once; prompt tokens
 * per second until the last one has its first new token, then new tokens per second of the steps in which all sequences have one, and of
 * these the milliseconds of a step. Prints NAME <tab> VALUE <tab> UNIT, a line each, and with 'trace' the table of its operations
 * (wrappers.h), for which MTBENCH_CUDA_SYNC=1 waits for each of them. Exit code 77: no such device. */
#include "mtbench/clock.h"
#include "mtbench/mem.h"
#include "mtbench/rig.h"
#include "mtbench/wrappers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 256 };

static _Noreturn void fail(const struct err *e)
{
    fprintf(stderr, "speed: %s\n", e->text);
    exit(e->kind == ERR_DEVICE ? 77 : 1);
}

static int32_t some_token(int seq, int pos, int n_vocab)
{
    return (int32_t)(((uint32_t)seq * 7919u + (uint32_t)pos * 2654435761u) % (uint32_t)n_vocab);
}

static void submit(struct rig *r, int seq, int context, int n_new)
{
    struct err e;
    int32_t *prompt = xcalloc((size_t)context, sizeof *prompt);
    for (int i = 0; i < context; i++)
        prompt[i] = some_token(seq, i, r->model->config.n_vocab);
    /* no stop tokens: random weights may say one at any time */
    struct request q = { .tag = (uint64_t)seq, .prompt = prompt, .n_prompt = context, .max_new = n_new,
                         .how = { .top_p = 1, .repetition_penalty = 1 } };
    if (engine_submit(r->engine, &q, &e) < 0)
        fail(&e);
    free(prompt);
}

static int step(struct rig *r)
{
    struct err e;
    int live = engine_step(r->engine, &e);
    if (live < 0)
        fail(&e);
    return live;
}

static int started(struct rig *r, int n_seq)
{
    int n = 0, n_new;
    for (int i = 0; i < n_seq; i++)
        n += engine_peek(r->engine, (uint64_t)i, &n_new) && n_new > 0;
    return n;
}

static void release_all(struct rig *r)
{
    const struct completion *c;
    engine_cancel(r->engine);
    while ((c = engine_collect(r->engine)))
        engine_release(r->engine, c);
}

static void measure(struct rig *r, int n_seq, int context, int n_new)
{
    double start = clock_now(), prompts, answers;
    for (int i = 0; i < n_seq; i++)
        submit(r, i, context, n_new);
    while (started(r, n_seq) < n_seq && step(r) > 0)
        ;
    prompts = clock_now() - start;
    const struct engine_stats then = engine_stats(r->engine);
    start = clock_now();
    /* the first sequence to end leaves the others in smaller company */
    while (engine_stats(r->engine).steps - then.steps < (uint64_t)n_new / 2 && step(r) == n_seq)
        ;
    answers = clock_now() - start;
    const struct engine_stats now = engine_stats(r->engine);
    printf("prompts of %d tokens, %d at once\t%.4g\ttok/s\n", context, n_seq, (double)n_seq * context / prompts);
    printf("decode at context %d, %d sequences\t%.4g\ttok/s\n", context, n_seq, (double)(now.new_tokens - then.new_tokens) / answers);
    printf("a step of it\t%.4g\tms\n", 1e3 * answers / (double)(now.steps - then.steps));
    fflush(stdout);
    release_all(r);
}

int main(int argc, char **argv)
{
    struct err e = {0};
    struct rig r = {0};
    const bool trace = argc > 6 && !strcmp(argv[argc - 1], "trace");
    argc -= trace;
    int context = argc > 4 ? atoi(argv[3]) : 0, n_new = argc > 4 ? atoi(argv[4]) : 0, most = 0;
    for (int i = 5; i < argc; i++)
        most = atoi(argv[i]) > most ? atoi(argv[i]) : most;
    if (context < 1 || n_new < 8 || most < 1 || most > MOST) {
        fprintf(stderr, "usage: speed FOLDER cpu|cuda CONTEXT NEW SEQUENCES... [trace]; NEW is 8 or more, SEQUENCES at most %d\n", MOST);
        return 1;
    }
    struct rig_opts o = { .model_path = argv[1], .model_id = "speed", .chat_template = "raw", .max_batch = most,
                          .max_tokens = context + n_new + 1, .trace = trace,
                          .devices = { .device = strcmp(argv[2], "cpu") ? DEVICE_CUDA : DEVICE_CPU } };
    double start = clock_now();
    if (rig_open(&r, NULL, &o, &e) < 0 || rig_start(&r, &o, &e) < 0)
        fail(&e);
    printf("from start to ready, one process that reads alone\t%.4g\ts\n", clock_now() - start);
    for (int i = 5; i < argc; i++)
        measure(&r, atoi(argv[i]), context, n_new);
    if (trace) {
        struct buf table = {0};
        trace_put(&table);
        fwrite(table.data, 1, table.len, stdout);
        buf_free(&table);
    }
    rig_close(&r);
    return 0;
}
